"""Maps m(x) = g(Mx), which links take for their minimisers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from zoba_bench.arrays import Array, linear_map

from .._base.bounds import times
from .._base.family import spectral_norm
from .._base.scalars import Scalar

__all__ = ["Coupling", "Elementwise", "coupling", "scaled"]


Elementwise = Callable[[Array], Array]


def scaled(weight: float, values: Array) -> Array:
    """weight * values, without the pass over memory where the weight is 1."""
    return values if weight == 1.0 else weight * values


@dataclass(frozen=True, eq=False)
class Coupling:
    """A map m(x) = g(Mx), g entry by entry; made by :func:`coupling`.

    Attributes
    ----------
    matrix, transposed : (p, d) and (d, p) arrays, C-contiguous
        M and M'.
    function : Scalar or None
        g; the identity if None.
    linear, value : callable(x) -> Mx, m(x)
    gap : callable(x, target) -> m(x) - m(target), to relative accuracy
    lipschitz, bend : float or None
        Lipschitz constants of m and of Dm.
    """

    matrix: Array
    transposed: Array
    function: Scalar | None
    linear: Elementwise
    value: Elementwise
    gap: Callable[[Array, Array], Array]
    lipschitz: float | None
    bend: float | None

    def pull(self, x: Array, w: Array) -> Array:
        """Dm(x)' w."""
        if self.function is not None:
            w = self.function.first(self.linear(x)) * w
        return linear_map(w, self.matrix)


def coupling(matrix: ArrayLike, function: Scalar | None = None) -> Coupling:
    """The map m(x) = Mx, or m(x) = g(Mx) with a strictly increasing g.

    Parameters
    ----------
    matrix : (p, d) array_like
        M.
    function : Scalar, optional
        g; needs ``step``, and ``first_bound`` and ``second_bound`` for constants.

    Raises
    ------
    ValueError
        For a matrix that is not a finite two-dimensional array, or a function without ``step``.
    """
    M = np.array(matrix, dtype=np.float64, order="C")
    if M.ndim != 2 or not M.size or not np.isfinite(M).all():
        raise ValueError(f"matrix must be a finite array of shape (p, d), got {matrix!r}")
    M.setflags(write=False)
    M_T = np.ascontiguousarray(M.T)
    norm = spectral_norm(M)

    def linear(x: Array) -> Array:
        return linear_map(x, M_T)

    if function is None:

        def linear_gap(x: Array, target: Array) -> Array:
            return linear_map(x - target, M_T)

        return Coupling(M, M_T, None, linear, linear, linear_gap, norm, 0.0)
    g, step = function.value, function.step
    if step is None:
        raise ValueError("the function of a coupling needs `step`: g(base + step) - g(base) without cancellation")

    def value(x: Array) -> Array:
        return g(linear_map(x, M_T))

    def gap(x: Array, target: Array) -> Array:
        return step(M @ target, linear_map(x - target, M_T))

    lipschitz, bend = times(norm, function.first_bound), times(norm**2, function.second_bound)
    return Coupling(M, M_T, function, linear, value, gap, lipschitz, bend)
