"""Facts about ZOBA and HF-ZOBA with exact values: linear rate or noise floor, its fall with l, and where they fail."""

from __future__ import annotations

import math
from functools import cache
from itertools import product

import numpy as np
import pytest

import zoba_bench as zb
from zoba_bench.directions import Block, Coordinate, LowRank, Orthogonal, Sphere
from zoba_bench.driver import run
from zoba_bench.estimators import hessian_action, project, second_difference
from zoba_bench.registry import make_solver
from zoba_bench.statistics import family_level, fit_line, log_mean, mean_limits

from ..engine.test_directions import enumerated, rotations
from .second_moments import SecondMoments

CONFIDENCE = 0.9999  # of all comparisons of a test together
STEPS = {"schedule": "constant", "h": 1e-3, "rho": 0.3, "gamma": 0.06, "l1": 6}


@cache
def quadratic(p=3, d=2):
    return zb.load_problem("quad_general", p=p, d=d, kappa=2.0)


def solved(problem, name, **options):
    """A run from the problem's start, or from the exact solution."""
    x = problem.minimizer
    exact = {"x0": x, "z0": problem.inner_solution(x), "v0": problem.adjoint(x)} if options.pop("exact", False) else {}
    return zb.solve(problem, name, **exact, **options)


# HF-ZOBA: shared directions converge linearly, one outer direction leaves a floor.


def test_shared_directions_converge_linearly_at_the_derived_rate():
    """E|grad Psi(x_k)|^2 is that of the recursion at each k, and the recursion falls by its spectral radius < 1."""
    problem, iterations, replicates = quadratic(), 60, 400
    recursion = SecondMoments(problem, make_solver("hf-zoba-shared", **STEPS))
    path, raised = (recursion.path(iterations, floor=floor) for floor in (False, True))
    result = solved(
        problem, "hf-zoba-shared", max_iterations=iterations, replicates=replicates, record_every=10, **STEPS
    )
    recorded = result.history["iteration"][1:]
    for k, sample in zip(recorded, result.history["stationarity"][1:], strict=True):
        limits = mean_limits(sample).limits(family_level(CONFIDENCE, len(recorded)))
        assert limits.low <= raised[k], (k, limits, path[k])
        assert limits.high >= path[k], (k, limits, path[k])
    rate = recursion.rate()
    assert 0 < rate < 1
    # Long after the start one eigenvalue is left; the mean of 50 factors has its size to 1 %. (Later still, the
    # recursion is rounded: differences of numbers of the size of |v*|^2.)
    late = recursion.path(150)
    assert (late[150] / late[100]) ** (1 / 50) == pytest.approx(rate, rel=0.01)
    # The rate is slower than the square of the mean iteration's (the directions' noise), and not by a constant floor.
    update = np.eye(len(recursion.scale)) - recursion.scale[:, None] * recursion.model.J
    assert rate > np.abs(np.linalg.eigvals(update)).max() ** 2
    assert late[150] < 1e-6 * late[0]


@pytest.mark.parametrize("preset", ["zoba", "zoba-mixed", "hf-zoba", "hf-zoba-shared"])
@pytest.mark.parametrize("l1", [1, 4])
def test_the_stable_range_of_rho_is_where_the_mean_square_of_z_stops_shrinking(preset, l1):
    """G_zz = I: a step multiplies E|z - z*|^2 by 1 - 2 rho + rho^2 (1 + (p + 1)/l1), which is 1 at the end."""
    p, replicates = 3, 40_000
    problem = zb.load_problem("quad_general", p=p, d=2, kappa=1.0)
    options = {"l1": l1, "h": 1e-5, "schedule": "constant", "gamma": 1e-9}
    ((_, _, end, _),) = (row for row in make_solver(preset, **options).stable_steps(problem) if row[0] == "rho")
    x = np.zeros(2)
    z = problem.inner_solution(x) + np.ones(p)
    for rho in (0.5 * end, end):
        result = run(
            problem, make_solver(preset, rho=0.999999 * rho, **options), z0=z, x0=x, rng=np.random.default_rng(0),
            replicates=replicates, max_iterations=1, record_every=None,
        )  # fmt: skip
        squares = np.sum((result.z - problem.inner_solution(x)) ** 2, axis=1) / p
        expected = 1 - 2 * rho + rho**2 * (1 + (p + 1) / l1)
        # Five standard errors of the mean, and the radius: forward differences are off by h |w|^2 / 2.
        assert abs(squares.mean() - expected) <= 5 * squares.std() / math.sqrt(replicates) + 1e-3
    assert expected == pytest.approx(1.0)


