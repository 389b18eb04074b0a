"""BSA and TTSA: stochastic approximation with a randomly truncated Neumann series for the adjoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from zoba_bench.arrays import Array
from zoba_bench.solvers.base import State, batch_mean, norms
from zoba_bench.solvers.sampled import Sampled, inner_steps
from zoba_bench.solvers.series import adjoints

__all__ = ["Bsa", "RandomSeries", "Ttsa"]


@dataclass(frozen=True)
class RandomSeries(Sampled):
    """Options of the methods with a series of N terms.

    Parameters beside those of :class:`~zoba_bench.solvers.sampled.Sampled`

    N : int
        Terms of the series; "random" takes (N - 1)/2 products in the mean, "sum" N - 1.
    eta : float or None
        Its step; None is rho.
    series : {"random", "sum"}
        One term, drawn with equal probabilities and multiplied by N, as published; or all of them, which has the same
        mean without the noise of the draw.
    schedule : {"published", "constant"}
        Steps that decrease with the published exponents, or constant ones.
    """

    N: int = 10
    eta: float | None = None
    series: str = "random"
    schedule: str = "published"

    cost_options: ClassVar[tuple[str, ...]] = ("b1", "b2", "N")
    loop_options: ClassVar[tuple[str, ...]] = ("N",)
    tolerance_quantity: ClassVar[str] = "norm of the hypergradient estimate"

    def adjoint(self, state: State, z: Array, x: Array, f_z: Array) -> Array:
        """The estimate of v* at (z, x)."""
        oracle = state.oracle
        b1, _ = self.batches(oracle)
        (v,) = adjoints(oracle, state.rng, [(z, x)], [f_z], self.N, self.series_step, b1, self.series)
        return v


@dataclass(frozen=True)
class Bsa(RandomSeries):
    """BSA: a step of x along a hypergradient with a Neumann series, then T stochastic steps of z at the new x.

    Problem class: smooth F, smooth G strongly convex in z; exact derivatives, or finite sums at either level with
    derivatives of single samples.
    Assumptions: Lipschitz gradients of F, Lipschitz first and second derivatives of G, F Lipschitz in z, samples of
    bounded variance (recalled).
    Cost: of an iteration T b1 gradients of G in z, (N - 1)/2 b1 products with G_zz in the mean (N - 1 at most, and
    always with series="sum"), b1 with G_xz, b2 gradients of F in z and in x.
    Bias: with exact derivatives it stops where F_x + G_xz v vanishes, v = -(I - (I - eta G_zz)^N) G_zz^-1 F_z (derived
    here).
    Rate: the first finite-time sample complexity (quoted from the abstract; its exponents are not repeated here).
    Source: arXiv 1802.02246 and the code of github.com/benchopt/benchmark_bilevel, whose form and defaults these are:
    rho_k and gamma_k decrease like (k + 1)^(-1/2).
    Deviations: batches are drawn with replacement. In the paper T grows with k (recalled).

    Parameters beside those of :class:`~zoba_bench.solvers.bsa.RandomSeries`

    inner_steps : int
        T, steps of z an iteration.
    """

    inner_steps: int = 10

    name: ClassVar[str] = "bsa"
    exponents: ClassVar[tuple[float, float]] = (1 / 2, 1 / 2)
    cost_options: ClassVar[tuple[str, ...]] = ("b1", "b2", "N", "inner_steps")
    loop_options: ClassVar[tuple[str, ...]] = ("N", "inner_steps")

    def step(self, state: State) -> State:
        """One iteration: v and x at (z_k, x_k), then z at x_{k+1}."""
        oracle, rng, z, x = state.oracle, state.rng, state.z, state.x
        b1, b2 = self.batches(oracle)
        rho, gamma = self.steps(state.k)
        zeta = oracle.draw_outer(rng, b2)
        v = self.adjoint(state, z, x, batch_mean(oracle.outer_grad_z, z, x, sample=zeta))
        h = batch_mean(oracle.outer_grad_x, z, x, sample=zeta)
        h = h + batch_mean(oracle.inner_jvp_xz, z, x, v, sample=oracle.draw_inner(rng, b1))
        x = oracle.project_x(x - gamma * h)
        z = inner_steps(oracle, rng, z, x, rho, self.inner_steps, b1)
        return State(z, v, x, state.k + 1, oracle, rng, norms(h))


@dataclass(frozen=True)
class Ttsa(RandomSeries):
    """TTSA: one step of z and one of x an iteration, the latter on the slower of two time scales.

    Problem class: smooth F, smooth G strongly convex in z; exact derivatives, or finite sums at either level with
    derivatives of single samples. The batch of the step of z serves the product with G_xz too, as in the code.
    Assumptions: as for ``bsa``; Psi weakly convex or strongly convex (recalled).
    Cost: of an iteration b1 gradients of G in z, (N - 1)/2 b1 products with G_zz in the mean (N - 1 at most, and always
    with series="sum"), b1 with G_xz, b2 gradients of F in z and in x.
    Bias: that of ``bsa``.
    Rate: weakly convex Psi: O(K^(-2/5))-stationary; strongly convex Psi: O(K^(-2/3))-optimal (quoted from the
    abstract).
    Source: arXiv 2007.05170 and the code of github.com/benchopt/benchmark_bilevel, whose form and defaults these are:
    rho_k decreases like (k + 1)^(-2/5), gamma_k like (k + 1)^(-3/5).
    Deviations: batches are drawn with replacement. In the paper N grows like log K (recalled).

    Parameters: see :class:`~zoba_bench.solvers.bsa.RandomSeries`
    """

    name: ClassVar[str] = "ttsa"
    exponents: ClassVar[tuple[float, float]] = (2 / 5, 3 / 5)

    def step(self, state: State) -> State:
        """One iteration: z at (z_k, x_k), then v and x at (z_{k+1}, x_k)."""
        oracle, rng, x = state.oracle, state.rng, state.x
        b1, b2 = self.batches(oracle)
        rho, gamma = self.steps(state.k)
        xi = oracle.draw_inner(rng, b1)
        z = state.z - rho * batch_mean(oracle.inner_grad_z, state.z, x, sample=xi)
        zeta = oracle.draw_outer(rng, b2)
        v = self.adjoint(state, z, x, batch_mean(oracle.outer_grad_z, z, x, sample=zeta))
        h = batch_mean(oracle.outer_grad_x, z, x, sample=zeta) + batch_mean(oracle.inner_jvp_xz, z, x, v, sample=xi)
        return State(z, v, oracle.project_x(x - gamma * h), state.k + 1, oracle, rng, norms(h))
