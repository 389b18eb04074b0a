"""HF-ZOBA: outer directions of any kind, and shared with as many as the inner ones."""

from __future__ import annotations

from functools import cache

import sympy as sp

from .assemble import build, samples_of
from .fixed_directions.theorem import FixedTheorem, fixed
from .theorem import SampledTheorem, SingleLoopTheorem

__all__ = [
    "hf_zoba",
    "hf_zoba_fixed",
    "hf_zoba_samples",
    "hf_zoba_shared",
    "hf_zoba_shared_fixed",
    "hf_zoba_shared_samples",
]

_RATIO = "On quadratics the moments of the differences along v do not depend on the ratio."


@cache
def hf_zoba() -> SingleLoopTheorem:
    """HF-ZOBA with any l1, l2; noise that stays at the solution."""
    return build(
        "hf-zoba",
        "HF-ZOBA: mean squared gradient of Psi at constant steps",
        radius_ratio=_RATIO,
    )


@cache
def hf_zoba_shared() -> SingleLoopTheorem:
    """HF-ZOBA with l1 = l2 shared directions; the noise vanishes with the errors."""
    return build(
        "hf-zoba-shared",
        "HF-ZOBA with shared directions: mean squared gradient of Psi at constant steps",
        # Half of 1/4 is left for the noise of x, which is proportional to D^2.
        coupling=sp.Rational(1, 8),
        radius_ratio=_RATIO,
    )


def hf_zoba_samples() -> SampledTheorem:
    """The same with samples of G and F."""
    return samples_of(hf_zoba())


def hf_zoba_shared_samples() -> SampledTheorem:
    """The same with samples of G and F."""
    return samples_of(hf_zoba_shared())


def hf_zoba_fixed() -> FixedTheorem:
    """The same with directions that do not grow with 1/eps."""
    return fixed("hf-zoba", "HF-ZOBA", "p, d >= 1")


def hf_zoba_shared_fixed() -> FixedTheorem:
    """The same with directions that do not grow with 1/eps."""
    return fixed("hf-zoba-shared", "HF-ZOBA with shared directions", "p, d >= 1")
