"""P2b: the law of one step from the solution, along p = d and along d."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from zoba_bench.verification.claim import Claim
from zoba_bench.verification.claims import published
from zoba_bench.verification.claims._instances import REFERENCE_OPTIONS, references
from zoba_bench.verification.claims._lines import (
    COARSE,
    FINE,
    Allowed,
    along_words,
    exponent,
    growth,
    growth_and_level,
)

__all__ = ["quick_claims", "standard_claims"]

_SIZES = {"p=d": (16, 32, 64, 128), "d": (32, 64, 128, 256)}
_HIDDEN = (8, 16, 32, 64)
_FAR = (512, 1024, 2048, 4096)
_TIMES = {"zoba": 3, "zoba-tuned": 6, "zoba-mixed": 18, "hf-zoba": 1}
_LINES = (
    ("zoba", "p=d"), ("hf-zoba", "p=d"), ("zoba", "d"), ("zoba-tuned", "d"), ("zoba-mixed", "d"), ("hf-zoba", "d"),
)  # fmt: skip
_EXPONENT = (
    "E|x1 - x*|^2 has the exponent of the derived expression at these sizes; its limit is the expression's degree."
)


def quick_claims() -> list[Claim]:
    """Growth, level and exponent of E|x1 - x*|^2."""
    return [claim for solver, along in _LINES for claim in _line(solver, along, along, _SIZES[along], 20, COARSE)]


def standard_claims() -> list[Claim]:
    """Larger sizes, and growth along d at p = 2 for one decade more, there against the published order too."""
    claims = []
    for solver, along in _LINES:
        claims += _line(solver, along, f"fine-{along}", [2 * n for n in _SIZES[along]], 60, FINE)
    for solver in ("zoba", "zoba-tuned", "zoba-mixed", "hf-zoba"):
        parameters = _parameters(solver, "d", _FAR, blocks=60)
        key = f"P2b/{solver}/far-d"
        statement = "E|x1 - x*|^2 grows as derived along d up to 4096 at p = 2."
        line = growth(f"{key}/residual", statement, FINE["tolerance"], parameters)
        claims += [*line, exponent(f"{key}/exponent", _EXPONENT, FINE["tolerance"], parameters, line[1].id)]
        claims += published.at_most_published(
            f"P2b/{solver}/published-far-d",
            f"E|x1 - x*|^2 of one step of {published.described(solver)}",
            "along d to 4096 at p = 2",
            parameters,
            fewer=2,
            finding=solver == "zoba",
        )
    # Where G_xx is all that the cross surrogate sees, and Psi does not see it: the family of the lower bound. There is
    # no line of zoba-mixed, whose step has no noise there.
    hidden = [{"name": "hidden_curvature", "p": 2, "d": size} for size in _HIDDEN]
    options = {"h": 1e-4, **REFERENCE_OPTIONS["zoba"]}
    parameters = {"problems": hidden, "along": "d", "options": options, "replicates": 200, "blocks": 60}
    where = "along d to 64 at p = 2 where G_xz = 0"
    return claims + growth_and_level(
        "P2b/zoba/hidden-curvature", "E|x1 - x*|^2", where, parameters, **COARSE, problem="hidden_curvature"
    )


def _line(
    solver: str, along: str, name: str, sizes: Iterable[int], blocks: int, allowed: Allowed
) -> list[Claim]:  # fmt: skip
    parameters = _parameters(solver, along, sizes, blocks=blocks)
    key = f"P2b/{solver}/{name}"
    line = growth_and_level(key, "E|x1 - x*|^2", along_words(along), parameters, **allowed)
    tolerance = allowed["tolerance"]
    return [*line, exponent(f"{key}/exponent", _EXPONENT, tolerance, parameters, f"{key}/control-missing-power")]


def _parameters(solver: str, along: str, sizes: Iterable[int], *, blocks: int) -> dict[str, Any]:
    """Blocks of 200 replicates each, more of them where products of directions have heavy tails."""
    radii = {"h": 1e-4, "h_bar": 1e-4} if solver == "hf-zoba" else {"h": 1e-4}
    return {
        "problems": references(along, sizes),
        "along": along,
        "options": {**radii, **REFERENCE_OPTIONS[solver]},
        "replicates": 200,
        "blocks": _TIMES[solver] * blocks,
    }
