"""How small an error a claim refuses: from its limits, from what is allowed, and planted."""

from __future__ import annotations

import json
import math
import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtri

from zoba_bench.statistics import Estimate, Limits
from zoba_bench.sweep import run_cell
from zoba_bench.verification.claim import Claim, Measurement
from zoba_bench.verification.claims import counts, mean_step, one_step
from zoba_bench.verification.power.planted import plant_and_judge
from zoba_bench.verification.power.seen import Seen, quantity_of
from zoba_bench.verification.power.stated import Stated, smallest, stated
from zoba_bench.verification.power.table import LEFT_OUT, power_of, power_table
from zoba_bench.verification.run.looks import plan_claim
from zoba_bench.verification.suites.quick import quick

from .command import call

ROOT = Path(__file__).parents[2]
LEVEL = 1 - 1e-4
PLAIN = Claim("P6/zoba/x", "x", "P6", "zoba", "reference", "equal", 0.1, {"quantity": "slope"})
RATIO = replace(PLAIN, parameters={"quantity": "ratio"})


def rng():
    return np.random.default_rng(3)


class Told:
    """A claim whose limits follow from an estimate."""

    levels, shares, looks = (LEVEL,), (1.0,), 1

    def __init__(self, claim, estimate, log):
        self.claim, self.estimate, self.log = claim, estimate, log

    def judged(self, level, results=None):
        limits, of = self.estimate.limits(level), math.exp if self.log else float
        return Measurement(1.0, of(self.estimate.value), Limits(of(limits.low), of(limits.high)))


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("dof", [7.0, 60.0, math.inf])
def test_limits_state_their_error_and_degrees_of_freedom(log, dof):
    found = stated(Told(PLAIN, Estimate(0.3, 0.02, dof), log))
    assert (found.value, found.log) == (pytest.approx(0.3), log)
    assert found.error == pytest.approx(0.02, rel=1e-3)
    assert found.dof == pytest.approx(dof, rel=1e-2)


def test_the_smallest_error_is_tolerance_and_two_quantiles():
    error, quantile = 0.02, -ndtri((1 - LEVEL) / 2)
    found = smallest(PLAIN, Stated(0.0, 0.0, error, math.inf, False), [LEVEL], [1.0], rng())
    # 20 000 draws place a 99 % quantile within 0.03 errors, and the larger of both signs is taken.
    assert found == pytest.approx(0.1 + (quantile + ndtri(0.99)) * error, abs=0.08 * error)
    wide = smallest(PLAIN, Stated(0.0, 0.0, error, 5.0, False), [LEVEL], [1.0], rng())
    assert wide > found + 2 * error, "few degrees of freedom cost power"


def test_an_error_of_a_level_is_relative_and_counted_to_the_worse_side():
    found = smallest(RATIO, Stated(0.0, 1.0, 0.02, math.inf, True), [LEVEL], [1.0], rng())
    away = (-ndtri((1 - LEVEL) / 2) + ndtri(0.99)) * 0.02
    assert found == pytest.approx(max(1.1 * math.exp(away) - 1, 1 - 0.9 * math.exp(-away)), rel=0.02)


def test_an_upper_bound_is_reached_from_what_was_measured():
    claim = replace(RATIO, relation="at_most", tolerance=0.0)
    found = smallest(claim, Stated(math.log(0.25), 1.0, 1e-6, math.inf, True), [LEVEL], [1.0], rng())
    assert found == pytest.approx(3.0, rel=2e-3)


def test_looks_at_growing_data_have_nearly_the_power_of_all_of_it():
    of = Stated(0.0, 0.0, 0.02, math.inf, False)
    once = smallest(PLAIN, of, [LEVEL], [1.0], rng())
    # What is called consistent at the first look is not looked at again, so that a border case may slip through.
    both = smallest(PLAIN, of, [1 - 2e-5, 1 - 8e-5], [0.4, 1.0], rng())
    assert once < both < 1.1 * once


def seen(claim, **parameters):
    claim = replace(claim, parameters={**claim.parameters, **parameters})
    plan = plan_claim(claim, 3)
    return Seen(claim, (plan,), {cell.key: run_cell(cell) for cell in plan.cells}, LEVEL)


