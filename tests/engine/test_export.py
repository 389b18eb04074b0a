"""Problems for other optimisers: plain functions, and Psi with its exact gradient."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from scipy.optimize import check_grad, minimize

import zoba_bench as zb
from zoba_bench.problem.capabilities import Capabilities
from zoba_bench.registry import missing_requirements

KNOWN = [
    name for name in zb.list_problems()
    if not missing_requirements(name) and None not in (zb.load_problem(name).value, zb.load_problem(name).hypergradient)
]  # fmt: skip


# Plain functions.


@pytest.mark.parametrize("name", ["reference", "logistic_bregman", "quad_sum", "l1_tracking"])
def test_functions_give_floats_at_a_point_and_arrays_at_many(name):
    problem = zb.load_problem(name)
    functions = problem.as_functions()
    for level, exact in ((functions.outer, problem.outer), (functions.inner, problem.inner)):
        value = level(functions.z0.tolist(), functions.x0.tolist())
        assert type(value) is float
        assert value == exact(functions.z0, functions.x0)
        many = level(np.tile(functions.z0, (3, 1)), np.tile(functions.x0, (3, 1)))
        np.testing.assert_allclose(many, value, rtol=1e-12)


def test_functions_are_the_arguments_of_minimize_in_its_order():
    problem = zb.load_problem("quad_tracking", 3, 2, kappa=5.0)
    found = zb.minimize(*problem.as_functions(), tol=1e-3)
    assert found.success
    assert np.linalg.norm(found.x - problem.minimizer) <= 1e-3


def test_functions_can_be_pickled_where_the_problem_can():
    functions = zb.load_problem("reference", 3, 2).as_functions()
    copy = pickle.loads(pickle.dumps(functions))
    assert copy.outer(copy.z0, copy.x0) == functions.outer(functions.z0, functions.x0)
    assert copy._fields == ("outer", "inner", "x0", "z0")


def test_the_start_is_a_function_of_the_seed():
    problem = zb.load_problem("quad_general", 3, 2)
    assert np.array_equal(problem.as_functions(seed=3).x0, problem.as_functions(seed=3).x0)
    assert not np.array_equal(problem.as_functions(seed=3).x0, problem.as_functions(seed=4).x0)
    assert np.array_equal(problem.as_functions(seed=3).x0, problem.as_single_level(seed=3).x0)


# Psi alone.


@pytest.mark.parametrize("name", KNOWN)
def test_the_gradient_is_that_of_the_function(name):
    single = zb.load_problem(name).as_single_level()
    x = single.x0 + 0.01
    value, slope = single.fun_and_jac(x)
    assert type(value) is float
    assert slope.shape == x.shape
    assert value == single.fun(x)
    np.testing.assert_array_equal(slope, single.jac(x))
    # Differences of step 1.5e-8 err by rounding of the value and by curvature.
    allowed = 1e-6 * (1 + abs(value) + np.linalg.norm(slope)) * len(x) ** 0.5 * 10
    assert check_grad(single.fun, single.jac, x) <= allowed


def test_a_wrong_gradient_would_be_seen():
    single = zb.load_problem("reference", 3, 2).as_single_level()
    assert check_grad(single.fun, lambda x: 1.01 * single.jac(x), single.x0) > 1e-3


@pytest.mark.parametrize("name", ["reference", "logistic_bregman", "quartic_cardano", "poisson_bregman"])
def test_scipy_minimises_psi_with_its_gradient(name):
    problem = zb.load_problem(name)
    single = problem.as_single_level()
    found = minimize(single.fun_and_jac, single.x0, jac=True, bounds=single.bounds, method="L-BFGS-B")
    assert found.fun - problem.minimum <= 1e-6 * max(1.0, single.fun(single.x0) - problem.minimum)
    apart = minimize(single.fun, single.x0, jac=single.jac, bounds=single.bounds, method="L-BFGS-B")
    assert (apart.fun, apart.nfev) == (found.fun, found.nfev)


def boxed(project, **changes):
    def inner(z, x):
        return np.sum((z - x) ** 2, axis=-1)

    def outer(z, x):
        return np.sum((z - 3.0) ** 2, axis=-1)

    return zb.Problem.from_functions(
        outer, inner, 2, 2, value=lambda x: np.sum((x - 3.0) ** 2, axis=-1), hypergradient=lambda x: 2 * (x - 3.0),
        capabilities=Capabilities(project_x=project), start=lambda rng: (np.zeros(2), np.array([-5.0, 0.5])), **changes,
    )  # fmt: skip


def test_a_box_of_x_becomes_bounds_that_scipy_keeps_to():
    low, high = np.array([0.0, -np.inf]), np.array([1.0, 2.0])
    single = boxed(lambda x: np.clip(x, low, high)).as_single_level()
    assert single.bounds == [(0.0, 1.0), (None, 2.0)]
    assert single.x0.tolist() == [0.0, 0.5]
    found = minimize(single.fun_and_jac, single.x0, jac=True, bounds=single.bounds)
    np.testing.assert_allclose(found.x, [1.0, 2.0])


def test_a_set_that_is_no_box_is_refused():
    def ball(x):
        return x / np.maximum(1.0, np.linalg.norm(x, axis=-1, keepdims=True))

    with pytest.raises(ValueError, match="restricts x to a set that is no box, which bounds cannot say"):
        boxed(ball).as_single_level()


def test_registered_boxes_are_those_of_their_projections():
    for name in KNOWN:
        problem = zb.load_problem(name)
        project = problem.capabilities.project_x
        bounds = problem.as_single_level().bounds
        assert (bounds is None) == (project is None), name
        if project is not None:
            low, high = np.array([[-np.inf if e is None and i == 0 else np.inf if e is None else e
                                   for i, e in enumerate(pair)] for pair in bounds]).T  # fmt: skip
            x = np.random.default_rng(1).normal(scale=30.0, size=(50, problem.d))
            np.testing.assert_allclose(project(x), np.clip(x, low, high))


def test_a_problem_without_closed_forms_says_what_it_lacks():
    def inner(z, x):
        return np.sum((z - x) ** 2, axis=-1)

    problem = zb.Problem.from_functions(inner, inner, 2, 2, name="mine")
    with pytest.raises(ValueError, match="problem 'mine' does not declare value, hypergradient, needed here"):
        problem.as_single_level()
