"""A flipped bit in a ledger never becomes a result: the value is unchanged, the row is missing, or all is refused."""

from __future__ import annotations

import sqlite3
import warnings

import numpy as np
import pytest

from zoba_bench.execution import run_cells
from zoba_bench.ledger import Ledger, LedgerError, LedgerWarning
from zoba_bench.sweep import Cell, fingerprint

CELLS = [Cell("zoba_bench.verification.cost:idle", {}, seed) for seed in range(4)]
CODE = "f" * 32
ORIGIN = {"numpy": "2.0", "blas": ["openblas"]}


@pytest.fixture(scope="module")
def ledger_bytes(tmp_path_factory):
    """A ledger of small pages with one row of each kind and more, as bytes."""
    path = tmp_path_factory.mktemp("whole") / "ledger.sqlite"
    db = sqlite3.connect(path)
    db.execute("PRAGMA page_size = 512")
    db.execute(f"PRAGMA application_id = {0x5A4F4241}")
    db.execute("VACUUM")  # fixes the size of the pages
    db.close()
    with Ledger(path) as ledger:
        for i, cell in enumerate(CELLS):
            ledger.put(key=cell.key, fingerprint=CODE, task=cell.task, parameters={}, seed=cell.seed,
                       result={"x": [0.1 + i, -1e-300], "n": i}, seconds=0.25, origin=ORIGIN)  # fmt: skip
        ledger.put_failure(key="k", fingerprint=CODE, task="m:t", parameters={"a": 1}, seed=0, status="raised",
                           exception="ValueError", message="ValueError: no", traceback="line 1",
                           origin=ORIGIN)  # fmt: skip
        ledger.put_text("plan", "p", CODE, {"cells": [1.5]}, 0.5)
        ledger.add_run("quick", 0, {"claims": [{"verdict": "violated"}]})
    return path.read_bytes()


def everything(path):
    """What the ledger says, piece by piece; a piece that is missing is None."""
    with Ledger(path, readonly=True) as ledger:
        pieces = {f"cell {cell.seed}": ledger.find(cell.key, CODE) for cell in CELLS}
        pieces["plan"] = ledger.text("plan", "p", CODE)
        run = ledger.last_run()
        pieces["run"] = run and {name: run[name] for name in ("suite", "seed", "content")}
        failures = ledger.failures()
        pieces["failure"] = failures[0] if failures else None
        if failures and not failures[0]["origin"]:
            pieces["failure"] = {**failures[0], "origin": ORIGIN}  # an origin that is damaged counts as unknown
        return pieces


