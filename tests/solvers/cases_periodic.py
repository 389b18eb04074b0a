"""SRBA, VRBO, IAPTT-GM and BOME: exact affine iterations, second moments of random ones, and a bound on the gap.

**BOME.** Let Q = G(z, x) - min over z of G, q its gradient and M a bound on |grad F|. The direction has
<d, q> >= eta |q|^2, and where that binds its part across q is that of grad F: |d|^2 <= M^2 + eta^2 |q|^2. With L the
largest curvature of Q, |q|^2 >= 2 mu Q and equal steps rho, Q falls to (1 - c) Q + L rho^2 M^2 / 2 at most,
c = 2 mu rho eta (1 - L rho eta / 2).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import zoba_bench as zb

from . import boxes_sampled as boxes
from . import linear_first_order as linear
from .boxes_first_order import Box
from .case import Case
from .cases_first_order_loops import GENERAL, MARKOV, SAMPLED, TRACKING, start_of, stationarity


def srba(parameters: dict[str, Any], iterations: int = 400) -> Case:
    """A pass in every iteration."""
    L_zz, L_Psi = zb.load_problem("quad_sum", **parameters).constants.require("L_zz", "L_Psi")
    rho, gamma = 1 / L_zz, 1 / (4 * L_Psi)

    def bound(problem: Any) -> float:
        p, box = problem.p, Box(problem)

        def step(w: np.ndarray) -> np.ndarray:
            now = w[:p], w[p : 2 * p], w[2 * p :]
            return np.concatenate(boxes.srba(box, now, now, (), True, rho, gamma, None, None)[0])

        z0, x0 = start_of(problem)
        map_ = linear.Affine.of(step, 2 * p + problem.d)
        return L_Psi * map_.remainder(np.concatenate([z0, 0 * z0, x0]), iterations)

    return Case(
        "srba", "quad_sum", "|grad Psi| ends at zero", measured=stationarity, bound=bound, parameters=parameters,
        options={"rho": rho, "ratio": rho / gamma, "period": 1}, run={"max_iterations": iterations},
    )  # fmt: skip


def vrbo_maps(problem: Any, options: dict[str, Any]) -> list[linear.Affine]:
    """One inner step after a pass: z moves along a correction over one sample of G, x along exact directions."""
    p, box, terms = problem.p, Box(problem), options["N"] + 1
    rho = options["rho"]

    def step(i: int) -> linear.Affine:
        def of(w: np.ndarray) -> np.ndarray:
            z, _, x, _, _ = boxes.vrbo(
                box, w[:p], w[p:], None, None, True, rho, rho / options["ratio"], 1, terms, options["eta"],
                lambda: [i], lambda: [0],
            )  # fmt: skip
            return np.concatenate([z, x])

        return linear.Affine.of(of, p + problem.d)

    return [step(i) for i in range(problem.inner_samples)]


def vrbo(parameters: dict[str, Any], iterations: int = 300) -> Case:
    """Passes in every iteration, one sample for a correction: its noise vanishes with the motion of x."""
    L_zz, L_Psi = zb.load_problem("quad_sum", **parameters).constants.require("L_zz", "L_Psi")
    options = {
        "rho": 0.3 / L_zz, "ratio": 4 * L_Psi * 0.3 / L_zz, "eta": 1 / L_zz, "N": 3, "inner_steps": 1, "period": 1,
        "b1": 1, "b2": 1,
    }  # fmt: skip

    def rest(problem: Any) -> np.ndarray:
        maps = vrbo_maps(problem, options)
        return linear.Affine(np.mean([a.M for a in maps], axis=0), np.mean([a.m for a in maps], axis=0)).fixed_point

    def bound(problem: Any) -> float:
        z0, x0 = start_of(problem)
        maps, point = vrbo_maps(problem, options), rest(problem)
        for a in maps:  # every one of them stands still there
            assert np.abs(a.M @ point + a.m - point).max() < 1e-10
        around = [linear.Affine(a.M, np.zeros_like(a.m)) for a in maps]
        _, second = linear.moments(around, np.concatenate([z0, x0]) - point, iterations)
        return MARKOV * float(np.trace(second[problem.p :, problem.p :])) + maps[0].rounding(point) ** 2

    return Case(
        "vrbo", "quad_sum", "the mean of |x_K - x_rest|^2 has the expectation of the exact second moments",
        measured=lambda problem, result: np.mean(np.sum((result.x - rest(problem)[problem.p :]) ** 2, axis=1)),
        bound=bound, parameters=parameters, options=options, run={"max_iterations": iterations, "replicates": 4},
    )  # fmt: skip


def bome(p: int, d: int, rho: float = 0.01, eta: float = 0.5, iterations: int = 800) -> Case:
    """On ``reference`` one step of 1/L_zz = 1/mu solves the inner problem, so that q is exact."""

    def bound(problem: Any) -> float:
        c = problem.constants
        assert c.mu == c.L_zz == 1
        L, M = c.L_zz + c.L_xz**2 / c.mu, math.hypot(c.C_z, c.C_x)
        shrink = 2 * c.mu * rho * eta * (1 - L * rho * eta / 2)
        z0, x0 = start_of(problem)
        return (1 - shrink) ** iterations * gap(problem, z0, x0) + L * rho**2 * M**2 / (2 * shrink)

    def gap(problem: Any, z: np.ndarray, x: np.ndarray) -> Any:
        return problem.inner(z, x) - problem.inner(problem.inner_solution(x), x)

    return Case(
        "bome", "reference", "the gap ends below L rho^2 M^2 / (2 c) and what is left of its start",
        measured=lambda problem, result: gap(problem, result.z, result.x), bound=bound, parameters={"p": p, "d": d},
        options={"rho": rho, "alpha": 1.0, "inner_steps": 1, "eta": eta}, run={"max_iterations": iterations},
    )  # fmt: skip


def iaptt(name: str, parameters: dict[str, Any], iterations: int = 600) -> Case:
    """A path of one step, which is cut nowhere else: descent on the quadratic F(y_0 - alpha G_z(y_0, x), x)."""
    built = zb.load_problem(name, **parameters)
    alpha = 0.5 / built.constants.require("L_zz")[0]

    def iteration(problem: Any, gamma: float) -> linear.Affine:
        box, p = Box(problem), problem.p

        def step(w: np.ndarray) -> np.ndarray:
            _, x, start, _ = boxes.iaptt(box, w[:p], w[p:], alpha, gamma, 1)
            return np.concatenate([start, x])

        return linear.Affine.of(step, p + problem.d)

    curvature = np.linalg.eigvalsh(np.eye(built.p + built.d) - iteration(built, 1.0).M)
    assert curvature[0] > 0.0
    gamma = float(0.5 / curvature[-1])

    def bound(problem: Any) -> float:
        return iteration(problem, gamma).remainder(np.concatenate(start_of(problem)), iterations)

    return Case(
        "iaptt-gm", name, "x ends where the gradient of F(y_1(x, y_0), x) vanishes",
        measured=lambda problem, result: np.linalg.norm(
            result.x - iteration(problem, gamma).fixed_point[problem.p :], axis=1
        ),
        bound=bound, parameters=parameters, options={"alpha": alpha, "gamma": gamma, "inner_steps": 1},
        run={"max_iterations": iterations},
    )  # fmt: skip


CASES = [
    *(iaptt(*row) for row in (GENERAL, ("quad_general", {"p": 2, "d": 3, "kappa": 2.0}), TRACKING)),
    *(srba(parameters) for parameters in SAMPLED),
    *(vrbo(parameters) for parameters in SAMPLED),
    *(bome(p, d) for p, d in ((3, 2), (2, 2), (2, 4))),
]
