"""Ridge-type problems that separate: x_i weighs the square of z_i alone, and every closed form acts by coordinates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.polynomial import Polynomial

from zoba_bench.arrays import Array, blockwise, dot, frozen, spread, spread_vectors, square_norm
from zoba_bench.problem import BilevelProblem, Card, Constants
from zoba_bench.problem.symbolic import Symbolic
from zoba_bench.validation import check_dimension

from .family import sphere_start

__all__ = [
    "ON_REGION",
    "SHARE_OF_RADIUS",
    "UNIQUE",
    "Shrinkage",
    "Weight",
    "between_sigmoids",
    "build_separable",
    "check_square",
    "cubic_norm",
    "drawn",
    "largest",
]


Scalar = Callable[[Array], Array]

# Starts lie on |x| = this share of the radius for which the constants hold.
SHARE_OF_RADIUS = 0.75
UNIQUE = "x_o is the only minimiser: z* is injective"
ON_REGION = {
    "A2": "on |x| <= radius and |z| <= max(radius, sup |z*|), not globally",
    "A3": "on |x| <= radius",
    "A4": "on |x| <= radius, in closed form",
    "A5": "holds, Psi >= 0",
}


class Weight(NamedTuple):
    """w(x) of G = sum w(x_i) (z_i - c_i)^2 / 2 + k |z - e|^2 / 2, its derivatives and their bounds.

    ``bounds`` are those of w, |w'|, |w''| and |w'''| on |x| <= radius.
    """

    value: Scalar
    first: Scalar
    second: Scalar
    bounds: tuple[float, float, float, float]


class Shrinkage(NamedTuple):
    """The state y(x) in (0, 1) with z*_i = b_i y(x_i): y' = slope(y), 1/G_zz = inverse(y), both polynomials.

    ``offset`` is y(x) - y(x_o), without cancellation; y lies in [low, high] for |x| <= radius.
    """

    state: Scalar
    offset: Scalar
    planted: Array
    slope: Polynomial
    inverse: Polynomial
    low: float
    high: float


def check_square(p: object, d: object) -> int:
    """p = d, or an error."""
    n = check_dimension("p", p)
    if check_dimension("d", d) != n:
        raise ValueError(f"d must be p, one weight per coordinate of z, got p={p!r} and d={d!r}")
    return n


def between_sigmoids(x: Array, planted: Array) -> Array:
    """s(x) - s(x_o), to relative accuracy near x_o: tanh a - tanh b = tanh(a-b) (1 - tanh a tanh b)."""
    return np.asarray(0.5 * np.tanh(0.5 * (x - planted)) * (1 - np.tanh(0.5 * x) * np.tanh(0.5 * planted)))


def drawn(rng: np.random.Generator, n: int, radius: float) -> tuple[Array, Array]:
    """b with entries of size one, and a planted point at half the radius."""
    b = rng.uniform(0.5, 1.5, n) * rng.choice([-1.0, 1.0], n)
    direction = rng.standard_normal(n)
    return b, 0.5 * radius * direction / np.linalg.norm(direction)


def largest(f: Polynomial, low: float, high: float) -> float:
    """max |f| on [low, high]: at an end or where f' = 0."""
    inner = [root.real for root in f.deriv().roots()] if f.degree() > 1 else []
    points = np.clip([low, high, *inner], low, high)
    return float(np.abs(f(points)).max())


def cubic_norm(zzz: float, zzx: float, zxx: float, xxx: float) -> float:
    """The largest |D^3 g(u, u, u)| over unit u, for g of two variables (or two directions) with entries up to these.

    On u = (1, t)/(1+t^2)^(1/2) it is (zzz + 3 zzx t + 3 zxx t^2 + xxx t^3)/(1+t^2)^(3/2), stationary at the roots of a
    cubic; it grows with every entry.
    """
    form = Polynomial([zzz, 3 * zzx, 3 * zxx, xxx])
    stationary = Polynomial([zzx, 2 * zxx - zzz, xxx - 2 * zzx, -zxx]).trim()
    roots = np.real(stationary.roots()) if stationary.degree() else np.zeros(0)
    t = np.concatenate([[0.0], np.maximum(roots, 0.0)])
    return max(xxx, float((form(t) / (1 + t**2) ** 1.5).max()))


