"""P6: evaluations until the running mean of |grad Psi|^2 is at most eps, along a line of eps or of dimensions, against
4 A T e / eps^2 (level and slope) with the derived noise constant A, the transient T and e evaluations a direction.

With directions l = f 2 A gamma / eps the floor is eps / (2 f), and the running mean of
|grad Psi|^2 falls below eps after K iterations; the least K l over the factors f is the
measured cost. Derived, at f = 1: N = 4 A T e / eps^2 with e evaluations a direction and T the
transient sum; without a floor, at fixed l, N = e l T / (gamma eps).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from zoba_bench.statistics import Estimate, Limits, mean_limits
from zoba_bench.sweep import Cell
from zoba_bench.verification.claim import Claim, Measurement
from zoba_bench.verification.parameters import (
    COUNT,
    OPTIONS,
    POSITIVE,
    POSITIVES,
    POWER,
    SIZED_PROBLEM,
    Parameters,
    one_of,
    tables,
)
from zoba_bench.verification.protocols.shared.lines import JOINT, QUANTITIES, line_measurement, plane_measurement
from zoba_bench.verification.protocols.shared.mean_iteration import transient_sum
from zoba_bench.verification.protocols.shared.named import (
    build_problem,
    noise_options,
    published_order,
    reference_theorem,
    steps,
)
from zoba_bench.verification.protocols.shared.plan import Plan

__all__ = ["PARAMETERS", "TITLE", "judge", "plan"]

TITLE = "evaluations to accuracy eps"

_CAP = 2.0  # iterations allowed, in units of the derived number

PARAMETERS = Parameters(
    {
        "points": tables(Parameters({"problem": SIZED_PROBLEM, "eps": POSITIVE})),
        "along": one_of("1/eps", "p=d", "p", "d", "joint"),
        "options": OPTIONS, "c": POSITIVE, "gamma": POSITIVE, "replicates": COUNT, "groups": COUNT,
        "quantity": one_of(*QUANTITIES, *JOINT),
    },
    {"l": COUNT, "factors": POSITIVES, "missing_power": POWER, "factor": POSITIVE, "against": one_of("published")},
    either=(("l",), ("factors",)),
)  # fmt: skip


def plan(claim: Claim, seed: int) -> Plan:
    """``parameters``: "points" (a list of {"problem", "eps"}), "along" ("1/eps", "p=d", "p" or "d"),
    "options", "c", "gamma", "factors", "replicates", "groups" (that divide them), "quantity"; "l" (fixed
    directions) where there is no floor; for a control "missing_power" or "factor". With "along": "joint" the
    quantity is an exponent of a fit in p, d and 1/eps at once, and a missing power is one of each. "against":
    "published" compares the growth with the order published for ZOBA in place of the derived number.
    """
    chosen = claim.parameters
    theorem = reference_theorem(claim.solver)
    gamma, c = chosen["gamma"], chosen["c"]
    per_direction = _evaluations_per_direction(theorem)
    cells, points, predicted, sizes, joint = [], [], [], [], []
    for at in chosen["points"]:
        problem, eps = build_problem(at["problem"]), at["eps"]
        transient = float(transient_sum(problem, gamma, c, round(100 / gamma))[-1])
        if "l" in chosen:
            settings = [(chosen["l"], transient / (gamma * eps))]
            derived = per_direction * chosen["l"] * transient / (gamma * eps)
        else:
            blocks = theorem.Blocks.at(problem, problem.minimizer)
            noise = theorem.linear_noise(blocks, gamma=gamma, c=c, l=1, **noise_options(chosen["options"]))
            settings = [
                (math.ceil(f * 2 * noise * gamma / eps), transient / (gamma * eps * (1 - 0.5 / f)))
                for f in chosen["factors"]
            ]
            derived = 4 * noise * transient * per_direction / eps**2
        lines = [
            Cell(
                "zoba_bench.verification.tasks:crossing",
                {"problem": at["problem"], "solver": claim.solver, "start": "family", "eps": eps,
                 "options": {**chosen["options"], **steps(gamma, c), "l1": l, "l2": l},
                 "max_iterations": math.ceil(_CAP * iterations), "replicates": chosen["replicates"],
                 "groups": chosen["groups"]}, seed,
            )
            for l, iterations in settings
        ]  # fmt: skip
        cells += lines
        points.append([cell.key for cell in lines])
        if chosen.get("against") == "published":
            derived = published_order(problem.p, problem.d, eps)
        size = 1 / eps if chosen["along"] == "1/eps" else at["problem"]["p" if chosen["along"] == "p" else "d"]
        sizes.append(size)
        if chosen["along"] == "joint":
            size = problem.p * problem.d / eps
        predicted.append(derived / size ** chosen.get("missing_power", 0) * chosen.get("factor", 1.0))
        joint.append((problem.p, problem.d, 1 / eps))
    slope = float(np.polyfit(np.log(sizes), np.log(predicted), 1)[0])
    return Plan(
        tuple(cells), {"points": points, "sizes": sizes, "predicted": predicted, "slope": slope, "joint": joint}
    )


def judge(claim: Claim, plan: Plan, results: Mapping[str, Mapping[str, Any]], level: float) -> Measurement:
    """Log of the least evaluations to eps, against its derived value."""
    estimates = []
    for keys in plan.context["points"]:
        costs = [_log_cost(results[key]) for key in keys]
        reached = [cost for cost in costs if cost is not None]
        if not reached:
            obstacle = "no number of directions reached eps within the iteration cap"
            return Measurement(math.nan, math.nan, Limits(math.nan, math.nan), obstacle=obstacle)
        estimates.append(min(reached, key=lambda e: e.value))
    note = f"{claim.parameters['groups']} groups in {claim.parameters['replicates']} replicates"
    if claim.parameters["along"] == "joint":
        return plane_measurement(
            claim.parameters["quantity"], plan.context["joint"], estimates, plan.context["predicted"], level, note
        )
    return line_measurement(
        claim.parameters["quantity"],
        plan.context["sizes"],
        estimates,
        plan.context["predicted"],
        level,
        slope=plan.context["slope"],
        xlabel=claim.parameters["along"],
        ylabel="evaluations to eps",
        note=note,
    )


def _log_cost(row: Mapping[str, Any]) -> Estimate | None:
    """Mean over groups of the log of evaluations a replicate; None if a group met the cap or diverged."""
    if row["failed"] or None in row["crossings"]:
        return None
    return mean_limits([math.log(k * row["evaluations_per_iteration"]) for k in row["crossings"]])


def _evaluations_per_direction(theorem: Any) -> float:
    """Evaluations of both levels that grow with l = l1 = l2, a direction and sample."""
    symbols = theorem.symbols
    total = sum(theorem.evaluations_per_iteration.values()).subs({symbols["b1"]: 1, symbols["b2"]: 1})
    return float(total.diff(symbols["l1"]) + total.diff(symbols["l2"]))
