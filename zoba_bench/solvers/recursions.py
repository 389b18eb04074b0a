"""SUSTAIN, MRBO and FSLA: directions that remember the last ones, corrected by differences over the same batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.oracle import Oracle
from zoba_bench.solvers.base import State, batch_mean, norms
from zoba_bench.solvers.sampled import Sampled
from zoba_bench.solvers.series import adjoints
from zoba_bench.validation import check_probability

__all__ = ["Fsla", "FslaState", "Momentum", "Mrbo", "Recursive", "Sustain", "estimates"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Momentum(State):
    """Iterates with those before them and the last directions of z and x; v is the last estimate of v*."""

    z_old: Array
    x_old: Array
    d_z: Array
    d_x: Array


@dataclass(frozen=True)
class Recursive(Sampled):
    """What SUSTAIN and MRBO share: both directions are d = new + (1 - a_k) (d_old - old), new and old over one batch.

    Parameters beside those of :class:`~zoba_bench.solvers.sampled.Sampled`

    N : int
        Terms of the Neumann series of SUSTAIN; products of that of MRBO, which has one term more.
    eta : float or None
        Step of the series; None is rho.
    weight : float
        Of the new estimate, at most 1: a_k = weight / (k + 1)^(2/3); at k = 0 there is no old one, and a_0 = 1.
    schedule : {"published", "constant"}
        Steps that decrease like (k + 1)^(-1/3) and a_k as above, or all constant.
    """

    N: int = 10
    eta: float | None = None
    weight: float = 0.5
    schedule: str = "published"

    exponents: ClassVar[tuple[float, float]] = (1 / 3, 1 / 3)
    cost_options: ClassVar[tuple[str, ...]] = ("b1", "b2", "N")
    loop_options: ClassVar[tuple[str, ...]] = ("N",)
    tolerance_quantity: ClassVar[str] = "norm of the remembered direction of x"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_probability("weight", self.weight)

    def keep(self, k: int) -> float:
        """1 - a_k, what is kept of the old direction."""
        if k == 0:
            return 0.0
        return 1.0 - self.weight * (1.0 if self.schedule == "constant" else (k + 1) ** (-2 / 3))

    def kind(self) -> tuple[int, str]:
        """Terms of the series, and whether they are summed."""
        return self.N, getattr(self, "series", "sum")

    def init(self, oracle: Oracle, rng: np.random.Generator, z: Array, v: Array, x: Array) -> Momentum:
        """State at iteration 0 from iterates z, v (R, p) and x (R, d); the directions are those of iteration 0."""
        self.batches(oracle)
        return Momentum(z, v, x, 0, oracle, rng, z_old=z, x_old=x, d_z=np.zeros_like(z), d_x=np.zeros_like(x))

    def step(self, state: Momentum) -> Momentum:
        """One iteration: both estimates at this point and at the one before, then z and x at once."""
        oracle, rng, z, x = state.oracle, state.rng, state.z, state.x
        points, (terms, series) = [(z, x), (state.z_old, state.x_old)], self.kind()
        (g, g_old), (h, h_old), inverses = estimates(
            oracle, rng, points, terms, self.series_step, self.batches(oracle), series
        )
        keep, (rho, gamma) = self.keep(state.k), self.steps(state.k)
        d_z, d_x = g + keep * (state.d_z - g_old), h + keep * (state.d_x - h_old)
        return Momentum(
            z - rho * d_z, inverses[0], oracle.project_x(x - gamma * d_x), state.k + 1, oracle, rng, norms(d_x),
            z_old=z, x_old=x, d_z=d_z, d_x=d_x,
        )  # fmt: skip


def estimates(
    oracle: Oracle, rng: np.random.Generator, points: Sequence[tuple[Array, Array]], terms: int, eta: float,
    sizes: tuple[int | None, int | None], series: str,
) -> tuple[list[Array], list[Array], list[Array]]:  # fmt: skip
    """G_z, F_x + G_xz v and v at one or more points, which share all batches; those of G_z and of G_xz v are one.

    Parameters
    ----------
    points : z (R, p) and x (R, d)
    terms, eta, series : of the Neumann series, see :func:`~zoba_bench.solvers.series.adjoints`.
    sizes : samples of G and F; None is the exact mean.
    """
    b1, b2 = sizes
    xi = None if b1 is None else oracle.draw_inner(rng, b1)
    zeta = None if b2 is None else oracle.draw_outer(rng, b2)
    slopes = [batch_mean(oracle.outer_grad_z, *at, sample=zeta) for at in points]
    inverses = adjoints(oracle, rng, points, slopes, terms, eta, b1, series)
    return (
        [batch_mean(oracle.inner_grad_z, *at, sample=xi) for at in points],
        [
            batch_mean(oracle.outer_grad_x, *at, sample=zeta) + batch_mean(oracle.inner_jvp_xz, *at, v, sample=xi)
            for at, v in zip(points, inverses, strict=True)
        ],
        inverses,
    )


@dataclass(frozen=True)
class Sustain(Recursive):
    """SUSTAIN: momentum with differences for both directions, and one random term of the Neumann series.

    Problem class: smooth F, smooth G strongly convex in z; exact derivatives, or finite sums at either level with
    derivatives of single samples, all batches shared by the two points.
    Assumptions: as for ``bsa``, for every sample (recalled).
    Cost: of an iteration 2 b1 gradients of G in z and products with G_xz, 2 b2 gradients of F in z and in x,
    (N - 1) b1 products with G_zz in the mean (2 (N - 1) b1 at most, and always with series="sum").
    Bias: that of ``bsa``: with exact derivatives the directions are those without memory.
    Rate: O(eps^(-3/2)) iterations of O(1) samples for |grad Psi|^2 <= eps (quoted from the abstract).
    Source: arXiv 2102.07367 and the code of github.com/benchopt/benchmark_bilevel, whose form and defaults these are.
    Deviations: batches are drawn with replacement. The first direction is the plain estimate, as in the paper
    (recalled); the code starts from the memory d = 0 at the point 0, so that its first directions are no gradients. The
    paper has a weight of its own for each level (recalled).

    Parameters beside those of :class:`~zoba_bench.solvers.recursions.Recursive`

    series : {"random", "sum"}
        One term, drawn with equal probabilities and multiplied by N, as published; or all of them, which has the same
        mean.
    """

    series: str = "random"

    name: ClassVar[str] = "sustain"


@dataclass(frozen=True)
class Mrbo(Recursive):
    """MRBO: SUSTAIN's recursion with all terms of the Neumann series.

    Problem class: that of ``sustain``.
    Assumptions: those of ``sustain``.
    Cost: of an iteration 2 b1 gradients of G in z and products with G_xz, 2 N b1 products with G_zz, 2 b2 gradients of
    F in z and in x.
    Bias: with exact derivatives it stops where F_x + G_xz v vanishes, v = -(I - (I - eta G_zz)^(N + 1)) G_zz^-1 F_z
    (derived here).
    Rate: O(eps^(-3/2)) gradients for |grad Psi|^2 <= eps (quoted from the abstract).
    Source: arXiv 2106.04692 and the code of github.com/benchopt/benchmark_bilevel, whose form and defaults these are.
    Deviations: those of ``sustain``.

    Parameters: see :class:`~zoba_bench.solvers.recursions.Recursive`
    """

    name: ClassVar[str] = "mrbo"

    def kind(self) -> tuple[int, str]:
        """See :meth:`Recursive.kind`."""
        return self.N + 1, "sum"


@dataclass(frozen=True, eq=False, kw_only=True)
class FslaState(State):
    """Iterates with the x before this one, and the last direction of x."""

    x_old: Array
    d_x: Array


@dataclass(frozen=True)
class Fsla(Sampled):
    """FSLA: one step of z, one of v on the linear system, and one of x along a remembered direction.

    Problem class: smooth F, smooth G strongly convex in z; exact derivatives, or finite sums at either level with
    derivatives of single samples. Each product has a batch of its own; the differences of the memory share theirs.
    Assumptions: Lipschitz derivatives of F up to the first and of G up to the second, samples of bounded variance
    (recalled).
    Cost: of an iteration b1 gradients of G in z, b1 products with G_zz, 2 b1 with G_xz, b2 gradients of F in z and
    2 b2 in x.
    Rate: O(eps^-2) for |grad Psi|^2 <= eps (quoted from the abstract); without a bias where derivatives are exact.
    Source: arXiv 2112.04660 and the code of github.com/benchopt/benchmark_bilevel, whose form and defaults these are:
    rho_k, gamma_k and the weight decrease like (k + 1)^(-1/2).
    Deviations: batches are drawn with replacement; of F the code asks for both gradients where one is used. The first
    direction is the plain estimate; the code starts from the memory d = 0 at x = 0. Its weight is tied to the step of
    z, and above 1 where that is.

    Parameters beside those of :class:`~zoba_bench.solvers.sampled.Sampled`

    weight : float or None
        Of the new estimate, at most 1: a_k = weight / sqrt(k + 1), with a_0 = 1; None is rho, at most 1.
    schedule : {"published", "constant"}
        Steps and a_k that decrease like (k + 1)^(-1/2), or constant ones.
    """

    weight: float | None = None
    schedule: str = "published"

    name: ClassVar[str] = "fsla"
    exponents: ClassVar[tuple[float, float]] = (1 / 2, 1 / 2)
    tolerance_quantity: ClassVar[str] = "norm of the remembered direction of x"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.weight is not None:
            check_probability("weight", self.weight)

    def keep(self, k: int) -> float:
        """1 - a_k, what is kept of the old direction."""
        if k == 0:
            return 0.0
        weight = min(self.rho, 1.0) if self.weight is None else self.weight
        return 1.0 - weight * (1.0 if self.schedule == "constant" else (k + 1) ** -0.5)

    def init(self, oracle: Oracle, rng: np.random.Generator, z: Array, v: Array, x: Array) -> FslaState:
        """State at iteration 0 from iterates z, v (R, p) and x (R, d); the direction is that of iteration 0."""
        self.batches(oracle)
        return FslaState(z, v, x, 0, oracle, rng, x_old=x, d_x=np.zeros_like(x))

    def step(self, state: FslaState) -> FslaState:
        """One iteration: z, then v at the new z, then x along the remembered direction."""
        oracle, rng, v_old, x = state.oracle, state.rng, state.v, state.x
        b1, b2 = self.batches(oracle)
        rho, gamma = self.steps(state.k)
        z = state.z - rho * batch_mean(oracle.inner_grad_z, state.z, x, sample=oracle.draw_inner(rng, b1))
        product = batch_mean(oracle.inner_hvp_zz, z, x, v_old, sample=oracle.draw_inner(rng, b1))
        v = v_old - rho * (product + batch_mean(oracle.outer_grad_z, z, x, sample=oracle.draw_outer(rng, b2)))
        xi, zeta = oracle.draw_inner(rng, b1), oracle.draw_outer(rng, b2)
        # The old direction at (z_k, x_{k-1}, v_k).
        h, h_old = (
            batch_mean(oracle.outer_grad_x, at, here, sample=zeta)
            + batch_mean(oracle.inner_jvp_xz, at, here, along, sample=xi)
            for at, here, along in ((z, x, v), (state.z, state.x_old, v_old))
        )
        d_x = h + self.keep(state.k) * (state.d_x - h_old)
        return FslaState(
            z, v, oracle.project_x(x - gamma * d_x), state.k + 1, oracle, rng, norms(d_x), x_old=x, d_x=d_x
        )  # fmt: skip
