"""ZDSBA and ZMDSBA: two loops with the Gaussian smoothing of both variables at once.

Sources: arXiv 2404.00158 (ZDSBA), arXiv 2510.03646 (its mini-batch version). The texts were not
available: the estimators are those of secondary descriptions, with the factor of the mixed second
difference derived here, and the complexities are quoted.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from zoba_bench import estimators

from ...estimators.isserlis import form
from ...estimators.surrogates import Surrogate, cross_second
from ...proof.algebra import require_equal, sides
from ...proof.orders import dominates
from ...proof.rules import by_components, by_derivation, by_induction, by_sum
from ...proof.theorem import Assumption, Quoted, Step, Theorem
from ...symbols import L_xz, L_zz, R, d, eps, eta, mu, p, ratio
from .directional import average_step, count, joint_gradient, joint_hessian, mean_step, moment_step

__all__ = ["zmdsba"]

#: Inner steps, directions of the outer surrogates, and steps of SZHIA, in one outer step.
t_k, s_k, b_k = sp.symbols("t_k s_k b_k", positive=True)
#: SZHIA on one eigenvalue: the eigenvalue, the component of F_z, the iterate, the step.
a, f_z, v, g = sp.symbols("a f_z v g", real=True)
n = sp.Symbol("n", integer=True, nonnegative=True)
L = sp.Symbol("L", positive=True)

ASSUMPTIONS = (
    Assumption("G and F are quadratic; G(., x) is mu-strongly convex, |G_zz| <= L_zz, |G_xz| <= L_xz", mu, L_zz, L_xz),
    "Gaussian directions, independent of each other and of the past; every direction has a sample of its own",
    Assumption("inner radius h, outer radius eta, r = h/eta; every query moves both variables", eta, ratio),
    Assumption("|F_z|/mu <= R, and the step g of SZHIA is at most 2/(mu + L_zz)", R, g),
)
_VOCABULARY = frozenset((mu, L_zz, L_xz, eta, ratio, R, g))
SOURCE = (
    "Algorithm: arXiv 2404.00158 and 2510.03646 by secondary descriptions; the papers' texts were not available. "
    "Means, second moments, counts and the recursion of SZHIA are derived here."
)


def _names(*names: str) -> Any:
    return tuple(sp.Symbol(name, real=True) for name in names)


def estimator_steps(gradients: dict[str, Surrogate], hessian: Surrogate, cross: Surrogate) -> tuple[Step, ...]:
    """Means and second moments of the joint surrogates."""
    tr_a, tr_aa, tr_b, tr_bb, c_2 = _names("tr(A)", "tr(A^2)", "tr(B)", "tr(B^2)", "|C|_F^2")
    tr_z, tr_zz, tr_x, tr_xx, f_2 = _names("tr(F_zz)", "tr(F_zz^2)", "tr(F_xx)", "tr(F_xx^2)", "|F_xz|_F^2")
    vv, vav, av_2 = form("v", "v"), form("v", "A", "v"), form("v", "A", "A", "v")
    cv_2 = form("v", "C'", "C", "v")
    g_z, g_x = (p + 2) * form("G_z", "G_z"), p * form("G_x", "G_x") / ratio**2
    inner = (p + 4) * ratio**2 * (tr_a**2 + 2 * tr_aa) / 4 + (p + 2) * (tr_a * tr_b / 2 + c_2)
    inner += p * (tr_b**2 + 2 * tr_bb) / (4 * ratio**2)
    f_x, f_z_ = (d + 2) * form("F_x", "F_x"), d * ratio**2 * form("F_z", "F_z")
    outer = (d + 4) * (tr_x**2 + 2 * tr_xx) / 4 + (d + 2) * ratio**2 * (tr_x * tr_z / 2 + f_2)
    outer += d * ratio**4 * (tr_z**2 + 2 * tr_zz) / 4
    alone = 2 * (p + 4) * av_2 + (p + 4) * tr_a * vav + (p + 5) * vv * (tr_a**2 + 2 * tr_aa) / 4
    mixed = (p + 3) * vv * (tr_a * tr_b / 2 + c_2) + (p + 2) * (tr_b * vav + 2 * cv_2)
    hv = alone + mixed / ratio**2 + (p + 1) * vv * (tr_b**2 + 2 * tr_bb) / (4 * ratio**4)
    quartic = ratio**2 * d * ((tr_a**2 + 2 * tr_aa) * vv + 4 * tr_a * vav + 8 * av_2)
    quartic += 2 * (d + 2) * tr_b * (tr_a * vv + 2 * vav) + (d + 4) * (tr_b**2 + 2 * tr_bb) * vv / ratio**2
    cv = quartic / 4 + (d + 2) * (c_2 * vv + 2 * cv_2)
    moments = (
        moment_step(
            gradients["g_z"],
            g_z + g_x + eta**2 * inner,
            "Because x is moved as well, G_x adds noise: it does not vanish at the inner solution.",
        ),
        moment_step(gradients["f_x"], f_x + f_z_ + eta**2 * outer, "The same of f in x; F_z adds noise."),
        moment_step(hessian, hv, "What is not divided by r is the surrogate that moves z alone."),
        moment_step(cross, cv, "The same as with the second difference of the single-loop method."),
    )
    means = tuple(mean_step(s) for s in (*gradients.values(), hessian, cross))
    return (*means, *moments, _order_step(hessian, cross))


def _order_step(hessian: Surrogate, cross: Surrogate) -> Step:
    target = (p + d) ** 3

    def verify(statement: Any) -> str:
        one = sp.Integer(1)
        bounds = {"A": one, "B": one, "C": one, "v": one}
        total = sum(s.worst_case(bounds) for s in (hessian, cross)).subs(ratio, 1)
        found = dominates(total, target)
        require_equal(found.constant * target, sides(statement, sp.LessThan)[1])
        return f"{found.statement} with n the sum, by coefficients in p - 1 and d - 1"

    return Step(
        "order of the second moments",
        sp.Le(sp.Symbol("E|Hv|^2 + E|Cv|^2"), sp.Rational(57, 8) * target),
        "One radius (r = 1), all blocks of the Hessian of G at most 1 and |v| = 1.",
        verify,
    )


def szhia_steps() -> tuple[Step, ...]:
    """Mean of v+ = v - g (H v - f_z) on an eigenvalue of H = G_zz, from v_0 = 0."""
    target = f_z / a
    start, error = sp.symbols("error_0 error_n", real=True)
    t1, t2, t3 = sp.symbols("t1 t2 t3", nonnegative=True)
    hypergradient = sp.Symbol("hypergradient_error", nonnegative=True)
    c, adjoint, f_x = sp.symbols("G_xz v_star F_x", real=True)
    slack = sp.symbols("slack_1 slack_2", nonnegative=True)
    power = (1 - g * mu) ** n

    def recursion(of_error: Any) -> Any:
        iterate = of_error + target
        return iterate - g * (a * iterate - f_z) - target

    return (
        Step(
            "SZHIA, one step in the mean",
            sp.Eq(sp.Symbol("E v_next - f_z/a"), (1 - g * a) * (v - target)),
            "Directions are fresh, so the surrogates enter by their means H v and F_z.",
            by_derivation(lambda: recursion(v - target), "on every eigenvalue a of H"),
        ),
        Step(
            "SZHIA, n steps in the mean",
            sp.Eq(error, start * (1 - g * a) ** n),
            "Induction over the steps; with decreasing steps the factors are multiplied.",
            by_induction(n, start, recursion, "true before the first step, and kept by each"),
        ),
        Step(
            "contraction",
            sp.Le((1 - g * a) ** 2, (1 - g * mu) ** 2),
            "mu <= a <= L_zz and g <= 2/(mu + L_zz).",
            by_sum(
                {t1: g**2 * (t2 + t3)},
                "the difference is g (a - mu)(2 - g (a + mu))",
                where={a: mu + t1, g: 2 / (2 * mu + t1 + t2 + t3)},
            ),
        ),
        Step(
            "direction of x",
            sp.Eq(sp.Symbol("F_x - C v - hypergradient"), -c * (v + adjoint)),
            "SZHIA aims at +H^{-1} F_z = -v*, so the outer step subtracts C v; the hypergradient is F_x + C v*.",
            by_derivation(lambda: (f_x - c * v) - (f_x + c * adjoint), "componentwise; zero at v = -v*"),
        ),
        Step(
            "hypergradient error in the mean",
            sp.Le(hypergradient, L_xz * R * power),
            "From v_0 = 0 the error is at most R; after n steps of SZHIA it is multiplied by C.",
            by_sum(
                {slack[0]: sp.Integer(1), slack[1]: L_xz},
                "|C| <= L_xz times the contracted error",
                # error = R (1 - g mu)^n - slack, and |C error| = L_xz error - slack.
                stands_for={hypergradient: L_xz * (R * power - slack[1]) - slack[0]},
            ),
        ),
    )


def count_step(gradients: dict[str, Surrogate], hessian: Surrogate, cross: Surrogate) -> tuple[Step, dict[str, Any]]:
    """Evaluations of an outer step, from the distinct points of every surrogate."""
    phases = {
        "inner": ((t_k, gradients["g_z"]), (b_k, hessian), (s_k, cross)),
        "outer": ((b_k, gradients["f_z"]), (s_k, gradients["f_x"])),
    }
    found = {
        level: sp.Add(*(count(surrogate.queries, samples=draws) for draws, surrogate in listed))
        for level, listed in phases.items()
    }
    step = Step(
        "evaluations of an outer step",
        sp.Eq(sp.Tuple(*sp.symbols("inner outer")), sp.Tuple(2 * t_k + 3 * s_k + 3 * b_k, 2 * s_k + 2 * b_k)),
        "t_k inner steps, b_k steps of SZHIA with a Hessian and a gradient of f each, s_k directions of Cv and f_x; "
        "every direction has its own sample, so that no point is asked for twice.",
        by_components(tuple(found.values()), "distinct points of the surrogates, added up over the phases"),
    )
    return step, found


@cache
def zmdsba() -> Theorem:
    """ZMDSBA, and ZDSBA as its case s_k = 1."""
    return build(estimators.forward_difference, estimators.second_difference)


def build(forward: Any, second: Any) -> Theorem:
    """The theorem with the given coefficient functions.

    Parameters
    ----------
    forward, second : forward and second difference, as in ``zoba_bench.estimators``.
    """
    blocks = (("inner", "z"), ("outer", "z"), ("outer", "x"))
    gradients = dict(zip(("g_z", "f_z", "f_x"), (joint_gradient(forward, *b) for b in blocks), strict=True))
    hessian, cross = joint_hessian(second), cross_second(second)
    counted, evaluations = count_step(gradients, hessian, cross)
    steps = (*estimator_steps(gradients, hessian, cross), average_step(s_k), *szhia_steps(), counted)
    order = sp.Function("O")
    return Theorem(
        "zmdsba",
        "ZMDSBA: joint surrogates, their second moments, and the mean of SZHIA",
        "zmdsba",
        ASSUMPTIONS,
        SOURCE,
        steps,
        {str(symbol): symbol for symbol in (p, d, eta, ratio, t_k, s_k, b_k, g, mu, L_zz, L_xz, R)},
        quoted=(
            Quoted(
                "complexity of ZDSBA, non-convex",
                sp.Eq(sp.Symbol("n"), order((d + p) ** 4 / eps**3)),
                "arXiv 2404.00158, up to logarithms, by reviews of later work; text not available",
            ),
            Quoted(
                "complexity of ZMDSBA",
                sp.Eq(sp.Symbol("n"), order(p * (p + d) ** 2 * sp.log(1 / eps) / eps**2)),
                "arXiv 2510.03646, summary; text not available",
            ),
        ),
        evaluations=evaluations,
        vocabulary=_VOCABULARY,
    )
