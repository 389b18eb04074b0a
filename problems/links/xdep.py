"""A link whose inner curvature is a function of x."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from zoba_bench.arrays import Array, dot, linear_map, spread_vectors
from zoba_bench.problem import BilevelProblem, Card, Constants
from zoba_bench.validation import check_real

from .._base import scalars
from .._base.family import family, spectral_norm, with_singular_values
from ..combinators import PSEUDO_HUBER, Scalar, coupling, planted
from ._link import Link, expressions

if TYPE_CHECKING:
    from ._symbols import Frame, InnerSymbols

__all__ = ["xdep_curvature"]


_CARD = Card(
    summary="Inner curvature a(x) that depends on x: G_xz has a term a'(x)(z - m(x)) that vanishes at z* only.",
    source="x-dependent curvature construction of this catalogue; no published origin",
    assumptions={
        "A1": "L_zz holds; G_xz and G_xx grow with z - m(x): bounds on |z| <= radius if asked for",
        "A2": "H_zz = 0 and H_xz hold; H, H_zx and H_xx on |z| <= radius",
        "A3": "holds",
        "A4": "holds, in closed form",
        "A5": "holds",
    },
    quadratic_inner=False,
    psi_convexity="nonconvex",
    dimensions="any p, d >= 1; for d > p the minimisers are not unique and none is declared",
    small={"p": 2, "d": 2, "radius": 1.5},
)


@family(_CARD)
def xdep_curvature(
    p: int = 5,
    d: int = 4,
    *,
    seed: int = 0,
    kappa: float = 20.0,
    rho: float = 2.0,
    radius: float | None = None,
) -> BilevelProblem:
    """Inner curvature that depends on x.

    G = sum a_i(x) (z_i - m_i(x))^2/2 with a = 1 + (kappa-1) s(Wx), s the sigmoid, and m = rho tanh(Mx);
    F = sum H(z_i - t_i) with the pseudo-Huber H(u) = sqrt(1+u^2) - 1 and t = m(x_o). z* = m(x),
    v* = -H'(m-t)/a(x), Psi = sum H(m_i - t_i), minimum 0 at x_o; grad Psi vanishes in flat tails.

    G_zx u = (z-m) a'(x) u - a(x) Dm u: the first term is zero at z* and wherever z lags behind m(x) it is not,
    so that grad_x G at a delayed z carries an error that G_zz does not show.

    Parameters
    ----------
    p, d : int
        Dimensions of z and x.
    seed : int
        Names the instance.
    kappa : float, at least 1
        The curvatures a_i lie in (1, kappa). Psi does not depend on it.
    rho : float, above 0
        Size of m.
    radius : float or None
        If given, L_xz, L_xx and the Lipschitz constants of the Hessian are declared for |z| <= radius.

    Raises
    ------
    ValueError
        For a bad argument.
    """
    kappa = check_real("kappa", kappa, at_least=1.0, hint="it bounds the condition number of G_zz")
    rho = check_real("rho", rho, above=0.0)

    rng = np.random.default_rng(seed)
    M = with_singular_values(rng, p, d, 0.5, 1.5)
    W = with_singular_values(rng, p, d, 0.5, 1.5)
    best = rng.standard_normal(d)
    bounded = Scalar(
        lambda y: rho * np.tanh(y),
        lambda y: rho * scalars.sech2(y),
        lambda y: (-2 * rho) * np.tanh(y) * scalars.sech2(y),
        step=lambda base, step: rho * scalars.tanh_step(base, step),
        first_bound=rho,
        second_bound=rho * scalars.SECH2_LIPSCHITZ,
        text="rho*tanh(u)",
        parameters={"rho": rho},
    )
    return planted(
        _link(M, W, kappa, bounded, radius),
        # |m - t| <= 2 rho, where H' is increasing.
        replace(PSEUDO_HUBER, first_bound=2 * rho / float(np.sqrt(1 + 4 * rho**2))),
        best,
        name="xdep_curvature",
        expressions=expressions("xdep_curvature", radius=radius),
        parameters={"seed": seed, "kappa": kappa, "rho": rho, "radius": radius},
        card=_CARD,
    )


def _link(M: Array, W: Array, kappa: float, bounded: Scalar, radius: float | None) -> Link:
    m = coupling(M, bounded)
    M_T, W_T = np.ascontiguousarray(M.T), np.ascontiguousarray(W.T)
    rise = kappa - 1

    def weight(x: Array) -> Array:
        return 1 + rise * scalars.sigmoid(linear_map(x, W_T))

    def weight_slope(x: Array) -> Array:
        return rise * scalars.sigmoid_first(linear_map(x, W_T))

    def pulled(x: Array) -> Array:
        """a g'(Mx), the coefficient of -M in G_zx."""
        return weight(x) * bounded.first(linear_map(x, M_T))

    def inner(z: Array, x: Array) -> Array:
        r = z - m.value(x)
        r *= r
        return dot(r, 0.5 * weight(x))

    def inner_grad_z(z: Array, x: Array) -> Array:
        return weight(x) * (z - m.value(x))

    def inner_grad_x(z: Array, x: Array) -> Array:
        r = z - m.value(x)
        return linear_map((0.5 * weight_slope(x)) * r**2, W) - linear_map(pulled(x) * r, M)

    def inner_hvp_zz(z: Array, x: Array, v: Array) -> Array:
        return spread_vectors(weight(x) * v, z)

    def inner_jvp_xz(z: Array, x: Array, v: Array) -> Array:
        r = z - m.value(x)
        return linear_map(weight_slope(x) * r * v, W) - linear_map(spread_vectors(pulled(x) * v, z), M)

    def inner_jvp_zx(z: Array, x: Array, u: Array) -> Array:
        r = z - m.value(x)
        return weight_slope(x) * r * linear_map(u, W_T) - pulled(x) * linear_map(u, M_T)

    def inner_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        y, r, a = M @ x, z - m.value(x), weight(x)
        g_first, slope = bounded.first(y), weight_slope(x)
        cross = (W_T * (slope * r * g_first)) @ M
        upper = (W_T * (0.5 * rise * scalars.sigmoid_second(W @ x) * r**2)) @ W - cross - cross.T
        upper += (M_T * (a * (g_first**2 - r * bounded.second(y)))) @ M
        return np.diag(a), W_T * (slope * r) - M_T * (a * g_first), upper

    def symbols(frame: Frame) -> InnerSymbols:
        from ._symbols import curvature_symbols

        return curvature_symbols(frame, W, kappa)

    # With b = 1/a = 1 - (rise/kappa) s(Wx + log kappa): |Db| <= rise/(4 kappa) |W|, and so on.
    w = spectral_norm(W)
    inverse = (1.0, rise / (4 * kappa) * w, rise / kappa * scalars.SIGMOID_SECOND * w**2)
    return Link(
        coupling=m,
        inner=inner,
        inner_grad_z=inner_grad_z,
        inner_grad_x=inner_grad_x,
        inner_hvp_zz=inner_hvp_zz,
        inner_jvp_xz=inner_jvp_xz,
        inner_jvp_zx=inner_jvp_zx,
        inner_hessian=inner_hessian,
        solve=lambda x, r: r / weight(x),
        constants=_constants(spectral_norm(M), w, rise, bounded, radius),
        inverse=inverse,
        symbols=symbols,
    )


