"""The cells: one setting of one method on one instance, and the reference solution by a long run with derivatives."""

from __future__ import annotations

import copy
import math
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array
from zoba_bench.comparison.applications.searches import search
from zoba_bench.comparison.applications.settings import SEARCHES
from zoba_bench.comparison.numbers import listed
from zoba_bench.driver import iteration_cost, run, start_cost
from zoba_bench.oracle import weights
from zoba_bench.problem import BilevelProblem
from zoba_bench.registry import load_problem, make_solver
from zoba_bench.result import Status
from zoba_bench.solvers.base import StepWarning

__all__ = ["application_reference", "application_run"]

_POINTS = 10  # of a curve, beside the start
_STEPS = 500  # of the reference
#: Closed forms that are kept from the run: they are measured with afterwards, where they cost the run no time.
_MEASURED: dict[str, Any] = dict.fromkeys(
    ("inner_solution", "adjoint", "value", "hypergradient", "minimizer", "minimum")
)

Stop = tuple[int, Array, Array]


def application_run(
    rng: np.random.Generator, problem: Mapping[str, Any], solver: str, options: Mapping[str, Any], budget: int,
    gradient_cost: str, replicates: int, phase: str, box: Sequence[float],
) -> dict[str, Any]:  # fmt: skip
    """Run R replicates from the problem's start; one where no random number is drawn.

    Returns
    -------
    dict
        "start": Psi at the start, or F(z, x) where Psi is not known; "final": the same at each replicate's end, None
        for one that failed; "evaluations" and "curves": along the budget; "used": evaluations of each replicate;
        "seconds": CPU time of a replicate, without what is measured; "measures": the problem's, of each replicate's
        last (z, x); "pictures": of the median replicate; "refused": why nothing ran, in which case nothing else.
    """
    built = load_problem(**dict(problem))
    z0, x0 = built.initial_point(np.random.default_rng(0))
    blind = replace(built, **_MEASURED)
    begun = time.process_time()
    try:
        if solver in SEARCHES:
            number = 1 if solver == "grid" else replicates
            found, used = search(blind, solver, options, (box[0], box[1]), budget, gradient_cost, rng, number)
            spent, failed = [used] * number, np.zeros(number, dtype=bool)
        else:
            configured = make_solver(solver, **options)
            configured.check(built)
            number = 1 if _draws_nothing(blind, configured, z0, x0, gradient_cost, budget) else replicates
            begun = time.process_time()
            found, spent, failed = _followed(blind, configured, z0, x0, rng, number, budget, gradient_cost)
    except ValueError as error:
        return {"refused": str(error)}
    seconds = (time.process_time() - begun) / number
    stops: list[Stop] = [(0, np.tile(z0, (number, 1)), np.tile(x0, (number, 1))), *found]
    axis = [round(budget * n / _POINTS) for n in range(_POINTS + 1)]
    places = np.maximum(np.searchsorted([stop[0] for stop in stops], axis, side="right") - 1, 0)
    places[-1] = len(stops) - 1
    kept = sorted(set(places.tolist()))
    psi = dict(zip(kept, _psi(built, *(np.stack([stops[n][i] for n in kept]) for i in (1, 2))), strict=True))
    curves = np.stack([psi[n] for n in places.tolist()])
    curves[-1, failed] = np.inf
    z, x = stops[-1][1:]
    with np.errstate(all="ignore"):
        measures = {name: listed(np.asarray(m(z, x))) for name, m in built.capabilities.measures.items()}
    return {
        "start": float(curves[0, 0]), "final": listed(curves[-1]), "evaluations": axis,
        "curves": [listed(curve) for curve in curves.T], "used": spent, "seconds": seconds, "measures": measures,
        "pictures": _pictures(built, z, x, curves[-1]) if phase == "measure" else [],
    }  # fmt: skip


