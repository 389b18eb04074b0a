"""Tune every method of a contest from some starts, measure it from others, and divide by the time of the own one."""

from __future__ import annotations

import contextlib
import math
import os
import shlex
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoba_bench.cluster import workers
from zoba_bench.comparison.numbers import finite, or_infinity
from zoba_bench.comparison.phases import Phases, Progress
from zoba_bench.comparison.ratios.settings import OWN, RATIOS, Contest
from zoba_bench.execution import FailedCell
from zoba_bench.ledger import Ledger
from zoba_bench.machine import origin
from zoba_bench.registry import card_of, load_problem
from zoba_bench.suggestions import unknown
from zoba_bench.sweep import Cell, fingerprint

__all__ = ["QUANTILES", "ratio", "run_ratios"]

_RUN = "zoba_bench.comparison.ratios.runs:arrival"
#: Of the ratios over starts.
QUANTILES = (0.1, 0.5, 0.9)
Numbers = Sequence[float | None]


def ratio(rival: Numbers, own: Numbers) -> dict[str, Any]:
    """Quantiles of rival / own, start by start; None stands for what did not arrive.

    Where the rival alone did not arrive a ratio is infinite, where the own one alone did not it is zero; a start from
    which neither arrived has no ratio.

    Returns
    -------
    dict
        "quantiles": of ``QUANTILES``, None for an infinite one, empty without any ratio; "neither", "rival_missed",
        "own_missed": numbers of starts.
    """
    pairs = [(or_infinity(a), or_infinity(b)) for a, b in zip(rival, own, strict=True)]
    found = [a / b if math.isfinite(b) else 0.0 for a, b in pairs if math.isfinite(a) or math.isfinite(b)]
    return {
        "quantiles": [finite(float(np.quantile(found, q, method="inverted_cdf"))) for q in QUANTILES] if found else [],
        "neither": len(pairs) - len(found),
        "rival_missed": sum(math.isinf(a) and math.isfinite(b) for a, b in pairs),
        "own_missed": sum(math.isinf(b) and math.isfinite(a) for a, b in pairs),
    }


