"""Run cells in this process or in several, storing each as it finishes; and whatever else has independent parts."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from zoba_bench.ledger import Ledger
from zoba_bench.sweep import Cell, CellError, fingerprint, run_cell
from zoba_bench.validation import check_dimension

__all__ = ["run_cells", "spread"]

Progress = Callable[[int, int, str], None]
Item = TypeVar("Item")
Done = TypeVar("Done")


def run_cells(
    cells: Iterable[Cell],
    ledger: Ledger,
    *,
    jobs: int = 1,
    progress: Progress | None = None,
    known: Mapping[str, dict[str, Any]] | None = None,
    fresh: bool = False,
) -> dict[str, dict[str, Any]]:
    """Results by key; cells that the ledger holds for this code are not run again.

    Parameters
    ----------
    cells : iterable of Cell
        Duplicates run once.
    ledger : Ledger
        Only this process writes to it, one transaction a cell.
    jobs : int
        Processes. The results do not depend on it.
    progress : callable(done, total, task), optional
    known : mapping, optional
        Results by key that the caller has already; they are not sought.
    fresh : bool
        Run what is not known, whatever the ledger holds, and replace its rows.

    Raises
    ------
    CellError
        If a task raises; the cells finished before are in the ledger.
    """
    check_dimension("jobs", jobs)
    wanted = {cell.key: cell for cell in cells}
    marks = {task: fingerprint(task) for task in sorted({cell.task for cell in wanted.values()})}
    results: dict[str, dict[str, Any]] = {}
    for key, cell in wanted.items():
        found = (known or {}).get(key)
        if found is None and not fresh:
            found = ledger.find(key, marks[cell.task])
        if found is not None:
            results[key] = found
    todo = [cell for key, cell in wanted.items() if key not in results]
    for cell, result, seconds, ran_by in spread(_timed, todo, jobs):
        if ran_by != marks[cell.task]:
            raise CellError("a source was edited during the run; start again (finished cells are kept)")
        ledger.put(
            key=cell.key, fingerprint=ran_by, task=cell.task, parameters=dict(cell.parameters), seed=cell.seed,
            result=result, seconds=seconds,
        )  # fmt: skip
        results[cell.key] = result
        if progress is not None:
            progress(len(results), len(wanted), cell.task)
    return results


_Finished = tuple[Cell, dict[str, Any], float, str]


def _timed(cell: Cell) -> _Finished:
    """A finished cell with its CPU-seconds and the fingerprint of the process that ran it."""
    start = _cpu_seconds()
    result = run_cell(cell)
    return cell, result, _cpu_seconds() - start, fingerprint(cell.task)


def _cpu_seconds() -> float:
    """Of this process and of those that it waited for."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def spread(function: Callable[[Item], Done], items: Sequence[Item], jobs: int) -> Iterator[Done]:
    """What a function returns for each item, as it finishes: in this process where there is one job or one item.

    The processes stay, with what they have imported, for the next call.
    """
    if jobs == 1 or len(items) < 2:
        yield from map(function, items)
        return
    from joblib import Parallel, delayed

    # Ctrl-C reaches the whole process group; only this process answers it.
    finished = Parallel(
        n_jobs=jobs,
        return_as="generator_unordered",
        batch_size=1,
        pre_dispatch=jobs,
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_IGN),
    )(delayed(function)(item) for item in items)
    try:
        yield from finished
    except BaseException:
        _stop_workers()
        raise


def _stop_workers() -> None:
    """End the worker processes at once, so that Ctrl-C does not wait for cells in flight."""
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=False, kill_workers=True)
