"""What rounding hides from differences: a difference that vanishes because no value changed is no zero derivative.

The functions of :mod:`zoba_bench.estimators` note each difference that they form while a :class:`Watch` is on. The
driver asks it before it believes in a small estimate.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array

__all__ = ["Watch", "note", "note_values", "watching"]


_ROUNDOFF = float(np.finfo(np.float64).eps) / 2
#: A radius below so many units of rounding of the largest coordinate moves it by a wrong length, or not at all.
_UNITS = 20
#: Where all differences vanish, a slope of this size relative to the values could still be there: too much to be zero.
_COARSE = 1e-6
_KEPT = 64  # differences whose values are kept; earlier ones are summed up


class Watch:
    """The differences of one iteration of R replicates.

    An entry holds the values that were subtracted, (R, ...) arrays, the divisor, and the smoothing radii. Nothing is
    computed from them unless somebody asks.
    """

    def __init__(self, replicates: int) -> None:
        self._replicates = replicates
        self.clear()

    def clear(self) -> None:
        """Forget all: another iteration begins."""
        self._noted: list[tuple[tuple[Array, ...], Any, tuple[Any, ...], Array | None]] = []
        self._seen: dict[str, list[Array]] = {"inner": [], "outer": []}
        self._errors: dict[int, tuple[Array, Array]] = {}
        # (R,) arrays as soon as a difference was summed up.
        self._hidden: Any = 0.0
        self._relative: Any = 0.0
        self.finest = np.inf

    def add(self, values: tuple[Array, ...], divisor: Any, radii: tuple[Any, ...], result: Array | None) -> None:
        """A difference of values, its divisor and its result; ``radii`` are those by which points were moved."""
        self._noted.append((values, divisor, radii, result))
        if len(self._noted) > _KEPT:
            self._sum_up()

    def saw(self, level: str, *values: Array) -> None:
        """Arrays (R, ...) of values of a level, whatever is done with them."""
        seen = self._seen.get(level)
        if seen is not None and len(seen) < _KEPT:
            seen.extend(values)

    def blind(
        self, estimate: Array | None, tolerance: float, iterates: tuple[Array, ...], first: bool
    ) -> dict[int, str]:
        """Replicates whose estimate says nothing, since the differences behind it see rounding alone; and why.

        Parameters
        ----------
        estimate : (R,) array or None
            What is to be believed: that it is at most the tolerance, or zero.
        tolerance : float
        iterates : arrays (R, n)
            Around which points were moved.
        first : bool
            Whether radii are held against the points in any case, as is done once at the start of a run.
        """
        nowhere = np.zeros(self._replicates, dtype=bool)
        claimed = nowhere if estimate is None else estimate <= tolerance
        if not (first or np.count_nonzero(claimed)):
            return {}
        found: dict[int, str] = {}
        unmoved, vanished = self.unmoved(*iterates), nowhere if estimate is None else (estimate == 0) & self.coarse
        for r in map(int, np.flatnonzero(unmoved | vanished | claimed)):
            if unmoved[r]:
                found[r] = f"a radius of {self.finest:.3g} moves these points by rounding alone, or not at all"
            elif vanished[r]:
                found[r] = f"all differences vanish, where rounding hides derivatives up to {self.hidden[r]:.2g}"
            elif self.hidden[r] > tolerance > 0:
                found[r] = (
                    f"the estimate is below the tolerance, but rounding hides derivatives up to {self.hidden[r]:.2g}"
                )
            elif tolerance > 0 and self.constant[r]:
                found[r] = "no value of one of the functions changed in the last iteration"
        return found

    @property
    def hidden(self) -> Array:
        """(R,): the derivative that rounding may hide, the largest over the differences that were noted."""
        self._sum_up()
        found: Array = np.broadcast_to(self._hidden, self._replicates)
        return found

    @property
    def coarse(self) -> NDArray[np.bool_]:
        """(R,): whether a difference would not notice a slope of one millionth of the values that it subtracts."""
        self._sum_up()
        found: NDArray[np.bool_] = np.broadcast_to(self._relative, self._replicates) > _COARSE
        return found

    def unmoved(self, *iterates: Array) -> NDArray[np.bool_]:
        """(R,): whether a radius is too small to move these points (R, n) by anything like itself."""
        self._sum_up()
        largest = np.max([np.abs(iterate).max(axis=-1) for iterate in iterates], axis=0)
        found: NDArray[np.bool_] = self.finest < _UNITS * _ROUNDOFF * largest
        return found

    @property
    def constant(self) -> NDArray[np.bool_]:
        """(R,): whether all values of a level were the same, and not zero, where no difference was noted.

        For a solver that forms its differences itself.
        """
        same = np.zeros(self._replicates, dtype=bool)
        for values in self._seen.values() if not np.isfinite(self.finest) else ():
            if values:
                rows = np.concatenate([each.reshape(self._replicates, -1) for each in values], axis=1)
                first = rows[:, :1]
                same |= (rows.shape[1] > 1) & (rows == first).all(axis=1) & (first[:, 0] != 0)
        return same

    def _sum_up(self) -> None:
        for values, divisor, radii, result in self._noted:
            size = np.max([self._largest(each) for each in values], axis=0)
            error = np.max([self._error(each) for each in values], axis=0)
            smallest = self._smallest(divisor)
            with np.errstate(all="ignore"):
                hidden = error / smallest
                if not any(id(each) in self._errors for each in values):  # of values, not of differences
                    self._relative = np.fmax(self._relative, np.where(size > 0, hidden / size, 0.0))
            self._hidden = np.fmax(self._hidden, hidden)
            self.finest = min([self.finest, *(float(np.min(radius)) for radius in radii)])
            if result is not None:  # kept, so that no other array gets its id
                self._errors[id(result)] = (result, hidden)
                if len(self._errors) > _KEPT:
                    del self._errors[next(iter(self._errors))]
        self._noted = []

    def _largest(self, values: Array) -> Array:
        return np.asarray(np.abs(values).reshape(self._replicates, -1).max(axis=1))

    def _error(self, values: Array) -> Array:
        """Rounding of values, or of a difference that was noted before."""
        rounding = _ROUNDOFF * self._largest(values)
        before = self._errors.get(id(values))
        return rounding if before is None else np.fmax(rounding, before[1])

    def _smallest(self, divisor: Any) -> Any:
        if isinstance(divisor, np.ndarray) and divisor.ndim:
            return np.abs(divisor).reshape(len(divisor), -1).min(axis=1)
        return abs(divisor)


_watch: ContextVar[Watch | None] = ContextVar("watch", default=None)


def note(values: tuple[Any, ...], divisor: Any, radii: tuple[Any, ...] = (), result: Any = None) -> None:
    """Note a difference, where somebody watches; symbols are none of anybody's business."""
    watch = _watch.get()
    if watch is not None and isinstance(values[0], np.ndarray):
        watch.add(values, divisor, radii, result)


def note_values(level: str, *values: Array) -> None:
    """Note arrays of values of a level, where somebody watches."""
    watch = _watch.get()
    if watch is not None:
        watch.saw(level, *values)


@contextmanager
def watching(replicates: int) -> Iterator[Watch]:
    """Note the differences that are formed inside."""
    watch = Watch(replicates)
    token = _watch.set(watch)
    try:
        yield watch
    finally:
        _watch.reset(token)
