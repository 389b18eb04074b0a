"""ZOBA with second differences: the published method with one radius, and with the tuned ratio."""

from __future__ import annotations

from functools import cache

from ..estimators.radius import RADIUS_RATIO
from .assemble import build, samples_of
from .assumptions import PUBLISHED
from .fixed_directions.theorem import FixedTheorem, fixed
from .theorem import SampledTheorem, SingleLoopTheorem

__all__ = ["zoba", "zoba_fixed", "zoba_samples", "zoba_tuned", "zoba_tuned_fixed", "zoba_tuned_samples"]


@cache
def zoba() -> SingleLoopTheorem:
    """ZOBA with h = eta, as published."""
    return build(
        "zoba",
        "ZOBA with one radius: mean squared gradient of Psi at constant steps",
        published=PUBLISHED,
        regimes=("p >= d >= 1",),
        divergent=True,
        radius_ratio=RADIUS_RATIO,
    )


@cache
def zoba_tuned() -> SingleLoopTheorem:
    """ZOBA with the radius ratio that balances the variance of the cross surrogate."""
    return build(
        "zoba-tuned",
        "ZOBA with r^2 = (L_xx/L_zz)(d+2)/(p+2): mean squared gradient of Psi at constant steps",
        published=PUBLISHED,
        radius_ratio=RADIUS_RATIO,
    )


def zoba_samples() -> SampledTheorem:
    """The same with samples of G and F."""
    return samples_of(zoba())


def zoba_tuned_samples() -> SampledTheorem:
    """The same with samples of G and F."""
    return samples_of(zoba_tuned())


def zoba_fixed() -> FixedTheorem:
    """The same with directions that do not grow with 1/eps."""
    return fixed("zoba", "ZOBA with one radius", "p >= d >= 1")


def zoba_tuned_fixed() -> FixedTheorem:
    """The same with directions that do not grow with 1/eps."""
    return fixed("zoba-tuned", "ZOBA with the tuned ratio of radii", "p, d >= 1")
