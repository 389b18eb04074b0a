"""Problems whose inner level is a mean loss with exponential penalties, and whose outer one the loss on other rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array, linear_map, spread, spread_vectors
from zoba_bench.problem import BilevelProblem, Card
from zoba_bench.problem.capabilities import Capabilities

from ._implicit import closed_forms

__all__ = ["Losses", "penalised"]


class Losses(Protocol):
    """Losses of rows: one value a row, and derivatives of weighted sums."""

    n: int
    p: int

    def losses(self, z: Array) -> Array:
        """(..., n)."""

    def slope(self, z: Array, weights: Array) -> Array:
        """(..., p)."""

    def product(self, z: Array, v: Array, weights: Array) -> Array:
        """(..., p)."""

    def hessian(self, z: Array, weights: Array) -> Array:
        """(..., p, p)."""


#: Certificates draw x where exp(x) is a number of the data's size: beyond, closed forms hold but lose digits.
_REACH = 5.0


def _region(z: Array, x: Array) -> tuple[Array, Array]:
    return np.clip(z, -_REACH, _REACH), np.clip(x, -_REACH, _REACH)


class _Mean:
    """The mean of the losses of some rows."""

    def __init__(self, of: Losses) -> None:
        self.of, self.weights = of, np.full(of.n, 1.0 / of.n)

    def value(self, z: Array) -> Array:
        return np.asarray(np.vecdot(self.of.losses(z), self.weights))

    def slope(self, z: Array) -> Array:
        return self.of.slope(z, self.weights)

    def product(self, z: Array, v: Array) -> Array:
        return self.of.product(z, v, self.weights)

    def hessian(self, z: Array) -> Array:
        return self.of.hessian(z, np.broadcast_to(self.weights, (*z.shape[:-1], self.of.n)))


def penalised(
    name: str, train: Losses, validation: Losses, blocks: NDArray[np.integer], *,
    weights: Array | None = None,
    start: Callable[[np.random.Generator], tuple[Array, Array]], card: Card, parameters: Mapping[str, Any],
    capabilities: Capabilities,
) -> BilevelProblem:  # fmt: skip
    """G = mean loss of ``train`` + sum_j exp(x_b(j)) z_j^2 / 2, F = mean loss of ``validation`` + sum_j w_j z_j^2 / 2.

    Parameters
    ----------
    blocks : (p,) integers
        b(j), from 0 to d - 1.
    weights : (p,) array or None
        w; zero where None.
    """
    fit, check = _Mean(train), _Mean(validation)
    p, d = train.p, int(blocks.max()) + 1
    member = (blocks[:, None] == np.arange(d)).astype(np.float64)  # (p, d)

    def inner(z: Array, x: Array) -> Array:
        penalty: Array = np.vecdot(np.exp(x), linear_map(z * z, member))
        return fit.value(z) + 0.5 * penalty

    def outer(z: Array, x: Array) -> Array:
        value = check.value(z)
        return spread(value if weights is None else value + 0.5 * np.vecdot(z * z, weights), x)

    def strength(x: Array) -> Array:
        return np.exp(x)[..., blocks]

    def inner_grad_z(z: Array, x: Array) -> Array:
        return fit.slope(z) + strength(x) * z

    def inner_grad_x(z: Array, x: Array) -> Array:
        return np.asarray(0.5 * np.exp(x) * linear_map(z * z, member))

    def outer_grad_z(z: Array, x: Array) -> Array:
        slope = check.slope(z)
        return spread_vectors(slope if weights is None else slope + weights * z, x)

    def outer_grad_x(z: Array, x: Array) -> Array:
        return spread_vectors(np.zeros(d), z, x)

    def curvature(z: Array, x: Array) -> Array:
        H = fit.hessian(z) + strength(x)[..., None] * np.eye(p)
        return np.asarray(H)

    def cross(z: Array, x: Array, v: Array) -> Array:
        return np.asarray(np.exp(x) * linear_map(z * v, member))

    def inner_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        return curvature(z, x), member.T * (strength(x) * z), np.diag(inner_grad_x(z, x))

    def outer_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        distortion = np.diag(np.zeros(p) if weights is None else weights)
        return check.hessian(z) + distortion, np.zeros((d, p)), np.zeros((d, d))

    return BilevelProblem(
        name=name, p=p, d=d, inner=inner, outer=outer, inner_grad_z=inner_grad_z, inner_grad_x=inner_grad_x,
        outer_grad_z=outer_grad_z, outer_grad_x=outer_grad_x,
        inner_hvp_zz=lambda z, x, v: np.asarray(fit.product(z, v) + strength(x) * v),
        inner_jvp_xz=cross, inner_jvp_zx=lambda z, x, u: np.asarray(strength(x) * z * u[..., blocks]),
        inner_hessian=inner_hessian, outer_hessian=outer_hessian, start=start, card=card, parameters=parameters,
        capabilities=capabilities, region=_region,
        **closed_forms(inner, outer, slope=inner_grad_z, curvature=curvature, outer_slope=outer_grad_z,
                       outer_x=outer_grad_x, cross=cross, start=np.zeros(p)),
    )  # fmt: skip
