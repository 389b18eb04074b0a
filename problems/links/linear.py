"""Link families: the inner objective is built so that z* = Mx in closed form, the outer one planted at x_o.

Bregman link: G = phi(z) - <phi'(Mx), z> + mu |z-Mx|^2/2 for a convex phi; its curvature varies with z and,
at the solution, with x. Shift link: G = phi(z - Mx) with phi minimal at 0; all blocks of its Hessian are
bounded.
"""

from __future__ import annotations

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.problem import BilevelProblem, Card, Constants
from zoba_bench.validation import check_real

from .._base import scalars
from .._base.family import family, spectral_norm, with_singular_values
from ..combinators import LOG_COSH, PSEUDO_HUBER, SOFTPLUS, Scalar, bregman_link, coupling, planted, shift_link
from ._link import expressions

__all__ = ["logcosh_ripple", "logistic_bregman"]


_DIMENSIONS = "any p, d >= 1; for d > p the minimisers are not unique and none is declared"


_LOGISTIC = Card(
    summary="Logistic Bregman link: an inner curvature that varies with z and x, bounded slopes, convex Psi.",
    source="Bregman-link construction of this catalogue; no published origin",
    assumptions={
        "A1": "holds except L_xx: G_xx contains s''(Mx) z, which grows with |z|",
        "A2": "H_zz and H_xz hold; the full Hessian is not Lipschitz globally (G_xx)",
        "A3": "holds",
        "A4": "holds, in closed form",
        "A5": "holds",
    },
    quadratic_inner=False,
    psi_convexity="convex",
    dimensions=_DIMENSIONS,
    small={"p": 2, "d": 2},
)


@family(_LOGISTIC)
def logistic_bregman(p: int = 6, d: int = 4, *, seed: int = 0, mu: float = 0.1) -> BilevelProblem:
    """Logistic Bregman link.

    G = sum [softplus(z_i) - s((Mx)_i) z_i] + mu |z-Mx|^2/2 with the sigmoid s, F = sum H(z_i - t_i) with the
    pseudo-Huber H(u) = sqrt(1+u^2) - 1 and t = M x_o. z* = Mx, v* = -H'(Mx-t)/(s'(Mx)+mu),
    Psi = sum H((M(x-x_o))_i), minimum 0 at x_o. Psi does not depend on mu.

    Parameters
    ----------
    p, d : int
        Dimensions of z and x.
    seed : int
        Names the instance.
    mu : float, above 0
        Strong convexity of the inner objective.

    Raises
    ------
    ValueError
        For a bad argument.
    """
    mu = check_real("mu", mu, above=0.0, hint="without it the inner problem is not strongly convex")

    rng = np.random.default_rng(seed)
    M = with_singular_values(rng, p, d, 0.5, 1.5)
    best = rng.standard_normal(d)

    norm = spectral_norm(M)
    # With q = s'(m) in (0, 1/4], w = q + mu, v_i = -H'(m_i - t_i)/w(m_i), by the quotient rule:
    #   |v'| <= 1/w + |w'|/w^2 and |w'| = q sqrt(1-4q) <= q, q/(q+mu)^2 <= 1/(4 mu)                    (k_v)
    #   |v''| <= |H'''|/w + 2|w'|/w^2 + 2 w'^2/w^3 + |w''|/w^2, where w'^2/w^3 <= q^2/(q+mu)^3 <= 4/(27 mu)
    #   (at q = 2 mu) and |w''| = q|1-6q| <= q                                                         (s_v)
    # D^k of x -> v(Mx) adds a factor |M|^k, as v acts coordinate by coordinate.
    second = scalars.PSEUDO_HUBER_THIRD + 2 / 4 + 2 * 4 / 27 + 1 / 4
    constants = Constants(
        mu=mu,
        L_zz=mu + 0.25,
        L_xz=norm * (mu + 0.25),  # G_xz = -M' diag(s'(m) + mu)
        H_zz=scalars.SIGMOID_SECOND,
        H_xz=0.0,  # G_xz does not depend on z
        H_zx=norm**2 * scalars.SIGMOID_SECOND,  # G_xz = -M' diag(s'(Mx) + mu)
        m_zz=1.0,  # H'' <= 1
        m_xz=0.0,
        m_xx=0.0,
        C_z=float(np.sqrt(p)),  # |H'| <= 1
        C_x=0.0,
        R=float(np.sqrt(p)) / mu,
        k_z=norm,
        k_v=1.25 * norm / mu,
        s_z=0.0,  # z* is linear
        s_v=second * norm**2 / mu,
        L_Psi=norm**2,  # Hess Psi = M' diag(H'') M
    )
    # softplus(z) - s(m) z = log(2 cosh(z/2)) + (1/2 - s(m)) z.
    return planted(
        bregman_link(SOFTPLUS, coupling(M), mu=mu),
        PSEUDO_HUBER,
        best,
        name="logistic_bregman",
        constants=constants,
        expressions=expressions("logistic_bregman"),
        parameters={"seed": seed, "mu": mu},
        card=_LOGISTIC,
    )


