"""Run cells in this process or in several, storing each as it finishes; one that fails stops no other."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from zoba_bench.ledger import Ledger
from zoba_bench.machine import origin, processor
from zoba_bench.processes import Failure, Runner, Workers, caught
from zoba_bench.sweep import Cell, CellError, fingerprint, run_cell
from zoba_bench.validation import check_dimension

__all__ = ["FailedCell", "run_cells", "work"]

Progress = Callable[[int, int, str], None]
_SHOWN = 3  # failed cells that an error names


@dataclass(frozen=True)
class FailedCell:
    """A cell that has no result, and why."""

    cell: Cell
    failure: Failure

    def row(self) -> dict[str, Any]:
        """As JSON."""
        cell, failure = self.cell, self.failure
        return {
            "key": cell.key, "task": cell.task, "parameters": dict(cell.parameters), "seed": cell.seed,
            "status": failure.status, "exception": failure.exception, "message": failure.message,
            "traceback": failure.traceback,
        }  # fmt: skip

    def short(self) -> str:
        """What happened and in which cell, without its parameters."""
        return f"{self.failure.message}; in cell {self.cell.key} ({self.cell.task})"

    def __str__(self) -> str:
        return f"{self.short()} with {json.dumps(dict(self.cell.parameters), sort_keys=True)}"


def run_cells(
    cells: Iterable[Cell],
    ledger: Ledger,
    *,
    jobs: int = 1,
    workers: Runner | None = None,
    progress: Progress | None = None,
    known: Mapping[str, dict[str, Any]] | None = None,
    fresh: bool = False,
    failed: dict[str, FailedCell] | None = None,
    fail_fast: bool = False,
) -> dict[str, dict[str, Any]]:
    """Results by key; cells that the ledger holds for this code are not run again.

    A cell that raises, that ends or crashes its process, or that takes too long becomes a row of the ledger's failures,
    and the others go on. It is run again the next time.

    Parameters
    ----------
    cells : iterable of Cell
        Duplicates run once.
    ledger : Ledger
        Only this process writes to it, one transaction a cell.
    jobs : int
        Processes. The results do not depend on it. With 1 cells run in this process.
    workers : Runner, optional
        Processes to run the cells in, instead of ``jobs``: also one, which protects this process from the cells; with
        limits of time and memory for each cell; or those of a cluster (:func:`zoba_bench.cluster.workers`).
    progress : callable(done, total, key), optional
    known : mapping, optional
        Results by key that the caller has already; they are not sought.
    fresh : bool
        Run what is not known, whatever the ledger holds, and replace its rows.
    failed : dict, optional
        Failed cells by key. Those in it are not run, those that fail are added. Where it is given nothing is raised.
    fail_fast : bool
        Run no further cell after one that failed.

    Raises
    ------
    CellError
        At the end, if a cell failed and ``failed`` is not given; also if a source was edited during the run. The cells
        that finished are in the ledger.
    """
    check_dimension("jobs", jobs)
    wanted = {cell.key: cell for cell in cells}
    marks = {task: fingerprint(task) for task in sorted({cell.task for cell in wanted.values()})}
    out: dict[str, FailedCell] = {} if failed is None else failed
    results = _found(wanted, marks, ledger, known or {}, fresh)
    todo = [cell for key, cell in wanted.items() if key not in results and key not in out]
    for cell, outcome in _stream(todo, jobs, workers):
        about: dict[str, Any] = {
            "key": cell.key, "task": cell.task, "parameters": dict(cell.parameters), "seed": cell.seed,
            "origin": origin(),
        }  # fmt: skip
        if isinstance(outcome, Failure):
            out[cell.key] = FailedCell(cell, outcome)
            ledger.put_failure(
                **about, fingerprint=marks[cell.task], status=outcome.status, exception=outcome.exception,
                message=outcome.message, traceback=outcome.traceback,
            )  # fmt: skip
            if fail_fast:
                break
        else:
            result, seconds, ran_by, ran_on = outcome
            if ran_by != marks[cell.task]:
                raise CellError("a source was edited during the run; start again (finished cells are kept)")
            about["origin"] = {**about["origin"], "processor": ran_on}
            ledger.put(**about, fingerprint=ran_by, result=result, seconds=seconds)
            results[cell.key] = result
        if progress is not None:
            progress(len(results) + len(out.keys() & wanted.keys()), len(wanted), cell.key)
    if failed is None and out:
        raise CellError(_listed(list(out.values())))
    return results


def _found(
    wanted: Mapping[str, Cell], marks: Mapping[str, str], ledger: Ledger, known: Mapping[str, dict[str, Any]],
    fresh: bool,
) -> dict[str, dict[str, Any]]:  # fmt: skip
    """What has not to run: results that the caller has, and those of the ledger."""
    results = {}
    for key, cell in wanted.items():
        found = known.get(key)
        if found is None and not fresh:
            found = ledger.find(key, marks[cell.task])
        if found is not None:
            results[key] = found
    return results


def _listed(failed: list[FailedCell]) -> str:
    lines = [str(one) for one in failed[:_SHOWN]]
    if len(failed) > _SHOWN:
        lines.append(f"and {len(failed) - _SHOWN} other cells failed")
    return "\n".join(lines)


#: Result, CPU-seconds, and the fingerprint of the process that ran the cell and its processor.
_Finished = tuple[dict[str, Any], float, str, str]


def work(cell: Cell) -> _Finished | Failure:
    """Run a cell, whatever it does short of ending this process."""
    start = _cpu_seconds()
    try:
        result = run_cell(cell)
        json.dumps(result)  # what cannot be stored is this cell's failure
    except CellError as error:
        return caught(error.__cause__ or error)
    except KeyboardInterrupt:
        raise  # Ctrl-C, unless in a worker, which does not hear it
    except BaseException as error:  # SystemExit too: a user's function must not end the run
        return caught(error)
    return result, _cpu_seconds() - start, _mark(cell.task), processor()


def _mark(task: str) -> str:
    """The fingerprint, nothing after an edit."""
    try:
        return fingerprint(task)
    except CellError:
        return ""


def _cpu_seconds() -> float:
    """Of this process and of those that it waited for."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


#: What the time of a cell is proportional to, more or less, where it is among its parameters.
_FACTORS = ("replicates", "iterations", "max_iterations", "budget", "trials", "draws", "l1", "p", "d")


def _size(parameters: Mapping[str, Any]) -> float:
    """A guess of how much a cell has to do, good enough to put them in an order."""
    size = 1.0
    for name, value in parameters.items():
        if isinstance(value, Mapping):
            size *= _size(value)
        elif name in _FACTORS and isinstance(value, (int, float)) and value > 0:
            size *= value
    return size


def _stream(cells: list[Cell], jobs: int, workers: Runner | None) -> Iterator[tuple[Cell, _Finished | Failure]]:
    if not cells:
        return
    if workers is None and (jobs == 1 or len(cells) < 2):
        for cell in cells:
            yield cell, work(cell)
    elif workers is None:
        with Workers(jobs) as own:
            yield from _stream(cells, jobs, own)
    else:
        # One that takes long and starts last would leave the other processes idle. The sort is stable.
        cells = sorted(cells, key=lambda cell: -_size(cell.parameters))
        for index, outcome in workers.run(f"{__name__}:work", ((cell,) for cell in cells)):
            yield cells[index], outcome
