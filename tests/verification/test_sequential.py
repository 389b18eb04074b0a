"""Looks at growing data: which cells, which levels, and when they end."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from zoba_bench.statistics import Estimate, spending
from zoba_bench.sweep import run_cell
from zoba_bench.verification.claim import Claim, decide
from zoba_bench.verification.protocols import error_rates as protocol
from zoba_bench.verification.protocols import floors, horizon
from zoba_bench.verification.protocols.shared.lines import line_measurement
from zoba_bench.verification.run.looks import look_levels, merged, part, up_to
from zoba_bench.verification.run.verify import verify
from zoba_bench.verification.suite import Suite
from zoba_bench.verification.suites.calibration import calibration
from zoba_bench.verification.suites.quick import quick

HORIZON = next(claim for claim in quick().claims if claim.id == "P4a/hf-zoba/p=d=2/level")
SMALL = {
    **HORIZON.parameters, "l": 64, "horizons": [40, 80], "replicates": 40, "looks": [0.25, 0.5, 1.0],
}  # fmt: skip
LOOKING = replace(HORIZON, parameters=SMALL, controls=())


def test_one_look_is_the_claim_itself():
    whole = replace(HORIZON, parameters={k: v for k, v in HORIZON.parameters.items() if k != "looks"})
    assert look_levels(whole, 0.99) == [0.99]
    assert part(whole, 0) is whole
    assert up_to(whole, 0) is whole


def test_looks_share_out_the_replicates_and_the_error():
    assert look_levels(LOOKING, 0.99) == spending(0.99, [0.25, 0.5, 1.0])
    assert [part(LOOKING, look).parameters["replicates"] for look in range(3)] == [10, 10, 20]
    assert [up_to(LOOKING, look).parameters["replicates"] for look in range(3)] == [10, 20, 40]
    several = replace(LOOKING, parameters={**SMALL, "replicates": [40, 20]})
    assert [part(several, look).parameters["replicates"] for look in range(3)] == [[10, 5], [10, 5], [20, 10]]


def test_a_look_at_one_replicate_is_refused():
    with pytest.raises(ValueError, match="a look at 1 replicates has no confidence limits"):
        part(replace(LOOKING, parameters={**SMALL, "replicates": 4}), 0)


def test_every_look_has_cells_of_its_own_and_keeps_those_before():
    floor = next(claim for claim in quick().claims if claim.id == "P6b/hf-zoba/p=d/level")
    claim = replace(floor, parameters={**floor.parameters, "looks": [0.5, 1.0]})
    plans = [floors.plan(part(claim, look), 0) for look in range(2)]
    keys = [{cell.key for cell in plan.cells} for plan in plans]
    assert not keys[0] & keys[1]
    both = merged(plans)
    assert {cell.key for cell in both.cells} == keys[0] | keys[1]
    assert [len(line) for line in both.context["keys"]] == [
        len(a) + len(b) for a, b in zip(plans[0].context["keys"], plans[1].context["keys"], strict=True)
    ]
    assert sum(cell.parameters["replicates"] for cell in both.cells) == sum(claim.parameters["replicates"])


@pytest.mark.parametrize(
    ("factor", "verdict", "look"),
    [(5.0, "violated", "look 1 of 3"), (1.0, "consistent", "look "), (1.19, "inconclusive", "look 3 of 3")],
)
def test_a_claim_is_decided_at_the_first_look_that_can(tmp_path, monkeypatch, factor, verdict, look):
    # The derived value, so wrong that it is seen at once, and at the edge of the tolerance, where no look can decide.
    right = horizon.plan

    def plan(claim, seed):
        made = right(claim, seed)
        return replace(made, context={**made.context, "predicted": [factor * v for v in made.context["predicted"]]})

    monkeypatch.setattr(horizon, "plan", plan)
    # A wide tolerance for the right value, which few replicates can confirm.
    claim = replace(LOOKING, tolerance=0.9 if factor == 1.0 else 0.16)
    monkeypatch.setattr("zoba_bench.verification.run.verify.entry", lambda kind, name: lambda: Suite("s", "", (claim,)))
    monkeypatch.setattr("zoba_bench.verification.run.verify.derivations", lambda solvers: {})
    (found,) = verify("s", out=tmp_path)
    assert found.verdict == verdict, found.reason
    assert look in found.reason


def bent_line(curvature, slope=0.0):
    """Logarithms along four sizes, with a mean slope and a change of it, measured almost exactly."""
    sizes = [2.0, 4.0, 8.0, 16.0]
    at = np.log(sizes) - np.log(sizes).mean()
    values = slope * at + curvature * (at**2 - (at**2).mean())
    return line_measurement(
        "residual", sizes, [Estimate(float(value), 1e-3, 60.0) for value in values], [1.0] * 4, 0.999,
        slope=0.0, xlabel="", ylabel="",
    )  # fmt: skip


def test_a_curved_line_is_inconclusive_and_not_averaged_away():
    claim = Claim("c", "", "P6", "zoba", "reference", "equal", 0.1, {})
    # The mean slope is 0 in both; the slope at the ends is 2 c (log 16 - log 2)/2 = 2.08 c away from it.
    assert decide(claim, bent_line(0.03))[0] == "consistent"
    verdict, reason = decide(claim, bent_line(0.2))
    assert verdict == "inconclusive"
    assert "measured over derived is curved" in reason


@pytest.mark.parametrize(("relation", "sign"), [("at_most", 1.0), ("at_least", -1.0)])
@pytest.mark.parametrize("curvature", [0.2, -0.2])
def test_a_curved_line_refuses_a_one_sided_claim_that_its_mean_slope_refuses(relation, sign, curvature):
    """The mean slope is a mean of local ones: where it is too large, some of them is; where it is not, some may be."""
    claim = Claim("c", "", "P6", "zoba", "reference", relation, 0.1, {})
    assert decide(claim, bent_line(curvature, sign * 0.3))[0] == "violated"
    for slope in (0.0, -0.3):
        assert decide(claim, bent_line(curvature, sign * slope))[0] == "inconclusive"
    assert decide(replace(claim, relation="equal"), bent_line(curvature, sign * 0.3))[0] == "inconclusive"


def test_the_checkers_own_error_rate_in_few_trials():
    claims = {claim.id: claim for claim in calibration().claims}
    honest = claims["P0/ratio/gamma-0.5/24/0.95/inside"]
    control = claims["P0/ratio/every-look-at-full-level/control"]
    for claim, expected, trials in ((honest, "consistent", 1000), (control, "violated", 500)):
        # At 95 % ten looks without spending err about twice as often as stated.
        small = replace(claim, parameters={**claim.parameters, "trials": trials, "batches": 1, "confidence": 0.95})
        made = protocol.plan(small, 1)
        results = {cell.key: run_cell(cell) for cell in made.cells}
        assert decide(small, protocol.judge(small, made, results, 0.99))[0] == expected


def test_simulated_samples_have_the_moments_they_are_named_for():
    rng = np.random.default_rng(0)
    for law, cv in (("gamma", 0.5), ("gamma", 1.0), ("lognormal", 0.5)):
        values = protocol.draw(rng, law, cv, (400_000,))
        assert values.mean() == pytest.approx(1.0, abs=5 * cv / 400_000**0.5)
        # The variance of a sample variance is at most (kurtosis) / n; the kurtosis of these laws is below 15.
        assert values.var() == pytest.approx(cv**2, rel=5 * (15 / 400_000) ** 0.5)
    with pytest.raises(ValueError, match="law must be one of gamma, lognormal"):
        protocol.draw(rng, "normal", 1.0, (3,))


def test_the_report_on_calibration_lists_the_claims_of_the_suite():
    text = (Path(__file__).parents[2] / "docs" / "measured" / "calibration.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(P0/[^`]+)`", text, flags=re.MULTILINE) == [claim.id for claim in calibration().claims]