def test_a_run_with_shared_directions_ends_at_the_floor_of_the_radii():
    """By Markov's inequality at most 100 times the bound of the recursion, but for one seed in 100; and quadratic in
    the radii."""
    problem, floors = quadratic(), []
    for h in (1e-2, 1e-3):
        options = {**STEPS, "h": h}
        recursion = SecondMoments(problem, make_solver("hf-zoba-shared", **options))
        raised = recursion.path(400, floor=True)[-1]
        result = solved(problem, "hf-zoba-shared", max_iterations=400, replicates=64, record_every=400, **options)
        floors.append(result.history["stationarity"][-1].mean())
        assert floors[-1] <= 100 * raised
    # The same directions at both radii, and a linear iteration: iterates around the solution are proportional to h.
    # Rounding of values of size 10 adds 10 eps / h^2 = 2e-9 to surrogates that are of size h.
    assert floors[0] / floors[1] == pytest.approx(100, rel=1e-3)


def test_one_outer_direction_leaves_the_floor_of_the_linear_noise():
    """With l2 = 1 the noise of F_z and F_x does not vanish: the stationary mean is the theorem's."""
    problem, theorem = quadratic(), zb.theorem("hf-zoba")
    l1, gamma, c, iterations = 6, 0.06, 0.2, 300
    options = {**STEPS, "l2": 1}
    derived = theorem.linear_noise(
        theorem.blocks_at(problem, problem.minimizer), gamma, c, l1, l2=1, multiplicative=True
    )
    recursion = SecondMoments(problem, make_solver("hf-zoba", **options))
    path = recursion.path(iterations, recursion.solution())
    assert path[-1] == pytest.approx(derived * gamma / l1, rel=1e-6)
    result = solved(
        problem, "hf-zoba", exact=True, max_iterations=iterations, replicates=1000, record_every=iterations, **options
    )
    limits = mean_limits(result.history["stationarity"][-1]).limits(CONFIDENCE)
    assert limits.low <= derived * gamma / l1 <= limits.high, (limits, derived * gamma / l1)
    assert limits.low > 1e-3, "the floor must be seen"
    # All directions shared from the same start: what is left is rounding and the radii.
    shared = solved(
        problem,
        "hf-zoba-shared",
        exact=True,
        max_iterations=iterations,
        replicates=64,
        record_every=iterations,
        **STEPS,
    )
    assert shared.history["stationarity"][-1].max() < 1e-3 * limits.low


