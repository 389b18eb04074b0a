"""BOME: gradients of F with as much of the gap's gradient as lowers the gap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.solvers.base import Solver, State, norms, sqrt_decay, step_range
from zoba_bench.validation import check_choice, check_passes, check_positive

__all__ = ["Bome"]


@dataclass(frozen=True)
class Bome(Solver):
    """BOME: z and x move along grad F + lam q, q the gradient of G(z, x) - G(y, x), y T gradient steps from z.

    lam = max(phi - <grad F, q>, 0) / |q|^2, so that the gap falls at least as fast as phi says; y counts as constant.
    Where q = 0 there is nothing to lower, and lam = 0. v = lam (z - y), which estimates v*.
    Problem class: smooth F, smooth G whose minimum over z T gradient steps come near to; where G has samples, gradients
    are those of the mean. First derivatives alone.
    Assumptions: Lipschitz gradients, |G_z|^2 at least in proportion to the gap, F bounded (recalled).
    Cost: T gradients of G in z, 2 in x, one of F in both an iteration; two values of G more with phi="value".
    Bias: with constant steps it does not come to rest but ends in a cycle in which lam is about 2 over the step times
    the largest curvature of the gap, away from the solution (derived here, seen in runs): let the steps decrease.
    Rate: the residual of the KKT conditions after K iterations is of order K^(-1/4), up to exp(-T) (quoted, recalled).
    Source: arXiv 2209.08709 through the code of github.com/benchopt/benchmark_bilevel, whose form and defaults these
    are; the paper's text was not available.
    Deviations: the code divides 0 by 0 where q = 0, and asks for G_z at z once more than it needs; z and y have one
    step there, as here by default.

    Parameters
    ----------
    rho : float
        Step of z.
    ratio : float
        The step of x is rho / ratio.
    alpha : float or None
        Step of y; None is rho.
    inner_steps : int
        T, steps of y an iteration, from z.
    eta : float
        phi is eta |q|^2, or eta (G(z, x) - G(y, x)).
    phi : {"gradient", "value"}
        Which of them.
    schedule : {"constant", "inverse-sqrt"}
        Steps of z and x as they are, or divided by sqrt(k + 1).
    """

    rho: float = 0.1
    ratio: float = 1.0
    alpha: float | None = None
    inner_steps: int = 10
    eta: float = 0.5
    phi: str = "gradient"
    schedule: str = "constant"

    name: ClassVar[str] = "bome"
    tolerance_quantity: ClassVar[str] = "norm of the direction of x"
    remedy: ClassVar[str] = "lower alpha, rho and eta"
    cost_options: ClassVar[tuple[str, ...]] = ("inner_steps",)
    loop_options: ClassVar[tuple[str, ...]] = ("inner_steps",)
    needs: ClassVar[tuple[str, ...]] = ("inner_grad_z", "inner_grad_x", "outer_grad_z", "outer_grad_x")

    def __post_init__(self) -> None:
        for name in ("rho", "ratio", "eta"):
            check_positive(name, getattr(self, name))
        if self.alpha is not None:
            check_positive("alpha", self.alpha)
        check_passes("inner_steps", self.inner_steps)
        check_choice("phi", self.phi, ("gradient", "value"))
        check_choice("schedule", self.schedule, ("constant", "inverse-sqrt"))

    @property
    def inner_step(self) -> float:
        """Step of y."""
        return self.rho if self.alpha is None else self.alpha

    def stable_steps(self, problem: BilevelProblem) -> Iterator[tuple[str, float, float, str]]:
        """The range in which y contracts; the others have none, since lam falls where they are large."""
        if not problem.stochastic:  # then the constant is that of samples, the iteration of the mean
            yield from step_range("alpha", self.inner_step, problem.constants.L_zz, "2 / L_zz")

    def init(self, oracle: Oracle, rng: np.random.Generator, z: Array, v: Array, x: Array) -> State:
        """State at iteration 0 from iterates z, v (R, p) and x (R, d)."""
        return State(z, v, x, 0, oracle, rng)

    def step(self, state: State) -> State:
        """One iteration: y from z, then z and x at once."""
        oracle, z, x = state.oracle, state.z, state.x
        q_z = oracle.inner_grad_z(z, x)
        y = z - self.inner_step * q_z
        for _ in range(self.inner_steps - 1):
            y = y - self.inner_step * oracle.inner_grad_z(y, x)
        q_x = oracle.inner_grad_x(z, x) - oracle.inner_grad_x(y, x)
        f_z, f_x = oracle.outer_grad_z(z, x), oracle.outer_grad_x(z, x)
        square: Array = np.vecdot(q_z, q_z) + np.vecdot(q_x, q_x)
        gap = square if self.phi == "gradient" else oracle.inner(z, x) - oracle.inner(y, x)
        along = np.vecdot(f_z, q_z) + np.vecdot(f_x, q_x)
        lam = np.divide(np.maximum(self.eta * gap - along, 0.0), square, out=np.zeros_like(square), where=square > 0)
        d_z, d_x = f_z + lam[:, None] * q_z, f_x + lam[:, None] * q_x
        rho = self.rho * sqrt_decay(self.schedule, state.k)
        x = oracle.project_x(x - rho / self.ratio * d_x)
        return State(z - rho * d_z, lam[:, None] * (z - y), x, state.k + 1, oracle, state.rng, norms(d_x))
