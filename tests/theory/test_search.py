"""The search over weights: known minima of posynomials, and conditions that cannot be met."""

from __future__ import annotations

import math

import numpy as np
import pytest
from zoba_bench.theory.search import smallest_bound


def test_the_minimum_of_a_posynomial_under_a_condition():
    def evaluate(weights):
        x, y = weights
        return x + y + 4 / (x * y), np.stack([1 / (2 * x), y / 1.0])

    # On y <= 1 the best is y = 1, x = 2.
    value, used = smallest_bound(evaluate, np.array([5.0, 0.3]))
    assert value == pytest.approx(5.0, rel=1e-5)
    assert used.max() <= 1


def test_an_infeasible_start_is_repaired():
    value, used = smallest_bound(lambda w: (w[0] + 1 / w[0], np.stack([3 / w[0]])), np.array([0.1]))
    assert value == pytest.approx(3 + 1 / 3, rel=1e-5)
    assert used[0] <= 1


def test_conditions_without_a_solution_are_reported():
    value, used = smallest_bound(lambda w: (w[0], np.stack([2 / w[0], w[0]])), np.array([1.0]))
    assert value == math.inf
    assert used.max() == pytest.approx(math.sqrt(2), rel=1e-3)
