"""Plans of claims, each decided at the first of several looks at growing data.

A claim with "looks" among its parameters, increasing shares of its replicates that end in 1, is judged at each of
them. The block of replicates of every look is declared beforehand, and the limits at each look have the level that
:func:`zoba_bench.statistics.spending` leaves it, so that all looks together err at most as often as a single one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from zoba_bench.errors import DerivationError
from zoba_bench.statistics import spending
from zoba_bench.verification.checking import check_claim, protocol_of
from zoba_bench.verification.claim import Claim
from zoba_bench.verification.protocols.shared.plan import Plan

__all__ = ["look_levels", "looks_at", "merged", "part", "plan_claim", "up_to"]


def plan_claim(claim: Claim, seed: int, look: int = 0) -> Plan:
    """What one look at the claim needs; see its protocol's ``plan``.

    Raises
    ------
    DerivationError
        If the derivation that should predict the value refuses it.
    ValueError
        For a claim that cannot be measured, named.
    """
    check_claim(claim)
    try:
        plan: Plan = protocol_of(claim).plan(part(claim, look), seed)
    except DerivationError:
        raise
    except (ValueError, TypeError, LookupError) as error:
        raise ValueError(f"claim {claim.id!r} ({claim.protocol}): {error}") from error
    return plan


def look_levels(claim: Claim, level: float) -> list[float]:
    """Confidence level of each look at a claim; one look at the whole where it declares none."""
    looks = claim.parameters.get("looks")
    return [level] if looks is None else spending(level, looks)


def looks_at(claim: Claim) -> int:
    """How many looks a claim declares."""
    return len(claim.parameters.get("looks", (1.0,)))


def part(claim: Claim, look: int) -> Claim:
    """The claim with the replicates of one look alone, numbered, so that its cells are no other look's."""
    if "looks" not in claim.parameters:
        return claim
    before, after = (_share(claim, n) for n in (look, look + 1))
    return _with(claim, [b - a for a, b in zip(before, after, strict=True)], look=look)


def up_to(claim: Claim, look: int) -> Claim:
    """The claim with the replicates of all looks up to one."""
    return claim if "looks" not in claim.parameters else _with(claim, _share(claim, look + 1))


def merged(plans: Sequence[Plan]) -> Plan:
    """One plan whose points have the cells of all looks."""
    if len(plans) == 1:
        return plans[0]
    lines = zip(*(plan.context["keys"] for plan in plans), strict=True)
    keys = [[key for line in parts for key in line] for parts in lines]
    return Plan(tuple(cell for plan in plans for cell in plan.cells), {**plans[-1].context, "keys": keys})


def _share(claim: Claim, looks: int) -> list[int]:
    """Replicates after a number of looks, point by point."""
    share = claim.parameters["looks"][looks - 1] if looks else 0.0
    return [round(share * whole) for whole in _replicates(claim)]


def _replicates(claim: Claim) -> list[int]:
    whole = claim.parameters["replicates"]
    return list(whole) if isinstance(whole, (list, tuple)) else [whole]


def _with(claim: Claim, replicates: list[int], **more: Any) -> Claim:
    if min(replicates) < 2:
        raise ValueError(
            f"claim {claim.id!r}: a look at {min(replicates)} replicates has no confidence limits; raise replicates "
            "or use fewer looks"
        )
    one = not isinstance(claim.parameters["replicates"], (list, tuple))
    kept = {name: value for name, value in claim.parameters.items() if name != "looks"}
    return replace(claim, parameters={**kept, "replicates": replicates[0] if one else replicates, **more})
