"""ZDSBA, ZMDSBA, the penalty method, PZOBO and HOZOG: exact rates of means, and descent in mean square.

Both follow from derived steps: on quadratics the mean of an iterate is the same iteration with exact derivatives; and
with the bias and the second moment of a direction the descent inequality bounds the stationarity of a run.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from zoba_bench.registry import make_solver

from .case import Case
from .two_loop_support import mean_step

SIGMAS = 4.0  # one-sided 3e-5


def start_of(problem):
    """z0 and x0 of a run with seed 0."""
    return problem.initial_point(np.random.default_rng(np.random.SeedSequence(0).spawn(2)[0]))


def mean_case(name: str, problem: str, parameters: dict[str, Any], iterations: int, **options: Any) -> Case:
    """|E x_K - x*| and |E x_K - y_K|, lower confidence limits over replicates, y_K being the exact iteration's."""
    if name != "pzobo":
        options = {"schedule": "constant", **options}

    def exact(built):
        z, x = start_of(built)
        v, solver = np.zeros_like(z), make_solver(name, **options)
        for k in range(iterations):
            z, v, x = mean_step(built, solver, z, v, x, k)
        return x

    def measured(built, result):
        spread = np.sqrt(result.x.var(axis=0).sum() / len(result.x))
        aims = np.stack([built.minimizer, exact(built)])
        return np.linalg.norm(result.x.mean(axis=0) - aims, axis=1) - SIGMAS * spread

    return Case(
        name, problem, "on quadratics E x_K is the iterate with exact derivatives, and so as near to x*",
        measured=measured, bound=lambda built: [np.linalg.norm(exact(built) - built.minimizer), 0.0],
        parameters=parameters, options=options, run={"max_iterations": iterations, "replicates": 64},
    )  # fmt: skip


# Descent in mean square. With g the mean of a direction D given the past, and a step of at most 1/L_Psi,
# E Psi(x+) <= Psi(x) - (step/2)(|grad Psi|^2 + (1 - step L)|g|^2 - |g - grad Psi|^2) + (L step^2/2) E|D - g|^2.


def gap(problem) -> float:
    return float(problem.value(start_of(problem)[1])) - problem.minimum


def pzobo_bound(options: dict[str, Any], iterations: int):
    """Where G is quadratic and F has slopes of at most C_z and C_x at z*.

    The variance is (d + 1)/Q times the square of the implicit term. Where F does not depend on x that term is g itself,
    and a step of 1 / (L (1 + (d + 1)/Q)) leaves nothing of it. All norms of the inner loop's distance e from z* are
    root mean squares, so that they may be added.
    """

    def bound(problem) -> float:
        s, c = make_solver("pzobo", **options), problem.constants
        L, step, noise = c.L_Psi, s.beta, (problem.d + 1) / s.Q
        rate = (1 - s.alpha * c.mu) ** s.N
        slope = (1 + rate) * c.k_z  # of the end of an inner run
        own = c.m_xx == c.m_xz == c.C_x == 0 and step * L * (1 + noise) <= 1
        assert s.alpha <= 2 / (c.mu + c.L_zz)
        assert step <= 1 / L
        z0, x0 = start_of(problem)
        e = rate * float(np.linalg.norm(z0 - problem.inner_solution(x0)))
        total = 0.0
        for _ in range(iterations):
            implicit = slope * (c.C_z + c.m_zz * e)
            bias = (c.m_xz + slope * c.m_zz) * e + rate * c.k_z * c.C_z
            total += bias**2 + (0.0 if own else L * step * noise * implicit**2)
            direction = math.hypot(c.C_x + c.m_xz * e + implicit, math.sqrt(noise) * implicit)
            e = rate * (e + c.k_z * step * direction)
        return 2 * gap(problem) / (step * iterations) + total / iterations

    return bound


