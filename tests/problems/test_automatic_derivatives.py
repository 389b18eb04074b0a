"""Closed-form derivatives of the objectives against automatic ones, and against differences of high order.

autograd follows the code of every problem; one that it cannot follow would fail here and have to be named, with the
reason, and left to the differences.
"""

from __future__ import annotations

import inspect
from dataclasses import replace

import numpy as np
import pytest
from zoba_bench.problems import PROBLEMS
from zoba_bench.problems.quadratic.general import quad_general

from zoba_bench.problem import BilevelProblem

from .support import EPS, assert_slope, factory, instances
from .tracing import PARTS, assert_traced, closed_form, derivatives, points, traced


def of_family(name: str) -> list[BilevelProblem]:
    """Every instance of a family among those of the catalogue's tests."""
    return [factory(name)(**keywords) for (of, keywords) in (each.values[0] for each in instances()) if of == name]


@pytest.mark.sample(10)
@pytest.mark.parametrize("name", PROBLEMS)
def test_closed_forms_are_what_automatic_differentiation_gives(name):
    for problem in of_family(name):
        assert_traced(problem)


# Differences of high order, of values for gradients and of gradients for products.


def assert_differences(problem: BilevelProblem) -> None:
    z, x, v, u = points(problem)
    title = f"of {problem.name}, p={problem.p}, d={problem.d}"
    for level in ("inner", "outer"):
        f, grad_z, grad_x = (getattr(problem, f"{level}{part}") for part in ("", "_grad_z", "_grad_x"))
        along_z, along_x = np.vecdot(grad_z(z, x), v), np.vecdot(grad_x(z, x), u)
        assert_slope(along_z, lambda t, f=f: f(z + t * v, x), f"{level}_grad_z {title}")
        assert_slope(along_x, lambda t, f=f: f(z, x + t * u), f"{level}_grad_x {title}")
    for name, moved in (
        ("inner_hvp_zz", lambda t: problem.inner_grad_z(z + t * v, x)),
        ("inner_jvp_xz", lambda t: problem.inner_grad_x(z + t * v, x)),
        ("inner_jvp_zx", lambda t: problem.inner_grad_z(z, x + t * u)),
    ):
        if getattr(problem, name) is not None:
            assert_slope(closed_form(problem, name, z, x, v, u), moved, f"{name} {title}")


@pytest.mark.parametrize("name", PROBLEMS)
def test_closed_forms_are_differences_of_eighth_order(name):
    assert_differences(factory(name)())


# The comparison itself.


@pytest.mark.parametrize("check", [assert_traced, assert_differences])
@pytest.mark.parametrize("name", PARTS)
def test_a_planted_error_is_seen(check, name):
    """One entry off by a millionth: a thousand times less than what a certificate is asked to see."""
    problem = quad_general(4, 3)
    right = getattr(problem, name)

    def wrong(*arguments):
        values = np.array(right(*arguments))
        values[..., 1] += 1e-6
        return values

    with pytest.raises(AssertionError, match=name):
        check(replace(problem, **{name: wrong}))


@pytest.mark.parametrize("level", ["inner", "outer"])
def test_a_planted_error_in_a_hessian_is_seen(level):
    problem = quad_general(4, 3)
    right = getattr(problem, f"{level}_hessian")
    for index in range(3):

        def wrong(z, x, index=index):
            blocks = [np.array(block) for block in right(z, x)]
            blocks[index][0, 0] += 1e-6
            return tuple(blocks)

        with pytest.raises(AssertionError, match=f"{level}_hessian"):
            assert_traced(replace(problem, **{f"{level}_hessian": wrong}))


def test_stand_ins_for_numpy_give_its_values():
    """Those that are written here: outside of a trace they are numpy's functions."""
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 3, 4))
    with traced() as stand_in:
        np.testing.assert_allclose(stand_in.vecdot(a, b), np.vecdot(a, b), rtol=8 * EPS, atol=8 * EPS)
        np.testing.assert_array_equal(stand_in.copysign(a, b), np.copysign(a, b))
        np.testing.assert_allclose(stand_in.cumprod(a, axis=-1), np.cumprod(a, axis=-1), rtol=8 * EPS)
        np.testing.assert_array_equal(stand_in.cumprod(a[:, :0], axis=-1), a[:, :0])
        np.testing.assert_array_equal(stand_in.zeros((2, 3)), np.zeros((2, 3)))
        np.testing.assert_array_equal(stand_in.ones((2, 3)), np.ones((2, 3)))
        np.testing.assert_array_equal(stand_in.asarray([1, 2], dtype=float), [1.0, 2.0])


def test_arrays_that_are_filled_part_by_part_are_traced():
    """x^3 y, written into an empty array twice and multiplied up in place."""

    def objective(z, x):
        buffer = module.np.zeros((*z.shape[:-1], 2))
        buffer[..., 0] = z[..., 0] ** 2
        buffer[..., 1] = 2.0
        buffer[..., 1:] = x
        values = buffer[..., 0] * buffer[..., 1]
        values *= z[..., 0]
        return module.np.exp(module.np.log(values, out=values), out=values)

    module = inspect.getmodule(quad_general)
    x, y, a, b = 1.3, 0.7, 0.4, -0.9
    found = derivatives(objective, *(np.array([e]) for e in (x, y, a, b)))
    expected = (3 * x**2 * y, x**3, 6 * x * y * a, 3 * x**2 * a, 3 * x**2 * b, 0.0)
    np.testing.assert_allclose(np.ravel(found), expected, rtol=64 * EPS, atol=64 * EPS)
