"""P0: the checker's own error rates on simulated means, and checkers that err more often than they say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from zoba_bench.verification.claim import Claim
from zoba_bench.verification.claims._pairs import Control, build, sharing_controls

__all__ = ["full_claims", "standard_claims"]

_QUANTITIES = ("ratio", "residual")
_TRUTHS = {
    "inside": "A true claim at the edge of its tolerance is violated",
    "outside": "A false claim at the edge of its tolerance is consistent",
    "missed": "A true claim that tolerates nothing is violated, on one side or the other,",
}
# Runs that the suites average have coefficients of variation up to 0.45 and the skewness of a gamma law.
_SAMPLES: tuple[dict[str, Any], ...] = (
    {"law": "gamma", "cv": 0.25, "replicates": 24, "confidence": 0.95, "trials": 4000},
    {"law": "gamma", "cv": 0.5, "replicates": 24, "confidence": 0.95, "trials": 4000},
    {"law": "gamma", "cv": 0.5, "replicates": 96, "confidence": 0.99, "trials": 24_000},
    {"law": "gamma", "cv": 1.0, "replicates": 96, "confidence": 0.95, "trials": 4000},
    {"law": "lognormal", "cv": 0.5, "replicates": 96, "confidence": 0.99, "trials": 24_000},
)
# Limits of a law without skewness are exact. Of this one 30 % more misses than stated are allowed, as many as limits
# that are 6 % too narrow have.
_BOTH_SIDES: dict[str, Any] = {"law": "gamma", "cv": 0.25, "replicates": 24, "confidence": 0.95, "trials": 20_000}
_MORE_MISSES = 0.3
_STRICT: dict[str, Any] = {"law": "gamma", "cv": 0.5, "replicates": 384, "confidence": 0.995, "trials": 24_000}
_LOOKS: dict[str, Any] = {"law": "gamma", "cv": 0.5, "replicates": 160, "confidence": 0.99, "trials": 8000}
_SKEWED: dict[str, Any] = {"law": "lognormal", "cv": 0.5, "replicates": 32, "confidence": 0.99, "trials": 12_000}
_HEAVY: dict[str, Any] = {"law": "lognormal", "cv": 1.0, "replicates": 8, "confidence": 0.99, "trials": 12_000}


def standard_claims() -> list[Claim]:
    """Levels and slopes at a confidence of which 4000 trials see errors enough, and ten looks; with the controls."""
    known = {claim.id: claim for claim in full_claims()}
    few = [claim for claim in known.values() if claim.controls and claim.parameters["confidence"] == 0.95]
    few.append(known["P0/ratio/ten-looks"])
    return [*few, *(known[name] for name in few[0].controls)]


def full_claims() -> list[Claim]:
    """The same and those of the confidences in use, at one look and at several; the suite "calibration" is these."""
    claims = [
        _errors(f"P0/{quantity}/{_named(sample)}/{truth}", truth, _simulated(quantity, truth, **sample))
        for sample in _SAMPLES
        for quantity in _QUANTITIES
        for truth in ("inside", "outside")
    ]
    claims.append(_errors(f"P0/ratio/{_named(_STRICT)}/inside", "inside", _simulated("ratio", "inside", **_STRICT)))
    looks = _simulated("ratio", "inside", **_LOOKS)
    ten = {**looks, "simulated_looks": [n / 10 for n in range(1, 11)]}
    claims.append(_errors("P0/ratio/ten-looks", "inside", ten))
    claims.append(_errors("P0/ratio/three-looks", "inside", {**looks, "simulated_looks": [0.25, 0.5, 1.0]}))
    claims += [_both_sides(quantity) for quantity in _QUANTITIES]
    return sharing_controls(
        claims,
        Control(
            "P0/ratio/every-look-at-full-level/control",
            "ten looks, each with limits of the whole level, err as often as one",
            {**ten, "unspent": True},
        ),
        Control(
            "P0/ratio/weights-from-the-samples/control",
            "weights that are estimated from the same skewed samples do no harm",
            {**_simulated("ratio", "inside", **_SKEWED), "inverse_variances": True},
        ),
        Control(
            "P0/ratio/few-heavy-samples/control",
            "eight samples a size with a heavier tail are enough",
            _simulated("ratio", "inside", **_HEAVY),
        ),
    )


def _named(sample: dict[str, Any]) -> str:
    return f"{sample['law']}-{sample['cv']:g}/{sample['replicates']}/{sample['confidence']:g}"


def _simulated(
    quantity: str, truth: str, *, law: str, cv: float, replicates: int, confidence: float, trials: int
) -> dict[str, Any]:
    return {
        "quantity": quantity,
        "sizes": [2, 4, 8, 16],
        "replicates": replicates,
        "law": law,
        "cv": cv,
        # For verdicts a relative error of cv / sqrt(4 replicates) must fit into the tolerance many times.
        "width": min(0.4, 12 * cv / (4 * replicates) ** 0.5),
        "confidence": confidence,
        "truth": truth,
        # The truth lies on the side of which skewed samples are more often.
        "side": -1,
        "trials": trials,
        "batches": max(1, trials // 8000),
    }


def _both_sides(quantity: str) -> Claim:
    sample = _simulated(quantity, "missed", **_BOTH_SIDES)
    claim = _errors(f"P0/{quantity}/{_named(_BOTH_SIDES)}/missed", "missed", sample)
    return replace(claim, tolerance=_MORE_MISSES * (1.0 - _BOTH_SIDES["confidence"]))


def _errors(key: str, truth: str, parameters: dict[str, Any]) -> Claim:
    statement = f"{_TRUTHS[truth]} at most as often as its confidence of {parameters['confidence']:.2%} leaves."
    return build(key, statement, "at_most", 0.0, parameters, problem="simulated", solver="")
