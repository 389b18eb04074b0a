"""One cell of a comparison: a solver with given options on a problem, within a budget."""

from __future__ import annotations

import copy
import time
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array
from zoba_bench.comparison.cases import start_of
from zoba_bench.comparison.hits import first_hits
from zoba_bench.comparison.numbers import listed
from zoba_bench.driver import run, start_cost
from zoba_bench.oracle import weights
from zoba_bench.problem import BilevelProblem
from zoba_bench.registry import load_problem, make_solver
from zoba_bench.result import Result, Status
from zoba_bench.solvers.base import StepWarning

__all__ = ["metric_name", "trial"]


_POINTS = 24  # of a curve
_PROBE = 3  # iterations in which a method that draws random numbers draws one


def trial(
    rng: np.random.Generator, problem: Mapping[str, Any], solver: str, options: Mapping[str, Any], budget: int,
    gradient_cost: str, replicates: int, phase: str, start: int = 0,
) -> dict[str, Any]:  # fmt: skip
    """Run R replicates from a start of the problem and measure them along the budget; one where no number is drawn.

    Parameters
    ----------
    start : int
        Names the start, see :func:`zoba_bench.comparison.cases.start_of`.

    Returns
    -------
    dict
        "final": the metric at the end, one number a replicate, None for one that diverged or climbed; "start": the
        metric of the start; "evaluations" and "curves": the metric of each replicate at evenly spaced evaluations;
        "used": evaluations of each replicate; "hits": see :func:`zoba_bench.comparison.hits.first_hits`;
        "deterministic": whether no random number was drawn; "seconds": wall time of the run, which no seed fixes;
        "refused": why the solver does not run on the problem or within the budget, in which case nothing else.
    """
    built = load_problem(**dict(problem))
    z0, x0 = start_of(built, start)
    cost = weights(gradient_cost, built.p, built.d)

    def runs(number: int, iterations: int, draws: np.random.Generator) -> Result:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", StepWarning)  # a grid reaches beyond the stable range on purpose
            return run(
                built, configured, z0=z0, x0=x0, rng=draws, replicates=number, budget=budget,
                max_iterations=iterations, record_every=1, gradient_cost=gradient_cost,
            )  # fmt: skip

    try:
        configured = make_solver(solver, **options)
        configured.check(built)
        first = start_cost(built, configured, rng)
        before = copy.deepcopy(rng)
        draws = copy.deepcopy(before)
        runs(1, _PROBE, draws)
        once = _same(before, draws)
        begun = time.perf_counter()
        result = runs(1 if once else replicates, budget, rng)
        if once and not _same(before, rng):  # the first number was drawn later
            once, result = False, runs(replicates, budget, before)
        seconds = time.perf_counter() - begun
    except ValueError as error:
        return {"refused": str(error)}
    rows = _metric(built, result)
    failed = np.isin(result.status, (Status.DIVERGED, Status.NON_FINITE)) | _climbed(built, result, x0)
    along, used = _evaluations(result, cost, first)
    # Where X or a kink binds, grad Psi need not vanish at the solution.
    measured = {name: result.history[name] for name in {"gap", metric_name(built)} & result.history.keys()}
    axis = [round(budget * n / _POINTS) for n in range(_POINTS + 1)]
    curves = rows[np.maximum(np.searchsorted(along, axis, side="right") - 1, 0)]
    # Before its end a replicate that failed is what it was; at the end it has no value.
    curves[-1, failed] = np.inf
    return {
        "final": listed(curves[-1]), "start": float(np.median(rows[0])), "evaluations": axis,
        "curves": [listed(curve) for curve in curves.T], "used": used, "deterministic": once,
        "hits": first_hits(measured, along, _below_start(built, result, failed)), "seconds": seconds,
    }  # fmt: skip


def _same(one: np.random.Generator, other: np.random.Generator) -> bool:
    """Whether two generators stand at the same place."""
    return repr(one.bit_generator.state) == repr(other.bit_generator.state)


def _below_start(problem: BilevelProblem, result: Result, failed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Rows at which Psi is at most what it is at the start; of an unknown Psi those of replicates that end so."""
    gap = result.history.get("gap")
    if gap is not None:
        return np.asarray(gap <= gap[0], dtype=bool)
    rows = len(result.history["iteration"])
    return np.broadcast_to(~failed if problem.value is not None else np.ones_like(failed), (rows, len(failed)))


def _climbed(problem: BilevelProblem, result: Result, start: Array) -> NDArray[np.bool_]:
    """Replicates that end above the Psi of their start: far out, where Psi is flat, its gradient says nothing."""
    if problem.value is None:
        return np.zeros(len(result.x), dtype=bool)
    with np.errstate(all="ignore"):
        reached, begun = (np.asarray(problem.value(x), dtype=np.float64) for x in (result.x, start))
    below: NDArray[np.bool_] = reached <= begun
    return ~below


def _evaluations(result: Result, cost: Mapping[str, int], start: Mapping[str, int]) -> tuple[list[int], list[int]]:
    """Evaluations before each row of the history, and of each replicate at its end, as counted.

    A row comes after what the start took and a mean iteration's for each before it: an iteration's are a random number
    where a coin decides what it asks for. No row has more than a run has used.
    """
    spent = np.sum([weight * result.counts[name] for name, weight in cost.items()], axis=0)
    first = sum(weight * start.get(name, 0) for name, weight in cost.items())
    each = (spent - first).sum() / max(1, result.nit.sum())
    along = np.minimum(first + np.rint(result.history["iteration"] * each), spent.max())
    return [int(n) for n in along], [int(n) for n in spent]


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
