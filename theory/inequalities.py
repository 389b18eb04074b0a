"""One-step inequalities for quadratic G, as steps whose algebra is verified.

a = |z - z*(x)|, b = |v - v*(x)|, g = |grad Psi(x)|, D the norm of the mean direction of x;
V_z, V_v, V_x the variances of the three directions. G is quadratic, so its surrogates are
unbiased and z* is affine; the biases bias_v, bias_x come from F.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from .positivity import require_nonnegative
from .symbols import D, L_Psi, L_xz, a, b, c, g, gamma, k_v, k_z, m_xz, m_zz, mu, rho, y_n
from .theorem import Step
from .variance import VarianceModel

__all__ = [
    "V_v",
    "V_x",
    "V_z",
    "bias_v",
    "bias_x",
    "curvature",
    "drift_of",
    "mean_square",
    "noise_factors",
    "one_step_inequalities",
]

#: Variances of the three directions, bounds of the biases, and |E[v*(x+) - v*(x - gamma D)]|.
V_z, V_v, V_x, bias_v, bias_x, curvature = sp.symbols("V_z V_v V_x bias_v bias_x curvature", nonnegative=True)


def mean_square(error: Any, target: Any, slope: Any, moved: Any, variance: Any, factors: Any) -> Any:
    """Right-hand side of the inequality of z or v: E|error+|^2 is at most this.

    ``target`` is what the contraction leaves beside (1 - rho mu) error; ``moved`` bounds the
    mean of what the noise of x moves the solution beyond the mean step.
    """
    mean = (1 - rho * mu) * error + rho * target + slope * gamma * D
    return (mean + moved) ** 2 + factors[0] * rho**2 * variance + factors[1] * slope**2 * gamma**2 * V_x


def drift_of(weight: Any, error: Any, target: Any, slope: Any, moved: Any, variance: Any, factors: Any) -> Any:
    """Bound on phi (E|error+|^2 - error^2) / gamma with phi = c weight / mu, after the convexity step.

    The mean step (1 - rho mu) error + rho mu y has square at most (1 - rho mu) error^2 +
    rho mu y^2, with y the rest divided by rho mu; gamma = c rho throughout.
    """
    y = (rho * target + slope * gamma * D + moved) / (rho * mu)
    square = (1 - rho * mu) * error**2 + rho * mu * y**2
    noise = factors[0] * rho**2 * variance + factors[1] * slope**2 * gamma**2 * V_x
    drift = c * weight / mu * (square - error**2 + noise) / gamma
    return sp.expand(drift.subs(rho, gamma / c))


def noise_factors(independent: bool) -> tuple[Any, Any]:
    """E|n1 + n2|^2 <= f1 E|n1|^2 + f2 E|n2|^2 for the noises of (z, v) and of x."""
    return (sp.Integer(1), sp.Integer(1)) if independent else (1 + y_n, 1 + 1 / y_n)


def one_step_inequalities(model: VarianceModel) -> tuple[Step, ...]:
    """Contraction, the inequalities of z, v and x, and the convexity step that joins them."""
    factors = noise_factors(model.independent)
    after = sp.Function("E_next")
    e_x = m_xz * a + L_xz * b + bias_x
    value, descent = sp.symbols("Psi Psi_next", real=True)
    drift = value - gamma * g**2 / 2 - gamma * D**2 / 2 + gamma * e_x**2 / 2 + L_Psi * gamma**2 * (D**2 + V_x) / 2
    lam = sp.Symbol("lambda", positive=True)
    return (
        Step(
            "contraction",
            sp.Le(sp.Abs(1 - rho * lam), 1 - rho * mu),
            "Every eigenvalue lambda of G_zz lies in [mu, L_zz] and rho <= 2/(mu + L_zz).",
            lambda _: _contraction(),
        ),
        Step(
            "inequality of z",
            sp.Le(after(a**2), mean_square(a, sp.Integer(0), k_z, sp.Integer(0), V_z, factors)),
            "The mean direction of z is G_zz (z - z*); z* moves by at most k_z gamma D on the mean step; the "
            + ("two noises are independent." if model.independent else "two noises by Young's inequality."),
            lambda _: _noise(model),
        ),
        Step(
            "inequality of v",
            sp.Le(after(b**2), mean_square(b, m_zz * a + bias_v, k_v, curvature, V_v, factors)),
            "G_zz v + F_z(z) = G_zz (v - v*) + F_z(z) - F_z(z*) because G_zz v* = -F_z(z*); "
            "F_z has Lipschitz constant m_zz, f_z the bias. Projection of v onto a ball that "
            "contains v* does not increase b.",
            lambda _: _adjoint(),
        ),
        Step(
            "inequality of x",
            sp.Le(descent, drift),
            "L_Psi-smoothness; D - grad Psi = G_xz (v - v*) + F_x(z) - F_x(z*) + bias, of norm at "
            "most m_xz a + L_xz b + bias_x; polarisation of the inner product.",
            lambda _: _polarisation(),
        ),
        Step(
            "convexity",
            sp.Le(
                ((1 - rho * mu) * a + rho * b + k_z * gamma * D) ** 2,
                (1 - rho * mu) * a**2 + rho / mu * (b + c * k_z * D) ** 2,
            ),
            "Convexity of the square with weights 1 - rho mu and rho mu, and gamma = c rho.",
            lambda _: _convexity(),
        ),
    )


def _contraction() -> str:
    s, q, slack = sp.symbols("s q slack", nonnegative=True)
    lam, largest = mu + s, mu + s + q
    gap = (1 - rho * mu) ** 2 - (1 - rho * lam) ** 2
    # rho (lam - mu) (2 - rho (lam + mu)), and 2 - rho (lam + mu) >= 2 - rho (L + mu) >= 0.
    if sp.expand(gap - rho * s * ((2 - rho * (largest + mu)) + rho * q)) != 0:
        raise ValueError("the spectrum of I - rho G_zz is not bounded by 1 - rho mu")
    # Smaller rho only helps: at the largest one 1 - rho mu = (L_zz - mu) / (L_zz + mu) >= 0.
    at_limit = (1 - rho * mu).subs(rho, 2 / (2 * mu + s + q)) + slack
    require_nonnegative(at_limit)
    return "(1-rho mu)^2 - (1-rho lambda)^2 = rho (lambda-mu) [(2-rho(L_zz+mu)) + rho (L_zz-lambda)]"


def _noise(model: VarianceModel) -> str:
    x, y = sp.symbols("x y", real=True)
    if model.independent:
        return "D_z, D_v depend on w only and D_x on u only, so E<n1, n2> = 0 with E n1 = 0"
    one, two = noise_factors(False)
    if sp.expand(one * x**2 + two * y**2 - (x + y) ** 2 - y_n * (x - y / y_n) ** 2) != 0:
        raise ValueError("the two noises are not bounded by Young's inequality")
    return "(1+k) x^2 + (1+1/k) y^2 - (x+y)^2 = k (x-y/k)^2 with k = y_n"


def _adjoint() -> str:
    hessian, adjoint, adjoint_star, gradient = sp.symbols("A v v_star F_z")
    gradient_star = -hessian * adjoint_star
    difference = hessian * adjoint + gradient - (hessian * (adjoint - adjoint_star) + gradient - gradient_star)
    if sp.expand(difference) != 0:
        raise ValueError("the mean direction of v is not A (v - v*) + F_z(z) - F_z(z*)")
    return "A v + F_z - [A (v - v*) + F_z - F_z*] = 0 with F_z* = -A v*"


def _polarisation() -> str:
    inner = sp.Symbol("inner_product", real=True)
    distance = D**2 - 2 * inner + g**2
    if sp.expand(-inner - (distance - g**2 - D**2) / 2) != 0:
        raise ValueError("polarisation does not hold")
    return "-<g, D> = |D - g|^2/2 - |g|^2/2 - |D|^2/2"


def _convexity() -> str:
    t, y = sp.symbols("t y", nonnegative=True)
    gap = (1 - t) * a**2 + t * y**2 - ((1 - t) * a + t * y) ** 2
    if sp.expand(gap - t * (1 - t) * (a - y) ** 2) != 0:
        raise ValueError("convexity of the square fails")
    target = (b + c * k_z * D) / mu
    if sp.expand((rho * mu * target - rho * b - k_z * gamma * D).subs(gamma, c * rho)) != 0:
        raise ValueError("the weights do not reproduce the mean step")
    return "(1-t) x^2 + t y^2 - ((1-t) x + t y)^2 = t (1-t) (x-y)^2 with t = rho mu <= 1"
