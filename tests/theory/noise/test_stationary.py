"""Linear-noise prediction: known values, limits, finite horizons and what is refused."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from zoba_bench.theory.estimators.presets import preset_named
from zoba_bench.theory.noise.covariance import iteration_noise
from zoba_bench.theory.noise.stationary import LinearModel, StateNoise, horizon_mean, linear_noise

from ..support import PRESET_NAMES, random_blocks, reference_blocks

# A prototype that sampled the covariance; it scatters by a percent, so 2 % is what it can decide.
PROTOTYPE = [
    ("zoba", "independent", {(2, 2): 41.6, (4, 4): 185, (8, 8): 974, (16, 16): 6158, (32, 32): 42776}),
    ("hf-zoba", "independent", {(2, 2): 3.13, (4, 4): 6.36, (8, 8): 12.8, (16, 16): 25.7, (32, 32): 51.3}),
    ("zoba", "shared", {(2, 8): 150, (2, 16): 523, (2, 32): 2571}),
    ("zoba-tuned", "shared", {(2, 8): 115, (2, 16): 307, (2, 32): 1005}),
]


@pytest.mark.parametrize(("preset", "outer", "values"), PROTOTYPE)
def test_reference_family_in_the_limit_of_small_steps(preset, outer, values):
    for size, value in values.items():
        found = linear_noise(preset_named(preset), reference_blocks(*size), 0.0, 0.25, outer_directions=outer)
        assert found == pytest.approx(value, rel=0.02), size


def test_local_exponents_approach_three_from_below():
    sizes = (2, 4, 8, 16, 32)
    zoba = preset_named("zoba")
    values = [linear_noise(zoba, reference_blocks(n, n), 0.0, 0.25, outer_directions="independent") for n in sizes]
    slopes = np.diff(np.log2(values))
    assert np.allclose(slopes, [2.15, 2.40, 2.66, 2.80], atol=0.03), slopes


def test_shared_hf_zoba_has_no_noise_at_the_solution():
    shared = preset_named("hf-zoba-shared")
    assert linear_noise(shared, reference_blocks(8, 8), 0.05, 0.25) == pytest.approx(0.0, abs=1e-12)


def test_small_steps_approach_the_limit_linearly():
    zoba, b = preset_named("zoba"), reference_blocks(4, 4)
    limit = linear_noise(zoba, b, 0.0, 0.25)
    errors = [linear_noise(zoba, b, gamma, 0.25) / limit - 1 for gamma in (1e-2, 1e-3)]
    assert errors[0] == pytest.approx(10 * errors[1], rel=0.05), errors


@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_stationary_value_solves_the_recursion(preset):
    b, gamma, c, l, l2 = random_blocks(3, 2, seed=7, stationary=True), 1e-2, 0.25, 50, 20
    named = preset_named(preset)
    found = linear_noise(named, b, gamma, c, l, l2=l2)
    model = LinearModel.at(b)
    step = np.diag(model.steps(gamma / c, gamma, b.d))
    update = np.eye(len(step)) - step @ model.J
    noise = step @ iteration_noise(named, b, l, l2) @ step
    size = len(step)
    flat = np.linalg.solve(np.eye(size**2) - np.kron(update, update), noise.ravel())
    assert found == pytest.approx(np.sum(model.Q * flat.reshape(size, size)) * l / gamma, rel=1e-9)


@pytest.mark.parametrize("K", [1, 2, 3, 7, 64, 100])
def test_finite_horizon_is_the_mean_of_the_recursion(K):
    b, gamma, c, l = random_blocks(2, 3, seed=9, stationary=True), 1e-2, 0.5, 10
    zoba = preset_named("zoba")
    model = LinearModel.at(b)
    step = np.diag(model.steps(gamma / c, gamma, b.d))
    update = np.eye(len(step)) - step @ model.J
    noise = step @ iteration_noise(zoba, b, l, l) @ step
    covariance, total = np.zeros_like(noise), 0.0
    for _ in range(K):
        total += np.sum(model.Q * covariance)
        covariance = update @ covariance @ update.T + noise
    assert horizon_mean(zoba, b, gamma, c, l, K) == pytest.approx(total / K, rel=1e-10, abs=1e-300)


def test_long_horizons_reach_the_stationary_mean():
    zoba, b = preset_named("zoba"), reference_blocks(4, 4)
    stationary = linear_noise(zoba, b, 0.05, 0.25) * 0.05 / 16
    assert horizon_mean(zoba, b, 0.05, 0.25, 16, 10**7) == pytest.approx(stationary, rel=1e-4)


def test_quadratic_form_is_the_squared_hypergradient():
    b = random_blocks(3, 2, seed=1, stationary=True)
    lift = np.vstack([-np.linalg.solve(b.A, b.C.T), np.eye(2)])
    hessian = lift.T @ np.block([[b.F_zz, b.F_xz.T], [b.F_xz, b.F_xx]]) @ lift
    assert np.allclose(LinearModel.at(b).Q[6:, 6:], hessian @ hessian)


def test_multiplicative_noise_vanishes_with_many_directions_and_adds_to_the_floor():
    zoba, b = preset_named("zoba"), reference_blocks(4, 4)
    plain = linear_noise(zoba, b, 0.05, 0.25)
    few = linear_noise(zoba, b, 0.05, 0.25, 256, multiplicative=True) / plain - 1
    many = linear_noise(zoba, b, 0.05, 0.25, 2560, multiplicative=True) / plain - 1
    assert 0 < many < few
    assert few == pytest.approx(10 * many, rel=0.1)


@pytest.mark.parametrize("preset", ["zoba", "zoba-mixed", "hf-zoba"])
@pytest.mark.parametrize("outer", ["shared", "independent"])
def test_noise_around_the_solution_is_the_mean_over_states(preset, outer):
    """The noise is quadratic in the state, so 2n symmetric points average it exactly."""
    b, named = random_blocks(2, 3, seed=3, stationary=True), preset_named(preset)
    model = LinearModel.at(b)
    size = 2 * b.p + b.d
    root = np.random.default_rng(1).standard_normal((size, size))
    noises = []
    for state in np.sqrt(size) * np.concatenate([root.T, -root.T]):
        z, v, x = state[: b.p], state[b.p : 2 * b.p], state[2 * b.p :]
        there = replace(
            b,
            v=b.v + v,
            G_z=b.A @ z + b.C.T @ x,
            F_z=b.F_z + b.F_zz @ z + b.F_xz.T @ x,
            F_x=b.F_x + b.F_xz @ z + b.F_xx @ x,
        )
        noises.append(iteration_noise(named, there, 5, 3, outer_directions=outer))
    found = StateNoise(named, b, 5, 3, outer, None, 1.0).around(model, root @ root.T)
    assert np.allclose(found, np.mean(noises, axis=0), rtol=1e-10, atol=1e-10 * np.abs(found).max())


def test_too_few_directions_have_no_stationary_second_moment():
    with pytest.raises(ValueError, match="use more directions"):
        linear_noise(preset_named("zoba"), reference_blocks(8, 8), 0.2, 0.25, 1, multiplicative=True)


@pytest.mark.parametrize("gamma", [3.0])
def test_unstable_steps_are_refused(gamma):
    with pytest.raises(ValueError, match="unstable"):
        linear_noise(preset_named("zoba"), reference_blocks(4, 4), gamma, 0.25)


def test_blocks_away_from_a_solution_are_refused():
    with pytest.raises(ValueError, match="not those of an exact solution"):
        linear_noise(preset_named("zoba"), random_blocks(3, 2), 0.01, 0.25)


@pytest.mark.parametrize("size", [(2, 256), (32, 32)])
def test_large_sizes_take_less_than_a_second(size):
    b, zoba = reference_blocks(*size), preset_named("zoba")
    began = time.process_time()
    linear_noise(zoba, b, 0.05, 0.25)
    horizon_mean(zoba, b, 0.05, 0.25, 16, 8000)
    assert time.process_time() - began < 3.0
