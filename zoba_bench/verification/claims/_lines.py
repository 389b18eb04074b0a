"""Claims about growth along a line of sizes or accuracies on the reference family (P2b, P6, P6b)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from zoba_bench.verification.claim import Claim
from zoba_bench.verification.claims._pairs import Control, build, with_controls

__all__ = ["COARSE", "FINE", "Allowed", "along_words", "exponent", "growth", "growth_and_level"]


class Allowed(TypedDict):
    """Of a slope and a level: the tolerance, and the factor that a control is wrong by."""

    tolerance: float
    factor: float


#: What is allowed around a prediction, in a slope and relative to a level, and the factor that a control is wrong by.
#: A part is for what the prediction leaves out, which the measurement derives and prints: where it takes more than half
#: the verdict is inconclusive. The rest is for the data, whose limits have the level of one of all claims of a suite.
COARSE: Allowed = {"tolerance": 0.1, "factor": 1.25}
FINE: Allowed = {"tolerance": 0.05, "factor": 1.12}


def along_words(along: str) -> str:
    """The line of sizes in words."""
    return "along p = d" if along == "p=d" else "along d at p = 2"


def growth(
    key: str, statement: str, tolerance: float, parameters: Mapping[str, Any], *, quantity: str = "residual"
) -> list[Claim]:
    """What is measured grows as derived for these runs; the control's prediction has one power fewer."""
    claim = build(key, statement, "equal", tolerance, parameters, quantity=quantity)
    return with_controls(claim, Control(f"{key}/control", "with one power fewer", {"missing_power": 1}))


def growth_and_level(
    key: str,
    what: str,
    where: str,
    parameters: Mapping[str, Any],
    *,
    tolerance: float,
    factor: float,
    problem: str = "reference",
) -> list[Claim]:
    """Slope and level of measured over derived, then the control of each.

    ``tolerance`` is that of the slope and of the level; a prediction that is wrong by ``factor`` must be rejected.
    """
    slope, power = with_controls(
        build(
            f"{key}/residual", f"{what} grows {where} as derived for these runs.", "equal", tolerance, parameters,
            quantity="residual", problem=problem,
        ),
        Control(f"{key}/control-missing-power", f"{what} grows with one power fewer {where}", {"missing_power": 1}),
    )  # fmt: skip
    ratio, wrong = with_controls(
        build(
            f"{key}/level", f"{what} has the value derived for these runs {where}.", "equal", tolerance, parameters,
            quantity="ratio", problem=problem,
        ),
        Control(f"{key}/control-wrong-level", f"{what} is {factor:g} times the derived value", {"factor": factor}),
    )  # fmt: skip
    return [slope, ratio, power, wrong]


def exponent(key: str, statement: str, tolerance: float, parameters: Mapping[str, Any], control: str) -> Claim:
    """The exponent itself is that of the derived values; the control is that of the growth."""
    return build(key, statement, "equal", tolerance, parameters, quantity="slope", controls=(control,))
