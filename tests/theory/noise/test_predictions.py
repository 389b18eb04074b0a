"""Predictions of the very run, to second order, against simulation; the linear law is refused by the same data."""

from __future__ import annotations

import numpy as np
import pytest
from zoba_bench.theory.estimators.presets import preset_named
from zoba_bench.theory.noise.predictions import (
    closure_crossing,
    closure_horizon_mean,
    closure_transient_means,
    evaluations_of_iteration,
)
from zoba_bench.theory.proof.theorem import TheoremError

from zoba_bench.directions import generator
from zoba_bench.driver import run
from zoba_bench.registry import load_problem, make_solver

from .support import solution_of, tilted_by_hand


def constant(name, gamma, l, **options):
    return make_solver(name, schedule="constant", rho=4 * gamma, gamma=gamma, l1=l, l2=l, h=1e-4, **options)


def simulated(problem, solver, start, K, replicates, seed):
    z, v, x = start
    result = run(
        problem, solver, z0=z, v0=v, x0=x, rng=generator(np.random.SeedSequence(seed)), replicates=replicates,
        max_iterations=K, record_every=K,
    )  # fmt: skip
    values = result.mean_stationarity
    return values.mean(), values.std() / np.sqrt(replicates)


INDEPENDENT = {"outer_directions": "independent"}
#: (solver, size, gamma, l, options, K, replicates) and whether the linear law is refused by that many replicates.
RUNS = [
    pytest.param("hf-zoba", (4, 4), 0.02, 4, INDEPENDENT, 200, 4000, True, id="hf-zoba 4,4"),
    pytest.param("zoba", (2, 2), 0.5 / np.sqrt(500), 16, {}, 500, 1000, True, id="zoba 2,2"),
    pytest.param("zoba-mixed", (2, 16), 0.02, 8, {}, 200, 3000, True, id="mixed 2,16"),
    pytest.param("zoba", (4, 4), 0.02, 88, INDEPENDENT, 200, 600, False, id="zoba 4,4"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "size", "gamma", "l", "options", "K", "replicates", "refused"), RUNS)
def test_means_over_a_horizon_are_those_of_runs(name, size, gamma, l, options, K, replicates, refused):
    problem, solver = load_problem("reference", *size), constant(name, gamma, l, **options)
    derived = closure_horizon_mean(preset_named(name), problem, solver, K)
    mean, error = simulated(problem, solver, solution_of(problem), K, replicates, 3)
    assert derived.remainder < 0.015, "a tolerance above 1.5 % decides little"
    allowed = 5 * error + derived.remainder * derived.value
    assert abs(mean - derived.value) <= allowed, (mean / derived.value, error)
    if refused:
        assert abs(mean - derived.linear) > allowed, mean / derived.linear


@pytest.mark.slow
def test_a_tilted_problem_off_quadratics_has_the_derived_floor():
    problem = tilted_by_hand(load_problem("quartic_cardano", 2, 2))
    solver = constant("hf-zoba", 0.02, 32, **INDEPENDENT)
    derived = closure_horizon_mean(preset_named("hf-zoba"), problem, solver, 150)
    mean, error = simulated(problem, solver, solution_of(problem), 150, 1500, 4)
    assert abs(mean - derived.value) <= 5 * error + derived.remainder * derived.value, (mean / derived.value, error)
    assert error < 0.04 * mean


def crossings(problem, solver, start, eps, most, groups, each, seed):
    """Iterations until the running mean over a group is at most eps, written from the definition."""
    z, v, x = start
    totals, reached = np.zeros(groups), np.zeros(groups, dtype=int)

    def record(k, points):
        gradient = problem.hypergradient(points)
        totals[:] += np.vecdot(gradient, gradient).reshape(groups, each).mean(axis=1)
        reached[(reached == 0) & (totals <= eps * (k + 1))] = k + 1

    record(0, np.tile(x, (groups * each, 1)))

    def after(k, state):
        record(k + 1, state.x)
        return bool(reached.all())

    run(
        problem, solver, z0=z, v0=v, x0=x, rng=generator(np.random.SeedSequence(seed)), replicates=groups * each,
        max_iterations=most, record_every=None, callback=after,
    )  # fmt: skip
    assert reached.all()
    return reached


