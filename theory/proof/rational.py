"""Exact rational arithmetic: upper bounds of expressions with square roots, and semidefiniteness without rounding."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

__all__ = ["is_semidefinite", "root_above", "schur_complement", "upper_bound"]

#: Bits after the binary point of a root, relative to its size.
_BITS = 80


def root_above(value: Fraction) -> Fraction:
    """A rational at or above the square root, within 2^-80 of it relatively."""
    if value < 0:
        raise ValueError(f"the root of the negative number {float(value)!r} was asked for")
    if value == 0:
        return Fraction(0)
    # Scaled by a power of four to an integer of about 2 * _BITS bits.
    shift = _BITS - (value.numerator.bit_length() - value.denominator.bit_length()) // 2
    scaled = value * Fraction(4) ** shift
    integer = -(-scaled.numerator // scaled.denominator)
    root = math.isqrt(integer)
    return Fraction(root + (root * root < integer)) / Fraction(2) ** shift


def _root_below(value: Fraction) -> Fraction:
    above = root_above(value)
    return value / above if above else above


def upper_bound(expression: Any, values: Mapping[Any, Fraction]) -> Fraction:
    """A rational at or above an expression.

    Parameters
    ----------
    expression : sums, products, integer powers and square roots. What lies above a root must be a
        sum and product of non-negative numbers; without roots anything goes, exactly.
    values : exact values of the symbols.
    """
    exact = _exact(expression, values)
    if exact is not None:
        return exact
    if expression.is_Add:
        return sum((_nonnegative(part, values) for part in expression.args), Fraction(0))
    if expression.is_Mul:
        return math.prod((_nonnegative(part, values) for part in expression.args), start=Fraction(1))
    if expression.is_Pow:
        base, exponent = expression.args
        power = Fraction(int(exponent.p), int(exponent.q))
        if power.denominator == 2 and power > 0:
            return root_above(_nonnegative(base, values)) ** power.numerator
        inside = _exact(base, values)
        if power.denominator == 2 and inside is not None:
            return 1 / _root_below(inside) ** -power.numerator
        if power.denominator == 1 and power > 0:
            return _nonnegative(base, values) ** power.numerator
    raise ValueError(f"no upper bound of {expression} is known")


def _nonnegative(expression: Any, values: Mapping[Any, Fraction]) -> Fraction:
    found = upper_bound(expression, values)
    if found < 0:
        raise ValueError(f"{expression} is negative beside a root")
    return found


def _exact(expression: Any, values: Mapping[Any, Fraction]) -> Fraction | None:
    """The value of an expression without roots; None if it has one."""
    if expression.is_Symbol:
        return values[expression]
    if expression.is_Rational:
        return Fraction(int(expression.p), int(expression.q))
    parts: list[Fraction] = []
    if expression.is_Pow:
        if not expression.exp.is_Integer:
            return None
        base = _exact(expression.base, values)
        return None if base is None else base ** int(expression.exp)
    if not (expression.is_Add or expression.is_Mul):
        return None
    for argument in expression.args:
        part = _exact(argument, values)
        if part is None:
            return None
        parts.append(part)
    return sum(parts, Fraction(0)) if expression.is_Add else math.prod(parts, start=Fraction(1))


def schur_complement(matrix: Sequence[Sequence[Fraction]]) -> Fraction | None:
    """Last entry minus what the others explain: c - q' P^-1 q for [[P, q], [q', c]]; None unless P > 0."""
    rows = [list(row) for row in matrix]
    size = len(rows)
    for k in range(size - 1):
        if rows[k][k] <= 0:
            return None
        for i in range(k + 1, size):
            factor = rows[i][k] / rows[k][k]
            if factor:
                for j in range(k, size):
                    rows[i][j] -= factor * rows[k][j]
    return rows[-1][-1]


def is_semidefinite(matrix: Sequence[Sequence[Fraction]]) -> bool:
    """Whether a symmetric rational matrix is positive semidefinite, by exact elimination."""
    rows = [list(row) for row in matrix]
    size = len(rows)
    if any(rows[i][j] != rows[j][i] for i in range(size) for j in range(i)):
        raise ValueError("the matrix is not symmetric")
    for k in range(size):
        pivot = rows[k][k]
        if pivot < 0 or (pivot == 0 and any(rows[k][j] != 0 for j in range(k + 1, size))):
            return False
        if pivot == 0:
            continue
        for i in range(k + 1, size):
            factor = rows[i][k] / pivot
            if factor:
                for j in range(k, size):
                    rows[i][j] -= factor * rows[k][j]
    return True
