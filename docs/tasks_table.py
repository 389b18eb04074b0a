"""The tables of docs/measured/tasks.md from the last run of a ledger.

``python docs/tasks_table.py zoba-results`` prints them; with ``--write`` it puts them into the page, with the images.
After a run of some tasks alone ``--add`` does so and keeps what the page says of the others.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from page_tables import cell, with_tables

from zoba_bench.ledger import Ledger
from zoba_bench.report.applications import draw_images, sentences
from zoba_bench.report.canvas import to_png
from zoba_bench.report.comparison import by_problem, value

Row = Mapping[str, Any]
PAGE = Path(__file__).parent / "measured" / "tasks.md"
PICTURE = Path(__file__).parent / "figures" / "attack.png"


def glance(content: Mapping[str, Any]) -> str:
    """Who is ahead, a line a task and kind of queries, and the command."""
    lines = [f"- {cell(words)}" for words in sentences(content)]
    made = content["provenance"]
    command = f"`{made['command']}`, {content['settings']['replicates']} runs of each method that draws random numbers"
    return "\n".join([*lines, "", f"({command}; zoba-bench {made['zoba_bench']}, seed {content['seed']}.)"])


def tables(content: Mapping[str, Any]) -> str:
    """A table a task: medians with quartiles."""
    parts = []
    for name, rows in by_problem(content["rows"]).items():
        about = content["tasks"][name]
        measures = about["measures"]
        head = ["method", "queries", f"{about['metric']}, median", "quartiles", *measures, "CPU s a run", "failed"]
        lines = [
            f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *(_cells(r, measures) for r in rows))
        ]
        parts.append(f"## {_capital(name)}\n\n{_about(about, rows[0])}\n\n" + "\n".join(lines))
    return "\n\n".join(parts)


def _about(about: Mapping[str, Any], row: Row) -> str:
    budgets = ", ".join(f"{number:,} evaluations of {kind}" for kind, number in about["budgets"].items())
    problem = ", ".join(f"{key}={found}" for key, found in about["problem"].items() if key != "name")
    words = f"`{about['problem']['name']}`{f' ({problem})' if problem else ''}, p = {about['p']}, d = {about['d']}; "
    words += f"{budgets} a run; {about['metric']} at the start {value(row['start'])}"
    for name, number in about.get("worth", {}).items():
        words += f"; a query of `{name}` stands for {number} evaluations"
    reference = about["reference"]
    if "value" not in reference:
        return f"{words}."
    ends = ", ".join(f"{name} {value(found)}" for name, found in reference["measures"].items())
    spread = max(reference["values"]) - min(reference["values"])
    words += f", reference {value(reference['value'])} ({ends}), by {len(reference['values'])} runs of L-BFGS with the "
    return f"{words}exact hypergradient for x in {about['box']}^d, whose ends differ by {value(spread)}."


def _cells(row: Row, measures: list[str]) -> list[str]:
    low, high = map(value, row["quartiles"])
    judged = [f"{value(row['measures'][name][1])}" for name in measures]
    return [
        f"`{row['solver']}`", row["oracle"], value(row["median"]), f"{low} to {high}", *judged,
        f"{row['seconds']:.2g}", f"{row['failed']} of {row['runs']}",
    ]  # fmt: skip


def _capital(name: str) -> str:
    return f"{name[:1].upper()}{name[1:]}"


def _present(page: str, name: str) -> str:
    """What stands between two markers of the page."""
    return page.partition(f"<!-- {name}: begin -->\n")[2].partition(f"\n<!-- {name}: end -->")[0]


def added_glance(content: Mapping[str, Any], before: str) -> str:
    """The lines of other tasks, then those of this run, each run with its command."""
    made = content["provenance"]
    titles = tuple(f"{_capital(name)}{end}" for name in content["tasks"] for end in (", ", ": "))
    old = [line for line in before.splitlines() if not line.removeprefix("- ").removeprefix("(").startswith(titles)]
    lines = [*(line for line in old if line.startswith("- ")), *(f"- {cell(words)}" for words in sentences(content))]
    said = f"({', '.join(map(_capital, content['tasks']))}: `{made['command']}`.)"
    return "\n".join([*lines, "", *(line for line in old if line.startswith("(")), said])


def added_tables(content: Mapping[str, Any], before: str) -> str:
    """The sections of other tasks, and those of this run in their places or at the end."""
    found = {}
    for text in (before, tables(content)):
        for section in re.split(r"(?m)^(?=## )", text):
            if section:
                found[section.splitlines()[0]] = section.strip()
    return "\n\n".join(found.values())


def main() -> int:
    """Print the tables, or write the page."""
    chosen = [word for word in sys.argv[1:] if word not in ("--write", "--add")]
    if len(chosen) != 1:
        print("usage: python docs/tasks_table.py FOLDER [--write | --add]", file=sys.stderr)
        return 2
    with Ledger(Path(chosen[0]) / "ledger.sqlite") as ledger:
        run = ledger.last_run()
    if run is None or "applications" not in run["content"]:
        print(f"{chosen[0]}: its last run is no run of tasks", file=sys.stderr)
        return 2
    content = run["content"]
    made = {"glance": lambda: glance(content), "tables": lambda: tables(content)}
    if not {"--write", "--add"} & set(sys.argv):
        print("\n\n".join(table() for table in made.values()))
        return 0
    page = PAGE.read_text(encoding="utf-8")
    if "--add" in sys.argv:
        made = {
            "glance": lambda: added_glance(content, _present(page, "glance")),
            "tables": lambda: added_tables(content, _present(page, "tables")),
        }
    PAGE.write_text(with_tables(page, made), encoding="utf-8")
    seen = [row for row in content["rows"] if row["problem"] == "universal attack" and row["pictures"]]
    ahead = {w["at_equal_evaluations"] for w in content["winners"] if w["problem"] == "universal attack"}
    for row in seen:
        if row["solver"] in ahead:
            PICTURE.write_bytes(to_png(draw_images(row["pictures"])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
