"""Means over a normal distribution by a rule of degree 5.

Source: McNamee and Stenger, Numerische Mathematik 10 (1967), the fully symmetric rule of degree 5.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from zoba_bench.arrays import Array

__all__ = ["cubature", "root"]


@cache
def cubature(n: int) -> tuple[Array, Array]:
    """Points (2n^2 + 1, n) and weights that integrate polynomials of degree 5 over N(0, I) exactly.

    0 with weight 2/(n+2); +-sqrt(n+2) e_i with weight (4-n) / (2 (n+2)^2);
    sqrt((n+2)/2) (+-e_i +-e_j), i < j, with weight 1/(n+2)^2.
    """
    if n < 1:
        raise ValueError(f"n must be a positive integer, got {n!r}")
    axes = np.sqrt(n + 2) * np.eye(n)
    rows, columns = np.triu_indices(n, 1)
    index = np.arange(len(rows))
    pairs = np.zeros((4, len(rows), n))
    for block, (one, two) in zip(pairs, ((1, 1), (1, -1), (-1, 1), (-1, -1)), strict=True):
        block[index, rows], block[index, columns] = one, two
    points = np.concatenate([np.zeros((1, n)), axes, -axes, np.sqrt((n + 2) / 2) * pairs.reshape(-1, n)])
    weights = np.concatenate(
        [[2 / (n + 2)], np.full(2 * n, (4 - n) / (2 * (n + 2) ** 2)), np.full(4 * len(rows), 1 / (n + 2) ** 2)]
    )
    points.setflags(write=False)
    weights.setflags(write=False)
    return points, weights


def root(covariance: Array) -> Array:
    """L with L L' = covariance; eigenvalues that rounding made negative are zero."""
    values, vectors = np.linalg.eigh(covariance)
    found: Array = vectors * np.sqrt(np.maximum(values, 0.0))
    return found
