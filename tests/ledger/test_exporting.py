"""Exported tables say what the ledger says, in three formats."""

from __future__ import annotations

import csv
import json
import math
import os

import pytest

from zoba_bench.ledger import Ledger, LedgerError
from zoba_bench.ledger.content import Selection
from zoba_bench.ledger.exporting import export
from zoba_bench.ledger.tables import TABLES

from .made import NASTY, NEW, put, whole


def read_parquet(path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra parquet is not installed")
    return parquet.read_table(path).to_pylist()


def read_csv(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_jsonl(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


READERS = {"parquet": read_parquet, "csv": read_csv, "jsonl": read_jsonl}


@pytest.fixture
def exported(tmp_path):
    """Rows of a table as a reader of the format finds them."""
    path = whole(tmp_path / "ledger.sqlite")

    def read(form, table, **chosen):
        if form == "parquet":
            pytest.importorskip("pyarrow", reason="the extra parquet is not installed")
        with Ledger(path, readonly=True) as ledger:
            written = export(ledger, form, tmp_path / form, chosen=Selection(**chosen))
        assert sorted(os.listdir(tmp_path / form)) == sorted(f"{name}.{form}" for name in TABLES)
        rows = READERS[form](tmp_path / form / f"{table}.{form}")
        assert written[str(tmp_path / form / f"{table}.{form}")] == len(rows)
        return rows

    return read


@pytest.mark.parametrize("form", READERS)
def test_cells_have_their_result_and_what_they_were_made_with(exported, form):
    rows = {row["key"]: row for row in exported(form, "cells")}
    assert list(rows) == ["k1", "k2", "k3", "k4", "k5"]  # of a damaged one nothing is known
    two, failed = rows["k2"], rows["k5"]
    assert (two["solver"], two["problem"], two["status"], two["code"]) == ("hf-zoba", "reference", "done", NEW)
    assert float(two["seconds"]) == 1.5
    assert int(two["seed"]) == 3
    assert json.loads(two["result"]) == {"final": [1.0, 0.5, 0.25], "nit": 7}
    assert json.loads(two["parameters"])["options"] == {"l1": 4}
    assert (two["numpy"], two["blas"], two["commit"]) == ("2.1", "openblas 0.3.29 SkylakeX", "c0ffee")
    assert failed["status"] == "raised"
    assert failed["message"] == "ZeroDivisionError: planted"
    assert not failed["result"]
    assert rows["k4"]["solver"] == NASTY


@pytest.mark.parametrize("form", READERS)
def test_curves_of_cells_claims_and_comparisons_are_there_number_by_number(exported, form):
    rows = exported(form, "curves")
    found = {}
    for row in rows:
        found.setdefault((row["source"], row["id"], row["name"]), []).append((int(row["index"]), row["value"]))
    curves = {name: [float(value) for _, value in sorted(pairs) if value not in (None, "")]
              for name, pairs in found.items()}  # fmt: skip
    assert curves["cell", "k1", "final"] == [1.0, 0.5, 0.25]
    assert curves["claim", "P2b/zoba", "log_measured"] == [0.0, 1.0]
    assert curves["claim", "P2b/zoba", "x"] == [1.0, 2.0]
    assert curves["comparison", "zoba on reference", "curve"] == [10.0, 1.0, 0.5]
    assert curves["comparison", "zoba on reference", "evaluations"] == [0.0, 50.0, 100.0]
    # A median that is not finite is missing, not zero.
    assert curves["comparison", "hf-zoba on reference", "curve"] == [10.0, 1.0]
    assert len(found["comparison", "hf-zoba on reference", "curve"]) == 3


@pytest.mark.parametrize("form", READERS)
def test_claims_and_comparisons_have_their_limits(exported, form):
    claims = {row["id"]: row for row in exported(form, "claims")}
    second = claims["P6/zoba"]
    assert (second["verdict"], second["expected"], int(second["run"])) == ("violated", "consistent", 1)
    assert (float(second["low"]), float(second["high"]), float(second["allowed_high"])) == (1.9, 2.1, 1.2)
    pairs = {row["solver"]: row for row in exported(form, "comparisons")}
    assert float(pairs["zoba"]["median"]) == 0.5
    assert int(pairs["zoba"]["evaluations"]) == 100
    assert pairs["hf-zoba"]["median"] in (None, "")
    assert [int(row["rows"]) for row in exported(form, "runs")] == [2, 2]


@pytest.mark.parametrize("form", READERS)
def test_filters_choose_cells_and_their_curves(exported, form):
    assert [row["key"] for row in exported(form, "cells", solver=["hf-zoba"])] == ["k2"]
    sources = {row["id"] for row in exported(form, "curves", solver=["hf-zoba"]) if row["source"] == "cell"}
    assert sources == {"k2"}


def test_numbers_keep_all_their_digits_and_what_is_not_finite_is_missing(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        put(ledger, "k", result={"v": [0.1 + 0.2, 5e-324, math.inf, math.nan], "nested": {"w": [[1, 2], [3, 4]]}})
        export(ledger, "csv", tmp_path)
    values = {(row["name"], row["index"]): row["value"] for row in read_csv(tmp_path / "curves.csv")}
    assert float(values["v", "0"]) == 0.1 + 0.2
    assert float(values["v", "1"]) == 5e-324
    assert values["v", "2"] == values["v", "3"] == ""
    assert values["nested.w[1]", "1"] == "4.0"


def test_a_file_is_replaced_when_the_new_one_is_whole(tmp_path, monkeypatch):
    path = whole(tmp_path / "ledger.sqlite")
    (tmp_path / "into").mkdir()
    (tmp_path / "into" / "cells.csv").write_text("what stood there")

    def breaks(ledger, chosen):
        yield {"key": "k"}
        raise OSError("planted: no space left")

    monkeypatch.setitem(TABLES, "cells", (TABLES["cells"][0], breaks))
    with Ledger(path, readonly=True) as ledger, pytest.raises(LedgerError, match=r"cannot write .* --into"):
        export(ledger, "csv", tmp_path / "into", ["cells"])
    assert (tmp_path / "into" / "cells.csv").read_text() == "what stood there"
    assert os.listdir(tmp_path / "into") == ["cells.csv"]


def test_parquet_without_pyarrow_says_how_to_get_it(tmp_path, monkeypatch):
    import builtins

    usual = builtins.__import__

    def without(name, *arguments, **named):
        if name.partition(".")[0] == "pyarrow":
            raise ImportError("No module named 'pyarrow'")
        return usual(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with (
        Ledger(whole(tmp_path / "ledger.sqlite"), readonly=True) as ledger,
        pytest.raises(LedgerError, match=r"pip install 'zoba-bench\[parquet\]'"),
    ):
        export(ledger, "parquet", tmp_path / "into")
    assert os.listdir(tmp_path / "into") == []
