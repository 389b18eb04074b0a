"""MEHA: a single loop on the penalised gap to the Moreau envelope of the lower level.

Source: arXiv 2405.09927. Its text was not available; the iteration is that of a follow-up and of a
maintained implementation, with F divided by the penalty c_k. The derivation is for the smooth case
(g = 0, X and Y whole spaces) and is this project's own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import sympy as sp

from ...proof.algebra import require_equal, sides
from ...proof.rules import by_components, by_sum
from ...proof.theorem import Assumption, Quoted, Step, Theorem
from .meha_examples import example_steps
from .meha_lemmas import (
    L_F,
    STEP_OF_THETA,
    V_0,
    K,
    L_f,
    L_x,
    L_y,
    alpha,
    beta,
    c,
    c_k,
    contraction,
    decrease,
    dx,
    dy,
    e,
    envelope_steps,
    eta,
    gamma,
    k_x,
    k_y,
    power,
    rho_1,
    rho_2,
    rho_y,
    sigma,
    tau_x,
    tau_y,
    theta_steps,
)
from .meha_rates import rate_steps

__all__ = ["counted_calls", "iteration", "meha"]

ASSUMPTIONS = (
    Assumption("g = 0 and X, Y are whole spaces; F >= 0 (or F - inf F in its place), its gradient L_F-Lipschitz", L_F),
    Assumption(
        "f has an L_f-Lipschitz gradient; f + rho_1 |x|^2/2 + rho_2 |y|^2/2 is convex and gamma rho_2 < 1",
        L_f, rho_1, rho_2,
    ),
    Assumption(
        "theta -> f(x, theta) + |theta - y|^2/(2 gamma) is sigma-strongly convex: sigma = 1/gamma - rho_2, or "
        "1/gamma + mu where f is mu-strongly convex in y",
        sigma, gamma,
    ),
    Assumption(
        "eta <= 2/(sigma + L_f + 1/gamma); alpha and beta as in the steps at the smallest c_k; "
        "c_k = c (k + 1)^power, 0 <= power < 1/2",
        eta, alpha, beta, c, c_k, power,
    ),
)  # fmt: skip
_VOCABULARY = frozenset((L_F, L_f, rho_1, rho_2, sigma, gamma, eta, alpha, beta, c, c_k, power))
SOURCE = (
    "Algorithm: arXiv 2405.09927 by a follow-up (MO-MEHA), reviews and public code; the paper's text was not "
    "available. The derivation, with its constants, is this project's own."
)


def iteration(
    ask: Callable[..., Any], x: Any, y: Any, theta: Any, sizes: tuple[Any, Any, Any], moreau: Any, weight: Any
) -> Any:
    """One iteration: (x, y, theta) after the steps of theta, x and y, in this order.

    Parameters
    ----------
    ask : function of an oracle's name and its arguments: "outer_grad_x", "outer_grad_z",
        "inner_grad_x", "inner_grad_z" at (x, y); "prox" with (step, x, point); "projection".
    x, y, theta : the iterates.
    sizes : alpha, beta, eta.
    moreau, weight : gamma and c_k.
    """
    step_x, step_y, step_theta = sizes
    theta = ask("prox", step_theta, x, theta - step_theta * (ask("inner_grad_z", x, theta) + (theta - y) / moreau))
    slope = ask("inner_grad_x", x, y) - ask("inner_grad_x", x, theta)
    x_next = ask("projection", x - step_x * (ask("outer_grad_x", x, y) / weight + slope))
    slope = ask("inner_grad_z", x_next, y) - (y - theta) / moreau
    y_next = ask("prox", step_y, x_next, y - step_y * (ask("outer_grad_z", x_next, y) / weight + slope))
    return x_next, y_next, theta


def counted_calls() -> dict[str, int]:
    """Distinct calls of one iteration, by oracle."""
    made: set[tuple[str, tuple[Any, ...]]] = set()

    def ask(name: str, *point: Any) -> Any:
        made.add((name, point))
        return sp.Function(name)(*point)

    x, y, theta = sp.symbols("x y theta")
    iteration(ask, x, y, theta, (alpha, beta, eta), gamma, c_k)
    names = ("outer_grad_x", "outer_grad_z", "inner_grad_x", "inner_grad_z", "prox")
    return {name: sum(called == name for called, _ in made) for name in names}


#: |gradient of psi - direction taken| in x and in y.
off_x, off_y = L_f * contraction * e, (contraction * e + k_x * dx) / gamma


def _along(symbol: Any, size: Any, curvature: Any, error: Any) -> Any:
    """What psi may change by along a step of length ``symbol``."""
    return -(1 / size - curvature / 2) * symbol**2 + error * symbol


def _one_step(name: str, symbol: Any, size: Any, curvature: Any, error: Any, why: str) -> Step:
    """Descent along one block whose gradient is off by at most ``error``."""
    change, slack = sp.Symbol(f"change_{name}", real=True), sp.Symbol("slack", nonnegative=True)
    # D = grad + r: -<grad, size D> = -size |D|^2 + size <r, D>, with <r, D> <= error |D| and |D| = symbol/size.
    square, product = symbol**2 / size**2, (error * symbol - slack) / size
    return Step(
        f"step of {name}",
        sp.Le(change, _along(symbol, size, curvature, error)),
        why,
        by_sum(
            {slack: sp.Integer(1)},
            "descent lemma along D, with the error of D split off",
            stands_for={change: -size * (square - product) + curvature * size**2 * square / 2},
        ),
    )


def descent_parts() -> tuple[Any, Any, Any]:
    """Burdens of the steps (1/alpha and 1/beta must be twice as large), and the drift of V."""
    strength = eta * sigma**2
    cross = k_x / (2 * gamma)
    # Young: the error of theta in both directions, the motion of theta_star, and x before y.
    burden_x = L_x / 2 + L_f**2 / strength + 2 * sigma * k_x**2 / (eta * sigma) + cross
    burden_y = L_y / 2 + 1 / (gamma**2 * strength) + 2 * sigma * k_y**2 / (eta * sigma) + cross
    after = contraction * e + k_x * dx + k_y * dy
    drift = _along(dx, alpha, L_x, off_x) + _along(dy, beta, L_y, off_y)
    return burden_x, burden_y, drift + sigma * (after**2 - e**2)


def _descent_steps() -> tuple[Step, ...]:
    burden_x, burden_y, drift = descent_parts()
    strength, share = eta * sigma**2, eta * sigma
    motion = k_x * dx + k_y * dy
    squares = {
        (e - 2 * L_f * contraction * dx / strength) ** 2: strength / 4,
        (e - 2 * contraction * dy / (gamma * strength)) ** 2: strength / 4,
        (e - motion / share) ** 2: sigma * contraction * share,
        (k_x * dx - k_y * dy) ** 2: 1 / eta,
        (dx - dy) ** 2: k_x / (2 * gamma),
        dx**2: tau_x / 2 + (1 - contraction**2) * L_f**2 / strength,
        dy**2: tau_y / 2 + (1 - contraction**2) / (gamma**2 * strength),
    }
    within = {alpha: 1 / (2 * burden_x + tau_x), beta: 1 / (2 * burden_y + tau_y)}
    allowed = {symbol: value.xreplace(STEP_OF_THETA) for symbol, value in within.items()} | STEP_OF_THETA
    largest_x = 1 / (L_F / c_k + L_f + rho_1 + 6 * L_f**2 / strength + L_f / (gamma * sigma))
    largest_y = 1 / (L_F / c_k + L_f + rho_y + 6 / (gamma**2 * strength) + L_f / (gamma * sigma))
    change = sp.Symbol("V_next - V", real=True)

    def largest(burden: Any) -> Callable[[Any], str]:
        def proof(statement: Any) -> str:
            require_equal(1 / (2 * burden), sides(statement, sp.LessThan)[1])
            return "twice what the certificate below takes from dx^2 or dy^2"

        return proof

    return (
        _one_step("x", dx, alpha, L_x, off_x, "psi has curvature L_x in x; theta is off by e."),
        _one_step(
            "y",
            dy,
            beta,
            L_y,
            off_y,
            "psi has curvature L_y in y; theta is off by e, and theta_star has moved with x.",
        ),
        Step("largest step of x", sp.Le(alpha, largest_x), "At c_0: c_k only grows.", largest(burden_x)),
        Step("largest step of y", sp.Le(beta, largest_y), "At c_0: c_k only grows.", largest(burden_y)),
        Step(
            "descent",
            sp.Le(change, -decrease),
            "V = psi_{c_k} + sigma |theta - theta_star|^2 along one iteration with c_k fixed: the two steps and the "
            "error of theta, as a sum of squares.",
            by_sum(squares, "seven squares with non-negative multipliers", {change: drift}, allowed),
        ),
    )


def _count_step(found: dict[str, int]) -> Step:
    return Step(
        "calls of an iteration",
        sp.Eq(sp.Tuple(*map(sp.Symbol, found)), sp.Tuple(1, 1, 2, 2, 2)),
        "The iteration run on symbols: one gradient of F in each block, two of f in each, two proximal steps.",
        by_components(tuple(map(sp.Integer, found.values())), "distinct calls, recorded"),
    )


def _quoted() -> tuple[Quoted, ...]:
    order = sp.Function("O")
    reviews = "arXiv 2405.09927 (ICML 2024), by reviews of that version; text not available"
    return (
        Quoted("error of theta", sp.Eq(sp.Symbol("min|theta^k - theta*|"), order(1 / sp.sqrt(K))), reviews),
        Quoted("residual", sp.Eq(sp.Symbol("min R_k"), order(K ** (-(1 - 2 * power) / 2))), reviews),
        Quoted(
            "gap, if psi_{c_k}(x^k, y^k) stays bounded above",
            sp.Eq(sp.Symbol("phi - v_gamma"), order(K ** (-power))),
            reviews,
        ),
        Quoted(
            "step of theta",
            sp.Le(eta, (1 / gamma - rho_2) / (L_f + 1 / gamma) ** 2),
            "the same, with gamma in (0, 1/(2 rho_f2 + 2 rho_g2)), recalled; the steps of x and y were not available",
        ),
    )


@cache
def meha() -> Theorem:
    """MEHA in the smooth case, with exact facts on its three test problems."""
    calls = counted_calls()
    public = (gamma, eta, alpha, beta, c, K, L_F, L_f, sigma, rho_1, rho_2, rho_y, power, V_0)
    return Theorem(
        "meha",
        "MEHA: descent of the merit function and rate of the residual, smooth case",
        "meha",
        ASSUMPTIONS,
        SOURCE,
        (
            *envelope_steps(),
            *theta_steps(),
            *_descent_steps(),
            *rate_steps(),
            _count_step(calls),
            *example_steps(),
        ),
        {str(symbol): symbol for symbol in public},
        quoted=_quoted(),
        evaluations={name: sp.Integer(number) for name, number in calls.items()},
        vocabulary=_VOCABULARY,
    )
