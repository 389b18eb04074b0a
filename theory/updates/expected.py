"""What an update is: the mean of the next state given this one, and how far the method's own bias may move it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.problem import BilevelProblem

__all__ = [
    "Expected", "State", "Update", "chosen", "decay", "is_affine", "projected", "require_affine_projection", "rounding",
]  # fmt: skip

#: Iterates z, v (p,), x (d,) and what else a method remembers, by dotted names, and the iteration number "k".
State = Mapping[str, Any]

_UNIT = float(np.finfo(float).eps)


@dataclass(frozen=True)
class Expected:
    """The mean of the next state, block by block.

    Attributes
    ----------
    mean : mapping
        Block name -> array, the mean of one iteration with exact derivatives.
    bounds : mapping, or function that returns it
        The bias, or how it is found where that takes longer than the mean itself.
    still : frozenset of str
        Blocks that have no noise at this state: every draw brings them to the mean, within their bias.
    """

    mean: Mapping[str, Array]
    bounds: Mapping[str, Any] | Callable[[], Mapping[str, Any]] = field(default_factory=dict)
    still: frozenset[str] = frozenset()

    @cached_property
    def bias(self) -> Mapping[str, Any]:
        """Block name -> bound on the distance of the method's own mean from ours, for each coordinate or for all.

        It is what finite differences and rounding leave. A block without one has none but rounding.

        Raises
        ------
        ValueError
            Where the mean is not known to be the method's: over samples, it is on quadratic F and G.
        """
        return self.bounds() if callable(self.bounds) else self.bounds


def _no_memory(problem: BilevelProblem, options: Mapping[str, Any], z: Array, v: Array, x: Array) -> dict[str, Array]:
    return {"z": z, "v": v, "x": x}


@dataclass(frozen=True)
class Update:
    """The expected update of one method.

    Attributes
    ----------
    step : callable(problem, options, state) -> Expected
        ``options`` are those that differ from the published ones.
    published : mapping
        Every option of the method with its published value.
    initial : callable(problem, options, z, v, x) -> mapping
        The state at iteration 0, block by block.
    initial_bias : callable(problem, options, z, v, x) -> mapping, or None
        Block name -> bound on what measuring a block at the start leaves; a block without one has rounding alone.
    radii : callable(problem, options, state) -> mapping, or None
        "z" and "x" -> how far apart neighbouring queries are, as the root of the mean square of one coordinate. A block
        that is not named may move otherwise; None where the box states no radius.
    """

    step: Callable[[BilevelProblem, Mapping[str, Any], State], Expected]
    published: Mapping[str, Any]
    initial: Callable[..., Mapping[str, Array]] = _no_memory
    initial_bias: Callable[..., Mapping[str, float]] | None = None
    radii: Callable[[BilevelProblem, Mapping[str, Any], State], Mapping[str, tuple[float, ...]]] | None = None


def chosen(options: Mapping[str, Any], published: Mapping[str, Any]) -> dict[str, Any]:
    """Published options with those that a claim chooses in their place.

    Raises
    ------
    ValueError
        For an option that the method does not have.
    """
    unknown = sorted(set(options) - set(published))
    if unknown:
        raise ValueError(f"options {unknown} are none of this method's: {', '.join(published)}")
    return {**published, **options}


def projected(problem: BilevelProblem, x: Array) -> Array:
    """The nearest point of X, and x itself where the problem has no X."""
    project = problem.capabilities.project_x
    return x if project is None else np.asarray(project(x[None]))[0]


def is_affine(problem: BilevelProblem) -> bool:
    """Whether X is a plane, or all of R^d: then the mean of a projection is the projection of the mean.

    On another closed convex set P(a) + P(b) = 2 P((a + b)/2) fails for some a and b. Of those that are tried, some are
    near 0 and some far.
    """
    project = problem.capabilities.project_x
    if project is None:
        return True
    rng, sizes = np.random.default_rng(4), np.array([0.1, 1.0, 10.0, 100.0]).repeat(4)[:, None]
    a, b = (sizes * rng.standard_normal((16, problem.d)) for _ in range(2))
    off = project(a) + project(b) - 2 * project((a + b) / 2)
    return bool(np.all(np.abs(off) <= 1e-9 * (1 + np.abs(a).max())))


def require_affine_projection(problem: BilevelProblem) -> None:
    """Raise ValueError where x is projected onto another set than a plane, after a step with noise."""
    if not is_affine(problem):
        raise ValueError(
            f"the mean of a projected step with noise is known on planes, and {problem.name} has another X"
        )


def rounding(problem: BilevelProblem, steps: int, *sizes: Array) -> float:
    """Bound on the rounding error of a sequence of ``steps`` non-expansive steps through vectors of these sizes.

    A sum of n products is rounded by n units at most; a step takes two such sums and adds to a vector.
    """
    largest = max([1.0, *(float(np.max(np.abs(size))) for size in sizes)])
    return 64 * _UNIT * (steps + 1) * (problem.p + problem.d) * largest


def decay(schedule: str, k: int) -> float:
    """The factor of a step: 1/sqrt(k + 1), or 1 for constant steps."""
    return 1.0 if schedule == "constant" else float((k + 1) ** -0.5)
