"""The table of docs/measured/self_test.md: ``zoba-bench self-test --json | python docs/self_test_table.py --write``.

Rows of errors that were run replace those on the page, the others stay. Without ``--write`` the table is printed.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from zoba_bench.verification.self_test.run import planted_errors

PAGE = Path(__file__).parent / "measured" / "self_test.md"
_HEAD = ["| planted error | what is wrong | seen by |", "|---|---|---|"]
_ROW = re.compile(r"^\| `([^`]+)` \|.*\| (`[^`]+`|\*\*nothing\*\*) \|$", re.MULTILINE)
_PART = re.compile(r"(<!-- errors: begin -->\n).*(<!-- errors: end -->)", re.DOTALL)


def table(content: dict[str, Any]) -> list[str]:
    """Lines of the table, a row for each planted error."""
    return _HEAD + [_row(one) for one in content["errors"]]


def updated(page: str, content: dict[str, Any]) -> str:
    """The page with the rows of these errors, and its counts."""
    rows = {match[1]: match[0] for match in _ROW.finditer(page)}
    rows |= {one["error"]: _row(one) for one in content["errors"]}
    errors = [error.name for error in planted_errors()]
    there = [rows[name] for name in errors if name in rows]
    left = [f"`{name}`" for name in errors if name not in rows]
    seen = sum(not row.endswith("**nothing** |") for row in there)
    words = f"Of {len(errors)} planted errors {len(there)} were run for this table; {seen} were seen."
    if left:
        words += f" Not run: {', '.join(left)}."
    if len(content["errors"]) == len(errors):
        words += f" All of them together took {sum(one['seconds'] for one in content['errors']):.0f} CPU-seconds."
    return _PART.sub(lambda part: "\n".join([f"{part[1]}{words}", "", *_HEAD, *there, part[2]]), page)


def _row(one: dict[str, Any]) -> str:
    seen = f"`{one['seen_by']}`" if one["seen_by"] else "**nothing**"
    return f"| `{one['error']}` | {one['words']} | {seen} |"


if __name__ == "__main__":
    found = json.load(sys.stdin)
    if "--write" in sys.argv[1:]:
        PAGE.write_text(updated(PAGE.read_text(encoding="utf-8"), found), encoding="utf-8")
    else:
        print("\n".join(table(found)))
