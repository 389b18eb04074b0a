"""What the single-loop zeroth-order solvers share: configuration, directions, the three updates."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.directions import LAWS, Law
from zoba_bench.estimators import average, forward_difference
from zoba_bench.oracle import Oracle, Points
from zoba_bench.problem import BilevelProblem
from zoba_bench.solvers.base import Solver, State, outer_range, sqrt_decay, step_range
from zoba_bench.solvers.drawing import Bases, BlockState, Directions, Draws, KeptState
from zoba_bench.validation import check_choice, check_count, check_positive

__all__ = ["Bases", "Directions", "KeptState", "SingleLoop", "State", "Surrogates", "tuned_ratio"]


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
    #: Arrays of directions and of points in z, and in x, that an iteration has at once.
    arrays_at_once: ClassVar[tuple[int, int]] = (6, 5)

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
        draws = self.draws(state.oracle)
        if draws.in_one_block or type(self).draw is not SingleLoop.draw:
            drawn = self.draw(state.oracle, state.rng, kept)
            estimates, bases = self.surrogates(state, drawn), drawn.bases
        else:
            estimates, bases = self._in_blocks(state, draws, kept)
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
        return State(*following) if bases is None else KeptState(*following, bases)

    def memory(self, problem: BilevelProblem, replicates: int) -> int:
        """Bytes that an iteration allocates at once: arrays of the largest block, its values, and iterates."""
        draws = self.draws(Oracle(problem, replicates))
        in_z, in_x = self.arrays_at_once
        first = draws.blocks()[0]
        points = replicates * (first.samples.stop - first.samples.start) * (first.directions.stop)
        bases = sum(math.prod(shape) * self.direction_law.kept_entries(n) for shape, n in draws.shapes())
        iterates = 16 * replicates * (2 * problem.p + problem.d)
        entries: int = points * (in_z * problem.p + in_x * problem.d + 12) + bases + iterates
        return 8 * entries

    def draws(self, oracle: Oracle) -> Draws:
        """What an iteration draws."""
        key = (oracle.replicates, oracle.p, oracle.d, oracle.inner_samples, oracle.outer_samples)
        if self._drawn.get("key") != key:
            self._drawn.update(key=key, draws=self._draws(oracle))
        draws: Draws = self._drawn["draws"]
        return draws

    @cached_property
    def _drawn(self) -> dict[str, Any]:
        """What the last run drew in an iteration, the same in each of them."""
        return {}

    def _draws(self, oracle: Oracle) -> Draws:
        (b1, b2), shared = self.batches(oracle), self.outer_directions == "shared"
        return Draws(
            self.direction_law, oracle.replicates, oracle.p, oracle.d, b1, self.l1, b2, self.l2, shared,
            self.needs_second_directions,
        )  # fmt: skip

    def draw(self, oracle: Oracle, rng: np.random.Generator, kept: Bases | None = None) -> Directions:
        """Directions and samples of one iteration, for all replicates; ``kept`` are bases to use again.

        A subclass that overrides this has all directions of an iteration in one block, however many they are.
        """
        draws = self.draws(oracle)
        return draws.directions(rng, draws.begin(oracle, rng, kept))

    def _in_blocks(self, state: State, draws: Draws, kept: Bases | None) -> tuple[Surrogates, Bases | None]:
        """The estimates as sums over blocks, and the bases of all directions."""
        common = draws.begin(state.oracle, state.rng, kept)
        at = BlockState(state.z, state.v, state.x, state.k, state.oracle, state.rng)
        nothing = (np.zeros_like(state.z), np.zeros_like(state.z), np.zeros_like(state.x))
        total = Surrogates(*nothing, *nothing[1:])
        inner, outer = draws.b1 * draws.l1, draws.b2 * draws.l2
        for block, part, own in draws.parts(common):
            if block.directions.start == 0:  # other samples
                at.centres.clear()
            drawn = part.directions(state.rng, own)
            of_inner, of_outer = part.b1 * part.l1 / inner, part.b2 * part.l2 / outer
            found = self.surrogates(at, drawn) if of_inner else Surrogates(*nothing, *self.outer_surrogates(at, drawn))
            shares = (of_inner, of_inner, of_inner, of_outer, of_outer)
            total = Surrogates(*(s + share * mean for s, share, mean in zip(total, shares, found, strict=True)))
        return total, None if common.bases[0] is None else common.bases

    def values(
        self, level: str, state: State, points: Iterable[Points], entries: int, sample: Any, centres: dict[int, str]
    ) -> list[Array]:
        """Values of a level at sets of points (z, x), in this order, the largest array with so many entries.

        ``centres`` names those by number that no direction moves: asked for once an iteration and sample, whatever the
        blocks.
        """
        oracle = state.oracle
        if not isinstance(state, BlockState):
            return (oracle.inner_each if level == "inner" else oracle.outer_each)(points, entries, sample)
        query = oracle.inner if level == "inner" else oracle.outer
        found: list[Array] = []
        for i, (z, x) in enumerate(points):
            name = centres.get(i)
            if name is None:
                found.append(query(z, x, sample))
                continue
            if name not in state.centres:
                state.centres[name] = query(z, x, sample)
            found.append(state.centres[name])
        return found

    @abstractmethod
    def surrogates(self, state: State, directions: Directions) -> Surrogates:
        """The five finite-difference estimates at the state, along the given directions."""

    def outer_surrogates(self, state: State, directions: Directions) -> tuple[Array, Array]:
        """f_z and f_x: means of [f(z + h w, x) - f] / h w and of [f(z, x + eta u) - f] / eta u."""
        outer_w, outer_u = directions.outer_w, directions.outer_u
        if not outer_w.size:  # a block beyond the outer directions
            return np.zeros_like(state.z), np.zeros_like(state.x)
        f_w, f_u, f = self.outer_queries(state, directions)
        eta = self.outer_radius(state.oracle.p, state.oracle.d)
        return average(forward_difference(f_w, f, self.h), outer_w), average(forward_difference(f_u, f, eta), outer_u)

    def outer_queries(self, state: State, directions: Directions) -> tuple[Array, Array, Array]:
        """Values f(z + h w, x), f(z, x + eta u), f(z, x) of the outer surrogates."""
        oracle, sample = state.oracle, directions.outer_sample
        z, x = state.z[:, None, None, :], state.x[:, None, None, :]
        eta = self.outer_radius(oracle.p, oracle.d)

        def points() -> Iterator[Points]:
            yield z + self.h * directions.outer_w, x
            yield z, x + eta * directions.outer_u
            yield z, x

        size = max(directions.outer_w.size, directions.outer_u.size)
        f_w, f_u, f = self.values("outer", state, points(), size, sample, {2: "f"})
        return f_w, f_u, f


def tuned_ratio(p: int, d: int, curvature_ratio: float = 1.0) -> float:
    """Radius ratio r = h / eta with r^2 = curvature_ratio (d + 2) / (p + 2)."""
    return math.sqrt(curvature_ratio * (d + 2) / (p + 2))
