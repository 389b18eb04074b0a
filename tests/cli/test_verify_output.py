"""What `verify` prints: what it will measure, what that costs, failures and findings, and one line at the end."""

import copy
import json
import re

import pytest

from zoba_bench.cli.verifying import show_verdicts
from zoba_bench.verification.run import verify

from ..report.conftest import row, series
from ..verification.command import call
from .small import small  # noqa: F401  (a fixture)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def printed(rows, verbose=False, width=100):
    import io

    from rich.console import Console

    stream = io.StringIO()
    show_verdicts(Console(file=stream, width=width), rows, verbose)
    return stream.getvalue()


ROWS = [
    row("P1/zoba/counts"),
    row("P1/zoba/control-no-centre", origin="control", verdict="violated", expected="violated"),
    row("P2b/zoba/d/exponent", measured=2.77, predicted=2.79, series={**series(2.77), "quantity": "slope"},
        summary={"along": "d", "title": "Variance of one step"}),
    row("P2b/zoba/published", origin="published", verdict="violated", expected="violated", reason="known"),
    row("P5/zoba/eps/level", verdict="violated", expected="consistent", reason="measured 2 in [1.9, 2.1], allowed 1"),
]  # fmt: skip


def test_counts_then_what_is_unexpected_then_findings():
    output = printed(ROWS)
    assert "P1/zoba/counts" not in output  # as expected: only counted
    places = [output.index(words) for words in ("controls rejected", "Not as expected", "Findings", "how it grows")]
    assert places == sorted(places)
    wrong = output[places[1] : places[2]]
    assert "!! violated" in wrong
    assert "P5/zoba/eps/level" in wrong
    assert "measured 2 in [1.9, 2.1], allowed 1" in " ".join(wrong.split())
    known = output[places[2] : places[3]]
    assert "violated (finding)" in known
    assert "P2b/zoba/published" in known
    assert "zoba d^2.77 (2.79)" in output


def test_the_full_table_on_request():
    output = printed(ROWS, verbose=True)
    for one in ROWS:
        assert one["id"] in output
    assert "allowed" in output


def test_without_anything_unexpected_nothing_is_said_of_it():
    output = printed(ROWS[:2])
    assert "Not as expected" not in output
    assert "Findings" not in output


@pytest.mark.parametrize("width", [60, 80, 200])
@pytest.mark.parametrize("verbose", [False, True])
def test_nothing_is_cut_at_any_width(width, verbose):
    rows = copy.deepcopy(ROWS)
    rows[0]["id"] = "P6/hf-zoba-shared/eps/control-missing-power"
    output = printed(rows, verbose, width)
    assert max(map(len, output.splitlines())) <= width
    assert "…" not in output
    together = "".join(output.split())
    shown = rows if verbose else rows[3:]
    for one in shown:
        assert one["id"] in together


def test_a_run_ends_with_one_line(small):  # noqa: F811
    code, output, errors = call("verify", "--no-report")
    assert code == 0, errors
    lines = output.splitlines()
    assert lines[0].startswith("Suite quick: 2 claims.")
    assert lines[-1] == "2 of 2 verdicts as expected (suite quick, seed 0)"
    assert "P10/soba/default" not in output
    assert re.search(r"\d+ cells to run, 0 in the ledger; 2 predictions derived, 0 kept\.", output)
    assert re.search(r"To go: (less than a second|about \d+ \w+)", output)
    assert output.count("on an idle machine") == 1  # of two estimates
    assert not re.search(r"\d+e[+-]\d|CPU-seconds", output)
    code, output, _ = call("verify", "--no-report", "--verbose")
    assert code == 0
    assert "P10/soba/default" in output
    assert "every cell is in the ledger; 0 predictions derived, 2 kept." in output


def test_quiet_prints_the_result_and_nothing_before_it(small):  # noqa: F811
    code, output, errors = call("verify", "--no-report", "--quiet")
    assert code == 0
    assert errors == ""
    assert output.splitlines()[0].startswith("protocol")
    assert output.splitlines()[-1].startswith("2 of 2 verdicts")


def test_json_is_alone_on_standard_output(small):  # noqa: F811
    code, output, _ = call("verify", "--no-report", "--json")
    assert code == 0
    assert json.loads(output)["suite"] == "quick"


def test_phases_are_told_in_order_with_what_they_count(small, tmp_path):  # noqa: F811
    seen = []

    def phase(word, things, done, total, expected):
        steps = []
        seen.append((word, things, done, total, expected, steps))
        return lambda done, total, item: steps.append((done, total, item))

    costs = []
    verify.verify("quick", out=tmp_path, announce_phase=phase, announce_cost=costs.append)
    assert [one[:2] for one in seen] == [("deriving", "predictions"), ("planning", "claims"), ("measuring", "cells")]
    deriving, planning, measuring = seen
    assert (deriving[2], deriving[3]) == (0, 2)
    assert sum(number for number, _ in deriving[4].values()) == 2
    assert [step[0] for step in deriving[5]] == [1, 2]
    assert [step[2] for step in planning[5]] == [claim.id for claim in small.claims]
    (cost,) = costs
    assert measuring[3] == cost.cells
    assert measuring[4] == cost.expected
    assert sum(number for number, _ in cost.expected.values()) == cost.cells
    assert sum(seconds for _, seconds in cost.expected.values()) == pytest.approx(cost.seconds)
    assert [step[0] for step in measuring[5]] == list(range(1, cost.cells + 1))
    assert {step[2] for step in measuring[5]} == set(cost.expected)  # each by its own seconds, the longest are first
    seen.clear()
    verify.verify("quick", out=tmp_path, announce_phase=phase, announce_cost=costs.append)
    assert [one[0] for one in seen] == ["planning", "measuring"]  # nothing is derived twice
    assert seen[1][2:4] == (cost.cells, cost.cells)


def test_predictions_are_derived_in_one_process_as_in_two(small, tmp_path):  # noqa: F811
    one = verify.verify("quick", out=tmp_path / "1", jobs=1)
    two = verify.verify("quick", out=tmp_path / "2", jobs=2)
    assert [verdict.row() for verdict in one] == [verdict.row() for verdict in two]
