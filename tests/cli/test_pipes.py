"""A reader that goes away ends a verb quietly, whatever it prints."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow  # each starts processes that import the library

COMMAND = [sys.executable, "-c", "from zoba_bench.cli import main; main()"]
VERBS = [
    ("--help",), ("list",), ("list", "--json"), ("info", "hf-zoba"), ("info", "reference", "--json"),
    ("info", "zoba", "--bibtex"), ("solve", "reference", "--max-iterations", "3"),
    ("solve", "reference", "--max-iterations", "3", "--json"), ("verify", "--suite", "smoke", "--list"),
    ("verify", "--suite", "smoke", "--list", "--json"), ("config", "verify"), ("sys-info",), ("self-test", "--list"),
    ("verify", "--help"), ("clean", "--out", "absent"), ("report", "--out", "absent"),
]  # fmt: skip


def start(arguments, **named):
    env = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    return subprocess.Popen([*COMMAND, *arguments], stdin=subprocess.DEVNULL, text=True, env=env, **named)


@pytest.mark.parametrize("arguments", VERBS, ids=" ".join)
def test_output_that_nobody_reads(arguments, tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    process = start(arguments, stdout=writer, stderr=subprocess.PIPE, cwd=tmp_path)
    os.close(writer)
    errors = process.communicate(timeout=120)[1]
    refused = arguments[-1] == "absent"  # its error goes to standard error, which is read
    assert process.returncode == (2 if refused else 141), errors
    assert errors.count("\n") == refused, errors


def test_a_reader_that_takes_one_line(tmp_path):
    process = start(
        ["verify", "--suite", "smoke", "--list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    )
    assert process.stdout.readline().startswith("P1/")
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) in (0, 141)
    assert errors == ""


def test_errors_that_nobody_reads(tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    process = start(["slove"], stdout=subprocess.PIPE, stderr=writer, cwd=tmp_path)
    os.close(writer)
    output = process.communicate(timeout=60)[0]
    assert (process.returncode, output) == (2, "")


def test_closed_streams(tmp_path):
    for stream in (1, 2):
        command = [sys.executable, "-c", f"import os; os.close({stream}); os.execv({sys.executable!r}, "
                   f"{[*COMMAND, 'info', 'two_task']!r})"]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""


def test_a_pipe_of_a_users_function_is_no_reason_to_be_quiet(tmp_path):
    (tmp_path / "mine.py").write_text("def problem():\n    raise BrokenPipeError(32, 'my service is gone')\n")
    done = subprocess.run(
        [*COMMAND, "solve", "--problem", "mine.py:problem"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 2
    assert "my service is gone" in done.stderr
    assert "Traceback" not in done.stderr
