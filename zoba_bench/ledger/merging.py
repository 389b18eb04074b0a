"""Two ledgers or more as one; what they contradict each other in is shown, and nothing is written then."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoba_bench.ledger.errors import LedgerError
from zoba_bench.ledger.schema import CHECKED
from zoba_bench.ledger.store import Ledger

__all__ = ["Conflict", "MergeError", "Merged", "merge"]

Row = dict[str, Any]

#: What names a row, and what two rows of that name must have in common: not times, nor what a row was made with.
_KEYS = {"cells": ("key", "fingerprint"), "texts": ("kind", "key", "fingerprint")}
_SAME = {"cells": ("task", "parameters", "seed", "result"), "texts": ("content",)}
#: A measured time in a result, which no seed fixes.
_TIMING = "seconds"
_BATCH = 2000  # rows a transaction


@dataclass(frozen=True)
class Conflict:
    """Two rows of one name that say different things, with the ledgers that they are from."""

    table: str
    first: Mapping[str, Any] = field(repr=False)
    second: Mapping[str, Any] = field(repr=False)
    first_ledger: str
    second_ledger: str

    def row(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "table": self.table, "first": {"ledger": self.first_ledger, **self.first},
            "second": {"ledger": self.second_ledger, **self.second},
        }  # fmt: skip


@dataclass(frozen=True)
class Merged:
    """What a merged ledger was made from.

    Attributes
    ----------
    rows : mapping
        Rows that were written, by table.
    twice : int
        Rows that more than one ledger had.
    damaged : tuple of str
        Rows that were left out, in words.
    """

    rows: Mapping[str, int]
    twice: int
    damaged: tuple[str, ...]


class MergeError(LedgerError):
    """Ledgers that contradict each other.

    Attributes
    ----------
    conflicts : list of Conflict
    """

    def __init__(self, conflicts: list[Conflict]) -> None:
        what = "one row" if len(conflicts) == 1 else f"{len(conflicts)} rows"
        super().__init__(
            f"the ledgers contradict each other in {what} of the same code, seed and parameters; nothing was written"
        )
        self.conflicts = conflicts


def merge(sources: Sequence[str | Path], target: str | Path) -> Merged:
    """Write a new ledger with the rows of others, which are only read.

    Of rows that say the same, the first is kept. A cell that failed in one and finished in another has finished. Runs
    are numbered anew, in the order of their times; one that several ledgers have is there once.

    Raises
    ------
    LedgerError
        If the target is there already, or a source is no ledger.
    MergeError
        With the conflicts. The target is not made then.
    """
    target, places = Path(target), [Path(source).resolve() for source in sources]
    if len(set(places)) < len(places):
        raise LedgerError(f"one ledger is named twice: {', '.join(map(str, sources))}")
    if target.exists():
        raise LedgerError(f"{target} is there already; choose another --out")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(dir=target.parent, prefix=".merging-")
    except OSError as error:
        raise LedgerError(f"cannot write in {target.parent}: {error}; choose another --out") from error
    with folder as place:
        part = Path(place) / "ledger.sqlite"
        with Ledger(part) as merged:
            found = _Merging(merged)
            for source in sources:
                with Ledger(source, readonly=True) as ledger:
                    found.take(ledger)
            found.finish()
        os.replace(part, target)
    return found.outcome()


class _Merging:
    """A ledger that takes the rows of others."""

    def __init__(self, target: Ledger) -> None:
        self._target = target
        self._known: dict[str, dict[tuple[str, ...], str]] = {table: {} for table in _KEYS}  # whose row it is
        self._failures: dict[tuple[str, str], Row] = {}
        self._runs: dict[tuple[Any, ...], Row] = {}
        self._origins: dict[str, dict[str, Any]] = {}
        self._counts = dict.fromkeys(("cells", "texts", "failures", "runs"), 0)
        self._conflicts: list[Conflict] = []
        self._twice = 0
        self._damaged: list[str] = []

    def take(self, ledger: Ledger) -> None:
        """The rows of one ledger."""
        for table in _KEYS:
            batch = []
            for row in self._sound(ledger, table):
                if self._is_new(table, row, ledger):
                    batch.append(row)
                if len(batch) == _BATCH:
                    self._write(table, batch, ledger)
                    batch = []
            self._write(table, batch, ledger)
        for row in self._sound(ledger, "failures"):
            name = (row["key"], row["fingerprint"])
            if name not in self._failures or self._failures[name]["created"] < row["created"]:
                self._failures[name] = row
                self._learn(row["origin"], ledger)
        for row in self._sound(ledger, "runs"):
            said = tuple(row[name] for name in CHECKED["runs"])
            self._twice += said in self._runs
            self._runs.setdefault(said, row)

    def finish(self) -> None:
        """What needs all ledgers: failures that no other finished, and runs in the order of their times."""
        if self._conflicts:
            raise MergeError(self._conflicts)
        failed = [row for name, row in self._failures.items() if name not in self._known["cells"]]
        self._target.add_copies("failures", failed, self._origins.values())
        self._target.add_copies("runs", sorted(self._runs.values(), key=lambda row: str(row["created"])))
        self._counts |= {"failures": len(failed), "runs": len(self._runs)}

    def outcome(self) -> Merged:
        return Merged(self._counts, self._twice, tuple(self._damaged))

    def _sound(self, ledger: Ledger, table: str) -> Iterator[Row]:
        for number, row, sound in ledger.rows(table):
            if sound:
                yield row
            else:
                self._damaged.append(f"row {number} of {table} in {ledger.path}")

    def _is_new(self, table: str, row: Row, ledger: Ledger) -> bool:
        name = tuple(str(row[column]) for column in _KEYS[table])
        owner = self._known[table].setdefault(name, str(ledger.path))
        if owner == str(ledger.path):
            return True
        self._twice += 1
        other = self._target.row(table, {column: row[column] for column in _KEYS[table]})
        if other is not None and _said(table, other) != _said(table, row):
            self._conflicts.append(Conflict(table, other, row, owner, str(ledger.path)))
        return False

    def _write(self, table: str, rows: list[Row], ledger: Ledger) -> None:
        for row in rows if table == "cells" else ():
            self._learn(row["origin"], ledger)
        self._target.add_copies(table, rows, self._origins.values())
        self._origins.clear()
        self._counts[table] += len(rows)

    def _learn(self, origin: str, ledger: Ledger) -> None:
        if origin and origin not in self._origins:
            found = ledger.origin(origin)
            if found:
                self._origins[origin] = found


def _said(table: str, row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a row says, apart from times."""
    return tuple(_untimed(row[name]) if name in ("result", "content") else row[name] for name in _SAME[table])


def _untimed(text: str) -> Any:
    value = json.loads(text)
    # As text: NaN is not equal to itself.
    if isinstance(value, dict):
        value = {name: each for name, each in value.items() if name != _TIMING}
    return json.dumps(value, sort_keys=True)
