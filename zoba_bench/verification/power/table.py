"""The power of a suite: a row for each protocol and kind of number, with the worst and the median claim."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from zoba_bench.verification.power.deviations import EXACT, smallest_deviation
from zoba_bench.verification.power.planted import Planted, plant_and_judge
from zoba_bench.verification.power.seen import Seen, quantity_of
from zoba_bench.verification.power.stated import Stated, smallest, stated

__all__ = ["Power", "Row", "power_of", "power_table"]

#: The checker on itself, and inequalities whose limits are those of many means at once.
LEFT_OUT = {
    "P0": "the checker's own error rates",
    "P3": "the largest excess over many bounds at once has no error of one number",
}


@dataclass(frozen=True)
class Power:
    """The smallest error that a claim refuses with 99 % probability.

    Attributes
    ----------
    smallest : 0 where any difference is refused; infinite where none is; NaN where the claim decides nothing.
    where : what it is the error of, where the claim is on several numbers.
    why : what keeps it from deciding, if so.
    """

    claim: str
    protocol: str
    quantity: str
    smallest: float
    where: str = ""
    why: str = ""


@dataclass(frozen=True)
class Row:
    """The claims of one protocol on one kind of number.

    Attributes
    ----------
    unit : of the errors, in words.
    claims, without : how many have a power, and how many decide nothing.
    median, worst : the errors; ``median_claim`` and ``worst_claim`` are whose they are.
    planted : what happened with the median claim's error in its data, if they can hold one.
    """

    protocol: str
    quantity: str
    unit: str
    claims: int
    without: int
    median: float
    median_claim: str
    worst: float
    worst_claim: str
    planted: Planted | None = field(default=None)

    def content(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


_UNITS = {
    "exponent": "absolute", "correlation": "the correlation", "count": "any difference", "bits": "any difference",
    "statement": "any refusal", "breach": "any breach", "bound": "over what was measured",
    "setting": "any difference",
}  # fmt: skip


def power_of(seen: Seen, rng: np.random.Generator) -> tuple[Power, Stated | None]:
    """The smallest error that one claim refuses, and what its limits state."""
    claim, quantity = seen.claim, quantity_of(seen.claim)

    def found(size: float, where: str = "", why: str = "") -> Power:
        return Power(claim.id, claim.protocol, quantity, size, where, why)

    measured = seen.judged(seen.levels[seen.looks - 1])
    if measured.obstacle:
        return found(math.nan, why=measured.obstacle), None
    if quantity in EXACT and not claim.tolerance and measured.predicted == 0:
        return found(0.0), None
    of = stated(seen)
    if of is not None:
        return found(smallest(claim, of, seen.levels, seen.shares, rng)), of
    return found(*smallest_deviation(seen, rng)), None


def power_table(measured: Iterable[Seen], seed: int) -> tuple[list[Power], list[Row]]:
    """The power of every claim that is no control, and the table of it.

    Parameters
    ----------
    measured : the claims of a suite that were measured.
    seed : of the simulations; every claim has draws of its own.
    """
    kinds: dict[tuple[str, str], list[tuple[Power, Stated | None, Seen]]] = {}
    everything = []
    for seen in measured:
        claim = seen.claim
        if claim.origin == "control" or claim.finding or claim.relation == "none" or claim.protocol in LEFT_OUT:
            continue
        rng = np.random.default_rng([seed, *claim.id.encode()])
        power, of = power_of(seen, rng)
        everything.append(power)
        kinds.setdefault((claim.protocol, power.quantity), []).append((power, of, seen))
    return everything, [_row(protocol, quantity, group, seed) for (protocol, quantity), group in kinds.items()]


def _row(protocol: str, quantity: str, group: list[tuple[Power, Stated | None, Seen]], seed: int) -> Row:
    deciding = sorted((one for one in group if not math.isnan(one[0].smallest)), key=lambda one: one[0].smallest)
    unit, without = _UNITS.get(quantity, "relative"), len(group) - len(deciding)
    if not deciding:
        return Row(protocol, quantity, unit, 0, without, math.nan, "", math.nan, "")
    (median, of, seen), (worst, _, _) = deciding[len(deciding) // 2], deciding[-1]
    planted = None
    if math.isfinite(median.smallest):
        rng = np.random.default_rng([seed, 1, *median.claim.encode()])
        planted = plant_and_judge(seen, median.smallest, median.where, of, rng)
    return Row(
        protocol, quantity, unit, len(deciding), without, median.smallest, median.claim, worst.smallest, worst.claim,
        planted,
    )  # fmt: skip
