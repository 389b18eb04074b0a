"""P13: how stationary a run gets, and how its evaluations grow with 1/eps, p or d, against what the solver declares.

The running mean of |grad Psi(x_k)|^2 over k and over a group of replicates is compared with shares of its value at the
start. "final" is the mean over the last tenth of a run over the value at the start. "order" is the slope of the log
evaluations until the running mean is at most eps: against log 1/eps, or against log p or d at one eps. A solver that
declares nothing is measured and gets no verdict.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoba_bench.driver import run
from zoba_bench.oracle import weights
from zoba_bench.result import Status
from zoba_bench.solvers.base import StepWarning
from zoba_bench.statistics import Estimate, Limits, fit_line, mean_limits
from zoba_bench.sweep import Cell
from zoba_bench.verification.claim import Claim, Measurement
from zoba_bench.verification.parameters import COUNT, FLAG, NUMBER, OPTIONS, POSITIVES, PROBLEMS, Parameters, one_of
from zoba_bench.verification.protocols.shared.named import build_problem, build_solver
from zoba_bench.verification.protocols.shared.plan import Plan

__all__ = ["PARAMETERS", "RESTS_ON_THEOREM", "TITLE", "descents", "judge", "plan"]

TITLE = "stationarity reached"
TOLERANCE = "Declared with the solver. Where nothing is declared the number is measured and gets no verdict."
LEAVES_OPEN = "Other problems, and accuracies that no run came to."
#: What is measured is compared with a declaration, not with a theorem.
RESTS_ON_THEOREM = False
PARAMETERS = Parameters(
    {
        "problems": PROBLEMS, "options": OPTIONS, "max_iterations": COUNT, "replicates": COUNT, "groups": COUNT,
        "shares": POSITIVES, "quantity": one_of("final", "order"),
    },
    {"along": one_of("1/eps", "p", "d"), "declared": NUMBER, "stop": FLAG},
)  # fmt: skip

_TASK = "zoba_bench.verification.protocols.reached:descents"
_POINTS = 3  # of a line


def plan(claim: Claim, seed: int) -> Plan:
    """One cell a problem, whatever is read from it.

    ``parameters``: "problems" (one, or those of a line along p or d), "options", "max_iterations", "replicates" in
    "groups" of equal size, "shares" (eps over the start's |grad Psi|^2), "quantity" ("final" or "order"), "along" for
    an order, and "declared", without which nothing is predicted. With "stop" a run ends where every share is reached.
    """
    chosen = claim.parameters
    if chosen["replicates"] % chosen["groups"] or chosen["groups"] < 2:
        raise ValueError(f"{chosen['replicates']} replicates do not make {chosen['groups']} equal groups, at least two")
    common = {name: chosen[name] for name in ("options", "max_iterations", "replicates", "groups", "shares")}
    if chosen.get("stop"):
        common["stop"] = True
    return Plan(tuple(
        Cell(_TASK, {"problem": spec, "solver": claim.solver, **common}, seed) for spec in chosen["problems"]
    ))  # fmt: skip


def descents(
    rng: np.random.Generator, problem: Mapping[str, Any], solver: str, options: Mapping[str, Any], max_iterations: int,
    replicates: int, groups: int, shares: Sequence[float], stop: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Evaluations of each group until its running mean is at most each share, and what is reached at the end."""
    built = build_problem(problem)
    built.require("hypergradient")
    z0, x0 = built.initial_point(rng)

    def stationarity(x: Any) -> Any:
        gradient = built.hypergradient(x)  # type: ignore[misc]
        return np.vecdot(gradient, gradient).reshape(groups, -1).mean(axis=1)

    first = float(stationarity(np.repeat(x0[None], replicates, axis=0))[0])
    total = np.full(groups, first)
    reached = np.zeros((len(shares), groups), dtype=int)
    tail, tenth = np.zeros(groups), max(1, max_iterations // 10)

    def look(k: int, state: Any) -> bool:
        nonlocal total, tail
        now = stationarity(state.x)
        for i, share in enumerate(shares):
            reached[i, (reached[i] == 0) & (total <= share * first * (k + 1))] = k + 1
        total = total + now
        if k >= max_iterations - tenth:
            tail = tail + now / tenth
        return stop and bool(reached.all())

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StepWarning)
        result = run(
            built, build_solver(solver, options), z0=z0, x0=x0, rng=rng, replicates=replicates,
            max_iterations=max_iterations, record_every=None, callback=look,
        )  # fmt: skip
    spent = sum(weight * result.counts[name] for name, weight in weights("one", built.p, built.d).items())
    return {
        "reached": [[int(k) or None for k in line] for line in reached],
        "final": (tail / first).tolist(),
        "failed": int(np.isin(result.status, (Status.DIVERGED, Status.NON_FINITE)).sum()),
        "evaluations": float(np.mean(spent)) / max(1, int(result.nit.max())),
    }


def judge(claim: Claim, plan: Plan, results: Mapping[str, Mapping[str, Any]], level: float) -> Measurement:
    """What is reached, or the order; without a declaration the prediction is no number."""
    chosen = claim.parameters
    rows = [results[cell.key] for cell in plan.cells]
    predicted = float(chosen.get("declared", math.nan))
    failed = sum(row["failed"] for row in rows)
    if failed:
        words = f"{failed} of {len(rows) * chosen['replicates']} replicates diverged or met a value that is not finite"
        return _nothing(predicted, words, diverged=True)
    if chosen["quantity"] == "final":
        estimate = mean_limits(rows[0]["final"])
        note = f"mean |grad Psi|^2 over the last tenth of {chosen['max_iterations']} iterations over that at the start"
        return Measurement(predicted, estimate.value, estimate.limits(level), note)
    if chosen["along"] == "1/eps":
        return _along_eps(rows[0], chosen, predicted, level)
    sizes = [spec[chosen["along"]] for spec in chosen["problems"]]
    last = [row["reached"][-1] for row in rows]
    if any(k is None for line in last for k in line):
        missed = [size for size, line in zip(sizes, last, strict=True) if None in line]
        words = ", ".join(f"{chosen['along']} = {size}" for size in missed)
        share, cap = chosen["shares"][-1], chosen["max_iterations"]
        return _nothing(
            predicted, f"{share:.3g} of the start's |grad Psi|^2 is not reached in {cap} iterations, {words}"
        )
    points = [
        mean_limits([math.log(k * row["evaluations"]) for k in line]) for row, line in zip(rows, last, strict=True)
    ]
    slope, _ = fit_line([math.log(size) for size in sizes], points, np.ones(len(points)))
    note = f"evaluations at {chosen['along']} = {', '.join(map(str, sizes))}: " + ", ".join(
        f"{math.exp(point.value):.4g}" for point in points
    )
    return Measurement(predicted, slope.value, slope.limits(level), note)


def _along_eps(row: Mapping[str, Any], chosen: Mapping[str, Any], predicted: float, level: float) -> Measurement:
    """The slope of each group, which is independent of the other groups, on the shares that all groups reach."""
    lines = [(share, line) for share, line in zip(chosen["shares"], row["reached"], strict=True) if None not in line]
    # Reached in a few iterations is a number too coarse for a slope.
    lines = [(share, line) for share, line in lines if min(line) >= 4]
    if len(lines) < _POINTS:
        return _nothing(
            predicted, f"only {len(lines)} of {len(chosen['shares'])} values of eps give a crossing between iteration "
            f"4 and {chosen['max_iterations']}: a line takes {_POINTS}",
        )  # fmt: skip
    at = np.log([1 / share for share, _ in lines])
    slopes = [float(np.polyfit(at, np.log(np.array(line, dtype=float)), 1)[0])
              for line in zip(*(line for _, line in lines), strict=True)]  # fmt: skip
    estimate: Estimate = mean_limits(slopes)
    note = f"eps from {lines[0][0]:.3g} to {lines[-1][0]:.3g} of the start's |grad Psi|^2"
    return Measurement(predicted, estimate.value, estimate.limits(level), note)


def _nothing(predicted: float, obstacle: str, diverged: bool = False) -> Measurement:
    return Measurement(predicted, math.nan, Limits(math.nan, math.nan), obstacle=obstacle, diverged=diverged)
