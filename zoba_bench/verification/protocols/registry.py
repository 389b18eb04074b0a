"""P6d: the noise floor of a registered problem, along the number of directions or along the radii, against the derived
mean of each of these runs (level and slope).

From the exact solution the mean of |grad Psi|^2 is that of the noise. Where v* is not zero there, the noise is that of
the directions, and the floor falls as 1/l: its mean is derived by the closure of the very run. The linear law A gamma/l
stands beside it. It holds where the noise that grows with the distance from the solution is small; the closure says by
how much, and where its value is beyond 1.25 times that of the linear law the verdict is "inconclusive: not local".

Where v* is zero the noise of the directions vanishes at the solution, and what stays is the noise of finite radii, with
a floor that grows as gamma h^2 / l: its mean is that of the derived second moments. The bias of the radii, which falls
faster with h, is bounded; the bound is what the prediction leaves out.

Each point has random numbers of its own, as its cell has: points that share them would not be independent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoba_bench.verification.claim import Claim, Measurement
from zoba_bench.verification.parameters import (
    COUNT,
    COUNTS,
    OPTIONS,
    POSITIVE,
    POSITIVES,
    PROBLEM,
    SEQUENTIAL,
    Parameters,
    one_of,
    solver_options,
)
from zoba_bench.verification.protocols.shared.closures import closure_mean, moments_mean
from zoba_bench.verification.protocols.shared.lines import QUANTITIES, line_measurement, log_means
from zoba_bench.verification.protocols.shared.named import build_problem, steps
from zoba_bench.verification.protocols.shared.plan import Plan, trajectory_cells

__all__ = ["PARAMETERS", "TITLE", "judge", "plan"]

TITLE = "noise floors on registered problems"
TOLERANCE = (
    "Declared in the claim. What the prediction leaves out has a derived size, which stands with the claim and may "
    "take at most half of it; the rest is for the data."
)
LEAVES_OPEN = (
    "Noise far from the solution, and problems without a single minimiser, with kinks, or with a singular Hessian "
    "of Psi."
)

#: Closure over linear law beyond which the noise is not that of the solution alone.
_LOCAL = 1.25

#: The radii that are set together along h.
_RADII = ("h", "h_bar")

PARAMETERS = Parameters(
    {
        "problem": PROBLEM, "options": OPTIONS, "c": POSITIVE, "gamma": POSITIVE, "iterations": COUNT,
        "along": one_of("l", "h"), "directions": COUNTS, "replicates": COUNTS, "quantity": one_of(*QUANTITIES),
    },
    {**SEQUENTIAL, "radii": POSITIVES, "missing_power": POSITIVE, "factor": POSITIVE},
)  # fmt: skip


def plan(claim: Claim, seed: int) -> Plan:
    """``parameters``: "problem", "options", "c", "gamma", "iterations", "along" ("l" or "h"), "directions" (one a
    point along l, else a single one), "radii" (one a point along h), "replicates" (one a point), "quantity"; for a
    control "missing_power" (of l, or of 1/h) or "factor".

    Raises
    ------
    DerivationError
        If nothing is derived for such a run.
    ValueError
        If the problem lacks a minimiser or a derivative, or the numbers of points differ.
    """
    chosen = claim.parameters
    problem = build_problem(chosen["problem"])
    gamma, c, iterations, along = chosen["gamma"], chosen["c"], chosen["iterations"], chosen["along"]
    sizes = chosen["directions"] if along == "l" else chosen.get("radii", [])
    if along == "h" and len(chosen["directions"]) != 1:
        raise ValueError(f"directions must be one number along h, got {chosen['directions']!r}")
    if len(sizes) != len(chosen["replicates"]) or len(sizes) < 2:
        raise ValueError(f"a line needs two points or more and replicates for each, got {len(sizes)} along {along}")
    lines, predicted, remainders, local = [], [], [], [1.0]
    for size, replicates in zip(sizes, chosen["replicates"], strict=True):
        l = size if along == "l" else chosen["directions"][0]
        radii = {} if along == "l" else {name: size for name in _RADII if name in solver_options(claim.solver)}
        options = {**chosen["options"], **radii, **steps(gamma, c), "l1": l, "l2": l}
        common = {
            "problem": chosen["problem"], "solver": claim.solver, "options": options, "start": "solution",
            "iterations": iterations,
        }  # fmt: skip
        work = iterations * l * (problem.p + problem.d)
        lines.append(trajectory_cells(common, replicates, work, seed, chosen.get("look", 0)))
        if along == "l":
            derived = closure_mean(chosen["problem"], claim.solver, options, iterations)
            value = derived.value
            remainders.append(derived.remainder)
            local.append(derived.value / derived.linear)
        else:
            value, left_out = moments_mean(chosen["problem"], claim.solver, options, iterations)
            remainders.append(left_out)
        wrong = chosen.get("factor", 1.0) * size ** chosen.get("missing_power", 0)
        predicted.append(value * wrong)
    return Plan.of_lines(lines, predicted=predicted, remainders=remainders, sizes=list(sizes), local=local)


def judge(claim: Claim, plan: Plan, results: Mapping[str, Mapping[str, Any]], level: float) -> Measurement:
    """Slope along the line, or the ratio to the derived means."""
    ratio = max(plan.context["local"], key=lambda r: abs(r - 1))
    along = claim.parameters["along"]
    measurement = line_measurement(
        claim.parameters["quantity"],
        plan.context["sizes"],
        [log_means(rows) for rows in plan.rows(results)],
        plan.context["predicted"],
        level,
        xlabel=along,
        ylabel="mean of |grad Psi|^2",
        note=f"derived over linear law: {ratio:.3f}" if along == "l" else "second moments of the run",
        remainders=plan.context["remainders"],
        tolerance=claim.tolerance,
    )
    if not 1 / _LOCAL <= ratio <= _LOCAL:
        obstacle = (
            f"not local: the derived mean is {ratio:.3g} times that of the linear law, beyond {_LOCAL:g}: use more "
            "directions or smaller steps"
        )
        return Measurement(measurement.predicted, measurement.measured, measurement.limits, obstacle=obstacle)
    return measurement
