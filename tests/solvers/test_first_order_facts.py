"""What SOBA, SABA, F2SA, MEHA and FedNest converge to, and how fast, against exact derivations."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import sympy as sp
from scipy import optimize

import zoba_bench as zb
from zoba_bench.driver import run
from zoba_bench.oracle import Oracle
from zoba_bench.registry import make_solver, theorem
from zoba_bench.result import Status
from zoba_bench.solvers.base import StepWarning

from . import linear_first_order as linear
from .cases_first_order_loops import (
    GENERAL,
    MINIMAX,
    SAMPLED,
    TRACKING,
    f2sa_iteration,
    meha_iteration,
    start_of,
)

EPS = float(np.finfo(np.float64).eps)


# SOBA and SABA: the same steps, with and without the noise of sampling.


def sampled_run(solver: str, problem: Any, iterations: int, replicates: int, rho: float) -> np.ndarray:
    """x_K of every replicate, one sample of each level a step, gamma = rho / 2."""
    options = {"schedule": "constant"} if solver == "soba" else {}
    result = zb.solve(
        problem, solver, max_iterations=iterations, replicates=replicates, record_every=None, rho=rho, ratio=2.0,
        b1=1, b2=1, **options,
    )  # fmt: skip
    return result.x


def maps_of(solver: str, problem: Any, rho: float) -> list[linear.Affine]:
    if solver == "saba":
        return linear.saba_maps(problem, rho, rho / 2)
    return [linear.soba_map(q, rho, rho / 2) for q in linear.of_samples(problem).values()]


@pytest.mark.parametrize("parameters", SAMPLED, ids=("p=2", "d=2", "p=d=1"))
@pytest.mark.parametrize("solver", ["soba", "saba"])
def test_second_moments_are_the_exact_ones(solver, parameters):
    problem, replicates, iterations = zb.load_problem("quad_sum", **parameters), 4000, 12
    rho = 0.3 / problem.constants.L_zz
    z0, x0 = start_of(problem)
    expected = linear.square_distance(problem, maps_of(solver, problem, rho), z0, x0, iterations)
    x = sampled_run(solver, problem, iterations, replicates, rho)
    squares = np.sum((x - problem.minimizer) ** 2, axis=1)
    # Five standard errors of the mean: of normal means, one in two million is further off.
    assert abs(squares.mean() - expected) <= 5 * squares.std() / math.sqrt(replicates)


@pytest.mark.slow
@pytest.mark.parametrize("parameters", SAMPLED, ids=("p=2", "d=2", "p=d=1"))
def test_saba_converges_linearly_where_soba_stops_at_its_floor(parameters):
    """E|x - x*|^2 shrinks by a factor below 1 in every step of SABA; under SOBA it has a limit above 0."""
    problem, K, replicates = zb.load_problem("quad_sum", **parameters), 1000, 200
    rho, d = 0.3 / problem.constants.L_zz, problem.d
    z0, x0 = start_of(problem)
    rate = linear.square_rate(maps_of("saba", problem, rho))
    assert rate < 1
    shrunk = linear.square_distance(problem, maps_of("saba", problem, rho), z0, x0, K)
    then = linear.square_distance(problem, maps_of("saba", problem, rho), z0, x0, K + 500)
    assert then <= 1.01 * rate**500 * shrunk

    maps = maps_of("soba", problem, rho)
    assert linear.square_rate(maps) < 1
    mean, second = linear.stationary(maps)
    np.testing.assert_allclose(mean[-d:], problem.minimizer, rtol=0, atol=1e-9)
    floor = float(np.trace(second[-d:, -d:]) - mean[-d:] @ mean[-d:])
    left = linear.square_distance(problem, maps, z0, x0, K)
    assert left == pytest.approx(floor, rel=0.01), "the start is forgotten"
    of_soba, of_saba = (
        np.sum((sampled_run(solver, problem, K, replicates, rho) - problem.minimizer) ** 2, axis=1)
        for solver in ("soba", "saba")
    )
    assert abs(of_soba.mean() - left) <= 5 * of_soba.std() / math.sqrt(replicates)
    # Markov's inequality, at one in a hundred, and rounding.
    exact = linear.soba_map(linear.Blocks.of(problem), rho, rho / 2)
    limit = 100 * shrunk + exact.rounding(np.concatenate([z0, z0, x0])) ** 2
    assert of_saba.mean() <= limit < 1e-6 * floor


def test_saba_reaches_machine_precision():
    problem = zb.load_problem("quad_sum", **SAMPLED[1])
    rho = 0.3 / problem.constants.L_zz
    exact = linear.soba_map(linear.Blocks.of(problem), rho, rho / 2)
    limit = exact.rounding(np.concatenate([start_of(problem)[0], np.zeros(1), start_of(problem)[1]]))
    assert np.abs(sampled_run("saba", problem, 2000, 4, rho) - problem.minimizer).max() <= limit < 1e-11


def test_soba_with_exact_derivatives_is_the_affine_iteration_of_the_blocks():
    problem = zb.load_problem(GENERAL[0], **GENERAL[1])
    exact = linear.soba_map(linear.Blocks.of(problem), 0.5, 0.1)
    w = np.concatenate([start_of(problem)[0], np.zeros(3), start_of(problem)[1]])
    result = zb.solve(problem, "soba", rho=0.5, ratio=5.0, schedule="constant", max_iterations=50)
    for _ in range(50):
        w = exact.M @ w + exact.m
    found = np.concatenate([result.z[0], result.v[0], result.x[0]])
    assert np.abs(found - w).max() <= exact.rounding(w)


# F2SA


def settings(problem: Any, lam: float, **changes: Any) -> dict[str, Any]:
    """Steps 1/(m_zz + lam L_zz), 1/L_zz and 1/(2 L_Psi); constant unless exponents are given."""
    L_zz, m_zz, L_Psi = problem.constants.require("L_zz", "m_zz", "L_Psi")
    alpha = 1 / (m_zz + lam * L_zz)
    return {
        "alpha": alpha, "gamma": 1 / L_zz, "xi": 1 / (2 * L_Psi * alpha), "lam": lam, "inner_steps": 5,
        "alpha_exponent": 0.0, "gamma_exponent": 0.0, **changes,
    }  # fmt: skip


def derived_error(problem: Any, lam: float, v: np.ndarray) -> np.ndarray:
    """The theorem's formula for the error of the penalty hypergradient, its symbols replaced by matrices."""
    blocks = linear.Blocks.of(problem)
    matrices = {
        "F_xz": blocks.K, "G_zz": blocks.A, "G_xz": blocks.C, "F_zz": blocks.R, "v*": v[:, None],
        "(F_zz+lambda*G_zz)^-1": np.linalg.inv(blocks.R + lam * blocks.A),
    }  # fmt: skip
    formula = next(s for s in theorem("zo-penalty").steps if s.name == "error of the penalty hypergradient")
    total = np.zeros((problem.d, 1))
    for term in sp.Add.make_args(sp.expand(formula.statement.rhs)):
        numbers, letters = term.args_cnc()
        product = np.eye(problem.d) * float(sp.Mul(*numbers))
        for letter in letters:
            product = product @ matrices[str(letter)]
        total += product
    return total[:, 0]


