"""The command that stands beside a claim repeats just this claim."""

from __future__ import annotations

import re
import shlex
import shutil
from html import unescape
from pathlib import Path

import pytest
from click.testing import CliRunner

from zoba_bench.cli import cli
from zoba_bench.ledger import Ledger
from zoba_bench.report.names import Names

EXAMPLE = Path(__file__).parents[2] / "examples" / "my_solver.py"


def run(words, out):
    """A command as a user runs it, and the rows of its run by id."""
    done = CliRunner().invoke(cli, [*words[1:], "--out", str(out)])
    assert done.exit_code == 0, done.output
    with Ledger(out / "ledger.sqlite", readonly=True) as ledger:
        return {row["id"]: row for row in ledger.last_run()["content"]["claims"]}


def shown(report, row):
    """The command in a claim's section, as words."""
    page = (report / f"protocol-{row['protocol']}.html").read_text(encoding="utf-8")
    section = page.partition(f'id="{Names()(row["id"])}"')[2]
    return shlex.split(unescape(re.search(r'<pre class="command">(.*?)</pre>', section)[1]))


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (
            "zoba-bench verify --solver my_solver.py:MySolver --seed 5 --only protocol=P12 --only protocol=P1d",
            "P12/my_solver.py:MySolver/quad_sum",
        ),
        pytest.param(
            "zoba-bench verify --suite smoke --seed 5 --only protocol=P1 --only solver=zoba", "P1/zoba/counts",
            marks=pytest.mark.slow,
        ),
    ],
)  # fmt: skip
def test_a_claims_command_repeats_this_claim_and_its_controls_with_the_same_numbers(
    tmp_path, monkeypatch, command, name
):
    shutil.copy(EXAMPLE, tmp_path)
    monkeypatch.chdir(tmp_path)
    whole = run(command.split(), tmp_path / "whole")
    again = run(shown(tmp_path / "whole" / "report-part", whole[name]), tmp_path / "again")
    assert set(again) == {name, *whole[name]["controls"]} < set(whole)
    for key, row in again.items():
        for what in ("measured", "predicted", "verdict", "statement"):
            assert row[what] == whole[key][what], (key, what)
