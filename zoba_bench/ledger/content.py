"""What a ledger holds, as people ask for it: cells with their solver and problem, and runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from zoba_bench.ledger.store import Ledger

__all__ = ["AGES", "COLUMNS", "DAMAGED", "CellRow", "Selection", "cells", "counted", "runs"]

#: What cells are counted and chosen by.
COLUMNS = ("task", "solver", "problem", "status", "code")
DONE, DAMAGED = "done", "damaged"
AGES = ("current", "old")


@dataclass(frozen=True)
class CellRow:
    """A cell that finished, failed, or is damaged.

    Attributes
    ----------
    table, number : str, int
        Where the row stands.
    task, solver, problem : str
        Empty where the cell has none; all of these and ``row`` are as found, whatever they say, of a damaged row.
    status : str
        "done"; "raised", "killed", "ended" or "timeout" of one that failed; "damaged".
    code : str
        Fingerprint of the sources that it ran with.
    row : mapping
        All columns.
    parameters : mapping
    """

    table: str
    number: int
    task: str
    solver: str
    problem: str
    status: str
    code: str
    row: Mapping[str, Any] = field(repr=False)
    parameters: Mapping[str, Any] = field(repr=False)

    @property
    def result(self) -> dict[str, Any] | None:
        """What the cell returned; None of one that has no sound result."""
        found: dict[str, Any] | None = json.loads(self.row["result"]) if self.status == DONE else None
        return found


@dataclass(frozen=True)
class Selection:
    """Which cells: those whose column agrees with one of the patterns, in every column that has some.

    A pattern has the wildcards of a shell, ``*`` and ``?``. One of code is a fingerprint, or its beginning, or
    "current" or "old": what ``current`` says of the code of a table and a task.
    """

    task: Sequence[str] = ()
    solver: Sequence[str] = ()
    problem: Sequence[str] = ()
    status: Sequence[str] = ()
    code: Sequence[str] = ()
    current: Callable[[str, str], str] | None = None

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in COLUMNS)

    def holds(self, cell: CellRow) -> bool:
        """Whether it is one of these."""
        named = all(
            any(fnmatchcase(getattr(cell, name), pattern) for pattern in getattr(self, name))
            for name in COLUMNS[:-1]
            if getattr(self, name)
        )
        return named and (not self.code or self.is_code(cell.table, cell.task, cell.code))

    def is_code(self, table: str, name: str, code: str) -> bool:
        """Whether the code of a row is one of these; of a task, or a kind of text, with this name."""
        age = self.age(table, name, code)
        return any(age == wanted if wanted in AGES else code.startswith(wanted) for wanted in self.code)

    def age(self, table: str, name: str, code: str) -> str:
        """ "current" or "old"; the beginning of the fingerprint where nothing says which code is current."""
        if self.current is None:
            return code[:8]
        return AGES[self.current(table, name) != code]


def cells(ledger: Ledger, chosen: Selection | None = None) -> Iterator[CellRow]:
    """The cells of a ledger in the order in which they were written, those that failed last."""
    for table in ("cells", "failures"):
        for number, row, sound in ledger.rows(table):
            cell = _cell(table, number, row, sound)
            if not chosen or chosen.holds(cell):
                yield cell


def _cell(table: str, number: int, row: Mapping[str, Any], sound: bool) -> CellRow:
    parameters = _parameters(row["parameters"])
    status = DAMAGED if not sound else DONE if table == "cells" else str(row["status"])
    named = (_name(parameters.get("solver")), _name(parameters.get("problem")))
    return CellRow(table, number, str(row["task"]), *named, status, str(row["fingerprint"]), row, parameters)


def _parameters(text: Any) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (TypeError, ValueError):  # of a damaged row
        return {}
    return found if isinstance(found, dict) else {}


def _name(value: Any) -> str:
    """What a solver or a problem is called in parameters, which may have its options beside it."""
    if isinstance(value, Mapping):
        value = value.get("name", "")
    return value if isinstance(value, str) else ""


def counted(
    found: Iterable[CellRow], by: Sequence[str], chosen: Selection
) -> dict[tuple[str, ...], tuple[int, float, str]]:
    """Number of cells, their CPU-seconds and the time of the newest, by the values of these columns."""
    groups: dict[tuple[str, ...], tuple[int, float, str]] = {}
    for cell in found:
        age = chosen.age(cell.table, cell.task, cell.code) if "code" in by else ""
        key = tuple(age if name == "code" else getattr(cell, name) for name in by)
        number, seconds, newest = groups.get(key, (0, 0.0, ""))
        sound = cell.status != DAMAGED
        taken = float(cell.row.get("seconds", 0.0)) if sound else 0.0
        groups[key] = (number + 1, seconds + taken, max(newest, cell.row["created"] if sound else ""))
    return dict(sorted(groups.items()))


def runs(ledger: Ledger) -> list[dict[str, Any]]:
    """Every run of a ledger, the first one first, without its claims: what it was and how it ended.

    "run", "suite", "seed", "created", "kind" ("claims", "comparison" or "damaged"), "rows" (claims or pairs),
    "as_expected" (None for a comparison), "verdicts" (how many of each), "failed" (cells), "seconds", "code", "version"
    and "commit".
    """
    return [_run(number, row, sound) for number, row, sound in ledger.rows("runs")]


def _run(number: int, row: Mapping[str, Any], sound: bool) -> dict[str, Any]:
    content = json.loads(row["content"]) if sound else {}
    claims = content.get("claims")
    rows = claims if claims is not None else content.get("rows") or []
    verdicts: dict[str, int] = {}
    for claim in claims or []:
        verdicts[claim["verdict"]] = verdicts.get(claim["verdict"], 0) + 1
    provenance = content.get("provenance") or {}
    return {
        "run": number,
        "suite": row["suite"] if sound else "",
        "seed": row["seed"] if sound else None,
        "created": row["created"] if sound else "",
        "kind": DAMAGED if not sound else "claims" if claims is not None else "comparison",
        "rows": len(rows),
        "as_expected": None if claims is None else sum(c["verdict"] == c.get("expected") for c in claims),
        "verdicts": dict(sorted(verdicts.items())),
        "failed": len(content.get("failed") or []),
        "seconds": content.get("seconds"),
        "code": provenance.get("fingerprint", ""),
        "version": provenance.get("zoba_bench", ""),
        "commit": provenance.get("commit", ""),
    }  # fmt: skip