def flips(content, stride):
    for bit in range(0, 8 * len(content), stride):
        yield bit, content[: bit // 8] + bytes([content[bit // 8] ^ (1 << bit % 8)]) + content[bit // 8 + 1 :]


def tried(ledger_bytes, path, stride):
    """How many flips left everything as it was, named a row, lost one without a word, or were refused."""
    path.write_bytes(ledger_bytes)
    right = everything(path)
    assert None not in right.values()
    counts = dict.fromkeys(("same", "named", "missing", "refused"), 0)
    for bit, content in flips(ledger_bytes, stride):
        path.write_bytes(content)
        with warnings.catch_warnings(record=True) as met:
            warnings.simplefilter("always")
            try:
                found = everything(path)
            except LedgerError:
                counts["refused"] += 1
                continue
        wrong = {name: piece for name, piece in found.items() if piece is not None and piece != right[name]}
        assert not wrong, f"bit {bit}: {wrong}"
        assert all(one.category is LedgerWarning for one in met), [str(one.message) for one in met]
        counts["same" if found == right else "named" if met else "missing"] += 1
    return counts


def test_no_flipped_bit_becomes_a_result(ledger_bytes, tmp_path):
    counts = tried(ledger_bytes, tmp_path / "ledger.sqlite", 7 * 41)
    assert counts["named"] > 20, counts  # or the checksums saw nothing
    assert counts["missing"] == 0, counts


def test_three_hundred_random_bits_leave_nothing_silent(ledger_bytes, tmp_path):
    """A value is as it was, or its loss is named, or the file is refused: for the lists and tables of all rows too."""
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(ledger_bytes)
    right, listed = everything(path), all_rows(path)
    rng = np.random.default_rng(0)
    for bit in map(int, rng.choice(8 * len(ledger_bytes), size=300, replace=False)):
        content = bytearray(ledger_bytes)
        content[bit // 8] ^= 1 << bit % 8
        path.write_bytes(content)
        with warnings.catch_warnings(record=True) as met:
            warnings.simplefilter("always")
            try:
                found, rows = everything(path), all_rows(path)
            except LedgerError:
                continue
        assert found == right or met, f"bit {bit} is silent"
        assert [row for row in rows if row not in listed] == [], f"bit {bit} changes a row"
        assert len(rows) == len(listed) or met, f"bit {bit} loses a row without a word"


def all_rows(path):
    """What ``runs``, ``export``, ``merge`` and ``compare`` read, of sound rows; a warning names the others."""
    with Ledger(path, readonly=True) as ledger:
        found = []
        for table in ("cells", "failures", "texts", "runs"):
            for number, row, sound in ledger.rows(table):
                if sound:
                    found.append((table, row))
                else:
                    warnings.warn(f"row {number} of {table}", LedgerWarning, stacklevel=1)
        return found


def test_a_damaged_index_is_named_and_what_it_lost_is_found(tmp_path):
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        right = run_cells(CELLS, ledger)
    content = path.read_bytes()
    key = CELLS[1].key.encode()
    assert content.count(key) == 2  # in the table and in its index
    met = {}
    for at in (content.index(key), content.rindex(key)):
        flipped = bytearray(content)
        flipped[at] ^= 1
        path.write_bytes(flipped)
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            with Ledger(path, readonly=True) as ledger:
                found = ledger.find(CELLS[1].key, fingerprint(CELLS[1].task))
        assert "an index is damaged" in str(seen[0].message)
        assert path.read_bytes() == flipped  # reading mends a copy
        met[found is not None] = found
    assert met[True] == right[CELLS[1].key]  # of the flip in the index; that in the row loses the row


@pytest.mark.slow
def test_no_seventh_bit_becomes_a_result(ledger_bytes, tmp_path):
    counts = tried(ledger_bytes, tmp_path / "ledger.sqlite", 7)
    assert counts["named"] > 1000, counts
    assert counts["missing"] == 0, counts


def test_a_checksum_is_what_sees_it(ledger_bytes, tmp_path, monkeypatch):
    """Without checksums flipped bits do become results: the test above can fail."""
    monkeypatch.setattr("zoba_bench.ledger.connection.checksum", lambda *values: "the same")
    monkeypatch.setattr(Ledger, "_sound", lambda self, table, row, words: dict(
        zip(__import__("zoba_bench.ledger.schema", fromlist=["x"]).CHECKED[table], row, strict=False)))  # fmt: skip
    with pytest.raises((AssertionError, ValueError), match=r"bit \d+|Expecting|Extra data|Invalid|Unterminated"):
        tried(ledger_bytes, tmp_path / "ledger.sqlite", 7 * 41)


def test_a_damaged_cell_is_named_and_run_again(tmp_path):
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        right = run_cells(CELLS, ledger)
        ledger._db.execute("UPDATE cells SET result = '{\"x\": 1}' WHERE key = ?", (CELLS[1].key,))
    ran = []
    with Ledger(path) as ledger:
        with pytest.warns(LedgerWarning, match=f"the row of cell {CELLS[1].key} is damaged and is not used"):
            again = run_cells(CELLS, ledger, progress=lambda done, total, task: ran.append(done))
        assert again == right
        assert len(ran) == 1
        assert ledger.find(CELLS[1].key, fingerprint(CELLS[1].task)) == right[CELLS[1].key]
