"""Numbers from functions alone: differences with an estimate of their error, and points to take them at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array
from zoba_bench.problem import BilevelProblem

__all__ = [
    "SECOND_STEP",
    "STEP",
    "Field",
    "Measured",
    "along",
    "axes",
    "columns",
    "derivative",
    "inside",
    "points",
    "secant",
    "second_difference",
    "settle",
    "slopes",
]


EPS = float(np.finfo(np.float64).eps)
#: Of first differences: truncation below 1e-9 for functions of scale one, rounding 1e-13.
STEP = 1e-3
#: Of second differences and of differences of differences, whose rounding grows faster.
SECOND_STEP = 1e-2
# Rounding of one evaluation, in units of the last place of the largest value met.
_ULPS = 64
_FEW_AXES = 32


class Measured(NamedTuple):
    """Values and, entry by entry, what they may be off by."""

    value: Array
    error: Array


def derivative(function: Callable[[float], Any], step: float = STEP, noise: float = 0.0) -> Measured:
    """Derivative at 0 by fourth-order central differences.

    The error is the difference from twice the step, about 15 times the truncation error (and large at a kink),
    and rounding; ``noise`` is the error of the function's own values.
    """
    f = {k: np.asarray(function(k * step), dtype=np.float64) for k in (-4, -2, -1, 1, 2, 4)}
    fine = (8 * (f[1] - f[-1]) - (f[2] - f[-2])) / (12 * step)
    coarse = (8 * (f[2] - f[-2]) - (f[4] - f[-4])) / (24 * step)
    return Measured(fine, np.abs(fine - coarse) + (_rounding(f) + noise) / step)


def secant(function: Callable[[float], Any], step: float = STEP, noise: float = 0.0) -> Measured:
    """(f(step) - f(-step)) / (2 step): its norm is at most the Lipschitz constant of f; the error is rounding alone."""
    f = {k: np.asarray(function(k * step), dtype=np.float64) for k in (-1, 1)}
    value = (f[1] - f[-1]) / (2 * step)
    return Measured(value, np.full(value.shape, (_rounding(f) + noise) / step))


def second_difference(function: Callable[[float], Any], step: float = SECOND_STEP, noise: float = 0.0) -> Measured:
    """(f(step) - 2 f(0) + f(-step)) / step^2: at most the Lipschitz constant of f'; the error is rounding alone."""
    f = {k: np.asarray(function(k * step), dtype=np.float64) for k in (-1, 0, 1)}
    value = (f[1] - 2 * f[0] + f[-1]) / step**2
    return Measured(value, np.full(value.shape, 4 * (_rounding(f) + noise) / step**2))


def _rounding(values: dict[int, Array]) -> float:
    sizes = np.abs(np.concatenate([v.ravel() for v in values.values()]))
    finite = sizes[np.isfinite(sizes)]
    return _ULPS * EPS * float(finite.max(initial=0.0))


def axes(n: int, rng: np.random.Generator) -> Array:
    """Directions (m, n) along which vectors are compared: all coordinates, or 16 random ones where n is large."""
    if n <= _FEW_AXES:
        return np.eye(n)
    chosen: Array = rng.standard_normal((16, n)) / np.sqrt(n)
    return chosen


Field = Callable[[Array, Array], Measured]


def slopes(problem: BilevelProblem, level: str, variable: str, directions: Array, declared: bool = True) -> Field:
    """Slopes (n, m) of G or F in z or x along ``directions`` (m, size).

    From the declared gradient where there is one and ``declared`` allows it, else by differences.
    """
    gradient = getattr(problem, f"{level}_grad_{variable}")
    if declared and gradient is not None:

        def exact(z: Array, x: Array) -> Measured:
            value = np.asarray(gradient(z, x), dtype=np.float64) @ directions.T
            return Measured(value, np.zeros_like(value))

        return exact
    function, in_z = getattr(problem, level), variable == "z"

    def numeric(z: Array, x: Array) -> Measured:
        def moved(axis: Array, t: float) -> Any:
            return function(z + t * axis, x) if in_z else function(z, x + t * axis)

        return columns(derivative(partial(moved, axis)) for axis in directions)

    return numeric


def columns(listed: Iterable[Measured]) -> Measured:
    """Measured values side by side, along a new last axis."""
    every = list(listed)
    return Measured(np.stack([m.value for m in every], axis=-1), np.stack([m.error for m in every], axis=-1))


def along(field: Field, z: Array, x: Array, dz: Array | None, dx: Array | None, exact: bool) -> Measured:
    """Derivative of a field at (z, x) along (dz, dx), with larger steps where the field is itself a difference."""
    noise = 0.0 if exact else float(np.max(field(z, x).error, initial=0.0))

    def at(t: float) -> Array:
        return field(z if dz is None else z + t * dz, x if dx is None else x + t * dx).value

    return derivative(at, STEP if exact else SECOND_STEP, noise)


def points(problem: BilevelProblem, rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """Random z (n, p) and x (n, d) near the origin, in the declared radius and region."""
    direction = rng.standard_normal((n, problem.d))
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    reach = min(problem.constants.radius, 2.0)
    x = reach * rng.uniform(0, 1, (n, 1)) * direction
    z = min(problem.constants.radius, 1.0) * rng.uniform(-0.5, 0.5, (n, problem.p))
    return settle(problem, z, x)


def settle(problem: BilevelProblem, z: Array, x: Array) -> tuple[Array, Array]:
    """The points, moved into the declared radius and region where they are outside.

    A region says where z may be; without one the radius is for z too.
    """
    radius = problem.constants.radius
    if np.isfinite(radius):
        x = _shortened(x, radius)
    if problem.region is not None:
        return problem.region(z, x)
    return (_shortened(z, radius) if np.isfinite(radius) else z), x


def _shortened(vectors: Array, radius: float) -> Array:
    short: Array = vectors / np.maximum(1.0, np.linalg.norm(vectors, axis=-1, keepdims=True) / radius)
    return short


def inside(problem: BilevelProblem, z: Array, x: Array) -> NDArray[np.bool_]:
    """Which points lie in the declared radius and region."""
    there_z, there_x = settle(problem, z, x)
    moved = np.maximum(np.abs(there_z - z).max(axis=-1), np.abs(there_x - x).max(axis=-1))
    found: NDArray[np.bool_] = moved <= 1e-12 * (1 + np.abs(x).max(axis=-1) + np.abs(z).max(axis=-1))
    return found
