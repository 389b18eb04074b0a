"""With ``--json`` standard output holds JSON alone, whatever a user's file prints, and wherever."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from .command import call

PRINTING = """
import os
import subprocess
import sys
import numpy as np
import zoba_bench as zb

print("at import")


def inner(z, x):
    print("in inner")
    os.write(1, b"to the descriptor\\n")
    return np.sum((z - x) ** 2, axis=-1)


def outer(z, x):
    sys.stdout.write("in outer, without a line end")
    subprocess.run([sys.executable, "-c", "print('in a process')"], check=True)
    return np.sum((z - 1) ** 2, axis=-1)


P = zb.Problem.from_functions(outer, inner, 2, 2)
"""
COMMAND = [sys.executable, "-P", "-c", "from zoba_bench.cli import main; main()"]
SOLVE = ("solve", "--problem", "mine.py:P", "--max-iterations", "1", "--set", "l1=2", "--json")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(PRINTING)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_a_function_prints_goes_to_standard_error(folder):
    done = subprocess.run([*COMMAND, *SOLVE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["problem"] == "mine.py:P"
    for text in ("at import", "in inner", "to the descriptor", "in outer, without", "in a process"):
        assert text in done.stderr


def test_without_json_it_goes_where_it_was_printed(folder):
    done = subprocess.run([*COMMAND, *SOLVE[:-1]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "in inner" in done.stdout
    assert "to the descriptor" in done.stdout


def test_in_this_process_too(folder):
    code, output, errors = call(*SOLVE)
    assert code == 0
    assert json.loads(output)["solver"] == "hf-zoba"
    assert "in inner" in errors
    print("standard output is as it was")


def test_an_error_leaves_standard_output_empty_and_restores_it(folder):
    code, output, errors = call("solve", "--problem", "mine.py:Q", "--json")
    assert (code, output) == (2, "")
    assert "has no 'Q'" in errors
    code, output, _ = call("list", "--json")
    assert code == 0
    assert "problems" in json.loads(output)


@pytest.mark.skipif(sys.platform == "win32", reason="needs /bin/sh")
def test_a_closed_standard_error_is_no_obstacle(folder):
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" 2>&-', "sh", *COMMAND, "list", "--json"], stdout=subprocess.PIPE, check=False
    )
    assert done.returncode == 0
    assert json.loads(done.stdout)["solvers"]
