"""The probability q of the correction that minimises cost times a power of the second moment.

T(q) sigma^2(q)^s with T(q) = C_det + q C_rnd and sigma^2(q) = V^2 + (1/q - 1) D^2 is the cost to a
given accuracy; s depends on the steps (1 for tuned ones, 2 for steps that ignore sigma).
"""

from __future__ import annotations

import math
from functools import cache, partial
from typing import Any

import sympy as sp

from ...proof.algebra import require_equal, require_nonnegative, sides
from ...proof.rules import by_derivation, by_slack
from ...proof.theorem import Step
from .coin import D, V, q, sigma2
from .unrolled import r

__all__ = ["C_det", "C_rnd", "objective", "optimal_q", "optimal_q_steps", "positive_root", "s", "stationarity"]

#: Cost of the first-order gradient, of the correction; power of sigma^2.
C_det, C_rnd, s = sp.symbols("C_det C_rnd s", positive=True)
_root = sp.Symbol("q_+", positive=True)
_half = sp.Rational(1, 2)
#: Coefficients of the stationarity A q^2 + B q - C.
_A, _B, _C = C_rnd * (V**2 - D**2), (1 - s) * C_rnd * D**2, s * C_det * D**2
_STATIONARITY = _A * q**2 + _B * q - _C
_DISCRIMINANT = _B**2 + 4 * _A * _C


def objective(q: float, V2: float, D2: float, cost_fixed: float, cost_random: float, s: float) -> float:
    """Cost to a given accuracy, up to a factor that does not depend on q.

    Parameters
    ----------
    q : float
        Probability of the correction, in [0, 1].
    V2, D2 : float
        Bounds on (or estimates of) the means of ``|g|^2`` and ``|g - g_FO|^2`` over tasks.
    cost_fixed, cost_random : float
        Evaluations of the first-order gradient, and of the correction.
    s : float
        Power of the second moment.

    Returns
    -------
    float : ``(cost_fixed + q cost_random) (V2 + (1/q - 1) D2)^s``; infinite at q = 0 unless D2 = 0.
    """
    _require(V2, D2, cost_fixed, cost_random, s)
    if not 0 <= q <= 1:
        raise ValueError(f"q must be in [0, 1], got {q}")
    if q == 0 and D2 > 0:
        return math.inf
    moment = V2 + (1 - q) / q * D2 if D2 > 0 else V2
    try:
        return float((cost_fixed + q * cost_random) * moment**s)
    except OverflowError:
        return math.inf


def optimal_q(V2: float, D2: float, cost_fixed: float, cost_random: float, s: float = 1.0) -> float:
    """The q in (0, 1] that minimises :func:`objective`.

    A minimum inside (0, 1) is the smaller positive root of the stationarity equation; its value
    is compared with that at q = 1. The sign of the derivative at q = 1 alone does not decide:
    for s < 1 and V2 < D2 it can point to q = 1 although the root is better.

    Parameters
    ----------
    V2, D2, cost_fixed, cost_random, s : float
        As in :func:`objective`.

    Returns
    -------
    float : the best probability; 1.0 where the correction always pays, 0.0 (the limit) for D2 = 0.
    """
    _require(V2, D2, cost_fixed, cost_random, s)
    if D2 == 0:
        return 0.0
    relative = V2 / D2
    if cost_random == 0 or relative == 0:
        return 1.0
    root = _smaller_positive_root(relative - 1, cost_fixed / cost_random, s)
    if root == 0:  # V2/D2 beyond the range of floats
        return 0.0
    if not root < 1:
        return 1.0

    def log_objective(value: float) -> float:
        # Logarithms, so that large moments and powers do not overflow.
        return math.log(cost_fixed + value * cost_random) + s * math.log(relative + (1 - value) / value)

    return root if log_objective(root) < log_objective(1.0) else 1.0


def _require(V2: float, D2: float, cost_fixed: float, cost_random: float, s: float) -> None:
    for name, value in (("V2", V2), ("D2", D2), ("cost_random", cost_random)):
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{name} must be finite and at least 0, got {value}")
    for name, value in (("cost_fixed", cost_fixed), ("s", s)):
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be finite and positive, got {value}")


def _smaller_positive_root(excess: float, ratio: float, s: float) -> float:
    """Root of excess q^2 + (1 - s) q - s ratio, excess = V^2/D^2 - 1, ratio = C_det/C_rnd; infinite if none."""
    linear, constant = 1 - s, s * ratio
    discriminant = linear**2 + 4 * excess * constant
    if discriminant < 0 or (linear <= 0 and excess <= 0):
        return math.inf
    # Two forms of one root; each adds numbers of equal sign.
    if linear >= 0:
        return 2 * constant / (linear + math.sqrt(discriminant))
    return (math.sqrt(discriminant) - linear) / (2 * excess)


@cache
def stationarity() -> Any:
    """q^2 T sigma^2 times the logarithmic derivative of T sigma^(2s): a quadratic in q with the derivative's sign."""
    value = (C_det + q * C_rnd) * sigma2**s
    return sp.expand(sp.cancel(q**2 * (C_det + q * C_rnd) * sigma2 * sp.cancel(sp.diff(value, q) / value)))


