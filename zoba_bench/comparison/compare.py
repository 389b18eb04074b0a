"""Tune every solver on some instances of every problem it fits, measure it on others, and say who got further."""

from __future__ import annotations

import contextlib
import os
import shlex
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoba_bench.cluster import workers
from zoba_bench.comparison.pairs import Pair, chosen_suite, plan
from zoba_bench.comparison.phases import Phases, Progress
from zoba_bench.comparison.rows import rivals, row_of, runs_of, tuning_score
from zoba_bench.execution import FailedCell
from zoba_bench.ledger import Ledger
from zoba_bench.machine import origin
from zoba_bench.sweep import Cell, fingerprint

__all__ = ["compare"]

_TASK = "zoba_bench.comparison.trial:trial"


def compare(
    suite: str = "compare", seed: int = 0, *, problems: Iterable[str] = (), solvers: Iterable[str] = (),
    groups: Iterable[str] = (), sizes: Iterable[str] = (), access: Iterable[str] = (),
    budget: int | None = None, budget_per_dimension: int | None = None, gradient_cost: str | None = None,
    instances: int | None = None, replicates: int | None = None, charge_tuning: bool = False,
    perturbation: Mapping[str, Any] = {}, out: str | Path = "zoba-results", jobs: int = 1,
    progress: Progress | None = None, announce: Callable[[str], None] | None = None,
    announce_failed: Callable[[list[FailedCell]], None] | None = None, isolated: bool = False,
    cell_timeout: float | None = None, max_memory: int | str | None = None, dask: str | None = None,
    fail_fast: bool = False, announce_phase: Callable[[str, int], Progress] | None = None,
    configuration: Mapping[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Tune, run and rank; the content of the run that the ledger stores.

    Every solver gets the same budget. Its options are the best of its declared grid, by the median of what is left of
    the start, over instances and seeds that are not those of the measurement: all options of the grid are run for a
    share of the budget, and the best few of them for all of it. What is reported are medians and
    quartiles over the others, with bootstrap limits over instances and seeds, and when each run first reached fixed
    targets. Options whose cell fails are as good as refused; ``announce_failed`` is told of such cells at the end.
    ``announce_phase`` is told before cells are run what they are for and how many they are, and returns what each step
    is told to. For ``isolated``, ``cell_timeout``, ``max_memory``, ``dask``, ``fail_fast`` and ``configuration`` see
    :func:`zoba_bench.verification.run.verify.verify`; for the choice of pairs :func:`zoba_bench.comparison.pairs.plan`.

    Parameters
    ----------
    budget, budget_per_dimension : int, optional
        Evaluations a run, or for each of the p + d coordinates.
    instances, replicates : int, optional
        Measured instances of a problem, and runs on each.
    charge_tuning : bool
        Add what tuning used to the evaluations of every run, in all that counts evaluations to a target.

    Returns
    -------
    dict
        "rows": one a solver and problem; "runs": when targets were reached, one an instance and solver; "rivals": where
        the best single-loop method of a kind of oracle beats the best with two loops, at equal evaluations and at equal
        time; "tuning": what tuning used; "left_out": who lacks what; "failed": cells that have no result;
        "provenance": versions, machine and command.
    """
    problems, solvers, groups, sizes, access = map(list, (problems, solvers, groups, sizes, access))
    apart = workers(jobs, dask=dask, isolated=isolated, cell_timeout=cell_timeout, max_memory=max_memory)
    changes = {"budget": budget, "budget_per_dimension": budget_per_dimension, "gradient_cost": gradient_cost,
               "instances": instances, "replicates": replicates}  # fmt: skip
    chosen = chosen_suite(suite, sizes=sizes or None, **changes)
    pairs, left_out = plan(suite, problems=problems, solvers=solvers, groups=groups, sizes=sizes, access=access,
                           perturbation=perturbation, settings=chosen)  # fmt: skip
    if announce is not None:
        announce(_announcement(pairs, chosen, left_out))
    begun = time.perf_counter()
    with Ledger(Path(out) / "ledger.sqlite") as ledger, apart or contextlib.nullcontext():
        run_phase = Phases(ledger, apart, fail_fast, announce_phase, progress)
        failed = run_phase.failed

        def measure(word: str, cells: Iterable[Cell]) -> dict[str, dict[str, Any]]:
            """Results by key."""
            wanted = list(cells)
            return dict(zip((cell.key for cell in wanted), run_phase(word, wanted), strict=True))

        every = [tuple(range(len(pair.entry.options))) for pair in pairs]
        tuning: list[list[Cell]] = [[] for _ in pairs]

        def tuned(word: str, among: list[tuple[int, ...]], share: float) -> list[dict[int, list[dict[str, Any]]]]:
            """Results of settings by their number, pair after pair."""
            asked = [
                {n: pair.cells(pair.entry.options[n], chosen, seed, "tune", share) for n in numbers}
                for pair, numbers in zip(pairs, among, strict=True)
            ]
            for run, grid in zip(tuning, asked, strict=True):
                run += (cell for cells in grid.values() for cell in cells)
            found.update(measure(word, (cell for grid in asked for cells in grid.values() for cell in cells)))
            return [{n: [found[cell.key] for cell in cells] for n, cells in grid.items()} for grid in asked]

        found: dict[str, dict[str, Any]] = {}
        short = tuned("tuning", every, chosen["tuning_share"])
        finalists = [_finalists(grid, chosen["finalists"]) for grid in short]
        best = [_best(grid) for grid in tuned("tuning the best", finalists, 1.0)]
        others = [
            () if n is not None else tuple(sorted(set(numbers) - set(of)))
            for n, numbers, of in zip(best, every, finalists, strict=True)
        ]
        if any(others):  # none of the best of a share stayed finite with all of it
            rest = tuned("tuning the rest", others, 1.0)
            best = [_best(grid) if n is None else n for n, grid in zip(best, rest, strict=True)]
        measured = [
            [] if n is None else pair.cells(pair.entry.options[n], chosen, seed, "measure")
            for pair, n in zip(pairs, best, strict=True)
        ]
        found |= measure("measuring", (cell for cells in measured for cell in cells))
        rows, runs = [], []
        for pair, n, cells, run in zip(pairs, best, measured, tuning, strict=True):
            tried = [found[cell.key] for cell in run]
            results = [found[cell.key] for cell in cells]
            if n is None or any("refused" in result for result in results):
                left_out[pair.title] = _why(results or tried)
                continue
            rows.append(row_of(pair, pair.entry.options[n], results, tried, seed))
            runs += runs_of(pair, results, rows[-1]["tuning_evaluations"], pair.budget(chosen))
        content = {
            "comparison": suite, "seed": seed, "rows": rows, "rivals": rivals(rows), "runs": runs,
            "left_out": left_out, "settings": _settings(chosen, charge_tuning, perturbation),
            "tuning": {"evaluations": sum(row["tuning_evaluations"] for row in rows)},
            "seconds": time.perf_counter() - begun, "failed": [one.row() for one in failed.values()],
            "provenance": {
                **origin(), "cpus": os.cpu_count(), "fingerprint": fingerprint(_TASK),
                "command": _command(suite, seed, {"problem": problems, "solver": solvers, "group": groups,
                                                  "size": sizes, "access": access}, changes, charge_tuning,
                                    perturbation),
                **({} if configuration is None else {"configuration": dict(configuration)}),
            },
        }  # fmt: skip
        ledger.add_run(suite, seed, content)
    if announce_failed is not None and failed:
        announce_failed(list(failed.values()))
    return content


def _announcement(pairs: list[Pair], chosen: Mapping[str, Any], left_out: Mapping[str, str]) -> str:
    tried = sum(len(pair.entry.options) * len(pair.case.tuned) for pair in pairs)
    measured = sum(len(pair.case.measured) for pair in pairs)
    return (
        f"{len(pairs)} pairs of solver and problem, {_budget(chosen)}; {tried} settings and instances to tune "
        f"with {chosen['tuning_share']:.0%} of it ({chosen['tuning_replicates']} replicates), of each grid the best "
        f"{chosen['finalists']} with all of it, {measured} other instances to measure ({chosen['replicates']} "
        f"replicates, deterministic methods once); {len(left_out)} pairs do not fit"
    )


def _budget(chosen: Mapping[str, Any]) -> str:
    whole = chosen.get("budget")
    return f"{whole} evaluations a run" if whole else f"{chosen['budget_per_dimension']} (p + d) evaluations a run"


def _settings(chosen: Mapping[str, Any], charge_tuning: bool, perturbation: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in chosen.items() if name != "problems"}
    return {**kept, "charge_tuning": charge_tuning, "perturbation": dict(perturbation)}


def _command(
    suite: str, seed: int, named: Mapping[str, Iterable[str]], changes: Mapping[str, Any], charge_tuning: bool,
    perturbation: Mapping[str, Any],
) -> str:  # fmt: skip
    """What repeats a comparison."""
    words = ["zoba-bench", "run", "--suite", suite, "--seed", str(seed)]
    words += [word for option, names in named.items() for name in names for word in (f"--{option}", name)]
    for option, value in {**changes, **perturbation}.items():
        if isinstance(value, bool):
            words += [f"--{option.replace('_', '-')}"] if value else []
        elif value is not None:
            words += [f"--{option.replace('_', '-')}", str(value)]
    return shlex.join([*words, *(["--charge-tuning"] if charge_tuning else [])])


def _finalists(grid: Mapping[int, Sequence[Mapping[str, Any]]], number: int) -> tuple[int, ...]:
    """The best settings of a share of the budget, in the order of the grid.

    A setting that was refused is one of them: the share may be too small for one of its iterations. All are where none
    stayed finite: the share then says nothing.
    """
    refused = {n for n, results in grid.items() if any("refused" in result for result in results)}
    scores = {n: tuning_score(results) for n, results in grid.items() if n not in refused}
    finite = sorted((n for n, score in scores.items() if np.isfinite(score)), key=lambda n: (scores[n], n))
    return tuple(sorted(refused | set(finite[:number]))) if finite else tuple(grid)


def _best(grid: Mapping[int, Sequence[Mapping[str, Any]]]) -> int | None:
    """The number of the setting with the least score; None where all were refused or failed."""
    scores = {n: tuning_score(results) for n, results in grid.items()}
    index = min(scores, key=lambda n: (scores[n], n), default=None)
    return index if index is not None and np.isfinite(scores[index]) else None


def _why(results: Iterable[Mapping[str, Any]]) -> str:
    reasons = {row["refused"] for row in results if "refused" in row}
    return min(reasons) if reasons else "no setting of the grid stayed finite"
