"""Tune every method on one split of every task, measure it on another, beside a reference solution."""

from __future__ import annotations

import contextlib
import math
import os
import shlex
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoba_bench.cluster import workers
from zoba_bench.comparison.applications.searches import missing
from zoba_bench.comparison.applications.settings import APPLICATIONS, SEARCHES, Application
from zoba_bench.comparison.applications.winners import row_of, winners
from zoba_bench.comparison.grids import GRIDS
from zoba_bench.comparison.numbers import or_infinity
from zoba_bench.comparison.phases import Phases, Progress
from zoba_bench.execution import FailedCell
from zoba_bench.ledger import Ledger
from zoba_bench.machine import origin
from zoba_bench.registry import card_of, load_problem, make_solver, missing_requirements
from zoba_bench.suggestions import unknown
from zoba_bench.sweep import Cell, fingerprint

__all__ = ["run_tasks"]

_RUN = "zoba_bench.comparison.applications.runs:application_run"
_REFERENCE = "zoba_bench.comparison.applications.runs:application_reference"
_STARTS = 3  # of the reference


@dataclass(frozen=True, eq=False)
class _Entry:
    """A method on a task."""

    task: Application
    oracle: str
    solver: str

    @property
    def title(self) -> str:
        return f"{self.solver} ({self.oracle}) on {self.task.title}"

    @property
    def options(self) -> tuple[dict[str, Any], ...]:
        return self.task.options(self.solver, self.oracle)

    def cell(
        self, options: Mapping[str, Any], suite: Mapping[str, Any], seed: int, phase: str, share: float = 1.0
    ) -> Cell:  # fmt: skip
        tuning = phase == "tune"
        budget = self.task.budget(self.solver, self.oracle)
        return Cell(_RUN, {
            "problem": {**self.task.problem, "seed": suite["tuned" if tuning else "measured"]},
            "solver": self.solver, "options": dict(options), "phase": phase, "gradient_cost": "one",
            "budget": round(budget * share), "box": list(self.task.box),
            "replicates": suite["tuning_replicates" if tuning else "replicates"],
        }, seed)  # fmt: skip


