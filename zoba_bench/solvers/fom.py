"""FOM: gradient descent along the first-order gradient of an unrolled inner loop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.problem.capabilities import Tasks
from zoba_bench.solvers.base import Solver, State, sqrt_decay
from zoba_bench.solvers.truncated import Program, gradients, one_task, several_tasks
from zoba_bench.validation import check_choice, check_count, check_passes, check_positive

__all__ = ["Fom", "Unrolled"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Unrolled(State):
    """State with ``start`` (R, p), the phi_0 of one task, whose last phi_r is ``z``; tasks change neither."""

    start: Array


@dataclass(frozen=True)
class Fom(Solver):
    """FOM: the gradient of M(theta) = E_T L_out(theta, phi_r) without its second derivatives; x stands for theta.

    phi_0 = V(theta), phi_j = phi_{j-1} - alpha grad_phi L_in(theta, phi_{j-1}) for j = 1..r, and
    x_{k+1} = x_k - gamma_k (grad_theta L_out + V' grad_phi L_out), the mean over tasks.

    Problem class: a distribution of tasks (``capabilities.tasks``, which brings r and alpha), or any bilevel problem
    with derivatives as one task: phi_0 = z_0 for the whole run, L_in = G(., x), L_out = F. There phi_0 does not depend
    on x, the first-order gradient is F_x(phi_r, x) alone, and finite sums are taken whole.
    Assumptions: L_in and L_out smooth, gradients of tasks with bounded second moments, M smooth and bounded below.
    Cost: r inner gradients and one outer gradient a task, in O(1) memory. Both parts of the outer gradient count;
    what is zero (a loss without theta, F_z where phi_0 is constant) is not queried.
    Rate: |grad M|^2 falls to the squared bias E|g - g_FO|^2 and no further in general (derived here, theorem "fom",
    with a family on which it stays at any given slope).
    Source: arXiv 2106.02487 (ICML 2021) and its authors' public code, github.com/xingyousong/ufom (toy.py), from
    which the defaults for tasks are. All tasks at once, and one task made of a bilevel problem, are not in that code.

    Parameters
    ----------
    inner_steps, alpha : int, float or None
        r and the inner step where the problem is one task, 10 and 0.1 by default (those of the released tasks); None
        with tasks, which bring their own.
    batch : int or None
        Tasks drawn an iteration, with replacement (1 as released); None takes all of them with their probabilities.
    gamma : float or None
        Step of x; None is 10 with tasks (as released) and 0.1 on one task.
    schedule : {"harmonic", "inverse-sqrt", "constant"}
        gamma_k = gamma / (k + 1) (as released), gamma / sqrt(k + 1), or gamma.
    """

    inner_steps: int | None = None
    alpha: float | None = None
    batch: int | None = 1
    gamma: float | None = None
    schedule: str = "harmonic"

    name: ClassVar[str] = "fom"
    rate: ClassVar[str] = "derived"
    tolerance_quantity: ClassVar[str] = "norm of the estimated gradient of M, over the tasks drawn"
    cost_options: ClassVar[tuple[str, ...]] = ("batch", "inner_steps")
    loop_options: ClassVar[tuple[str, ...]] = ("inner_steps",)
    needs: ClassVar[tuple[str, ...]] = ("inner_grad_z", "outer_grad_x")

    def __post_init__(self) -> None:
        if self.inner_steps is not None:
            check_passes("inner_steps", self.inner_steps)
        if self.batch is not None:
            check_count("batch", self.batch)
        for name in ("alpha", "gamma"):
            if getattr(self, name) is not None:
                check_positive(name, getattr(self, name))
        check_choice("schedule", self.schedule, ("harmonic", "inverse-sqrt", "constant"))

    def lacking(self, problem: BilevelProblem) -> list[str]:
        """Tasks bring all derivatives; of a bilevel problem those in ``needs`` are asked for, and plain steps of z."""
        if problem.capabilities.tasks is not None:
            return []
        split = problem.capabilities.inner_prox is not None
        return super().lacking(problem) + (
            [f"an inner problem for plain gradient steps; {problem.name} declares inner_prox"] if split else []
        )

    def check(self, problem: BilevelProblem) -> None:
        """Raise ValueError where the solver cannot run on the problem, naming what is missing or too much."""
        super().check(problem)
        tasks = problem.capabilities.tasks
        if tasks is None:
            if self.batch not in (1, None):
                raise ValueError(f"batch={self.batch}, but {problem.name} is one task: leave batch out")
            return
        for name, own in (("inner_steps", tasks.steps), ("alpha", tasks.step)):
            if getattr(self, name) not in (own, None):
                raise ValueError(
                    f"{name}={getattr(self, name)}, but the tasks of {problem.name} are unrolled, and measured, with "
                    f"{own}: leave {name} out, or change the problem"
                )

    def stable_steps(self, problem: BilevelProblem) -> Iterator[tuple[str, float, float, str]]:
        """Of the inner loop on one task, and of gradient steps on M where its curvature has a known bound.

        No step diverges where the gradients of all tasks are bounded. Constants of a problem with samples hold for
        every sample, and say little of the means that are followed here.
        """
        c = problem.constants
        if problem.stochastic:
            return
        gamma = self.step_size(0, problem.capabilities.tasks)
        if problem.capabilities.tasks is not None:
            if c.L_Psi is not None and (c.C_z is None or np.isfinite(c.radius)):
                yield "gamma", gamma, 2 / c.L_Psi, "2 / L_Psi"
            return
        steps, alpha = self.inner_loop(None)
        if c.L_zz:
            yield "alpha", alpha, 2 / c.L_zz, "2 / L_zz"
        known = None not in (c.mu, c.L_zz, c.k_z, c.m_xx, c.m_xz, c.m_zz)
        if c.H != 0 or not known or alpha * (c.L_zz or 0) >= 2:
            return
        # Quadratic G: phi_r moves with x by J_r = (I - (I - alpha G_zz)^r) J with J that of z*, and M has the curvature
        # F_xx + F_xz J_r + (F_xz J_r)' + J_r' F_zz J_r.
        mu, L_zz, k_z, m_xx, m_xz, m_zz = c.require("mu", "L_zz", "k_z", "m_xx", "m_xz", "m_zz")
        k_r = k_z * (1 if alpha * L_zz <= 1 else 1 + max(abs(1 - alpha * mu), abs(1 - alpha * L_zz)) ** steps)
        L_M = m_xx + 2 * m_xz * k_r + m_zz * k_r**2
        if L_M > 0:
            yield "gamma", gamma, 2 / L_M, "2 / L_M"

    def init(self, oracle: Oracle, rng: np.random.Generator, z: Array, v: Array, x: Array) -> Unrolled:
        """State at iteration 0 from iterates z, v (R, p) and x (R, d)."""
        return Unrolled(z=z, v=v, x=x, k=0, oracle=oracle, rng=rng, start=z)

    def step(self, state: Any) -> Unrolled:
        """One iteration: the tasks' estimates of grad M, and a step of x along their mean."""
        tasks = state.oracle.capabilities.tasks
        # Draw tasks; phi_0..phi_r and an estimate of the gradient for each.
        program = self.program(state, tasks)
        phi, estimates, learned = self.estimates(state, program)
        # Their mean, and x_{k+1} = x_k - gamma_k G.
        G = np.einsum("m,rmd->rd", program.weights, estimates)
        following: Unrolled = replace(
            state,
            x=state.oracle.project_x(state.x - self.step_size(state.k, tasks) * G),
            z=phi[:, 0] if tasks is None else state.z,
            k=state.k + 1,
            estimate=np.sqrt(np.vecdot(G, G)),
            **learned,
        )
        return following

    def step_size(self, k: int, tasks: Tasks | None) -> float:
        """gamma_k."""
        gamma = (0.1 if tasks is None else 10.0) if self.gamma is None else self.gamma
        return gamma / (k + 1) if self.schedule == "harmonic" else gamma * sqrt_decay(self.schedule, k)

    def inner_loop(self, tasks: Tasks | None) -> tuple[int, float]:
        """r and alpha in use."""
        if tasks is not None:
            return tasks.steps, tasks.step
        return 10 if self.inner_steps is None else self.inner_steps, 0.1 if self.alpha is None else self.alpha

    def program(self, state: Unrolled, tasks: Tasks | None) -> Program:
        """The inner loops of this iteration, with tasks drawn where some are asked for."""
        oracle = state.oracle
        if tasks is None:
            return one_task(oracle, state.start, state.x, *self.inner_loop(None))
        if self.batch is None:
            every = np.broadcast_to(np.arange(tasks.count), (oracle.replicates, tasks.count))
            return several_tasks(oracle, tasks, state.x, every, tasks.probabilities)
        drawn = state.rng.choice(tasks.count, size=(oracle.replicates, self.batch), p=tasks.probabilities)
        return several_tasks(oracle, tasks, state.x, drawn, np.full(self.batch, 1 / self.batch))

    def estimates(self, state: Any, program: Program) -> tuple[Array, Array, dict[str, Any]]:
        """phi_r (R, m, q), each task's estimate (R, m, d), and what the state learns."""
        phi, first, _ = gradients(program)
        return phi, first, {}
