"""The command that stands beside a claim repeats just this claim."""

from __future__ import annotations

import re
import shlex
from html import unescape

import pytest
from click.testing import CliRunner

from zoba_bench.cli import cli
from zoba_bench.ledger import Ledger


def run(words, out):
    """A command as a user runs it, and the content of its run."""
    done = CliRunner().invoke(cli, [*words[1:], "--out", str(out)])
    assert done.exit_code == 0, done.output
    with Ledger(out / "ledger.sqlite", readonly=True) as ledger:
        return {row["id"]: row for row in ledger.last_run()["content"]["claims"]}


@pytest.mark.parametrize(
    "words",
    [
        "zoba-bench verify --suite smoke --seed 5 --only protocol=P1 --only solver=zoba --only solver=soba",
    ],
)
def test_a_claims_command_repeats_this_claim_and_its_controls_with_the_same_numbers(tmp_path, words):
    name = "P1/zoba/counts"
    whole = run(words.split(), tmp_path / "whole")
    page = (tmp_path / "whole" / "report" / "protocol-P1.html").read_text(encoding="utf-8")
    section = page.partition('id="P1-zoba-counts"')[2]
    command = shlex.split(unescape(re.search(r'<pre class="command">(.*?)</pre>', section)[1]))
    assert command[0] == "zoba-bench"
    again = run(command, tmp_path / "again")
    assert set(again) == {name, *whole[name]["controls"]} < set(whole)
    for key, row in again.items():
        for what in ("measured", "predicted", "verdict", "statement"):
            assert row[what] == whole[key][what], (key, what)
