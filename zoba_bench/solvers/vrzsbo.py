"""VRZSBO-like: variance reduction by a coin in the single loop, with differences along all coordinates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from zoba_bench.arrays import Array, Samples
from zoba_bench.estimators import central_difference, difference_along
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.solvers.base import Solver, batch_sizes, in_ball, norms, outer_range, step_range
from zoba_bench.solvers.zo_sogd import ZoSogdState
from zoba_bench.validation import check_count, check_positive, check_probability

__all__ = ["VrzsboLike"]

_Directions = tuple[Array, Array, Array]


@dataclass(frozen=True)
class VrzsboLike(Solver):
    """VRZSBO-like (a reconstruction): SOBA's directions by differences along coordinates, corrected as in PAGE.

    Problem class: finite sums, smooth F, smooth G strongly convex in z; values only. Where neither level has samples
    it is SOBA by differences: the coin is left out.
    Assumptions: those of ``soba``, for every sample; for the published rate Lipschitz second derivatives and a bounded
    v (second hand).
    Cost: with probability q, and in the first iteration, n_G (6 p + 4 d) evaluations of G and n_F (2 p + 2 d) of F;
    otherwise 2 b1 (6 p + 4 d) and 2 b2 (2 p + 2 d). A budget is kept for the dearer of the two.
    Rate: O((p + d) sqrt(n) / eps) evaluations for |grad Psi|^2 <= eps on a sum of n terms (quoted from the abstract of
    VRZSBO); on quadratics every iterate is that of the same method with exact derivatives (derived here).
    Source: an ICLR 2025 submission ("Provable Faster Zeroth-order Method for Bilevel Optimization with Optimal
    Dependency on Error and Dimension") by its abstract and reviews, after SOBA (arXiv 2201.13409) and PAGE (arXiv
    2008.10898). The body was not available: this is not the authors' algorithm until it is compared with their text.
    Reconstructed: central differences, the radii, one coin for all three directions, constant steps, batches drawn with
    replacement.

    d_k = D(w_k), exact over all samples, with probability q and at k = 0; otherwise d_k = d_{k-1} + D_I(w_k) -
    D_I(w_{k-1}) with fresh batches I that both points share, w = (z, v, x).

    Parameters
    ----------
    rho, rho_v, gamma : float
        Steps of z, v and x.
    q : float
        Probability of a pass through all samples; a tenth as in a public SPABA, whose zeroth-order form VRZSBO is.
    b1, b2 : int or None
        Samples of G and F of the other iterations; None is that SPABA's 64.
    nu : float
        Radius of the differences along coordinates.
    h : float
        Step along v of the differences of two gradients, divided by max(1, |v|).
    v_radius : float or None
        Keep v in the ball of this radius.
    """

    rho: float = 0.1
    rho_v: float = 0.1
    gamma: float = 0.01
    q: float = 0.1
    b1: int | None = None
    b2: int | None = None
    nu: float = 1e-4
    h: float = 1e-2
    v_radius: float | None = None

    name: ClassVar[str] = "vrzsbo-like"
    tolerance_quantity: ClassVar[str] = "norm of the corrected hypergradient estimate d_x"
    remedy: ClassVar[str] = "lower rho, rho_v and gamma, raise q, or project v with v_radius"
    cost_options: ClassVar[tuple[str, ...]] = ("q", "b1", "b2")
    published_batches: ClassVar[tuple[int, int]] = (64, 64)

    def __post_init__(self) -> None:
        for name in ("rho", "rho_v", "gamma", "nu", "h"):
            check_positive(name, getattr(self, name))
        check_probability("q", self.q)
        for name in ("b1", "b2"):
            if getattr(self, name) is not None:
                check_count(name, getattr(self, name))
        if self.v_radius is not None:
            check_positive("v_radius", self.v_radius)

    def stable_steps(self, problem: BilevelProblem) -> Iterator[tuple[str, float, float, str]]:
        """Where z and v are stable in the mean, and x where they follow it."""
        yield from step_range("rho", self.rho, problem.constants.L_zz, "2 / L_zz")
        yield from step_range("rho_v", self.rho_v, problem.constants.L_zz, "2 / L_zz")
        yield from outer_range("gamma", self.gamma, problem)

    def init(self, oracle: Oracle, rng: np.random.Generator, z: Array, v: Array, x: Array) -> ZoSogdState:
        """State at iteration 0 from iterates z, v (R, p) and x (R, d)."""
        batch_sizes(oracle, self.b1, self.b2, self.published_batches)
        zeros = np.zeros_like(z), np.zeros_like(v), np.zeros_like(x)
        return ZoSogdState(
            z, v, x, 0, oracle, rng, d_z=zeros[0], d_v=zeros[1], d_x=zeros[2], last_z=z, last_v=v, last_x=x
        )

    def step(self, state: ZoSogdState) -> ZoSogdState:
        """One iteration: the coin, the directions it asks for, then the three updates at once."""
        oracle = state.oracle
        d_z, d_v, d_x = self.corrected(state)
        v = in_ball(state.v - self.rho_v * d_v, self.v_radius)
        x = oracle.project_x(state.x - self.gamma * d_x)
        return ZoSogdState(
            state.z - self.rho * d_z, v, x, state.k + 1, oracle, state.rng, norms(d_x),
            d_z=d_z, d_v=d_v, d_x=d_x, last_z=state.z, last_v=state.v, last_x=state.x,
        )  # fmt: skip

    def corrected(self, state: ZoSogdState) -> _Directions:
        """d_k, by a coin for each replicate."""
        oracle, now, before = state.oracle, (state.z, state.v, state.x), (state.last_z, state.last_v, state.last_x)
        sampled = oracle.stochastic_inner or oracle.stochastic_outer
        if state.k == 0 or not sampled or self.q == 1:
            # A dry run has k = 0; whichever branch is dearer is what an iteration costs at most.
            if oracle.dry and sampled and self.q < 1 and self._batch_costs_more(oracle):
                return self._recursive(state, now, before)
            return self.directions(oracle, *now, None, None)
        everything = state.rng.random(oracle.replicates) < self.q
        with oracle.only(everything):
            full = self.directions(oracle, *now, None, None)
        with oracle.only(~everything):
            moved = self._recursive(state, now, before)
        picked = tuple(np.where(everything[:, None], a, b) for a, b in zip(full, moved, strict=True))
        return picked[0], picked[1], picked[2]

    def _recursive(self, state: ZoSogdState, now: _Directions, before: _Directions) -> _Directions:
        oracle, rng = state.oracle, state.rng
        b1, b2 = batch_sizes(oracle, self.b1, self.b2, self.published_batches)
        xi, zeta = oracle.draw_inner(rng, b1), oracle.draw_outer(rng, b2)
        new, old = (self.directions(oracle, *point, xi, zeta) for point in (now, before))
        kept = (state.d_z, state.d_v, state.d_x)
        found = tuple(d + (a - b) for d, a, b in zip(kept, new, old, strict=True))
        return found[0], found[1], found[2]

    def _batch_costs_more(self, oracle: Oracle) -> bool:
        b1, b2 = batch_sizes(oracle, self.b1, self.b2, self.published_batches)
        p, d, (n_G, n_F) = oracle.p, oracle.d, (oracle.inner_samples or 1, oracle.outer_samples or 1)
        of_batches = 2 * b1 * (6 * p + 4 * d) + 2 * b2 * (2 * p + 2 * d)
        return of_batches > n_G * (6 * p + 4 * d) + n_F * (2 * p + 2 * d)

    def directions(
        self, oracle: Oracle, z: Array, v: Array, x: Array, xi: Samples | None, zeta: Samples | None
    ) -> _Directions:
        """D_z, D_v, D_x by central differences along coordinates, over a batch (R, b, 1), or all samples if None."""
        h = (self.h / np.maximum(1.0, norms(v)))[:, None]

        def gradient(query: Callable[..., Array], z: Array, block: str, sample: Samples | None) -> Array:
            """Of the variable's coordinates, shape (R, n)."""
            moves = self.nu * np.eye(oracle.p if block == "z" else oracle.d)
            # (R, 1, 1, n) beside the samples (R, b, 1) and the coordinates (n, n).
            at_z, at_x = (point[:, None, None, :] if sample is not None else point[:, None, :] for point in (z, x))
            ends: list[Any] = [
                (at_z + side * moves, at_x) if block == "z" else (at_z, at_x + side * moves) for side in (1, -1)
            ]
            plus, minus = (query(*end, sample) for end in ends)
            found = np.asarray(central_difference(plus, minus, self.nu))
            return found if sample is None else found.mean(axis=1)

        def along_v(block: str) -> Array:
            ahead, behind = (gradient(oracle.inner, z + side * h * v, block, xi) for side in (1, -1))
            return np.asarray(difference_along(ahead, behind, 2 * h))

        d_z = gradient(oracle.inner, z, "z", xi)
        d_v = along_v("z") + gradient(oracle.outer, z, "z", zeta)
        d_x = along_v("x") + gradient(oracle.outer, z, "x", zeta)
        return d_z, d_v, d_x
