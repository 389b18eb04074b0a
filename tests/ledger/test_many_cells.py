"""Ten thousand trivial cells: each is one row, and all of them are listed. ``benchmarks/bench_ledger.py`` times it."""

from __future__ import annotations

import json

import pytest

from zoba_bench.execution import run_cells
from zoba_bench.ledger import Ledger
from zoba_bench.sweep import Cell

from ..verification.command import call


@pytest.mark.slow
def test_ten_thousand_cells_are_run_and_listed(tmp_path):
    cells = [Cell("zoba_bench.verification.cost:idle", {}, seed) for seed in range(10_000)]
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        assert len(run_cells(cells, ledger)) == len(cells)
    content = json.loads(call("runs", "--cells", "--json", "--out", tmp_path)[1])
    assert {cell["key"] for cell in content["listed"]} == {cell.key for cell in cells}
