"""SABA where Psi satisfies the Polyak-Lojasiewicz inequality: the merit falls by a factor in every step."""

from __future__ import annotations

from typing import Any

import sympy as sp

from ...proof.rules import by_induction, by_sum
from ...proof.theorem import Step
from ...symbols import W_0, D, a, b, c, g, gamma, gap, mu, w_a, w_b
from .memory import DISTANCE, NOISE, N, S, delta2
from .merit import moves, n_S, spent

__all__ = ["linear_steps", "mu_P", "rate"]

#: |grad Psi|^2 >= 2 mu_P (Psi - inf Psi), and the rate of decay over gamma.
mu_P = sp.Symbol("mu_P", positive=True)
rate = sp.Symbol("lambda", nonnegative=True)
_change = sp.Symbol("change_of_merit", real=True)
_rooms = _room_a, _room_b, _room_D = sp.symbols("room_a room_b room_D", nonnegative=True)
_v_S = sp.Symbol("v_S", nonnegative=True)
_s = sp.symbols("s_1:7", nonnegative=True)


def _drift_step() -> Step:
    psi = 4 * N * n_S
    squares = (a**2, b**2, D**2)
    mean_move = sum(factor * square for factor, square in zip(moves(), squares, strict=True))
    added = (DISTANCE * delta2 + NOISE * _v_S * S - S / (2 * N)).subs(delta2, mean_move)
    left = (
        -(g**2) / 2 + n_S * S - sum(room * square for room, square in zip(_rooms, squares, strict=True)) + psi * added
    )
    weights = (c * w_a / mu, c * w_b / mu, sp.Integer(0))
    where: dict[Any, Any] = {
        room: spent(factor) + rate * weight + slack
        for room, factor, weight, slack in zip(_rooms, moves(), weights, _s[:3], strict=True)
    }
    where[_v_S] = (1 / (4 * N) - rate * gamma - _s[3]) / NOISE
    where[mu_P] = rate + _s[5]
    return Step(
        "drift under the Polyak-Lojasiewicz inequality",
        sp.Le(_change, -rate * (gap + c / mu * (w_a * a**2 + w_b * b**2) + 4 * gamma * N * n_S * S)),
        "Change of the merit over gamma. Beside the conditions of its drift lambda <= mu_P, the rooms of a^2 and "
        "of b^2 have lambda c w_a/mu and lambda c w_b/mu more, and 10 v_S + lambda gamma <= 1/(4 N).",
        by_sum(
            {
                gap: _s[5],
                _s[4]: sp.Rational(1, 2),
                a**2: _s[0],
                b**2: _s[1],
                D**2: _s[2],
                S: psi * _s[3],
            },
            "what the conditions leave",
            {_change: left.subs(g**2, 2 * mu_P * gap + _s[4])},
            where,
        ),
    )


def linear_steps() -> tuple[Step, ...]:
    """Drift and decay of the merit."""
    k = sp.Symbol("k", integer=True, nonnegative=True)
    return (
        _drift_step(),
        Step(
            "linear rate",
            sp.Eq(sp.Symbol("bound_of_merit_k"), (1 - gamma * rate) ** k * W_0),
            "E merit_k, and with it the mean of Psi - inf Psi, is at most that; lambda gamma <= 1/(4 N).",
            by_induction(k, W_0, lambda value: value - gamma * rate * value, "true at the start, kept by each step"),
        ),
    )
