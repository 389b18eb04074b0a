"""Exact covariance of the directions (D_z, D_v, D_x) of one iteration, with every covariance between them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from zoba_bench.arrays import Array

from ..estimators.blocks import Blocks
from ..estimators.isserlis import Environment, Moment
from ..estimators.presets import Preset
from ..estimators.surrogates import Surrogate, pair_moment, resolve_radii

__all__ = ["iteration_noise", "noise_covariance", "surrogate_pair"]


@cache
def surrogate_pair(one: Surrogate, two: Surrogate) -> Moment:
    """E[X Y'] of two surrogates along the same directions, derived once."""
    return pair_moment(one, two)


def noise_covariance(
    preset: Preset,
    blocks: Blocks,
    *,
    ratio: float | None = None,
    h: float = 0.0,
    eta: float = 0.0,
    outer_directions: str = "shared",
    curvature_ratio: float = 1.0,
) -> Array:
    """Covariance of (D_z, D_v, D_x) with one direction at each level, shape (2p + d, 2p + d).

    Exact for quadratic G and F, at any (z, v, x); for other F in the limit of small radii.
    Arguments as in :func:`iteration_noise`.
    """
    return iteration_noise(
        preset,
        blocks,
        1,
        1,
        ratio=ratio,
        h=h,
        eta=eta,
        outer_directions=outer_directions,
        curvature_ratio=curvature_ratio,
    )


def iteration_noise(
    preset: Preset,
    blocks: Blocks,
    l1: int,
    l2: int,
    *,
    ratio: float | None = None,
    h: float = 0.0,
    eta: float = 0.0,
    outer_directions: str = "shared",
    curvature_ratio: float = 1.0,
) -> Array:
    """Covariance of (D_z, D_v, D_x) of one iteration with l1 inner and l2 outer directions.

    Parameters
    ----------
    preset : the solver's surrogates.
    blocks : derivatives at the current point.
    l1, l2 : numbers of directions.
    ratio : h/eta; default h/eta where both are given, else the preset's own.
    h, eta : radii; zero is the limit.
    outer_directions : "shared" (the outer surrogates reuse the first directions) or
        "independent".
    curvature_ratio : L_xx / L_zz of the tuned ratio.
    """
    if ratio is None and not (h > 0 and eta > 0):
        ratio = preset.ratio(blocks.p, blocks.d, curvature_ratio)
    r, radius = resolve_radii(h, eta, ratio)
    return environment_noise(preset, blocks.environment(), l1, l2, r, radius, outer_directions)


def environment_noise(
    preset: Preset,
    environment: Environment,
    l1: int,
    l2: int,
    r: float,
    radius: float,
    outer_directions: str,
) -> Array:
    """:func:`iteration_noise` where v and the gradients may be random: the mean over them.

    With shared directions the first min(l1, l2) ones serve both levels, so the
    cross-covariance of the two means is that of one direction times
    min(l1, l2) / (l1 l2) = 1 / max(l1, l2).
    """
    if outer_directions not in ("shared", "independent"):
        raise ValueError(f"outer_directions must be 'shared' or 'independent', got {outer_directions!r}")
    preset.check()
    p = environment.second("v", "v").shape[0]
    d = environment.second("F_x", "F_x").shape[0]
    slots = (slice(0, p), slice(p, 2 * p), slice(2 * p, 2 * p + d))

    def fill(rows: Sequence[tuple[Surrogate, int]], columns: Sequence[tuple[Surrogate, int]]) -> Array:
        block = np.zeros((2 * p + d, 2 * p + d))
        for one, i in rows:
            for two, j in columns:
                block[slots[i], slots[j]] = _covariance(one, two, environment, r, radius)
        return block

    inner = list(zip(preset.inner, (0, 1, 2), strict=True))
    outer = list(zip(preset.outer, (1, 2), strict=True))
    total = fill(inner, inner) / l1 + fill(outer, outer) / l2
    if outer_directions == "shared":
        cross = fill(inner, outer)
        total = total + (cross + cross.T) / max(l1, l2)
    return (total + total.T) / 2


def _covariance(one: Surrogate, two: Surrogate, environment: Environment, r: float, radius: float) -> Array:
    second = surrogate_pair(one, two).matrix(environment, r, radius)
    (*first_word, first), (*second_word, last) = one.target, two.target
    left = environment.left(tuple(first_word), environment.second(first, last))
    mean = environment.left(tuple(second_word), left.T).T
    return second - mean
