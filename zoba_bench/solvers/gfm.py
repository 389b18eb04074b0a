"""GFM and SGFM: two-point differences along the sphere of the value after an inner run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.directions import sphere
from zoba_bench.estimators import average
from zoba_bench.problem import BilevelProblem
from zoba_bench.solvers.base import State
from zoba_bench.solvers.black_box import BlackBox
from zoba_bench.validation import check_count

__all__ = ["Gfm"]


@dataclass(frozen=True)
class Gfm(BlackBox):
    """GFM on the value after an inner run; with ``batch`` it is SGFM.

    Problem class: Lipschitz values F(A(x), x), which need be neither smooth nor convex; values only. A is T inner steps
    from where the last iteration's runs ended (this project's choice: the method is for one level).
    Assumptions: F(A(x), x) Lipschitz (published); smooth for the mean, quadratic for the range of gamma.
    Cost: 2 q inner runs, each 2 p T values of G or T gradients, and 2 q values of F an iteration; on finite sums each
    of them is exact, or of ``batch`` samples of F.
    Rate: O(d^(3/2) / (eta eps^4)) values for a Goldstein stationary point, eps for the norm of its subgradient (quoted
    from the abstract); with smooth values the mean of g is the gradient up to an error in eta^2 (derived here).
    Source: arXiv 2209.05045, its update from a public re-implementation. Deviations: a run returns its last iterate,
    where the theorem draws one at random; step and radius were not available and are this project's.

    One step is x - gamma_k g with g = (d / (2 eta)) [f(x + eta s) - f(x - eta s)] s, averaged over q directions s that
    are uniform on the sphere; both values of a pair have the same samples and start of the inner run.

    Parameters
    ----------
    q : int
        Directions an iteration; one in the paper.
    batch : int or None
        Samples of F a pair, shared by both of its values (SGFM); None is all of them (GFM).
    """

    q: int = 1
    batch: int | None = None

    name: ClassVar[str] = "gfm"
    cost_options: ClassVar[tuple[str, ...]] = ("inner_steps", "q")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_count("q", self.q)
        if self.batch is not None:
            check_count("batch", self.batch)

    def lacking(self, problem: BilevelProblem) -> list[str]:
        """See :meth:`Solver.lacking`."""
        missing = super().lacking(problem)
        if self.batch is not None and problem.outer_samples is None:
            missing.append(f"samples of F for batch={self.batch}; {problem.name} has none: leave batch None")
        return missing

    def noise(self, d: int) -> tuple[float, str]:
        """See :class:`BlackBox`."""
        return 1 + (d - 1) / self.q, "(1 + (d - 1) / q)"

    def step(self, state: State) -> State:
        """One iteration: 2 q inner runs at once, then the step of x."""
        oracle = state.oracle
        s = sphere(state.rng, (oracle.replicates, self.q), oracle.d)
        coefficients, ends = self.pairs(state, s)
        # (d / (2 q eta)) sum_i [f(x + eta s_i) - f(x - eta s_i)] s_i
        return self.moved(state, oracle.d * average(coefficients, s[:, None]), ends)

    def values(self, state: State, ends: Array, points: Array) -> Array:
        """F (R, 2 q) where the inner runs ended: exact, or of one batch for both values of a pair."""
        if self.batch is None:
            return super().values(state, ends, points)
        drawn = state.oracle.draw_outer(state.rng, self.q * self.batch)
        assert drawn is not None
        sample = np.tile(drawn.reshape(-1, self.q, self.batch), (1, 2, 1))
        found: Array = state.oracle.outer(ends[:, :, None], points[:, :, None], sample).mean(axis=2)
        return found
