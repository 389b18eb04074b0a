"""AmIGO: inner steps and steps on the linear system, both from where the last ones ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from zoba_bench.solvers.base import State, batch_mean, norms
from zoba_bench.solvers.sampled import Sampled, inner_steps

__all__ = ["Amigo"]


@dataclass(frozen=True)
class Amigo(Sampled):
    """AmIGO: T stochastic steps on z, T on v for G_zz v = -F_z, both warm-started, then one of x.

    Problem class: smooth F, smooth G strongly convex in z; exact derivatives, or finite sums at either level with
    derivatives of single samples.
    Assumptions: Lipschitz derivatives of F up to the first and of G up to the second, samples of bounded variance
    (recalled).
    Cost: T b1 gradients of G in z, T b1 products with G_zz, b1 with G_xz, b2 gradients of F in z and in x an iteration
    (b1 = b2 = 1 for exact derivatives).
    Rate: the complexity of an oracle with unbiased hypergradients, for exact and for stochastic derivatives (quoted
    from the abstract); with exact derivatives and constant steps it converges linearly on quadratics, without a bias.
    Source: arXiv 2111.14580 and the code of github.com/benchopt/benchmark_bilevel, whose form and defaults these are.
    Deviations: batches are drawn with replacement, while the benchmark passes through fixed batches, the last of which
    it draws twice in a row. The paper has a step for each of the loops and batches that grow (recalled).

    Parameters beside those of :class:`~zoba_bench.solvers.sampled.Sampled`

    inner_steps : int
        T, steps of z and as many of v an iteration.
    """

    inner_steps: int = 10

    name: ClassVar[str] = "amigo"
    tolerance_quantity: ClassVar[str] = "norm of the hypergradient estimate"
    cost_options: ClassVar[tuple[str, ...]] = ("b1", "b2", "inner_steps")
    loop_options: ClassVar[tuple[str, ...]] = ("inner_steps",)

    def step(self, state: State) -> State:
        """One iteration: T steps of z at x_k, T of v at (z_{k+1}, x_k), then x."""
        oracle, rng, v, x = state.oracle, state.rng, state.v, state.x
        b1, b2 = self.batches(oracle)
        rho, gamma = self.steps(state.k)
        z = inner_steps(oracle, rng, state.z, x, rho, self.inner_steps, b1)
        zeta = oracle.draw_outer(rng, b2)
        f_z = batch_mean(oracle.outer_grad_z, z, x, sample=zeta)
        f_x = batch_mean(oracle.outer_grad_x, z, x, sample=zeta)
        for _ in range(self.inner_steps):
            # v <- v - rho (G_zz v + F_z), F_z staying as it is
            v = v - rho * (batch_mean(oracle.inner_hvp_zz, z, x, v, sample=oracle.draw_inner(rng, b1)) + f_z)
        h = f_x + batch_mean(oracle.inner_jvp_xz, z, x, v, sample=oracle.draw_inner(rng, b1))
        return State(z, v, oracle.project_x(x - gamma * h), state.k + 1, oracle, rng, norms(h))