_RIPPLE = Card(
    summary="Log-cosh shift link, rippled outer loss: every assumption holds globally, Psi is nonconvex.",
    source="shift-link construction of this catalogue; no published origin",
    assumptions={"A1": "holds", "A2": "holds", "A3": "holds", "A4": "holds, in closed form", "A5": "holds"},
    quadratic_inner=False,
    psi_convexity="nonconvex",
    dimensions=_DIMENSIONS,
    small={"p": 2, "d": 2},
)


@family(_RIPPLE)
def logcosh_ripple(
    p: int = 6,
    d: int = 4,
    *,
    seed: int = 0,
    a: float = 1.0,
    mu: float = 0.1,
    alpha: float = 0.5,
    omega: float = 3.0,
) -> BilevelProblem:
    """Log-cosh shift link with a rippled outer loss.

    G = a sum log cosh((z-Mx)_i) + mu |z-Mx|^2/2, F = sum f(z_i - t_i), t = M x_o, with
    f(u) = H(u) + alpha (1 - cos(omega u)) and the pseudo-Huber H(u) = sqrt(1+u^2) - 1.
    z* = Mx, v* = -f'(Mx-t)/(a+mu), Psi = sum f((M(x-x_o))_i): many stationary points, global minimum 0 at
    x_o.

    Parameters
    ----------
    p, d : int
        Dimensions of z and x.
    seed : int
        Names the instance.
    a : float, above 0
        Weight of log cosh.
    mu : float, above 0
        Strong convexity of the inner objective.
    alpha, omega : float, at least 0
        Amplitude and frequency of the ripple; Psi is convex for alpha = 0 or omega = 0.

    Raises
    ------
    ValueError
        For a bad argument.
    """
    a = check_real("a", a, above=0.0)
    mu = check_real("mu", mu, above=0.0, hint="without it the inner problem is not strongly convex")
    alpha = check_real("alpha", alpha, at_least=0.0)
    omega = check_real("omega", omega, at_least=0.0)

    rng = np.random.default_rng(seed)
    M = with_singular_values(rng, p, d, 0.5, 1.5)
    best = rng.standard_normal(d)

    # alpha (1 - cos(omega u)) = 2 alpha sin^2(omega u / 2), exact near 0.
    def loss(u: Array) -> Array:
        ripple = np.sin((0.5 * omega) * u)
        ripple *= ripple
        ripple *= 2 * alpha
        ripple += scalars.pseudo_huber(u)
        return ripple

    def loss_first(u: Array) -> Array:
        return scalars.pseudo_huber_first(u) + (alpha * omega) * np.sin(omega * u)

    def loss_second(u: Array) -> Array:
        return scalars.pseudo_huber_second(u) + (alpha * omega**2) * np.cos(omega * u)

    norm = spectral_norm(M)
    # With N = (I, -M): Hess G = N' diag(w(Nz)) N, |N|^2 = 1 + |M|^2, |w'| <= a max|d sech^2|.
    third = a * scalars.SECH2_LIPSCHITZ
    f_first, f_second = 1 + alpha * omega, 1 + alpha * omega**2
    f_third = scalars.PSEUDO_HUBER_THIRD + alpha * omega**3
    slope_bound = float(np.sqrt(p)) * f_first
    constants = Constants(
        mu=mu,
        L_zz=a + mu,
        L_xz=norm * (a + mu),
        L_xx=norm**2 * (a + mu),
        H=third * (1 + norm**2) ** 1.5,
        H_zz=third,
        H_xz=third * norm,
        H_zx=third * norm**2,
        H_xx=third * norm**3,
        m_zz=f_second,
        m_xz=0.0,
        m_xx=0.0,
        C_z=slope_bound,
        C_x=0.0,
        R=slope_bound / (a + mu),  # at z* the curvature is (a + mu) I; likewise k_v and s_v
        k_z=norm,
        k_v=norm * f_second / (a + mu),
        s_z=0.0,  # z* is linear
        s_v=norm**2 * f_third / (a + mu),
        L_Psi=norm**2 * f_second,  # Hess Psi = M' diag(f'') M
    )
    ripple = Scalar(
        loss,
        loss_first,
        loss_second,
        text="sqrt(1 + u**2) - 1 + 2*alpha*sin(omega*u/2)**2",
        terms=("u**2/(1 + sqrt(1 + u**2))", "2*alpha*sin(omega*u/2)**2"),
        parameters={"alpha": alpha, "omega": omega},
    )
    return planted(
        shift_link(LOG_COSH, coupling(M), weight=a, mu=mu),
        ripple,
        best,
        name="logcosh_ripple",
        constants=constants,
        expressions=expressions("logcosh_ripple"),
        parameters={"seed": seed, "a": a, "mu": mu, "alpha": alpha, "omega": omega},
        card=_RIPPLE,
    )
