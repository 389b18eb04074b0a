"""S-SZD and O-ZD: differences along orthogonal directions of the value after an inner run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.directions import LAWS
from zoba_bench.estimators import average, forward_difference
from zoba_bench.problem import BilevelProblem
from zoba_bench.solvers.base import State
from zoba_bench.solvers.black_box import BlackBox
from zoba_bench.validation import check_choice, check_count

__all__ = ["OZd", "SSzd"]


@dataclass(frozen=True)
class _Structured(BlackBox):
    """What both share: l <= d orthogonal directions."""

    l: int = 1

    cost_options: ClassVar[tuple[str, ...]] = ("inner_steps", "l")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_count("l", self.l)

    def lacking(self, problem: BilevelProblem) -> list[str]:
        """See :meth:`Solver.lacking`."""
        missing = super().lacking(problem)
        if self.l > problem.d:
            missing.append(f"d of at least l={self.l}, for orthogonal directions; {problem.name} has d={problem.d}")
        return missing

    def noise(self, d: int) -> tuple[float, str]:
        """See :class:`BlackBox`: the mean of PP'/l is I, and PP' is d/l times a projection."""
        return d / self.l, "(d / l)"

    def orthogonal(self, state: State) -> Array:
        """l orthonormal directions (R, l, d), uniform."""
        d = state.oracle.d
        rows = LAWS["orthogonal"]().draw(state.rng, (state.oracle.replicates, self.l), d)
        return rows / math.sqrt(d)


@dataclass(frozen=True)
class SSzd(_Structured):
    """S-SZD on the value after an inner run: forward differences along l structured directions.

    Problem class: smooth values F(A(x), x); values only. A is T inner steps from where the last iteration's runs ended
    (this project's choice: the method is for one level).
    Assumptions: F(A(x), x) smooth, and convex or Polyak-Lojasiewicz for the published rates; steps with an infinite
    sum, a finite sum of squares and of products with the radii (recalled), which the default powers satisfy.
    Cost: l + 1 inner runs, each 2 p T values of G or T gradients, and as many values of F an iteration; on finite sums
    each is exact.
    Rate: O((d/l) k^(-c)) for every c < 1/2 on convex values (quoted from the abstract); E|g|^2 = (d/l)|grad|^2 on
    quadratics up to the radius (derived here).
    Source: arXiv 2206.05124 and its authors' public code. Deviations: steps, radii and powers were not available and
    are this project's; of the code's directions the columns of a Householder reflector are left out, since the mean of
    their PP' is not I.

    With P (d x l), P'P = (d/l) I and E PP' = I: g = sum_i (1 / eta_k) [f(x + eta_k P e_i) - f(x)] P e_i.

    Parameters
    ----------
    l : int
        Directions, at most d.
    directions : {"orthogonal", "coordinate"}
        Columns of a uniform orthogonal matrix, or distinct coordinates with random signs, times sqrt(d/l).
    """

    power: float = 0.6
    eta_power: float = 0.5
    directions: str = "orthogonal"

    name: ClassVar[str] = "s-szd"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("directions", self.directions, ("orthogonal", "coordinate"))

    def step(self, state: State) -> State:
        """One iteration: l + 1 inner runs at once, then the step of x."""
        d, (_, eta) = state.oracle.d, self.lengths(state.k)
        rows = self.orthogonal(state) if self.directions == "orthogonal" else self.coordinates(state)
        P = rows * math.sqrt(d / self.l)
        x = state.x[:, None, :]
        points = np.concatenate([x, x + eta * P], axis=1)
        ends = self.train(state.oracle, state.z, points)
        values = state.oracle.outer(ends, points)
        coefficients = np.asarray(forward_difference(values[:, None, 1:], values[:, None, :1], eta))
        # sum_i [f(x + eta P e_i) - f(x)] / eta P e_i; z is the end of the run at x itself
        return self.moved(state, self.l * average(coefficients, P[:, None]), ends[:, :1])

    def coordinates(self, state: State) -> Array:
        """l distinct coordinates with random signs, (R, l, d)."""
        R, d = state.oracle.replicates, state.oracle.d
        chosen = np.argsort(state.rng.random((R, d)), axis=1)[:, : self.l]
        signs = 2.0 * state.rng.integers(2, size=(R, self.l)) - 1.0
        rows: Array = signs[..., None] * np.eye(d)[chosen]
        return rows


@dataclass(frozen=True)
class OZd(_Structured):
    """O-ZD on the value after an inner run: central differences along l orthonormal directions.

    Problem class: Lipschitz values F(A(x), x), which need not be smooth; values only. A is T inner steps from where the
    last iteration's runs ended (this project's choice: the method is for one level).
    Assumptions: F(A(x), x) Lipschitz and convex for the published rate; smooth for the mean.
    Cost: 2 l inner runs, each 2 p T values of G or T gradients, and as many values of F an iteration; on finite sums
    each is exact.
    Rate: O(d / eps^2) values on non-smooth convex values (quoted from the abstract, the form recalled); with l = d the
    step is a gradient step on quadratics, without noise (derived here).
    Source: arXiv 2305.16024, by its abstract and the literature; step and radius are this project's.

    With Q uniform among orthogonal matrices: g = (d/l) sum_i (1 / (2 eta)) [f(x + eta Q e_i) - f(x - eta Q e_i)] Q e_i.

    Parameters
    ----------
    l : int
        Directions, at most d.
    """

    name: ClassVar[str] = "o-zd"

    def step(self, state: State) -> State:
        """One iteration: 2 l inner runs at once, then the step of x."""
        rows = self.orthogonal(state)
        coefficients, ends = self.pairs(state, rows)
        return self.moved(state, state.oracle.d * average(coefficients, rows[:, None]), ends)
