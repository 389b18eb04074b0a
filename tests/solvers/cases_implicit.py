"""The implicit hypergradient by differences: what its curvature and steps must reach on quadratics, whatever the start.

F and G quadratic, Psi strongly convex. z follows z* up to the error of differences; v is exact along the one direction
that matters. With BFGS and steps that are not cut the gradient falls superlinearly, so that after 6 d + 20 iterations
what differences leave is all that is left: h L / 2 in each component of three gradients, rounding e / h, and 4 e / h2^2
of |v| in a product. Ten of these, through |C| / mu, bound |grad Psi|.
"""

from __future__ import annotations

import math

import numpy as np

from .case import Case


def left(problem) -> float:
    """The square of the bound on |grad Psi| that differences leave."""
    c, h, h2 = problem.constants, 1e-6, 1e-4
    x = problem.minimizer
    z = problem.inner_solution(x)
    values = 1.0 + abs(float(problem.inner(z, x))) + abs(float(problem.outer(z, x)))
    noise = 16 * np.finfo(float).eps * values
    v = 1.0 + float(np.linalg.norm(problem.adjoint(x)))
    slope = h * max(c.L_zz, c.m_zz, c.m_xx, c.L_xz) / 2 + 2 * noise / h
    product = 4 * noise / h2**2 * v
    through = 1.0 + c.L_xz / c.mu * (1.0 + c.m_zz / c.mu)
    return (10 * math.sqrt(problem.p + problem.d) * through * (slope + product)) ** 2


def case(problem: str, parameters: dict, **options: float | str) -> Case:
    return Case(
        "implicit", problem, "what differences leave, after BFGS has learnt the Hessian of Psi",
        lambda problem, result: result.history["stationarity"][-1], left, parameters, options,
        {"max_iterations": 6 * 6 + 20, "replicates": 2},
    )  # fmt: skip


CASES = [
    case("quad_general", {"p": 6, "d": 4}),
    case("quad_general", {"p": 3, "d": 2, "kappa": 2.0}, curvature="measured"),
    case("quad_tracking", {"p": 4, "d": 3, "kappa": 2.0}),
    case("quad_tracking", {"p": 6, "d": 6}, radius=1.0),
]
