"""Rate of PZOBO with warm starts: descent of W = Psi - inf Psi + c beta a^2 along the run, a = |z - z*(x)|.

z moves to the end of its run and z* moves with x by a random step d_x, so that a_next <= t a + k_z |beta d_x| with
t = (1 - alpha mu)^N. A square is convex: the parts get the weights t and 1 - t, and E a_next^2 needs E|d_x|^2 alone.
The error of the mean estimate is at most e_0 + e_a a, the root of its variance v_0 + v_a a (``response_errors``).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from ...proof.rules import by_nonnegative_terms, by_sum
from ...proof.theorem import Step
from ...symbols import W_0, D, K, L_Psi, a, c, g, k_z
from .response_errors import contracted

__all__ = ["E", "X", "beta", "coefficient_of_a", "e_0", "e_a", "noise_weight", "run_steps", "v_0", "v_a", "y"]

#: Step of x; e_0, e_a, v_0, v_a as above; weight of Young's inequality; what a variance costs over beta/2.
beta, y = sp.symbols("beta y", positive=True)
e_0, e_a, v_0, v_a, X = sp.symbols("e_0 e_a v_0 v_a X", nonnegative=True)
#: Root of a bound on e_a^2 + v_a^2.
E = sp.Symbol("E", nonnegative=True)
#: Length of the step's direction, its variance, squared error of its mean.
_length, _V, _e2 = sp.symbols("|d_x| V e^2", nonnegative=True)
_a_next2, _mean2 = sp.symbols("a_next^2 mean_of_squared_gradient", nonnegative=True)
_psi, _W = sp.symbols("change_of_Psi change_of_W", real=True)
_s = sp.symbols("s_1:6", nonnegative=True)
#: Every t in [0, 1), and every X in [0, 1].
_t, _u, _w = sp.symbols("t_1 u w", nonnegative=True)
_SHORT = _t / (1 + _t)
_WITHIN = _u / (_u + _w)


def noise_weight(weight: Any, decay: Any) -> Any:
    """X for the weight c of a^2 (over beta): what E|d_x|^2 costs in Psi and through the motion of z*, over beta/2."""
    return L_Psi * beta + 2 * weight * k_z**2 * beta**2 / (1 - decay)


def coefficient_of_a() -> Any:
    """What a^2 costs through mean and variance, over beta: c (1 - t) must be at least that."""
    return (1 + 1 / y) * (e_a**2 + X * v_a**2) / 2


@cache
def _after() -> tuple[Any, Any]:
    """Bounds of a_next^2 and of the change of Psi with E|d_x|^2 = D^2 + V, as the steps state them."""
    moved, fallen = warm_start_step().statement.rhs, descent_step().statement.rhs
    return moved.subs(_length**2, D**2 + _V), fallen


def warm_start_step() -> Step:
    """a^2 after the step of x, for every length of the step."""
    t = contracted
    return Step(
        "warm start",
        sp.Le(_a_next2, t * a**2 + k_z**2 * beta**2 * _length**2 / (1 - t)),
        "a_next <= t a + k_z beta |d_x|; (t a + (1 - t) b)^2 <= t a^2 + (1 - t) b^2. No |d_x| is left but squared, so "
        "that its mean is D^2 + V, D the norm of the mean and V the variance given z and x.",
        by_sum(
            {((1 - t) * a - k_z * beta * _length) ** 2: t / (1 - t)},
            "one square is left",
            {_a_next2: (t * a + k_z * beta * _length) ** 2},
            {t: _SHORT},
        ),
    )


def descent_step() -> Step:
    """Psi after one step along an estimate whose mean is off."""
    # |mean - grad Psi|^2 = e^2 - s, polarised; the integral of L_Psi tau over (0, 1) is L_Psi/2.
    product = (g**2 + D**2 - (_e2 - _s[0])) / 2
    return Step(
        "descent of Psi",
        sp.Le(
            _psi,
            -beta * g**2 / 2 - beta * (1 - L_Psi * beta) * D**2 / 2 + beta * _e2 / 2 + L_Psi * beta**2 * _V / 2,
        ),
        "L_Psi-smoothness in the mean over the directions; e bounds the error of the mean.",
        by_sum(
            {_s[0]: beta / 2},
            "polarisation; what is left is the slack of e",
            {_psi: -beta * product + L_Psi * beta**2 * (D**2 + _V) / 2},
        ),
    )


def _drift_step() -> Step:
    moved, fallen = _after()
    errors = {_e2: (e_0 + e_a * a) ** 2 - _s[1], _V: (v_0 + v_a * a) ** 2 - _s[2]}
    weight = (coefficient_of_a() + _s[3]) / (1 - contracted)
    # X is what noise_weight says: L_Psi from it.
    smooth = (X - 2 * c * k_z**2 * beta**2 / (1 - contracted)) / beta
    last = {contracted: _SHORT, X: _WITHIN}
    where = {c: weight.xreplace(last), **last}
    where[L_Psi] = smooth.xreplace(where)
    squares = {
        (e_0 - e_a * a / y) ** 2: beta * y / 2,
        (v_0 - v_a * a / y) ** 2: beta * X * y / 2,
        D**2: beta * (1 - X) / 2,
        a**2: beta * _s[3],
        _s[1]: beta / 2,
        _s[2]: beta * X / 2,
    }
    return Step(
        "drift of W",
        sp.Le(_W, -beta * g**2 / 2 + beta * (1 + y) * (e_0**2 + X * v_0**2) / 2),
        "The two before with the weight c beta. X = L_Psi beta + 2 c k_z^2 beta^2/(1 - t) is at most 1, and c (1 - t) "
        "at least (1 + 1/y)(e_a^2 + X v_a^2)/2.",
        by_sum(
            squares,
            "squares, and what the conditions leave",
            {_W: (fallen + c * beta * (moved - a**2)).xreplace(errors)},
            where,
        ),
    )


def _rate_step(drift: Step) -> Step:
    last = sp.Symbol("W_K", nonnegative=True)
    spent = sp.expand(2 * drift.statement.rhs / beta)
    left = 2 * (W_0 - last) / (beta * K) + spent.subs(g, 0)
    return Step(
        "rate",
        sp.Le(_mean2, 2 * W_0 / (beta * K) + (1 + y) * (e_0**2 + X * v_0**2)),
        "Mean over k < K of E|grad Psi(x_k)|^2, from the sum of the drift; W_0 = Psi(x_0) - inf Psi + c beta a_0^2.",
        by_nonnegative_terms(left, "bound - telescoped sum = 2 W_K/(beta K)", attained={last: 0}),
    )


def _choice_steps() -> tuple[Step, ...]:
    t, pull = contracted, k_z * E / (1 - contracted)
    weight = E**2 / (1 - t)
    more, ratio = sp.symbols("more ratio", nonnegative=True)
    short = {E: ratio * (1 - t), beta: 1 / (2 * (L_Psi + k_z * ratio) + more)}
    loss = {ratio: beta**2 * k_z * (1 / beta - 2 * k_z * ratio)}
    cost = sp.Symbol("cost_of_a", nonnegative=True)
    enough = e_a**2 + v_a**2 + _s[4]
    return (
        Step(
            "weight of a",
            sp.Le(cost, E**2),
            "At y = 1, with X <= 1 and E^2 >= e_a^2 + v_a^2, the weight c = E^2/(1 - t) is enough.",
            by_sum(
                {v_a**2: 1 - X, _s[4]: sp.Integer(1)},
                "X <= 1",
                {cost: coefficient_of_a().subs(y, 1), E**2: enough},
                {X: _WITHIN},
            ),
        ),
        Step(
            "cost of noise",
            sp.Le(X, beta * (L_Psi + k_z * E / (1 - t))),
            "With this c and beta <= 1/(2 L_Psi + 2 k_z E/(1 - t)).",
            by_sum(
                loss,
                "the difference is beta G (1 - 2 G beta), G = k_z E/(1 - t)",
                {X: noise_weight(weight, t)},
                short,
            ),
        ),
        Step(
            "largest step",
            sp.Le(X, sp.Rational(1, 2)),
            "At the same steps; X <= 1 is what the drift needs.",
            by_sum(
                {**loss, more: beta / 2},
                "the same, and 1/beta is at least 2 (L_Psi + G)",
                {X: noise_weight(weight, t)},
                short,
            ),
        ),
        Step(
            "rate with these weights",
            sp.Le(
                _mean2,
                2 * W_0 / (beta * K) + 2 * e_0**2 + 2 * beta * (L_Psi + k_z * E / (1 - t)) * v_0**2,
            ),
            "O(1/K) down to the squared bias, which does not fall with beta, and to noise of order beta d/Q.",
            by_sum(
                {_s[4]: 2 * v_0**2},
                "the rate at y = 1 with the cost of noise",
                {_mean2: 2 * W_0 / (beta * K) + 2 * e_0**2 + 2 * (beta * (L_Psi + pull) - _s[4]) * v_0**2},
            ),
        ),
    )


def run_steps() -> tuple[Step, ...]:
    """Warm start, descent, drift of W, rate, and steps and weights that satisfy the conditions."""
    drift = _drift_step()
    return (warm_start_step(), descent_step(), drift, _rate_step(drift), *_choice_steps())
