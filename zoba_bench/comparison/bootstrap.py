"""Uncertainty by resampling: instances with replacement, and in each of them its seeds."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence

import numpy as np

from zoba_bench.arrays import Array

__all__ = ["DRAWS", "LEVEL", "limits", "stream"]

#: Resamples, and the share of them between the limits.
DRAWS, LEVEL = 1000, 0.95


def stream(seed: int, *words: str) -> np.random.Generator:
    """A generator for one number of a report: from the root seed and from what the number is of."""
    return np.random.default_rng([seed, zlib.crc32("\0".join(words).encode())])


def limits(
    groups: Sequence[Sequence[float]], statistic: Callable[[Array], Array], rng: np.random.Generator
) -> tuple[float, float]:
    """Percentile limits of a statistic of all values together.

    Parameters
    ----------
    groups : the values of each instance, at least one each.
    statistic : callable((..., n) array) -> (...) array, such as a mean; of groups of other sizes it sees each value of
        a small one as often as needed to make them equal, so that every instance has the same weight.

    Returns
    -------
    (low, high)
        Percentiles of ``DRAWS`` resamples. With one value alone both are that value.
    """
    size = max(map(len, groups))
    values = np.array([np.resize(np.asarray(group, dtype=np.float64), size) for group in groups])
    lengths = np.array([len(group) for group in groups])
    instances = rng.integers(len(groups), size=(DRAWS, len(groups)))
    # A group of one deterministic run has nothing to resample: its only value, again and again.
    seeds = (rng.random((DRAWS, len(groups), size)) * lengths[instances][..., None]).astype(np.int64)
    drawn = values[instances[..., None], seeds].reshape(DRAWS, -1)
    low, high = np.quantile(statistic(drawn), [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="inverted_cdf")
    return float(low), float(high)
