"""What a run must have seen before it ends: curvature along the last step, G_zz v, slopes where Psi seems flat."""

from __future__ import annotations

import numpy as np
import pytest

from zoba_bench.result import Status

from .support import Pair, error, follow, quadratic, solve, total

TOL = 1e-2


def in_units_of(pair, unit):
    """The same problem with x in other units."""
    return Pair(
        lambda z, x: pair.outer(z, x / unit), lambda z, x: pair.inner(z, x / unit),
        pair.z0, pair.x0 * unit, pair.minimizer * unit,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("size", [5, 12])
def test_an_ill_conditioned_inner_function_does_not_repeat_the_last_correction(size, seed):
    pair = quadratic(size, size, seed, condition=1e4)
    outcome, values = solve(pair, budget=20_000)
    assert outcome.status == Status.CONVERGED, outcome.message
    assert error(outcome, pair) <= outcome.error_bound <= TOL
    # Twice the problem of condition 10: the parts of the start are the same, three corrections with checks follow.
    assert values.total <= 2 * solve(quadratic(size, size, seed))[1].total + 3 * (7 * size + 30)


@pytest.mark.parametrize("seed", range(3))
def test_x_in_units_of_a_millionth_takes_what_units_of_one_take(seed):
    plain = quadratic(5, 5, seed)
    pair = in_units_of(plain, 1e-6)
    outcome, values = solve(pair, TOL * 1e-6, budget=20_000)
    assert outcome.status == Status.CONVERGED, outcome.message
    assert error(outcome, pair) <= outcome.error_bound <= TOL * 1e-6
    assert values.total <= 2 * solve(plain)[1].total


def test_curvature_that_fell_along_a_direction_without_steps_is_seen():
    # Psi_22 = 0.1 + 0.2 x_1^2 falls from 0.9 to 0.1 on the way from x_1 = 2 to 0, and the start has Psi_2 = 0: the first
    # step says nothing of it, and the next Newton step is 0.02 where the solution is 0.18 away.
    pair = follow(
        lambda z, x: 2.5 * z[..., 0] ** 2 + 0.5 * (0.1 + 0.2 * z[..., 0] ** 2) * z[..., 1] ** 2 - 0.02 * z[..., 1],
        np.array([2.0, 0.02 / 0.9]), np.array([2.0, 0.02 / 0.9]), np.array([0.0, 0.2]),
    )  # fmt: skip
    outcome, _ = solve(pair)
    assert outcome.status == Status.CONVERGED, outcome.message
    assert error(outcome, pair) <= outcome.error_bound <= TOL


def bent(seed):
    """G curves 1 to 10 and 3 more on one side of every z_i*(x); Psi is quadratic."""
    rng = np.random.default_rng(seed)
    Q, _ = np.linalg.qr(rng.standard_normal((5, 5)))
    A = (Q * np.geomspace(1, 10, 5)) @ Q.T
    M, target, minimizer = rng.standard_normal((5, 5)) / np.sqrt(5), rng.standard_normal(5), rng.standard_normal(5)
    linear = M.T @ (M @ minimizer - target) + 2 * minimizer

    def inner(z, x):
        r = z - x @ M.T
        return 0.5 * total((r @ A) * r) + 1.5 * total(np.maximum(r, 0.0) ** 2)

    def outer(z, x):
        return 0.5 * total((z - target) ** 2) + total(x**2) - x @ linear

    start = minimizer + 2.0 * rng.standard_normal(5) / np.sqrt(5)
    return Pair(outer, inner, rng.standard_normal(5), start, minimizer)


@pytest.mark.parametrize("seed", range(8))
def test_a_jump_of_the_inner_curvature_does_not_pass_for_converged(seed):
    pair = bent(seed)
    outcome, _ = solve(pair, budget=8000)
    assert outcome.status in (Status.CONVERGED, Status.STOPPED, Status.BUDGET), outcome.message
    if outcome.status == Status.CONVERGED:
        assert error(outcome, pair) <= outcome.error_bound <= TOL


@pytest.mark.parametrize("seed", range(5))
def test_slopes_are_not_flat(seed):
    rng = np.random.default_rng(seed)
    weights, target, start = rng.uniform(0.5, 2.0, 5), rng.standard_normal(5), rng.standard_normal(5)
    outcome, _ = solve(follow(lambda z, x: np.abs(z - target) @ weights, start, 2 * start, target))
    assert outcome.status == Status.STOPPED
    assert "kink" in outcome.message or "short steps" in outcome.message


def test_flat_along_some_x_is_told_once_the_others_are_at_their_minimum():
    outcome, _ = solve(follow(lambda z, x: (z[..., 0] - 1) ** 2, [1, 2, 3], [0, 1, 2]))
    assert outcome.status == Status.FLAT
    assert abs(outcome.x[0] - 1) <= TOL


def test_a_step_to_where_z_has_no_solution_is_shortened():
    # z*(x) = x / sqrt(1 - x^2) exists for |x| < 1; Newton's first step from 0 leads to 1.
    pair = Pair(
        lambda z, x: total((z - 1) ** 2), lambda z, x: total(np.sqrt(1 + z**2) - z * x), [0.0], [0.0],
        np.array([np.sqrt(0.5)]),
    )  # fmt: skip
    outcome, _ = solve(pair)
    assert outcome.status == Status.CONVERGED, outcome.message
    assert error(outcome, pair) <= outcome.error_bound <= TOL
