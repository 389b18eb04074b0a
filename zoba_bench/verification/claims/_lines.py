"""Claims about growth along a line of sizes or accuracies on the reference family (P2b, P6, P6b)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoba_bench.verification.claim import Claim
from zoba_bench.verification.claims._pairs import Control, build, with_controls

__all__ = ["along_words", "exponent", "growth", "growth_and_level"]


def along_words(along: str) -> str:
    """The line of sizes in words."""
    return "along p = d" if along == "p=d" else "along d at p = 2"


def growth(
    key: str, statement: str, tolerance: float, parameters: Mapping[str, Any], *, quantity: str = "residual"
) -> list[Claim]:
    """What is measured grows as derived; the control's prediction has one power fewer."""
    claim = build(key, statement, "equal", tolerance, parameters, quantity=quantity)
    return with_controls(claim, Control(f"{key}/control", "with one power fewer", {"missing_power": 1}))


def growth_and_level(
    key: str, what: str, where: str, parameters: Mapping[str, Any], *, level: float, factor: float
) -> list[Claim]:
    """Slope and level of measured over derived, then the control of each.

    ``level`` is the tolerance of the level; a prediction that is wrong by ``factor`` must be rejected.
    """
    slope, power = with_controls(
        build(f"{key}/residual", f"{what} grows {where} as derived.", "equal", 0.2, parameters, quantity="residual"),
        Control(f"{key}/control-missing-power", f"{what} grows with one power fewer {where}", {"missing_power": 1}),
    )
    ratio, wrong = with_controls(
        build(f"{key}/level", f"{what} has the derived value {where}.", "equal", level, parameters, quantity="ratio"),
        Control(f"{key}/control-wrong-level", f"{what} is {factor:g} times the derived value", {"factor": factor}),
    )
    return [slope, ratio, power, wrong]


def exponent(key: str, statement: str, tolerance: float, parameters: Mapping[str, Any], control: str) -> Claim:
    """The exponent itself is as derived; the control is that of the growth."""
    return build(key, statement, "equal", tolerance, parameters, quantity="slope", controls=(control,))
