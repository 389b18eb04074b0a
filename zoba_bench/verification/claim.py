"""Claims, measurements and verdicts: what is said, what was seen, what follows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zoba_bench.json_values import strict_json
from zoba_bench.statistics import Limits

__all__ = ["Claim", "Measurement", "Verdict", "allowed", "decide"]

RELATIONS = ("equal", "at_most", "at_least", "exact", "none")
ORIGINS = ("derived", "published", "control")
VERDICTS = ("consistent", "violated", "inconclusive", "measured")
#: Share of what an upper bound on a size allows, below which what is measured makes the claim vacuous.
VACUOUS = 0.01


@dataclass(frozen=True)
class Claim:
    """One falsifiable sentence.

    Attributes
    ----------
    id : str
        "PROTOCOL/solver/what".
    statement : str
        The claim in words.
    protocol : str
        Which protocol measures it.
    solver, problem : str
        A registered solver (or a control's) and a problem or family.
    relation : {"equal", "at_most", "at_least", "exact", "none"}
        How the measured quantity must relate to the predicted one. With "none" nothing is predicted: the verdict is
        "measured", whatever comes out, unless the iterates diverged.
    tolerance : float
        Declared half-width around the prediction (absolute, in the quantity's own unit).
    parameters : mapping
        Everything the protocol needs; JSON values.
    origin : {"derived", "published", "control"}
    source : str
        Who published it: an arXiv id and the statement there. A published claim needs one.
    controls : tuple of str
        Ids of the paired controls: the claim counts as consistent only if each of them
        is seen to be violated on the same budget.
    finding : bool
        The measurement is known to contradict the statement: its expected verdict is "violated", with the reason.
    """

    id: str
    statement: str
    protocol: str
    solver: str
    problem: str
    relation: str
    tolerance: float
    parameters: Mapping[str, Any]
    origin: str = "derived"
    controls: tuple[str, ...] = ()
    source: str = ""
    finding: bool = False

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("relation", self.relation, RELATIONS),
            ("origin", self.origin, ORIGINS),
        ):
            if value not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")
        if self.origin == "published" and not self.source:
            raise ValueError("source is missing: a published claim says where it stands, for example an arXiv id")
        if self.relation == "none" and (self.origin == "control" or self.controls or self.finding):
            raise ValueError("relation 'none' predicts nothing: such a claim has no control and is none, nor a finding")
        if not self.tolerance >= 0 or math.isinf(self.tolerance):
            raise ValueError(f"tolerance must be a finite non-negative number, got {self.tolerance!r}")

    @property
    def expected(self) -> str:
        """The verdict this claim must get.

        "violated" for a control and for a finding, "measured" where nothing is predicted, else "consistent".
        """
        if self.relation == "none":
            return "measured"
        return "violated" if self.origin == "control" or self.finding else "consistent"


@dataclass(frozen=True)
class Measurement:
    """What a protocol saw.

    Attributes
    ----------
    predicted, measured : float
    limits : Limits
        Confidence limits of the measured quantity at the family's level.
    note : str
        What the numbers rest on.
    obstacle : str
        Why nothing can be concluded, if so.
    series : mapping
        Data for the report: x, predicted and measured values with errors.
    bend : Limits or None
        Of a slope: how much measured over predicted changes its slope along the line.
    size : bool
        It is a size, positive, of which a bound that is a hundred times larger says nothing.
    diverged : bool
        The obstacle is that the solver's own iterates diverged: then not even a number without prediction was measured.
    """

    predicted: float
    measured: float
    limits: Limits
    note: str = ""
    obstacle: str = ""
    series: Mapping[str, Any] = field(default_factory=dict)
    bend: Limits | None = None
    size: bool = False
    diverged: bool = False


@dataclass(frozen=True)
class Verdict:
    """A claim with its measurement and what follows from it.

    ``level`` is the confidence level of the limits from which it follows.
    """

    claim: Claim
    verdict: str
    reason: str
    measurement: Measurement | None = None
    level: float | None = None

    @property
    def as_expected(self) -> bool:
        """Whether this is the verdict the claim must get."""
        return self.verdict == self.claim.expected

    def row(self) -> dict[str, Any]:
        """The JSON row; numbers that are not finite become None."""
        m = self.measurement
        return {
            "id": self.claim.id,
            "statement": self.claim.statement,
            "origin": self.claim.origin,
            "source": self.claim.source,
            "relation": self.claim.relation,
            "solver": self.claim.solver,
            "problem": self.claim.problem,
            "predicted": strict_json(float(m.predicted)) if m else None,
            "measured": strict_json(float(m.measured)) if m else None,
            "limits": strict_json([float(m.limits.low), float(m.limits.high)]) if m else None,
            "tolerance": strict_json(self.claim.tolerance),
            "allowed": list(allowed(self.claim, float(m.predicted))) if m else None,
            "verdict": self.verdict,
            "expected": self.claim.expected,
            "reason": self.reason,
            "level": strict_json(self.level),
        }


def allowed(claim: Claim, predicted: float) -> tuple[float | None, float | None]:
    """The interval in which the measured quantity may lie; None for an end that is open, or that is not a number."""
    low = None if claim.relation == "at_most" else strict_json(predicted - claim.tolerance)
    high = None if claim.relation == "at_least" else strict_json(predicted + claim.tolerance)
    return low, high


def decide(claim: Claim, m: Measurement) -> tuple[str, str]:
    """Verdict and reason of a claim from its own measurement alone."""
    if m.diverged:
        return "inconclusive", m.obstacle
    if claim.relation == "none":
        words = m.obstacle or _seen(m)
        return "measured", f"{words}; nothing is predicted{f'; {m.note}' if m.note else ''}"
    if m.obstacle:
        return "inconclusive", m.obstacle
    low, high = m.predicted - claim.tolerance, m.predicted + claim.tolerance
    below = claim.relation == "at_most"
    above = claim.relation == "at_least"
    inside = (below or m.limits.low >= low) and (above or m.limits.high <= high)
    outside = (m.limits.low > high and not above) or (m.limits.high < low and not below)
    # The slope at an end differs from that of the whole line by half the bend. The slope of the whole line is a mean of
    # those of its parts: where it is too large for "at most", that of some part is, however curved the line.
    curved = m.bend is not None and max(m.bend.low, -m.bend.high) > 2 * claim.tolerance
    if m.bend is not None and curved and not (outside and (below or above)):
        return "inconclusive", (
            f"measured over derived is curved: its slope changes by [{m.bend.low:.3g}, {m.bend.high:.3g}] along the "
            "line, so that one number does not describe it"
        )
    allowed = {"at_most": f"at most {high:.4g}", "at_least": f"at least {low:.4g}"}.get(
        claim.relation,
        f"{m.predicted:.4g} within {claim.tolerance:.2g}" if claim.tolerance else f"{m.predicted:.6g}",
    )
    seen = _seen(m)
    note = f"; {m.note}" if m.note else ""
    if inside and below and m.size and m.measured < VACUOUS * high:
        return "inconclusive", (
            f"vacuous: {seen}, below {VACUOUS:.0%} of {high:.4g}, which is allowed: the claim says nothing{note}"
        )
    if inside:
        return "consistent", f"{seen}, allowed {allowed}{note}"
    if outside:
        return "violated", f"{seen}, allowed {allowed}{note}"
    return "inconclusive", f"{seen} neither inside nor outside {allowed}: more replicates are needed{note}"


def _seen(m: Measurement) -> str:
    """What was measured, with its limits where they show anything else."""
    value, low, high = (f"{number:.4g}" for number in (m.measured, m.limits.low, m.limits.high))
    return f"measured {value}" if low == value == high else f"measured {value} in [{low}, {high}]"