@pytest.mark.parametrize("lam", [10.0, 30.0, 100.0])
@pytest.mark.parametrize("row", [GENERAL, TRACKING], ids=str)
def test_f2sa_stops_where_the_hypergradient_is_minus_the_penaltys_error(row, lam):
    problem = zb.load_problem(row[0], **row[1])
    options = settings(problem, lam)
    result = zb.solve(problem, "f2sa", max_iterations=300, **options)
    iteration = f2sa_iteration(problem, options)
    z0, x0 = start_of(problem)
    left = problem.constants.L_Psi * iteration.remainder(np.concatenate([z0, z0, x0]), 300)
    x = result.x[0]
    predicted = -derived_error(problem, lam, problem.adjoint(x))
    assert left < 1e-6 * np.linalg.norm(predicted)
    # Both sides depend on x, which is off by ``left``; lam multiplies the rounding of y - z.
    np.testing.assert_allclose(problem.hypergradient(x), predicted, rtol=0, atol=2 * left * lam)
    assert np.linalg.norm(predicted) <= linear.penalty_slope(problem.constants, lam) * np.linalg.norm(
        problem.adjoint(x)
    )


@pytest.mark.parametrize("row", [GENERAL, TRACKING], ids=str)
def test_f2sas_bias_is_of_order_one_over_lam(row):
    """lam |grad Psi| at the limit tends to |(K - C A^-1 R) v*(x*)|, with a remainder that is halved with 1/lam."""
    problem = zb.load_problem(row[0], **row[1])
    q = linear.Blocks.of(problem)
    limit = np.linalg.norm((q.K - q.C @ np.linalg.solve(q.A, q.R)) @ problem.adjoint(problem.minimizer))
    scaled = []
    for lam in (50.0, 100.0, 200.0):
        result = zb.solve(problem, "f2sa", max_iterations=300, record_every=None, **settings(problem, lam))
        scaled.append(lam * float(np.linalg.norm(problem.hypergradient(result.x[0]))))
    gaps = [abs(value - limit) for value in scaled]
    assert gaps[1] / gaps[0] == pytest.approx(0.5, abs=0.05)
    assert gaps[2] / gaps[1] == pytest.approx(0.5, abs=0.025)