def test_full_blocks_of_orthogonal_directions_make_it_deterministic():
    """l1 a multiple of p and d: means of ww' and uu' are I, so that only the radii tell it from SOBA's exact steps."""
    problem = quadratic()
    options = {**STEPS, "law": "orthogonal", "h": 1e-4}
    result = solved(problem, "hf-zoba-shared", max_iterations=30, replicates=3, **options)
    recursion = SecondMoments(problem, make_solver("hf-zoba-shared", **options))
    mean = np.eye(len(recursion.scale)) - recursion.scale[:, None] * recursion.model.J
    b, p, d, h = recursion.blocks, problem.p, problem.d, options["h"]
    # Of |w| = sqrt(n), the radii add at most (h/2) |H| |w|^3 to each surrogate, and rounding 2e-7 |w| (values of size
    # 10 over h h_bar).
    error = sum(
        h / 2 * np.linalg.norm(matrix, 2) * n**1.5 + 2e-7 * n
        for matrix, n in ((b.A, p), (b.A, p), (b.F_zz, p), (b.F_xx, d), (b.B, d))
    )
    s, power, off, root = (
        recursion.start()[:-1, -1],
        np.diag(recursion.scale),
        0.0,
        np.linalg.norm(recursion.model.Q, 2) ** 0.5,
    )
    for k in range(31):
        expected = s @ recursion.model.Q @ s
        limit = 2 * math.sqrt(expected) * root * off + (root * off) ** 2
        assert np.abs(result.history["stationarity"][k] - expected).max() <= limit + 1e-12 * expected, k
        off += np.linalg.norm(power, 2) * error
        s, power = mean @ s, mean @ power
    spread = result.x.std(axis=0).max()
    other = solved(problem, "hf-zoba-shared", max_iterations=30, replicates=3, **(options | {"law": "sphere"}))
    assert spread < 1e-2 * other.x.std(axis=0).max()


# ZOBA's floor.


@pytest.mark.slow
def test_the_floor_of_zoba_falls_as_one_over_l():
    """Means of |grad Psi|^2 from the exact solution against the theorem's: level and slope."""
    problem, theorem = quadratic(2, 2), zb.theorem("zoba")
    gamma, c, begin, end, counts = 0.1, 0.25, 100, 260, (32, 128, 512)
    blocks = theorem.blocks_at(problem, problem.minimizer)
    derived, measured = [], []
    for l in counts:
        derived.append(math.log(theorem.linear_noise(blocks, gamma, c, l, multiplicative=True) * gamma / l))
        result = solved(
            problem, "zoba", exact=True, max_iterations=end, replicates=24, l1=l, l2=l,
            schedule="constant", rho=gamma / c, gamma=gamma, h=1e-3,
        )  # fmt: skip
        measured.append(log_mean(result.history["stationarity"][begin:].mean(axis=0)))
    # Whatever is not yet stationary at iteration 100 is below (radius^2)^100 = 1e-7 of the floor.
    level = family_level(CONFIDENCE, len(counts) + 1)
    for l, value, estimate in zip(counts, derived, measured, strict=True):
        limits = estimate.limits(level)
        assert limits.low <= value <= limits.high, (l, limits, value)
    at = [math.log(l) for l in counts]
    limits = fit_line(at, measured)[0].limits(level)
    # The weighted fit to the derived values, with the measurement's weights.
    expected = fit_line(at, [type(e)(v, e.error, e.dof) for v, e in zip(derived, measured, strict=True)])[0].value
    assert limits.low <= expected <= limits.high, (limits, expected)
    assert limits.low > -1.5, limits  # no other power of sqrt(l)
    assert limits.high < -0.5, limits
    # And the derived floor is A / l (1 + O(1/l)): four times as many directions, a quarter of the excess over A.
    a = theorem.linear_noise(blocks, gamma, c, 1)
    excess = [theorem.linear_noise(blocks, gamma, c, l, multiplicative=True) / a - 1 for l in (512, 2048)]
    assert excess[0] == pytest.approx(4 * excess[1], rel=0.05)


# The Hessian surrogate of second differences is for Gaussian directions.


def action(w, weights, A, v, l=1):
    """Mean of ZOBA's surrogate of A v over enumerated directions (N, l, p), with the estimators that run."""
    z, h = np.zeros(len(v)), 0.5
    w = w.reshape(len(w), 1, l, len(v))

    def g(point):
        return np.einsum("...i,ij,...j->...", point, A, point) / 2

    s = second_difference(g(z + h * w), g(z - h * w), g(z), h, h)
    at = np.broadcast_to(v, (len(w), len(v)))
    return weights @ hessian_action(s, project(w, at), w, at)


