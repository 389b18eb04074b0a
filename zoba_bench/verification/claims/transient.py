"""P4b: from a far start at one constant step the mean of |grad Psi|^2 falls as derived, nearly as 1/K."""

from __future__ import annotations

from typing import Any

from zoba_bench.verification.claim import Claim
from zoba_bench.verification.claims._instances import RATIO, REFERENCE_OPTIONS, reference
from zoba_bench.verification.claims._lines import FINE
from zoba_bench.verification.claims._pairs import Control, build, with_controls

__all__ = ["quick_claims"]

_SLOPE = (
    "From a far start at one constant step the mean of |grad Psi|^2 has the slope in K of the derived transient; its "
    "limit is -1."
)
_LEVEL = "From a far start at one constant step the mean of |grad Psi|^2 is the mean derived for these runs."


def quick_claims() -> list[Claim]:
    """Slope and level of three solvers, and a wrong prediction of each."""
    fine = {"h": 1e-4, "h_bar": 1e-4}
    return [
        *_pair("zoba", {}, l=768, replicates=10),
        *_pair("hf-zoba", fine, l=128, replicates=24),
        *_pair("hf-zoba-shared", fine, l=16, replicates=48),
    ]


def _pair(solver: str, radii: dict[str, Any], *, l: int, replicates: int) -> list[Claim]:
    runs = {
        "problem": reference(2, 2),
        "options": {**radii, **REFERENCE_OPTIONS[solver]},
        "l": l,
        "c": RATIO,
        "gamma": 0.05,
        "horizons": [160, 320, 640, 1280],
        "replicates": replicates,
    }
    key, factor = f"P4b/{solver}", FINE["factor"]
    slope, slower = with_controls(
        build(f"{key}/slope", _SLOPE, "equal", FINE["tolerance"], runs, quantity="slope"),
        Control(f"{key}/control-slope", "the slope is -0.8", {"slope": -0.8}),
    )
    level, larger = with_controls(
        build(f"{key}/level", _LEVEL, "equal", FINE["tolerance"], runs, quantity="ratio"),
        Control(f"{key}/control-level", f"the transient is {factor:g} times the derived one", {"factor": factor}),
    )
    return [slope, level, slower, larger]
