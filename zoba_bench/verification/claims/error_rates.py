"""The suite "calibration": the checker's own error rates (P0), and checkers that err more often than they say."""

from __future__ import annotations

from typing import Any

from zoba_bench.verification.claim import Claim
from zoba_bench.verification.suite import Suite

__all__ = ["calibration", "calibration_claims"]

_SIZES = [2, 4, 8, 16]
_TRUTHS = {
    "inside": "A true claim at the edge of its tolerance is violated",
    "outside": "A false claim at the edge of its tolerance is consistent",
}
_CONTROLS = (
    "P0/ratio/every-look-at-full-level/control",
    "P0/ratio/weights-from-the-samples/control",
    "P0/ratio/few-heavy-samples/control",
)
# Runs that the suites average have coefficients of variation up to 0.45 and the skewness of a gamma law.
_SAMPLES = (
    ("gamma", 0.25, 24, 0.95, 4000),
    ("gamma", 0.5, 24, 0.95, 4000),
    ("gamma", 0.5, 96, 0.99, 24_000),
    ("gamma", 1.0, 96, 0.95, 4000),
    ("lognormal", 0.5, 96, 0.99, 24_000),
)


def calibration() -> Suite:
    """Simulated verdicts of claims whose truth is known."""
    return Suite(
        "calibration",
        "How often the checker's verdicts are wrong on simulated means, at the edge of what a claim tolerates, against "
        "the confidence that it states; a checker that spends its error at every look must be rejected.",
        tuple(calibration_claims()),
    )


def calibration_claims() -> list[Claim]:
    """Levels and slopes, true and false, at one look and at several."""
    claims: list[Claim] = []
    for law, cv, replicates, confidence, trials in _SAMPLES:
        for quantity in ("ratio", "residual"):
            for truth in _TRUTHS:
                # The truth lies on the side of which skewed samples are more often.
                common = _simulated(quantity, law, cv, replicates, confidence, truth, trials)
                key = f"P0/{quantity}/{law}-{cv:g}/{replicates}/{confidence:g}/{truth}"
                claims.append(_claim(key, truth, common, _CONTROLS))
    strict = _simulated("ratio", "gamma", 0.5, 384, 0.995, "inside", 24_000)
    claims.append(_claim("P0/ratio/gamma-0.5/384/0.995/inside", "inside", strict, _CONTROLS))
    several = _simulated("ratio", "gamma", 0.5, 160, 0.99, "inside", 12_000) | {
        "simulated_looks": [n / 10 for n in range(1, 11)]
    }
    claims.append(_claim("P0/ratio/ten-looks", "inside", several, _CONTROLS))
    few = {**several, "simulated_looks": [0.25, 0.5, 1.0]}
    claims.append(_claim("P0/ratio/three-looks", "inside", few, _CONTROLS))
    control = _CONTROLS[0]
    words = "Control: ten looks, each with limits of the whole level, err as often as one."
    unspent = {**several, "unspent": True}
    claims.append(_control(control, words, unspent))
    words = "Control: weights that are estimated from the same skewed samples do no harm."
    weighted = _simulated("ratio", "lognormal", 0.5, 32, 0.99, "inside", 12_000) | {"inverse_variances": True}
    claims.append(_control(_CONTROLS[1], words, weighted))
    words = "Control: eight samples a size with a heavier tail are enough."
    few = _simulated("ratio", "lognormal", 1.0, 8, 0.99, "inside", 12_000)
    claims.append(_control(_CONTROLS[2], words, few))
    return claims


def _simulated(
    quantity: str, law: str, cv: float, replicates: int, confidence: float, truth: str, trials: int
) -> dict[str, Any]:
    # Wide enough for verdicts: a relative error of cv / sqrt(4 replicates) must fit into the tolerance many times.
    width = min(0.4, 12 * cv / (4 * replicates) ** 0.5)
    return {
        "quantity": quantity, "sizes": _SIZES, "replicates": replicates, "law": law, "cv": cv, "width": width,
        "confidence": confidence, "truth": truth, "side": -1, "trials": trials, "batches": max(1, trials // 8000),
    }  # fmt: skip


def _claim(key: str, truth: str, parameters: dict[str, Any], controls: tuple[str, ...]) -> Claim:
    statement = f"{_TRUTHS[truth]} at most as often as its confidence of {parameters['confidence']:.2%} leaves."
    return Claim(key, statement, "P0", "", "simulated", "at_most", 0.0, parameters, controls=controls)


def _control(key: str, words: str, parameters: dict[str, Any]) -> Claim:
    return Claim(key, words, "P0", "", "simulated", "at_most", 0.0, parameters, origin="control")
