"""Steps that fall: gamma_k = gamma_1/sqrt(k + 1) and rho_k = gamma_k/c, as in the authors' code.

c is constant, so that one Lyapunov function W serves all steps, and what holds for gamma_1 holds for smaller steps. The
drift inequality is summed as it is for the mean with weights gamma_k. For the plain mean it is divided by gamma_k
first and summed by parts, with a bound of E W_k along the run.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import sympy as sp

from ...proof.algebra import require_equal, require_growth, require_nonnegative, sides
from ...proof.theorem import Step
from ...symbols import W_0, K
from .noise import N_1, N_2, B

__all__ = ["decreasing_steps", "first_step", "log_factor", "plain_mean", "weighted_mean"]

#: gamma_1, and 1 + ln K.
first_step, log_factor = sp.symbols("gamma_1 Lambda", positive=True)
_k = sp.Symbol("k", integer=True, nonnegative=True)
#: Bounds on the sums over k < K of (k + 1)^(-s/2), s = 1, 2, 3, from above.
_SUMS = {1: 2 * sp.sqrt(K), 2: 1 + sp.log(K), 3: sp.Integer(3)}
_LEAST = 2 * (sp.sqrt(K + 1) - 1)
#: W after the run, the largest mean of W along it, and 1/gamma_{K-1}.
_last, _largest, _inverse = sp.symbols("W_K largest_W last_inverse", nonnegative=True)


def weighted_mean(log: Any = log_factor) -> Any:
    """Bound on sum gamma_k E|g_k|^2 / sum gamma_k."""
    noise = 2 * first_step**2 * N_1 * log + 6 * first_step**3 * N_2
    return (2 * W_0 + noise) / (first_step * _LEAST) + 2 * B


def plain_mean(log: Any = log_factor) -> Any:
    """Bound on the mean of E|g_k|^2 over k < K."""
    largest = W_0 + first_step**2 * N_1 * log + 3 * first_step**3 * N_2
    return (
        2 * largest / (first_step * sp.sqrt(K))
        + 4 * first_step * N_1 / sp.sqrt(K)
        + 2 * first_step**2 * N_2 * log / K
        + 6 * B
    )


@cache
def decreasing_steps() -> tuple[Step, ...]:
    """Sums of steps, the two means, and the slope in K; the same for all kinds of solution maps."""
    return (
        Step(
            "sum of decreasing steps",
            sp.Ge(_sum(1), _LEAST),
            "2 (sqrt(k + 2) - sqrt(k + 1)) <= 1/sqrt(k + 1), summed.",
            partial(_below, power=1),
        ),
        *(
            Step(
                f"sum of decreasing steps, power {power}",
                sp.Le(_sum(power), bound),
                "Compared with an integral, one term at a time.",
                partial(_above, power=power),
            )
            for power, bound in _SUMS.items()
        ),
        Step(
            "mean with the steps as weights",
            sp.Le(sp.Symbol("weighted_mean_of_squared_gradient"), weighted_mean()),
            "Sum of gamma_k/2 E|g_k|^2 <= E W_k - E W_{k+1} + gamma_k (N_1 gamma_k + N_2 gamma_k^2 + B); "
            "Lambda = 1 + ln K, gamma_1 at most the largest step.",
            _weighted(),
        ),
        Step(
            "summation by parts",
            sp.Le(sp.Symbol("sum_of_weighted_differences"), (_largest - _last) * _inverse),
            "Sum over k < K of (W_k - W_{k+1})/gamma_k, where 1/gamma_k grows up to last_inverse = 1/gamma_{K-1}.",
            _summed_by_parts,
        ),
        Step(
            "mean at decreasing steps",
            sp.Le(sp.Symbol("mean_of_squared_gradient"), plain_mean()),
            "The drift divided by gamma_k/2 and summed by parts; E W_k is at most W_0 and all noise before k. "
            "The mean falls like ln K/sqrt(K).",
            _plain(),
        ),
        Step(
            "slope at decreasing steps",
            sp.Le(plain_mean(), _slope() * log_factor / sp.sqrt(K) + 6 * B),
            "Lambda = 1 + ln K and K are at least 1: ln K/sqrt(K) with a constant in which no directions grow.",
            _sloped,
        ),
    )


def _slope() -> Any:
    return 2 * W_0 / first_step + 6 * first_step * N_1 + 8 * first_step**2 * N_2


def _sloped(statement: Any) -> str:
    left, right = sides(statement, sp.LessThan)
    q, log = sp.symbols("q log", nonnegative=True)
    require_equal(left, plain_mean())
    left_over = (right - left).subs(K, (1 + q) ** 2).subs(log_factor, 1 + log)
    require_nonnegative(left_over)
    require_equal(left_over.subs({q: 0, log: 0}), sp.Integer(0))
    return "bound - mean has non-negative coefficients in sqrt(K) - 1 and ln K"


def _sum(power: int) -> Any:
    return sp.Sum((_k + 1) ** sp.Rational(-power, 2), (_k, 0, K - 1))


def _term(statement_sum: Any, power: int) -> None:
    if statement_sum != _sum(power):
        raise ValueError(f"the sum is {statement_sum}, wanted {_sum(power)}")


def _below(statement: Any, power: int) -> str:
    """Induction over K, with u = sqrt(K) and w = sqrt(K + 1) = u + more."""
    left, right = sides(statement, sp.GreaterThan)
    _term(left, power)
    if not (1 - right.subs(K, 1)).is_nonnegative:
        raise ValueError(f"one term is 1, the bound {right.subs(K, 1)}")
    # K + 1 = w^2 and K + 2 = w^2 + 1: right(K + 1) - right(K) is twice sqrt(w^2 + 1) - w.
    w, y = sp.symbols("w y", positive=True)
    grown = (right.subs(K, w**2) - right.subs(K, w**2 - 1)).subs(sp.sqrt(w**2 + 1), y)
    # 1/w - grown = (y - w)^2/w, since y^2 = w^2 + 1.
    require_equal(sp.expand((1 / w - grown) * w), sp.expand((y - w) ** 2 + 1 - (y**2 - w**2)))
    return "by induction: one more term adds (y - w)^2/w more than the bound grows, w^2 = K + 1 and y^2 = w^2 + 1"


def _above(statement: Any, power: int) -> str:
    """Induction over K from the first term: the bound grows by the next term at least."""
    left, right = sides(statement, sp.LessThan)
    _term(left, power)
    if power == 2:
        x = sp.Symbol("x", nonnegative=True)
        require_nonnegative(right.subs(K, 1) - 1)
        # right(K + 1) - right(K) - 1/(K + 1) with x = 1/K.
        grown = right.subs(K, 1 / x + 1) - right.subs(K, 1 / x)
        grown = sp.logcombine(grown, force=True).replace(sp.log, lambda inside: sp.log(sp.expand(sp.cancel(inside))))
        require_growth(grown - x / (1 + x), x, {x: 1})
        return "by induction: ln(1 + x) - x/(1 + x) is 0 at 0 and grows, x = 1/K"
    u, more = sp.symbols("u more", positive=True)
    w = u + more
    if power == 1:
        require_nonnegative(right.subs(K, 1) - 1)
        # 1 = w^2 - u^2, so that right(K + 1) - right(K) - 1/w is a fraction over w with this numerator.
        grown = right.subs(K, w**2) - right.subs(K, u**2)
        require_nonnegative(sp.cancel(sp.expand(grown * w - (w**2 - u**2))))
        return "by induction: 2 (w - u) - 1/w = (w - u)^2/w, u^2 = K and w^2 = K + 1"
    # The sum is at most 3 - 2/sqrt(K), which is at most the bound.
    stronger = 3 - 2 / sp.sqrt(K)
    require_nonnegative(right - 3)
    require_equal(stronger.subs(K, 1), 1)
    grown = stronger.subs(K, w**2) - stronger.subs(K, u**2)
    require_nonnegative(sp.cancel(sp.expand(grown * w**3 - (w**2 - u**2))))
    return "by induction on 3 - 2/sqrt(K): 2/u - 2/w - 1/w^3 has a non-negative numerator, u^2 = K and w^2 = K + 1"


#: The three sums of the steps' powers, per gamma_1, gamma_1^2 and gamma_1^3.
_S1, _S2, _S3 = sp.symbols("S_1 S_2 S_3", nonnegative=True)


def _weighted() -> Any:
    noise = first_step**2 * _S2 * N_1 + first_step**3 * _S3 * N_2 + first_step * _S1 * B
    left = 2 * (W_0 - _last + noise) / (first_step * _S1)
    return partial(_compare, left=left)


def _plain() -> Any:
    largest = W_0 - _last + first_step**2 * _S2 * N_1 + first_step**3 * _S3 * N_2 + first_step * _S1 * B
    added = first_step * _S1 * N_1 + first_step**2 * _S2 * N_2 + K * B
    return partial(_compare, left=(2 / K) * (largest * sp.sqrt(K) / first_step + added), above=True)


def _compare(statement: Any, left: Any, above: bool = False) -> str:
    """The bound minus the sum, with each sum of steps written as its bound and a slack."""
    _, right = sides(statement, sp.LessThan)
    one, two, three, q = sp.symbols("one two three q", positive=True)
    if above:
        # K = q^2; S_1 = 2 q - one, S_2 = Lambda - two, S_3 = 3 - three.
        found = (right - left.subs({_S1: 2 * q - one, _S2: log_factor - two, _S3: 3 - three})).subs(K, q**2)
    else:
        # S_1 = 2 (sqrt(K + 1) - 1) + one.
        found = right - left.subs({_S1: _LEAST + one, _S2: log_factor - two, _S3: 3 - three})
        found = found.subs(sp.sqrt(K + 1), 1 + q)
        if found.has(K):
            raise ValueError(f"the bound contains {K} beside sqrt({K} + 1)")
    require_nonnegative(found.subs({log_factor: two + log_factor, three: 3 * three / (1 + three)}))
    require_equal(found.subs({one: 0, two: 0, three: 0, _last: 0}), sp.Integer(0))
    return "bound - summed drift has non-negative coefficients in the slacks of the sums"


def _summed_by_parts(statement: Any) -> str:
    """Induction over K: W_K <= largest_W, and 1/gamma_K is 1/gamma_{K-1} and something more."""
    _, right = sides(statement, sp.LessThan)
    more, rest, following = sp.symbols("more rest W_next", nonnegative=True)
    at_most = {_largest: _last + rest}
    first = (_last - following) * _inverse
    require_nonnegative((right.subs(_last, following) - first).subs(at_most))
    term = (_last - following) * (_inverse + more)
    grown = right.subs({_last: following, _inverse: _inverse + more}, simultaneous=True) - right
    require_nonnegative((grown - term).subs(at_most))
    return "by induction: one more term leaves (largest_W - W_K) times the growth of 1/gamma_k"
