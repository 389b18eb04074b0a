"""Claims, the three verdicts, pairing with controls, exit codes and suites."""

import importlib
import math
from dataclasses import replace

import numpy as np
import pytest

from zoba_bench.statistics import Limits
from zoba_bench.verification.claim import Claim, Measurement, Verdict, decide
from zoba_bench.verification.claims._pairs import Control, build, sharing_controls, with_controls
from zoba_bench.verification.protocols import PROTOCOLS
from zoba_bench.verification.run.verify import _paired, exit_code
from zoba_bench.verification.suite import Suite, together
from zoba_bench.verification.suites.quick import quick, smoke
from zoba_bench.verification.suites.standard import full

CLAIM = Claim("P0/s/c", "A statement.", "P1", "zoba", "all", "equal", 0.1, {})


def seen(low, high, predicted=0.0):
    return Measurement(predicted, (low + high) / 2, Limits(low, high))


@pytest.mark.parametrize(
    ("relation", "low", "high", "verdict"),
    [
        ("equal", -0.05, 0.05, "consistent"),
        ("equal", -0.2, 0.05, "inconclusive"),
        ("equal", 0.05, 0.2, "inconclusive"),
        ("equal", 0.11, 0.2, "violated"),
        ("equal", -0.3, -0.11, "violated"),
        ("equal", -0.3, 0.3, "inconclusive"),
        ("at_most", -9.0, 0.1, "consistent"),
        ("at_most", -9.0, 0.2, "inconclusive"),
        ("at_most", 0.2, 0.3, "violated"),
        ("at_least", -0.1, 9.0, "consistent"),
        ("at_least", -0.2, 9.0, "inconclusive"),
        ("at_least", -0.3, -0.2, "violated"),
        ("exact", 0.0, 0.0, "consistent"),
        ("equal", math.inf, math.inf, "violated"),
    ],
)
def test_limits_decide_the_verdict(relation, low, high, verdict):
    assert decide(replace(CLAIM, relation=relation), seen(low, high))[0] == verdict


def test_an_exact_claim_tolerates_nothing():
    assert decide(replace(CLAIM, relation="exact", tolerance=0.0), seen(1.0, 1.0))[0] == "violated"


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(1.201, 1.201, "measured 1.201, allowed"), (1.201, 1.2010001, "measured 1.201, allowed"),
     (1.1, 1.3, "measured 1.2 in [1.1, 1.3], allowed")],
)  # fmt: skip
def test_limits_that_equal_what_was_measured_are_said_once(low, high, words):
    assert decide(replace(CLAIM, relation="exact", tolerance=0.0), seen(low, high))[1].startswith(words)


def test_an_obstacle_is_inconclusive_with_its_reason():
    assert decide(CLAIM, Measurement(0.0, 0.0, Limits(0.0, 0.0), obstacle="cap")) == ("inconclusive", "cap")


def test_limits_that_are_not_numbers_decide_nothing():
    assert decide(CLAIM, seen(math.nan, math.nan))[0] == "inconclusive"


@pytest.mark.parametrize(
    ("control", "verdict"),
    [("violated", "consistent"), ("consistent", "inconclusive"), ("inconclusive", "inconclusive")],
)
def test_a_claim_needs_its_control_to_be_rejected(control, verdict):
    claim = replace(CLAIM, controls=("c",))
    own = {"c": Verdict(replace(CLAIM, id="c", origin="control"), control, "")}
    paired = _paired(Verdict(claim, "consistent", ""), own)
    assert paired.verdict == verdict
    assert ("looser than what is measured" in paired.reason) == (control == "consistent")


def test_a_violated_claim_stays_violated_whatever_its_control():
    claim = replace(CLAIM, controls=("c",))
    own = {"c": Verdict(replace(CLAIM, id="c", origin="control"), "consistent", "")}
    assert _paired(Verdict(claim, "violated", ""), own).verdict == "violated"


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([("derived", "consistent"), ("control", "violated")], 0),
        ([("derived", "violated")], 1),
        ([("control", "consistent")], 1),
        ([("derived", "inconclusive"), ("control", "violated")], 3),
        ([("derived", "inconclusive"), ("derived", "violated")], 1),
        ([], 0),
    ],
)
def test_exit_codes(verdicts, code):
    assert exit_code([Verdict(replace(CLAIM, origin=o), v, "") for o, v in verdicts]) == code


