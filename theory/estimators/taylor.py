"""What an estimator sees of a quadratic: its values at shifted points, with a note of every point asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sympy as sp

from ..symbols import b1, b2, l1, l2
from .isserlis import RANDOM, form

__all__ = ["Point", "Quadratic", "Values", "evaluations"]

#: A query: the level, and the moves (direction, radius) away from the current (z, x).
Point = tuple[str, tuple[tuple[str, str], ...]]

#: Letters of gradient and Hessian of each level: gradient in z, in x, then zz, xz, xx.
LETTERS = {"inner": ("G_z", "G_x", "A", "C", "B"), "outer": ("F_z", "F_x", "F_zz", "F_xz", "F_xx")}


class Quadratic:
    """A quadratic of (z, x) around the current point, as a polynomial in form symbols.

    Parameters
    ----------
    level : {"inner", "outer"}
        Chooses the letters: A, C, B are G_zz, G_xz, G_xx.
    """

    def __init__(self, level: str) -> None:
        self.level = level
        self.queries: set[Point] = set()

    def at(self, **moves: Any) -> Any:
        """Value after moving along each named direction by its radius (``u`` moves x, others z)."""
        self.queries.add((self.level, tuple(sorted((name, str(radius)) for name, radius in moves.items()))))
        grad_z, grad_x, zz, xz, xx = LETTERS[self.level]
        value = sp.Symbol(f"{self.level}_value", real=True)
        for name, radius in moves.items():
            value += radius * form(name, grad_x if name == "u" else grad_z)
            for other, other_radius in moves.items():
                # The mixed block C maps z to x: u'Cw, once in each order of the double sum.
                if name == "u":
                    factor = form("u", xx, "u") if other == "u" else form("u", xz, other)
                else:
                    factor = form("u", xz, name) if other == "u" else form(name, zz, other)
                value += radius * other_radius * factor / 2
        return value


class Values:
    """A function known by its values only: every query is a symbol, so coefficients are linear in them.

    Attributes
    ----------
    moves : the symbol of a value -> the moves of its point.
    """

    def __init__(self) -> None:
        self.moves: dict[Any, dict[str, Any]] = {}

    def at(self, **moves: Any) -> Any:
        """Symbol of the value after moving along each named direction by its radius."""
        for symbol, known in self.moves.items():
            if known == moves:
                return symbol
        symbol = sp.Symbol(f"value_{len(self.moves)}", real=True)
        self.moves[symbol] = moves
        return symbol

    def linear(self, coefficient: Any) -> list[tuple[Any, dict[str, Any]]]:
        """(factor, moves) of every value in a coefficient; an error unless it is linear."""
        found = [(sp.cancel(sp.diff(coefficient, symbol)), moves) for symbol, moves in self.moves.items()]
        if sp.expand(coefficient - sum(f * s for (f, _), s in zip(found, self.moves, strict=True))) != 0:
            raise ValueError(f"the coefficient {coefficient} is not linear in the values")
        return found


def evaluations(queries: Iterable[Point]) -> dict[str, Any]:
    """Evaluations an iteration at each level, from the distinct points that are asked for.

    A point that moves along a random direction is asked once a direction and sample, any
    other once a sample.
    """
    count = {"inner": sp.Integer(0), "outer": sp.Integer(0)}
    for level, moves in set(queries):
        directions, batch = (l1, b1) if level == "inner" else (l2, b2)
        count[level] += batch * (directions if any(name in RANDOM for name, _ in moves) else 1)
    return {level: sp.factor(value) for level, value in count.items()}
