"""``python -m benchmarks.gate``: a number that grew, one that is no more, and neither."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from .support import FOLDER, module

gate = module("gate")

COLUMNS = ["result", "params", "version"]
UNITS = {"b.track_evaluations": "evaluations", "b.time_it": "seconds"}


def stored(evaluations, times):
    return {
        "result_columns": COLUMNS,
        "results": {
            "b.track_evaluations": [evaluations and [evaluations], [], "1"],
            "b.time_it": [times, [["'zoba'", "'soba'"], ["5"]], "2"],
        },
    }


BEFORE = stored(1000.0, [1.0, 2.0])


@pytest.mark.parametrize(
    ("after", "worse", "gone"),
    [
        (stored(1009.0, [1.19, 2.0]), [], []),
        (stored(1011.0, [1.0, 2.0]), ["b.track_evaluations"], []),
        (stored(1000.0, [1.0, 2.5]), ["b.time_it('soba', 5)"], []),
        (stored(1000.0, [None, 2.0]), [], ["b.time_it('zoba', 5)"]),
        (stored(None, [1.0, 2.5]), ["b.time_it('soba', 5)"], ["b.track_evaluations"]),
        (stored(1000.0, None), [], ["b.time_it('zoba', 5)", "b.time_it('soba', 5)"]),
        (stored(1.0, [float("nan"), 0.1]), [], ["b.time_it('zoba', 5)"]),
    ],
    ids=["same", "evaluations", "time", "crash", "both", "all crash", "skipped"],
)
def test_what_got_worse_and_what_has_no_number_are_told_apart(after, worse, gone):
    lines = gate.judged(gate.values(BEFORE), gate.values(after), UNITS)
    assert [[line.split(": ")[0].split(maxsplit=1)[1] for line in each] for each in lines] == [worse, gone]


def test_what_failed_before_too_is_no_news():
    assert gate.judged(gate.values(stored(None, None)), gate.values(BEFORE), UNITS) == ([], [])


@pytest.mark.parametrize(
    ("after", "code", "words"),
    [
        (BEFORE, 0, "nothing got worse (3 numbers)"),
        (stored(2000.0, [1.0, 2.0]), 1, "regression  b.track_evaluations: 1000 before, 2000 now"),
        (stored(2000.0, [None, 2.0]), 2, "failed      b.time_it('zoba', 5): 1 before, no number now"),
        (None, 2, "no results of HEAD"),
    ],
)
def test_exit_codes(tmp_path, after, code, words):
    def git(*given):
        settings = ["-c", "user.name=A", "-c", "user.email=a@b.c"]
        return subprocess.run(["git", *settings, *given], cwd=tmp_path, check=True, capture_output=True, text=True)

    git("init")
    results = tmp_path / ".asv" / "results"
    (results / "machine").mkdir(parents=True)
    results.joinpath("benchmarks.json").write_text(
        json.dumps({"version": 2, **{n: {"unit": u} for n, u in UNITS.items()}})
    )
    for content in (BEFORE, after):
        git("commit", "--allow-empty", "-m", "one")
        if content is not None:
            name = git("rev-parse", "HEAD").stdout[:8]
            results.joinpath("machine", f"{name}-env.json").write_text(json.dumps(content))
    command = [sys.executable, str(FOLDER / "gate.py"), "HEAD~1", "HEAD"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, words in done.stdout) == (code, True), done
