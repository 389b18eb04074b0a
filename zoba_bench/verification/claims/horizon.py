"""P4a: from the solution, with gamma ~ 1/sqrt(K), the mean of |grad Psi|^2 falls as 1/sqrt(K)."""

from __future__ import annotations

from typing import Any

from zoba_bench.verification.claim import Claim
from zoba_bench.verification.claims._instances import RATIO, REFERENCE_OPTIONS, reference
from zoba_bench.verification.claims._pairs import Control, build, with_controls

__all__ = ["quick_claims"]

_SLOPE = "With gamma ~ 1/sqrt(K) from the solution the mean of |grad Psi|^2 falls as 1/sqrt(K)."
_LEVEL = "The mean of |grad Psi|^2 over the horizon is the derived one."
_HORIZONS = [500, 1000, 2000, 4000, 8000]


def quick_claims() -> list[Claim]:
    """Slope and level of three lines; the control is another solver on the first two horizons."""
    zoba = _runs("zoba", n=2, l=16, horizons=_HORIZONS, replicates=64)
    larger = _runs("zoba", n=4, l=64, horizons=_HORIZONS[:-1], replicates=40)
    hf_zoba = _runs("hf-zoba", n=2, l=8, horizons=_HORIZONS, replicates=64)
    swapped, words = "control:swapped-projection", "c (u'v) w in the cross surrogate"
    as_independent = {"options": {}, "predict_as": {"solver": "hf-zoba", "options": hf_zoba["options"]}}
    return [
        *_pair("zoba", 2, zoba, swapped, words),
        *_pair("zoba", 4, larger, swapped, words),
        *_pair(
            "hf-zoba", 2, hf_zoba, "hf-zoba-shared", "shared directions have the noise of independent ones",
            as_independent,
        ),
    ]  # fmt: skip


def _runs(solver: str, *, n: int, l: int, horizons: list[int], replicates: int) -> dict[str, Any]:
    return {
        "problem": reference(n, n),
        "options": REFERENCE_OPTIONS[solver],
        "l": l,
        "c": RATIO,
        "gamma_0": 0.5,
        "horizons": horizons,
        "replicates": replicates,
    }


def _pair(
    solver: str, n: int, runs: dict[str, Any], wrong: str, words: str, changed: dict[str, Any] | None = None
) -> list[Claim]:
    # The first horizons only: rejected on less data than the claim has.
    short = {"horizons": runs["horizons"][:2], **(changed or {})}
    key, control = f"P4a/{solver}/p=d={n}", f"P4a/{wrong}/p=d={n}/control"
    slope = build(f"{key}/slope", _SLOPE, "equal", 0.1, runs, quantity="slope", controls=(control,))
    level = build(f"{key}/level", _LEVEL, "equal", 0.2, runs, quantity="ratio")
    return [slope, *with_controls(level, Control(control, words, short, wrong))]