def test_nothing_is_left_of_f2sas_bias_where_the_adjoint_vanishes():
    problem = zb.load_problem(MINIMAX[0], **MINIMAX[1])
    result = zb.solve(problem, "f2sa", max_iterations=300, **settings(problem, 20.0))
    assert np.linalg.norm(problem.hypergradient(result.x[0])) < 1e-12


def test_f2sas_growing_lam_takes_the_bias_down():
    """w_K is as far from the fixed point of lam_K as the products of the exact iterations say, at most."""
    problem, K = zb.load_problem(GENERAL[0], **GENERAL[1]), 200
    options = settings(problem, 4.0, alpha_exponent=1 / 3, gamma_exponent=0.0, xi=1.0)
    options["xi"] = 1 / (2 * problem.constants.L_Psi * options["alpha"])
    iterations = []
    for k in range(K):
        now = {"alpha": options["alpha"] * (k + 1) ** (-1 / 3), "lam": options["lam"] * (k + 1) ** (1 / 3)}
        iterations.append(f2sa_iteration(problem, {**options, **now}))
    fixed = [iteration.fixed_point for iteration in iterations]
    z0, x0 = start_of(problem)
    # w_K - w*_(K-1) = product (w_0 - w*_0) + sum over k of (product from k) (w*_(k-1) - w*_k).
    lag, product = 0.0, np.eye(len(fixed[0]))
    for k in range(K - 1, 0, -1):
        product = product @ iterations[k].M
        lag += float(np.linalg.norm(product @ (fixed[k - 1] - fixed[k])))
    product = product @ iterations[0].M
    lag += float(np.linalg.norm(product @ (np.concatenate([z0, z0, x0]) - fixed[0])))
    result = zb.solve(problem, "f2sa", max_iterations=K, **options)
    x, last = result.x[0], fixed[-1][-problem.d :]
    assert np.linalg.norm(x - last) <= lag + 1e-9
    bias = [float(np.linalg.norm(problem.hypergradient(w[-problem.d :]))) for w in (fixed[0], fixed[-1])]
    left = bias[1] + problem.constants.L_Psi * lag
    assert np.linalg.norm(problem.hypergradient(x)) <= left < bias[0] / 3
    # lam (y - z) is near the adjoint.
    lam = options["lam"] * K ** (1 / 3)
    p = problem.p
    np.testing.assert_allclose(
        result.v[0], lam * (fixed[-1][p : 2 * p] - fixed[-1][:p]), rtol=0, atol=2 * lam * (lag + 1e-9)
    )


# MEHA


