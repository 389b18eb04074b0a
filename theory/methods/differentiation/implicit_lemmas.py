"""Lemmas that AID-BiO, ITD-BiO and stocBiO share, each with an exact certificate.

The inner objective g is mu-strongly convex in y, all gradients are L-Lipschitz, f is
M-Lipschitz, g_xy is tau- and g_yy rho-Lipschitz; y* solves the inner problem, v* the adjoint
equation g_yy v = f_y at y*, and Phi(x) = f(x, y*(x)).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import sympy as sp

from ...proof.algebra import require_equal, require_growth, require_nonnegative, triangle
from ...proof.orders import dominated
from ...proof.rules import by_relation
from ...proof.theorem import Assumption, Quoted, Step

__all__ = [
    "MODEL",
    "SOURCE",
    "VOCABULARY",
    "adjoint_constant",
    "contraction_steps",
    "descent",
    "gradient_rate",
    "hypergradient_error",
    "in_kappa",
    "iterations",
    "kappa",
    "logarithm",
    "logarithm_step",
    "model_steps",
    "ratio_logarithm",
    "ratio_logarithm_step",
    "response_constant",
    "smoothness",
    "table",
    "x",
]

SOURCE = (
    "Algorithm of arXiv 2010.07962, whose text was not available: its boxes, assumptions and theorems are recalled. "
    "The steps are this project's own derivation; what is published stands under the quoted results."
)

#: Condition number, and the argument of the logarithms.
kappa, x = sp.Symbol("kappa", positive=True), sp.Symbol("x", real=True)
#: Constants of the problem, steps of inner and outer variable.
mu, L, M, alpha, beta = sp.symbols("mu L M alpha beta", positive=True)
tau, rho = sp.symbols("tau rho", nonnegative=True)
#: Eigenvalue of g_yy, number of inner steps, accuracy, bound on the logarithm.
lam, delta, ell = sp.symbols("lambda delta ell", positive=True)
D = sp.Symbol("D", integer=True, positive=True)
#: Errors |y - y*| and |v - v*|, distance between two points (x, y), and between two outer points.
a, b, distance, moved = sp.symbols("a b distance moved", nonnegative=True)
#: Phi(x_0) - inf Phi; error of the hypergradient; norms of grad Phi and of the direction; iterations.
gap, e, g, H = sp.symbols("gap e g H", nonnegative=True)
K = sp.Symbol("K", positive=True)
Phi, Phi_next, L_Phi = sp.Symbol("Phi", real=True), sp.Symbol("Phi_next", real=True), sp.Symbol("L_Phi", positive=True)
#: What the three theorems assume of the problem.
MODEL = (
    Assumption("g(x, .) is mu-strongly convex for every x; Phi is bounded below", mu, gap),
    Assumption("grad f and grad g are L-Lipschitz jointly in (x, y), so that mu <= L; f is M-Lipschitz", L, M),
    Assumption("g_xy is tau-Lipschitz and g_yy is rho-Lipschitz jointly in (x, y)", tau, rho),
)
#: What means nothing without them.
VOCABULARY = frozenset((mu, gap, L, M, tau, rho))
#: Slacks of the certificates.
_s, _t, _w = sp.symbols("s t w", nonnegative=True)


def table(entries: Mapping[str, Any]) -> tuple[Quoted, ...]:
    """Published orders of the evaluations by kind."""
    source = (
        "Table quoted from Enhanced Bilevel Optimization via Bregman Distance, Tables 1-2: logarithms are dropped, "
        "eps bounds the squared norm of grad Phi"
    )
    return tuple(Quoted(f"published {kind}", sp.Eq(sp.Symbol(kind), order), source) for kind, order in entries.items())


def iterations(rate: Any, accuracy: Any) -> Any:
    """Least n with exp(-rate n) <= accuracy, rounded up: at most log(1/accuracy)/rate + 1."""
    return sp.log(1 / accuracy) / rate + 1


def in_kappa(expression: Any) -> Any:
    """The expression with L = 1 and mu = 1/kappa."""
    return expression.subs({L: 1, mu: 1 / kappa}, simultaneous=True)


@cache
def response_constant() -> Any:
    """Lipschitz constant of y*, whose derivative is -g_yy^{-1} g_yx."""
    A, C = sp.symbols("A C", commutative=False)
    return triangle(-(A**-1) * C, [(-1, A**-1, C)], {A**-1: 1 / mu, C: L})


@cache
def adjoint_constant() -> Any:
    """Lipschitz constant in (x, y) of the adjoint g_yy^{-1} f_y."""
    A, A_, f, f_ = sp.symbols("A A_ f f_", commutative=False)
    total = triangle(
        A**-1 * f - A_**-1 * f_,
        [(A**-1, f - f_), (-1, A**-1, A - A_, A_**-1, f_)],
        {A**-1: 1 / mu, A_**-1: 1 / mu, f - f_: L * distance, A - A_: rho * distance, f_: M},
    )
    return sp.expand(total / distance)


def hypergradient_error(at: Any, adjoint: Any) -> Any:
    """Bound on |f_x - g_xy w - grad Phi| with (x, y) at distance ``at``, and |w - v*| at most ``adjoint``."""
    f, f_, C, C_, w, v_ = sp.symbols("f f_ C C_ w v_", commutative=False)
    return triangle(
        f - C * w - (f_ - C_ * v_),
        [(f - f_,), (-1, C, w - v_), (-1, C - C_, v_)],
        {f - f_: L * at, C: L, w - v_: adjoint, C - C_: tau * at, v_: M / mu},
    )


@cache
def smoothness() -> Any:
    """Lipschitz constant of grad Phi: the hypergradient between two points of the graph of y*."""
    along = (1 + response_constant()) * moved
    return sp.expand(hypergradient_error(along, adjoint_constant() * along) / moved)


#: The constant as the literature is remembered to print it.
RECALLED_SMOOTHNESS = (
    L + (2 * L**2 + tau * M**2) / mu + (rho * L * M + L**3 + tau * M * L) / mu**2 + rho * L**2 * M / mu**3
)


def _smoothness_order() -> Any:
    bound = dominated(in_kappa(smoothness()), kappa)
    if sp.degree(bound, kappa) != 3:
        raise ValueError(f"the order of L_Phi in kappa is that of {bound}")
    return sp.Le(L_Phi, bound)


def _smoothness_from_below() -> Any:
    polynomial = sp.Poly(in_kappa(smoothness()), kappa)
    require_nonnegative(polynomial.as_expr() - polynomial.LC() * kappa ** polynomial.degree())
    return sp.Le(polynomial.LC() * kappa ** polynomial.degree(), L_Phi)


@cache
def logarithm() -> Any:
    """x <= log(1/(1 - x)) for every x < 1."""
    difference = sp.log(1 / (1 - x)) - x
    require_growth(difference, x, {_s / (1 + _s): 1, -_s: -1})
    return sp.Le(x, x + difference)


@cache
def ratio_logarithm() -> Any:
    """2 x <= log((1 + x)/(1 - x)) for 0 <= x < 1."""
    value = sp.log((1 + x) / (1 - x))
    require_growth(value - 2 * x, x, {_s / (1 + _s): 1})
    return sp.Le(2 * x, value)


def gradient_rate(step: Any) -> Any:
    """Rate r with (1 - step mu)^n <= exp(-r n)."""
    relation = logarithm()
    return relation.lhs.subs(x, step * mu)


def _contraction() -> Any:
    # Every lambda in [mu, L] and alpha in (0, 1/L]; the modulus is below both signs.
    where = {alpha: 1 / (mu + _s + _t + _w), lam: mu + _s}
    factor = 1 - alpha * mu
    for sign in (1, -1):
        require_nonnegative((factor + sign * (1 - alpha * lam)).subs(where))
    require_equal(factor, (1 - alpha * lam).subs(lam, mu))
    return sp.Le(sp.Abs(1 - alpha * lam), factor)


def _enough_steps() -> Any:
    rate = gradient_rate(1 / L).subs(mu, L / kappa)
    return sp.Le(sp.Symbol("D_delta", positive=True), iterations(rate, delta))


def _needed_steps() -> Any:
    # -log(1 - x) <= x/(1 - x), so (1 - x)^n <= delta forces n >= log(1/delta) (1 - x)/x.
    require_growth(x / (1 - x) - sp.log(1 / (1 - x)), x, {_s / (1 + _s): 1})
    return sp.Le(sp.cancel(((1 - x) / x).subs(x, 1 / kappa)) * sp.log(1 / delta), sp.Symbol("D_delta", positive=True))


@cache
def descent(variance: Any = 0) -> Any:
    """Phi after a step beta h, in g = |grad Phi|, H = |E h|, e = |E h - grad Phi| and the variance of h."""
    product = sp.Symbol("product")
    polarised = sp.solve(sp.Eq(e**2, H**2 - 2 * product + g**2), product)[0]
    # The inner product is linear in h, and the mean of |h|^2 is H^2 plus the variance.
    smooth = Phi - beta * polarised + L_Phi * beta**2 * (H**2 + variance) / 2
    stated = Phi - beta * g**2 / 2 - beta * (1 - beta * L_Phi) * H**2 / 2 + beta * e**2 / 2
    stated += L_Phi * beta**2 * variance / 2
    require_equal(sp.expand(smooth), sp.expand(stated))
    return sp.Le(Phi_next, stated)


def contraction_steps() -> tuple[Step, ...]:
    """Gradient descent on the inner problem: rate and number of steps, for alpha <= 1/L."""
    return (
        Step(
            "inner contraction",
            sp.Le(sp.Abs(1 - alpha * lam), 1 - alpha * mu),
            "The averaged Hessian between y and y* has its eigenvalues lambda in [mu, L], and alpha <= 1/L; "
            "hence |y^D - y*| <= (1 - alpha mu)^D |y^0 - y*|.",
            by_relation(_contraction, "1 - alpha mu +- (1 - alpha lambda) >= 0 by coefficients, equality at mu"),
        ),
        logarithm_step(),
        Step(
            "enough inner steps",
            sp.Le(sp.Symbol("D_delta", positive=True), kappa * sp.log(1 / delta) + 1),
            "The least D with (1 - alpha mu)^D <= delta at alpha = 1/L, from the logarithm; a ceiling costs 1.",
            by_relation(_enough_steps, "log(1/delta) over the rate 1/kappa"),
        ),
        Step(
            "needed inner steps",
            sp.Le((kappa - 1) * sp.log(1 / delta), sp.Symbol("D_delta", positive=True)),
            "log(1/(1 - x)) <= x/(1 - x) along the smallest eigenvalue: D_delta is of order kappa, no less.",
            by_relation(_needed_steps, "the derivative of the difference is non-negative on [0, 1)"),
        ),
    )


def logarithm_step() -> Step:
    """x <= log(1/(1 - x)) for x < 1."""
    return Step(
        "logarithm",
        sp.Le(x, sp.log(1 / (1 - x))),
        "For x < 1: equality at 0, and the difference has derivative x/(1 - x), of the sign of x.",
        by_relation(logarithm, "value 0 at 0, derivative non-negative for x = s/(1 + s), non-positive for x = -s"),
    )


def ratio_logarithm_step() -> Step:
    """2 x <= log((1 + x)/(1 - x)) for 0 <= x < 1."""
    return Step(
        "logarithm of a ratio",
        sp.Le(2 * x, sp.log((1 + x) / (1 - x))),
        "For 0 <= x < 1: equality at 0, and the difference has the derivative 2 x^2/(1 - x^2).",
        by_relation(ratio_logarithm, "value 0 at 0, derivative non-negative for x = s/(1 + s)"),
    )


def model_steps() -> tuple[Step, ...]:
    """Constants of y*, v* and Phi, the error of a hypergradient, and descent with an inexact one."""
    return (
        Step(
            "Lipschitz constant of y*",
            sp.Le(sp.Symbol("Lip(y*)"), L / mu),
            "y* has derivative -g_yy^{-1} g_yx, with |g_yy^{-1}| <= 1/mu and |g_yx| <= L.",
            by_relation(lambda: sp.Le(sp.Symbol("Lip(y*)"), response_constant()), "product of norms"),
        ),
        Step(
            "Lipschitz constant of the adjoint",
            sp.Le(sp.Symbol("Lip(v)"), L / mu + rho * M / mu**2),
            "v = A^{-1} f_y, v - v' = A^{-1}(f_y - f_y') - A^{-1}(A - A') v' with A = g_yy, |f_y| <= M.",
            by_relation(
                lambda: sp.Le(sp.Symbol("Lip(v)"), adjoint_constant()),
                "operator identity, then the triangle inequality",
            ),
        ),
        Step(
            "error of the hypergradient",
            sp.Le(e, (L + tau * M / mu) * a + L * b),
            "h - grad Phi = (f_x - f_x*) - g_xy (v - v*) - (g_xy - g_xy*) v*, with |y - y*| = a, |v - v*| = b, "
            "|v*| <= M/mu.",
            by_relation(lambda: sp.Le(e, hypergradient_error(a, b)), "operator identity, then the triangle inequality"),
        ),
        Step(
            "smoothness of Phi",
            sp.Eq(L_Phi, (1 + L / mu) * (L + L**2 / mu + tau * M / mu + rho * L * M / mu**2)),
            "The same split between two outer points: (x, y*) moves by at most (1 + L/mu) |x - x'|, v* by that "
            "times its Lipschitz constant. This is the constant used below.",
            by_relation(lambda: sp.Eq(L_Phi, smoothness()), "composition of the Lipschitz constants above"),
        ),
        Step(
            "smoothness beside the recalled constant",
            sp.Eq(sp.Symbol("recalled_minus_derived"), tau * M * (M - 1) / mu),
            "The constant recalled from the paper has tau M^2/mu where this derivation has tau M/mu (the only one "
            "whose units agree); it is the larger one if M >= 1.",
            by_relation(
                lambda: sp.Eq(sp.Symbol("recalled_minus_derived"), RECALLED_SMOOTHNESS - smoothness()),
                "difference of the two polynomials",
            ),
        ),
        Step(
            "order of the smoothness constant",
            sp.Le(L_Phi, 2 * (M * rho + M * tau + 2) * kappa**3),
            "With L = 1, mu = 1/kappa and kappa >= 1: the coefficients are non-negative and the degree is 3.",
            by_relation(_smoothness_order, "sum of the coefficients times the highest power"),
        ),
        Step(
            "order of the smoothness constant from below",
            sp.Le(M * rho * kappa**3, L_Phi),
            "Its leading term; so the constant is of order kappa^3 exactly, if M rho > 0.",
            by_relation(_smoothness_from_below, "the other coefficients are non-negative"),
        ),
        Step(
            "descent with an inexact hypergradient",
            sp.Le(Phi_next, Phi - beta * g**2 / 2 - beta * (1 - beta * L_Phi) * H**2 / 2 + beta * e**2 / 2),
            "L_Phi-smoothness along x_next = x - beta h, and polarisation of <grad Phi, h>; H = |h|.",
            by_relation(descent, "identity after polarisation"),
        ),
    )
