"""Whether F and G return the same value at the same point, where a problem declares them exact."""

from __future__ import annotations

import math
import warnings

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem

__all__ = ["NotExactError", "NotExactWarning", "SamePoint", "check_exact"]


#: What two evaluations of one point may differ by, relative to the value: what an inner tolerance or another order of
#: a sum leaves, and far below what a difference would notice.
_SAME = 1e-9
_SHOWN = 4  # coordinates in a message


class NotExactError(ValueError):
    """A function that is declared exact returned two values for one point."""


class NotExactWarning(UserWarning):
    """A function that is declared exact returned another value for a point that it had seen before."""


class SamePoint:
    """The levels without samples at one point, asked again and again. Nothing of it is counted.

    Parameters
    ----------
    problem : BilevelProblem
    z, x : arrays (p,) and (d,)

    Raises
    ------
    NotExactError
        If a level returns two values at once.
    """

    def __init__(self, problem: BilevelProblem, z: Array, x: Array) -> None:
        self._problem, self._z, self._x = problem, z, x
        samples = {"inner": problem.inner_samples, "outer": problem.outer_samples}
        self._values = {level: self._value(level) for level, number in samples.items() if number is None}
        words = self._changed()
        if words:
            raise NotExactError(f"{words}. {_WAY_OUT}")

    def look(self, iteration: int) -> None:
        """Ask again at iterations 1, 10, 100, ...; a value that has changed is named in a warning, once."""
        if iteration < 1 or not math.log10(iteration).is_integer():
            return
        words = self._changed()
        if words:
            self._values.clear()
            warnings.warn(f"{words}, in iteration {iteration}. {_WAY_OUT}", NotExactWarning, stacklevel=3)

    def _changed(self) -> str:
        for level, first in self._values.items():
            again = self._value(level)
            # Values that are not finite are the run's to report.
            if abs(again - first) > _SAME * max(abs(first), abs(again)):
                return (
                    f"{level} of problem {self._problem.name!r} is declared exact and returned {first!r} and {again!r} "
                    f"at the same point z = {_shown(self._z)}, x = {_shown(self._x)}"
                )
        return ""

    def _value(self, level: str) -> float:
        oracle = Oracle(self._problem, 1)  # its checks, and a counter that nobody reads
        value: Array = getattr(oracle, level)(self._z[None, None], self._x[None, None])
        return float(value[0, 0])


def check_exact(problem: BilevelProblem) -> None:
    """Refuse a problem with a function that returns two values at a start, where it is declared exact.

    Anything else that a function does there is for whoever runs it to report.
    """
    try:
        SamePoint(problem, *problem.initial_point(np.random.default_rng(0)))
    except NotExactError:
        raise
    except Exception:  # a user's function may raise anything
        return


_WAY_OUT = (
    "Fix the seed of its noise; or let it take the noise from an argument `sample` and declare their number as "
    "inner_samples or outer_samples; or use zoba_bench.minimize, which measures noise"
)


def _shown(point: Array) -> str:
    shown = ", ".join(f"{value:.6g}" for value in point[:_SHOWN])
    return f"[{shown}{', ...' if point.size > _SHOWN else ''}]"
