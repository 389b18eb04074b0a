"""What a run must have seen before it ends: curvature along the last step, G_zz v, slopes where Psi seems flat."""

from __future__ import annotations

import numpy as np
import pytest

from zoba_bench.result import Status

from .support import Pair, error, follow, solve, spectrum, total

TOL = 1e-2


def in_units_of(pair, unit):
    """The same problem with x in other units."""
    return Pair(
        lambda z, x: pair.outer(z, x / unit), lambda z, x: pair.inner(z, x / unit),
        pair.z0, pair.x0 * unit, pair.minimizer * unit,
    )  # fmt: skip


def coupled(p, seed, low, high):
    """F and G quadratic, with z and x coupled in both; eigenvalues of G_zz from low to high."""
    rng = np.random.default_rng(seed)
    A, B = (spectrum(rng, p, c) for c in (high / low, 5.0))
    A *= low
    M, K = rng.standard_normal((p, p)) / np.sqrt(p), 0.3 * rng.standard_normal((p, p)) / np.sqrt(p)
    target, minimizer = rng.standard_normal(p), rng.standard_normal(p)
    z_star = M @ minimizer
    linear = M.T @ (z_star - target + K @ minimizer) + K.T @ z_star + B @ minimizer

    # As one matrix: what cancels in (z - M x)'A(z - M x) + 0.3 |x|^2 leaves rounding.
    Q = np.block([[A, -A @ M], [-M.T @ A, M.T @ A @ M + 0.3 * np.eye(p)]])

    def inner(z, x):
        w = np.concatenate([z, x], axis=-1)
        return 0.5 * total((w @ Q) * w)

    def outer(z, x):
        return 0.5 * total((z - target) ** 2) + total((z @ K) * x) + 0.5 * total((x @ B) * x) - x @ linear

    away = rng.standard_normal(p)
    start = minimizer + rng.uniform(1.0, 4.0) * away / np.linalg.norm(away)
    return Pair(outer, inner, rng.standard_normal(p), start, minimizer)


# What a run without repetitions takes: noise 18, G_zz p (p + 3) / 2 up to three times with other units of z, C and the
# Hessian of Psi about 2 p^2 + 6 p, and ten times a step with a check, 7 p + 4 + 4 p.
def enough(p):
    return 18 + 3 * p * (p + 3) // 2 + 2 * p * p + 6 * p + 10 * (11 * p + 4)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("p", [5, 12])
def test_an_ill_conditioned_inner_function_does_not_repeat_the_last_correction(p, seed):
    pair = coupled(p, seed, 1e-2, 1e2)
    outcome, values = solve(pair, budget=20_000)
    assert outcome.status == Status.CONVERGED, outcome.message
    assert error(outcome, pair) <= outcome.error_bound <= TOL
    assert values.total <= enough(p)


@pytest.mark.parametrize("seed", range(4))
def test_x_in_units_of_a_millionth_does_not_repeat_the_last_correction(seed):
    pair = in_units_of(coupled(5, seed, 1.0, 10.0), 1e-6)
    outcome, values = solve(pair, TOL * 1e-6, budget=20_000)
    assert outcome.status == Status.CONVERGED, outcome.message
    assert error(outcome, pair) <= outcome.error_bound <= TOL * 1e-6
    assert values.total <= enough(5)


def test_curvature_that_fell_along_a_direction_without_steps_is_seen():
    # Psi_22 = 0.1 + 0.2 x_1^2 falls from 0.9 to 0.1 on the way from x_1 = 2 to 0, and the start has Psi_2 = 0: the
    # first step says nothing of it, and the next Newton step is 0.02 where the solution is 0.18 away.
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


@pytest.mark.parametrize("target", [[0.2], [1.0, 2.0]])
def test_curvature_across_a_kink_does_not_pass_for_converged(target):
    # The slope is 1 on either side, so that differences across the kink show a curvature of one over their step.
    t = np.array(target)
    outcome, _ = solve(follow(lambda z, x: total(np.abs(z - t)), 0 * t + 2, 0 * t + 2, t))
    assert outcome.status == Status.STOPPED, outcome.message


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
