"""SOBA: the single loop with exact derivatives, or with those of a batch of samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.solvers.base import Solver, State, batch_mean, batch_sizes, norms, outer_range, sqrt_decay, step_range
from zoba_bench.validation import check_choice, check_count, check_positive

__all__ = ["Soba"]


@dataclass(frozen=True)
class Soba(Solver):
    """SOBA: steps of z, v and x at once, each along its own direction at (z_k, v_k, x_k).

    Problem class: smooth F, smooth G strongly convex in z; exact derivatives, or finite sums at either level with
    derivatives of single samples. One batch of G serves all products with its derivatives.
    Assumptions: A1 to A5 of theorem "soba": Lipschitz Hessian of G, bounded Hessian of F, |v*| <= R (or, with quadratic
    G, <= R_0 + R_g |grad Psi|), Psi bounded below, samples of bounded spread.
    Cost: b1 gradients of G in z, Hessian- and Jacobian-vector products, b2 gradients of F in z and in x an iteration
    (b1 = b2 = 1 for exact derivatives).
    Rate: O(1/K) for the mean of |grad Psi|^2 with exact derivatives and constant steps, with constants (derived here,
    theorem "soba", whose bound holds for samples too); O(log K / sqrt K) with samples and decreasing steps (quoted).
    Source: arXiv 2201.13409 and the code of github.com/benchopt/benchmark_bilevel, whose defaults these are.
    Deviations: batches are drawn with replacement; the code shuffles and passes through the samples.

    Parameters
    ----------
    rho : float
        Step of z and v.
    ratio : float
        The step of x is gamma = rho / ratio.
    b1, b2 : int or None
        Samples of G and F an iteration, drawn with replacement; None is the published 64 on a level with samples,
        and the exact derivative on one without.
    schedule : {"inverse-sqrt", "constant"}
        Steps divided by sqrt(k + 1), or constant.
    """

    rho: float = 0.1
    ratio: float = 1.0
    b1: int | None = None
    b2: int | None = None
    schedule: str = "inverse-sqrt"

    name: ClassVar[str] = "soba"
    rate: ClassVar[str] = "derived"
    tolerance_quantity: ClassVar[str] = "norm of the hypergradient estimate D_x"
    cost_options: ClassVar[tuple[str, ...]] = ("b1", "b2")
    needs: ClassVar[tuple[str, ...]] = (
        "inner_grad_z", "inner_hvp_zz", "inner_jvp_xz", "outer_grad_z", "outer_grad_x", "batches"
    )  # fmt: skip
    published_batches: ClassVar[tuple[int, int]] = (64, 64)

    def __post_init__(self) -> None:
        for name in ("rho", "ratio"):
            check_positive(name, getattr(self, name))
        for name in ("b1", "b2"):
            if getattr(self, name) is not None:
                check_count(name, getattr(self, name))
        check_choice("schedule", self.schedule, ("inverse-sqrt", "constant"))

    @property
    def gamma(self) -> float:
        """Step of x."""
        return self.rho / self.ratio

    def steps(self, k: int) -> tuple[float, float]:
        """Steps (rho_k, gamma_k)."""
        scale = sqrt_decay(self.schedule, k)
        return self.rho * scale, self.gamma * scale

    def stable_steps(self, problem: BilevelProblem) -> Iterator[tuple[str, float, float, str]]:
        """The ranges in which z contracts, for every sample that L_zz bounds, and x where z and v follow it."""
        yield from step_range("rho", self.rho, problem.constants.L_zz, "2 / L_zz")
        yield from outer_range("gamma", self.gamma, problem)

    def init(self, oracle: Oracle, rng: np.random.Generator, z: Array, v: Array, x: Array) -> State:
        """State at iteration 0 from iterates z, v (R, p) and x (R, d)."""
        batch_sizes(oracle, self.b1, self.b2, self.published_batches)
        return State(z, v, x, 0, oracle, rng)

    def step(self, state: State) -> State:
        """One iteration: all directions at (z_k, v_k, x_k), then the three updates at once."""
        oracle, z, v, x = state.oracle, state.z, state.v, state.x
        b1, b2 = batch_sizes(oracle, self.b1, self.b2, self.published_batches)
        xi, zeta = oracle.draw_inner(state.rng, b1), oracle.draw_outer(state.rng, b2)
        # D_z = G_z;  D_v = G_zz v + F_z;  D_x = G_xz v + F_x
        d_z = batch_mean(oracle.inner_grad_z, z, x, sample=xi)
        d_v = batch_mean(oracle.inner_hvp_zz, z, x, v, sample=xi)
        d_v = d_v + batch_mean(oracle.outer_grad_z, z, x, sample=zeta)
        d_x = batch_mean(oracle.inner_jvp_xz, z, x, v, sample=xi)
        d_x = d_x + batch_mean(oracle.outer_grad_x, z, x, sample=zeta)
        rho, gamma = self.steps(state.k)
        x = oracle.project_x(x - gamma * d_x)
        return State(z - rho * d_z, v - rho * d_v, x, state.k + 1, oracle, state.rng, norms(d_x))
