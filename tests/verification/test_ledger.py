"""The ledger keeps what it was given, finds it only under the same code, and never overwrites a strange file."""

import os
import sqlite3

import pytest

from zoba_bench.ledger import Ledger, LedgerError

ROW = {
    "key": "k", "fingerprint": "f", "task": "m:t", "parameters": {"a": 1}, "seed": 0, "result": {"x": [0.1, 1e-300]},
    "seconds": 0.5,
}  # fmt: skip


def test_a_row_comes_back_with_the_same_bits(tmp_path):
    with Ledger(tmp_path / "sub" / "ledger.sqlite") as ledger:
        ledger.put(**ROW)
    with Ledger(tmp_path / "sub" / "ledger.sqlite") as ledger:
        assert ledger.find("k", "f") == ROW["result"]
        assert ledger.count() == 1


def test_other_code_does_not_find_a_row_but_keeps_it(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.put(**ROW)
        assert ledger.find("k", "another fingerprint") is None
        ledger.put(**{**ROW, "fingerprint": "another fingerprint"})
        assert ledger.count() == 2


def test_the_newest_run_is_the_last_one(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        assert ledger.last_run() is None
        ledger.add_run("quick", 0, {"n": 1})
        ledger.add_run("quick", 1, {"n": 2})
        newest = ledger.last_run()
    assert newest is not None
    assert (newest["seed"], newest["content"]) == (1, {"n": 2})


def test_a_corrupt_file_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"this is not a database, but it is somebody's file" * 100)
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="left as it is"):
        Ledger(path)
    assert path.read_bytes() == before


def test_a_damaged_ledger_is_refused(tmp_path):
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        for i in range(200):
            ledger.put(**{**ROW, "key": f"k{i}", "result": {"x": "y" * 1000}})
    data = bytearray(path.read_bytes())
    data[5000:9000] = os.urandom(4000)
    path.write_bytes(bytes(data))
    damaged = path.read_bytes()
    with pytest.raises(LedgerError, match=r"left as it is|cannot write"):
        read_everything(path)
    assert path.read_bytes() == damaged


def read_everything(path):
    with Ledger(path) as ledger:
        for i in range(200):
            ledger.find(f"k{i}", "f")


def test_another_programs_database_is_refused(tmp_path):
    path = tmp_path / "ledger.sqlite"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE theirs (x)")
    db.commit()
    db.close()
    with pytest.raises(LedgerError, match="another program"):
        Ledger(path)


def test_a_newer_format_is_refused(tmp_path):
    path = tmp_path / "ledger.sqlite"
    Ledger(path).close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.commit()
    db.close()
    with pytest.raises(LedgerError, match="newer zoba-bench"):
        Ledger(path)


def test_a_file_where_the_folder_should_be_is_refused(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(LedgerError, match="choose another --out"):
        Ledger(tmp_path / "out" / "ledger.sqlite")


def test_a_folder_where_the_file_should_be_is_refused(tmp_path):
    (tmp_path / "ledger.sqlite").mkdir()
    with pytest.raises(LedgerError, match="choose another --out"):
        Ledger(tmp_path / "ledger.sqlite")


def test_a_read_only_ledger_is_refused_before_anything_runs(tmp_path, monkeypatch):
    path = tmp_path / "ledger.sqlite"
    Ledger(path).close()
    connect = sqlite3.connect
    # Permissions do not bind the root user, so the connection itself is made read-only.
    monkeypatch.setattr(sqlite3, "connect", lambda p, **kw: connect(f"file:{p}?mode=ro", uri=True, **kw))
    with pytest.raises(LedgerError, match="cannot write the ledger"):
        Ledger(path)
