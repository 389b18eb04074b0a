"""P1d: what each iteration queries, in every column of the oracle's counter, against what the solver declares, exactly.

The counts are compared iteration by iteration and replicate by replicate, so that a schedule that changes the number of
directions is seen; late in a run it is where the state at the end is given other numbers k.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from zoba_bench.oracle import COUNTED, Oracle
from zoba_bench.solvers.base import StepWarning
from zoba_bench.statistics import Limits
from zoba_bench.sweep import Cell
from zoba_bench.validation import is_integer
from zoba_bench.verification.claim import Claim, Measurement
from zoba_bench.verification.declarations import start
from zoba_bench.verification.parameters import COUNT, COUNTS, FLAG, OPTION_SETS, PROBLEMS, Parameters
from zoba_bench.verification.protocols.shared.named import build_problem, build_solver
from zoba_bench.verification.protocols.shared.plan import Plan

__all__ = ["PARAMETERS", "RESTS_ON_THEOREM", "TITLE", "WORK", "count_each", "declared", "judge", "plan"]

TITLE = "declared counts"
TOLERANCE = "None: whole numbers must agree."
LEAVES_OPEN = "Whether the declared number is that of the published method; iterations that are not looked at."
#: What a class says of itself is no theorem.
RESTS_ON_THEOREM = False
PARAMETERS = Parameters(
    {"problems": PROBLEMS, "options": OPTION_SETS, "iterations": COUNT}, {"later": COUNTS, "one_less": FLAG}
)  # fmt: skip

_TASK = "zoba_bench.verification.protocols.declared_counts:count_each"
_REPLICATES = 2


def plan(claim: Claim, seed: int) -> Plan:
    """One cell a problem.

    ``parameters``: "problems", "options" (a list of tables; each must fit every problem), "iterations", and "later":
    numbers k that the state at the end of these iterations is given, for one step each. For a control, "one_less": one
    query fewer than is declared.
    """
    chosen = claim.parameters
    cells, predicted = [], []
    for spec in chosen["problems"]:
        parameters = {
            "problem": spec, "solver": claim.solver, "options": [dict(each) for each in chosen["options"]],
            "iterations": chosen["iterations"],
        }  # fmt: skip
        if "later" in chosen:
            parameters["later"] = list(chosen["later"])
        cells.append(Cell(_TASK, parameters, seed))
        for options in chosen["options"]:
            counts = declared(claim.solver, options, build_problem(spec))
            if chosen.get("one_less"):
                first = next(iter(counts))
                counts[first] -= 1
            predicted.append((f"{spec['name']} with {dict(options)}", counts))
    return Plan(tuple(cells), {"predicted": predicted})


def declared(solver: str, options: Mapping[str, Any], problem: Any) -> dict[str, int]:
    """What the solver says of an iteration.

    Raises
    ------
    ValueError
        For a column that the oracle does not have, or a number that is no count.
    """
    said = build_solver(solver, options).evaluations(problem)
    if not isinstance(said, Mapping) or not said:
        raise ValueError(f"evaluations of {solver} must return a mapping column -> number, got {said!r}")
    for name, number in said.items():
        if name not in COUNTED:
            raise ValueError(f"evaluations of {solver} names {name!r}; counted are {', '.join(COUNTED)}")
        if not is_integer(number) or number < 0:
            raise ValueError(f"evaluations of {solver} says {number!r} of {name}, which is no count")
    return {name: int(number) for name, number in said.items()}


def count_each(
    rng: np.random.Generator, problem: Mapping[str, Any], solver: str, options: Sequence[Mapping[str, Any]],
    iterations: int, later: Sequence[int] = (),
) -> dict[str, Any]:  # fmt: skip
    """Counts of each iteration, and of each later one, by column, of each replicate, for several option sets.

    Columns of zeros are left out.
    """
    built = build_problem(problem)
    iterates = [np.repeat(a[None], _REPLICATES, axis=0) for a in start(built)]
    rows = []
    for chosen in options:
        oracle = Oracle(built, _REPLICATES)
        configured = build_solver(solver, chosen)
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", StepWarning)
            state = configured.init(oracle, rng, *iterates)
            before = {name: count.copy() for name, count in oracle.counts.items()}
            each = []
            for number in (*range(iterations), *later):
                if number >= iterations:
                    state = replace(state, k=number)
                state = configured.step(state)
                used = {name: (count - before[name]).tolist() for name, count in oracle.counts.items()}
                before = {name: count.copy() for name, count in oracle.counts.items()}
                each.append({name: number for name, number in used.items() if any(number)})
        rows.append(each)
    return {"counts": rows}


def judge(claim: Claim, plan: Plan, results: Mapping[str, Mapping[str, Any]], level: float) -> Measurement:
    """The number of columns, settings and iterations at which a replicate's count is not the declared one."""
    wrong = []
    iterations, later = claim.parameters["iterations"], list(claim.parameters.get("later", ()))
    numbers = [*range(iterations), *later]
    settings = [each for cell in plan.cells for each in results[cell.key]["counts"]]
    for (where, expected), each in zip(plan.context["predicted"], settings, strict=True):
        for k, used in zip(numbers, each, strict=True):
            for name in sorted({*used, *expected}):
                counted, said = used.get(name, [0] * _REPLICATES), expected.get(name, 0)
                if any(number != said for number in counted):
                    wrong.append(f"{name} in iteration {k} on {where}: counted {counted[0]}, declared {said}")
    difference = float(len(wrong))
    note = f"{len(settings)} settings, k = 0 to {iterations - 1}{', '.join(['', *map(str, later)])} each"
    if wrong:
        note += f"; first difference: {wrong[0]}"
    return Measurement(0.0, difference, Limits(difference, difference), note)


WORK = {"count_each": lambda parameters, work: work({**parameters, "replicates": _REPLICATES})}
