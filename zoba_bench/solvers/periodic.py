"""SRBA and VRBO: directions corrected by differences over batches, and computed over all samples every so often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from zoba_bench.arrays import Array, Samples
from zoba_bench.oracle import Oracle
from zoba_bench.solvers.base import State, batch_mean, norms
from zoba_bench.solvers.recursions import Momentum, estimates
from zoba_bench.solvers.sampled import Sampled

__all__ = ["Periodic", "Srba", "SrbaState", "Vrbo"]


@dataclass(frozen=True)
class Periodic(Sampled):
    """What SRBA and VRBO share: all samples at iterations 0, Q, 2 Q, ..., constant steps.

    Parameters beside those of :class:`~zoba_bench.solvers.sampled.Sampled`

    period : int or None
        Q, iterations from one pass over all samples to the next; None is half a pass of batches,
        (n_G + n_F) / (b1 + b2) rounded down, at least 1.
    """

    period: int | None = None

    needs: ClassVar[tuple[str, ...]] = (
        "samples", "inner_grad_z", "inner_hvp_zz", "inner_jvp_xz", "outer_grad_z", "outer_grad_x"
    )  # fmt: skip

    def fresh(self, oracle: Oracle, k: int) -> bool:
        """Whether iteration k asks for all samples."""
        if self.period is not None:
            return k % self.period == 0
        samples = (oracle.inner_samples or 0) + (oracle.outer_samples or 0)
        return k % max(1, samples // sum(self.batches(oracle))) == 0


@dataclass(frozen=True, eq=False, kw_only=True)
class SrbaState(State):
    """Iterates with those before them, and the three directions that were followed from there."""

    z_old: Array
    v_old: Array
    x_old: Array
    d_z: Array
    d_v: Array
    d_x: Array


@dataclass(frozen=True)
class Srba(Periodic):
    """SRBA: SOBA's three directions, corrected by differences over one batch of each level from one point to the next.

    Problem class: finite sums at both levels with derivatives of single samples; F smooth, G smooth and strongly convex
    in z.
    Assumptions: those of ``soba``, for every sample (recalled).
    Cost: at iterations 0, Q, 2 Q, ... n_G gradients of G in z and products with G_zz and G_xz and n_F gradients of F in
    z and in x; 2 b1 and 2 b2 of them at the others. A budget is kept for the dearer of the two.
    Rate: O((n_G + n_F)^(1/2) / eps) derivatives for |grad Psi|^2 <= eps, of the order of a lower bound where n_G and
    n_F are alike (quoted from the abstract); without a bias where derivatives are exact.
    Source: arXiv 2302.08766 and the code of github.com/benchopt/benchmark_bilevel, whose form and defaults these are.
    Deviations: batches are drawn with replacement; the period is at least 1, while the code divides by zero where a
    batch is larger than half of all samples. The paper may keep v in a ball (recalled); the code does not.

    Parameters: see :class:`~zoba_bench.solvers.periodic.Periodic`
    """

    name: ClassVar[str] = "srba"
    tolerance_quantity: ClassVar[str] = "norm of the remembered direction of x"

    def init(self, oracle: Oracle, rng: np.random.Generator, z: Array, v: Array, x: Array) -> SrbaState:
        """State at iteration 0 from iterates z, v (R, p) and x (R, d); iteration 0 computes the directions."""
        self.batches(oracle)
        zero, outer = np.zeros_like(z), np.zeros_like(x)
        return SrbaState(z, v, x, 0, oracle, rng, z_old=z, v_old=v, x_old=x, d_z=zero, d_v=zero, d_x=outer)

    def step(self, state: SrbaState) -> SrbaState:
        """One iteration: the directions at (z_k, v_k, x_k), then the three updates at once."""
        oracle, here = state.oracle, (state.z, state.v, state.x)
        b1, b2 = self.batches(oracle)
        if oracle.dry:  # counts what either kind of iteration takes at most
            directions = list(_directions(oracle, here, *_most(oracle, b1, b2)))
        elif self.fresh(oracle, state.k):
            directions = list(_directions(oracle, here, None, None))
        else:
            xi, zeta = oracle.draw_inner(state.rng, b1), oracle.draw_outer(state.rng, b2)
            new = _directions(oracle, here, xi, zeta)
            old = _directions(oracle, (state.z_old, state.v_old, state.x_old), xi, zeta)
            kept = (state.d_z, state.d_v, state.d_x)
            directions = [d + n - o for d, n, o in zip(kept, new, old, strict=True)]
        d_z, d_v, d_x = directions
        z, v, x = here
        return SrbaState(
            z - self.rho * d_z, v - self.rho * d_v, oracle.project_x(x - self.gamma * d_x), state.k + 1, oracle,
            state.rng, norms(d_x), z_old=z, v_old=v, x_old=x, d_z=d_z, d_v=d_v, d_x=d_x,
        )  # fmt: skip


def _directions(
    oracle: Oracle, point: tuple[Array, Array, Array], xi: Samples | None, zeta: Samples | None
) -> tuple[Array, Array, Array]:
    """D_z = G_z, D_v = G_zz v + F_z, D_x = G_xz v + F_x."""
    z, v, x = point
    return (
        batch_mean(oracle.inner_grad_z, z, x, sample=xi),
        batch_mean(oracle.inner_hvp_zz, z, x, v, sample=xi) + batch_mean(oracle.outer_grad_z, z, x, sample=zeta),
        batch_mean(oracle.inner_jvp_xz, z, x, v, sample=xi) + batch_mean(oracle.outer_grad_x, z, x, sample=zeta),
    )


def _most(oracle: Oracle, b1: int, b2: int) -> tuple[Samples, Samples]:
    """As many samples of each level as all of them, or two batches."""
    sizes = max(oracle.inner_samples or 0, 2 * b1), max(oracle.outer_samples or 0, 2 * b2)
    inner, outer = (np.zeros((oracle.replicates, size), dtype=np.int64) for size in sizes)
    return inner, outer


@dataclass(frozen=True)
class Vrbo(Periodic):
    """VRBO: MRBO's two estimates, corrected by differences in T inner steps of z for every step of x.

    Problem class: that of ``srba``.
    Assumptions: those of ``mrbo``, for every sample (recalled).
    Cost: of an iteration T (2 b1 gradients of G in z and products with G_xz, 2 N b1 products with G_zz, 2 b2 gradients
    of F in z and in x); at iterations 0, Q, 2 Q, ... n_G, N n_G and n_F of them more.
    Bias: that of ``mrbo``.
    Rate: O(eps^(-3/2)) gradients for |grad Psi|^2 <= eps (quoted from the abstract).
    Source: arXiv 2106.04692 as recalled, its text not having been available, with defaults of the code of
    github.com/benchopt/benchmark_bilevel but for the period.
    Deviations: every difference is to the point at which the directions were corrected last, across the steps of x and
    across iterations, so that with exact derivatives they are exact there. The code leaves the change of x out of the
    recursion and adds the first difference after a pass though it has the new point already: it can diverge where this
    form converges. Its period is 128 passes of batches.

    Parameters beside those of :class:`~zoba_bench.solvers.periodic.Periodic`

    inner_steps : int
        T, steps of z an iteration.
    N : int
        Products of a Neumann series, which has one term more.
    eta : float or None
        Its step; None is rho.
    """

    inner_steps: int = 10
    N: int = 10
    eta: float | None = None

    name: ClassVar[str] = "vrbo"
    tolerance_quantity: ClassVar[str] = "norm of the remembered direction of x"
    cost_options: ClassVar[tuple[str, ...]] = ("b1", "b2", "inner_steps", "N")
    loop_options: ClassVar[tuple[str, ...]] = ("inner_steps", "N")

    def init(self, oracle: Oracle, rng: np.random.Generator, z: Array, v: Array, x: Array) -> Momentum:
        """State at iteration 0 from iterates z, v (R, p) and x (R, d); iteration 0 computes the directions."""
        self.batches(oracle)
        return Momentum(z, v, x, 0, oracle, rng, z_old=z, x_old=x, d_z=np.zeros_like(z), d_x=np.zeros_like(x))

    def step(self, state: Momentum) -> Momentum:
        """One iteration: x along its direction, then T corrections of both directions, each with a step of z."""
        oracle, rng, z, v = state.oracle, state.rng, state.z, state.v
        d_z, d_x, last = state.d_z, state.d_x, (state.z_old, state.x_old)
        terms, eta, sizes = self.N + 1, self.series_step, self.batches(oracle)
        if self.fresh(oracle, state.k):
            last = z, state.x
            (d_z,), (d_x,), _ = estimates(oracle, rng, [last], terms, eta, (None, None), "sum")
        x = oracle.project_x(state.x - self.gamma * d_x)
        for _ in range(self.inner_steps):
            g, h, inverses = estimates(oracle, rng, [(z, x), last], terms, eta, sizes, "sum")
            d_z, d_x, v = d_z + g[0] - g[1], d_x + h[0] - h[1], inverses[0]
            last = z, x
            z = z - self.rho * d_z
        return Momentum(
            z, v, x, state.k + 1, oracle, rng, norms(d_x), z_old=last[0], x_old=last[1], d_z=d_z, d_x=d_x
        )  # fmt: skip