def run_ratios(
    suite: str = "ratios", seed: int = 0, *, problems: Iterable[str] = (), replicates: int | None = None,
    out: str | Path = "zoba-results", jobs: int = 1, announce: Callable[[str], None] | None = None,
    announce_failed: Callable[[list[FailedCell]], None] | None = None,
    announce_phase: Callable[[str, int], Progress] | None = None, isolated: bool = False,
    cell_timeout: float | None = None, max_memory: int | str | None = None, dask: str | None = None,
    fail_fast: bool = False, configuration: Mapping[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Tune, measure and divide; the content of the run that the ledger stores. Finished cells are found again.

    The options of a method are those of its grid that arrive from most starts, and among them those with the least
    median of evaluations, from starts that are not measured.

    Parameters
    ----------
    suite : a name of ``RATIOS``.
    problems : names; all of the suite's where empty.
    replicates : starts to measure from.

    For the others see :func:`zoba_bench.comparison.compare.compare`.

    Returns
    -------
    dict
        "contests": title -> settings; "rows": one a method and contest, with numbers for each start; "ratios": one a
        rival and contest, see :func:`ratio`; "left_out"; "failed"; "seconds"; "provenance".

    Raises
    ------
    ValueError
        For a name that the suite does not have.
    """
    chosen = {**RATIOS[suite], **({} if replicates is None else {"starts": replicates})}
    problems = list(problems)
    contests = _chosen(chosen["contests"], problems)
    entries = [(contest, name, options) for contest in contests for name, options in contest.grids.items()]
    apart = workers(jobs, dask=dask, isolated=isolated, cell_timeout=cell_timeout, max_memory=max_memory)
    if announce is not None:
        settings = sum(len(options) for _, _, options in entries)
        announce(f"{len(entries)} pairs of method and problem; {settings} settings to tune")
    begun = time.perf_counter()
    with Ledger(Path(out) / "ledger.sqlite") as ledger, apart or contextlib.nullcontext():
        measured = Phases(ledger, apart, fail_fast, announce_phase)
        failed = measured.failed
        flat = iter(measured("tuning", [
            _cell(contest, name, options, seed, chosen["tuned"], chosen["tuning_starts"])
            for contest, name, grid in entries for options in grid
        ]))  # fmt: skip
        tuned = [[next(flat) for _ in grid] for _, _, grid in entries]
        best = [_best(found) for found in tuned]
        results = measured("measuring", [
            _cell(contest, name, grid[n], seed, chosen["measured"], chosen["starts"])
            for (contest, name, grid), n in zip(entries, best, strict=True)
        ])  # fmt: skip
        rows, left_out = [], {}
        for (contest, name, grid), n, result in zip(entries, best, results, strict=True):
            if "refused" in result:
                left_out[f"{name} on {contest.title}"] = result["refused"]
                continue
            rows.append({
                "problem": contest.title, "solver": name, "options": grid[n], "ends": _ends(grid, n), **result,
                "median": finite(_middle(result["evaluations"])),
            })  # fmt: skip
        content = {
            "ratios": _ratios(rows), "suite": suite, "own": OWN, "seed": seed, "rows": rows, "left_out": left_out,
            "contests": {contest.title: _about(contest) for contest in contests},
            "settings": {name: value for name, value in chosen.items() if name != "contests"},
            "quantiles": list(QUANTILES), "seconds": time.perf_counter() - begun,
            "failed": [one.row() for one in failed.values()],
            "provenance": {
                **origin(), "cpus": os.cpu_count(), "fingerprint": fingerprint(_RUN),
                "command": _command(suite, seed, problems, replicates),
                **({} if configuration is None else {"configuration": dict(configuration)}),
            },
        }  # fmt: skip
        ledger.add_run(suite, seed, content)
    if announce_failed is not None and failed:
        announce_failed(list(failed.values()))
    return content


def _chosen(contests: Iterable[Contest], problems: list[str]) -> list[Contest]:
    contests = list(contests)
    known = [str(contest.problem["name"]) for contest in contests]
    for name in problems:
        if name not in known:
            raise ValueError(unknown("problem of the suite:", name, known))
    return [contest for contest, name in zip(contests, known, strict=True) if not problems or name in problems]


def _cell(contest: Contest, solver: str, options: Mapping[str, Any], seed: int, first: int, starts: int) -> Cell:
    return Cell(_RUN, {
        "problem": dict(contest.problem), "solver": solver, "options": dict(options), "accuracy": contest.accuracy,
        "spread": contest.spread, "budget": contest.budget, "starts": starts, "first": first,
    }, seed)  # fmt: skip


def _middle(numbers: Numbers) -> float:
    return sorted(map(or_infinity, numbers))[(len(numbers) - 1) // 2]


def _score(result: Mapping[str, Any]) -> tuple[float, float, float]:
    """Starts from which it did not arrive, the median of evaluations, and what was left of Psi; the less, the better.

    A fast setting that fails from some starts would else be chosen for the others.
    """
    if "refused" in result:
        return math.inf, math.inf, math.inf
    spent = result["evaluations"]
    return float(spent.count(None)), _middle(spent), _middle(result["left"])


def _best(found: Sequence[Mapping[str, Any]]) -> int:
    """The place of the best setting."""
    return min(range(len(found)), key=lambda n: _score(found[n]))


def _ends(grid: Sequence[Mapping[str, Any]], best: int) -> list[str]:
    """Options, of at least three values, whose best value is the least or the largest of the grid."""
    found = []
    for name, value in grid[best].items():
        values = sorted({options[name] for options in grid if not isinstance(options[name], str)})
        if len(values) > 2 and value in (values[0], values[-1]):
            found.append(name)
    return found


def _ratios(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    own = {row["problem"]: row for row in rows if row["solver"] == OWN}
    return [
        {
            "problem": row["problem"], "solver": row["solver"],
            **{what: ratio(row[what], own[row["problem"]][what]) for what in ("evaluations", "seconds")},
        }
        for row in rows if row["solver"] != OWN and row["problem"] in own
    ]  # fmt: skip


def _about(contest: Contest) -> dict[str, Any]:
    built, card = load_problem(**contest.problem), card_of(str(contest.problem["name"]))
    return {
        "problem": dict(contest.problem), "p": built.p, "d": built.d, "accuracy": contest.accuracy,
        "spread": contest.spread, "budget": contest.budget, "settings": len(contest.grids[OWN]),
        "summary": "" if card is None else card.summary,
    }  # fmt: skip


def _command(suite: str, seed: int, problems: list[str], replicates: int | None) -> str:
    words = ["zoba-bench", "run", "--suite", suite, "--seed", str(seed)]
    words += [word for name in problems for word in ("--problem", name)]
    return shlex.join([*words, *(() if replicates is None else ("--replicates", str(replicates)))])
