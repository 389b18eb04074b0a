"""Natural sizes of the variables: over which length the functions look quadratic along one coordinate.

Differences whose step is of the size of another variable say nothing: a function of x / 1e-3 looks rough to steps of
1e-2, one of x / 1e3 flat. Second differences at lengths over nine decades tell: they agree with each other where steps
are neither lost in rounding nor longer than the variable's own size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array
from zoba_bench.minimization.implicit.noise import Level

__all__ = ["ODD", "UNEVEN", "along", "condition", "falling", "natural", "odd", "sizes_of_x", "smooth"]

#: Ratio of |x0_i| to the median of the others from which on the start shows variables of other sizes.
ODD = 300.0
#: Ratio of two measured sizes, relative to the units of a run, at which they explain what it ended with.
UNEVEN = 30.0
_DECADES = 10.0 ** np.arange(-6.0, 4.0)
_AGREE = 0.3  # relative difference of second differences at neighbouring lengths
_ROUNDING = 40.0  # multiple of a value's rounding that a second difference must exceed


def natural(start: Array) -> float:
    """A unit: 1, or the size of the start where that is far from 1."""
    size = float(np.sqrt(np.mean(start**2))) if len(start) else 0.0
    return 1.0 if size == 0.0 or 0.03 <= size <= 30.0 else 2.0 ** round(math.log2(size))


def odd(start: Array) -> NDArray[np.intp]:
    """Coordinates of a start whose size is far from that of the others; a zero shows no size."""
    size = np.abs(start)
    if not size.any():
        return np.zeros(0, dtype=np.intp)
    ratio = np.where(size > 0, size, 1.0) / np.median(size[size > 0])
    return np.flatnonzero((size > 0) & ((ratio > ODD) | (ratio < 1 / ODD)))


def smooth(level: Level, z: Array, x: Array, row: int, lengths: tuple[float, float], base: float) -> bool:
    """Whether second differences along a coordinate at two lengths agree: 4 values.

    Neighbouring lengths would not do: far outside of its own size a function may be another quadratic one.
    """
    u = np.zeros(level.p + level.d)
    u[row] = 1.0
    steps = np.array(lengths)
    with np.errstate(all="ignore"):
        up, down = level.line(z, x, u, np.concatenate([steps, -steps])).reshape(2, -1)
        rounding = _ROUNDING * level.relative * np.maximum(np.maximum(np.abs(up), np.abs(down)), abs(base))
        second = (up + down - 2 * base) / steps**2
        slack = float(np.sum(rounding / steps**2))
        return bool(abs(second[0] - second[1]) <= _AGREE * float(np.abs(second).max()) + slack)


def along(level: Level, z: Array, x: Array, u: Array, base: float) -> tuple[float, float]:
    """(Length over which the level looks quadratic along u, second derivative there): infinite and 0 if unknown.

    Values at 20 points at most. At a kink second differences are c / step, and no two agree.
    """
    room = min(level.room(z, x, int(row)) / abs(float(u[row])) for row in np.flatnonzero(u))
    steps = _DECADES[room >= _DECADES]
    if len(steps) < 2 or not math.isfinite(base):
        return math.inf, 0.0
    with np.errstate(all="ignore"):
        up, down = level.line(z, x, u, np.concatenate([steps, -steps])).reshape(2, -1)
        change = up + down - 2 * base
        rounding = level.relative * np.maximum(np.maximum(np.abs(up), np.abs(down)), abs(base))
        shown = np.isfinite(change) & (np.abs(change) > _ROUNDING * rounding)
        second = change / steps**2
        pairs = np.abs(np.diff(second)) <= _AGREE * np.maximum(np.abs(second[1:]), np.abs(second[:-1]))
    pairs &= shown[1:] & shown[:-1]
    if not pairs.any():
        return math.inf, 0.0
    first = int(np.argmax(pairs))
    last = first + (int(np.argmin(pairs[first:])) if not pairs[first:].all() else len(pairs) - first)
    return (math.inf if last == len(steps) - 1 else float(steps[last])), float(second[first])


def sizes_of_x(
    bases: Sequence[tuple[Level, float]], z: Array, x: Array, rows: NDArray[np.intp], curvature: float = 0.0
) -> Array:
    """Natural sizes of some x, in the units of the levels, infinite where nothing shows one: 40 values each.

    ``bases`` are F and G with their values at the point. ``curvature`` is that of G in z: x_i is not larger than makes
    its own the same, so that it has a size where both look quadratic at every length.
    """
    found = np.full(len(rows), math.inf)
    for k, i in enumerate(rows):
        u = np.zeros(len(z) + len(x))
        u[len(z) + i] = 1.0
        (short_F, _), (short_G, own) = (along(level, z, x, u, base) for level, base in bases)
        found[k] = min(short_F, short_G, math.sqrt(curvature / abs(own)) if curvature > 0 and own != 0 else math.inf)
    return found


def falling(level: Level, z: Array, x: Array, direction: Array, base: float) -> float:
    """Curvature of the level along a direction of z in which it falls, ever steeper, at every length: 0 if it does not.

    Nine values, at lengths up to a million times the direction; those that are not finite say nothing.
    """
    steps = 10.0 ** np.arange(-2.0, 7.0)
    with np.errstate(all="ignore"):
        values = level.line(z, x, np.r_[direction, np.zeros(level.d)], steps)
        slopes = np.diff(np.r_[base, values]) / np.diff(np.r_[0.0, steps])
    finite = np.isfinite(slopes)
    if np.count_nonzero(finite) < 4 or not (slopes[finite] < 0).all() or not (np.diff(slopes[finite]) < 0).all():
        return 0.0
    first, second = slopes[:2] if finite[:2].all() else slopes[finite][:2]
    length = float(np.linalg.norm(direction * level.unit_z))
    return float(2 * (second - first) / (steps[1] * length**2))


def condition(matrix: Array, unit: Array) -> float:
    """Condition number of a symmetric matrix in the user's units; infinite where it is singular."""
    values = np.abs(np.linalg.eigvalsh(matrix / np.outer(unit, unit)))
    return float(values.max() / values.min()) if values.min() > 0 else math.inf
