"""What the problems of the SMD test set share: two variables coupled through a link, the others alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from zoba_bench.arrays import Array, blockwise, dot, frozen, spread_vectors, square_norm
from zoba_bench.problem import BilevelProblem, Card, Constants
from zoba_bench.problem.symbolic import Symbolic
from zoba_bench.validation import check_dimension

from .._base.separable import SHARE_OF_RADIUS

__all__ = [
    "CUBES",
    "LOGARITHM",
    "SQUARES",
    "TANGENT",
    "Alone",
    "Griewank",
    "Link",
    "build_coupled",
    "check_coupled",
    "start_inside",
]


Scalar = Callable[[Array], Array]

# Below, the logarithm goes on as its quadratic Taylor polynomial.
_LOWEST = 1e-3


class Link(NamedTuple):
    """l(z_2) of the coupling term |x_2 - l(z_2)|^2, its derivatives, and its inverse."""

    value: Scalar
    first: Scalar
    second: Scalar
    inverse: Scalar


class Alone(NamedTuple):
    """What a level adds in x_1 alone: value, gradient, Hessian at one point."""

    value: Scalar
    gradient: Scalar
    hessian: Scalar


def _tangent_slope(z: Array) -> Array:
    slope: Array = 1 + np.tan(z) ** 2
    return slope


TANGENT = Link(np.tan, _tangent_slope, lambda z: 2 * np.tan(z) * _tangent_slope(z), np.arctan)


def _below(z: Array) -> Array:
    return np.minimum((z + (1 - _LOWEST)) / _LOWEST, 0.0)


def _log(z: Array) -> Array:
    low = _below(z)
    values: Array = np.log1p(np.maximum(z, _LOWEST - 1)) + low - 0.5 * low**2
    return values


def _log_first(z: Array) -> Array:
    slope: Array = (1 - _below(z)) / np.maximum(1 + z, _LOWEST)
    return slope


def _log_second(z: Array) -> Array:
    bend: Array = -1 / np.maximum(1 + z, _LOWEST) ** 2
    return bend


LOGARITHM = Link(_log, _log_first, _log_second, np.expm1)


def _cubes(x: Array) -> Array:
    return dot(x * x, x)


SQUARES = Alone(square_norm, lambda x: 2 * x, lambda x: 2 * np.eye(len(x)))
CUBES = Alone(_cubes, lambda x: 3 * x**2, lambda x: np.diag(6 * x))


class Griewank:
    """1 + |x|^2/scale - prod cos(x_i / sqrt i) on R^n, exact near 0; derivatives through t_i = tan(x_i / sqrt i)."""

    def __init__(self, n: int, scale: float) -> None:
        self.roots, self.scale = np.sqrt(np.arange(1.0, n + 1)), scale

    def value(self, x: Array) -> Array:
        # 1 - prod (1 - h_i) = sum h_i prod_{j<i} (1 - h_j), with h = 2 sin^2 half the angle.
        if not len(self.roots):
            return np.zeros(x.shape[:-1])
        h = 2 * np.sin(0.5 * x / self.roots) ** 2
        before = np.ones(h.shape)
        before[..., 1:] = np.cumprod(1 - h[..., :-1], axis=-1)
        return dot(h, before) + square_norm(x) / self.scale

    def parts(self, x: Array) -> tuple[Array, Array]:
        """The product of cosines (..., 1) and t_i / sqrt i."""
        angles = x / self.roots
        return np.cos(angles).prod(axis=-1, keepdims=True), np.tan(angles) / self.roots

    def gradient(self, x: Array) -> Array:
        product, t = self.parts(x)
        return np.asarray(2 * x / self.scale + product * t)

    def along(self, x: Array, v: Array) -> Array:
        """The Hessian times v."""
        product, t = self.parts(x)
        bent = (1 / self.roots**2 + t**2) * v - t * dot(t, v)[..., None]
        return np.asarray(2 * v / self.scale + product * bent)

    def hessian(self, x: Array) -> Array:
        return self.along(x, np.eye(len(x)))


def start_inside(p: int, d: int, radius: float) -> Callable[[np.random.Generator], tuple[Array, Array]]:
    """Inside the region at both levels: z at half the radius, x at three quarters of it."""

    def start(rng: np.random.Generator) -> tuple[Array, Array]:
        z, x = rng.standard_normal(p), rng.standard_normal(d)
        return 0.5 * radius * z / np.linalg.norm(z), SHARE_OF_RADIUS * radius * x / np.linalg.norm(x)

    return start


def check_coupled(p: int, d: int, r: int | None) -> int:
    """The number of coupled variables; half of the smaller level by default."""
    r = max(1, min(p, d) // 2) if r is None else check_dimension("r", r)
    if r > min(p, d):
        raise ValueError(f"r must be at most min(p, d) = {min(p, d)}, got {r!r}")
    return r


def build_coupled(
    name: str,
    p: int,
    d: int,
    r: int,
    *,
    link: Link,
    inner_alone: Alone,
    outer_alone: Alone | Griewank,
    sign: float,
    constants: Constants,
    symbolic: Callable[[], Symbolic],
    parameters: dict[str, Any],
    card: Card,
) -> BilevelProblem:
    """G = g(x_1) + |z_1|^2 + |x_2 - l(z_2)|^2, F = f(x_1) + |x_2|^2 + sign (|z_1|^2 + |x_2 - l(z_2)|^2)."""
    q, c = p - r, d - r

    def apart(z: Array, x: Array) -> Array:
        gap: Array = x[..., c:] - link.value(z[..., q:])
        return gap

    def shared(z: Array, x: Array) -> Array:
        return square_norm(z[..., :q]) + square_norm(apart(z, x))

    def inner(z: Array, x: Array) -> Array:
        return shared(z, x) + inner_alone.value(x[..., :c])

    def outer(z: Array, x: Array) -> Array:
        return sign * shared(z, x) + outer_alone.value(x[..., :c]) + square_norm(x[..., c:])

    def inner_solution(x: Array) -> Array:
        z = np.zeros((*x.shape[:-1], p))
        z[..., q:] = link.inverse(x[..., c:])
        return z

    def adjoint(x: Array) -> Array:
        return np.zeros((*x.shape[:-1], p))

    def value(x: Array) -> Array:
        return outer_alone.value(x[..., :c]) + square_norm(x[..., c:])

    def hypergradient(x: Array) -> Array:
        return np.concatenate([outer_alone.gradient(x[..., :c]), 2 * x[..., c:]], axis=-1)

    def inner_grad_z(z: Array, x: Array) -> Array:
        coupled = -2 * apart(z, x) * link.first(z[..., q:])
        return _joined(2 * z[..., :q], coupled)

    def inner_grad_x(z: Array, x: Array) -> Array:
        return _joined(inner_alone.gradient(x[..., :c]), 2 * apart(z, x))

    def outer_grad_z(z: Array, x: Array) -> Array:
        return sign * inner_grad_z(z, x)

    def outer_grad_x(z: Array, x: Array) -> Array:
        return _joined(outer_alone.gradient(x[..., :c]), 2 * x[..., c:] + 2 * sign * apart(z, x))

    def bend(z: Array, x: Array) -> Array:
        """The curvature of |x_2 - l(z_2)|^2 in z_2."""
        z_2 = z[..., q:]
        curvature: Array = 2 * (link.first(z_2) ** 2 - apart(z, x) * link.second(z_2))
        return curvature

    def inner_hvp_zz(z: Array, x: Array, v: Array) -> Array:
        return _joined(2 * v[..., :q], bend(z, x) * v[..., q:])

    def inner_jvp_xz(z: Array, x: Array, v: Array) -> Array:
        coupled = -2 * link.first(z[..., q:]) * v[..., q:]
        return spread_vectors(_joined(np.zeros((*coupled.shape[:-1], c)), coupled), x)

    def inner_jvp_zx(z: Array, x: Array, u: Array) -> Array:
        coupled = -2 * link.first(z[..., q:]) * u[..., c:]
        return spread_vectors(_joined(np.zeros((*coupled.shape[:-1], q)), coupled), x)

    def blocks(z: Array, x: Array) -> tuple[Array, Array]:
        zz, xz = np.diag(np.concatenate([np.full(q, 2.0), bend(z, x)])), np.zeros((d, p))
        xz[c:, q:] = np.diag(-2 * link.first(z[q:]))
        return zz, xz

    def xx(alone: Array, coupled: float) -> Array:
        block = coupled * np.eye(d)
        block[:c, :c] = alone
        return block

    def inner_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        return (*blocks(z, x), xx(inner_alone.hessian(x[:c]), 2.0))

    def outer_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        zz, xz = blocks(z, x)
        return sign * zz, sign * xz, xx(outer_alone.hessian(x[:c]), 2 + 2 * sign)

    return BilevelProblem(
        name=name,
        p=p,
        d=d,
        inner=blockwise(inner),
        outer=blockwise(outer),
        inner_solution=inner_solution,
        adjoint=adjoint,
        value=value,
        hypergradient=hypergradient,
        inner_grad_z=inner_grad_z,
        inner_grad_x=inner_grad_x,
        outer_grad_z=outer_grad_z,
        outer_grad_x=outer_grad_x,
        inner_hvp_zz=inner_hvp_zz,
        inner_jvp_xz=inner_jvp_xz,
        inner_jvp_zx=inner_jvp_zx,
        inner_hessian=inner_hessian,
        outer_hessian=outer_hessian,
        minimizer=frozen(np.zeros(d)),
        minimum=0.0,
        constants=constants,
        start=start_inside(p, d, constants.radius),
        symbolic=symbolic,
        parameters=parameters,
        card=card,
    )


def _joined(first: Array, second: Array) -> Array:
    """Two parts of a vector side by side; their leading axes broadcast."""
    lead = np.broadcast_shapes(first.shape[:-1], second.shape[:-1])
    parts = [np.broadcast_to(part, (*lead, part.shape[-1])) for part in (first, second)]
    return np.concatenate(parts, axis=-1)
