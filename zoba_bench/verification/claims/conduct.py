"""P12 claims: every solver honours its budget, and ends a replicate that meets NaN without touching the others."""

from __future__ import annotations

from typing import Any

from zoba_bench.verification.claim import Claim
from zoba_bench.verification.claims._pairs import Control, build, with_controls
from zoba_bench.verification.claims.whole_step import SETTINGS

__all__ = ["quick_claims", "standard_claims"]

_STATEMENT = (
    "The budget is honoured, counts never fall, a NaN ends its own replicate at the last finite iterates, and a "
    "constant added to F and G changes no step but by rounding in double precision."
)


def quick_claims() -> list[Claim]:
    """One solver of each kind: values, derivatives, two loops."""
    return [claim for solver in ("hf-zoba", "soba", "zo-penalty") for claim in _conduct(solver)]


def standard_claims() -> list[Claim]:
    """Every solver, on the problem and with the options of its first whole step."""
    return [claim for solver in dict.fromkeys(setting.solver for setting in SETTINGS) for claim in _conduct(solver)]


def _conduct(solver: str) -> list[Claim]:
    setting = next(setting for setting in SETTINGS if setting.solver == solver)
    name = setting.problem["name"]
    parameters: dict[str, Any] = {
        "problem": setting.problem, "options": setting.options, "iterations": 15, "replicates": 4, "shifted": True,
    }  # fmt: skip
    claim = build(f"P12/{solver}/conduct", _STATEMENT, "exact", 0.0, parameters, problem=name)
    return with_controls(
        claim,
        Control(f"P12/{solver}/control-over", "every third iteration queries half as much again", {"over": True}),
        Control(f"P12/{solver}/control-infects", "one replicate's NaN reaches the others", {"infects": True}),
    )
