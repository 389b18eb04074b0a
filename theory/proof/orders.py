"""Orders of a count, and proofs of "n = O(Q)" and of "n is not O(Q)".

A count is a polynomial in p, d and 1/eps. Its order is read off its largest monomials. Each claim about it is a
certificate: a constant with which every coefficient of constant * Q - n is non-negative, or a power of one
dimension by which n outgrows Q.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

from zoba_bench.errors import DerivationError

from ..symbols import d, eps, p
from .algebra import require_equal, require_nonnegative

__all__ = ["Complexity", "ComplexityError", "Divergence", "Dominance", "diverges", "dominated", "dominates", "order_of"]

#: p - 1, d - 1 (or p - d) and 1/eps - 1.
_s, _t, _q = sp.symbols("s t q", nonnegative=True)
_inverse_eps = sp.Symbol("inverse_eps", positive=True)


class ComplexityError(DerivationError):
    """A claimed order that the derived count does not have."""


@dataclass(frozen=True)
class Dominance:
    """n <= constant * target for all p, d >= 1 and eps <= 1 (and p >= d, if so said).

    Attributes
    ----------
    count, target, constant : expressions; the constant holds no p, d, eps.
    regime : "p, d >= 1" or "p >= d >= 1".
    """

    count: Any
    target: Any
    constant: Any
    regime: str

    @property
    def statement(self) -> str:
        """The claim in words."""
        return f"n = O({sp.sstr(self.target)}) for {self.regime}, 0 < eps <= 1"


@dataclass(frozen=True)
class Divergence:
    """n / target -> oo as one dimension grows while the other and eps are fixed.

    Attributes
    ----------
    growing : the dimension.
    excess : the power of it by which n outgrows the target.
    leading : the (positive) factor of that power in n / target.
    """

    count: Any
    target: Any
    growing: Any
    excess: int
    leading: Any

    @property
    def statement(self) -> str:
        """The claim in words."""
        target = sp.sstr(self.target)
        return f"the derived n is not O({target}): n over it grows like {self.growing}^{self.excess}"


def _coefficients(name: str, expression: Any, regime: str) -> dict[tuple[int, int, int], Any]:
    """Coefficients in (s, t, q) after p = 1 + s, d = 1 + t, 1/eps = 1 + q (p = 1 + t + s where p >= d)."""
    try:
        polynomial = sp.Poly(expression.subs(eps, 1 / _inverse_eps), p, d, _inverse_eps)
    except sp.PolynomialError as error:
        raise ComplexityError(f"the {name} {expression} is not a polynomial in p, d, 1/eps") from error
    first = 1 + _t + _s if regime == "p >= d >= 1" else 1 + _s
    found: dict[tuple[int, int, int], Any] = {}
    for (i, j, k), coefficient in polynomial.terms():
        for monomial, number in sp.Poly(first**i * (1 + _t) ** j * (1 + _q) ** k, _s, _t, _q).terms():
            found.setdefault(monomial, []).append(number * coefficient)
    return {monomial: sp.Add(*parts) for monomial, parts in found.items()}


def dominates(count: Any, target: Any, regime: str = "p, d >= 1") -> Dominance:
    """Prove count = O(target), or raise :class:`ComplexityError`.

    After the substitution p = 1 + s, d = 1 + t, 1/eps = 1 + q (p = 1 + t + s where p >= d), a
    constant is exhibited for which every coefficient of constant * target - count is
    non-negative: the largest ratio of coefficients where they are numbers, else the sum of
    the ratios, each of which is checked to be non-negative.
    """
    found, wanted = (
        _coefficients(name, expression, regime) for name, expression in (("count", count), ("target", target))
    )
    ratios = []
    for monomial, coefficient in found.items():
        available = wanted.pop(monomial, sp.Integer(0))
        if not available.is_positive:
            raise ComplexityError(
                f"{_spell(monomial)} occurs in the count but not in {target}: no constant makes "
                f"the count O({target}) by coefficients"
            )
        for term in sp.Add.make_args(sp.expand(coefficient)):
            if not term.is_nonnegative:
                raise ComplexityError(f"the coefficient {term} of {_spell(monomial)} in the count may be negative")
        ratios.append(coefficient / available)
    for monomial, coefficient in wanted.items():
        if not coefficient.is_nonnegative:
            raise ComplexityError(f"the coefficient {coefficient} of {_spell(monomial)} in {target} is negative")
    constant = max(ratios) if all(r.is_number for r in ratios) else sp.Add(*ratios)
    return Dominance(count, target, constant, regime)


def _spell(monomial: tuple[int, ...]) -> str:
    names = ("(p-1)", "(d-1)", "(1/eps-1)")
    return " ".join(f"{name}^{power}" for name, power in zip(names, monomial, strict=True) if power) or "1"


def diverges(count: Any, target: Any, growing: Any = d) -> Divergence:
    """Prove that count / target is unbounded in one dimension, or raise :class:`ComplexityError`."""
    quotient = sp.together(count / target)
    numerator, denominator = (sp.Poly(part, growing) for part in sp.fraction(sp.cancel(quotient)))
    excess = numerator.degree() - denominator.degree()
    leading = sp.factor(numerator.LC() / denominator.LC())
    if excess <= 0:
        raise ComplexityError(f"{growing} grows in {target} as fast as in the count: no divergent limit")
    require_nonnegative(leading.subs(eps, 1 / _inverse_eps), {p, d} - {growing})
    if leading == 0:
        raise ComplexityError("the leading coefficient vanishes")
    return Divergence(count, target, growing, int(excess), leading)


def order_of(count: Any) -> Any:
    """The order of a polynomial count: its maximal monomials in p, d and 1/eps, factored.

    A monomial is maximal when no other one is a multiple of it; for p, d, 1/eps >= 1 their
    sum is equivalent to the count up to constants.
    """
    polynomial = sp.Poly(sp.expand(count.subs(eps, 1 / _inverse_eps)), p, d, _inverse_eps)
    monomials = polynomial.monoms()
    maximal = [
        m
        for m in monomials
        if not any(other != m and all(i >= j for i, j in zip(other, m, strict=True)) for other in monomials)
    ]
    total = sp.Add(*(p**i * d**j * _inverse_eps**k for i, j, k in maximal))
    return sp.factor(total).subs(_inverse_eps, 1 / eps)


def dominated(quantity: Any, *variables: Any) -> Any:
    """constant * monomial above a quantity in 1/eps and other variables, all of them at least 1.

    Half powers are allowed. Every coefficient of the (Laurent) polynomial is shown to be non-negative;
    then each monomial is at most the one with the largest exponents, and the constant is the sum of the
    coefficients.
    """
    # Half powers of the variables are whole powers of their roots.
    inverse = sp.Symbol("root_inverse_eps", positive=True)
    roots = {variable: sp.Symbol(f"root_{variable}", positive=True) for variable in variables}
    whole = {variable: root**2 for variable, root in roots.items()}
    expanded = sp.expand(quantity.subs({**whole, eps: 1 / inverse**2}, simultaneous=True))
    bases = (*roots.values(), inverse)
    top, constant = [0] * len(bases), sp.Integer(0)
    for number, term in enumerate(sp.Add.make_args(expanded)):
        coefficient, powers = term.as_independent(*bases)
        exponents = [sp.degree(powers, v) if powers.is_polynomial(v) else -sp.degree(1 / powers, v) for v in bases]
        require_equal(powers, sp.Mul(*(v**n for v, n in zip(bases, exponents, strict=True))))
        if not coefficient.is_nonnegative:
            raise ValueError(f"the coefficient {coefficient} of {powers} may be negative")
        top = exponents if number == 0 else [max(pair) for pair in zip(top, exponents, strict=True)]
        constant += coefficient
    monomial = sp.Mul(*(v**n for v, n in zip(bases, top, strict=True)))
    back = {root: sp.sqrt(variable) for variable, root in roots.items()} | {inverse: 1 / sp.sqrt(eps)}
    return sp.factor(constant) * monomial.subs(back)


@dataclass(frozen=True, eq=False)
class Complexity:
    """What a route costs.

    Attributes
    ----------
    count : n(eps), an upper bound on the evaluations that make the bound at most eps.
    order : its order, read off the count.
    per_direction : largest E|Hv|^2 + E|Cv|^2 of one direction, per |v|^2.
    published : the published order, or None; ``published_source`` says where it stands.
    certificates : what was proved of count, order and published order.
    definitions : the dimension-free symbols of the count, with their values where explicit.
    values : what the solver is given, "exact values" or "samples".
    """

    count: Any
    order: Any
    per_direction: Any
    published: Any
    published_source: str
    certificates: tuple[Dominance | Divergence, ...]
    definitions: Mapping[str, Any]
    values: str = "exact values"

    @property
    def statement(self) -> str:
        """Derived and published order, in a sentence each."""
        text = f"Derived here, for {self.values}: n(eps) = O({sp.sstr(self.order)})."
        if self.published is not None:
            text += f" Published: O({sp.sstr(self.published)}) ({self.published_source}); {self.comparison}"
        return text

    @property
    def comparison(self) -> str:
        """What the certificates say of the published order."""
        about = [c for c in self.certificates if c.target == self.published]
        diverging = [c for c in about if isinstance(c, Divergence)]
        dominated = [c for c in about if isinstance(c, Dominance)]
        regimes = " and ".join(c.regime for c in dominated)
        if not about:
            return "not compared."
        if diverging:
            grown = diverging[0]
            return (
                f"the published rate is reproduced under {regimes}; along this route it is not reproduced "
                f"as {grown.growing} -> oo at fixed p, where n over it grows like "
                f"{grown.growing}^{grown.excess}. "
                "The paper's text was not available."
            )
        return f"the published rate is reproduced under {regimes}. The paper's text was not available."
