"""All methods on one problem, each on its own copy with the same errors in the values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from .classes import CLASSES, Class
from .methods import METHODS, OWN
from .referee import LEVELS, Counter, Report, Run, judge
from .stored import Store

__all__ = ["TRIED", "Task", "budget", "class_of", "race", "run_class", "run_one", "still_in"]

#: Name of a class, seed, methods, number of problems, whether peers run to their end, and the file of stored runs.
Task = tuple[str, int, list[str], int, bool, Path | None]

TRIED = 2  # problems of a class on which every peer runs


def budget(p: int, d: int) -> int:
    """Evaluations that a method may make: several times what FD-implicit needs at the sizes in the list."""
    return min(10_000 + 100 * p * (p + d), 1_000_000)


def run_one(kind: Class, seed: int, index: int, name: str, limit: int, store: Store | None = None) -> Run | None:
    """One method on one problem, or None if it is not meant for it; from the store where that has it."""
    problem = kind.problem(seed, index)
    method = METHODS[name]
    if not method.takes(problem):
        return None
    key = "" if store is None else store.key(kind.name, seed, index, name, limit)
    known = None if store is None else store.find(key)
    if known is not None:
        return known
    counter = Counter(problem, limit)
    task = counter.task(np.random.default_rng(kind.seeds(seed, index)[2]))
    try:
        with np.errstate(all="ignore"):
            report = method.run(task)
    except Exception as error:  # a method that fails has its result, too
        report = Report(task.x0, False, f"raised {type(error).__name__}", message=str(error))
    run = judge(counter, report)
    if store is not None:
        store.add(key, run)
    return run


def race(
    kind: Class, seed: int, index: int, names: Iterable[str], *, full: bool = False, store: Store | None = None
) -> dict[str, Run]:
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
        run = run_one(kind, seed, index, name, limit if full or name == OWN else best, store)
        if run is None:
            continue
        runs[name] = run
        if name != OWN and run.error <= LEVELS[0] and run.status != "budget":
            best = min(best, run.evaluations)
    return runs


def still_in(names: Sequence[str], runs: Sequence[Mapping[str, Run]]) -> list[str]:
    """Who runs on the next problem of a class, after these runs: everybody at first, then who was first in something.

    That is the first value within the accuracy, the fewest evaluations to an end there, or the least error.
    """
    if len(runs) < TRIED:
        return list(names)
    kept = {OWN}
    for one in runs[:TRIED]:
        peers = {name: run for name, run in one.items() if name != OWN}
        if not peers:
            continue
        kept.add(min(peers, key=lambda name: peers[name].error))
        hits = {name: run.hits[0] for name, run in peers.items() if run.hits[0] is not None}
        ends = {name: run.evaluations for name, run in peers.items() if run.error <= LEVELS[0]}
        kept |= {min(found, key=found.__getitem__) for found in (hits, ends) if found}
    return [name for name in names if name in kept]


def run_class(
    kind: Class, seed: int, names: Sequence[str], count: int, *, full: bool = False, store: Store | None = None
) -> list[dict[str, Run]]:
    """All methods on the first problems of a class, and on the others those that are still in."""
    runs: list[dict[str, Run]] = []
    for index in range(count):
        runs.append(race(kind, seed, index, names if full else still_in(names, runs), full=full, store=store))
    return runs


def class_of(task: Task) -> tuple[str, list[dict[str, Run]], int]:
    """Name and runs of a class, with one thread for BLAS, and how many of the runs were stored."""
    name, seed, methods, count, full, path = task
    store = None if path is None else Store(path)
    with threadpool_limits(1):
        runs = run_class(CLASSES[name], seed, methods, count, full=full, store=store)
    return name, runs, 0 if store is None else store.reused
