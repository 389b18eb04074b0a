"""P6b: the noise floor of the whole algorithm over p = d or over d, against the derived mean of each of
these runs (level and slope).

From the exact solution, with l = A gamma / target directions and K = 4 / gamma iterations, the mean of |grad Psi|^2
must be the derived value of that very run, to second order in the noise, at every size. l / gamma times that value
tends to the noise constant A(p, d) of the linear law as gamma / l falls.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from zoba_bench.contracts import HasNoise
from zoba_bench.statistics import Estimate
from zoba_bench.verification.claim import Claim, Measurement
from zoba_bench.verification.parameters import (
    COUNTS,
    OPTIONS,
    POSITIVE,
    POWER,
    SEQUENTIAL,
    SIZED_PROBLEMS,
    Parameters,
    one_of,
)
from zoba_bench.verification.protocols.shared.closures import closure_mean
from zoba_bench.verification.protocols.shared.lines import QUANTITIES, axis_label, line_measurement, log_means
from zoba_bench.verification.protocols.shared.named import (
    blocks_at_minimizer,
    build_problem,
    noise_options,
    published_order,
    steps,
    theorem_with,
)
from zoba_bench.verification.protocols.shared.plan import Plan, trajectory_cells

__all__ = ["PARAMETERS", "SUMMARY", "TITLE", "judge", "plan"]

TITLE = "noise floor across dimensions"
TOLERANCE = (
    "Declared in the claim. What the prediction leaves out has a derived size, which stands with the claim and may "
    "take at most half of it; the rest is for the data."
)
LEAVES_OPEN = "The limit of large p and d, and problems that are not quadratic."
#: What the summary figure shows of this protocol: its lines along p = d.
SUMMARY = {"along": "p=d", "title": "Noise floor of the whole algorithm"}

PARAMETERS = Parameters(
    {
        "problems": SIZED_PROBLEMS, "along": one_of("p=d", "d"), "options": OPTIONS, "c": POSITIVE, "gamma": POSITIVE,
        "target": POSITIVE, "replicates": COUNTS, "quantity": one_of(*QUANTITIES),
    },
    {**SEQUENTIAL, "missing_power": POWER, "factor": POSITIVE, "against": one_of("published")},
)  # fmt: skip


def plan(claim: Claim, seed: int) -> Plan:
    """``parameters``: "problems" (specs along one line), "along", "options", "c", "gamma", "target",
    "replicates" (one a problem), "quantity"; for a control "missing_power" or "factor". "against": "published"
    compares the growth with the order published for ZOBA in place of the derived value.
    """
    chosen = claim.parameters
    theorem = theorem_with(claim.solver, HasNoise)
    gamma, c = chosen["gamma"], chosen["c"]
    iterations = round(4 / gamma)
    lines, predicted, scales, sizes, remainders = [], [], [], [], []
    for spec, replicates in zip(chosen["problems"], chosen["replicates"], strict=True):
        problem = build_problem(spec)
        blocks = blocks_at_minimizer(theorem, problem)
        noise = theorem.linear_noise(blocks, gamma=gamma, c=c, l=1, **noise_options(chosen["options"]))
        l = max(1, math.ceil(noise * gamma / chosen["target"]))
        common = {
            "problem": spec, "solver": claim.solver, "start": "solution", "iterations": iterations,
            "options": {**chosen["options"], **steps(gamma, c), "l1": l, "l2": l},
        }  # fmt: skip
        work = iterations * l * (problem.p + problem.d)
        lines.append(trajectory_cells(common, replicates, work, seed, chosen.get("look", 0)))
        sizes.append(spec["d"])
        scales.append(l / gamma)
        if chosen.get("against") == "published":
            # Evaluations to eps are proportional to the noise constant, which is what the floor measures.
            claimed = published_order(problem.p, problem.d)
        else:
            derived = closure_mean(spec, claim.solver, common["options"], iterations)
            claimed = derived.value * l / gamma
            remainders.append(derived.remainder)
        predicted.append(claimed / spec["d"] ** chosen.get("missing_power", 0) * chosen.get("factor", 1.0))
    return Plan.of_lines(lines, predicted=predicted, scales=scales, sizes=sizes, remainders=remainders)


def judge(claim: Claim, plan: Plan, results: Mapping[str, Mapping[str, Any]], level: float) -> Measurement:
    """l/gamma times the mean, against its derived value."""
    estimates = []
    for rows, scale in zip(plan.rows(results), plan.context["scales"], strict=True):
        estimate = log_means(rows)
        estimates.append(Estimate(estimate.value + math.log(scale), estimate.error, estimate.dof))
    return line_measurement(
        claim.parameters["quantity"],
        plan.context["sizes"],
        estimates,
        plan.context["predicted"],
        level,
        xlabel=axis_label(claim.parameters),
        ylabel="l / gamma x mean of |grad Psi|^2",
        remainders=plan.context["remainders"],
        tolerance=claim.tolerance,
    )
