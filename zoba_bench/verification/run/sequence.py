"""Holm's sequence: claims that are decided leave error to those that are not.

At first every claim is judged at the level of :func:`zoba_bench.statistics.family_level`, 1 - alpha/m for m claims. A
claim that is inconclusive then is judged again at 1 - alpha/W, where W <= m is the sum of the weights of all claims,
and again while that decides something, since what is decided lowers W.

**Why alpha still bounds the probability of any wrong verdict.** A claim has one wrong verdict: "violated" where the
true value is allowed, "consistent" where it is not. Limits at the level 1 - a miss the true value on either side with
probability at most a/2. With a = alpha/W, the wrong verdict needs

- a miss on one given side where the true value is not allowed, and where the claim is that it is at most (or at
  least) something: probability at most a/2, weight 1/2;
- a miss on either side where an allowed value must equal something: probability at most a, weight 1;
- nothing that happens where the measurement has no sampling error, as a count: weight 0.

Call W* the sum of the weights that the true values give, which is no random number. Suppose a verdict is wrong, and
take the first one. All verdicts before were right, so "violated" claims weigh 1/2 as they should, all others as much
as they should or more, and W >= W*. Then limits at the level 1 - alpha/W*, which lie inside of those used, miss the
true value on a side that matters. By the union bound that happens with probability at most the sum over all claims of
weight times alpha/W*, which is alpha. Nothing was assumed of how the claims depend on each other.

**What is not done, and why.** Holm's own sequence would judge at 1 - alpha/(m - decided). That counts a decided claim
as one that cannot err any more. But a claim has two hypotheses, allowed and not allowed, and the true one of them was
at risk when the other was rejected. For such pairs the bound is known for independent estimates alone (Shaffer,
Annals of Statistics 8, 1980; Finner, Annals of Statistics 27, 1999), and claims here share runs with each other and
with their controls. So a decided claim leaves only what it can no longer use: half where it is violated, all where it
is exact.

The bound is that of limits which cover what they say; ``P0`` measures that. Limits that hide their level inside of
one number, as those of P2 and P10 on draws, weigh 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from zoba_bench.statistics import family_level, weighted_level
from zoba_bench.verification.claim import Claim, Measurement, Verdict

__all__ = ["decide_in_sequence", "weight"]

#: Any level far from those that are used: what has sampling error differs there.
_ELSEWHERE = 0.5


def decide_in_sequence(
    claims: Iterable[Claim],
    verdicts: Mapping[str, Verdict],
    judge: Callable[[Claim, float], Verdict],
    confidence: float,
) -> dict[str, Verdict]:
    """Verdicts of all claims, those that were inconclusive judged again while that decides something.

    Parameters
    ----------
    claims : those of the family.
    verdicts : of each by its id, at the level 1 - alpha/m.
    judge : verdict of a claim with a level to spend on it, from the data that there are.
    confidence : 1 - alpha, of all verdicts together.
    """
    family, found = list(claims), dict(verdicts)
    level = family_level(confidence, len(family))
    waiting = [claim for claim in family if _may_be_decided(found[claim.id])]
    elsewhere = {
        claim.id: judge(claim, _ELSEWHERE).measurement for claim in family if waiting and _blunt(found[claim.id])
    }
    while waiting:
        lower = weighted_level(confidence, [weight(found[c.id], elsewhere.get(c.id)) for c in family])
        if lower >= level:
            break
        level = lower
        for claim in waiting:
            again = judge(claim, level)
            if again.verdict != "inconclusive":
                reason = f"{again.reason}; judged again at {100 * level:.6g} %, the others being decided"
                found[claim.id] = replace(again, reason=reason)
        waiting = [claim for claim in waiting if found[claim.id].verdict == "inconclusive"]
    return found


def weight(verdict: Verdict, elsewhere: Measurement | None = None) -> float:
    """How much of a level's error a claim may use for its wrong verdict: 0, 1/2 or 1.

    Parameters
    ----------
    verdict : so far.
    elsewhere : what is measured at another level, where the limits have no width.
    """
    seen = verdict.measurement
    if seen is None:
        return 1.0
    if _blunt(verdict):
        exact = elsewhere is not None and math.isfinite(seen.measured) and _numbers(elsewhere) == _numbers(seen)
        return 0.0 if exact else 1.0
    one_sided = verdict.claim.relation in ("at_most", "at_least")
    return 0.5 if one_sided or verdict.verdict == "violated" else 1.0


def _may_be_decided(verdict: Verdict) -> bool:
    return verdict.verdict == "inconclusive" and verdict.measurement is not None and not verdict.measurement.obstacle


def _blunt(verdict: Verdict) -> bool:
    """Whether the limits have no width: nothing is random there, or it hides in what is measured."""
    seen = verdict.measurement
    return seen is not None and not seen.limits.low < seen.limits.high


def _numbers(seen: Measurement) -> tuple[float, ...]:
    return seen.predicted, seen.measured, seen.limits.low, seen.limits.high
