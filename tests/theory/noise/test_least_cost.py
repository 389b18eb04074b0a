"""The least cost of a run to eps: it is what runs cost, none beside it is cheaper, and what is outside is refused."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from zoba_bench.theory.estimators.presets import preset_named
from zoba_bench.theory.noise.least_cost import least_cost
from zoba_bench.theory.proof.theorem import TheoremError

from zoba_bench.directions import generator
from zoba_bench.driver import run
from zoba_bench.registry import load_problem, make_solver, theorem

#: The accuracy as a share of |grad Psi|^2 at the start.
SHARE, REPLICATES = 0.1, 40_000


def exact_start(problem):
    x = problem.initial_point(np.random.default_rng(0))[1]
    return problem.inner_solution(x), problem.adjoint(x), x


def square(problem, x):
    gradient = problem.hypergradient(x)
    return np.vecdot(gradient, gradient)


def running_means(problem, solver, K):
    """Of |grad Psi(x_k)|^2 over k < K and over k < K - 1, for each replicate, and the evaluations of K iterations."""
    z0, v0, x0 = exact_start(problem)
    seen = [np.full(REPLICATES, square(problem, x0))]

    def keep(k, state):
        seen.append(square(problem, state.x))
        return False

    result = run(
        problem, solver, z0=z0, v0=v0, x0=x0, rng=generator(np.random.SeedSequence(3)), replicates=REPLICATES,
        max_iterations=K, record_every=None, callback=keep,
    )  # fmt: skip
    terms = np.array(seen[:K])
    return terms.mean(axis=0), terms[:-1].mean(axis=0), int(result.n_inner[0] + result.n_outer[0])


@pytest.mark.parametrize("solver", [pytest.param("zoba-mixed", marks=pytest.mark.slow), "hf-zoba-shared"])
def test_runs_reach_the_accuracy_at_this_cost_and_not_an_iteration_before(solver):
    problem = load_problem("quad_tracking", 2, 1, kappa=2.0, lam=1.0)
    start = exact_start(problem)
    eps = SHARE * square(problem, start[2])
    found = least_cost(preset_named(solver), problem, start, eps)
    options = {"schedule": "constant", "rho": found.rho, "gamma": found.gamma, "l1": found.l, "l2": found.l, "h": 1e-4}
    means, before, evaluations = running_means(problem, make_solver(solver, **options), found.iterations)
    assert evaluations == found.evaluations
    slack = 5 * means.std() / np.sqrt(REPLICATES)
    assert means.mean() <= eps + slack
    assert before.mean() >= eps - slack
    assert slack < 0.04 * eps


@pytest.mark.parametrize(("solver", "several"), [("zoba-mixed", True), ("hf-zoba-shared", False)])
def test_the_mean_that_is_followed_is_that_of_the_moments_of_a_run(solver, several):
    """Exactly, where a number of directions above one is best too."""
    problem = load_problem("quad_tracking", 2, 1, kappa=2.0, lam=1.0)
    start = exact_start(problem)
    first = square(problem, start[2])
    found = least_cost(preset_named(solver), problem, start, SHARE * first)
    assert (found.l > 1) == several
    made = make_solver(
        solver, schedule="constant", rho=found.rho, gamma=found.gamma, l1=found.l, l2=found.l, h=1e-6
    )  # fmt: skip

    def mean(K):
        moments = theorem(solver).run_moments(problem, start, made, K - 1, K - 1)
        return (first + (K - 1) * moments.expected("stationarity")) / K

    assert mean(found.iterations) <= SHARE * first * (1 + 1e-6)
    assert mean(found.iterations - 1) > SHARE * first


@pytest.mark.slow
def test_no_run_beside_it_is_cheaper_and_a_plan_is_dearer():
    problem, eps = load_problem("quad_tracking", 2, 2, kappa=2.0, lam=1.0), 0.1
    start = exact_start(problem)
    found = least_cost(preset_named("hf-zoba-shared"), problem, start, eps)
    gap = float(problem.value(start[2]) - problem.minimum)
    plan = theorem("hf-zoba-shared").plan(problem.constants, 2, 2, eps, {"gap": gap})
    assert found.evaluations < plan.evaluations
    K = found.iterations - 1
    for a, b in product((2**-0.5, 1.0, 2**0.5), repeat=2):
        options = {"rho": a * found.rho, "gamma": b * found.gamma, "l1": found.l, "l2": found.l, "h": 1e-6}
        solver = make_solver("hf-zoba-shared", schedule="constant", **options)
        moments = theorem("hf-zoba-shared").run_moments(problem, start, solver, K - 1, K - 1)
        assert (square(problem, start[2]) + (K - 1) * moments.expected("stationarity")) / K > eps


@pytest.mark.parametrize(
    ("problem", "options", "match"),
    [
        ("reference", {}, "both levels are quadratic"),
        ("quad_sum", {}, "has samples"),
    ],
)
def test_what_is_not_followed_exactly_is_refused(problem, options, match):
    problem = load_problem(problem, **options)
    with pytest.raises(TheoremError, match=match):
        least_cost(preset_named("zoba"), problem, exact_start(problem), 0.1)


def test_a_start_within_the_accuracy_is_refused():
    problem = load_problem("quad_tracking", 2, 2, kappa=2.0, lam=1.0)
    with pytest.raises(TheoremError, match="already"):
        least_cost(preset_named("zoba"), problem, exact_start(problem), 1e6)
