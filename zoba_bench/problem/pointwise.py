"""A function of one point, in the part of Python that numba compiles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from zoba_bench.arrays import Array

__all__ = ["Pointwise", "pointwise"]


@dataclass(frozen=True, eq=False)
class Pointwise:
    """The value of G or F at one point, as a compiled loop asks for it.

    Attributes
    ----------
    function : callable(z, x, data) -> float
        At z (p,) and x (d,), which it leaves as they are. Only what numba compiles in its strict mode; an index out of
        range is not noticed there.
    data : tuple of arrays and floats
        What the value depends on beside the point. Instances of a family with one ``function`` and the same kinds of
        data share what is compiled.
    """

    function: Callable[[Array, Array, Any], float]
    data: tuple[Array | float, ...] = ()


def pointwise(
    evaluate: Callable[..., Array], function: Callable[[Array, Array, Any], float], *data: Array | float
) -> Callable[..., Array]:
    """The function that broadcasts, with what it is at one point as its attribute ``pointwise``.

    It belongs to the function and not to the problem: what replaces the function has lost it.
    """
    evaluate.pointwise = Pointwise(function, data)  # type: ignore[attr-defined]
    return evaluate
