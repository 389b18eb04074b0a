"""Holm's sequence: what a decided claim leaves to the others, and how often any verdict is wrong."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from zoba_bench.statistics import Estimate, Limits, family_level, weighted_level
from zoba_bench.verification.claim import Claim, Measurement, Verdict, decide
from zoba_bench.verification.run.sequence import decide_in_sequence, weight

ALPHA = 0.1
CLAIM = Claim("c", "", "P6b", "zoba", "reference", "equal", 1.0, {})


def claims(count, relation="equal"):
    return [replace(CLAIM, id=f"c{i}", relation=relation) for i in range(count)]


def verdicts(family, estimates, confidence=1 - ALPHA):
    """Verdicts about values that must be 0 within 1, by the sequence."""

    def judge(claim, level):
        estimate = estimates[claim.id]
        seen = Measurement(0.0, estimate.value, estimate.limits(level))
        return Verdict(claim, *decide(claim, seen), seen, level)

    first = {claim.id: judge(claim, family_level(confidence, len(family))) for claim in family}
    return decide_in_sequence(family, first, judge, confidence)


def normal(value, error=0.1):
    return Estimate(value, error, math.inf)


def test_weights_say_how_a_verdict_can_be_wrong():
    exact = Measurement(0.0, 2.0, Limits(2.0, 2.0))
    wide = Measurement(0.0, 0.5, Limits(0.4, 0.6))
    below = replace(CLAIM, relation="at_most")
    assert weight(Verdict(CLAIM, "consistent", "", wide)) == 1.0
    assert weight(Verdict(CLAIM, "inconclusive", "", wide)) == 1.0
    assert weight(Verdict(CLAIM, "violated", "", wide)) == 0.5
    assert weight(Verdict(below, "inconclusive", "", wide)) == 0.5
    assert weight(Verdict(CLAIM, "violated", "", exact), exact) == 0.0
    assert weight(Verdict(below, "consistent", "", exact), replace(exact, measured=1.9)) == 1.0  # a level hides in it
    assert weight(Verdict(CLAIM, "violated", "the derivation refuses")) == 1.0
    diverged = Measurement(0.0, math.inf, Limits(math.inf, math.inf))
    assert weight(Verdict(CLAIM, "violated", "", diverged), diverged) == 1.0


def test_a_claim_that_is_undecided_at_first_is_decided_with_what_the_others_leave():
    family = claims(10)
    # Nine violations weigh 4.5 together: the last claim is judged at 1 - alpha/5.5 in place of 1 - alpha/10.
    critical = [-Estimate(0.0, 1.0, math.inf).limits(1 - ALPHA / n).low for n in (10, 5.5)]
    edge = normal(1.0 - 0.1 * sum(critical) / 2)
    found = verdicts(family, {c.id: normal(2.0) for c in family} | {"c9": edge})
    assert found["c9"].verdict == "consistent"
    assert found["c9"].level == pytest.approx(weighted_level(1 - ALPHA, [0.5] * 9 + [1.0])) == 1 - ALPHA / 5.5
    assert "judged again" in found["c9"].reason
    assert {found[f"c{i}"].level for i in range(9)} == {family_level(1 - ALPHA, 10)}
    # Consistent ones leave nothing: their limits could have missed either way.
    left = verdicts(family, {c.id: normal(0.0) for c in family} | {"c9": edge})
    assert left["c9"].verdict == "inconclusive"
    assert left["c9"].level == family_level(1 - ALPHA, 10)


def test_what_is_decided_late_lowers_the_level_of_the_rest():
    family = claims(4)
    levels = [1 - ALPHA / w for w in (4, 3, 2.5)]
    width = [-Estimate(0.0, 0.1, math.inf).limits(level).low for level in levels]
    # Two violations are seen at once, a third at 1 - alpha/3, the fourth at 1 - alpha/2.5 only.
    late, latest = (1.0 + (width[i] + width[i + 1]) / 2 for i in (0, 1))
    found = verdicts(family, {"c0": normal(5.0), "c1": normal(5.0), "c2": normal(late), "c3": normal(latest)})
    assert [found[f"c{i}"].verdict for i in range(4)] == ["violated"] * 4
    assert [found[f"c{i}"].level for i in range(4)] == pytest.approx([levels[0], levels[0], levels[1], levels[2]])


def test_an_obstacle_is_not_judged_away():
    seen = Measurement(0.0, 0.0, Limits(-0.1, 0.1), obstacle="not local")
    family = claims(2)
    first = {c.id: Verdict(c, "inconclusive", "not local", seen) for c in family}
    assert decide_in_sequence(family, first, lambda c, level: pytest.fail("judged"), 0.99) == first


def simulated(shifts, relation, rho, rng):
    """Whether any verdict of one family of claims is wrong, whose values lie ``shifts`` standard errors off an edge.

    Negative ones are allowed. The estimates have correlation ``rho``.
    """
    family = claims(len(shifts), relation)
    common, own = rng.standard_normal(), rng.standard_normal(len(shifts))
    noise = math.sqrt(abs(rho)) * common + math.sqrt(1 - abs(rho)) * own
    error = 0.1
    truth = [1.0 + error * shift for shift in shifts]
    found = verdicts(family, {c.id: normal(t + error * e, error) for c, t, e in zip(family, truth, noise, strict=True)})
    return any(
        found[c.id].verdict == ("violated" if shift <= 0 else "consistent")
        for c, shift in zip(family, shifts, strict=True)
    )


FAMILIES = {
    "all just allowed": [0.0] * 6,
    "all just not allowed": [1e-9] * 6,
    "half far off": [8.0] * 3 + [0.0] * 3,
    "one at the edge among many that are seen": [8.0] * 7 + [0.0],
    "one just not allowed among many that are seen": [8.0] * 7 + [1e-9],
    "on the way": [-3.0, -2.0, -1.0, 0.0, 1e-9, 1.0, 2.0, 3.0],
}
TRIALS = 1500
#: Five standard errors of a share of ALPHA.
SLACK = 5 * math.sqrt(ALPHA * (1 - ALPHA) / TRIALS)


@pytest.mark.sample(6)
@pytest.mark.parametrize("rho", [0.0, 0.9])
@pytest.mark.parametrize("relation", ["equal", "at_most"])
@pytest.mark.parametrize("name", FAMILIES)
def test_some_verdict_of_a_family_is_wrong_at_most_as_often_as_stated(name, relation, rho):
    rng = np.random.default_rng(1)
    wrong = sum(simulated(FAMILIES[name], relation, rho, rng) for _ in range(TRIALS))
    assert wrong / TRIALS <= ALPHA + SLACK


def test_a_sequence_that_leaves_too_much_is_seen(monkeypatch):
    # Planted: decided claims leave everything, and the rest is judged as if its limits were those of a tenth of it.
    monkeypatch.setattr("zoba_bench.verification.run.sequence.weight", lambda verdict, elsewhere=None: 0.05)
    rng = np.random.default_rng(1)
    wrong = sum(simulated(FAMILIES["all just allowed"], "equal", 0.0, rng) for _ in range(300))
    assert wrong / 300 > ALPHA + 5 * math.sqrt(ALPHA * (1 - ALPHA) / 300)
