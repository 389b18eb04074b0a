"""Exact Gaussian moments of products of quadratic and linear forms (Isserlis, Wick).

A *form* x'Wy has two ends, each a standard normal vector or a fixed one, and a word W of
matrix letters between them. The expectation of a product of forms is a sum over the
perfect matchings of the random ends; a matching joins words into chains between fixed
vectors and into cycles (traces). The sum is built by joining one end at a time, with
equal intermediate products merged, so it stays exact and small.

Source: Isserlis, Biometrika 12 (1918); Magnus, Metrika 33 (1986) for quadratic forms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import sympy as sp

from zoba_bench.arrays import Array

from ..symbols import d, eta, h_bar, p, ratio

__all__ = ["Form", "Moment", "Trace", "expectation", "expectation_of_forms", "form", "random_ends"]


Word = tuple[str, ...]

#: Standard normal vectors and the symbol of their dimension.
RANDOM: Mapping[str, Any] = {"w": p, "t": p, "u": d}
#: Letters equal to their transposes; any other letter gets a prime when transposed.
SYMMETRIC = frozenset({"A", "B", "F_zz", "F_xx"})


def _transpose(word: Word) -> Word:
    return tuple(
        letter if letter in SYMMETRIC else letter[:-1] if letter.endswith("'") else letter + "'"
        for letter in reversed(word)
    )


@dataclass(frozen=True, order=True)
class Form:
    """The bilinear form left' word right."""

    left: str
    word: Word
    right: str

    def reversed(self) -> Form:
        """The same number, read from the other end."""
        return Form(self.right, _transpose(self.word), self.left)

    def canonical(self) -> Form:
        """The one of the two readings that is kept."""
        return min(self, self.reversed())

    @property
    def random(self) -> bool:
        """Whether an end is random."""
        return self.left in RANDOM or self.right in RANDOM

    def name(self) -> str:
        """Readable name: |v|^2, v'Av, |Av|^2."""
        half = len(self.word) // 2
        if self.left == self.right and len(self.word) % 2 == 0 and _transpose(self.word[:half]) == self.word[half:]:
            return f"|{_spell(self.word[half:])}{self.left}|^2"
        return f"{self.left}'{_spell(self.word)}{self.right}"


@dataclass(frozen=True, order=True)
class Trace:
    """The trace of a word; ``dimension`` is the size of its square."""

    word: Word
    dimension: str

    def canonical(self) -> Trace:
        """The smallest rotation of the word or of its transpose."""
        turns = [w[i:] + w[:i] for w in (self.word, _transpose(self.word)) for i in range(max(1, len(self.word)))]
        return Trace(min(turns), "" if self.word else self.dimension)

    def name(self) -> str:
        """Readable name: tr(A), tr(A^2), |C|_F^2."""
        if len(self.word) == 2 and _transpose(self.word[:1]) == self.word[1:] and self.word[0] not in SYMMETRIC:
            return f"|{self.word[0].rstrip(chr(39))}|_F^2"
        return f"tr({_spell(self.word)})"


def _spell(word: Word) -> str:
    out: list[tuple[str, int]] = []
    for letter in word:
        if out and out[-1][0] == letter:
            out[-1] = (letter, out[-1][1] + 1)
        else:
            out.append((letter, 1))
    return "".join(letter if n == 1 else f"{letter}^{n}" for letter, n in out)


Invariant = Form | Trace
Product = tuple[Invariant, ...]

_FORMS: dict[Any, Form] = {}


@cache
def form(left: str, *word_and_right: str) -> Any:
    """Sympy symbol of a form: ``form("w", "A", "w")`` is w'Aw, ``form("w", "v")`` is w'v."""
    kept = Form(left, tuple(word_and_right[:-1]), word_and_right[-1]).canonical()
    symbol = sp.Symbol(f"[{kept.name()}]" if kept.random else kept.name(), real=True)
    _FORMS[symbol] = kept
    return symbol


def random_ends(polynomial: Any) -> set[str]:
    """Names of the random vectors that occur in an expression."""
    forms = [_FORMS[s] for s in polynomial.free_symbols if s in _FORMS]
    return {end for item in forms for end in (item.left, item.right) if end in RANDOM}


