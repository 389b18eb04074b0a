"""A first-order gradient with its randomised correction: mean, second moment, descent.

Vectors are letters of a polynomial ring: a product of two letters is their inner product, which
is all that means and second moments need. The exact gradient of a task is g, its first-order
part g_FO = g - delta, the gradient of the objective grad M = E g over tasks.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from ...proof.algebra import require_equal, require_nonnegative, sides
from ...proof.rules import by_derivation, by_induction, by_slack
from ...proof.theorem import Step
from ...symbols import eps

__all__ = [
    "L_M",
    "B",
    "D",
    "K",
    "V",
    "biased_descent_steps",
    "debiased",
    "estimator_steps",
    "inner",
    "online_steps",
    "over_coin",
    "q",
    "schedule_steps",
    "sigma2",
    "unbiased_descent_steps",
]

#: Probability of the correction; V^2 and D^2 bound the means of |g|^2 and |delta|^2 over tasks.
q, V, D = sp.symbols("q V D", positive=True)
#: 1/q - 1 as a non-negative symbol: every q in (0, 1] is 1/(1 + t).
t = sp.Symbol("t", nonnegative=True)
_ANY_COIN = {q: 1 / (1 + t)}

#: Smoothness of M, step, M at the current point, at the start and its infimum; iterations.
L_M, gamma, K = sp.symbols("L_M gamma K", positive=True)
M, M_0, M_star = sp.symbols("M M_0 M_*", real=True)
gap, sigma, scale = sp.symbols("Delta sigma c", positive=True)
#: Root of the bound on the mean of |g_FO|^2.
B = sp.Symbol("B", positive=True)

LETTERS = g, delta, m = sp.symbols("g delta m")
#: Inner products of the letters, by exponents of (g, delta, m).
_GRAM: dict[tuple[int, ...], Any] = {
    (2, 0, 0): sp.Symbol("|g|^2", nonnegative=True),
    (0, 2, 0): sp.Symbol("|delta|^2", nonnegative=True),
    (0, 0, 2): sp.Symbol("|grad M|^2", nonnegative=True),
    (1, 1, 0): sp.Symbol("g'delta", real=True),
    (1, 0, 1): sp.Symbol("g'm", real=True),
    (0, 1, 1): sp.Symbol("delta'm", real=True),
}
_g2, _delta2, _slope2, _g_m, _delta_m = (_GRAM[k] for k in ((2, 0, 0), (0, 2, 0), (0, 0, 2), (1, 0, 1), (0, 1, 1)))
#: What V^2, D^2 and B^2 leave above the means that they bound.
_s_V, _s_D, _s_B = sp.symbols("s_V s_D s_B", nonnegative=True)

#: Bound on the second moment of the estimator, over tasks and points.
sigma2 = V**2 + (1 / q - 1) * D**2
#: M after one step, at most: with the corrected gradient, and with the first-order one.
_DESCENT = M - gamma * _slope2 + L_M / 2 * gamma**2 * sigma2
_BIASED_DESCENT = M - gamma / 2 * _slope2 + gamma / 2 * D**2 + L_M / 2 * gamma**2 * B**2

_k = sp.Symbol("k", integer=True, positive=True)
_gamma_k = sp.Function("gamma", positive=True)
_SUM, _SUM_OF_SQUARES = (sp.Sum(_gamma_k(_k) ** n, (_k, 1, K)) for n in (1, 2))
_S_1, _S_2 = sp.symbols("S_1 S_2", positive=True)


def _least(second_moment: Any) -> Any:
    """Bound on the least E|grad M|^2."""
    return (M_0 - M_star + L_M / 2 * second_moment * _SUM_OF_SQUARES) / _SUM


_BIASED_BOUND = (2 * (M_0 - M_star) + L_M * B**2 * _SUM_OF_SQUARES) / _SUM + D**2
_BEST = sp.Function("min_k")(sp.Symbol("E|grad M|^2"))


def debiased(first_order: Any, exact: Any, coin: Any, probability: Any) -> Any:
    """The estimator: first-order gradient, and the correction over q where the coin is 1."""
    return first_order + coin / probability * (exact - first_order)


def inner(left: Any, right: Any) -> Any:
    """Inner product of two linear combinations of the letters."""
    terms = sp.Poly(sp.expand(left * right), *LETTERS).terms()
    return sum((coefficient * _GRAM[powers] for powers, coefficient in terms), sp.Integer(0))


def over_coin(heads: Any, tails: Any) -> Any:
    """Expectation over the coin, as the sum over its two outcomes."""
    return q * heads + (1 - q) * tails


def _outcomes() -> tuple[Any, Any]:
    return debiased(g - delta, g, 1, q), debiased(g - delta, g, 0, q)


def _mean_with(other: Any) -> Any:
    """Mean over the coin of the inner product with a fixed vector."""
    heads, tails = _outcomes()
    return over_coin(inner(other, heads), inner(other, tails))


def _second_moment() -> Any:
    heads, tails = _outcomes()
    return over_coin(inner(heads, heads), inner(tails, tails))


def _over_tasks(value: Any) -> Any:
    """Mean over tasks: E g = grad M, and V^2, D^2 with their slacks."""
    return sp.expand(value).xreplace({_g_m: _slope2, _g2: V**2 - _s_V, _delta2: D**2 - _s_D})


def _taylor(moved: Any, length: Any) -> Any:
    """M(theta - gamma G) for a gradient with Lipschitz constant L_M, at most."""
    tau = sp.Symbol("tau")
    return M - gamma * moved + sp.integrate(L_M * tau, (tau, 0, 1)) * gamma**2 * length


def _biased_step() -> tuple[Any, Any]:
    """M after a first-order step, and what the bound gives away.

    With f = E g_FO, polarisation gives m'E delta = (|m|^2 + |E delta|^2 - |f|^2)/2, and
    |E delta|^2 <= E|delta|^2 <= D^2 because a variance is not negative.
    """
    mean2 = sp.Symbol("|f|^2", nonnegative=True)
    moved = inner(m, m - delta).xreplace({_delta_m: (_slope2 + D**2 - _s_D - mean2) / 2})
    return _taylor(moved, B**2 - _s_B), gamma / 2 * (mean2 + _s_D) + L_M / 2 * gamma**2 * _s_B


def _telescoped(one_step: Any) -> tuple[Any, Any]:
    """Least E|grad M|^2 from the one-step bound M - w gamma x + u gamma + c gamma^2, and its slack."""
    terms = sp.Poly(one_step, gamma)
    linear, c = sp.expand(terms.coeff_monomial(gamma)), terms.coeff_monomial(gamma**2)
    w = -linear.coeff(_slope2)
    u = linear + w * _slope2

    def bound(last: Any, first: Any, second: Any) -> Any:
        # On the sum of w gamma_k x_k, after some steps that end at the value ``last``.
        return M_0 - last + u * first + c * second

    after, step = sp.symbols("M_n gamma_n")
    require_equal(bound(M_0, 0, 0), 0)
    gained = M - after + u * step + c * step**2
    require_equal(bound(M, _S_1, _S_2) + gained, bound(after, _S_1 + step, _S_2 + step**2))
    # M_K above the infimum, the steps' own slacks, and the mean above the least term.
    s_M, s_step, s_min = slacks = sp.symbols("s_M s_step s_min", nonnegative=True)
    left = (bound(M_star + s_M, _S_1, _S_2) - s_step - s_min) / (w * _S_1)
    return left, sum(slacks) / (w * _S_1)


def _step_bound(name: str, statement: Any, descent: Any, justification: str) -> Step:
    left, slack = _telescoped(descent)
    where = {_SUM: _S_1, _SUM_OF_SQUARES: _S_2}
    detail = "the sum telescopes: induction over the iterations, exact remainder"
    return Step(name, statement, justification, by_slack(left, slack, detail, where))


def estimator_steps() -> tuple[Step, ...]:
    """Mean and second moment of one task's estimator, over the coin; over tasks; of a mean of tasks."""
    n, single = sp.symbols("n E|G|^2", positive=True)
    return (
        Step(
            "unbiased",
            sp.Eq(sp.Function("E")(sp.Symbol("G")), g),
            "The sum over the two outcomes of the coin, probability q and 1 - q; linear, so it holds in every "
            "component. Over tasks, E g = grad M.",
            by_derivation(lambda: over_coin(*_outcomes()), "the two outcomes add up to g"),
        ),
        Step(
            "second moment",
            sp.Eq(sp.Function("E")(sp.Symbol("|G|^2")), _g2 + (1 / q - 1) * _delta2),
            "The same sum over |G|^2, expanded in the inner products of g and delta: that of g with delta drops out.",
            by_derivation(_second_moment, "the two outcomes, expanded in inner products"),
        ),
        Step(
            "variance proxy",
            sp.Le(sp.Function("E_T")(sp.Symbol("|G|^2")), sigma2),
            "V^2 and D^2 bound the means of |g|^2 and |delta|^2 over tasks at every point; 1/q - 1 >= 0.",
            by_slack(_over_tasks(_second_moment()), _s_V + t * _s_D, "exact remainder at q = 1/(1 + t)", _ANY_COIN),
        ),
        Step(
            "mean over tasks",
            sp.Eq(sp.Function("E")(sp.Symbol("|mean G|^2")), _slope2 + (single - _slope2) / n),
            "n tasks with a coin each are independent: of the n^2 pairs, n(n-1) have different tasks.",
            by_derivation(lambda: (n * single + n * (n - 1) * inner(m, m)) / n**2, "pairs of tasks counted"),
        ),
    )


