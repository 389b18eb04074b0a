"""Measurements that are kept: the same for the same results, code and level, and judged anew for any other."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from zoba_bench.execution import run_cells
from zoba_bench.ledger import Ledger
from zoba_bench.statistics import Limits
from zoba_bench.verification.claim import Measurement
from zoba_bench.verification.protocols import whole_step
from zoba_bench.verification.run import judgements as module
from zoba_bench.verification.run.judgements import Judgements, _read, _written
from zoba_bench.verification.run.looks import plan_claim
from zoba_bench.verification.run.verify import verify
from zoba_bench.verification.suites.quick import quick

CLAIM = next(claim for claim in quick().claims if claim.id == "P10/soba/default")


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as opened:
        yield opened


@pytest.fixture
def judged(monkeypatch):
    """How often the protocol of CLAIM judges."""
    calls = []
    right = whole_step.judge

    def judge(*arguments):
        calls.append(arguments)
        return right(*arguments)

    monkeypatch.setattr(whole_step, "judge", judge)
    return calls


def asked(ledger, claim=CLAIM, level=0.999, **chosen):
    plan = plan_claim(claim, 0)
    results = run_cells(plan.cells, ledger)
    of = Judgements(ledger, **chosen)
    found = of.judge(claim, plan, results, level)
    of.keep()
    return found


def test_what_is_written_is_read_with_its_bits_and_types():
    series = {"x": np.array([0.1, 1 / 3]), "rows": [[math.inf, "z"]], "allowed": np.float64(0.5)}
    for bend in (None, Limits(-0.1, 0.2)):
        made = Measurement(0.1, math.nan, Limits(-math.inf, 1 / 3), "note", "", series, bend, size=True)
        found = _read(_written(made))
        assert (found.predicted, found.limits, found.note, found.bend, found.size) == (
            made.predicted, made.limits, made.note, made.bend, made.size,
        )  # fmt: skip
        assert math.isnan(found.measured)
        assert found.series["x"].tobytes() == series["x"].tobytes()
        assert (found.series["rows"], type(found.series["allowed"])) == (series["rows"], np.float64)


def test_the_same_results_are_judged_once_for_each_level_and_code(ledger, judged, monkeypatch):
    first = asked(ledger)
    again = asked(ledger)
    assert (again.measured, again.limits, again.note, again.series) == (
        first.measured, first.limits, first.note, first.series,
    )  # fmt: skip
    assert len(judged) == 1
    asked(ledger, level=0.99)
    asked(ledger, claim=replace(CLAIM, statement="Other words."))
    asked(ledger, fresh=True)
    assert len(judged) == 4
    monkeypatch.setattr(module, "plan_fingerprint", lambda: "of an edited protocol")
    asked(ledger)
    assert len(judged) == 5


def test_another_row_is_judged_again(ledger, judged):
    asked(ledger)
    plan = plan_claim(CLAIM, 0)
    cell = plan.cells[0]
    row = run_cells(plan.cells, ledger)[cell.key]
    ledger.put(
        key=cell.key, fingerprint=module.fingerprint(cell.task), task=cell.task, parameters=dict(cell.parameters),
        seed=cell.seed, result={**row, "k": [7, 8]}, seconds=0.0,
    )  # fmt: skip
    assert asked(ledger).measured == math.inf
    assert len(judged) == 2


def test_a_claim_whose_file_is_not_hashed_is_judged_every_time(ledger, judged):
    plan = plan_claim(CLAIM, 0)
    results = run_cells(plan.cells, ledger)
    claim = replace(CLAIM, parameters={**CLAIM.parameters, "problem": {"name": "mine.py:P"}})
    assert module.claim_content(claim) is None
    assert Judgements(ledger)._key(claim, plan, 0.9) is None
    assert Judgements(ledger)._key(CLAIM, plan, 0.9) is not None
    assert results


def test_a_repeated_run_judges_nothing_and_says_the_same(tmp_path, monkeypatch):
    chosen = ["P10/soba/default", "P10/hozog/default", "P1/soba/columns"]
    first = verify(claims=chosen, out=tmp_path)

    def judge(*arguments):
        raise AssertionError("judged again")

    for name in ("whole_step", "counts"):
        monkeypatch.setattr(f"zoba_bench.verification.protocols.{name}.judge", judge)
    assert [verdict.row() for verdict in verify(claims=chosen, out=tmp_path)] == [verdict.row() for verdict in first]
