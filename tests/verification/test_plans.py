"""Plans that are kept: the same bits and types, found by the same claim and code alone."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from zoba_bench.errors import DerivationError
from zoba_bench.ledger import Ledger
from zoba_bench.processes import Failure, Workers
from zoba_bench.sweep import Cell, CellError, plan_fingerprint
from zoba_bench.verification.claim import Claim
from zoba_bench.verification.protocols.shared.plan import Plan
from zoba_bench.verification.run import plans as module
from zoba_bench.verification.run.looks import plan_claim
from zoba_bench.verification.run.plans import Plans, decoded, encoded
from zoba_bench.verification.run.provenance import derivations
from zoba_bench.verification.suites.quick import quick

CLAIM = Claim("P6b/zoba/x", "s", "P6b", "zoba", "reference", "equal", 0.1, {"a": [1, 2.5]})


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as opened:
        yield opened


def same(one, two):
    """Equal in value, bits and type, all the way down."""
    if type(one) is not type(two):
        return False
    if isinstance(one, dict):
        return list(one) == list(two) and all(same(one[key], two[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(two) and all(map(same, one, two))
    if isinstance(one, (np.ndarray, np.generic)):
        return one.dtype == two.dtype and one.shape == two.shape and one.tobytes() == two.tobytes()
    return one == two or (one != one and two != two)


def test_values_come_back_with_their_bits_and_types():
    rng = np.random.default_rng(0)
    value = {
        "floats": [0.1, 1 / 3, 5e-324, -0.0, math.inf, math.nan], "pair": (1, (2.0, "x")), "none": None, "yes": True,
        "array": rng.standard_normal((3, 2)), "turned": rng.standard_normal((3, 2)).T, "number": np.float64(1 / 3),
        "counts": np.arange(3), "flags": np.array([True, False]), "empty": {}, "small": np.float32(0.1),
    }  # fmt: skip
    assert same(decoded(json.loads(json.dumps(encoded(value)))), value)


@pytest.mark.parametrize("value", [object(), {1: 2}, {"__tuple": []}, {2.5}, 1j, np.array(["a"]), [lambda: 0]])
def test_what_json_cannot_hold_is_refused(value):
    with pytest.raises(TypeError, match="no exact JSON"):
        encoded(value)


def counted(monkeypatch, made):
    """Lets every claim be planned as given, and counts how often."""
    calls = []

    def plan(claim, seed, look):
        calls.append((claim, seed, look))
        if isinstance(made, Exception):
            raise made
        return made

    monkeypatch.setattr(module, "plan_claim", plan)
    return calls


def test_a_plan_is_derived_once_for_claim_seed_look_and_code(ledger, monkeypatch):
    made = Plan((Cell("m:t", {"n": 0.1}, 3),), {"predicted": [0.1, np.float64(2.0)], "joint": [(1, 2)]})
    calls = counted(monkeypatch, made)
    planner = Plans(ledger)
    for _ in range(2):
        found = planner.plan(CLAIM, 3)
        assert found.cells == made.cells
        assert same(dict(found.context), dict(made.context))
    assert (len(calls), planner.derived, planner.kept) == (1, 1, 1)
    Plans(ledger).plan(replace(CLAIM, parameters={"a": [1, 2.6]}), 3)
    Plans(ledger).plan(CLAIM, 4)
    Plans(ledger).plan(CLAIM, 3, 1)
    Plans(ledger, fresh=True).plan(CLAIM, 3)
    assert len(calls) == 5
    monkeypatch.setattr(module, "plan_fingerprint", lambda: "of an edited derivation")
    Plans(ledger).plan(CLAIM, 3)
    assert len(calls) == 6


def test_a_refusal_is_kept_with_its_words(ledger, monkeypatch):
    calls = counted(monkeypatch, DerivationError("step 'mean' fails"))
    for _ in range(2):
        with pytest.raises(DerivationError, match="step 'mean' fails"):
            Plans(ledger).plan(CLAIM, 0)
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("parameters", "context"),
    [
        ({"problem": {"name": "mine.py:P"}}, {}),  # whose content nothing here knows
        ({"problems": [{"name": "mine.py:P"}]}, {}),
        ({}, {"symbol": object()}),
    ],
)
def test_what_cannot_be_kept_exactly_is_derived_every_time(ledger, monkeypatch, parameters, context):
    calls = counted(monkeypatch, Plan((), context))
    for _ in range(2):
        Plans(ledger).plan(replace(CLAIM, parameters=parameters), 0)
    assert len(calls) == 2


def test_an_error_of_a_claim_is_not_kept(ledger, monkeypatch):
    calls = counted(monkeypatch, ValueError("no such problem"))
    for _ in range(2):
        with pytest.raises(ValueError, match="no such problem"):
            Plans(ledger).plan(CLAIM, 0)
    assert len(calls) == 2


@pytest.mark.sample(1)
@pytest.mark.parametrize("name", ["P1/zoba/counts", "P2/zoba/quad_general", "P4a/hf-zoba/p=d=2/level"])
def test_a_kept_plan_is_the_derived_one(ledger, name):
    (claim,) = (claim for claim in quick().claims if claim.id == name)
    derived = plan_claim(claim, 0)
    Plans(ledger).plan(claim, 0)
    planner = Plans(ledger)
    found = planner.plan(claim, 0)
    assert planner.kept == 1
    assert found.cells == derived.cells
    assert same(dict(found.context), dict(derived.context))


@pytest.mark.slow
def test_processes_derive_the_same_plans_for_all_looks_and_what_the_report_shows(ledger, tmp_path, monkeypatch):
    wanted = ("P1/hozog/columns", "P1/pzobo/columns")
    chosen = [claim for claim in quick().claims if claim.id in wanted]
    looks = next(claim for claim in quick().claims if claim.id == "P6d/hf-zoba/bvfsm_sin/l-level")
    assert (len(chosen), "looks" in looks.parameters) == (2, True)
    mark = derivations({"hozog"})
    ahead = Plans(ledger)
    with Workers(2) as workers:
        ahead.ahead([*chosen, looks], 0, workers, mark)
    assert ledger.text("derivation", "hozog", mark["hozog"])["steps"]
    with Ledger(tmp_path / "serial.sqlite") as other:
        here = [Plans(other).plan(claim, 0) for claim in chosen]
    monkeypatch.setattr(module, "plan_claim", lambda *asked: pytest.fail(f"derived here: {asked}"))
    there = [ahead.plan(claim, 0) for claim in chosen]
    assert [(plan.cells, plan.context) for plan in there] == [(plan.cells, plan.context) for plan in here]
    several = [ahead.plan(looks, 0, look) for look in range(len(looks.parameters["looks"]))]
    assert all(plan.cells for plan in several)
    assert (ahead.derived, ahead.kept) == (2 + len(several), 0)
    assert ahead.seconds > 0
    again = Plans(ledger)
    again.plan(chosen[0], 0)
    assert (again.derived, again.kept) == (0, 1)


@pytest.mark.parametrize(("jobs", "claims"), [(1, 2), (2, 1)])
def test_one_process_derives_one_theorems_claims_itself(ledger, monkeypatch, jobs, claims):
    monkeypatch.setattr(Workers, "run", lambda *asked: pytest.fail("a process was started"))
    chosen = [claim for claim in quick().claims if claim.id in ("P1/hozog/columns", "P1/pzobo/columns")]
    Plans(ledger).ahead(chosen[:claims], 0, Workers(jobs), {})


def test_what_a_lost_process_should_have_derived_is_derived_here(ledger, monkeypatch):
    lost = Failure("killed", "SIGKILL", "the process was killed", "")
    monkeypatch.setattr(Workers, "run", lambda self, target, calls: ((i, lost) for i, _ in enumerate(calls)))
    chosen = [claim for claim in quick().claims if claim.id in ("P1/hozog/columns", "P1/pzobo/columns")]
    planner = Plans(ledger)
    planner.ahead(chosen, 0, Workers(2), {})
    assert [planner.plan(claim, 0).cells for claim in chosen] == [plan_claim(claim, 0).cells for claim in chosen]
    assert planner.derived == 2


def test_plans_of_edited_code_are_not_kept(ledger, monkeypatch):
    monkeypatch.setattr(Workers, "run", lambda *asked: [(0, ([("key", {}, 1.0)], {}, "of edited code"))])
    chosen = [claim for claim in quick().claims if claim.id in ("P1/hozog/columns", "P1/pzobo/columns")]
    with pytest.raises(CellError, match="edited during the run"):
        Plans(ledger).ahead(chosen, 0, Workers(2), {})
    assert not ledger.holds_text("plan", "key", plan_fingerprint())


AGAIN = """
import sys
from zoba_bench.verification.run.verify import verify
verdicts = verify("smoke", claims=["P2/hf-zoba/quad_general", "P1/hozog/columns"], out={out!r})
print(len(verdicts), "sympy" in sys.modules)
"""


@pytest.mark.slow
def test_a_repeated_verify_loads_no_sympy(tmp_path):
    code = AGAIN.format(out=str(tmp_path))
    first, second = (
        subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True).stdout.split()
        for _ in range(2)
    )
    assert first[1:] == ["True"]
    assert second == [first[0], "False"]
