"""Cells that have no result, the same failure said once, with the claims that go without."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Failed", "failures"]

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Failed:
    """Cells of one task that failed in the same way.

    Attributes
    ----------
    task, status, message : str
        As the ledger has them; ``status`` is "raised", "killed", "ended" or "timeout".
    traceback : str
        Of the first of them.
    cells : tuple of (key, parameters as JSON)
    claims : tuple of str
        Ids of the claims whose reason names one of these cells.
    """

    task: str
    status: str
    message: str
    traceback: str
    cells: tuple[tuple[str, str], ...]
    claims: tuple[str, ...]

    @property
    def number(self) -> int:
        """How many cells."""
        return len(self.cells)


def failures(stored: Iterable[Row] | None, claims: Sequence[Row] = ()) -> list[Failed]:
    """Failed cells of a run in groups, the largest first."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in stored or ():
        groups.setdefault((str(row["task"]), str(row["status"]), str(row["message"])), []).append(row)
    found = []
    for (task, status, message), rows in groups.items():
        keys = [str(row["key"]) for row in rows]
        without = [str(c["id"]) for c in claims if any(key in str(c.get("reason") or "") for key in keys)]
        cells = tuple((str(row["key"]), json.dumps(row.get("parameters") or {}, sort_keys=True)) for row in rows)
        traceback = next((str(row["traceback"]) for row in rows if row.get("traceback")), "")
        found.append(Failed(task, status, message, traceback, cells, tuple(without)))
    return sorted(found, key=lambda failed: -failed.number)
