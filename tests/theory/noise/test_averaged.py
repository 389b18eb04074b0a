"""Noise at many environments at once: the same numbers as one at a time."""

from __future__ import annotations

import numpy as np
import pytest
from zoba_bench.theory.estimators.presets import preset_named
from zoba_bench.theory.noise.averaged import VECTORS, Environments, LinearNoise, noise_of_environments
from zoba_bench.theory.noise.covariance import environment_noise

from ..support import PRESET_NAMES, random_blocks


def joint(blocks):
    y = np.concatenate([blocks.vectors[name] for name in VECTORS])
    return np.outer(y, y)


@pytest.mark.parametrize("preset", PRESET_NAMES)
@pytest.mark.parametrize("outer", ["shared", "independent"])
def test_a_batch_of_environments_is_each_of_them(preset, outer):
    named, several = preset_named(preset), [random_blocks(3, 2, seed=s) for s in range(3)]
    options = (5, 3, 1.3, 0.4, outer)
    expected = [environment_noise(named, b.environment(), *options) for b in several]
    letters = several[0].matrices
    matrices = {name: np.array([b.matrices[name] for b in several]) for name in letters}
    found = noise_of_environments(named, Environments(matrices, np.array([joint(b) for b in several])), *options)
    assert np.allclose(found, expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_with_constant_matrices_the_noise_is_linear_in_the_second_moments(preset):
    named, b = preset_named(preset), random_blocks(2, 3, seed=7)

    def evaluate(second):
        return noise_of_environments(named, Environments(b.matrices, second), 4, 2, 1.0, 0.3, "shared")

    linear = LinearNoise(evaluate, 3 * b.p + b.d)
    others = [random_blocks(2, 3, seed=s) for s in (8, 9)]
    mean = (joint(others[0]) + joint(others[1])) / 2
    expected = (evaluate(joint(others[0])) + evaluate(joint(others[1]))) / 2
    assert np.allclose(linear(mean), expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max())
    assert np.allclose(linear(mean), evaluate(mean), rtol=1e-12, atol=1e-12 * np.abs(expected).max())
