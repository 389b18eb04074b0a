"""A user's function as tasks for a worker: one point, or one array of points, in; values or an exception out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoba_bench.arrays import Array, fitted
from zoba_bench.oracle import Oracle, OracleError
from zoba_bench.problem.building import called
from zoba_bench.validation import real_numbers

__all__ = ["CHECK_EVALUATIONS", "BlackBox", "Finished", "check_black_boxes"]


CHECK_EVALUATIONS = 8  # most evaluations of check_black_boxes, both levels together


@dataclass(frozen=True)
class Finished:
    """Values (n,) of a task's points, or the exception that the function raised there."""

    values: Array | None = None
    error: Exception | None = None


@dataclass(frozen=True)
class BlackBox:
    """F or G as the user wrote it, in the user's units.

    Attributes
    ----------
    level : {"outer", "inner"}
    function : callable(z, x, *args)
    vectorized : bool
        Whether it takes z (n, p), x (n, d) and returns (n,); else it takes one point.
    args : tuple
    z_scale, x_scale : arrays (p,) and (d,)
        What the iterates are multiplied with before the function sees them.
    """

    level: str
    function: Callable[..., Any]
    vectorized: bool
    args: tuple[Any, ...]
    z_scale: Array
    x_scale: Array

    def finish(self, points: tuple[Array, Array]) -> Finished:
        """The task of points Z (n, p), X (n, d): never raises what the function raises, only a stop of the process."""
        try:
            return Finished(self(*points))
        except Exception as error:  # a user's function may raise anything
            return Finished(error=error)

    def __call__(self, Z: Array, X: Array) -> Array:
        """Values (n,) at points Z (n, p), X (n, d)."""
        # New arrays, one a point: a function that changes its arguments, or keeps them, harms nobody.
        Z, X = Z * self.z_scale, X * self.x_scale
        if self.vectorized:
            return self._many(Z, X)
        return np.array([self._one(z, x) for z, x in zip(map(np.copy, Z), map(np.copy, X), strict=True)], dtype=float)

    def _one(self, z: Array, x: Array) -> float:
        # The shapes of before the call, which may change its arguments.
        shapes = z.shape, x.shape
        try:
            value = called(self.level, self.function, z, x, *self.args)
        except Exception as error:  # a user's function may raise anything
            _note_order(error, *shapes)
            raise
        try:
            return _number(self.level, value)
        except (TypeError, ValueError) as error:
            error.add_note(
                f"zoba-bench called {self.level} with one point: z of shape {shapes[0]}, x of shape {shapes[1]}"
            )
            raise

    def _many(self, Z: Array, X: Array) -> Array:
        for array in (Z, X):
            array.setflags(write=False)
        try:
            found = self.function(Z, X, *self.args)
        except Exception as error:  # a user's function may raise anything
            note = f"zoba-bench called {_call(self.level, Z, X)}; if it takes one point, {_SINGLE}"
            if "read-only" in str(error):
                note += "; z and x are read-only: a function that changes them works on copies"
            error.add_note(note)
            _note_order(error, Z.shape, X.shape)
            raise
        try:
            return self._values(found, Z, X)
        except OracleError as error:
            error.add_note(f"zoba-bench called {_call(self.level, Z, X)}")
            raise

    def _values(self, found: Any, Z: Array, X: Array) -> Array:
        if found is None:
            raise OracleError(f"{self.level} returned None for {len(Z)} points: it must return their values")
        try:
            values = real_numbers(found)
        except TypeError as error:
            raise OracleError(f"{self.level} returned {error}") from None
        values = fitted(values, (len(Z),), Z, X)
        if values.shape != (len(Z),):
            raise OracleError(
                f"{self.level} returned shape {values.shape} for z of shape {Z.shape} and x of shape {X.shape}; "
                f"expected {(len(Z),)}: one value for each point, the last axis reduced; if it takes one point, "
                f"{_SINGLE}"
            )
        return values.astype(np.float64)


_SINGLE = "pass vectorized=False to minimize"
_OF_SHAPES = re.compile("shape|size|dimension|broadcast|index|argument|aligned")
_NO_NUMBERS = (str, bytes, complex, np.complexfloating, np.timedelta64, np.datetime64)


def _call(level: str, Z: Array, X: Array) -> str:
    return f"{level} with z of shape {Z.shape} and x of shape {X.shape}"


def _note_order(error: Exception, z: tuple[int, ...], x: tuple[int, ...]) -> None:
    """Say which argument comes first where the error may be of arguments, or starts, in a wrong order."""
    if z != x and isinstance(error, (TypeError, ValueError, IndexError)) and _OF_SHAPES.search(str(error)):
        error.add_note(
            f"functions take (z, x), z first: here z has shape {z}, as z0 has {z[-1]} entries, and x {x}, as x0 has "
            f"{x[-1]}; minimize takes x0 before z0"
        )


def _number(level: str, value: Any) -> float:
    if type(value) is float or type(value) is np.float64:
        return float(value)
    if value is None:
        raise TypeError(f"{level} returned None; it must return its value, one real number")
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise TypeError(f"{level} returned a masked value, which is none; it must return one real number")
    array = value if isinstance(value, np.ndarray) else None
    if array is None and isinstance(value, _NO_NUMBERS):
        raise TypeError(f"{level} returned {value!r}; it must return one real number")
    try:
        array = np.asarray(value, dtype=np.float64) if array is None or array.dtype.kind in "fiub" else None
    except (TypeError, ValueError):
        array = None
    if array is None:
        raise TypeError(f"{level} returned {type(value).__name__} {value!r}; it must return one real number")
    if array.shape != ():
        raise ValueError(
            f"{level} returned an array of shape {array.shape} for one point z (p,), x (d,); it must return "
            "one real number: reduce it, or pass vectorized=True if it takes many points at once"
        )
    return float(array)


def check_black_boxes(oracle: Oracle, z: Array, x: Array, vectorized: bool) -> dict[str, float]:
    """Evaluate both functions at the start, and return the values; errors say what to change. Counted."""
    found = {}
    for level, query in (("inner", oracle.inner), ("outer", oracle.outer)):
        value = found[level] = float(query(z[None, None], x[None, None])[0, 0])
        if not np.isfinite(value):
            raise ValueError(f"{level} returned {value} at the start point z0={z!r}, x0={x!r}; start elsewhere")
        if not vectorized:
            continue
        shift = 1e-3 * np.arange(3)[:, None]
        several = query((z + shift)[None], (x - shift)[None])
        if not np.isclose(several[0, 0], value, rtol=1e-6, atol=1e-12):
            raise ValueError(
                f"{level} gives {several[0, 0]} for the start point among three points, and {value} for it "
                "alone: it mixes the points; reduce the last axis only, or pass vectorized=False"
            )
    return found