def unbiased_descent_steps() -> tuple[Step, ...]:
    """Descent of M along the corrected gradient."""
    left = _taylor(_over_tasks(_mean_with(m)), _over_tasks(_second_moment()))
    return (
        Step(
            "one step",
            sp.Le(sp.Function("E")(sp.Symbol("M_next")), _DESCENT),
            "M(theta - gamma G) <= M - gamma grad M'G + L_M gamma^2 |G|^2 times the integral of tau over (0, 1); "
            "then the coin, then the tasks.",
            by_slack(left, L_M / 2 * gamma**2 * (_s_V + t * _s_D), "exact remainder at q = 1/(1 + t)", _ANY_COIN),
        ),
        _step_bound(
            "least gradient",
            sp.Le(_BEST, _least(sigma2)),
            _DESCENT,
            "Added up over the iterations; the last value of M is at least M_*, the least term at most the "
            "mean with weights gamma_k. It goes to 0 if sum gamma_k diverges and sum gamma_k^2 does not.",
        ),
    )


def biased_descent_steps() -> tuple[Step, ...]:
    """Descent of M along the first-order gradient, down to the floor D^2."""
    left, slack = _biased_step()
    return (
        Step(
            "one biased step",
            sp.Le(sp.Function("E")(sp.Symbol("M_next")), _BIASED_DESCENT),
            "The Taylor bound as for an unbiased gradient; |grad M - E g_FO|^2 <= D^2 by Jensen's inequality, and "
            "B^2 bounds the mean of |g_FO|^2.",
            by_slack(left, slack, "exact remainder, with |E g_FO|^2 in it"),
        ),
        _step_bound(
            "floor",
            sp.Le(_BEST, _BIASED_BOUND),
            _BIASED_DESCENT,
            "Added up over the iterations. No step removes D^2; the family below shows that the floor is real.",
        ),
    )