def _constants(
    b: Array, centre: Array, base: float, weight: Weight, shrink: Shrinkage, radius: float, mu: float
) -> Constants:
    """Bounds on |x| <= radius, |z| <= max(radius, sup |z*|).

    The Hessians of G and the Jacobians of z*, v* and grad Psi are diagonal or made of diagonal blocks: a bound on
    every coordinate is one on the norm. The third derivative of G splits into those of w(x) (z - c)^2 / 2, with the
    entries zzx: w', zxx: w'' (z - c), xxx: w''' (z - c)^2 / 2, and the norm of such a sum is the largest of its terms.
    z*_i = b_i y, v*_i = -b_i (y - y_o) inverse(y) and Psi_i = b_i^2 (y - y_o)^2 / 2 are polynomials in y, and so are
    their derivatives, as y' = slope(y): their exact maxima on the interval of y are taken.
    """
    size = np.abs(b)
    low, high = shrink.low, shrink.high
    z_max = max(radius, float(np.linalg.norm(b)) * high)
    reach = z_max + float(np.abs(centre).max())
    w, first, second, third = weight.bounds
    y = Polynomial([0.0, 1.0])

    def derived(f: Polynomial) -> Polynomial:
        return shrink.slope * f.deriv()

    def each(function: Callable[[float], Polynomial]) -> Array:
        return np.array([largest(function(float(o)), low, high) for o in shrink.planted])

    def adjoint(o: float) -> Polynomial:
        return (y - o) * shrink.inverse

    def of_psi(o: float) -> Polynomial:
        return derived(derived((y - o) ** 2 / 2))

    return Constants(
        mu=mu,
        L_zz=base + w,
        L_xz=first * reach,
        L_xx=second * reach**2 / 2,
        H=cubic_norm(0.0, first, second * reach, third * reach**2 / 2),
        H_zz=0.0,
        H_xz=first,
        H_zx=second * reach,
        H_xx=third * reach**2 / 2,
        m_zz=1.0,
        m_xz=0.0,
        m_xx=0.0,
        C_z=float(np.linalg.norm(size * np.maximum(high - shrink.planted, shrink.planted - low))),
        C_x=0.0,
        R=float(np.linalg.norm(size * each(adjoint))),
        k_z=float(size.max()) * largest(shrink.slope, low, high),
        k_v=float((size * each(lambda o: derived(adjoint(o)))).max()),
        s_z=float(size.max()) * largest(derived(shrink.slope), low, high),
        s_v=float((size * each(lambda o: derived(derived(adjoint(o))))).max()),
        L_Psi=float((size**2 * each(of_psi)).max()),
        radius=radius,
    )


def build_separable(
    name: str,
    *,
    b: Array,
    centre: Array,
    base: float,
    anchor: Array,
    weight: Weight,
    shrink: Shrinkage,
    minimizer: Array,
    mu: float,
    radius: float,
    symbolic: Callable[[], Symbolic],
    parameters: dict[str, Any],
    card: Card,
) -> BilevelProblem:
    """G = sum w(x_i) (z_i - c_i)^2 / 2 + base |z - anchor|^2 / 2, F = |z - t|^2 / 2 with t = z*(x_o) = b y(x_o)."""
    n = len(b)
    t = b * shrink.planted

    def inner(z: Array, x: Array) -> Array:
        moved = z - centre
        moved *= moved
        total: Array = 0.5 * dot(moved, weight.value(x))
        total += (0.5 * base) * square_norm(z - anchor)
        return total

    def outer(z: Array, x: Array) -> Array:
        return spread(0.5 * square_norm(z - t), x)

    def inner_solution(x: Array) -> Array:
        return b * shrink.state(x)

    def adjoint(x: Array) -> Array:
        v: Array = -b * shrink.offset(x) * shrink.inverse(shrink.state(x))
        return v

    def value(x: Array) -> Array:
        return 0.5 * square_norm(b * shrink.offset(x))

    def hypergradient(x: Array) -> Array:
        gradient: Array = b**2 * shrink.offset(x) * shrink.slope(shrink.state(x))
        return gradient

    def inner_grad_z(z: Array, x: Array) -> Array:
        slope: Array = weight.value(x) * (z - centre) + base * (z - anchor)
        return slope

    def inner_grad_x(z: Array, x: Array) -> Array:
        slope: Array = 0.5 * weight.first(x) * (z - centre) ** 2
        return slope

    def outer_grad_z(z: Array, x: Array) -> Array:
        return spread_vectors(z - t, x)

    def outer_grad_x(z: Array, x: Array) -> Array:
        return spread_vectors(np.zeros(n), z, x)

    def inner_hvp_zz(z: Array, x: Array, v: Array) -> Array:
        return spread_vectors((weight.value(x) + base) * v, z)

    def cross(z: Array, x: Array, v: Array) -> Array:
        product: Array = weight.first(x) * (z - centre) * v
        return product

    def inner_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        r = z - centre
        return (
            np.diag(weight.value(x) + base),
            np.diag(weight.first(x) * r),
            np.diag(0.5 * weight.second(x) * r**2),
        )

    def outer_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        return np.eye(n), np.zeros((n, n)), np.zeros((n, n))

    return BilevelProblem(
        name=name,
        p=n,
        d=n,
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
        inner_jvp_xz=cross,
        inner_jvp_zx=cross,
        inner_hessian=inner_hessian,
        outer_hessian=outer_hessian,
        minimizer=frozen(minimizer),
        minimum=0.0,
        constants=_constants(b, centre, base, weight, shrink, radius, mu),
        start=sphere_start(n, n, SHARE_OF_RADIUS * radius),
        symbolic=symbolic,
        parameters=parameters,
        card=card,
    )
