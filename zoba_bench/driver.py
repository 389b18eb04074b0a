"""The one loop around every solver: counting, recording, stopping, statuses."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoba_bench.memory import keep_freed_memory
from zoba_bench.oracle import DryOracle, Oracle
from zoba_bench.problem import BilevelProblem, check_dimension, check_positive
from zoba_bench.recorder import Recorder
from zoba_bench.result import Result, Status

__all__ = ["iteration_cost", "run"]

Array = NDArray[np.float64]


def run(
    problem: BilevelProblem,
    solver: Any,
    *,
    z0: Array,
    x0: Array,
    v0: Array | None = None,
    rng: np.random.Generator,
    replicates: int = 1,
    max_iterations: int = 1000,
    budget: int | None = None,
    tolerance: float = 0.0,
    record_every: int | None = 1,
    divergence_threshold: float = 1e10,
    callback: Callable[[int, Any], Any] | None = None,
) -> Result:
    """Run a solver from one start, R replicates at once.

    Parameters
    ----------
    problem : BilevelProblem
    solver : object with ``init(oracle, rng, z, v, x)`` and ``step(state)``
    z0, v0 : (p,) arrays; x0 : (d,) array
        Common start of all replicates; ``v0=None`` is zero.
    rng : numpy Generator
        Every random number of the run comes from it.
    replicates : int
        R, independent runs that advance together.
    max_iterations : int
    budget : int or None
        Evaluations (inner plus outer) a replicate may use; an iteration that does not
        fit is not started.
    tolerance : float
        Stop a replicate when the solver's own estimate (``solver.tolerance_quantity``)
        is at most this; 0 never stops.
    record_every : int or None
        Iterations between rows of the history; None records nothing at all.
    divergence_threshold : float
        A replicate with a coordinate beyond this in size has diverged.
    callback : callable(k, state) -> bool, optional
        Called after each iteration; a true value stops the run.

    Returns
    -------
    Result

    Raises
    ------
    ValueError
        For a start of the wrong shape, or a budget below the cost of one iteration
        (nothing is evaluated then).
    """
    keep_freed_memory()
    check_dimension("replicates", replicates)
    check_dimension("max_iterations", max_iterations)
    check_positive("tolerance", tolerance, zero=True)
    check_positive("divergence_threshold", divergence_threshold)
    z, x, v = _start(problem, z0, x0, v0, replicates)
    cost = 0
    if budget is not None:
        check_dimension("budget", budget)
        cost = sum(iteration_cost(problem, solver, rng))
        if budget < cost:
            raise ValueError(
                f"budget={budget} is below the cost of one iteration, {cost} evaluations with these "
                "options; raise the budget or lower l1, l2, b1 or b2"
            )
    oracle = Oracle(problem, replicates)
    state = solver.init(oracle, rng, z, v, x)
    recorder = Recorder(problem, record_every, replicates)
    status = np.full(replicates, int(Status.MAX_ITERATIONS))
    nit = np.zeros(replicates, dtype=np.int64)

    # Overflow in a diverging replicate is a status, not a warning.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for k in range(max_iterations):
            if budget is not None and int((oracle.n_inner + oracle.n_outer).max()) + cost > budget:
                status[oracle.active] = Status.BUDGET
                break
            recorder.record(k, state.x, oracle.active)
            previous, state = state, solver.step(state)
            nit += oracle.active
            state = _settle(previous, state, oracle, status, divergence_threshold)
            if tolerance > 0 and state.estimate is not None:
                done = oracle.active & (state.estimate <= tolerance)
                if done.any():
                    status[done] = Status.CONVERGED
                    oracle.freeze(done)
            if not oracle.active.any():
                break
            if callback is not None and callback(k, state):
                status[oracle.active] = Status.STOPPED
                break
    history, mean = recorder.finish(int(nit.max()), state.x, nit)
    return Result(
        x=state.x, z=state.z, v=state.v, status=status, nit=nit,
        n_inner=oracle.n_inner, n_outer=oracle.n_outer, mean_stationarity=mean, history=history,
        estimate=state.estimate, problem=problem.name, solver=getattr(solver, "name", type(solver).__name__),
        message=[Status(s).message for s in status],
    )  # fmt: skip


def iteration_cost(problem: BilevelProblem, solver: Any, rng: np.random.Generator) -> tuple[int, int]:
    """Evaluations (inner, outer) of one iteration, counted on a dry run that evaluates nothing.

    The generator is copied, not advanced.
    """
    dry = DryOracle(problem, 1)
    state = solver.init(
        dry, copy.deepcopy(rng), np.zeros((1, problem.p)), np.zeros((1, problem.p)), np.zeros((1, problem.d))
    )
    solver.step(state)
    return int(dry.n_inner[0]), int(dry.n_outer[0])


def _start(
    problem: BilevelProblem, z0: Array, x0: Array, v0: Array | None, replicates: int
) -> tuple[Array, Array, Array]:
    arrays = []
    v0 = np.zeros(problem.p) if v0 is None else v0
    for name, value, size in (("z0", z0, problem.p), ("x0", x0, problem.d), ("v0", v0, problem.p)):
        array = np.asarray(value, dtype=np.float64)
        if array.shape != (size,):
            raise ValueError(f"{name} must have shape ({size},), got {array.shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} must be finite, got {array!r}")
        arrays.append(np.tile(array, (replicates, 1)))
    return arrays[0], arrays[1], arrays[2]


def _settle(previous: Any, state: Any, oracle: Oracle, status: NDArray[np.int64], threshold: float) -> Any:
    """Freeze replicates that left the finite world, at their last finite iterates.

    Those that were frozen before stay where they are, with the estimate they had.
    """
    sizes = [np.abs(iterate).max() for iterate in (state.z, state.v, state.x)]
    # Each comparison is false for NaN.
    if all(size <= threshold for size in sizes) and oracle.active.all() and not oracle.non_finite.any():
        return state
    frozen = ~oracle.active
    largest = np.maximum(np.abs(state.z).max(axis=1), np.abs(state.v).max(axis=1))
    largest = np.maximum(largest, np.abs(state.x).max(axis=1))
    infinite = (oracle.non_finite | ~np.isfinite(largest)) & oracle.active
    diverged = (largest > threshold) & ~infinite & oracle.active
    status[infinite] = Status.NON_FINITE
    status[diverged] = Status.DIVERGED
    oracle.non_finite[:] = False
    oracle.freeze(infinite | diverged)
    keep = (infinite | diverged | frozen)[:, None]
    estimate = state.estimate
    if estimate is not None and previous.estimate is not None:
        estimate = np.where(frozen, previous.estimate, estimate)
    return replace(
        state,
        z=np.where(keep, previous.z, state.z),
        v=np.where(keep, previous.v, state.v),
        x=np.where(keep, previous.x, state.x),
        estimate=estimate,
    )
