"""The cell: one setting of one method from several starts, each run alone until Psi is accurate."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.comparison.numbers import finite
from zoba_bench.driver import iteration_cost, run, start_cost
from zoba_bench.problem import BilevelProblem
from zoba_bench.registry import load_problem, make_solver
from zoba_bench.result import Status
from zoba_bench.solvers.base import StepWarning

__all__ = ["arrival", "start_at"]

_STAY = 50
#: Closed forms that are kept from the run: they are measured with, where they cost it no time.
_MEASURED: dict[str, Any] = dict.fromkeys(
    ("inner_solution", "adjoint", "value", "hypergradient", "minimizer", "minimum")
)


def start_at(problem: BilevelProblem, spread: float, *seeds: int) -> tuple[Array, Array]:
    """The family's start, with normal numbers added to z and x; x is projected onto X, z onto Z."""
    z, x = problem.initial_point(np.random.default_rng(0))
    rng = np.random.default_rng(seeds)
    z, x = z + spread * rng.standard_normal(problem.p), x + spread * rng.standard_normal(problem.d)
    offered = problem.capabilities
    return (
        z if offered.project_z is None else offered.project_z(z),
        x if offered.project_x is None else offered.project_x(x),
    )


def arrival(
    rng: np.random.Generator, problem: Mapping[str, Any], solver: str, options: Mapping[str, Any], accuracy: float,
    spread: float, budget: int, starts: int, first: int,
) -> dict[str, Any]:  # fmt: skip
    """Run from ``starts`` starts until Psi - min Psi is at most ``accuracy`` times that at the family's own start.

    It has to stay there for 50 iterations more, which are not counted: a path that only passes has not arrived. Psi is
    measured after every iteration at x alone, with the lower-level solution that the problem declares, outside of the
    counter and of the clock. A start may be accurate already: then it takes one iteration.

    Returns
    -------
    dict
        "evaluations", "seconds" (CPU time): until then, one a start, None where the budget was used before or the run
        failed; "each": evaluations of an iteration; "left": the share of Psi - min Psi that was left at the end;
        "refused": why nothing ran, in which case nothing else.
    """
    built = load_problem(**dict(problem))
    built.require("value", "minimum")
    value, minimum = built.value, built.minimum
    assert value is not None
    assert minimum is not None
    blind = replace(built, **_MEASURED)
    base = float(value(built.initial_point(np.random.default_rng(0))[1][None])[0]) - minimum
    made = make_solver(solver, **options)
    try:
        made.check(built)
    except ValueError as error:
        return {"refused": str(error)}
    each = sum(iteration_cost(blind, made, rng).values())
    begun = sum(start_cost(blind, made, rng).values())
    lists: dict[str, list[float | None]] = {"evaluations": [], "seconds": [], "left": []}
    most = (budget - begun) // each
    if most < 1:
        return {"refused": f"budget={budget} is below the cost of one iteration, {begun + each}"}
    _timed(blind, made, start_at(built, spread, first, 0), rng, 1, lambda x: np.inf, accuracy)  # warms up
    for number in range(starts):
        arrived, seconds, left = _timed(
            blind, made, start_at(built, spread, first, number), rng, most,
            lambda x: (float(value(x)[0]) - minimum) / base, accuracy,
        )  # fmt: skip
        lists["evaluations"].append(float(begun + each * arrived) if arrived else None)
        lists["seconds"].append(seconds if arrived else None)
        lists["left"].append(finite(left))
    return {**lists, "each": each}


def _timed(
    problem: BilevelProblem, solver: Any, start: tuple[Array, Array], rng: np.random.Generator, most: int,
    measure: Callable[[Array], float], accuracy: float,
) -> tuple[int, float, float]:  # fmt: skip
    """Iterations, at most so many, until the measure stays accurate (0 for never), CPU seconds, the last measure."""
    begin, paused, seconds, left, arrived = 0.0, 0.0, 0.0, math.inf, 0

    def ready() -> None:
        nonlocal begin
        begin = time.process_time()

    def watch(k: int, state: Any) -> bool:
        nonlocal paused, seconds, left, arrived
        stopped = time.process_time()
        left = measure(state.x)
        if not left <= accuracy:
            arrived = 0
        elif not arrived and k < most:
            arrived, seconds = k + 1, stopped - begin - paused
        paused += time.process_time() - stopped
        return k + 1 >= (arrived or most) + (_STAY if arrived else 0)

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", StepWarning)  # a grid reaches beyond the stable range on purpose
        result = run(
            problem, solver, z0=start[0], x0=start[1], rng=rng, max_iterations=most + _STAY, record_every=None,
            callback=watch, ready=ready,
        )  # fmt: skip
    if result.status[0] in (Status.DIVERGED, Status.NON_FINITE, Status.UNRESOLVED):
        return 0, seconds, math.inf
    return arrived, seconds, left
