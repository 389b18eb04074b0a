"""Equality and signs: what they decide, and the planted errors that they refuse."""

from __future__ import annotations

import pytest
import sympy as sp
from zoba_bench.theory.proof.algebra import equal, norm_bound, require_nonnegative, require_recursion, sides

x, y = sp.symbols("x y", positive=True)
n = sp.Symbol("n", integer=True, positive=True)
A, B = sp.symbols("A B", commutative=False)

AGREE = {
    "polynomials": ((x + y) ** 2, x**2 + 2 * x * y + y**2),
    "fractions": (1 / (x - y) - 1 / (x + y), 2 * y / (x**2 - y**2)),
    "roots": ((sp.sqrt(x) + 1) * (sp.sqrt(x) - 1), x - 1),
    "roots in a fraction": (1 / (sp.sqrt(x) - 1), (sp.sqrt(x) + 1) / (x - 1)),
    "symbolic powers": ((1 - x) ** (n + 1) / x - (1 - x) ** n / x, -((1 - x) ** n)),
    "products that do not commute": ((A + B) * (A - B), A**2 - A * B + B * A - B**2),
    "equal objects": (sp.Tuple(x, y), sp.Tuple(x, y)),
}


@pytest.mark.parametrize("name", AGREE)
def test_equal_expressions_agree(name):
    assert equal(*AGREE[name])


@pytest.mark.parametrize("name", [name for name in AGREE if name != "equal objects"])
@pytest.mark.parametrize("error", [sp.Rational(1, 10**12), x / 10**9, sp.sqrt(x) / 10**9])
def test_a_small_error_is_refused(name, error):
    left, right = AGREE[name]
    assert not equal(left + error, right)


def test_an_error_that_is_zero_at_the_first_point_tried_is_refused():
    # x and y are tried at 3/2 and 5/3, in the order of their names.
    assert not equal(2 * x, 3)
    assert not equal((2 * x - 3) * y, 0)
    assert not equal((2 * x - 3) / (3 * y - 5), 0), "no value there at all"


def test_factors_do_not_change_places():
    assert not equal(A * B, B * A)
    assert not equal(A * B - B * A + x, x)


def test_a_power_is_no_other_power():
    assert not equal(x**n, x ** (n + 1))
    assert not equal(x ** (2 * n), x**n)


def test_an_induction_needs_both_its_parts():
    assert require_recursion(n * x, n, 0, lambda value: value + x) == n * x
    with pytest.raises(ValueError, match="derived"):
        require_recursion(n * x + 1, n, 0, lambda value: value + x)
    with pytest.raises(ValueError, match="derived"):
        require_recursion(n * x, n, 0, lambda value: value + 2 * x)


def test_a_sign_needs_every_coefficient():
    require_nonnegative((x + y) / (1 + x))
    with pytest.raises(ValueError, match="may be negative"):
        require_nonnegative(x - y)
    with pytest.raises(ValueError, match="may be negative"):
        require_nonnegative(sp.Symbol("real", real=True))
    require_nonnegative(x - 1, at_least_one=(x,))


def test_the_norm_of_a_sum_of_products_counts_every_factor():
    assert norm_bound(2 * A * B - 3 * A**2, {A: x, B: y}) == 2 * x * y + 3 * x**2
    with pytest.raises(ValueError, match="no bound on the norm of B"):
        norm_bound(A * B, {A: x})
    with pytest.raises(ValueError, match="the terms leave"):
        norm_bound(A**-1 * B, {A: x, B: y})


def test_a_statement_of_another_kind_has_no_sides():
    assert sides(sp.Eq(x, y)) == (x, y)
    with pytest.raises(ValueError, match="is not of the form"):
        sides(sp.Le(x, y))
