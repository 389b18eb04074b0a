"""The zeroth-order penalty method: what the penalty does to the hypergradient, noise, and counts.

Source: arXiv 2510.03646 (second method), abstract; the iteration is reconstructed from the fully
first-order method (arXiv 2301.10945) whose gradients are replaced by two-point surrogates.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import sympy as sp

from zoba_bench import estimators
from zoba_bench.arrays import Array

from ...estimators.blocks import Blocks
from ...estimators.isserlis import expectation, form
from ...estimators.surrogates import Surrogate, gradient_forward
from ...estimators.taylor import Point, Quadratic
from ...noise.rest import RestingTheorem, matrix_value
from ...proof.algebra import equal, norm_bound, require_equal, sides
from ...proof.rules import by_components, by_derivation
from ...proof.theorem import Assumption, Quoted, Step
from ...symbols import L_xz, L_zz, R, d, eps, eta, m_xz, m_zz, mu, p, ratio
from .directional import count, mean_step, moment_step, separation_difference

__all__ = ["limit_error", "penalty_error", "zo_penalty"]


#: Penalty, inner iterations, directions of the outer step.
lam, T_b, l = sp.symbols("lambda T_b l", positive=True)
#: Blocks on one pair of eigenvectors: of G (zz, xz) and F (zz, xz), and the adjoint.
a, r = sp.symbols("a r", positive=True)
c, k, v = sp.symbols("c k v", real=True)
#: The same blocks as matrices, and the inverse of F_zz + lambda G_zz.
A, C, RR, KK, inverse, vector = sp.symbols("G_zz G_xz F_zz F_xz (F_zz+lambda*G_zz)^-1 v*", commutative=False)

ASSUMPTIONS = (
    Assumption(
        "G and F are quadratic; G(., x) is mu-strongly convex, |G_zz| <= L_zz, |G_xz| <= L_xz, |F_zz| <= m_zz, "
        "|F_xz| <= m_xz and lambda mu > m_zz",
        mu, L_zz, L_xz, m_zz, m_xz, lam,
    ),
    "z minimises G(., x) and y minimises F(., x) + lambda G(., x), each found by the inner loop",
    Assumption("A = G_zz, C = G_xz, B = G_xx; s = y - z; |v*| <= R", R),
    Assumption("Gaussian directions, r = h/eta; both terms of the penalty and f use the same ones", eta, ratio),
)  # fmt: skip
_VOCABULARY = frozenset((mu, L_zz, L_xz, m_zz, m_xz, lam, R, eta, ratio))
SOURCE = (
    "Algorithm: arXiv 2510.03646, abstract, reconstructed from arXiv 2301.10945; the text of the former was not "
    "available. Error, moments and counts are derived here."
)


@cache
def _solved() -> tuple[Any, Any, Any]:
    """F_x(y) - hypergradient, G_x(y) - G_x(z) and y - z on one pair of eigenvectors, with v* = v."""
    z, x = sp.symbols("z x", real=True)
    linear, outer, outer_x = sp.symbols("linear outer outer_x", real=True)
    lower = a * z**2 / 2 + c * x * z + linear * z
    upper = r * z**2 / 2 + k * x * z + outer * z + outer_x * x
    solution = _minimizer(lower, z)
    penalised = _minimizer(upper + lam * lower, z)
    value = upper.subs(z, solution)
    lower_x, upper_x = sp.diff(lower, x), sp.diff(upper, x)
    # The adjoint v* = -F_z / G_zz stands for the linear term of F.
    adjoint = -sp.diff(upper, z).subs(z, solution) / a
    known = sp.solve(sp.Eq(adjoint, v), outer)[0]
    found = (
        upper_x.subs(z, penalised) - sp.diff(value, x),
        lower_x.subs(z, penalised) - lower_x.subs(z, solution),
        penalised - solution,
    )
    first, second, third = (sp.cancel(sp.together(part.subs(outer, known))) for part in found)
    return first, second, third


def penalty_error(sign: int = 1) -> Any:
    """F_x(y) + sign lambda (G_x(y) - G_x(z)) minus the hypergradient, on one pair of eigenvectors.

    Parameters
    ----------
    sign : 1; -1 is the reversed direction, which is no hypergradient.
    """
    outer, inner, _ = _solved()
    return sp.cancel(outer + sign * lam * inner)


def _minimizer(function: Any, z: Any) -> Any:
    return sp.solve(sp.diff(function, z), z)[0]


def limit_error(sign: int = 1) -> Any:
    """Limit of :func:`penalty_error` as lambda grows."""
    return sp.limit(penalty_error(sign), lam, sp.oo)


def matrix_error() -> Any:
    """The error for matrices that need not commute, from the conditions of both minimisers.

    F_z(y) + lambda G_zz (y - z) = 0 and F_z(z) = -G_zz v* give (F_zz + lambda G_zz) s = G_zz v*.
    """
    s = inverse * A * vector
    # v* as inverse (F_zz + lambda G_zz) v*, so that the terms of order one cancel.
    same = inverse * (RR + lam * A) * vector
    return sp.expand(KK * s + C * (lam * s - same))


def error_steps(sign: int = 1) -> tuple[Step, ...]:
    """The penalty's error, its order in lambda, and what the reversed sign tends to."""
    norms = {KK: m_xz, C: L_xz, A: L_zz, RR: m_zz, vector: R, inverse: 1 / (lam * mu - m_zz)}

    def bounded(statement: Any) -> str:
        require_equal(norm_bound(matrix_error(), norms), sides(statement, sp.LessThan)[1])
        return "the triangle inequality, term by term"

    return (
        Step(
            "error of the penalty hypergradient",
            sp.Eq(sp.Symbol("error", commutative=False), KK * inverse * A * vector - C * inverse * RR * vector),
            "F_z(z) = -G_zz v* and F_z(y) = -lambda G_zz (y - z); nothing needs to commute.",
            by_derivation(matrix_error, "the terms of order one cancel"),
        ),
        Step(
            "error on a pair of eigenvectors",
            sp.Eq(sp.Symbol("error"), v * (k * a - c * r) / (r + lam * a)),
            "Both minimisers, the value function and its derivative solved for one by one; "
            "a, r, c, k stand for G_zz, F_zz, G_xz, F_xz.",
            by_derivation(lambda: penalty_error(sign), "solved from F and G"),
        ),
        Step(
            "order in lambda",
            sp.Eq(sp.Symbol("limit of lambda*error"), v * (k * a - c * r) / a),
            "The error is of order 1/lambda, and no smaller unless F_xz G_zz = G_xz F_zz.",
            by_derivation(lambda: sp.limit(lam * penalty_error(sign), lam, sp.oo), "limit of the exact error"),
        ),
        Step(
            "bound of the error",
            sp.Le(sp.Symbol("|error|"), (m_xz * L_zz + L_xz * m_zz) * R / (lam * mu - m_zz)),
            "F_zz + lambda G_zz >= lambda mu - m_zz, positive by assumption.",
            bounded,
        ),
        Step(
            "error with the sign reversed",
            sp.Eq(sp.Symbol("error_reversed"), v * (k * a - c * r - 2 * lam * a * c) / (r + lam * a)),
            "F_x(y) - lambda (G_x(y) - G_x(z)): a released implementation has this sign.",
            by_derivation(lambda: penalty_error(-1), "solved from F and G"),
        ),
        Step(
            "limit with the sign reversed",
            sp.Eq(sp.Symbol("limit of error_reversed"), -2 * c * v),
            "The implicit term is subtracted in place of added: twice it is missing, whatever lambda.",
            by_derivation(lambda: limit_error(-1), "limit of the exact error"),
        ),
        Step(
            "separation",
            sp.Eq(sp.Symbol("limit of lambda*s"), v),
            "lambda (y - z) tends to v*: the penalty method estimates the adjoint by a difference.",
            by_derivation(lambda: sp.limit(lam * _solved()[2], lam, sp.oo), "limit of the solved separation"),
        ),
    )


