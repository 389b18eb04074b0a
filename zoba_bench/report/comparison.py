"""The page of a comparison: who reached what on which problem, as a picture and as tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from rich.table import Table
from rich.text import Text

from zoba_bench.report import canvas

__all__ = ["comparison_page", "comparison_table", "draw", "gain", "outcome", "rival_table"]

Row = Mapping[str, Any]
_METRICS = {"stationarity": "|grad Psi|²", "gap": "Psi − min Psi"}


def outcome(content: Mapping[str, Any]) -> str:
    """How often the better single-loop method won, in one sentence."""
    rivals = content["rivals"]
    if not rivals:
        return "No problem has both single-loop and two-loop methods of the same oracle."
    counts = {key: sum(r[key] == "single" for r in rivals) for key in ("at_equal_evaluations", "at_equal_time")}
    return (
        f"The best single-loop method is ahead of the best with two loops in {counts['at_equal_evaluations']} of "
        f"{len(rivals)} cases at equal evaluations and in {counts['at_equal_time']} at equal time."
    )


def by_problem(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Rows of each problem, best first."""
    table: dict[str, list[Row]] = {}
    for row in rows:
        table.setdefault(row["problem"], []).append(row)
    return {name: sorted(group, key=lambda row: _size(row["median"])) for name, group in table.items()}


def comparison_table(content: Mapping[str, Any]) -> Table:
    """Solvers of each problem, best first, for the terminal."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold underline")
    for column in ("problem", "solver", "median", "[quartiles]", "start", "seconds"):
        table.add_column(Text(column))
    for name, group in by_problem(content["rows"]).items():
        table.add_section()
        title = f"{name}, {_METRICS[group[0]['metric']]}"
        for row in group:
            low, high = map(_number, row["quartiles"])
            failed = f"  {row['failed']} failed" if row["failed"] else ""
            table.add_row(
                Text(title), Text(row["solver"]), Text(_number(row["median"])), Text(f"[{low}, {high}]{failed}"),
                Text(_number(row["start"])), Text(f"{row['seconds']:.2g}"),
            )  # fmt: skip
            title = ""
    return table


def rival_table(content: Mapping[str, Any]) -> Table:
    """Single loop against two loops, for the terminal."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold underline")
    for column in ("problem", "may query", "one loop", "two loops", "equal evaluations", "equal time"):
        table.add_column(Text(column))
    for r in content["rivals"]:
        table.add_row(
            r["problem"], r["oracle"], f"{r['single']} {_number(r['single_median'])}",
            f"{r['two']} {_number(r['two_median'])}", r["at_equal_evaluations"], r["at_equal_time"],
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
            for j, value in enumerate(line):
                if math.isfinite(value):
                    ink = "white" if value < 4 else "black"
                    axes.text(j, i, f"{value + 0.0:.1f}", ha="center", va="center", fontsize=5.5, color=ink)
        axes.set_xticks(range(len(solvers)), solvers, rotation=60, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(problems)), problems)
        axes.spines[:].set_visible(False)
        figure.colorbar(image, ax=axes, label="powers of ten gained", shrink=0.6)
    return figure


def comparison_page(run: Mapping[str, Any], svg: str) -> str:
    """The page, as HTML."""
    content = run["content"]
    environment = Environment(
        loader=PackageLoader("zoba_bench.report", "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"number": _number, "metric": lambda name: _METRICS[name]}
    return environment.get_template("comparison.html.jinja").render(
        run=run, content=content, outcome=outcome(content), groups=by_problem(content["rows"]), figure=Markup(svg)
    )


def gain(row: Row) -> float:
    """log10 of start over median, to where the median is rounding; a failed median gains nothing."""
    median = _size(row["median"])
    if not math.isfinite(median) or row["start"] <= 0:
        return 0.0
    return round(math.log10(row["start"] / max(median, row["rounding"])), 3)


def _size(value: float | None) -> float:
    return math.inf if value is None else value


def _number(value: float | None) -> str:
    return "failed" if value is None else f"{value:.3g}"
