"""Cells of a phase: results in order, and with ``fail_fast`` nothing runs after a cell that failed."""

from __future__ import annotations

import pytest

from zoba_bench.comparison.phases import Phases
from zoba_bench.ledger import Ledger
from zoba_bench.sweep import Cell


def proof(theorem):
    return Cell("zoba_bench.verification.protocols.proofs:derivation", {"theorem": theorem}, 0)


@pytest.mark.parametrize("fail_fast", [True, False])
def test_a_failed_cell_ends_the_phases_where_that_is_asked_for(tmp_path, fail_fast):
    announced = []

    def announce(word, number):
        announced.append((word, number))
        return lambda done, all_of_them, text: None

    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        phases = Phases(ledger, None, fail_fast, announce)
        (failed,) = phases("tuning", [proof("zobs")])
        (later,) = phases("measuring", [proof("zo-penalty")])
    assert failed["refused"].startswith("its cell failed: ")
    assert list(phases.failed) == [proof("zobs").key]
    assert announced == [("tuning", 1), ("measuring", 1)]
    assert later == {"refused": "not run, since another cell failed"} if fail_fast else later["failed"] == []
