"""A user's two functions as the engine wants them: wrapped, and checked once at the start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.oracle import Oracle
from zoba_bench.problem.building import called

__all__ = ["CHECK_EVALUATIONS", "check_black_boxes", "wrap"]


CHECK_EVALUATIONS = 8  # most evaluations of check_black_boxes, both levels together


def wrap(level: str, function: Callable[..., Any], vectorized: bool) -> Callable[..., Array]:
    """The function for arrays z (..., p), x (..., d): itself, or a loop over the points."""
    if vectorized:
        return function

    def loop(z: Array, x: Array) -> Array:
        shape = np.broadcast_shapes(z.shape[:-1], x.shape[:-1])
        # Copies: a function that changes its arguments, or keeps them, harms nobody.
        points_z = np.broadcast_to(z, (*shape, z.shape[-1])).reshape(-1, z.shape[-1])
        points_x = np.broadcast_to(x, (*shape, x.shape[-1])).reshape(-1, x.shape[-1])
        values = [
            _number(level, called(level, function, a.copy(), b.copy())) for a, b in zip(points_z, points_x, strict=True)
        ]
        return np.array(values, dtype=np.float64).reshape(shape)

    return loop


def _number(level: str, value: Any) -> float:
    if type(value) is float or type(value) is np.float64:
        return float(value)
    if value is None:
        raise TypeError(f"{level} returned None; it must return its value, one real number")
    array = value if isinstance(value, np.ndarray) else None
    if array is None and isinstance(value, (str, bytes, complex, np.complexfloating)):
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


def check_black_boxes(oracle: Oracle, z: Array, x: Array, vectorized: bool) -> None:
    """Evaluate both functions at the start; errors say what to change. Counted."""
    for level, query in (("inner", oracle.inner), ("outer", oracle.outer)):
        value = float(query(z[None, None], x[None, None])[0, 0])
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
