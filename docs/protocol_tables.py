"""The tables of docs/verification.md that come out of the protocols' files: what each measures, and what it takes.

``python docs/protocol_tables.py`` prints them; ``--write`` puts each into docs/verification.md, between its two
markers; ``--check`` exits with 1 where a table is not the present one.
"""

from __future__ import annotations

import sys
from pathlib import Path

from zoba_bench.verification.protocols import PROTOCOLS, load_protocol

__all__ = ["TABLES", "parameters", "protocols", "with_tables"]

PAGE = Path(__file__).parent / "verification.md"


def protocols() -> str:
    """One row for each protocol: its title, and the first paragraph of its file's docstring without its name."""
    lines = ["| | | what is measured, and against what |", "|---|---|---|"]
    for name in PROTOCOLS:
        module = load_protocol(name)
        label, colon, words = (module.__doc__ or "").partition("\n\n")[0].partition(": ")
        if label != name or not colon:
            raise ValueError(f"the docstring of {module.__name__} must begin with '{name}: ' and what is measured")
        lines.append(f"| {name} | {_cell(module.TITLE)} | {_cell(words)} |")
    return "\n".join(lines)


def parameters() -> str:
    """One row for each protocol: the parameters of its claims."""
    lines = ["| | parameters |", "|---|---|"]
    lines += [f"| {name} | {load_protocol(name).PARAMETERS.describe()} |" for name in PROTOCOLS]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|").replace("*", r"\*")


TABLES = {"protocols": protocols, "parameters": parameters}


def with_tables(page: str) -> str:
    """The page with the present tables between their markers."""
    for name, table in TABLES.items():
        first, last = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        head, begin, rest = page.partition(first)
        _, end, tail = rest.partition(last)
        if not begin or not end:
            raise ValueError(f"the page has no {first} and {last}")
        page = f"{head}{first}\n{table()}\n{last}{tail}"
    return page


def main() -> int:
    """Print, write or check the tables."""
    chosen = sys.argv[1:]
    if chosen not in ([], ["--write"], ["--check"]):
        print(f"usage: python {sys.argv[0]} [--write | --check]", file=sys.stderr)
        return 2
    if not chosen:
        print("\n\n".join(table() for table in TABLES.values()))
        return 0
    before = PAGE.read_text(encoding="utf-8")
    after = with_tables(before)
    if chosen == ["--write"]:
        PAGE.write_text(after, encoding="utf-8")
        return 0
    if before != after:
        print(f"{PAGE} is out of date; run: python docs/protocol_tables.py --write", file=sys.stderr)
    return int(before != after)


if __name__ == "__main__":
    sys.exit(main())
