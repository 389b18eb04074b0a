"""Planted errors: each stands once in its module, is seen by a claim, and changes nothing outside its own process."""

from __future__ import annotations

import importlib
import inspect
import json
import re
from pathlib import Path

import pytest

from zoba_bench.registry import entry, names
from zoba_bench.verification.self_test.planted import PlantedError, dependents, plant
from zoba_bench.verification.self_test.run import chosen_errors, planted_errors, self_test, tried

from .command import call

ERRORS = {error.name: error for error in planted_errors()}
STANDARD = entry("claims", "standard")().claims
# One of every kind that is seen within a second or two.
SOME = (
    "soba/adjoint-sign", "soba/late-schedule", "aid-bio/old-iterate", "itd-bio/half-cross", "stocbio/step-lost",
    "f2sa/exponent", "meha/prox-step", "fednest/neumann-sign", "fom/schedule", "descent/default-beta",
    "fom/pullback", "zdsba/cross-sign",
)  # fmt: skip


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
def test_the_text_that_is_replaced_stands_once(error):
    assert inspect.getsource(importlib.import_module(error.module)).count(error.old) == 1


def test_every_solver_has_at_least_two_errors_of_its_own_claims():
    planted = {solver: [e.name for e in ERRORS.values() if solver in e.solvers] for solver in names("solvers")}
    assert {solver: found for solver, found in planted.items() if len(found) < 2} == {}


def test_there_are_at_least_eighty():
    assert len(ERRORS) >= 80
    assert len({(error.module, error.old, error.new) for error in ERRORS.values()}) == len(ERRORS)


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
def test_some_claim_of_the_standard_suite_is_tried(error):
    assert tried(error, STANDARD)


def test_the_page_names_every_one_and_counts_them():
    page = (Path(__file__).parents[2] / "docs" / "measured" / "self_test.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`]+)` \|.*\| (`[^`]+`|\*\*nothing\*\*) \|$", page, flags=re.MULTILINE)
    left = re.search(r" Not run: (.*?)\.( All|$)", page, flags=re.MULTILINE)
    unrun = re.findall(r"`([^`]+)`", left[1]) if left else []
    assert sorted([name for name, _ in rows] + unrun) == sorted(ERRORS)
    seen = sum(claim.startswith("`P") for _, claim in rows)
    assert f"Of {len(ERRORS)} planted errors {len(rows)} were run for this table; {seen} were seen." in page
    assert seen >= 0.95 * len(ERRORS)


def test_errors_that_name_a_claim_try_it_first():
    for error in ERRORS.values():
        if error.first:
            order = [claim.id for claim in tried(error, STANDARD)]
            assert error.first[0] in order[0], error.name
            assert len(order) > 1 or len(error.first) == 1


@pytest.mark.slow
def test_a_dozen_of_them_are_seen():
    few = [claim for claim in STANDARD if claim.protocol in ("P1", "P10")]
    outcomes = self_test([ERRORS[name] for name in SOME], claims=few, jobs=2)
    assert {o.error.name: o.reason for o in outcomes if not o.seen} == {}
    assert all(o.seen_by.startswith(("P1/", "P10/")) for o in outcomes)


def test_an_error_that_is_none_is_not_seen():
    old = "rho, gamma = self.steps(state.k)"
    new = "gamma, rho = self.steps(state.k)[::-1]"
    same = PlantedError("soba/same", "zoba_bench.solvers.soba", old, new, "nothing", ("soba",), protocols=("P10",))
    claims = [c for c in STANDARD if c.id.endswith("/soba/default")]
    (outcome,) = self_test([same], claims=claims)
    assert (outcome.seen_by, outcome.reason, outcome.tried) == ("", "", 1)


def test_a_text_that_does_not_stand_there_is_refused():
    with pytest.raises(ValueError, match=r"must stand once in zoba_bench\.solvers\.soba, found 0 times"):
        plant(PlantedError("soba/none", "zoba_bench.solvers.soba", "no such text", "", "", ("soba",)))


def test_what_uses_a_module_runs_again_after_it():
    importlib.import_module("zoba_bench.verification.controls")
    users = [module.__name__ for module in dependents("zoba_bench.solvers.fom")]
    assert users.index("zoba_bench.solvers.ufom") < users.index("zoba_bench.verification.wrong_solvers")
    assert "zoba_bench.solvers.soba" not in users


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'soba/ratio'"):
        chosen_errors(["soba/ration"])


def test_the_command_lists_and_runs():
    code, listed, _ = call("self-test", "--list", "--json")
    assert code == 0
    assert [row["error"] for row in json.loads(listed)["errors"]] == list(ERRORS)
    code, _, words = call("self-test", "--error", "no/such")
    assert code == 2
    assert "unknown planted error 'no/such'" in words


@pytest.mark.parametrize(
    ("name", "claim"),
    [
        ("driver/last-that-fits", "P12/soba/conduct"),
        ("oracle/exchanged-sizes", "P12/soba/conduct"),
        ("problems/beta-of-reference", "P9/problem/reference"),
        ("problems/curvature-of-reference", "P9/problem/reference"),
        ("meha/prox-of-theta", "P10/meha/prox"),
        ("fom/constant-steps", "P10/fom/decreasing"),
        ("s-szd/mean-of-ends", "P10/s-szd/default"),
        ("periodic/larger-batch", "P1/srba/columns"),
    ],
)
def test_an_error_is_seen_by_the_claim_that_was_made_for_it(name, claim):
    """And not without the error: the claim alone is consistent, see the suites."""
    (outcome,) = self_test([ERRORS[name]], claims=[one for one in STANDARD if one.id == claim])
    assert outcome.seen_by == claim, outcome.reason
