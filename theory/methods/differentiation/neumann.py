"""The Neumann sum of stocBiO: mean, bias and variance over batches, and the Hessian products it costs."""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from zoba_bench.arrays import Array

from ...estimators.blocks import Blocks
from ...noise.rest import spectral
from ...proof.algebra import require_equal, require_nonnegative
from ...proof.boxes import Loop, count, summed
from ...proof.rules import by_relation
from ...proof.theorem import Step
from .implicit_lemmas import L, M, kappa, lam, mu

__all__ = [
    "HESSIAN_LOOP",
    "Q",
    "b_1",
    "bias_bound",
    "eta",
    "neumann",
    "neumann_steps",
    "operator_norm",
    "resting_error",
    "variance_bound",
]


Q = sp.Symbol("Q", integer=True, positive=True)
#: Step of the sum, the size of the batch that is applied first, and its recalled factor of Q.
eta, b_1, B = sp.symbols("eta b_1 B", positive=True)
f_y, spread = sp.Symbol("f_y", real=True), sp.Symbol("spread", nonnegative=True)
_j, _q = sp.symbols("j q", integer=True)
_s, _t, _w = sp.symbols("s t w", nonnegative=True)
#: Every lambda in [mu, L] and every eta in (0, 1/L].
_SPECTRUM = {eta: 1 / (mu + _s + _t + _w), L: mu + _s + _t, lam: mu + _s}

#: The batch that is applied first takes part in every later term of the sum and is the largest.
HESSIAN_LOOP = Loop(_j, 1, Q, (("hvp", b_1 * (1 - eta * mu) ** (_j - 1)),))


def neumann(batches: Any, start: Any) -> Any:
    """v_Q of the algorithm box: the Hessians of its batches, the one applied first first; ``start`` is f_y."""
    r = total = start
    for hessian in batches:
        r = r - eta * hessian * r
        total = total + r
    return eta * total


def _mean() -> Any:
    """Mean over independent batches: the literal recursion for three, then any number of equal means."""
    hessians, A_ = sp.symbols("B_1:4", commutative=False), sp.Symbol("A_", commutative=False)
    start = sp.Symbol("f", commutative=False)
    found = sp.expand(neumann(hessians, start))
    for term in sp.Add.make_args(found):
        if any(sum(part.count(h) for part in term.args) > 1 or term.has(h**2) for h in hessians):
            raise ValueError(f"a batch occurs twice in {term}")
    averaged = found.subs(dict.fromkeys(hessians, A_))
    if sp.expand(averaged - eta * sum((1 - eta * A_) ** n * start for n in range(4))) != 0:
        raise ValueError(f"the mean is {averaged}")
    return sp.Eq(sp.Symbol("E_v_Q"), eta * summed((1 - eta * lam) ** _q, _q, 0, Q) * f_y)


def _one_batch() -> Any:
    """The same batch in two factors: mean of a square, at a distribution with the moments lam and lam^2 + spread."""
    B_ = sp.Symbol("B_")
    square = sp.Poly((1 - eta * B_) ** 2, B_)
    moments = {0: sp.Integer(1), 1: lam, 2: lam**2 + spread}
    average = sum(coefficient * moments[power] for (power,), coefficient in square.terms())
    return sp.Eq(sp.Symbol("excess"), sp.expand(average - square.as_expr().subs(B_, lam)))


@cache
def _remainder() -> Any:
    return sp.Eq(sp.Symbol("remainder"), sp.expand(_mean().rhs / f_y) - 1 / lam)


@cache
def _resting_factor() -> Any:
    """What the mean sum lacks, of v*: the remainder times f_y, and f_y = -lambda v*, with the sign of v*."""
    return sp.lambdify((lam, eta, Q), sp.cancel(_remainder().rhs * lam), "numpy")


def resting_error(blocks: Blocks, solver: Any) -> Array:
    """The bias of C v with exact means, as a factor of v*."""
    return spectral(blocks, lambda values: _resting_factor()(values, solver.eta, solver.Q))


