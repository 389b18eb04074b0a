"""What a comparison reports of a pair: the row of its table, its runs against targets, and who is ahead."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.comparison.bootstrap import limits, stream
from zoba_bench.comparison.numbers import finite, or_infinity
from zoba_bench.comparison.pairs import Pair
from zoba_bench.solver_file import title_of_solver

__all__ = ["rivals", "rounding", "row_of", "runs_of", "tuning_score"]

Result = Mapping[str, Any]


def row_of(
    pair: Pair, options: Mapping[str, Any], results: Sequence[Result], tuning: Sequence[Result], seed: int
) -> dict[str, Any]:  # fmt: skip
    """The row of a pair: medians and quartiles over instances and seeds, every instance with the same weight."""
    groups = [[or_infinity(value) for value in result["final"]] for result in results]
    low, middle, high = (_quantile(groups, q) for q in (0.25, 0.5, 0.75))
    start = float(np.median([result["start"] for result in results]))
    rng = stream(seed, "median", pair.case.title, pair.solver)
    interval = limits(groups, lambda drawn: np.quantile(drawn, 0.5, axis=-1, method="inverted_cdf"), rng)
    curves = np.array([
        [or_infinity(value) for value in curve] for result in results for curve in _repeated(result["curves"], results)
    ])  # fmt: skip
    along = np.quantile(curves, 0.5, axis=0, method="inverted_cdf")
    return {
        "problem": pair.case.title, "family": pair.case.name, "group": pair.case.group, "size": pair.case.size,
        "p": pair.case.problem.p, "d": pair.case.problem.d, "solver": title_of_solver(pair.solver),
        "metric": pair.metric, "loops": pair.entry.loops, "oracle": pair.entry.oracle, "options": dict(options),
        "start": start, "median": finite(middle), "quartiles": [finite(low), finite(high)],
        "median_limits": [finite(end) for end in interval],
        "failed": sum(math.isinf(value) for group in groups for value in group),
        "runs": sum(map(len, groups)), "instances": len(results),
        "evaluations": results[0]["evaluations"],
        "curve": [finite(value) for value in along],
        "tuning_evaluations": sum(sum(result.get("used", ())) for result in tuning),
        "seconds": sum(result["seconds"] for result in results), "rounding": rounding(pair.metric, start),
    }  # fmt: skip


def runs_of(pair: Pair, results: Sequence[Result], tuning_evaluations: int, budget: int) -> list[dict[str, Any]]:
    """When each run of a pair first reached the targets, an entry an instance."""
    return [
        {
            "problem": pair.case.title, "group": pair.case.group, "size": pair.case.size, "instance": instance.start,
            "dimension": pair.case.problem.p + pair.case.problem.d, "solver": title_of_solver(pair.solver),
            "oracle": pair.entry.oracle, "metric": pair.metric, "hits": result["hits"],
            "used": result["used"], "budget": budget, "tuning_evaluations": tuning_evaluations,
        }
        for instance, result in zip(pair.case.measured, results, strict=True)
    ]  # fmt: skip


def tuning_score(results: Sequence[Result]) -> float:
    """The median over instances and seeds of what is left of the start; infinite where a run was refused."""
    if any("refused" in result for result in results):
        return math.inf
    groups = [[or_infinity(value) / (result["start"] or 1.0) for value in result["final"]] for result in results]
    return _quantile(groups, 0.5)


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
            one, two = (min(kinds[kind], key=lambda row: or_infinity(row["median"])) for kind in ("single", "two"))
            until = min(one["seconds"], two["seconds"])
            early = [_at_time(row, until) for row in (one, two)]
            found.append({
                "problem": problem, "oracle": oracle, "single": one["solver"], "two": two["solver"],
                "single_median": one["median"], "two_median": two["median"],
                "at_equal_evaluations": _winner(one["median"], two["median"], one["rounding"], one["start"]),
                "at_equal_time": _winner(early[0], early[1], one["rounding"], one["start"]),
            })  # fmt: skip
    return found


def rounding(metric: str, start: float) -> float:
    """Where a measure is rounding: a thousand units of the start's, squared for |grad Psi|^2."""
    relative = 1e3 * float(np.finfo(np.float64).eps)
    return start * (relative**2 if metric == "stationarity" else relative)


def _repeated(curves: Sequence[Any], results: Sequence[Result]) -> list[Any]:
    """Curves as often as the longest instance has them, so that every instance has the same weight."""
    most = max(len(result["curves"]) for result in results)
    return [curves[n % len(curves)] for n in range(most)]


def _quantile(groups: Sequence[Sequence[float]], share: float) -> float:
    size = max(map(len, groups))
    values: Array = np.concatenate([np.resize(np.asarray(group), size) for group in groups])
    return float(np.quantile(values, share, method="inverted_cdf"))


def _at_time(row: Mapping[str, Any], seconds: float) -> float | None:
    """The median at a time, where evaluations take equal time along a run."""
    share = min(1.0, seconds / row["seconds"]) if row["seconds"] > 0 else 1.0
    reached = share * row["evaluations"][-1]
    passed = [v for at, v in zip(row["evaluations"], row["curve"], strict=True) if at <= reached]
    last: float | None = passed[-1] if passed else row["start"]
    return last


def _winner(one: float | None, two: float | None, nothing: float, start: float) -> str:
    a, b = (min(max(or_infinity(value), nothing), start) for value in (one, two))
    return "equal" if a == b else "single" if a < b else "two"
