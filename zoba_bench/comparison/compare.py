"""Tune every solver on every problem it fits, run it with other seeds, and say who got further."""

from __future__ import annotations

import contextlib
import math
import os
import shlex
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoba_bench.cluster import workers
from zoba_bench.comparison.grids import GRIDS, SUITES, Entry
from zoba_bench.comparison.trial import metric_name
from zoba_bench.execution import FailedCell, run_cells
from zoba_bench.ledger import Ledger
from zoba_bench.machine import origin
from zoba_bench.registry import (
    RegistryError,
    list_problems,
    list_solvers,
    load_problem,
    make_solver,
    missing_requirements,
)
from zoba_bench.suggestions import unknown
from zoba_bench.sweep import Cell, fingerprint

__all__ = ["Pair", "compare", "plan", "rivals", "rounding"]

Progress = Callable[[int, int, str], None]
_TASK = "zoba_bench.comparison.trial:trial"


@dataclass(frozen=True)
class Pair:
    """A solver on a problem, with the options that are tried."""

    problem: Mapping[str, Any]
    solver: str
    entry: Entry
    metric: str

    def cells(
        self, options: Iterable[Mapping[str, Any]], suite: Mapping[str, Any], seed: int, phase: str
    ) -> list[Cell]:
        """A cell for each of the options."""
        replicates = suite["tuning_replicates" if phase == "tune" else "replicates"]
        return [
            Cell(
                _TASK,
                {"problem": dict(self.problem), "solver": self.solver, "options": dict(chosen), "phase": phase,
                 "budget": suite["budget"], "gradient_cost": suite["gradient_cost"], "replicates": replicates},
                seed,
            )
            for chosen in options
        ]  # fmt: skip


def plan(
    suite: str = "compare", *, problems: Iterable[str] = (), solvers: Iterable[str] = ()
) -> tuple[list[Pair], dict[str, str]]:
    """Pairs of a suite, and why every other solver does not run on a problem ("solver on problem" -> reason).

    Parameters
    ----------
    suite : name of a comparison.
    problems, solvers : names; all of the suite's where empty.

    Raises
    ------
    ValueError
        For a name that the suite does not have.
    """
    if suite not in SUITES:
        raise ValueError(unknown("comparison", suite, sorted(SUITES)))
    specs = SUITES[suite]["problems"] or [{"name": name} for name in list_problems()]
    wanted = _chosen("problem", problems, [spec["name"] for spec in specs])
    names = _chosen("solver", solvers, [name for name in list_solvers() if name in GRIDS])
    pairs, left_out = [], {}
    for spec in specs:
        if spec["name"] not in wanted:
            continue
        try:
            missing = missing_requirements(spec["name"])
        except RegistryError as error:  # of a broken plug-in
            left_out[f"all on {spec['name']}"] = str(error)
            continue
        if missing:
            left_out[f"all on {spec['name']}"] = f"not installed: {', '.join(missing)}"
            continue
        built = load_problem(**spec)
        metric = metric_name(built)
        for name in names:
            lacking = make_solver(name).lacking(built)
            if not metric:
                lacking = ["a known hypergradient or minimum to be measured by"]
            if lacking:
                left_out[f"{name} on {spec['name']}"] = f"needs {', and '.join(lacking)}"
            else:
                pairs.append(Pair(spec, name, GRIDS[name], metric))
    return pairs, left_out


