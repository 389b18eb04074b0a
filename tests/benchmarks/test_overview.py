"""``python -m benchmarks.overview``: time of a command with its processes, and the table."""

from __future__ import annotations

import sys

import pytest

from .support import module

overview = module("overview")

WORK = "import time\nwhile time.process_time() < 0.3: pass\n"
#: The same in a process of its own.
CHILD = f"import subprocess, sys\nsubprocess.run([sys.executable, '-S', '-c', {WORK!r}], check=True)"


@pytest.mark.parametrize("code", [WORK, CHILD], ids=["itself", "a worker"])
def test_time_of_processor_includes_workers(code):
    found = overview.clocked([sys.executable, "-S"], ["-c", code], None)
    assert 0.3 <= found.cpu < 3
    assert found.wall >= 0.3


def test_a_command_that_fails_is_an_error_with_its_words():
    with pytest.raises(RuntimeError, match=r"ended with 1: Traceback[\s\S]*ZeroDivisionError"):
        overview.clocked([sys.executable, "-S"], ["-c", "1 / 0"], None)


def test_every_command_of_the_table_exists():
    from click.testing import CliRunner

    from zoba_bench.cli.entry import cli

    verbs = [words[2] for words in overview.COMMANDS.values() if len(words) > 2]
    assert len(verbs) >= 4
    for verb in verbs:
        assert CliRunner().invoke(cli, [verb, "--help"]).exit_code == 0, verb


def test_the_table_shows_both_versions_and_their_ratio():
    seconds = overview.Seconds
    text = overview.table({"`import`": {"before": seconds(0.5, 0.6), "now": seconds(0.25, 0.3)}})
    assert "| `import` | 0.5 (0.6) | 0.25 (0.3) | 2.00 |" in text
    assert overview.table({"`import`": {"now": seconds(0.25, 0.3)}}).count("|") == 9