def positive_root() -> Any:
    """The smaller positive root of the stationarity, in a form that is regular at V = D."""
    return 2 * _C / (_B + sp.sqrt(_DISCRIMINANT))


def _at(power: Any) -> Any:
    return sp.factor_terms(sp.expand(_STATIONARITY.subs(s, power)))


def _require_root(statement: Any, sign: int) -> None:
    """Raise unless the statement's right side is 2 C/(B + sign R) and a root of the stationarity."""
    # The root of the discriminant as a letter R with R^2 known; no other root may be left.
    letter = sp.Symbol("R", positive=True)
    stated = sides(statement)[1].xreplace({sp.sqrt(_DISCRIMINANT): letter})
    above, below = sp.fraction(sp.together(stated))
    if not (above.is_polynomial() and below.is_polynomial()):
        raise ValueError(f"{statement.rhs} is not a quotient of polynomials in the root of the discriminant")
    quadratic = sp.Poly(stationarity(), q)
    value = sum(c * above**power * below ** (2 - power) for (power,), c in quadratic.terms())
    if sp.rem(sp.expand(value), letter**2 - sp.expand(_DISCRIMINANT), letter) != 0:
        raise ValueError(f"{statement.rhs} is not a root")
    require_equal(sp.expand(above * (_B + sign * letter)), sp.expand(2 * _C * below))


def _smaller_root(statement: Any) -> str:
    _require_root(statement, 1)
    # R - |B| has the sign of R^2 - B^2.
    w = sp.Symbol("w", nonnegative=True)
    require_nonnegative(sp.expand((_DISCRIMINANT - _B**2).subs(V, sp.sqrt(D**2 + w))))
    return "the stationarity vanishes there; R > |B| for V^2 = D^2 + w, w > 0"


def _larger_root(statement: Any) -> str:
    _require_root(statement, -1)
    w, t = sp.symbols("w t", nonnegative=True)
    below_one = {V: sp.sqrt(D**2 - w), s: 1 / (1 + t)}
    require_nonnegative(_B.subs(below_one))
    require_nonnegative(sp.cancel((_B**2 - _DISCRIMINANT).subs(below_one)))
    return "the stationarity vanishes there; 0 <= R <= B for V^2 = D^2 - w, s = 1/(1 + t)"


@cache
def _sign_pattern() -> Any:
    """The stationarity with C_det eliminated by means of its value 0 at the root."""
    cost = sp.solve(stationarity().subs(q, _root), C_det)[0]
    return sp.cancel(stationarity().subs(C_det, cost)), {C_det: cost}


def _pattern_proof(statement: Any) -> str:
    derived, where = _sign_pattern()
    require_equal(derived, sides(statement)[1].subs(where))
    return "identity, with C_det given by the root"


def _no_root() -> Any:
    t, w = sp.symbols("t w", nonnegative=True)
    where = {s: 1 + t, V: sp.sqrt(D**2 - w)}
    slack = C_rnd * w * q**2 + t * C_rnd * D**2 * q
    return by_slack(stationarity(), slack, "exact remainder with s = 1 + t, V^2 = D^2 - w", where)


def _threshold(power: Any, fixed: Any, random: Any) -> Any:
    at_one = stationarity().subs({q: 1, s: power, C_det: fixed, C_rnd: random}, simultaneous=True)
    return sp.solve(at_one, D**2)[0]


def _small_bias() -> Any:
    """Limit of q_+/D as D -> 0: numerator and denominator divided by D^2 and D."""
    numerator, linear = sp.cancel(2 * _C / D**2), sp.cancel(_B / D)
    return (numerator / (linear + sp.sqrt(sp.expand(sp.cancel(_DISCRIMINANT / D**2))))).subs(D, 0)


def _least_cost(statement: Any) -> str:
    w = sp.Symbol("w", positive=True)
    stated = sides(statement)[1].xreplace({V: sp.sqrt(D**2 + w)})
    value = ((C_det + q * C_rnd) * sigma2).xreplace({V: sp.sqrt(D**2 + w)})
    gap = D * sp.sqrt(C_det / q) - sp.sqrt(q * C_rnd * w)
    require_equal(value - stated, gap**2)
    require_equal(gap.subs(q, D * sp.sqrt(C_det / (C_rnd * w))), 0)
    return "T sigma^2 minus the stated value is a square, zero at the root"


#: V^2 < D^2 and s = 1/2: roots 1/10 and 4/5, derivative negative at 1.
MISLEADING = {V: sp.Integer(2), D: sp.Integer(3), C_det: sp.Integer(4), C_rnd: sp.Integer(45), s: _half}


