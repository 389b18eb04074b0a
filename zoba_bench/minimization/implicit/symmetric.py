"""Symmetric matrices with measured entries: solving with absolute eigenvalues, and updates by secant pairs."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array

__all__ = ["Symmetric", "bfgs", "secant"]


class Symmetric:
    """A symmetric matrix of which eigenvalues below ``error`` / 2 in size are not trusted.

    Attributes
    ----------
    error : bound on the spectral norm of the error: 2 sqrt(n) times the error of an entry, for independent errors.
    lowest, highest : smallest and largest eigenvalue.
    least : smallest absolute eigenvalue that is used, after the floor.
    """

    def __init__(self, matrix: Array, entry_error: float, free: NDArray[np.intp] | None = None) -> None:
        self.matrix = matrix
        self.entry_error = entry_error
        n = len(matrix)
        self.free: NDArray[np.intp] = np.arange(n) if free is None else free
        part = matrix[np.ix_(self.free, self.free)]
        self.error = 2 * math.sqrt(max(len(part), 1)) * entry_error
        if len(part):
            self.values, self.vectors = np.linalg.eigh((part + part.T) / 2)
        else:
            self.values, self.vectors = np.ones(0), np.ones((0, 0))
        size = np.abs(self.values)
        self.size = np.maximum(size, max(self.error / 2, 1e-13 * float(size.max(initial=0.0)), 1e-300))
        self.lowest = float(self.values.min(initial=math.inf))
        self.highest = float(size.max(initial=0.0))
        self.least = float(self.size.min(initial=math.inf))

    def solve(self, b: Array) -> Array:
        """|M|^-1 b on the free rows; zero on the others. b (n,) or (n, m)."""
        result = np.zeros_like(b)
        part = self.vectors.T @ b[self.free]
        result[self.free] = self.vectors @ (part / (self.size if b.ndim == 1 else self.size[:, None]))
        return result

    def shifted(self, b: Array, radius: float) -> Array:
        """(|M| + mu I)^-1 b with the least mu >= 0 for which its length is at most ``radius``."""
        result = np.zeros_like(b)
        part = self.vectors.T @ b[self.free]
        low, high = 0.0, float(np.linalg.norm(part)) / radius
        if float(np.linalg.norm(part / self.size)) <= radius:
            high = 0.0
        for _ in range(60 if high else 0):
            middle = (low + high) / 2
            if float(np.linalg.norm(part / (self.size + middle))) > radius:
                low = middle
            else:
                high = middle
        result[self.free] = self.vectors @ (part / (self.size + high))
        return result

    def absolute(self, s: Array) -> float:
        """s'|M|s on the free rows."""
        part = self.vectors.T @ s[self.free]
        return float(part @ (self.size * part))

    def weighted_inverse(self, weights: Array) -> tuple[float, float]:
        """Frobenius and spectral norm of diag(weights) |M|^-1."""
        if not len(self.values):
            return 0.0, 0.0
        used = weights[self.free]
        if (used == used[0]).all():
            return float(used[0] * np.linalg.norm(1 / self.size)), float(used[0] / self.least)
        inverse = used[:, None] * self.vectors / self.size
        return float(np.linalg.norm(inverse)), float(np.linalg.norm(inverse, 2))

    def replaced(self, matrix: Array) -> Symmetric:
        """Another matrix with the same error and free rows."""
        return Symmetric(matrix, self.entry_error, self.free)

    def with_free(self, free: NDArray[np.intp]) -> Symmetric:
        """The same matrix with other free rows."""
        return self if np.array_equal(free, self.free) else Symmetric(self.matrix, self.entry_error, free)


def secant(M: Array, s: Array, y: Array) -> Array:
    """A symmetric update with which M s = y, for a matrix that is nearly right.

    Of rank one (SR1) where that is well determined; else the one of least Frobenius norm (PSB), since SR1 divides by
    r's and would turn a small residual r = y - M s that is nearly orthogonal to s into a large change.
    """
    r = y - M @ s
    bottom, length = float(r @ s), float(np.linalg.norm(s))
    if abs(bottom) >= 0.3 * float(np.linalg.norm(r)) * length:
        updated: Array = M + np.outer(r, r) / bottom
        return updated
    u = s / length**2
    least: Array = M + np.outer(r, u) + np.outer(u, r) - bottom * np.outer(u, u)
    return least


def bfgs(M: Array, s: Array, y: Array) -> Array:
    """The BFGS update with which M s = y; M itself where s'y is not positive."""
    sy = float(s @ y)
    if sy <= 1e-6 * float(np.linalg.norm(s)) * float(np.linalg.norm(y)):
        return M
    Ms = M @ s
    updated: Array = M - np.outer(Ms, Ms) / float(s @ Ms) + np.outer(y, y) / sy
    return updated
