"""Coreset selection: softmax weights on given points, whose weighted mean is the inner solution."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from zoba_bench.arrays import (
    Array,
    blockwise,
    covariance,
    dot,
    frozen,
    linear_map,
    softmax,
    spread,
    spread_vectors,
    square_norm,
)
from zoba_bench.problem import BilevelProblem, Card, Constants
from zoba_bench.problem.symbolic import Symbolic

from .._base.family import family, sphere_start

if TYPE_CHECKING:
    from zoba_bench.certification.certificate import Check

__all__ = ["coreset_attained", "coreset_bome"]


_ASSUMPTIONS = {
    "A1": "holds except L_xx: G_xx contains the second derivative of the mean times z, which grows with |z|",
    "A2": "H_zz, H_xz and H_zx hold; H_xx and the full Hessian's constant do not exist globally (G_xx)",
    "A3": "holds: z* stays in the convex hull of the points",
    "A4": "holds, in closed form",
    "A5": "holds, Psi >= 0",
}


def _constants(points: Array, target: Array, curvature: float, steep: float, free: int) -> Constants:
    """Global bounds. G_zz = c I, F_zz = f I; the rest are derivatives of the mean m(x) = sum q_i X_i.

    Along u, m' = Cov_q(u, X) and m'' = E_q[(u - Eu)^2 (X - m)]. Let D be the diameter of the points and L the largest
    spread max u - min u of a unit u: sqrt 2, or 1 where only one weight is free. A variable of spread L has standard
    deviation at most L/2, so that |m'| <= L D / 4. For Y in [0, D] and f = (u - Eu)^2,
    Cov(f, Y) <= D E(f - Ef)^+ <= D Ef (max f - Ef) / max f. With L = 1 and t = |Eu - 1/2|, max f <= (1/2 + t)^2 and
    Ef <= 1/4 - t^2: the product is at most 2 t (1/2 - t) <= 1/8 for t >= 1/6, else (1/2 + t)^2 / 4 <= 1/9. Hence
    |m''| <= L^2 D / 8. Psi = f |m - w|^2 / 2 and |m - w| is at most the distance of the farthest point.
    """
    diameter = float(np.linalg.norm(points[:, None] - points, axis=-1).max())
    farthest = float(np.linalg.norm(points - target, axis=-1).max())
    width = 2**0.5 if free > 1 else 1.0
    k_z, s_z = width * diameter / 4, width**2 * diameter / 8
    return Constants(
        mu=curvature,
        L_zz=curvature,
        L_xz=curvature * k_z,
        H_zz=0.0,
        H_xz=0.0,  # G_xz = -c Dm' does not depend on z
        H_zx=curvature * s_z,
        m_zz=steep,
        m_xz=0.0,
        m_xx=0.0,
        C_z=steep * farthest,
        C_x=0.0,
        R=steep / curvature * farthest,
        k_z=k_z,
        k_v=steep / curvature * k_z,
        s_z=s_z,
        s_v=steep / curvature * s_z,
        L_Psi=steep * (k_z**2 + farthest * s_z),
    )


def _build(
    name: str,
    points: Array,
    target: Array,
    *,
    curvature: float,
    steep: float,
    pinned: bool,
    gap: Callable[[Array], Array] | None = None,
    minimizer: Array | None,
    minimum: float,
    symbolic: Callable[[], Symbolic],
    parameters: dict[str, Any],
    card: Card,
    extra_checks: Callable[[], list[Check]] | None = None,
) -> BilevelProblem:
    """G = c |z-m(x)|^2/2, F = f |z-w|^2/2, m(x) = softmax(x) X; with ``pinned`` a logit 0 comes before those of x.

    ``gap`` is m(x) - w, if it has a form without cancellation.
    """
    free = len(points) - pinned
    p, X_T = points.shape[1], np.ascontiguousarray(points.T)

    def logits(x: Array) -> Array:
        return np.concatenate([np.zeros((*x.shape[:-1], 1)), x], axis=-1) if pinned else x

    def shares(x: Array) -> Array:
        return softmax(logits(x))

    def mean(x: Array) -> Array:
        return linear_map(shares(x), points)

    def misfit(x: Array) -> Array:
        return mean(x) - target if gap is None else gap(x)

    def pulled(x: Array, w: Array) -> Array:
        """Dm' w: q_i (X_i - m)'w."""
        return covariance(shares(x), linear_map(w, X_T))[..., pinned:]

    def pushed(x: Array, u: Array) -> Array:
        """Dm u."""
        return linear_map(covariance(shares(x), logits(u)), points)

    def inner(z: Array, x: Array) -> Array:
        return (0.5 * curvature) * square_norm(z - mean(x))

    def outer(z: Array, x: Array) -> Array:
        return spread((0.5 * steep) * square_norm(z - target), x)

    def adjoint(x: Array) -> Array:
        return (-steep / curvature) * misfit(x)

    def value(x: Array) -> Array:
        return (0.5 * steep) * square_norm(misfit(x))

    def hypergradient(x: Array) -> Array:
        return steep * pulled(x, misfit(x))

    def inner_grad_z(z: Array, x: Array) -> Array:
        return curvature * (z - mean(x))

    def inner_grad_x(z: Array, x: Array) -> Array:
        return -curvature * pulled(x, z - mean(x))

    def outer_grad_z(z: Array, x: Array) -> Array:
        return spread_vectors(steep * (z - target), x)

    def outer_grad_x(z: Array, x: Array) -> Array:
        return spread_vectors(np.zeros(free), z, x)

    def inner_hvp_zz(z: Array, x: Array, v: Array) -> Array:
        return spread_vectors(curvature * v, z, x)

    def inner_jvp_xz(z: Array, x: Array, v: Array) -> Array:
        return spread_vectors(-curvature * pulled(x, v), z)

    def inner_jvp_zx(z: Array, x: Array, u: Array) -> Array:
        return spread_vectors(-curvature * pushed(x, u), z)

    def inner_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        q, m = shares(x), mean(x)
        jacobian = (q[:, None] * (points - m))[pinned:]
        along = (points - m) @ (z - m)
        # The second derivative of m'(z - m(x)), with z - m held.
        bend = np.diag(q * along) - np.outer(q, q * along) - np.outer(q * along, q)
        xx = jacobian @ jacobian.T - bend[pinned:, pinned:]
        return curvature * np.eye(p), -curvature * jacobian, curvature * xx

    def outer_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        return steep * np.eye(p), np.zeros((free, p)), np.zeros((free, free))

    return BilevelProblem(
        name=name,
        p=p,
        d=free,
        inner=blockwise(inner),
        outer=blockwise(outer),
        inner_solution=mean,
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
        minimizer=minimizer,
        minimum=minimum,
        constants=_constants(points, target, curvature, steep, free),
        start=sphere_start(p, free),
        symbolic=symbolic,
        parameters=parameters,
        card=card,
        extra_checks=extra_checks,
    )


_POINTS = np.array([[1.0, 3.0], [3.0, 1.0], [-2.0, 2.0], [-3.0, -2.0]])
_TARGET = np.array([3.0, -2.0])

_BOME = Card(
    summary="Coreset toy of BOME: the target lies outside the hull of four points, the infimum is not attained.",
    source="toy coreset problem of BOME (arXiv 2209.08709), with its four points and target",
    assumptions=_ASSUMPTIONS,
    quadratic_inner=False,
    psi_convexity="nonconvex",
    dimensions="p = 2, d = 4 only; no minimiser: inf Psi = 0.72 is approached as x_1, x_3 go to minus infinity with "
    "x_2 - x_4 = log 4, so that only the gap Psi - 0.72 measures progress",
    scalable=False,
)


@family(_BOME)
def coreset_bome(p: int = 2, d: int = 4, *, seed: int = 0) -> BilevelProblem:
    """Coreset toy of BOME.

    G = |z-m(x)|^2 and F = |z-w|^2/10 with m(x) = softmax(x) X, the points X_1..X_4 = (1,3), (3,1), (-2,2), (-3,-2)
    and w = (3,-2). z* = m, v* = -(m-w)/10, Psi = |m-w|^2/10.

    The point of the hull nearest to w is its projection y = (1.8, 0.4) on the segment from X_4 to X_2. As
    (X_i - y)'(y - w) = 7.2, 0, 8.4, 0 for i = 1..4,
    Psi = 0.72 + |m-y|^2/10 + 0.24 (6 q_1 + 7 q_3) > 0.72 with the softmax weights q > 0, and Psi tends to 0.72 where
    q tends to (0, 0.8, 0, 0.2): the infimum is not attained.

    Parameters
    ----------
    p, d : int
        2 and 4, the only values.
    seed : int
        Has no effect: the problem has fixed data. Accepted as every factory does.

    Raises
    ------
    ValueError
        For a bad argument.
    """
    for name, size, only in (("p", p, 2), ("d", d, 4)):
        if size != only:
            raise ValueError(f"{name} must be {only}, the problem has this size only, got {size!r}; leave it out")

    def symbolic() -> Symbolic:
        from ._coreset_symbols import bome_symbols

        return bome_symbols(_POINTS, _TARGET)

    def extra_checks() -> list[Check]:
        from ._coreset_symbols import bome_checks

        return bome_checks(symbolic())

    return _build(
        "coreset_bome",
        _POINTS,
        _TARGET,
        curvature=2.0,
        steep=0.2,
        pinned=False,
        minimizer=None,
        minimum=0.72,
        symbolic=symbolic,
        parameters={"seed": seed},
        card=_BOME,
        extra_checks=extra_checks,
    )


_ATTAINED = Card(
    summary="Coreset selection with a target inside the hull of the points: the infimum 0 is attained.",
    source="variant of the toy coreset problem of BOME (arXiv 2209.08709) with a planted target, built for this "
    "catalogue",
    assumptions=_ASSUMPTIONS,
    quadratic_inner=False,
    psi_convexity="nonconvex",
    dimensions="any p, d >= 1 for d + 1 points; for d > p the minimisers form a manifold of dimension d - p and none "
    "is declared, for d <= p the planted x_o is the only one",
    small={"p": 2, "d": 2},
)


@family(_ATTAINED)
def coreset_attained(p: int = 2, d: int = 4, *, seed: int = 0) -> BilevelProblem:
    """Coreset selection with a planted target.

    G = |z-m(x)|^2/2 and F = |z-w|^2/2 with m(x) = softmax(0, x) X for d + 1 points in R^p, and w = m(x_o). z* = m,
    v* = -(m-w), Psi = |m-w|^2/2, minimum 0 at x_o. The weights with m = w are an affine set of dimension d - p where
    d > p; they are unique where d <= p, the points being affinely independent.

    Parameters
    ----------
    p, d : int
        Dimension of the points, and their number less one.
    seed : int
        Names the instance.

    Raises
    ------
    ValueError
        For a bad argument.
    """
    rng = np.random.default_rng(seed)
    points, planted = rng.standard_normal((d + 1, p)), rng.standard_normal(d)
    grown = np.concatenate([[1.0], np.exp(planted)])
    shares = grown / grown.sum()
    target = shares @ points

    def gap(x: Array) -> Array:
        """m(x) - m(x_o): q_i - q_oi = q_oi (e_i - sum q_o e) / (1 + sum q_o e) with e_i = exp(x_i - x_oi) - 1."""
        moves = np.concatenate([np.zeros((*x.shape[:-1], 1)), x - planted], axis=-1)
        # Softmax does not see a common shift; this one keeps the exponentials below 1.
        grown = np.expm1(moves - moves.max(axis=-1, keepdims=True))
        average = dot(grown, shares)[..., None]
        return linear_map(shares * (grown - average) / (1 + average), points)

    def symbolic() -> Symbolic:
        from ._coreset_symbols import attained_symbols

        return attained_symbols(points, planted)

    return _build(
        "coreset_attained",
        points,
        target,
        curvature=1.0,
        steep=1.0,
        pinned=True,
        gap=gap,
        minimizer=frozen(planted) if d <= p else None,
        minimum=0.0,
        symbolic=symbolic,
        parameters={"seed": seed},
        card=_ATTAINED,
    )
