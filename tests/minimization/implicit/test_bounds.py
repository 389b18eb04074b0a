"""Bounds on x and on z: kept by every evaluation, with solutions that satisfy the conditions at the bounds."""

from __future__ import annotations

import numpy as np
import pytest

from zoba_bench.result import Status

from .support import Pair, curved, error, follow, quadratic, simple, solve, total

NONE = np.full(2, np.inf)


def watched(pair, low, high, which):
    """The same functions, which fail where a bound is not kept."""

    def guard(function):
        def guarded(z, x):
            at = x if which == "x" else z
            assert (at >= low - 1e-12).all(), "below the bound"
            assert (at <= high + 1e-12).all(), "above the bound"
            return function(z, x)

        return guarded

    return Pair(guard(pair.outer), guard(pair.inner), pair.z0, pair.x0, pair.minimizer)


@pytest.mark.parametrize("noise", [0.0, 1e-6])
def test_a_separable_problem_has_its_solution_at_the_bound(noise):
    low, high = np.array([1.5, -np.inf]), np.array([np.inf, 5.0])
    pair = watched(simple(), low, high, "x")
    pair.minimizer = np.array([1.5, 1 / 1.1])
    outcome, _ = solve(pair, bounds=(low, high), noise={"outer": noise, "inner": noise} if noise else {})
    assert outcome.status == Status.CONVERGED, outcome.message
    assert error(outcome, pair) <= 1e-2
    assert outcome.x[0] == 1.5
    assert "1 of 2 variables at a bound" in outcome.message


@pytest.mark.parametrize("family", [quadratic, curved])
@pytest.mark.parametrize("seed", range(4))
def test_optimality_at_the_bounds(family, seed):
    """x is that of a run on the free variables alone, and the hypergradient pushes the others outwards."""
    free = family(5, 5, seed)
    low, high = free.minimizer - 0.5, free.minimizer + 0.5
    low[:2] += 0.8
    high[:2] += 1.0
    outcome, _ = solve(watched(free, low, high, "x"), 1e-3, bounds=(low, high))
    assert outcome.status == Status.CONVERGED, outcome.message
    at_low, at_high = outcome.x == low, outcome.x == high
    assert (outcome.jac[at_low] >= 0).all()
    assert (outcome.jac[at_high] <= 0).all()
    inside = ~(at_low | at_high)
    assert at_low.any()

    def fill(y):
        x = np.broadcast_to(outcome.x, (*y.shape[:-1], 5)).copy()
        x[..., inside] = y
        return x

    fewer = Pair(
        lambda z, y: free.outer(z, fill(y)), lambda z, y: free.inner(z, fill(y)), free.z0, free.x0[inside]
    )  # fmt: skip
    alone, _ = solve(fewer, 1e-3)
    np.testing.assert_allclose(alone.x, outcome.x[inside], atol=2e-3)


def test_a_start_outside_of_the_bounds_is_moved_inside():
    low, high = np.array([0.0, 0.0]), np.array([0.5, 2.0])
    outcome, _ = solve(watched(simple(), low, high, "x"), bounds=(low, high))
    np.testing.assert_allclose(outcome.x, [0.5, 1 / 1.1], atol=1e-2)


@pytest.mark.parametrize("noise", [0.0, 1e-6])
def test_bounds_on_z_hold_at_the_lower_level(noise):
    # z_1 stays at 0.5, so that Psi has no slope through it: x_1 = 1 minimises (x_1 - 1)^2 / 2.
    pair = Pair(
        lambda z, x: 0.5 * total((z - 2) ** 2) + 0.5 * total((x - 1) ** 2), lambda z, x: 0.5 * total((z - x) ** 2),
        [0, 0], [3, -2], np.array([1.0, 1.5]),
    )  # fmt: skip
    low, high = -NONE, np.array([0.5, np.inf])
    outcome, _ = solve(
        watched(pair, low, high, "z"), bounds_z=(low, high), noise={"outer": noise, "inner": noise} if noise else {}
    )
    assert outcome.status == Status.CONVERGED, outcome.message
    assert error(outcome, pair) <= 1e-2
    assert outcome.z[0] == 0.5
    assert outcome.v[0] == 0.0


def test_no_strict_complementarity_is_refused():
    # z = min(x, 1/2) and F = (z - 1)^2 / 2 + (x - 1/4)^2 / 2: Psi has a kink at its minimum, x = 1/2.
    pair = follow(lambda z, x: 0.5 * total((z - 1) ** 2) + 0.5 * total((x - 0.25) ** 2), [0, 0], [0.4, 0.6])
    outcome, _ = solve(pair, bounds_z=(-NONE, np.full(2, 0.5)))
    assert outcome.status != Status.CONVERGED
    np.testing.assert_allclose(outcome.x, 0.5, atol=0.05)
    # Where the start is the kink itself, the message says so.
    pair = follow(lambda z, x: 0.5 * total((z - 0.5) ** 2) + 0.5 * total((x - 0.5) ** 2), [0.5], [0.5])
    outcome, _ = solve(pair, bounds_z=(np.array([-1.0]), np.array([0.5])))
    assert outcome.status == Status.STOPPED
    assert "strict complementarity" in outcome.message
