"""Direction laws: how the random directions of finite differences are drawn.

Every law has E ww' = I, so that (w'g) w estimates g without bias, and -w is as likely as w, so that odd
moments vanish and the curvature in a forward difference adds no mean. Laws differ in their fourth moments
M(B) = E[(w'Bw) ww'], from which variances follow: E|(w'a) w|^2 = tr M(aa'). For dimension n and symmetric B:

============  =======================================================  =============================
law           M(B)                                                     tr M(aa')
============  =======================================================  =============================
gaussian      tr(B) I + 2 B                                            (n + 2) |a|^2
sphere        n / (n + 2) (tr(B) I + 2 B)                              n |a|^2
coordinate    n diag(B)                                                n |a|^2
orthogonal    as sphere; see :class:`Orthogonal` for two of a block    n |a|^2
block         m (tr(B_b) I + 2 B_b) on each of the m blocks b          m sum of (n_b + 2) |a_b|^2
low-rank      tr(B) I + 2 B + (2/r) L(B), see :class:`LowRank`         (n + 2 + 2 (q + k + 1) / r) |a|^2
============  =======================================================  =============================

(n_b the size of block b; q x k the matrix shape of a low-rank direction, n = q k.) The second-difference surrogate
s [(w'v) w - v] of a Hessian needs the Gaussian's M: see :class:`zoba_bench.solvers.zoba.Zoba`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array

__all__ = [
    "LAWS", "Block", "Coordinate", "Gaussian", "Law", "LowRank", "Orthogonal", "Sphere", "gaussian", "generator",
    "sphere",
]  # fmt: skip


def gaussian(rng: np.random.Generator, shape: tuple[int, ...], dimension: int) -> Array:
    """Independent standard normal directions, shape (*shape, dimension)."""
    return rng.standard_normal((*shape, dimension))


def sphere(rng: np.random.Generator, shape: tuple[int, ...], dimension: int) -> NDArray[np.float64]:
    """Independent directions uniform on the unit sphere, shape (*shape, dimension): E uu' = I / dimension."""
    directions = gaussian(rng, shape, dimension)
    unit: NDArray[np.float64] = directions / np.sqrt(np.vecdot(directions, directions))[..., None]
    return unit


def generator(seed: np.random.SeedSequence) -> np.random.Generator:
    """The generator of a run: SFC64, which draws normals a fifth faster than the default PCG64."""
    return np.random.Generator(np.random.SFC64(seed))


@dataclass(frozen=True)
class Law(ABC):
    """A law of directions w in R^n; its fields are its options."""

    name: ClassVar[str]

    @property
    def period(self) -> int:
        """Iterations for which a basis serves."""
        return 1

    def together(self, dimension: int) -> int:
        """Directions of a sample that are drawn together: a draw of a multiple of them is as good as several."""
        return 1

    def basis(self, rng: np.random.Generator, shape: tuple[int, ...], dimension: int) -> Array | None:
        """What :meth:`draw` may use again for ``period`` iterations; None where nothing is kept."""
        return None

    def kept_entries(self, dimension: int) -> int:
        """Entries of a direction's basis."""
        return 0

    @abstractmethod
    def draw(
        self, rng: np.random.Generator, shape: tuple[int, ...], dimension: int, basis: Array | None = None
    ) -> Array:
        """Directions of shape (*shape, dimension); the last axis of ``shape`` counts those of one sample.

        Directions are independent, except for those of one sample in the law "orthogonal".
        """

    @abstractmethod
    def fourth_moment(self, matrix: Array) -> Array:
        """M(B) = E[(w'Bw) ww'] for a matrix B (n, n), over fresh bases too."""

    def pair_moment(self, matrix: Array, i: int, j: int) -> Array:
        """E[w_i w_i' B w_j w_j'] for the directions number i and j of one sample: B where they are independent."""
        return self.fourth_moment(matrix) if i == j else matrix


class Gaussian(Law):
    """Standard normal directions."""

    name = "gaussian"

    def draw(
        self, rng: np.random.Generator, shape: tuple[int, ...], dimension: int, basis: Array | None = None
    ) -> Array:
        """See :class:`Law`."""
        return rng.standard_normal((*shape, dimension))

    def fourth_moment(self, matrix: Array) -> Array:
        """See :class:`Law`."""
        return _isotropic(matrix)


