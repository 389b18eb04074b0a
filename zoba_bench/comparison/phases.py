"""Cells of a comparison, phase after phase: tuning, tuning the best, measuring."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from zoba_bench.execution import FailedCell, run_cells
from zoba_bench.ledger import Ledger
from zoba_bench.sweep import Cell

__all__ = ["Phases", "Progress"]

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Phases:
    """Runs the cells of one phase after the other, in one ledger and on one set of workers.

    Attributes
    ----------
    fail_fast : whether nothing more runs once a cell has failed.
    announce : is told a phase's name and number of cells, and returns what each step is told to.
    progress : what each step is told to where ``announce`` is None.
    failed : cells without a result, by key; filled as they fail.
    """

    ledger: Ledger
    workers: Any
    fail_fast: bool = False
    announce: Callable[[str, int], Progress] | None = None
    progress: Progress | None = None
    failed: dict[str, FailedCell] = field(default_factory=dict)

    def __call__(self, word: str, cells: Iterable[Cell]) -> list[dict[str, Any]]:
        """Results in order; of a cell that failed, or was not run for that, the reason as if it had been refused."""
        wanted = list(cells)
        follow = self.progress if self.announce is None else self.announce(word, len(wanted))
        found = run_cells(
            [] if self.fail_fast and self.failed else wanted, self.ledger, workers=self.workers, progress=follow,
            failed=self.failed, fail_fast=self.fail_fast,
        )  # fmt: skip
        return [found.get(cell.key) or _refusal(self.failed.get(cell.key)) for cell in wanted]


def _refusal(failed: FailedCell | None) -> dict[str, Any]:
    reason = "not run, since another cell failed" if failed is None else f"its cell failed: {failed.failure.message}"
    return {"refused": reason}
