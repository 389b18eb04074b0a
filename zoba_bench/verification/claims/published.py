"""The order published for ZOBA, against each solver: by one step (P2b), noise floors (P6b), evaluations to eps (P6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from zoba_bench.verification.claim import Claim
from zoba_bench.verification.claims._lines import along_words
from zoba_bench.verification.claims._pairs import Control, build, with_controls
from zoba_bench.verification.claims.floors import floor_parameters

__all__ = ["at_most_published", "described", "standard_claims"]

_SOURCE = "arXiv 2601.21836, abstract: O(p (d + p)^2 / eps^2)"


def standard_claims() -> list[Claim]:
    """The published order as an upper bound on the growth of the noise floors; ``one_step`` adds that of one step, and
    ``complexity`` that of evaluations to eps.

    Where one radius and growing d leave it, the claim is a finding: it is expected to be violated, by the derivation
    (its limit diverges), by the law of one step and by the floors of whole runs.
    """
    claims = []
    for solver, along, replicates in (
        ("zoba", "p=d", {5: 100, 10: 40, 20: 20}),
        ("zoba", "d", {12: 64, 24: 40, 48: 24}),
        ("zoba-tuned", "d", {16: 64, 32: 48, 64: 32}),
        ("zoba-mixed", "d", {32: 96, 64: 80, 128: 64}),
        ("hf-zoba", "d", {32: 96, 64: 80, 128: 64}),
    ):
        claims += at_most_published(
            f"P6b/{solver}/published-{along}",
            f"The noise of {described(solver)}, to which the evaluations to eps are proportional,",
            along_words(along),
            floor_parameters(solver, along, replicates),
            fewer=1 if solver == "zoba" else 3,
            finding=(solver, along) == ("zoba", "d"),
        )
    return claims


def described(solver: str) -> str:
    """The solver as these statements name it."""
    return solver + (" with one radius for z and x" if solver == "zoba" else "")


def at_most_published(
    key: str, subject: str, where: str, parameters: Mapping[str, Any], *, fewer: int, finding: bool
) -> list[Claim]:
    """The published order as an upper bound on growth; a control of so many powers fewer, unless it is a finding."""
    statement = f"{subject} grows {where} at most like the order published for ZOBA."
    settings = {**parameters, "against": "published"}
    derived = build(key, statement, "at_most", 0.1, settings, quantity="residual")
    claim = replace(derived, origin="published", source=_SOURCE, finding=finding)
    if finding:
        return [claim]
    words = f"it grows {where} at most with {fewer} of the published powers fewer"
    return with_controls(claim, Control(f"{key}/control", words, {"missing_power": fewer}))