@pytest.mark.parametrize(
    ("relation", "interval"), [("equal", [0.75, 1.25]), ("at_most", [None, 1.25]), ("at_least", [0.75, None])]
)
def test_a_row_says_what_is_allowed(relation, interval):
    claim = replace(CLAIM, relation=relation, tolerance=0.25)
    row = Verdict(claim, "consistent", "r", replace(seen(1.0, 1.0), predicted=1.0)).row()
    assert (row["tolerance"], row["allowed"]) == (0.25, interval)


def test_a_row_is_strict_json_with_the_documented_keys():
    row = Verdict(CLAIM, "violated", "r", seen(math.inf, math.inf)).row()
    assert list(row) == [
        "id", "statement", "origin", "source", "relation", "solver", "problem", "predicted", "measured", "limits",
        "tolerance", "allowed", "verdict", "expected", "reason", "level",
    ]  # fmt: skip
    assert row["limits"] == [None, None]


def test_the_numbers_of_a_row_are_pythons_own_whatever_was_measured_with():
    claim = replace(CLAIM, tolerance=np.float64(0.25))
    measurement = Measurement(np.float64(1), np.float32(1), Limits(np.float64(0), np.float64(2)))
    row = Verdict(claim, "violated", "r", measurement, level=np.float64(0.99)).row()
    numbers = [row[name] for name in ("predicted", "measured", "tolerance", "level")] + row["limits"] + row["allowed"]
    assert {type(number) for number in numbers} == {float}


@pytest.mark.parametrize(("field", "value"), [("relation", "about"), ("origin", "rumour"), ("tolerance", -1.0)])
def test_a_malformed_claim_is_refused(field, value):
    with pytest.raises(ValueError, match=field):
        replace(CLAIM, **{field: value})


def test_a_published_claim_needs_a_source_which_its_row_carries():
    with pytest.raises(ValueError, match="source is missing"):
        replace(CLAIM, origin="published")
    published = replace(CLAIM, origin="published", source="arXiv 2601.21836, abstract")
    assert Verdict(published, "violated", "r").row()["source"] == "arXiv 2601.21836, abstract"


def test_a_suite_refuses_duplicate_ids_and_unknown_controls():
    with pytest.raises(ValueError, match="two claims"):
        Suite("s", "", (CLAIM, CLAIM))
    with pytest.raises(ValueError, match="lacks"):
        Suite("s", "", (replace(CLAIM, controls=("none",)),))


@pytest.mark.parametrize("suite", [quick, smoke])
def test_every_claim_of_a_suite_has_a_control_and_every_control_a_claim(suite):
    claims = suite().claims
    used = {control for claim in claims for control in claim.controls}
    for claim in claims:
        if claim.origin == "control":
            assert claim.expected == "violated"
        else:
            assert claim.controls, f"{claim.id} has no control"
    assert used == {c.id for c in claims if c.origin == "control"}


def test_at_least_three_controls_mutate_an_estimator():
    assert len({c.solver for c in quick().claims if c.solver.startswith("control:")}) >= 3


def test_a_suite_leaves_out_what_is_not_installed_and_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(
        "zoba_bench.verification.suite.missing_requirements",
        lambda name: {"sklearn": "data"} if name == "diabetes_ridge" else {},
    )
    kept, hints = smoke().without_missing()
    assert hints == {"diabetes_ridge": 'pip install "zoba-bench[data]"'}
    assert not any(claim.problem == "diabetes_ridge" for claim in kept.claims)
    assert len(kept.claims) < len(smoke().claims)
    # Claims on several problems keep the installed ones, and the matrix shows no others.
    assert "P1/zoba/counts" in {claim.id for claim in kept.claims}
    assert all("diabetes_ridge" not in problems for problems in kept.matrix().values())


