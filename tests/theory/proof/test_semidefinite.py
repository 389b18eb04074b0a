"""The search for weights against an independent minimisation, its answer where there is none, its invariances."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from zoba_bench.theory.proof.semidefinite import smallest_bound

SETTINGS = settings(derandomize=True, max_examples=25, deadline=None)
#: The relative gap at which the search stops, with room for the last step.
GAP = 1e-4
seeds = st.integers(0, 2**20)


def instance(seed, count, size):
    """Costs, matrices and offset; some weights make the block P(x) positive definite, not every one.

    As for a Lyapunov function the last diagonal entries are not positive: the bound is not negative.
    """
    rng = np.random.default_rng(seed)
    matrices = rng.standard_normal((count, size, size))
    matrices = matrices + matrices.transpose(0, 2, 1)
    shares, root = rng.uniform(0.2, 1.0, count), rng.standard_normal((size, size))
    others = np.tensordot(shares[:-1], matrices[:-1], axes=1)
    matrices[-1] = (root @ root.T + np.eye(size) - others) / shares[-1]
    matrices[:, -1, -1] = -rng.uniform(0.0, 1.0, count)
    offset = np.zeros((size, size))
    offset[0, 0] = -rng.uniform(0.1, 2.0)
    return rng.uniform(0.0, 3.0, count), matrices, offset


def bound(x, cost, matrices, offset):
    """c'x + t with the smallest admissible t, by the Schur complement; infinite where P(x) is not definite."""
    whole = offset + np.tensordot(x, matrices, axes=1)
    inner, beside = whole[:-1, :-1], whole[:-1, -1]
    if np.any(x < 0) or np.linalg.eigvalsh(inner)[0] <= 0:
        return np.inf
    return float(cost @ x + beside @ np.linalg.solve(inner, beside) - whole[-1, -1])


def reference_minimum(x, cost, matrices, offset):
    """The minimum by Nelder and Mead's method in the logarithms of the weights, restarted until it stays."""

    def objective(logs):
        return min(bound(np.exp(np.clip(logs, -40, 40)), cost, matrices, offset), 1e300)

    logs, best = np.log(x), np.inf
    for _ in range(6):
        found = minimize(objective, logs, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-9, "maxiter": 400})
        if found.fun > best - 1e-7 * best:
            break
        logs, best = found.x, found.fun
    return best


def feasible_start(matrices, offset, rng):
    """Weights with P(x) > 0, by chance: those that are known to make the block definite, scaled and perturbed."""
    for _ in range(3000):
        x = np.exp(rng.uniform(-2, 6) + rng.uniform(-2, 2, len(matrices)))
        if np.isfinite(bound(x, 0 * x, matrices, offset)):
            return x
    return None


@settings(SETTINGS, max_examples=12)
@given(seeds, st.integers(2, 3), st.integers(2, 4))
def test_the_minimum_is_found(seed, count, size):
    cost, matrices, offset = instance(seed, count, size)
    found = smallest_bound(cost, matrices, offset)
    assert found is not None
    reached = bound(found, cost, matrices, offset)
    start = feasible_start(matrices, offset, np.random.default_rng(seed))
    expected = reference_minimum(found if start is None else start, cost, matrices, offset)
    assert reached <= expected * (1 + GAP), (reached, expected)


@SETTINGS
@given(seeds, st.integers(2, 4), st.integers(2, 5))
def test_no_random_weights_do_better(seed, count, size):
    cost, matrices, offset = instance(seed, count, size)
    found = smallest_bound(cost, matrices, offset)
    reached = bound(found, cost, matrices, offset)
    rng = np.random.default_rng(seed)
    for spread in (0.01, 0.3, 3.0):
        for _ in range(20):
            there = found * np.exp(spread * rng.standard_normal(count))
            assert bound(there, cost, matrices, offset) >= reached * (1 - GAP)


@SETTINGS
@given(seeds, st.integers(1, 4), st.integers(2, 5))
def test_none_where_a_common_vector_forbids_every_weight(seed, count, size):
    """y'M_i y <= 0 for one y and all i: P(x) is never positive definite."""
    rng = np.random.default_rng(seed)
    matrices = rng.standard_normal((count, size, size))
    matrices = matrices + matrices.transpose(0, 2, 1) + 4 * np.eye(size)
    y = np.append(rng.standard_normal(size - 1), 0.0)
    y /= np.linalg.norm(y)
    excess = np.maximum(np.einsum("i,nij,j->n", y, matrices, y), 0) + rng.uniform(0.01, 1, count)
    matrices -= excess[:, None, None] * np.outer(y, y)
    assert smallest_bound(np.ones(count), matrices, np.zeros((size, size))) is None


def assert_units_of_weights_do_not_matter(seed, powers):
    cost, matrices, offset = instance(seed, 3, 4)
    plain = bound(smallest_bound(cost, matrices, offset), cost, matrices, offset)
    units = 2.0 ** np.array(powers)
    scaled = smallest_bound(cost * units, matrices * units[:, None, None], offset)
    assert scaled is not None
    assert bound(scaled * units, cost, matrices, offset) == pytest.approx(plain, rel=2 * GAP)


@SETTINGS
@given(seeds, st.integers(-6, 6), st.integers(-6, 6))
def test_units_of_weights_change_nothing(seed, one, two):
    assert_units_of_weights_do_not_matter(seed, [one, 0, two])


def test_units_that_are_far_apart_change_nothing():
    """As far apart as the weights of z and x where x is slow."""
    for seed in range(10):
        assert_units_of_weights_do_not_matter(seed, [20, 0, -20])


@SETTINGS
@given(seeds, st.integers(-20, 20), st.integers(-8, 8))
def test_units_of_the_state_change_nothing(seed, one, two):
    """The last component keeps its unit, and with it the bound."""
    cost, matrices, offset = instance(seed, 3, 4)
    plain = bound(smallest_bound(cost, matrices, offset), cost, matrices, offset)
    sizes = np.append(2.0 ** np.array([one, 0, two]), 1.0)
    scaled = smallest_bound(cost, matrices * np.outer(sizes, sizes), offset * np.outer(sizes, sizes))
    assert bound(scaled, cost, matrices, offset) == pytest.approx(plain, rel=2 * GAP)


@pytest.mark.parametrize(("cost", "q", "k"), [(1.0, 0.3, 1e-6), (1e-8, 2.0, 1e4), (1e6, 1.0, 1.0), (0.0, 1.0, 1.0)])
def test_one_weight_has_a_closed_form(cost, q, k):
    """x M with M = [[1, q], [q, 0]] and offset -k: c x + q^2 x^2 / (x - k) is smallest where its slope vanishes."""
    matrices, offset = np.array([[[1.0, q], [q, 0.0]]]), np.diag([-k, 0.0])
    found = smallest_bound(np.array([cost]), matrices, offset)
    exact = k + k * q / np.sqrt(cost + q**2)
    value = cost * exact + (q * exact) ** 2 / (exact - k)
    assert bound(found, np.array([cost]), matrices, offset) == pytest.approx(value, rel=GAP)
