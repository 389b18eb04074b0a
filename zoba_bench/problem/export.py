"""A problem as what other optimisers take: plain functions of points, or one objective with its gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from zoba_bench.arrays import Array, Vector

__all__ = ["Functions", "SingleLevel", "functions_of", "single_level_of"]

#: A BilevelProblem; its module imports this one.
Problem = Any
_FAR = 1e9  # a coordinate that a projection moves by less than this has no bound there


class Functions(NamedTuple):
    """The arguments of :func:`zoba_bench.minimize`, in its order: ``zb.minimize(*problem.as_functions())``.

    Attributes
    ----------
    outer, inner : callable(z, x) -> float
        F and G of one point z (p,), x (d,), the means over all samples; of many points z (n, p), x (n, d) n values.
        They can be pickled where the problem can.
    x0, z0 : (d,) and (p,) arrays
        The problem's start.
    """

    outer: Callable[..., Any]
    inner: Callable[..., Any]
    x0: Array
    z0: Array


@dataclass(frozen=True, eq=False)
class SingleLevel:
    """min Psi(x) over x, with its exact gradient: what remains of a problem where z*(x) is known in closed form.

    Attributes
    ----------
    problem : BilevelProblem
    x0 : (d,) array
        The problem's start.
    bounds : list of d pairs (low, high) with None for no bound, or None
        The box of x, as scipy takes it; None where x is free.
    """

    problem: Problem
    x0: Array
    bounds: list[tuple[float | None, float | None]] | None = None

    def fun(self, x: Vector) -> Any:
        """Psi(x): a float for x (d,), an array (...) for x (..., d)."""
        return _number(self.problem.value(np.asarray(x, dtype=np.float64)))

    def jac(self, x: Vector) -> Array:
        """grad Psi(x), of the shape of x."""
        return np.asarray(self.problem.hypergradient(np.asarray(x, dtype=np.float64)))

    def fun_and_jac(self, x: Vector) -> tuple[Any, Array]:
        """Psi(x) and its gradient, as scipy takes them with ``jac=True``."""
        return self.fun(x), self.jac(x)


@dataclass(frozen=True, eq=False)
class _Level:
    """F or G of points; an object, so that it can be pickled."""

    problem: Problem
    name: str
    draws: np.random.Generator | None = None  # of noise that the problem declares

    def __call__(self, z: Vector, x: Vector) -> Any:
        function = getattr(self.problem, self.name)
        values = function(np.asarray(z, dtype=np.float64), np.asarray(x, dtype=np.float64))
        if self.draws is not None:
            values = self.problem.capabilities.noise.applied(np.asarray(values), self.draws)
        return _number(values)


def functions_of(problem: Problem, seed: int) -> Functions:
    """See :meth:`BilevelProblem.as_functions`."""
    z0, x0 = problem.initial_point(np.random.default_rng(seed))
    noise = problem.capabilities.noise
    outer, inner = (None, None) if noise is None else noise.stream(np.random.default_rng(seed)).spawn(2)
    return Functions(_Level(problem, "outer", outer), _Level(problem, "inner", inner), x0, z0)


def single_level_of(problem: Problem, seed: int) -> SingleLevel:
    """See :meth:`BilevelProblem.as_single_level`."""
    problem.require("value", "hypergradient")
    x0 = problem.initial_point(np.random.default_rng(seed))[1]
    project = problem.capabilities.project_x
    if project is None:
        return SingleLevel(problem, x0)
    lower, upper = (_side(project, sign, problem.d) for sign in (-1.0, 1.0))
    points = np.random.default_rng(0).normal(scale=10.0, size=(64, problem.d))
    if not np.allclose(project(points), np.clip(points, lower, upper), rtol=1e-12, atol=1e-12):
        raise ValueError(
            f"problem {problem.name!r} restricts x to a set that is no box, which bounds cannot say; use its fun and "
            "jac with problem.capabilities.project_x, in a method that projects"
        )
    bounds = [(_end(low), _end(high)) for low, high in zip(lower, upper, strict=True)]
    return SingleLevel(problem, np.clip(x0, lower, upper), bounds)


def _side(project: Callable[[Array], Array], sign: float, d: int) -> Array:
    """The lower (-1) or upper (+1) ends of a box; infinite where there is none."""
    far = np.full(d, 2 * sign * _FAR)
    ends = np.asarray(project(far), dtype=np.float64)
    return np.where(np.abs(ends) > _FAR, sign * np.inf, ends)


def _end(value: float) -> float | None:
    """An end of an interval as scipy writes it: None where it is open."""
    return None if np.isinf(value) else float(value)


def _number(value: Any) -> Any:
    """A value of one point as one of Python's floats."""
    return float(value) if np.ndim(value) == 0 else value