class Sphere(Law):
    """Uniform on the sphere of radius sqrt(n)."""

    name = "sphere"

    def draw(
        self, rng: np.random.Generator, shape: tuple[int, ...], dimension: int, basis: Array | None = None
    ) -> Array:
        """See :class:`Law`."""
        w = rng.standard_normal((*shape, dimension))
        w *= math.sqrt(dimension) / np.sqrt(np.vecdot(w, w))[..., None]
        return w

    def fourth_moment(self, matrix: Array) -> Array:
        """See :class:`Law`."""
        n = len(matrix)
        return n / (n + 2) * _isotropic(matrix)


class Coordinate(Law):
    """sqrt(n) e_i or -sqrt(n) e_i, i uniform, with replacement; the sign makes odd moments vanish."""

    name = "coordinate"

    def draw(
        self, rng: np.random.Generator, shape: tuple[int, ...], dimension: int, basis: Array | None = None
    ) -> Array:
        """See :class:`Law`."""
        drawn = rng.integers(2 * dimension, size=(*shape, 1))
        root = math.sqrt(dimension)
        w = np.zeros((*shape, dimension))
        np.put_along_axis(w, drawn // 2, np.where(drawn % 2 == 0, root, -root), axis=-1)
        return w

    def fourth_moment(self, matrix: Array) -> Array:
        """See :class:`Law`."""
        return np.diag(len(matrix) * np.diag(matrix))


class Orthogonal(Law):
    """Blocks of n orthogonal directions of length sqrt(n), uniform (Haar); the last block of a sample may be partial.

    As in S-SZD (arXiv 2206.05124) and O-ZD (2305.16024), where l <= n: P'P = (n/l) I for the matrix P of the l
    directions over sqrt(l). A full block has sum of ww' = n I, so that with l a multiple of n means of (w'g) w are g.
    Two directions of a block: E[w_i w_i' B w_j w_j'] = (n B - M(B)) / (n - 1); of two blocks: B.
    """

    name = "orthogonal"

    def together(self, dimension: int) -> int:
        """See :class:`Law`."""
        return dimension

    def draw(
        self, rng: np.random.Generator, shape: tuple[int, ...], dimension: int, basis: Array | None = None
    ) -> Array:
        """See :class:`Law`."""
        *lead, l = shape
        size = min(l, dimension)
        blocks = -(-l // dimension)
        q, r = np.linalg.qr(rng.standard_normal((*lead, blocks, dimension, size)))
        # The signs that make the triangular factor positive make q uniform; LAPACK's depend on the matrix.
        signs = np.where(np.diagonal(r, axis1=-2, axis2=-1) < 0, -math.sqrt(dimension), math.sqrt(dimension))
        rows = np.ascontiguousarray(np.swapaxes(q * signs[..., None, :], -1, -2))
        return rows.reshape(*lead, blocks * size, dimension)[..., :l, :]

    def fourth_moment(self, matrix: Array) -> Array:
        """See :class:`Law`."""
        n = len(matrix)
        return n / (n + 2) * _isotropic(matrix)

    def pair_moment(self, matrix: Array, i: int, j: int) -> Array:
        """See :class:`Law`."""
        n = len(matrix)
        if i == j:
            return self.fourth_moment(matrix)
        return matrix if i // n != j // n else (n * matrix - self.fourth_moment(matrix)) / (n - 1)


@dataclass(frozen=True)
class Block(Law):
    """sqrt(m) times a standard normal vector on one of m blocks of coordinates, drawn for each direction.

    As in MeZO-BCD (arXiv 2501.19099), which picks one block a step; the scale makes E ww' = I.

    Parameters
    ----------
    block_size : int or None
        Consecutive coordinates a block, the last one with what is left; None is sqrt(n) rounded up.
    """

    block_size: int | None = None
    name = "block"

    def _blocks(self, dimension: int) -> tuple[int, int]:
        size = min(self.block_size or math.ceil(math.sqrt(dimension)), dimension)
        return size, -(-dimension // size)

    def draw(
        self, rng: np.random.Generator, shape: tuple[int, ...], dimension: int, basis: Array | None = None
    ) -> Array:
        """See :class:`Law`."""
        size, blocks = self._blocks(dimension)
        chosen = rng.integers(blocks, size=(*shape, 1, 1))
        w = np.zeros((*shape, blocks, size))
        np.put_along_axis(w, chosen, math.sqrt(blocks) * rng.standard_normal((*shape, 1, size)), axis=-2)
        return w.reshape(*shape, blocks * size)[..., :dimension]

    def fourth_moment(self, matrix: Array) -> Array:
        """See :class:`Law`."""
        size, blocks = self._blocks(len(matrix))
        total = np.zeros_like(matrix)
        for i in range(blocks):
            own = slice(i * size, (i + 1) * size)
            total[own, own] = blocks * _isotropic(matrix[own, own])
        return total


@dataclass(frozen=True)
class LowRank(Law):
    """w = vec(U V') / sqrt(r): U (q, r) standard normal a direction, V (k, r) standard normal and kept for a while.

    As in LOZO (arXiv 2410.07698) for a vector read row by row as a q x k matrix, k = sqrt(n) and q = n / k, both
    rounded up, with the entries beyond n left out. Every direction of an iteration has a V of its own. The released
    code lacks the factor 1/r of E ww' = I. While V is kept, E ww' = I holds over the draws of V only: given V,
    the mean of (w'g) w is g seen through I (x) VV'/r, and directions move nothing outside of its range.

    With A the matrix q x k of a: L(aa') = I (x) A'A + AA' (x) I + K, K_(ij),(lm) = A_im A_lj, in the entries
    that are kept.

    Parameters
    ----------
    rank : int
        r; 2 as in the experiments there.
    refresh : int
        Iterations between two draws of V; 100 as in the released script.
    """

    rank: int = 2
    refresh: int = 100
    name = "low-rank"

    @property
    def period(self) -> int:
        """See :class:`Law`."""
        return self.refresh

    @staticmethod
    def _sides(dimension: int) -> tuple[int, int]:
        columns = math.ceil(math.sqrt(dimension))
        return -(-dimension // columns), columns

    def kept_entries(self, dimension: int) -> int:
        """See :class:`Law`."""
        return self._sides(dimension)[1] * self.rank

    def basis(self, rng: np.random.Generator, shape: tuple[int, ...], dimension: int) -> Array:
        """V of every direction, shape (*shape, k, r)."""
        return rng.standard_normal((*shape, self._sides(dimension)[1], self.rank))

    def draw(
        self, rng: np.random.Generator, shape: tuple[int, ...], dimension: int, basis: Array | None = None
    ) -> Array:
        """See :class:`Law`. ``basis=None`` draws a V for these directions alone."""
        rows, columns = self._sides(dimension)
        right = self.basis(rng, shape, dimension) if basis is None else basis
        left = rng.standard_normal((*shape, rows, self.rank))
        product: Array = np.matmul(left, np.swapaxes(right, -1, -2))
        product /= math.sqrt(self.rank)
        return product.reshape(*shape, rows * columns)[..., :dimension]

    def fourth_moment(self, matrix: Array) -> Array:
        """See :class:`Law`."""
        n = len(matrix)
        rows, columns = self._sides(n)
        whole = np.zeros((rows * columns, rows * columns))
        whole[:n, :n] = (matrix + matrix.T) / 2
        b = whole.reshape(rows, columns, rows, columns)
        mixed = np.kron(np.eye(rows), np.einsum("ijil->jl", b)) + np.kron(np.einsum("ijlj->il", b), np.eye(columns))
        mixed += b.transpose(0, 3, 2, 1).reshape(whole.shape)
        return _isotropic(matrix) + 2 / self.rank * mixed[:n, :n]


def _isotropic(matrix: Array) -> Array:
    """tr(B) I + B + B'."""
    moment: Array = np.trace(matrix) * np.eye(len(matrix)) + matrix + matrix.T
    return moment


#: name -> law.
LAWS: dict[str, type[Law]] = {law.name: law for law in (Gaussian, Sphere, Coordinate, Orthogonal, Block, LowRank)}
