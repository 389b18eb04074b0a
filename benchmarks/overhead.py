"""What a cell costs beside its work: in this process, in processes, and on a Dask cluster, and what its row takes.

    python -m benchmarks.overhead --cells 2000

The cells do nothing (they return one number), so that all of the time is overhead: keys, handing out, answers, and a
transaction a row.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from zoba_bench.cluster import Cluster, workers
from zoba_bench.execution import run_cells
from zoba_bench.ledger import Ledger
from zoba_bench.sweep import Cell


def idle(rng: np.random.Generator, n: int) -> dict[str, Any]:
    """The result of a cell that does nothing."""
    return {"n": n}


def measure(number: int, where: dict[str, Any]) -> tuple[float, float, float, float]:
    """Milliseconds a cell of wall time, of this process, and of the scheduler; bytes of ledger a cell."""
    cells = [Cell("benchmarks.overhead:idle", {"n": n}) for n in range(number)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.sqlite"
        pool = workers(**where)
        with Ledger(path) as ledger, pool or contextlib.nullcontext():
            warm = [Cell("benchmarks.overhead:idle", {"n": -n}) for n in range(1, 33)]
            run_cells(warm, ledger, workers=pool)
            before = _clocks(pool)
            run_cells(cells, ledger, workers=pool)
            spent = [1e3 * (b - a) / number for a, b in zip(before, _clocks(pool), strict=True)]
        return spent[0], spent[1], spent[2], path.stat().st_size / number


def _clocks(pool: Any) -> tuple[float, float, float]:
    """Wall time, and CPU time of this process and of the scheduler of a cluster."""
    scheduler = pool._client.run_on_scheduler(time.process_time) if isinstance(pool, Cluster) else 0.0
    return time.perf_counter(), time.process_time(), scheduler


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=2000)
    number = parser.parse_args().cells
    print("| cells run in | ms a cell | of which CPU of the driver | CPU of the scheduler | bytes of ledger a cell |")
    print("|---|---|---|---|---|")
    for name, where in {"this process": {}, "2 processes": {"jobs": 2}, "local:2": {"dask": "local:2"}}.items():
        wall, driver, scheduler, size = measure(number, where)
        print(f"| {name} | {wall:.2f} | {driver:.2f} | {scheduler:.2f} | {size:.0f} |", flush=True)


if __name__ == "__main__":
    main()
