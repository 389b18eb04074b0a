"""Ways to prove a step: each rule turns a derivation into a function that accepts one statement only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import sympy as sp

from .algebra import equal, require_equal, require_nonnegative, require_recursion, sides

__all__ = [
    "Proof",
    "by_components",
    "by_derivation",
    "by_induction",
    "by_nonnegative_terms",
    "by_relation",
    "by_slack",
    "by_sum",
]

#: Takes the statement, returns what was verified, raises ``ValueError`` where the statement is not what was derived.
Proof = Callable[[Any], str]


# Equalities.


def by_derivation(derive: Callable[[], Any], detail: str) -> Proof:
    """Proof of ``name = rhs``: rhs is what ``derive`` finds from definitions.

    Parameters
    ----------
    derive : gives the expression from definitions, without looking at the statement.
    detail : what was verified, in words.
    """

    def proof(statement: Any) -> str:
        right = sides(statement)[1]
        require_equal(derive(), right)
        return detail

    return proof


def by_components(derived: tuple[Any, ...], detail: str) -> Proof:
    """Proof of ``(names) = (values)``: each value is the derived one."""

    def proof(statement: Any) -> str:
        _, stated = sides(statement)
        if not isinstance(stated, sp.Tuple) or len(stated) != len(derived):
            raise ValueError(f"{len(derived)} values are derived, stated {stated}")
        for found, value in zip(derived, stated, strict=True):
            require_equal(found, value)
        return detail

    return proof


def by_induction(n: Any, base: Any, step: Callable[[Any], Any], detail: str) -> Proof:
    """Proof of ``name = closed form in n``: right at n = 0, and kept by the recursion.

    Parameters
    ----------
    n : symbol of the number of steps, an integer.
    base : the value before the first step.
    step : the recursion, from the value after n steps to that after n + 1.
    """

    def proof(statement: Any) -> str:
        require_recursion(sides(statement)[1], n, base, step)
        return detail

    return proof


# Relations of any kind.


def by_relation(derive: Callable[[], Any], detail: str) -> Proof:
    """Proof of the relation that ``derive`` arrives at, and of no other.

    Parameters
    ----------
    derive : builds the relation from definitions and verifies what it needs on the way;
        raises ``ValueError`` where that fails. Run once.
    detail : what was verified, in words.
    """
    found_once = cache(derive)

    def proof(statement: Any) -> str:
        derived = found_once()
        if type(statement) is not type(derived):
            raise ValueError(f"derived {derived}, stated {statement}")
        for found, stated in zip(derived.args, statement.args, strict=True):
            require_equal(found, stated)
        return detail

    return proof


# Inequalities.


def by_slack(left: Any, slack: Any, detail: str, where: Mapping[Any, Any] | None = None) -> Proof:
    """Proof of ``name <= rhs``: rhs - left is exactly the slack, whose coefficients are non-negative.

    Parameters
    ----------
    left : the expression that the left-hand side stands for, with non-negative symbols for what
        the assumptions leave open.
    slack : what the inequality gives away.
    where : symbols of either side -> expressions in non-negative symbols that reach every
        value the assumptions allow.
    """

    def proof(statement: Any) -> str:
        given_away = (sides(statement, sp.LessThan)[1] - left).xreplace(dict(where or {}))
        if given_away.has(sp.Sum):
            raise ValueError(f"the sums in {statement.rhs} are not those of the derivation")
        require_nonnegative(slack)
        if not equal(given_away, slack):
            raise ValueError(f"the bound gives away {given_away}, derived {slack}")
        return detail

    return proof


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
        if not equal(right - left, total):
            raise ValueError(f"the two sides of {statement} do not differ by the certificate")
        return detail

    return proof


def by_nonnegative_terms(
    left: Any,
    detail: str,
    attained: Mapping[Any, Any] | None = None,
    where: Mapping[Any, Any] | None = None,
) -> Proof:
    """Proof of ``lhs <= rhs``: every coefficient of rhs - left is non-negative.

    Parameters
    ----------
    left : the expression that the left-hand side stands for.
    attained : a point at which both sides must agree, so that the bound is the best of its kind.
    where : what the symbols of ``rhs`` are in terms of exact quantities and non-negative slacks.
    """

    def proof(statement: Any) -> str:
        _, right = sides(statement, sp.LessThan)
        if where is not None:
            right = sp.expand(sp.cancel(right.subs(where, simultaneous=True)))
        require_nonnegative(right - left)
        if attained is not None and not equal((right - left).subs(attained, simultaneous=True), 0):
            raise ValueError(f"the bound is not attained at {dict(attained)}")
        return detail

    return proof
