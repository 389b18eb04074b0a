"""What an iteration takes beside its functions: over two floors, over JAX, and over an earlier version.

    python -m benchmarks.floors --quick
    python -m benchmarks.floors --before OLD/bin/python --page docs/measured/performance.md

Each side runs in a process of its own with one thread, in turns; shown are least CPU times. The floors are the
solver's draws and query points with oracle calls, and with direct calls of the problem's functions. The compiled loop
is that of `compiled=True` (extra `fast`). JAX (extra `peers`) runs the same algorithm, jitted, in float64; where both
have the same directions their iterates must agree first.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .floor import LONGER
from .performance_page import page, row, title

SIZES, DIRECTIONS, REPLICATES = (5, 20, 100, 500), (10, 100, 1000), (1, 16)
_HERE = Path(__file__).parent
_TIME = 0.05  # seconds that a run is to take, about; at least one iteration


class Worker:
    """A process that times cases; with a folder in ``path`` it finds the package there."""

    def __init__(self, python: str, file: str, path: Path | None = None) -> None:
        command = [python, str(_HERE / file)]
        environment = None if path is None else {**os.environ, "PYTHONPATH": str(path)}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def seconds(self, case: dict[str, Any], what: str) -> float:
        """CPU seconds of one run."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps({"case": case, "what": what}), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer or (found := json.loads(answer)) is None:
            raise RuntimeError(f"{what} of {case} failed")
        return float(found)

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def cases(solver: str, family: str, quick: bool) -> Iterator[dict[str, Any]]:
    """Every case, with as many iterations as take about ``_TIME``."""
    for l1 in DIRECTIONS[:2] if quick else DIRECTIONS:
        for size in SIZES[:2] if quick else SIZES:
            for replicates in REPLICATES:
                entries = replicates * l1 * size
                guess = 2e-4 + entries * (1e-7 + (1e-9 * size if family == "quad_general" else 0.0))
                yield {
                    "solver": solver, "size": size, "replicates": replicates, "l1": l1, "family": family,
                    "iterations": max(1, round(_TIME / guess)),
                }  # fmt: skip


def measured(workers: dict[str, tuple[Worker, str]], case: dict[str, Any], repeats: int) -> dict[str, float]:
    """Microseconds an iteration and replicate, by what ran: the least of interleaved repeats after a first one."""
    found: dict[str, list[float]] = {name: [] for name in workers}
    for _ in range(repeats + 1):
        for name, (worker, what) in workers.items():
            found[name].append(worker.seconds(case, what))
    each = 1e6 / (case["iterations"] * case["replicates"])
    scale = {name: LONGER if what == "compiled" else 1 for name, (_, what) in workers.items()}
    return {name: each * min(times[1:]) / scale[name] for name, times in found.items()}


def _command(asked: argparse.Namespace) -> str:
    """The command that writes the page, wherever the earlier version is."""
    words = ["python -m benchmarks.floors", f"--solver {asked.solver} --family {asked.family}"]
    words += ["--quick"] * asked.quick + ["--before OLD/bin/python"] * bool(asked.before)
    return " ".join([*words, f"--repeats {asked.repeats}", f"--page {asked.page}"])


def main() -> None:
    """Print the table, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--solver", choices=("zoba", "hf-zoba"), default="zoba", help="JAX has zoba only")
    parser.add_argument("--family", default="quad_general", help="JAX has quad_general and reference")
    parser.add_argument("--before", metavar="PYTHON", help="of an environment with an earlier version installed")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="the smaller half of the sizes")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the table and the words around it")
    asked = parser.parse_args()

    own = Worker(sys.executable, "floor.py")
    workers = {"now": (own, "solve"), "floor": (own, "floor"), "bare": (own, "bare")}
    if asked.before:
        workers["before"] = (Worker(asked.before, "floor.py"), "solve")
    if importlib.util.find_spec("numba"):
        workers["compiled"] = (own, "compiled")
    else:
        print('without the compiled loop: pip install -e ".[fast]"', file=sys.stderr)
    if asked.solver == "zoba" and asked.family in ("quad_general", "reference"):
        if importlib.util.find_spec("jax"):
            workers["jax"] = (Worker(sys.executable, "jax_loop.py"), "solve")
        else:
            print('without JAX: pip install -e ".[peers]"', file=sys.stderr)
    rows = []
    print(title(list(workers)), flush=True)
    planned = list(cases(asked.solver, asked.family, asked.quick))
    for case in planned:
        rows.append((case, measured(workers, case, asked.repeats)))
        print(row(*rows[-1]), flush=True)
        if asked.page:
            asked.page.write_text(page(rows, _command(asked), asked.repeats, len(planned)))
    for worker in {id(each): each for each, _ in workers.values()}.values():
        worker.close()


if __name__ == "__main__":
    main()
