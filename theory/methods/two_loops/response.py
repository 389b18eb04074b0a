"""PZOBO and HOZOG: random directions in x alone, through the solution of the inner problem.

Sources: arXiv 2110.07004 (PZOBO), arXiv 2102.09026 (HOZOG); the algorithms are those of public
implementations, and the papers' rates are quoted where they are known.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from zoba_bench import estimators

from ...estimators.isserlis import expectation, form
from ...estimators.surrogates import Surrogate
from ...proof.algebra import equal, require_equal, sides
from ...proof.rules import by_components, by_derivation, by_induction, by_sum
from ...proof.theorem import Assumption, Quoted, Step, Theorem
from ...symbols import W_0, C_z, K, L_Psi, L_xz, L_zz, a_0, d, eps, eta, gamma, k_z, m_xz, m_zz, mu
from .directional import (
    average_step,
    count,
    mean_step,
    moment_step,
    over_sphere,
    response_estimate,
    sphere_difference,
    tau,
)
from .response_errors import H, N, Q, alpha, error_steps, n
from .response_plan import ResponsePlan, plan_steps
from .response_run import beta, run_steps
from .response_theorem import PzoboTheorem
from .sphere_descent import L_Phi, descent_steps

__all__ = ["hozog", "pzobo"]

#: Directions of HOZOG.
q = sp.Symbol("q", positive=True)


def response_steps() -> tuple[Step, ...]:
    """Slope of the inner iterate after n gradient steps, and its distance from that of the solution."""
    a, c, slope_0 = sp.symbols("G_zz G_xz slope_0", real=True)
    low, high, rest = sp.symbols("t1 t2 t3", nonnegative=True)
    error = sp.Symbol("slope_error", nonnegative=True)
    decay = (1 - alpha * mu) ** n
    slack = sp.symbols("slack_1 slack_2", nonnegative=True)
    limit = -c / a
    return (
        Step(
            "slope after n inner steps",
            sp.Eq(sp.Symbol("slope_n"), limit + (slope_0 - limit) * (1 - alpha * a) ** n),
            "The derivative in x of y+ = y - alpha (G_zz y + G_xz x + b) on an eigenvalue: y_n is affine in x, "
            "so differences in x are exact for any radius.",
            by_induction(n, slope_0, lambda slope: slope - alpha * (a * slope + c), "true at the start, kept by each"),
        ),
        Step(
            "contraction",
            sp.Le((1 - alpha * a) ** 2, (1 - alpha * mu) ** 2),
            "mu <= G_zz <= L_zz and alpha <= 2/(mu + L_zz).",
            by_sum(
                {low: alpha**2 * (high + rest)},
                "the difference is alpha (G_zz - mu)(2 - alpha (G_zz + mu))",
                where={a: mu + low, alpha: 2 / (2 * mu + low + high + rest)},
            ),
        ),
        Step(
            "bias of the implicit term",
            sp.Le(error, L_xz * C_z * decay / mu),
            "Started at a point that does not depend on x: |slope_n - slope| <= (L_xz/mu)(1 - alpha mu)^n, "
            "times |F_z| <= C_z.",
            by_sum(
                {slack[0]: sp.Integer(1), slack[1]: C_z},
                "the slope's error times |F_z|",
                stands_for={error: C_z * (L_xz * decay / mu - slack[1]) - slack[0]},
            ),
        ),
    )


def _sphere_moment(surrogate: Surrogate) -> Any:
    """E|X|^2 of a surrogate whose directions are u/tau."""
    return over_sphere(surrogate.second_moment_matrix.contracted())


@cache
def pzobo() -> PzoboTheorem:
    """PZOBO: moments on quadratic problems, and the rate of warm-started runs for curved G too."""
    estimate = response_estimate(estimators.forward_difference)
    unit = response_estimate(estimators.forward_difference, tau, d)
    jf = form("F_z", "J", "J'", "F_z")
    found = {
        # Every point of x is one run of N inner steps; f is differentiated once, at (y(x), x).
        "inner_grad_z": count(estimate.queries, Q, N),
        "outer_grad_z": sp.Integer(1),
        "outer_grad_x": sp.Integer(1),
    }
    steps = (
        *response_steps(),
        mean_step(estimate),
        moment_step(
            estimate,
            (d + 2) * jf,
            "X = ((J u)'F_z) u; no radius is left. The variance is (d + 1)|J'F_z|^2.",
        ),
        Step(
            "unit directions",
            sp.Eq(sp.Symbol("E|d X|^2"), d * jf),
            "With u on the unit sphere and the factor d, as in the authors' code: the variance is (d - 1)|J'F_z|^2.",
            by_derivation(lambda: _sphere_moment(unit), "Gaussian moments over E|u|^{2k}"),
        ),
        average_step(Q),
        Step(
            "evaluations of an outer step",
            sp.Eq(sp.Tuple(*sp.symbols("inner_grad_z outer_grad_z outer_grad_x")), sp.Tuple(N * (Q + 1), 1, 1)),
            "N inner gradients at x and at each of the Q displaced points; no second derivative.",
            by_components(tuple(found.values()), "distinct points of x, N inner steps at each"),
        ),
    )
    sizes = ResponsePlan()
    return PzoboTheorem(
        "pzobo",
        "PZOBO: moments of the response estimate, and the mean squared gradient of Psi along warm-started runs",
        "pzobo",
        (
            Assumption(
                "G is mu-strongly convex in z with |G_zz| <= L_zz, |G_xz| <= L_xz; moments are stated for quadratic G, "
                "where the inner iterate is affine in x with slope J",
                mu, L_zz, L_xz,
            ),
            Assumption(
                "the Hessian of G has the Lipschitz constant H in (z, x), zero for quadratic G; z* has k_z", H, k_z
            ),
            Assumption("N inner gradient steps, alpha <= 2/(mu + L_zz), every run of an iteration from z_k", alpha, N),
            Assumption(
                "Q directions in x, Gaussian or uniform on the unit sphere with the factor d, independent of the past; "
                "radius eta",
                Q, eta,
            ),
            Assumption("|F_z(z*(x), x)| <= C_z; F_zz and F_xz are bounded by m_zz and m_xz", C_z, m_zz, m_xz),
            Assumption(
                "Psi is bounded below with an L_Psi-Lipschitz gradient, x is not constrained; constant steps beta, "
                "exact gradients",
                L_Psi, W_0, beta,
            ),
            Assumption("an order speaks of problems whose constants and W_0 do not grow with d and 1/eps", eps),
        ),
        "Algorithm: arXiv 2110.07004 by public implementations. The derivation is this project's own.",
        (*steps, *error_steps(), *run_steps(), *plan_steps(sizes.count)),
        {str(symbol): symbol for symbol in (
            d, eta, mu, L_zz, L_xz, L_Psi, C_z, m_zz, m_xz, k_z, H, alpha, beta, Q, N, K, W_0, a_0, eps
        )},
        quoted=(
            Quoted(
                "rate",
                sp.Eq(sp.Symbol("mean of |grad Psi|^2"), sp.Function("O")(1 / K)),
                "arXiv 2110.07004, recalled, up to smoothing and trajectory bias; constants not available",
            ),
        ),
        evaluations=found,
        vocabulary=frozenset(
            (mu, L_zz, L_xz, H, k_z, alpha, N, Q, eta, C_z, m_zz, m_xz, L_Psi, W_0, beta, eps)
        ),
        sizes=sizes,
    )  # fmt: skip


@cache
def hozog() -> Theorem:
    """HOZOG on a quadratic value function."""
    return build_hozog(estimators.forward_difference)


def build_hozog(forward: Any, factor: Any = d) -> Theorem:
    """The theorem with the given coefficient function and factor.

    Parameters
    ----------
    forward : forward difference, as in ``zoba_bench.estimators``.
    factor : d; any other one is a biased estimator, which the steps refuse.
    """
    estimate = sphere_difference(forward, factor)
    tr, tr_2 = sp.Symbol("tr(F_xx)", real=True), sp.Symbol("tr(F_xx^2)", real=True)
    found = {"trainings": count(estimate.queries, q), "outer": count(estimate.queries, q)}

    def mean(statement: Any) -> str:
        derived = over_sphere(expectation(estimate.tested(1)))
        if not equal(derived, sides(statement)[1]):
            raise ValueError(f"derived mean {derived}, stated {statement.rhs}")
        return "tested with an arbitrary vector y1"

    def covariance(statement: Any) -> str:
        derived = over_sphere(expectation(form("y1d", "u") * form("y2d", "u") / tau**2))
        require_equal(derived, sides(statement)[1])
        return "E uu' for Gaussian u, over E|u|^2 = d"

    steps = (
        Step(
            "uniform directions",
            sp.Eq(sp.Symbol("E (y1'u)(y2'u)"), form("y1d", "y2d") / d),
            "u on the unit sphere of R^d: E uu' = I/d.",
            covariance,
        ),
        Step(
            "mean of the sphere difference",
            sp.Eq(sp.Symbol("E y1'X"), form("y1d", "F_x")),
            "The factor d makes up for E uu' = I/d; the quadratic part is odd in u and vanishes.",
            mean,
        ),
        Step(
            "second moment of the sphere difference",
            sp.Eq(sp.Symbol("E|X|^2"), d * form("F_x", "F_x") + eta**2 * d * (tr**2 + 2 * tr_2) / (4 * (d + 2))),
            "|u| = 1; E(u'F_x)^2 = |F_x|^2/d and E(u'F_xx u)^2 = (tr^2 + 2 tr(F_xx^2))/(d(d + 2)).",
            by_derivation(lambda: _sphere_moment(estimate), "Gaussian moments over E|u|^{2k}, term by term"),
        ),
        average_step(q),
        Step(
            "evaluations of an outer step",
            sp.Eq(sp.Tuple(*sp.symbols("trainings outer")), sp.Tuple(q + 1, q + 1)),
            "One training and one value of the outer objective at x and at each displaced point.",
            by_components(tuple(found.values()), "distinct points of x"),
        ),
        *descent_steps(q),
    )
    return Theorem(
        "hozog",
        "HOZOG: mean and second moment of the sphere difference, descent of the value after training",
        "hozog",
        (
            "moments: the value after training is a black box, quadratic in x with gradient F_x, Hessian F_xx",
            Assumption(
                "descent: Phi, the value after training, is bounded below with an L_Phi-Lipschitz gradient; constant "
                "steps gamma <= q/(4 L_Phi (d + q - 1))",
                L_Phi,
                gamma,
            ),
            Assumption(
                "q directions uniform on the unit sphere of R^d, radius eta; a released implementation normalises a "
                "sample of the cube instead",
                q,
                eta,
            ),
        ),
        "Algorithm: arXiv 2102.09026 by its authors' public code; the rate of the paper was not available. "
        "The derivation is this project's own.",
        steps,
        {str(symbol): symbol for symbol in (d, eta, q, gamma, K, L_Phi)},
        evaluations=found,
        vocabulary=frozenset((q, eta, L_Phi, gamma)),
    )
