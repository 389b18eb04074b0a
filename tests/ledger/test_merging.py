"""Merged ledgers have what each had; contradictions are shown and nothing is written."""

from __future__ import annotations

import os

import pytest

from zoba_bench.ledger import Ledger, LedgerError
from zoba_bench.ledger.content import cells, runs
from zoba_bench.ledger.merging import MergeError, merge

from .made import NEW, OLD, ORIGIN, claim, damage, fail, put, run


@pytest.fixture
def ledgers(tmp_path):
    """Two ledgers with a cell in common, and the folder of the third."""
    paths = tmp_path / "a" / "ledger.sqlite", tmp_path / "b" / "ledger.sqlite"
    with Ledger(paths[0]) as ledger:
        put(ledger, "k1")
        put(ledger, "both", seconds=0.5, result={"x": 0.1, "seconds": 1.0})
        ledger.put_text("plan", "a", NEW, {"cells": [1]}, 0.5)
        ledger.add_run("quick", 0, run([claim("P6/zoba")]))
    with Ledger(paths[1]) as ledger:
        put(ledger, "k2")
        put(ledger, "k1", code=OLD, result={"x": 2.0})
        put(ledger, "both", seconds=9.0, result={"x": 0.1, "seconds": 2.0})  # measured times may differ
        ledger.put_text("plan", "a", NEW, {"cells": [1]}, 0.9)
        ledger.add_run("quick", 1, run([claim("P6/zoba")]))
    return (*paths, tmp_path / "c" / "ledger.sqlite")


def test_the_new_ledger_has_what_each_had_and_the_old_ones_are_as_they_were(ledgers):
    one, two, target = ledgers
    before = [path.read_bytes() for path in (one, two)]
    merged = merge([one, two], target)
    assert [path.read_bytes() for path in (one, two)] == before
    assert merged.rows == {"cells": 4, "texts": 1, "failures": 0, "runs": 2}
    assert merged.twice == 2
    assert merged.damaged == ()
    with Ledger(target, readonly=True) as ledger:
        assert ledger.find("k1", NEW)["nit"] == 7
        assert ledger.find("k1", OLD) == {"x": 2.0}
        assert ledger.find("both", NEW) == {"x": 0.1, "seconds": 1.0}
        assert ledger.origin_of("k2", NEW) == ORIGIN
        assert ledger.text("plan", "a", NEW) == {"cells": [1]}
        assert [found["seed"] for found in runs(ledger)] == [0, 1]
        assert {cell.status for cell in cells(ledger)} == {"done"}
    assert os.listdir(target.parent) == ["ledger.sqlite"]


def test_merging_is_as_good_as_what_was_merged(ledgers, tmp_path):
    """A third ledger that repeats all of the first two adds nothing."""
    one, two, target = ledgers
    merge([one, two], target)
    again = merge([target, one, two], tmp_path / "d" / "ledger.sqlite")
    assert again.rows == {"cells": 4, "texts": 1, "failures": 0, "runs": 2}


def test_a_contradiction_is_shown_with_both_rows_and_nothing_is_written(ledgers):
    one, two, target = ledgers
    with Ledger(two) as ledger:
        put(ledger, "k1", result={"final": [1.0, 0.5, 0.125], "nit": 7})
        ledger.put_text("plan", "a", NEW, {"cells": [2]}, 0.5)
    with pytest.raises(MergeError, match="contradict each other in 2 rows") as error:
        merge([one, two], target)
    first, second = (conflict.row() for conflict in error.value.conflicts)
    assert first["table"] == "cells"
    assert first["first"]["result"] == '{"final": [1.0, 0.5, 0.25], "nit": 7}'
    assert first["second"]["result"] == '{"final": [1.0, 0.5, 0.125], "nit": 7}'
    assert (first["first"]["ledger"], first["second"]["ledger"]) == (str(one), str(two))
    assert second["table"] == "texts"
    assert not target.exists()
    assert os.listdir(target.parent) == []


def test_the_last_bit_is_a_contradiction(ledgers):
    one, two, target = ledgers
    with Ledger(two) as ledger:
        put(ledger, "k1", result={"final": [1.0, 0.5, 0.25000000000000006], "nit": 7})
    with pytest.raises(MergeError):
        merge([one, two], target)


def test_nan_does_not_contradict_itself(ledgers):
    one, two, target = ledgers
    for path in (one, two):
        with Ledger(path) as ledger:
            put(ledger, "nan", result={"x": float("nan")})
    merge([one, two], target)


def test_a_cell_that_failed_in_one_and_finished_in_another_has_finished(ledgers):
    one, two, target = ledgers
    with Ledger(one) as ledger:
        fail(ledger, "k2")
        fail(ledger, "k9")
    with Ledger(two) as ledger:
        fail(ledger, "k9", status="killed")
    assert merge([one, two], target).rows["failures"] == 1
    with Ledger(target, readonly=True) as ledger:
        assert [failure["key"] for failure in ledger.failures()] == ["k9"]
        assert ledger.failures()[0]["origin"] == ORIGIN


def test_a_damaged_row_is_left_out_and_named(ledgers):
    one, two, target = ledgers
    with Ledger(one) as ledger:
        damage(ledger, "cells", "key = 'k1'")
    merged = merge([one, two], target)
    assert merged.damaged == (f"row 1 of cells in {one}",)
    with Ledger(target, readonly=True) as ledger:
        assert ledger.find("k1", NEW) is None


def test_what_cannot_be_is_refused(ledgers, tmp_path):
    one, two, target = ledgers
    with pytest.raises(LedgerError, match="is there already"):
        merge([one, two], two)
    with pytest.raises(LedgerError, match="there is no ledger"):
        merge([one, tmp_path / "none.sqlite"], target)
    with pytest.raises(LedgerError, match="named twice"):
        merge([one, tmp_path / "b" / ".." / "a" / "ledger.sqlite"], target)
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match="choose another --out"):
        merge([one, two], tmp_path / "file" / "ledger.sqlite")