def test_what_was_simulated_is_what_happens_to_planted_errors():
    claims = {claim.id: claim for claim in one_step.quick_claims()}
    few = {"replicates": 200, "blocks": 60, "problems": [{"name": "reference", "p": n, "d": n} for n in (4, 8, 16)]}
    for key in ("P2b/hf-zoba/p=d/residual", "P2b/hf-zoba/p=d/level"):
        of = seen(claims[key], **few)
        power, limits = power_of(of, rng())
        assert power.smallest > of.claim.tolerance
        planted = plant_and_judge(of, power.smallest, power.where, limits, rng())
        assert planted.refused >= 0.9, planted
        assert planted.third_refused <= 0.1, planted


def test_a_mean_without_noise_is_refused_at_what_is_allowed():
    of = seen(next(claim for claim in mean_step.quick_claims() if claim.id == "P2s/hf-zoba/quad_general"), nodes=3)
    power, limits = power_of(of, rng())
    assert limits is None
    assert power.where in ("z", "v", "x")
    planted = plant_and_judge(of, power.smallest, power.where, limits, rng())
    assert (planted.refused, planted.third_refused, planted.trials) == (1.0, 0.0, 1)


def test_any_difference_of_a_count_is_refused():
    of = seen(next(claim for claim in counts.quick_claims() if claim.id == "P1/soba/columns"))
    power, limits = power_of(of, rng())
    assert power.smallest == 0
    planted = plant_and_judge(of, 0.0, "", limits, rng())
    assert planted.refused == 1
    assert math.isnan(planted.third_refused)


@pytest.mark.parametrize("name", ["P11/soba/independence", "P12/soba/conduct", "P10/aid-bio/default"])
def test_an_error_is_planted_in_what_the_cells_of_a_protocol_return(name):
    of = seen(next(claim for claim in quick().claims if claim.id == name))
    power, limits = power_of(of, rng())
    planted = plant_and_judge(of, power.smallest, power.where, limits, rng())
    assert planted.refused == 1.0, planted
    assert not planted.third_refused > 0.0, planted


def test_every_claim_of_quick_is_on_a_named_kind_of_number():
    kinds = {quantity_of(claim) for claim in quick().claims if claim.protocol not in LEFT_OUT}
    assert "" not in kinds
    assert {"exponent", "level", "mean", "mean, no noise", "rate", "bound", "count", "correlation"} <= kinds


def test_controls_and_the_checker_itself_have_no_row():
    of = seen(next(claim for claim in counts.quick_claims() if claim.id == "P1/soba/columns"))
    every, rows = power_table([of, replace(of, claim=replace(of.claim, id="P1/c", origin="control"))], 0)
    assert [one.claim for one in every] == ["P1/soba/columns"]
    assert [(row.claims, row.median_claim) for row in rows] == [(1, "P1/soba/columns")]


def test_the_command_prints_a_table_or_json(tmp_path):
    few = ("verify", "--suite", "smoke", "--power", "--claim", "P1/soba/columns", "--out", tmp_path)
    code, output, _ = call(*few, "--json")
    content = json.loads(output, parse_constant=lambda word: pytest.fail(f"not JSON: {word}"))
    assert code == 0
    assert [(row["protocol"], row["quantity"], row["claims"]) for row in content["table"]] == [("P1", "count", 1)]
    code, output, _ = call(*few)
    assert code == 0
    assert "P1/soba/columns" in output
    assert "100%" in output
    assert call("verify", "--suite", "smoke", "--power", "--list")[0] == 2


def test_the_documented_table_has_a_row_for_each_kind_of_number_of_quick():
    text = (ROOT / "docs" / "measured" / "power.md").read_text(encoding="utf-8")
    part = text.partition("## quick")[2].partition("\n## ")[0]
    listed = {
        tuple(cell.strip() for cell in line.split("|")[1:3]) for line in part.splitlines() if line.startswith("| P")
    }
    kinds = {
        (c.protocol, quantity_of(c)) for c in quick().claims if c.origin != "control" and c.protocol not in LEFT_OUT
    }
    assert {(protocol, error.rpartition(" (")[0]) for protocol, error in listed} == kinds


def test_the_script_writes_what_the_command_says():
    row = {"protocol": "P6", "quantity": "level", "unit": "relative", "claims": 2, "without": 1, "median": 0.125,
           "worst": 12.0, "worst_claim": "P6/zoba/x", "planted": {"refused": 0.99, "third_refused": 0.0}}  # fmt: skip
    lines = runpy.run_path(str(ROOT / "docs" / "power_table.py"))["table"]([row])
    assert lines[2:] == ["| P6 | level (relative) | 2 of 3 | 12 % | 13 times | `P6/zoba/x` | 99% (0%) |"]