def _with_step(step: Any) -> Any:
    """The bound on the least gradient after K equal steps."""
    return _least(sigma**2).replace(_gamma_k, lambda _: step).doit().xreplace({M_0: gap + M_star})


def _tuned_step(statement: Any) -> str:
    step, bound = sides(statement)[1], _with_step(gamma)
    require_equal(sp.diff(bound, gamma).subs(gamma, step), 0)
    require_nonnegative(sp.diff(bound, gamma, 2))
    return "the derivative of the bound vanishes there, and its second derivative is positive"


def _count(step: Any, degree: int) -> Any:
    def proof(statement: Any) -> str:
        stated = sides(statement)[1]
        require_equal(sp.expand(_with_step(step) ** 2).subs(K, stated), eps**2)
        if sp.degree(sp.expand(stated), sigma) != 2 * degree:
            raise ValueError(f"not of degree {degree} in sigma^2")
        return f"the bound is eps at this K, of degree {degree} in sigma^2: s = {degree}"

    return proof


def schedule_steps() -> tuple[Step, ...]:
    """Iterations to accuracy eps, and with them the power s of sigma^2 in the total cost."""
    tuned = sp.sqrt(2 * gap / (L_M * sigma**2 * K))
    return (
        Step(
            "tuned step",
            sp.Eq(sp.Symbol("gamma_tuned"), tuned),
            "Minimises the bound after K equal steps, with Delta = M_0 - M_*.",
            _tuned_step,
        ),
        Step(
            "iterations with the tuned step",
            sp.Eq(K, 2 * L_M * gap * sigma**2 / eps**2),
            "The bound at the tuned step is set to eps. The total cost is then T(q) sigma^2(q).",
            _count(tuned, 1),
        ),
        Step(
            "iterations with a step that ignores sigma",
            sp.Eq(K, (gap / scale + scale * L_M * sigma**2 / 2) ** 2 / eps**2),
            "The bound at gamma = c/sqrt(K) is set to eps. For large sigma the total cost is T(q) sigma^4(q).",
            _count(scale / sp.sqrt(K), 2),
        ),
    )


def online_steps() -> tuple[Step, ...]:
    """Estimates of V^2 and D^2 during a run."""
    beta, value = sp.symbols("beta d", positive=True)
    n = sp.Symbol("n", integer=True, nonnegative=True)
    heads, _ = _outcomes()
    return (
        Step(
            "moving average",
            sp.Eq(sp.Function("E")(sp.Symbol("average")), (1 - beta**n) * value),
            "Mean after n updates average <- beta average + (1 - beta) sample from 0, for samples of mean d: "
            "divided by 1 - beta^n it is unbiased. Only exact gradients update it; the coin does not depend on them.",
            by_induction(
                n, sp.Integer(0), lambda old: beta * old + (1 - beta) * value, "base and step of the recursion"
            ),
        ),
        Step(
            "distance from the corrected gradient",
            sp.Eq(sp.Symbol("|g - G|^2"), (1 / q - 1) ** 2 * _delta2),
            "Where the coin is 1. D^2 is to be estimated from |g - g_FO|^2: the distance of g from G itself is "
            "another number, except at q = 1/2.",
            by_derivation(lambda: inner(g - heads, g - heads), "expanded in inner products"),
        ),
    )
