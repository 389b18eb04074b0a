"""Plans by search: they cost at most what the explicit plan does, their bound is kept, and runs keep to it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from zoba_bench.problems.quadratic.general import quad_tracking
from zoba_bench.problems.quadratic.reference import reference
from zoba_bench.theory.estimators.presets import preset_named
from zoba_bench.theory.noise.run_moments import moments_of_run
from zoba_bench.theory.single_loop.run import Start

from zoba_bench.driver import run
from zoba_bench.registry import theorem

from ..states import solver_of, state_at


def start_of(state):
    return Start(float(state.problem.value(state.x)) - (state.problem.minimum or 0.0), state.a, state.b)


def both(name, problem, eps, start, constants=None):
    """The explicit plan and that of the search, which is checked against what it promises."""
    found, at = theorem(name), (constants or problem.constants, problem.p, problem.d)
    explicit = found.plan(*at, eps, start)
    searched = found.plan(*at, eps, start, search=True)
    assert searched.evaluations <= explicit.evaluations
    assert searched.bound == found.bound(*at, searched, searched.K, start) <= eps
    assert found.certificate(*at, searched, searched.K, start).verify()
    return explicit, searched


def solver(name, problem, plan):
    kept = ("h", "eta", "h_bar", "normalize_h_bar", "l1", "l2", "rho", "gamma")
    return solver_of(name, problem, **{option: getattr(plan, option) for option in kept})


@pytest.mark.sample(1)
@pytest.mark.parametrize("name", ["hf-zoba", "zoba"])
def test_the_exact_mean_of_a_run_keeps_to_the_plan(name):
    problem, eps = quad_tracking(2, 2, kappa=2.0, radius=3.0), 0.1
    # Far inside the region of the constants, where the run stays.
    state = state_at(problem, 0.0, 0.5, 0.5)
    explicit, searched = both(name, problem, eps, start_of(state))
    assert searched.evaluations < explicit.evaluations / 100
    K = searched.K
    moments = moments_of_run(
        preset_named(name), problem, (state.z, state.v, state.x), solver(name, problem, searched), K - 1, K - 1
    )
    assert moments.exact
    assert (moments.expected("stationarity") * (K - 1) + state.g**2) / K <= searched.bound


def test_a_run_keeps_to_the_plan():
    """As it happens, with room to spare: the mean of 8 runs is far below eps."""
    problem, eps = reference(3, 2), 0.1
    state = state_at(problem, 0.0, 0.5, 1.0)
    _, searched = both("hf-zoba", problem, eps, start_of(state))
    result = run(
        problem, solver("hf-zoba", problem, searched), z0=state.z, v0=state.v, x0=state.x,
        rng=np.random.default_rng(0), replicates=8, max_iterations=searched.K, record_every=searched.K,
    )  # fmt: skip
    assert result.mean_stationarity.mean() <= searched.bound


@pytest.mark.slow
def test_a_plan_for_samples_is_searched_too():
    problem = reference(2, 2)
    spreads = dict.fromkeys(("sigma_gz", "sigma_zz", "sigma_xz", "sigma_fz", "sigma_fx"), 0.1)
    explicit, searched = both("hf-zoba", problem, 0.3, Start(1.0, 0.0, 0.0), replace(problem.constants, **spreads))
    assert searched.evaluations < explicit.evaluations / 10
    assert searched.b1 == searched.b2 > 1


def test_a_plan_with_exact_derivatives_is_searched_too():
    problem = reference(2, 2)
    explicit, searched = both("soba", problem, 0.1, Start(1.0, 0.5, 0.5))
    assert searched.evaluations < explicit.evaluations


def test_a_bound_that_more_iterations_do_not_reach_has_no_plan():
    with pytest.raises(ValueError, match="eps must be in"):
        theorem("hf-zoba").plan(reference(2, 2).constants, 2, 2, 2.0, Start(1.0), search=True)
