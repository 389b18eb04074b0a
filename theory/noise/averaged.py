"""The covariance of one iteration's surrogates, averaged over states: many environments at once.

The moments of the surrogates are sums of products of words in A, B, C and the Hessian of F with second moments of the
vectors (G_z, v, F_z, F_x). Here every matrix has leading axes: one environment for each state, or for each element of
a basis of second moments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from zoba_bench.arrays import Array

from ..estimators.isserlis import Form, Product, Trace, Word
from ..estimators.presets import Preset
from ..estimators.surrogates import Surrogate
from .covariance import surrogate_pair

__all__ = ["VECTORS", "Environments", "LinearNoise", "noise_of_environments"]

#: The vectors that the noise depends on, in the order of their joint second moments.
VECTORS = ("G_z", "v", "F_z", "F_x")


class Environments:
    """Numbers for letters and fixed vectors, with leading axes that broadcast.

    Parameters
    ----------
    matrices : letter -> (..., rows, columns).
    second : (..., m, m), E[y y'] of the vectors one after another, m = 3p + d.
    """

    def __init__(self, matrices: Mapping[str, Array], second: Array) -> None:
        self._matrices = matrices
        p, d = matrices["A"].shape[-1], matrices["B"].shape[-1]
        self.sizes = {"p": p, "d": d}
        ends = np.cumsum([0, p, p, p, d])
        self._slots = {name: slice(*ends[i : i + 2]) for i, name in enumerate(VECTORS)}
        self._second = second
        self._words: dict[Word, Array] = {}
        self._chains: dict[tuple[Word, str, Word, str], Array] = {}
        self._scalars: dict[Form | Trace, Any] = {}

    def second(self, a: str, b: str) -> Array:
        """E[a b']."""
        return self._second[..., self._slots[a], self._slots[b]]

    def word(self, word: Word) -> Array:
        """The product of a non-empty word."""
        if word not in self._words:
            last = word[-1]
            letter = self._matrices[last.rstrip("'")]
            factor = np.swapaxes(letter, -1, -2) if last.endswith("'") else letter
            self._words[word] = factor if len(word) == 1 else self.word(word[:-1]) @ factor
        return self._words[word]

    def chain(self, one: Word, a: str, two: Word, b: str) -> Array:
        """E[(one a)(two b)']."""
        key = (one, a, two, b)
        if key not in self._chains:
            product = self.second(a, b)
            if one:
                product = self.word(one) @ product
            if two:
                product = product @ np.swapaxes(self.word(two), -1, -2)
            self._chains[key] = product
        return self._chains[key]

    def scalar(self, item: Form | Trace) -> Any:
        """A trace, or a form between two fixed vectors, (...)."""
        if item not in self._scalars:
            if isinstance(item, Form):
                product = self.chain((), item.right, (), item.left)
                value = np.trace(self.word(item.word) @ product if item.word else product, axis1=-2, axis2=-1)
            elif item.word:
                value = np.trace(self.word(item.word), axis1=-2, axis2=-1)
            else:
                value = float(self.sizes[item.dimension])
            self._scalars[item] = value
        return self._scalars[item]

    def term(self, product: Product) -> Array:
        """The matrix M of a product of invariants with the test vectors y1 and y2: y1' M y2."""
        scalar: Any = 1.0
        chains: dict[str, Form] = {}
        matrix: Array | None = None
        for item in product:
            if isinstance(item, Trace) or not (item.left.startswith("y") or item.right.startswith("y")):
                scalar = scalar * self.scalar(item)
                continue
            turned = item if item.left.startswith("y") else item.reversed()
            if turned.right.startswith("y"):
                turned = turned if turned.left.startswith("y1") else turned.reversed()
                matrix = self.word(turned.word) if turned.word else np.eye(self.sizes[turned.left[-1]])
            else:
                chains[turned.left[:2]] = turned
        if matrix is None:
            matrix = self.chain(chains["y1"].word, chains["y1"].right, chains["y2"].word, chains["y2"].right)
        return np.asarray(scalar)[..., None, None] * matrix


def noise_of_environments(
    preset: Preset, environments: Environments, l1: int, l2: int, r: float, radius: float, outer_directions: str
) -> Array:
    """(..., 2p + d, 2p + d): ``covariance.environment_noise`` for each of the environments."""
    p, d = environments.sizes["p"], environments.sizes["d"]
    slots = (slice(0, p), slice(p, 2 * p), slice(2 * p, 2 * p + d))

    def covariance(one: Surrogate, two: Surrogate) -> Array:
        moment = surrogate_pair(one, two)
        (*first_word, first), (*second_word, last) = one.target, two.target
        total = -environments.chain(tuple(first_word), first, tuple(second_word), last)
        values = moment._coefficients(r, radius, 0.0)
        for value, (_, product) in zip(values, moment.terms, strict=True):
            if value != 0.0:
                total = total + value * environments.term(product)
        return total

    inner = list(zip(preset.inner, (0, 1, 2), strict=True))
    outer = list(zip(preset.outer, (1, 2), strict=True))
    parts = [(inner, inner, 1 / l1), (outer, outer, 1 / l2)]
    if outer_directions == "shared":
        parts += [(inner, outer, 1 / max(l1, l2)), (outer, inner, 1 / max(l1, l2))]
    blocks: dict[tuple[int, int], Array] = {}
    for rows, columns, weight in parts:
        for one, i in rows:
            for two, j in columns:
                blocks[i, j] = blocks.get((i, j), 0.0) + weight * covariance(one, two)
    leading = np.broadcast_shapes(*(block.shape[:-2] for block in blocks.values()))
    total = np.zeros((*leading, 2 * p + d, 2 * p + d))
    for (i, j), block in blocks.items():
        total[..., slots[i], slots[j]] = block
    return (total + np.swapaxes(total, -1, -2)) / 2


class LinearNoise:
    """The averaged noise for quadratic G, as a linear function of the second moments of the vectors.

    With constant matrices every term has at most one pair of vectors, so that N(S) = N(0) + sum of S_ij N_ij.

    Parameters
    ----------
    evaluate : second moments (..., m, m) -> noise (..., n, n).
    size : m.
    """

    def __init__(self, evaluate: Callable[[Array], Array], size: int) -> None:
        rows, columns = np.triu_indices(size)
        self._upper = (rows, columns)
        basis = np.zeros((len(rows), size, size))
        index = np.arange(len(rows))
        basis[index, rows, columns] = basis[index, columns, rows] = 1.0
        self.constant = evaluate(np.zeros((size, size)))
        n = len(self.constant)
        self._map = (evaluate(basis) - self.constant).reshape(-1, n * n)

    def linear(self, second: Array) -> Array:
        """The linear part at second moments, or changes of them, (..., m, m)."""
        n = len(self.constant)
        found: Array = (second[..., self._upper[0], self._upper[1]] @ self._map).reshape(*second.shape[:-2], n, n)
        return found

    def __call__(self, second: Array) -> Array:
        """(..., n, n)."""
        return self.constant + self.linear(second)
