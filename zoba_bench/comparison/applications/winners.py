"""Rows of a table from the runs, and who is ahead on each task at equal evaluations and at equal time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from zoba_bench.comparison.numbers import finite, or_infinity

__all__ = ["at_time", "row_of", "winners"]

Row = Mapping[str, Any]
#: Of several runs.
_QUANTILES = (0.25, 0.5, 0.75)


def row_of(
    title: str, oracle: str, solver: str, options: Mapping[str, Any], result: Mapping[str, Any], tuned: int, budget: int
) -> dict[str, Any]:  # fmt: skip
    """One method on one task: quartiles over its runs of Psi and of every measure."""
    curves = np.array([[or_infinity(value) for value in curve] for curve in result["curves"]])
    low, middle, high = _quantiles(result["final"])
    return {
        "problem": title, "oracle": oracle, "solver": solver, "options": dict(options), "budget": budget,
        "start": result["start"], "median": middle, "quartiles": [low, high],
        "failed": sum(value is None for value in result["final"]), "runs": len(result["final"]),
        "evaluations": result["evaluations"],
        "curve": [finite(v) for v in np.quantile(curves, 0.5, axis=0, method="inverted_cdf")],
        "used": max(result["used"]), "seconds": result["seconds"],
        "measures": {name: _quantiles(values) for name, values in result["measures"].items()},
        "tuning_evaluations": tuned, "pictures": result["pictures"],
    }  # fmt: skip


def winners(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """For each task and kind of queries the method with the least Psi, and the one behind it.

    Equal time is that at which the first of them has used its budget; what others had reached by then is read from
    their curves, along which evaluations take equal time.
    """
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["problem"], row["oracle"]), []).append(row)
    found = []
    for (problem, oracle), group in groups.items():
        until = min(row["seconds"] for row in group)
        ends = {row["solver"]: or_infinity(row["median"]) for row in group}
        early = {row["solver"]: or_infinity(at_time(row, until)) for row in group}
        quartiles = {row["solver"]: [or_infinity(end) for end in row["quartiles"]] for row in group}
        first, *rest = sorted(ends, key=lambda name: (ends[name], name))
        found.append({
            "problem": problem, "oracle": oracle, "methods": len(group),
            "at_equal_evaluations": first, "median": finite(ends[first]), "behind": rest[0] if rest else "",
            "apart": bool(rest) and quartiles[first][1] < quartiles[rest[0]][0],
            "seconds": until, "at_equal_time": min(early, key=lambda name: (early[name], name)),
            "median_then": finite(min(early.values())),
        })  # fmt: skip
    return found


def at_time(row: Row, seconds: float) -> float | None:
    """The median at a time, where evaluations take equal time along a run."""
    share = min(1.0, seconds / row["seconds"]) if row["seconds"] > 0 else 1.0
    reached = share * row["used"] * (1 + 1e-9)
    passed = [value for at, value in zip(row["evaluations"], row["curve"], strict=True) if at <= reached]
    if share == 1.0:
        passed = row["curve"]
    last: float | None = passed[-1]
    return last


def _quantiles(values: Sequence[float | None]) -> list[float | None]:
    sizes = [or_infinity(value) for value in values]
    return [finite(float(np.quantile(sizes, share, method="inverted_cdf"))) for share in _QUANTILES]
