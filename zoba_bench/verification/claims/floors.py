"""P6b: the noise floor of whole runs, along p = d and along d."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoba_bench.verification.claim import Claim
from zoba_bench.verification.claims._instances import RATIO, REFERENCE_OPTIONS, references
from zoba_bench.verification.claims._lines import along_words, growth, growth_and_level
from zoba_bench.verification.claims._pairs import Control, with_controls

__all__ = ["floor_parameters", "full_claims", "quick_claims"]

# Estimators that must miss the level along p = d.
_WRONG = {"zoba": "control:hessian-factor", "hf-zoba": "control:unshared-directions"}


def quick_claims() -> list[Claim]:
    """Growth and level of the floor; along p = d with a wrong estimator too."""
    claims = []
    for solver, along, replicates in (
        ("zoba", "p=d", {4: 256, 8: 96, 16: 24}),
        ("hf-zoba", "p=d", {4: 192, 8: 144, 16: 96}),
        ("zoba", "d", {8: 96, 16: 64, 32: 40}),
        ("zoba-tuned", "d", {8: 120, 16: 96, 32: 64}),
        ("zoba-mixed", "d", {16: 192, 32: 160, 64: 128}),
        ("hf-zoba", "d", {16: 128, 32: 112, 64: 96}),
    ):
        parameters = floor_parameters(solver, along, replicates)
        key, where = f"P6b/{solver}/{along}", along_words(along)
        line = growth_and_level(key, "The noise floor", where, parameters, level=0.2, factor=1.5)
        if along == "p=d":
            # On the two smaller sizes: rejected on less data than the claim has.
            short = {"problems": parameters["problems"][:2], "replicates": [32, 32]}
            wrong = _WRONG[solver]
            control = Control(f"P6b/{wrong}/p=d", wrong.partition(":")[2], short, wrong)
            line[1], estimator = with_controls(line[1], control)
            line.append(estimator)
        claims += line
    return claims


def full_claims() -> list[Claim]:
    """Growth to p = d = 32, and along d at p = 2 to 64 (128 where the noise allows)."""
    claims = []
    for solver, along, replicates in (
        ("zoba", "p=d", {8: 64, 16: 32, 32: 16}),
        ("hf-zoba", "p=d", {8: 96, 16: 96, 32: 64}),
        ("zoba", "d", {16: 64, 32: 40, 64: 24}),
        ("zoba-tuned", "d", {16: 64, 32: 48, 64: 32}),
        ("zoba-mixed", "d", {32: 96, 64: 80, 128: 64}),
        ("hf-zoba", "d", {32: 96, 64: 80, 128: 64}),
    ):
        where = "along p = d to 32" if along == "p=d" else f"to d = {max(replicates)}"
        parameters = floor_parameters(solver, along, replicates)
        claims += growth(
            f"P6b/{solver}/far-{along}/residual", f"The noise floor grows as derived {where}.", 0.2, parameters
        )
    return claims


def floor_parameters(solver: str, along: str, replicates: Mapping[int, int]) -> dict[str, Any]:
    """Parameters of floors along a line; replicates by size."""
    return {
        "problems": references(along, replicates),
        "along": along,
        "options": REFERENCE_OPTIONS[solver],
        "c": RATIO,
        "gamma": 0.02,
        "target": 0.04,
        "replicates": list(replicates.values()),
    }
