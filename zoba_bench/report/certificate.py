"""What a run's certificate knows of a user's problem, and what not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from zoba_bench.report import wording

__all__ = ["certificates", "known"]

Row = Mapping[str, Any]
_KINDS = ("proved", "computed", "sampled", "stated")
_UNDECLARED = re.compile(r"not declared; at least (\S+)")


def certificates(rows: Iterable[Row]) -> list[tuple[Row, list[Row]]]:
    """Claims about certificates, each with its checks: mappings with name, ok, kind and detail."""
    claims = [row for row in rows if not wording.is_control(row)]
    return [(row, list(row["series"]["checks"])) for row in claims if (row.get("series") or {}).get("checks")]


def known(checks: Sequence[Row]) -> list[tuple[str, str]]:
    """A certificate in a few lines, (what, found): how much holds, what is known of constants, and what is not known.

    What fails is said first. Constants that are not declared share a line.
    """
    held = [check for check in checks if check["ok"]]
    numbers = {kind: sum(check["kind"] == kind for check in held) for kind in _KINDS}
    counted = ", ".join(f"{number} {kind}" for kind, number in numbers.items() if number)
    lines = [("fails", f"{check['name']}: {check['detail']}") for check in checks if not check["ok"]]
    lines.append(("holds", f"{len(held)} of {len(checks)} checks: {counted}"))
    undeclared = []
    for check in held:
        found = _UNDECLARED.fullmatch(check["detail"])
        if found:
            undeclared.append(f"{check['name'].removeprefix('constant ')} {found.group(1)}")
        elif check["name"].startswith("constant ") or check["kind"] == "stated":
            lines.append((check["name"], check["detail"]))
    if undeclared:
        lines.append(("other constants", f"not declared; at least {', '.join(undeclared)}"))
    return lines
