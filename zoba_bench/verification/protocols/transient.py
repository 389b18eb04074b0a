"""P4b: the mean of |grad Psi|^2 over a horizon K from a far start at one constant step, against the derived mean of
each of these runs (slope and level).

The derived mean is that of the very run, to second order in the noise: mean and covariance are carried from the start,
so that the noise on the way, the floor and the bend of the drift are in it. Without noise it is the transient of the
mean iteration; in the limit of small steps and c its sum of gamma |grad Psi(x_k)|^2 is Psi(x_0) - Psi*, so that the
mean falls with slope -1; at these horizons the slope is that of the derived values. The window keeps small what the
noise changes: it is a claim about the transient.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoba_bench.verification.claim import Claim, Measurement
from zoba_bench.verification.parameters import (
    COUNT,
    COUNTS,
    NUMBER,
    OPTIONS,
    POSITIVE,
    PROBLEM,
    SEQUENTIAL,
    Parameters,
    one_of,
)
from zoba_bench.verification.protocols.shared.closures import closure_transient
from zoba_bench.verification.protocols.shared.lines import QUANTITIES, line_measurement, log_means
from zoba_bench.verification.protocols.shared.named import build_problem, steps
from zoba_bench.verification.protocols.shared.plan import Plan, trajectory_cells

__all__ = ["PARAMETERS", "TITLE", "judge", "plan"]

TITLE = "transient"
TOLERANCE = "Declared in the claim, in slope and level."
LEAVES_OPEN = "Other starts and steps, and problems that are not quadratic."

PARAMETERS = Parameters(
    {
        "problem": PROBLEM, "options": OPTIONS, "l": COUNT, "c": POSITIVE, "gamma": POSITIVE, "horizons": COUNTS,
        "replicates": COUNT, "quantity": one_of(*QUANTITIES),
    },
    {**SEQUENTIAL, "slope": NUMBER, "factor": POSITIVE},
)  # fmt: skip


def plan(claim: Claim, seed: int) -> Plan:
    """``parameters``: "problem", "options", "l", "c", "gamma", "horizons", "replicates", "quantity";
    for a control "slope" (the claimed one, in place of that of the derived values) or "factor".
    """
    chosen = claim.parameters
    problem = build_problem(chosen["problem"])
    l = chosen["l"]
    options = {**chosen["options"], **steps(chosen["gamma"], chosen["c"]), "l1": l, "l2": l}
    derived = closure_transient(chosen["problem"], claim.solver, options, chosen["horizons"])
    lines = []
    # Every horizon has runs of its own: nested horizons of one run would not be independent.
    for horizon in chosen["horizons"]:
        common = {
            "problem": chosen["problem"], "solver": claim.solver, "options": options, "start": "family",
            "iterations": horizon,
        }  # fmt: skip
        work = horizon * l * (problem.p + problem.d)
        lines.append(trajectory_cells(common, chosen["replicates"], work, seed, chosen.get("look", 0)))
    return Plan.of_lines(
        lines,
        predicted=[mean.value * chosen.get("factor", 1.0) for mean in derived],
        remainders=[mean.remainder for mean in derived],
        noise_share=max(mean.noise for mean in derived),
    )


def judge(claim: Claim, plan: Plan, results: Mapping[str, Mapping[str, Any]], level: float) -> Measurement:
    """Slope in K, or the ratio to the derived values, where noise changes at most a tenth of the transient."""
    share = plan.context["noise_share"]
    measurement = line_measurement(
        claim.parameters["quantity"],
        claim.parameters["horizons"],
        [log_means(rows) for rows in plan.rows(results)],
        plan.context["predicted"],
        level,
        slope=claim.parameters.get("slope"),
        xlabel="K",
        ylabel="mean of |grad Psi|^2",
        note=f"noise changes at most {share:.1%} of the transient; the limit of the slope is -1",
        remainders=plan.context["remainders"],
        tolerance=claim.tolerance,
    )
    if share > 0.1:
        obstacle = f"noise changes {share:.0%} of the derived transient, more than 10 %: use more directions"
        return Measurement(measurement.predicted, measurement.measured, measurement.limits, obstacle=obstacle)
    return measurement
