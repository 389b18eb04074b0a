"""P2b: E|x1 - x*|^2 of one step from the exact solution, over p = d or over d, against the trace of the derived
covariance at these sizes (level and slope).

At the solution the mean step vanishes, so E|x1 - x*|^2 / gamma^2 is the trace of the
derived covariance of D_x. Its slope in p or d is that of the exact expression at these sizes; the degree of the
expression, to which the slope tends, is the order of the estimator and stands beside it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from zoba_bench.contracts import HasNoise, Theorem
from zoba_bench.sweep import Cell
from zoba_bench.verification.claim import Claim, Measurement
from zoba_bench.verification.parameters import COUNT, OPTIONS, POSITIVE, POWER, SIZED_PROBLEMS, Parameters, one_of
from zoba_bench.verification.protocols.shared.lines import QUANTITIES, axis_label, line_measurement, log_means
from zoba_bench.verification.protocols.shared.named import (
    blocks_at_minimizer,
    build_problem,
    noise_options,
    published_order,
    reference_theorem,
    theorem_with,
)
from zoba_bench.verification.protocols.shared.plan import Plan

__all__ = ["PARAMETERS", "SUMMARY", "TITLE", "judge", "limit_exponent", "plan"]

TITLE = "one-step law"
TOLERANCE = "Declared in the claim, and all of it for the data: the predicted values are exact at these sizes."
LEAVES_OPEN = (
    "The limit of large p and d. A slope is that of the derived values at the sizes that ran; the family is quadratic."
)
#: What the summary figure shows of this protocol: its lines along d.
SUMMARY = {"along": "d", "title": "Variance of one step from the solution"}

PARAMETERS = Parameters(
    {
        "problems": SIZED_PROBLEMS, "along": one_of("p=d", "d"), "options": OPTIONS, "replicates": COUNT,
        "blocks": COUNT, "quantity": one_of(*QUANTITIES),
    },
    {"missing_power": POWER, "factor": POSITIVE, "against": one_of("published")},
)  # fmt: skip


def plan(claim: Claim, seed: int) -> Plan:
    """``parameters``: "problems" (specs along one line), "along" ("p=d" or "d"), "options",
    "replicates", "blocks", "quantity" ("residual", "slope" or "ratio"); for a control "missing_power" or "factor".
    "against": "published" compares the growth with the order published for ZOBA in place of the derived moment.
    """
    chosen = claim.parameters
    theorem = reference_theorem(claim.solver)
    missing = chosen.get("missing_power", 0)
    cells, predicted, sizes = [], [], []
    for spec in chosen["problems"]:
        options = {**chosen["options"], "l1": 1, "l2": 1, "gamma": 1.0}
        # The block mean costs 16 bytes a coordinate and replicate: keep blocks small at large sizes.
        replicates = min(chosen["replicates"], max(200, 200_000 // (spec["p"] + spec["d"])))
        blocks = -(-chosen["replicates"] * chosen["blocks"] // replicates)
        cells.append(
            Cell(
                "zoba_bench.verification.tasks:one_step",
                {"problem": spec, "solver": claim.solver, "options": options, "replicates": replicates,
                 "blocks": blocks}, seed,
            )
        )  # fmt: skip
        sizes.append(spec["d"])
        if chosen.get("against") == "published":
            value = published_order(spec["p"], spec["d"])
        else:
            value = _moment(claim.solver, json.dumps(spec), json.dumps(noise_options(options)))
        predicted.append(value / spec["d"] ** missing * chosen.get("factor", 1.0))
    exponent = limit_exponent(theorem, chosen["along"])
    return Plan(tuple(cells), {"predicted": predicted, "sizes": sizes, "exponent": exponent})


@cache
def _moment(solver: str, spec: str, options: str) -> float:
    """The derived E|x1 - x*|^2 / gamma^2, of a problem and options as JSON; claims on one line share it.

    The covariance of 4096 coordinates takes seconds.
    """
    theorem, problem = theorem_with(solver, HasNoise), build_problem(json.loads(spec))
    covariance = theorem.noise_covariance(blocks_at_minimizer(theorem, problem), **json.loads(options))
    return float(np.trace(covariance[2 * problem.p :, 2 * problem.p :]))


def judge(claim: Claim, plan: Plan, results: Mapping[str, Mapping[str, Any]], level: float) -> Measurement:
    """Slope of the log moment, or of its ratio to the derived value, against log size."""
    return line_measurement(
        claim.parameters["quantity"],
        plan.context["sizes"],
        [log_means([results[cell.key]]) for cell in plan.cells],
        plan.context["predicted"],
        level,
        xlabel=axis_label(claim.parameters),
        ylabel="E|x1 - x*|^2 / gamma^2",
        note=f"the derived expression has the degree {plan.context['exponent']:g}",
    )


def limit_exponent(theorem: Theorem, along: str) -> float:
    """Degree in the dimension of the derived worst-case second moment of one direction.

    Read off the sympy expression at unit bounds: with p = d growing, or with d at fixed p.
    """
    import sympy as sp

    p, d = theorem.symbols["p"], theorem.symbols["d"]
    complexity = theorem.complexity
    if complexity is None:
        raise ValueError(f"theorem {theorem.name!r} derives no complexity, of which this is the exponent")
    moment = complexity.per_direction
    moment = moment.subs(dict.fromkeys(moment.free_symbols - {p, d}, 1))
    n = sp.Symbol("n", positive=True)
    moment = moment.subs({p: n, d: n}) if along == "p=d" else moment.subs({d: n, p: 2})
    return float(sp.degree(sp.expand(moment), n))
