"""MEHA beside its rivals: ratios until an accuracy, in a sentence each, as tables for terminal and page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoba_bench.report.comparison import by_problem
from zoba_bench.report.failures import failures
from zoba_bench.report.names import Names
from zoba_bench.report.pages import environment
from zoba_bench.report.sheet import Sheet
from zoba_bench.report.typography import rich

__all__ = ["middle", "quantiles", "ratio_files", "ratio_sentences", "ratio_table", "reached"]

Row = Mapping[str, Any]


def quantiles(found: Row) -> str:
    """The median of a ratio with the two other quantiles; "no end" where the rival alone did not arrive."""
    if not found["quantiles"]:
        return "neither arrives"
    low, middle, high = ("no end" if number is None else f"{number:.3g}" for number in found["quantiles"])
    return f"{middle} ({low} to {high})"


def reached(row: Row) -> str:
    """From how many starts a method arrived."""
    return f"{sum(number is not None for number in row['evaluations'])} of {len(row['evaluations'])}"


def ratio_sentences(content: Row) -> list[str]:
    """One for each rival and problem."""
    return [
        f"{row['problem'][:1].upper()}{row['problem'][1:]}: {row['solver']} takes {quantiles(row['evaluations'])} "
        f"times the evaluations of {content['own']}, and {quantiles(row['seconds'])} times its CPU time."
        for row in content["ratios"]
    ]  # fmt: skip


def ratio_table(content: Row) -> Sheet:
    """Methods of each problem for the terminal."""
    own = content["own"]
    table = Sheet("method", "arrived", f"evaluations / {own}", f"CPU time / {own}", "evaluations", head=1, whole=(2, 3))
    found = {(row["problem"], row["solver"]): row for row in content["ratios"]}
    for name, rows in by_problem(content["rows"]).items():
        about = content["contests"][name]
        table.add_title(f"{name}, until {about['accuracy']:.0%} of Psi - min Psi at the start is left")
        for row in rows:
            divided = found.get((name, row["solver"]))
            words = ("1", "1") if divided is None else (quantiles(divided[what]) for what in ("evaluations", "seconds"))
            table.add_row(row["solver"], reached(row), *words, middle(row))
    return table


def middle(row: Row) -> str:
    """The median of the evaluations until arrival."""
    return "no end" if row["median"] is None else f"{row['median']:,.0f}"


def ratio_files(run: Mapping[str, Any]) -> dict[str, str | bytes]:
    """The page, by file name."""
    content, names = run["content"], Names()
    found = {(row["problem"], row["solver"]): row for row in content["ratios"]}
    contests = [
        {
            "name": name, "anchor": names(f"contest-{name}"), "about": content["contests"][name],
            "rows": [(row, found.get((name, row["solver"]))) for row in rows],
        }
        for name, rows in by_problem(content["rows"]).items()
    ]  # fmt: skip
    made = environment()
    made.filters |= {"quantiles": quantiles, "reached": reached, "middle": middle, "rich": rich}
    made.globals |= {
        "run": run, "content": content, "contests": contests, "sentences": ratio_sentences(content),
        "failed": failures(content.get("failed")), "command": content["provenance"]["command"],
    }  # fmt: skip
    return {"ratios.html": made.get_template("ratios.html.jinja").render()}