def combined(forward: Any) -> Surrogate:
    """Outer surrogate at (y, x): f_x plus lambda times the difference of g_x, along the same u."""
    f_x, difference = gradient_forward(forward, "outer", "u"), separation_difference(forward)
    return Surrogate(
        "outer direction",
        ("F_x", "+ lambda C s"),
        "d",
        lambda y: f_x.along(y) + lam * difference.along(y),
        f_x.queries | difference.queries,
    )


def independent_second_moment(forward: Any) -> Any:
    """E|X_y - X_z|^2 of forward differences of g in x at y = z along independent directions."""
    q = Quadratic("inner")
    coefficient = forward(q.at(u=eta), q.at(), eta)

    def tested(index: int) -> Any:
        return coefficient * form(f"y{index}d", "u")

    second = expectation(sp.expand(tested(1) * tested(2))).contracted().expression
    mean = expectation(sp.expand(tested(1))).expression * expectation(sp.expand(tested(2))).expression
    # Independent and equally distributed: the cross term is the square of the mean.
    return 2 * second - 2 * expectation(mean).contracted().expression


def estimator_steps(forward: Any) -> tuple[Step, ...]:
    """Means and second moments of the surrogates of both loops."""
    inner, outer = gradient_forward(forward, "inner", "w"), gradient_forward(forward, "outer", "w")
    f_x, difference, total = gradient_forward(forward, "outer", "u"), separation_difference(forward), combined(forward)
    real = {name: sp.Symbol(name, real=True) for name in ("tr(A)", "tr(A^2)", "tr(B)", "tr(B^2)")}
    tr_a, tr_aa, tr_b, tr_bb = real.values()
    f_tr, f_tr2 = sp.Symbol("tr(F_xx)", real=True), sp.Symbol("tr(F_xx^2)", real=True)
    cs_2, ff = form("s", "C'", "C", "s"), form("F_x", "F_x")
    curved = eta**2 * (d + 4) * (f_tr**2 + 2 * f_tr2) / 4

    def total_mean(statement: Any) -> str:
        derived = expectation(total.tested(1)).expression
        if not equal(derived, sides(statement)[1]):
            raise ValueError(f"derived mean {derived}")
        return "tested with an arbitrary vector y1"

    return (
        *(mean_step(s) for s in (inner, outer, f_x, difference)),
        moment_step(
            inner,
            (p + 2) * form("G_z", "G_z") + eta**2 * ratio**2 * (p + 4) * (tr_a**2 + 2 * tr_aa) / 4,
            "Of the steps of z and y; h = r eta.",
        ),
        moment_step(f_x, (d + 2) * ff + curved, "f at (y, x)."),
        moment_step(
            difference,
            (d + 2) * cs_2,
            "With shared directions G_x and the curvature in x cancel exactly: what is left vanishes with s.",
        ),
        Step(
            "mean of the outer direction",
            sp.Eq(sp.Symbol("E y1'X"), form("y1d", "F_x") + lam * form("y1d", "C", "s")),
            "F_x(y) + lambda C (y - z), which is the penalty hypergradient.",
            total_mean,
        ),
        moment_step(
            total,
            (d + 2) * (ff + 2 * lam * form("F_x", "C", "s") + lam**2 * cs_2) + curved,
            "(d + 2) times the square of the mean: bounded in lambda, because lambda s tends to v*.",
        ),
        Step(
            "independent directions",
            sp.Eq(
                sp.Symbol("E|X_y - X_z|^2 at y = z"),
                2 * (d + 1) * form("G_x", "G_x") + eta**2 * (d + 4) * (tr_b**2 + 2 * tr_bb) / 2,
            ),
            "Had the two terms of g directions of their own, the noise would stay at y = z and grow as lambda^2.",
            by_derivation(lambda: independent_second_moment(forward), "twice the variance of one term"),
        ),
    )


