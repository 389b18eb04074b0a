"""The table of docs/measured/calibration.md from the JSON of ``zoba-bench verify --suite calibration --json``."""

import json
import sys


def table(claims):
    """Lines of the table, a row for each simulated claim."""
    lines = [
        "| simulated claim | stated error | seen | 99 % limits (all rows together) | verdict |",
        "|---|---|---|---|---|",
    ]
    for claim in claims:
        low, high = claim["limits"]
        lines.append(
            f"| `{claim['id']}` | {claim['predicted']:.2%} | {claim['measured']:.2%} | {low:.2%} to {high:.2%} | "
            f"{claim['verdict']} |"
        )
    return lines


if __name__ == "__main__":
    print("\n".join(table(json.load(sys.stdin)["claims"])))
