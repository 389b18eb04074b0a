"""Errata of the sources that problems come from, out of their cards, as a Markdown table.

``python docs/errata.py`` prints it; ``--write`` puts it into docs/problems.md, between its two markers; ``--check``
exits with 1 where that table is not the present one.
"""

from __future__ import annotations

import sys
from pathlib import Path

from zoba_bench.registry import entry, list_problems

__all__ = ["table", "with_table"]

PAGE = Path(__file__).parent / "problems.md"
BEGIN, END = "<!-- errata: begin -->", "<!-- errata: end -->"


def table() -> str:
    """One row for each erratum of a registered problem; problems without a card have none."""
    rows = []
    for name in list_problems():
        card = getattr(entry("problems", name), "card", None)
        rows += [(name, card.source, erratum) for erratum in (card.errata if card is not None else ())]
    if not rows:
        return "No card lists an erratum."
    lines = ["| problem | source | what is wrong there, and what is right |", "|---|---|---|"]
    lines += [f"| `{name}` | {_cell(source)} | {_cell(erratum)} |" for name, source, erratum in rows]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def with_table(page: str) -> str:
    """The page with the present table between its markers."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no {BEGIN} and {END}")
    return f"{head}{BEGIN}\n{table()}\n{END}{tail}"


def main() -> int:
    """Print, write or check the table."""
    chosen = sys.argv[1:]
    if chosen not in ([], ["--write"], ["--check"]):
        print(f"usage: python {sys.argv[0]} [--write | --check]", file=sys.stderr)
        return 2
    if not chosen:
        print(table())
        return 0
    before = PAGE.read_text(encoding="utf-8")
    after = with_table(before)
    if chosen == ["--write"]:
        PAGE.write_text(after, encoding="utf-8")
        return 0
    if before != after:
        print(f"{PAGE} is out of date; run: python docs/errata.py --write", file=sys.stderr)
    return int(before != after)


if __name__ == "__main__":
    sys.exit(main())
