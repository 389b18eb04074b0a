"""All methods on one problem, each on its own copy with the same errors in the values."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .classes import Class
from .methods import METHODS, OWN
from .referee import LEVELS, Counter, Report, Run, judge

__all__ = ["budget", "race", "run_one"]


def budget(p: int, d: int) -> int:
    """Evaluations that a method may make: several times what FD-implicit needs at the sizes in the list."""
    return min(10_000 + 100 * p * (p + d), 1_000_000)


def run_one(kind: Class, seed: int, index: int, name: str, limit: int) -> Run | None:
    """One method on one problem, or None if it is not meant for it."""
    problem = kind.problem(seed, index)
    method = METHODS[name]
    if not method.takes(problem):
        return None
    counter = Counter(problem, limit)
    task = counter.task(np.random.default_rng(kind.seeds(seed, index)[2]))
    try:
        with np.errstate(all="ignore"):
            report = method.run(task)
    except Exception as error:  # a method that fails has its result, too
        report = Report(task.x0, False, f"raised {type(error).__name__}", message=str(error))
    return judge(counter, report)


def race(kind: Class, seed: int, index: int, names: Iterable[str], *, full: bool = False) -> dict[str, Run]:
    """The methods one after the other.

    Parameters
    ----------
    full : bool
        Otherwise a peer stops where it has used more evaluations than another one needed in all to end within the
        accuracy: it cannot become the best any more.
    """
    limit = budget(kind.p, kind.d)
    best = limit
    runs = {}
    for name in names:
        run = run_one(kind, seed, index, name, limit if full or name == OWN else best)
        if run is None:
            continue
        runs[name] = run
        if name != OWN and run.error <= LEVELS[0] and run.status != "budget":
            best = min(best, run.evaluations)
    return runs
