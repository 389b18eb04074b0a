"""What one step does to the errors of z and v and to Psi: three inequalities.

a = |z - z*(x)|, b = |v - v*(x)|, g = |grad Psi(x)|, D is the norm of the mean direction of x. V_z, V_v and
V_x are the variances of the three directions, M_v = H_zz R + m_zz and M_x = H_xz R + m_xz. The directions are
those of a smoothed G. Smoothing keeps mu <= G_zz <= L_zz; its other effects are the biases.

The inequality of x holds for every o >= 0. By L_Psi-smoothness Psi changes by at most
-gamma <grad Psi, D> + L_Psi gamma^2 (D^2 + V_x)/2 in the mean. The inner product is split,
-<grad Psi, D> = -(1 + 2 o) <grad Psi, D> + 2 o <grad Psi, D>. The first part is equal to
(1/2 + o) (|D - grad Psi|^2 - g^2 - D^2) by the polarisation identity; the second is at most 2 o g D by
Cauchy-Schwarz. A larger o gains where D and grad Psi are nearly parallel.

Each inequality is proved from exact quantities and non-negative slacks: the left-hand side is written with
the slack of every triangle or Cauchy-Schwarz inequality that was used, and the right-hand side minus it has
non-negative coefficients. The mean of an error after the step is split by ``contributions``, an identity.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from ..proof.algebra import equal, require_nonnegative
from ..proof.rules import by_nonnegative_terms, by_relation, by_sum
from ..proof.theorem import Step
from ..symbols import D, L_Psi, L_xz, M_v, M_x, a, b, g, gamma, k_v, k_z, mu, o, rho, y_n
from .contributions import error_of_x, mean_of_v, mean_of_z

__all__ = [
    "V_v",
    "V_x",
    "V_z",
    "after_v",
    "after_x",
    "after_z",
    "bias_v",
    "bias_x",
    "bias_z",
    "moved_v",
    "moved_z",
    "noise_factors",
    "noise_square",
    "one_step_inequalities",
]

#: Variances of the three directions, bounds of the biases, and bounds of
#: |E[z*(x+) - z*(x - gamma D)]| and |E[v*(x+) - v*(x - gamma D)]|.
V_z, V_v, V_x, bias_z, bias_v, bias_x = sp.symbols("V_z V_v V_x bias_z bias_v bias_x", nonnegative=True)
moved_z, moved_v = sp.symbols("moved_z moved_v", nonnegative=True)
_slack, _aligned = sp.symbols("slack aligned", nonnegative=True)


def noise_square(own: Any, slope: Any, independent: bool) -> Any:
    """Bound on E|rho n + (motion of the solution by the noise of x)|^2."""
    cross = sp.Integer(0) if independent else 2 * rho * sp.sqrt(own) * slope * gamma * sp.sqrt(V_x)
    return rho**2 * own + slope**2 * gamma**2 * V_x + cross


def after_z(independent: bool) -> Any:
    """Right-hand side of the inequality of z."""
    mean = (1 - rho * mu) * a + rho * bias_z + k_z * gamma * D + moved_z
    return mean**2 + noise_square(V_z, k_z, independent)


def after_v(independent: bool) -> Any:
    """Right-hand side of the inequality of v."""
    mean = (1 - rho * mu) * b + rho * (M_v * a + bias_v) + k_v * gamma * D + moved_v
    return mean**2 + noise_square(V_v, k_v, independent)


def gradient_error() -> Any:
    """Bound on |D - grad Psi|."""
    return M_x * a + L_xz * b + bias_x


def after_x() -> Any:
    """Right-hand side of the inequality of x, the mean change of Psi; every o >= 0 gives a bound."""
    polarised = (sp.Rational(1, 2) + o) * gamma * (gradient_error() ** 2 - g**2 - D**2)
    return polarised + 2 * o * gamma * g * D + L_Psi * gamma**2 * (D**2 + V_x) / 2


def noise_factors(independent: bool) -> tuple[Any, Any]:
    """E|n1 + n2|^2 <= f1 E|n1|^2 + f2 E|n2|^2 for the noises of (z, v) and of x."""
    return (sp.Integer(1), sp.Integer(1)) if independent else (1 + y_n, 1 + 1 / y_n)


@cache
def one_step_inequalities(independent: bool) -> tuple[Step, ...]:
    """Contraction, the inequalities of z, v and x, and the convexity step that joins them."""
    t, y = sp.symbols("t y", nonnegative=True)
    lam = sp.Symbol("lambda", positive=True)
    noises = "the two noises are independent" if independent else "the root of the sum is at most the sum of the roots"
    return (
        Step(
            "contraction",
            sp.Le(sp.Abs(1 - rho * lam), 1 - rho * mu),
            "Strong convexity and smoothness, kept by smoothing: every eigenvalue lambda of the averaged "
            "Hessian lies in [mu, L_zz], and rho <= 2/(mu + L_zz).",
            lambda statement: _contraction(statement, lam),
        ),
        Step(
            "inequality of z",
            sp.Le(sp.Symbol("mean_a_next_squared"), after_z(independent)),
            "Triangle inequality for the mean: contraction, the bias at z*, |z*(x - gamma D) - z*(x)| <= k_z gamma D, "
            f"and the mean motion by the noise; bias-variance decomposition; {noises} (Minkowski).",
            _mean_and_noise(mean_of_z(bias_z, moved_z), a, V_z, k_z, independent),
        ),
        Step(
            "inequality of v",
            sp.Le(sp.Symbol("mean_b_next_squared"), after_v(independent)),
            "As for z; the mean direction is A (v - v*) + (A - G_zz(z*)) v* + F_z - F_z(z*) with A the smoothed "
            f"G_zz, of Lipschitz constants H_zz and m_zz; {noises} (Minkowski). Projection of v onto a ball that "
            "contains v* does not increase b.",
            _mean_and_noise(mean_of_v(bias_v, moved_v), b, V_v, k_v, independent),
        ),
        _split_noises(V_z, k_z, independent),
        _split_noises(V_v, k_v, independent),
        Step(
            "mean direction of v",
            sp.Eq(sp.Symbol("E_D_v"), _adjoint_direction()),
            "G_zz(z*) v* = -F_z(z*), so that adding and subtracting A v* leaves errors only.",
            _adjoint,
        ),
        Step(
            "mean direction of x",
            sp.Le(sp.Symbol("|E D_x - grad Psi|"), gradient_error()),
            "C v + F_x - (C* v* + F_x*) = C (v - v*) + (C - C*) v* + F_x - F_x*, beside the bias; M_x = H_xz R + m_xz.",
            by_relation(
                lambda: sp.Le(sp.Symbol("|E D_x - grad Psi|"), error_of_x(bias_x)),
                "identity of operators, then the triangle inequality",
            ),
        ),
        Step(
            "inequality of x",
            sp.Le(sp.Symbol("mean_change_of_Psi"), after_x()),
            "L_Psi-smoothness; |D - grad Psi| is at most M_x a + L_xz b + bias_x. The inner product -<grad Psi, D> is "
            "-(1 + 2 o) <grad Psi, D> + 2 o <grad Psi, D>: the first part is bounded by polarisation, the second by "
            "Cauchy-Schwarz.",
            _descent(),
        ),
        Step(
            "convexity",
            sp.Le(((1 - t) * a + t * y) ** 2, (1 - t) * a**2 + t * y**2),
            "Convexity of the square with weights 1 - t and t = rho mu <= 1.",
            lambda statement: _convexity(statement, t, y),
        ),
    )


def _contraction(statement: Any, lam: Any) -> str:
    s, q, slack = sp.symbols("s q slack", nonnegative=True)
    inner, bound = statement.lhs.args[0], statement.rhs
    largest = mu + s + q
    gap = (bound**2 - inner**2).subs(lam, mu + s)
    # rho (lam - mu) (2 - rho (lam + mu)), and 2 - rho (lam + mu) >= 2 - rho (L + mu) >= 0.
    if sp.expand(gap - rho * s * ((2 - rho * (largest + mu)) + rho * q)) != 0:
        raise ValueError("the spectrum of I - rho G_zz is not bounded by 1 - rho mu")
    # Smaller rho only helps: at the largest one 1 - rho mu = (L_zz - mu) / (L_zz + mu) >= 0.
    require_nonnegative(bound.subs(rho, 2 / (2 * mu + s + q)) + slack)
    return "(1-rho mu)^2 - (1-rho lambda)^2 = rho (lambda-mu) [(2-rho(L_zz+mu)) + rho (L_zz-lambda)]"


def _mean_and_noise(bound: Any, error: Any, own: Any, slope: Any, independent: bool) -> Any:
    """Proof with |mean| = (sum of its bounds) - slack and <n1, n2> = (1 - aligned) sqrt(V1 V2)."""
    mean = sp.Symbol("mean_norm", nonnegative=True)
    rest = bound - (1 - rho * mu) * error
    cross = sp.Integer(0) if independent else 2 * rho * slope * gamma * sp.sqrt(own) * sp.sqrt(V_x) * (1 - _aligned)
    left = mean**2 + rho**2 * own + slope**2 * gamma**2 * V_x + cross
    return by_nonnegative_terms(
        left,
        "the mean split by an identity; right-hand side minus E|error+|^2 = slack (2 |mean| + slack) + non-negative "
        "multiples of the cross term",
        attained={_slack: 0, _aligned: 0},
        where={error: (mean + _slack - rest) / (1 - rho * mu)},
    )


def _split_noises(own: Any, slope: Any, independent: bool) -> Step:
    """The squares of both noises, with the factors that the explicit certificate gives them."""
    one, two = rho * sp.sqrt(own), slope * gamma * sp.sqrt(V_x)
    first, second = noise_factors(independent)
    name = sp.Symbol("mean_squared_noise", nonnegative=True)
    gap = {} if independent else {(one - two / y_n) ** 2: y_n}
    return Step(
        f"split of the noises of {str(own)[-1]}",
        sp.Le(name, first * one**2 + second * two**2),
        "The square of a sum of roots by Young's inequality; squares of independent noises add up.",
        by_sum(
            gap, "right minus left is a multiple of a square, or nothing", {name: noise_square(own, slope, independent)}
        ),
    )


def _adjoint_direction() -> Any:
    hessian, star, adjoint, adjoint_star, gradient, gradient_star = sp.symbols("A A_star v v_star F_z F_z_star")
    return hessian * (adjoint - adjoint_star) + (hessian - star) * adjoint_star + gradient - gradient_star


def _adjoint(statement: Any) -> str:
    hessian, star, adjoint, adjoint_star, gradient, gradient_star = sp.symbols("A A_star v v_star F_z F_z_star")
    exact = hessian * adjoint + gradient
    if not equal((statement.rhs - exact).subs(gradient_star, -star * adjoint_star), 0):
        raise ValueError("the mean direction of v is not A (v - v*) + (A - A*) v* + F_z - F_z*")
    return "A v + F_z minus it vanishes where F_z* = -A* v*"


def _descent() -> Any:
    """Proof with |D - g|^2 = e_x^2 - slack and <g, D> = |g| |D| - aligned."""
    error = sp.sqrt(D**2 + g**2 - 2 * (g * D - _aligned) + _slack)
    left = -gamma * (g * D - _aligned) + L_Psi * gamma**2 * (D**2 + V_x) / 2
    return by_nonnegative_terms(
        sp.expand(left),
        "right-hand side minus change of Psi = (1/2 + o) gamma slack + 2 o gamma (|g||D| - <g, D>)",
        attained={_slack: 0, _aligned: 0},
        where={a: (error - L_xz * b - bias_x) / M_x},
    )


def _convexity(statement: Any, t: Any, y: Any) -> str:
    if sp.expand(statement.rhs - statement.lhs - t * (1 - t) * (a - y) ** 2) != 0:
        raise ValueError("convexity of the square fails")
    return "right minus left = t (1-t) (a-y)^2 with t = rho mu <= 1"
