"""The one loop around every solver: counting, recording, stopping, statuses."""

from __future__ import annotations

import copy
import tracemalloc
import warnings
from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array, frozen
from zoba_bench.compiled.ahead import ahead_of
from zoba_bench.contracts import HasMemory, Solver, State, require
from zoba_bench.memory import check_memory, keep_freed_memory, shown
from zoba_bench.oracle import DryOracle, Oracle, weights
from zoba_bench.problem import BilevelProblem
from zoba_bench.recorder import Recorder
from zoba_bench.resolution import watching
from zoba_bench.result import Result, Status
from zoba_bench.solvers.base import StepWarning
from zoba_bench.validation import MOST_PASSES, check_dimension, check_positive, check_vector, is_integer

__all__ = ["iteration_cost", "iteration_memory", "read_only", "run", "start_cost"]


def run(
    problem: BilevelProblem,
    solver: Solver,
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
    gradient_cost: str = "one",
    max_memory: int | str | None = None,
    callback: Callable[[int, State], object] | None = None,
    ready: Callable[[], object] | None = None,
    compiled: bool | str = False,
    callback_at: Callable[[int], int] | None = None,
) -> Result:
    """Run a solver from one start, R replicates at once.

    Parameters
    ----------
    problem : BilevelProblem
    solver : zoba_bench.contracts.Solver
    z0, v0 : (p,) arrays; x0 : (d,) array
        Common start of all replicates; ``v0=None`` is zero.
    rng : numpy Generator
        Every random number of the run comes from it.
    replicates : int
        R, independent runs that advance together.
    max_iterations : int
    budget : int or None
        Evaluations (inner plus outer, derivatives by ``gradient_cost``) a replicate may use; an iteration that
        does not fit is not started.
    tolerance : float
        Stop a replicate when the solver's own estimate (``solver.tolerance_quantity``)
        is at most this; 0 never stops. An estimate from differences that see rounding alone is not believed: the
        status is UNRESOLVED then, whatever the tolerance.
    record_every : int or None
        Iterations between rows of the history; None records nothing at all.
    divergence_threshold : float
        A replicate with a coordinate beyond this in size has diverged.
    gradient_cost : {"one", "dimension"}
        What a gradient or a product with second derivatives takes of the budget: one evaluation, or as many as
        it has components.
    max_memory : int or str, optional
        Bytes, or text such as "1G", that an iteration may allocate beside what F and G do. A run that needs more is not
        started; see :func:`iteration_memory`.
    callback : callable(k, state) -> bool, optional
        Called after each iteration; a true value stops the run.
    ready : callable(), optional
        Called when nothing is left to be refused, before anything is evaluated.
    compiled : bool or "auto"
        Whether iterations run in a compiled loop (extra ``fast``), with the same random numbers, counts and statuses
        and results that are equal up to rounding; see :func:`zoba_bench.compiled.ahead.ahead_of`.
    callback_at : callable(k) -> int, optional
        The first iteration from k on after which the callback needs to be called. A compiled loop goes on until then;
        without this it does one iteration at a time where there is a callback.

    Returns
    -------
    Result

    Raises
    ------
    TypeError
        For a solver that lacks a member of its contract.
    ValueError
        For a start of the wrong shape, a problem that lacks what the solver needs, or a budget or a memory below what
        one iteration takes, or for ``compiled=True`` where there is no compiled loop (nothing is evaluated then).
    ImportError
        For ``compiled=True`` without numba.

    Warns
    -----
    StepWarning
        For a step outside the range in which theory promises a stable iteration.
    """
    keep_freed_memory()
    require(f"solver {solver!r}", solver, Solver)
    check_dimension("replicates", replicates)
    check_dimension("max_iterations", max_iterations)
    check_positive("tolerance", tolerance, zero=True)
    check_positive("divergence_threshold", divergence_threshold)
    z, x, v = _start(problem, z0, x0, v0, replicates)
    cost = weights(gradient_cost, problem.p, problem.d)
    solver.check(problem)
    _warn_of_steps(problem, solver)
    if budget is not None:
        check_dimension("budget", budget)
    _check_sizes(problem, solver, budget)
    if max_memory is not None:
        _check_memory(problem, solver, replicates, rng, check_memory("max_memory", max_memory))
    most = 0
    if budget is not None:
        first, most = _costs(problem, solver, rng, cost)
        if budget < first + most:
            raise ValueError(
                f"budget={budget} is below the cost of one iteration, {first + most} evaluations with these "
                f"options{_of_start(first)}; raise the budget or lower {_ways_down(solver)}"
            )
    ahead = ahead_of(compiled, problem, solver, replicates)
    each = {} if ahead is None else iteration_cost(problem, solver, rng)
    if ahead is not None:
        ahead.check(problem, z[0], x[0])
    if ready is not None:
        ready()
    noise = problem.capabilities.noise
    oracle = Oracle(problem, replicates, None if noise is None else noise.stream(rng))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # as in the loop below
        state = solver.init(oracle, rng, z, v, x)
    recorder = Recorder(problem, record_every, replicates)
    status = np.full(replicates, int(Status.MAX_ITERATIONS))
    nit = np.zeros(replicates, dtype=np.int64)

    # Overflow in a diverging replicate is a status, not a warning.
    blind: dict[int, str] = {}
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"), watching(replicates) as watch:
        k = -1
        while (k := k + 1) < max_iterations:
            room = max_iterations - k
            if budget is not None:
                over = oracle.active & (oracle.spent(cost) + most > budget)
                status[over] = Status.BUDGET
                oracle.freeze(over)
                if not oracle.active.any():
                    break
                room = min(room, (budget - int(oracle.spent(cost).max())) // most)
            if ahead is not None and k > 0 and oracle.all_active:  # the first iteration also looks at radii
                last = max_iterations if callback is None else k if callback_at is None else callback_at(k)
                state, path = ahead.run(state, min(room, last + 1 - k), divergence_threshold, tolerance, each)
                if len(path):
                    recorder.record_path(k, path)
                    nit += len(path)
                    k += len(path) - 1
                    if callback is not None and k == last and callback(k, state):
                        status[oracle.active] = Status.STOPPED
                        break
                    continue
            recorder.record(k, state.x, oracle.active)
            watch.clear()
            previous, state = state, solver.step(state)
            nit += oracle.active
            for r, why in watch.blind(state.estimate, tolerance, (previous.z, previous.x), k == 0).items():
                if oracle.active[r]:
                    blind[r], status[r] = why, Status.UNRESOLVED
            if blind:  # what they did to the iterates is undone with the rest that is frozen
                oracle.freeze(status == Status.UNRESOLVED)
            state = _settle(previous, state, oracle, status, divergence_threshold)
            if tolerance > 0 and state.estimate is not None:
                done = oracle.active & (state.estimate <= tolerance)
                if np.count_nonzero(done):
                    status[done] = Status.CONVERGED
                    oracle.freeze(done)
            if not (oracle.all_active or oracle.active.any()):
                break
            if callback is not None and callback(k, state):
                status[oracle.active] = Status.STOPPED
                break
        history, mean = recorder.finish(int(nit.max()), state.x, nit)
    return Result(
        x=state.x, z=state.z, v=state.v, status=status, nit=nit,
        n_inner=oracle.n_inner, n_outer=oracle.n_outer, counts=oracle.counts, mean_stationarity=mean, history=history,
        estimate=state.estimate, problem=problem.name, solver=solver.name,
        message=[
            _message(Status(s), solver, int(k), blind.get(i) or oracle.met.get(i, ""))
            for i, (s, k) in enumerate(zip(status, nit, strict=True))
        ],
        non_finite=next(iter(oracle.met.values()), ""), tolerance=float(tolerance),
    )  # fmt: skip


def read_only(state: State) -> State:
    """The state with copies of its arrays that cannot be written to: what a callback is shown."""
    arrays = {
        field.name: frozen(value)
        for field in fields(state)
        if isinstance(value := getattr(state, field.name), np.ndarray)
    }
    return replace(state, **arrays)


def iteration_cost(problem: BilevelProblem, solver: Solver, rng: np.random.Generator) -> dict[str, int]:
    """What one iteration queries, by name, counted on a dry run that evaluates nothing.

    The generator is copied, not advanced.
    """
    before, after = _dry_counts(problem, solver, rng)
    return {name: after[name] - before[name] for name in after if after[name] > before[name]}


def start_cost(problem: BilevelProblem, solver: Solver, rng: np.random.Generator) -> dict[str, int]:
    """What the start of a run queries before its first iteration, counted like :func:`iteration_cost`."""
    before, _ = _dry_counts(problem, solver, rng)
    return {name: count for name, count in before.items() if count}


def iteration_memory(problem: BilevelProblem, solver: Solver, replicates: int, rng: np.random.Generator) -> int:
    """Bytes that an iteration allocates at once, about, beside what F and G do.

    A solver with a method ``memory(problem, replicates)`` says so itself, as those of the single loop do: their
    directions come in blocks, so that it hardly grows with their number. For others an iteration of one replicate is
    tried that evaluates nothing, on a copy of the generator.
    """
    if isinstance(solver, HasMemory):
        return int(solver.memory(problem, replicates))
    own = not tracemalloc.is_tracing()
    if own:
        tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        _dry_counts(problem, solver, rng)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        if own:
            tracemalloc.stop()
    return replicates * (peak - before)


def _check_memory(
    problem: BilevelProblem, solver: Solver, replicates: int, rng: np.random.Generator, most: int
) -> None:  # fmt: skip
    needed = iteration_memory(problem, solver, replicates, rng)
    if needed > most:
        raise ValueError(
            f"max_memory={most} ({shown(most)}) is below what an iteration of {solver.name} allocates with these "
            f"options, about {shown(needed)}; raise it, or lower replicates or {_ways_down(solver)}"
        )


def _dry_counts(
    problem: BilevelProblem, solver: Solver, rng: np.random.Generator
) -> tuple[dict[str, int], dict[str, int]]:
    """Counts after the start and after one iteration."""
    dry = DryOracle(problem, 1)
    zeros = [np.zeros((1, size)) for size in (problem.p, problem.p, problem.d)]
    state = solver.init(dry, copy.deepcopy(rng), *zeros)
    before = {name: int(count[0]) for name, count in dry.counts.items()}
    with np.errstate(all="ignore"):
        solver.step(state)
    return before, {name: int(count[0]) for name, count in dry.counts.items()}


def _costs(problem: BilevelProblem, solver: Solver, rng: np.random.Generator, cost: dict[str, int]) -> tuple[int, int]:
    """Evaluations of the start, and of one iteration."""
    before, after = _dry_counts(problem, solver, rng)
    first = sum(weight * before[name] for name, weight in cost.items())
    return first, sum(weight * after[name] for name, weight in cost.items()) - first


#: Samples an iteration, where a problem has any.
_BATCHES = ("b1", "b2", "batch", "B", "S", "D_f", "D_g")
_BEYOND = 10**9  # passes, directions or samples an iteration
_RADII = ("h", "h2", "eta", "h_bar", "nu", "rho_r", "rho_s", "rho_v")


def _message(status: Status, solver: Solver, nit: int, met: str) -> str:
    """What happened, in which iteration a run failed, and what to try: of a solver that says so, in its own options."""
    if status is Status.DIVERGED:
        return f"diverged in iteration {nit}: {solver.remedy}"
    if status is Status.UNRESOLVED:
        names = [name for name in _RADII if name in solver.option_names()]
        return f"iteration {nit}: {met}; raise {' or '.join(names) or 'the radii'}"
    if status is Status.NON_FINITE and met:
        return f"iteration {nit}: {met}; returned the last finite iterate"
    if status is Status.NON_FINITE:
        return f"iteration {nit}: {status.message}"
    return status.message


def _check_sizes(problem: BilevelProblem, solver: Solver, budget: int | None) -> None:
    """Refuse what no iteration would end, before it is even counted: passes of loops, directions, and batches."""
    drawn = (problem.inner_samples, problem.outer_samples, problem.capabilities.tasks)
    sampled = any(each is not None for each in drawn)
    loops = getattr(solver, "loop_options", ())
    for name in dict.fromkeys((*loops, *solver.cost_options)):
        size = getattr(solver, name, 0)  # the name of an option, or words
        if not is_integer(size) or (name in _BATCHES and not sampled):
            continue
        counted = MOST_PASSES if name not in loops else 0  # of directions so many are soon counted, with their cost
        if budget is not None and size > max(budget, counted):
            what = f"whose loop of {name}={size} passes" if name in loops else f"which takes {name}={size}"
            raise ValueError(
                f"budget={budget} is below the cost of one iteration, {what}, an evaluation "
                f"each at least; raise the budget or lower {name}"
            )
        if size > _BEYOND:
            raise ValueError(
                f"{name}={size} is beyond any budget: one iteration takes {size} evaluations; lower {name}"
            )


def _of_start(first: int) -> str:
    return f" ({first} of them once, at the start)" if first else ""


def _ways_down(solver: Solver) -> str:
    """The options that make an iteration cheaper, in words."""
    names = list(solver.cost_options)
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names) or "the cost of an iteration"