def test_a_control_is_its_claim_with_what_it_does_wrong_and_no_more():
    claim = build("P2/zoba/x", "It holds.", "at_most", 1.0, {"h": 1e-3, "nodes": 4}, problem="quad_general")
    wrong = Control("P2/c/x", solver="control:hessian-factor")
    named, by_solver, by_parameter = with_controls(claim, wrong, Control("P2/d/x", "h is large", {"h": 1.0}))
    assert named == replace(claim, controls=("P2/c/x", "P2/d/x"))
    assert (claim.protocol, claim.solver, claim.origin) == ("P2", "zoba", "derived")
    assert by_solver == replace(
        claim, id="P2/c/x", statement="Control: 1/h^2 in place of 1/(2 h^2) in the Hessian surrogate.",
        solver="control:hessian-factor", origin="control",
    )  # fmt: skip
    assert by_parameter == replace(
        claim, id="P2/d/x", statement="Control: h is large.", parameters={"h": 1.0, "nodes": 4}, origin="control"
    )  # fmt: skip


def test_claims_that_share_a_control_all_name_it_and_it_is_made_from_the_first():
    claims = [build(f"P1/{solver}/x", "", "exact", 0.0, {"n": solver}) for solver in ("zoba", "hf-zoba")]
    *honest, control = sharing_controls(claims, Control("P1/c", "wrong", {"omit": True}))
    assert [claim.controls for claim in honest] == [("P1/c",), ("P1/c",)]
    assert (control.solver, control.parameters) == ("zoba", {"n": "zoba", "omit": True})


def test_the_control_of_a_finding_or_of_what_is_published_is_a_control_alone():
    finding = replace(CLAIM, origin="published", source="somewhere", finding=True)
    _, control = with_controls(finding, Control("c", "wrong", {"factor": 2.0}))
    assert (control.origin, control.source, control.finding) == ("control", "", False)


@pytest.mark.parametrize("changed", [{}, {"factor": 1.0}])
def test_a_control_that_changes_nothing_is_refused(changed):
    claim = replace(CLAIM, parameters={"factor": 1.0})
    with pytest.raises(ValueError, match="control 'c' changes nothing of claim 'P0/s/c'"):
        with_controls(claim, Control("c", "nothing", changed))


def test_claims_of_several_parts_are_taken_once_and_may_not_differ():
    assert together([CLAIM], [CLAIM]) == (CLAIM,)
    with pytest.raises(ValueError, match="two claims with id 'P0/s/c' differ"):
        together([CLAIM], [replace(CLAIM, tolerance=0.2)])


def claims_of(file):
    """Every claim of one file of claims."""
    module = importlib.import_module(f"zoba_bench.verification.claims.{file}")
    parts = [getattr(module, name)() for name in module.__all__ if name.endswith("_claims")]
    return [claim for part in parts for claim in part]


def test_claims_stand_in_the_file_of_their_protocols_name():
    there = {claim.id for claim in claims_of("published")}
    # What a solver of one's own declares or reaches is no claim of this project.
    for protocol in sorted(set(PROTOCOLS) - {"P1d", "P13"}):
        module = PROTOCOLS[protocol]
        claims = claims_of(module.rpartition(".")[2])
        # On registered problems evaluations to eps are claimed beside the floors.
        assert {claim.protocol for claim in claims} == {protocol} | ({"P6"} if protocol == "P6d" else set())
        there |= {claim.id for claim in claims}
    assert there == {claim.id for claim in full().claims}


def test_no_control_tolerates_more_than_a_claim_that_names_it():
    claims = {claim.id: claim for claim in full().claims}
    pairs = [(claim, claims[name]) for claim in claims.values() for name in claim.controls]
    assert len(pairs) > 500
    softer = [
        (claim.id, control.id) for claim, control in pairs
        if control.relation == claim.relation and control.tolerance > claim.tolerance
    ]  # fmt: skip
    assert softer == []
