"""The Gaussian closure: exact on quadratics, against simulation off them, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from zoba_bench.theory.estimators.presets import preset_named
from zoba_bench.theory.noise.closure import closure_moments
from zoba_bench.theory.noise.run_moments import moments_of_run
from zoba_bench.theory.proof.theorem import TheoremError

from zoba_bench.registry import load_problem, make_solver

from ..support import PRESET_NAMES
from .support import solution_of

STEPS = {"schedule": "constant", "rho": 0.2, "gamma": 0.05}


def far(problem):
    z, x = problem.initial_point(np.random.default_rng(0))
    return z, np.zeros(problem.p), x


@pytest.mark.sample(4)
@pytest.mark.parametrize("name", PRESET_NAMES)
@pytest.mark.parametrize("outer", ["shared", "independent"])
def test_on_quadratics_it_is_the_exact_recursion_of_second_moments(name, outer):
    if name == "hf-zoba-shared":
        counts, outer = {"l1": 32}, "shared"
    else:
        counts = {"l1": 32, "l2": 16}
    problem = load_problem("quad_general", 2, 1)
    solver, K = make_solver(name, **STEPS, **counts, h=0.3, outer_directions=outer), 40
    found = closure_moments(preset_named(name), problem, far(problem), solver, K + 1)
    exact = moments_of_run(preset_named(name), problem, far(problem), solver, K)
    assert exact.exact
    assert found.stationarity[K] == pytest.approx(exact.expected("stationarity"), rel=1e-12)
    found = closure_moments(preset_named(name), problem, far(problem), solver, K)
    offset = found.mean - np.concatenate(solution_of(problem))
    assert np.allclose(offset, exact.mean, rtol=0, atol=1e-12)
    second = found.covariance + np.outer(offset, offset)
    assert np.allclose(second, exact.second, rtol=0, atol=1e-12 * np.abs(exact.second).max())


def test_on_quadratics_third_cumulants_have_no_effect():
    problem, solver = load_problem("quad_general", 2, 1), make_solver("hf-zoba", **STEPS, l1=16, l2=16)
    found = closure_moments(preset_named("hf-zoba"), problem, far(problem), solver, 40, third=True)
    # Second differences of an affine function are rounding over the square of the spread, 1e-10.
    assert found.remainder[-1] < 1e-8


def test_a_quadratic_inner_objective_needs_no_card_to_be_exact():
    """Without a card the Hessian is taken at each point; the rule of degree 3 is exact for noise of degree 2."""
    problem = load_problem("quad_general", 3, 2)
    solver = make_solver("zoba", **STEPS, l1=32, l2=16)
    with_card, without = (
        closure_moments(preset_named("zoba"), of, far(problem), solver, 30)
        for of in (problem, replace(problem, card=None))
    )
    assert np.allclose(with_card.running, without.running, rtol=1e-10)


def test_many_directions_leave_the_noise_free_path():
    problem = load_problem("reference", 3, 2)
    solver = make_solver("zoba", **STEPS, l1=10**9, l2=10**9)
    z, v, x = far(problem)
    found = closure_moments(preset_named("zoba"), problem, (z, v, x), solver, 60)
    for k in range(60):
        gradient = problem.hypergradient(x)
        assert found.stationarity[k] == pytest.approx(gradient @ gradient, rel=1e-5)
        d_z = problem.inner_grad_z(z, x)
        d_v = problem.inner_hvp_zz(z, x, v) + problem.outer_grad_z(z, x)
        d_x = problem.inner_jvp_xz(z, x, v) + problem.outer_grad_x(z, x)
        z, v, x = z - 0.2 * d_z, v - 0.2 * d_v, x - 0.05 * d_x


def test_it_stops_where_the_running_mean_is_low_enough():
    problem = load_problem("reference", 2, 2)
    solver = make_solver("hf-zoba", **STEPS, l1=16, l2=16)
    whole = closure_moments(preset_named("hf-zoba"), problem, far(problem), solver, 400)
    eps = float(whole.running[100])
    stopped = closure_moments(preset_named("hf-zoba"), problem, far(problem), solver, 400, stop=eps)
    assert len(stopped.running) == int(np.argmax(whole.running <= eps)) + 1
    assert stopped.running[-1] <= eps < stopped.running[-2]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"v_radius": 3.0}, "v_radius=None"),
        ({"law": "sphere"}, "law='gaussian', the solver has 'sphere'"),
        ({"l1": 1, "l2": 1, "rho": 0.9, "gamma": 0.4}, "grow without bound"),
    ],
)
def test_a_run_that_it_does_not_describe_is_refused(options, words):
    problem = load_problem("quad_general", 3, 2)
    solver = make_solver("zoba-mixed", **{**STEPS, "l1": 8, "l2": 8, **options})
    with pytest.raises(TheoremError, match=words):
        closure_moments(preset_named("zoba-mixed"), problem, far(problem), solver, 400)


def test_samples_exact_derivatives_projections_and_wrong_arguments_are_refused():
    problem, solver, zoba = load_problem("quad_general", 3, 2), make_solver("zoba", **STEPS), preset_named("zoba")
    start = far(problem)
    with pytest.raises(TheoremError, match="exact derivatives"):
        closure_moments(None, problem, start, solver, 10)
    with pytest.raises(TheoremError, match="samples"):
        closure_moments(zoba, load_problem("quad_sum", 2, 2, n_inner=4, n_outer=4), start, solver, 10)
    with pytest.raises(ValueError, match="hypergradient"):
        closure_moments(zoba, replace(problem, hypergradient=None), start, solver, 10)
    with pytest.raises(ValueError, match="K must be a positive integer, got 0"):
        closure_moments(zoba, problem, start, solver, 0)
    with pytest.raises(ValueError, match="8 entries together"):
        closure_moments(zoba, problem, (start[0], start[1], np.zeros(3)), solver, 10)
    kept = replace(problem.capabilities, project_x=lambda x: x)
    with pytest.raises(TheoremError, match="restricts x"):
        closure_moments(zoba, replace(problem, capabilities=kept), start, solver, 10)
