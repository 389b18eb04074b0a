"""P1: evaluations per level by the oracle's counter, against the symbolic count, exactly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoba_bench.statistics import Limits
from zoba_bench.sweep import Cell
from zoba_bench.verification.claim import Claim, Measurement
from zoba_bench.verification.parameters import FLAG, OPTION_SETS, PROBLEMS, Parameters
from zoba_bench.verification.protocols.shared.named import build_problem, reference_theorem
from zoba_bench.verification.protocols.shared.plan import Plan

__all__ = ["PARAMETERS", "TITLE", "judge", "plan"]

TITLE = "evaluation counts"

_ITERATIONS = 2  # of the task

PARAMETERS = Parameters(
    {"problems": PROBLEMS, "options": OPTION_SETS, "stochastic_options": OPTION_SETS}, {"omit_centre": FLAG}
)


def plan(claim: Claim, seed: int) -> Plan:
    """One cell a problem, with several direction and batch counts.

    ``parameters``: "problems" (a list of problem specs), "options" and
    "stochastic_options" (lists of l1, l2, b1, b2), and for a control "omit_centre".
    """
    theorem = reference_theorem(claim.solver)
    cells, predicted = [], []
    for spec in claim.parameters["problems"]:
        problem = build_problem(spec)
        options = claim.parameters["stochastic_options" if problem.stochastic else "options"]
        cells.append(
            Cell(
                "zoba_bench.verification.tasks:count",
                {"problem": spec, "solver": claim.solver, "options": options}, seed,
            )
        )  # fmt: skip
        for chosen in options:
            counts = {"b1": 1, "b2": 1, **chosen}
            values = {theorem.symbols[name]: counts[name] for name in ("l1", "l2", "b1", "b2")}
            levels = [_ITERATIONS * int(theorem.evaluations_per_iteration[k].subs(values)) for k in ("inner", "outer")]
            if claim.parameters.get("omit_centre"):
                levels[0] -= _ITERATIONS * counts["b1"]
            predicted.append(levels)
    return Plan(tuple(cells), {"predicted": predicted})


def judge(claim: Claim, plan: Plan, results: Mapping[str, Mapping[str, Any]], level: float) -> Measurement:
    """Totals over all settings; one setting that differs at either level is a difference of the whole."""
    counted = [row for cell in plan.cells for row in results[cell.key]["counts"]]
    predicted = plan.context["predicted"]
    wrong = [(a, b) for a, b in zip(predicted, counted, strict=True) if a != b]
    total = float(sum(map(sum, counted)))
    # The number of differing settings, not the totals, decides: errors must not cancel.
    difference = float(len(wrong))
    note = f"{len(counted)} settings, {total:.0f} evaluations counted"
    if wrong:
        note += f"; first difference: counted {wrong[0][1]}, derived {wrong[0][0]} (inner, outer)"
    return Measurement(0.0, difference, Limits(difference, difference), note)
