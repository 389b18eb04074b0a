"""SOBA, SABA, F2SA, MEHA, FedNest: certified bounds, exact second moments, and biases of exact affine iterations.

On quadratics each deterministic iteration is affine, w -> M w + m. Where it ends follows from M, m and the
derived bias of its fixed point; how far it still is, from a power of M.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import zoba_bench as zb
from zoba_bench.registry import make_solver, theorem

from . import boxes_first_order as boxes
from . import linear_first_order as linear
from .boxes_first_order import Box
from .case import Case

REFERENCE = ("reference", {"p": 3, "d": 2})
GENERAL = ("quad_general", {"p": 3, "d": 2, "kappa": 2.0})
TRACKING = ("quad_tracking", {"p": 3, "d": 2, "kappa": 2.0, "lam": 1.0})
#: v* = 0, so that nothing is left of the biases.
MINIMAX = ("minimax_quad", {"p": 3, "d": 2})

#: Of a mean over runs: at most 1/100 of all seeds exceed its expectation by this factor (Markov's inequality).
MARKOV = 100.0


def start_of(problem: Any) -> tuple[np.ndarray, np.ndarray]:
    """The start that ``zb.solve`` takes with seed 0."""
    return problem.initial_point(np.random.default_rng(np.random.SeedSequence(0).spawn(2)[0]))


def stationarity(problem: Any, result: Any) -> np.ndarray:
    return np.linalg.norm(problem.hypergradient(result.x), axis=-1)


def biased(problem: Any, slope: float) -> float:
    """The largest |grad Psi| = g with g <= slope |v*| and |v*| <= R_0 + R_g g."""
    R_0, R_g = problem.constants.require("R_0", "R_g")
    assert slope * R_g < 1
    return slope * R_0 / (1 - slope * R_g)


# SOBA


def soba_exact(name: str, parameters: dict[str, Any], iterations: int = 300) -> Case:
    """Steps of the theorem's plan; for samples the plan of their mean."""

    def start(built: Any) -> dict[str, float]:
        z0, x0 = start_of(built)
        return {
            "gap": float(built.value(x0)) - built.minimum,
            "z_error": float(np.linalg.norm(z0 - built.inner_solution(x0))),
            "v_error": float(np.linalg.norm(built.adjoint(x0))),
        }

    built = zb.load_problem(name, **parameters)
    plan = theorem("soba").plan(built.constants, built.p, built.d, 0.1, start(built))
    options = {"rho": plan.rho, "ratio": plan.rho / plan.gamma, "schedule": "constant"}

    def bound(problem: Any) -> float:
        configured = make_solver("soba", **options)
        return theorem("soba").bound(problem.constants, problem.p, problem.d, configured, iterations, start(problem))

    return Case(
        "soba", name, "the mean of |grad Psi|^2 over a run is at most the certified bound (theorem soba)",
        measured=lambda _, result: result.mean_stationarity, bound=bound, parameters=parameters, options=options,
        run={"max_iterations": iterations},
    )  # fmt: skip


# SOBA and SABA on samples: w = (z, v, x), one sample of each level a step.

SAMPLED: tuple[dict[str, Any], ...] = (
    {"p": 2, "d": 1, "n_inner": 4, "n_outer": 3, "mu": 0.5, "seed": 1},
    {"p": 1, "d": 2, "n_inner": 4, "n_outer": 2, "mu": 0.5, "seed": 2},
    {"p": 1, "d": 1, "n_inner": 3, "n_outer": 3, "mu": 0.5, "seed": 5},
)


def sampled(solver: str, parameters: dict[str, Any], iterations: int, replicates: int = 4) -> Case:
    """Steps rho = 0.3 / L_zz, gamma = rho / 2."""
    rho = 0.3 / zb.load_problem("quad_sum", **parameters).constants.L_zz

    def bound(problem: Any) -> float:
        if solver == "soba":
            maps = [linear.soba_map(q, rho, rho / 2) for q in linear.of_samples(problem).values()]
        else:
            maps = linear.saba_maps(problem, rho, rho / 2)
        z0, x0 = start_of(problem)
        return MARKOV * linear.square_distance(problem, maps, z0, x0, iterations)

    options: dict[str, Any] = {"rho": rho, "ratio": 2.0, "b1": 1, "b2": 1}
    if solver == "soba":
        options["schedule"] = "constant"
    return Case(
        solver, "quad_sum", "the mean of |x_K - x*|^2 has the expectation of the exact second moments",
        measured=lambda problem, result: np.mean(np.sum((result.x - problem.minimizer) ** 2, axis=1)), bound=bound,
        parameters=parameters, options=options, run={"max_iterations": iterations, "replicates": replicates},
    )  # fmt: skip


# F2SA: w = (z, y, x)


