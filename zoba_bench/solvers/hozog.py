"""HOZOG: the value after training, as a black box of x, and its differences along the sphere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.directions import sphere
from zoba_bench.estimators import average, forward_difference
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.solvers.base import State, step_range
from zoba_bench.solvers.training import Trains
from zoba_bench.validation import check_count, check_positive

__all__ = ["Hozog", "HozogState"]


@dataclass(frozen=True, eq=False, kw_only=True)
class HozogState(State):
    """A state with the point that every training starts from, and the best iterate so far.

    Attributes
    ----------
    origin : (R, p) array
    best_x : (R, d) array
        The x_j, j < k, whose value after training was the least.
    best_value : (R,) array
        That value; infinite before the first iteration.
    """

    origin: Array
    best_x: Array
    best_value: Array


@dataclass(frozen=True)
class Hozog(Trains):
    """HOZOG: gradient descent on Psi_T(x) = F(A(x), x) by zeroth-order differences, A(x) being a training at x.

    Parameters
    ----------
    q : int
        Directions, each with a training of its own.
    eta : float
        Smoothing radius of x.
    gamma : float
        Step of x.
    inner_steps : int
        Steps T of a training, gradient descent on G(., x) from the run's initial z, whatever x is.
    alpha : float
        Step of the training.
    training : {"gradients", "values"}
        Where a training has its gradients from: the problem's, or central differences of G along the p axes.
    h : float
        Radius of those.

    Problem class: HOZOG asks for nothing but a value for every x. Another A is a subclass with its own ``train``.
    Assumptions: Psi_T smooth and bounded below; quadratic for the second moment (theorem "hozog").
    Where Psi_T is quadratic, its step is stable in mean square for gamma < 2 / ((1 + (d - 1)/q) L).
    Cost: q + 1 trainings and as many evaluations of F an iteration; a training takes T gradients of G, or
    2 p T values. On finite sums all of them are exact.
    Mean and second moment of the differences: derived, ``zoba-bench derive hozog``.
    Rate: the mean of E|grad Psi_T|^2 over K iterations is at most 2 gap / (gamma K) and a term in eta^2 for quadratic
    Psi_T and gamma <= 1 / ((1 + (d - 1)/q) L) (derived here, by descent with that second moment); the paper's rate was
    not available to be quoted.
    Source: arXiv 2102.09026 and its authors' public code (jsgubin/HOZOG), defaults of ZOG.py there. Deviations from
    it: directions are uniform on the sphere, as stated, where ZOG.py normalises a sample of the cube; the best x
    is the one that had the best value, where hozo.py keeps its successor.

    A run returns the last iterate x_K; a state holds the best one before it beside (x_K has not been trained at). A
    state's z is A(x_{k-1}); v is not used.
    """

    q: int = 5
    eta: float = 0.01
    gamma: float = 1e-3
    inner_steps: int = 100
    alpha: float = 0.1
    training: str = "gradients"
    h: float = 1e-3

    name: ClassVar[str] = "hozog"
    rate: ClassVar[str] = "derived in part"
    tolerance_quantity: ClassVar[str] = "norm of the estimated gradient of the value after training"
    cost_options: ClassVar[tuple[str, ...]] = ("inner_steps", "q")
    loop_options: ClassVar[tuple[str, ...]] = ("inner_steps",)
    needs: ClassVar[tuple[str, ...]] = ("inner_grad_z",)

    def __post_init__(self) -> None:
        check_count("q", self.q)
        self.check_training()
        for name in ("eta", "gamma"):
            check_positive(name, getattr(self, name))

    def stable_steps(self, problem: BilevelProblem) -> Iterator[tuple[str, float, float, str]]:
        """Ranges in which a training, and x in mean square, are stable."""
        c = problem.constants
        yield from step_range("alpha", self.alpha, c.L_zz, "2 / L_zz")
        noise = 1 + (problem.d - 1) / self.q
        yield from step_range("gamma", self.gamma, c.L_Psi, "2 / ((1 + (d - 1) / q) L_Psi)", noise)

    def init(self, oracle: Oracle, rng: np.random.Generator, z: Array, v: Array, x: Array) -> HozogState:
        """State at iteration 0 from iterates z, v (R, p) and x (R, d)."""
        nothing = np.full(len(x), np.inf)
        return HozogState(z, v, x, 0, oracle, rng, origin=z, best_x=x, best_value=nothing)

    def step(self, state: HozogState) -> HozogState:
        """One outer iteration: q + 1 trainings at once, then the step of x."""
        oracle, rng, x = state.oracle, state.rng, state.x
        u = sphere(rng, (oracle.replicates, 1, self.q), oracle.d)
        # Trainings at x_k (first) and at x_k + eta u_i: (R, q + 1, p).
        points = np.concatenate([x[:, None, :], x[:, None, :] + self.eta * u[:, 0]], axis=1)
        trained = self.train(oracle, state.origin, points)
        values = oracle.outer(trained, points)
        # (d / (q eta)) sum_i [f(x + eta u_i) - f(x)] u_i.
        d_x = oracle.d * average(forward_difference(values[:, None, 1:], values[:, None, :1], self.eta), u)
        x_next = oracle.project_x(x - self.gamma * d_x)
        # A frozen replicate's values are zeros.
        better = oracle.active & (values[:, 0] < state.best_value)
        return HozogState(
            trained[:, 0], state.v, x_next, state.k + 1, oracle, rng, np.sqrt(np.vecdot(d_x, d_x)),
            origin=state.origin,
            best_x=np.where(better[:, None], x, state.best_x),
            best_value=np.where(better, values[:, 0], state.best_value),
        )  # fmt: skip
