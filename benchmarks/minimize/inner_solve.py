"""Psi(x) for methods that know one level only: an inner solve by L-BFGS with differences, then F."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize

from .referee import Task

__all__ = ["Psi", "central", "first_step", "inner_solve", "size"]

Array = np.ndarray
_ROUNDING = 10 * 2.0**-52


def first_step(noise: float) -> float:
    """Step of central first differences that balances noise and third derivatives of 1."""
    return float((3 * max(noise, _ROUNDING)) ** (1 / 3))


def central(function: Callable[[Array], float], at: Array, step: float) -> Array:
    """Gradient (n,) by 2 n values; the step is relative to points whose greatest coordinate is above 1."""
    step = step * size(at)
    shifts = step * np.eye(len(at))
    return np.array([function(at + s) - function(at - s) for s in shifts]) / (2 * step)


def size(at: Array) -> float:
    """What steps of differences are relative to, as in scipy: the greatest coordinate or 1."""
    return max(1.0, float(np.abs(at).max()))


def inner_solve(task: Task, x: Array, z: Array) -> Array:
    """z*(x) from z by scipy's L-BFGS-B to a gradient of 1e-6, or as far as the noise allows.

    Forward differences where values are exact, central ones with the right step where the noise is known.
    """
    noise = task.noise_inner
    step = first_step(noise)
    found = minimize(
        lambda a: task.inner(a, x), z, method="L-BFGS-B",
        jac=(lambda a: central(lambda b: task.inner(b, x), a, step)) if noise else "2-point",
        # A decrease of the value ends it only where the gradient does not: BFGS on x needs values that agree.
        options={"gtol": max(1e-6, 2 * noise / step if noise else 0.0), "ftol": 1e-12},
    )  # fmt: skip
    return np.asarray(found.x)


class Psi:
    """Psi from values, each inner solve started where the last one ended; remembers its least value."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.z = task.z0
        self.best, self.x = np.inf, task.x0

    def __call__(self, x: Array) -> float:
        """Psi at x (d,)."""
        x = np.array(x, dtype=np.float64)
        self.z = inner_solve(self.task, x, self.z)
        value = self.task.outer(self.z, x)
        if value < self.best:
            self.best, self.x = value, x
        return value
