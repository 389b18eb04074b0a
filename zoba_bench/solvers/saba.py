"""SABA: the single loop on finite sums, with a memory that removes the noise of sampling."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array, Samples
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.solvers.base import Solver, State, batch_sizes, norms, outer_range, step_range
from zoba_bench.validation import check_count, check_positive

__all__ = ["Saba", "SabaState"]


class Memory:
    """The last derivative (R, n, m) that each sample was seen with, and the mean of these."""

    def __init__(self, values: Array) -> None:
        self.values = values
        self.mean: Array = values.mean(axis=1)

    def direction(self, sample: Samples, first: NDArray[np.bool_], new: Array) -> Array:
        """mean over the batch of (new_i - memory_i) + mean of the memory, which then takes the new values.

        ``first`` (R, b) marks one occurrence of each sample: a sample drawn twice enters the mean once.
        """
        where = sample[..., None]
        change = new - np.take_along_axis(self.values, where, axis=1)
        direction: Array = change.mean(axis=1) + self.mean
        np.put_along_axis(self.values, where, new, axis=1)
        self.mean = self.mean + (change * first[..., None]).sum(axis=1) / self.values.shape[1]
        return direction


class Memories:
    """The five memories, and the iteration that they belong to."""

    def __init__(self, tables: dict[str, Memory]) -> None:
        self.tables = tables
        self.k = 0


@dataclass(frozen=True, eq=False, kw_only=True)
class SabaState(State):
    """Iterates, with the memories; these change in place, so that a state can be advanced once."""

    memories: Memories


@dataclass(frozen=True)
class Saba(Solver):
    """SABA: SOBA at constant steps with SAGA's correction of each of its five directions.

    Problem class: finite sums at both levels with derivatives of single samples; F smooth, G smooth and strongly
    convex in z. Memory: one vector a sample for each of G_z, G_zz v, G_xz v, F_z, F_x, that is
    R (n_inner (2 p + d) + n_outer (p + d)) numbers for R replicates.
    Assumptions: of theorem "saba", those of ``soba``, for every sample, x not constrained; where the samples of G are
    not quadratic a ball of v, up to the first exit from it, as v is not projected; for the linear rate the
    Polyak-Lojasiewicz inequality of Psi.
    Cost: as SOBA, b1 gradients of G in z, Hessian- and Jacobian-vector products, b2 gradients of F in z and in x an
    iteration; once, at the start, n_inner and n_outer of them.
    Rate: mean of |grad Psi|^2 = O(N^(2/3) / K) where z* and v* are affine, O(N / K) else, N the larger number of
    samples (derived, ``zoba-bench derive saba``; published is O((n_inner + n_outer)^(2/3) / K), the power recalled);
    linear where Psi satisfies the Polyak-Lojasiewicz inequality (derived); on quadratics the second moments follow an
    exact linear recursion.
    Source: arXiv 2201.13409 and the code of github.com/benchopt/benchmark_bilevel, whose defaults these are.
    Deviations: one entry of memory a sample, where the code has one a batch of its fixed partition; the memory starts
    from a pass through all samples, where the code starts from zeros; batches are drawn with replacement.

    Parameters
    ----------
    rho : float
        Step of z and v.
    ratio : float
        The step of x is gamma = rho / ratio.
    b1, b2 : int or None
        Samples of G and F an iteration, drawn with replacement; None is the published 64.
    """

    rho: float = 0.1
    ratio: float = 1.0
    b1: int | None = None
    b2: int | None = None

    name: ClassVar[str] = "saba"
    rate: ClassVar[str] = "derived"
    tolerance_quantity: ClassVar[str] = "norm of the hypergradient estimate D_x"
    cost_options: ClassVar[tuple[str, ...]] = ("b1", "b2")
    needs: ClassVar[tuple[str, ...]] = (
        "samples", "inner_grad_z", "inner_hvp_zz", "inner_jvp_xz", "outer_grad_z", "outer_grad_x"
    )  # fmt: skip
    changes_in_place: ClassVar[tuple[str, ...]] = ("memories",)
    published_batches: ClassVar[tuple[int, int]] = (64, 64)

    def __post_init__(self) -> None:
        for name in ("rho", "ratio"):
            check_positive(name, getattr(self, name))
        for name in ("b1", "b2"):
            if getattr(self, name) is not None:
                check_count(name, getattr(self, name))

    @property
    def gamma(self) -> float:
        """Step of x."""
        return self.rho / self.ratio

    def stable_steps(self, problem: BilevelProblem) -> Iterator[tuple[str, float, float, str]]:
        """The ranges in which z contracts, for every sample that L_zz bounds, and x where z and v follow it."""
        yield from step_range("rho", self.rho, problem.constants.L_zz, "2 / L_zz")
        yield from outer_range("gamma", self.gamma, problem)

    def init(self, oracle: Oracle, rng: np.random.Generator, z: Array, v: Array, x: Array) -> SabaState:
        """State at iteration 0: every sample is remembered with its derivatives at the start."""
        values = _derivatives(oracle, z, v, x, _all(oracle, oracle.inner_samples), _all(oracle, oracle.outer_samples))
        memories = Memories({name: Memory(value) for name, value in values.items()})
        return SabaState(z, v, x, 0, oracle, rng, memories=memories)

    def step(self, state: SabaState) -> SabaState:
        """One iteration: corrected directions at (z_k, v_k, x_k), then the three updates at once."""
        oracle, z, v, x, memories = state.oracle, state.z, state.v, state.x, state.memories
        if memories.k != state.k:
            raise RuntimeError(
                f"this state of saba, of iteration {state.k}, has been advanced: go on from the next one"
            )
        b1, b2 = batch_sizes(oracle, self.b1, self.b2, self.published_batches)
        drawn_inner, drawn_outer = oracle.draw_inner(state.rng, b1), oracle.draw_outer(state.rng, b2)
        assert drawn_inner is not None
        assert drawn_outer is not None
        xi, zeta = drawn_inner[..., 0], drawn_outer[..., 0]
        drawn = {"inner": (xi, _first(xi)), "outer": (zeta, _first(zeta))}
        # s = new - memory_i + mean of the memory, for each of the five
        s = {
            name: memories.tables[name].direction(*drawn[name.partition("_")[0]], new)
            for name, new in _derivatives(oracle, z, v, x, xi, zeta).items()
        }
        memories.k += 1
        d_z = s["inner_grad_z"]
        d_v = s["inner_hvp_zz"] + s["outer_grad_z"]
        d_x = s["inner_jvp_xz"] + s["outer_grad_x"]
        z, v = z - self.rho * d_z, v - self.rho * d_v
        x = oracle.project_x(x - self.gamma * d_x)
        return SabaState(z, v, x, state.k + 1, oracle, state.rng, norms(d_x), memories=memories)


def _derivatives(oracle: Oracle, z: Array, v: Array, x: Array, xi: Samples, zeta: Samples) -> dict[str, Array]:
    """The five derivatives of each sample, (R, b, p) or (R, b, d)."""
    z, v, x = z[:, None], v[:, None], x[:, None]
    return {
        "inner_grad_z": oracle.inner_grad_z(z, x, xi),
        "inner_hvp_zz": oracle.inner_hvp_zz(z, x, v, xi),
        "inner_jvp_xz": oracle.inner_jvp_xz(z, x, v, xi),
        "outer_grad_z": oracle.outer_grad_z(z, x, zeta),
        "outer_grad_x": oracle.outer_grad_x(z, x, zeta),
    }


def _all(oracle: Oracle, n: int | None) -> Samples:
    """Every sample of a level, for each replicate."""
    if n is None:
        raise ValueError("saba needs samples at both levels")
    return np.broadcast_to(np.arange(n), (oracle.replicates, n))


def _first(sample: Samples) -> NDArray[np.bool_]:
    """True at one occurrence of every sample in a row (R, b)."""
    order = np.argsort(sample, axis=1, kind="stable")
    ordered = np.take_along_axis(sample, order, axis=1)
    new = np.ones(sample.shape, dtype=bool)
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    first = np.empty(sample.shape, dtype=bool)
    np.put_along_axis(first, order, new, axis=1)
    return first
