"""Markdown tables of a comparison: ``zoba-bench run --suite compare --json | python docs/comparison_table.py``."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from zoba_bench.report.comparison import gain, outcome

Row = Mapping[str, Any]


def solvers(rows: Iterable[Row]) -> list[str]:
    """A line for each solver: how far it got, and where it got furthest of those that may query the same."""
    groups: dict[str, list[Row]] = {}
    best: dict[tuple[str, str], float] = {}
    for row in rows:
        groups.setdefault(row["solver"], []).append(row)
        where = row["problem"], row["oracle"]
        best[where] = max(best.get(where, 0.0), gain(row))
    lines = ["| solver | may query | loops | problems | powers of ten gained: median, most | first on | failed on |",
             "|---|---|---|---|---|---|---|"]  # fmt: skip
    for name, group in sorted(groups.items(), key=lambda item: (item[1][0]["oracle"], item[0])):
        gains = [gain(row) for row in group]
        first = sum(0 < gain(row) == best[row["problem"], row["oracle"]] for row in group)
        failed = sum(row["median"] is None for row in group)
        lines.append(
            f"| `{name}` | {group[0]['oracle']} | {group[0]['loops']} | {len(group)} "
            f"| {statistics.median(gains):.1f}, {max(gains):.1f} | {first} | {failed} |"
        )
    return lines


def counts(found: Iterable[Row]) -> list[str]:
    """How often one loop is ahead of two, by what may be queried."""
    lines = [
        "| may query | problems | one loop ahead, two, equal: at equal evaluations | at equal time |",
        "|---|---|---|---|",
    ]
    groups: dict[str, list[Row]] = {}
    for r in found:
        groups.setdefault(r["oracle"], []).append(r)
    for oracle, group in sorted(groups.items()):
        ends = (
            ", ".join(str(sum(r[key] == winner for r in group)) for winner in ("single", "two", "equal"))
            for key in ("at_equal_evaluations", "at_equal_time")
        )
        lines.append(f"| {oracle} | {len(group)} | {' | '.join(ends)} |")
    return lines


def rivals(found: Iterable[Row]) -> list[str]:
    """A line for each problem and kind of oracle: the best method with one loop and with two."""
    lines = ["| problem | may query | one loop | two loops | at equal evaluations | at equal time |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    for r in found:
        ends = (f"`{r[kind]}` {_number(r[f'{kind}_median'])}" for kind in ("single", "two"))
        words = (r[key] for key in ("at_equal_evaluations", "at_equal_time"))
        lines.append(f"| {r['problem']} | {r['oracle']} | {' | '.join(ends)} | {' | '.join(words)} |")
    return lines


def _number(value: float | None) -> str:
    return "failed" if value is None else f"{value:.2g}"


def main() -> None:
    """What the command prints."""
    content = json.load(sys.stdin)
    tables = (counts(content["rivals"]), solvers(content["rows"]), rivals(content["rivals"]))
    print(outcome(content), *("\n".join(table) for table in tables), sep="\n\n")


if __name__ == "__main__":
    main()
