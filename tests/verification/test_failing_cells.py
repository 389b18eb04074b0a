"""A cell that fails is a row, and takes nothing along: neither other cells, nor this process, nor the exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from zoba_bench.execution import run_cells
from zoba_bench.ledger import Ledger
from zoba_bench.processes import WorkerError, Workers
from zoba_bench.sweep import Cell, CellError, fingerprint, run_cell
from zoba_bench.verification.run.verify import verify

HERE = str(Path(__file__).parent)
#: Task -> status, exception, and what the message and the traceback say.
KINDS = {
    "raises": ("raised", "ZeroDivisionError", "planted in 7", "in raises"),
    "exits": ("raised", "SystemExit", "must not end the program", "in exits"),
    "interrupts": ("raised", "KeyboardInterrupt", "KeyboardInterrupt", "in interrupts"),
    "exhausts": ("raised", "MemoryError", "MemoryError", "in exhausts"),
    "unstorable": ("raised", "TypeError", "not JSON serializable", "json"),
    "faults": ("killed", "SIGSEGV", "a segmentation fault in compiled code", "in faults"),
    "is_killed": ("killed", "SIGKILL", "when memory runs out", ""),
    "leaves": ("ended", "", "ended with exit code 0", ""),
    "closes_all": ("ended", "", "stopped answering", ""),
    "sleeps": ("timeout", "", "stopped after 4 seconds", ""),
}


@pytest.fixture
def planted(monkeypatch):
    monkeypatch.syspath_prepend(HERE)


def cell(task, n=7):
    return Cell(f"planted_tasks:{task}", {"n": n})


def test_each_kind_of_failure_is_a_row_and_the_others_go_on(planted, tmp_path):
    good = [cell("well", n) for n in range(4)]
    bad = {kind: cell(kind) for kind in KINDS}
    failed = {}
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        with Workers(2, timeout=4.0) as workers:
            found = run_cells([*good[:2], *bad.values(), *good[2:]], ledger, workers=workers, failed=failed)
        assert found == run_cells(good, ledger)
        assert failed.keys() == {one.key for one in bad.values()}
        rows = {row["task"].partition(":")[2]: row for row in ledger.failures()}
    for kind, (status, exception, message, trace) in KINDS.items():
        row = rows[kind]
        assert (row["status"], row["exception"], row["parameters"]) == (status, exception, {"n": 7}), row
        assert message in row["message"], row
        assert "\n" not in row["message"]
        assert trace in row["traceback"], row
        assert row["origin"]["zoba_bench"]
        assert {**failed[bad[kind].key].row(), "fingerprint": fingerprint(row["task"])}.items() <= row.items()


def test_a_failed_cell_is_run_again_and_its_row_goes(planted, tmp_path, monkeypatch):
    chosen = cell("well")
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        with monkeypatch.context() as patch:
            patch.setattr("zoba_bench.execution.run_cell", lambda cell: {"n": 1 / 0})
            with pytest.raises(CellError, match=r"ZeroDivisionError.*in cell"):
                run_cells([chosen], ledger)
        assert [row["key"] for row in ledger.failures()] == [chosen.key]
        assert ledger.find(chosen.key, fingerprint(chosen.task)) is None
        assert run_cells([chosen], ledger)[chosen.key]["n"] == 7
        assert ledger.failures() == []


def test_in_this_process_too_the_others_go_on(planted, tmp_path):
    cells = [cell("exits"), cell("raises"), cell("well")]
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        with pytest.raises(CellError, match=r"(?s)SystemExit.*ZeroDivisionError"):
            run_cells(cells, ledger)
        assert (ledger.count(), len(ledger.failures())) == (1, 2)


def test_fail_fast_runs_no_further_cell(planted, tmp_path):
    failed = {}
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        run_cells([cell("well"), cell("raises"), cell("well", 8)], ledger, failed=failed, fail_fast=True)
        assert ledger.count() == len(failed) == 1


def test_workers_that_cannot_start_are_an_error(planted, monkeypatch, capfd):
    monkeypatch.setattr("zoba_bench.processes.workers._MODULE", "zoba_bench.processes.no_such_module")
    with Workers(1) as workers, pytest.raises(WorkerError, match="could not start: its process ended with exit code 1"):
        list(workers.run("planted_tasks:well", [(0, 1)]))
    assert "no_such_module" in capfd.readouterr().err


@pytest.mark.slow
def test_claims_that_need_a_failed_cell_are_inconclusive_and_the_others_are_judged(tmp_path, monkeypatch):
    def run(cell):
        if cell.parameters.get("solver") == "hf-zoba":
            raise SystemExit(0)
        return run_cell(cell)

    monkeypatch.setattr("zoba_bench.execution.run_cell", run)
    told = []
    verdicts = verify(
        "smoke", claims=["P1/zoba/counts", "P1/hf-zoba/counts"], out=tmp_path, announce_failed=told.extend
    )
    by_id = {verdict.claim.id: verdict for verdict in verdicts}
    assert by_id["P1/zoba/counts"].verdict == "consistent"
    assert by_id["P1/hf-zoba/counts"].verdict == "inconclusive"
    assert "SystemExit: code 0" in by_id["P1/hf-zoba/counts"].reason
    assert {one.cell.parameters["solver"] for one in told} == {"hf-zoba"}
    with Ledger(tmp_path / "ledger.sqlite", readonly=True) as ledger:
        assert [row["exception"] for row in ledger.last_run()["content"]["failed"]] == ["SystemExit"] * len(told)


# Whole commands, in processes of their own.

#: A command whose cells are the planted ones, or that does what a user's file may do.
COMMAND = f"""
import sys
sys.path.insert(0, {HERE!r})
import click
from zoba_bench.cli import entry
from zoba_bench.cli.terminal import report_failed
from zoba_bench.execution import run_cells
from zoba_bench.ledger import Ledger
from zoba_bench.processes import Workers
from zoba_bench.sweep import Cell


