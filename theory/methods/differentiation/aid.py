"""AID-BiO: warm-started gradient descent and conjugate gradients, with a Lyapunov function of both errors."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import sympy as sp

from ...proof.algebra import require_equal, require_nonnegative, triangle
from ...proof.boxes import Loop, by_column, count_steps
from ...proof.orders import dominated
from ...proof.rules import by_relation
from ...proof.theorem import Quoted, Step, Theorem
from ...symbols import by_name, eps
from .conjugate_gradients import N, conjugate_gradient_steps, enough_steps, theta
from .implicit_lemmas import (
    MODEL,
    SOURCE,
    VOCABULARY,
    D,
    H,
    K,
    L,
    L_Phi,
    M,
    Phi,
    a,
    adjoint_constant,
    alpha,
    b,
    beta,
    contraction_steps,
    descent,
    e,
    ell,
    g,
    gap,
    gradient_rate,
    hypergradient_error,
    in_kappa,
    iterations,
    kappa,
    model_steps,
    mu,
    response_constant,
    rho,
    smoothness,
    table,
    tau,
)

__all__ = ["aid_bio"]

#: Weighted error of y and v at the start of an inner loop, its contraction, |y - y*| and |v - v*| at x_0.
U, U_next, U_0, a_0, b_0 = sp.symbols("U U_next U_0 a_0 b_0", nonnegative=True)
c_K = sp.Symbol("c_K", positive=True)
W, W_next = sp.symbols("W W_next", real=True)
mean = sp.Symbol("mean_of_squared_gradient", nonnegative=True)
K_eps, D_theta = sp.symbols("K_eps D_theta", positive=True)
_t, _n = sp.Symbol("t", integer=True), sp.Symbol("n", integer=True)
_slack, _spare, _rest = sp.symbols("s t w", nonnegative=True)

#: Largest contraction of the weighted error for which the outer step 1/(2 L_Phi) is proved.
_LARGEST = sp.Rational(1, 4)
_BETA = 1 / (2 * L_Phi)
#: The contraction that keeps the initial error from adding a factor kappa.
_THETA = 1 / (4 * sp.sqrt(kappa))

_BOX = (
    Loop(_t, 1, D, (("inner_gradient", 1),)),
    ("outer_gradient", 1),
    # The residual at the warm start costs a product before the first step.
    ("hvp", 1),
    Loop(_n, 1, N, (("hvp", 1),)),
    ("jvp", 1),
)
_COUNTS = {"outer_gradient": sp.Integer(1), "inner_gradient": D, "jvp": sp.Integer(1), "hvp": N + 1}


def _adjoint_error(s: Any, omega: Any) -> Any:
    """|v^N - v*| where y^D has error s a, and conjugate gradients from error b shrink theirs by omega."""
    shift = adjoint_constant() * s * a
    return sp.expand(omega * (b + shift) + shift)


def _adjoint_bound() -> Any:
    """The error of v^N with E the operator of N steps: v^N - v_y = E (v^0 - v_y), v_y the adjoint at y^D."""
    s, omega = sp.symbols("s omega", nonnegative=True)
    v, v_y, v_, E = sp.symbols("v v_y v_ E", commutative=False)
    far = adjoint_constant() * s * a
    terms = [(E, v - v_), (E, v_ - v_y), (v_y - v_,)]
    total = triangle(E * (v - v_y) + v_y - v_, terms, {E: omega, v - v_: b, v_ - v_y: far, v_y - v_: far})
    require_equal(_adjoint_error(s, omega), total)
    return sp.Le(sp.Symbol("|v^N - v*|"), total)


@cache
def _weighted() -> tuple[Any, Any]:
    """Weight of |y - y*| beside L |v - v*|, and the constant of the motion of x."""
    first, second = L + tau * M / mu, L * adjoint_constant()
    require_equal(smoothness(), sp.expand((1 + L / mu) * (first + second)))
    weight = first + (1 + _LARGEST) * second
    motion = weight * response_constant() + L * adjoint_constant() * (1 + response_constant())
    constant = 2 + _LARGEST
    require_nonnegative(constant * smoothness() - motion)
    return weight, constant


#: Every (1 - alpha mu)^D in (0, theta/2] and every 2 sqrt(kappa) ratio^N in (0, theta].
_CONTRACTED, _SHRUNK = theta / (2 + 2 * _spare), theta / (1 + _rest)


def _require_below_theta(quantity: Any) -> None:
    """The quantity is at most theta U, for every theta in (0, 1/4]."""
    weight, _ = _weighted()
    require_nonnegative((theta * (weight * a + L * b) - quantity).subs(theta, _LARGEST / (1 + _slack)))


@cache
def _hypergradient() -> Any:
    _require_below_theta(hypergradient_error(_CONTRACTED * a, _adjoint_error(_CONTRACTED, _SHRUNK)))
    return sp.Le(e, theta * U)


@cache
def _weighted_recursion() -> Any:
    weight, constant = _weighted()
    _require_below_theta(weight * _CONTRACTED * a + L * _adjoint_error(_CONTRACTED, _SHRUNK))
    return sp.Le(U_next, theta * U + constant * L_Phi * beta * H)


@cache
def _lyapunov() -> Any:
    after = _weighted_recursion().rhs
    bound = descent().rhs.subs(e, _hypergradient().rhs)
    spent = Phi + beta * theta**2 * U**2 - beta * g**2 / 2 - (bound + beta * theta**2 * after**2)
    # A form c_X X^2 - 2 c X H + c_H H^2 in X = theta U, as c (X - H)^2 plus multiples of X^2 and H^2.
    X = sp.Symbol("X", nonnegative=True)
    form = sp.Poly(sp.expand((spent.subs(beta, _BETA) * 4 * L_Phi).subs(U, X / theta)), X, H)
    cross = -form.coeff_monomial(X * H) / 2
    squares = {X - H: cross, X: form.coeff_monomial(X**2) - cross, H: form.coeff_monomial(H**2) - cross}
    require_equal(form.as_expr(), sp.expand(sum(m * q**2 for q, m in squares.items())))
    for multiplier in squares.values():
        require_nonnegative(multiplier.subs(theta, _LARGEST / (1 + _slack)))
    return sp.Le(W_next, W - (beta * g**2 / 2).subs(beta, _BETA))


@cache
def _bound() -> Any:
    # The decrease is summed over K iterations, W_0 - inf = gap + beta theta^2 U_0^2.
    decrease = (W - _lyapunov().rhs) / g**2
    start = (gap + beta * theta**2 * U_0**2).subs(beta, _BETA)
    return sp.Le(mean, sp.expand(start / decrease) / K)


@cache
def _outer_iterations() -> Any:
    return sp.Le(K_eps, sp.solve(sp.Eq(_bound().rhs, eps), K)[0] + 1)


def _at_these_sizes() -> Any:
    """The bound at K at or above what it was solved for, and the power that D was solved for, before rounding up."""
    more = sp.Symbol("more", nonnegative=True)
    require_nonnegative(sp.cancel(eps - _bound().rhs.subs(K, _outer_iterations().rhs - 1 + more)))
    rate = gradient_rate(1 / L).subs(mu, L / kappa)
    require_equal(sp.exp(-sp.expand(rate * (_inner_iterations().rhs - 1))), _CONTRACTED.subs(_spare, 0))
    return sp.Le(mean, eps)


def _inner_iterations() -> Any:
    rate = gradient_rate(1 / L).subs(mu, L / kappa)
    return sp.Le(D_theta, iterations(rate, theta / 2))


def _order_of_iterations() -> Any:
    weight, _ = _weighted()
    total = _outer_iterations().rhs.subs({theta: _THETA, U_0: weight * a_0 + L * b_0})
    return sp.Le(K_eps, dominated(in_kappa(total.subs(L_Phi, smoothness())), kappa))


def _order(kind: str) -> Any:
    """Total of one kind, with ell = log(8 kappa) >= 1 and c_K kappa^3/eps iterations."""
    steps = {D: _inner_iterations().rhs, N: enough_steps(theta)}
    each = _COUNTS[kind].subs(steps, simultaneous=True).subs(theta, _THETA)
    for term in each.atoms(sp.log):
        require_nonnegative((8 * kappa - term.args[0]).subs(kappa, (1 + _slack) ** 2))
        each = each.subs(term, ell)
    return sp.Le(sp.Symbol(f"total_{kind}"), dominated(c_K * kappa**3 / eps * each, kappa, ell))


def _outer_steps() -> tuple[Step, ...]:
    totals = {
        "outer_gradient": c_K * kappa**3 / eps,
        "inner_gradient": 2 * c_K * ell * kappa**4 / eps,
        "jvp": c_K * kappa**3 / eps,
        "hvp": sp.Rational(5, 2) * c_K * ell * kappa ** sp.Rational(7, 2) / eps,
    }
    unit = 1 + M * tau + sp.Rational(5, 4) * (1 + M * rho)
    starting = 8 * gap * (M * rho + M * tau + 2) + (unit * a_0 + b_0) ** 2 / 8 + 1
    return (
        Step(
            "error of the adjoint",
            sp.Le(
                sp.Symbol("|v^N - v*|"),
                sp.Symbol("omega", nonnegative=True) * b
                + (1 + sp.Symbol("omega", nonnegative=True))
                * (L / mu + M * rho / mu**2)
                * sp.Symbol("s", nonnegative=True)
                * a,
            ),
            "y^D is off by s a, so that the adjoint there is off by Lip(v) s a; conjugate gradients shrink the "
            "distance to it by omega.",
            by_relation(_adjoint_bound, "operator identity, then the triangle inequality"),
        ),
        Step(
            "error in the weighted norm",
            sp.Le(e, theta * U),
            "U = (L + tau M/mu + 5/4 L Lip(v)) |y^0 - y*| + L |v^0 - v*|; y^D has (1 - alpha mu)^D <= theta/2, "
            "conjugate gradients 2 sqrt(kappa) ratio^N <= theta <= 1/4; |v^N - v*| by way of the adjoint at y^D.",
            by_relation(_hypergradient, "coefficients after theta = 1/(4 (1 + s))"),
        ),
        Step(
            "recursion of the weighted error",
            sp.Le(U_next, theta * U + sp.Rational(9, 4) * L_Phi * beta * H),
            "Warm starts: both errors go on from where they ended, plus Lip(y*) and Lip(v*) times |x_next - x|.",
            by_relation(_weighted_recursion, "coefficients; (C L/mu + L Lip(v*)) <= 9/4 L_Phi likewise"),
        ),
        Step(
            "Lyapunov function",
            sp.Le(W_next, W - g**2 / (4 * L_Phi)),
            "W = Phi + beta theta^2 U^2 with beta = 1/(2 L_Phi), theta <= 1/4.",
            by_relation(_lyapunov, "what is left is a sum of squares of U, |h| and their difference"),
        ),
        Step(
            "bound",
            sp.Le(mean, (4 * L_Phi * gap + 2 * theta**2 * U_0**2) / K),
            "The Lyapunov function summed over K iterations; gap = Phi(x_0) - inf Phi.",
            by_relation(_bound, "telescoping sum"),
        ),
        Step(
            "outer iterations",
            sp.Le(K_eps, (4 * L_Phi * gap + 2 * theta**2 * U_0**2) / eps + 1),
            "The least K with a bound of at most eps.",
            by_relation(_outer_iterations, "solved for K"),
        ),
        Step(
            "inner iterations",
            sp.Le(D_theta, kappa * sp.log(2 / theta) + 1),
            "The least D with (1 - alpha mu)^D <= theta/2 at alpha = 1/L: no log(1/eps), thanks to the warm start. At "
            "theta = 1/4 this is D = O(kappa), and N = O(sqrt(kappa) log kappa).",
            by_relation(_inner_iterations, "log(2/theta) over the rate 1/kappa"),
        ),
        Step(
            "bound at these sizes",
            sp.Le(mean, eps),
            "K at least K_eps, and D at least D_theta with (1 - alpha mu)^D <= theta/2, before rounding up.",
            by_relation(_at_these_sizes, "eps minus the bound, by coefficients; the power of D by its logarithm"),
        ),
        Step(
            "order of the outer iterations",
            sp.Le(K_eps, starting * kappa**3 / eps),
            "L = 1, mu = 1/kappa, theta = 1/(4 sqrt(kappa)), which keeps U_0^2 of order kappa^4 from adding a factor "
            "kappa; kappa >= 1 >= eps.",
            by_relation(_order_of_iterations, "non-negative coefficients: their sum times the highest powers"),
        ),
        *(
            Step(
                f"order of {kind}",
                sp.Le(sp.Symbol(f"total_{kind}"), total),
                "K_eps <= c_K kappa^3/eps iterations, D and N at that theta, ell = log(8 kappa). The published order"
                + (" up to ell." if total.has(ell) else "."),
                by_relation(partial(_order, kind), "non-negative coefficients, as above"),
            )
            for kind, total in totals.items()
        ),
    )


@cache
def aid_bio() -> Theorem:
    """AID-BiO at constant steps, alpha = 1/L and beta = 1/(2 L_Phi), warm-started."""
    start = sp.Symbol("Delta_0", nonnegative=True)
    error, best = sp.Symbol("|e_N|_A"), sp.Function("min_p")(sp.Symbol("|p(A) e_0|_A"))
    recalled = "recalled from arXiv 2010.07962"
    return Theorem(
        name="aid-bio",
        title="AID-BiO: mean squared gradient of Phi, and evaluations of each kind to accuracy eps",
        solver="aid-bio",
        assumptions=(
            *MODEL,
            "y and v start every inner loop where they ended; conjugate gradients in exact arithmetic",
        ),
        source=SOURCE,
        steps=(
            *count_steps(
                _BOX,
                _COUNTS,
                "D gradient steps on y, one gradient of f, one cross product; conjugate gradients need a product a "
                "step and one more for the residual at the warm start.",
            ),
            *contraction_steps(),
            *model_steps(),
            *conjugate_gradient_steps(),
            *_outer_steps(),
        ),
        symbols=by_name(
            (mu, L, M, tau, rho, alpha, beta, kappa, eps, K, D, N, theta, gap, L_Phi, U_0, c_K, kappa, ell)
        ),
        quoted=(
            Quoted("optimality of conjugate gradients", sp.Eq(error, best), "textbook; Hestenes and Stiefel (1952)"),
            Quoted(
                "published bound",
                sp.Le(mean, (64 * L_Phi * gap + 5 * start) / K),
                f"{recalled}: alpha <= 1/L, beta = 1/(8 L_Phi), D of order kappa, N of order sqrt(kappa); Delta_0 = "
                "|y_0 - y*|^2 + |v_0 - v*|^2",
            ),
            *table(
                {
                    "outer_gradient": kappa**3 / eps,
                    "inner_gradient": kappa**4 / eps,
                    "jvp": kappa**3 / eps,
                    "hvp": kappa ** sp.Rational(7, 2) / eps,
                }
            ),
        ),
        evaluations=by_column(_COUNTS),
        vocabulary=VOCABULARY,
    )
