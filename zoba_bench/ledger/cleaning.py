"""Which rows of a ledger can go: those of other code, or those that somebody chose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zoba_bench.ledger.content import COLUMNS, Selection, cells
from zoba_bench.ledger.errors import LedgerError
from zoba_bench.ledger.store import Ledger

__all__ = ["Removal", "removal", "remove"]


@dataclass(frozen=True)
class Removal:
    """Rows by number in each table, and how many would stay.

    Attributes
    ----------
    numbers : dict of list of int
        "cells", "failures", "texts" (what was derived) and "runs".
    kept : int
        Cells, failed ones too, and texts that stay.
    """

    numbers: dict[str, list[int]]
    kept: int

    @property
    def counts(self) -> dict[str, int]:
        """Rows of each kind: "cells", "derived", "failed" and "runs"."""
        names = {"cells": "cells", "derived": "texts", "failed": "failures", "runs": "runs"}
        return {kind: len(self.numbers[table]) for kind, table in names.items()}

    def __bool__(self) -> bool:
        return any(self.numbers.values())


def removal(ledger: Ledger, chosen: Selection, runs: Sequence[int] = ()) -> Removal:
    """The cells of a selection; what was derived by the same code where nothing but code is chosen; and these runs.

    Raises
    ------
    LedgerError
        For a run that is not there.
    """
    numbers: dict[str, list[int]] = {"cells": [], "failures": [], "texts": [], "runs": list(runs)}
    kept = 0
    for cell in cells(ledger):
        if chosen and chosen.holds(cell):
            numbers[cell.table].append(cell.number)
        else:
            kept += 1
    code_alone = bool(chosen.code) and not any(getattr(chosen, name) for name in COLUMNS[:-1])
    for number, row, _ in ledger.rows("texts"):
        if code_alone and chosen.is_code("texts", str(row["kind"]), str(row["fingerprint"])):
            numbers["texts"].append(number)
        else:
            kept += 1
    there = {number for number, _, _ in ledger.rows("runs")} if runs else set()
    for number in runs:
        if number not in there:
            raise LedgerError(f"the ledger {ledger.path} has no run {number}; `zoba-bench runs` lists them")
    return Removal(numbers, kept)


def remove(ledger: Ledger, what: Removal) -> None:
    """Remove these rows, all or none, and give their space back."""
    ledger.delete(what.numbers)
    ledger.give_space_back()
