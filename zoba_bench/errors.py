"""Errors that cross package borders."""

from __future__ import annotations

import traceback
from pathlib import Path

__all__ = ["SOLVER_MODULE", "DerivationError", "place_in_solver"]

#: How the names of modules begin that are read from the files of solvers.
SOLVER_MODULE = "zoba_bench_solver_"


class DerivationError(ValueError):
    """A derivation refuses its conclusion because one of its steps does not hold."""


def place_in_solver(error: BaseException) -> str:
    """Where in the file of a solver of one's own an exception passed last, as "mine.py, line 23, in step"; or ""."""
    place = ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        if str(frame.f_globals.get("__name__", "")).startswith(SOLVER_MODULE):
            place = f"{Path(frame.f_code.co_filename).name}, line {line}, in {frame.f_code.co_name}"
    return place
