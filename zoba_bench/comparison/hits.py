"""When a run first reaches each of the targets, which are fixed before anything runs and whatever the budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array

__all__ = ["ABSOLUTE", "MEASURES", "RELATIVE", "first_hits"]

#: What is measured against targets, by its name in a history.
MEASURES = ("stationarity", "gap")

#: Targets in themselves, two a power of ten from 100 down to 1e-8, as COCO has them between 100 and 1e-8.
ABSOLUTE: tuple[float, ...] = tuple(float(f"1e{k // 2}") if k % 2 == 0 else float(f"3e{k // 2}")
                                    for k in range(4, -17, -1))  # fmt: skip

#: Targets as shares of what is measured at the start.
RELATIVE: tuple[float, ...] = tuple(float(f"1e-{k}") for k in range(1, 8))


def first_hits(
    history: Mapping[str, NDArray[Any]], evaluations: Sequence[int], allowed: NDArray[np.bool_]
) -> dict[str, dict[str, list[list[int | None]]]]:
    """Evaluations at the first iterate that is at most a target, replicate by replicate.

    Parameters
    ----------
    history : mapping of a measure to (n, R) values; those of other names are left alone.
    evaluations : n numbers, spent before each row.
    allowed : (n, R) bool array
        Rows that count. One where Psi is above its value at the start counts for nothing: far out, where Psi is flat,
        its gradient says nothing.

    Returns
    -------
    dict
        Of each measure "absolute" and "relative": a list a replicate with a number for each of ``ABSOLUTE`` and
        ``RELATIVE``, None for a target that was not reached.
    """
    found = {}
    for name in MEASURES:
        if name not in history:
            continue
        values = np.abs(np.asarray(history[name], dtype=np.float64))
        best = np.minimum.accumulate(np.where(allowed & ~np.isnan(values), values, np.inf), axis=0)
        start = values[0]
        found[name] = {
            "absolute": [_reached(column, ABSOLUTE, evaluations) for column in best.T],
            "relative": [
                _reached(column, [share * first for share in RELATIVE], evaluations)
                for column, first in zip(best.T, start, strict=True)
            ],
        }
    return found


def _reached(best: Array, targets: Sequence[float], evaluations: Sequence[int]) -> list[int | None]:
    """Rows of a falling column that are the first at most each target, as evaluations."""
    rows = np.searchsorted(-best, [-target for target in targets])
    return [int(evaluations[row]) if row < len(best) else None for row in rows]
