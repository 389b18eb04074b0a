"""Every closed form of every family against the two objectives and against each other."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from zoba_bench.certification.certify import measured
from zoba_bench.certification.differences import settle

from .support import (
    FIRST_ORDER,
    OF_X,
    OF_ZX,
    PRODUCTS,
    SUMS,
    assert_close,
    assert_derivative,
    assert_optimality_conditions,
    declared,
    difference,
    factory,
    instances,
    require,
    sample,
)

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
    return settle(problem, rng.standard_normal((*z_lead, problem.p)), rng.standard_normal((*x_lead, problem.d)))


def test_functions_of_z_and_x_broadcast_like_a_loop(problem):
    for z_lead, x_lead in LEADS:
        z, x = points_with(problem, z_lead, x_lead)
        lead = np.broadcast_shapes(z_lead, x_lead)
        many_z, many_x = np.broadcast_to(z, (*lead, problem.p)), np.broadcast_to(x, (*lead, problem.d))
        for name in declared(problem, OF_ZX):
            function = getattr(problem, name)
            whole = function(z, x)
            assert np.asarray(whole).dtype == np.float64, name
            single = [function(many_z[index], many_x[index]) for index in np.ndindex(*lead)]
            expected = np.reshape(single, (*lead, *np.shape(single[0])))
            assert_close(whole, expected, SUMS, expected, f"{name} for leading axes {z_lead} and {x_lead}")


def test_products_broadcast_over_all_three_arguments(problem):
    for (z_lead, x_lead), name in product(LEADS, declared(problem, PRODUCTS)):
        z, x = points_with(problem, z_lead, x_lead)
        lead = np.broadcast_shapes(z_lead, x_lead)
        function, what = getattr(problem, name), f"{name} for leading axes {z_lead} and {x_lead}"
        size = problem.d if name == "inner_jvp_zx" else problem.p
        direction = np.random.default_rng(6).standard_normal((2, *(1 for _ in lead), size))
        whole = function(z, x, direction)
        assert whole.shape[:-1] == (2, *lead), what
        assert whole.dtype == np.float64, what
        many_z = np.broadcast_to(z, (2, *lead, problem.p))
        many_x = np.broadcast_to(x, (2, *lead, problem.d))
        many_w = np.broadcast_to(direction, (2, *lead, size))
        single = np.stack([function(many_z[i], many_x[i], many_w[i]) for i in np.ndindex(2, *lead)])
        assert_close(whole, single.reshape(whole.shape), SUMS, single, what)


def test_functions_of_x_take_any_leading_shape(problem):
    for lead, name in product([(), (3,), (2, 1, 3), (2, 3, 1)], declared(problem, OF_X)):
        x = points_with(problem, lead, lead)[1]
        function = getattr(problem, name)
        whole = function(x)
        assert np.asarray(whole).dtype == np.float64, name
        single = [function(x[index]) for index in np.ndindex(*lead)]
        expected = np.reshape(single, (*lead, *np.shape(single[0])))
        # The solves amplify rounding by the condition number, below 1e3 in all instances.
        assert_close(whole, expected, 1e3 * SUMS, expected, f"{name} for leading axes {lead}")


def test_inputs_are_left_alone_and_results_are_writable(problem):
    points = sample(problem, 3)
    copies = [np.copy(array) for array in points]
    results = [getattr(problem, name)(points.z, points.x) for name in declared(problem, OF_ZX)]
    results += [getattr(problem, name)(points.x) for name in declared(problem, OF_X)]
    if problem.inner_hvp_zz is not None:
        results.append(problem.inner_hvp_zz(points.z, points.x, points.v))
    for array in [*results, problem.outer(points.z[0], points.x)]:
        array += 1.0
    for array, copy in zip(points, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_gradients_are_derivatives_of_the_objectives(problem):
    require(problem)
    z, x, v, u = sample(problem, 8)
    for level in ("inner", "outer"):
        f = getattr(problem, level)
        scale = f(z, x)
        grad_z, grad_x = getattr(problem, f"{level}_grad_z"), getattr(problem, f"{level}_grad_x")
        if grad_z is not None:
            assert_derivative(np.vecdot(grad_z(z, x), v), lambda s, f=f: f(z + s, x), v, scale, f"{level}_grad_z")
        if grad_x is not None:
            assert_derivative(np.vecdot(grad_x(z, x), u), lambda s, f=f: f(z, x + s), u, scale, f"{level}_grad_x")


def test_products_are_derivatives_of_the_inner_gradients(problem):
    require(problem, "inner_grad_z", "inner_grad_x")
    z, x, v, u = sample(problem, 8)
    grad_z, grad_x = problem.inner_grad_z, problem.inner_grad_x
    scale = np.concatenate([grad_z(z, x).ravel(), grad_x(z, x).ravel()])
    for name, moved, direction in (
        ("inner_hvp_zz", lambda s: grad_z(z + s, x), v),
        ("inner_jvp_xz", lambda s: grad_x(z + s, x), v),
        ("inner_jvp_zx", lambda s: grad_z(z, x + s), u),
    ):
        product = getattr(problem, name)
        if product is not None:
            assert_derivative(product(z, x, direction), moved, direction, scale, name)


@pytest.mark.parametrize("level", ["inner", "outer"])
def test_hessian_blocks_agree_with_products_and_differences(problem, level):
    require(problem, f"{level}_hessian", f"{level}_grad_z", f"{level}_grad_x")
    z, x, v, u = (array[0] for array in sample(problem, 1))
    p, d = problem.p, problem.d
    zz, xz, xx = getattr(problem, f"{level}_hessian")(z, x)
    assert (zz.shape, xz.shape, xx.shape) == ((p, p), (d, p), (d, d))
    np.testing.assert_allclose(zz, zz.T, atol=SUMS)
    np.testing.assert_allclose(xx, xx.T, atol=SUMS)
    grad_z, grad_x = getattr(problem, f"{level}_grad_z"), getattr(problem, f"{level}_grad_x")
    scale = np.concatenate([grad_z(z, x), grad_x(z, x)])
    assert_derivative(zz @ v, lambda s: grad_z(z + s, x), v, scale, "zz")
    assert_derivative(xz @ v, lambda s: grad_x(z + s, x), v, scale, "xz")
    assert_derivative(xz.T @ u, lambda s: grad_z(z, x + s), u, scale, "zx")
    assert_derivative(xx @ u, lambda s: grad_x(z, x + s), u, scale, "xx")
    if level == "inner":
        products = {"inner_hvp_zz": (zz, v), "inner_jvp_xz": (xz, v), "inner_jvp_zx": (xz.T, u)}
        for name in declared(problem, PRODUCTS):
            block, direction = products[name]
            assert_close(block @ direction, getattr(problem, name)(z, x, direction), SUMS, block, name)


def test_optimality_conditions_hold(problem):
    require(problem, *OF_X, *FIRST_ORDER)
    assert_optimality_conditions(problem, sample(problem, 8).x)


def test_hypergradient_is_the_derivative_of_the_value(problem):
    require(problem, "value", "hypergradient")
    _, x, _, u = sample(problem, 8)
    assert_derivative(
        np.vecdot(problem.hypergradient(x), u), lambda s: problem.value(x + s), u, problem.value(x), "grad Psi"
    )


def test_the_minimiser_has_the_minimum_and_cannot_be_changed(problem):
    require(problem, "minimizer", "minimum", "value", smooth=False)
    minimizer = problem.minimizer
    assert minimizer.shape == (problem.d,)
    assert not minimizer.flags.writeable
    # A few roundings of terms of order one.
    assert problem.value(minimizer) == pytest.approx(problem.minimum, rel=1e-15, abs=1e-15)


def test_the_minimiser_is_stationary_and_strict(problem):
    require(problem, "minimizer", "hypergradient")
    if problem.region is not None:
        pytest.skip("Psi is minimised over a region")
    minimizer = problem.minimizer
    hessian = np.array([difference(lambda s: problem.hypergradient(minimizer + s), e) for e in np.eye(problem.d)])
    largest = problem.constants.L_Psi or np.linalg.norm(hessian, 2)
    assert np.linalg.norm(problem.hypergradient(minimizer)) <= 1e-15 * (1 + largest) * (1 + np.linalg.norm(minimizer))
    eigenvalues = np.linalg.eigvalsh((hessian + hessian.T) / 2)
    assert eigenvalues[0] > 0, f"not a strict minimum: {eigenvalues}"


def test_no_value_is_below_the_minimum(problem):
    require(problem, "minimum", "value", smooth=False)
    x = sample(problem, 500).x
    lowest = np.min(problem.value(x))
    assert lowest >= problem.minimum - 1e-15 * (1 + abs(problem.minimum)), f"{lowest} < {problem.minimum}"


@pytest.mark.sample(20)
@pytest.mark.parametrize("instance", [each for each in instances() if each.values[0][1]])
def test_what_can_be_measured_is_certified(instance):
    """Of default instances it is part of the certificates of the registered problems."""
    name, keywords = instance
    failed = [check for check in measured(factory(name)(**keywords), seed=7) if not check.ok]
    assert not failed, failed


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
