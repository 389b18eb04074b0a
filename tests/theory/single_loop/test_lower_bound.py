"""What second differences need: the steps, brute force over steps and horizons, and the family in the catalogue."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import sympy as sp
from zoba_bench.problems.quadratic.hidden import hidden_curvature
from zoba_bench.theory.single_loop.lower_bound import zoba_lower
from zoba_bench.theory.symbols import d, eps

import zoba_bench as zb

EPS = 1e-2


@pytest.fixture(scope="module")
def theorem():
    return zoba_lower()


def test_every_step_is_verified_and_needs_its_assumption(theorem):
    assert [result for result in theorem.results if not result.ok] == []
    without = replace(theorem, assumptions=theorem.assumptions[1:])
    refused = {result.step for result in without.outcomes() if not result.ok}
    assert {"adjoint", "noise of the cross surrogate", "one radius"} <= refused


def test_twice_the_bound_is_refused(theorem):
    for step in theorem.steps:
        wrong = step.statement.func(step.statement.lhs, step.statement.rhs * 2 + sp.Rational(1, 7), evaluate=False)
        if isinstance(step.statement, sp.LessThan):
            wrong = sp.Le(step.statement.lhs, step.statement.rhs / 2)
        assert not replace(step, statement=wrong).check().ok, step.name


def stated(theorem, name, size):
    (step,) = [step for step in theorem.steps if step.name == name]
    values = dict.fromkeys(step.statement.rhs.free_symbols, 1.0)
    return float(step.statement.rhs.subs({**values, d: size, eps: EPS}))


def least_evaluations(size):
    """Fewest evaluations over a grid of steps and horizons: exact second moments in closed form, p = l1 = 1.

    v has no noise here and F costs nothing, which only lowers the cost.
    """
    noise = size * (3 * 5 + 2 * 3 * (size + 2) + (size + 2) * (size + 4)) / 4
    slow = 4 * EPS
    gamma, K = np.geomspace(1e-13, 1, 500)[:, None], np.geomspace(10, 1e15, 1000)[None, :]
    total = np.zeros(np.broadcast_shapes(gamma.shape, K.shape))
    for curvature, start, share in ((slow, 8 * EPS, 1), (1.0, 0.0, size - 1)):
        # E x^2 after k steps is rest + (x_0^2 - rest) q^k; its mean over k < K has a geometric sum.
        q = (1 - gamma * curvature) ** 2
        rest = curvature**2 * gamma**2 * share * noise / size / (1 - q + (q == 1))
        total += rest + (start - rest) * (1 - q**K) / (K * (1 - q))
    return float(np.min(np.where(total <= EPS, 4 * K, np.inf)))


@pytest.mark.parametrize("size", [4, 16])
def test_brute_force_is_above_the_bound_by_less_than_a_hundred(theorem, size):
    least = least_evaluations(size)
    assert stated(theorem, "evaluations", size) <= least <= 100 * stated(theorem, "evaluations", size)


def test_the_cost_grows_with_the_cube_of_d(theorem):
    sizes = (64, 256)
    slope = np.log(least_evaluations(sizes[1]) / least_evaluations(sizes[0])) / np.log(4)
    bound = np.log(stated(theorem, "one radius", sizes[1]) / stated(theorem, "one radius", sizes[0])) / np.log(4)
    assert 2.8 < slope < 3.05
    assert 2.8 < bound < 3.05


def test_the_registered_family_is_the_one_of_the_theorem():
    problem = hidden_curvature(p=3, d=4, beta=2.0, R=1.5, lam=0.2)
    x = np.random.default_rng(0).standard_normal((5, 4))
    assert np.allclose(problem.adjoint(x), [1.5, 0, 0])
    assert np.allclose(problem.inner_solution(x), 0)
    assert np.allclose(problem.hypergradient(x), x * [0.2, 1, 1, 1])
    assert (problem.constants.L_xz, problem.constants.L_xx, problem.constants.L_zz) == (0, 2, 1)


def test_there_mixed_differences_have_no_noise():
    """What is left is the noise of f_x, of order h, as its gradient is zero."""
    problem, best = hidden_curvature(p=2, d=6), np.zeros(6)
    start = {"z0": problem.inner_solution(best), "v0": problem.adjoint(best), "x0": best}
    steps = {"rho": 0.1, "gamma": 0.1, "h": 1e-2, "l1": 4, "max_iterations": 1, "replicates": 50, "seed": 0}
    spread = {}
    for solver in ("zoba", "zoba-mixed"):
        moved = zb.solve(problem, solver, **start, **steps).x
        spread[solver] = float(np.sqrt(np.mean(moved**2)))
    assert spread["zoba"] > 0.1
    assert spread["zoba-mixed"] < 0.1 * 1e-2 * 10
