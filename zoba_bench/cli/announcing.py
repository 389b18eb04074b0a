"""What ``verify`` says before and while it measures: the claims, what they cost, and the phases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from zoba_bench.cli.progress import Progress
from zoba_bench.cli.terminal import escape
from zoba_bench.report.wording import about

__all__ = ["Announcer"]

_DRAWING = 0.006  # CPU-seconds of the report for each claim


class Announcer:
    """Told by a run what it does; prints it unless it is silent.

    Parameters
    ----------
    show : Progress
    console : of standard output.
    jobs : processes.
    report : whether a report is written.
    verbose : whether tables are printed in full.
    silent : whether nothing is printed.

    Attributes
    ----------
    measured : the suite, once that is chosen.
    """

    def __init__(
        self, show: Progress, console: Any, *, jobs: int, report: bool, verbose: bool, silent: bool
    ) -> None:  # fmt: skip
        self._show, self._console, self._jobs, self._report = show, console, jobs, report
        self._verbose, self._silent = verbose, silent
        self.measured: Any = None
        self._told = False

    def suite(self, suite: Any, left_out: dict[str, str]) -> None:
        """What will be measured."""
        self.measured = suite
        self._show.end()
        if self._silent:
            return
        from zoba_bench.report.terminal import matrix_table, short_matrix
        from zoba_bench.verification.protocols import titles

        matrix = suite.matrix()
        self._console.print(
            f"[bold]Suite {escape(suite.name)}[/]: {len(suite.claims)} claims. {escape(suite.description)}\n",
            highlight=False,
        )
        table = matrix_table if self._verbose else short_matrix
        self._console.print(table(matrix, left_out, titles(matrix)))
        self._console.print()

    def phase(
        self, word: str, things: str, done: int, total: int, expected: Mapping[str, tuple[int, float]]
    ) -> Callable[[int, int, str], None]:
        """A phase begins."""
        if word == "deriving" and not self._silent:
            each = [seconds for _, seconds in expected.values()]
            wall = max(sum(each) / self._jobs, *each)  # the claims about one theorem are derived in one process
            self._show.end()
            self._console.print(f"Deriving {total} predictions: {about(wall)}{self._shared()}.", highlight=False)
        return self._show.begin(word, things, done=done, total=total, expected=expected, jobs=self._jobs)

    def cost(self, cost: Any) -> None:
        """What it will cost."""
        self._show.end()
        if self._silent:
            return
        if self._verbose:
            from zoba_bench.report.terminal import cost_table
            from zoba_bench.verification.protocols import titles

            shares = [(s.protocol, s.claims, s.cells, s.found, s.seconds) for s in cost.shares]
            self._console.print(cost_table(shares, titles(s.protocol for s in cost.shares), self._jobs))
        drawing = cost.rendering + _DRAWING * len(self.measured.claims) if self._report else 0.0
        ahead = cost.seconds / self._jobs + drawing
        cells = (
            f"{cost.cells} cells to run, {cost.found} in the ledger"
            if cost.cells
            else "Nothing has to run: every cell is in the ledger"
        )
        parts = [f"{about(cost.seconds / self._jobs)} for cells"] if cost.cells else []
        parts += [f"{about(drawing)} for the report"] if self._report else []
        told = f"To go: {about(ahead)}{self._shared()}" + (f" ({', '.join(parts)})" if len(parts) > 1 else "")
        known = f"{cost.derived} predictions derived, {cost.kept} kept"
        self._console.print(f"{cells}; {known}.\n{told}.\n", highlight=False)

    def _shared(self) -> str:
        """What an estimate holds for; that others may use the machine too is said once."""
        idle, self._told = "" if self._told else " on an idle machine", True
        return (f" in {self._jobs} processes" if self._jobs > 1 else "") + idle
