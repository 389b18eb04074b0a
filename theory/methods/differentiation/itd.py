"""ITD-BiO: differentiation of the unrolled inner loop, its bias in closed form and by recursion."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import sympy as sp

from ...noise.rest import RestingTheorem
from ...proof.algebra import require_equal, require_nonnegative
from ...proof.boxes import Loop, by_column, count_steps
from ...proof.orders import dominated
from ...proof.rules import by_relation
from ...proof.theorem import Quoted, Step
from ...symbols import by_name, eps
from .implicit_lemmas import (
    MODEL,
    SOURCE,
    VOCABULARY,
    D,
    K,
    L,
    L_Phi,
    M,
    alpha,
    beta,
    contraction_steps,
    descent,
    e,
    ell,
    g,
    gap,
    in_kappa,
    iterations,
    kappa,
    model_steps,
    mu,
    rho,
    smoothness,
    table,
    tau,
)
from .itd_bias import DECAY, a_0, bias_steps, envelope, inner_error, resting_error

__all__ = ["itd_bio"]

B, c_K, K_eps, D_eps = sp.symbols("B c_K K_eps D_eps", positive=True)
mean = sp.Symbol("mean_of_squared_gradient", nonnegative=True)
_BETA = 1 / L_Phi

_BOX = (
    Loop(sp.Symbol("i", integer=True), 1, D, (("inner_gradient", 1),)),
    ("outer_gradient", 1),
    # Backwards from y^{D-1}: a cross product for every t, and the Hessian at t = 1..D-1; y^0 is constant.
    Loop(sp.Symbol("j", integer=True), 0, D - 1, (("jvp", 1),)),
    Loop(sp.Symbol("j", integer=True), 1, D - 1, (("hvp", 1),)),
)
_COUNTS = {"outer_gradient": sp.Integer(1), "inner_gradient": D, "jvp": D, "hvp": D - 1}


@cache
def _bound() -> Any:
    after = descent().rhs.subs(beta, _BETA)
    spent = sp.expand((after - after.subs({g: 0, e: 0})) / _BETA)
    share, rest = -spent.coeff(g**2), spent.coeff(e**2)
    error = (B * DECAY.subs(alpha, 1 / L).subs(mu, L / kappa)) ** 2
    return sp.Le(mean, gap / (_BETA * share * K) + rest / share * error)


@cache
def _iterations() -> tuple[Any, Any]:
    """Half of eps for each part; ell = log(4 + B sqrt(2/eps)), so that the second power is at most 1/4 as well."""
    bound = _bound().rhs
    outer = sp.solve(sp.Eq(bound.coeff(1 / K) / K, eps / 2), K)[0]
    rate = 1 / (2 * kappa)
    require_equal((B * sp.exp(-rate * D)) ** 2, sp.powsimp(bound - bound.coeff(1 / K) / K))
    accuracy = 1 / (4 + B * sp.sqrt(2 / eps))
    # B accuracy <= sqrt(eps/2), and exp(-2 rate D) <= accuracy^2 <= 1/16.
    require_nonnegative(sp.cancel((sp.sqrt(eps / 2) / B - accuracy) * (4 + B * sp.sqrt(2 / eps))))
    return sp.Le(K_eps, outer + 1), sp.Le(D_eps, iterations(rate, accuracy))


def _at_these_sizes() -> Any:
    """The bound at K and D at or above what they were solved for, before rounding up."""
    more = sp.Symbol("more", nonnegative=True)
    bound, (outer, inner) = _bound().rhs, _iterations()
    in_K = bound.coeff(1 / K) / K
    first, second = in_K.subs(K, outer.rhs - 1 + more), (bound - in_K).subs(D, inner.rhs - 1)
    require_nonnegative(sp.cancel(eps / 2 - first))
    # The second part falls with D.
    require_nonnegative(-sp.diff(sp.log(bound - in_K), D))
    require_nonnegative(sp.cancel(eps / 2 - sp.powsimp(sp.simplify(second))))
    return sp.Le(mean, eps / 2 + eps / 2)


def _outer() -> Any:
    return _iterations()[0]


def _inner() -> Any:
    return _iterations()[1]


def _order_of_constant() -> Any:
    inside = envelope().subs(a_0, inner_error().rhs)
    return sp.Le(B, dominated(sp.expand(in_kappa(inside)), kappa))


def _order_of_iterations() -> Any:
    return sp.Le(K_eps, dominated(in_kappa(_iterations()[0].rhs.subs(L_Phi, smoothness())), kappa))


def _order(kind: str) -> Any:
    each = _COUNTS[kind].subs(D, _iterations()[1].rhs)
    for term in each.atoms(sp.log):
        require_nonnegative(term.args[0] - 4)
        each = each.subs(term, ell)
    return sp.Le(sp.Symbol(f"total_{kind}"), dominated(c_K * kappa**3 / eps * each, kappa, ell))


def _rate_steps() -> tuple[Step, ...]:
    outer, inner = sp.Le(K_eps, 4 * L_Phi * gap / eps + 1), 2 * kappa * sp.log(4 + B * sp.sqrt(2 / eps)) + 1
    constant = M * rho + M * tau
    totals = {
        "outer_gradient": c_K * kappa**3 / eps,
        "inner_gradient": 3 * c_K * ell * kappa**4 / eps,
        "jvp": 3 * c_K * ell * kappa**4 / eps,
        "hvp": 2 * c_K * ell * kappa**4 / eps,
    }
    return (
        Step(
            "bound",
            sp.Le(mean, 2 * L_Phi * gap / K + B**2 * sp.exp(-D / kappa)),
            "Descent summed over K iterations at beta = 1/L_Phi, alpha = 1/L; gap = Phi(x_0) - inf Phi.",
            by_relation(_bound, "telescoping sum"),
        ),
        Step("outer iterations", outer, "The first part is at most eps/2.", by_relation(_outer, "solved for K")),
        Step(
            "inner iterations",
            sp.Le(D_eps, inner),
            "The second part is at most eps/2, and (1 - alpha mu)^D at most 1/16. The truncated sum is biased at y* "
            "too, so that D grows with log(1/eps), which the warm start of AID-BiO avoids.",
            by_relation(_inner, "log(1/accuracy) over the rate 1/(2 kappa)"),
        ),
        Step(
            "bound at these sizes",
            sp.Le(mean, eps),
            "K at least K_eps and D at least D_eps, before rounding up.",
            by_relation(_at_these_sizes, "eps/2 minus each part, by coefficients"),
        ),
        Step(
            "order of the constant in the logarithm",
            sp.Le(B, (4 * M * constant + 2 * constant * a_0 + 5 * M + 2 * a_0) * kappa**2),
            "L = 1, mu = 1/kappa, kappa >= 1: ell = log(4 + B sqrt(2/eps)) is of order log(kappa/eps).",
            by_relation(_order_of_constant, "non-negative coefficients: their sum times the highest power"),
        ),
        Step(
            "order of the outer iterations",
            sp.Le(K_eps, (8 * constant * gap + 16 * gap + 1) * kappa**3 / eps),
            "L = 1, mu = 1/kappa, kappa >= 1 >= eps.",
            by_relation(_order_of_iterations, "non-negative coefficients: their sum times the highest powers"),
        ),
        *(
            Step(
                f"order of {kind}",
                sp.Le(sp.Symbol(f"total_{kind}"), total),
                "K_eps <= c_K kappa^3/eps iterations with D_eps steps each, ell = log(4 + B sqrt(2/eps)). The "
                "published order" + (" up to ell." if total.has(ell) else "."),
                by_relation(partial(_order, kind), "non-negative coefficients, as above"),
            )
            for kind, total in totals.items()
        ),
    )


@cache
def itd_bio() -> RestingTheorem:
    """ITD-BiO at constant steps, alpha = 1/L and beta = 1/L_Phi, warm-started."""
    recalled = "recalled from arXiv 2010.07962"
    return RestingTheorem(
        name="itd-bio",
        title="ITD-BiO: mean squared gradient of Phi, and evaluations of each kind to accuracy eps",
        solver="itd-bio",
        assumptions=(
            *MODEL,
            "y starts every inner loop where it ended and counts as constant there",
        ),
        source=SOURCE,
        steps=(
            *count_steps(
                _BOX,
                _COUNTS,
                "D gradient steps on y, one gradient of f; backwards a cross product at y^0..y^{D-1} and a Hessian "
                "product at y^1..y^{D-1}: the one at y^0, which would be the D-th, multiplies nothing.",
            ),
            *contraction_steps(),
            *model_steps(),
            *bias_steps(),
            *_rate_steps(),
        ),
        symbols=by_name((mu, L, M, tau, rho, alpha, beta, kappa, eps, K, D, gap, L_Phi, a_0, B, c_K, kappa, ell)),
        quoted=(
            Quoted(
                "published bound",
                sp.Le(mean, 16 * L_Phi * gap / K + 2 * eps / 3),
                f"{recalled}: alpha <= 1/L, beta = 1/(4 L_Phi), D of order kappa log(1/eps)",
            ),
            *table(
                {
                    "outer_gradient": kappa**3 / eps,
                    "inner_gradient": kappa**4 / eps,
                    "jvp": kappa**4 / eps,
                    "hvp": kappa**4 / eps,
                }
            ),
        ),
        evaluations=by_column(_COUNTS),
        vocabulary=VOCABULARY,
        error=resting_error,
    )
