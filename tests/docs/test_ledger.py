"""The commands and the example of the page about the ledger run, in a folder with ledgers."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ..ledger.made import NEW, OLD, claim, fail, put, run
from ..verification.command import call

PAGE = (Path(__file__).parents[2] / "docs" / "how_to" / "ledger.md").read_text(encoding="utf-8")
COMMANDS = [
    shlex.split(line, comments=True)[1:]
    for block in re.findall(r"```sh\n(.*?)```", PAGE, flags=re.DOTALL)
    for line in block.splitlines()
]
PYTHON = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The ledgers that the page speaks of."""
    from zoba_bench.ledger import Ledger

    monkeypatch.chdir(tmp_path)
    for name, code in (("zoba-results", NEW), ("here", NEW), ("there", OLD)):
        with Ledger(tmp_path / name / "ledger.sqlite") as ledger:
            put(ledger, "k1", code=code)
            fail(ledger, "k2", code=code)
            for _ in range(3):
                ledger.add_run("quick", 0, run([claim("P2b/zoba")], code=code))
    return tmp_path


def test_the_page_has_commands_of_every_verb_and_an_example():
    assert {command[0] for command in COMMANDS} == {"runs", "export", "merge", "compare", "clean"}
    assert len(PYTHON) == 1


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_runs(folder, monkeypatch, command):
    if "parquet" in command:
        pytest.importorskip("pyarrow", reason="the extra parquet is not installed")
    monkeypatch.setattr("click.confirm", lambda *arguments, **named: True)
    code, output, errors = call(*command)
    assert (code, errors) == (0, "")
    assert output


@pytest.mark.skipif(shutil.which("zoba-bench", path=str(Path(sys.executable).parent)) is None, reason="not installed")
def test_the_example_finds_the_curves(folder, monkeypatch):
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")
    done = subprocess.run(
        [sys.executable, "-P", "-W", "error", "-c", PYTHON[0]], capture_output=True, text=True, check=False, cwd=folder
    )
    assert (done.returncode, done.stdout) == (0, "3 curves of claims\n"), done.stderr