def _warn_of_steps(problem: BilevelProblem, solver: Solver) -> None:
    for name, value, end, symbols in solver.stable_steps(problem):
        if value >= end:
            warnings.warn(
                f"{solver.name} on {problem.name}: {name}={value:.4g} is outside of the stable range "
                f"(0, {symbols}) = (0, {end:.4g}); the iteration may diverge",
                StepWarning,
                stacklevel=4,
            )


def _start(
    problem: BilevelProblem, z0: Array, x0: Array, v0: Array | None, replicates: int
) -> tuple[Array, Array, Array]:
    arrays = []
    v0 = np.zeros(problem.p) if v0 is None else v0
    for name, value, size in (("z0", z0, problem.p), ("x0", x0, problem.d), ("v0", v0, problem.p)):
        arrays.append(np.tile(check_vector(name, value, size), (replicates, 1)))
    return arrays[0], arrays[1], arrays[2]


def _settle(previous: State, state: State, oracle: Oracle, status: NDArray[np.int64], threshold: float) -> State:
    """Freeze replicates that left the finite world, at their last finite iterates.

    Those that were frozen before stay where they are, with the estimate they had.
    """
    size = np.maximum.reduce(np.abs(np.concatenate((state.z, state.v, state.x), axis=1)), axis=None)
    # The comparison is false for NaN.
    if size <= threshold and oracle.all_active and not np.count_nonzero(oracle.non_finite):
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