@cache
def bias_bound() -> Any:
    # Both factors of the remainder are not negative and decrease in lambda: the smallest one decides.
    for slack in (1 - eta * lam, (1 - eta * mu) - (1 - eta * lam), 1 / mu - 1 / lam):
        require_nonnegative(slack.subs(_SPECTRUM, simultaneous=True))
    left = (1 - eta * mu) ** (Q + 1) / mu
    require_equal(-_remainder().rhs.subs(lam, mu), left)
    return sp.Le(sp.Symbol("|E_v_Q - v|"), M * left)


@cache
def operator_norm() -> Any:
    """eta times the sum of the norms (1 - eta mu)^q of any number of products is at most 1/mu."""
    partial = eta * summed((1 - eta * mu) ** _q, _q, 0, Q)
    limit = 1 / mu
    require_equal(limit - partial, (1 - eta * mu) ** (Q + 1) / mu)
    return limit


def _uncorrelated() -> None:
    """v_Q minus its mean for three batches, as terms of which none contains a batch that an earlier one singles out."""
    batches, A_ = sp.symbols("B_1:4", commutative=False), sp.Symbol("A_", commutative=False)
    start = sp.Symbol("f", commutative=False)
    terms = [
        sp.expand(neumann(batches[j + 1 :], -eta * (batches[j] - A_) * (1 - eta * A_) ** j * start)) for j in range(3)
    ]
    if sp.expand(neumann(batches, start) - neumann((A_, A_, A_), start) - sum(terms)) != 0:
        raise ValueError("the terms do not add up to the deviation")
    for j, term in enumerate(terms):
        if term.free_symbols & set(batches[:j]) or term.subs(batches[j], A_).expand() != 0:
            raise ValueError(f"the term of batch {j + 1} is correlated with an earlier one")


def _variance_sum(moment: Any, largest: Any) -> Any:
    """Variance of v_Q over the Hessian batches.

    It is a sum over j of uncorrelated terms, (later factors, random)(A_j - A)(earlier ones, mean):
    the j-th is linear in A_j - A, and those after it do not contain A_j. The later ones have
    operator norm at most 1/mu after summation with eta.

    Parameters
    ----------
    moment : bound on E|A_j u|^2 / |u|^2 of one sample, ``largest`` on the modulus of a mean factor,
        both along one eigenvector.
    """
    _uncorrelated()
    X, mean_X, P, mean_P = sp.symbols("X mean_X P mean_P", commutative=False)
    step = X * P - mean_X * mean_P - (X * (P - mean_P) + (X - mean_X) * mean_P)
    if sp.expand(step) != 0:
        raise ValueError(f"the telescoping product leaves {step}")
    ratio = largest / (1 - eta * mu)
    require_nonnegative((1 - ratio).subs(_SPECTRUM, simultaneous=True))
    # (largest)^(2(j-1)) / (1 - eta mu)^(j-1) <= largest^(j-1), because the ratio is at most 1.
    total = eta**2 * moment / b_1 * summed(largest ** (_j - 1), _j, 1, Q)
    limit = eta**2 * moment / b_1 / (1 - largest)
    require_equal(limit - total, limit * largest**Q)
    return operator_norm() ** 2 * M**2 * limit


@cache
def variance_bound() -> Any:
    # 0 <= A <= L for every sample, so A^2 <= L A, and its mean is L lambda along an eigenvector.
    require_nonnegative((L * lam - lam**2).subs(_SPECTRUM, simultaneous=True))
    return sp.Le(sp.Symbol("Var_v"), _variance_sum(L * lam, 1 - eta * lam))


@cache
def _coarse_variance() -> Any:
    return sp.Le(sp.Symbol("Var_v"), _variance_sum(L**2, 1 - eta * mu))


def _recalled_variance() -> Any:
    """L^2 times the coarse variance at b_1 = B Q, eta = 1/L, for every Q >= kappa."""
    found = (L**2 * _coarse_variance().rhs).subs({b_1: B * Q, eta: 1 / L}, simultaneous=True).subs(L, kappa * mu)
    most = found.subs(Q, kappa)
    require_nonnegative(most - found.subs(Q, kappa + _s))
    return sp.Le(sp.Symbol("Var_Cv"), most)


