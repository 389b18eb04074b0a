"""The pages of a comparison, as text by file name: overview, all results, and one page a problem."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoba_bench.report import canvas
from zoba_bench.report.comparison import METRICS, by_problem, draw, gain, outcome, value
from zoba_bench.report.failures import failures
from zoba_bench.report.names import Names
from zoba_bench.report.pages import environment
from zoba_bench.report.plots import Plot, curves_plot
from zoba_bench.report.profiles import ORACLES, glances, parts_of
from zoba_bench.report.typography import rich

__all__ = ["comparison_files"]

Row = Mapping[str, Any]
_TOGETHER = 6  # curves in one picture; more are split by what the solvers may query
_NAMED = 8  # problems or solvers that a command names; more are all of them, or were chosen with care


@dataclass(frozen=True)
class Problem:
    """A problem with its page, its rows (best first), and its pictures: a title, a file and a plot each."""

    name: str
    page: str
    anchor: str
    rows: Sequence[Row]
    curves: tuple[tuple[str, str, Plot], ...]

    @property
    def metric(self) -> str:
        """By what its solvers are measured."""
        return METRICS[self.rows[0]["metric"]]


def comparison_files(run: Mapping[str, Any]) -> dict[str, str | bytes]:
    """The pages with their pictures, by file name: curves over the budget with their points, and the field."""
    content = run["content"]
    groups = by_problem(content["rows"])
    names = Names()
    problems = [_problem(name, rows, names, len(groups) == 1) for name, rows in groups.items()]
    parts = parts_of(content, names)
    made = environment()
    made.filters |= {
        "gain": lambda row: f"{gain(row) + 0.0:.1f}", "median": lambda found: rich(value(found)),
        "query": lambda oracle: ORACLES.get(oracle, oracle),
    }  # fmt: skip
    made.globals |= {
        "run": run, "content": content, "problems": problems, "places": {one.name: one for one in problems},
        "command": (content.get("provenance") or {}).get("command") or _command(run),
        "solvers": sorted({str(row["solver"]) for row in content["rows"]}),
        "failed": failures(content.get("failed")), "outcome": outcome(content),
        "budget": _budget(content["settings"]), "parts": parts, "glances": glances(content),
        "instances": max((row.get("instances", 1) for row in content["rows"]), default=1),
        "ordered": [row for one in problems for row in one.rows],
    }  # fmt: skip
    files: dict[str, str | bytes] = {
        f"figures/{file}.{ending}": text
        for one in problems
        for _, file, plot in one.curves
        for ending, text in (("svg", plot.svg), ("csv", plot.csv))
    }
    if parts:
        files |= {
            f"figures/{one.file}.{ending}": text
            for part in parts
            for one in part.pictures
            for ending, text in (("svg", one.plot.svg), ("csv", one.plot.csv))
        }
        files["comparison-profiles.html"] = made.get_template("comparison_profiles.html.jinja").render()
    if len(problems) > 1:
        files["figures/comparison.png"] = canvas.to_png(draw(content))
        page = made.get_template("comparison_problem.html.jinja")
        files |= {one.page: page.render(problem=one) for one in problems}
    files["comparison-results.html"] = made.get_template("comparison_results.html.jinja").render()
    return {**files, "comparison.html": made.get_template("comparison.html.jinja").render()}


def _problem(name: str, rows: Sequence[Row], names: Names, alone: bool) -> Problem:
    """Its pictures and its place: a page of its own, or a section of the overview where it is the only one."""
    anchor = names(f"problem-{name}")
    return Problem(
        name, "comparison.html" if alone else f"comparison-{anchor}.html", anchor, rows, _curves(name, rows, anchor)
    )  # fmt: skip


def _curves(name: str, rows: Sequence[Row], anchor: str) -> tuple[tuple[str, str, Plot], ...]:
    """Few curves in one picture, many in one for each oracle."""
    label = METRICS[rows[0]["metric"]]
    parts = {"": list(rows)}
    if sum(bool(row.get("curve")) for row in rows) > _TOGETHER:
        parts = {words: [row for row in rows if row["oracle"] == oracle] for oracle, words in ORACLES.items()}
    found = []
    for words, part in parts.items():
        plot = curves_plot(part, f"{name}, {words}" if words else name, label)
        if plot is not None:
            title = f"May query {words}" if words else f"{label} along the budget"
            found.append((title, f"comparison-{anchor}{'-' + words.split()[0] if words else ''}", plot))
    return tuple(found)


def _budget(settings: Mapping[str, Any]) -> str:
    whole = settings.get("budget")
    return f"{whole} evaluations a run" if whole else f"{settings['budget_per_dimension']} (p + d) evaluations a run"


def _command(run: Mapping[str, Any]) -> str:
    """What repeats a comparison of the problems and solvers that it has."""
    content, settings = run["content"], run["content"]["settings"]
    words = ["zoba-bench", "run", "--suite", str(run["suite"]), "--seed", str(run["seed"])]
    words += ["--budget", str(settings["budget"])] if settings.get("budget") else []
    words += ["--gradient-cost", str(settings["gradient_cost"])]
    for option in ("problem", "solver"):
        named = sorted({str(row[option]) for row in content["rows"]})
        if len(named) <= _NAMED:
            words += [word for name in named for word in (f"--{option}", name)]
    return shlex.join(words)
