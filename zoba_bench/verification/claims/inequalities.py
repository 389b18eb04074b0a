"""P3: one-step inequalities of every solver on every instance that has a certified bound, with exact values."""

from __future__ import annotations

from typing import Any

from zoba_bench.verification.claim import Claim
from zoba_bench.verification.claims import bounds
from zoba_bench.verification.claims._pairs import Control, build, with_controls

__all__ = ["standard_claims"]

_STATEMENT = "At every state one step changes E a^2, E b^2 and E Psi at most as the one-step inequalities say."
#: Instances on which one step contracts by much more than the noise that its bound allows.
_CONTRACTING = ("/reference", "/quad_general")


def standard_claims() -> list[Claim]:
    """Solvers and instances of the certified bounds, each once."""
    claims: dict[str, Claim] = {}
    for bound in bounds.standard_claims():
        options = bound.parameters["options"]
        key = f"P3/{bound.solver}/{bound.id.split('/')[2]}"
        if bound.origin == "control" or key in claims or "b1" in options:
            continue
        parameters = {"problem": bound.parameters["problem"], **_sized(options, key.endswith("-default")), "states": 12}
        at_once = "one step brings z and v to their targets, without noise"
        controls = [Control(f"{key}/control", at_once, {"at_once": True})]
        if key.endswith(_CONTRACTING):
            # One step shows what no bound on a whole run can: with mu doubled z and v contract too fast.
            controls.append(Control(f"{key}/control-mu", "mu is twice what it is", {"wrong": {"mu": 2.0}}))
        claim = build(key, _STATEMENT, "at_most", 0.05, parameters, problem=bound.problem)
        claims |= {one.id: one for one in with_controls(claim, *controls)}
    return list(claims.values())


def _sized(options: dict[str, Any], ill_conditioned: bool) -> dict[str, Any]:
    """Options and replicates with which a mean that is too large can be told from the noise that its bound allows.

    An ill-conditioned problem contracts little in one step, so that it takes more directions to see that.
    """
    l = 1024 if ill_conditioned else 256
    # A few hundred steps decide most of them; where one step changes Psi by much less than its noise it takes all.
    return {"options": {**options, "l1": l, "l2": l}, "replicates": 20_000, "looks": [0.03, 0.125, 0.4, 1.0]}
