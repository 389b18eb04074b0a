"""FOM and UFOM: first-order gradients of an unrolled inner loop, without and with a randomised correction.

Algorithms: arXiv 2106.02487 (ICML 2021) and its authors' public code. FOM drops all second derivatives from the
gradient of r inner steps; UFOM adds the exact remainder with probability q, divided by q. The
derivations are this project's own; the paper's text was not available.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import sympy as sp

from zoba_bench.arrays import Array

from ...proof.theorem import Assumption, Quoted, Theorem, TheoremError
from ...symbols import by_name, eps
from .coin import (
    L_M,
    B,
    D,
    K,
    V,
    biased_descent_steps,
    estimator_steps,
    online_steps,
    q,
    schedule_steps,
    sigma2,
    unbiased_descent_steps,
)
from .counterexample_steps import counterexample_steps, released_steps, resting_point, toy_steps
from .optimal_q import C_det, C_rnd, objective, optimal_q, optimal_q_steps, s
from .smoothness import L_3, smoothness_steps
from .unrolled import (
    COLUMNS,
    COSTLY,
    FIRST_ORDER,
    L_1,
    L_2,
    M_1,
    RECOMPUTED,
    alpha,
    bias_steps,
    cost_steps,
    count,
    expected_cost,
    first_order_cost_step,
    r,
)

__all__ = ["fom", "objective", "optimal_q", "ufom"]


_PAPER = "arXiv 2106.02487; recalled, the paper's text was not available"
_CODE = "the authors' public code, xingyousong/ufom at 05684ab"
_SOURCE = (
    "Algorithm: arXiv 2106.02487 (ICML 2021) and its authors' public code. The derivation is this project's own; "
    "the paper's text was not available."
)
_ASSUMPTIONS = (
    Assumption(
        "phi_0 = V(theta), phi_j = phi_{j-1} - alpha grad_phi L_in(theta, phi_{j-1}) for j = 1..r; M(theta) is the "
        "mean of L_out(theta, phi_r) over tasks",
        alpha, r,
    ),
    "g is the exact gradient of a task, g_FO its first-order part, delta = g - g_FO; mean and derivative commute: "
    "E g = grad M",
    Assumption("The means of |g|^2 and |delta|^2 over tasks are at most V^2 and D^2 at every theta", V, D),
    Assumption(
        "grad M has Lipschitz constant L_M and M is at least M_*; the steps gamma_k are positive and chosen beforehand",
        L_M,
    ),
    Assumption("Bias bounds: |grad L| <= L_1 and |Hess L| <= L_2 for L_in and L_out, |V'| <= M_1", L_1, L_2, M_1),
)  # fmt: skip
_VOCABULARY = frozenset((alpha, r, V, D, L_M, L_1, L_2, L_3, M_1, q, B))


@cache
def ufom() -> Theorem:
    """UFOM: mean, second moment, descent, costs and the best probability q."""
    R, c, C, k = sp.symbols("R c C k", positive=True)
    best: Any = sp.Function("min_k")(sp.Symbol("E|grad M|^2"))
    return Theorem(
        name="ufom",
        title="UFOM is unbiased with second moment |g|^2 + (1/q - 1)|g - g_FO|^2; its best q in closed form",
        solver="ufom",
        assumptions=(
            *_ASSUMPTIONS,
            Assumption("The coin has probability q in (0, 1] and is independent of the task", q),
            Assumption("Smoothness of M: V is the identity, and the Hessians of L are L_3-Lipschitz", L_3),
        ),
        vocabulary=_VOCABULARY,
        source=_SOURCE,
        steps=(
            *estimator_steps(),
            *unbiased_descent_steps(),
            *schedule_steps(),
            *cost_steps(),
            *bias_steps(),
            *smoothness_steps(),
            *optimal_q_steps(),
            *online_steps(),
            *toy_steps(),
        ),
        symbols=by_name((q, V, D, L_M, K, r, alpha, L_1, L_2, M_1, C_det, C_rnd, s, eps)),
        quoted=(
            Quoted(
                "rate with gamma_k = k^(-1/2), for every c > 0", sp.Le(best, C * k ** (c - sp.Rational(1, 2))), _PAPER
            ),
            Quoted("constant of the rate is affine in", sigma2, _PAPER),
            Quoted(
                "expected time in constant memory, up to a factor",
                r + q * r**2,
                "arXiv 2106.02487, abstract; second hand",
            ),
            Quoted(
                "counts of the code, R its number of inner iterations",
                sp.Eq(sp.Symbol("T"), R + 1 + q * R * ((R - 1) / 2 + 1)),
                _CODE + ", supervised_reptile/reptile.py; of the form derived above, with R for r",
            ),
            Quoted(
                "bound on D in the code",
                sp.Le(D, (1 + M_1) * L_1 * ((1 + alpha * L_2) ** (r + 1) - (1 + alpha * L_2))),
                _CODE + ", toy.py; the bias bound above is smaller by the factor 1 + alpha L_2",
            ),
            Quoted(
                "estimate of D^2 in the code",
                sp.Eq(sp.Symbol("D^2_code"), (1 / q - 1) ** 2 * D**2),
                _CODE + ", reptile.py: taken from the corrected gradient, a defect; not used here",
            ),
        ),
        evaluations={COLUMNS[kind]: expected_cost(RECOMPUTED, kind) for kind in COSTLY},
    )


@dataclass(frozen=True, eq=False)
class FomTheorem(Theorem):
    """FOM's theorem, which says where it ends on the family of two tasks."""

    def point_of_rest(self, problem: Any, solver: Any) -> Array:
        """x (1,), the fixed point theta_FO; for two tasks of probability 1/2 that are quadratic there.

        Curvatures, slopes and contractions are those of the problem's derivatives at its minimiser.

        Raises
        ------
        TheoremError : the problem is no such pair of tasks.
        ValueError : the problem lacks something, named.
        """
        self.require_checked()
        problem.require("minimizer", "inner_solution", "inner_hessian", "outer_hessian", "outer_grad_z")
        tasks = problem.capabilities.tasks
        if tasks is None or problem.d != 1 or problem.p != 2 or not np.allclose(tasks.probabilities, 0.5):
            raise TheoremError(f"fom: {problem.name} is no pair of one-dimensional tasks of probability 1/2")
        x = problem.minimizer
        z = problem.inner_solution(x)
        a = 2 * np.diag(problem.outer_hessian(z, x)[0])
        b = a * z - 2 * problem.outer_grad_z(z, x)
        # G = |z - phi_r(x)|^2 / 2: its cross derivative is minus the contraction of each task.
        rho = -problem.inner_hessian(z, x)[1][0]
        return np.atleast_1d(resting_point(a, b, rho))


