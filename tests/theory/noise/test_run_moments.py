"""Second moments of whole runs: against simulation, against the stationary values, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from zoba_bench.theory.estimators.presets import preset_named
from zoba_bench.theory.noise.run_moments import QUANTITIES, moments_of_run, run_moments
from zoba_bench.theory.noise.stationary import LinearModel, horizon_mean, linear_noise
from zoba_bench.theory.proof.theorem import TheoremError

from zoba_bench.directions import generator
from zoba_bench.driver import run
from zoba_bench.registry import load_problem, make_solver, theorem

from ..support import PRESET_NAMES, random_blocks

STEPS = {"schedule": "constant", "rho": 0.2, "gamma": 0.05}
REPLICATES = 4000


def case(solver, **options):
    options = {**STEPS, "l1": 8, "l2": 8, "h": 1e-3, **options}
    return make_solver(solver, **options)


def begin(problem):
    z, x = problem.initial_point(np.random.default_rng(0))
    return z, np.zeros(problem.p), x


# Radii of 0.5 add a third of the variance; l1 and l2 differ; mixed differences draw second directions.
CASES = [
    ("zoba", {"l1": 32, "l2": 16, "h": 0.5}),
    ("zoba-tuned", {"l1": 32, "l2": 16, "curvature_ratio": 0.5}),
    ("zoba-mixed", {"l1": 16, "l2": 4}),
    ("hf-zoba", {"l1": 8, "l2": 4, "h": 0.5, "h_bar": 0.1, "outer_directions": "independent"}),
    ("hf-zoba-shared", {"h": 0.5, "h_bar": 0.1}),
]


@pytest.mark.parametrize(("solver", "options"), CASES, ids=[name for name, _ in CASES])
def test_every_moment_of_a_run_is_that_of_the_derivation(solver, options):
    problem = load_problem("quad_general", 2, 1, kappa=2.0)
    configured, K = case(solver, **options), 6
    z0, v0, x0 = begin(problem)
    derived = theorem(solver).run_moments(problem, (z0, v0, x0), configured, K)
    assert derived.exact
    result = run(
        problem, configured, z0=z0, v0=v0, x0=x0, rng=generator(np.random.SeedSequence(1)), replicates=REPLICATES,
        max_iterations=K, record_every=None,
    )  # fmt: skip
    best = problem.minimizer
    solution = np.concatenate([problem.inner_solution(best), problem.adjoint(best), best])
    s = np.concatenate([result.z, result.v, result.x], axis=1) - solution
    products = s[:, :, None] * s[:, None, :]
    # Student limits at 5 standard errors, for 5 + 25 numbers.
    for measured, expected in ((s, derived.mean), (products, derived.second)):
        error = measured.std(axis=0) / np.sqrt(REPLICATES)
        assert (np.abs(measured.mean(axis=0) - expected) <= 5 * error + 1e-12).all(), (measured.mean(axis=0), expected)
    gradient = problem.hypergradient(result.x)
    for quantity, values in (
        ("distance", np.vecdot(result.x - best, result.x - best)),
        ("gap", problem.value(result.x) - problem.minimum),
        ("stationarity", np.vecdot(gradient, gradient)),
        ("distance_to_point", np.vecdot(result.x - 2.0, result.x - 2.0)),
    ):
        expected = derived.expected(quantity, np.full(1, 2.0))
        assert abs(values.mean() - expected) <= 5 * values.std() / np.sqrt(REPLICATES), quantity


@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_in_the_long_run_they_are_the_stationary_ones_of_the_linear_noise(preset):
    blocks, c, gamma, l = random_blocks(2, 2, seed=3, stationary=True), 0.5, 0.02, 200
    named = preset_named(preset)
    mean, second, hessian = run_moments(named, blocks, np.ones(6), gamma / c, gamma, l, l, 12000)
    assert np.abs(mean).max() < 1e-9
    stationarity = np.sum((hessian @ hessian) * second[-2:, -2:])
    if preset == "hf-zoba-shared":
        assert stationarity < 1e-15  # no noise at the solution where the radii vanish
        return
    derived = linear_noise(named, blocks, gamma, c, l, multiplicative=True) * gamma / l
    assert stationarity == pytest.approx(derived, rel=1e-6)


def test_a_window_is_the_mean_over_its_iterates():
    blocks, options = random_blocks(2, 1, seed=5, stationary=True), (0.05, 0.02, 50, 50)
    zoba, offset = preset_named("zoba"), np.linspace(0, 1, 5)
    single = [run_moments(zoba, blocks, offset, *options, K)[1] for K in (5, 6, 7)]
    assert np.allclose(run_moments(zoba, blocks, offset, *options, 7, 3)[1], np.mean(single, axis=0), rtol=1e-12)


def test_many_directions_leave_the_mean_iteration_and_its_additive_noise():
    blocks, gamma, c, K = random_blocks(2, 2, seed=9, stationary=True), 0.02, 0.5, 40
    zoba, l = preset_named("zoba"), 10**7
    # From the solution, over iterates 0 ... K - 1: the horizon's mean without noise of the noise.
    _, second, hessian = run_moments(zoba, blocks, np.zeros(6), gamma / c, gamma, l, l, K - 1, K - 1)
    total = np.sum((hessian @ hessian) * second[-2:, -2:]) * (K - 1) / K
    assert total == pytest.approx(horizon_mean(zoba, blocks, gamma, c, l, K), rel=1e-5)
    offset = np.ones(6)
    model = LinearModel.at(blocks)
    update = np.eye(6) - np.diag(model.steps(gamma / c, gamma, 2)) @ model.J
    mean, second, _ = run_moments(zoba, blocks, offset, gamma / c, gamma, l, l, K)
    assert np.allclose(mean, np.linalg.matrix_power(update, K) @ offset)
    assert np.allclose(second, np.outer(mean, mean), atol=1e-4)


def test_shared_directions_leave_noise_of_the_order_of_the_squared_radius_only():
    problem = load_problem("quad_general", 3, 2, kappa=2.0)
    found = [
        theorem("hf-zoba-shared").run_moments(problem, begin(problem), case("hf-zoba-shared", h=h), 1500)
        for h in (1e-2, 1e-4)
    ]
    first, second = (moments.expected("distance") for moments in found)
    assert first == pytest.approx(1e4 * second, rel=1e-3)
    assert second < 1e-8


def test_without_a_quadratic_outer_objective_it_is_what_stays_at_the_solution():
    problem = load_problem("reference", 3, 2)
    solver = case("zoba", l1=64, l2=64)
    found = theorem("zoba").run_moments(problem, begin(problem), solver, 800, 400)
    assert not found.exact
    best = problem.minimizer
    near = (problem.inner_solution(best), problem.adjoint(best), best)
    assert found.expected("gap") == theorem("zoba").run_moments(problem, near, solver, 800, 400).expected("gap")


def test_the_tasks_of_the_counterexample_are_quadratic_between_start_and_solution():
    problem = load_problem("two_task")
    solver = case("hf-zoba-shared", gamma=0.5)
    x = np.array([6.0])
    found = theorem("hf-zoba-shared").run_moments(problem, (problem.inner_solution(x), np.zeros(2), x), solver, 1000)
    # The family's own start is beyond the quadratic part of the first task.
    assert not theorem("hf-zoba-shared").run_moments(problem, begin(problem), solver, 1000).exact
    wrong = problem.capabilities.tasks.first_order_point
    away = float((problem.minimizer - wrong) @ (problem.minimizer - wrong))
    assert found.exact
    assert found.expected("distance_to_point", wrong) == pytest.approx(away, rel=1e-4)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"schedule": "inverse-sqrt"}, "schedule='constant'"),
        ({"v_radius": 3.0}, "v_radius=None"),
        ({"l1": 1, "l2": 1, "rho": 0.9, "gamma": 0.4}, "grow without bound"),
    ],
)
def test_a_run_that_the_moments_do_not_describe_is_refused(options, words):
    problem = load_problem("quad_general", 3, 2)
    with pytest.raises(TheoremError, match=words):
        theorem("zoba").run_moments(problem, begin(problem), case("zoba", **options), 400)


def test_other_laws_samples_exact_derivatives_and_missing_minimisers_are_refused():
    problem = load_problem("quad_general", 3, 2)
    start, solver, zoba = begin(problem), case("zoba"), preset_named("zoba")

    class Sphere:
        schedule, v_radius, law = "constant", None, "sphere"

    with pytest.raises(TheoremError, match="law='gaussian', the solver has 'sphere'"):
        moments_of_run(zoba, problem, start, Sphere(), 10)
    with pytest.raises(TheoremError, match="exact derivatives"):
        moments_of_run(None, problem, start, solver, 10)
    with pytest.raises(TheoremError, match="samples"):
        moments_of_run(zoba, load_problem("quad_sum", 2, 2, n_inner=4, n_outer=4), start, solver, 10)
    with pytest.raises(ValueError, match="minimizer"):
        moments_of_run(zoba, replace(problem, minimizer=None), start, solver, 10)


def test_what_is_asked_for_is_checked():
    blocks, zoba = random_blocks(2, 1, stationary=True), preset_named("zoba")
    with pytest.raises(ValueError, match="offset must have shape"):
        run_moments(zoba, blocks, np.zeros(4), 0.1, 0.05, 8, 8, 3)
    with pytest.raises(ValueError, match="window must be between 1 and K=3, got 4"):
        run_moments(zoba, blocks, np.zeros(5), 0.1, 0.05, 8, 8, 3, 4)
    problem = load_problem("quad_general", 3, 2)
    found = theorem("zoba").run_moments(problem, begin(problem), case("zoba", l1=64, l2=64), 5)
    for quantity in ("distance_to_point", "speed"):
        with pytest.raises(ValueError, match=", ".join(QUANTITIES)):
            found.expected(quantity)


def test_a_biased_direction_rests_where_the_bound_says_at_most():
    problem = load_problem("quad_general", 3, 2, kappa=2.0)
    solver = make_solver("zoba", schedule="constant", rho=0.2, gamma=0.05, l1=64, l2=64)
    x = problem.minimizer
    start = problem.inner_solution(x), problem.adjoint(x), x
    moments = moments_of_run(preset_named("zoba"), problem, start, solver, 2)
    rng, shares = np.random.default_rng(0), []
    for _ in range(40):
        biases = [size * y / np.linalg.norm(y) for size, y in ((1e-3, rng.standard_normal(3)),
                  (2e-3, rng.standard_normal(3)), (3e-3, rng.standard_normal(2)))]  # fmt: skip
        z, v, at = start
        for _ in range(600):
            d_z = problem.inner_grad_z(z, at) + biases[0]
            d_v = problem.inner_hvp_zz(z, at, v) + problem.outer_grad_z(z, at) + biases[1]
            d_x = problem.inner_jvp_xz(z, at, v) + problem.outer_grad_x(z, at) + biases[2]
            z, v, at = z - 0.2 * d_z, v - 0.2 * d_v, at - 0.05 * d_x
        gradient = problem.hypergradient(at)
        shares.append(float(gradient @ gradient) / moments.of_bias(1e-3, 2e-3, 3e-3))
    assert max(shares) <= 1
    assert max(shares) > 0.2, "a bound that is far from what happens says little"
