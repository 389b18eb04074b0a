"""A Bregman link with a dense Hessian: log-sum-exp at both levels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from zoba_bench.arrays import (
    Array,
    covariance,
    dot,
    frozen,
    linear_map,
    log_sum_exp,
    softmax,
    spread,
    spread_vectors,
    square_norm,
)
from zoba_bench.problem import BilevelProblem, Card, Constants
from zoba_bench.problem.symbolic import Symbolic
from zoba_bench.validation import check_real

from .._base import scalars
from .._base.family import family, spectral_norm, with_singular_values
from ._coupling import coupling
from ._link import Link, on_solution

__all__ = ["softmax_bregman"]


_CARD = Card(
    summary="Entropic Bregman link: a dense Hessian that varies with z and x, convex Psi with a positive minimum.",
    source="Bregman-link construction of this catalogue; no published origin",
    assumptions={
        "A1": "holds except L_xx: G_xx contains the third derivative of log-sum-exp times z",
        "A2": "H_zz, H_xz and H_zx hold; the full Hessian is not Lipschitz globally (G_xx)",
        "A3": "holds",
        "A4": "holds, in closed form",
        "A5": "holds",
    },
    quadratic_inner=False,
    psi_convexity="convex",
    dimensions="p >= 2, any d >= 1; for d > p - 1 the minimisers are not unique and none is declared",
    small={"p": 3, "d": 1},
)


def _link(M: Array, tau: float, mu: float) -> Link:
    """G = tau LSE(z/tau) - softmax(Mx/tau)'z + mu |z-Mx|^2/2."""
    m = coupling(M)
    M_T = np.ascontiguousarray(M.T)

    def inner(z: Array, x: Array) -> Array:
        point = m.value(x)
        total: Array = tau * log_sum_exp(z / tau) - np.vecdot(softmax(point / tau), z)
        total += (0.5 * mu) * square_norm(z - point)
        return total

    def inner_grad_z(z: Array, x: Array) -> Array:
        point = m.value(x)
        return softmax(z / tau) - softmax(point / tau) + mu * (z - point)

    def inner_grad_x(z: Array, x: Array) -> Array:
        point = m.value(x)
        return -linear_map(covariance(softmax(point / tau), z) / tau + mu * (z - point), M)

    def inner_hvp_zz(z: Array, x: Array, v: Array) -> Array:
        return spread_vectors(covariance(softmax(z / tau), v) / tau + mu * v, x)

    def inner_jvp_xz(z: Array, x: Array, v: Array) -> Array:
        moved = covariance(softmax(m.value(x) / tau), v) / tau + mu * v
        return spread_vectors(-linear_map(moved, M), z)

    def inner_jvp_zx(z: Array, x: Array, u: Array) -> Array:
        moved = linear_map(u, M_T)
        return spread_vectors(-(covariance(softmax(m.value(x) / tau), moved) / tau + mu * moved), z)

    def block(q: Array) -> Array:
        found: Array = (np.diag(q) - np.outer(q, q)) / tau + mu * np.eye(len(q))
        return found

    def inner_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        q = softmax(M @ x / tau)
        bent = covariance(q, z)
        turn = (np.diag(bent) - np.outer(bent, q) - np.outer(q, bent)) / tau**2
        return block(softmax(z / tau)), -M_T @ block(q), M_T @ (mu * np.eye(len(q)) - turn) @ M

    # Sherman-Morrison: with D = q + mu tau, (S(q)/tau + mu I)^-1 r = tau (r + q (q/D)'r / (mu tau sum q/D)) / D;
    # the sum is 1 - (q/D)'q without the subtraction.
    def solve(x: Array, r: Array) -> Array:
        q = softmax(m.value(x) / tau)
        D = q + mu * tau
        share = q / D
        level = dot(share, r) / (mu * tau * share.sum(axis=-1))
        solved: Array = tau * (r + q * level[..., None]) / D
        return solved

    # |S(q)| <= 1/2: u'Su is a variance of a variable with range at most sqrt 2 |u|. The third derivative of
    # LSE is a third central moment; for a given mean it is largest at a law with two atoms, where it is
    # pi (1-pi) (1-2 pi) range^3 <= max|s''| (sqrt 2)^3.
    norm, turn = spectral_norm(M), third_moment() / tau**2
    constants = Constants(
        mu=mu,
        L_zz=mu + 0.5 / tau,
        L_xz=norm * (mu + 0.5 / tau),
        H_zz=turn,
        H_xz=0.0,  # G_xz does not depend on z
        H_zx=norm**2 * turn,
        k_z=norm,
        s_z=0.0,
    )
    return Link(
        coupling=m,
        inner=inner,
        inner_grad_z=inner_grad_z,
        inner_grad_x=inner_grad_x,
        inner_hvp_zz=inner_hvp_zz,
        inner_jvp_xz=inner_jvp_xz,
        inner_jvp_zx=inner_jvp_zx,
        inner_hessian=inner_hessian,
        solve=solve,
        constants=constants,
    )


def third_moment() -> float:
    """The largest third derivative of log-sum-exp along a unit vector."""
    return 2 * 2**0.5 * scalars.SIGMOID_SECOND


