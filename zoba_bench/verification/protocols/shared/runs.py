"""What the protocols run in cells: each task returns plain numbers."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.driver import run
from zoba_bench.problem import BilevelProblem
from zoba_bench.result import Result, Status
from zoba_bench.solvers.base import StepWarning
from zoba_bench.verification.parameters import solver_options
from zoba_bench.verification.protocols.shared.named import build_problem, build_solver

__all__ = ["count", "crossing", "ended", "met_non_finite", "one_step", "start_point", "trajectory"]


#: What the tasks do, where their parameters do not say it: ``count`` runs each setting twice two iterations, and a
#: crossing is expected halfway to its cap.
WORK = {
    "count": lambda parameters, work: work({**parameters, "iterations": 2, "replicates": 2}),
    "crossing": lambda parameters, work: work({**parameters, "max_iterations": parameters["max_iterations"] / 2}),
}


def ended(result: Result) -> dict[str, Any]:
    """What a row says of how its replicates ended: "failed", and "non_finite" where a function of the problem failed.

    The second is in a row only where it happened. The runner judges no claim on such a row.
    """
    failed = int(np.isin(result.status, (Status.DIVERGED, Status.NON_FINITE)).sum())
    return {"failed": failed, **met_non_finite(result.non_finite)}


def met_non_finite(where: str) -> dict[str, str]:
    """The entry of a row whose functions first failed there; nothing where they did not."""
    return {"non_finite": where} if where else {}


def count(
    rng: np.random.Generator, problem: Mapping[str, Any], solver: str, options: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Queries of two iterations in every column of the oracle's counter that is not zero, for several option sets.

    Both replicates must have asked for the same. Steps rho are short, so that no run diverges.
    """
    built = build_problem(problem)
    z0, x0 = built.initial_point(rng)
    rows, where = [], ""
    for chosen in options:
        short = {"rho": 1e-4} if "rho" in solver_options(solver) else {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", StepWarning)  # two steps of any length do not diverge
            result = run(
                built, build_solver(solver, {**chosen, **short}), z0=z0, x0=x0, rng=rng, replicates=2,
                max_iterations=2, record_every=None,
            )  # fmt: skip
        rows.append({column: n.tolist() for column, n in result.counts.items() if n.any()})
        where = where or result.non_finite
    return {"counts": rows, **met_non_finite(where)}


def trajectory(
    rng: np.random.Generator, problem: Mapping[str, Any], solver: str, options: Mapping[str, Any],
    start: str, iterations: int, replicates: int, block: int = 0,
) -> dict[str, Any]:  # fmt: skip
    """Mean of |grad Psi(x_k)|^2 over k < iterations, per replicate.

    ``start`` is "solution" (the exact z*, v*, x*) or "family" (the problem's own start, with
    z and v exact there). ``block`` tells independent blocks of replicates apart.
    """
    built = build_problem(problem)
    z0, v0, x0 = start_point(built, start, rng)
    result = run(
        built, build_solver(solver, options), z0=z0, v0=v0, x0=x0, rng=rng, replicates=replicates,
        max_iterations=iterations, record_every=iterations,
    )  # fmt: skip
    assert result.mean_stationarity is not None
    return {"means": result.mean_stationarity.tolist(), **ended(result)}


def crossing(
    rng: np.random.Generator, problem: Mapping[str, Any], solver: str, options: Mapping[str, Any],
    start: str, eps: float, max_iterations: int, replicates: int, groups: int,
) -> dict[str, Any]:  # fmt: skip
    """Iterations until the running mean of |grad Psi|^2 over k and a group of replicates is at most eps.

    One number a group; ``None`` if that does not happen within the cap.
    """
    built = build_problem(problem)
    built.require("hypergradient")
    z0, v0, x0 = start_point(built, start, rng)

    def stationarity(x: Array) -> Array:
        gradient = built.hypergradient(x)  # type: ignore[misc]
        means: Array = np.vecdot(gradient, gradient).reshape(groups, -1).mean(axis=1)
        return means

    total = stationarity(np.tile(x0, (replicates, 1)))
    reached = np.zeros(groups, dtype=int)

    def all_below(k: int, state: Any) -> bool:
        nonlocal total
        # The callback sees x_{k+1}; the sums over x_0 ... x_k are complete.
        reached[(reached == 0) & (total <= eps * (k + 1))] = k + 1
        total = total + stationarity(state.x)
        return bool(reached.all())

    result = run(
        built, build_solver(solver, options), z0=z0, v0=v0, x0=x0, rng=rng, replicates=replicates,
        max_iterations=max_iterations, record_every=None, callback=all_below,
    )  # fmt: skip
    return {
        "crossings": [int(k) or None for k in reached],
        **ended(result),
        "evaluations_per_iteration": int(result.nfev[0]) / int(result.nit[0]),
    }


def one_step(
    rng: np.random.Generator, problem: Mapping[str, Any], solver: str, options: Mapping[str, Any],
    replicates: int, blocks: int,
) -> dict[str, Any]:  # fmt: skip
    """Block means of |x_1 - x*|^2 / gamma^2 over single steps from the exact solution."""
    built = build_problem(problem)
    z0, v0, x0 = start_point(built, "solution", rng)
    configuration = build_solver(solver, options)
    gamma = configuration.steps(0)[1]
    means, failed, where = [], 0, ""
    for _ in range(blocks):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", StepWarning)  # one step of any length does not diverge
            result = run(
                built, configuration, z0=z0, v0=v0, x0=x0, rng=rng, replicates=replicates, max_iterations=1,
                record_every=None,
            )  # fmt: skip
        moved = (result.x - x0) / gamma
        means.append(float(np.vecdot(moved, moved).mean()))
        failed += int(result.failed.sum())
        where = where or result.non_finite
    return {"means": means, "failed": failed, **met_non_finite(where)}


def start_point(problem: BilevelProblem, start: str, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """(z, v, x) exact at the minimiser, or exact in z and v at the family's start.

    A start of the family's may be random: "family" draws it in every cell, "fixed" once for plan and cells alike.
    """
    problem.require("inner_solution", "adjoint")
    assert problem.inner_solution is not None
    assert problem.adjoint is not None
    if start == "solution":
        problem.require("minimizer")
        assert problem.minimizer is not None
        x = problem.minimizer
    elif start in ("family", "fixed"):
        x = problem.initial_point(rng if start == "family" else np.random.default_rng(0))[1]
    else:
        raise ValueError(f"start must be 'solution', 'family' or 'fixed', got {start!r}")
    return problem.inner_solution(x), problem.adjoint(x), x
