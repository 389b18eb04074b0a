"""P1: the counter of every solver against the derived count, on every problem."""

from __future__ import annotations

from typing import Any

from zoba_bench.verification.claim import Claim
from zoba_bench.verification.claims._instances import BATCHES, DIABETES, SMALL
from zoba_bench.verification.claims._pairs import Control, build, sharing_controls

__all__ = ["quick_claims"]

_PARAMETERS: dict[str, Any] = {
    "problems": [*SMALL.values(), DIABETES, BATCHES],
    "options": [{"l1": 1, "l2": 1}, {"l1": 7, "l2": 3}, {"l1": 3, "l2": 5}],
    "stochastic_options": [{"l1": 4, "l2": 2, "b1": 3, "b2": 2}, {"l1": 2, "l2": 3, "b1": 2, "b2": 5}],
}
_SOLVERS = ("zoba", "zoba-tuned", "zoba-mixed", "hf-zoba")
# Shared directions are as many at both levels.
_SHARED: dict[str, Any] = {
    **_PARAMETERS,
    "options": [{"l1": 1, "l2": 1}, {"l1": 7, "l2": 7}],
    "stochastic_options": [{"l1": 3, "l2": 3, "b1": 2, "b2": 3}],
}


def quick_claims() -> list[Claim]:
    """Five solvers, and one control for all: a count without the centre."""
    control = Control(
        "P1/zoba/control-no-centre", "the evaluation at the centre is not counted", {"omit_centre": True}
    )  # fmt: skip
    return sharing_controls([*(_count(s, _PARAMETERS) for s in _SOLVERS), _count("hf-zoba-shared", _SHARED)], control)


def _count(solver: str, parameters: dict[str, Any]) -> Claim:
    statement = "The counter equals the derived evaluations of both levels, exactly."
    return build(f"P1/{solver}/counts", statement, "exact", 0.0, parameters, problem="all")
