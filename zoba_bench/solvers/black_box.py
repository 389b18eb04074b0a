"""Descent on the value after an inner run, F(A(x), x), along differences in x: what such methods share.

An inner run is T steps of gradient descent on G(., x) by central differences along the axes, or by the problem's
gradients. All runs of an iteration start from one point, the mean of where those of the last iteration ended, so that
differences see x alone; on exact values they have no noise.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.estimators import central_difference
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.solvers.base import State, norms, step_range
from zoba_bench.solvers.training import Trains
from zoba_bench.validation import check_positive

__all__ = ["BlackBox"]


@dataclass(frozen=True)
class BlackBox(Trains):
    """The options and the step of a method that sees x -> F(A(x), x) alone.

    Parameters
    ----------
    gamma : float
        Step of x.
    eta : float
        Radius of x.
    power, eta_power : float
        Step and radius of iteration k are divided by (k + 1) to these powers; 0 keeps them constant.
    inner_steps : int
        Steps T of an inner run.
    alpha : float
        Its step.
    training : {"values", "gradients"}
        Where it has gradients of G from: central differences, or the problem.
    h : float
        Radius of those differences.
    """

    gamma: float = 0.01
    eta: float = 1e-2
    power: float = 0.0
    eta_power: float = 0.0
    inner_steps: int = 10
    alpha: float = 0.1
    training: str = "values"
    h: float = 1e-3

    tolerance_quantity: ClassVar[str] = "norm of the estimated gradient of the value after an inner run"
    loop_options: ClassVar[tuple[str, ...]] = ("inner_steps",)
    cost_options: ClassVar[tuple[str, ...]] = ("inner_steps",)

    def __post_init__(self) -> None:
        self.check_training()
        for name in ("gamma", "eta"):
            check_positive(name, getattr(self, name))
        for name in ("power", "eta_power"):
            check_positive(name, getattr(self, name), zero=True)

    def lengths(self, k: int) -> tuple[float, float]:
        """Step and radius of x at iteration k."""
        return self.gamma * (k + 1) ** -self.power, self.eta * (k + 1) ** -self.eta_power

    @abstractmethod
    def noise(self, d: int) -> tuple[float, str]:
        """What L_Psi is multiplied with in the range of gamma, in mean square on quadratics, and that in symbols."""

    def stable_steps(self, problem: BilevelProblem) -> Iterator[tuple[str, float, float, str]]:
        """Ranges in which an inner run, and x in mean square, are stable."""
        yield from step_range("alpha", self.alpha, problem.constants.L_zz, "2 / L_zz")
        factor, symbols = self.noise(problem.d)
        yield from step_range("gamma", self.gamma, problem.constants.L_Psi, f"2 / ({symbols} L_Psi)", factor)

    def init(self, oracle: Oracle, rng: np.random.Generator, z: Array, v: Array, x: Array) -> State:
        """State at iteration 0 from iterates z, v (R, p) and x (R, d); v is not used."""
        return State(z, v, x, 0, oracle, rng)

    def moved(self, state: State, slope: Array, ends: Array) -> State:
        """The state after a step along ``slope`` (R, d), z being the mean of the ends (R, n, p) of the inner runs."""
        x = state.oracle.project_x(state.x - self.lengths(state.k)[0] * slope)
        return State(ends.mean(axis=1), state.v, x, state.k + 1, state.oracle, state.rng, norms(slope))

    def pairs(self, state: State, moves: Array) -> tuple[Array, Array]:
        """Central coefficients (R, 1, n) over the radius, along moves (R, n, d), and the ends (R, 2 n, p)."""
        _, eta = self.lengths(state.k)
        x, n = state.x[:, None, :], moves.shape[1]
        points = np.concatenate([x + eta * moves, x - eta * moves], axis=1)
        ends = self.train(state.oracle, state.z, points)
        values = self.values(state, ends, points)
        return np.asarray(central_difference(values[:, None, :n], values[:, None, n:], eta)), ends

    def values(self, state: State, ends: Array, points: Array) -> Array:
        """F (R, n) where the inner runs ended."""
        return state.oracle.outer(ends, points)
