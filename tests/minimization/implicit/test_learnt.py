"""The bound on the distance where the Hessian of Psi is learnt: a direction without a step may be flatter."""

from __future__ import annotations

import numpy as np
import pytest

from zoba_bench.minimization.implicit.method import Loop
from zoba_bench.minimization.implicit.stopping import Hidden
from zoba_bench.minimization.implicit.symmetric import Symmetric
from zoba_bench.result import Status

from .support import Counted, error, follow, quadratic, solve, total

NOTHING = Hidden(0.0, 0.0, 0.0, 0.0)


def learnt(curvature, steps, gradient):
    """A run that has learnt a Hessian from steps along coordinates, at a point with the given hypergradient."""
    d = len(curvature)
    pair = follow(lambda z, x: total(z**2), np.zeros(d), np.zeros(d))
    loop = Loop(Counted(pair), np.zeros(d), np.zeros(d), 1e-2, None, None, 100, None)
    model, E = np.ones(d), np.eye(d)
    model[steps] = curvature[steps]
    loop.B, loop.newton = Symmetric(np.diag(model), 0.0), False
    loop.pairs = [(E[i], curvature[i] * E[i]) for i in steps]
    loop.gradient = gradient
    return loop


@pytest.mark.parametrize("flatter", [1.0, 1.1, 1.29])
def test_a_direction_without_a_step_may_be_that_much_flatter_than_any_with_one(flatter):
    # Psi = sum of h_i x_i^2 / 2, h_3 unknown: at the gradient g e_3 the solution is g / h_3 away.
    h, g = np.array([1.0, 2.0, 1.0 / flatter]), 1e-3
    loop = learnt(h, [0, 1], np.array([0.0, 0.0, g]))
    size = loop.newton_step()[1]
    distance = g / h[2]
    assert loop.bar_of(size, NOTHING) >= distance
    if flatter > 1.0:
        assert size < distance  # the step of the model alone is no bound


def test_the_bound_follows_the_flattest_step():
    steep, flat = (learnt(np.array([h, 2.0, 1.0]), [0, 1], np.full(3, 1e-3)) for h in (1.0, 0.1))
    bars = [loop.bar_of(loop.newton_step()[1], NOTHING) for loop in (steep, flat)]
    assert bars[1] == pytest.approx(10 * bars[0])


@pytest.mark.parametrize("seed", range(3))
def test_runs_that_learn_the_hessian_are_within_their_bound(seed):
    pair = quadratic(3, 62, seed)
    outcome, _ = solve(pair)
    assert outcome.status == Status.CONVERGED, outcome.message
    assert error(outcome, pair) <= outcome.error_bound <= 1e-2
