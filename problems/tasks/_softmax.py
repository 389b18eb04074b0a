"""Cross-entropy of linear scores: one value a row of data, with the derivatives of weighted sums.

z holds a vector of m coefficients for each of K classes, class after class. Rows may be thousands, so that a block of
points is evaluated in slices that stay in cache, by one product of matrices each.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array

__all__ = ["Softmax", "sliced"]

#: Scores that are computed at once.
_SLICE = 2**16
#: Scores of this size have exponentials without overflow, and sums of a few of them.
_PLAIN = 500.0


def sliced(function: Callable[[Array], Array], points: Array, width: int) -> Array:
    """``function`` of points (n, p) for any leading axes, in slices whose work arrays have about 2^16 entries.

    Of five axes the first counts arrays that are stacked in one call: each has the bits that it has alone.

    Parameters
    ----------
    width : entries of a work array for one point.
    """
    if points.ndim > 4:
        return np.stack([sliced(function, part, width) for part in points])
    flat = points.reshape(-1, points.shape[-1])
    step = max(1, _SLICE // width)
    if len(flat) <= step:
        found = function(flat)
    else:
        found = np.concatenate([function(flat[i : i + step]) for i in range(0, len(flat), step)])
    return found.reshape((*points.shape[:-1], *found.shape[1:]))


class Softmax:
    """The losses of softmax regression on given rows.

    Parameters
    ----------
    features : (n, m) array
    labels : (n,) integers below ``classes``
    classes : int
    """

    def __init__(self, features: Array, labels: NDArray[np.integer], classes: int) -> None:
        self.features = np.ascontiguousarray(features)
        self.features_T = np.ascontiguousarray(features.T)
        self.labels, self.classes = labels, classes
        self.n, self.m = features.shape
        self.p = classes * self.m
        self.hot = (labels[None, :] == np.arange(classes)[:, None]).astype(np.float64)
        self._place = labels * self.n + np.arange(self.n)
        self._width = classes * self.n

    def _scores(self, z: Array) -> Array:
        """Of points (b, p) the scores (b, K, n)."""
        scores: Array = z.reshape(-1, self.m) @ self.features_T
        return scores.reshape(len(z), self.classes, self.n)

    def _losses(self, z: Array) -> Array:
        scores = self._scores(z)
        own = scores.reshape(len(z), -1)[:, self._place]
        # Scores are shifted only where their exponentials would leave the range of numbers: it takes a quarter of the
        # time.
        if max(scores.max(), -scores.min()) < _PLAIN:
            total = np.exp(scores, out=scores).sum(axis=1)
            return np.asarray(np.log(total, out=total) - own)
        highest = scores.max(axis=1)
        scores -= highest[:, None]
        total = np.exp(scores, out=scores).sum(axis=1)
        return np.asarray(np.log(total, out=total) + highest - own)

    def losses(self, z: Array) -> Array:
        """Of points (..., p) the cross-entropy of every row (..., n)."""
        return sliced(self._losses, z, self._width)

    def _chances(self, z: Array) -> Array:
        scores = self._scores(z)
        scores -= scores.max(axis=1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=1, keepdims=True)
        return scores

    def chances(self, z: Array) -> Array:
        """Probabilities of the classes, (..., K, n)."""
        return sliced(self._chances, z, self._width)

    def slope(self, z: Array, weights: Array) -> Array:
        """Of the sum of the losses with weights (..., n) the gradient (..., p)."""
        return self._back((self.chances(z) - self.hot) * weights[..., None, :])

    def slopes_along(self, z: Array, v: Array) -> Array:
        """The derivative of every row's loss along v, (..., n)."""
        return np.asarray(((self.chances(z) - self.hot) * self._tilt(v)).sum(axis=-2))

    def product(self, z: Array, v: Array, weights: Array) -> Array:
        """The Hessian of the weighted sum times v, (..., p)."""
        chances, along = self.chances(z), self._tilt(v)
        mean = (chances * along).sum(axis=-2, keepdims=True)
        return self._back(chances * (along - mean) * weights[..., None, :])

    def hessian(self, z: Array, weights: Array) -> Array:
        """The Hessian of the weighted sum, (..., p, p)."""
        chances = self.chances(z) * np.sqrt(weights)[..., None, :]
        lead, K, m = chances.shape[:-2], self.classes, self.m
        squares = (self.features[:, :, None] * self.features[:, None, :]).reshape(self.n, m * m)
        # sum_i w_i (P_a [a = b] - P_a P_b) a_i a_i', class by class.
        pairs = -(chances[..., :, None, :] * chances[..., None, :, :])
        pairs[..., np.arange(K), np.arange(K), :] += chances * np.sqrt(weights)[..., None, :]
        blocks = (pairs.reshape(-1, self.n) @ squares).reshape(*lead, K, K, m, m)
        return np.ascontiguousarray(blocks.swapaxes(-3, -2)).reshape(*lead, self.p, self.p)

    def right(self, z: Array) -> Array:
        """The share of rows whose highest score is that of their label, (...)."""

        def share(points: Array) -> Array:
            return np.asarray((self._scores(points).argmax(axis=1) == self.labels).mean(axis=-1))

        return sliced(share, z, self._width)

    def _tilt(self, v: Array) -> Array:
        """Scores of the coefficients v (..., p), without slices: (..., K, n)."""
        scores: Array = v.reshape(*v.shape[:-1], self.classes, self.m) @ self.features_T
        return scores

    def _back(self, scores: Array) -> Array:
        """Coefficients of weights on scores (..., K, n)."""
        found: Array = scores @ self.features
        return found.reshape(*found.shape[:-2], self.p)