def run_tasks(
    suite: str = "tasks", seed: int = 0, *, problems: Iterable[str] = (), solvers: Iterable[str] = (),
    access: Iterable[str] = (), replicates: int | None = None, out: str | Path = "zoba-results", jobs: int = 1,
    announce: Callable[[str], None] | None = None, announce_failed: Callable[[list[FailedCell]], None] | None = None,
    announce_phase: Callable[[str, int], Progress] | None = None, isolated: bool = False,
    cell_timeout: float | None = None, max_memory: int | str | None = None, dask: str | None = None,
    fail_fast: bool = False, configuration: Mapping[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Tune, measure and compare methods on tasks with data; the content of the run that the ledger stores.

    Every method of a task has the same budget, of which one of its queries may stand for several evaluations, and its
    options are those of its grid with the least Psi at the end of runs on another split of the data: all settings with
    a share of the budget, then the best with all of it. Psi is measured with the exact lower-level solution, at the x
    that a method returns; measures on rows that no method sees, at the (z, x) that it returns. Where the lower level
    has no exact solution F(z, x) stands for Psi. Finished cells are found again.

    Parameters
    ----------
    suite : a name of ``APPLICATIONS``.
    problems, solvers : names; all of the suite's where empty. Searches are solvers here.
    access : "values" or "second" (derivatives); both where empty.
    replicates : runs of a method that draws random numbers.

    For ``jobs``, ``isolated``, ``cell_timeout``, ``max_memory``, ``dask``, ``fail_fast``, ``configuration`` and the
    announcements see :func:`zoba_bench.comparison.compare.compare`.

    Returns
    -------
    dict
        "tasks": title -> settings, reference and measures; "rows": one a method and task; "winners": see
        :func:`zoba_bench.comparison.applications.winners.winners`; "left_out"; "failed"; "seconds"; "provenance".

    Raises
    ------
    ValueError
        For a name that the suite does not have.
    """
    problems, solvers, access = list(problems), list(solvers), list(access)
    chosen = {**APPLICATIONS[suite], **({} if replicates is None else {"replicates": replicates})}
    entries, left_out = _entries(chosen["tasks"], problems, solvers, access)
    tasks = list({id(entry.task): entry.task for entry in entries}.values())
    apart = workers(jobs, dask=dask, isolated=isolated, cell_timeout=cell_timeout, max_memory=max_memory)
    if announce is not None:
        settings = sum(len(entry.options) for entry in entries)
        announce(f"{len(entries)} pairs of method and task; {settings} settings to tune, {len(left_out)} left out")
    begun = time.perf_counter()
    with Ledger(Path(out) / "ledger.sqlite") as ledger, apart or contextlib.nullcontext():
        measured = Phases(ledger, apart, fail_fast, announce_phase)
        failed = measured.failed
        known = [task for task in tasks if load_problem(**task.problem).value is not None]
        cells = [_reference(task, chosen, seed) for task in known]
        references = dict(zip(map(id, known), measured("references", cells), strict=True))

        def tuned(word: str, places: Sequence[Sequence[int]], share: float) -> list[dict[int, dict[str, Any]]]:
            """Results of some settings of every entry, by their places in its grid."""
            flat = iter(measured(word, [
                entry.cell(entry.options[n], chosen, seed, "tune", share)
                for entry, wanted in zip(entries, places, strict=True) for n in wanted
            ]))  # fmt: skip
            return [{n: next(flat) for n in wanted} for wanted in places]

        short = tuned("tuning", [range(len(entry.options)) for entry in entries], chosen["tuning_share"])
        finalists = [_ordered(grid)[: chosen["finalists"]] for grid in short]
        long = tuned("tuning the best", finalists, 1.0)
        places = [_ordered(grid)[0] for grid in long]
        runs = measured("measuring", [
            entry.cell(entry.options[n], chosen, seed, "measure") for entry, n in zip(entries, places, strict=True)
        ])  # fmt: skip
        rows = []
        for entry, n, one, two, result in zip(entries, places, short, long, runs, strict=True):
            if "refused" in result:
                left_out[entry.title] = result["refused"]
                continue
            spent = sum(sum(found.get("used", ())) for found in (*one.values(), *two.values()))
            budget = entry.task.budget(entry.solver, entry.oracle)
            rows.append(row_of(entry.task.title, entry.oracle, entry.solver, entry.options[n], result, spent, budget))
        content = {
            "applications": suite, "seed": seed, "rows": rows, "winners": winners(rows), "left_out": left_out,
            "tasks": {task.title: _about(task, references.get(id(task), {})) for task in tasks},
            "settings": {name: value for name, value in chosen.items() if name != "tasks"},
            "seconds": time.perf_counter() - begun, "failed": [one.row() for one in failed.values()],
            "provenance": {
                **origin(), "cpus": os.cpu_count(), "fingerprint": fingerprint(_RUN),
                "command": _command(suite, seed, problems, solvers, access, replicates),
                **({} if configuration is None else {"configuration": dict(configuration)}),
            },
        }  # fmt: skip
        ledger.add_run(suite, seed, content)
    if announce_failed is not None and failed:
        announce_failed(list(failed.values()))
    return content


def _entries(
    tasks: Iterable[Application], problems: list[str], solvers: list[str], access: list[str]
) -> tuple[list[_Entry], dict[str, str]]:  # fmt: skip
    """Methods on tasks that can run here, and why others cannot."""
    tasks, left_out, found = list(tasks), {}, []
    _check("problem", problems, [str(task.problem["name"]) for task in tasks])
    listed = [name for task in tasks for names in task.solvers.values() for name in names]
    _check("solver", solvers, [*dict.fromkeys(listed), *SEARCHES])
    kinds = {"values": "values", "gradients": "derivatives", "second": "derivatives"}
    wanted = {kinds[kind] for kind in access}
    for task in tasks:
        name = str(task.problem["name"])
        if problems and name not in problems:
            continue
        if lacking := missing_requirements(name):
            left_out[f"all on {task.title}"] = f"not installed: {', '.join(lacking)}"
            continue
        built = load_problem(**task.problem)
        for oracle, names in task.solvers.items():
            for solver in (*names, *(SEARCHES if task.searches else ())):
                entry = _Entry(task, oracle, solver)
                if (wanted and oracle not in wanted) or (solvers and solver not in solvers):
                    continue
                if solver in SEARCHES:
                    needs = [missing(solver)] if missing(solver) else []
                elif solver not in GRIDS:
                    needs = ["a grid of settings"]
                else:
                    needs = make_solver(solver, **entry.options[0]).lacking(built)
                if needs:
                    left_out[entry.title] = f"needs {', and '.join(needs)}"
                else:
                    found.append(entry)
    return found, left_out


def _check(what: str, names: Iterable[str], known: list[str]) -> None:
    for name in names:
        if name not in known:
            raise ValueError(unknown(f"{what} of the suite:", name, known))


def _reference(task: Application, suite: Mapping[str, Any], seed: int) -> Cell:
    problem = {**task.problem, "seed": suite["measured"]}
    return Cell(_REFERENCE, {"problem": problem, "box": list(task.box), "starts": _STARTS}, seed)


def _about(task: Application, reference: Mapping[str, Any]) -> dict[str, Any]:
    name = str(task.problem["name"])
    built, card = load_problem(**task.problem), card_of(name)
    return {
        "problem": dict(task.problem), "p": built.p, "d": built.d, "budgets": dict(task.budgets),
        "worth": dict(task.worth), "box": list(task.box), "unit": task.unit,
        "summary": "" if card is None else card.summary,
        "measures": list(built.capabilities.measures), "smaller": list(built.capabilities.smaller_is_better),
        "reference": dict(reference), "metric": "F(z, x)" if built.value is None else "Psi",
    }  # fmt: skip


def _ordered(grid: Mapping[int, Mapping[str, Any]]) -> list[int]:
    """Places of settings, the best first."""
    return sorted(grid, key=lambda n: _score(grid[n]))


def _score(result: Mapping[str, Any]) -> float:
    """The median of Psi at the end, infinite for what was refused or failed."""
    ends = sorted(or_infinity(value) for value in result.get("final", ()))
    return ends[(len(ends) - 1) // 2] if ends else math.inf


def _command(
    suite: str, seed: int, problems: list[str], solvers: list[str], access: list[str], replicates: int | None
) -> str:  # fmt: skip
    words = ["zoba-bench", "run", "--suite", suite, "--seed", str(seed)]
    for option, names in (("problem", problems), ("solver", solvers), ("access", access)):
        words += [word for name in names for word in (f"--{option}", name)]
    return shlex.join([*words, *(() if replicates is None else ("--replicates", str(replicates)))])