def compare(
    suite: str = "compare", seed: int = 0, *, problems: Iterable[str] = (), solvers: Iterable[str] = (),
    budget: int | None = None, gradient_cost: str | None = None, out: str | Path = "zoba-results", jobs: int = 1,
    progress: Progress | None = None, announce: Callable[[str], None] | None = None,
    announce_failed: Callable[[list[FailedCell]], None] | None = None, isolated: bool = False,
    cell_timeout: float | None = None, max_memory: int | str | None = None, dask: str | None = None,
    fail_fast: bool = False, announce_phase: Callable[[str, int], Progress] | None = None,
    configuration: Mapping[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Tune, run and rank; the content of the run that the ledger stores.

    Every solver gets the same budget, its options are the best of its declared grid by the median over tuning
    seeds, and what is reported are medians and quartiles over other seeds. Options whose cell fails are as good as
    refused; ``announce_failed`` is told of such cells at the end. ``announce_phase`` is told before cells are run what
    they are for and how many they are, and returns what each step is told to. For ``isolated``, ``cell_timeout``,
    ``max_memory``, ``dask``, ``fail_fast`` and ``configuration`` see
    :func:`zoba_bench.verification.run.verify.verify`.

    Returns
    -------
    dict
        "rows": one a solver and problem; "rivals": where the best single-loop method of a kind of oracle beats the
        best with two loops, at equal evaluations and at equal time; "left_out": who lacks what; "failed": cells that
        have no result; "provenance": versions, machine and command.
    """
    problems, solvers = list(problems), list(solvers)
    apart = workers(jobs, dask=dask, isolated=isolated, cell_timeout=cell_timeout, max_memory=max_memory)
    chosen = dict(SUITES.get(suite, {}))
    pairs, left_out = plan(suite, problems=problems, solvers=solvers)
    chosen |= {name: v for name, v in (("budget", budget), ("gradient_cost", gradient_cost)) if v is not None}
    tried = sum(len(pair.entry.options) for pair in pairs)
    if announce is not None:
        announce(
            f"{len(pairs)} pairs of solver and problem, {tried} settings to tune, {chosen['budget']} evaluations a "
            f"run ({chosen['tuning_replicates']} replicates to tune, {chosen['replicates']} to measure); "
            f"{len(left_out)} pairs do not fit"
        )
    begun = time.perf_counter()
    failed: dict[str, FailedCell] = {}
    with Ledger(Path(out) / "ledger.sqlite") as ledger, apart or contextlib.nullcontext():

        def measure(word: str, cells: Iterable[Cell]) -> dict[str, dict[str, Any]]:
            """Results by key; of a cell that failed, or was not run for that, the reason as if it had been refused."""
            wanted = list(cells)
            follow = progress if announce_phase is None else announce_phase(word, len(wanted))
            found = run_cells(
                [] if fail_fast and failed else wanted, ledger, workers=apart, progress=follow, failed=failed,
                fail_fast=fail_fast,
            )  # fmt: skip
            return {cell.key: found.get(cell.key) or _refusal(failed.get(cell.key)) for cell in wanted}

        tuning = [pair.cells(pair.entry.options, chosen, seed, "tune") for pair in pairs]
        found = measure("tuning", (cell for cells in tuning for cell in cells))
        best = [_best([found[cell.key] for cell in cells]) for cells in tuning]
        measured = [
            None if n is None else pair.cells([pair.entry.options[n]], chosen, seed, "measure")[0]
            for pair, n in zip(pairs, best, strict=True)
        ]
        found |= measure("measuring", (cell for cell in measured if cell is not None))
        rows = []
        for pair, n, cell, cells in zip(pairs, best, measured, tuning, strict=True):
            if cell is None or n is None or "refused" in found[cell.key]:
                tried_cells = cells if cell is None else [cell]
                left_out[f"{pair.solver} on {pair.problem['name']}"] = _why([found[each.key] for each in tried_cells])
            else:
                rows.append(_row(pair, n, found[cell.key]))
        content = {
            "comparison": suite, "seed": seed, "rows": rows, "rivals": rivals(rows), "left_out": left_out,
            "settings": {k: v for k, v in chosen.items() if k != "problems"}, "seconds": time.perf_counter() - begun,
            "failed": [one.row() for one in failed.values()],
            "provenance": {
                **origin(), "cpus": os.cpu_count(), "fingerprint": fingerprint(_TASK),
                "command": _command(suite, seed, problems, solvers, budget, gradient_cost),
                **({} if configuration is None else {"configuration": dict(configuration)}),
            },
        }  # fmt: skip
        ledger.add_run(suite, seed, content)
    return content


def rivals(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Single loop against two loops, problem by problem and by what a method may query.

    At equal evaluations the final medians are compared; at equal time, those at the time at which the faster of the
    two was done. What is smaller than the rounding of its measure is as good as zero, and what is no better than the
    start is the start: nobody is ahead there.
    """
    found = []
    table: dict[tuple[str, str], dict[str, list[Mapping[str, Any]]]] = {}
    for row in rows:
        table.setdefault((row["problem"], row["oracle"]), {}).setdefault(row["loops"], []).append(row)
    for (problem, oracle), kinds in table.items():
        if {"single", "two"} <= kinds.keys():
            one, two = (min(kinds[kind], key=lambda row: _size(row["median"])) for kind in ("single", "two"))
            until = min(one["seconds"], two["seconds"])
            early = [_at_time(row, until) for row in (one, two)]
            found.append({
                "problem": problem, "oracle": oracle, "single": one["solver"], "two": two["solver"],
                "single_median": one["median"], "two_median": two["median"],
                "at_equal_evaluations": _winner(one["median"], two["median"], one["rounding"], one["start"]),
                "at_equal_time": _winner(early[0], early[1], one["rounding"], one["start"]),
            })  # fmt: skip
    return found


def _command(
    suite: str, seed: int, problems: Iterable[str], solvers: Iterable[str], budget: int | None,
    gradient_cost: str | None,
) -> str:  # fmt: skip
    """What repeats a comparison."""
    words = ["zoba-bench", "run", "--suite", suite, "--seed", str(seed)]
    words += [word for name in problems for word in ("--problem", name)]
    words += [word for name in solvers for word in ("--solver", name)]
    words += [] if budget is None else ["--budget", str(budget)]
    words += [] if gradient_cost is None else ["--gradient-cost", gradient_cost]
    return shlex.join(words)


def _chosen(what: str, names: Iterable[str], known: list[str]) -> list[str]:
    wanted = list(names) or known
    for name in wanted:
        if name not in known:
            raise ValueError(unknown(f"{what} of the comparison:", name, known))
    return wanted


def _best(results: list[Mapping[str, Any]]) -> int | None:
    """Index of the options with the least median; None where all were refused or failed."""
    medians = [math.inf if "refused" in row else _median(row["final"]) for row in results]
    index = int(np.argmin(medians))
    return index if math.isfinite(medians[index]) else None


def _refusal(failed: FailedCell | None) -> dict[str, Any]:
    reason = "not run, since another cell failed" if failed is None else f"its cell failed: {failed.failure.message}"
    return {"refused": reason}


def _why(results: Iterable[Mapping[str, Any]]) -> str:
    reasons = {row["refused"] for row in results if "refused" in row}
    return min(reasons) if reasons else "no setting of the grid stayed finite"


def _row(pair: Pair, index: int, result: Mapping[str, Any]) -> dict[str, Any]:
    """What is reported of a pair."""
    final = [math.inf if v is None else v for v in result["final"]]
    low, middle, high = (_quantile(final, q) for q in (0.25, 0.5, 0.75))
    return {
        "problem": pair.problem["name"], "solver": pair.solver, "metric": pair.metric, "loops": pair.entry.loops,
        "oracle": pair.entry.oracle, "options": dict(pair.entry.options[index]), "start": result["start"],
        "median": middle, "quartiles": [low, high], "failed": sum(v is None for v in result["final"]),
        "evaluations": result["evaluations"], "curve": result["median"], "seconds": result["seconds"],
        "rounding": rounding(pair.metric, result["start"]),
    }  # fmt: skip


def _quantile(values: list[float], share: float) -> float | None:
    value = sorted(values)[math.ceil(share * len(values)) - 1]
    return value if math.isfinite(value) else None


def _median(values: list[float | None]) -> float:
    return _size(_quantile([_size(v) for v in values], 0.5))


def _size(value: float | None) -> float:
    return math.inf if value is None else value


def _at_time(row: Mapping[str, Any], seconds: float) -> float | None:
    """The median at a time, where evaluations take equal time along a run."""
    share = min(1.0, seconds / row["seconds"]) if row["seconds"] > 0 else 1.0
    reached = share * row["evaluations"][-1]
    passed = [v for at, v in zip(row["evaluations"], row["curve"], strict=True) if at <= reached]
    last: float | None = passed[-1] if passed else row["start"]
    return last


def rounding(metric: str, start: float) -> float:
    """Where a measure is rounding: a thousand units of the start's, squared for |grad Psi|^2."""
    relative = 1e3 * float(np.finfo(np.float64).eps)
    return start * (relative**2 if metric == "stationarity" else relative)


def _winner(one: float | None, two: float | None, nothing: float, start: float) -> str:
    a, b = (min(max(_size(value), nothing), start) for value in (one, two))
    return "equal" if a == b else "single" if a < b else "two"