@cache
def fom() -> FomTheorem:
    """FOM: descent down to a floor, and a family on which it stays above any given slope."""
    return FomTheorem(
        name="fom",
        title="FOM descends to a floor D^2 of |grad M|^2; a family of two tasks on which it stays at any given slope",
        solver="fom",
        assumptions=(
            *_ASSUMPTIONS,
            Assumption("The mean of |g_FO|^2 over tasks is at most B^2 at every theta", B),
            "Family: two tasks of probability 1/2 with curvatures a_1, a_2, alpha a_i < 1, rho_i = (1 - alpha a_i)^r",
        ),
        source=_SOURCE,
        steps=(
            first_order_cost_step(),
            *biased_descent_steps(),
            *bias_steps()[:4],
            *counterexample_steps(),
            *released_steps(),
        ),
        vocabulary=_VOCABULARY,
        symbols=by_name((B, D, L_M, K, r, alpha, L_1, L_2, M_1)),
        quoted=(
            Quoted(
                "FOM need not converge to a stationary point",
                sp.Gt(sp.Function("liminf")(sp.Symbol("E|grad M|^2")), 0),
                "arXiv 2106.02487, abstract; second hand. The family is that of " + _CODE + ", toy.py",
            ),
        ),
        evaluations={COLUMNS[kind]: count(FIRST_ORDER, kind) for kind in ("inner_gradient", "outer_gradient")},
    )
