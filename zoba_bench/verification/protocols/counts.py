"""P1: queries of a run in every column of the oracle's counter, against the symbolic count, exactly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from zoba_bench.oracle import COUNTED
from zoba_bench.problem import BilevelProblem
from zoba_bench.registry import entry, names
from zoba_bench.statistics import Limits
from zoba_bench.sweep import Cell
from zoba_bench.verification.claim import Claim, Measurement
from zoba_bench.verification.controls import CONTROLS
from zoba_bench.verification.parameters import FLAG, OPTION_SETS, PROBLEM, PROBLEMS, Parameters, one_of, tables
from zoba_bench.verification.protocols.shared.named import build_problem, reference_theorem
from zoba_bench.verification.protocols.shared.plan import Plan

__all__ = ["PARAMETERS", "TITLE", "judge", "plan"]

TITLE = "evaluation counts"
TOLERANCE = "None: whole numbers must agree."
LEAVES_OPEN = "Settings that were not run."

_ITERATIONS = 2  # of the task

PARAMETERS = Parameters(
    {},
    {
        "problems": PROBLEMS, "options": OPTION_SETS, "stochastic_options": OPTION_SETS,
        "settings": tables(Parameters({"problem": PROBLEM, "options": OPTION_SETS})),
        "omit_centre": FLAG, "left_out": one_of(*COUNTED),
    },
    either=(("problems", "options", "stochastic_options"), ("settings",)),
)  # fmt: skip


def plan(claim: Claim, seed: int) -> Plan:
    """One cell a problem, with several sets of options.

    ``parameters``: "settings", a list of tables with a "problem" and its "options" (a list of sets); or "problems" (a
    list) with "options" and "stochastic_options", the sets for problems without and with samples. A control has
    "omit_centre", or a column that is "left_out" of the prediction.
    """
    cells, predicted = [], []
    for spec, several in _settings(claim.parameters):
        problem = build_problem(spec)
        parameters = {"problem": spec, "solver": claim.solver, "options": several}
        cells.append(Cell("zoba_bench.verification.tasks:count", parameters, seed))
        for chosen in several:
            counts = _predicted(claim.solver, problem, chosen)
            if claim.parameters.get("omit_centre"):
                counts["inner"] -= _ITERATIONS * chosen.get("b1", 1)
            counts.pop(claim.parameters.get("left_out", ""), None)
            predicted.append({column: n for column, n in counts.items() if n})
    return Plan(tuple(cells), {"predicted": predicted})


def _settings(parameters: Mapping[str, Any]) -> Iterable[tuple[Mapping[str, Any], list[Mapping[str, Any]]]]:
    """Each problem with its sets of options."""
    for setting in parameters.get("settings", ()):
        yield setting["problem"], setting["options"]
    for spec in parameters.get("problems", ()):
        yield spec, parameters["stochastic_options" if build_problem(spec).stochastic else "options"]


def _predicted(solver: str, problem: BilevelProblem, options: Mapping[str, Any]) -> dict[str, int]:
    """Queries by column: of a registered count, or else of the values that a theorem counts."""
    name = CONTROLS[solver].mutates if solver.startswith("control:") else solver
    if name in names("counts"):
        return dict(entry("counts", name)(name, problem, options, _ITERATIONS))
    theorem, chosen = reference_theorem(name), {"b1": 1, "b2": 1, **options}
    values = {theorem.symbols[each]: chosen[each] for each in ("l1", "l2", "b1", "b2")}
    return {
        column: _ITERATIONS * int(count.subs(values)) for column, count in theorem.evaluations_per_iteration.items()
    }


def judge(claim: Claim, plan: Plan, results: Mapping[str, Mapping[str, Any]], level: float) -> Measurement:
    """Totals over all settings; one setting that differs in any column is a difference of the whole."""
    counted = [row for cell in plan.cells for row in results[cell.key]["counts"]]
    predicted = plan.context["predicted"]
    wrong = [
        (column, row.get(column, [0]), expected.get(column, 0))
        for expected, row in zip(predicted, counted, strict=True)
        for column in sorted({*expected, *row})
        if any(n != expected.get(column, 0) for n in row.get(column, [0]))
    ]
    total = sum(counts[0] for row in counted for counts in row.values())
    columns = sorted({column for row in counted for column in row}, key=COUNTED.index)
    # The number of differences, not the totals, decides: errors must not cancel.
    difference = float(len(wrong))
    note = f"{len(counted)} settings, {total} queries counted: {', '.join(columns)}"
    if wrong:
        column, got, expected = wrong[0]
        note += f"; first difference: {column} counted {got}, derived {expected}"
    return Measurement(0.0, difference, Limits(difference, difference), note)
