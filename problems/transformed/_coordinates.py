"""Other coordinates of a vector: permuted, rotated by angles whose sine and cosine are rational, and scaled."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from zoba_bench.arrays import Array, linear_map

__all__ = ["Coordinates", "coordinates"]


@dataclass(frozen=True, eq=False)
class Coordinates:
    """y = P Q D y': what a new vector y' is in the old coordinates.

    Attributes
    ----------
    order : (n,) integers
        P: entry i of y is entry order[i] of Q D y'.
    planes : tuples (i, j, sign), in the order in which they are applied
        Q: (3, -4 s; 4 s, 3) / 5 in the plane of coordinates i and j, so that products are rational.
    scales : (n,) positive
        D, increasing.
    """

    order: tuple[int, ...]
    planes: tuple[tuple[int, int, int], ...]
    scales: Array

    @cached_property
    def turned(self) -> Array:
        """P Q."""
        turned = np.eye(len(self.order))
        for i, j, sign in self.planes:
            first, second = turned[[i, j]]
            turned[i] = (3 * first - 4 * sign * second) / 5
            turned[j] = (4 * sign * first + 3 * second) / 5
        return turned[list(self.order)]

    @cached_property
    def matrix(self) -> Array:
        """A = P Q D."""
        return np.ascontiguousarray(self.turned * self.scales)

    @cached_property
    def transposed(self) -> Array:
        """A'."""
        return np.ascontiguousarray(self.matrix.T)

    @cached_property
    def inverse_transposed(self) -> Array:
        """The transpose of A^-1."""
        return np.ascontiguousarray(self.turned / self.scales)

    @property
    def orthogonal(self) -> bool:
        """Whether lengths stay as they are."""
        return bool(np.all(self.scales == 1.0))

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the largest singular value."""
        return float(self.scales.min()), float(self.scales.max())

    def old(self, new: Array) -> Array:
        """y of y'; shape (..., n)."""
        return linear_map(new, self.transposed)

    def new(self, old: Array) -> Array:
        """y' of y."""
        return linear_map(old, self.inverse_transposed)

    def pulled(self, slope: Array) -> Array:
        """The gradient with respect to y', of that with respect to y."""
        return linear_map(slope, self.matrix)


def coordinates(
    n: int, rng: np.random.Generator, *, permute: bool, rotate: bool, scale: float
) -> Coordinates:  # fmt: skip
    """Random coordinates of R^n; scales rise geometrically from scale^(-1/2) to scale^(1/2)."""
    order = rng.permutation(n) if permute else np.arange(n)
    planes: list[tuple[int, int, int]] = []
    if rotate:
        # After as many rounds of pairs as n has binary digits, every coordinate can be a mixture of all.
        for _ in range(max(1, (n - 1).bit_length())):
            shuffled, signs = rng.permutation(n), rng.integers(2, size=n // 2)
            planes += [(int(shuffled[2 * k]), int(shuffled[2 * k + 1]), int(2 * signs[k] - 1)) for k in range(n // 2)]
    exponents = np.linspace(-0.5, 0.5, n) if n > 1 else np.zeros(1)
    return Coordinates(tuple(map(int, order)), tuple(planes), scale**exponents)
