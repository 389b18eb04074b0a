"""The suite "calibration": the checker's own error rates."""

from __future__ import annotations

from zoba_bench.verification.claims.error_rates import full_claims
from zoba_bench.verification.suite import Suite, together

__all__ = ["calibration"]


def calibration() -> Suite:
    """Simulated verdicts of claims whose truth is known."""
    return Suite(
        "calibration",
        "How often the checker's verdicts are wrong on simulated means, at the edge of what a claim tolerates, against "
        "the confidence that it states; a checker that spends its error at every look must be rejected.",
        together(full_claims()),
    )
