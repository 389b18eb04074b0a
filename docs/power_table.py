"""Markdown tables of docs/measured/power.md.

``zoba-bench verify --suite NAME --power --json | python docs/power_table.py``
"""

from __future__ import annotations

import json
import sys
from typing import Any

from zoba_bench.report import wording


def table(rows: list[dict[str, Any]]) -> list[str]:
    """A line for each protocol and kind of number."""
    lines = [
        "| | error of | claims | median | worst | worst claim | planted: refused (a third) |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [
            row["protocol"],
            f"{row['quantity']} ({row['unit']})",
            wording.deciding(row),
            wording.error(row, "median"),
            wording.error(row, "worst"),
            f"`{row['worst_claim']}`" if row["worst_claim"] else "",
            wording.planted(row),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


if __name__ == "__main__":
    print("\n".join(table(json.load(sys.stdin)["table"])))
