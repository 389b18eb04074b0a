"""What all solvers share: state, validation, what they need of a problem, ranges of stable steps."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array
from zoba_bench.oracle import DERIVATIVES, Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.suggestions import unknown

__all__ = [
    "NEEDS",
    "Solver",
    "State",
    "StepWarning",
    "batch_mean",
    "batch_sizes",
    "in_ball",
    "norms",
    "outer_range",
    "sqrt_decay",
    "step_range",
]


#: Needs that are no attribute of a problem, in words.
NEEDS = {
    "samples": "finite sums with derivatives of single samples",
    "batches": "derivatives of single samples where there are samples",
    "tasks": "a distribution of tasks",
}


class StepWarning(UserWarning):
    """A step size outside the range for which theory promises a stable iteration."""


@dataclass(frozen=True, eq=False)
class State:
    """Iterates z, v (R, p) and x (R, d) at iteration k, with what the next step needs.

    A solver with more to remember subclasses it. ``estimate`` (R,) is what a run's tolerance is compared with.
    """

    z: Array
    v: Array
    x: Array
    k: int
    oracle: Oracle
    rng: np.random.Generator
    estimate: Array | None = None


@dataclass(frozen=True)
class Solver(ABC):
    """An immutable configuration with ``init`` and ``step``; its fields are the algorithm's symbols.

    A base class for solvers, which meets most of the contract :class:`zoba_bench.contracts.Solver`.

    Attributes
    ----------
    name : str
    tolerance_quantity : str
        What ``State.estimate`` is.
    needs : tuple of str
        Attributes of a problem, or of its capabilities, without which the solver cannot run; "samples" stands for
        finite sums at both levels with derivatives of single samples, "batches" for the latter on any level that
        has samples.
    remedy : str
        What to try where a run diverges, in the solver's own options.
    cost_options : tuple of str
        Options that make an iteration cheaper when they are lowered.
    loop_options : tuple of str
        Options that are numbers of passes of a loop inside of one iteration, each of which evaluates something.
    changes_in_place : tuple of str
        Memories, too large to be copied, that a step changes in the state that it is given; that can then be advanced
        once. Never z, v or x.
    keeps_z : bool
        Whether the solver keeps z in the set Z of a problem that declares one; others refuse it.
    rate : str
        Whether a theorem of the solver's name derives how fast it converges: "derived" or "derived in part"; "quoted"
        where what is known is published elsewhere.
    """

    name: ClassVar[str]
    tolerance_quantity: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()
    remedy: ClassVar[str] = "lower the steps"
    cost_options: ClassVar[tuple[str, ...]] = ()
    loop_options: ClassVar[tuple[str, ...]] = ()
    changes_in_place: ClassVar[tuple[str, ...]] = ()
    keeps_z: ClassVar[bool] = False
    rate: ClassVar[str] = "quoted"

    @classmethod
    def option_names(cls) -> list[str]:
        """Names of the options, in order."""
        return [f.name for f in fields(cls)]

    def lacking(self, problem: BilevelProblem) -> list[str]:
        """What this configuration needs that the problem does not have, in words; empty where it can run."""
        missing = [words for need in self.requirements() if (words := _lacking(problem, need))]
        if problem.capabilities.project_z is not None and not self.keeps_z:
            missing.append(f"an inner problem without constraints; {problem.name} restricts z")
        return missing

    def requirements(self) -> tuple[str, ...]:
        """What this configuration needs: ``needs``, unless an option changes that."""
        return self.needs

    def check(self, problem: BilevelProblem) -> None:
        """Raise ValueError where the solver cannot run on the problem, naming what is missing."""
        missing = self.lacking(problem)
        if missing:
            raise ValueError(f"{self.name} needs " + ", and ".join(missing))

    def stable_steps(self, problem: BilevelProblem) -> Iterator[tuple[str, float, float, str]]:
        """Steps in use with the end of their stable range: (name, first value, end, the end in symbols).

        Of steps whose range is not known for the problem, nothing.
        """
        return iter(())

    @abstractmethod
    def init(self, oracle: Oracle, rng: np.random.Generator, z: Array, v: Array, x: Array) -> State:
        """State at iteration 0 from iterates z, v (R, p) and x (R, d)."""

    @abstractmethod
    def step(self, state: Any) -> State:
        """One iteration for all replicates."""


def _lacking(problem: BilevelProblem, need: str) -> str:
    title = problem.name
    if need == "samples":
        if problem.inner_samples is None or problem.outer_samples is None:
            return f"a finite-sum problem; {title} is deterministic"
        if not problem.capabilities.sampled_derivatives:
            return f"derivatives of single samples; {title} declares those of the means only"
        return ""
    if need == "batches":
        exact = problem.stochastic and not problem.capabilities.sampled_derivatives
        return f"derivatives of single samples; {title} declares those of the means only" if exact else ""
    if need == "tasks":
        return "" if problem.capabilities.tasks is not None else f"a distribution of tasks; {title} has none"
    owner = problem if hasattr(problem, need) else problem.capabilities
    if not hasattr(owner, need):
        raise ValueError(f"needs: {unknown('need', need, [*DERIVATIVES, *NEEDS])}")
    return "" if getattr(owner, need) is not None else f"{need}, which {title} does not declare"


def sqrt_decay(schedule: str, k: int) -> float:
    """The factor of a step at iteration k: 1 / sqrt(k + 1), or 1 for "constant"."""
    return 1.0 if schedule == "constant" else 1.0 / math.sqrt(k + 1)


def step_range(
    name: str, value: float, curvature: float | None, symbols: str, factor: float = 1.0
) -> Iterator[tuple[str, float, float, str]]:
    """A row of ``Solver.stable_steps``: the range (0, 2 / (factor curvature)); none where that is not known or endless.

    ``factor`` is E|X|^2 / |E X|^2 of an estimate X of the gradient whose noise vanishes with it.
    """
    if curvature is not None and curvature > 0:
        yield name, value, 2 / (factor * curvature), symbols


def outer_range(
    name: str, value: float, problem: BilevelProblem, symbols: str = "2 / L_Psi", factor: float = 1.0
) -> Iterator[tuple[str, float, float, str]]:
    """The range of the step of x where z and v follow it: that of a gradient step on Psi, see :func:`step_range`.

    None where L_Psi holds in a ball only, since a run may stay in a smaller one, and where the slopes of F are bounded,
    with which no step of x diverges.
    """
    c = problem.constants
    if math.isinf(c.radius) and None in (c.C_z, c.C_x):
        yield from step_range(name, value, problem.constants.L_Psi, symbols, factor)


def batch_mean(query: Callable[..., Array], *vectors: Array, sample: NDArray[np.int64] | None) -> Array:
    """A derivative (R, n) at points (R, n): the oracle's own where ``sample`` is None, else the mean over a batch.

    ``sample`` is what ``Oracle.draw_inner`` or ``draw_outer`` returns, (R, b, 1), or indices (R, b).
    """
    if sample is None:
        return query(*vectors)
    indices = sample[..., 0] if sample.ndim == 3 else sample
    mean: Array = query(*(vector[:, None, :] for vector in vectors), sample=indices).mean(axis=1)
    return mean


def batch_sizes(oracle: Oracle, b1: int | None, b2: int | None, published: tuple[int, int]) -> tuple[int, int]:
    """Samples of G and of F an iteration: ``None`` is the published number on a level with samples, else 1."""
    levels = (oracle.stochastic_inner, oracle.stochastic_outer)
    for name, batch, stochastic in zip(("b1", "b2"), (b1, b2), levels, strict=True):
        if batch is not None and batch > 1 and not stochastic:
            raise ValueError(f"{name}={batch}, but this level has no samples: use {name}=1 or leave it None")
    first, second = (
        batch if batch is not None else (default if stochastic else 1)
        for batch, default, stochastic in zip((b1, b2), published, levels, strict=True)
    )
    return first, second


def norms(vectors: Array) -> Array:
    """Euclidean norms (R,) of vectors (R, n)."""
    lengths: Array = np.sqrt(np.vecdot(vectors, vectors))
    return lengths


def in_ball(vectors: Array, radius: float | None) -> Array:
    """The nearest points (R, n) of the ball around 0; the vectors themselves where ``radius`` is None."""
    if radius is None:
        return vectors
    lengths = norms(vectors)[:, None]
    return vectors * np.where(lengths > radius, radius / np.maximum(lengths, radius), 1.0)


def __dir__() -> list[str]:
    return sorted(__all__)
