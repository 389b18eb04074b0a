"""Searches across kinks: the bundle method, and where the loop stalls at one."""

from __future__ import annotations

import numpy as np
import pytest

from zoba_bench.minimization.implicit.bundle import descend, least_convex_combination
from zoba_bench.result import Status

from .support import Pair, error, follow, solve, spectrum, total

TOL = 1e-2


@pytest.mark.parametrize("m", [1, 2, 5, 9])
@pytest.mark.parametrize("seed", range(5))
def test_weights_satisfy_the_optimality_conditions(m, seed):
    rng = np.random.default_rng(seed)
    C, a = rng.standard_normal((m, 4)), -rng.uniform(0, 10.0 ** rng.integers(-3, 3), m)
    w = least_convex_combination(C @ C.T, a)
    assert (w >= 0).all()
    assert w.sum() == pytest.approx(1.0)
    multiplier = C @ (C.T @ w) - a
    # The active pieces have the least multiplier, all the same.
    assert multiplier[w > 1e-9].max() - multiplier.min() <= 1e-9 * (1 + np.abs(multiplier).max())


def test_a_piecewise_quadratic_function_is_minimised_once_its_pieces_are_seen():
    rng = np.random.default_rng(1)
    n = 4
    B, x_star = spectrum(rng, n, 5.0), rng.standard_normal(n)
    w, t = np.array([1.0, 2.0]), x_star[:2]
    linear = B @ x_star  # of the smooth part; 0 is between the slopes of both kinks
    count = 0

    def function(s):
        nonlocal count
        count += 1
        slopes = B @ s - linear
        slopes[:2] += w * np.sign(s[:2] - t)
        return float(0.5 * s @ B @ s - linear @ s + w @ np.abs(s[:2] - t)), slopes

    found = descend(function, n, B, 3.0, 1e-9, 5e-3, 40)
    assert np.linalg.norm(found.s - x_star) <= 1e-3
    assert found.jump >= 1.0  # 2 or 4 across one of the kinks
    assert count <= 15


def test_a_smooth_function_has_no_jump():
    B = np.diag([1.0, 4.0])
    found = descend(lambda s: (float(0.5 * (s - 1) @ B @ (s - 1)), B @ (s - 1)), 2, B, 10.0, 1e-12, 1e-2, 20)
    np.testing.assert_allclose(found.s, 1.0, atol=1e-3)
    assert abs(found.jump) <= 1e-6


def kinked(seed, p=5):
    """z* = M x; Psi has two kinks at its minimiser, which the slopes of the rest hold there."""
    rng = np.random.default_rng(seed)
    A, B = spectrum(rng, p, 10.0), spectrum(rng, p, 5.0)
    M, x = rng.standard_normal((p, p)) / np.sqrt(p), rng.standard_normal(p)
    weights, slopes = rng.uniform(0.5, 2.0, p), rng.choice([-1.0, 1.0], p)
    slopes[:2] = rng.uniform(-0.7, 0.7, 2)
    t = M @ x - np.where(np.arange(p) < 2, 0.0, slopes)
    linear = B @ x + M.T @ (weights * slopes)

    def inner(z, y):
        r = z - y @ M.T
        return 0.5 * total((r @ A) * r)

    def outer(z, y):
        return np.abs(z - t) @ weights + 0.5 * total((y @ B) * y) - y @ linear

    return Pair(outer, inner, rng.standard_normal(p), x + rng.standard_normal(p), x)


@pytest.mark.parametrize("seed", range(6))
def test_the_minimiser_at_a_kink_is_found_and_not_called_converged(seed):
    pair = kinked(seed)
    outcome, values = solve(pair)
    assert error(outcome, pair) <= TOL
    assert outcome.status == Status.STOPPED
    assert "kink" in outcome.message
    assert outcome.error_bound == np.inf
    assert values.total <= 1500


@pytest.mark.parametrize("seed", range(4))
def test_kinks_in_all_coordinates(seed):
    rng = np.random.default_rng(seed)
    weights, target = rng.uniform(0.5, 2.0, 5), rng.standard_normal(5)
    start = target + rng.uniform(1.0, 4.0) * np.array([1.0, -1.0, 0.5, 0.2, -0.4])
    pair = follow(lambda z, x: np.abs(z - target) @ weights, 0 * start, start, target)
    outcome, values = solve(pair)
    assert error(outcome, pair) <= TOL
    assert outcome.status == Status.STOPPED
    assert values.total <= 1000


def test_a_search_that_finds_no_kink_goes_on_and_converges():
    # Log cosh with a radius of 0.05 looks like a kink from afar; Psi is smooth, and the run may say CONVERGED.
    t = np.array([0.3, -0.2])
    pair = follow(lambda z, x: total(0.05 * np.logaddexp((z - t) / 0.05, -(z - t) / 0.05)), [2, 2], [2, 2], t)
    outcome, _ = solve(pair, 1e-3)
    assert outcome.status in (Status.CONVERGED, Status.STOPPED), outcome.message
    assert error(outcome, pair) <= 1e-2
    if outcome.status == Status.CONVERGED:
        assert error(outcome, pair) <= outcome.error_bound <= 1e-3


@pytest.mark.parametrize("p", [3, 5])
def test_a_smooth_function_that_is_flat_at_the_start_does_not_pass_for_one_with_kinks(p):
    # tanh is flat at 2: the curvature there says nothing of that at the solution, and steps are rejected.
    pair = Pair(
        lambda z, x: total((z - 0.5) ** 2) + 0.1 * total(x**2),
        lambda z, x: total((z - np.tanh(x)) ** 2) + 0.1 * total((z - np.tanh(x)) ** 4),
        np.zeros(p), np.linspace(1, 2, p), np.full(p, 0.4736946),
    )  # fmt: skip
    outcome, _ = solve(pair, 1e-3)
    assert outcome.status == Status.CONVERGED, outcome.message
    assert error(outcome, pair) <= 1e-3


def test_steep_curvature_is_no_jump():
    found = descend(lambda s: (float(np.log(np.cosh(50 * s)).sum()), 50 * np.tanh(50 * s)), 2, np.zeros((2, 2)), 1.0,
                    1e-12, 1e-3, 40)  # fmt: skip
    assert abs(found.jump) <= 0.5  # slopes change by 100 in all, and by 5 over the 2e-3 that are looked at
