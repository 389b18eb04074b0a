"""Predictions of a claim's very runs by the theorem's closure or second moments, each derived once in a process.

Claims on one line share their points, a control has those of its claim, and every look plans again: the numbers are
kept by problem, solver, options and length, as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from zoba_bench.contracts import HasClosure, HasRunMoments, PredictedCrossing, PredictedMean, PredictedTransient
from zoba_bench.errors import DerivationError
from zoba_bench.problem import BilevelProblem
from zoba_bench.registry import entry, make_solver
from zoba_bench.verification.protocols.shared.named import (
    build_problem,
    build_solver,
    reference_theorem,
    right_solver,
    theorem_with,
)
from zoba_bench.verification.protocols.shared.runs import start_point

__all__ = ["closure_crossing", "closure_mean", "closure_transient", "moments_mean", "written"]


def closure_mean(
    problem: Mapping[str, Any], solver: str, options: Mapping[str, Any], iterations: int
) -> PredictedMean:  # fmt: skip
    """The mean of |grad Psi(x_k)|^2 over k < iterations from the exact solution.

    A control is predicted as the solver that it mutates.

    Raises
    ------
    DerivationError, ValueError
        As :class:`zoba_bench.contracts.HasClosure`; also for a theorem that has no closure.
    """
    return _mean(written(problem), right_solver(solver), written(options), iterations)


def moments_mean(
    problem: Mapping[str, Any], solver: str, options: Mapping[str, Any], iterations: int
) -> tuple[float, float]:  # fmt: skip
    """The mean of |grad Psi(x_k)|^2 over k < iterations from the exact solution, by the second moments of the run.

    Beside it what the bias of the radii may add, relative to it: the bounds on the bias of a step, which vary with the
    third derivatives, and where the mean iteration rests with a bias of that size. The variance of the radii has terms
    of the next order in h^2 too; at the radii for which the bias is small they are smaller still.
    """
    return _moments(written(problem), right_solver(solver), written(options), iterations)


def closure_crossing(
    problem: Mapping[str, Any], solver: str, options: Mapping[str, Any], eps: float, most: int
) -> PredictedCrossing:  # fmt: skip
    """Iterations and evaluations until the running mean from the family's start is at most eps; see above."""
    return _crossing(written(problem), right_solver(solver), written(options), eps, most)


def closure_transient(
    problem: Mapping[str, Any], solver: str, options: Mapping[str, Any], horizons: Sequence[int]
) -> Sequence[PredictedTransient]:  # fmt: skip
    """The mean of |grad Psi(x_k)|^2 over k < K from the family's start, for each K of the horizons; see above."""
    return _transient(written(problem), right_solver(solver), written(options), tuple(horizons))


@cache
def _transient(problem: str, solver: str, options: str, horizons: tuple[int, ...]) -> Sequence[PredictedTransient]:
    built, configured, theorem = _parts(problem, solver, options)
    start = start_point(built, "fixed", np.random.default_rng(0))
    return theorem.closure_transient_means(built, start, configured, horizons)


@cache
def _mean(problem: str, solver: str, options: str, iterations: int) -> PredictedMean:
    built, configured, theorem = _parts(problem, solver, options)
    return theorem.closure_horizon_mean(built, configured, iterations)


@cache
def _moments(problem: str, solver: str, options: str, iterations: int) -> tuple[float, float]:
    theorem, chosen = theorem_with(solver, HasRunMoments), json.loads(options)
    built, configured = build_problem(json.loads(problem)), build_solver(solver, chosen)
    z, v, x = start_point(built, "solution", np.random.default_rng(0))
    moments = theorem.run_moments(built, (z, v, x), configured, iterations, iterations)
    # The runs' mean is over 0, ..., K - 1: without the last iterate, and with the first, which is the solution.
    last = theorem.run_moments(built, (z, v, x), configured, iterations, 1)
    value = moments.expected("stationarity") - last.expected("stationarity") / iterations
    rho, gamma = configured.steps(0)
    bias = entry("updates", solver).step(built, chosen, {"z": z, "v": v, "x": x, "k": 0}).bias
    return value, moments.of_bias(bias["z"] / rho, bias["v"] / rho, bias["x"] / gamma) / value


@cache
def _crossing(problem: str, solver: str, options: str, eps: float, most: int) -> PredictedCrossing:
    built, configured, theorem = _parts(problem, solver, options)
    start = start_point(built, "fixed", np.random.default_rng(0))
    return theorem.closure_crossing(built, start, configured, eps, most)


def _parts(problem: str, solver: str, options: str) -> tuple[BilevelProblem, Any, HasClosure]:
    theorem = reference_theorem(solver)
    if not isinstance(theorem, HasClosure):
        raise DerivationError(f"theorem {theorem.name!r} predicts no runs to second order in the noise")
    return build_problem(json.loads(problem)), make_solver(solver, **json.loads(options)), theorem


def written(table: Mapping[str, Any]) -> str:
    return json.dumps(dict(table), sort_keys=True)
