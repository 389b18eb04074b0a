"""The two tasks on which FOM fails, in numbers and in symbols, and the toy that compares probabilities."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from zoba_bench.theory.methods.truncated.counterexample import (
    counterexample,
    in_millionths,
    released,
    second_slope,
    toy,
)
from zoba_bench.theory.methods.truncated.ufom import fom
from zoba_bench.theory.methods.truncated.unrolled import RECOMPUTED, Unrolled, run

half = sp.Rational(1, 2)


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("b2", "17.395270"),
        ("A", "12.596847"),
        ("theta_fo", "5.758867"),
        ("theta_star", "2.840282"),
    ],
)
def test_printed_numbers_of_the_released_instance(name, printed):
    assert in_millionths(getattr(released(), name)) == int(printed.replace(".", ""))


def test_printed_values_of_the_released_instance():
    family = released()
    assert in_millionths(family.slope(family.theta_fo)) == 346410
    assert in_millionths(family.value(family.theta_fo)) == 1981504
    assert in_millionths(family.value(family.theta_star)) == 1475990
    assert sp.expand(family.slope(family.theta_fo) ** 2) == 2 * sp.Rational(6, 100)
    assert sp.expand(family.slope(family.theta_star)) == 0
    assert sp.expand(family.first_order_slope(family.theta_fo)) == 0


@pytest.mark.parametrize("point", ["theta_fo", "theta_star"])
def test_all_iterates_are_on_the_quadratic_part(point):
    family, alpha = released(), sp.Rational(1, 10)
    theta = getattr(family, point)
    slopes = []
    for a, b, minimiser in zip(family.a, (0, family.b2), family.minimisers, strict=True):
        phi = theta
        for _ in range(10):
            assert sp.Abs(sp.expand(phi - minimiser)) <= family.A
            phi = sp.expand(phi - alpha * (a * phi - b))
        assert sp.Abs(sp.expand(phi - minimiser)) <= family.A
        slopes.append(a * phi - b)
    assert sp.expand(sum(slopes) / 2 - family.first_order_slope(theta)) == 0


def test_the_recursion_gives_the_closed_form_slope():
    family, theta, total = released(), sp.Rational(7, 3), sp.Integer(0)
    for a, m in zip(family.a, family.minimisers, strict=True):

        def slope(phi, a=a, m=m):
            return a * (phi - m)

        def curvature(_, a=a):
            return a

        total += run(RECOMPUTED, Unrolled(theta, sp.Rational(1, 10), slope, curvature, slope), 10).b
    assert sp.expand(total / 2 - family.slope(theta)) == 0


@pytest.mark.parametrize(("a1", "a2"), [(half, 3 * half), (3 * half, half)])
def test_any_slope_can_be_left(a1, a2):
    for level in (sp.Rational(1, 1000), 1, 50):
        family = counterexample(5, sp.Rational(1, 4), a1, a2, level)
        assert sp.expand(family.slope(family.theta_fo) ** 2) == 2 * level
        assert family.b2 > 0


def test_the_slope_of_the_second_task_is_the_derived_one():
    rho, a = sp.symbols("rho_1 rho_2", positive=True), sp.symbols("a_1 a_2", positive=True)
    used = second_slope(a, rho, sp.Symbol("D_0", positive=True))
    assert (
        sp.cancel(
            used**2 - next(item for item in fom().steps if item.name == "slope of the second task").statement.rhs ** 2
        )
        == 0
    )


def test_fom_goes_to_its_fixed_point_and_exact_steps_to_the_minimiser():
    family = released()
    for direction, target in ((family.first_order_slope, family.theta_fo), (family.slope, family.theta_star)):
        theta = sp.Symbol("theta")
        slope = sp.lambdify(theta, direction(theta))
        at = 12.0
        for _ in range(2000):
            at -= 0.5 * slope(at)
        assert at == pytest.approx(float(target), rel=1e-12)


def test_the_family_has_a_closed_form_for_symbolic_steps():
    steps, alpha = sp.Symbol("r", integer=True, positive=True), sp.Symbol("alpha", positive=True)
    family = counterexample(steps, alpha, half, 3 * half, sp.Rational(6, 100))
    found = family.theta_fo.subs({steps: 10, alpha: sp.Rational(1, 10)})
    assert in_millionths(found) == 5758867


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((10, 0.1, half, 3 * half, 1), "alpha must be exact"),
        ((10, Fraction(-1, 10), half, 3 * half, 1), "alpha must be a positive number"),
        ((sp.Rational(5, 2), Fraction(1, 10), half, 3 * half, 1), "r must be a positive integer"),
        ((10, Fraction(1, 10), half, half, 1), "curvatures must differ"),
        ((10, 1, half, 3 * half, 1), "alpha a2 must be below 1"),
        ((10, Fraction(1, 10), half, 3 * half, 0), "D must be a positive number"),
    ],
)
def test_parameters_without_a_family_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        counterexample(*arguments)


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        (sp.sqrt(2), 1414214),
        (-sp.sqrt(2), -1414214),
        (1 - sp.sqrt(3) / 7, 752564),
        (sp.Rational(2, 3), 666667),
        (sp.Integer(0), 0),
    ],
)
def test_rounding_is_to_the_nearest_integer(value, rounded):
    assert in_millionths(value) == rounded


@pytest.mark.parametrize("value", [sp.sqrt(2) + sp.sqrt(3), sp.Symbol("x"), sp.pi])
def test_rounding_refuses_what_it_cannot_do_exactly(value):
    with pytest.raises(ValueError, match=r"root|number"):
        in_millionths(value)


@pytest.mark.parametrize(
    ("alpha", "D2", "V2", "best"),
    [
        ("0.001", ".786", "3708", ".011"),
        ("0.005", "16.5", "2956", ".054"),
        ("0.01", "53.2", "2229", ".110"),
        ("0.02", "137.8", "1277", ".229"),
        ("0.05", "232", "273", ".846"),
    ],
)
def test_the_toy_that_compares_probabilities(alpha, D2, V2, best):
    found = toy(sp.Rational(alpha))
    for value, printed in ((found.D2, D2), (found.V2, V2), (found.q, best)):
        unit = Fraction(1, 10 ** len(printed.partition(".")[2]))
        assert abs(Fraction(str(sp.Rational(value))) - Fraction(printed)) <= unit / 2, (value, printed)
    # The supremum over the interval, by brute force.
    theta = np.linspace(-50, 50, 1001)
    rho = [(1 - float(alpha) * a) ** 10 for a in (0.5, 1.5)]
    slopes = (0.5 * theta, 1.5 * theta - 10)
    squares = [
        np.mean([(w(c) * g) ** 2 for c, g in zip(rho, slopes, strict=True)], axis=0)
        for w in (
            lambda c: c**2,
            lambda c: c**2 - c,
        )
    ]
    assert [float(x.max()) for x in squares] == pytest.approx([float(found.V2), float(found.D2)], rel=1e-12)
