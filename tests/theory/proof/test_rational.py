"""Exact rational arithmetic: roots from above, bounds of expressions, semidefiniteness, Schur complements."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import pytest
import sympy as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from zoba_bench.theory.proof.rational import is_semidefinite, root_above, schur_complement, upper_bound
from zoba_bench.theory.single_loop.roots import Directions, Roots
from zoba_bench.theory.symbols import h, l1, m_zz

from ..states import preset_named

SETTINGS = settings(derandomize=True, max_examples=40, deadline=None)
positive = st.fractions(min_value=Fraction(1, 10**9), max_value=10**9)
#: Down to and up to numbers no float can hold.
wide = st.builds(lambda m, e: m * Fraction(2) ** e, positive, st.integers(-2000, 2000))


def excess(found, expression, values):
    """How far a rational lies above an expression evaluated with 60 digits, relatively."""
    symbols = sorted(values, key=str)
    with mpmath.workdps(60):
        numbers = [mpmath.mpf(values[s].numerator) / values[s].denominator for s in symbols]
        exact = sp.lambdify(symbols, expression, "mpmath")(*numbers) + mpmath.mpf(0)
        above = mpmath.mpf(found.numerator) / found.denominator - exact
        return above / exact if exact else above


ROUNDING, CLOSE = mpmath.mpf(10) ** -50, mpmath.mpf(2) ** -70


# Roots.


@SETTINGS
@given(st.one_of(positive, wide, positive.map(lambda q: q**2), st.integers(1, 10**40).map(Fraction)))
def test_a_root_is_above_and_close(value):
    root = root_above(value)
    assert root**2 >= value
    assert (root * (1 - Fraction(1, 2**79))) ** 2 < value


@pytest.mark.parametrize("power", [-1075, -64, -1, 0, 1, 63, 1024])
def test_perfect_squares_next_to_powers_of_two(power):
    for root in (Fraction(3) * Fraction(2) ** power, Fraction(2) ** power):
        for value in (root**2, root**2 * (1 + Fraction(1, 2**200)), root**2 * (1 - Fraction(1, 2**200))):
            found = root_above(value)
            assert value <= found**2 <= value * (1 + Fraction(1, 2**78))


def test_roots_of_zero_and_of_negative_numbers():
    assert root_above(Fraction(0)) == 0
    with pytest.raises(ValueError, match="negative"):
        root_above(Fraction(-1, 10**30))


# Expressions.


def entries():
    """The coefficients of all linear forms of two presets: what upper_bound is for."""
    for name, run in (
        ("zoba", Directions(sampled=True, known_slopes=False)),
        ("hf-zoba-shared", Directions(normalized=True, sampled=True)),
    ):
        roots = Roots(preset_named(name), run)
        for form in (roots.z, roots.v, roots.x, roots.bias_v, roots.bias_x):
            yield from (entry for entry in form.entries if entry != 0)


ENTRIES = tuple(dict.fromkeys(entries()))


@settings(SETTINGS, max_examples=6)
@given(st.data())
def test_coefficients_of_the_linear_forms_are_bounded_from_above(data):
    for entry in ENTRIES:
        values = {s: data.draw(positive) for s in sorted(entry.free_symbols, key=str)}
        above = excess(upper_bound(entry, values), entry, values)
        assert -ROUNDING <= above <= CLOSE, (entry, values, above)


def expressions():
    """Nested sums, products, powers and roots of non-negative quantities."""
    leaves = st.one_of(
        st.just(h), st.just(l1), st.fractions(0, 5).map(lambda q: sp.Rational(q.numerator, q.denominator))
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(sp.Add, inner, inner),
            st.builds(sp.Mul, inner, inner),
            st.builds(lambda e: sp.sqrt(l1 + e), inner),
            st.builds(lambda e: sp.sqrt(1 + e) ** 3, inner),
            st.builds(lambda s, n: s**n, st.sampled_from([h, l1]), st.sampled_from([-2, -1, sp.Rational(-1, 2), 3])),
        ),
        max_leaves=6,
    )


@settings(SETTINGS, max_examples=60)
@given(expressions(), positive, positive)
def test_any_non_negative_expression_is_bounded_from_above(expression, one, two):
    values = {h: one, l1: two}
    above = excess(upper_bound(expression, values), expression, values)
    assert -ROUNDING <= above <= CLOSE, above


def test_without_roots_the_value_is_exact():
    expression = (h - 3) ** 2 / l1 - 5 * h
    assert upper_bound(expression, {h: Fraction(1, 3), l1: Fraction(7)}) == Fraction(64, 63) - Fraction(5, 3)


@pytest.mark.parametrize(
    "expression",
    [3 - sp.sqrt(h), sp.sqrt(h) - 1, -sp.sqrt(h), 1 / (1 + sp.sqrt(h)), h ** sp.Rational(1, 3), sp.exp(h)],
)
def test_what_a_larger_root_would_not_bound_is_refused(expression):
    with pytest.raises(ValueError, match=r"negative|no upper bound"):
        upper_bound(expression, {h: Fraction(2)})


def test_a_missing_value_is_an_error():
    with pytest.raises(KeyError):
        upper_bound(sp.sqrt(h * m_zz), {h: Fraction(1)})


# Matrices.


def fractions(matrix):
    return [[Fraction(int(e.p), int(e.q)) for e in matrix.row(i)] for i in range(matrix.rows)]


rationals = st.fractions(-4, 4, max_denominator=6).map(lambda q: sp.Rational(q.numerator, q.denominator))


@st.composite
def symmetric(draw, size):
    upper = {(i, j): draw(rationals) for i in range(size) for j in range(i, size)}
    return sp.Matrix(size, size, lambda i, j: upper[min(i, j), max(i, j)])


@st.composite
def singular(draw, size):
    """A Gram matrix of fewer vectors than rows, with some rows zero, and a vector it maps to zero."""
    rank = draw(st.integers(1, size - 1))
    root = sp.Matrix(size, rank, [draw(rationals) for _ in range(size * rank)])
    for row in draw(st.sets(st.integers(0, size - 1), max_size=2)):
        root[row, :] = sp.zeros(1, rank)
    return root * root.T, root.T.nullspace()[0]


def semidefinite_by_characteristic_polynomial(matrix):
    """All eigenvalues are >= 0 iff the coefficients of det(t - M) alternate in sign."""
    coefficients = matrix.charpoly().all_coeffs()
    return all((-1) ** k * c >= 0 for k, c in enumerate(coefficients))


@SETTINGS
@given(st.integers(1, 5).flatmap(symmetric), st.fractions(0, 20, max_denominator=4))
def test_semidefinite_as_the_characteristic_polynomial_says(matrix, shift):
    # Shifted, so that both answers are common.
    shifted = matrix + sp.Rational(shift.numerator, shift.denominator) * sp.eye(matrix.rows)
    assert is_semidefinite(fractions(shifted)) == semidefinite_by_characteristic_polynomial(shifted)


@SETTINGS
@given(st.integers(2, 5).flatmap(singular), st.integers(1, 400))
def test_a_singular_matrix_is_semidefinite_and_hardly_less_is_not(case, power):
    matrix, kernel = case
    assert is_semidefinite(fractions(matrix))
    nudge = sp.Rational(1, 2**power) / kernel.dot(kernel)
    assert not is_semidefinite(fractions(matrix - nudge * kernel * kernel.T))
    assert is_semidefinite(fractions(matrix + nudge * kernel * kernel.T))


def test_a_zero_on_the_diagonal_needs_zeros_beside_it():
    assert is_semidefinite([[Fraction(0), Fraction(0)], [Fraction(0), Fraction(1)]])
    tiny = Fraction(1, 10**300)
    for order in ([[0, tiny], [tiny, 1]], [[1, tiny], [tiny, 0]]):
        assert not is_semidefinite([[Fraction(e) for e in row] for row in order])


def test_an_asymmetric_matrix_is_an_error():
    with pytest.raises(ValueError, match="not symmetric"):
        is_semidefinite([[Fraction(1), Fraction(1)], [Fraction(0), Fraction(1)]])


@SETTINGS
@given(st.integers(2, 5).flatmap(symmetric), st.integers(0, 12))
def test_schur_complement_is_a_quotient_of_determinants(matrix, shift):
    matrix = matrix + shift * sp.diag(*[1] * (matrix.rows - 1), 0)
    block = matrix[:-1, :-1]
    found = schur_complement(fractions(matrix))
    definite = all(block[:k, :k].det() > 0 for k in range(1, matrix.rows))
    assert (found is not None) == definite
    if definite:
        assert sp.Rational(found.numerator, found.denominator) == matrix.det() / block.det()


@SETTINGS
@given(st.integers(2, 5).flatmap(symmetric), st.fractions(-1, 1))
def test_adding_the_schur_complement_is_exactly_enough(matrix, excess):
    matrix = matrix + 12 * sp.diag(*[1] * (matrix.rows - 1), 0)
    rows = fractions(matrix)
    rest = schur_complement(rows)
    assume(rest is not None)
    rows[-1][-1] += excess - rest
    assert is_semidefinite(rows) == (excess >= 0)
    assert math.copysign(1, schur_complement(rows)) == math.copysign(1, excess) or excess == 0
