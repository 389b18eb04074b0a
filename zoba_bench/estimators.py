"""Finite-difference surrogates of derivatives, as small pure functions.

Scalar coefficients
    ``central_difference`` ... ``penalised_difference`` turn function values into
    the scalar that multiplies a direction. They use arithmetic only, so the
    same function runs on arrays in the solvers and on sympy expressions in
    the derivations: what is derived is what runs. Each notes what it subtracts,
    for who asks what rounding hides (:mod:`zoba_bench.resolution`).
Contractions
    ``average``, ``hessian_action`` and ``cross_action`` average coefficient
    times direction over samples and directions. Directions have shape
    ``(..., b, l, n)`` (samples, directions, dimension), coefficients
    ``(..., b, l)``; results ``(..., n)``. No direction array is copied.

Source: the surrogates of ZOBA and HF-ZOBA (arXiv 2601.21836, authors' public code).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.resolution import note

__all__ = [
    "average",
    "central_difference",
    "cross_action",
    "difference_along",
    "forward_difference",
    "hessian_action",
    "mixed_difference",
    "penalised_difference",
    "project",
    "second_difference",
]


def central_difference(plus: Any, minus: Any, radius: Any) -> Any:
    """Coefficient [q(+) - q(-)] / (2 radius): a directional derivative."""
    found = (plus - minus) / (2 * radius)
    note((plus, minus), 2 * radius, (radius,), found)
    return found


def forward_difference(shifted: Any, centre: Any, radius: Any) -> Any:
    """Coefficient [q(+) - q] / radius: a directional derivative."""
    found = (shifted - centre) / radius
    note((shifted, centre), radius, (radius,), found)
    return found


def second_difference(plus: Any, minus: Any, centre: Any, first_radius: Any, second_radius: Any) -> Any:
    """Coefficient [q(+) + q(-) - 2 q] / (2 r1 r2): half a second directional derivative."""
    found = (plus + minus - 2 * centre) / (2 * first_radius * second_radius)
    note((plus, minus, centre), 2 * first_radius * second_radius, (first_radius, second_radius), found)
    return found


def mixed_difference(both: Any, first: Any, second: Any, centre: Any, first_radius: Any, second_radius: Any) -> Any:
    """Coefficient [q(1,2) - q(1) - q(2) + q] / (r1 r2): a mixed second directional derivative."""
    found = (both - first - second + centre) / (first_radius * second_radius)
    note((both, first, second, centre), first_radius * second_radius, (first_radius, second_radius), found)
    return found


def difference_along(displaced: Any, centre: Any, step: Any) -> Any:
    """Coefficient [c(z + step v) - c(z)] / step of two first-order coefficients c."""
    found = (displaced - centre) / step
    note((displaced, centre), step, (), found)
    return found


def penalised_difference(first: Any, second: Any, factor: Any) -> Any:
    """factor [q(1) - q(2)], at points that are about 1 / factor apart."""
    found = factor * (first - second)
    note((first, second), 1 / factor, (), found)
    return found


def project(directions: Array, vector: Array) -> Array:
    """Inner products of directions (..., b, l, n) with vectors (..., n); shape (..., b, l)."""
    projections: Array = np.matmul(directions, vector[..., None, :, None])[..., 0]
    return projections


def average(coefficients: Array, directions: Array) -> Array:
    """Mean over samples and directions of coefficient times direction; shape (..., n)."""
    b, l = directions.shape[-3:-1]
    # One product a sample: a reshape to (b l, n) would copy sliced direction arrays.
    products = np.matmul(coefficients[..., None, :], directions)
    if b == 1:  # the usual case without samples, where a sum over them costs as much as the product
        only: Array = products[..., 0, 0, :] / l
        return only
    sums = products[..., 0, :]
    mean: Array = sums.sum(axis=-2) / (b * l)
    return mean


def hessian_action(coefficients: Array, projections: Array, directions: Array, v: Array) -> Array:
    """Mean of s [(w'v) w - v]: surrogate of a Hessian times v from second differences s.

    ``projections`` are the w'v of :func:`project`. Unbiased for Gaussian w and quadratic q.
    """
    # What coefficients.mean(axis=(-2, -1)) does, in half its time for few directions.
    b, l = coefficients.shape[-2:]
    mean: Array = np.add.reduce(coefficients, axis=(-2, -1)) / (b * l)
    return average(coefficients * projections, directions) - mean[..., None] * v


def cross_action(coefficients: Array, projections: Array, directions: Array) -> Array:
    """Mean of c (w'v) u: surrogate of a mixed derivative times v."""
    return average(coefficients * projections, directions)
