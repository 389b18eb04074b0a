"""Declared constants dominate sampled values, and the exact ones are attained."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from zoba_bench.certification.constants import measure_constants
from zoba_bench.problem import BilevelProblem, Constants

from .strategies import spd_matrices
from .support import difference, factory, require, sample

# Rounding of the sampled quantity; a wrong constant is off by far more.
SLACK = 1 + 1e-9
N_PAIRS = 30


def norm(matrix):
    return np.linalg.norm(matrix, 2)


def assert_bounded(problem, name, values):
    bound, largest = getattr(problem.constants, name), np.max(values)
    if bound is not None:
        assert largest <= bound * SLACK + 1e-12, f"{name}: sampled {largest:.6g} above declared {bound:.6g}"


def hessian(blocks):
    zz, xz, xx = blocks
    return np.block([[zz, xz.T], [xz, xx]])


def nearby(problem, points, seed=9):
    """A second point for each, near and far, still inside the radius."""
    rng = np.random.default_rng(seed)
    share = rng.uniform(0, 1, (len(points), 1)) ** 4
    others = points[rng.permutation(len(points))]
    return points + share * (others - points)


def jacobian(function, x):
    return np.stack([difference(lambda step: function(x + step), e) for e in np.eye(x.shape[-1])], axis=-1)


def test_curvature_bounds(problem):
    require(problem, "inner_hessian", "outer_hessian", smooth=False)
    z, x, _, _ = sample(problem, N_PAIRS)
    inner = [problem.inner_hessian(a, b) for a, b in zip(z, x, strict=True)]
    outer = [problem.outer_hessian(a, b) for a, b in zip(z, x, strict=True)]
    if problem.constants.mu is not None:
        lowest = min(np.linalg.eigvalsh(zz)[0] for zz, _, _ in inner)
        largest = max(norm(zz) for zz, _, _ in inner)
        # Assembling A from its eigenvectors moves its eigenvalues by rounding of the largest one.
        assert lowest >= problem.constants.mu - 1e-14 * largest
    for name, blocks, index in [
        ("L_zz", inner, 0),
        ("L_xz", inner, 1),
        ("L_xx", inner, 2),
        ("m_zz", outer, 0),
        ("m_xz", outer, 1),
        ("m_xx", outer, 2),
    ]:
        assert_bounded(problem, name, [norm(block[index]) for block in blocks])


def test_lipschitz_constants_of_the_inner_hessian(problem):
    require(problem, "inner_hessian")
    z, x, _, _ = sample(problem, N_PAIRS)
    y, w = nearby(problem, z), nearby(problem, x)
    full, zz, xz, zx, xx = [], [], [], [], []
    for a, b, c, e in zip(z, x, y, w, strict=True):
        distance = np.sqrt(np.sum((a - c) ** 2) + np.sum((b - e) ** 2))
        if min(distance, np.linalg.norm(a - c)) < 1e-6:
            continue  # the quotient would be rounding
        full.append(norm(hessian(problem.inner_hessian(a, b)) - hessian(problem.inner_hessian(c, e))) / distance)
        here, there = problem.inner_hessian(a, b), problem.inner_hessian(c, b)
        zz.append(norm(here[0] - there[0]) / np.linalg.norm(a - c))
        xz.append(norm(here[1] - there[1]) / np.linalg.norm(a - c))
        if np.linalg.norm(b - e) >= 1e-6:
            there = problem.inner_hessian(a, e)
            zx.append(norm(here[1] - there[1]) / np.linalg.norm(b - e))
            xx.append(norm(here[2] - there[2]) / np.linalg.norm(b - e))
    for name, values in (("H", full), ("H_zz", zz), ("H_xz", xz), ("H_zx", zx), ("H_xx", xx)):
        assert_bounded(problem, name, values)


def test_slopes_and_adjoint_are_bounded(problem):
    require(problem, "inner_solution", "outer_grad_z", "outer_grad_x", "adjoint", smooth=False)
    z, x, _, _ = sample(problem, 300)
    solution = problem.inner_solution(x)
    assert_bounded(problem, "C_z", np.linalg.norm(problem.outer_grad_z(solution, x), axis=-1))
    assert_bounded(problem, "C_x", np.linalg.norm(problem.outer_grad_x(z, x), axis=-1))
    sizes = np.linalg.norm(problem.adjoint(x), axis=-1)
    assert_bounded(problem, "R", sizes)
    if problem.constants.R_0 is not None:
        growth = problem.constants.R_g * np.linalg.norm(problem.hypergradient(x), axis=-1)
        assert_bounded(problem, "R_0", sizes - growth)


def test_lipschitz_constants_along_x(problem):
    require(problem, "inner_solution", "adjoint", "hypergradient")
    x = sample(problem, 100).x
    y = nearby(problem, x)
    distance = np.linalg.norm(x - y, axis=-1)
    x, y, distance = (array[distance > 1e-3] for array in (x, y, distance))
    for name, function in [
        ("k_z", problem.inner_solution),
        ("k_v", problem.adjoint),
        ("L_Psi", problem.hypergradient),
    ]:
        assert_bounded(problem, name, np.linalg.norm(function(x) - function(y), axis=-1) / distance)
    for name, function in [("s_z", problem.inner_solution), ("s_v", problem.adjoint)]:
        here, there = jacobian(function, x), jacobian(function, y)
        # The Jacobians carry the error of a difference; relative to |v*| / distance it is below 1e-6.
        error = 1e-9 * (1 + np.max(np.abs(function(x)))) / distance
        assert_bounded(problem, name, np.linalg.norm(here - there, 2, axis=(-2, -1)) / distance - error)


@pytest.mark.parametrize("name", ["quad_general", "quad_tracking", "minimax_quad"])
@pytest.mark.parametrize("seed", [0, 1])
def test_constants_of_quadratic_problems_are_attained(name, seed):
    problem = factory(name)(seed=seed)
    constants, z, x = problem.constants, np.zeros(problem.p), np.zeros(problem.d)
    eigenvalues = np.linalg.eigvalsh(problem.inner_hessian(z, x)[0])
    measured = {
        "mu": eigenvalues[0],
        "L_zz": eigenvalues[-1],
        "k_z": norm(jacobian(problem.inner_solution, x)),
        "k_v": norm(jacobian(problem.adjoint, x)),
        "L_Psi": norm(jacobian(problem.hypergradient, x)),
    }
    for key, value in measured.items():
        np.testing.assert_allclose(value, getattr(constants, key), rtol=1e-8, atol=1e-12, err_msg=key)


@pytest.mark.parametrize(
    ("name", "point"),
    [
        # At x_o the pseudo-Huber curvature is 1 in every direction, and the ripple's 1 + alpha omega^2.
        ("logistic_bregman", "planted"),
        ("logcosh_ripple", "planted"),
    ],
)
def test_smoothness_of_planted_problems_is_attained_at_the_optimum(name, point):
    problem = factory(name)()
    curvature = jacobian(problem.hypergradient, problem.minimizer)
    np.testing.assert_allclose(norm(curvature), problem.constants.L_Psi, rtol=1e-8)


def test_a_constant_that_is_too_small_would_be_seen():
    problem = factory("logcosh_ripple")(4, 3)
    object.__setattr__(problem.constants, "L_zz", 0.5 * problem.constants.L_zz)
    with pytest.raises(AssertionError, match="L_zz"):
        assert_bounded(problem, "L_zz", [norm(problem.inner_hessian(np.zeros(4), np.zeros(3))[0])])


def test_unknown_constants_are_none_and_not_numbers():
    assert factory("logistic_bregman")().constants.L_xx is None
    assert factory("logistic_bregman")().constants.H is None
    assert factory("quad_general")().constants.R is None
    assert factory("quad_general")(radius=2.0).constants.radius == 2.0
    assert factory("quad_general")(radius=2.0).constants.C_x is None
    assert factory("quad_tracking")(radius=2.0, lam=0.3).constants.C_x == pytest.approx(0.6)


@pytest.mark.slow
@settings(deadline=None, max_examples=15)
@given(drawn=spd_matrices(condition=50.0))
def test_the_search_of_a_certificate_finds_the_ends_of_a_spectrum(drawn):
    matrix, spectrum = drawn
    n = len(spectrum)

    def inner(z, x):
        return 0.5 * np.vecdot((z - x) @ matrix, z - x)

    exact = Constants(mu=spectrum[0], L_zz=spectrum[-1], L_xx=spectrum[-1])
    problem = BilevelProblem.from_functions(inner, inner, n, n, constants=exact)
    for name in ("mu", "L_zz", "L_xx"):
        (check,) = measure_constants(problem, np.random.default_rng(0), only=name)
        assert check.ok, check
        # From values alone, with no Hessian: two per cent are found in up to six dimensions.
        tight = replace(exact, **{name: getattr(exact, name) * (1.02 if name == "mu" else 0.98)})
        (check,) = measure_constants(replace(problem, constants=tight), np.random.default_rng(0), only=name)
        assert not check.ok, check
