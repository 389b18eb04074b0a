"""The page of a comparison: who reached what on which problem, as a picture and as tables."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from zoba_bench.report import canvas
from zoba_bench.report.pages import environment
from zoba_bench.report.plots import Plot, curves_plot
from zoba_bench.report.sheet import Sheet
from zoba_bench.report.typography import rich

__all__ = ["comparison_files", "comparison_table", "draw", "gain", "outcome", "rival_table"]

Row = Mapping[str, Any]
_METRICS = {"stationarity": "|∇Ψ|²", "gap": "Ψ − min Ψ"}
_PLAIN_METRICS = {"stationarity": "|grad Psi|²", "gap": "Psi − min Psi"}
_ORACLES = {"values": "values", "gradients": "gradients", "second": "second derivatives"}
_NAMED = 8  # problems or solvers that a command names; more are all of them, or were chosen with care


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


def comparison_table(content: Mapping[str, Any]) -> Sheet:
    """Solvers of each problem, best first, for the terminal."""
    table = Sheet("solver", "median", "[quartiles]", "start", "seconds", whole=(1, 2))
    for name, group in by_problem(content["rows"]).items():
        table.add_title(f"{name}, {_PLAIN_METRICS[group[0]['metric']]}")
        for row in group:
            low, high = map(_number, row["quartiles"])
            failed = f"  {row['failed']} failed" if row["failed"] else ""
            table.add_row(
                row["solver"], _number(row["median"]), f"[{low}, {high}]{failed}", _number(row["start"]),
                f"{row['seconds']:.2g}",
            )  # fmt: skip
    return table


def rival_table(content: Mapping[str, Any]) -> Sheet:
    """Single loop against two loops, for the terminal."""
    table = Sheet("problem", "may query", "one loop", "two loops", "equal evaluations", "equal time", head=2)
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


def comparison_files(run: Mapping[str, Any]) -> dict[str, str | bytes]:
    """The page with its pictures, by file name: curves over the budget with their points, and the field."""
    content = run["content"]
    groups = by_problem(content["rows"])
    files: dict[str, str | bytes] = {}
    curves: dict[str, list[tuple[str, str, Plot]]] = {name: [] for name in groups}
    for number, (name, rows) in enumerate(groups.items()):
        for oracle, words in _ORACLES.items():
            asking = [row for row in rows if row["oracle"] == oracle]
            plot = curves_plot(asking, f"{name}, {words}", _METRICS[rows[0]["metric"]])
            if plot is not None:
                file = f"comparison-{number}-{oracle}"
                curves[name].append((words, file, plot))
                files |= {f"figures/{file}.svg": plot.svg, f"figures/{file}.csv": plot.csv}
    made = environment()
    made.filters |= {"median": lambda value: rich(_number(value)), "metric": lambda name: _METRICS[name]}
    solvers = sorted({row["solver"] for row in content["rows"]})
    gained = {
        name: {**dict.fromkeys(solvers, "–"), **{row["solver"]: f"{gain(row) + 0.0:.1f}" for row in rows}}
        for name, rows in groups.items()
    }
    text = made.get_template("comparison.html.jinja").render(
        run=run, content=content, outcome=outcome(content), groups=groups, curves=curves,
        solvers=solvers, gained=gained, command=_command(run),
    )  # fmt: skip
    files["figures/comparison.png"] = canvas.to_png(draw(content))
    return {**files, "comparison.html": text}


def _command(run: Mapping[str, Any]) -> str:
    """What repeats a comparison of the problems and solvers that it has."""
    content, settings = run["content"], run["content"]["settings"]
    words = ["zoba-bench", "run", "--suite", str(run["suite"]), "--seed", str(run["seed"])]
    words += ["--budget", str(settings["budget"]), "--gradient-cost", str(settings["gradient_cost"])]
    for option in ("problem", "solver"):
        named = sorted({str(row[option]) for row in content["rows"]})
        if len(named) <= _NAMED:
            words += [word for name in named for word in (f"--{option}", name)]
    return shlex.join(words)


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
