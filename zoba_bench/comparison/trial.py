"""One cell of a comparison: a solver with given options on a problem, within a budget."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array
from zoba_bench.driver import iteration_cost, run, start_cost
from zoba_bench.oracle import weights
from zoba_bench.problem import BilevelProblem
from zoba_bench.registry import load_problem, make_solver
from zoba_bench.result import Result, Status
from zoba_bench.solvers.base import StepWarning

__all__ = ["metric_name", "trial"]


_POINTS = 24  # of a curve


def trial(
    rng: np.random.Generator, problem: Mapping[str, Any], solver: str, options: Mapping[str, Any], budget: int,
    gradient_cost: str, replicates: int, phase: str,
) -> dict[str, Any]:  # fmt: skip
    """Run R replicates from the problem's start and measure them along the budget.

    Returns
    -------
    dict
        "final": the metric at the end, one number a replicate, None for one that diverged or climbed; "start": the
        metric of the start; "evaluations" and "median": the curve; "seconds": wall time of the run, which no seed
        fixes; "refused": why the solver does not run on the problem or within the budget, in which case nothing else.
    """
    built = load_problem(**dict(problem))
    z0, x0 = built.initial_point(np.random.default_rng(0))
    cost = weights(gradient_cost, built.p, built.d)
    try:
        configured = make_solver(solver, **options)
        configured.check(built)
        per_iteration = iteration_cost(built, configured, rng)
        each = max(1, sum(weight * per_iteration.get(name, 0) for name, weight in cost.items()))
        begun = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", StepWarning)  # a grid reaches beyond the stable range on purpose
            result = run(
                built, configured, z0=z0, x0=x0, rng=rng, replicates=replicates, budget=budget,
                max_iterations=budget, record_every=max(1, budget // each // _POINTS), gradient_cost=gradient_cost,
            )  # fmt: skip
        seconds = time.perf_counter() - begun
    except ValueError as error:
        return {"refused": str(error)}
    curve = _metric(built, result)
    failed = np.isin(result.status, (Status.DIVERGED, Status.NON_FINITE)) | _climbed(built, result, x0)
    # Before its last row a replicate that failed is what it was; at the end it has no value.
    curve[-1, failed] = np.inf
    final = curve[-1]
    return {
        "final": [float(v) if math.isfinite(v) else None for v in final],
        "start": float(np.median(curve[0])),
        "evaluations": _evaluations(result, cost, start_cost(built, configured, rng)),
        "median": [float(m) if math.isfinite(m) else None for m in np.median(curve, axis=1)],
        "seconds": seconds,
    }


def _climbed(problem: BilevelProblem, result: Result, start: Array) -> NDArray[np.bool_]:
    """Replicates that end above the Psi of their start: far out, where Psi is flat, its gradient says nothing."""
    if problem.value is None:
        return np.zeros(len(result.x), dtype=bool)
    with np.errstate(all="ignore"):
        reached, begun = (np.asarray(problem.value(x), dtype=np.float64) for x in (result.x, start))
    below: NDArray[np.bool_] = reached <= begun
    return ~below


def _evaluations(result: Result, cost: Mapping[str, int], start: Mapping[str, int]) -> list[int]:
    """Evaluations at the rows of the history, as counted: after what the start took, a mean iteration's for each.

    An iteration's are a random number where a coin decides what it asks for; no row has more than a run has used.
    """
    spent = np.sum([weight * result.counts[name] for name, weight in cost.items()], axis=0)
    first = sum(weight * start.get(name, 0) for name, weight in cost.items())
    each = (spent - first).sum() / max(1, result.nit.sum())
    along = np.minimum(first + np.rint(result.history["iteration"] * each), spent.max())
    return [int(n) for n in along]


def metric_name(problem: BilevelProblem) -> str:
    """What a run on the problem is measured by, or "" where nothing is known of its solution.

    |grad Psi|^2 where x is free and Psi smooth; else Psi(x) - min Psi, which holds with constraints too.
    """
    free = problem.capabilities.project_x is None
    if problem.hypergradient is not None and free and problem.smooth:
        return "stationarity"
    return "gap" if problem.value is not None and problem.minimum is not None else ""


def _metric(problem: BilevelProblem, result: Result) -> Array:
    name = metric_name(problem)
    if not name:
        raise ValueError(f"problem {problem.name!r} declares neither a hypergradient nor a minimum to measure by")
    rows = np.abs(np.asarray(result.history[name], dtype=np.float64))
    return np.where(np.isnan(rows), np.inf, rows)