@pytest.mark.parametrize(("steps", "reached"), [((0.5, 0.5, 0.5), 11), ((0.1, 0.1, 0.1), 125)])
def test_mehas_iterations_to_one_per_cent_on_the_merely_convex_problem(steps, reached):
    """All ten coordinates are alike: x, y1, y2, theta1, theta2 from 0.01 with gamma = 5, c = 0.6, power = 0.49."""
    alpha, beta, eta = steps
    x = y1 = y2 = t1 = t2 = 0.01
    path = []
    for k in range(400):
        c = 0.6 * (k + 1) ** 0.49
        t1, t2 = t1 - eta * (t1 - x + (t1 - y1) / 5), t2 - eta * (t2 - y2) / 5
        x = x - alpha * ((x - y2) / c - y1 + t1)
        y1, y2 = y1 - beta * ((y1 - 1) / c + y1 - x - (y1 - t1) / 5), y2 - beta * ((y2 - x) / c - (y2 - t2) / 5)
        path.append(x)
    first = next(k + 1 for k, value in enumerate(path) if abs(value - 1) < 0.01)
    assert first == reached
    result = zb.solve(
        zb.load_problem("bda_lls", d=10), "meha", max_iterations=400, alpha=alpha, beta=beta, eta=eta,
    )  # fmt: skip
    distance = result.history["distance"][1:, 0] / math.sqrt(10)
    np.testing.assert_allclose(distance, np.abs(np.array(path) - 1), rtol=0, atol=1e4 * EPS)
    assert np.argmax(distance < 0.01) + 1 == reached


def test_meha_ends_at_rounding_on_the_merely_convex_problem():
    result = zb.solve(zb.load_problem("bda_lls", d=10), "meha", max_iterations=2000, alpha=0.5, beta=0.5, eta=0.5)
    assert result.history["distance"][-1, 0] < 100 * EPS


def test_meha_touches_the_solution_and_diverges_when_theta_is_slow():
    """Steps of the released script, in the paper's iteration."""
    problem = zb.load_problem("bda_lls", d=10)
    with pytest.warns(StepWarning, match="beta=0.1 is outside of the stable range"):
        result = zb.solve(problem, "meha", max_iterations=6000, alpha=0.012, beta=0.1, eta=0.009)
    assert result.status.tolist() == [Status.DIVERGED]
    # Within one per cent of x* = e at iteration 213 (a history row is the iterate before its iteration).
    assert int(np.argmax(result.history["distance"][:, 0] / math.sqrt(10) < 0.01)) == 213


@pytest.mark.parametrize(("eta", "gamma"), [(0.009, 5.0), (0.2, 1.0), (0.5, 5.0)])
def test_mehas_stable_range_of_y_is_sharp_where_the_lower_level_is_flat(eta, gamma):
    """As c_k grows the determinant of (theta, y) on a flat direction is (1 - eta/gamma) (1 + beta/gamma)."""
    problem = zb.load_problem("bda_lls", d=1)
    solver = make_solver("meha", eta=eta, gamma=gamma)
    ends = [end for name, _, end, symbols in solver.stable_steps(problem) if "(mu + 1/gamma)" in symbols]
    for factor, stable in ((0.98, True), (1.02, False)):
        options = {"alpha": 1e-3, "beta": factor * ends[0], "eta": eta, "gamma": gamma, "c": 1e9, "power": 0.0}
        # Directions that F alone moves have eigenvalues within 1/c of one.
        assert (meha_iteration(problem, options).rate < 1 + 1e-6) == stable


SINE = {"gamma": 0.4, "eta": 0.1, "beta": 0.02, "power": 0.49}


def phase(p: int, c: float, iterations: int = 1000) -> tuple[Any, np.ndarray]:
    """The run on the sine problem from x = -6, and the phases x + y_i - 2."""
    problem = zb.load_problem("bvfsm_sin", p=p)
    result = zb.solve(
        problem, "meha", max_iterations=iterations, record_every=None, c=c, alpha=0.02 / p, **SINE
    )  # fmt: skip
    return result, result.z[0] + result.x[0] - 2


@pytest.mark.parametrize(
    ("p", "c", "level"),
    [
        # Multiples of pi/2 next to which the phases end: 3 is the solution's, -1 another minimum of the lower level,
        # 1 a maximum.
        (1, 0.05, 3), (1, 0.2, 3), (1, 0.5, 1), (1, 1.0, 1), (1, 2.0, -1), (2, 0.05, 3), (2, 0.2, 3), (2, 0.5, 1),
        (10, 0.05, 3), (10, 0.2, -1), (100, 0.05, -1),
    ],
)  # fmt: skip
def test_the_valley_that_meha_finds_depends_on_the_first_penalty(p, c, level):
    result, u = phase(p, c)
    assert (np.abs(u - level * math.pi / 2) < math.pi / 2).all()
    problem = zb.load_problem("bvfsm_sin", p=p)
    # A solution of the lower level or a stationary point: F there is far from the optimum unless the level is right.
    assert (problem.outer(result.z, result.x)[0] > problem.minimum + 1) == (level != 3)


