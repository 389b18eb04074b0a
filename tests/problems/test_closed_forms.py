"""Every closed form of every family against the two objectives and against each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zoba_bench.problems import PROBLEMS

from .support import DATA, DIFFERENCE, assert_close, difference, factory, sample

# A sum of a few hundred products, each rounded.
ROUNDING = 1e-12

OF_X = ["inner_solution", "adjoint", "value", "hypergradient"]
OF_ZX = ["inner", "outer", "inner_grad_z", "inner_grad_x", "outer_grad_z", "outer_grad_x"]
PRODUCTS = ["inner_hvp_zz", "inner_jvp_xz", "inner_jvp_zx"]
LEADS = [
    ((), ()),
    ((3,), ()),
    ((), (4,)),
    ((2, 1, 3), (2, 1, 1)),
    ((2, 1, 1), (2, 2, 3)),
    ((1, 3), (2, 1)),
    ((2, 2, 1, 3), (2, 2, 1, 3)),
]


def points_with(problem, z_lead, x_lead):
    rng = np.random.default_rng(5)
    return rng.standard_normal((*z_lead, problem.p)), rng.standard_normal((*x_lead, problem.d))


@pytest.mark.parametrize(("z_lead", "x_lead"), LEADS)
def test_functions_of_z_and_x_broadcast_like_a_loop(problem, z_lead, x_lead):
    z, x = points_with(problem, z_lead, x_lead)
    lead = np.broadcast_shapes(z_lead, x_lead)
    many_z, many_x = np.broadcast_to(z, (*lead, problem.p)), np.broadcast_to(x, (*lead, problem.d))
    for name in OF_ZX:
        function = getattr(problem, name)
        whole = function(z, x)
        assert np.asarray(whole).dtype == np.float64, name
        single = [function(many_z[index], many_x[index]) for index in np.ndindex(*lead)]
        expected = np.reshape(single, (*lead, *np.shape(single[0])))
        assert_close(whole, expected, ROUNDING, expected, name)


@pytest.mark.parametrize(("z_lead", "x_lead"), LEADS)
def test_products_broadcast_over_all_three_arguments(problem, z_lead, x_lead):
    z, x = points_with(problem, z_lead, x_lead)
    lead = np.broadcast_shapes(z_lead, x_lead)
    for name in PRODUCTS:
        function = getattr(problem, name)
        size = problem.d if name == "inner_jvp_zx" else problem.p
        direction = np.random.default_rng(6).standard_normal((2, *(1 for _ in lead), size))
        whole = function(z, x, direction)
        assert whole.shape[:-1] == (2, *lead), name
        assert whole.dtype == np.float64, name
        many_z = np.broadcast_to(z, (2, *lead, problem.p))
        many_x = np.broadcast_to(x, (2, *lead, problem.d))
        many_w = np.broadcast_to(direction, (2, *lead, size))
        for index in np.ndindex(2, *lead):
            single = function(many_z[index], many_x[index], many_w[index])
            assert_close(whole[index], single, ROUNDING, single, name)


@pytest.mark.parametrize("lead", [(), (3,), (2, 1, 3), (2, 3, 1)])
def test_functions_of_x_take_any_leading_shape(problem, lead):
    x = np.random.default_rng(7).standard_normal((*lead, problem.d))
    for name in OF_X:
        function = getattr(problem, name)
        whole = function(x)
        assert np.asarray(whole).dtype == np.float64, name
        single = [function(x[index]) for index in np.ndindex(*lead)]
        expected = np.reshape(single, (*lead, *np.shape(single[0])))
        # The solves amplify rounding by the condition number, below 1e3 in all instances.
        assert_close(whole, expected, 1e3 * ROUNDING, expected, name)


def test_inputs_are_left_alone_and_results_are_writable(problem):
    points = sample(problem, 3)
    copies = [np.copy(array) for array in points]
    for name in OF_ZX:
        getattr(problem, name)(points.z, points.x)
    results = [problem.inner_hvp_zz(points.z, points.x, points.v), problem.outer_grad_x(points.z, points.x)]
    results += [problem.inner_solution(points.x), problem.outer(points.z[0], points.x)]
    for array in results:
        array += 1.0
    for array, copy in zip(points, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_gradients_are_derivatives_of_the_objectives(problem):
    z, x, v, u = sample(problem, 8)
    for level in ("inner", "outer"):
        f = getattr(problem, level)
        along_z = difference(lambda step, f=f: f(z + step, x), v)
        along_x = difference(lambda step, f=f: f(z, x + step), u)
        scale = f(z, x)
        grad_z, grad_x = getattr(problem, f"{level}_grad_z"), getattr(problem, f"{level}_grad_x")
        assert_close(np.vecdot(grad_z(z, x), v), along_z, DIFFERENCE, scale, f"{level}_grad_z")
        assert_close(np.vecdot(grad_x(z, x), u), along_x, DIFFERENCE, scale, f"{level}_grad_x")


def test_products_are_derivatives_of_the_inner_gradients(problem):
    z, x, v, u = sample(problem, 8)
    grad_z, grad_x = problem.inner_grad_z, problem.inner_grad_x
    cases = [
        ("inner_hvp_zz", problem.inner_hvp_zz(z, x, v), difference(lambda step: grad_z(z + step, x), v)),
        ("inner_jvp_xz", problem.inner_jvp_xz(z, x, v), difference(lambda step: grad_x(z + step, x), v)),
        ("inner_jvp_zx", problem.inner_jvp_zx(z, x, u), difference(lambda step: grad_z(z, x + step), u)),
    ]
    for name, product, expected in cases:
        scale = np.concatenate([grad_z(z, x).ravel(), grad_x(z, x).ravel()])
        assert_close(product, expected, DIFFERENCE, scale, name)


def test_hessian_blocks_agree_with_products_and_differences(problem):
    z, x, v, u = (array[0] for array in sample(problem, 1))
    zz, xz, xx = problem.inner_hessian(z, x)
    p, d = problem.p, problem.d
    assert (zz.shape, xz.shape, xx.shape) == ((p, p), (d, p), (d, d))
    np.testing.assert_allclose(zz, zz.T, atol=ROUNDING)
    np.testing.assert_allclose(xx, xx.T, atol=ROUNDING)
    assert_close(zz @ v, problem.inner_hvp_zz(z, x, v), ROUNDING, 1.0, "zz")
    assert_close(xz @ v, problem.inner_jvp_xz(z, x, v), ROUNDING, xz, "xz")
    assert_close(xz.T @ u, problem.inner_jvp_zx(z, x, u), ROUNDING, xz, "zx")
    by_difference = difference(lambda step: problem.inner_grad_x(z, x + step), u)
    assert_close(xx @ u, by_difference, DIFFERENCE, problem.inner_grad_x(z, x), "xx")

    zz, xz, xx = problem.outer_hessian(z, x)
    assert (zz.shape, xz.shape, xx.shape) == ((p, p), (d, p), (d, d))
    np.testing.assert_allclose(zz, zz.T, atol=ROUNDING)
    np.testing.assert_allclose(xx, xx.T, atol=ROUNDING)
    grad_z, grad_x = problem.outer_grad_z, problem.outer_grad_x
    scale = np.concatenate([grad_z(z, x), grad_x(z, x)])
    assert_close(zz @ v, difference(lambda s: grad_z(z + s, x), v), DIFFERENCE, scale, "F_zz")
    assert_close(xz @ v, difference(lambda s: grad_x(z + s, x), v), DIFFERENCE, scale, "F_xz")
    assert_close(xz.T @ u, difference(lambda s: grad_z(z, x + s), u), DIFFERENCE, scale, "F_zx")
    assert_close(xx @ u, difference(lambda s: grad_x(z, x + s), u), DIFFERENCE, scale, "F_xx")


def assert_optimality_conditions(problem, x):
    z, v = problem.inner_solution(x), problem.adjoint(x)
    outer_z = problem.outer_grad_z(z, x)
    # A solve is backward stable: its residual is rounding of the terms, without the condition number.
    assert_close(problem.inner_grad_z(z, x), np.zeros_like(z), ROUNDING, z, "G_z at z*")
    residual = problem.inner_hvp_zz(z, x, v) + outer_z
    scale = np.max(np.abs(v)) * problem.constants.L_zz + np.max(np.abs(outer_z))
    assert_close(residual, np.zeros_like(z), ROUNDING, scale, "G_zz v* + F_z")
    assembled = problem.outer_grad_x(z, x) + problem.inner_jvp_xz(z, x, v)
    # Here the forward error of v*, up to the condition number (1e3) times its residual, enters.
    assert_close(problem.hypergradient(x), assembled, 10 * ROUNDING, 100 * v, "F_x + G_xz v*")
    assert_close(problem.value(x), problem.outer(z, x), ROUNDING, problem.value(x), "F(z*, x)")


def test_optimality_conditions_hold(problem):
    assert_optimality_conditions(problem, sample(problem, 8).x)


def test_hypergradient_is_the_derivative_of_the_value(problem):
    _, x, _, u = sample(problem, 8)
    along = difference(lambda step: problem.value(x + step), u)
    assert_close(np.vecdot(problem.hypergradient(x), u), along, DIFFERENCE, problem.value(x), "grad Psi")


def test_the_minimiser_is_stationary_and_has_the_minimum(problem):
    if problem.minimizer is None:
        pytest.skip("no minimiser is declared")
    minimizer = problem.minimizer
    assert minimizer.shape == (problem.d,)
    assert not minimizer.flags.writeable
    assert problem.value(minimizer) == problem.minimum
    # A few roundings of terms of order one.
    assert np.linalg.norm(problem.hypergradient(minimizer)) <= 1e-15 * (1 + problem.constants.L_Psi)
    eigenvalues = np.linalg.eigvalsh(
        np.array([difference(lambda step: problem.hypergradient(minimizer + step), e) for e in np.eye(problem.d)])
    )
    assert eigenvalues[0] > 0, f"not a strict minimum: {eigenvalues}"


def test_no_value_is_below_the_minimum(problem):
    if problem.minimum is None:
        pytest.skip("no minimum is declared")
    x = sample(problem, 500).x
    lowest = np.min(problem.value(x))
    assert lowest >= problem.minimum - 1e-15 * (1 + abs(problem.minimum)), f"{lowest} < {problem.minimum}"


@pytest.mark.parametrize("name", ["logistic_bregman", "logcosh_ripple", "quad_general", "quad_tracking"])
@pytest.mark.parametrize("distance", [1e-5, 1e-9])
def test_value_gap_and_hypergradient_keep_their_digits_near_the_optimum(name, distance):
    problem = factory(name)(6, 4, seed=4)
    u = sample(problem, 1).u[0]
    x = problem.minimizer + distance * u
    step = x - problem.minimizer  # what the float64 point really is
    curvature = np.array([difference(lambda s: problem.hypergradient(problem.minimizer + s), e) for e in np.eye(4)])
    # Psi is quadratic to relative order |step|^2 omega^2 |M|^2 <= 1e-8 here; the curvature is known to 1e-9.
    np.testing.assert_allclose(problem.hypergradient(x), curvature @ step, rtol=0, atol=1e-7 * distance)
    if problem.minimum == 0:
        np.testing.assert_allclose(problem.value(x), step @ curvature @ step / 2, rtol=1e-6)


@settings(deadline=None, max_examples=60)
@given(
    name=st.sampled_from(sorted(set(PROBLEMS) - DATA)),
    p=st.integers(1, 40),
    d=st.integers(1, 40),
    seed=st.integers(0, 2**32 - 1),
)
def test_closed_forms_hold_at_any_size_and_seed(name, p, d, seed):
    problem = factory(name)(p, d, seed=seed)
    _, x, _, u = sample(problem, 3, seed=seed)
    assert_optimality_conditions(problem, x)
    along = difference(lambda step: problem.value(x + step), u)
    assert_close(np.vecdot(problem.hypergradient(x), u), along, DIFFERENCE, problem.value(x), "grad Psi")
