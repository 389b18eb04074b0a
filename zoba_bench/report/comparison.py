"""A comparison in words and numbers: who reached what on which problem, as tables for the terminal and as a picture."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from zoba_bench.comparison.numbers import or_infinity
from zoba_bench.report import canvas
from zoba_bench.report.sheet import Sheet

__all__ = ["METRICS", "by_problem", "comparison_table", "draw", "gain", "outcome", "rival_table", "value"]

Row = Mapping[str, Any]
METRICS = {"stationarity": "|∇Ψ|²", "gap": "Ψ − min Ψ"}
_PLAIN_METRICS = {"stationarity": "|grad Psi|²", "gap": "Psi − min Psi"}


def outcome(content: Mapping[str, Any]) -> str:
    """Who is ahead, in one sentence: one loop or two where both ran, else the solvers."""
    rivals, groups = content["rivals"], by_problem(content["rows"])
    if rivals:
        counts = {key: sum(r[key] == "single" for r in rivals) for key in ("at_equal_evaluations", "at_equal_time")}
        return (
            f"The best single-loop method is ahead of the best with two loops in {counts['at_equal_evaluations']} of "
            f"{len(rivals)} cases at equal evaluations and in {counts['at_equal_time']} at equal time."
        )
    if not groups:
        return "No solver has a result."
    if len(groups) == 1:
        ((name, rows),) = groups.items()
        return _order(name, rows)
    ahead = Counter(rows[0]["solver"] for rows in groups.values() if or_infinity(rows[0]["median"]) < rows[0]["start"])
    if not ahead:
        return f"No solver ends below the start on any of {len(groups)} problems."
    places = ", ".join(f"{solver} on {n} of {len(groups)} problems" for solver, n in ahead.most_common())
    return f"Lowest at the end of the budget: {places}."


def _order(problem: str, rows: Sequence[Row]) -> str:
    """The best of a problem's rows and the one behind it; rows come best first."""
    first = rows[0]
    if not or_infinity(first["median"]) < first["start"]:
        return f"No solver ends below the start on {problem}."
    if len(rows) == 1:
        return f"{first['solver']} ends at {value(first['median'])} on {problem}, from {value(first['start'])}."
    second, least = rows[1], first["rounding"]
    size = max(or_infinity(second["median"]), least) / max(first["median"], least)
    if math.isinf(size):
        return f"{first['solver']} ends lowest on {problem}; {second['solver']} fails."
    if size == 1:
        return f"{first['solver']} and {second['solver']} end equally low on {problem}."
    if first["median"] <= least:
        return f"{first['solver']} ends at rounding on {problem}; {second['solver']} ends at {value(second['median'])}."
    overlap = or_infinity(first["quartiles"][1]) >= or_infinity(second["quartiles"][0])
    within = ", within the quartiles of their seeds" if overlap else ""
    return f"{first['solver']} ends lowest on {problem}; {second['solver']} ends {size:.3g} times as high{within}."


def by_problem(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Rows of each problem, best first."""
    table: dict[str, list[Row]] = {}
    for row in rows:
        table.setdefault(row["problem"], []).append(row)
    return {name: sorted(group, key=lambda row: or_infinity(row["median"])) for name, group in table.items()}


def comparison_table(content: Mapping[str, Any]) -> Sheet:
    """Solvers of each problem, best first, for the terminal."""
    table = Sheet("solver", "median", "[quartiles]", "start", "seconds", whole=(1, 2))
    for name, group in by_problem(content["rows"]).items():
        table.add_title(f"{name}, {_PLAIN_METRICS[group[0]['metric']]}")
        for row in group:
            low, high = map(value, row["quartiles"])
            failed = f"  {row['failed']} failed" if row["failed"] else ""
            table.add_row(
                row["solver"], value(row["median"]), f"[{low}, {high}]{failed}", value(row["start"]),
                f"{row['seconds']:.2g}",
            )  # fmt: skip
    return table


def rival_table(content: Mapping[str, Any]) -> Sheet:
    """Single loop against two loops, for the terminal."""
    table = Sheet("problem", "may query", "one loop", "two loops", "equal evaluations", "equal time", head=2)
    for r in content["rivals"]:
        table.add_row(
            r["problem"], r["oracle"], f"{r['single']} {value(r['single_median'])}",
            f"{r['two']} {value(r['two_median'])}", r["at_equal_evaluations"], r["at_equal_time"],
        )  # fmt: skip
    return table


def draw(content: Mapping[str, Any]) -> Figure:
    """A field for every solver and problem: powers of ten between the start and the median at the end."""
    rows = content["rows"]
    problems = sorted({row["problem"] for row in rows})
    solvers = sorted({row["solver"] for row in rows})
    gained = {(row["problem"], row["solver"]): gain(row) for row in rows}
    field = [[gained.get((problem, solver), math.nan) for solver in solvers] for problem in problems]
    with canvas.style():
        figure = Figure(figsize=(2.6 + 0.36 * len(solvers), 1.6 + 0.22 * len(problems)), layout="constrained")
        axes = figure.add_subplot()
        image = axes.imshow(field, cmap="viridis", norm=Normalize(0, 8), aspect="auto")
        for i, line in enumerate(field):
            for j, powers in enumerate(line):
                if math.isfinite(powers):
                    ink = "white" if powers < 4 else "black"
                    axes.text(j, i, f"{powers + 0.0:.1f}", ha="center", va="center", fontsize=5.5, color=ink)
        axes.set_xticks(range(len(solvers)), solvers, rotation=60, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(problems)), problems)
        axes.spines[:].set_visible(False)
        figure.colorbar(image, ax=axes, label="powers of ten gained", shrink=0.6)
    return figure


def gain(row: Row) -> float:
    """log10 of start over median, to where the median is rounding; a failed median gains nothing."""
    median = or_infinity(row["median"])
    if not math.isfinite(median) or row["start"] <= 0:
        return 0.0
    return round(math.log10(row["start"] / max(median, row["rounding"])), 3)


def value(found: float | None) -> str:
    """A median or quartile; those of runs that failed are infinite, and stored as None."""
    return "failed" if found is None else f"{found:.3g}"