def far(problem):
    x = problem.initial_point(np.random.default_rng(0))[1]
    return problem.inner_solution(x), problem.adjoint(x), x


def test_what_noise_changes_of_a_transient_falls_as_1_over_l_and_the_remainder_as_its_square():
    problem = load_problem("reference", 2, 2)
    few, many = (
        closure_transient_means(preset_named("hf-zoba"), problem, far(problem), constant("hf-zoba", 0.05, l), [20, 60])
        for l in (16, 64)
    )
    for one, two in zip(few, many, strict=True):
        assert one.path == two.path
        assert one.noise / two.noise == pytest.approx(4, rel=0.1)
        assert one.remainder / two.remainder == pytest.approx(16, rel=0.3)
        assert one.remainder >= one.noise**2
    assert few[1].value != few[1].path


@pytest.mark.slow
def test_a_transient_with_noise_is_that_of_runs_and_neither_the_path_nor_the_path_with_a_floor():
    problem, K = load_problem("reference", 2, 2), 150
    solver = constant("hf-zoba", 0.1, 12, **INDEPENDENT)
    start, preset = far(problem), preset_named("hf-zoba")
    (derived,) = closure_transient_means(preset, problem, start, solver, [K])
    mean, error = simulated(problem, solver, start, K, 4000, 6)
    allowed = 5 * error + derived.remainder * derived.value
    assert abs(mean - derived.value) <= allowed, (mean / derived.value, error, derived)
    floor = closure_horizon_mean(preset, problem, solver, K).linear
    for wrong in (derived.path, derived.path + floor):
        assert abs(mean - wrong) > 5 * error, (mean / wrong, derived)


@pytest.mark.slow
def test_iterations_to_eps_are_those_of_runs():
    problem, eps = load_problem("reference", 2, 2), 0.125
    solver = constant("hf-zoba", 0.1, 6)
    derived = closure_crossing(preset_named("hf-zoba"), problem, far(problem), solver, eps, 3000)
    found = crossings(problem, solver, far(problem), eps, 3000, 16, 16, 5)
    error = found.std(ddof=1) / np.sqrt(len(found))
    # The crossing of a group's mean is biased by its variance (Jensen): at most half the variance over the mean.
    slack = derived.remainder * derived.iterations + found.var() / found.mean()
    assert abs(found.mean() - derived.iterations) <= 5 * error + slack, (found.mean(), error, derived)
    assert derived.evaluations == derived.iterations * (6 * 6 + 3)


@pytest.mark.parametrize(("name", "each", "base"), [("zoba", 6, 2), ("hf-zoba", 6, 3), ("zoba-mixed", 8, 2)])
def test_evaluations_of_an_iteration_are_what_the_oracle_counts(name, each, base):
    problem, solver = load_problem("reference", 2, 2), constant(name, 0.01, 7)
    z, v, x = solution_of(problem)
    result = run(problem, solver, z0=z, v0=v, x0=x, rng=np.random.default_rng(0), max_iterations=3, record_every=None)
    assert evaluations_of_iteration(preset_named(name), solver) == each * 7 + base == int(result.nfev[0]) / 3


@pytest.mark.parametrize(("name", "family"), [("hf-zoba", "reference"), ("zoba", "quartic_cardano")])
def test_noise_that_vanishes_with_the_radii_is_refused(name, family):
    """Outer directions that are all the inner ones leave none with differences along v, and v* = 0 leaves none."""
    problem = load_problem(family, 2, 2)
    with pytest.raises(TheoremError, match="100% of the noise at the solution"):
        closure_horizon_mean(preset_named(name), problem, constant(name, 0.02, 8), 10)


def test_a_mean_that_stays_above_eps_is_refused():
    problem = load_problem("reference", 2, 2)
    with pytest.raises(TheoremError, match="after 5 iterations, above eps"):
        closure_crossing(preset_named("hf-zoba"), problem, far(problem), constant("hf-zoba", 0.01, 8), 1e-9, 5)
