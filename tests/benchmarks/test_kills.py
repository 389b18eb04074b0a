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


@pytest.fixture(scope="module")
def subject(kills):
    return kills.Subject(("verify", "--suite", "smoke", "--only", "protocol=P2s", "--jobs", "2"))


@pytest.fixture(scope="module")
def right(subject, tmp_path_factory):
    return subject.finish(tmp_path_factory.mktemp("right"))


pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found in /proc")
KINDS = ("SIGKILL of the parent", "SIGKILL of a worker", "full disk", "removed ledger")
SLOW = ("SIGTERM", "SIGHUP", "SIGINT")


@pytest.mark.parametrize("kind", [*KINDS, *(pytest.param(kind, marks=pytest.mark.slow) for kind in SLOW)])
def test_a_run_that_is_ended_goes_on_to_the_same_bits(kills, subject, right, tmp_path, kind):
    assert set(KINDS) | set(SLOW) == set(kills.KINDS)
    outcome = kills.trial(kind, subject, right, random.Random(1), tmp_path)
    assert outcome.wrong == [], outcome


def test_a_cell_with_other_bits_is_seen(kills, subject, right, tmp_path):
    """What the trial is compared with has one character changed in each cell."""
    changed = {key: text.replace("1", "2") for key, text in right.cells.items()}
    other = kills.Run(right.claims, changed, right.seconds, right.size)
    outcome = kills.trial("SIGKILL of a worker", subject, other, random.Random(1), tmp_path)
    assert "started again, it has other cells" in outcome.wrong
