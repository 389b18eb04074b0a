"""IAPTT-GM: unrolled steps from a learned start, cut where F is largest along the path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.solvers.base import Solver, State, norms, outer_range, step_range
from zoba_bench.validation import check_passes, check_positive

__all__ = ["IapttGm", "LearnedStart"]


@dataclass(frozen=True, eq=False, kw_only=True)
class LearnedStart(State):
    """Iterates with the start of the inner path; z is the point of the path at which it was cut."""

    start: Array


@dataclass(frozen=True)
class IapttGm(Solver):
    """IAPTT-GM: x and the start y_0 move along the gradient of F(y_t(x, y_0), x), t the step at which F is largest.

    y_1, ..., y_T are gradient steps from y_0; the first t with the largest F(y_t, x) is taken, and differentiated
    backwards. Where G has several minima the learned start chooses one, and the largest F along the path is its worst.
    Problem class: smooth F and G, G need not be convex; z on the whole space; finite sums by their means.
    Assumptions: compact sets of z and x, smooth F and G (recalled).
    Cost: T gradients of G in z, T values of F, t products with G_zz and with G_xz, one gradient of F in both an
    iteration; memory of T vectors z. A budget is kept for t = T.
    Rate: convergence of solutions without convexity of G, no order (quoted from the abstract).
    Source: arXiv 2110.00455 and the code of github.com/vis-opt-group/IAPTT-GM, whose numerical example these defaults
    are of.
    Deviations: the example clips z to an interval after every step; problems that restrict z are refused here, since no
    derivative of that projection is offered.

    Parameters
    ----------
    alpha : float
        Step of the path.
    gamma : float
        Step of x and of y_0.
    inner_steps : int
        T, steps of the path.
    """

    alpha: float = 5e-4
    gamma: float = 0.1
    inner_steps: int = 40

    name: ClassVar[str] = "iaptt-gm"
    tolerance_quantity: ClassVar[str] = "norm of the gradient in x"
    cost_options: ClassVar[tuple[str, ...]] = ("inner_steps",)
    loop_options: ClassVar[tuple[str, ...]] = ("inner_steps",)
    needs: ClassVar[tuple[str, ...]] = (
        "inner_grad_z", "inner_hvp_zz", "inner_jvp_xz", "outer_grad_z", "outer_grad_x"
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_positive("alpha", self.alpha)
        check_positive("gamma", self.gamma)
        check_passes("inner_steps", self.inner_steps)

    def stable_steps(self, problem: BilevelProblem) -> Iterator[tuple[str, float, float, str]]:
        """The ranges in which a path contracts, and x descends where it ends near the solution."""
        if not problem.stochastic:  # then the constants are those of samples, the iteration of the mean
            yield from step_range("alpha", self.alpha, problem.constants.L_zz, "2 / L_zz")
            yield from outer_range("gamma", self.gamma, problem)

    def init(self, oracle: Oracle, rng: np.random.Generator, z: Array, v: Array, x: Array) -> LearnedStart:
        """State at iteration 0 from iterates z, v (R, p) and x (R, d); the path starts at z."""
        return LearnedStart(z, v, x, 0, oracle, rng, start=z)

    def step(self, state: LearnedStart) -> LearnedStart:
        """One iteration: the path, its worst point, and back from there."""
        oracle, x, path = state.oracle, state.x, [state.start]
        values = []
        for _ in range(self.inner_steps):
            path.append(path[-1] - self.alpha * oracle.inner_grad_z(path[-1], x))
            values.append(oracle.outer(path[-1], x))
        # The first of the largest; NaN, which argmax takes for the largest, ends the run as it should.
        length = 1 + np.argmax(np.array(values), axis=0)
        z = np.array(path)[length, np.arange(len(x))]
        b, h = oracle.outer_grad_z(z, x), oracle.outer_grad_x(z, x)
        v = np.zeros_like(z)
        for t in reversed(range(self.inner_steps)):
            wanted = length > t
            with oracle.only(wanted):
                h = h - self.alpha * oracle.inner_jvp_xz(path[t], x, b)
                v = v - self.alpha * np.where(wanted[:, None], b, 0.0)
                b = b - self.alpha * oracle.inner_hvp_zz(path[t], x, b)
        return LearnedStart(
            z, v, oracle.project_x(x - self.gamma * h), state.k + 1, oracle, state.rng, norms(h),
            start=state.start - self.gamma * b,
        )  # fmt: skip
