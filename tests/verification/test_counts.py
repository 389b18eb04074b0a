"""P1: every solver in every column, and a solver that asks for more, or for less, than its count is refused."""

from dataclasses import replace

import pytest

from zoba_bench.oracle import COUNTED
from zoba_bench.registry import list_solvers
from zoba_bench.solvers.itd_bio import ItdBio
from zoba_bench.solvers.zoba import Zoba
from zoba_bench.sweep import run_cell
from zoba_bench.verification.claim import decide
from zoba_bench.verification.claims.counts import standard_claims
from zoba_bench.verification.controls import CONTROLS
from zoba_bench.verification.protocols import counts

CLAIMS = {claim.id: claim for claim in standard_claims()}


def verdict(claim):
    made = counts.plan(claim, 0)
    measurement = counts.judge(claim, made, {cell.key: run_cell(cell) for cell in made.cells}, 0.95)
    return decide(claim, measurement)[0], measurement


@pytest.mark.parametrize("key", [key for key in CLAIMS if "/columns" in key])
def test_every_column_of_a_solver_is_counted_and_one_that_is_left_out_is_seen(key):
    claim = CLAIMS[key]
    assert verdict(claim)[0] == "consistent"
    assert claim.controls
    for control in claim.controls:
        assert verdict(CLAIMS[control])[0] == "violated"


def test_every_solver_and_every_column_has_its_claim():
    assert {claim.solver for key, claim in CLAIMS.items() if key.endswith("/columns")} == set(list_solvers())
    assert {claim.parameters["left_out"] for claim in CLAIMS.values() if "left_out" in claim.parameters} == set(COUNTED)


class AsksAgain(ItdBio):
    """F_x once more, and nothing done with it."""

    name, mutates, mistake = "control:asks-again", "itd-bio", "F_x is asked for twice"

    def step(self, state):
        state.oracle.outer_grad_x(state.z, state.x)
        return ItdBio.step(self, state)


class OneReplicateAsks(Zoba):
    """The second replicate alone asks for one value more."""

    name, mutates, mistake = "control:one-asks", "zoba", "one replicate asks for a value of F more"

    def step(self, state):
        after = Zoba.step(self, state)
        state.oracle.counts["outer"][1] += 1
        return after


@pytest.mark.parametrize("wrong", [AsksAgain, OneReplicateAsks])
def test_a_solver_that_asks_for_more_is_refused(wrong, monkeypatch):
    monkeypatch.setitem(CONTROLS, wrong.name, wrong)
    found, measurement = verdict(replace(CLAIMS[f"P1/{wrong.mutates}/columns"], solver=wrong.name))
    assert found == "violated"
    assert "first difference: outer" in measurement.note
