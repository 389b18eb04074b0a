"""ZOBA with mixed differences (this project's variant)."""

from __future__ import annotations

from functools import cache

from .assemble import build, samples_of
from .assumptions import PUBLISHED
from .fixed_directions.theorem import FixedTheorem, fixed
from .theorem import SampledTheorem, SingleLoopTheorem

__all__ = ["zoba_mixed", "zoba_mixed_fixed", "zoba_mixed_samples"]


@cache
def zoba_mixed() -> SingleLoopTheorem:
    """ZOBA whose Hessian surrogates are mixed differences along independent directions."""
    return build(
        "zoba-mixed",
        "ZOBA with mixed differences: mean squared gradient of Psi at constant steps",
        published=PUBLISHED,
        radius_ratio="On quadratics the moments of the mixed differences do not depend on the ratio.",
    )


def zoba_mixed_samples() -> SampledTheorem:
    """The same with samples of G and F."""
    return samples_of(zoba_mixed())


def zoba_mixed_fixed() -> FixedTheorem:
    """The same with directions that do not grow with 1/eps."""
    return fixed("zoba-mixed", "ZOBA with mixed differences", "p, d >= 1")
