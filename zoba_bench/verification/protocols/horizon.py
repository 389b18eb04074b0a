"""P4a: the mean of |grad Psi|^2 over a horizon K with gamma = gamma_0 / sqrt(K), started at the solution, against the
derived mean of each of these runs (slope and level).

Starting at the exact (z*, v*, x*) leaves only the noise. Its mean is derived for the very run, to second order in the
noise. In the limit of many iterations it falls with slope -1/2; at these horizons the derived values fall a little
faster, and their slope is what is claimed. The level must be the derived one too, since other slopes of -1/2 exist.
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
    NUMBER,
    OPTIONS,
    POSITIVE,
    PROBLEM,
    SEQUENTIAL,
    Parameters,
    one_of,
    table,
)
from zoba_bench.verification.protocols.shared.closures import closure_mean
from zoba_bench.verification.protocols.shared.lines import QUANTITIES, line_measurement, log_means
from zoba_bench.verification.protocols.shared.named import build_problem, steps
from zoba_bench.verification.protocols.shared.plan import Plan, trajectory_cells

__all__ = ["PARAMETERS", "TITLE", "judge", "plan"]

TITLE = "noise over a horizon"
TOLERANCE = (
    "Declared in the claim. What the prediction leaves out has a derived size, which stands with the claim and may "
    "take at most half of it; the rest is for the data."
)
LEAVES_OPEN = "Other steps and longer horizons, and problems that are not quadratic."

PARAMETERS = Parameters(
    {
        "problem": PROBLEM, "options": OPTIONS, "l": COUNT, "c": POSITIVE, "gamma_0": POSITIVE, "horizons": COUNTS,
        "replicates": COUNT, "quantity": one_of(*QUANTITIES),
    },
    {
        **SEQUENTIAL, "predict_as": table(Parameters({"solver": NAME, "options": OPTIONS})), "slope": NUMBER,
        "factor": POSITIVE,
    },
)  # fmt: skip


def plan(claim: Claim, seed: int) -> Plan:
    """``parameters``: "problem", "options", "l", "c", "gamma_0", "horizons", "replicates", "quantity".

    For a control ``predict_as`` names the solver and options whose noise is claimed, "slope" is claimed in place of
    that of the derived values, and "factor" times the derived values are claimed.
    """
    chosen = claim.parameters
    claimed = chosen.get("predict_as", {"solver": claim.solver, "options": chosen["options"]})
    problem = build_problem(chosen["problem"])
    lines, predicted, remainders = [], [], []
    for horizon in chosen["horizons"]:
        gamma = chosen["gamma_0"] / math.sqrt(horizon)
        options = {**chosen["options"], **steps(gamma, chosen["c"]), "l1": chosen["l"], "l2": chosen["l"]}
        common = {
            "problem": chosen["problem"], "solver": claim.solver, "options": options, "start": "solution",
            "iterations": horizon,
        }  # fmt: skip
        work = horizon * chosen["l"] * (problem.p + problem.d)
        lines.append(trajectory_cells(common, chosen["replicates"], work, seed, chosen.get("look", 0)))
        run = {**options, **claimed["options"]}
        derived = closure_mean(chosen["problem"], claimed["solver"], run, horizon)
        predicted.append(derived.value * chosen.get("factor", 1.0))
        remainders.append(derived.remainder)
    return Plan.of_lines(lines, predicted=predicted, remainders=remainders)


def judge(claim: Claim, plan: Plan, results: Mapping[str, Mapping[str, Any]], level: float) -> Measurement:
    """Slope in K, or the ratio to the derived means."""
    return line_measurement(
        claim.parameters["quantity"],
        claim.parameters["horizons"],
        [log_means(rows) for rows in plan.rows(results)],
        plan.context["predicted"],
        level,
        slope=claim.parameters.get("slope"),
        xlabel="K",
        ylabel="mean of |grad Psi|^2",
        note=f"{claim.parameters['replicates']} replicates; the limit of the slope for many iterations is -1/2",
        remainders=plan.context["remainders"],
        tolerance=claim.tolerance,
    )
