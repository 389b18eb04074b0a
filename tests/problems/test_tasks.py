"""Distributions of tasks: the two on which first-order gradients fail, and those of quadratic meta-learning."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import sympy as sp
from zoba_bench.problems._base.tasks import mean_gradients
from zoba_bench.problems.meta.two_task import two_task
from zoba_bench.problems.quadratic.structured import first_order_fixed_point, imaml_quad
from zoba_bench.theory.methods.truncated.counterexample import released

from zoba_bench.certification.against_symbols import compare_constants
from zoba_bench.certification.certify import certify
from zoba_bench.certification.closed_forms import measure
from zoba_bench.certification.optimum import optimum
from zoba_bench.problem.capabilities import Capabilities


def failures(checks):
    return [(check.name, check.detail) for check in checks if not check.ok]


@pytest.mark.parametrize(
    "keywords",
    [
        {},
        {"steps": 3, "step": 0.2, "a1": 2.0, "a2": 0.7, "D": 0.5},
        {"b2": 10.0, "width": 400.0},
        {"b2": 3.0, "width": 2.0},
    ],
)
def test_certificates_hold(keywords):
    problem = two_task(**keywords)
    assert not failures(certify(problem).checks)
    assert (problem.symbolic is None) == (keywords.get("width") == 2.0)


def test_the_default_is_the_instance_that_the_theory_derives():
    problem, exact = two_task(), released()
    tasks = problem.capabilities.tasks
    assert problem.parameters["b2"] == pytest.approx(float(sp.N(exact.b2)), rel=1e-14)
    assert problem.parameters["width"] == pytest.approx(float(sp.N(exact.A)), rel=1e-14)
    assert problem.minimizer[0] == pytest.approx(float(sp.N(exact.theta_star)), rel=1e-14)
    assert tasks.first_order_point[0] == pytest.approx(float(sp.N(exact.theta_fo)), rel=1e-14)
    assert problem.minimum == pytest.approx(float(sp.N(exact.value(exact.theta_star))), rel=1e-13)
    at_wrong = problem.value(tasks.first_order_point)
    assert at_wrong == pytest.approx(float(sp.N(exact.value(exact.theta_fo))), rel=1e-13)
    assert problem.hypergradient(tasks.first_order_point)[0] == pytest.approx(math.sqrt(0.12), rel=1e-12)
    rounded = [problem.parameters["b2"], problem.parameters["width"], problem.minimizer[0], problem.minimum, at_wrong]
    np.testing.assert_allclose(rounded, [17.395270, 12.596847, 2.840282, 1.475990, 1.981504], atol=6e-7)


def test_first_order_descent_stops_at_the_wrong_point_and_exact_descent_does_not():
    problem = two_task()
    tasks = problem.capabilities.tasks
    start = np.array([[-10.0], [30.0], [7.0]])
    for exact, goal in ((False, tasks.first_order_point), (True, problem.minimizer)):
        theta = start
        for _ in range(400):
            theta = theta - 3 * mean_gradients(tasks, theta)[2 if exact else 1]
        np.testing.assert_allclose(theta, np.broadcast_to(goal, theta.shape), rtol=1e-9)


def test_one_task_at_a_time_equals_all_tasks_at_once():
    tasks = two_task().capabilities.tasks
    theta, phi = np.linspace(-20, 40, 7)[:, None], np.linspace(-30, 30, 7)[:, None]
    both = np.arange(2)
    for function in (tasks.inner_grad, tasks.outer, tasks.outer_grad_phi):
        whole = function(phi[:, None], theta[:, None], both)
        for task in both:
            np.testing.assert_array_equal(whole[:, task], function(phi, theta, np.array(task)))
    assert tasks.probabilities.sum() == 1


VECTORS = ["inner_solution", "adjoint", "hypergradient", "inner_grad_z", "inner_grad_x", "outer_grad_z", "inner_jvp_xz"]


@pytest.mark.parametrize("attribute", ["value", "outer", "inner", *VECTORS])
def test_an_error_in_a_closed_form_is_seen(attribute):
    problem = two_task()
    right = getattr(problem, attribute)

    def wrong(*arguments):
        extra = 1e-3 * np.sum(arguments[-1], axis=-1)
        return right(*arguments) + (extra[..., None] if attribute in VECTORS else extra)

    spoilt = replace(problem, **{attribute: wrong})
    assert failures(problem.extra_checks(spoilt)) or failures(measure(spoilt, np.random.default_rng(0)))


def test_an_error_in_the_optimum_or_a_constant_is_seen():
    problem = two_task()
    for wrong in (
        replace(problem, minimizer=problem.minimizer + 1e-3),
        replace(problem, minimum=problem.minimum + 1e-3),
    ):
        assert failures(optimum(wrong, np.random.default_rng(0)))
    wrong = replace(problem, constants=replace(problem.constants, m_zz=0.9 * problem.constants.m_zz))
    assert "constant m_zz" in [name for name, _ in failures(compare_constants(wrong, problem.symbolic()))]


FAMILIES = {"two_task": two_task, "imaml_quad": lambda: imaml_quad(6, 2, seed=3)}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "name",
    [
        "probabilities", "initial", "initial_pullback", "inner_grad", "inner_hvp", "inner_cross", "outer",
        "outer_grad_phi", "outer_grad_theta", "adapted", "first_order_point",
    ],
)  # fmt: skip
def test_an_error_in_a_part_of_the_tasks_is_seen(family, name):
    problem = FAMILIES[family]()
    tasks = problem.capabilities.tasks
    right = getattr(tasks, name)
    if right is None:  # a loss that does not depend on theta, said to do so
        changed = lambda phi, *others: np.full((*phi.shape[:-1], problem.d), 1e-3)  # noqa: E731
    else:
        changed = (lambda *arguments: 1.001 * right(*arguments) + 1e-3) if callable(right) else right + 1e-3
    offered = Capabilities(tasks=replace(tasks, **{name: changed}))
    wrong = replace(problem, capabilities=offered)
    assert not failures(problem.extra_checks())
    assert failures(problem.extra_checks(wrong))


@pytest.mark.parametrize(
    "keywords", [{}, {"p": 3, "d": 1}, {"p": 4, "d": 4, "kappa": 1.0}, {"p": 6, "d": 2, "lam": 0.3}]
)
def test_tasks_of_meta_learning_reach_their_solutions_and_its_first_order_point(keywords):
    problem = imaml_quad(**keywords)
    tasks = problem.capabilities.tasks
    assert not failures(problem.extra_checks())
    x = np.random.default_rng(1).standard_normal((4, problem.d))
    phi, first, exact = mean_gradients(tasks, x)
    # Rounding of the inner steps, each a contraction, of numbers of the size of |z| <= 10.
    np.testing.assert_allclose(phi.reshape(4, -1), problem.inner_solution(x), rtol=0, atol=1e-12)
    np.testing.assert_allclose(exact, problem.hypergradient(x), rtol=0, atol=1e-12)
    assert np.abs(first - exact).max() > 1e-3
    np.testing.assert_allclose(tasks.first_order_point, first_order_fixed_point(problem))


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"p": 1}, "p must be 2 .* got 1"),
        ({"d": 2}, "d must be 1 .* got 2"),
        ({"seed": -1}, "seed must be .* got -1"),
        ({"steps": 0}, "steps must be .* got 0"),
        ({"step": 1.0}, "a2 must be .* below 1, got 1.5; step times the curvature"),
        ({"a1": 1.5}, "a1 and a2 must differ .* both are 1.5"),
        ({"D": 0.0}, "D must be .* above 0, got 0.0"),
        ({"b2": -1.0}, "b2 must be .* above 0, got -1.0"),
        ({"width": 1.0}, "width must be .* at least 11.5968, got 1.0; both minimisers"),
    ],
)
def test_a_bad_argument_is_named_with_its_value(keywords, message):
    with pytest.raises(ValueError, match=message):
        two_task(**keywords)