def count_step(forward: Any) -> tuple[Step, dict[str, Any]]:
    """Evaluations of an outer step: every inner step has one direction, the outer one l of them."""
    inner, outer = gradient_forward(forward, "inner", "w"), gradient_forward(forward, "outer", "w")
    total = combined(forward).queries

    def of(level: str) -> frozenset[Point]:
        return frozenset(point for point in total if point[0] == level)

    found = {
        # The steps of z and of y ask for g at different points.
        "inner": 2 * count(inner.queries, samples=T_b) + count(of("inner"), l),
        "outer": count(outer.queries, samples=T_b) + count(of("outer"), l),
    }
    step = Step(
        "evaluations of an outer step",
        sp.Eq(sp.Tuple(*sp.symbols("inner outer")), sp.Tuple(4 * T_b + 2 * (l + 1), 2 * T_b + (l + 1))),
        "T_b inner steps of z (g) and of y (g and f), then l directions at y (g and f) and at z (g).",
        by_components(tuple(found.values()), "distinct points of the surrogates, added up over both loops"),
    )
    return step, found


@cache
def zo_penalty() -> RestingTheorem:
    """The zeroth-order penalty method."""
    return build(estimators.forward_difference)


def build(forward: Any, sign: int = 1) -> RestingTheorem:
    """The theorem with the given coefficient function and sign of the penalty term.

    Parameters
    ----------
    forward : forward difference, as in ``zoba_bench.estimators``.
    sign : 1; with -1 the steps about the error fail.
    """
    counted, evaluations = count_step(forward)
    return RestingTheorem(
        "zo-penalty",
        "Zeroth-order penalty method: error of the penalty hypergradient, noise and counts",
        "zo-penalty",
        ASSUMPTIONS,
        SOURCE,
        (*error_steps(sign), *estimator_steps(forward), counted),
        {str(symbol): symbol for symbol in (p, d, eta, ratio, lam, T_b, l, mu, L_zz, L_xz, m_zz, m_xz, R)},
        quoted=(
            Quoted(
                "complexity",
                sp.Eq(sp.Symbol("n"), sp.Function("O")((p + d) / eps**2)),
                "arXiv 2510.03646, abstract; text not available",
            ),
        ),
        evaluations=evaluations,
        error=_error_at,
        quadratic=True,
        vocabulary=_VOCABULARY,
    )


def _error_at(blocks: Blocks, solver: Any) -> Array:
    """The derived error with the matrices of a problem, as a factor of v*."""
    penalised = np.linalg.inv(blocks.F_zz + solver.lam * blocks.A)
    letters = {A: blocks.A, C: blocks.C, RR: blocks.F_zz, KK: blocks.F_xz, inverse: penalised, vector: np.eye(blocks.p)}
    return matrix_value(matrix_error(), letters, {lam: solver.lam})
