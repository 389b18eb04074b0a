"""stocBiO: stochastic inner steps and a Neumann sum of Hessian products over independent batches."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import sympy as sp

from ...noise.rest import RestingTheorem
from ...proof.algebra import require_equal, require_nonnegative
from ...proof.boxes import Loop, by_column, count_steps
from ...proof.orders import dominated
from ...proof.rules import by_relation
from ...proof.theorem import Assumption, Quoted, Step
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
    ell,
    gap,
    gradient_rate,
    in_kappa,
    iterations,
    kappa,
    model_steps,
    mu,
    ratio_logarithm,
    rho,
    smoothness,
    table,
    tau,
    x,
)
from .neumann import (
    HESSIAN_LOOP,
    Q,
    b_1,
    eta,
    neumann_steps,
    resting_error,
    rounded_products,
)
from .stocbio_bound import (
    RATIO,
    A,
    D_f,
    D_g,
    Lambda,
    S,
    a_0,
    bound_parts,
    hypergradient_variance,
    inner_steps,
    mean,
    outer_steps,
    sigma,
)

__all__ = ["stocbio"]

#: Constants of the orders, and the sizes that an accuracy eps needs.
c_K, c_S, c_f, c_g, c_b = sp.symbols("c_K c_S c_f c_g c_b", positive=True)
K_eps, S_eps, D_eps, Q_eps, f_eps, g_eps, b_eps = sp.symbols(
    "K_eps S_eps D_eps Q_eps D_f_eps D_g_eps b_1_eps", positive=True
)
#: Parts of the bound, three of them noise; each gets the same share of eps.
_SHARES = 7

_BOX = (
    Loop(sp.Symbol("i", integer=True), 1, D, (("inner_gradient", S),)),
    ("outer_gradient", D_f),
    HESSIAN_LOOP,
    ("jvp", D_g),
)
_COUNTS = {
    "outer_gradient": D_f,
    "inner_gradient": D * S,
    "jvp": D_g,
    "hvp": b_1 * (1 - (1 - eta * mu) ** Q) / (eta * mu),
}
#: The published orders, logarithms dropped.
_TABLE = {
    "outer_gradient": kappa**5 / eps**2,
    "inner_gradient": kappa**9 / eps**2,
    "jvp": kappa**5 / eps**2,
    "hvp": kappa**6 / eps**2,
}


@cache
def _powers() -> dict[Any, tuple[Any, Any]]:
    """Parts of the bound that fall like 1/size, by the size that they ask for."""
    parts, noise = bound_parts(), sp.expand(hypergradient_variance().rhs)
    return {
        K_eps: (K, parts["iterations"]),
        S_eps: (S, parts["floor"]),
        f_eps: (D_f, noise.coeff(1 / D_f) / D_f),
        g_eps: (D_g, noise.coeff(1 / D_g) / D_g),
        b_eps: (b_1, (noise.coeff(1 / b_1) / b_1).subs(eta, 1 / L)),
    }


@cache
def _weights() -> tuple[Any, Any]:
    """Weights of ratio^(2D) and of (1 - eta mu)^(2(Q+1)) in the bound."""
    parts = bound_parts()
    weights = parts["contraction"] / RATIO ** (2 * D), parts["tail"] / (1 - eta * mu) ** (2 * (Q + 1))
    return weights[0], sp.powsimp(weights[1]).subs(L, kappa * mu)


@cache
def _sizes() -> dict[Any, Any]:
    """Bounds on the sizes with which each part of the bound is at most its share of eps, rounded up."""
    share, weights = eps / _SHARES, _weights()
    found = {size: sp.solve(sp.Eq(part, share), variable)[0] + 1 for size, (variable, part) in _powers().items()}
    # The accuracy is also at most 1/4.
    accuracy = 1 / (4 + sum(weights) / share)
    for weight in (*weights, 4 * share):
        require_nonnegative(sp.cancel(share - weight * accuracy))
    found[D_eps] = iterations(2 * ratio_logarithm().lhs.subs(x, 1 / kappa), accuracy)
    # Q + 1 steps, rounded up, at the rate of gradient descent.
    found[Q_eps] = iterations(2 * gradient_rate(1 / L).subs(L, kappa * mu), accuracy) - 1
    return found


def _at_these_sizes() -> Any:
    """The bound where every size is what it was solved for, and something more: a share for each part, added up."""
    share, sizes, used = eps / _SHARES, _sizes(), sp.Integer(0)
    more = sp.Symbol("more", nonnegative=True)
    left = sp.expand(sum(bound_parts().values()).subs(bound_parts()["noise"], hypergradient_variance().rhs))
    left = left.subs(eta, 1 / L)
    for size, (variable, part) in _powers().items():
        require_nonnegative(sp.cancel(share - part.subs(variable, sizes[size] - 1 + more)))
        left, used = left - part, used + share
    # ratio = (1 - x)/(1 + x) and 1 - eta mu = 1 - x at x = mu/L: each power is at most exp(-rate n), n the size.
    x_here = mu / L
    require_equal(RATIO, (1 - x_here) / (1 + x_here))
    decays = {
        D_eps: (2 * ratio_logarithm().lhs.subs(x, x_here), sizes[D_eps] - 1, RATIO ** (2 * D)),
        Q_eps: (2 * gradient_rate(1 / L), sizes[Q_eps], (1 - mu / L) ** (2 * (Q + 1))),
    }
    for weight, (rate, number, power) in zip(_weights(), decays.values(), strict=True):
        reached = sp.exp(-sp.simplify((rate * number).subs(kappa, L / mu))) * weight.subs(kappa, L / mu)
        require_nonnegative(sp.cancel(share - reached))
        left, used = left - weight.subs(kappa, L / mu) * power, used + share
    require_equal(sp.powsimp(sp.expand(left)), sp.Integer(0))
    return sp.Le(mean, used)


def _size(size: Any) -> Any:
    return sp.Le(size, _sizes()[size])


def _order_of_size(size: Any) -> Any:
    explicit = {L_Phi: smoothness(), Lambda: sp.cancel(smoothness() / (1 + L / mu))}
    return sp.Le(size, dominated(sp.expand(in_kappa(_sizes()[size].subs(explicit))), kappa))


def _order(kind: str) -> Any:
    """Total of one kind, from the orders of the sizes and with the logarithm as ell >= 1."""
    logarithmic = {}
    for number, size in ((D, D_eps), (Q, Q_eps)):
        bound = _sizes()[size]
        (logarithm,) = bound.atoms(sp.log)
        require_nonnegative(logarithm.args[0] - 4)
        logarithmic[number] = bound.subs(logarithm, ell)
    each = rounded_products().rhs.subs(eta, 1 / L).subs(L, kappa * mu) if kind == "hvp" else _COUNTS[kind]
    explicit = {
        **logarithmic,
        S: c_S * kappa**5 / eps,
        D_f: c_f * kappa**2 / eps,
        D_g: c_g * kappa**2 / eps,
        b_1: c_b * kappa**2 / eps,
    }
    total = c_K * kappa**3 / eps * each.subs(explicit, simultaneous=True)
    return sp.Le(sp.Symbol(f"total_{kind}"), dominated(total, kappa, ell))


def _recalled_batches() -> Any:
    """Hessian products with the recalled batches over the published order, at Q = kappa ell and eta = 1/L."""
    power = sp.Symbol("power", positive=True)
    recalled = {K: kappa**3 / eps, b_1: kappa**2 / eps * (kappa * ell), eta: 1 / (kappa * mu)}
    products = (K * _COUNTS["hvp"]).subs((1 - eta * mu) ** Q, power).subs(recalled, simultaneous=True)
    ratio = sp.cancel(products / _TABLE["hvp"])
    # (1 - 1/kappa)^Q <= exp(-Q/kappa) = exp(-ell) <= exp(-1), as ell >= 1.
    rate = gradient_rate(1 / L).subs(L, kappa * mu)
    least = sp.expand(ratio).subs(power, sp.exp(-rate * kappa))
    require_nonnegative(-ratio.diff(power))
    return sp.Le(sp.factor(least), sp.Symbol("recalled_over_published"))


def _size_steps() -> tuple[Step, ...]:
    logarithm = sp.log(4 + 14 * (Lambda**2 * A**2 + kappa**2 * M**2) / eps)
    outer = 14 * L_Phi * gap / eps + 1
    constant = M * rho + M * tau + 2
    stated = {
        K_eps: (outer, (28 * gap * constant + 1) * kappa**3 / eps),
        S_eps: (14 * Lambda**2 * sigma**2 / (L * mu * eps) + 1, (14 * constant**2 * sigma**2 + 1) * kappa**5 / eps),
        f_eps: (7 * M**2 * (1 + L**2 / mu**2) / eps + 1, (14 * M**2 + 1) * kappa**2 / eps),
        g_eps: (7 * M**2 * L**2 / mu**2 / eps + 1, (7 * M**2 + 1) * kappa**2 / eps),
        b_eps: (7 * M**2 * L**2 / mu**2 / eps + 1, (7 * M**2 + 1) * kappa**2 / eps),
        D_eps: (kappa / 4 * logarithm + 1, None),
        Q_eps: (kappa / 2 * logarithm, None),
    }
    steps = []
    for size, (value, order) in stated.items():
        steps.append(
            Step(
                f"size {size}",
                sp.Le(size, value),
                "Its part of the bound is at most eps/7, rounded up; eta = 1/L, and ratio^(2D) is at most 1/4 as well.",
                by_relation(partial(_size, size), "solved for the size"),
            )
        )
        if order is not None:
            steps.append(
                Step(
                    f"order of {size}",
                    sp.Le(size, order),
                    "L = 1, mu = 1/kappa, kappa >= 1 >= eps.",
                    by_relation(partial(_order_of_size, size), "coefficients: their sum times the highest powers"),
                )
            )
    steps.append(
        Step(
            "bound at these sizes",
            sp.Le(mean, eps),
            "With sizes at or above these, before rounding up, each of the seven parts of the bound is at most eps/7.",
            by_relation(_at_these_sizes, "share - part has non-negative coefficients, part by part; nothing is left"),
        )
    )
    return tuple(steps)


def _order_steps() -> tuple[Step, ...]:
    totals = {
        "outer_gradient": c_K * c_f * kappa**5 / eps**2,
        "inner_gradient": sp.Rational(5, 4) * c_K * c_S * ell * kappa**9 / eps**2,
        "jvp": c_K * c_g * kappa**5 / eps**2,
        "hvp": c_K * (c_b + sp.Rational(1, 2)) * ell * kappa**6 / eps**2,
    }
    return (
        *(
            Step(
                f"order of {kind}",
                sp.Le(sp.Symbol(f"total_{kind}"), total),
                "K_eps iterations with the sizes above, c_K, c_S, c_f, c_g, c_b the constants of their orders and "
                "ell >= 1 the logarithm. The published order" + (" up to ell." if total.has(ell) else "."),
                by_relation(partial(_order, kind), "coefficients, as above"),
            )
            for kind, total in totals.items()
        ),
        Step(
            "Hessian products with the recalled batches",
            sp.Le((1 - sp.exp(-1)) * kappa * ell, sp.Symbol("recalled_over_published")),
            "Batches B Q (1 - eta mu)^(j-1) with B = kappa^2/eps, Q = kappa ell, ell >= 1, and kappa^3/eps iterations "
            "need at least this many times kappa^6/eps^2 Hessian products: the recalled constants and the published "
            "table do not agree. A first batch of order kappa^2/eps, without the factor Q, gives the table (above).",
            by_relation(_recalled_batches, "geometric sum; (1 - 1/kappa)^Q <= exp(-1)"),
        ),
    )


@cache
def stocbio() -> RestingTheorem:
    """stocBiO at constant steps, alpha = 2/(L + mu), eta = 1/L and beta = 1/L_Phi, warm-started in y."""
    recalled = "recalled from arXiv 2010.07962"
    B, order = sp.Symbol("B", positive=True), sp.Function("O")
    published = (
        L_Phi / K
        + kappa**2 * (1 - eta * mu) ** (2 * Q)
        + kappa**5 * sigma**2 / S
        + kappa**2 * (1 / D_g + 1 / D_f + 1 / B)
    )
    return RestingTheorem(
        name="stocbio",
        title="stocBiO: mean squared gradient of Phi in expectation, and evaluations of each kind to accuracy eps",
        solver="stocbio",
        assumptions=(
            *MODEL,
            Assumption(
                "every sample of f and g satisfies the same; an inner gradient has variance at most sigma^2 a sample",
                sigma,
            ),
            "all batches are independent of each other and of the past; y starts where it ended",
        ),
        source=SOURCE,
        steps=(
            *count_steps(
                _BOX,
                _COUNTS,
                "Samples counted one by one: D inner steps with S, the Hessian batches b_1 (1 - eta mu)^(j-1), "
                "j = 1..Q, one batch each of f and of the cross product.",
            ),
            *inner_steps(),
            *model_steps(),
            *neumann_steps(),
            *outer_steps(),
            *_size_steps(),
            *_order_steps(),
        ),
        symbols=by_name(
            (
                mu,
                L,
                M,
                tau,
                rho,
                sigma,
                alpha,
                beta,
                eta,
                kappa,
                eps,
                K,
                D,
                Q,
                S,
                D_f,
                D_g,
                b_1,
                gap,
                L_Phi,
                a_0,
                A,
                ell,
            )
        ),
        quoted=(
            Quoted(
                "published bound",
                sp.Le(mean, order(published)),
                f"{recalled}: alpha = 2/(L + mu), eta <= 1/L, beta = 1/(4 L_Phi), D of order kappa log(kappa)",
            ),
            Quoted(
                "recalled Hessian batches",
                sp.Eq(sp.Function("B_j")(sp.Symbol("j")), B * Q * (1 - eta * mu) ** (sp.Symbol("j") - 1)),
                f"{recalled}, with B of order kappa^2/eps and Q of order kappa log(kappa/eps)",
            ),
            *table(_TABLE),
        ),
        evaluations=by_column(_COUNTS),
        vocabulary=VOCABULARY | {sigma},
        error=resting_error,
    )