def matrices(n):
    root = np.random.default_rng(n).standard_normal((n, n))
    return [root @ root.T + np.eye(n), np.diag(np.arange(1.0, n + 1)), np.ones((n, n)) + np.eye(n)]


@pytest.mark.parametrize("n", [1, 2, 3])
def test_mean_action_on_the_sphere(n):
    """(n A v - tr(A) v) / (n + 2): zero for A = I, and negative where curvature is below the mean."""
    w, weights = enumerated(Sphere(), n)
    v = np.arange(1.0, n + 1)
    for A in matrices(n):
        expected = (n * A @ v - np.trace(A) * v) / (n + 2)
        np.testing.assert_allclose(action(w, weights, A, v), expected, atol=1e-12)
        assert np.linalg.norm(expected - A @ v) > 0.5 * np.linalg.norm(A @ v)
    assert np.abs(action(w, weights, np.eye(n), v)).max() < 1e-13


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_mean_action_along_coordinates(n):
    """(n diag(A) v - tr(A) v) / 2: nothing is seen beside the diagonal."""
    w, weights = enumerated(Coordinate(), n)
    v = np.arange(1.0, n + 1)
    for A in matrices(n):
        expected = (n * np.diag(A) * v - np.trace(A) * v) / 2
        np.testing.assert_allclose(action(w, weights, A, v), expected, atol=1e-11)
        assert np.linalg.norm(expected - A @ v) > 0.1 * np.linalg.norm(A @ v)


@pytest.mark.parametrize("n", [1, 2, 3, 6])
def test_mean_action_of_random_signs(n):
    """A v - diag(A) v: right beside the diagonal, and nothing of it."""
    w = np.array(list(product((-1.0, 1.0), repeat=n)))
    v = np.arange(1.0, n + 1)
    for A in matrices(n):
        expected = A @ v - np.diag(A) * v
        np.testing.assert_allclose(action(w, np.full(len(w), 1 / len(w)), A, v), expected, atol=1e-11)
    assert np.abs(action(w, np.full(len(w), 1 / len(w)), np.diag(v), v)).max() < 1e-12


@pytest.mark.parametrize(
    ("law", "n"),
    [(Block(1), 3), (Block(2), 3), (Block(2), 4), (LowRank(1), 4), (LowRank(2), 4), (LowRank(1), 6)],
    ids=str,
)
def test_mean_action_of_other_laws_is_that_of_their_fourth_moments(law, n):
    """(M(A) v - tr(A) v) / 2, which is not A v."""
    w, weights = enumerated(law, n)
    v = np.arange(1.0, n + 1)
    for A in matrices(n):
        expected = (law.fourth_moment(A) @ v - np.trace(A) * v) / 2
        np.testing.assert_allclose(action(w, weights, A, v), expected, atol=1e-10)
        assert np.linalg.norm(expected - A @ v) > 0.1 * np.linalg.norm(A @ v)


def test_mean_action_of_a_block_of_orthogonal_directions_is_that_of_the_sphere():
    """Being orthogonal to each other does not change the mean, only the variance."""
    w = math.sqrt(3) * rotations()
    v, A = np.arange(1.0, 4.0), matrices(3)[0]
    expected = (3 * A @ v - np.trace(A) * v) / 5
    np.testing.assert_allclose(action(w, np.full(60, 1 / 60), A, v, l=3), expected, atol=1e-12)
    np.testing.assert_allclose(expected, (Orthogonal().fourth_moment(A) - np.trace(A) * np.eye(3)) @ v / 2)


def test_gaussian_directions_give_the_right_action():
    """The control: the same enumeration, by quadrature."""
    from zoba_bench.directions import Gaussian

    for n in (1, 2, 3):
        w, weights = enumerated(Gaussian(), n)
        v = np.arange(1.0, n + 1)
        for A in matrices(n):
            np.testing.assert_allclose(action(w, weights, A, v), A @ v, atol=1e-11)