def invariant_symbol(invariant: Invariant) -> Any:
    """Sympy symbol of a non-random form or a trace; p or d for the empty trace."""
    if isinstance(invariant, Form):
        return form(invariant.left, *invariant.word, invariant.right)
    if not invariant.word:
        return {"p": p, "d": d}[invariant.dimension]
    return sp.Symbol(invariant.name(), real=True)


@cache
def expectation_of_forms(forms: tuple[Form, ...]) -> dict[Product, int]:
    """Expectation of a product of forms: invariants of the matchings and their multiplicities.

    Parameters
    ----------
    forms : canonical forms, sorted.

    Returns
    -------
    dict : product of invariants -> number of perfect matchings that give it. Empty when no
        perfect matching exists (an odd number of some random end).
    """
    index = next((i for i, item in enumerate(forms) if item.random), None)
    if index is None:
        return {forms: 1}
    first, rest = forms[index], forms[:index] + forms[index + 1 :]
    if first.right not in RANDOM:
        first = first.reversed()
    end = first.right
    total: dict[Product, int] = {}

    def add(found: Mapping[Product, int], extra: Product = ()) -> None:
        for product, count in found.items():
            key = tuple(sorted((*product, *extra), key=_order))
            total[key] = total.get(key, 0) + count

    if first.left == end:
        closed = Trace(first.word, str(RANDOM[end])).canonical()
        add(expectation_of_forms(rest), (closed,))
    for j, other in enumerate(rest):
        remaining = rest[:j] + rest[j + 1 :]
        for turned in (other, other.reversed()) if other.left == other.right else (other,):
            oriented = turned if turned.left == end else turned.reversed()
            if oriented.left != end:
                continue
            joined = Form(first.left, first.word + oriented.word, oriented.right).canonical()
            add(expectation_of_forms(tuple(sorted((*remaining, joined)))))
    return total


def _order(item: Invariant) -> tuple[int, str, Word, str]:
    if isinstance(item, Form):
        return (1, item.left, item.word, item.right)
    return (0, "", item.word, item.dimension)


@dataclass(frozen=True)
class Moment:
    """An expectation: a sum of coefficients (in the radii) times products of invariants.

    When the test vectors ``y1`` and ``y2`` occur, once each in every term, the moment is
    the matrix M with y1' M y2 = the sum.
    """

    terms: tuple[tuple[Any, Product], ...]

    @property
    def expression(self) -> Any:
        """The moment as a sympy expression in named invariants."""
        return sp.Add(*(coefficient * sp.Mul(*map(invariant_symbol, product)) for coefficient, product in self.terms))

    def contracted(self) -> Moment:
        """The trace over the test vectors: sum over an orthonormal basis of y1 = y2."""
        return _collect((coefficient, _contract(product)) for coefficient, product in self.terms)

    @cached_property
    def _coefficients(self) -> Callable[[float, float, float], list[float]]:
        compiled: Callable[[float, float, float], list[float]] = sp.lambdify(
            (ratio, eta, h_bar), [coefficient for coefficient, _ in self.terms], modules="math"
        )
        return compiled

    def matrix(self, environment: Environment, r: float = 1.0, radius: float = 0.0, step: float = 0.0) -> Array:
        """Numeric matrix of a moment with test vectors, for radii h = r radius, eta = radius.

        Parameters
        ----------
        environment : the matrices and the (second moments of the) fixed vectors.
        r, radius, step : ratio h/eta, outer radius eta, difference step h_bar; zero is the limit.
        """
        total: Any = 0.0
        values = self._coefficients(r, radius, step)
        for value, (_, product) in zip(values, self.terms, strict=True):
            if value != 0.0:
                total = total + value * _term(product, environment)
        return np.asarray(total)


