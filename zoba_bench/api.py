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
from zoba_bench.driver import read_only, run
from zoba_bench.exactness import SamePoint
from zoba_bench.problem import BilevelProblem
from zoba_bench.problem.inner_check import check_inner_solution
from zoba_bench.registry import load_problem, make_solver
from zoba_bench.result import Result
from zoba_bench.validation import check_dimension, check_vector, is_integer

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
    **options: Any,
) -> Result:
    """Run a solver on a problem and measure it with the problem's closed forms.

    Parameters
    ----------
    problem : BilevelProblem or str
        A problem, the name of a registered one, or "file.py:name". A declared inner solution is checked at a few
        points first, uncounted. F and G, where they are declared exact, are asked for their values at the start
        twice, and again after iterations 1, 10, 100 and so on, also uncounted.
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
        Stops the run when it returns a true value. The arrays of the state are read-only copies.
    **options
        The solver's own: ``h``, ``eta``, ``l1``, ``rho``, ``gamma``, ``schedule``, ...

    Returns
    -------
    Result
        A diverged or failed replicate is a row with a status, not an exception. On a problem without a card, as one's
        own are, ``advice`` says what to change where the default options left more than half of the way.

    Raises
    ------
    ValueError, TypeError
        For arguments out of range, an inner solution that is none, and a function that is declared exact and returns
        two values at one point.

    Warns
    -----
    NotExactWarning
        For such a function that changes later.
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
        same.look(k + 1)
        return None if callback is None else callback(k, read_only(state))

    z = start_z if z0 is None else check_vector("z0", z0, problem.p)
    x = start_x if x0 is None else check_vector("x0", x0, problem.d)
    v = None if v0 is None else check_vector("v0", v0, problem.p)
    same = SamePoint(problem, z, x)
    result = run(
        problem, configuration, z0=z, x0=x, v0=v, rng=generator(run_seed), replicates=replicates,
        max_iterations=max_iterations, budget=budget, tolerance=tolerance, record_every=record_every,
        gradient_cost=gradient_cost, callback=follow,
    )  # fmt: skip
    result = replace(result, travelled=np.linalg.norm(result.x - x, axis=-1))
    if problem.card is not None or options or not seen:  # chosen by somebody who knows the problem
        return result
    return replace(result, advice=advice(problem, configuration, result, x, seen[0]))


def _sequence(seed: int | np.random.SeedSequence) -> np.random.SeedSequence:
    if isinstance(seed, np.random.SeedSequence):
        return np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key)
    if not is_integer(seed) or seed < 0:
        raise ValueError(f"seed must be a non-negative integer, got {seed!r}")
    return np.random.SeedSequence(int(seed))
