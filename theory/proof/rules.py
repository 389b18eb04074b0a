"""Ways to prove a step: each turns a certificate into a function that accepts one statement only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sympy as sp

from .positivity import require_nonnegative

__all__ = ["by_identity", "by_nonnegative_terms", "by_squares", "vanishes"]

Proof = Callable[[Any], str]


def vanishes(expression: Any) -> bool:
    """Whether an expression is zero, by expansion, cancellation, and simplification last."""
    if expression == 0 or sp.expand(expression) == 0:
        return True
    return bool(sp.cancel(sp.together(expression)) == 0 or sp.simplify(expression) == 0)


def _sides(statement: Any, kind: Any) -> tuple[Any, Any]:
    if not isinstance(statement, kind):
        raise ValueError(f"the statement {statement} is not of the form {kind.__name__}")
    return statement.lhs, statement.rhs


def by_identity(derive: Callable[[], Any], detail: str) -> Proof:
    """Proof of ``lhs = rhs``: the derived expression minus ``rhs`` vanishes identically.

    Parameters
    ----------
    derive : gives the expression from definitions, without looking at the statement.
    detail : what was verified, in words.
    """

    def proof(statement: Any) -> str:
        _, right = _sides(statement, sp.Equality)
        derived = derive()
        if not vanishes(derived - right):
            raise ValueError(f"derived {derived}, stated {right}")
        return detail

    return proof


def by_squares(left: Any, squares: Mapping[Any, Any], detail: str, at_least_one: tuple[Any, ...] = ()) -> Proof:
    """Proof of ``lhs <= rhs``: rhs - left is exactly sum multiplier * square^2, multipliers >= 0.

    Parameters
    ----------
    left : the expression that the left-hand side stands for.
    squares : the quantity that is squared -> its multiplier; each multiplier is shown to have
        non-negative coefficients.
    at_least_one : symbols of the multipliers that are at least 1.
    """

    def proof(statement: Any) -> str:
        _, right = _sides(statement, sp.LessThan)
        for multiplier in squares.values():
            require_nonnegative(sp.sympify(multiplier), at_least_one)
        rest = right - left - sum(m * q**2 for q, m in squares.items())
        if not vanishes(rest):
            raise ValueError(f"the sum of squares leaves {sp.factor(rest)}")
        return detail

    return proof


def by_nonnegative_terms(
    left: Any,
    detail: str,
    at_least_one: tuple[Any, ...] = (),
    attained: Mapping[Any, Any] | None = None,
    where: Mapping[Any, Any] | None = None,
) -> Proof:
    """Proof of ``lhs <= rhs``: every coefficient of rhs - left is non-negative after the shift.

    Parameters
    ----------
    left : the expression that the left-hand side stands for.
    at_least_one : symbols that are written as 1 plus a non-negative one.
    attained : a point at which both sides must agree, so that the bound is the best of its kind.
    where : what the symbols of ``rhs`` are in terms of exact quantities and non-negative slacks.
    """

    def proof(statement: Any) -> str:
        _, right = _sides(statement, sp.LessThan)
        if where is not None:
            right = sp.expand(sp.cancel(right.subs(where, simultaneous=True)))
        require_nonnegative(right - left, at_least_one)
        if attained is not None and not vanishes((right - left).subs(attained, simultaneous=True)):
            raise ValueError(f"the bound is not attained at {dict(attained)}")
        return detail

    return proof
