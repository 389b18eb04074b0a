"""The verbs of ledgers: what they print, as text and as JSON, and what they leave alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from zoba_bench.ledger import Ledger
from zoba_bench.ledger.content import runs as runs_of
from zoba_bench.sweep import fingerprint

from ..verification.command import call
from .made import NASTY, claim, fail, put, run, whole


@pytest.fixture
def out(tmp_path):
    """A results folder with three cells of this code, which is known by its fingerprint, and some of others."""
    whole(tmp_path / "ledger.sqlite")
    return tmp_path


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


READING = (
    ("runs",), ("runs", "--cells"), ("runs", "--by", "solver", "--by", "status"), ("runs", "--json"),
    ("export", "--to", "csv", "--into", "-", "--table", "cells"),
    ("export", "--to", "jsonl", "--into", "-", "--table", "curves"),
)  # fmt: skip


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
def test_a_verb_that_reads_writes_nothing_and_shows_no_control_characters(out, arguments):
    before = contents(out)
    code, output, errors = call(*arguments, "--out", out)
    assert (code, errors) == (0, "")
    assert contents(out) == before
    assert len(list(out.iterdir())) == 1
    if "-" not in arguments:  # a file for another program has what the ledger has
        assert not set(output) & {"\x1b", "\u202e"}


def test_runs_shows_runs_and_cells_by_each_column(out, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")  # nothing is folded
    output = call("runs", "--out", out)[1]
    assert "2 runs, 6 cells" in output
    assert "1 of 2 verdicts as expected" in output
    assert "2 pairs" in output
    for line in (r"\x1b[2J\u202e   1", "reference   2", "raised      1", "damaged     1", "m:digests       1"):
        assert line.split() in [row.split()[: len(line.split())] for row in output.splitlines()], line


def test_runs_as_json_has_the_same(out):
    content = json.loads(call("runs", "--out", out, "--json")[1])
    assert (content["cells"], [made["suite"] for made in content["runs"]]) == (6, ["quick", "compare"])
    by_status = {row["status"]: row["cells"] for row in content["groups"] if "status" in row}
    assert by_status == {"damaged": 1, "done": 4, "raised": 1}
    assert content["ledger"] == str(out / "ledger.sqlite")
    assert content["bytes"] == os.path.getsize(out / "ledger.sqlite")


def test_filters_and_columns_go_together(out):
    arguments = ("--by", "problem", "--by", "solver", "--status", "done", "--solver", "*zoba")
    content = json.loads(call("runs", "--out", out, "--json", *arguments)[1])
    assert content["cells"] == 3
    assert [(row["problem"], row["solver"], row["cells"]) for row in content["groups"]] == [
        ("quad_sum", "zoba", 2), ("reference", "hf-zoba", 1),
    ]  # fmt: skip


def test_every_cell_can_be_listed(out):
    lines = call("runs", "--cells", "--out", out)[1].splitlines()
    assert [line.split()[0] for line in lines] == ["k1", "k2", "k3", "k4", "k6", "k5"]
    assert NASTY not in "".join(lines)
    listed = json.loads(call("runs", "--cells", "--json", "--out", out, "--status", "damaged")[1])["listed"]
    assert [(cell["key"], cell["seconds"], cell["seed"]) for cell in listed] == [("k6", None, None)]
    assert call("runs", "--cells", "--solver", "none", "--out", out)[1] == "no cells\n"


def test_code_that_is_this_ones_is_current(out):
    with Ledger(out / "ledger.sqlite") as ledger:
        put(ledger, "mine", code=fingerprint("m:trajectory"))
    content = json.loads(call("runs", "--cells", "--code", "current", "--json", "--out", out)[1])
    assert [cell["key"] for cell in content["listed"]] == ["mine"]


def test_export_writes_files_and_says_which(out):
    code, output, _ = call("export", "--to", "jsonl", "--out", out)
    assert code == 0
    assert sorted(os.listdir(out / "export")) == [
        "cells.jsonl", "claims.jsonl", "comparisons.jsonl", "curves.jsonl", "runs.jsonl",
    ]  # fmt: skip
    assert f"{out / 'export' / 'cells.jsonl'}: 5 rows" in output.replace("\n", " ")
    arguments = ("--table", "runs", "--into", out / "there", "--json")
    content = json.loads(call("export", "--to", "csv", "--out", out, *arguments)[1])
    assert content == {"files": [{"path": str(out / "there" / "runs.csv"), "rows": 2}]}


@pytest.mark.parametrize("arguments", [(), ("--table", "cells", "--table", "runs"), ("--table", "cells", "--json")])
def test_standard_output_takes_one_table(out, arguments):
    code, output, errors = call("export", "--to", "csv", "--into", "-", "--out", out, *arguments)
    assert (code, output) == (2, "")
    assert "takes one --table" in errors


def test_merge_makes_a_third_and_shows_contradictions(out, tmp_path):
    with Ledger(tmp_path / "b" / "ledger.sqlite") as ledger:
        put(ledger, "new", solver=NASTY)
    code, output, errors = call("merge", out, tmp_path / "b", "--out", tmp_path / "c")
    assert code == 0
    assert "5 cells, 2 texts, 1 failures, 2 runs" in output
    assert "left out, since it is damaged: row 5 of cells" in errors
    with Ledger(tmp_path / "b" / "ledger.sqlite") as ledger:
        put(ledger, "k1", result={"final": [NASTY]})
    code, output, errors = call("merge", out, tmp_path / "b", "--out", tmp_path / "d")
    assert code == 2
    assert "contradict each other in one row" in errors
    assert [line.split()[:2] for line in output.splitlines() if line.startswith("  ! result")] == [["!", "result"]]
    assert '[1.0, 0.5, 0.25], "nit": 7}' in output
    assert NASTY not in output + errors
    code, output, _ = call("merge", out, tmp_path / "b", "--out", tmp_path / "d", "--json")
    assert code == 2
    (conflict,) = json.loads(output)["conflicts"]
    assert conflict["first"]["key"] == conflict["second"]["key"] == "k1"
    assert not (tmp_path / "d" / "ledger.sqlite").exists()
    assert call("merge", out, "--out", tmp_path / "d")[0] == 2


def test_compare_exits_with_1_on_a_regression_alone(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.add_run("quick", 0, run([claim("a"), claim("b")]))
        ledger.add_run("quick", 0, run([claim("a"), claim("b", "violated", 2.0, reason=f"because {NASTY}")]))
    code, output, _ = call("compare", f"{tmp_path}@1", f"{tmp_path}@2")
    assert code == 1
    assert any(line.split()[:3] == ["!!", "verdict", "b"] for line in output.splitlines())
    assert "1 regressions, 3 changes; 1 the same" in output
    assert NASTY not in output
    assert r"because \x1b[2J\u202e" in output
    code, output, _ = call("compare", f"{tmp_path}@2", f"{tmp_path}@1", "--json")
    assert code == 0
    content = json.loads(output)
    assert content["regressions"] == 0
    assert {change["what"] for change in content["changes"]} == {"verdict", "measured", "figure"}
    assert call("compare", tmp_path, f"{tmp_path}@7")[0] == 2


def test_clean_removes_what_the_filters_choose_and_nothing_else(out):
    assert "would remove 0 cells and 0 derived plans and proofs, and 1 failed cells" in call(
        "clean", "--failed", "--dry-run", "--out", out
    )[1].replace("\n", " ")
    content = json.loads(call("clean", "--failed", "--yes", "--json", "--out", out)[1])
    assert content["rows"] == {"cells": 0, "derived": 0, "failed": 1, "runs": 0}
    assert (content["removed"], content["kept"]) == (True, 7)
    assert call("clean", "--status", "damaged", "--yes", "--out", out)[0] == 0
    assert call("clean", "--solver", "hf-zoba", "--yes", "--out", out)[0] == 0
    with Ledger(out / "ledger.sqlite") as ledger:
        assert [row["key"] for _, row, _ in ledger.rows("cells")] == ["k1", "k3", "k4"]
        assert len(list(ledger.rows("texts"))) == 2
        assert len(runs_of(ledger)) == 2


def test_clean_by_code_takes_what_was_derived_too(out):
    assert call("clean", "--code", "bbbb", "--yes", "--out", out)[0] == 0
    with Ledger(out / "ledger.sqlite") as ledger:
        assert [row["key"] for _, row, _ in ledger.rows("cells")] == ["k1", "k2", "k4", "k6"]
        assert [row["key"] for _, row, _ in ledger.rows("texts")] == ["b"]


def test_clean_removes_runs_by_number_and_refuses_one_that_is_not_there(out):
    assert call("clean", "--run", "9", "--yes", "--out", out)[0] == 2
    assert call("clean", "--run", "1", "--yes", "--out", out)[0] == 0
    with Ledger(out / "ledger.sqlite") as ledger:
        assert [made["run"] for made in runs_of(ledger)] == [2]
        assert ledger.count() == 5


def test_clean_asks_first(out, monkeypatch):
    asked = []
    monkeypatch.setattr("click.confirm", lambda text, **named: asked.append(text))
    before = contents(out)
    assert "nothing was removed" in call("clean", "--failed", "--out", out)[1]
    assert len(asked) == 1
    assert "Remove 0 cells" in asked[0]
    assert contents(out) == before


def test_verbs_without_a_ledger_say_so(tmp_path):
    for arguments in (("runs",), ("export", "--to", "csv"), ("clean", "--yes")):
        code, _, errors = call(*arguments, "--out", tmp_path)
        assert code == 2
        assert "there is no ledger" in errors
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name != "posix", reason="needs a pipe that is closed early")
def test_a_closed_pipe_ends_quietly(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger, ledger._transaction():
        for number in range(3000):
            ledger._write("cells", {
                "key": f"{number:032}", "fingerprint": "f", "task": "m:t", "parameters": "{}", "seed": 0,
                "result": "{}", "seconds": 0.1, "created": "2026-01-01", "origin": "",
            })  # fmt: skip
    command = [
        sys.executable,
        "-P",
        "-c",
        "from zoba_bench.cli import main; main()",
        "runs",
        "--cells",
        "--out",
        tmp_path,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b"0000")
        process.stdout.close()
        assert process.stderr.read() == b""


def test_failed_cells_are_listed_with_their_status(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        fail(ledger, "k", status="timeout")
    assert "timeout" in call("runs", "--cells", "--out", tmp_path)[1]
