"""Proofs of inequalities by explicit certificates: squares and slacks with non-negative multipliers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy as sp

from .exact import equal, require_equal, sides
from .positivity import require_nonnegative
from .rules import Proof

__all__ = ["by_sum", "componentwise"]


def by_sum(
    terms: Mapping[Any, Any],
    detail: str,
    stands_for: Mapping[Any, Any] | None = None,
    where: Mapping[Any, Any] | None = None,
) -> Proof:
    """Proof of ``lhs <= rhs``: rhs - lhs is exactly sum multiplier * quantity, no factor negative.

    Parameters
    ----------
    terms : quantity (a square of a real number, or a non-negative symbol) -> its multiplier, of
        which every coefficient is shown to be non-negative.
    stands_for : names in the statement -> what they mean.
    where : symbols under a condition -> expressions in non-negative symbols that reach exactly the
        values that satisfy it. Replaced in the statement, in the meanings and in the terms.
    """

    def proof(statement: Any) -> str:
        named, allowed = dict(stands_for or {}), dict(where or {})
        left, right = (side.xreplace(named).xreplace(allowed) for side in sides(statement, sp.LessThan))
        total = sp.Integer(0)
        for quantity, multiplier in terms.items():
            if not quantity.is_nonnegative:
                raise ValueError(f"{quantity} may be negative")
            factor = sp.sympify(multiplier).xreplace(allowed)
            require_nonnegative(factor)
            total += factor * quantity.xreplace(allowed)
        rest = right - left - total
        if _refuted(rest) or not equal(rest, 0):
            raise ValueError(f"the two sides of {statement} do not differ by the certificate")
        return detail

    return proof


def _refuted(rest: Any) -> bool:
    """Whether a point shows that the expression is not zero: much faster than to expand it."""
    at = {symbol: sp.Rational(2 * i + 3, i + 2) for i, symbol in enumerate(sorted(rest.free_symbols, key=str))}
    value = rest.xreplace(at)
    return bool(value.is_Rational and value != 0)


def componentwise(derived: tuple[Any, ...], detail: str) -> Proof:
    """Proof of ``(names) = (values)``: each value is the derived one."""

    def proof(statement: Any) -> str:
        _, stated = sides(statement)
        if not isinstance(stated, sp.Tuple) or len(stated) != len(derived):
            raise ValueError(f"{len(derived)} values are derived, stated {stated}")
        for found, value in zip(derived, stated, strict=True):
            require_equal(found, value)
        return detail

    return proof