@family(_CARD)
def softmax_bregman(p: int = 6, d: int = 4, *, seed: int = 0, tau: float = 0.2, mu: float = 0.2) -> BilevelProblem:
    """Entropic Bregman link.

    G = tau LSE(z/tau) - softmax(Mx/tau)'z + mu |z-Mx|^2/2 and F = LSE(z) - s'z with LSE the log-sum-exp,
    s = softmax(M x_o) and 1'M = 0. z* = Mx; G_zz = S(q)/tau + mu I with S(q) = diag(q) - qq',
    q = softmax(z/tau); v* = -G_zz^-1 (softmax(Mx) - s), grad Psi = M'(softmax(Mx) - s). Psi = F(Mx) is the
    entropy of s at x_o plus the divergence of softmax(Mx) from s, and does not depend on tau and mu.

    Parameters
    ----------
    p, d : int
        Dimensions of z (at least 2) and x.
    seed : int
        Names the instance.
    tau : float, above 0
        Temperature of the inner level: |G_zz| <= mu + 1/(2 tau).
    mu : float, above 0
        Strong convexity of the inner objective; exact, as S(q) 1 = 0.

    Raises
    ------
    ValueError
        For a bad argument.
    """
    if p < 2:
        raise ValueError(f"p must be at least 2, got {p}: the softmax of one number is constant")
    tau = check_real("tau", tau, above=0.0)
    mu = check_real("mu", mu, above=0.0, hint="without it the inner problem is not strongly convex")

    rng = np.random.default_rng(seed)
    # Singular values as everywhere, the columns orthogonal to 1: along it Psi would be constant.
    reflected = np.eye(p) - _mirror(p)
    M = np.ascontiguousarray(reflected[:, 1:] @ with_singular_values(rng, p - 1, d, 0.5, 1.5))
    best = rng.standard_normal(d)
    s = softmax(M @ best)
    link = _link(M, tau, mu)

    def outer(z: Array, x: Array) -> Array:
        return spread(log_sum_exp(z) - np.vecdot(z, s), x)

    def outer_grad_z(z: Array, x: Array) -> Array:
        return spread_vectors(softmax(z) - s, x)

    def outer_zz(z: Array) -> Array:
        q = softmax(z)
        found: Array = np.diag(q) - np.outer(q, q)
        return found

    # softmax(Mx) = s e^u / s'e^u with u = M(x - x_o): differences to relative accuracy near x_o.
    def tilt(x: Array) -> tuple[Array, Array, Array]:
        u = link.coupling.gap(x, best)
        highest = u.max(axis=-1)
        growth = np.expm1(u - highest[..., None])
        return u, highest, growth

    def slope(x: Array) -> Array:
        _, _, growth = tilt(x)
        mean = np.vecdot(growth, s)[..., None]
        found: Array = s * (growth - mean) / (1 + mean)
        return found

    minimum = float(-np.sum(s * np.log(s)))

    def value(x: Array) -> Array:
        u, highest, growth = tilt(x)
        gap: Array = highest + np.log1p(np.vecdot(growth, s)) - np.vecdot(u, s)
        return minimum + gap

    def symbolic() -> Symbolic:
        from ._softmax_symbols import softmax_symbols

        return softmax_symbols(M, best, tau, mu)

    return on_solution(
        link,
        name="softmax_bregman",
        outer=outer,
        outer_grad_z=outer_grad_z,
        outer_zz=outer_zz,
        value=value,
        slope=slope,
        minimizer=frozen(best) if d < p else None,
        minimum=minimum,
        constants=_constants(link.constants, tau, mu),
        symbolic=symbolic,
        parameters={"seed": seed, "tau": tau, "mu": mu},
        card=_CARD,
    )


def _mirror(p: int) -> Array:
    """2 ww'/|w|^2 for the reflection that takes e_1 to 1/sqrt p."""
    w = np.full(p, 1 / np.sqrt(p))
    w[0] -= 1
    found: Array = 2 * np.outer(w, w) / (w @ w)
    return found


def _constants(inner: Constants, tau: float, mu: float) -> Constants:
    """With B = S(q)/tau, W = B + mu I, n = softmax(Mx) - s and v* = -W^-1 n, for unit directions in y = Mx:

    |n| <= sqrt 2, |n'| <= 1/2, |n''| <= h, the largest third moment. As the range of a unit vector is at most
    sqrt 2, -c B <= W' <= c B with c = sqrt 2/tau; the fourth derivative of LSE is at most 2 Var and at least
    -3/2 Var, so -2B/tau^2 <= W'' <= 2B/tau^2. Then |W^-1 W' W^-1| <= c max b/(b+mu)^2 = c/(4 mu); with
    W' = B^(1/2) K B^(1/2), |K| <= c, |W^-1 W' W^-1 W' W^-1| <= c^2/(4 mu); |W^-1 W'' W^-1| <= 1/(2 mu tau^2).
    v' = -W^-1 n' + W^-1 W' W^-1 n and
    v'' = -W^-1 n'' + 2 W^-1 W' W^-1 n' + (W^-1 W'' W^-1 - 2 W^-1 W' W^-1 W' W^-1) n.
    """
    k, root = inner.k_z or 0.0, 2**0.5
    c = root / tau
    once = c / (4 * mu)
    twice = root * (2 * c**2 / (4 * mu) + 1 / (2 * mu * tau**2))
    return replace(
        inner,
        m_zz=0.5,
        m_xz=0.0,
        m_xx=0.0,
        C_z=root,
        C_x=0.0,
        R=root / mu,
        k_v=k * (0.5 / mu + root * once),
        s_v=k**2 * (third_moment() / mu + 2 * 0.5 * once + twice),
        L_Psi=k**2 / 2,
    )
