"""Link families: the inner objective is built so that z* = Mx in closed form, the outer one planted at x_o.

Bregman link: G = phi(z) - <phi'(Mx), z> + mu |z-Mx|^2/2 for a convex phi; its curvature varies with z and,
at the solution, with x. Shift link: G = phi(z - Mx) with phi minimal at 0; all blocks of its Hessian are
bounded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoba_bench.problem import BilevelProblem, Card, Constants, check_dimension

from . import _scalars as scalars
from ._family import check_real, check_seed, family, spectral_norm, sphere_start, with_singular_values
from ._kernels import blockwise, linear_map, row_sum, spread, spread_vectors, square_norm

__all__ = ["logcosh_ripple", "logistic_bregman"]

Array = NDArray[np.float64]
Scalar = Callable[[Array], Array]

_DIMENSIONS = "any p, d >= 1; for d > p the minimisers are not unique and none is declared"


def _build(
    name: str,
    M: Array,
    planted: Array,
    *,
    inner: Callable[[Array, Array], Array],
    inner_grad_z: Callable[..., Array],
    inner_grad_x: Callable[..., Array],
    weight_zz: Callable[[Array, Array], Array],
    weight_xz: Callable[[Array, Array], Array],
    weight_xx: Callable[[Array, Array], Array],
    solution_weight: Scalar,
    loss: Scalar,
    loss_first: Scalar,
    loss_second: Scalar,
    constants: Constants,
    parameters: dict[str, Any],
    card: Card,
) -> BilevelProblem:
    """Closed forms of G with diagonal weights around Mx and F = sum of loss(z_i - t_i), t = M x_o.

    The Hessian of G has the blocks zz = diag(w_zz), xz = -M' diag(w_xz), xx = M' diag(w_xx) M, the weights
    being functions of (z, Mx); ``solution_weight`` is w_zz at z = Mx.
    """
    p, d = M.shape
    M_T = np.ascontiguousarray(M.T)
    t = M @ planted

    def outer(z: Array, x: Array) -> Array:
        return spread(row_sum(loss(z - t)), x)

    def inner_solution(x: Array) -> Array:
        return linear_map(x, M_T)

    # M (x - x_o), not Mx - t: value and hypergradient are then exact to relative accuracy near x_o.
    def adjoint(x: Array) -> Array:
        return -loss_first(linear_map(x - planted, M_T)) / solution_weight(linear_map(x, M_T))

    def value(x: Array) -> Array:
        return row_sum(loss(linear_map(x - planted, M_T)))

    def hypergradient(x: Array) -> Array:
        return linear_map(loss_first(linear_map(x - planted, M_T)), M)

    def outer_grad_z(z: Array, x: Array) -> Array:
        return spread_vectors(loss_first(z - t), x)

    def outer_grad_x(z: Array, x: Array) -> Array:
        return spread_vectors(np.zeros(d), z, x)

    def inner_hvp_zz(z: Array, x: Array, v: Array) -> Array:
        return weight_zz(z, linear_map(x, M_T)) * v

    def inner_jvp_xz(z: Array, x: Array, v: Array) -> Array:
        return -linear_map(weight_xz(z, linear_map(x, M_T)) * v, M)

    def inner_jvp_zx(z: Array, x: Array, u: Array) -> Array:
        return -weight_xz(z, linear_map(x, M_T)) * linear_map(u, M_T)

    def inner_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        m = M @ x
        cross, upper = weight_xz(z, m), weight_xx(z, m)
        return np.diag(weight_zz(z, m)), -M_T * cross, (M_T * upper) @ M

    def outer_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        return np.diag(loss_second(z - t)), np.zeros((d, p)), np.zeros((d, d))

    minimizer = None
    if d <= p:
        minimizer = planted.copy()
        minimizer.setflags(write=False)
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
        minimizer=minimizer,
        minimum=0.0,
        constants=constants,
        start=sphere_start(p, d),
        parameters=parameters,
        card=card,
    )


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

    Returns
    -------
    BilevelProblem

    Raises
    ------
    ValueError
        For a bad argument.
    """
    p, d = check_dimension("p", p), check_dimension("d", d)
    seed = check_seed(seed)
    mu = check_real("mu", mu, above=0.0, hint="without it the inner problem is not strongly convex")

    rng = np.random.default_rng(seed)
    M = with_singular_values(rng, p, d, 0.5, 1.5)
    planted = rng.standard_normal(d)
    M_T = np.ascontiguousarray(M.T)

    # softplus(z) - s(m) z = log(2 cosh(z/2)) + (1/2 - s(m)) z and 1/2 - s(m) = -tanh(m/2)/2.
    def inner(z: Array, x: Array) -> Array:
        m = linear_map(x, M_T)
        total: Array = np.vecdot(np.tanh(0.5 * m) * -0.5, z) + row_sum(scalars.log_2cosh_half(z))
        total += (0.5 * mu) * square_norm(z - m)
        return total

    def inner_grad_z(z: Array, x: Array) -> Array:
        m = linear_map(x, M_T)
        return 0.5 * (np.tanh(0.5 * z) - np.tanh(0.5 * m)) + mu * (z - m)

    def inner_grad_x(z: Array, x: Array) -> Array:
        m = linear_map(x, M_T)
        return -linear_map(scalars.sigmoid_first(m) * z + mu * (z - m), M)

    def weight_zz(z: Array, m: Array) -> Array:
        return spread_vectors(scalars.sigmoid_first(z) + mu, m)

    def weight_xz(z: Array, m: Array) -> Array:
        return spread_vectors(scalars.sigmoid_first(m) + mu, z)

    def weight_xx(z: Array, m: Array) -> Array:
        return mu - scalars.sigmoid_second(m) * z

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
    return _build(
        "logistic_bregman",
        M,
        planted,
        inner=inner,
        inner_grad_z=inner_grad_z,
        inner_grad_x=inner_grad_x,
        weight_zz=weight_zz,
        weight_xz=weight_xz,
        weight_xx=weight_xx,
        solution_weight=lambda m: scalars.sigmoid_first(m) + mu,
        loss=scalars.pseudo_huber,
        loss_first=scalars.pseudo_huber_first,
        loss_second=scalars.pseudo_huber_second,
        constants=constants,
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

    Returns
    -------
    BilevelProblem

    Raises
    ------
    ValueError
        For a bad argument.
    """
    p, d = check_dimension("p", p), check_dimension("d", d)
    seed = check_seed(seed)
    a = check_real("a", a, above=0.0)
    mu = check_real("mu", mu, above=0.0, hint="without it the inner problem is not strongly convex")
    alpha = check_real("alpha", alpha, at_least=0.0)
    omega = check_real("omega", omega, at_least=0.0)

    rng = np.random.default_rng(seed)
    M = with_singular_values(rng, p, d, 0.5, 1.5)
    planted = rng.standard_normal(d)
    M_T = np.ascontiguousarray(M.T)

    def inner(z: Array, x: Array) -> Array:
        r = z - linear_map(x, M_T)
        return a * row_sum(scalars.log_cosh(r)) + (0.5 * mu) * square_norm(r)

    def slope(z: Array, x: Array) -> Array:
        r = z - linear_map(x, M_T)
        return a * np.tanh(r) + mu * r

    def inner_grad_x(z: Array, x: Array) -> Array:
        return -linear_map(slope(z, x), M)

    def weight(z: Array, m: Array) -> Array:
        return a * scalars.sech2(z - m) + mu

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
    return _build(
        "logcosh_ripple",
        M,
        planted,
        inner=inner,
        inner_grad_z=slope,
        inner_grad_x=inner_grad_x,
        weight_zz=weight,
        weight_xz=weight,
        weight_xx=weight,
        solution_weight=lambda m: np.full(m.shape, a + mu),
        loss=loss,
        loss_first=loss_first,
        loss_second=loss_second,
        constants=constants,
        parameters={"seed": seed, "a": a, "mu": mu, "alpha": alpha, "omega": omega},
        card=_RIPPLE,
    )
