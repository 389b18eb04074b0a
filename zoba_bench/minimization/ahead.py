"""All points of an iteration of a registered solver at once, for those who have workers.

A single-loop method asks for values of G, then for values of F, at points that depend on neither. So an iteration is
first run with made-up values, which shows its points, these are evaluated together, and then it is run again.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from zoba_bench.contracts import Solver, State
from zoba_bench.minimization.pool import Task
from zoba_bench.minimization.values import Evaluator
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem

__all__ = ["at_once"]


def at_once(solver: Solver, problem: BilevelProblem, evaluator: Evaluator) -> Solver:
    """A solver whose iterations have the same bits, with all points of each evaluated at once where that can be.

    The solver itself where nothing runs in parallel, or where points of its first iteration depend on values.
    """
    kind: Any = type(solver)
    if not evaluator.parallel or not hasattr(kind, "__dataclass_fields__"):
        return solver
    usable: list[bool] = []

    def asked(self: Solver, state: Any, varied: bool) -> list[Task]:
        with evaluator.asked(varied=varied) as tasks, np.errstate(all="ignore"):
            kind.step(self, replace(state, oracle=Oracle(problem, 1), rng=copy.deepcopy(state.rng)))
        return list(tasks)

    def step(self: Solver, state: State) -> State:
        if not usable:
            usable.append(_same(asked(self, state, False), asked(self, state, True)))
        if usable[0]:
            evaluator.ahead(asked(self, state, False))
        after: State = kind.step(self, state)
        usable[0] = usable[0] and evaluator.all_taken
        return after

    subclass = type(kind.__name__, (kind,), {"step": step})
    made: Solver = subclass(**{field.name: getattr(solver, field.name) for field in fields(kind) if field.init})
    return made


def _same(one: Sequence[Task], other: Sequence[Task]) -> bool:
    return len(one) == len(other) and all(
        a == b and np.array_equal(z, z2) and np.array_equal(x, x2)
        for (a, (z, x)), (b, (z2, x2)) in zip(one, other, strict=True)
    )
