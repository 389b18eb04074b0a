"""Tilted problems: the way to noise at the solution where v* = 0 there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from zoba_bench.problem import BilevelProblem

STEP = 1e-4


def tilted_by_hand(problem: BilevelProblem, b=None) -> BilevelProblem:
    """F + b'(z - z*(x)): Psi is the same, and v* becomes v* - G_zz^-1 b.

    The Jacobian of z* is -G_zz^-1 G_zx; its derivatives, for the Hessian of F, are central differences of it.
    """
    p, d = problem.p, problem.d
    if b is None:
        b = np.zeros(p)
        b[0], b[-1] = 0.5, -0.5

    def solve(x, right):
        z = problem.inner_solution(x)
        flat_z, flat_x = z.reshape(-1, p), x.reshape(-1, d)
        a = np.array([problem.inner_hessian(one, two)[0] for one, two in zip(flat_z, flat_x, strict=True)])
        found = np.linalg.solve(a, np.broadcast_to(right, z.shape).reshape(-1, p)[..., None])[..., 0]
        return found.reshape(z.shape)

    def pulled(x):
        """(dz*/dx)' b."""
        return -problem.inner_jvp_xz(problem.inner_solution(x), x, solve(x, b))

    def outer_hessian(z, x):
        zz, xz, xx = problem.outer_hessian(z, x)
        steps = STEP * np.eye(d)
        slopes = np.array(
            [(8 * (pulled(x + e) - pulled(x - e)) - pulled(x + 2 * e) + pulled(x - 2 * e)) for e in steps]
        )
        bend = slopes / (12 * STEP)
        return zz, xz, xx - (bend + bend.T) / 2

    return replace(
        problem,
        name=f"{problem.name} tilted",
        outer=lambda z, x, sample=None: problem.outer(z, x) + np.vecdot(z - problem.inner_solution(x), b),
        adjoint=lambda x: problem.adjoint(x) - solve(x, b),
        outer_grad_z=lambda z, x: problem.outer_grad_z(z, x) + b,
        outer_grad_x=lambda z, x: problem.outer_grad_x(z, x) - pulled(x),
        outer_hessian=outer_hessian,
    )


def solution_of(problem: BilevelProblem):
    """(z*, v*, x*) at the minimiser."""
    x = problem.minimizer
    return problem.inner_solution(x), problem.adjoint(x), x


def mean_direction(problem: BilevelProblem, s):
    """(D_z, D_v, D_x) at s = (z, v, x), written from the definition."""
    p = problem.p
    z, v, x = s[:p], s[p : 2 * p], s[2 * p :]
    return np.concatenate(
        [
            problem.inner_grad_z(z, x),
            problem.inner_hvp_zz(z, x, v) + problem.outer_grad_z(z, x),
            problem.inner_jvp_xz(z, x, v) + problem.outer_grad_x(z, x),
        ]
    )
