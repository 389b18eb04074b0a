"""The suite "bounds": the certified bound of every run for which one is derived."""

from __future__ import annotations

from zoba_bench.verification.claims.bounds import standard_claims
from zoba_bench.verification.suite import Suite, together

__all__ = ["bounds"]


def bounds() -> Suite:
    """The certified bounds on every problem, from far starts and from the solution."""
    return Suite(
        "bounds",
        "The mean of |grad Psi|^2 of each solver on each problem against the theorem's certified bound for that run; "
        "each with a bound that is too small, which must be rejected.",
        together(standard_claims()),
    )
