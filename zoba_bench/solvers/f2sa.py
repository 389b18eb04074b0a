"""F2SA: a penalty in place of second derivatives, with gradients only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.estimators import penalised_difference
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.solvers.base import Solver, State, batch_mean, batch_sizes, norms, outer_range
from zoba_bench.validation import check_count, check_passes, check_positive

__all__ = ["F2sa", "F2saState"]


#: Exponents of alpha and gamma, by whether G and F are means over samples.
EXPONENTS = {
    (False, False): (1 / 3, 0.0),
    (False, True): (3 / 5, 2 / 5),
    (True, False): (5 / 7, 4 / 7),
    (True, True): (5 / 7, 4 / 7),
}


@dataclass(frozen=True, eq=False, kw_only=True)
class F2saState(State):
    """Iterates z, near z*(x), and y, near the minimiser of F + lam_k G; v = lam_k (y - z), which estimates v*."""

    y: Array


@dataclass(frozen=True)
class F2sa(Solver):
    """F2SA: z minimises G, y minimises F + lam G, and x follows F_x(y) + lam (G_x(y) - G_x(z)).

    Problem class: smooth F, smooth G strongly convex in z, lam mu > m_zz; exact gradients, or finite sums at either
    level with gradients of single samples.
    Assumptions: Lipschitz gradients of F and G and Lipschitz Hessian of G, F Lipschitz in z, samples of bounded
    variance (recalled).
    Cost: 2 T b1 gradients of G in z and T b2 of F in z, 2 b1 of G in x and b2 of F in x an iteration, T the inner
    steps (b1 = b2 = 1 for exact gradients); no second derivatives.
    Bias: at constant lam the hypergradient at the limit is of order 1/lam, on quadratics exactly
    (C (A_F + lam A)^-1 A_F - C_F (A_F + lam A)^-1 A) v* (derived here, theorem "zo-penalty").
    Rate: |grad Psi|^2 <= eps in O(eps^(-7/2)) gradients with samples of both levels, O(eps^(-5/2)) with samples of F
    only, O(eps^(-3/2)) without (quoted from the abstract).
    Source: arXiv 2301.10945; code in github.com/benchopt/benchmark_bilevel, whose steps, T and lam_0 these are.
    Deviations: lam_k grows like gamma_k / alpha_k = (k + 1)^(a - c) and x moves by xi alpha_k, as in the paper
    (recalled). The code adds 0.1 (k + 1)^(-1/7) to lam, so that alpha_k lam_k grows without bound, and
    moves x by steps of exponent 4/7. Some of its versions take F_z at z in the step of y, and F_x at z.

    Parameters
    ----------
    alpha : float
        Step of y, alpha_k = alpha (k + 1)^-a.
    gamma : float
        Step of z, gamma_k = gamma (k + 1)^-c.
    xi : float
        x moves by xi alpha_k.
    lam : float
        Penalty, lam_k = lam (k + 1)^(a - c).
    inner_steps : int
        T, steps of z and y an iteration.
    alpha_exponent, gamma_exponent : float or None
        a and c, 0 <= c <= a; None is (5/7, 4/7) where G has samples, (3/5, 2/5) where only F has, (1/3, 0) else.
    b1, b2 : int or None
        Samples of G and F for every gradient, drawn anew with replacement; None is the published 64 on a level with
        samples, and the exact gradient on one without.
    """

    alpha: float = 0.01
    gamma: float = 0.01
    xi: float = 1.0
    lam: float = 1.0
    inner_steps: int = 10
    alpha_exponent: float | None = None
    gamma_exponent: float | None = None
    b1: int | None = None
    b2: int | None = None

    name: ClassVar[str] = "f2sa"
    tolerance_quantity: ClassVar[str] = "norm of the penalty hypergradient"
    cost_options: ClassVar[tuple[str, ...]] = ("b1", "b2", "inner_steps")
    loop_options: ClassVar[tuple[str, ...]] = ("inner_steps",)
    needs: ClassVar[tuple[str, ...]] = ("inner_grad_z", "inner_grad_x", "outer_grad_z", "outer_grad_x", "batches")
    published_batches: ClassVar[tuple[int, int]] = (64, 64)

    def __post_init__(self) -> None:
        for name in ("alpha", "gamma", "xi", "lam"):
            check_positive(name, getattr(self, name))
        check_passes("inner_steps", self.inner_steps)
        for name in ("b1", "b2"):
            if getattr(self, name) is not None:
                check_count(name, getattr(self, name))
        a, c = self.alpha_exponent, self.gamma_exponent
        for name, value in (("alpha_exponent", a), ("gamma_exponent", c)):
            if value is not None:
                check_positive(name, value, zero=True)
        if (a is None) != (c is None):
            raise ValueError(
                f"alpha_exponent and gamma_exponent must be given together or not at all, got {a!r} and {c!r}"
            )
        if a is not None and c is not None and a < c:
            raise ValueError(f"alpha_exponent must be at least gamma_exponent, or lam decreases, got {a!r} and {c!r}")

    def exponents(self, oracle: Oracle) -> tuple[float, float]:
        """(a, c) in use."""
        if self.alpha_exponent is None or self.gamma_exponent is None:
            return EXPONENTS[oracle.stochastic_inner, oracle.stochastic_outer]
        return self.alpha_exponent, self.gamma_exponent

    def schedule(self, oracle: Oracle, k: int) -> tuple[float, float, float]:
        """alpha_k, gamma_k, lam_k."""
        a, c = self.exponents(oracle)
        return self.alpha * (k + 1) ** -a, self.gamma * (k + 1) ** -c, self.lam * (k + 1) ** (a - c)

    def stable_steps(self, problem: BilevelProblem) -> Iterator[tuple[str, float, float, str]]:
        """The ranges in which z and y contract; alpha_k (m_zz + lam_k L_zz) does not grow.

        x follows min over y of F + lam (G - min G); where F and G are quadratic its curvature is at most that of Psi.
        """
        constants = problem.constants
        if constants.L_zz:
            yield "gamma", self.gamma, 2 / constants.L_zz, "2 / L_zz"
            if constants.m_zz is not None:
                end = 2 / (constants.m_zz + self.lam * constants.L_zz)
                yield "alpha", self.alpha, end, "2 / (m_zz + lam L_zz)"
        yield from outer_range("xi", self.xi, problem, "2 / (alpha L_Psi)", self.alpha)

    def init(self, oracle: Oracle, rng: np.random.Generator, z: Array, v: Array, x: Array) -> F2saState:
        """State at iteration 0 from iterates z, v (R, p) and x (R, d): y = z + v / lam."""
        batch_sizes(oracle, self.b1, self.b2, self.published_batches)
        return F2saState(z, v, x, 0, oracle, rng, y=z + v / self.lam)

    def step(self, state: F2saState) -> F2saState:
        """One iteration: T steps of y and z at x_k, then one of x."""
        oracle, rng, z, y, x = state.oracle, state.rng, state.z, state.y, state.x
        b1, b2 = batch_sizes(oracle, self.b1, self.b2, self.published_batches)
        alpha, gamma, lam = self.schedule(oracle, state.k)

        # Every gradient has samples of its own.
        def of_g(query: str, z: Array) -> Array:
            return batch_mean(getattr(oracle, query), z, x, sample=oracle.draw_inner(rng, b1))

        def of_f(query: str, z: Array) -> Array:
            return batch_mean(getattr(oracle, query), z, x, sample=oracle.draw_outer(rng, b2))

        for _ in range(self.inner_steps):
            # y <- y - alpha_k (F_z(y) + lam_k G_z(y));  z <- z - gamma_k G_z(z)
            y = y - alpha * (of_f("outer_grad_z", y) + lam * of_g("inner_grad_z", y))
            z = z - gamma * of_g("inner_grad_z", z)
        # x <- x - xi alpha_k (F_x(y) + lam_k (G_x(y) - G_x(z)))
        d_x = of_f("outer_grad_x", y) + penalised_difference(of_g("inner_grad_x", y), of_g("inner_grad_x", z), lam)
        x = oracle.project_x(x - self.xi * alpha * d_x)
        return F2saState(z, lam * (y - z), x, state.k + 1, oracle, rng, norms(d_x), y=y)
