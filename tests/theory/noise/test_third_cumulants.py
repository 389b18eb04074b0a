"""Third cumulants and their effect, against the exact evolution of a density on a grid."""

from __future__ import annotations

import numpy as np
from zoba_bench.theory.noise.closure import carry
from zoba_bench.theory.noise.cubature import cubature
from zoba_bench.theory.noise.local_law import LocalLaw

STEP, K = 0.2, 30
BEND, TILT = 0.6, -0.8


class Scalar(LocalLaw):
    """D(s) = s + BEND s^2 / 2, normal noise of variance size (1 + TILT s), grad Psi = D."""

    def __init__(self, size):
        self.p, self.d, self.n, self.size = 0, 1, 1, size
        self.points, self.weights = cubature(1)
        self._weighted = self.weights[:, None] * self.points
        self.linear = None

    def steps(self, k):
        return np.array([STEP])

    def vectors(self, s):
        return s + BEND * s**2 / 2, s

    def hypergradient(self, s):
        return self.vectors(s)[0]

    def noise_at(self, states):
        return self.size * (1 + TILT * states)[:, :, None]

    def skewness(self, mean):
        return np.zeros((1, 1, 1))


def exact_mean(size):
    """Mean over k < K of E D^2, by the kernel of the chain on a grid of 12 standard deviations each way."""
    wide = 12 * np.sqrt(STEP * size / (2 - STEP))
    grid = np.linspace(-wide, wide, 1601)
    step = grid[1] - grid[0]
    drift = grid + BEND * grid**2 / 2
    variance = STEP**2 * size * np.maximum(1 + TILT * grid, 1e-3)
    kernel = np.exp(-((grid[:, None] - (grid - STEP * drift)) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)
    kernel *= step
    density, total = kernel[:, len(grid) // 2], 0.0
    for _ in range(1, K):
        total += density @ drift**2
        density = kernel @ density
    assert abs(density.sum() - 1) < 1e-8
    return total / K


def test_what_the_closure_leaves_out_is_derived_to_leading_order():
    ratios = []
    for size in (0.16, 0.04):
        found = carry(Scalar(size), np.zeros(1), K, third=True)
        left = exact_mean(size) / found.stationarity.mean() - 1
        derived = found.omitted.mean() / found.stationarity.mean()
        assert abs(derived) > 2e-3, "there is something to derive"
        ratios.append(left / derived - 1)
    # What is left after it is of the next order: a quarter of the noise leaves a quarter of it.
    assert abs(ratios[0]) < 0.01, ratios
    assert abs(ratios[1]) < abs(ratios[0]) / 3, ratios


def test_a_wrong_sign_of_the_cumulants_is_seen():
    found = carry(Scalar(0.16), np.zeros(1), K, third=True)
    assert exact_mean(0.16) < found.stationarity.mean() - 0.5 * abs(found.omitted.mean())
    assert found.omitted.mean() < 0


def test_without_bends_nothing_is_left_out():
    class Straight(Scalar):
        def vectors(self, s):
            return s, s

    found = carry(Straight(0.04), np.zeros(1), K, third=True)
    assert np.abs(found.omitted).max() < 1e-9 * found.running[-1]