def rounded_products() -> Any:
    """Hessian products of one sum, with batches b_1 (1 - eta mu)^(j-1) rounded up."""
    total = count((HESSIAN_LOOP,), "hvp")
    require_equal(b_1 / (eta * mu) - total, b_1 * (1 - eta * mu) ** Q / (eta * mu))
    return sp.Le(sp.Symbol("hvp"), b_1 / (eta * mu) + Q)


def neumann_steps() -> tuple[Step, ...]:
    """Mean, remainder, bias, variance and cost of v_Q; v = A^{-1} f_y, lambda an eigenvalue of A = g_yy."""
    return (
        Step(
            "mean of the Neumann sum",
            sp.Eq(sp.Symbol("E_v_Q"), (1 - (1 - eta * lam) ** (Q + 1)) / lam * f_y),
            "r_{i-1} = r_i - eta B_i r_i from r_Q = f_y, v_Q = eta sum r_i: every product contains a batch once at "
            "most, so that independence puts the mean in its place; then a geometric sum.",
            by_relation(_mean, "the recursion run with three non-commuting batches; the sum by induction on Q"),
        ),
        Step(
            "one batch for all factors",
            sp.Eq(sp.Symbol("excess"), eta**2 * spread),
            "Mean of (1 - eta B)^2 beyond (1 - eta lambda)^2 where B has variance spread: a batch that is used twice "
            "biases the sum.",
            by_relation(_one_batch, "second moment of B"),
        ),
        Step(
            "remainder of the Neumann sum",
            sp.Eq(sp.Symbol("remainder"), -((1 - eta * lam) ** (Q + 1)) / lam),
            "eta sum_{q<=Q} (1 - eta lambda)^q - 1/lambda.",
            by_relation(_remainder, "difference of the closed forms"),
        ),
        Step(
            "bias of the Neumann sum",
            sp.Le(sp.Symbol("|E_v_Q - v|"), (1 - eta * mu) ** (Q + 1) * M / mu),
            "eta <= 1/L, |f_y| <= M: the remainder is largest along the smallest eigenvalue.",
            by_relation(bias_bound, "both factors non-negative and decreasing in lambda, by coefficients"),
        ),
        Step(
            "norm of the Neumann sum",
            sp.Le(sp.Symbol("|v_Q|"), M / mu),
            "Every sample's Hessian lies in [mu, L], so every factor has norm at most 1 - eta mu.",
            by_relation(lambda: sp.Le(sp.Symbol("|v_Q|"), operator_norm() * M), "geometric sum, remainder dropped"),
        ),
        Step(
            "variance of the Neumann sum",
            sp.Le(sp.Symbol("Var_v"), eta * L * M**2 / (mu**2 * b_1)),
            "Batches b_1 (1 - eta mu)^(j-1); the deviation is a sum of uncorrelated terms, one a batch; a sample has "
            "B^2 <= L B, so that sum_j eta^2 lambda L (1 - eta lambda)^(j-1) <= eta L.",
            by_relation(variance_bound, "three terms literally, telescoping product in general, geometric sum"),
        ),
        Step(
            "variance without B^2 <= L B",
            sp.Le(sp.Symbol("Var_v"), eta * L**2 * M**2 / (mu**3 * b_1)),
            "The same with no more than |B_j| <= L for the samples.",
            by_relation(_coarse_variance, "the same sum with L^2 and 1 - eta mu"),
        ),
        Step(
            "variance with the recalled batches",
            sp.Le(sp.Symbol("Var_Cv"), kappa**2 * M**2 / B),
            "L^2 times the coarser variance at b_1 = B Q, eta = 1/L and Q >= kappa: the recalled term kappa^2/B. The "
            "finer variance has kappa^2/b_1 instead, so that B is larger by Q than it needs to be.",
            by_relation(_recalled_variance, "decreasing in Q, by coefficients"),
        ),
        Step(
            "Hessian products of a Neumann sum",
            sp.Le(sp.Symbol("hvp"), b_1 / (eta * mu) + Q),
            "Geometric batches add up to at most b_1/(eta mu); rounding them up costs Q.",
            by_relation(rounded_products, "geometric sum, remainder dropped"),
        ),
    )
