"""The expected updates against differences, enumeration and simulation that use none of their formulas."""

import itertools

import numpy as np
import pytest
from zoba_bench.theory.updates import UPDATES
from zoba_bench.theory.updates.smoothness import fourth_power, hessian_of, variation
from zoba_bench.theory.updates.truncated import _best

from zoba_bench.registry import entry, list_solvers, load_problem

CURVED = load_problem("smd7", p=5, d=9)
RNG = np.random.default_rng(4)
STATE = {"z": 0.3 * RNG.standard_normal(5), "v": RNG.standard_normal(5), "x": 0.3 * RNG.standard_normal(9), "k": 3}


def expected(solver, problem, options, state):
    return entry("updates", solver).step(problem, options, state)


def test_every_solver_has_an_update_and_no_other_does():
    assert sorted(UPDATES) == list_solvers()


@pytest.mark.parametrize("solver", sorted(UPDATES))
def test_an_option_that_the_method_does_not_have_is_an_error(solver):
    state = {**STATE, "y": STATE["z"], "theta": STATE["z"], "start": STATE["z"], "origin": STATE["z"], "q": 0.5}
    with pytest.raises(ValueError, match="none of this method's"):
        expected(solver, CURVED, {"speed": 2.0}, state)


def test_itd_differentiates_through_its_steps():
    options = {"D": 6, "alpha": 0.1, "beta": 1.0}

    def value(x):
        z = STATE["z"]
        for _ in range(6):
            z = z - 0.1 * CURVED.inner_grad_z(z, x)
        return float(CURVED.outer(z, x))

    moves = 1e-6 * np.eye(9)
    slope = [(value(STATE["x"] + move) - value(STATE["x"] - move)) / 2e-6 for move in moves]
    found = expected("itd-bio", CURVED, options, STATE).mean
    assert np.allclose(STATE["x"] - found["x"], slope, rtol=1e-7, atol=1e-8)


def test_aid_solves_the_system_from_p_steps_on_and_does_better_with_each():
    def residual(n):
        found = expected("aid-bio", CURVED, {"N": n, "D": 2}, STATE).mean
        A = CURVED.inner_hessian(found["z"], STATE["x"])[0]
        off = found["v"] + np.linalg.solve(A, CURVED.outer_grad_z(found["z"], STATE["x"]))
        return float(off @ A @ off)

    sizes = [residual(n) for n in (1, 2, 5)]
    assert all(a > b for a, b in itertools.pairwise(sizes))
    assert sizes[-1] < 1e-20 * sizes[0]


def test_the_best_probability_is_the_least_on_a_grid():
    grid = np.linspace(1e-4, 1, 200_000)
    for D2, V2, s in ((1.0, 30.0, 2.0), (5.0, 6.0, 1.0), (2.0, 1.0, 2.0), (0.3, 4.0, 0.5)):
        cost = (11 + 10 * grid) * (V2 + (1 / grid - 1) * D2) ** s
        assert _best(D2, V2, 11, 10, s) == pytest.approx(grid[np.argmin(cost)], abs=2e-5)


def test_the_memory_of_saba_is_the_mean_over_every_batch():
    problem = load_problem("quad_sum", p=3, d=2, n_inner=4, n_outer=4)
    z, v, x = RNG.standard_normal(3), RNG.standard_normal(3), RNG.standard_normal(2)
    update = entry("updates", "saba")
    state = {**update.initial(problem, {}, z + 0.1, v - 0.2, x + 0.3), "z": z, "v": v, "x": x, "k": 1}
    old, average = (state[f"memories.tables.inner_grad_z.{part}"] for part in ("values", "mean"))
    new = problem.inner_grad_z(z[None], x[None], np.arange(4))
    memories, means, ends = [], [], []
    for batch in itertools.product(range(4), repeat=3):
        kept = old.copy()
        kept[list(batch)] = new[list(batch)]
        memories.append(kept)
        means.append(kept.mean(axis=0) - old.mean(axis=0) + average)
        ends.append(z - 0.1 * (np.mean([new[i] - old[i] for i in batch], axis=0) + average))
    found = update.step(problem, {"b1": 3, "b2": 2}, state).mean
    assert np.allclose(found["memories.tables.inner_grad_z.values"], np.mean(memories, axis=0), atol=1e-14)
    assert np.allclose(found["memories.tables.inner_grad_z.mean"], np.mean(means, axis=0), atol=1e-14)
    assert np.allclose(found["z"], np.mean(ends, axis=0), atol=1e-14)


def test_differences_of_gradients_stand_in_for_a_hessian():
    from dataclasses import replace

    point = STATE["z"], STATE["x"]
    for level in ("inner", "outer"):
        derived = hessian_of(replace(CURVED, **{f"{level}_hessian": None}), level)(*point)
        for block, right in zip(derived, getattr(CURVED, f"{level}_hessian")(*point), strict=True):
            assert np.allclose(block, right, atol=1e-6)


def test_variation_bounds_the_third_and_fourth_derivatives_of_a_polynomial():
    def hessian(z, x):
        return np.diag(6 * z + 12 * z**2), np.zeros((1, 2)), np.zeros((1, 1))  # z^3 + z^4

    third, fourth = variation(hessian, np.zeros(2), np.zeros(1), 0.01)
    assert 6 < third < 15
    assert 12 < fourth < 60


@pytest.mark.parametrize("law", ["gaussian", "sphere", "coordinate", "orthogonal", "block", "low-rank"])
def test_fourth_powers_bound_those_of_drawn_directions(law):
    from zoba_bench.directions import LAWS

    w = LAWS[law]().draw(np.random.default_rng(0), (4000, 1), 7)[:, 0]
    fourth = np.vecdot(w, w) ** 2
    assert fourth.mean() - 3 * fourth.std() / np.sqrt(4000) <= fourth_power(law, 7) * (1 + 1e-12)


def test_a_projected_step_with_noise_has_no_known_mean():
    problem = load_problem("l1_tracking")
    state = {"z": np.ones(4), "v": np.ones(4), "x": np.full(4, 0.1), "k": 0}
    with pytest.raises(ValueError, match="the mean of a projected step is known"):
        expected("hf-zoba", problem, {}, state)
    with pytest.raises(ValueError, match="the mean of a projected step with noise is known on planes"):
        expected("zo-penalty", problem, {}, state)


def test_samples_of_a_curved_inner_loop_have_no_known_mean():
    problem = load_problem("diabetes_ridge", stochastic=True, p=10, d=10)
    state = {"z": np.ones(10), "v": np.ones(10), "x": np.zeros(10), "k": 0}
    update = expected("stocbio", problem, {}, state)
    with pytest.raises(ValueError, match="known for quadratic F and G"):
        update.bias  # noqa: B018
