"""What a cell costs beside its work, and what listing costs."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import ClassVar

from zoba_bench.execution import run_cells
from zoba_bench.ledger import Ledger
from zoba_bench.sweep import Cell


class TrivialCells:
    """Ten thousand cells that do nothing."""

    number, repeat, timeout = 1, 1, 300
    params: ClassVar[list[int]] = [10_000]
    param_names: ClassVar[list[str]] = ["cells"]

    def setup(self, cells: int) -> None:
        self.cells = [Cell("zoba_bench.verification.cost:idle", {}, seed) for seed in range(cells)]
        self.folder = tempfile.TemporaryDirectory()
        self.stored = tempfile.TemporaryDirectory()
        self._run(self.stored)

    def teardown(self, cells: int) -> None:
        self.folder.cleanup()
        self.stored.cleanup()

    def _run(self, folder: tempfile.TemporaryDirectory[str]) -> None:
        with Ledger(Path(folder.name) / "ledger.sqlite") as ledger:
            run_cells(self.cells, ledger)

    def time_run(self, cells: int) -> None:
        """Each is run and stored in a transaction of its own."""
        self._run(self.folder)

    time_run.pretty_name = "Time of running and storing cells that do nothing"  # type: ignore[attr-defined]
    time_run.unit = "seconds"  # type: ignore[attr-defined]

    def time_list(self, cells: int) -> None:
        """The command, with its start."""
        command = ["zoba-bench", "runs", "--cells", "--out", self.stored.name]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    time_list.pretty_name = "Time of `zoba-bench runs --cells` with so many cells"  # type: ignore[attr-defined]
    time_list.unit = "seconds"  # type: ignore[attr-defined]
