"""The suite "bounds": runs on every problem whose assumptions hold, each against its theorem's certified bound (P5)."""

from __future__ import annotations

from zoba_bench.verification.claim import Claim
from zoba_bench.verification.claims.bound_settings import SETTINGS
from zoba_bench.verification.suite import Suite

__all__ = ["bound_claims", "bounds", "few_bound_claims"]

_FEW = (
    "P5/zoba/reference/family",
    "P5/zoba/reference/solution",
    "P5/hf-zoba-shared/quad_general/family",
    "P5/zoba/logcosh_ripple/family",
    "P5/zoba-mixed/minimax_quad/family",
)


def bound_claims() -> list[Claim]:
    """P5: every claim with its controls."""
    return [claim for setting in SETTINGS for claim in setting.claims()]


def few_bound_claims() -> list[Claim]:
    """P5: five claims with their controls, in a few seconds."""
    known = {claim.id: claim for claim in bound_claims()}
    wanted = [name for claim in _FEW for name in (claim, *known[claim].controls)]
    return [known[name] for name in wanted]


def bounds() -> Suite:
    """The certified bounds on every problem, from far starts and from the solution."""
    return Suite(
        "bounds",
        "The mean of |grad Psi|^2 of each solver on each problem against the theorem's certified bound for that run; "
        "each with a bound that is too small, which must be rejected.",
        tuple(bound_claims()),
    )
