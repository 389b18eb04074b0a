"""Numbers of runs in JSON, where there is no infinity: None stands for a run that failed."""

from __future__ import annotations

import math

import numpy as np

from zoba_bench.arrays import Array

__all__ = ["finite", "listed", "or_infinity"]


def finite(value: float) -> float | None:
    """The number, or None."""
    return float(value) if math.isfinite(value) else None


def or_infinity(value: float | None) -> float:
    """The number, or infinity for None."""
    return math.inf if value is None else value


def listed(values: Array) -> list[float | None]:
    """Numbers, one a replicate."""
    return [finite(value) for value in np.atleast_1d(values)]