def application_reference(
    rng: np.random.Generator, problem: Mapping[str, Any], box: Sequence[float], starts: int
) -> dict[str, Any]:  # fmt: skip
    """The least Psi that L-BFGS with the exact hypergradient finds in the box, from the problem's start and others.

    Returns
    -------
    dict
        "value", "x"; "values" of all starts; "stationarity": |x - P(x - grad Psi)|, with the projection P onto the
        box; "measures" there, with the exact z*.
    """
    from scipy.optimize import minimize

    built = load_problem(**dict(problem))
    built.require("value", "hypergradient", "inner_solution")
    value, gradient, solution = built.value, built.hypergradient, built.inner_solution
    assert value is not None
    assert gradient is not None
    assert solution is not None
    low, high = box
    first = np.clip(built.initial_point(np.random.default_rng(0))[1], low, high)
    ends = []
    for number in range(starts):
        x0 = first if number == 0 else rng.uniform(low, high, built.d)
        found = minimize(
            lambda x: (float(value(x[None])[0]), gradient(x[None])[0]), x0, jac=True, method="L-BFGS-B",
            bounds=[(low, high)] * built.d, options={"maxiter": _STEPS, "ftol": 1e-15, "gtol": 1e-9},
        )  # fmt: skip
        ends.append((float(found.fun), np.asarray(found.x)))
    least, x = min(ends, key=lambda end: end[0])
    moved = x - np.clip(x - gradient(x[None])[0], low, high)
    z = solution(x[None])
    return {
        "value": least, "x": x.tolist(), "values": [end[0] for end in ends],
        "stationarity": float(np.linalg.norm(moved)),
        "measures": {name: float(m(z, x[None])[0]) for name, m in built.capabilities.measures.items()},
    }  # fmt: skip


def _followed(
    problem: BilevelProblem, solver: Any, z0: Array, x0: Array, rng: np.random.Generator, number: int, budget: int,
    gradient_cost: str,
) -> tuple[list[Stop], list[int], NDArray[np.bool_]]:  # fmt: skip
    """A run with its iterates at about evenly spaced evaluations, and which replicates failed."""
    cost = weights(gradient_cost, problem.p, problem.d)
    first = sum(cost.get(name, 0) * count for name, count in start_cost(problem, solver, rng).items())
    each = sum(cost.get(name, 0) * count for name, count in iteration_cost(problem, solver, rng).items())
    every = max(1, round(budget / max(each, 1) / (4 * _POINTS)))
    kept: list[tuple[int, Array, Array]] = []

    def keep(k: int, state: Any) -> bool:
        if (k + 1) % every == 0:
            kept.append((k + 1, state.z.copy(), state.x.copy()))
        return False

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StepWarning)  # a grid reaches beyond the stable range on purpose
        result = run(
            problem, solver, z0=z0, x0=x0, rng=rng, replicates=number, budget=budget, max_iterations=budget,
            record_every=None, gradient_cost=gradient_cost, callback=keep,
        )  # fmt: skip
    spent = np.sum([weight * result.counts[name] for name, weight in cost.items()], axis=0)
    mean = float((spent - first).sum() / max(1, result.nit.sum()))
    stops = [(round(first + k * mean), z, x) for k, z, x in kept]
    stops.append((int(spent.max()), result.z, result.x))
    failed = np.isin(result.status, (Status.DIVERGED, Status.NON_FINITE, Status.UNRESOLVED))
    return stops, [int(n) for n in spent], failed


def _draws_nothing(
    problem: BilevelProblem, solver: Any, z0: Array, x0: Array, gradient_cost: str, budget: int
) -> bool:  # fmt: skip
    """Whether three iterations leave the generator where it was."""
    draws = np.random.default_rng(0)
    before = copy.deepcopy(draws)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StepWarning)
        run(
            problem, solver, z0=z0, x0=x0, rng=draws, budget=budget, max_iterations=3, record_every=None,
            gradient_cost=gradient_cost,
        )  # fmt: skip
    return repr(before.bit_generator.state) == repr(draws.bit_generator.state)


def _psi(problem: BilevelProblem, z: Array, x: Array) -> Array:
    """Psi (n, R), or F(z, x) where it is not known; infinite where it is no number."""
    with np.errstate(all="ignore"):
        values = np.asarray(problem.outer(z, x) if problem.value is None else problem.value(x), dtype=np.float64)
    return np.where(np.isfinite(values), values, np.inf)


def _pictures(problem: BilevelProblem, z: Array, x: Array, values: Array) -> list[Any]:
    draw = problem.capabilities.pictures
    if draw is None:
        return []
    middle = int(np.argsort(values)[(len(values) - 1) // 2])
    if not math.isfinite(values[middle]):
        return []
    return list(np.round(255 * draw(z[middle], x[middle])).astype(int).tolist())
