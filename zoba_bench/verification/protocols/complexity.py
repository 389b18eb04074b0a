"""P6: evaluations until the running mean of |grad Psi|^2 is at most eps, along a line of eps or of dimensions, against
the derived number of the run as it is made (level and slope).

With l = ceil(f 2 A gamma / eps) directions, A being the derived noise constant, the floor is eps / (2 f), and the
running mean of |grad Psi|^2 falls below eps after K iterations. K is derived for these very runs, to second order in
the noise, and the evaluations of an iteration are those of the solver, centre values included. In the limit of small
eps the number is e f^2 4 A T / ((2 f - 1) eps^2), with the transient sum T and e evaluations a direction; at a fixed l,
without a floor, it is e l T / (gamma eps).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from zoba_bench.contracts import HasNoise
from zoba_bench.statistics import Estimate, Limits, mean_limits
from zoba_bench.sweep import Cell
from zoba_bench.verification.claim import Claim, Measurement
from zoba_bench.verification.parameters import (
    COUNT,
    OPTIONS,
    POSITIVE,
    POWER,
    SIZED_PROBLEM,
    Parameters,
    one_of,
    tables,
)
from zoba_bench.verification.protocols.shared.closures import closure_crossing
from zoba_bench.verification.protocols.shared.lines import JOINT, QUANTITIES, line_measurement, plane_measurement
from zoba_bench.verification.protocols.shared.mean_iteration import transient_sum
from zoba_bench.verification.protocols.shared.named import (
    blocks_at_minimizer,
    build_problem,
    noise_options,
    published_order,
    steps,
    theorem_with,
)
from zoba_bench.verification.protocols.shared.plan import Plan

__all__ = ["PARAMETERS", "TITLE", "judge", "plan"]

TITLE = "evaluations to accuracy eps"
TOLERANCE = (
    "Declared in the claim. What the prediction leaves out has a derived size, which stands with the claim and may "
    "take at most half of it; the rest is for the data."
)
LEAVES_OPEN = (
    "The limit of small eps, and p much larger than d, where so few directions keep no run stable. A slope is that "
    "of the derived numbers at the accuracies that ran."
)

_CAP = 2.0  # iterations allowed, in units of the derived number
_TRIED = 3.0  # iterations that the derivation may try, in units of the linear law's number

PARAMETERS = Parameters(
    {
        "points": tables(Parameters({"problem": SIZED_PROBLEM, "eps": POSITIVE})),
        "along": one_of("1/eps", "p=d", "p", "d", "joint"),
        "options": OPTIONS, "c": POSITIVE, "gamma": POSITIVE, "replicates": COUNT, "groups": COUNT,
        "quantity": one_of(*QUANTITIES, *JOINT),
    },
    {"l": COUNT, "factor_l": POSITIVE, "missing_power": POWER, "factor": POSITIVE, "against": one_of("published")},
    either=(("l",), ("factor_l",)),
)  # fmt: skip


def plan(claim: Claim, seed: int) -> Plan:
    """``parameters``: "points" (a list of {"problem", "eps"}), "along" ("1/eps", "p=d", "p" or "d"),
    "options", "c", "gamma", "replicates", "groups" (that divide them), "quantity"; "factor_l" (f above, over 1/2) or,
    where there is no floor, "l" (fixed directions); for a control "missing_power" or "factor". With "along": "joint"
    the quantity is an exponent of a fit in p, d and 1/eps at once, and a missing power is one of each. "against":
    "published" compares the growth with the order published for ZOBA in place of the derived number.
    """
    chosen = claim.parameters
    theorem = theorem_with(claim.solver, HasNoise)
    gamma, c = chosen["gamma"], chosen["c"]
    cells, predicted, sizes, joint, remainders = [], [], [], [], []
    for at in chosen["points"]:
        problem, eps = build_problem(at["problem"]), at["eps"]
        transient = float(transient_sum(problem, gamma, c, round(100 / gamma))[-1])
        share = 0.0
        l = chosen.get("l")
        if l is None:
            blocks = blocks_at_minimizer(theorem, problem)
            noise = theorem.linear_noise(blocks, gamma=gamma, c=c, l=1, **noise_options(chosen["options"]))
            l, share = math.ceil(chosen["factor_l"] * 2 * noise * gamma / eps), 0.5 / chosen["factor_l"]
        options = {**chosen["options"], **steps(gamma, c), "l1": l, "l2": l}
        most = math.ceil(_TRIED * transient / (gamma * eps * (1 - share)))
        crossing = closure_crossing(at["problem"], claim.solver, options, eps, most)
        cells.append(
            Cell(
                "zoba_bench.verification.tasks:crossing",
                {"problem": at["problem"], "solver": claim.solver, "start": "fixed", "eps": eps, "options": options,
                 "max_iterations": math.ceil(_CAP * crossing.iterations), "replicates": chosen["replicates"],
                 "groups": chosen["groups"]}, seed,
            )
        )  # fmt: skip
        derived = float(crossing.evaluations)
        remainders.append(crossing.remainder)
        if chosen.get("against") == "published":
            derived = published_order(problem.p, problem.d, eps)
        size = 1 / eps if chosen["along"] == "1/eps" else at["problem"]["p" if chosen["along"] == "p" else "d"]
        sizes.append(size)
        if chosen["along"] == "joint":
            size = problem.p * problem.d / eps
        predicted.append(derived / size ** chosen.get("missing_power", 0) * chosen.get("factor", 1.0))
        joint.append((problem.p, problem.d, 1 / eps))
    context = {"sizes": sizes, "predicted": predicted, "joint": joint}
    if chosen.get("against") != "published":
        context["remainders"] = remainders
    return Plan(tuple(cells), context)


def judge(claim: Claim, plan: Plan, results: Mapping[str, Mapping[str, Any]], level: float) -> Measurement:
    """Log of the evaluations to eps, against its derived value."""
    costs = [_log_cost(results[cell.key]) for cell in plan.cells]
    estimates = [cost for cost in costs if cost is not None]
    if len(estimates) < len(costs):
        obstacle = f"{len(costs) - len(estimates)} of {len(costs)} points did not reach eps within the iteration cap"
        return Measurement(math.nan, math.nan, Limits(math.nan, math.nan), obstacle=obstacle)
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
        xlabel=claim.parameters["along"],
        ylabel="evaluations to eps",
        note=note,
        remainders=plan.context.get("remainders", ()),
        tolerance=claim.tolerance,
    )


def _log_cost(row: Mapping[str, Any]) -> Estimate | None:
    """Mean over groups of the log of evaluations a replicate; None if a group met the cap or diverged."""
    if row["failed"] or None in row["crossings"]:
        return None
    return mean_limits([math.log(k * row["evaluations_per_iteration"]) for k in row["crossings"]])