def f2sa(name: str, parameters: dict[str, Any], lam: float, iterations: int) -> Case:
    """Constant steps 1/L_zz, 1/(m_zz + lam L_zz) and 1/(2 L_Psi) of z, y and x, constant lam."""
    constants = zb.load_problem(name, **parameters).constants
    L_zz, m_zz, L_Psi = constants.require("L_zz", "m_zz", "L_Psi")
    alpha, gamma = 1 / (m_zz + lam * L_zz), 1 / L_zz
    options = {
        "alpha": alpha, "gamma": gamma, "xi": 1 / (2 * L_Psi * alpha), "lam": lam, "inner_steps": 5,
        "alpha_exponent": 0.0, "gamma_exponent": 0.0,
    }  # fmt: skip

    def bound(problem: Any) -> float:
        found = f2sa_iteration(problem, options)
        z0, x0 = start_of(problem)
        remainder = found.remainder(np.concatenate([z0, z0, x0]), iterations)
        return biased(problem, linear.penalty_slope(problem.constants, lam)) + L_Psi * remainder

    return Case(
        "f2sa", name, "|grad Psi| ends below the derived error of the penalty hypergradient (theorem zo-penalty)",
        measured=stationarity, bound=bound, parameters=parameters, options=options,
        run={"max_iterations": iterations},
    )  # fmt: skip


def f2sa_iteration(problem: Any, options: dict[str, Any]) -> linear.Affine:
    p = problem.p

    def step(w: np.ndarray) -> np.ndarray:
        z, _, x, y, _ = boxes.f2sa(
            Box(problem), w[:p], w[p : 2 * p], w[2 * p :], options["alpha"], options["gamma"], options["xi"],
            options["lam"], options["inner_steps"], lambda: None, lambda: None,
        )  # fmt: skip
        return np.concatenate([z, y, x])

    return linear.Affine.of(step, 2 * p + problem.d)


# MEHA: w = (y, theta, x)


def meha_iteration(problem: Any, options: dict[str, float], k: int = 0) -> linear.Affine:
    p, c = problem.p, options["c"] * (k + 1) ** options["power"]

    def step(w: np.ndarray) -> np.ndarray:
        y, _, x, theta, _ = boxes.meha(
            Box(problem), w[2 * p :], w[:p], w[p : 2 * p], options["alpha"], options["beta"], options["eta"],
            options["gamma"], c,
        )  # fmt: skip
        return np.concatenate([y, theta, x])

    return linear.Affine.of(step, 2 * p + problem.d)


def meha_start(problem: Any) -> np.ndarray:
    z0, x0 = start_of(problem)
    return np.concatenate([z0, z0, x0])


def meha_quadratic(name: str, parameters: dict[str, Any], iterations: int, c: float = 20.0) -> Case:
    """Constant c_k = c, gamma = 1/mu, one over the curvature of psi_c in each block as the steps."""
    constants = zb.load_problem(name, **parameters).constants
    mu, L_zz, L_xz, L_Psi, m_zz, m_xx = constants.require("mu", "L_zz", "L_xz", "L_Psi", "m_zz", "m_xx")
    moreau = 1 / mu
    options = {
        "alpha": 1 / (m_xx / c + L_xz**2 / (mu + 1 / moreau)), "beta": 1 / (m_zz / c + L_zz),
        "eta": 1 / (L_zz + 1 / moreau), "gamma": moreau, "c": c, "power": 0.0,
    }  # fmt: skip

    def bound(problem: Any) -> float:
        remainder = meha_iteration(problem, options).remainder(meha_start(problem), iterations)
        return biased(problem, linear.envelope_slope(problem.constants, c, moreau)) + L_Psi * remainder

    return Case(
        "meha", name, "|grad Psi| ends below the derived bias of the envelope at constant c_k",
        measured=stationarity, bound=bound, parameters=parameters, options=options,
        run={"max_iterations": iterations},
    )  # fmt: skip


def meha_merely_convex(d: int, iterations: int) -> Case:
    """The published gamma, c, power. x = y1 = y2 = e is the fixed point for every c_k (theorem meha)."""
    options = {"alpha": 0.5, "beta": 0.5, "eta": 0.5, "gamma": 5.0, "c": 0.6, "power": 0.49}

    def bound(problem: Any) -> float:
        solution = np.ones(2 * problem.p + problem.d)
        product = np.eye(len(solution))
        for k in range(iterations):
            found = meha_iteration(problem, options, k)
            assert np.abs(found.M @ solution + found.m - solution).max() < 1e-14
            product = found.M @ product
        error = meha_start(problem) - solution
        return float(np.linalg.norm(product, 2) * np.linalg.norm(error)) + found.rounding(meha_start(problem))

    return Case(
        "meha", "bda_lls", "|x_K - e| is at most what the product of the exact iterations leaves",
        measured=lambda problem, result: np.linalg.norm(result.x - 1, axis=1), bound=bound, parameters={"d": d},
        options=options, run={"max_iterations": iterations},
    )  # fmt: skip


