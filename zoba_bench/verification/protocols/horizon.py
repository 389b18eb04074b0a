"""P4a: the mean of |grad Psi|^2 over a horizon K with gamma = gamma_0 / sqrt(K), started at the solution, against slope
-1/2 and the derived finite-horizon level.

Starting at the exact (z*, v*, x*) leaves only the noise, so the slope -1/2 in K is
evidence of it; the level must be the derived one too, since other slopes of -1/2 exist.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from zoba_bench.verification.claim import Claim, Measurement
from zoba_bench.verification.parameters import (
    COUNT,
    COUNTS,
    NAME,
    OPTIONS,
    POSITIVE,
    PROBLEM,
    SEQUENTIAL,
    Parameters,
    one_of,
    table,
)
from zoba_bench.verification.protocols.shared.lines import QUANTITIES, line_measurement, log_means
from zoba_bench.verification.protocols.shared.named import build_problem, noise_options, reference_theorem, steps
from zoba_bench.verification.protocols.shared.plan import Plan, trajectory_cells

__all__ = ["PARAMETERS", "TITLE", "judge", "plan"]

TITLE = "noise over a horizon"

PARAMETERS = Parameters(
    {
        "problem": PROBLEM, "options": OPTIONS, "l": COUNT, "c": POSITIVE, "gamma_0": POSITIVE, "horizons": COUNTS,
        "replicates": COUNT, "quantity": one_of(*QUANTITIES),
    },
    {**SEQUENTIAL, "predict_as": table(Parameters({"solver": NAME, "options": OPTIONS}))},
)  # fmt: skip


def plan(claim: Claim, seed: int) -> Plan:
    """``parameters``: "problem", "options", "l", "c", "gamma_0", "horizons", "replicates", "quantity".

    ``predict_as``, for a control, names the solver and options whose noise is claimed.
    """
    chosen = claim.parameters
    claimed = chosen.get("predict_as", {"solver": claim.solver, "options": chosen["options"]})
    theorem = reference_theorem(claimed["solver"])
    problem = build_problem(chosen["problem"])
    blocks = theorem.Blocks.at(problem, problem.minimizer)
    lines, predicted = [], []
    for horizon in chosen["horizons"]:
        gamma = chosen["gamma_0"] / math.sqrt(horizon)
        options = {**chosen["options"], **steps(gamma, chosen["c"]), "l1": chosen["l"], "l2": chosen["l"]}
        common = {
            "problem": chosen["problem"], "solver": claim.solver, "options": options, "start": "solution",
            "iterations": horizon,
        }  # fmt: skip
        work = horizon * chosen["l"] * (problem.p + problem.d)
        lines.append(trajectory_cells(common, chosen["replicates"], work, seed, chosen.get("look", 0)))
        predicted.append(
            theorem.horizon_mean(
                blocks,
                gamma=gamma,
                c=chosen["c"],
                l=chosen["l"],
                K=horizon,
                **noise_options(claimed["options"]),
            )
        )
    return Plan.of_lines(lines, predicted=predicted)


def judge(claim: Claim, plan: Plan, results: Mapping[str, Mapping[str, Any]], level: float) -> Measurement:
    """Slope -1/2 in K, or the ratio to the derived mean."""
    return line_measurement(
        claim.parameters["quantity"],
        claim.parameters["horizons"],
        [log_means(rows) for rows in plan.rows(results)],
        plan.context["predicted"],
        level,
        slope=-0.5,
        xlabel="K",
        ylabel="mean of |grad Psi|^2",
        note=f"{claim.parameters['replicates']} replicates",
    )
