"""PZOBO: the response of the inner iterate to x, by differences of whole inner runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from zoba_bench.arrays import Array, Samples
from zoba_bench.directions import gaussian, sphere
from zoba_bench.estimators import average, forward_difference
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.solvers.base import Solver, State, batch_mean, step_range
from zoba_bench.validation import check_choice, check_count, check_passes, check_positive

__all__ = ["Pzobo"]


@dataclass(frozen=True)
class Pzobo(Solver):
    """PZOBO, and with mini-batches PZOBO-S.

    Parameters
    ----------
    N : int
        Gradient steps of each inner run.
    Q : int
        Displaced points of x, each with an inner run of its own.
    eta : float
        Smoothing radius of x.
    alpha, beta : float
        Steps of z and of x.
    directions : {"gaussian", "sphere"}
        "sphere": unit directions with the factor d, as in the authors' code; their variance is (d - 1) in place of
        (d + 1) times the squared implicit term.
    batch : int or None
        Samples of every gradient on a finite sum, drawn anew in each inner step and the same for all runs; None is
        the exact gradient.

    Problem class: smooth F, smooth G strongly convex in z, with their gradients and no second derivative.
    Assumptions: of theorem "pzobo", alpha <= 2/(mu + L_zz), |F_z| <= C_z at z*, Lipschitz derivatives up to the second
    of G, constant steps, exact gradients (no ``batch``), x not constrained; quadratic G for the exact moments.
    Cost: N (Q + 1) gradients of G in z and one gradient of F in each variable (times ``batch``) an iteration.
    Bias of N steps, mean and variance of the estimate: derived, ``zoba-bench derive pzobo``.
    Rate: mean of |grad Psi|^2 = O(1 / K) + O(beta d / Q) and the squared bias of smoothing and of N steps, for both
    laws; with Gaussian directions eps takes O(N d / eps^2) gradients, N = O(log(1 / eps)) (derived).
    Source: arXiv 2110.07004; defaults as in solvers/pzobo.py of benchopt/benchmark_bilevel, with 10 directions for its
    1. No deviation from it; the authors' repository (sowmaster/esjacobians) has one unit direction a step.

    All runs of an iteration start at z_k, and z_{k+1} is the run's end at x_k. A state's v is not used.
    """

    N: int = 10
    Q: int = 10
    eta: float = 0.1
    alpha: float = 0.1
    beta: float = 0.1
    directions: str = "gaussian"
    batch: int | None = None

    name: ClassVar[str] = "pzobo"
    rate: ClassVar[str] = "derived"
    tolerance_quantity: ClassVar[str] = "norm of the estimated hypergradient"
    cost_options: ClassVar[tuple[str, ...]] = ("batch", "Q", "N")
    loop_options: ClassVar[tuple[str, ...]] = ("N",)
    needs: ClassVar[tuple[str, ...]] = ("inner_grad_z", "outer_grad_z", "outer_grad_x")

    def __post_init__(self) -> None:
        check_passes("N", self.N)
        check_count("Q", self.Q)
        for name in ("eta", "alpha", "beta"):
            check_positive(name, getattr(self, name))
        check_choice("directions", self.directions, ("gaussian", "sphere"))
        if self.batch is not None:
            check_count("batch", self.batch)

    def requirements(self) -> tuple[str, ...]:
        """Gradients; with ``batch``, those of single samples."""
        return self.needs if self.batch is None else (*self.needs, "samples")

    def stable_steps(self, problem: BilevelProblem) -> Iterator[tuple[str, float, float, str]]:
        """Ranges in which z, and x in the mean, are stable."""
        yield from step_range("alpha", self.alpha, problem.constants.L_zz, "2 / L_zz")
        yield from step_range("beta", self.beta, problem.constants.L_Psi, "2 / L_Psi")

    def init(self, oracle: Oracle, rng: np.random.Generator, z: Array, v: Array, x: Array) -> State:
        """State at iteration 0 from iterates z, v (R, p) and x (R, d)."""
        return State(z=z, v=v, x=x, k=0, oracle=oracle, rng=rng)

    def step(self, state: State) -> State:
        """One outer iteration: Q + 1 inner runs at once, then the step of x."""
        oracle, rng, x = state.oracle, state.rng, state.x
        draw, factor = (gaussian, 1) if self.directions == "gaussian" else (sphere, oracle.d)
        u = draw(rng, (oracle.replicates, 1, self.Q), oracle.d)
        # Inner runs at x_k (first) and at x_k + eta u_j, all from z_k: (R, Q + 1, p).
        points = np.concatenate([x[:, None, :], x[:, None, :] + self.eta * u[:, 0]], axis=1)
        y = np.broadcast_to(state.z[:, None, :], (*points.shape[:-1], oracle.p))
        for _ in range(self.N):
            y = y - self.alpha * self._inner_gradient(oracle, y, points, self._draw(oracle, rng))
        z, response = y[:, 0], forward_difference(y[:, 1:], y[:, :1], self.eta)
        # f_x + (1/Q) sum_j <delta_j, f_z> u_j.
        sample = None if self.batch is None else oracle.draw_outer(rng, self.batch)
        f_z = batch_mean(oracle.outer_grad_z, z, x, sample=sample)
        f_x = batch_mean(oracle.outer_grad_x, z, x, sample=sample)
        d_x = f_x + factor * average(np.vecdot(response, f_z[:, None, :])[:, None, :], u)
        x = oracle.project_x(x - self.beta * d_x)
        return State(z, state.v, x, state.k + 1, oracle, rng, np.sqrt(np.vecdot(d_x, d_x)))

    def _draw(self, oracle: Oracle, rng: np.random.Generator) -> Samples | None:
        return None if self.batch is None else oracle.draw_inner(rng, self.batch)

    def _inner_gradient(self, oracle: Oracle, y: Array, x: Array, sample: Samples | None) -> Array:
        """G_z of every run (R, Q + 1, p), over the same samples (R, b, 1)."""
        if sample is None:
            return oracle.inner_grad_z(y, x)
        gradients = oracle.inner_grad_z(y[:, :, None, :], x[:, :, None, :], sample[:, None, :, 0])
        mean: Array = gradients.mean(axis=2)
        return mean
