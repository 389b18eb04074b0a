"""ZOBA with mixed differences (this project's variant)."""

from __future__ import annotations

from functools import cache

from .assemble import build
from .assumptions import PUBLISHED
from .theorem import SingleLoopTheorem

__all__ = ["zoba_mixed"]


@cache
def zoba_mixed() -> SingleLoopTheorem:
    """ZOBA whose Hessian surrogates are mixed differences along independent directions."""
    return build(
        "zoba-mixed",
        "ZOBA with mixed differences: mean squared gradient of Psi at constant steps",
        published=PUBLISHED,
        radius_ratio="On quadratics the moments of the mixed differences do not depend on the ratio.",
    )