def sine_stationary(c: float) -> np.ndarray:
    """(theta, y, x) where psi_c of the sine problem with n = 1 is stationary, in the valley of the solution."""

    def equations(w: np.ndarray) -> list[float]:
        theta, y, x = w
        return [
            math.cos(x + theta - 2) + (theta - y) / 0.4,
            2 * (y - 4) / c + math.cos(x + y - 2) - (y - theta) / 0.4,
            2 * (x - 2) / c + math.cos(x + y - 2) - math.cos(x + theta - 2),
        ]

    best = 3 * math.pi / 4
    found = optimize.root(equations, [best + 2, best + 2, best], tol=1e-12)
    assert np.abs(equations(found.x)).max() < 1e-14
    return found.x


def test_mehas_error_in_the_right_valley_is_of_order_one_over_c():
    """c (x* - x_c) tends to (1 + 1/gamma) (x* - a): sin is -1 at the solution, and s = y - theta = -F_y/c."""
    best, limit = 3 * math.pi / 4, (1 + 1 / 0.4) * (3 * math.pi / 4 - 2)
    gaps = [abs(c * (best - sine_stationary(c)[2]) - limit) for c in (20.0, 40.0, 80.0)]
    for before, after in itertools.pairwise(gaps):
        # The remainder is of order 1/c: halved, up to 1/c again.
        assert after / before == pytest.approx(0.5, abs=0.05)
    # The run: into the valley with a small first penalty, then with the last one to its stationary point.
    entered, _ = phase(1, 0.2)
    problem, c = zb.load_problem("bvfsm_sin", p=1), 0.2 * 1000**0.49
    result = run(
        problem, make_solver("meha", c=c, alpha=0.02, **{**SINE, "power": 0.0}), z0=entered.z[0], v0=entered.v[0],
        x0=entered.x[0], rng=np.random.default_rng(0), max_iterations=2500, record_every=None,
    )  # fmt: skip
    theta, y, x = sine_stationary(c)
    np.testing.assert_allclose(result.x[0], [x], rtol=0, atol=1e-9)
    np.testing.assert_allclose(result.z[0], [y], rtol=0, atol=1e-9)
    np.testing.assert_allclose(result.v[0], [c * (y - theta)], rtol=0, atol=1e-8)


