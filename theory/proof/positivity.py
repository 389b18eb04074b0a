"""Signs proved by coefficients: the one way in which inequalities between polynomials are checked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sympy as sp

__all__ = ["require_nonnegative"]


def require_nonnegative(expression: Any, at_least_one: Iterable[Any] = ()) -> None:
    """Raise ``ValueError`` unless every coefficient is non-negative.

    The symbols in ``at_least_one`` are first written as 1 plus a non-negative one; all
    others must be declared non-negative. Numerator and denominator of the combined fraction
    are expanded; non-negative coefficients in both prove the sign.
    """
    moved = expression.subs({s: 1 + s for s in at_least_one}, simultaneous=True)
    for part in sp.fraction(sp.cancel(sp.together(moved))):
        for term in sp.Add.make_args(sp.expand(part)):
            if not term.is_nonnegative:
                raise ValueError(f"the term {term} may be negative")
