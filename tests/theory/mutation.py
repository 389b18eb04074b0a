"""Changes of one constant in a statement: what every step's check must refuse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import sympy as sp
from zoba_bench.theory.proof.theorem import Step, Theorem

__all__ = ["accepted_mutants", "mutants"]


def _positions(expression: Any, path: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """Paths of the numbers in an expression; a sign in front of a product counts as one."""
    if expression.is_Number:
        yield path
        return
    for index, argument in enumerate(expression.args):
        yield from _positions(argument, (*path, index))


def _changed(expression: Any, path: tuple[int, ...]) -> Any:
    if not path:
        # Away from the value in a direction that leaves signs and definedness alone.
        if expression == 0:
            return sp.Integer(1)
        return expression + sp.sign(expression) if expression.is_Integer else expression * sp.Rational(11, 10)
    arguments = list(expression.args)
    arguments[path[0]] = _changed(arguments[path[0]], path[1:])
    return expression.func(*arguments)


def mutants(statement: Any, limit: int | None = None) -> Iterator[Any]:
    """The statement with one of its numbers changed, for each of them (or ``limit`` evenly spread ones).

    An integer moves by one away from zero, any other number by a tenth; zero becomes one.
    """
    if isinstance(statement, sp.Rel):
        found = [(side, path) for side in (0, 1) for path in _positions(statement.args[side])]
    else:
        found = [(0, path) for path in _positions(statement)]
    if limit is not None and len(found) > limit:
        found = [found[i * len(found) // limit] for i in range(limit)]
    for side, path in found:
        if not isinstance(statement, sp.Rel):
            yield _changed(statement, path)
            continue
        sides = list(statement.args)
        sides[side] = _changed(sides[side], path)
        yield statement.func(*sides, evaluate=False)


def accepted_mutants(theorem: Theorem, limit: int | None = None) -> list[str]:
    """Mutated statements that their own check does not refuse; must be empty."""
    accepted = []
    for step in theorem.steps:
        for changed in mutants(step.statement, limit):
            if _check(step, changed):
                accepted.append(f"{step.name}: {changed}")
    return accepted


def _check(step: Step, statement: Any) -> bool:
    return replace(step, statement=statement).check().ok
