"""P4b: the mean of |grad Psi|^2 over a horizon K from a far start at one constant step, against the
transient of the noise-free mean iteration plus the derived floor (slope and level).

The derived transient is that of the mean iteration, the noise-free recursion with exact
derivatives; in the limit of small steps and c its sum of gamma |grad Psi(x_k)|^2 is
Psi(x_0) - Psi*, so that the mean falls with slope -1; at these horizons the slope is that of the derived values. The
window keeps the derived noise floor small.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoba_bench.contracts import HasNoise
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
from zoba_bench.verification.protocols.shared.lines import QUANTITIES, line_measurement, log_means
from zoba_bench.verification.protocols.shared.mean_iteration import transient_sum
from zoba_bench.verification.protocols.shared.named import (
    blocks_at_minimizer,
    build_problem,
    noise_options,
    steps,
    theorem_with,
)
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
    theorem = theorem_with(claim.solver, HasNoise)
    problem = build_problem(chosen["problem"])
    blocks = blocks_at_minimizer(theorem, problem)
    gamma, c, l = chosen["gamma"], chosen["c"], chosen["l"]
    sums = transient_sum(problem, gamma, c, max(chosen["horizons"]))
    options = {**chosen["options"], **steps(gamma, c), "l1": l, "l2": l}
    lines, predicted, shares = [], [], []
    # Every horizon has runs of its own: nested horizons of one run would not be independent.
    for horizon in chosen["horizons"]:
        decay = float(sums[horizon - 1]) / (gamma * horizon)
        floor = theorem.horizon_mean(blocks, gamma=gamma, c=c, l=l, K=horizon, **noise_options(options))
        predicted.append((decay + floor) * chosen.get("factor", 1.0))
        shares.append(floor / decay)
        common = {
            "problem": chosen["problem"], "solver": claim.solver, "options": options, "start": "family",
            "iterations": horizon,
        }  # fmt: skip
        work = horizon * l * (problem.p + problem.d)
        lines.append(trajectory_cells(common, chosen["replicates"], work, seed, chosen.get("look", 0)))
    return Plan.of_lines(lines, predicted=predicted, floor_share=max(shares))


def judge(claim: Claim, plan: Plan, results: Mapping[str, Mapping[str, Any]], level: float) -> Measurement:
    """Slope in K, or the ratio to the derived values, where the derived floor is at most a tenth of the transient."""
    share = plan.context["floor_share"]
    measurement = line_measurement(
        claim.parameters["quantity"],
        claim.parameters["horizons"],
        [log_means(rows) for rows in plan.rows(results)],
        plan.context["predicted"],
        level,
        slope=claim.parameters.get("slope"),
        xlabel="K",
        ylabel="mean of |grad Psi|^2",
        note=f"derived floor at most {share:.1%} of the transient; the limit of the slope is -1",
    )
    if share > 0.1:
        obstacle = f"the derived noise floor is {share:.0%} of the transient, more than 10 %: use more directions"
        return Measurement(measurement.predicted, measurement.measured, measurement.limits, obstacle=obstacle)
    return measurement
