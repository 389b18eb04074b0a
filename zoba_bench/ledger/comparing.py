"""What changed between two runs, of one ledger or of two: verdicts, numbers with their uncertainty, and cells."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoba_bench.ledger.changes import Change, changed_cells, changed_claims, changed_pairs
from zoba_bench.ledger.errors import LedgerError
from zoba_bench.ledger.store import Ledger

__all__ = ["Comparison", "Reference", "compare", "reference"]


@dataclass(frozen=True)
class Reference:
    """A run: of the ledger in a folder, by its number, or the newest, or the last but some.

    Attributes
    ----------
    path : Path
        Of the ledger.
    run : int or None
        Its number; -1 and None are the newest run, -2 the one before.
    """

    path: Path
    run: int | None = None


@dataclass(frozen=True)
class Comparison:
    """Two runs, and what is not the same in them.

    Attributes
    ----------
    first, second : mapping
        "ledger", "run", "suite", "seed", "created", "kind", "code", "version" and "commit" of each.
    changes : tuple of Change
        Regressions first.
    same : int
        Claims, or pairs of problem and solver, that say the same to the last bit.
    within : int
        Those whose numbers changed, but by no more than their uncertainty.
    cells : mapping
        "same", "changed", "only_first", "only_second": cells of the codes of both runs, by their keys.
    """

    first: Mapping[str, Any]
    second: Mapping[str, Any]
    changes: tuple[Change, ...]
    same: int
    within: int
    cells: Mapping[str, int] = field(default_factory=dict)

    @property
    def regressions(self) -> list[Change]:
        """Changes for the worse."""
        return [change for change in self.changes if change.regression]

    def content(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "first": dict(self.first), "second": dict(self.second), "regressions": len(self.regressions),
            "changes": [change.row() for change in self.changes], "same": self.same, "within": self.within,
            "cells": dict(self.cells),
        }  # fmt: skip


def reference(text: str) -> Reference:
    """A run from "FOLDER", "FOLDER@3" or "FOLDER@-2"; the ledger's own path will do for the folder."""
    place, at, number = text.rpartition("@")
    if at and number.lstrip("-").isdigit():
        run = int(number)
        if run == 0:
            raise LedgerError(f"{text}: runs are numbered from 1, or from -1 backwards")
    else:
        place, run = text, None
    path = Path(place)
    return Reference(path / "ledger.sqlite" if path.is_dir() or path.suffix != ".sqlite" else path, run)


def compare(first: Reference, second: Reference) -> Comparison:
    """Compare a run with a later one.

    Numbers with limits have changed where they differ by more than both half-widths together, as the root of the sum of
    their squares; exact ones where they differ at all. A change is a regression where a verdict was the expected one
    and is not any more, where a pair of problem and solver became worse with quartiles apart, and where a cell fails
    that did not.

    Raises
    ------
    LedgerError
        For a run that is not there, or two of different kinds.
    """
    with Ledger(first.path, readonly=True) as one, Ledger(second.path, readonly=True) as two:
        (before, about_first), (after, about_second) = _run(one, first), _run(two, second)
        if about_first["kind"] != about_second["kind"]:
            raise LedgerError(
                f"run {about_first['run']} of {one.path} holds {about_first['kind']} and run {about_second['run']} of "
                f"{two.path} {about_second['kind']}; choose runs of one kind with FOLDER@NUMBER"
            )
        compared = changed_claims if about_first["kind"] == "claims" else changed_pairs
        changes, same, within = compared(before, after)
        cells, failing = changed_cells(one, about_first["code"], before, two, about_second["code"], after)
    ordered = sorted([*changes, *failing], key=lambda change: (not change.regression, change.what, change.name))
    return Comparison(about_first, about_second, tuple(ordered), same, within, cells)


def _run(ledger: Ledger, wanted: Reference) -> tuple[dict[str, Any], dict[str, Any]]:
    """Content of a run, and what it is."""
    found = {number: row for number, row, sound in ledger.rows("runs") if sound}
    if not found:
        raise LedgerError(f"the ledger {ledger.path} has no runs; `zoba-bench verify` and `run` make them")
    numbers = sorted(found)
    number = wanted.run or -1
    if number < 0 and -number <= len(numbers):
        number = numbers[number]
    if number not in found:
        shown = ", ".join(map(str, numbers[-8:]))
        raise LedgerError(f"the ledger {ledger.path} has no run {number}; it has {shown}")
    row = found[number]
    content = json.loads(row["content"])
    provenance = content.get("provenance") or {}
    return content, {
        "ledger": str(ledger.path), "run": number, "suite": row["suite"], "seed": row["seed"],
        "created": row["created"], "kind": "claims" if "claims" in content else "comparison",
        "code": provenance.get("fingerprint", ""), "version": provenance.get("zoba_bench", ""),
        "commit": provenance.get("commit", ""),
    }  # fmt: skip
