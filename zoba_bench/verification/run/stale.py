"""Rows of the ledger that no run of this code will find again."""

from __future__ import annotations

from zoba_bench.ledger import Ledger
from zoba_bench.sweep import fingerprint, plan_fingerprint
from zoba_bench.verification.run.provenance import DERIVING

__all__ = ["stale_groups"]


def stale_groups(ledger: Ledger) -> tuple[list[tuple[str, str, str, int]], int]:
    """Groups of rows (see :meth:`zoba_bench.ledger.Ledger.groups`) of other code, and how many rows are of this one."""
    groups = ledger.groups()
    old = [group for group in groups if group[2] != _mark(*group[:2])]
    return old, sum(group[3] for group in groups if group not in old)


def _mark(table: str, name: str) -> str:
    """The fingerprint under which this code finds rows of a task, or of a kind of what is derived."""
    if table in ("cells", "failures"):
        return fingerprint(name)
    return plan_fingerprint() if name in ("plan", "judgement") else fingerprint(DERIVING)
