"""What FOM and UFOM must reproduce: moments of the estimator, the counterexample, the best probability."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import sympy as sp
from zoba_bench.theory.methods.truncated.counterexample import released, toy
from zoba_bench.theory.methods.truncated.optimal_q import optimal_q

import zoba_bench as zb
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.problem.capabilities import Capabilities
from zoba_bench.registry import make_solver
from zoba_bench.solvers.truncated import gradients, several_tasks
from zoba_bench.solvers.ufom import best_probability

from .test_truncated import ROUNDING, tasks_problem
from .unrolled import EPS, moments, outcomes, pairs, slow_gradients, task_loop

# The estimator.


@pytest.mark.parametrize("q", [0.05, 0.3, 1.0])
def test_the_estimate_has_the_mean_and_the_second_moment_of_the_theorem(q):
    """Over the coin: E G = g and E|G|^2 = |g|^2 + (1/q - 1)|g - g_FO|^2; exact, and as frequencies."""
    problem, n = tasks_problem(), 20_000
    solver = make_solver("ufom", q=q, batch=None, gamma=1.0, schedule="constant")
    only = replace(problem.capabilities.tasks, probabilities=np.array([0.0, 1.0, 0.0]))
    problem = replace(problem, capabilities=Capabilities(tasks=only))
    x = np.array([0.4, -0.7])
    state = solver.init(
        Oracle(problem, n), np.random.default_rng(3), np.zeros((n, 9)), np.zeros((n, 9)), np.tile(x, (n, 1))
    )
    G = state.x - solver.step(state).x
    _, first, exact = slow_gradients(task_loop(only, x, 1))
    heads = np.abs(G - first).max(axis=1) > 1e-6
    high = first + (exact - first) / q
    np.testing.assert_allclose(G, np.where(heads[:, None], high, first), rtol=0, atol=ROUNDING / q)
    # The two values with their probabilities.
    np.testing.assert_allclose(q * high + (1 - q) * first, exact, rtol=0, atol=ROUNDING)
    distance = (exact - first) @ (exact - first)
    second = q * high @ high + (1 - q) * first @ first
    assert second == pytest.approx(exact @ exact + (1 / q - 1) * distance, rel=1e-12)
    # Means over n coins: both are affine in their number, which is binomial.
    error = math.sqrt(q * (1 - q) / n)
    assert abs(heads.mean() - q) <= 5 * error
    assert np.abs(G.mean(axis=0) - exact).max() <= 5 * error * np.abs(high - first).max() + ROUNDING / q
    spread = abs(high @ high - first @ first)
    assert abs(np.vecdot(G, G).mean() - second) <= 5 * error * spread + ROUNDING / q**2


@pytest.mark.parametrize("name", ["ufom", "ufom-adaptive"])
def test_the_mean_over_drawn_tasks_and_coins_is_the_gradient_of_M(name):
    """Five standard errors, from the exact covariance at one point."""
    problem, n, q = tasks_problem(), 20_000, 0.4
    tasks, x = problem.capabilities.tasks, np.array([0.4, -0.7])
    solver = make_solver(name, q=q, batch=2, gamma=1.0, schedule="constant")
    state = solver.init(
        Oracle(problem, n), np.random.default_rng(4), np.zeros((n, 9)), np.zeros((n, 9)), np.tile(x, (n, 1))
    )
    G = state.x - solver.step(state).x
    mean, second = np.zeros(2), np.zeros((2, 2))
    for t, p in enumerate(tasks.probabilities):
        _, first, exact = slow_gradients(task_loop(tasks, x, t))
        for chance, value in ((1 - q, first), (q, first + (exact - first) / q)):
            mean += p * chance * value
            second += p * chance * np.outer(value, value)
    covariance = (second - np.outer(mean, mean)) / 2  # of a mean of two
    assert (np.abs(G.mean(axis=0) - mean) <= 5 * np.sqrt(np.diag(covariance) / n)).all()


# The counterexample.


def test_fom_goes_to_the_point_of_the_counterexample_and_ufom_with_q_1_to_the_minimiser():
    """All tasks at once, constant step: linear rates (1 - gamma c) with c = sum rho a/2 and sum rho^2 a/2."""
    problem, family = zb.load_problem("two_task"), released()
    a, rho = ([float(v) for v in values] for values in (family.a, family.rho))
    gamma, K, x0 = 3.0, 120, np.array([7.0])
    points = {}
    for name, options, power, goal in (
        ("fom", {}, 1, family.theta_fo),
        ("ufom", {"q": 1.0}, 2, family.theta_star),
    ):
        goal = float(sp.N(goal))
        rate = 1 - gamma * sum(r_i**power * a_i for r_i, a_i in zip(rho, a, strict=True)) / 2
        result = zb.solve(
            problem, name, x0=x0, batch=None, gamma=gamma, schedule="constant", max_iterations=K, **options
        )
        left = rate**K * (7.0 - goal)
        assert result.x[0, 0] - goal == pytest.approx(left, abs=1000 * EPS * 7)
        assert abs(left) < 5e-7
        points[name] = result.x
    printed = {
        "fom": (5.758867, 0.346410, 1.981504),
        "ufom": (2.840282, 0.0, 1.475990),
    }
    for name, (theta, slope, value) in printed.items():
        x = points[name]
        # The printed digits, and what is left of the descent.
        assert x[0, 0] == pytest.approx(theta, abs=5e-7 + 5e-7)
        assert problem.hypergradient(x)[0, 0] == pytest.approx(slope, abs=1e-6)
        assert problem.value(x)[0] == pytest.approx(value, abs=1e-6)
    assert problem.parameters["b2"] == pytest.approx(17.395270, abs=5e-7)
    assert problem.parameters["width"] == pytest.approx(12.596847, abs=5e-7)


@pytest.mark.parametrize(("name", "q"), [("fom", 0.0), ("ufom", 0.1), ("ufom", 1.0)])
def test_runs_on_drawn_tasks_have_the_exact_mean_and_variance(name, q):
    """One drawn task a step, all quadratic: the mean of FOM goes to theta_FO, that of UFOM to theta_*.

    The variance is compared by its own standard error, from the exact fourth moment.
    """
    problem, R, K, gamma = zb.load_problem("two_task", width=1e6), 400, 250, 0.3
    options = {} if name == "fom" else {"q": q}
    x0 = np.array([7.0])
    result = zb.solve(problem, name, x0=x0, gamma=gamma, schedule="constant", max_iterations=K, replicates=R, **options)
    drawn = possible(problem, q)
    mean, covariance = moments(drawn, x0, [gamma] * K)
    goal = problem.capabilities.tasks.first_order_point if name == "fom" else problem.minimizer
    other = problem.minimizer if name == "fom" else problem.capabilities.tasks.first_order_point
    error = math.sqrt(covariance[0, 0] / R)
    assert abs(mean[0] - goal[0]) < 1e-3 * abs(goal[0] - other[0])
    assert abs(result.x.mean() - mean[0]) <= 5 * error
    assert 5 * error < abs(goal[0] - other[0])
    centred = powers(drawn, mean[0], x0[0], gamma, K)
    assert centred[2] == pytest.approx(covariance[0, 0], rel=1e-6)
    deviation = math.sqrt((centred[4] - centred[2] ** 2) / R)
    assert abs(((result.x - mean) ** 2).mean() - centred[2]) <= 5 * deviation


def possible(problem, q):
    """The gradients of one drawn task, with a coin or, for q = 0, without."""
    tasks = pairs(problem, np.zeros(2))
    return outcomes(tasks, q, 1) if q else [task.first._replace(probability=task.weight) for task in tasks]


def powers(drawn, origin, x0, gamma, steps) -> list[float]:
    """E (x_K - origin)^n for n = 0..4, by the binomial theorem from step to step."""
    found = [(x0 - origin) ** n for n in range(5)]
    for _ in range(steps):
        following = [0.0] * 5
        for g in drawn:
            M, b = 1 - gamma * g.S[0, 0], -gamma * (g.S[0, 0] * origin + g.s[0])
            for n in range(5):
                following[n] += g.probability * sum(
                    math.comb(n, i) * M**i * b ** (n - i) * found[i] for i in range(n + 1)
                )
        found = following
    return found


@pytest.mark.parametrize(("name", "q"), [("fom", 0.0), ("ufom", 0.1)])
def test_the_released_schedule_leads_where_theory_says(name, q):
    """Steps 10/(k+1) and the released q, one drawn task a step, for k = 200..1200.

    Before, steps of UFOM are so long that moments are those of rare events.
    """
    problem, R, first, last = zb.load_problem("two_task", width=1e6), 200, 200, 1200
    solver, x0 = make_solver(name, **({"q": q} if q else {})), np.array([7.0])
    z = np.zeros((R, 2))
    state = solver.init(Oracle(problem, R), np.random.default_rng(1), z, z, np.tile(x0, (R, 1)))
    state = replace(state, k=first)
    for _ in range(first, last):
        state = solver.step(state)
    mean, covariance = moments(possible(problem, q), x0, [10 / (k + 1) for k in range(first, last)])
    error = math.sqrt(covariance[0, 0] / R)
    assert abs(state.x.mean() - mean[0]) <= 5 * error
    right, wrong = problem.minimizer[0], problem.capabilities.tasks.first_order_point[0]
    # The distance contracts by the product of 1 - gamma_k c: what is left of it, and 5 errors, tell the points apart.
    assert abs(mean[0] - (right if q else wrong)) + 5 * error < 0.5 * abs(right - wrong)


# The best probability.


@pytest.mark.parametrize("s", [0.25, 0.5, 1.0, 1.5, 2.0])
def test_the_best_probability_is_that_of_the_theorem(s):
    scales = (0.0, 1e-100, 1e-8, 0.25, 1.0, 4.0, 9.0, 100.0, 1e100)
    V2, D2 = (np.array(v) for v in zip(*product(scales, scales), strict=True))
    for fixed, random in ((11, 10), (11, 55), (4, 45), (1, 1000), (1, 1), (73, 2)):
        found = best_probability(V2, D2, fixed, random, s)
        expected = [optimal_q(v, d, fixed, random, s) for v, d in zip(V2, D2, strict=True)]
        np.testing.assert_allclose(found, expected, rtol=1e-12, err_msg=f"{fixed} {random}")


#: alpha: D^2, V^2, q* at s = 1/2, as printed for a = (1/2, 3/2), b = (0, 10), A = 400, r = 10, |theta| <= 50.
TOY = {
    0.001: (0.786, 3708, 0.011), 0.005: (16.5, 2956, 0.054), 0.01: (53.2, 2229, 0.110), 0.02: (137.8, 1277, 0.229),
    0.05: (232, 273, 0.846),
}  # fmt: skip


def toy_problem(alpha: float) -> BilevelProblem:
    return zb.load_problem("two_task", step=alpha, b2=10.0, width=400.0)


@pytest.mark.parametrize("alpha", TOY)
def test_the_second_toy_is_recomputed_by_the_gradients_that_run(alpha):
    problem = toy_problem(alpha)
    grid = np.linspace(-50, 50, 201)[:, None]
    oracle = Oracle(problem, 201)
    both = np.broadcast_to(np.arange(2), (201, 2))
    program = several_tasks(oracle, problem.capabilities.tasks, grid, both, np.full(2, 0.5))
    _, first, rest = gradients(program, "stored", np.ones((201, 2), dtype=bool))
    D2, V2 = (float((part**2).sum(-1).mean(-1).max()) for part in (rest, first + rest))
    costs = program.costs("stored")
    assert costs == (11, 10)
    best = float(best_probability(V2, D2, *costs, 0.5))
    exact = toy(sp.Rational(str(alpha)))
    # Ten inner steps of ten operations each, relative to both gradients of size 100.
    for found, expected in ((D2, exact.D2), (V2, exact.V2)):
        assert found == pytest.approx(float(expected), rel=1000 * EPS, abs=100 * EPS * 100 * math.sqrt(V2))
    assert best == pytest.approx(exact.q, rel=1e-9)
    for value, printed in zip((D2, V2, best), TOY[alpha], strict=True):
        digits = len(str(printed).partition(".")[2])
        assert value == pytest.approx(printed, abs=0.5000001 * 10.0**-digits)


@pytest.mark.parametrize(("alpha", "s"), [(0.01, 0.5), (0.02, 2.0), (0.02, 1.0)])
def test_the_adaptive_q_is_near_its_optimum(alpha, s):
    """At theta = -50, where both moments are largest, with a step too small to move it.

    Both averages are means of the two tasks with the same random share f of the second, and V^2/D^2 is monotone in f.
    After t exact gradients with weights w_i, f has the mean 1/2 and the variance sum w_i^2/4; five standard
    deviations leave room for the at most 400 values of t in 50 runs.
    """
    problem, R, K = toy_problem(alpha), 50, 400
    solver = make_solver("ufom-adaptive", q=0.9, q_min=1e-3, s=s, gamma=1e-12, schedule="constant")
    z = np.zeros((R, 2))
    state = solver.init(Oracle(problem, R), np.random.default_rng(0), z, z, np.full((R, 1), -50.0))
    for _ in range(K):
        state = solver.step(state)
    exact = toy(sp.Rational(str(alpha)))
    parts = [slow_gradients(task_loop(problem.capabilities.tasks, np.array([-50.0]), t)) for t in (0, 1)]
    D2, V2 = np.array([[(e - f) @ (e - f), e @ e] for _, f, e in parts]).T
    assert D2.mean() == pytest.approx(float(exact.D2), rel=1e-9)
    assert V2.mean() == pytest.approx(float(exact.V2), rel=1e-9)
    share = (state.D2 - D2[0]) / (D2[1] - D2[0])
    np.testing.assert_allclose(state.V2, V2[0] + share * (V2[1] - V2[0]), rtol=1e-9)
    t = np.log(1 - state.weight) / math.log(0.99)
    off = 5 * np.sqrt(0.01 / 1.99 * (1 - 0.99 ** (2 * t)) / (1 - 0.99**t) ** 2 / 4)
    assert (np.abs(share - 0.5) <= off).all()
    costs = (11, 10)

    def best(f):
        return optimal_q(float(V2[0] + f * (V2[1] - V2[0])), float(D2[0] + f * (D2[1] - D2[0])), *costs, s)

    np.testing.assert_allclose(state.q, [max(1e-3, best(f)) for f in share], rtol=1e-9)
    low, high = sorted((best(max(0.0, 0.5 - off.max())), best(min(1.0, 0.5 + off.max()))))
    assert low <= best(0.5) <= high < 0.9
    assert (state.q >= low * (1 - 1e-9)).all()
    assert (state.q <= high * (1 + 1e-9)).all()


def test_the_distance_comes_from_the_gradients_and_not_from_the_corrected_one():
    """With q = 0.1 the released estimate would be (1/q - 1)^2 = 81 times too large."""
    problem = toy_problem(0.01)
    solver = make_solver("ufom-adaptive", q=0.1, batch=None, gamma=1e-12, schedule="constant")
    state = solver.init(
        Oracle(problem, 200), np.random.default_rng(0), np.zeros((200, 2)), np.zeros((200, 2)), np.full((200, 1), -50.0)
    )
    state = solver.step(state)
    parts = [slow_gradients(task_loop(problem.capabilities.tasks, np.array([-50.0]), t)) for t in (0, 1)]
    possible = [float((e - f) @ (e - f)) for _, f, e in parts]
    seen = state.D2[state.weight > 0]
    assert len(seen)
    low, high = min(possible), max(possible)
    assert (seen >= low * (1 - 1e-9)).all()
    assert (seen <= high * (1 + 1e-9)).all()
    assert (state.D2[state.weight == 0] == 0).all()
    assert (state.q[state.weight == 0] == 0.1).all()
