"""The reference family: constants free of the dimensions, and an adjoint that is not zero at the solution."""

from __future__ import annotations

import math

import numpy as np

from zoba_bench.arrays import Array, blockwise, spread_vectors, square_norm
from zoba_bench.problem import BilevelProblem, Card, Constants
from zoba_bench.problem.pointwise import pointwise
from zoba_bench.problem.symbolic import Symbolic
from zoba_bench.validation import check_real

from .._base.family import family
from .._base.scalars import PSEUDO_HUBER_THIRD
from ._pointwise import reference_inner, reference_outer

__all__ = ["reference"]


_CARD = Card(
    summary="Isometric coupling, smooth-norm outer losses: every constant is free of p and d, v* != 0 at x*.",
    source="built for the verification protocols of this project; no published origin",
    assumptions={
        "A1": "holds",
        "A2": "holds, H = 0",
        "A3": "holds",
        "A4": "holds, in closed form",
        "A5": "holds",
    },
    quadratic_inner=True,
    psi_convexity="convex",
    dimensions="any p, d >= 1; M is not symmetric except for p = d = 1",
    small={"p": 2, "d": 2},
)


@family(_CARD)
def reference(p: int = 4, d: int = 4, *, seed: int = 0, beta: float = 1.0, lam: float = 1.0) -> BilevelProblem:
    """Reference family.

    G = |z-Mx|^2/2 + beta |x|^2/2,  F = sqrt(1+|z-t|^2) + lam sqrt(1+|x|^2), M a partial isometry.
    With n = min(p, d): M e_j = e_(j+1) for j < n; M e_n = e_1 for n >= 3 (a cyclic shift), -e_1 for n = 2 (a
    rotation, as the shift would be symmetric), e_1 for n = 1; M e_j = 0 for j > n.
    t = tau M e_1 with tau = 1 + q/sqrt(1-q^2), q = lam/sqrt 2, puts the minimiser at e_1 for every lam;
    tau = 2 for lam = 1.

    z* = Mx, v* = -(Mx-t)/sqrt(1+|Mx-t|^2), Psi = sqrt(1+|Mx-t|^2) + lam sqrt(1+|x|^2). For lam = 1 the
    minimum is 2 sqrt 2 and |v*| = 1/sqrt 2 there. beta changes G_xx, which Psi does not see and cross
    surrogates do.

    The start is the same far point for every p and d, x0 = 4 e_1 with z0 = z*(x0): what a run then shows is
    the transient of x, not of z. Start at the solution to see stationary noise alone.

    Parameters
    ----------
    p, d : int
        Dimensions of z and x.
    seed : int
        Has no effect: the family is deterministic. Accepted as every factory does.
    beta : float, at least 0
        Weight of |x|^2 in G: |G_xx| = 1 + beta.
    lam : float, in (0, sqrt 2)
        Weight of the outer term in x.

    Raises
    ------
    ValueError
        For a bad argument.
    """
    beta = check_real("beta", beta, at_least=0.0)
    lam = check_real("lam", lam, above=0.0, below=math.sqrt(2), hint="beyond, no target puts the minimiser at e_1")
    n = min(p, d)
    wrap = -1.0 if n == 2 else 1.0

    # Two slice copies: exact, and cheaper than a matrix product.
    def forward(x: Array) -> Array:
        shifted = np.zeros((*x.shape[:-1], p)) if p > n else np.empty((*x.shape[:-1], p))
        shifted[..., 1:n] = x[..., : n - 1]
        shifted[..., 0] = wrap * x[..., n - 1]
        return shifted

    def backward(v: Array) -> Array:
        shifted = np.zeros((*v.shape[:-1], d)) if d > n else np.empty((*v.shape[:-1], d))
        shifted[..., : n - 1] = v[..., 1:n]
        shifted[..., n - 1] = wrap * v[..., 0]
        return shifted

    minimizer = np.zeros(d)
    minimizer[0] = 1.0
    minimizer.setflags(write=False)
    pull = lam / math.sqrt(2)
    t = (1 + pull / math.sqrt(1 - pull**2)) * forward(minimizer)
    M = forward(np.eye(d)).T

    def smooth_norm(u: Array) -> Array:
        norm: Array = np.sqrt(1 + square_norm(u))
        return norm

    def unit(u: Array) -> Array:
        return u / smooth_norm(u)[..., None]

    def curvature(u: Array) -> Array:
        direction, size = unit(u), float(smooth_norm(u))
        hessian: Array = (np.eye(len(u)) - np.outer(direction, direction)) / size
        return hessian

    def inner(z: Array, x: Array) -> Array:
        return 0.5 * square_norm(z - forward(x)) + (0.5 * beta) * square_norm(x)

    def outer(z: Array, x: Array) -> Array:
        return smooth_norm(z - t) + lam * smooth_norm(x)

    def adjoint(x: Array) -> Array:
        return -unit(forward(x) - t)

    def value(x: Array) -> Array:
        return smooth_norm(forward(x) - t) + lam * smooth_norm(x)

    def hypergradient(x: Array) -> Array:
        return backward(unit(forward(x) - t)) + lam * unit(x)

    def inner_grad_z(z: Array, x: Array) -> Array:
        return z - forward(x)

    def inner_grad_x(z: Array, x: Array) -> Array:
        return beta * x - backward(z - forward(x))

    def outer_grad_z(z: Array, x: Array) -> Array:
        return spread_vectors(unit(z - t), x)

    def outer_grad_x(z: Array, x: Array) -> Array:
        return spread_vectors(lam * unit(x), z)

    def inner_hvp_zz(z: Array, x: Array, v: Array) -> Array:
        return spread_vectors(v.copy(), z, x)

    def inner_jvp_xz(z: Array, x: Array, v: Array) -> Array:
        return spread_vectors(-backward(v), z, x)

    def inner_jvp_zx(z: Array, x: Array, u: Array) -> Array:
        return spread_vectors(-forward(u), z, x)

    def inner_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        return np.eye(p), -M.T, M.T @ M + beta * np.eye(d)

    def outer_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        return curvature(z - t), np.zeros((d, p)), lam * curvature(x)

    def start(rng: np.random.Generator) -> tuple[Array, Array]:
        x0 = 4 * minimizer
        return forward(x0), x0

    def symbolic() -> Symbolic:
        from ._reference_symbols import reference_symbols

        return reference_symbols(M, beta, lam)

    # |M| = 1. sqrt(1+|u|^2) has slope below 1 and curvature at most 1 (both in every dimension). Its third
    # derivative is a symmetric form, so its norm is attained on a line, where the function is
    # sqrt(c^2 + s^2) with c >= 1: at most max |H'''| of the pseudo-Huber function.
    constants = Constants(
        mu=1.0,
        L_zz=1.0,
        L_xz=1.0,
        L_xx=1.0 + beta,
        H=0.0,
        H_zz=0.0,
        H_xz=0.0,
        H_zx=0.0,
        H_xx=0.0,
        m_zz=1.0,
        m_xz=0.0,
        m_xx=lam,
        C_z=1.0,
        C_x=lam,
        R=1.0,
        k_z=1.0,
        k_v=1.0,
        s_z=0.0,
        s_v=PSEUDO_HUBER_THIRD,
        L_Psi=1.0 + lam,
    )
    return BilevelProblem(
        name="reference",
        p=p,
        d=d,
        inner=pointwise(blockwise(inner), reference_inner, n, wrap, 0.5 * beta),
        outer=pointwise(blockwise(outer), reference_outer, t, lam),
        inner_solution=forward,
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
        minimum=float(value(minimizer)),
        constants=constants,
        start=start,
        symbolic=symbolic,
        parameters={"seed": seed, "beta": beta, "lam": lam},
        card=_CARD,
    )
