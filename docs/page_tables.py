"""What the scripts share that put tables into a page: each table stands between two markers.

A script prints its tables; with ``--write`` it puts them into its page, with ``--check`` it exits with 1 where one
there is not the present one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

__all__ = ["cell", "main", "with_tables"]

Tables = Mapping[str, Callable[[], str]]


def cell(text: str) -> str:
    """A text as a cell of a Markdown table, in which a star opens no emphasis."""
    return " ".join(text.split()).replace("|", r"\|").replace("*", r"\*")


def with_tables(page: str, tables: Tables) -> str:
    """The page with the present tables between their markers."""
    for name, table in tables.items():
        first, last = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        head, begin, rest = page.partition(first)
        _, end, tail = rest.partition(last)
        if not begin or not end:
            raise ValueError(f"the page has no {first} and {last}")
        page = f"{head}{first}\n{table()}\n{last}{tail}"
    return page


def main(script: str, page: Path, tables: Tables) -> int:
    """Print, write or check the tables, as the command line says."""
    chosen = sys.argv[1:]
    if chosen not in ([], ["--write"], ["--check"]):
        print(f"usage: python {script} [--write | --check]", file=sys.stderr)
        return 2
    if not chosen:
        print("\n\n".join(table() for table in tables.values()))
        return 0
    before = page.read_text(encoding="utf-8")
    after = with_tables(before, tables)
    if chosen == ["--write"]:
        page.write_text(after, encoding="utf-8")
        return 0
    if before != after:
        print(f"{page} is out of date; run: python {script} --write", file=sys.stderr)
    return int(before != after)
