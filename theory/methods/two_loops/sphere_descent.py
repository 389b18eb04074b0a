"""Descent of HOZOG on the value after training, Phi(x) = F(y_N(x), x), with constants.

The estimator is the mean over q directions on the sphere of d (Phi(x + eta u) - Phi(x))/eta u. Its linear part has the
mean grad Phi and the second moment (1 + (d - 1)/q) |grad Phi|^2; what Phi adds beyond is at most eps_eta in norm.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from ...proof.algebra import require_equal, sides
from ...proof.rules import by_nonnegative_terms, by_relation, by_sum
from ...proof.theorem import Step
from ...symbols import K, d, eta, gamma

__all__ = ["L_Phi", "descent_steps"]

L_Phi = sp.Symbol("L_Phi", positive=True)
#: |grad Phi|, what the curvature of Phi adds to the estimator, Phi(x_0) - inf Phi and after the run.
_slope, _beyond, _gap, _last = sp.symbols("slope eps_eta gap last_gap", nonnegative=True)


def descent_steps(q: Any) -> tuple[Step, ...]:
    """Error of the mean, one step, and the mean of |grad Phi|^2 over a run."""
    spread = (d + q - 1) / q
    step = 1 / (4 * L_Phi * spread)
    return (
        Step(
            "error beyond the linear part",
            sp.Le(_beyond, d * L_Phi * eta / 2),
            "|Phi(x + eta u) - Phi(x) - eta u'grad Phi| is at most the integral of L_Phi t eta^2 over t in (0, 1).",
            by_relation(_beyond_linear, "d/eta times the integral"),
        ),
        Step(
            "second moment of the linear part",
            sp.Eq(sp.Symbol("E|linear part|^2"), spread * _slope**2),
            "One direction has d |grad Phi|^2; its deviations from the mean average over q directions.",
            lambda statement: _second_moment(statement, q),
        ),
        Step(
            "descent of Phi",
            sp.Le(sp.Symbol("mean_change_of_Phi"), -gamma / 2 * _slope**2 + sp.Rational(5, 4) * gamma * _beyond**2),
            f"L_Phi-smoothness; |a + b|^2 <= 2 |a|^2 + 2 |b|^2 for the two parts; gamma <= {sp.sstr(step)}.",
            _descent(spread),
        ),
        Step(
            "rate",
            sp.Le(sp.Symbol("mean_of_squared_slope"), 2 * _gap / (gamma * K) + sp.Rational(5, 2) * _beyond**2),
            "Sum of the descent over k < K. Stationarity is that of Phi, which differs from Psi by the error of "
            "training; sets X and the best of a run are not covered.",
            by_nonnegative_terms(
                2 * (_gap - _last) / (gamma * K) + sp.Rational(5, 2) * _beyond**2,
                "bound - telescoped sum = 2 last_gap/(gamma K)",
                attained={_last: 0},
            ),
        ),
    )


def _beyond_linear() -> Any:
    t = sp.Symbol("t", nonnegative=True)
    return sp.Le(_beyond, d / eta * sp.integrate(L_Phi * t * eta**2, (t, 0, 1)))


def _second_moment(statement: Any, q: Any) -> str:
    # |mean|^2 and the variance of one direction over q: E|d (u'g) u|^2 = d^2 |g|^2/d.
    one = d**2 * _slope**2 / d
    require_equal(_slope**2 + (one - _slope**2) / q, sides(statement)[1])
    return "square of the mean, and the variance of one direction over q"


def _descent(spread: Any) -> Any:
    change = -gamma * _slope**2 + gamma * _slope * _beyond + L_Phi / 2 * gamma**2 * (
        2 * spread * _slope**2 + 2 * _beyond**2
    )  # fmt: skip
    more, t = sp.symbols("more t", nonnegative=True)
    terms = {
        (_slope / 2 - _beyond) ** 2: gamma,
        _slope**2: gamma / 4 - L_Phi * gamma**2 * spread,
        _beyond**2: gamma / 4 - L_Phi * gamma**2,
    }
    return by_sum(
        terms,
        "right minus left is a square and non-negative multiples of |grad Phi|^2 and eps_eta^2",
        {sp.Symbol("mean_change_of_Phi"): change},
        {gamma: 1 / (4 * L_Phi * spread.subs(d, 1 + t) + more), d: 1 + t},
    )
