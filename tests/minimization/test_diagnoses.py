"""Smooth problems that were taken for kinks, flat ones or failures: sizes, conditions, signs, and what ends say."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import zoba_bench as zb
from zoba_bench.minimization.implicit.method import Loop
from zoba_bench.minimization.implicit.sizes import along, condition, odd, sizes_of_x, smooth
from zoba_bench.result import Status

from .implicit.support import Counted, curved, follow, levels, quadratic, total

W = np.random.default_rng(3).standard_normal((4, 3)) * 0.6
START = np.array([1.0, -1.0, 0.5])
X = np.array([0.142312, 0.280335, -0.603632])  # the solution, by tol=1e-7 where K = 1


def functions(K=1.0, s=1.0):
    """z* = tanh(W x / s) whatever K > 0 is, so that Psi does not depend on K."""

    def inner(z, x):
        return 0.5 * np.sum(K * (z - np.tanh(W @ (x / s))) ** 2)

    def outer(z, x):
        return 0.5 * np.sum((z - np.linspace(-0.4, 0.5, 4)) ** 2) + 0.05 * np.sum((x / s) ** 2)

    return outer, inner


def run(K=1.0, s=1.0, **more):
    s = np.broadcast_to(s, 3)
    return zb.minimize(*functions(K, s), x0=START * s, z0=np.zeros(4), **more)


def no_false_success(result, s=1.0):
    away = np.linalg.norm(result.x - X * s)
    assert not result.success or away <= max(result.error_bound, 2e-6 * np.max(s)), result.message


# Ill-conditioned inner problems


SOLVED = [
    [1e-3, 1.0, 30.0, 1e3], np.logspace(-2.5, 2.5, 4), np.logspace(-6, 0, 4), [1e-6, 1.0, 1.0, 1.0],
]  # fmt: skip


@pytest.mark.parametrize("K", SOLVED)
def test_an_inner_problem_of_condition_1e5_and_1e6_is_solved(K):
    result = run(np.array(K))
    assert result.success, result.message
    no_false_success(result)
    assert result.nfev <= 2500


@pytest.mark.parametrize(
    "K", [np.logspace(-3, 3, 4), np.logspace(0, 6, 4), np.logspace(-4, 4, 4), [1e6, 1.0, 1.0, 1.0]]
)
def test_where_the_condition_is_too_large_the_message_says_so(K):
    result = run(np.array(K))
    assert result.status == Status.NOISE_LIMITED, result.message
    assert "the inner problem is ill-conditioned in z (about 1e+0" in result.message
    assert "rounding of size" in result.message
    assert np.linalg.norm(result.x - X) <= min(result.error_bound, 1e-2)
    # A bound of the size of x itself names no tolerance.
    assert ("tol=" in result.message) == (result.error_bound < 0.3)


@pytest.mark.parametrize("K", [np.logspace(-3, 3, 4), np.logspace(0, 6, 4)])
def test_the_tolerance_that_it_names_is_met(K):
    result = run(np.array(K))
    tol = float(result.message.split("tol=")[1].split(" ")[0])
    assert result.error_bound <= tol <= 3 * result.error_bound
    again = run(np.array(K), tol=tol)
    no_false_success(again)
    assert again.success, again.message


@pytest.mark.parametrize(("condition", "told"), [(1e2, False), (1e4, True)])
def test_a_converged_run_of_a_bad_condition_says_so(condition, told):
    result = run(np.geomspace(condition**-0.5, condition**0.5, 4))
    assert result.success, result.message
    assert ("ill-conditioned" in result.message) == told
    no_false_success(result)


def test_conditions_are_those_of_the_users_units():
    unit = np.array([1.0, 1e3])
    assert condition(np.eye(2), unit) == pytest.approx(1e6)
    assert condition(np.diag([1.0, 0.0]), unit) == np.inf
    assert condition(np.eye(1), unit[:1]) == 1.0


# Variables of other sizes


UNITS = [
    (1, 1e3, 1e-3), (1, 1e3, 1), (1, 1, 1e-3), (1, 1, 1e3), (1e3, 1e-3, 1), (1e2, 1, 1e-2), (1e4, 1, 1), (1, 1e-4, 1),
]  # fmt: skip


@pytest.mark.parametrize("s", UNITS)
def test_x_in_mixed_units_is_solved_without_scales(s):
    s = np.array(s, dtype=float)
    result = run(s=s)
    assert result.success, result.message
    no_false_success(result, s)
    assert result.nfev <= 1.5 * run().nfev + 1000


@pytest.mark.parametrize("s", [(1, 1e3), (1e-3, 1)])
def test_so_is_a_problem_of_other_dimensions(s):
    s, M = np.array(s, dtype=float), np.random.default_rng(4).standard_normal((5, 2)) * 0.6

    def outer(z, x):
        return 0.5 * np.sum((z - np.linspace(-0.4, 0.5, 5)) ** 2) + 0.05 * np.sum((x / s) ** 2)

    def inner(z, x):
        return 0.5 * np.sum((z - np.tanh(M @ (x / s))) ** 2)

    plain, scaled = (zb.minimize(outer, inner, x0=[1.0 * s[0], -s[1]], z0=np.zeros(5), **more)
                     for more in ({}, {"x_scale": s, "tol": 1e-7}))  # fmt: skip
    assert plain.success, plain.message
    assert np.linalg.norm(plain.x - scaled.x) <= plain.error_bound + 1e-6 * s.max()


def test_a_start_near_zero_costs_ten_values_and_changes_no_unit():
    pair = quadratic(4, 4)
    pair.x0 = np.array([1.0, -0.5, 1e-3, 0.8])
    values = Counted(pair)
    loop = Loop(values, np.array(pair.z0), pair.x0, 1e-2, None, None, 100, None)
    assert loop.odd.tolist() == [2]
    loop.fit_odd_sizes()
    assert values.total == 10
    np.testing.assert_array_equal(loop.unit_x, 1.0)


def test_coordinates_of_another_size_are_those_far_from_the_median():
    assert odd(np.array([1.0, -1e3, 0.5])).tolist() == [1]
    assert odd(np.array([1.0, 0.0, 5e-4, 2.0])).tolist() == [2]
    assert odd(np.array([1e3, -2e3])).tolist() == odd(np.zeros(3)).tolist() == odd(np.array([5e-4])).tolist() == []


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e2])
def test_second_differences_show_the_size_of_a_variable(size):
    pair = follow(lambda z, x: total(np.tanh((x + 0.3 * size) / size) ** 2), [0.0], [0.0])
    origin = np.zeros(1)
    bases = [(level, level.one(origin, origin)) for level in levels(pair)]
    (found,) = sizes_of_x(bases, origin, origin, np.arange(1))
    assert 0.05 * size <= found <= 2 * size
    F, base = bases[0]
    assert smooth(F, origin, origin, 1, (0.01 * size, 0.1 * size), base)
    assert not smooth(F, origin, origin, 1, (0.01 * size, 1e3 * size), base)


def test_a_function_that_is_quadratic_far_away_is_none_nearer():
    pair = follow(lambda z, x: total((np.logaddexp(x / 1e-3, -x / 1e-3) - 0.7) ** 2), [0.0], [0.0])
    F, _ = levels(pair)
    x = np.array([1e-4])
    assert not smooth(F, np.zeros(1), x, 1, (1e-4, 10.0), F.one(np.zeros(1), x))


def test_a_kink_has_no_size():
    pair = follow(lambda z, x: total(np.abs(x)), [0.0], [0.0])
    F, _ = levels(pair)
    assert along(F, np.zeros(1), np.zeros(1), np.array([0.0, 1.0]), 0.0) == (np.inf, 0.0)


# A wrong sign


WRONG = {
    "linear": lambda z, x: -0.5 * np.sum((z - W @ x) ** 2),
    "curved, five times": lambda z, x: -2.5 * np.sum((z - np.tanh(W @ x)) ** 2),
    "of one term": lambda z, x: 0.5 * np.sum((z - W @ x) ** 2) - (z[0] - W[0] @ x) ** 2,
}


@pytest.mark.parametrize(
    ("name", "curvature"), [("linear", "-1)"), ("curved, five times", "-5)"), ("of one term", "-1)")]
)
def test_a_wrong_sign_of_the_inner_function_is_told_early(name, curvature):
    result = zb.minimize(functions()[0], WRONG[name], x0=START, z0=np.zeros(4))
    assert result.status == Status.INNER_FAILED
    assert f"curves downwards in z (curvature about {curvature}" in result.message
    assert "is its sign right?" in result.message
    assert result.nfev <= 120
    np.testing.assert_array_equal(result.x, START)


@pytest.mark.parametrize("start", [0.01, 1e-4])
def test_a_double_well_between_its_wells_is_no_wrong_sign(start):
    def inner(z, x):
        return 0.25 * np.sum(z**4) - 0.5 * np.sum(z**2) + 0.1 * np.sum((z - x) ** 2)

    result = zb.minimize(
        lambda z, x: np.sum((z - 1.2) ** 2) + 0.01 * np.sum(x**2), inner, x0=[0.5, 0.5], z0=[start, start]
    )
    assert result.success, result.message


# What ends say


@pytest.mark.parametrize("tol", [1e-8, 1e-9])
def test_a_tolerance_below_rounding_ends_with_one_that_is_met(tol):
    result = run(tol=tol)
    assert not result.success
    assert "which rounding and the errors of differences exceed" in result.message
    within = float(result.message.split("tol=")[1].split(" ")[0])
    assert run(tol=within).success


def test_noise_ends_with_a_tolerance_that_is_met():
    rng = np.random.default_rng(0)
    outer, inner = functions()

    def noisy(z, x):
        return inner(z, x) + 1e-6 * rng.standard_normal()

    result = zb.minimize(outer, noisy, x0=START, z0=np.zeros(4))
    assert result.status == Status.NOISE_LIMITED
    within = float(result.message.split("tol=")[1].split(" ")[0])
    assert result.error_bound <= within
    again = zb.minimize(outer, noisy, x0=START, z0=np.zeros(4), tol=within)
    no_false_success(again)
    assert again.success, again.message


@pytest.mark.parametrize("maxfev", [4, 20, 70])
def test_a_budget_below_the_start_says_what_the_start_takes(maxfev):
    result = run(maxfev=maxfev)
    assert result.status == Status.BUDGET
    assert "before the first step: the start takes about 92 evaluations for p=4, d=3" in result.message
    assert result.nfev <= maxfev


@pytest.mark.parametrize("pair", [quadratic(1, 1), quadratic(5, 5), curved(5, 5), quadratic(10, 3), curved(20, 20)])
def test_what_the_start_takes_is_said_within_a_factor_of_two(pair):
    values = Counted(pair)
    loop = Loop(values, np.array(pair.z0), np.array(pair.x0), 1e-2, None, None, 100, None)
    loop.start()
    assert 0.5 <= (values.total + 2) / loop.start_size() <= 2


UNBOUNDED = {
    "-cosh(x)": lambda z, x: -np.cosh(x).sum(),
    "-exp(x)": lambda z, x: -np.exp(x).sum(),
    "-exp(z)": lambda z, x: -np.exp(z).sum(),
    "-x^4": lambda z, x: -(x**4).sum(),
}


@pytest.mark.parametrize("name", UNBOUNDED)
def test_psi_that_falls_exponentially_is_unbounded_and_nothing_overflows(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = zb.minimize(UNBOUNDED[name], lambda z, x: 0.5 * np.sum((z - x) ** 2), x0=START, z0=np.zeros(3))
    assert result.status == Status.DIVERGED, result.message
    assert "unbounded below" in result.message
    assert result.nfev <= 1500


def test_all_of_x_may_be_held_by_bounds():
    result = zb.minimize(
        lambda z, x: np.sum(np.exp(-z)), lambda z, x: 0.5 * np.sum((z - x) ** 2), x0=np.zeros(2), z0=np.zeros(2),
        bounds=[(-1, 2)] * 2,
    )  # fmt: skip
    assert result.success, result.message
    np.testing.assert_array_equal(result.x, 2.0)


# Functions that return, or take, something else


@pytest.mark.parametrize(
    ("outer", "match"),
    [
        (lambda z, x: (z - 0.3) ** 2, r"returned an array of shape \(4,\)"), (lambda z, x: None, "returned None"),
        (lambda z, x: 1.0 + 1j, "returned .*1j"),
    ],
)  # fmt: skip
def test_notes_on_a_value_have_the_shapes_that_the_function_saw(outer, match):
    with pytest.raises((TypeError, ValueError), match=match) as caught:
        zb.minimize(outer, functions()[1], x0=START, z0=np.zeros(4))
    (note,) = caught.value.__notes__
    assert note == "zoba-bench called outer with one point: z of shape (4,), x of shape (3,)"


def test_a_vectorised_function_that_returns_nothing_is_told_its_own_shapes():
    with pytest.raises(Exception, match="inner returned None") as caught:
        zb.minimize(lambda z, x: total(z), lambda z, x: None, x0=START, z0=np.zeros(4), vectorized=True)
    (note,) = caught.value.__notes__
    assert note == "zoba-bench called inner with z of shape (1, 4) and x of shape (1, 3)"


def swapped(x, z):
    return functions()[1](z, x)


@pytest.mark.parametrize(
    ("inner", "x0", "z0", "shapes"),
    [(swapped, START, np.zeros(4), ("(4,)", "(3,)")), (functions()[1], np.zeros(4), START, ("(3,)", "(4,)"))],
    ids=["functions", "starts"],
)
def test_swapped_arguments_are_told_the_order(inner, x0, z0, shapes):
    with pytest.raises(ValueError, match="matmul") as caught:
        zb.minimize(functions()[0], inner, x0=x0, z0=z0)
    notes = "\n".join(caught.value.__notes__)
    assert f"z first: here z has shape {shapes[0]}" in notes
    assert f"and x {shapes[1]}" in notes
    assert "x0 before z0" in notes


def test_other_errors_get_no_word_on_the_order():
    def fails(z, x):
        raise ValueError("the mesh is tangled")

    with pytest.raises(ValueError, match="tangled") as caught:
        zb.minimize(functions()[0], fails, x0=START, z0=np.zeros(4))
    assert "z first" not in "\n".join(caught.value.__notes__)


@pytest.mark.parametrize(("name", "of"), [("bounds", "x0"), ("z_bounds", "z0")])
def test_a_start_outside_of_bounds_names_the_coordinate(name, of):
    low = [(0, 2), (2, 3)]
    with pytest.raises(ValueError, match=rf"the start .* is outside of them: {of}\[1\] = 0.5 is not in \[2, 3\]"):
        zb.minimize(lambda z, x: 0.0, lambda z, x: 0.0, x0=[1, 0.5], z0=[1, 0.5], **{name: low})


def test_functions_that_work_in_place_harm_nothing():
    outer = functions()[0]

    def in_place(z, x):
        z -= np.tanh(W @ x)
        return 0.5 * np.sum(z**2)

    result = zb.minimize(outer, in_place, x0=START, z0=np.zeros(4))
    assert result.success
    np.testing.assert_allclose(result.x, X, atol=1e-3)


def test_vectorised_functions_get_arrays_that_are_read_only():
    def in_place(z, x):
        z -= x
        return total(z**2)

    with pytest.raises(ValueError, match="read-only") as caught:
        zb.minimize(lambda z, x: total(z**2), in_place, x0=[1.0, 2.0], z0=[0.0, 0.0], vectorized=True)
    assert "a function that changes them works on copies" in caught.value.__notes__[0]
