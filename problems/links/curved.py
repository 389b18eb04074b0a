"""Link families whose inner objective grows faster than a quadratic: quartic and exponential.

The inner solution is known in closed form and the outer loss is planted, as in :mod:`zoba_bench.problems.links.linear`;
here some block of the Hessian of G has no global bound, and is bounded on request on |z|, |x| <= radius.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from zoba_bench.arrays import Array, row_sum, spread_vectors
from zoba_bench.problem import BilevelProblem, Card, Constants
from zoba_bench.validation import check_real

from .._base import scalars
from .._base.family import family, spectral_norm, with_singular_values
from ..combinators import SQUARE, bregman_link, coupling, planted
from ._link import diagonal_link, expressions

if TYPE_CHECKING:
    from ._symbols import Frame, InnerSymbols

__all__ = ["poisson_bregman", "quartic_cardano"]


_DIMENSIONS = "any p, d >= 1; for d > p the minimisers are not unique and none is declared"


_QUARTIC = Card(
    summary="Quartic inner objective, solved by Cardano's formula: its gradient is not Lipschitz, v* is bounded.",
    source="Legendre-link construction of this catalogue; no published origin",
    assumptions={
        "A1": "L_xz and L_xx hold; G_zz = 1 + 3 z^2 is bounded on |z| <= radius",
        "A2": "H_xz = H_zx = H_xx = 0; H and H_zz on |z| <= radius",
        "A3": "R holds; F_z at z* grows like |x|^(1/3): C_z on |x| <= radius",
        "A4": "holds, in closed form",
        "A5": "holds",
    },
    quadratic_inner=False,
    psi_convexity="nonconvex",
    dimensions=_DIMENSIONS,
    small={"p": 2, "d": 2, "radius": 1.5},
)


@family(_QUARTIC)
def quartic_cardano(p: int = 5, d: int = 3, *, seed: int = 0, radius: float | None = None) -> BilevelProblem:
    """Quartic inner objective.

    G = sum [z_i^4/4 + z_i^2/2 - z_i (Mx)_i], F = |z-t|^2/2, t = z*(x_o). z* is the real root of z^3 + z = Mx,
    z* = (2/sqrt 3) sinh(asinh(sqrt(27) Mx/2)/3); v* = -(z*-t)/(1+3z*^2), Psi = |z*-t|^2/2, grad Psi = -M'v*,
    minimum 0 at x_o.

    Parameters
    ----------
    p, d : int
        Dimensions of z and x.
    seed : int
        Names the instance.
    radius : float or None
        If given, L_zz, H and H_zz are declared for |z| <= radius and C_z for |x| <= radius.

    Raises
    ------
    ValueError
        For a bad argument.
    """

    rng = np.random.default_rng(seed)
    M = with_singular_values(rng, p, d, 0.5, 1.5)
    best = rng.standard_normal(d)
    m = coupling(M, scalars.CUBIC_ROOT)

    def inner(z: Array, x: Array) -> Array:
        values = z * z
        values *= 0.25 * values + 0.5
        total: Array = row_sum(values) - np.vecdot(m.linear(x), z)
        return total

    def symbols(frame: Frame) -> InnerSymbols:
        from ._symbols import quartic_symbols

        return quartic_symbols(frame)

    t, k = m.value(best), spectral_norm(M)
    # With c = z* as a function of y = Mx, c' = 1/(1+3c^2):
    # |v*| <= (|c| + |t|)/(1+3c^2), largest where 3c^2 + 6|t|c = 1, with the value 1/(6c) = (|t| + sqrt(t^2+1/3))/2;
    # dv/dy = -(1 - 3c^2 + 6ct)/(1+3c^2)^3 with |1-3c^2| <= (1+3c^2)^3 and 6|c|/(1+3c^2)^3 = |c''|;
    # d2v/dy2 = (24c - 36c^3 + t (90c^2 - 6))/(1+3c^2)^5: the first part is largest where
    # 63 c^4 - 63 c^2 + 2 = 0, the second at c = 0. grad Psi = -M'v*.
    tops = 0.5 * (np.abs(t) + np.sqrt(t**2 + 1 / 3))
    farthest = float(np.abs(t).max())
    bent = np.sqrt((1 - np.sqrt(55 / 63)) / 2)
    turn = float((24 * bent - 36 * bent**3) / (1 + 3 * bent**2) ** 5)
    k_v = k * (1 + scalars.CUBIC_ROOT_SECOND * farthest)
    constants = Constants(
        mu=1.0,
        L_xz=k,  # G_xz = -M'
        L_xx=0.0,
        H_xz=0.0,
        H_zx=0.0,
        H_xx=0.0,
        m_zz=1.0,
        m_xz=0.0,
        m_xx=0.0,
        C_x=0.0,
        R=float(np.linalg.norm(tops)),
        k_z=k,
        k_v=k_v,
        s_z=k**2 * scalars.CUBIC_ROOT_SECOND,
        s_v=k**2 * (turn + 6 * farthest),
        L_Psi=k * k_v,
    )
    if radius is not None:
        # |c(y)| <= |y|.
        C_z = k * radius + float(np.linalg.norm(t))
        constants = replace(constants, L_zz=1 + 3 * radius**2, H=6 * radius, H_zz=6 * radius, C_z=C_z, radius=radius)
    link = diagonal_link(
        m,
        inner=inner,
        inner_grad_z=lambda z, x: z**3 + z - m.linear(x),
        slope_y=lambda z, x: spread_vectors(z, x),
        zz=lambda z, y: spread_vectors(1 + 3 * z**2, y),
        zy=lambda z, y: np.ones(np.broadcast_shapes(z.shape, y.shape)),
        yy=lambda z, y: np.zeros(y.shape),
        solution_weight=lambda y: 1 + 3 * scalars.cubic_root(y) ** 2,
        constants=constants,
        symbols=symbols,
    )
    return planted(
        link,
        SQUARE,
        best,
        name="quartic_cardano",
        constants=constants,
        expressions=expressions("quartic_cardano", radius=radius),
        parameters={"seed": seed, "radius": radius},
        card=_QUARTIC,
    )


_POISSON = Card(
    summary="Exponential Bregman link: inner curvature e^z + mu without a bound, Psi quadratic.",
    source="Bregman-link construction of this catalogue; no published origin",
    assumptions={
        "A1": "strong convexity holds; the blocks of the Hessian grow like e^|z| and e^|Mx|: on |x|, |z| <= radius",
        "A2": "H_xz = 0; the others on |x|, |z| <= radius",
        "A3": "C_z and R on |x| <= radius; globally |v*| <= R_g |grad Psi|",
        "A4": "k_z and s_z hold; k_v and s_v on |x| <= radius",
        "A5": "holds; Psi is strongly convex for d <= p",
    },
    quadratic_inner=False,
    psi_convexity="convex",
    dimensions=_DIMENSIONS,
    small={"p": 2, "d": 2, "radius": 1.5},
)


@family(_POISSON)
def poisson_bregman(
    p: int = 5, d: int = 3, *, seed: int = 0, mu: float = 0.2, radius: float | None = None
) -> BilevelProblem:
    """Exponential Bregman link.

    G = sum [e^(z_i) - e^((Mx)_i) z_i] + mu |z-Mx|^2/2, F = |z-t|^2/2, t = M x_o. z* = Mx,
    v* = -(Mx-t)/(e^(Mx)+mu), Psi = |M(x-x_o)|^2/2, minimum 0 at x_o. Psi does not depend on mu.

    Parameters
    ----------
    p, d : int
        Dimensions of z and x.
    seed : int
        Names the instance.
    mu : float, above 0
        Strong convexity of the inner objective.
    radius : float or None
        If given, the local constants are declared for |x|, |z| <= radius.

    Raises
    ------
    ValueError
        For a bad argument.
    """
    mu = check_real("mu", mu, above=0.0, hint="without it the inner problem is not strongly convex")

    rng = np.random.default_rng(seed)
    M = with_singular_values(rng, p, d, 0.5, 1.5)
    best = rng.standard_normal(d)
    return planted(
        bregman_link(scalars.EXPONENTIAL, coupling(M), mu=mu),
        SQUARE,
        best,
        name="poisson_bregman",
        constants=_poisson_constants(M, M @ best, mu, radius),
        expressions=expressions("poisson_bregman", radius=radius),
        parameters={"seed": seed, "mu": mu, "radius": radius},
        card=_POISSON,
    )


def _poisson_constants(M: Array, t: Array, mu: float, radius: float | None) -> Constants:
    """With u = M(x - x_o), v* = -u b and b = 1/(e^y + mu) = (1 - s(y - log mu))/mu:

    |b'| <= 1/(4 mu), |b''| <= max|s''|/mu; v' = -b - u b', v'' = -2b' - u b''. Globally |v*| <= |u|/mu, and
    grad Psi = M'u with u in the range of M. On |x| <= radius, |y_i| <= rows radius with the largest row norm.
    """
    values = np.linalg.svd(M, compute_uv=False)
    k = float(values[0])
    constants = Constants(
        mu=mu,
        H_xz=0.0,
        m_zz=1.0,
        m_xz=0.0,
        m_xx=0.0,
        C_x=0.0,
        R_0=0.0,
        R_g=1 / (mu * float(values[-1])),
        k_z=k,
        s_z=0.0,
        L_Psi=k**2,
    )
    if radius is None:
        return constants
    highest = float(np.linalg.norm(M, axis=1).max()) * radius
    top, far = float(np.exp(highest)), highest + float(np.abs(t).max())
    C_z = k * radius + float(np.linalg.norm(t))
    H_zx, H_xx = k**2 * top, k**3 * radius * top
    return replace(
        constants,
        L_zz=mu + float(np.exp(radius)),
        L_xz=k * (mu + top),
        L_xx=k**2 * (mu + radius * top),  # G_xx = M' diag(mu - e^y z) M
        # As for xdep_curvature, with the blocks zzz, zxx and xxx.
        H=float(np.sqrt(np.exp(2 * radius) + 3 * H_zx**2 + H_xx**2)),
        H_zz=float(np.exp(radius)),
        H_zx=H_zx,
        H_xx=H_xx,
        C_z=C_z,
        R=C_z / (mu + 1 / top),
        k_v=k * (1 + far / 4) / mu,
        s_v=k**2 * (0.5 + far * scalars.SIGMOID_SECOND) / mu,
        radius=radius,
    )
