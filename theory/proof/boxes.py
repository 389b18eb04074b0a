"""Algorithm boxes: what an iteration evaluates, summed symbolically over its loops."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp

from .algebra import require_equal
from .rules import by_relation
from .theorem import Step

__all__ = ["Loop", "by_column", "count", "count_steps", "summed"]


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
    require_equal(closed - closed.subs(end, end - 1), term.subs(index, end))
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
            by_relation(counted(kind), "summation over the loops of the algorithm box"),
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
