"""Puts the solvers and the data set into a benchmark's folder."""

from __future__ import annotations

import shutil
from pathlib import Path

__all__ = ["copy_to", "folder"]


def folder() -> Path:
    """Where this benchmark stands: what ``benchopt run`` takes."""
    return Path(__file__).parent


def copy_to(benchmark: str | Path) -> list[Path]:
    """Copy the solvers and the data set into a benchmark with the interface of benchopt/benchmark_bilevel.

    Parameters
    ----------
    benchmark : path
        The benchmark's folder, which holds ``objective.py``.

    Returns
    -------
    list of Path
        The files that were written, named "zoba_bench_..."; those of an earlier copy are replaced.

    Raises
    ------
    ValueError
        For a folder that is no benchmark.
    """
    target = Path(benchmark)
    if not (target / "objective.py").is_file():
        raise ValueError(f"{target} is no folder of a benchmark: it holds no objective.py")
    written = []
    for kind in ("solvers", "datasets"):
        (target / kind).mkdir(exist_ok=True)
        for file in sorted((folder() / kind).glob("*.py")):
            written.append(target / kind / f"zoba_bench_{file.name}")
            shutil.copyfile(file, written[-1])
    return written
