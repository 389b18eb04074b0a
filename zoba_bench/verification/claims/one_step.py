"""P2b: the law of one step from the solution, along p = d and along d."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from zoba_bench.verification.claim import Claim
from zoba_bench.verification.claims import published
from zoba_bench.verification.claims._instances import REFERENCE_OPTIONS, references
from zoba_bench.verification.claims._lines import along_words, exponent, growth, growth_and_level

__all__ = ["quick_claims", "standard_claims"]

_SIZES = {"p=d": (32, 64, 128, 256), "d": (64, 128, 256, 512)}
_FAR = (512, 1024, 2048, 4096)
# The products of two independent directions have heavier tails.
_HEAVY = ("zoba-tuned", "zoba-mixed")


def quick_claims() -> list[Claim]:
    """Growth, level and limit exponent of E|x1 - x*|^2."""
    claims = []
    for solver, along in (
        ("zoba", "p=d"),
        ("hf-zoba", "p=d"),
        ("zoba", "d"),
        ("zoba-tuned", "d"),
        ("zoba-mixed", "d"),
        ("hf-zoba", "d"),
    ):
        blocks = 30 if solver in _HEAVY else 10
        parameters = _parameters(solver, along, _SIZES[along], replicates=2000, blocks=blocks)
        key, where = f"P2b/{solver}/{along}", along_words(along)
        line = growth_and_level(key, "E|x1 - x*|^2", where, parameters, level=0.1, factor=1.25)
        statement = f"E|x1 - x*|^2 grows {where} with the limit exponent of the derived expression."
        claims += [*line, exponent(f"{key}/exponent", statement, 0.15, parameters, f"{key}/control-missing-power")]
    return claims


def standard_claims() -> list[Claim]:
    """Growth along d at p = 2 for one decade more, and there against the published order too."""
    claims = []
    for solver in ("zoba", "zoba-tuned", "zoba-mixed", "hf-zoba"):
        parameters = _parameters(solver, "d", _FAR, replicates=400, blocks=300 if solver in _HEAVY else 20)
        key = f"P2b/{solver}/far-d"
        statement = "E|x1 - x*|^2 grows as derived along d up to 4096 at p = 2."
        line = growth(f"{key}/residual", statement, 0.1, parameters)
        statement = "E|x1 - x*|^2 grows along d with the limit exponent of the derived expression."
        claims += [*line, exponent(f"{key}/exponent", statement, 0.1, parameters, f"{key}/residual/control")]
        claims += published.at_most_published(
            f"P2b/{solver}/published-far-d",
            f"E|x1 - x*|^2 of one step of {published.described(solver)}",
            "along d to 4096 at p = 2",
            parameters,
            fewer=2,
            finding=solver == "zoba",
        )
    return claims


def _parameters(solver: str, along: str, sizes: Iterable[int], *, replicates: int, blocks: int) -> dict[str, Any]:
    radii = {"h": 1e-4, "h_bar": 1e-4} if solver == "hf-zoba" else {"h": 1e-4}
    return {
        "problems": references(along, sizes),
        "along": along,
        "options": {**radii, **REFERENCE_OPTIONS[solver]},
        "replicates": replicates,
        "blocks": blocks,
    }
