"""Runs that are ended in the middle: one trial of each kind of ``python -m benchmarks.kills``, and a planted loss."""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path

import pytest

FILE = Path(__file__).parents[2] / "benchmarks" / "kills.py"


@pytest.fixture(scope="module")
def kills():
    spec = importlib.util.spec_from_file_location("benchmark_of_kills", FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


#: A command like ``verify`` whose 24 cells sleep: what happens to it costs no time of the processor.
CODE = f"""
import json, sys
sys.path.insert(0, {str(FILE.parents[1] / "tests" / "verification")!r})
import click
from zoba_bench.cli import entry
from zoba_bench.cli.terminal import report_failed
from zoba_bench.execution import run_cells
from zoba_bench.ledger import Ledger
from zoba_bench.processes import Workers
from zoba_bench.sweep import Cell


@entry.cli.command("planted")
@click.option("--no-report", is_flag=True)
@click.option("--json", "as_json", is_flag=True)
@click.option("--out")
def planted(no_report, as_json, out):
    failed = {{}}
    with Ledger(out + "/ledger.sqlite") as ledger, Workers(2) as workers:
        cells = [Cell("planted_tasks:takes_a_while", {{"n": n}}) for n in range(24)]
        found = run_cells(cells, ledger, workers=workers, failed=failed)
    print(json.dumps({{"claims": [found.get(cell.key) for cell in cells]}}))
    report_failed(failed.values())
    return 2 if failed else 0


entry.main()
"""


@pytest.fixture(scope="module")
def subject(kills):
    return kills.Subject(("planted",), CODE)


@pytest.fixture(scope="module")
def right(subject, tmp_path_factory):
    return subject.finish(tmp_path_factory.mktemp("right"))


pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found in /proc")
KINDS = ("SIGKILL of the parent", "SIGKILL of a worker", "full disk", "removed ledger")
SLOW = ("SIGTERM", "SIGHUP", "SIGINT")


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*KINDS, *(pytest.param(kind, marks=pytest.mark.slow) for kind in SLOW)])
def test_a_run_that_is_ended_goes_on_to_the_same_bits(kills, subject, right, tmp_path, kind):
    assert set(KINDS) | set(SLOW) == set(kills.KINDS)
    outcome = kills.trial(kind, subject, right, random.Random(1), tmp_path)
    assert outcome.wrong == [], outcome


@pytest.mark.slow
def test_a_cell_with_other_bits_is_seen(kills, subject, right, tmp_path):
    """What the trial is compared with has one character changed in each cell."""
    changed = {key: text.replace("1", "2") for key, text in right.cells.items()}
    other = kills.Run(right.claims, changed, right.seconds, right.size)
    outcome = kills.trial("SIGKILL of a worker", subject, other, random.Random(1), tmp_path)
    assert "started again, it has other cells" in outcome.wrong