def _constants(k: float, w: float, rise: float, bounded: Scalar, radius: float | None) -> Constants:
    """With r = z - m(x), |r_i| <= reach on |z| <= radius, a and m coordinate by coordinate functions of Wx and Mx:

    G_zzx = Da; G_zxx = r D^2 a - 2 sym(Da Dm) - a D^2 m;
    G_xx = r^2 D^2 a/2 - 2 sym(r Da Dm) + a (Dm Dm - r D^2 m), and its derivative in x by the product rule.
    H: a unit step (cos, sin) in (z, x) gives at most 3 c2 cos^2 sin + 3 c1 cos sin^2 + c0 sin^3, by Cauchy-Schwarz
    at most sqrt(3 c2^2 + 3 c1^2 + c0^2), as the squares of sqrt 3 cos^2 sin, sqrt 3 cos sin^2 and sin^3 sum to
    at most 1.
    """
    kappa = rise + 1
    # Bounds on the derivatives of order 1, 2, 3 of a(x) and of m(x); bounded.first_bound is rho.
    rho = bounded.first_bound or 0.0
    a1, a2, a3 = rise * w / 4, rise * scalars.SIGMOID_SECOND * w**2, rise * scalars.SIGMOID_THIRD * w**3
    m1, m2, m3 = rho * k, rho * scalars.SECH2_LIPSCHITZ * k**2, rho * scalars.TANH_THIRD * k**3
    constants = Constants(mu=1.0, L_zz=kappa, H_zz=0.0, H_xz=a1, k_z=m1, s_z=m2)
    if radius is None:
        return constants
    reach = radius + rho
    H_zx = reach * a2 + 2 * a1 * m1 + kappa * m2
    H_xx = reach**2 * a3 / 2 + 3 * reach * a2 * m1 + 3 * a1 * (m1**2 + reach * m2) + kappa * (3 * m1 * m2 + reach * m3)
    return replace(
        constants,
        L_xz=reach * a1 + kappa * m1,
        L_xx=reach**2 * a2 / 2 + 2 * reach * a1 * m1 + kappa * (m1**2 + reach * m2),
        H=float(np.sqrt(3 * a1**2 + 3 * H_zx**2 + H_xx**2)),
        H_zx=H_zx,
        H_xx=H_xx,
        radius=radius,
    )
