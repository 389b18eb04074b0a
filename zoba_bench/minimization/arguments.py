"""The arguments of ``minimize``, checked: one value each, in the form in which it is used."""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from zoba_bench.arrays import Array
from zoba_bench.validation import check_whole, either, is_integer, is_number, real_numbers

__all__ = [
    "SCIPY_NAMES",
    "bounds_of",
    "by_name",
    "check_function",
    "count_or_none",
    "positive_or_none",
    "scale_of",
    "seed_of",
    "vector",
    "workers_of",
]


#: Arguments of scipy.optimize.minimize that this function has not, and what to do.
SCIPY_NAMES = {
    "options": "give maxiter, maxfev and tol as arguments of their own, and a solver's options too",
    "jac": "values alone are used; where derivatives are at hand, a method that takes them is better",
    "hess": "values alone are used; where derivatives are at hand, a method that takes them is better",
    "hessp": "values alone are used; where derivatives are at hand, a method that takes them is better",
    "constraints": "bounds= on x and z_bounds= on z are the only ones",
}


def by_name(callback: Any) -> bool:
    """Whether a callback names its argument ``intermediate_result``, which scipy then passes by that name."""
    try:
        parameters = inspect.signature(callback).parameters
    except (TypeError, ValueError):  # of a builtin
        return False
    named = parameters.get("intermediate_result")
    return named is not None and named.kind is not inspect.Parameter.POSITIONAL_ONLY


def count_or_none(**named: Any) -> int | None:
    """A positive whole number, or None, of an argument with two names; an error has the name that was used."""
    value = either(**named)
    if value is None:
        return None
    name = next(name for name, each in named.items() if each is not None)
    return check_whole(name, value)


def positive_or_none(**named: Any) -> float | None:
    """A positive finite number, or None, of an argument with two names."""
    value = either(**named)
    if value is None:
        return None
    name = next(name for name, each in named.items() if each is not None)
    if not (is_number(value) and 0 < value < math.inf):
        raise ValueError(f"{name} must be a positive finite number or None, got {value!r}")
    return float(value)


def seed_of(seed: Any) -> int | None:
    """A non-negative integer or None; of a Generator the next number that it draws."""
    if seed is None:
        return None
    if isinstance(seed, np.random.Generator):
        return int(seed.integers(2**63))
    if not is_integer(seed) or seed < 0:
        raise ValueError(f"seed must be a non-negative integer, a numpy Generator or None, got {seed!r}")
    return int(seed)


def check_function(name: str, value: object, takes: str) -> None:
    """Something that can be called."""
    if not callable(value):
        raise TypeError(f"{name} must be a function of {takes}, got {value!r}")


def workers_of(workers: Any) -> Any:
    """A positive integer, a map-like callable, or None."""
    if workers is None or callable(workers):
        return workers
    if not is_integer(workers) or workers < 1:
        raise ValueError(
            f"workers must be a positive integer, or a callable like map such as a pool's map, got {workers!r}"
        )
    return int(workers)


def vector(name: str, value: ArrayLike) -> Array:
    """A finite vector, as an array of its own."""
    try:
        array = np.array(real_numbers(value), dtype=np.float64)
    except TypeError as error:
        raise TypeError(f"{name} must be a vector of real numbers, got {value!r}: {error}") from None
    if array.ndim != 1 or array.size == 0:
        raise ValueError(
            f"{name} must be one-dimensional and not empty, got shape {array.shape}; wrap a number as [{name}]"
        )
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got {array!r}")
    return array


def scale_of(name: str, value: ArrayLike | None, size: int) -> Array:
    """Positive sizes, one a coordinate; a number stands for all."""
    if value is None:
        return np.ones(size)
    try:
        array = np.array(real_numbers(value), dtype=np.float64)
    except TypeError:
        raise TypeError(f"{name} must be a positive number or {size} of them, got {value!r}") from None
    if array.shape not in ((), (size,)) or not (np.isfinite(array) & (array > 0)).all():
        raise ValueError(f"{name} must be a positive number or {size} of them, got {value!r}")
    return np.broadcast_to(array, (size,)).copy()


def bounds_of(name: str, bounds: Any, start: Array) -> tuple[Array, Array] | None:
    """Lower and upper bounds; None where there are none.

    As scipy takes them: a ``Bounds`` object, or a pair (low, high) for each coordinate with None for no bound.
    """
    if bounds is None:
        return None
    size = len(start)
    wanted = f"{name} must be scipy's Bounds, or {size} pairs (low, high)"
    if hasattr(bounds, "lb") and hasattr(bounds, "ub"):
        sides: Sequence[Any] = (bounds.lb, bounds.ub)
    else:
        try:
            pairs = [tuple(pair) for pair in bounds]
        except TypeError as error:
            raise TypeError(f"{wanted}, got {bounds!r}") from error
        if len(pairs) != size or any(len(pair) != 2 for pair in pairs):
            raise ValueError(f"{wanted}, got {bounds!r}")
        sides = [[end if pair[k] is None else pair[k] for pair in pairs] for k, end in ((0, -np.inf), (1, np.inf))]
    try:
        lower, upper = (np.broadcast_to(real_numbers(side).astype(np.float64), (size,)).copy() for side in sides)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{wanted}, got {bounds!r}") from error
    if not (lower < upper).all():  # false for NaN
        raise ValueError(
            f"{name}: each lower bound must be below its upper one, got {lower!r} and {upper!r}; a variable that is "
            "fixed is better a constant of the functions"
        )
    outside = np.flatnonzero(~((lower <= start) & (start <= upper)))
    if len(outside):
        i, of = int(outside[0]), "z0" if name == "z_bounds" else "x0"
        raise ValueError(
            f"{name}: the start {start!r} is outside of them: {of}[{i}] = {start[i]:g} is not in "
            f"[{lower[i]:g}, {upper[i]:g}]; begin inside"
        )
    return None if np.isinf(lower).all() and np.isinf(upper).all() else (lower, upper)
