"""What the descent of MEHA gives after K iterations: rates of theta, of the residual and of the gap."""

from __future__ import annotations

from typing import Any

import sympy as sp

from ...proof.algebra import require_equal, sides
from ...proof.rules import by_derivation, by_sum
from ...proof.theorem import Step
from .meha_lemmas import (
    L_F,
    V_0,
    K,
    L_f,
    M,
    alpha,
    beta,
    c,
    c_k,
    contraction,
    decrease,
    dx,
    dy,
    e,
    eta,
    gamma,
    k_x,
    k_y,
    power,
    sigma,
)

__all__ = ["rate_steps"]


def _penalty_step() -> Step:
    F, growth = sp.symbols("F growth", nonnegative=True)
    gap, change = sp.Symbol("gap", real=True), sp.Symbol("psi_next_c - psi_c", real=True)
    return Step(
        "merit function in k",
        sp.Le(change, 0),
        "psi_c = F/c + f - v_gamma does not grow with c, since F >= 0; c_{k+1} = c_k + growth.",
        by_sum(
            {F: growth / (c_k * (c_k + growth))},
            "the difference is F (1/c_k - 1/c_{k+1})",
            {change: (F / (c_k + growth) + gap) - (F / c_k + gap)},
        ),
    )


def _residual_parts() -> tuple[Any, Any]:
    """Bounds of the two blocks of grad psi after an iteration, from the directions taken."""
    off = contraction * e + k_x * dx + k_y * dy
    in_x = dx / alpha + (L_F / c_k + L_f) * (dx + dy) + L_f * (dx + off)
    in_y = dy / beta + (L_F / c_k + L_f) * dy + (dy + off) / gamma
    return in_x, in_y


def rate_steps() -> tuple[Step, ...]:
    kappa = kappa_x, kappa_y, kappa_e = sp.symbols("kappa_x kappa_y kappa_e", positive=True)
    weights = (1 / (2 * alpha), 1 / (2 * beta), eta * sigma**2 / 2)
    lengths = (dx, dy, e)
    pairs = {
        (kappa[i] * weights[j] * lengths[j] - kappa[j] * weights[i] * lengths[i]) ** 2: 1 / (weights[i] * weights[j])
        for i, j in ((0, 1), (0, 2), (1, 2))
    }
    slope, smallest, theta_2, residual_2 = sp.symbols(
        "|grad_psi| smallest_decrease smallest_e^2 smallest_R^2", nonnegative=True
    )
    s_1, s_2, end = sp.symbols("slack_1 slack_2 V_K", nonnegative=True)
    bound = M * c**2 * K ** (2 * power) * V_0 / K
    average = (V_0 - end - s_1) / K
    exponent = sp.simplify(K * sp.diff(sp.sqrt(bound), K) / sp.sqrt(bound))
    in_x, in_y = _residual_parts()
    both = L_f + 1 / gamma
    total = (1 / alpha + L_F / c_k + 2 * L_f + L_f * both / sigma) * dx
    total += (1 / beta + 2 * L_F / c_k + 2 * L_f + 1 / gamma + both / (gamma * sigma)) * dy
    total += (1 - eta * sigma) * both * e
    factor = 2 * alpha * kappa_x**2 + 2 * beta * kappa_y**2 + 2 * kappa_e**2 / (eta * sigma**2)

    def of_slope(statement: Any) -> str:
        require_equal(in_x + in_y, sides(statement, sp.LessThan)[1])
        return "Lipschitz constants along both steps, added up"

    return (
        _penalty_step(),
        Step(
            "sum of the decreases",
            sp.Le(smallest, V_0 / K),
            "Descent at fixed c_k and the merit function in k, summed over k < K; psi >= 0.",
            by_sum({end: 1 / K, s_1: 1 / K}, "V_K and the slack of the smallest term are left", {smallest: average}),
        ),
        Step(
            "error of theta",
            sp.Le(theta_2, 2 * V_0 / (eta * sigma**2 * K)),
            "Of the smallest decrease: min_k |theta^k - theta_star| = O(K^{-1/2}).",
            by_sum(
                {end: 2 / (eta * sigma**2 * K), s_1: 2 / (eta * sigma**2 * K), s_2: sp.Integer(1)},
                "e^2 is at most the decrease over its weight",
                {theta_2: average / (eta * sigma**2 / 2) - s_2},
            ),
        ),
        Step(
            "gradient after an iteration",
            sp.Le(slope, total),
            "grad psi_{c_k} at (x^{k+1}, y^{k+1}) against the directions -dx/alpha and -dy/beta taken there.",
            of_slope,
        ),
        Step(
            "residual by the decrease",
            sp.Le((kappa_x * dx + kappa_y * dy + kappa_e * e) ** 2, factor * decrease),
            "Cauchy-Schwarz with the coefficients kappa of the step before; M is the factor at c_0, and "
            "R_k = c_k |grad psi_{c_k}(x^{k+1}, y^{k+1})|.",
            by_sum(pairs, "Lagrange's identity: three squares"),
        ),
        Step(
            "residual",
            sp.Le(residual_2, M * c**2 * K ** (2 * power) * V_0 / K),
            "R_k^2 <= M c_k^2 decrease_k, c_k <= c K^power for k < K, at the smallest decrease.",
            by_sum(
                {end: M * c**2 * K ** (2 * power) / K, s_1: M * c**2 * K ** (2 * power) / K, s_2: sp.Integer(1)},
                "V_K and the slacks are left",
                {residual_2: M * c**2 * K ** (2 * power) * average - s_2},
            ),
        ),
        Step(
            "exponent of the residual",
            sp.Eq(sp.Symbol("exponent"), -(1 - 2 * power) / 2),
            "min_k R_k = O(K^exponent): K d/dK of the logarithm of the root of the bound.",
            by_derivation(lambda: exponent, "from the bound before"),
        ),
        Step(
            "constant penalty",
            sp.Eq(sp.Symbol("exponent at power 0"), -sp.Rational(1, 2)),
            "The best rate, but the gap to the envelope need not vanish.",
            by_derivation(lambda: exponent.subs(power, 0), "from the exponent"),
        ),
        Step(
            "penalty of the experiments",
            sp.Eq(sp.Symbol("exponent at power 49/100"), -sp.Rational(1, 100)),
            "Of no use in practice.",
            by_derivation(lambda: exponent.subs(power, sp.Rational(49, 100)), "from the exponent"),
        ),
        Step(
            "iterations that halve the residual's bound",
            sp.Eq(sp.Symbol("factor of K at power 49/100"), sp.Integer(2) ** 100),
            "At the exponent -1/100.",
            by_derivation(lambda: 2 ** (-1 / exponent.subs(power, sp.Rational(49, 100))), "2^(-1/exponent)"),
        ),
        _feasibility_step(),
    )


def _feasibility_step() -> Step:
    gap, bound, F, slack = sp.symbols("gap P F slack", nonnegative=True)
    weight = c * (K + 1) ** power
    return Step(
        "feasibility",
        sp.Le(gap, bound / (c * (K + 1) ** power)),
        "If F + c_K (f - v_gamma) stays at most P along the iterates: the gap f - v_gamma is O(K^-power).",
        by_sum({F: 1 / weight, slack: 1 / weight}, "F >= 0", {gap: (bound - F - slack) / weight}),
    )