class Environment:
    """Numbers for letters and fixed vectors.

    Parameters
    ----------
    matrices : letter -> matrix (transposes are implied).
    second : function of two names -> E[a b'] of two fixed vectors; the outer product for
        vectors that are known exactly.
    """

    def __init__(self, matrices: Mapping[str, Array], second: Callable[[str, str], Array]) -> None:
        self._matrices = matrices
        self._second: dict[tuple[str, str], Array] = {}
        self._compute = second
        self._words: dict[Word, Array] = {}

    @classmethod
    def exact(cls, matrices: Mapping[str, Array], vectors: Mapping[str, Array]) -> Environment:
        """Environment of vectors that are known exactly."""
        return cls(matrices, lambda a, b: np.outer(vectors[a], vectors[b]))

    def second(self, a: str, b: str) -> Array:
        """E[a b']."""
        if (a, b) not in self._second:
            self._second[a, b] = self._compute(a, b)
        return self._second[a, b]

    def word(self, word: Word) -> Array:
        """The product of a non-empty word."""
        if word not in self._words:
            last = word[-1]
            letter = self._matrices[last.rstrip("'")]
            factor = letter.T if last.endswith("'") else letter
            self._words[word] = factor if len(word) == 1 else self.word(word[:-1]) @ factor
        return self._words[word]

    def left(self, word: Word, matrix: Array) -> Array:
        """word @ matrix, with the empty word as identity."""
        return self.word(word) @ matrix if word else matrix

    def trace(self, item: Trace) -> float:
        """Numeric trace."""
        if not item.word:
            return float(self._matrices["A" if item.dimension == "p" else "B"].shape[0])
        if len(item.word) == 1:
            return float(np.trace(self.word(item.word)))
        return float(np.sum(self.word(item.word[:-1]) * self.word(item.word[-1:]).T))

    def size(self, item: Form) -> int:
        """Dimension in which the test vectors of an empty chain live."""
        return len(self._matrices["A" if item.left.endswith("p") else "B"])


def _term(product: Product, environment: Environment) -> Array:
    scalar = 1.0
    chains: dict[str, Form] = {}
    matrix: Array | None = None
    for item in product:
        if isinstance(item, Trace):
            scalar *= environment.trace(item)
            continue
        ends = {item.left[:2], item.right[:2]}
        if ends == {"y1", "y2"}:
            turned = item if item.left.startswith("y1") else item.reversed()
            matrix = environment.word(turned.word) if turned.word else np.eye(environment.size(turned))
        elif "y1" in ends or "y2" in ends:
            turned = item if item.left.startswith("y") else item.reversed()
            chains[turned.left[:2]] = turned
        else:
            pair = environment.second(item.right, item.left)
            scalar *= float(np.sum(pair * environment.word(item.word).T)) if item.word else float(np.trace(pair))
    if matrix is None:
        one, two = chains["y1"], chains["y2"]
        half = environment.left(one.word, environment.second(one.right, two.right))
        matrix = environment.left(two.word, half.T).T
    return scalar * matrix


def _contract(product: Product) -> Product:
    kept: list[Invariant] = []
    ends: list[Form] = []
    for item in product:
        if isinstance(item, Form) and (item.left.startswith("y") or item.right.startswith("y")):
            ends.append(item)
        else:
            kept.append(item)
    if len(ends) == 1:
        kept.append(Trace(ends[0].word, ends[0].left[2:]).canonical())
    else:
        one, two = (item if item.right.startswith("y") else item.reversed() for item in ends)
        kept.append(Form(one.left, one.word + two.reversed().word, two.left).canonical())
    return tuple(sorted(kept, key=_order))


def _collect(terms: Any) -> Moment:
    total: dict[Product, Any] = {}
    for coefficient, product in terms:
        total[product] = total.get(product, sp.Integer(0)) + coefficient
    simplified = ((sp.cancel(value), product) for product, value in total.items())
    return Moment(tuple((value, product) for value, product in simplified if value != 0))


def expectation(polynomial: Any) -> Moment:
    """Expectation of a polynomial in form symbols, with coefficients rational in the radii.

    Parameters
    ----------
    polynomial : sympy expression built from :func:`form` and the radii.
    """
    generators = sorted((s for s in polynomial.free_symbols if s in _FORMS), key=str)
    if not generators:
        return _collect([(polynomial, ())])
    found = []
    for powers, coefficient in sp.Poly(sp.expand(polynomial), *generators).terms():
        forms: list[Form] = []
        for generator, power in zip(generators, powers, strict=True):
            forms += [_FORMS[generator]] * power
        found += [
            (coefficient * count, product) for product, count in expectation_of_forms(tuple(sorted(forms))).items()
        ]
    return _collect(found)


def forms_of(polynomial: Any) -> dict[Any, Form]:
    """The forms that occur in an expression, by their symbols."""
    return {symbol: _FORMS[symbol] for symbol in polynomial.free_symbols if symbol in _FORMS}
