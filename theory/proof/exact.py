"""Proofs that decide by rational-function algebra alone: derivation, induction, and explicit slack.

Nothing is simplified heuristically: two sides agree if their difference cancels to zero. Roots
are written as symbols, or squared, by the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sympy as sp

from .positivity import require_nonnegative
from .rules import Proof

__all__ = ["by_derivation", "by_induction", "by_slack", "equal", "require_equal", "sides"]


def equal(left: Any, right: Any) -> bool:
    """Whether two expressions agree as rational functions of their symbols, roots and powers."""
    difference = sp.expand(left - right)
    return bool(difference == 0 or sp.cancel(sp.together(difference)) == 0)


def require_equal(derived: Any, stated: Any) -> None:
    """Raise ``ValueError`` that shows both sides unless they agree."""
    if not equal(derived, stated):
        raise ValueError(f"derived {derived}, stated {stated}")


def sides(statement: Any, kind: Any = sp.Equality) -> tuple[Any, Any]:
    """Both sides of a statement of the wanted kind; ``ValueError`` for any other kind."""
    if not isinstance(statement, kind):
        raise ValueError(f"the statement {statement} is not of the form {kind.__name__}")
    return statement.lhs, statement.rhs


def by_derivation(derive: Callable[[], Any], detail: str) -> Proof:
    """Proof of ``name = rhs``: rhs is what ``derive`` finds from definitions."""

    def proof(statement: Any) -> str:
        require_equal(derive(), sides(statement)[1])
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
        closed = sides(statement)[1]
        require_equal(base, closed.subs(n, 0))
        require_equal(step(closed), closed.subs(n, n + 1))
        return detail

    return proof


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
