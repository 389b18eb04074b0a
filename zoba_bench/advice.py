"""What to change where a solver's default options left most of the way."""

from __future__ import annotations

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.contracts import Solver
from zoba_bench.problem import BilevelProblem
from zoba_bench.result import Result, Status

__all__ = ["advice"]


_LEFT = 0.5  # share of the way above which something is said
_STEPS = ("rho", "gamma", "alpha", "beta", "eta", "schedule")


def advice(problem: BilevelProblem, solver: Solver, result: Result, x0: Array, first: Array) -> str:
    """Advice on a run with default options, or nothing where it came far, or ended for a reason of its own.

    Parameters
    ----------
    problem, solver, result
    x0 : (d,) array
        The start.
    first : (R,) array
        The norm of the surrogate hypergradient in the first iteration.
    """
    unfinished = np.isin(result.status, (Status.MAX_ITERATIONS, Status.BUDGET))
    found = _left(problem, result, x0, first)
    if found is None or result.travelled is None:
        return ""
    share, what = found
    if not unfinished.any() or not float(np.median(share[unfinished])) > _LEFT:  # false for NaN
        return ""
    names = [name for name in _STEPS if name in solver.option_names()]
    now = ", ".join(f"{name}={getattr(solver, name)!r}" for name in names)
    return (
        f"{what} is still {np.median(share[unfinished]):.0%} of what it was at the start, and x moved by "
        f"{np.median(result.travelled[unfinished]):.2g}: the default steps ({now}) do not fit this problem. Give steps "
        "ten times larger or smaller until the run is fast and does not diverge"
        f"{', with a constant schedule' if 'schedule' in names else ''}, "
        f"{'let tune=True choose them, ' if {'rho', 'gamma'} <= set(names) else ''}or use zoba_bench.minimize"
    )


def _left(problem: BilevelProblem, result: Result, x0: Array, first: Array) -> tuple[Array, str] | None:
    """What is left, as a share of the start, of the nearest thing to a distance that is known."""
    with np.errstate(divide="ignore", invalid="ignore"):
        if problem.minimizer is not None:
            away = np.linalg.norm(result.x - problem.minimizer, axis=-1)
            return np.asarray(away / np.linalg.norm(x0 - problem.minimizer)), "the distance to the minimiser"
        if problem.hypergradient is not None:
            norms = [np.linalg.norm(np.atleast_2d(problem.hypergradient(x)), axis=-1) for x in (result.x, x0[None])]
            return np.asarray(norms[0] / norms[1]), "the hypergradient"
        if result.estimate is None:
            return None
        return np.asarray(result.estimate / first), "the estimated hypergradient"
