"""Linear and quadratic forms in the state y = (a, b, g, D, 1), over any numbers: sympy's or exact rationals.

a = |z - z*(x)|, b = |v - v*(x)|, g = |grad Psi(x)|, D the norm of the mean direction of x.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy as sp

from .. import symbols

__all__ = ["STATE", "Linear", "independent_sum", "motion", "product", "quadratic_form"]

#: The state; the constant 1 stands at the end.
STATE: tuple[Any, ...] = (symbols.a, symbols.b, symbols.g, symbols.D, sp.Integer(1))


@dataclass(frozen=True)
class Linear:
    """A linear form; ``entries`` are its coefficients in the order of :data:`STATE`."""

    entries: tuple[Any, ...]

    @classmethod
    def of(cls, *, a: Any = 0, b: Any = 0, g: Any = 0, D: Any = 0, one: Any = 0) -> Linear:
        """A form from its coefficients."""
        return cls((a, b, g, D, one))

    def __add__(self, other: Linear) -> Linear:
        return Linear(tuple(x + y for x, y in zip(self.entries, other.entries, strict=True)))

    def scaled(self, factor: Any) -> Linear:
        """The form times a number."""
        return self.map(lambda entry: factor * entry)

    def map(self, function: Callable[[Any], Any]) -> Linear:
        """The form with every coefficient replaced by a function of it."""
        return Linear(tuple(function(entry) for entry in self.entries))

    def widened(self, E: Any = 0) -> Linear:
        """The form in the state with one more component before the constant, and its coefficient."""
        return Linear((*self.entries[:-1], E, self.entries[-1]))

    @property
    def expression(self) -> Any:
        """As a sympy expression in a, b, g, D."""
        return sum((c * y for c, y in zip(self.entries, STATE, strict=True)), sp.Integer(0))

    @property
    def constant(self) -> bool:
        """Whether the form does not depend on the state."""
        return all(entry == 0 for entry in self.entries[:-1])


def independent_sum(*forms: Linear) -> Linear:
    """Bound on the root of the sum of squares of forms: Minkowski, coefficient by coefficient.

    (sum_i (sum_k c_ik y_k)^2)^(1/2) <= sum_k (sum_i c_ik^2)^(1/2) y_k for y >= 0.
    """

    def root(*column: Any) -> Any:
        parts = [entry for entry in column if entry != 0]
        if len(parts) < 2:
            return parts[0] if parts else sp.Integer(0)
        return sp.sqrt(sp.Add(*(entry**2 for entry in parts)))

    return Linear(tuple(root(*column) for column in zip(*(form.entries for form in forms), strict=True)))


def motion(rough: Any, still: Any, root: Linear) -> Linear:
    """Bound on min(k gamma r, s gamma^2 r^2/2) that is linear in the state, r being the root of V_x.

    ``still`` is that minimum at the constant part of r; what grows with the state counts with twice ``rough``, which is
    k gamma.
    """
    return Linear((*(2 * rough * entry for entry in root.entries[:-1]), still))


Matrix = list[list[Any]]
_HALF = Fraction(1, 2)  # a rational for sympy's numbers too


def product(one: Linear, two: Linear) -> Matrix:
    """Symmetric matrix of the quadratic form one * two."""
    rows = one.entries, two.entries
    pairs = list(zip(*rows, strict=True))
    return [[(x * w + y * v) * _HALF for v, w in pairs] for x, y in pairs]


def quadratic_form(terms: Sequence[tuple[Any, Linear, Linear]], zero: Any = 0) -> Matrix:
    """Symmetric matrix of sum weight * one * two."""
    size = len(terms[0][1].entries) if terms else len(STATE)
    total = [[zero] * size for _ in range(size)]
    for weight, one, two in terms:
        matrix = product(one, two)
        total = [[total[i][j] + weight * matrix[i][j] for j in range(size)] for i in range(size)]
    return total
