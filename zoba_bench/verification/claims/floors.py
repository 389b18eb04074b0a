"""P6b: the noise floor of whole runs, along p = d and along d."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoba_bench.verification.claim import Claim
from zoba_bench.verification.claims._instances import RATIO, REFERENCE_OPTIONS, references
from zoba_bench.verification.claims._lines import COARSE, FINE, along_words, growth, growth_and_level
from zoba_bench.verification.claims._pairs import Control, with_controls

__all__ = ["floor_parameters", "full_claims", "quick_claims", "standard_claims"]

_LOOKS = [0.4, 0.7, 1.0]
#: In ``quick`` the first look decides most lines; the last one has data for those that chance leaves open.
_QUICK_LOOKS = [0.2, 0.4, 1.0]

# Estimators that must miss the level along p = d.
_WRONG = {"zoba": "control:hessian-factor", "hf-zoba": "control:unshared-directions"}


def quick_claims() -> list[Claim]:
    """Growth and level of the floor; along p = d with a wrong estimator too."""
    claims = []
    for solver, along, target, replicates in (
        ("zoba", "p=d", 0.12, {2: 2000, 4: 1360, 8: 840}),
        ("hf-zoba", "p=d", 0.04, {3: 2000, 6: 1500, 9: 1200}),
        ("zoba", "d", 0.12, {4: 1400, 8: 1000, 16: 600}),
        ("zoba-tuned", "d", 0.12, {4: 1400, 8: 1000, 16: 600}),
        ("zoba-mixed", "d", 0.02, {4: 2000, 8: 1600, 16: 1200}),
        ("hf-zoba", "d", 0.04, {4: 2000, 8: 1500, 16: 1000}),
    ):
        parameters = {**floor_parameters(solver, along, replicates, target), "looks": _QUICK_LOOKS}
        key, where = f"P6b/{solver}/{along}", along_words(along)
        line = growth_and_level(key, "The noise floor", where, parameters, **COARSE)
        if along == "p=d":
            # On the two smaller sizes: rejected on less data than the claim has. With few directions |grad Psi|^2
            # saturates, whatever the noise.
            short = {"problems": parameters["problems"][:2], "replicates": [80, 80], "target": 0.04}
            wrong = _WRONG[solver]
            control = Control(f"P6b/{wrong}/p=d", wrong.partition(":")[2], short, wrong)
            line[1], estimator = with_controls(line[1], control)
            line.append(estimator)
        claims += line
    return claims


def standard_claims() -> list[Claim]:
    """The same lines with more data, and further along d."""
    claims = []
    for solver, along, target, replicates in (
        ("zoba", "p=d", 0.08, {2: 2400, 4: 1600, 8: 1000}),
        ("hf-zoba", "p=d", 0.02, {4: 2000, 8: 1300, 16: 840}),
        ("zoba", "d", 0.08, {8: 1500, 16: 960, 32: 600}),
        ("zoba-tuned", "d", 0.08, {8: 1500, 16: 960, 32: 600}),
        ("zoba-mixed", "d", 0.01, {8: 2000, 16: 1400, 32: 900}),
        ("hf-zoba", "d", 0.02, {8: 1500, 16: 1000, 32: 640}),
    ):
        parameters = {**floor_parameters(solver, along, replicates, target), "looks": _LOOKS}
        claims += growth_and_level(
            f"P6b/{solver}/fine-{along}", "The noise floor", along_words(along), parameters, **FINE
        )
    return claims


def full_claims() -> list[Claim]:
    """Growth along p = d to 16 and 24, and along d at p = 2 to 64, where the data for half the tolerance take hours."""
    claims = []
    for solver, along, replicates in (
        ("zoba", "p=d", {4: 1600, 8: 1000, 16: 640}),
        ("hf-zoba", "p=d", {6: 1600, 12: 1000, 24: 640}),
        ("zoba", "d", {16: 300, 32: 200, 64: 120}),
        ("zoba-tuned", "d", {16: 300, 32: 200, 64: 120}),
        ("zoba-mixed", "d", {16: 500, 32: 360, 64: 240}),
        ("hf-zoba", "d", {16: 500, 32: 360, 64: 240}),
    ):
        where = f"along p = d to {max(replicates)}" if along == "p=d" else f"to d = {max(replicates)}"
        parameters = {**floor_parameters(solver, along, replicates), "looks": _LOOKS}
        tolerance = (FINE if along == "p=d" else COARSE)["tolerance"]
        statement = f"The noise floor grows as derived for these runs {where}."
        claims += growth(f"P6b/{solver}/far-{along}/residual", statement, tolerance, parameters)
    return claims


def floor_parameters(
    solver: str, along: str, replicates: Mapping[int, int], target: float = 0.04
) -> dict[str, Any]:  # fmt: skip
    """Parameters of floors along a line; replicates by size. The floor ``target`` says how many directions run."""
    return {
        "problems": references(along, replicates),
        "along": along,
        "options": REFERENCE_OPTIONS[solver],
        "c": RATIO,
        "gamma": 0.02,
        "target": target,
        "replicates": list(replicates.values()),
    }
