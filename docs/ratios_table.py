"""The tables of docs/measured/ratios.md from the last run of a ledger.

``python docs/ratios_table.py zoba-results`` prints them; with ``--write`` it puts them into the page.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from page_tables import cell, with_tables

from zoba_bench.ledger import Ledger
from zoba_bench.report.comparison import by_problem
from zoba_bench.report.ratios import middle, quantiles, ratio_sentences, reached

PAGE = Path(__file__).parent / "measured" / "ratios.md"


def glance(content: Mapping[str, Any]) -> str:
    """A line a rival and problem, and the command."""
    lines = [f"- {cell(words)}" for words in ratio_sentences(content)]
    made = content["provenance"]
    return "\n".join([*lines, "", f"(`{made['command']}`; zoba-bench {made['zoba_bench']}, seed {content['seed']}.)"])


def tables(content: Mapping[str, Any]) -> str:
    """A table a problem."""
    found = {(row["problem"], row["solver"]): row for row in content["ratios"]}
    own, parts = content["own"], []
    for name, rows in by_problem(content["rows"]).items():
        head = [
            "method",
            "arrived",
            "evaluations, median",
            f"of {own}'s",
            f"CPU time of {own}'s",
            "at an end of its grid",
        ]
        lines = [head, ["---"] * len(head)]
        for row in rows:
            ratio = found.get((name, row["solver"]))
            divided = ["1", "1"] if ratio is None else [quantiles(ratio[what]) for what in ("evaluations", "seconds")]
            lines.append([f"`{row['solver']}`", reached(row), middle(row), *divided, ", ".join(row["ends"])])
        text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        parts.append(f"## {name[:1].upper()}{name[1:]}\n\n{_about(content['contests'][name])}\n\n{text}")
    return "\n\n".join(parts)


def _about(about: Mapping[str, Any]) -> str:
    words = f"`{about['problem']['name']}`, p = {about['p']}, d = {about['d']}; until {about['accuracy']:.0%} of "
    words += f"Psi - min Psi at the start is left, or {about['budget']:,} evaluations are used; starts with deviation "
    return f"{words}{about['spread']:g}; {about['settings']} settings tried for each method."


def main() -> int:
    """Print the tables, or write the page."""
    chosen = [word for word in sys.argv[1:] if word != "--write"]
    if len(chosen) != 1:
        print("usage: python docs/ratios_table.py FOLDER [--write]", file=sys.stderr)
        return 2
    with Ledger(Path(chosen[0]) / "ledger.sqlite") as ledger:
        run = ledger.last_run()
    if run is None or "ratios" not in run["content"]:
        print(f"{chosen[0]}: its last run is no run of ratios", file=sys.stderr)
        return 2
    made = {"glance": lambda: glance(run["content"]), "tables": lambda: tables(run["content"])}
    if "--write" not in sys.argv:
        print("\n\n".join(table() for table in made.values()))
        return 0
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8"), made), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
