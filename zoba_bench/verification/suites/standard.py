"""The suites "standard" (a quarter of an hour) and "full" (an hour): everything that is claimed."""

from __future__ import annotations

from typing import Any

from zoba_bench.verification.claim import Claim
from zoba_bench.verification.claims.bounds import bound_claims
from zoba_bench.verification.claims.error_rates import calibration_claims
from zoba_bench.verification.claims.findings import (
    decade_lines,
    far_lines,
    floor_lines,
    joint_fits,
    published_orders,
    size_lines,
)
from zoba_bench.verification.claims.proofs import certificate_claims, derivation_claims
from zoba_bench.verification.suite import Suite
from zoba_bench.verification.suites.quick import quick

__all__ = ["full", "inequality_claims", "standard"]


#: Instances on which one step contracts by much more than the noise that its bound allows.
_CONTRACTING = ("/reference", "/quad_general")


def standard() -> Suite:
    """The quick suite, every one-step inequality, every certified bound, lines to larger sizes, the checker itself."""
    return Suite(
        "standard",
        "The quick suite; every theorem and certificate proved again; one-step inequalities and certified bounds "
        "on every problem whose assumptions hold; growth along d for a decade more; the order published for ZOBA "
        "against each solver; the checker's own error rates.",
        _together(
            quick().claims,
            derivation_claims(),
            certificate_claims(),
            inequality_claims(),
            bound_claims(),
            far_lines(),
            published_orders(),
            calibration_claims(),
        ),
    )


def full() -> Suite:
    """The standard suite, longer lines in p, d and eps, exponents fitted in all three at once."""
    return Suite(
        "full",
        "Everything: the standard suite, noise floors to p = d = 32 and to d = 128, evaluations to eps along p and d "
        "to 32, over a decade of eps, and with all three varied at once.",
        _together(standard().claims, floor_lines(), size_lines(), decade_lines(), joint_fits()),
    )


def inequality_claims() -> list[Claim]:
    """P3: every solver on every instance that has a certified bound, with exact values."""
    claims: dict[str, Claim] = {}
    for bound in bound_claims():
        spec, options = dict(bound.parameters["problem"]), dict(bound.parameters["options"])
        key = f"P3/{bound.solver}/{bound.id.split('/')[2]}"
        if bound.origin == "control" or key in claims or "b1" in options:
            continue
        parameters = {"problem": spec, **_sized(options, key.endswith("-default")), "states": 12}
        wrong: dict[str, tuple[str, dict[str, Any]]] = {
            f"{key}/control": ("one step brings z and v to their targets, without noise", {"at_once": True}),
        }
        if key.endswith(_CONTRACTING):
            # One step shows what no bound on a whole run can: with mu doubled z and v contract too fast.
            wrong[f"{key}/control-mu"] = ("mu is twice what it is", {"wrong": {"mu": 2.0}})
        claims[key] = Claim(
            key, "At every state one step changes E a^2, E b^2 and E Psi at most as the one-step inequalities say.",
            "P3", bound.solver, bound.problem, "at_most", 0.05, parameters, controls=tuple(wrong),
        )  # fmt: skip
        for control, (words, more) in wrong.items():
            claims[control] = Claim(
                control, f"Control: {words}.", "P3", bound.solver, bound.problem, "at_most", 0.05,
                {**parameters, **more}, origin="control",
            )  # fmt: skip
    return list(claims.values())


def _sized(options: dict[str, Any], ill_conditioned: bool) -> dict[str, Any]:
    """Options and replicates with which a mean that is too large can be told from the noise that its bound allows.

    An ill-conditioned problem contracts little in one step, so that it takes more directions to see that.
    """
    l = 1024 if ill_conditioned else 256
    # An eighth decides most of them; where one step changes Psi by much less than its noise it takes all.
    return {"options": {**options, "l1": l, "l2": l}, "replicates": 20_000, "looks": [0.125, 0.4, 1.0]}


def _together(*parts: Any) -> tuple[Claim, ...]:
    """All claims, each once, in this order."""
    claims: dict[str, Claim] = {}
    for part in parts:
        for claim in part:
            claims.setdefault(claim.id, claim)
    return tuple(claims.values())
