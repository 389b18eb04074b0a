"""Power of a claim with confidence limits: verdicts simulated with the standard error that its limits state.

Two levels give the standard error and the degrees of freedom: the limits of a level q are q's Student quantile times
the error away from the estimate, on the scale of the number or on that of its logarithm. With a true value that is off
by some error, estimates and their estimated errors are drawn look after look, and judged as the claim is. The error at
which 99 % of the draws are refused is found by bisection, up and down; the larger of both is the claim's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.verification.claim import Claim
from zoba_bench.verification.power.seen import Seen, quantity_of

__all__ = ["POWER", "Stated", "moved", "smallest", "stated"]

#: The share of refusals at which an error counts as seen.
POWER = 0.99
_DRAWS = 20_000
_NARROW = 0.5
#: Beyond this an error is not looked for: a factor of a million.
_MOST = 1e6


@dataclass(frozen=True)
class Stated:
    """An estimate with the standard error and degrees of freedom that its limits state.

    Attributes
    ----------
    value : on the scale of ``log``.
    predicted : in the claim's own unit.
    log : whether the limits are those of the logarithm.
    share : of the replicates that the claim may use.
    """

    value: float
    predicted: float
    error: float
    dof: float
    log: bool
    share: float = 1.0

    def scale(self, value: float) -> float:
        """A value of the quantity on the scale of the limits; a logarithm of what is not positive is minus infinity."""
        if not self.log:
            return value
        return math.log(value) if value > 0 else -math.inf


def stated(seen: Seen) -> Stated | None:
    """What the limits of a claim state; None where they have no width, or are not finite."""
    level = seen.levels[seen.looks - 1]
    narrow, wide = seen.judged(_NARROW), seen.judged(level)
    ends = (narrow.limits.low, narrow.limits.high, wide.limits.low, wide.limits.high, wide.measured)
    if not all(map(math.isfinite, ends)) or not wide.limits.low < wide.limits.high:
        return None
    log = min(ends) > 0 and abs(math.log(ends[2]) + math.log(ends[3]) - 2 * math.log(ends[4])) < (
        abs(ends[2] + ends[3] - 2 * ends[4]) / ends[4]
    )
    scale = math.log if log else float
    halves = [(scale(high) - scale(low)) / 2 for low, high in (ends[:2], ends[2:4])]
    dof = _dof(halves[1] / halves[0], level)
    error, share = halves[1] / _quantile(dof, level), seen.shares[seen.looks - 1]
    return Stated(scale(ends[4]), wide.predicted, error, dof, log, share)


def _quantile(dof: float, level: float) -> float:
    from scipy.special import stdtrit

    return -float(stdtrit(min(dof, 1e12), (1 - level) / 2))


def _dof(ratio: float, level: float) -> float:
    """Degrees of freedom at which the quantiles of the level and of the narrow one have a ratio."""

    def above(dof: float) -> bool:
        return _quantile(dof, level) / _quantile(dof, _NARROW) > ratio

    low, high = 1.0, 1e6
    if above(high):
        return math.inf
    for _ in range(60):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if above(middle) else (low, middle)
    return high


class _Draws:
    """Estimates and estimated errors of every look, around a true value."""

    def __init__(self, of: Stated, shares: list[float], rng: np.random.Generator) -> None:
        parts = np.diff([0.0, *shares])
        total = np.cumsum([math.sqrt(part) * rng.standard_normal(_DRAWS) for part in parts], axis=0)
        whole = of.error * math.sqrt(of.share)  # with all replicates
        self.noise = [whole * sum_ / share for sum_, share in zip(total, shares, strict=True)]
        self.errors = [whole / math.sqrt(share) * self._chi(of.dof * share / of.share, rng) for share in shares]
        self.dofs = [of.dof * share / of.share for share in shares]

    @staticmethod
    def _chi(dof: float, rng: np.random.Generator) -> Array:
        if not dof < 1e6:
            return np.ones(_DRAWS)
        found: Array = np.sqrt(rng.chisquare(dof, _DRAWS) / dof)
        return found


def smallest(claim: Claim, of: Stated, levels: list[float], shares: list[float], rng: np.random.Generator) -> float:
    """The smallest error of the true value that is refused with the probability ``POWER``; infinite if none is.

    Of an exponent it is the difference, of anything else relative to what is derived; where the claim is that it is at
    most (or at least) something, relative to what was measured.
    """
    draws = _Draws(of, shares, rng)
    signs = {"at_most": (1,), "at_least": (-1,)}.get(claim.relation, (1, -1))

    def bisected(sign: int) -> float:
        low, high = 0.0, 1e-3
        while _refused(claim, of, draws, levels, sign * high) < POWER:
            low, high = high, 2 * high
            if high > _MOST:
                return math.inf
        while high - low > 1e-3 * high:
            middle = (low + high) / 2
            seen = _refused(claim, of, draws, levels, sign * middle) >= POWER
            low, high = (low, middle) if seen else (middle, high)
        return high

    return max(map(bisected, signs))


def _refused(claim: Claim, of: Stated, draws: _Draws, levels: list[float], error: float) -> float:
    """The share of the draws in which an error, with its sign, is refused."""
    low, high = (of.scale(of.predicted + sign * claim.tolerance) for sign in (-1, 1))
    at_most, at_least = claim.relation == "at_most", claim.relation == "at_least"
    true = moved(of.value if at_most or at_least else of.scale(of.predicted), error, of.log, claim)
    waiting, wrong = np.ones(_DRAWS, dtype=bool), np.zeros(_DRAWS, dtype=bool)
    for noise, errors, dof, level in zip(draws.noise, draws.errors, draws.dofs, levels, strict=True):
        half = _quantile(dof, level) * errors
        below, above = true + noise - half, true + noise + half
        inside = (at_most | (below >= low)) & (at_least | (above <= high))
        outside = ((not at_least) & (below > high)) | ((not at_most) & (above < low))
        wrong |= waiting & outside
        waiting &= ~(inside | outside)
    return float(wrong.mean())


def moved(value: float, error: float, log: bool, claim: Claim) -> float:
    """A value on the scale of its limits with an error: added to an exponent, relative for anything else."""
    if log:
        return value + math.log1p(error) if error > -1 else -math.inf
    return value + error * (1.0 if quantity_of(claim) == "exponent" else abs(value) or 1.0)
