"""What every proof decides with: equality, signs by coefficients, growth, and norms of products.

Every decision is exact and one-sided: a true statement may be missed, a false one is never accepted.
Nothing is simplified heuristically and nothing is sampled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import sympy as sp

__all__ = [
    "equal",
    "norm_bound",
    "require_equal",
    "require_growth",
    "require_nonnegative",
    "require_recursion",
    "sides",
    "triangle",
]


def sides(statement: Any, kind: Any = sp.Equality) -> tuple[Any, Any]:
    """Both sides of a statement of the wanted kind; ``ValueError`` for any other kind."""
    if not isinstance(statement, kind):
        raise ValueError(f"the statement {statement} is not of the form {kind.__name__}")
    return statement.lhs, statement.rhs


# Equality.


def equal(left: Any, right: Any) -> bool:
    """Whether two expressions agree as rational functions of their symbols, roots and powers.

    Expressions in non-commutative symbols are compared by expansion alone.
    """
    if left == right:
        return True
    difference = sp.sympify(left - right)
    if _refuted(difference):
        return False
    difference = sp.expand(difference)
    if difference == 0:
        return True
    return bool(difference.is_commutative and sp.cancel(sp.together(_with_letters(difference))) == 0)


def _refuted(difference: Any) -> bool:
    """Whether a rational point shows that the expression is not zero: much faster than to expand it."""
    at = {symbol: sp.Rational(2 * i + 3, i + 2) for i, symbol in enumerate(sorted(difference.free_symbols, key=str))}
    value = difference.xreplace(at)
    return bool(value.is_Rational and value != 0)


def _with_letters(expression: Any) -> Any:
    """The expression with a letter for every power whose exponent is symbolic: base^(m n + k) = letter^m base^k."""
    letters: dict[Any, Any] = {}

    def split(power: Any) -> Any:
        base, exponent = power.args
        k, rest = exponent.as_coeff_Add()
        m, n = rest.as_coeff_Mul()
        if not (k.is_Integer and m.is_Integer):
            return power
        return letters.setdefault((base, n), sp.Dummy(positive=True)) ** m * base**k

    return expression.replace(lambda part: part.is_Pow and bool(part.exp.free_symbols), split)


def require_equal(derived: Any, stated: Any) -> None:
    """Raise ``ValueError`` that shows both sides unless they agree."""
    if not equal(derived, stated):
        raise ValueError(f"derived {derived}, stated {stated}")


def require_recursion(closed: Any, n: Any, first: Any, step: Callable[[Any], Any]) -> Any:
    """The closed form in n, proved by induction: ``first`` at n = 0, and ``step`` from n to n + 1."""
    require_equal(first, closed.subs(n, 0))
    require_equal(step(closed), closed.subs(n, n + 1))
    return closed


# Signs.


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


def require_growth(function: Any, x: Any, ranges: Mapping[Any, int]) -> None:
    """Raise unless the function of x is 0 at 0 and grows away from it, by the sign of its derivative.

    ``ranges`` maps a parametrisation of a range of x by a non-negative symbol to the side of 0, 1 or -1.
    """
    require_equal(function.subs(x, 0), sp.Integer(0))
    slope = sp.diff(function, x)
    for place, side in ranges.items():
        require_nonnegative(sp.cancel(side * slope.subs(x, place)))


# Norms of products of operators, which need not commute.


def triangle(difference: Any, terms: Sequence[tuple[Any, ...]], bounds: Mapping[Any, Any]) -> Any:
    """Bound on the norm of a difference of operators: it is the sum of the terms, products of bounded factors.

    Parameters
    ----------
    difference : expression in non-commutative symbols.
    terms : factors of each product, in order; scalars among them count with their modulus.
    bounds : factor -> bound on its norm.
    """
    rest = sp.expand(difference - sum(sp.Mul(*factors) for factors in terms))
    if rest != 0:
        raise ValueError(f"the terms leave {rest}")
    total = sp.Integer(0)
    for factors in terms:
        product = sp.Integer(1)
        for factor in factors:
            if factor in bounds:
                product *= bounds[factor]
            elif sp.sympify(factor).is_commutative:
                product *= sp.Abs(factor)
            else:
                raise ValueError(f"no bound on the norm of {factor}")
        total += product
    return total


def norm_bound(expression: Any, bounds: Mapping[Any, Any]) -> Any:
    """:func:`triangle` over the terms of the expanded expression, letter by letter."""
    expanded = sp.expand(expression)
    terms = []
    for term in sp.Add.make_args(expanded):
        commuting, letters = term.args_cnc()
        powers = [letter.as_base_exp() for letter in letters]
        terms.append((*commuting, *(base for base, exponent in powers for _ in range(int(exponent)))))
    return triangle(expanded, terms, bounds)