def _misleading() -> Any:
    """Squared objective at the smaller root over that at 1; less than 1 although the sign test says q = 1."""
    at = stationarity().subs(MISLEADING, simultaneous=True)
    roots = sorted(sp.roots(sp.Poly(at, q)))
    if not (at.subs(q, 1) < 0 and len(roots) == 2 and 0 < roots[0] < roots[1] < 1):
        raise ValueError(f"not an instance: roots {roots}, derivative at 1 {at.subs(q, 1)}")
    squared = ((C_det + q * C_rnd) ** 2 * sigma2).subs(MISLEADING, simultaneous=True)
    ratio = squared.subs(q, roots[0]) / squared.subs(q, 1)
    if not ratio < 1:
        raise ValueError(f"the root is not better: {ratio}")
    return ratio


def optimal_q_steps() -> tuple[Step, ...]:
    """Stationarity, roots, cases and limits of the best q."""
    slope = sp.Function("stationarity")
    special = tuple(
        Step(
            f"stationarity at s = {power}",
            sp.Eq(sp.Symbol(f"stationarity_{name}"), _at(power)),
            "The general quadratic at this s.",
            by_derivation(partial(stationarity().subs, s, power), "derivative of T sigma^(2s)"),
        )
        for power, name in ((_half, "half"), (1, "one"), (2, "two"))
    )
    threshold = sp.Symbol("D^2_threshold")
    return (
        Step(
            "stationarity",
            sp.Eq(slope(q), _STATIONARITY),
            "q^2 T sigma^2 times d log(T sigma^(2s))/dq; sigma^2 >= V^2 > 0, so it has the sign of the derivative.",
            by_derivation(stationarity, "derivative of T sigma^(2s) by differentiation, for every s"),
        ),
        *special,
        Step(
            "positive root",
            sp.Eq(_root, positive_root()),
            "2 C/(B + R), for the stationarity A q^2 + B q - C and R^2 = B^2 + 4 A C. For V > D the only positive one, "
            "since R > |B|.",
            _smaller_root,
        ),
        Step(
            "larger root",
            sp.Eq(sp.Symbol("q_larger"), 2 * _C / (_B - sp.sqrt(_DISCRIMINANT))),
            "2 C/(B - R). For V < D and s < 1, where R is real, 0 <= R <= B: both roots are positive, and this is the "
            "larger one.",
            _larger_root,
        ),
        Step(
            "sign pattern",
            sp.Eq(slope(q), C_rnd * (V**2 - D**2) * (q - _root) * (q + _C / (_A * _root))),
            "For V > D the last factor is positive: the cost falls up to the root, then grows, so q* = min(1, root). "
            "For V < D and s < 1 it vanishes at the larger root: the cost falls, grows, falls again, and "
            "the minimum is at the smaller root or at 1.",
            _pattern_proof,
        ),
        Step(
            "no root",
            sp.Le(slope(q), -_C),
            "For s >= 1 and V <= D the cost falls on (0, 1]: q* = 1.",
            _no_root(),
        ),
        Step(
            "sign test at q = 1",
            sp.Eq(slope(sp.Symbol("one")), C_rnd * V**2 - s * (C_det + C_rnd) * D**2),
            "For V >= D or s >= 1 there is at most one change of sign, so q* = 1 exactly where this is <= 0.",
            by_derivation(lambda: stationarity().subs(q, 1), "the stationarity at q = 1"),
        ),
        Step(
            "threshold at s = 2",
            sp.Eq(threshold, C_rnd * V**2 / (2 * (C_det + C_rnd))),
            "q* = 1 from this D^2 on.",
            by_derivation(lambda: _threshold(2, C_det, C_rnd), "zero of the sign test"),
        ),
        Step(
            "threshold at s = 1/2, trajectory stored",
            sp.Eq(threshold, 2 * r * V**2 / (2 * r + 1)),
            "C_det = r + 1 and C_rnd = r. For D > V the sign test is not enough.",
            by_derivation(lambda: _threshold(_half, r + 1, r), "zero of the sign test"),
        ),
        Step(
            "sign test misleads",
            sp.Eq(sp.Symbol("cost_ratio_squared"), sp.Rational(24565, 38416)),
            "At s = 1/2, V = 2, D = 3, C_det = 4, C_rnd = 45 the sign test says q* = 1, but the cost at the root "
            "q = 1/10 is lower: this is the square of their ratio.",
            by_derivation(_misleading, "both costs at exact rationals; roots 1/10 and 4/5; derivative at 1 negative"),
        ),
        Step(
            "small bias",
            sp.Eq(sp.Function("limit")(sp.Symbol("q_over_D")), sp.sqrt(s * C_det / C_rnd) / V),
            "As D -> 0 the best q falls in proportion to D: an almost exact first-order gradient is rarely corrected.",
            by_derivation(_small_bias, "numerator and denominator at D = 0 after division by D"),
        ),
        Step(
            "least cost at s = 1",
            sp.Eq(sp.Symbol("least_cost"), (sp.sqrt(C_det * (V**2 - D**2)) + D * sp.sqrt(C_rnd)) ** 2),
            "For V > D, where the root D sqrt(C_det/(C_rnd (V^2 - D^2))) is at most 1; (C_det + C_rnd) V^2 at q = 1.",
            _least_cost,
        ),
    )
