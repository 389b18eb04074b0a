"""Certificates of AID-BiO, ITD-BiO and stocBiO: induction, triangle inequality, counts, orders.

Two sides agree if their difference cancels as a rational function of symbols, roots and powers;
nothing is simplified heuristically, nothing is sampled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import sympy as sp

from ...proof.positivity import require_nonnegative
from ...proof.theorem import Quoted, Step
from ...symbols import eps

__all__ = [
    "Loop",
    "by_certificate",
    "by_column",
    "count",
    "count_steps",
    "dominated",
    "iterations",
    "require_equal",
    "require_growth",
    "require_recursion",
    "summed",
    "table",
    "triangle",
]

#: Condition number, and the argument of the logarithms.
kappa, x = sp.Symbol("kappa", positive=True), sp.Symbol("x", real=True)


def by_certificate(derive: Callable[[], Any], detail: str) -> Callable[[Any], str]:
    """Proof of the relation that ``derive`` arrives at, and of no other.

    Parameters
    ----------
    derive : builds the relation from definitions and verifies the certificates on the way;
        raises ``ValueError`` where one fails. Run once.
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


def require_equal(derived: Any, stated: Any) -> None:
    """Raise ``ValueError`` unless the difference cancels as a rational function of symbols, roots and powers."""
    if derived == stated:
        return
    difference = sp.expand(derived - stated)
    if difference != 0 and sp.cancel(sp.together(_with_letters(difference))) != 0:
        raise ValueError(f"derived {derived}, stated {stated}")


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


def require_recursion(closed: Any, n: Any, first: Any, step: Callable[[Any], Any]) -> Any:
    """The closed form in n, proved by induction: ``first`` at n = 0, and ``step`` from n to n + 1."""
    require_equal(first, closed.subs(n, 0))
    require_equal(sp.expand(step(closed)), sp.expand(closed.subs(n, n + 1)))
    return closed


def require_growth(function: Any, sides: Mapping[Any, int]) -> None:
    """Raise unless the function of x is 0 at 0 and grows away from it, by the sign of its derivative.

    ``sides`` maps a parametrisation of a range of x by a non-negative symbol to the side of 0.
    """
    require_equal(function.subs(x, 0), sp.Integer(0))
    slope = sp.diff(function, x)
    for place, side in sides.items():
        require_nonnegative(sp.cancel(side * slope.subs(x, place)))


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


@dataclass(frozen=True)
class Loop:
    """A loop of an algorithm box: ``body`` for index = first..last; an entry is (kind, weight) or a loop."""

    index: Any
    first: Any
    last: Any
    body: tuple[Any, ...]


def count(box: Sequence[Any], kind: str) -> Any:
    """Evaluations of one kind in an algorithm box, by symbolic summation over its loops."""
    total = sp.Integer(0)
    for entry in box:
        if isinstance(entry, Loop):
            total += summed(count(entry.body, kind), entry.index, entry.first, entry.last)
        elif entry[0] == kind:
            total += entry[1]
    return total


def summed(term: Any, index: Any, first: Any, last: Any) -> Any:
    """Sum of term over index = first..last; the closed form is proved by induction on ``last``."""
    end = sp.Symbol("end", integer=True, positive=True)
    closed = sp.summation(term, (index, first, end))
    if isinstance(closed, sp.Piecewise):
        closed = closed.args[-1].expr
    closed = sp.powsimp(sp.factor(closed))
    require_equal(sp.expand(closed - closed.subs(end, end - 1)), sp.expand(term.subs(index, end)))
    require_equal(closed.subs(end, first - 1), sp.Integer(0))
    return closed.subs(end, last)


def count_steps(box: Sequence[Any], stated: Mapping[str, Any], because: str) -> tuple[Step, ...]:
    """What an outer iteration evaluates, kind by kind: the box is summed, the stated count compared with it."""

    def counted(kind: str) -> Callable[[], Any]:
        return lambda: sp.Eq(sp.Symbol(kind), count(box, kind))

    return tuple(
        Step(
            f"count of {kind}",
            sp.Eq(sp.Symbol(kind), total),
            because,
            by_certificate(counted(kind), "summation over the loops of the algorithm box"),
        )
        for kind, total in stated.items()
    )


#: Columns of the oracle's counter by kind; a gradient of f has two blocks.
_COLUMNS = {
    "outer_gradient": ("outer_grad_z", "outer_grad_x"),
    "inner_gradient": ("inner_grad_z",),
    "jvp": ("inner_jvp_xz",),
    "hvp": ("inner_hvp_zz",),
}


def by_column(counts: Mapping[str, Any]) -> dict[str, Any]:
    """Counts by kind, as the oracle has them."""
    return {column: total for kind, total in counts.items() for column in _COLUMNS[kind]}


def table(entries: Mapping[str, Any]) -> tuple[Quoted, ...]:
    """Published orders of the evaluations by kind."""
    source = (
        "Table quoted from Enhanced Bilevel Optimization via Bregman Distance, Tables 1-2: logarithms are dropped, "
        "eps bounds the squared norm of grad Phi"
    )
    return tuple(Quoted(f"published {kind}", sp.Eq(sp.Symbol(kind), order), source) for kind, order in entries.items())


def iterations(rate: Any, accuracy: Any) -> Any:
    """Least n with exp(-rate n) <= accuracy, rounded up: at most log(1/accuracy)/rate + 1."""
    return sp.log(1 / accuracy) / rate + 1


def dominated(quantity: Any, *others: Any) -> Any:
    """constant * monomial above a quantity in kappa, 1/eps and other variables, all of them at least 1.

    Every coefficient of the (Laurent) polynomial is shown to be non-negative; then each monomial
    is at most the one with the largest exponents, and the constant is the sum of the coefficients.
    """
    # Half powers of kappa and of 1/eps are whole powers of their roots.
    root, inverse = sp.symbols("root_kappa root_inverse_eps", positive=True)
    variables = (root, inverse, *others)
    moved_ = sp.expand(quantity.subs({kappa: root**2, eps: 1 / inverse**2}, simultaneous=True))
    top, constant = [0] * len(variables), sp.Integer(0)
    for number, term in enumerate(sp.Add.make_args(moved_)):
        coefficient, powers = term.as_independent(*variables)
        exponents = [sp.degree(powers, v) if powers.is_polynomial(v) else -sp.degree(1 / powers, v) for v in variables]
        require_equal(powers, sp.Mul(*(v**n for v, n in zip(variables, exponents, strict=True))))
        if not coefficient.is_nonnegative:
            raise ValueError(f"the coefficient {coefficient} of {powers} may be negative")
        top = exponents if number == 0 else [max(pair) for pair in zip(top, exponents, strict=True)]
        constant += coefficient
    monomial = sp.Mul(*(v**n for v, n in zip(variables, top, strict=True)))
    return sp.factor(constant) * monomial.subs({root: sp.sqrt(kappa), inverse: 1 / sp.sqrt(eps)})
