"""What the descent of MEHA rests on: the Moreau envelope of the lower level, and its inexact minimiser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from ...proof.algebra import require_equal, sides
from ...proof.rules import by_derivation, by_sum
from ...proof.theorem import Step

__all__ = ["envelope_steps", "theta_steps"]

#: Moreau parameter, steps of theta, x, y, penalties, iterations.
gamma, eta, alpha, beta, c, c_k, K = sp.symbols("gamma eta alpha beta c c_k K", positive=True)
#: Smoothness of F and f; modulus of theta -> f(x, theta) + |theta - y|^2/(2 gamma).
L_F, L_f, sigma = sp.symbols("L_F L_f sigma", positive=True)
#: Weak convexity of f: f + rho_1 |x|^2/2 + rho_2 |y|^2/2 is convex; curvature of -v_gamma in y.
rho_1, rho_2, rho_y = sp.symbols("rho_1 rho_2 rho_y", nonnegative=True)
#: |theta^k - theta*(x^k, y^k)|, |x^{k+1} - x^k|, |y^{k+1} - y^k|.
e, dx, dy = sp.symbols("e dx dy", nonnegative=True)
#: Exponent of the penalty, c_k = c (k + 1)^power; the Lyapunov function at the start.
power, V_0, M = sp.symbols("power V_0 M", nonnegative=True)

#: Curvature of psi in x and in y; how much theta* moves with x and with y.
L_x, L_y = L_F / c_k + L_f + rho_1, L_F / c_k + L_f + rho_y
k_x, k_y = L_f / sigma, 1 / (gamma * sigma)
contraction = 1 - eta * sigma
#: What an iteration takes off V = psi_{c_k} + sigma e^2.
decrease = dx**2 / (2 * alpha) + dy**2 / (2 * beta) + eta * sigma**2 * e**2 / 2

#: Every 0 < eta <= 1/sigma is 1/(sigma (1 + omega)).
omega, tau_x, tau_y = sp.symbols("omega tau_x tau_y", nonnegative=True)
STEP_OF_THETA = {eta: 1 / (sigma * (1 + omega))}


def envelope_steps() -> tuple[Step, ...]:
    """Gradient and curvature of the Moreau envelope."""
    a, b, coupling, outer = sp.symbols("f_yy b f_xy f_xx", real=True)
    x, y, theta = sp.symbols("x y theta", real=True)
    star = sp.Symbol("theta_star", real=True)
    f = a * theta**2 / 2 + theta * (coupling * x + b) + outer * x**2 / 2
    minimised = f + (theta - y) ** 2 / (2 * gamma)
    found = sp.solve(sp.diff(minimised, theta), theta)[0]
    envelope = minimised.subs(theta, found)
    # (x, y) and (x, theta*) determine each other.
    y_of_star = sp.solve(sp.Eq(found, star), y)[0]
    move, free = sp.symbols("dy_signed dtheta_signed", real=True)
    curvature = rho_2 / (1 - gamma * rho_2)
    return (
        Step(
            "theta_star",
            sp.Eq(star, (y / gamma - coupling * x - b) / (a + 1 / gamma)),
            "Minimiser of f(x, theta) + |theta - y|^2/(2 gamma); an orthogonal change of y decouples a quadratic f.",
            by_derivation(lambda: found, "on every eigenvalue of f_yy"),
        ),
        Step(
            "gradient of the envelope in x",
            sp.Eq(sp.Symbol("dv/dx"), coupling * star + outer * x),
            "It is the gradient of f in x at (x, theta_star).",
            by_derivation(lambda: sp.diff(envelope, x).subs(y, y_of_star), "y expressed by theta_star"),
        ),
        Step(
            "gradient of the envelope in y",
            sp.Eq(sp.Symbol("dv/dy"), (y - star) / gamma),
            "It is the gradient of |theta - y|^2/(2 gamma) at theta_star.",
            _with(star, found, lambda: sp.diff(envelope, y), "theta_star by its formula"),
        ),
        Step(
            "curvature of the envelope",
            sp.Le(-curvature * move**2 / 2, -rho_2 * free**2 / 2 + (free - move) ** 2 / (2 * gamma)),
            "Hence v_gamma(x + dx, y + dy) >= v_gamma + <grad v_gamma, (dx, dy)> - rho_1 dx^2/2 - rho_y dy^2/2 with "
            "rho_y = rho_2/(1 - gamma rho_2): f lies above its tangent minus the weak convexity, for any theta.",
            by_sum(
                {(free * (1 - gamma * rho_2) - move) ** 2: 1 / (2 * gamma * (1 - gamma * rho_2))},
                "the difference is a square",
                where={gamma: 1 / (rho_2 + sigma)},
            ),
        ),
    )


def _with(symbol: Any, value: Any, derive: Callable[[], Any], detail: str) -> Callable[[Any], str]:
    def proof(statement: Any) -> str:
        require_equal(derive(), sides(statement)[1].subs(symbol, value))
        return detail

    return proof


def theta_steps() -> tuple[Step, ...]:
    """The inexact theta: contraction, and motion of its target."""
    inner, square = sp.Symbol("<G, e>", real=True), sp.Symbol("|G|^2", real=True)
    s_1, s_2, extra, more = sp.symbols("slack_1 slack_2 extra more", nonnegative=True)
    after, motion = sp.symbols("e_after motion", nonnegative=True)
    smooth = sigma + extra
    cocoercive = (sigma * smooth * e**2 + square) / (sigma + smooth) + s_1
    monotone = sigma**2 * e**2 + s_2
    return (
        Step(
            "contraction of theta",
            sp.Le(after**2, (1 - eta * sigma) ** 2 * e**2),
            "e - eta G with G the gradient difference: <G, e> >= (sigma L e^2 + |G|^2)/(sigma + L), |G| >= sigma e, "
            "L = L_f + 1/gamma, eta <= 2/(sigma + L).",
            by_sum(
                {s_1: 2 * eta, s_2: eta * (2 / (sigma + smooth) - eta)},
                "the difference is a sum of the slacks of both inequalities",
                stands_for={
                    after**2: (e**2 - 2 * eta * inner + eta**2 * square).subs(inner, cocoercive).subs(square, monotone)
                },
                where={eta: 2 / (sigma + smooth + more)},
            ),
        ),
        Step(
            "motion of theta_star",
            sp.Le(motion, L_f * dx / sigma + dy / (gamma * sigma)),
            "The gradient in theta changes by at most L_f dx + dy/gamma, and is sigma-strongly monotone.",
            by_sum(
                {s_1: 1 / sigma},
                "sigma motion = L_f dx + dy/gamma - slack",
                stands_for={motion: (L_f * dx + dy / gamma - s_1) / sigma},
            ),
        ),
        Step(
            "error of theta after an iteration",
            sp.Le((contraction * e + motion) ** 2, contraction * e**2 + motion**2 / (eta * sigma)),
            "Young's inequality with weights 1 - eta sigma and eta sigma.",
            by_sum(
                {(e - motion / (eta * sigma)) ** 2: contraction * eta * sigma},
                "the difference is a square",
                where=STEP_OF_THETA,
            ),
        ),
    )
