"""The implicit hypergradient by differences: one step against a plain loop, and exactness on quadratics."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import zoba_bench as zb
from zoba_bench.oracle import Oracle
from zoba_bench.registry import make_solver
from zoba_bench.solvers.implicit import absolute_solve, bfgs


def run(problem, iterations, replicates=1, **options):
    """States 0 to ``iterations``."""
    solver = make_solver("implicit", **options)
    z, x = problem.initial_point(np.random.default_rng(0))
    oracle = Oracle(problem, replicates)
    rng = np.random.default_rng(0)
    starts = (np.repeat(a[None], replicates, axis=0) for a in (z, np.zeros(problem.p), x))
    states = [solver.init(oracle, rng, *starts)]
    for _ in range(iterations):
        states.append(solver.step(states[-1]))
    return states


def plain_step(problem, state, h, h2, radius):
    """One step in scalars: sums over coordinates, one value at a time."""
    G = lambda z, x: float(problem.inner(z, x))  # noqa: E731
    F = lambda z, x: float(problem.outer(z, x))  # noqa: E731
    z, x, H = state.z[0].copy(), state.x[0].copy(), state.inner_hessian[0]
    p, d = len(z), len(x)
    unit_z, unit_x = np.eye(p), np.eye(d)
    g = np.array([(G(z + h * e, x) - G(z, x)) / h for e in unit_z])
    z = z - np.linalg.solve(H, g)
    f_z = np.array([(F(z + h * e, x) - F(z, x)) / h for e in unit_z])
    f_x = np.array([(F(z, x + h * e) - F(z, x)) / h for e in unit_x])

    def along(v, part):
        a = h2 * v / np.linalg.norm(v)
        moves = [(h2 * e, 0) for e in unit_z] if part == "z" else [(0, h2 * e) for e in unit_x]
        apart = [G(z + a + s, x + t) - G(z + a, x) - G(z + s, x + t) + G(z, x) for s, t in moves]
        return np.array(apart) / h2**2 * np.linalg.norm(v)

    u = -np.linalg.solve(H, f_z)
    y = along(u, "z")
    H = H - np.outer(H @ u, H @ u) / (u @ H @ u) + np.outer(y, y) / (u @ y)
    v = -np.linalg.solve(H, f_z)
    D = f_x + along(v, "x")
    B = np.linalg.norm(D) / radius * unit_x
    s = -np.linalg.solve(B, D)
    return z, v, x + s * min(1.0, radius / np.linalg.norm(s)), H


@pytest.mark.parametrize("name", ["quad_general", "logcosh_ripple", "smd7"])
def test_the_first_step_is_that_of_a_plain_loop(name):
    problem = zb.load_problem(name, p=5, d=4)
    start, after = run(problem, 1)
    z, v, x, H = plain_step(problem, start, 1e-6, 1e-4, 0.3)
    # Rounding of values near 10, over h2^2 in products; both sides make it in another order.
    np.testing.assert_allclose(after.z[0], z, atol=1e-7)
    np.testing.assert_allclose(after.v[0], v, atol=1e-5 * (1 + np.abs(v).max()))
    np.testing.assert_allclose(after.x[0], x, atol=1e-5)
    np.testing.assert_allclose(after.inner_hessian[0], H, atol=1e-4 * np.abs(H).max())


def test_on_a_quadratic_z_and_v_are_exact_after_one_step_and_the_end_is_the_minimiser():
    problem = zb.load_problem("quad_general", p=5, d=4)
    states = run(problem, 40)
    for before, after in itertools.pairwise(states):
        np.testing.assert_allclose(after.z, problem.inner_solution(before.x), atol=1e-4)
    np.testing.assert_allclose(states[-1].v, problem.adjoint(states[-1].x), atol=1e-3)
    np.testing.assert_allclose(states[-1].x[0], problem.minimizer, atol=1e-4)


def test_replicates_that_start_together_stay_together_since_nothing_is_drawn():
    end = run(zb.load_problem("logcosh_ripple"), 5, replicates=3)[-1]
    for block in (end.x, end.z, end.v, end.outer_hessian):
        np.testing.assert_allclose(block[1:], np.repeat(block[:1], 2, axis=0), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("radius", [0.1, 2.0])
def test_no_step_is_longer_than_the_radius_and_the_first_has_its_length(radius):
    states = run(zb.load_problem("logcosh_ripple"), 6, radius=radius)
    lengths = [float(np.linalg.norm(b.x - a.x)) for a, b in itertools.pairwise(states)]
    assert lengths[0] == pytest.approx(radius)
    assert max(lengths) <= radius * (1 + 1e-12)


def test_the_update_meets_its_secant_and_refuses_what_is_not_convex():
    rng = np.random.default_rng(0)
    root, s, u = rng.standard_normal((2, 4, 4)), rng.standard_normal((2, 4)), rng.standard_normal((2, 4))
    M = root @ root.transpose(0, 2, 1) + np.eye(4)
    y = np.einsum("rij,rj->ri", M, s) + 0.1 * u
    np.testing.assert_allclose(np.einsum("rij,rj->ri", bfgs(M, s, y), s), y)
    np.testing.assert_array_equal(bfgs(M, s, -y), M)
    np.testing.assert_allclose(absolute_solve(-M, s), np.linalg.solve(M, s[..., None])[..., 0])


@pytest.mark.parametrize(
    ("options", "match"),
    [({"h": 0.0}, "h"), ({"h2": -1.0}, "h2"), ({"radius": np.inf}, "radius"), ({"curvature": "none"}, "curvature")],
)
def test_options_are_checked(options, match):
    with pytest.raises(ValueError, match=match):
        make_solver("implicit", **options)


def test_a_matrix_with_nan_leaves_the_other_replicates_alone():
    M = np.stack([np.eye(2), np.full((2, 2), np.nan)])
    solved = absolute_solve(M, np.ones((2, 2)))
    np.testing.assert_array_equal(solved[0], [1, 1])
    assert np.isnan(solved[1]).all()
