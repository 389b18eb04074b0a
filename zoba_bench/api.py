"""``solve``: run a registered solver on a problem."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from zoba_bench.advice import advice
from zoba_bench.arrays import Array
from zoba_bench.contracts import State
from zoba_bench.directions import generator
from zoba_bench.driver import run
from zoba_bench.problem import BilevelProblem
from zoba_bench.problem.inner_check import check_inner_solution
from zoba_bench.registry import load_problem, make_solver
from zoba_bench.result import Result
from zoba_bench.validation import check_dimension

__all__ = ["solve"]


def solve(
    problem: BilevelProblem | str,
    solver: str = "hf-zoba",
    *,
    max_iterations: int | None = None,
    budget: int | None = None,
    replicates: int = 1,
    seed: int | np.random.SeedSequence = 0,
    x0: ArrayLike | None = None,
    z0: ArrayLike | None = None,
    v0: ArrayLike | None = None,
    tolerance: float = 0.0,
    record_every: int | None = 1,
    gradient_cost: str = "one",
    callback: Callable[[int, State], object] | None = None,
    tune: bool = False,
    **options: Any,
) -> Result:
    """Run a solver on a problem and measure it with the problem's closed forms.

    Parameters
    ----------
    problem : BilevelProblem or str
        A problem, the name of a registered one, or "file.py:name". A declared inner solution is checked at a few
        points first, uncounted.
    solver : str
        Name of a solver or preset, see ``list_solvers()``.
    max_iterations : int, optional
        1000 where neither this nor a budget is given; unlimited under a budget.
    budget : int, optional
        Evaluations of F and G together, per replicate, and derivatives by ``gradient_cost``; never exceeded.
    replicates : int
        Independent runs from the same start.
    seed : int
        Seed of the start and of every random draw. Same seed, same bits.
    x0, z0, v0 : array_like, optional
        Start, shapes (d,), (p,), (p,); the problem's own where None, zero for v.
    tolerance : float
        Stop a replicate when its surrogate hypergradient norm is at most this.
    record_every : int or None
        Iterations between rows of the history; None records nothing.
    gradient_cost : {"one", "dimension"}
        What a gradient or a product with second derivatives takes of the budget: one evaluation, or as many as
        it has components.
    callback : callable(k, state) -> bool, optional
        Stops the run when it returns a true value.
    tune : bool
        Choose steps, radii and a constant schedule from the curvature at the start, which central differences measure:
        of ``zoba``, ``hf-zoba`` and their variants. Options that are given are kept. The evaluations, up to about
        5 (p + d)^2 / 2, count for each replicate and are part of the budget; ``Result.tuning`` says what was chosen.
    **options
        The solver's own: ``h``, ``eta``, ``l1``, ``rho``, ``gamma``, ``schedule``, ...

    Returns
    -------
    Result
        A diverged or failed replicate is a row with a status, not an exception. On a problem without a card, as one's
        own are, ``advice`` says what to change where the default options left more than half of the way.
    """
    if isinstance(problem, str):
        problem = load_problem(problem)
    elif not isinstance(problem, BilevelProblem):
        raise TypeError(f"problem must be a BilevelProblem or the name of a registered one, got {problem!r}")
    configuration = make_solver(solver, **options)
    if budget is not None:
        check_dimension("budget", budget)
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be a function of (k, state), got {callback!r}")
    check_inner_solution(problem)
    start_seed, run_seed = _sequence(seed).spawn(2)
    start_z, start_x = problem.initial_point(np.random.default_rng(start_seed))
    if max_iterations is None:
        max_iterations = 1000 if budget is None else max(1, budget)
    seen: list[Array] = []

    def follow(k: int, state: State) -> object:
        if state.estimate is not None and k in (0, 1):
            seen.append(state.estimate.copy())
        return None if callback is None else callback(k, state)

    start_x = start_x if x0 is None else np.asarray(x0, dtype=np.float64)
    start_z = start_z if z0 is None else np.asarray(z0, dtype=np.float64)
    tuning = None
    if tune:
        from zoba_bench.minimization.steps import tuned

        tuning = tuned(problem, configuration, options, start_z, start_x, budget)
        configuration = tuning.solver
        budget = None if budget is None else budget - sum(tuning.counts.values())
    result = run(
        problem, configuration,
        z0=start_z,
        x0=start_x,
        v0=None if v0 is None else np.asarray(v0, dtype=np.float64),
        rng=generator(run_seed), replicates=replicates, max_iterations=max_iterations,
        budget=budget, tolerance=tolerance, record_every=record_every, gradient_cost=gradient_cost,
        callback=follow,
    )  # fmt: skip
    result = replace(result, travelled=np.linalg.norm(result.x - start_x, axis=-1))
    if tuning is not None:
        return _with_tuning(result, tuning.counts, tuning.text)
    if problem.card is not None or options or not seen:  # chosen by somebody who knows the problem
        return result
    return replace(result, advice=advice(problem, configuration, result, start_x, seen[0]))


def _with_tuning(result: Result, counts: dict[str, int], text: str) -> Result:
    """The result with the evaluations of the tuning counted for each replicate."""
    made = {name: count + counts.get(name, 0) for name, count in result.counts.items()}
    return replace(
        result, counts=made, n_inner=result.n_inner + counts["inner"], n_outer=result.n_outer + counts["outer"],
        tuning=text,
    )  # fmt: skip


def _sequence(seed: int | np.random.SeedSequence) -> np.random.SeedSequence:
    if isinstance(seed, np.random.SeedSequence):
        return np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key)
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"seed must be a non-negative integer, got {seed!r}")
    return np.random.SeedSequence(int(seed))