@entry.cli.command("planted")
@click.argument("task")
@click.argument("number", type=int)
def planted(task, number):
    failed = {{}}
    with Ledger("ledger.sqlite") as ledger, Workers(2) as workers:
        cells = [Cell("planted_tasks:" + task, {{"n": n}}) for n in range(number)]
        print("begun", flush=True)
        run_cells(cells, ledger, workers=workers, failed=failed)
    report_failed(failed.values())
    return 2 if failed else 0


entry.main()
"""


def _hear():
    """A test run in the background or by nohup hands ignored signals on to its children; here they act."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def start(folder, *arguments):
    return subprocess.Popen(
        [sys.executable, "-P", "-c", COMMAND, *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env={**os.environ, "MARK_OF_TEST": str(folder)}, preexec_fn=_hear,
    )  # fmt: skip


def marked(folder):
    """Processes that inherited the environment of :func:`start` and are not zombies."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if f"MARK_OF_TEST={folder}\0".encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def wait_until(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


needs_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found in /proc")
# The cells sleep for ten minutes: what is gone within seconds was ended.
PARENT_GUARDIAN_WORKERS_AND_THEIRS = 1 + 1 + 2 + 2


@needs_proc
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("SIGTERM", 143),
        pytest.param("SIGHUP", 129, marks=pytest.mark.slow),
        ("SIGINT", 130),
        ("SIGKILL", -9),
    ],
)
def test_a_signal_ends_the_workers_and_what_they_started(tmp_path, name, code):
    process = start(tmp_path, "planted", "sleeps", "4")
    try:
        wait_until(lambda: len(marked(tmp_path)) >= PARENT_GUARDIAN_WORKERS_AND_THEIRS)
        process.send_signal(getattr(signal, name))
        _, errors = process.communicate(timeout=30)
        wait_until(lambda: not marked(tmp_path), 5.0)
    finally:
        process.kill()
    assert process.returncode == code
    if name != "SIGKILL":
        assert "to go on: zoba-bench planted sleeps 4" in errors
        assert ("interrupted" if name == "SIGINT" else f"stopped by {name}") in errors
        assert "Traceback" not in errors


@needs_proc
def test_a_killed_worker_costs_its_cell_alone(tmp_path):
    process = start(tmp_path, "planted", "is_killed", "3")
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (2, "begun\n")
    assert "3 cells failed" in errors
    assert errors.count("killed by SIGKILL") == 3
    assert "joblib" not in errors
    assert "Traceback" not in errors


USER_FILE = """
import os, sys
import numpy as np
import zoba_bench as zb
{at_import}

def F(z, x):
    {in_outer}
    return 0.5 * np.sum((z - 1) ** 2, axis=-1) + 0.5 * np.sum(x**2, axis=-1)

def G(z, x):
    return 0.5 * np.sum((z - x) ** 2, axis=-1)

def P(p=2, d=2):
    {in_factory}
    return zb.Problem.from_functions(F, G, p, d, inner_solution=lambda x: x)
"""


@pytest.mark.parametrize("where", ["at_import", "in_outer", "in_factory"])
def test_a_users_file_that_exits_never_ends_the_command_with_0(tmp_path, where):
    lines = {"at_import": "", "in_outer": "pass", "in_factory": "pass"} | {where: "sys.exit(0)"}
    (tmp_path / "mine.py").write_text(USER_FILE.format(**lines))
    done = subprocess.run(
        [sys.executable, "-P", "-c", "from zoba_bench.cli import main; main()", "verify", "--problem", "mine.py:P",
         "--only", "protocol=P1", "--no-report", "--json"],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "SystemExit" in done.stderr or "the end of the program (code 0)" in done.stderr
    assert "mine.py" in done.stderr
    assert done.stdout == "" or json.loads(done.stdout)


# Memory.

needs_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has a limit of memory")


@needs_linux
def test_a_cell_that_needs_more_memory_fails_by_name_and_the_others_go_on(planted, tmp_path):
    small, large = cell("allocates", 10**6), cell("allocates", 400 * 10**6)
    failed = {}
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        with Workers(1, memory=200 * 10**6) as workers:
            found = run_cells([large, small], ledger, workers=workers, failed=failed)
        assert found.keys() == {small.key}
        (row,) = ledger.failures()
        assert row["exception"].endswith("MemoryError")
        assert "the limit is 200 MB at once, --max-memory" in row["message"]
        with Workers(1, memory=800 * 10**6) as workers:
            assert run_cells([large], ledger, workers=workers)[large.key] == {"sum": 50e6}


@needs_linux
def test_the_limit_is_on_top_of_what_the_process_has(planted):
    """Libraries are loaded before it counts, and freed memory is not kept under it."""
    with Workers(1, memory=150 * 10**6) as workers:
        answers = dict(workers.run("planted_tasks:allocates", [(None, 100 * 10**6)] * 4))
    assert [answers[n] for n in range(4)] == [{"sum": 12.5e6}] * 4
