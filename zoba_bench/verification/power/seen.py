"""A claim with what was measured for it, and the unit in which its error is counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zoba_bench.verification.checking import protocol_of
from zoba_bench.verification.claim import Claim, Measurement
from zoba_bench.verification.protocols.shared.lines import JOINT
from zoba_bench.verification.protocols.shared.plan import Plan
from zoba_bench.verification.run.looks import look_levels, merged, up_to

__all__ = ["Seen", "quantity_of"]

#: Protocols whose claims are on one kind of number, and that kind.
_KINDS = {
    "P1": "count", "P1d": "count", "P2": "mean", "P2s": "mean", "P5": "bound", "P7b": "rate", "P8": "bits",
    "P9": "statement", "P10": "mean", "P11": "correlation", "P12": "breach",
    "P14": "setting",
}  # fmt: skip
_OF_LINES = {"ratio": "level", **dict.fromkeys(("slope", "residual", *JOINT), "exponent")}


def quantity_of(claim: Claim) -> str:
    """What kind of number the claim is on: "exponent", "level", "mean", "rate", "bound", "count", ...

    Means and rates without sampling error are a kind of their own: what is refused there is rounding and remainders.
    """
    chosen = claim.parameters
    kind = _KINDS.get(claim.protocol)
    if kind is None:
        quantity = str(chosen.get("quantity", ""))
        if claim.protocol == "P6c" and quantity == "count":
            return "planned count"
        return _OF_LINES.get(quantity, quantity)
    exact = "nodes" in chosen or (claim.protocol in ("P7b", "P10") and chosen["replicates"] == 1)
    return f"{kind}, no noise" if exact else kind


@dataclass(frozen=True)
class Seen:
    """One claim, its plans look after look, and the results of their cells.

    Attributes
    ----------
    level : of all its looks together.
    """

    claim: Claim
    plans: tuple[Plan, ...]
    results: Mapping[str, Mapping[str, Any]]
    level: float

    @property
    def plan(self) -> Plan:
        """Of all looks that were taken."""
        return merged(self.plans)

    @property
    def levels(self) -> list[float]:
        """Of every look that the claim may take."""
        return look_levels(self.claim, self.level)

    @property
    def shares(self) -> list[float]:
        """Of the replicates that each of these looks has."""
        return list(self.claim.parameters.get("looks", [1.0]))

    @property
    def looks(self) -> int:
        """How many of them were taken."""
        return len(self.plans)

    def judged(self, level: float, results: Mapping[str, Mapping[str, Any]] | None = None) -> Measurement:
        """What the protocol measures at a level, in the claim's own results or in others."""
        seen = up_to(self.claim, self.looks - 1)
        found: Measurement = protocol_of(self.claim).judge(
            seen, self.plan, self.results if results is None else results, level
        )
        return found