def test_meha_on_the_non_smooth_problem_has_the_bias_of_its_penalty():
    """sum y ends (n/2)(1 + 1/gamma)/c_K below -1/2, up to the lag behind c_k that the linear part has."""
    n, c, K, pull = 20, 10.0, 2000, 2.0
    beta, eta, power = 0.3, 0.5, 0.49
    problem = zb.load_problem("l1_meha", d=n)
    result = zb.solve(
        problem, "meha", max_iterations=K, record_every=None, alpha=0.5, beta=beta, eta=eta, gamma=1 / pull, c=c,
        power=power,
    )  # fmt: skip
    # Half of the coordinates: x = 0 and (theta, y) follow a linear iteration with offsets eta a, -beta/c_k + beta a.
    assert not result.x[0, n // 2 :].any()
    theta_row = np.array([1 - eta * (1 + pull), eta * pull])
    y_row = np.array([0.0, 1 - beta * (1 - pull)]) - beta * pull * theta_row
    M = np.stack([theta_row, y_row])
    sizes, powered = [], np.eye(2)
    for _ in range(K):
        sizes.append(np.linalg.norm(powered, 2))
        powered = powered @ M
    offsets = np.array([[pull, 1 + pull]]) / (c * np.arange(1, K + 1) ** power)[:, None]
    drift = np.linalg.norm(np.diff(offsets, axis=0), axis=1)
    # y_K - fixed point of c_(K-1): the sum of what every change of the fixed point leaves, and of the start.
    lag = sum(sizes[K - 1 - k] * drift[k] for k in range(K - 1)) + sizes[-1] * 2.0
    bias = (1 + pull) / (c * K**power)
    assert lag < 0.01 * bias
    np.testing.assert_allclose(result.z[0, n // 2 :], -1 / n - bias, rtol=0, atol=lag + 64 * EPS)
    # The other half is zero up to rounding; its weights have come to 1/n from below, where they stop to matter.
    assert np.abs(result.z[0, : n // 2]).max() <= 64 * EPS
    np.testing.assert_allclose(problem.outer(result.z, result.x)[0], -0.5 - n / 2 * bias, rtol=0, atol=n * lag)


@pytest.mark.parametrize("row", [GENERAL, TRACKING], ids=str)
def test_mehas_bias_is_of_order_one_over_c_on_strongly_convex_lower_levels(row):
    """At the fixed point F_y + A v = 0 and F_x + C v = 0 with v = c (y - theta), as ``envelope_slope`` says."""
    problem = zb.load_problem(row[0], **row[1])
    q, constants, sizes = linear.Blocks.of(problem), problem.constants, []
    for c in (20.0, 40.0, 80.0):
        options = {"alpha": 0.1, "beta": 0.5, "eta": 0.5, "gamma": 2.0, "c": c, "power": 0.0}
        w = meha_iteration(problem, options).fixed_point
        y, theta, x = np.split(w, [problem.p, 2 * problem.p])
        v = c * (y - theta)
        np.testing.assert_allclose(q.A @ v + q.R @ y + q.K.T @ x + q.r, 0, atol=1e-10)
        np.testing.assert_allclose(q.C @ v + q.K @ y + q.H @ x + q.h, 0, atol=1e-10)
        size = np.linalg.norm(problem.hypergradient(x))
        assert size <= linear.envelope_slope(constants, c, 2.0) * np.linalg.norm(problem.adjoint(x))
        sizes.append(c * size)
    # c |grad Psi| converges, with a remainder of order 1/c.
    assert abs(sizes[2] - sizes[1]) <= 0.6 * abs(sizes[1] - sizes[0])


# FedNest

CLIENTS = {"p": 3, "d": 2, "n_inner": 24, "n_outer": 12, "mu": 0.5, "seed": 1}


def at_the_solution(problem: Any, seed: int = 0) -> dict[str, Any]:
    """z = z*(x) at a random x."""
    x = np.random.default_rng(seed).standard_normal(problem.d)
    return {"z0": problem.inner_solution(x), "x0": x, "rng": np.random.default_rng(seed)}


@pytest.mark.parametrize(
    "options", [{"clients": 1}, {"clients": 1, "tau": 1}, {"clients": 4}, {"clients": 12}], ids=str
)
def test_fednest_with_enough_terms_takes_the_exact_hypergradient_step(options):
    """From z = z*(x), where FedInn stands still whatever the clients hold: x - alpha grad Psi(x), and v = v*(x)."""
    problem = zb.load_problem("quad_sum", **CLIENTS)
    q, eta, alpha = linear.Blocks.of(problem), 1 / problem.constants.L_zz, 0.3
    start = at_the_solution(problem)
    for N in (2, 20, 400):
        solver = make_solver("fednest", N=N, eta=eta, alpha=alpha, beta=0.1, **options)
        result = run(problem, solver, max_iterations=1, **start)
        x, v = start["x0"], problem.adjoint(start["x0"])
        # The exact remainder of the series: v - v* = -(I - eta A)^(N + 1) v*.
        rest = np.linalg.matrix_power(np.eye(3) - eta * q.A, N + 1) @ v
        np.testing.assert_allclose(result.z[0], start["z0"], rtol=0, atol=1e-12)
        np.testing.assert_allclose(result.v[0], v - rest, rtol=0, atol=1e-12 * (N + 1))
        expected = x - alpha * (problem.hypergradient(x) - q.C @ rest)
        np.testing.assert_allclose(result.x[0], expected, rtol=0, atol=1e-12 * (N + 1))
    assert np.linalg.norm(rest) < 1e-3 * np.linalg.norm(v)
    mu, L_xz = problem.constants.mu, problem.constants.L_xz
    error = np.linalg.norm((x - result.x[0]) / alpha - problem.hypergradient(x))
    assert error <= L_xz * (1 - eta * mu) ** (N + 1) * np.linalg.norm(v) + 1e-9


def test_fednest_finds_the_inner_solution_of_clients_that_disagree():
    """Variance-reduced local steps have z*(x) as a fixed point; plain local steps have not."""
    problem = zb.load_problem("quad_sum", **CLIENTS)
    beta, x = 0.3 / problem.constants.L_zz, np.zeros(2)
    solver = make_solver("fednest", clients=4, T=1000, tau=5, beta=beta, alpha=1e-9, eta=0.1)
    result = run(problem, solver, z0=np.ones(3), x0=x, rng=np.random.default_rng(0), max_iterations=1)
    np.testing.assert_allclose(result.z[0], problem.inner_solution(x), rtol=0, atol=1e-9)
    y = np.ones(3)
    for _ in range(400):
        local = [y] * 4
        for _ in range(5):
            local = [
                y_i - beta * np.mean(problem.inner_grad_z(y_i, x, np.arange(i, 24, 4)), axis=0)
                for i, y_i in enumerate(local)
            ]
        y = np.mean(local, axis=0)
    assert np.linalg.norm(y - problem.inner_solution(x)) > 1e-2


def test_a_client_is_asked_for_its_own_samples_only():
    whole, n, seen = zb.load_problem("quad_sum", **CLIENTS), 4, []

    def spied(name):
        function = getattr(whole, name)

        def ask(*arguments):
            sample = arguments[-1]
            assert (sample % n == np.arange(n)[:, None]).all(), f"{name} of samples of another client"
            seen.append((name, sample.shape[1], set(sample.ravel().tolist())))
            return function(*arguments)

        return ask

    names = ("inner_grad_z", "inner_hvp_zz", "inner_jvp_xz", "outer_grad_z", "outer_grad_x")
    problem = replace(whole, **{name: spied(name) for name in names})
    for batch in (None, 3):
        seen.clear()
        zb.solve(problem, "fednest", clients=n, T=2, tau=20, tau_x=20, batch=batch, max_iterations=2, replicates=3)
        assert {clients for _, clients, _ in seen} == {n}
        for name in names:
            every = set(range(24 if name.startswith("inner") else 12))
            assert set.union(*(held for asked, _, held in seen if asked == name)) == every


def test_fednests_rounds_are_two_for_a_pass_one_for_a_term_and_two_for_x():
    problem, solver = zb.load_problem("quad_sum", **CLIENTS), make_solver("fednest", clients=4, T=3, N=7)
    oracle, rounds = Oracle(problem, 1), {}
    state = solver.init(oracle, np.random.default_rng(0), *(np.zeros((1, n)) for n in (3, 3, 2)))
    before = 0
    for part, work in (
        ("pass", lambda: solver._inn(oracle, state.rng, state.z, state.x)),
        ("series", lambda: solver._ihgp(oracle, state.z, state.x)),
        ("x", lambda: solver._out(oracle, state.rng, state.z, state.v, state.x)),
    ):
        work()
        rounds[part], before = int(oracle.counts["communication"][0]) - before, int(oracle.counts["communication"][0])
    assert rounds == {"pass": 2, "series": 8, "x": 2}
    solver.step(state)
    assert int(oracle.counts["communication"][0]) - before == 2 * 3 + 7 + 3


def test_batches_of_clients_leave_no_noise_at_the_solution():
    """At z*(x) with grad Psi = 0 the corrections vanish for every batch."""
    problem = zb.load_problem("quad_sum", **CLIENTS)
    eta = 1 / problem.constants.L_zz
    solver = make_solver("fednest", clients=4, batch=1, N=400, eta=eta, beta=0.1, alpha=0.1, tau_x=3)
    q, x = linear.Blocks.of(problem), problem.minimizer
    result = run(
        problem, solver, z0=problem.inner_solution(x), x0=x, rng=np.random.default_rng(0), max_iterations=1,
        replicates=8,
    )  # fmt: skip
    rest = np.linalg.norm(np.linalg.matrix_power(np.eye(3) - eta * q.A, 401), 2)
    limit = 10 * rest * np.linalg.norm(problem.adjoint(x)) * np.linalg.norm(q.C, 2) + 1e-12
    assert np.abs(result.z - problem.inner_solution(x)).max() <= 1e-12
    assert np.abs(result.x - x).max() <= limit < 1e-3
