"""What the single-loop zeroth-order solvers share: configuration, directions, the three updates."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np

from zoba_bench.arrays import Array, Samples
from zoba_bench.directions import LAWS, Law
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.solvers.base import Solver, State, outer_range, sqrt_decay, step_range
from zoba_bench.validation import check_choice, check_count, check_positive

__all__ = ["Directions", "KeptState", "SingleLoop", "State", "Surrogates", "tuned_ratio"]


Bases = tuple[Array | None, ...]


class Directions(NamedTuple):
    """Directions and samples of one iteration; arrays (R, b, l, n), samples (R, b, 1).

    ``bases`` is what the law may keep for the next iteration, in the order of the draws; None where it keeps nothing.
    """

    w: Array
    u: Array
    outer_w: Array
    outer_u: Array
    second_w: Array | None
    inner_sample: Samples | None
    outer_sample: Samples | None
    bases: Bases | None = None


@dataclass(frozen=True, eq=False)
class KeptState(State):
    """A state with the bases of the directions of its iteration."""

    bases: Bases = ()


class Surrogates(NamedTuple):
    """Estimates of the five derivatives at (z, v, x), each (R, p) or (R, d)."""

    inner_gradient: Array
    hessian_v: Array
    cross_v: Array
    outer_gradient_z: Array
    outer_gradient_x: Array


@dataclass(frozen=True)
class SingleLoop(Solver):
    """Configuration and updates shared by ZOBA and its variants.

    Parameters
    ----------
    h : float
        Smoothing radius of every move of z.
    eta : float or None
        Smoothing radius of every move of x; None makes it equal to ``h`` (as published),
        or follows ``radius_rule``.
    radius_rule : {"equal", "tuned"}
        "tuned" sets eta = h / r with r^2 = curvature_ratio (d + 2) / (p + 2), which
        minimises the leading terms of the cross surrogate's variance.
    curvature_ratio : float
        L_xx / L_zz of the inner objective, for ``radius_rule="tuned"``.
    l1, l2 : int
        Directions a sample of the inner and of the outer surrogates.
    b1, b2 : int or None
        Samples of G and F an iteration; None means 1 on deterministic functions and the
        published 25 and 10 on stochastic ones.
    rho, gamma : float
        Step of z and v, and of x; ``gamma=None`` is rho / 2 (as published).
    schedule : {"inverse-sqrt", "constant"}
        Steps divided by sqrt(k + 1), or constant.
    v_radius : float or None
        Project v onto the ball of this radius.
    outer_directions : {"shared", "independent"}
        Whether the outer surrogates reuse the first b2 x l2 inner directions (as
        published) or draw their own.
    law : {"gaussian", "sphere", "coordinate", "orthogonal", "block", "low-rank"}
        Law of all directions, see :mod:`zoba_bench.directions`; the published one is "gaussian", and the theorems
        are about no other.
    block_size : int, optional
        Of "block".
    rank, refresh : int, optional
        Of "low-rank".

    Evaluations are counted by the oracle. Where a problem restricts x, x is projected (not part of the published
    method).
    """

    h: float = 1e-3
    eta: float | None = None
    radius_rule: str = "equal"
    curvature_ratio: float = 1.0
    l1: int = 100
    l2: int = 1
    b1: int | None = None
    b2: int | None = None
    rho: float = 0.01
    gamma: float | None = None
    schedule: str = "inverse-sqrt"
    v_radius: float | None = None
    outer_directions: str = "shared"
    law: str = "gaussian"
    block_size: int | None = None
    rank: int | None = None
    refresh: int | None = None

    published_batches: ClassVar[tuple[int, int]] = (25, 10)
    tolerance_quantity: ClassVar[str] = "norm of the surrogate hypergradient D_x"
    remedy: ClassVar[str] = "lower rho and gamma, raise l1, or project v with v_radius"
    cost_options: ClassVar[tuple[str, ...]] = ("l1", "l2", "b1", "b2")
    needs_second_directions: ClassVar[bool] = False

    def __post_init__(self) -> None:
        for name in ("h", "curvature_ratio", "rho"):
            check_positive(name, getattr(self, name))
        for name in ("eta", "v_radius"):
            if getattr(self, name) is not None:
                check_positive(name, getattr(self, name))
        if self.gamma is not None:
            check_positive("gamma", self.gamma, zero=True)
        for name in ("l1", "l2", "b1", "b2"):
            value = getattr(self, name)
            if value is None and name in ("b1", "b2"):
                continue
            check_count(name, value)
        check_choice("schedule", self.schedule, ("inverse-sqrt", "constant"))
        check_choice("radius_rule", self.radius_rule, ("equal", "tuned"))
        check_choice("outer_directions", self.outer_directions, ("shared", "independent"))
        check_choice("law", self.law, tuple(LAWS))
        known = [f.name for f in fields(LAWS[self.law])]
        for name, law in (("block_size", "block"), ("rank", "low-rank"), ("refresh", "low-rank")):
            value = getattr(self, name)
            if value is not None:
                check_count(name, value)
                if name not in known:
                    raise ValueError(f"{name}={value} is an option of law={law!r}, got law={self.law!r}")

    @cached_property
    def direction_law(self) -> Law:
        """The law of the directions, with its options."""
        options: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(LAWS[self.law])}
        return LAWS[self.law](**{name: value for name, value in options.items() if value is not None})

    def outer_radius(self, p: int, d: int) -> float:
        """The radius eta in use for a problem with these dimensions."""
        if self.eta is not None:
            return self.eta
        return self.h if self.radius_rule == "equal" else self.h / tuned_ratio(p, d, self.curvature_ratio)

    def batches(self, oracle: Oracle) -> tuple[int, int]:
        """Samples of G and of F an iteration."""
        inner, outer = self.published_batches
        b1 = self.b1 if self.b1 is not None else (inner if oracle.stochastic_inner else 1)
        b2 = self.b2 if self.b2 is not None else (outer if oracle.stochastic_outer else 1)
        for name, b, stochastic in (("b1", b1, oracle.stochastic_inner), ("b2", b2, oracle.stochastic_outer)):
            if b > 1 and not stochastic:
                raise ValueError(f"{name}={b}, but this level has no samples: use {name}=1 and more directions")
        return b1, b2

    def steps(self, k: int) -> tuple[float, float]:
        """Steps (rho_k, gamma_k)."""
        gamma = self.rho / 2 if self.gamma is None else self.gamma
        scale = sqrt_decay(self.schedule, k)
        return self.rho * scale, gamma * scale

    def stable_steps(self, problem: BilevelProblem) -> Iterator[tuple[str, float, float, str]]:
        """Where z is stable, in mean square along Gaussian directions, else in the mean; and x where z and v follow it.

        With n = b1 l1 Gaussian directions E|D_z|^2 is (1 + (p + 1)/n)|G_z|^2, up to the radii.
        """
        if self.law == "gaussian":
            b1 = 1 if problem.inner_samples is None else self.b1 or self.published_batches[0]
            noise = 1 + (problem.p + 1) / (b1 * self.l1)
            yield from step_range("rho", self.rho, problem.constants.L_zz, "2 / ((1 + (p + 1) / (b1 l1)) L_zz)", noise)
        else:
            yield from step_range("rho", self.rho, problem.constants.L_zz, "2 / L_zz")
        yield from outer_range("gamma", self.steps(0)[1], problem)

    def init(self, oracle: Oracle, rng: np.random.Generator, z: Array, v: Array, x: Array) -> State:
        """State at iteration 0 from iterates z, v (R, p) and x (R, d)."""
        self.batches(oracle)
        return State(z=z, v=v, x=x, k=0, oracle=oracle, rng=rng)

    def step(self, state: State) -> State:
        """One iteration: all surrogates at (z_k, v_k, x_k), then the three updates at once."""
        kept = state.bases if isinstance(state, KeptState) and state.k % self.direction_law.period else None
        drawn = self.draw(state.oracle, state.rng, kept)
        estimates = self.surrogates(state, drawn)
        rho, gamma = self.steps(state.k)
        # D_v = H v + f_z;  D_x = C v + f_x
        d_v = estimates.hessian_v + estimates.outer_gradient_z
        d_x = estimates.cross_v + estimates.outer_gradient_x
        # z <- z - rho_k D_z;  v <- v - rho_k D_v;  x <- x - gamma_k D_x
        z = state.z - rho * estimates.inner_gradient
        v = state.v - rho * d_v
        x = state.oracle.project_x(state.x - gamma * d_x)
        if self.v_radius is not None:
            norm = np.sqrt(np.vecdot(v, v))[:, None]
            v *= np.where(norm > self.v_radius, self.v_radius / np.maximum(norm, self.v_radius), 1.0)
        following = (z, v, x, state.k + 1, state.oracle, state.rng, np.sqrt(np.vecdot(d_x, d_x)))
        return State(*following) if drawn.bases is None else KeptState(*following, drawn.bases)

    def draw(self, oracle: Oracle, rng: np.random.Generator, kept: Bases | None = None) -> Directions:
        """Directions and samples of one iteration, for all replicates; ``kept`` are bases to use again."""
        b1, b2 = self.batches(oracle)
        r, p, d, l1, l2 = oracle.replicates, oracle.p, oracle.d, self.l1, self.l2
        inner_sample = oracle.draw_inner(rng, b1)
        outer_sample = oracle.draw_outer(rng, b2)
        shared = self.outer_directions == "shared"
        inner = (r, max(b1, b2), max(l1, l2)) if shared else (r, b1, l1)
        wanted = [(inner, p), (inner, d)]
        if not shared:
            wanted += [((r, b2, l2), p), ((r, b2, l2), d)]
        if self.needs_second_directions:
            wanted.append(((r, b1, l1), p))
        law = self.direction_law
        bases: Bases = kept or tuple(law.basis(rng, shape, n) for shape, n in wanted)
        drawn = [law.draw(rng, shape, n, basis) for (shape, n), basis in zip(wanted, bases, strict=True)]
        w, u = drawn[:2]
        outer_w, outer_u = (w[:, :b2, :l2], u[:, :b2, :l2]) if shared else drawn[2:4]
        second_w = drawn[-1] if self.needs_second_directions else None
        return Directions(
            w[:, :b1, :l1], u[:, :b1, :l1], outer_w, outer_u, second_w, inner_sample, outer_sample,
            None if bases[0] is None else bases,
        )  # fmt: skip

    @abstractmethod
    def surrogates(self, state: State, directions: Directions) -> Surrogates:
        """The five finite-difference estimates at the state, along the given directions."""

    def outer_queries(self, state: State, directions: Directions) -> tuple[Array, Array, Array]:
        """Values f(z + h w, x), f(z, x + eta u), f(z, x) of the outer surrogates."""
        oracle, sample = state.oracle, directions.outer_sample
        z, x = state.z[:, None, None, :], state.x[:, None, None, :]
        eta = self.outer_radius(oracle.p, oracle.d)
        return (
            oracle.outer(z + self.h * directions.outer_w, x, sample),
            oracle.outer(z, x + eta * directions.outer_u, sample),
            oracle.outer(z, x, sample),
        )


def tuned_ratio(p: int, d: int, curvature_ratio: float = 1.0) -> float:
    """Radius ratio r = h / eta with r^2 = curvature_ratio (d + 2) / (p + 2)."""
    return math.sqrt(curvature_ratio * (d + 2) / (p + 2))
