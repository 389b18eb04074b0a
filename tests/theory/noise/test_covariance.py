"""Covariance of one iteration against quadrature, with shared and independent outer directions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from zoba_bench.theory.estimators.blocks import Blocks
from zoba_bench.theory.estimators.presets import preset_named
from zoba_bench.theory.noise.covariance import iteration_noise, noise_covariance

from ..support import PRESET_NAMES, gauss_hermite, random_blocks, run_surrogates, weighted_covariance

H, ETA, H_BAR = 0.3, 0.2, 0.4


def directions(points, *shapes):
    found, at = [], 0
    for l, n in shapes:
        found.append(points[:, at : at + l * n].reshape(-1, l, n))
        at += l * n
    assert at == points.shape[1]
    return found


def stacked(found):
    d_z, hv, cv, f_z, f_x = found
    return np.concatenate([d_z, hv + f_z, cv + f_x], axis=-1)


@pytest.mark.parametrize("preset", PRESET_NAMES)
@pytest.mark.parametrize("size", [(2, 1), (1, 2)])
def test_one_shared_direction_equals_quadrature(preset, size):
    p, d = size
    b = random_blocks(p, d, seed=1)
    mixed = preset == "zoba-mixed"
    points, weights = gauss_hermite(2 * p + d if mixed else p + d, 5)
    w, u, *t = directions(points, (1, p), (1, d), *([(1, p)] if mixed else []))
    samples = stacked(run_surrogates(preset, b, H, ETA, H_BAR, w, u, t[0] if t else np.zeros_like(w)))
    mean, covariance = weighted_covariance(samples, weights)
    found = noise_covariance(preset_named(preset), b, h=H, eta=ETA)
    assert np.allclose(mean, np.concatenate([b.G_z, b.A @ b.v + b.F_z, b.C @ b.v + b.F_x]), atol=1e-11)
    assert np.allclose(found, covariance, rtol=1e-11, atol=1e-11 * np.abs(covariance).max())


@pytest.mark.parametrize("preset", ["zoba", "hf-zoba"])
@pytest.mark.parametrize("outer", ["shared", "independent"])
@pytest.mark.parametrize("counts", [(2, 1), (1, 2)])
def test_unequal_numbers_of_directions_equal_quadrature(preset, outer, counts):
    l1, l2 = counts
    b = random_blocks(1, 1, seed=2)
    if outer == "shared":
        l = max(l1, l2)
        points, weights = gauss_hermite(2 * l, 5)
        w, u = directions(points, (l, 1), (l, 1))
        w, u, ow, ou = w[:, :l1], u[:, :l1], w[:, :l2], u[:, :l2]
    else:
        points, weights = gauss_hermite(2 * (l1 + l2), 5)
        w, u, ow, ou = directions(points, (l1, 1), (l1, 1), (l2, 1), (l2, 1))
    samples = stacked(run_surrogates(preset, b, H, ETA, H_BAR, w, u, np.zeros_like(w), ow, ou))
    _, covariance = weighted_covariance(samples, weights)
    found = iteration_noise(preset_named(preset), b, l1, l2, h=H, eta=ETA, outer_directions=outer)
    assert np.allclose(found, covariance, rtol=1e-11, atol=1e-11 * np.abs(covariance).max())


def test_shared_directions_are_correlated_and_independent_ones_are_not():
    b, zoba = random_blocks(3, 2), preset_named("zoba")
    shared = noise_covariance(zoba, b)
    independent = noise_covariance(zoba, b, outer_directions="independent")
    assert np.abs(shared - independent).max() > 0.1


def test_noise_of_shared_hf_zoba_vanishes_at_the_solution():
    b = random_blocks(4, 3, stationary=True)
    noise = noise_covariance(preset_named("hf-zoba-shared"), b)
    # What is left is rounding of (p + 2) |A v|^2 sums that cancel.
    assert np.abs(noise).max() <= 1e-13 * (np.linalg.norm(b.A @ b.v) + np.linalg.norm(b.C @ b.v)) ** 2 * 10
    assert noise_covariance(preset_named("hf-zoba"), b, outer_directions="independent").max() > 1


def test_noise_of_shared_hf_zoba_with_unequal_counts_stays():
    b = random_blocks(4, 3, stationary=True)
    assert np.trace(iteration_noise(preset_named("hf-zoba"), b, 8, 1)) > 1


@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_a_covariance_is_positive_semidefinite_and_falls_like_one_over_l(preset):
    b = random_blocks(3, 4, seed=6)
    one = noise_covariance(preset_named(preset), b)
    assert np.linalg.eigvalsh(one).min() > -1e-10 * np.abs(one).max()
    assert np.allclose(iteration_noise(preset_named(preset), b, 8, 8), one / 8, rtol=1e-12)


def test_tuned_ratio_is_the_default_of_its_preset_only():
    b = random_blocks(2, 8)
    tuned = noise_covariance(preset_named("zoba-tuned"), b)
    assert np.array_equal(tuned, noise_covariance(preset_named("zoba"), b, ratio=np.sqrt(10 / 4)))
    assert np.trace(tuned) < np.trace(noise_covariance(preset_named("zoba"), b))


def test_bad_arguments_are_named():
    b = random_blocks(2, 2)
    with pytest.raises(ValueError, match="outer_directions"):
        noise_covariance(preset_named("zoba"), b, outer_directions="some")
    with pytest.raises(ValueError, match="unknown preset 'zobra'"):
        preset_named("zobra")
    with pytest.raises(ValueError, match=r"C must have shape|A must have shape"):
        Blocks(A=np.eye(3), C=b.C, B=b.B, v=b.v)
    with pytest.raises(ValueError, match="B must be symmetric"):
        replace(b, B=np.array([[1.0, 2.0], [0.0, 1.0]]))
