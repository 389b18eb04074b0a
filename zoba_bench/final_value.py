"""The value at the end of a run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from zoba_bench.oracle import Oracle, weights
from zoba_bench.problem import BilevelProblem
from zoba_bench.result import Result

__all__ = ["with_final_value"]


def with_final_value(problem: BilevelProblem, result: Result, budget: int | None, gradient_cost: str) -> Result:
    """The result with Psi(x) where the problem declares it, else with F(z, x), which is counted.

    A replicate whose budget has no room for that evaluation gets NaN; so do all where F raises an exception, as after
    hours of a run it should not take along.
    """
    with np.errstate(all="ignore"):  # of a run that left
        if problem.value is not None:
            return replace(result, fun=np.asarray(problem.value(result.x), dtype=np.float64))
        oracle = Oracle(problem, len(result.x))
        if budget is not None:
            cost = weights(gradient_cost, problem.p, problem.d)
            spent = np.sum([weight * result.counts[name] for name, weight in cost.items()], axis=0)
            oracle.freeze(spent + (problem.outer_samples or 1) > budget)
        try:
            values = oracle.outer(result.z, result.x)
        except Exception:  # a user's function may raise anything
            values = np.full(len(result.x), np.nan)
    counts = {name: count + oracle.counts[name] for name, count in result.counts.items()}
    return replace(result, fun=np.where(oracle.active, values, np.nan), counts=counts, n_outer=counts["outer"])
