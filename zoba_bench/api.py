"""``solve``: run a solver on a problem."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from zoba_bench.advice import advice
from zoba_bench.arrays import Array, Vector
from zoba_bench.contracts import Solver, State
from zoba_bench.directions import generator
from zoba_bench.driver import read_only, run
from zoba_bench.exactness import SamePoint
from zoba_bench.final_value import with_final_value
from zoba_bench.problem import BilevelProblem
from zoba_bench.problem.inner_check import check_inner_solution
from zoba_bench.registry import load_problem, make_solver
from zoba_bench.result import Result
from zoba_bench.suggestions import refuse_misspelt
from zoba_bench.threads import one_thread
from zoba_bench.validation import check_positive, check_vector, check_whole, either, is_integer

__all__ = ["solve"]


def solve(
    problem: BilevelProblem | str,
    solver: str | type[Solver] | Solver = "hf-zoba",
    x0: Vector | None = None,
    z0: Vector | None = None,
    *,
    max_iterations: float | None = None,
    budget: float | None = None,
    tolerance: float | None = None,
    replicates: int = 1,
    seed: int | np.random.Generator | np.random.SeedSequence = 0,
    v0: Vector | None = None,
    record_every: int | None = 1,
    gradient_cost: str = "one",
    max_memory: int | str | None = None,
    callback: Callable[[int, State], object] | None = None,
    compiled: bool | str = False,
    tune: bool = False,
    maxiter: float | None = None,
    maxfev: float | None = None,
    tol: float | None = None,
    **options: Any,
) -> Result:
    """Run a solver on a problem and measure it with the problem's closed forms.

    Parameters
    ----------
    problem : BilevelProblem or str
        A problem, the name of a registered one, or "file.py:name". A declared inner solution is checked at a few
        points first, uncounted. F and G, where they are declared exact, are asked for their values at the start
        twice, and again after iterations 1, 10, 100 and so on, also uncounted.
    solver : str, class or object
        Name of a solver or preset, see ``list_solvers()``; "file.py:Class"; a solver's class; or an object of one,
        which has its options already.
    x0, z0 : array_like, shapes (d,) and (p,), optional
        Start; the problem's own where None.
    max_iterations, maxiter : int, optional
        Two names of one limit. 1000 where neither this nor a budget is given; unlimited under a budget.
    budget, maxfev : int, optional
        Two names of one limit: evaluations of F and G together, per replicate, and derivatives by ``gradient_cost``;
        never exceeded. Whole numbers may be written as floats, 1e5.
    tolerance, tol : float, optional
        Two names. Stop a replicate when its surrogate hypergradient norm is at most this; never where None or 0.
    replicates : int
        Independent runs from the same start.
    seed : int, numpy Generator or SeedSequence
        Seed of the start and of every random draw. Same integer, same bits, on the same machine with the same versions
        of numpy and of its BLAS: whatever OMP_NUM_THREADS says, the BLAS uses one thread here, and directions are drawn
        and summed in the same blocks, whatever memory there is. A Generator gives four numbers as a seed and moves on,
        so that a second call with it is another run.
    v0 : array_like, shape (p,), optional
        Start of v; zero where None.
    record_every : int or None
        Iterations between rows of the history; None records nothing.
    gradient_cost : {"one", "dimension"}
        What a gradient or a product with second derivatives takes of the budget: one evaluation, or as many as
        it has components.
    max_memory : int or str, optional
        Bytes, or text such as "1G", that an iteration may allocate beside what F and G do. A run that needs more is
        refused before it starts, with what to lower. The result does not depend on it.
    callback : callable(k, state) -> bool, optional
        Stops the run when it returns a true value. The arrays of the state are read-only copies.
    compiled : bool or "auto"
        Run iterations in a loop that numba compiles (extra ``fast``): ``zoba``, ``hf-zoba`` and their variants with
        Gaussian directions on problems that offer G and F at one point, as ``reference`` and the quadratics do. Random
        numbers, counts and statuses are the same, iterates equal up to rounding. It pays where an iteration is a few
        hundred evaluations in few dimensions; compiling takes seconds, once a process. "auto" does so where it can and
        where iterations are small.
    tune : bool
        Choose steps, radii and a constant schedule from the curvature at the start, which central differences measure:
        of ``zoba``, ``hf-zoba`` and their variants. Options that are given are kept. The evaluations, up to about
        5 (p + d)^2 / 2, count for each replicate and are part of the budget; ``Result.tuning`` says what was chosen.
    **options
        The solver's own, for a name or a class: ``h``, ``eta``, ``l1``, ``rho``, ``gamma``, ``schedule``, ...

    Returns
    -------
    Result
        A diverged or failed replicate is a row with a status, not an exception. ``success`` is True for CONVERGED, and
        for BUDGET where a budget but no tolerance was given, which such a run is for; every other end is no success. On
        a problem without a card, as one's own are, ``advice`` says what to change where the default options left more
        than half of the way.

    Raises
    ------
    ValueError, TypeError
        For arguments out of range, two names of one argument, an option that the solver does not have, a start of
        the wrong shape, an inner solution that is none, and a function that is declared exact and returns two values
        at one point (asked twice at the start and in iterations 1, 10, 100, ..., outside the count).

    Warns
    -----
    NotExactWarning
        For such a function that changes later.

    Examples
    --------
    >>> import zoba_bench as zb
    >>> problem = zb.load_problem("reference", p=3, d=2)
    >>> result = zb.solve(problem, "hf-zoba-shared", [1.0, -1.0], rho=0.1, budget=2e5)
    >>> bool(result.success[0]), result.message[0]
    (True, 'the next iteration would exceed the evaluation budget')
    """
    if isinstance(problem, str):
        problem = load_problem(problem)
    elif not isinstance(problem, BilevelProblem):
        raise TypeError(f"problem must be a BilevelProblem or the name of a registered one, got {problem!r}")
    try:
        configuration = make_solver(solver, **options)
    except TypeError:
        refuse_misspelt(solve, options)
        raise
    limit = _limit(max_iterations=max_iterations, maxiter=maxiter)
    most = _limit(budget=budget, maxfev=maxfev)
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be a function of (k, state), got {callback!r}")
    with one_thread("blas"):
        check_inner_solution(problem)
        start_seed, run_seed = _sequence(seed).spawn(2)
        start_z, start_x = problem.initial_point(np.random.default_rng(start_seed))
        if limit is None:
            limit = 1000 if most is None else max(1, most)
        seen: list[Array] = []

        def follow(k: int, state: State) -> object:
            if state.estimate is not None and k in (0, 1):
                seen.append(state.estimate.copy())
            same[0].look(k + 1)
            return None if callback is None else callback(k, read_only(state))

        z = start_z if z0 is None else check_vector("z0", z0, problem.p)
        x = start_x if x0 is None else check_vector("x0", x0, problem.d)
        v = None if v0 is None else check_vector("v0", v0, problem.p)
        same: list[SamePoint] = []
        tuning, left = None, most
        if tune:
            from zoba_bench.minimization.steps import tuned

            if not isinstance(solver, (str, type)):
                raise ValueError("tune=True is for a solver's name or class: an object has its options already")
            tuning = tuned(problem, configuration, options, z, x, most)
            configuration = tuning.solver
            left = None if most is None else most - sum(tuning.counts.values())
        result = run(
            problem, configuration, z0=z, x0=x, v0=v,
            rng=generator(run_seed), replicates=replicates, max_iterations=limit, budget=left,
            tolerance=_tolerance(tolerance=tolerance, tol=tol), record_every=record_every, gradient_cost=gradient_cost,
            max_memory=max_memory, callback=follow, ready=lambda: same.append(SamePoint(problem, z, x)),
            compiled=compiled, callback_at=None if callback is not None else _looked_at,
        )  # fmt: skip
        result = replace(result, travelled=np.linalg.norm(result.x - x, axis=-1))
        if tuning is not None:
            result = _with_tuning(result, tuning.counts, tuning.text)
        result = with_final_value(problem, result, most, gradient_cost)
        chosen = tune or options or not isinstance(solver, (str, type))
        if problem.card is not None or chosen or not seen:  # by somebody who knows the problem
            return result
        return replace(result, advice=advice(problem, configuration, result, x, seen[0]))


def _looked_at(k: int) -> int:
    """The first iteration from k on after which ``solve`` itself looks: 0, 1, and those before 10, 100, ..."""
    return k if k < 2 else int(10 ** math.ceil(math.log10(k + 1))) - 1


def _with_tuning(result: Result, counts: dict[str, int], text: str) -> Result:
    """The result with the evaluations of the tuning counted for each replicate."""
    made = {name: count + counts.get(name, 0) for name, count in result.counts.items()}
    return replace(
        result, counts=made, n_inner=result.n_inner + counts["inner"], n_outer=result.n_outer + counts["outer"],
        tuning=text,
    )  # fmt: skip


def _limit(**named: Any) -> int | None:
    """A limit with two names; an error has the one that was used."""
    value = either(**named)
    if value is None:
        return None
    return check_whole(next(name for name, each in named.items() if each is not None), value)


def _tolerance(**named: Any) -> float:
    """A tolerance with two names; 0 where neither is given."""
    value = either(**named)
    if value is None:
        return 0.0
    check_positive(next(name for name, each in named.items() if each is not None), value, zero=True)
    return float(value)


def _sequence(seed: int | np.random.Generator | np.random.SeedSequence) -> np.random.SeedSequence:
    if isinstance(seed, np.random.SeedSequence):
        return np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key)
    if isinstance(seed, np.random.Generator):
        return np.random.SeedSequence(seed.integers(2**32, size=4).tolist())
    if not is_integer(seed) or seed < 0:
        raise ValueError(f"seed must be a non-negative integer or a numpy Generator, got {seed!r}")
    return np.random.SeedSequence(int(seed))
