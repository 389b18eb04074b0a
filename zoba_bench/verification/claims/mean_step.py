"""P2s: the mean of a whole step of every solver on two families."""

from __future__ import annotations

from typing import Any

from zoba_bench.verification.claim import Claim
from zoba_bench.verification.claims._instances import SMALL
from zoba_bench.verification.claims._pairs import Control, build, with_controls

__all__ = ["quick_claims"]

_STATEMENT = (
    "In the mean one step moves z, v and x by -rho_k, -rho_k and -gamma_k times their exact directions; "
    "measured is the largest deviation over what remainder and rounding allow."
)
# What differs from zoba's parameters.
_OTHERS: dict[str, dict[str, Any]] = {
    "zoba-tuned": {"eta": None},
    "zoba-mixed": {"nodes": 4},
    "hf-zoba": {},
    "hf-zoba-shared": {},
}


def quick_claims() -> list[Claim]:
    """Five solvers on each family, and one control for all: v moves with the step of x."""
    claims = []
    for name in ("quad_general", "reference"):
        parameters = {"problem": SMALL[name], "h": 1e-3, "eta": 2e-3, "nodes": 6}
        wrong = "control:slow-adjoint"
        pair = with_controls(_moves("zoba", name, parameters), Control(f"P2s/{wrong}/{name}", solver=wrong))
        others = [_moves(solver, name, {**parameters, **own}, pair[0].controls) for solver, own in _OTHERS.items()]
        claims += [*pair, *others]
    return claims


def _moves(solver: str, name: str, parameters: dict[str, Any], controls: tuple[str, ...] = ()) -> Claim:
    key = f"P2s/{solver}/{name}"
    return build(key, _STATEMENT, "at_most", 1.0, parameters, problem=name, controls=controls)
