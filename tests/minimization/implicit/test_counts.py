"""What every part of the method asks for, counted on quadratics, where nothing is measured twice."""

from __future__ import annotations

import numpy as np
import pytest

from zoba_bench.minimization.implicit.differences import cross, gradient, mixed, second, third
from zoba_bench.minimization.implicit.noise import Level
from zoba_bench.minimization.implicit.outer import hessian

from .support import Counted, curved, quadratic, solve

P, D = 4, 3


def level(pair, name="inner", noise=0.0):
    values = Counted(pair, noise={name: noise} if noise else {})
    made = Level(values, name, np.ones(len(pair.z0)), np.ones(len(pair.x0)))
    made.measure(pair.z0, pair.x0)
    before = values.total
    return made, lambda: values.total - before


PARTS = {
    "gradient in z": (lambda f, z, x, b: gradient(f, z, x, "z", b), P, 2 * P),
    "gradient": (lambda f, z, x, b: gradient(f, z, x, "zx", b), P + D, 2 * (P + D)),
    "G_zz": (lambda f, z, x, b: second(f, z, x, np.eye(P, P + D), b), P * (P + 3) // 2, P * P + P),
    "G_zz v": (lambda f, z, x, b: mixed(f, z, x, np.eye(P)[0], "z", b), 2 * P + 1, 4 * P),
    "C v": (lambda f, z, x, b: mixed(f, z, x, np.eye(P)[0], "x", b), 2 * D + 1, 4 * D),
    "C": (lambda f, z, x, b: cross(f, z, x, b), P + D + P * D, 4 * P * D),
    "third, 2 lines": (lambda f, z, x, b: third(f, z, x, np.eye(P)[0], np.eye(2, P + D), pairs=False), 10, 16),
    "third": (lambda f, z, x, b: third(f, z, x, np.eye(P)[0], np.eye(D, P + D), pairs=True),
              (D + 1) * (D + 2), 4 * D * (D + 1)),
}  # fmt: skip


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("noise", [0.0, 1e-6])
def test_parts_take_what_was_derived_for_them(name, noise):
    pair = quadratic(P, D)
    f, used = level(pair, noise=noise)
    part, exact, noisy = PARTS[name]
    part(f, pair.z0, pair.x0, float(pair.inner(pair.z0, pair.x0)))
    assert used() == (noisy if noise else exact)


def test_every_stencil_is_one_call():
    _, values = solve(quadratic(6, 5))
    # The matrix of second differences: all p (p + 3) / 2 points at once.
    assert max(values.batches) == 27 or max(values.batches) >= 27
    assert len(values.batches) < 0.25 * values.total


@pytest.mark.parametrize("part", ["z", "x"])
def test_noise_is_measured_with_nine_values(part):
    values = Counted(quadratic(P, D))
    f = Level(values, "inner", np.ones(P), np.ones(D))
    f.measure(np.ones(P), np.ones(D))
    assert values.counts["inner"] == 9


def test_the_hessian_of_psi_takes_pairs_of_columns_and_ten_values_for_third_derivatives():
    pair = quadratic(P, 5)
    F, used_F = level(pair, "outer")
    G, used_G = level(pair, "inner")
    z, x = np.array(pair.z0), np.array(pair.x0)
    hessian(F, G, z, x, np.ones(P), np.ones((P, 5)), float(pair.outer(z, x)))
    assert used_F() == 5 * 8 // 2
    assert used_G() == 10  # G is quadratic: third derivatives are found to vanish


@pytest.mark.parametrize(("p", "d"), [(10, 50), (12, 60)])
def test_an_iteration_takes_2p_3d_4_values(p, d):
    outcome, _ = solve(quadratic(p, d), 1e-3)
    iteration, check, second_gradient = 2 * p + 3 * d + 4, 2 * p + 1, p + 1
    steps = np.diff(outcome.history["evaluations"])[np.diff(outcome.history["iteration"]) == 1]
    # The curvature is looked at again where a step goes further than anything before; nothing else is measured.
    allowed = {iteration + a * check + b * second_gradient for a in (0, 1) for b in (0, 1)}
    # Near the end C v (and the check) have four points a coordinate.
    near_end = {2 * p + 5 * d + 3 + a * (4 * p) + b * second_gradient for a in (0, 1) for b in (0, 1)}
    # The check and C v share a point, and a second gradient that asks for no step of z saves the value of that.
    expected = {n - saved for n in allowed | near_end for saved in (0, 1, 2)}
    assert set(steps) <= expected, (steps, allowed)
    assert np.count_nonzero(steps == iteration) >= len(steps) / 2


def test_errors_that_differences_promise_hold():
    pair = curved(P, D)
    z, x = np.array(pair.z0), np.array(pair.x0)
    for noise in (0.0, 1e-6):
        f, _ = level(pair, noise=noise)
        measured, _ = gradient(f, z, x, "z", float(pair.inner(z, x)))
        h = 1e-5
        truth = (pair.inner(z + h * np.eye(P), x) - pair.inner(z - h * np.eye(P), x)) / (2 * h)
        # Half of the second derivative (below 3) of a forward step; 4 standard deviations.
        allowed = 4 * f.gradient_noise + (f.gradient_bias if noise else 1.5 * f.h1) + 1e-9
        assert np.abs(measured - truth).max() <= allowed


def test_rounding_is_seen_where_neighbours_differ_by_whole_quanta():
    # Values on a line whose slope times the step is one quantum: every difference of order 3 and more vanishes.
    quantum = 1e-3

    class Stairs:
        def inner(self, Z, X):
            w = np.hstack([Z, X])
            return np.round(0.5 + quantum * np.rint(np.linalg.norm(w, axis=1) / 1e-6), 3)

        outer = inner

    f = Level(Stairs(), "inner", np.ones(1), np.ones(1))
    f.measure(np.zeros(1), np.zeros(1))
    # A uniform rounding error of one quantum has the standard deviation 0.29 quanta.
    assert f.eps >= 0.28 * quantum
    exact, _ = level(quadratic(P, D))
    assert exact.eps < 1e-12
