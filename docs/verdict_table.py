"""Markdown table of the measured verdicts: ``zoba-bench verify --json | python docs/verdict_table.py``."""

from __future__ import annotations

import json
import sys
from typing import Any

SHOWN = ("P2b", "P4a", "P4b", "P6", "P6b")


def main() -> None:
    """Claims with confidence limits one by one, the others counted."""
    claims: list[dict[str, Any]] = json.load(sys.stdin)["claims"]
    honest = [claim for claim in claims if claim["origin"] != "control"]
    print("| claim | predicted | allowed | measured | 99 % limits | verdict |")
    print("|---|---|---|---|---|---|")
    for claim in honest:
        if claim["id"].split("/")[0] in SHOWN:
            value, low, high = (f"{number:.3f}" for number in (claim["measured"], *claim["limits"]))
            limits = "" if low == value == high else f"{low} to {high}"
            allowed = " to ".join("any" if end is None else f"{end:.4g}" for end in claim["allowed"])
            print(
                f"| `{claim['id']}` | {claim['predicted']:.4g} | {allowed} | {value} | {limits} | {claim['verdict']} |"
            )
    for name, group in (
        ("P1, evaluation counts", [c for c in honest if c["id"].startswith("P1/")]),
        ("P2, moments of the surrogates", [c for c in honest if c["id"].startswith("P2/")]),
        ("P2s, mean of one step", [c for c in honest if c["id"].startswith("P2s/")]),
        ("P5, certified bounds", [c for c in honest if c["id"].startswith("P5/")]),
        ("P6c, plans to eps", [c for c in honest if c["id"].startswith("P6c/")]),
        ("P7, final accuracy", [c for c in honest if c["id"].startswith("P7/")]),
        ("P8, identical bits", [c for c in honest if c["id"].startswith("P8/")]),
        ("P9, proofs", [c for c in honest if c["id"].startswith("P9/")]),
        ("P10, mean of a whole step of every solver", [c for c in honest if c["id"].startswith("P10/")]),
        ("P11, independence", [c for c in honest if c["id"].startswith("P11/")]),
        ("controls", [c for c in claims if c["origin"] == "control"]),
    ):
        verdicts = sorted({c["verdict"] for c in group})
        counts = ", ".join(f"{sum(c['verdict'] == v for c in group)} {v}" for v in verdicts)
        print(f"| {len(group)} {name} | | | | | {counts} |")


if __name__ == "__main__":
    main()
