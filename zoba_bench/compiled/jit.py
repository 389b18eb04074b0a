"""Compiling with numba: strict, and with the arithmetic of numpy. This module imports numba: load it late."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
from numba.extending import overload

from zoba_bench.resolution import note

__all__ = ["compiled", "of_a_problem"]

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """The function, compiled when it is first called with its kinds of arguments."""
    return cast(Function, numba.njit(error_model="numpy")(function))


@functools.cache
def of_a_problem(function: Function) -> Function:
    """The same for the function of a problem, once for all instances of a family.

    Sums may be taken in another order there, which is what makes them fast.
    """
    return cast(Function, numba.njit(error_model="numpy", fastmath={"reassoc", "contract", "nsz"})(function))


@overload(note)  # type: ignore[untyped-decorator]
def _note(values: Any, divisor: Any, radii: Any = (), result: Any = None) -> Any:
    """Nobody watches what rounding hides in a compiled loop: who would ask runs the iteration without it."""

    def nothing(values: Any, divisor: Any, radii: Any = (), result: Any = None) -> None:
        pass

    return nothing
