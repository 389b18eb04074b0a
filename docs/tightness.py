"""Markdown table of tightness: ``zoba-bench verify --suite bounds --json | python docs/tightness.py``."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

SOLVERS = ("zoba", "zoba-tuned", "zoba-mixed", "hf-zoba", "hf-zoba-shared")
STATEMENT = re.compile(r"On (?P<instance>.+?\)) from .+ over (?P<K>\d+) iterations")
SPLIT = re.compile(r"bound = transient (?P<transient>\S+) \+ floor (?P<floor>\S+),")


def table(claims: list[dict[str, Any]]) -> list[str]:
    """A line an instance and start, a column a solver: bound / measured, and the floor's share of the bound."""
    lines: dict[tuple[str, str, str], dict[str, str]] = {}
    for claim in claims:
        if claim["origin"] != "control" and claim["id"].startswith("P5/"):
            said, split = STATEMENT.match(claim["statement"]), SPLIT.search(claim["reason"])
            if said is None or split is None:
                raise SystemExit(f"cannot read {claim['id']}: {claim['statement']!r}, {claim['reason']!r}")
            share = float(split["floor"]) / claim["predicted"]
            cell = f"{claim['predicted'] / claim['measured']:.3g} ({share:.0%})"
            if claim["verdict"] != "consistent":
                cell += f" **{claim['verdict']}**"
            start = claim["id"].rpartition("/")[2]
            lines.setdefault((said["instance"], start, said["K"]), {})[claim["solver"]] = cell
    head = ["problem", "start", "K", *(f"`{solver}`" for solver in SOLVERS)]
    rows = [[*key, *(cells.get(solver, "") for solver in SOLVERS)] for key, cells in lines.items()]
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]


def main() -> None:
    """The table, and the verdicts counted."""
    claims: list[dict[str, Any]] = json.load(sys.stdin)["claims"]
    print("\n".join(table(claims)))
    for name, group in (
        ("claims", [c for c in claims if c["origin"] != "control"]),
        ("controls", [c for c in claims if c["origin"] == "control"]),
    ):
        verdicts = sorted({c["verdict"] for c in group})
        counts = ", ".join(f"{sum(c['verdict'] == v for c in group)} {v}" for v in verdicts)
        print(f"\n{len(group)} {name}: {counts}.")


if __name__ == "__main__":
    main()
