"""What AID-BiO, ITD-BiO and stocBiO share: steps on z from where it ended, an estimate of grad Psi, a step on x."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.solvers.base import Solver, State
from zoba_bench.validation import check_passes, check_positive

__all__ = ["HypergradientDescent"]


@dataclass(frozen=True)
class HypergradientDescent(Solver):
    """Configuration and outer loop of the three methods of arXiv 2010.07962, whose y is z here.

    Parameters
    ----------
    alpha : float
        Step of z.
    beta : float
        Step of x.
    D : int
        Steps of z an iteration, from where z ended.

    Defaults are those of the authors' code (github.com/JunjieYang97/stocBiO): alpha and D of its ITD-BiO script,
    beta and eta of its MNIST script, N, Q and batches of its newsgroup script.
    """

    alpha: float = 0.05
    beta: float = 0.1
    D: int = 10

    tolerance_quantity: ClassVar[str] = "norm of the hypergradient estimate"
    loop_options: ClassVar[tuple[str, ...]] = ("D",)
    needs: ClassVar[tuple[str, ...]] = (
        "inner_grad_z", "inner_hvp_zz", "inner_jvp_xz", "outer_grad_z", "outer_grad_x",
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_positive("alpha", self.alpha)
        check_positive("beta", self.beta)
        for name in self.loop_options:
            check_passes(name, getattr(self, name))

    def lacking(self, problem: BilevelProblem) -> list[str]:
        """What the solver needs that the problem does not have; G must be smooth."""
        missing = super().lacking(problem)
        if problem.capabilities.inner_prox is not None:
            missing.append(f"a smooth inner objective; that of {problem.name} has a non-smooth part")
        return missing

    def stable_steps(self, problem: BilevelProblem) -> Iterator[tuple[str, float, float, str]]:
        """The ranges in which the mean iteration of z contracts, and in which an exact hypergradient descends."""
        curvature = _inner_curvature(problem)
        if curvature is not None:
            for name in self._inner_steps():
                yield name, getattr(self, name), 2 / curvature, "2 / L_zz"
        # A constant that holds in a ball only is no end for runs that may stay in a smaller one.
        if problem.constants.L_Psi and problem.constants.radius == float("inf"):
            yield "beta", self.beta, 2 / problem.constants.L_Psi, "2 / L_Psi"

    def _inner_steps(self) -> tuple[str, ...]:
        """Names of the steps that multiply G_zz."""
        return ("alpha",)

    def init(self, oracle: Oracle, rng: np.random.Generator, z: Array, v: Array, x: Array) -> State:
        """State at iteration 0 from iterates z, v (R, p) and x (R, d)."""
        return State(z=z, v=v, x=x, k=0, oracle=oracle, rng=rng)

    def step(self, state: State) -> State:
        """One outer iteration: the hypergradient estimate at x_k, then the (projected) step of x."""
        z, v, h = self.hypergradient(state)
        x = state.oracle.project_x(state.x - self.beta * h)
        return State(z, v, x, state.k + 1, state.oracle, state.rng, np.sqrt(np.vecdot(h, h)))

    @abstractmethod
    def hypergradient(self, state: State) -> tuple[Array, Array, Array]:
        """z after its D steps, v with G_zz v near -F_z there, and the estimate of grad Psi(x_k)."""


def _inner_curvature(problem: BilevelProblem) -> float | None:
    """The largest curvature of the mean G in z, or None where it is not known.

    ``L_zz`` bounds every single sample: of a mean it says too much, but a quadratic G has one Hessian everywhere.
    """
    if problem.inner_samples is None:
        return problem.constants.L_zz or None
    if problem.inner_hessian is None or problem.card is None or not problem.card.quadratic_inner:
        return None
    return float(np.linalg.eigvalsh(problem.inner_hessian(np.zeros(problem.p), np.zeros(problem.d))[0])[-1])