def meha_non_smooth(d: int, iterations: int) -> Case:
    """Constant c_k = c: z ends (1 + 1/gamma)/c below z* in the half where z* = -1/d, and at 0 in the other.

    There F_z = 1, f_z = z - a and x = 0, so that theta - a = (z - theta)/gamma and 1/c + z - a = (z - theta)/gamma.
    On its last piece the iteration is affine; that it gets there in half of the iterations is part of the test.
    """
    options = {"alpha": 0.5, "beta": 0.3, "eta": 0.5, "gamma": 2.0, "c": 10.0 * d, "power": 0.0}

    def bound(problem: Any) -> float:
        beta, eta, pull, c = options["beta"], options["eta"], 1 / options["gamma"], options["c"]
        theta = np.array([1 - eta * (1 + pull), eta * pull])
        z = np.array([0.0, 1 - beta * (1 - pull)]) - beta * pull * theta
        slowest = max(abs(np.linalg.eigvals(np.stack([theta, z]))))
        # In the other half z = 0 and x -> 1/d at the rate 1 - alpha eta (or that of theta).
        left = np.linalg.norm(np.linalg.matrix_power(np.stack([theta, z]), iterations // 2), 2)
        assert slowest < 1
        rounding = 64 * float(np.finfo(np.float64).eps)
        return math.sqrt(d / 2) * ((1 + pull) / c + left + rounding)

    return Case(
        "meha", "l1_meha", "|z - z*| ends at the derived bias sqrt(d/2) (1 + 1/gamma) / c",
        measured=lambda problem, result: np.linalg.norm(
            result.z - np.where(np.arange(d) < d // 2, 0.0, -1.0 / d), axis=1
        ),
        bound=bound, parameters={"d": d}, options=options, run={"max_iterations": iterations},
    )  # fmt: skip


# FedNest: w = (y, x)


def fednest(parameters: dict[str, Any], local: dict[str, Any], iterations: int) -> Case:
    """Steps 1/(2 L_zz tau) and 1/(2 L_Psi tau_x) of y and x, all samples of a client in every local step."""
    built = zb.load_problem("quad_sum", **parameters)
    L_zz, L_Psi = built.constants.require("L_zz", "L_Psi")
    options = {
        **local, "beta": 1 / (L_zz * local["tau"]), "alpha": 1 / (2 * L_Psi * local["tau_x"]), "eta": 1 / L_zz,
    }  # fmt: skip

    def bound(problem: Any) -> float:
        z0, x0 = start_of(problem)
        remainder = fednest_iteration(problem, options).remainder(np.concatenate([z0, x0]), iterations)
        mu, L_xz = problem.constants.require("mu", "L_xz")
        slope = L_xz * (1 - options["eta"] * mu) ** (options["N"] + 1)
        return biased(problem, slope) + L_Psi * remainder

    return Case(
        "fednest", "quad_sum", "|grad Psi| ends below L_xz (1 - eta mu)^(N + 1) |v*|",
        measured=stationarity, bound=bound, parameters=parameters, options=options,
        run={"max_iterations": iterations},
    )  # fmt: skip


def fednest_iteration(problem: Any, options: dict[str, Any]) -> linear.Affine:
    def step(w: np.ndarray) -> np.ndarray:
        y, _, x, _ = boxes.fednest(Box(problem), w[: problem.p], w[problem.p :], options, lambda *_: None)
        return np.concatenate([y, x])

    return linear.Affine.of(step, problem.p + problem.d)


CASES = [
    *(soba_exact(*row) for row in (REFERENCE, GENERAL, TRACKING)),
    soba_exact("logistic_bregman", {"p": 3, "d": 2}),
    sampled("soba", SAMPLED[0], 300),
    *(sampled("saba", parameters, 600) for parameters in SAMPLED),
    *(f2sa(*row, lam=30.0, iterations=200) for row in (GENERAL, TRACKING, MINIMAX)),
    meha_merely_convex(3, 400),
    meha_non_smooth(6, 400),
    *(meha_quadratic(*row, iterations=600) for row in (GENERAL, TRACKING, MINIMAX)),
    fednest(
        {"p": 3, "d": 2, "n_inner": 12, "n_outer": 12, "mu": 0.5, "seed": 1},
        {"clients": 4, "T": 2, "tau": 3, "tau_x": 2, "N": 20}, 300,
    ),
    fednest(
        {"p": 2, "d": 3, "n_inner": 10, "n_outer": 15, "mu": 0.5, "seed": 2},
        {"clients": 5, "T": 1, "tau": 4, "tau_x": 1, "N": 30}, 300,
    ),
    fednest(
        {"p": 3, "d": 1, "n_inner": 16, "n_outer": 6, "mu": 0.5, "seed": 3},
        {"clients": 1, "T": 1, "tau": 2, "tau_x": 3, "N": 60}, 300,
    ),
]  # fmt: skip
