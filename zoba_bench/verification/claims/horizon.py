"""P4a: from the solution, with gamma ~ 1/sqrt(K), the mean of |grad Psi|^2 falls as derived, nearly as 1/sqrt(K)."""

from __future__ import annotations

from typing import Any

from zoba_bench.verification.claim import Claim
from zoba_bench.verification.claims._instances import RATIO, REFERENCE_OPTIONS, reference
from zoba_bench.verification.claims._lines import COARSE, FINE, Allowed
from zoba_bench.verification.claims._pairs import Control, build, with_controls

__all__ = ["quick_claims", "standard_claims"]

_SLOPE = (
    "With gamma ~ 1/sqrt(K) from the solution the mean of |grad Psi|^2 has the slope in K that is derived for these "
    "runs; its limit is -1/2."
)
_LEVEL = "The mean of |grad Psi|^2 over the horizon is the one derived for these runs."
_HORIZONS = [250, 500, 1000, 2000, 4000, 8000]


def quick_claims() -> list[Claim]:
    """Slope and level of two lines."""
    zoba = _runs("zoba", n=2, l=16, horizons=_HORIZONS[:4], replicates=300)
    hf_zoba = _runs("hf-zoba", n=2, l=8, horizons=_HORIZONS[:4], replicates=300)
    as_independent = {"options": {}, "predict_as": {"solver": "hf-zoba", "options": hf_zoba["options"]}}
    independent = Control(
        "P4a/hf-zoba-shared/p=d=2/control", "shared directions have the noise of independent ones", as_independent,
        "hf-zoba-shared",
    )  # fmt: skip
    return [
        *_pair("P4a/zoba/p=d=2", zoba, COARSE, -0.8, _swapped("p=d=2")),
        *_pair("P4a/hf-zoba/p=d=2", hf_zoba, COARSE, -0.8, independent),
    ]


def standard_claims() -> list[Claim]:
    """Longer horizons with more data, and one line at p = d = 4."""
    zoba = _runs("zoba", n=2, l=16, horizons=_HORIZONS[1:], replicates=240)
    larger = _runs("zoba", n=4, l=32, horizons=_HORIZONS[1:5], replicates=400)
    hf_zoba = _runs("hf-zoba", n=2, l=8, horizons=_HORIZONS[1:], replicates=240)
    return [
        *_pair("P4a/zoba/fine-p=d=2", zoba, FINE, -0.65),
        *_pair("P4a/zoba/fine-p=d=4", larger, FINE, -0.65, _swapped("p=d=4")),
        *_pair("P4a/hf-zoba/fine-p=d=2", hf_zoba, FINE, -0.65),
    ]


def _runs(solver: str, *, n: int, l: int, horizons: list[int], replicates: int) -> dict[str, Any]:
    return {
        "problem": reference(n, n),
        "options": REFERENCE_OPTIONS[solver],
        "l": l,
        "c": RATIO,
        "gamma_0": 0.5,
        "horizons": horizons,
        "replicates": replicates,
        "looks": [0.4, 0.7, 1.0],
    }


def _swapped(where: str) -> Control:
    words = "c (u'v) w in the cross surrogate"
    return Control(f"P4a/control:swapped-projection/{where}/control", words, {}, "control:swapped-projection")


def _pair(
    key: str, runs: dict[str, Any], allowed: Allowed, steeper: float, *wrong: Control
) -> list[Claim]:  # fmt: skip
    """Slope and level with their controls; those of wrong solvers run the first two horizons only."""
    factor, short = allowed["factor"], {"horizons": runs["horizons"][:2]}
    slope, other = with_controls(
        build(f"{key}/slope", _SLOPE, "equal", allowed["tolerance"], runs, quantity="slope"),
        Control(f"{key}/control-slope", f"the slope is {steeper:g}", {"slope": steeper}),
    )
    level, *rest = with_controls(
        build(f"{key}/level", _LEVEL, "equal", allowed["tolerance"], runs, quantity="ratio"),
        Control(f"{key}/control-level", f"the mean is {factor:g} times the derived one", {"factor": factor}),
        *(Control(one.id, one.words, {**short, **one.changed}, one.solver) for one in wrong),
    )
    return [slope, level, other, *rest]
