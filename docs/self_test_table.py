"""The table of docs/measured/self_test.md from the JSON of ``zoba-bench self-test --json``."""

import json
import sys


def table(content):
    """Lines of the table, a row for each planted error."""
    lines = ["| planted error | what is wrong | seen by |", "|---|---|---|"]
    for row in content["errors"]:
        seen = f"`{row['seen_by']}`" if row["seen_by"] else "**nothing**"
        lines.append(f"| `{row['error']}` | {row['words']} | {seen} |")
    return lines


if __name__ == "__main__":
    print("\n".join(table(json.load(sys.stdin))))
