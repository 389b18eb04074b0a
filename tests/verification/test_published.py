"""Published orders as upper bounds, joint fits, and claims whose expected verdict is a contradiction."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from zoba_bench.statistics import Estimate
from zoba_bench.verification.claim import Claim, Measurement, Verdict, decide
from zoba_bench.verification.claims import complexity as of_evaluations
from zoba_bench.verification.claims import floors as of_floors
from zoba_bench.verification.claims import one_step as of_one_step
from zoba_bench.verification.claims import published
from zoba_bench.verification.protocols import complexity, floors, one_step
from zoba_bench.verification.protocols.shared.lines import JOINT, plane_measurement
from zoba_bench.verification.protocols.shared.named import published_order
from zoba_bench.verification.suites.standard import full

LONG = [
    claim
    for claims in (
        published.standard_claims(), of_one_step.standard_claims(), of_floors.full_claims(),
        of_evaluations.full_claims(),
    )
    for claim in claims
]  # fmt: skip
PUBLISHED = {claim.id: claim for claim in LONG if claim.parameters.get("against") == "published"}
LEVEL = 1 - 1e-4


def test_the_published_order_is_the_one_the_theorem_quotes():
    assert published_order(2, 3) == 2 * 5**2
    assert published_order(2, 3, eps=0.1) == pytest.approx(2 * 5**2 / 0.01)


def floors_of(claim, growth):
    """A judgement of floors that grow as d^growth, from few and exact samples."""
    small = replace(claim, parameters={**claim.parameters, "replicates": [4] * 3})
    plan = floors.plan(small, 0)
    results = {}
    for keys, scale, size in zip(plan.context["keys"], plan.context["scales"], plan.context["sizes"], strict=True):
        for key in keys:
            results[key] = {"means": [size**growth / scale * (1 + 1e-3 * s) for s in (-1, 1, -1, 1)], "failed": 0}
    return decide(small, floors.judge(small, plan, results, LEVEL))[0]


@pytest.mark.parametrize(("growth", "verdict"), [(1.0, "consistent"), (1.9, "consistent"), (2.1, "violated")])
def test_faster_than_published_is_a_violation_and_slower_is_none(growth, verdict):
    # From d = 16 to 64 at p = 2 the order p (d + p)^2 itself grows as d^1.87; the tolerance is 0.1.
    claim = PUBLISHED["P6b/zoba/published-d"]
    local = math.log(published_order(2, 64) / published_order(2, 16)) / math.log(4)
    assert (growth > local + claim.tolerance) == (verdict == "violated")
    assert floors_of(claim, growth) == verdict


def test_only_one_radius_along_d_is_expected_to_leave_the_published_order():
    findings = [claim for claim in PUBLISHED.values() if claim.finding]
    assert sorted(claim.id for claim in findings) == [
        "P2b/zoba/published-far-d", "P6/zoba/published-d", "P6b/zoba/published-d"
    ]  # fmt: skip
    assert all(claim.expected == "violated" for claim in findings)
    assert all(claim.source.startswith("arXiv 2601.21836") for claim in PUBLISHED.values() if claim.origin != "control")
    assert all(claim.controls for claim in PUBLISHED.values() if claim.origin == "published" and not claim.finding)


def test_one_step_is_held_against_the_published_order_as_it_stands():
    claim = PUBLISHED["P2b/zoba/published-far-d"]
    found = one_step.plan(claim, 0).context["predicted"]
    assert found == [published_order(2, d) for d in (512, 1024, 2048, 4096)]
    control = PUBLISHED["P2b/hf-zoba/published-far-d/control"]
    fewer = one_step.plan(control, 0).context["predicted"]
    assert fewer == pytest.approx([published_order(2, d) / d**2 for d in (512, 1024, 2048, 4096)])


def test_evaluations_along_p_are_compared_at_the_sizes_of_p():
    (claim,) = [one for one in LONG if one.id == "P6/zoba/p/residual"]
    assert complexity.plan(claim, 0).context["sizes"] == [2, 4, 8]


def test_a_finding_that_is_not_seen_is_unexpected():
    claim = PUBLISHED["P6b/zoba/published-d"]
    held = Measurement(0.0, -0.5, Estimate(-0.5, 0.01, 50.0).limits(LEVEL))
    assert not Verdict(claim, *decide(claim, held), held).as_expected
    broken = Measurement(0.0, 0.5, Estimate(0.5, 0.01, 50.0).limits(LEVEL))
    assert Verdict(claim, *decide(claim, broken), broken).as_expected


POINTS = [(2, 2, 8), (2, 2, 16), (4, 2, 8), (2, 4, 8), (4, 4, 8), (8, 2, 8), (2, 8, 8)]


def joint(exponents):
    """Residual exponents of a law in p, d and 1/eps over one that is constant."""
    rng = np.random.default_rng(0)
    logs = np.log(POINTS) @ np.array(exponents)
    measured = [Estimate(float(value + 1e-3 * rng.standard_normal()), 1e-3, 30.0) for value in logs]
    return [plane_measurement(name, POINTS, measured, [1.0] * len(POINTS), LEVEL) for name in JOINT]


def test_a_joint_fit_tells_the_exponents_apart():
    for found, truth in zip(joint([1.0, -0.5, 2.0]), (1.0, -0.5, 2.0), strict=True):
        assert found.limits.low <= truth <= found.limits.high
        assert found.limits.high - found.limits.low < 0.1
    claim = Claim("c", "", "P6", "zoba", "reference", "equal", 0.25, {})
    assert [decide(claim, found)[0] for found in joint([0.0, 0.0, 1.0])] == ["consistent", "consistent", "violated"]


def test_points_along_one_line_do_not_determine_all_exponents():
    with pytest.raises(ValueError, match="do not determine 4 coefficients"):
        plane_measurement(JOINT[0], [(2, 2, 8), (4, 4, 8), (8, 8, 8), (16, 16, 8)], [Estimate(0.0, 1.0, 9.0)] * 4,
                          [1.0] * 4, LEVEL)  # fmt: skip


@pytest.mark.slow
def test_a_missing_power_in_a_joint_fit_shifts_its_own_exponent():
    claims = {claim.id: claim for claim in LONG}
    honest, control = claims["P6/hf-zoba/joint-d"], claims["P6/hf-zoba/joint-d/control"]
    right, wrong = (complexity.plan(claim, 0).context for claim in (honest, control))
    logs = np.log(right["joint"]).sum(axis=1)
    assert np.log(right["predicted"]) - np.log(wrong["predicted"]) == pytest.approx(logs)


def test_every_control_of_the_long_suites_is_that_of_a_claim():
    used = {name for claim in LONG for name in claim.controls}
    assert used == {claim.id for claim in LONG if claim.origin == "control"}
    assert {claim.id for claim in LONG} <= {claim.id for claim in full().claims}
