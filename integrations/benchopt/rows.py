"""A problem as what benchopt's bilevel benchmark calls a data set: two functions of rows, metrics and a start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.problem import BilevelProblem

__all__ = ["data_of"]


def data_of(problem: BilevelProblem, seed: int = 0) -> dict[str, Any]:
    """What ``Dataset.get_data`` returns there.

    Parameters
    ----------
    problem : BilevelProblem
    seed : int
        Of the start.

    Returns
    -------
    dict
        "pb_inner" and "pb_outer": (f, rows, dimension, f of all rows), f(inner_var, outer_var, start=0, batch_size=1)
        the mean over rows from start; a function without samples has one row. "metrics"(inner_var, outer_var): "value",
        |grad Psi(x)|^2 where the problem declares the hypergradient, else Psi(x) - min Psi, else F(z, x); and where
        known "value_func", Psi, and "inner_distance", |z*(x) - z|^2. "init_var"(key): the problem's start, whatever the
        key.

    The functions take and return numpy's arrays: solvers that differentiate them, as those in jax do, cannot.
    """
    z0, x0 = problem.initial_point(np.random.default_rng(seed))

    def metrics(inner_var: Any, outer_var: Any) -> dict[str, float]:
        z, x = np.asarray(inner_var, dtype=np.float64), np.asarray(outer_var, dtype=np.float64)
        found = {"value": _progress(problem, z, x)}
        if problem.value is not None:
            found["value_func"] = float(problem.value(x))
        if problem.inner_solution is not None:
            found["inner_distance"] = float(np.sum((problem.inner_solution(x) - z) ** 2))
        return found

    return {
        "pb_inner": (*_rows(problem.inner, problem.inner_samples), problem.p, problem.inner),
        "pb_outer": (*_rows(problem.outer, problem.outer_samples), problem.d, problem.outer),
        "metrics": metrics,
        "init_var": lambda key: (z0.copy(), x0.copy()),
    }


def _progress(problem: BilevelProblem, z: Array, x: Array) -> float:
    if problem.hypergradient is not None:
        return float(np.sum(problem.hypergradient(x) ** 2))
    if problem.value is not None and problem.minimum is not None:
        return float(problem.value(x) - problem.minimum)
    return float(problem.outer(z, x))


def _rows(function: Callable[..., Array], samples: int | None) -> tuple[Callable[..., np.float64], int]:
    """A function of rows, and their number."""
    rows = samples or 1

    def mean(inner_var: Any, outer_var: Any, start: int = 0, batch_size: int = 1) -> np.float64:
        z, x = np.asarray(inner_var, dtype=np.float64), np.asarray(outer_var, dtype=np.float64)
        if samples is None:
            return np.float64(function(z, x))
        first = min(max(int(start), 0), rows - int(batch_size))  # as jax's slices, which end with the last row
        return np.float64(np.mean(function(z, x, np.arange(first, first + int(batch_size)))))

    return mean, rows