def hozog_bound(options: dict[str, Any], iterations: int):
    """Where G and F are quadratic, with trainings from one point that end at a distance e of z*.

    The variance is (d - 1)/q |g|^2 and a term in eta^2; |g - grad Psi| <= a + b |grad Psi| because |e| and |v*| are
    bounded like that.
    """

    def bound(problem) -> float:
        s, c, d = make_solver("hozog", **options), problem.constants, problem.d
        L, step = c.L_Psi, s.gamma
        assert s.alpha <= 2 / (c.mu + c.L_zz)
        assert step * L * (1 + (d - 1) / s.q) <= 1
        rate = (1 - s.alpha * c.mu) ** s.inner_steps
        slope = (1 + rate) * c.k_z
        gradients = problem.hypergradient(np.concatenate([np.zeros((1, d)), np.eye(d)]))
        convexity = float(np.linalg.eigvalsh(gradients[1:] - gradients[0])[0])
        distance = float(np.linalg.norm(start_of(problem)[0] - problem.inner_solution(problem.minimizer)))
        a = rate * ((c.m_xz + slope * c.m_zz) * distance + c.k_z * c.L_zz * c.R_0)
        b = rate * ((c.m_xz + slope * c.m_zz) * c.k_z / convexity + c.k_z * c.L_zz * c.R_g)
        curvature = c.m_xx + 2 * c.m_xz * slope + c.m_zz * slope**2  # of the value after training
        radius = L * step * (s.eta * d * curvature) ** 2 / (4 * s.q)
        assert 2 * b**2 < 1
        return (2 * gap(problem) / (step * iterations) + 2 * a**2 + radius) / (1 - 2 * b**2)

    return bound


def descent_case(name: str, problem: str, parameters: dict[str, Any], iterations: int, **options: Any) -> Case:
    bound = {"pzobo": pzobo_bound, "hozog": hozog_bound}[name](options, iterations)
    return Case(
        name, problem, "the mean of |grad Psi|^2 over a run and over runs is at most what descent allows",
        # The bound is on the expectation: the mean over replicates, which concentrates far below a factor of 1.
        measured=lambda _, result: result.mean_stationarity.mean(),
        bound=bound, parameters=parameters, options=options, run={"max_iterations": iterations, "replicates": 32},
    )  # fmt: skip


GENERAL = ("quad_general", {"p": 3, "d": 2, "kappa": 2.0})
TRACKING = ("quad_tracking", {"p": 3, "d": 2, "kappa": 2.0, "lam": 1.0})
SADDLE = ("minimax_quad", {"p": 2, "d": 2})
LOOPS = {"t_k": 3, "b_k": 15, "beta": 0.2, "gamma": 0.05}

CASES = [
    mean_case("zdsba", *GENERAL, 60, **LOOPS, alpha=0.02),
    mean_case("zdsba", *TRACKING, 60, **LOOPS, alpha=0.01),
    mean_case("zdsba", *SADDLE, 60, **LOOPS, alpha=0.02),
    mean_case("zmdsba", *GENERAL, 30, **LOOPS, s_k=50, alpha=0.06),
    mean_case("zmdsba", *TRACKING, 30, **LOOPS, s_k=50, alpha=0.05),
    mean_case("zmdsba", *SADDLE, 30, **LOOPS, s_k=50, alpha=0.07),
    mean_case("zo-penalty", *GENERAL, 40, T_b=20, beta=0.2, lam=20.0, l=20, alpha=0.08),
    mean_case("zo-penalty", *TRACKING, 40, T_b=20, beta=0.2, lam=20.0, l=20, alpha=0.06),
    mean_case("zo-penalty", *SADDLE, 40, T_b=20, beta=0.25, lam=20.0, l=20, alpha=0.1),
    mean_case("pzobo", *GENERAL, 20, N=20, Q=10, alpha=1.0, beta=0.12),
    mean_case("pzobo", *TRACKING, 20, N=20, Q=10, alpha=1.0, beta=0.09),
    descent_case("pzobo", "reference", {"p": 3, "d": 2}, 100, N=5, Q=20, alpha=0.5, beta=0.1),
    descent_case("pzobo", "logistic_outer", {"p": 3, "d": 3}, 60, N=40, Q=10, alpha=1.8, beta=7.7),
    descent_case("hozog", *GENERAL, 100, q=5, eta=0.01, gamma=0.3, inner_steps=20, alpha=1.0),
    descent_case("hozog", *TRACKING, 100, q=5, eta=0.01, gamma=0.25, inner_steps=20, alpha=1.0),
    descent_case("hozog", "imaml_quad", {}, 100, q=5, eta=0.01, gamma=1.5, inner_steps=40, alpha=0.33),
]
