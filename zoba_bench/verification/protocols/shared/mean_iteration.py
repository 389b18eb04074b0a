"""The noise-free mean iteration: the solvers' own with exact derivatives in place of estimates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.problem import BilevelProblem

__all__ = ["mean_path", "transient_sum"]


def mean_path(problem: BilevelProblem, start: Sequence[Array], rho: float, gamma: float, iterations: int) -> Array:
    """The iterates x_0 ... x_K (K + 1, d) of the noise-free mean iteration, the solvers' own with exact derivatives.

    ``start`` is (z, v, x).
    """
    problem.require("inner_grad_z", "inner_hvp_zz", "inner_jvp_xz", "outer_grad_z", "outer_grad_x")
    z, v, x = start
    path = np.empty((iterations + 1, problem.d))
    path[0] = x
    for k in range(iterations):
        d_z = problem.inner_grad_z(z, x)  # type: ignore[misc]
        d_v = problem.inner_hvp_zz(z, x, v) + problem.outer_grad_z(z, x)  # type: ignore[misc]
        d_x = problem.inner_jvp_xz(z, x, v) + problem.outer_grad_x(z, x)  # type: ignore[misc]
        z, v, x = z - rho * d_z, v - rho * d_v, x - gamma * d_x
        path[k + 1] = x
    return path


def transient_sum(problem: BilevelProblem, gamma: float, c: float, iterations: int) -> Array:
    """gamma times the partial sums of |grad Psi(x_k)|^2 along the noise-free mean iteration.

    From the family's start with exact z and v. Its limit for small steps and c is Psi(x_0) - Psi*.
    """
    problem.require("hypergradient", "inner_solution", "adjoint")
    x = problem.initial_point(np.random.default_rng(0))[1]
    start = (problem.inner_solution(x), problem.adjoint(x), x)  # type: ignore[misc]
    gradient = problem.hypergradient(mean_path(problem, start, gamma / c, gamma, iterations - 1))  # type: ignore[misc]
    return gamma * np.cumsum(np.vecdot(gradient, gradient))
