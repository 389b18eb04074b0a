"""``solve(tune=True)``: steps and radii from the curvature at the start, counted and described."""

from __future__ import annotations

import numpy as np
import pytest

import zoba_bench as zb
from zoba_bench.minimization.steps import tuned
from zoba_bench.registry import make_solver


@pytest.fixture
def problem():
    return zb.load_problem("quad_general", p=4, d=3)


def distance(problem, result):
    return np.linalg.norm(result.x - problem.minimizer, axis=-1)


@pytest.mark.parametrize("solver", ["hf-zoba", "hf-zoba-shared"])
def test_a_tuned_run_comes_far_where_default_steps_do_not(problem, solver):
    default, chosen = (zb.solve(problem, solver, budget=20_000, tune=tune) for tune in (False, True))
    start = np.linalg.norm(problem.initial_point(np.random.default_rng(0))[1] - problem.minimizer)
    assert distance(problem, chosen) < 0.3 * start < 0.5 * distance(problem, default)


def test_the_tuning_is_counted_and_described(problem):
    calls = {"inner": 0, "outer": 0}

    def counted(level):
        function = getattr(problem, level)

        def values(z, x):
            found = function(z, x)
            calls[level] += np.size(found)
            return found

        return values

    own = zb.BilevelProblem.from_functions(counted("outer"), counted("inner"), 4, 3)
    result = zb.solve(own, "hf-zoba", max_iterations=5, tune=True, x0=np.ones(3), z0=np.zeros(4), l1=6)
    checks = 3  # of solve's: the same point twice at the start and once in iteration 1, outside the count
    assert (result.n_inner[0], result.n_outer[0]) == (calls["inner"] - checks, calls["outer"] - checks)
    assert result.counts["inner"][0] == calls["inner"] - checks
    plain = zb.solve(own, "hf-zoba", max_iterations=5, x0=np.ones(3), z0=np.zeros(4), l1=6)
    took = int((result.nfev - plain.nfev)[0])
    assert f"from {took} evaluations at the start, which are counted" in result.tuning
    for name in ("rho=", "gamma=", "h=", "schedule='constant'"):
        assert name in result.tuning
    assert result.tuning in repr(result)
    assert plain.tuning == ""


@pytest.mark.parametrize("budget", [2000, 5000])
def test_the_budget_covers_the_tuning(problem, budget):
    result = zb.solve(problem, "hf-zoba-shared", budget=budget, tune=True, l1=4, replicates=3)
    assert (result.nfev <= budget).all()
    assert (result.nfev > 0.9 * budget).all()


def test_options_that_are_given_are_kept(problem):
    result = zb.solve(problem, "hf-zoba", max_iterations=3, tune=True, rho=0.05, h=1e-3)
    assert "rho=" not in result.tuning
    assert " h=" not in result.tuning
    assert "gamma=" in result.tuning
    z, x = problem.initial_point(np.random.default_rng(0))
    found = tuned(problem, make_solver("hf-zoba", rho=0.05), {"rho"}, z, x)
    assert found.solver.rho == 0.05


def test_twice_the_curvature_halves_the_steps():
    def pair(factor):
        return zb.BilevelProblem.from_functions(
            lambda z, x: factor * (np.sum((z - 1) ** 2, -1) + np.sum(x**2, -1)),
            lambda z, x: factor * np.sum((z - x) ** 2, -1), 3, 3,
        )  # fmt: skip

    one, two = (tuned(pair(f), make_solver("hf-zoba", l1=8), {"l1"}, np.zeros(3), np.ones(3)).solver for f in (1, 2))
    assert two.rho == pytest.approx(one.rho / 2, rel=1e-3)
    assert two.gamma == pytest.approx(one.gamma / 2, rel=1e-3)


def test_what_cannot_be_tuned_is_said(problem):
    with pytest.raises(ValueError, match="tune=True chooses rho, gamma and radii, which zdsba does not have"):
        zb.solve(problem, "zdsba", tune=True)
    with pytest.raises(ValueError, match="budget=100 does not cover tune=True, up to"):
        zb.solve(problem, "hf-zoba", budget=100, tune=True)
    nowhere = zb.BilevelProblem.from_functions(
        lambda z, x: np.sum(x, -1), lambda z, x: np.where(z[..., 0] == 0, 1.0, np.nan), 1, 1
    )
    with pytest.raises(ValueError, match="inner returned a NaN or an infinity; start elsewhere"):
        zb.solve(nowhere, "hf-zoba", tune=True, z0=[0.0], x0=[1.0])


def test_the_warning_names_tune_where_it_is_off():
    own = zb.BilevelProblem.from_functions(
        lambda z, x: 1e-3 * np.sum((z - 3.0) ** 2, -1), lambda z, x: 0.5 * np.sum((z - x) ** 2, -1), 2, 2,
        minimizer=[3.0, 3.0],
    )  # fmt: skip
    off, on = (zb.solve(own, max_iterations=60, tune=tune) for tune in (False, True))
    assert "tune=True" in off.advice
    assert on.advice == ""
    assert distance(own, on) < 0.1 * distance(own, off)
