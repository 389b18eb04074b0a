"""The ledger keeps what it was given, finds it only under the same code, and never overwrites a strange file."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys

import pytest

from zoba_bench.ledger import Ledger, LedgerError, LedgerWarning
from zoba_bench.ledger.schema import VERSION

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


def test_an_empty_database_of_another_program_is_refused_and_an_empty_file_is_not(tmp_path):
    theirs = tmp_path / "theirs.sqlite"
    db = sqlite3.connect(theirs)
    db.execute("PRAGMA user_version = 1")
    db.close()
    before = theirs.read_bytes()
    assert before
    with pytest.raises(LedgerError, match="an empty SQLite file of another program"):
        Ledger(theirs)
    assert theirs.read_bytes() == before
    (tmp_path / "touched.sqlite").touch()
    with Ledger(tmp_path / "touched.sqlite") as ledger:
        assert ledger.count() == 0


def test_a_closed_ledger_is_one_file(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.put(**ROW)
        assert (tmp_path / "ledger.sqlite-wal").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["ledger.sqlite"]


FORMAT_2 = """
CREATE TABLE cells (key TEXT NOT NULL, fingerprint TEXT NOT NULL, task TEXT NOT NULL, parameters TEXT NOT NULL,
    seed INTEGER NOT NULL, result TEXT NOT NULL, seconds REAL NOT NULL, created TEXT NOT NULL,
    PRIMARY KEY (key, fingerprint));
CREATE TABLE runs (id INTEGER PRIMARY KEY, suite TEXT NOT NULL, seed INTEGER NOT NULL, created TEXT NOT NULL,
    content TEXT NOT NULL);
CREATE TABLE texts (kind TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, content TEXT NOT NULL,
    seconds REAL NOT NULL, created TEXT NOT NULL, PRIMARY KEY (kind, key, fingerprint));
INSERT INTO cells VALUES ('k', 'f', 'm:t', '{}', 0, '{"x": 1.5}', 0.5, '2026-01-01');
INSERT INTO cells VALUES ('damaged', 'f', 'm:t', '{}', 0, '{"x": 1.', 0.5, '2026-01-01');
INSERT INTO runs VALUES (1, 'quick', 0, '2026-01-01', '{"n": 1}');
INSERT INTO texts VALUES ('plan', 'a', 'f', '{"cells": []}', 0.5, '2026-01-01');
PRAGMA application_id = 0x5A4F4241;
"""


@pytest.mark.parametrize("readonly", [False, True])
@pytest.mark.parametrize("version", [1, 2])
def test_earlier_formats_are_read_and_migrated(tmp_path, version, readonly):
    path = tmp_path / "ledger.sqlite"
    db = sqlite3.connect(path)
    db.executescript(FORMAT_2)
    if version == 1:
        db.execute("DROP TABLE texts")
    db.execute(f"PRAGMA user_version = {version}")
    db.commit()
    db.close()
    before = path.read_bytes()
    with Ledger(path, readonly=readonly) as ledger:
        assert ledger.find("k", "f") == {"x": 1.5}
        assert ledger.last_run()["content"] == {"n": 1}
        assert ledger.text("plan", "a", "f") == ({"cells": []} if version == 2 else None)
        assert ledger.origin_of("k", "f") == {}
        with pytest.warns(LedgerWarning, match="cell damaged is damaged"):
            assert ledger.find("damaged", "f") is None
    assert (path.read_bytes() == before) == readonly
    if not readonly:
        (found,) = sqlite3.connect(path).execute("PRAGMA user_version").fetchone()
        assert found == VERSION


def test_reading_alone_writes_nothing_and_sees_everything(tmp_path):
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        ledger.put(**ROW)
    before = path.read_bytes()
    with Ledger(path, readonly=True) as ledger:
        assert ledger.find("k", "f") == ROW["result"]
        ledger.put_text("derivation", "zoba", "f", {"a": 1}, 0.5)
        assert ledger.text("derivation", "zoba", "f") == {"a": 1}
        with pytest.raises(LedgerError, match="opened for reading alone"):
            ledger.put(**ROW)
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_a_ledger_that_is_not_there_is_not_made_by_reading(tmp_path):
    with pytest.raises(LedgerError, match="there is no ledger"):
        Ledger(tmp_path / "ledger.sqlite", readonly=True)
    assert not list(tmp_path.iterdir())


def test_the_rows_of_a_killed_process_are_there(tmp_path):
    """What stands in the log alone is read too, by a copy where the log cannot be used in place."""
    path = tmp_path / "ledger.sqlite"
    code = f"""
import os
from zoba_bench.ledger import Ledger
ledger = Ledger({str(path)!r})
for i in range(50):
    ledger.put(key=f"k{{i}}", fingerprint="f", task="m:t", parameters={{}}, seed=0, result={{"i": i}}, seconds=0.1)
os._exit(9)
"""
    assert subprocess.run([sys.executable, "-P", "-c", code], check=False).returncode == 9
    copy = tmp_path / "elsewhere"
    copy.mkdir()
    for end in ("", "-wal"):  # without the index of the log, which a file system that is only read would not allow
        shutil.copyfile(f"{path}{end}", f"{copy}/ledger.sqlite{end}")
    for place in (path, copy / "ledger.sqlite"):
        with Ledger(place, readonly=True) as ledger:
            assert [ledger.find(f"k{i}", "f") for i in range(50)] == [{"i": i} for i in range(50)]
    with Ledger(path) as ledger:
        assert ledger.count() == 50


def test_a_lock_of_another_process_is_named(tmp_path):
    path = tmp_path / "ledger.sqlite"
    Ledger(path).close()
    code = f"""
import sqlite3
db = sqlite3.connect({str(path)!r}, isolation_level=None)
db.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
input()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "locked\n"
        who = f"process {process.pid} " if os.path.exists("/proc/locks") else "another process"
        with pytest.raises(LedgerError, match=rf"is locked by {who}.*0.1 seconds were waited for it"):
            Ledger(path, wait=0.1)
        process.communicate("\n")
    Ledger(path).close()


def test_a_removed_file_is_noticed_before_a_row_is_lost(tmp_path):
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        path.unlink()
        with pytest.raises(LedgerError, match="was removed or replaced by another process"):
            ledger.put(**ROW)


def test_a_full_disk_is_said_and_loses_nothing(tmp_path):
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        ledger.put(**ROW)
        (pages,) = ledger._db.execute("PRAGMA page_count").fetchone()
        ledger._db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(LedgerError, match="no space is left"):
            ledger.put(**{**ROW, "key": "large", "result": {"x": "y" * 100_000}})
        assert ledger.find("k", "f") == ROW["result"]
    with Ledger(path) as ledger:
        assert ledger.count() == 1


def test_a_row_says_with_what_it_was_made(tmp_path):
    from zoba_bench.machine import origin

    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.put(**ROW, origin=origin())
        found = ledger.origin_of("k", "f")
    assert found == origin()
    assert {"zoba_bench", "commit", "numpy", "scipy", "blas", "blas_threads", "processor"} <= found.keys()


def test_the_kernel_of_the_blas_decides_whether_a_row_is_found(monkeypatch):
    from zoba_bench import sweep

    before = sweep._hash.__wrapped__(())
    assert sweep._hash.__wrapped__(()) == before
    monkeypatch.setattr(sweep, "blas_kernels", lambda: ("openblas 0.3 Prescott",))
    assert sweep._hash.__wrapped__(()) != before
