"""A classifier of digits, and the losses of images that are all moved by one z to be taken for another digit.

Training is part of making the problem: softmax regression by L-BFGS with exact gradients, from zero. What a method
queries afterwards are losses, which are made of the classifier's scores.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array, frozen

from ._data import digits
from ._softmax import Softmax, sliced

__all__ = ["Classifier", "Fooling", "Margins", "trained"]

_DECAY = 1e-3


class Classifier:
    """Scores A a + e of an image a.

    Parameters
    ----------
    A : (K, m) array; e : (K,) array
    """

    def __init__(self, A: Array, e: Array) -> None:
        self.A, self.A_T, self.e = frozen(A), frozen(A.T), frozen(e)

    def scores(self, images: Array) -> Array:
        """Of images (..., m) the scores (..., K)."""
        return np.asarray(images @ self.A_T + self.e)

    def wrong(self, images: Array, labels: NDArray[np.integer], z: Array) -> NDArray[np.bool_]:
        """Which images (n, m) another class than their label has the highest score of after a move z: (..., n)."""
        scores = self.scores(images) + (z @ self.A_T)[..., None, :]
        return np.asarray(scores.argmax(axis=-1) != labels, dtype=bool)


@functools.lru_cache(maxsize=8)
def trained(classes: int, side: int, n: int, seed: int) -> Classifier:
    """The classifier that the first n images of the seed's random order train."""
    from scipy.optimize import minimize

    rows = digits(classes, side)
    order = np.random.default_rng(seed).permutation(len(rows.labels))[:n]
    images = np.hstack([rows.features[order], np.ones((n, 1))])
    fit, weights = Softmax(images, rows.labels[order], classes), np.full(n, 1.0 / n)

    def loss(w: Array) -> tuple[float, Array]:
        value = float(fit.losses(w) @ weights) + 0.5 * _DECAY * float(w @ w)
        return value, fit.slope(w, weights) + _DECAY * w

    found = minimize(loss, np.zeros(fit.p), jac=True, method="L-BFGS-B", options={"maxiter": 300})
    table = np.asarray(found.x, dtype=np.float64).reshape(classes, -1)
    return Classifier(table[:, :-1], table[:, -1])


class _Moved:
    """Scores of images that are all moved by z: what the images contribute is computed once."""

    def __init__(self, classifier: Classifier, images: Array) -> None:
        self.A, self.A_T = classifier.A, classifier.A_T
        self.base = classifier.scores(images)
        self.n, self.p = images.shape

    def scores(self, z: Array) -> Array:
        return np.asarray((z @ self.A_T)[..., None, :] + self.base)

    @property
    def width(self) -> int:
        return self.base.size


class Fooling(_Moved):
    """-log of the chance of a target class: convex in z, since scores are linear in it.

    Parameters
    ----------
    images : (n, p) array
    target : int
    """

    def __init__(self, classifier: Classifier, images: Array, target: int) -> None:
        super().__init__(classifier, images)
        self._target = target
        # Scores beside that of the target: the loss is log(1 + sum of their exponentials).
        others = np.delete(np.arange(len(classifier.e)), target)
        self.base = self.base[:, others] - self.base[:, [target]]
        self.A = classifier.A[others] - classifier.A[target]
        self.A_T = np.ascontiguousarray(self.A.T)

    def _losses(self, z: Array) -> Array:
        scores = self.scores(z)
        highest = np.maximum(scores.max(axis=-1), 0.0)
        scores -= highest[..., None]
        total = np.exp(scores, out=scores).sum(axis=-1) + np.exp(-highest)
        return np.asarray(np.log(total, out=total) + highest)

    def losses(self, z: Array) -> Array:
        """Of moves (..., p) the loss of every image (..., n)."""
        return sliced(self._losses, z, self.width)

    def _chances(self, z: Array) -> Array:
        scores = self.scores(z)
        highest = np.maximum(scores.max(axis=-1, keepdims=True), 0.0)
        scores = np.exp(scores - highest)
        return np.asarray(scores / (scores.sum(axis=-1, keepdims=True) + np.exp(-highest)))

    def slope(self, z: Array, weights: Array) -> Array:
        """Of the sum of the losses with weights (..., n) the gradient (..., p)."""
        return np.asarray((self._chances(z) * weights[..., None]).sum(axis=-2) @ self.A)

    def product(self, z: Array, v: Array, weights: Array) -> Array:
        """The Hessian of the weighted sum times v, (..., p)."""
        chances, along = self._chances(z), (v @ self.A_T)[..., None, :]
        bent = chances * (along - (chances * along).sum(axis=-1, keepdims=True))
        return np.asarray((bent * weights[..., None]).sum(axis=-2) @ self.A)

    def hessian(self, z: Array, weights: Array) -> Array:
        """The Hessian of the weighted sum, (..., p, p)."""
        chances = self._chances(z)
        heavy = chances * weights[..., None]
        core = heavy.sum(axis=-2)[..., None] * np.eye(len(self.A)) - heavy.swapaxes(-1, -2) @ chances
        return np.asarray(self.A_T @ core @ self.A)


class Margins(_Moved):
    """max(score of the label - highest other score, -kappa): the loss of arXiv 2511.01126 for kappa = 0.

    Parameters
    ----------
    images : (n, p) array
    labels : (n,) integers
    kappa : float
    scale : float
        Of z: images are moved by scale z.
    """

    def __init__(
        self, classifier: Classifier, images: Array, labels: NDArray[np.integer], kappa: float, scale: float
    ) -> None:  # fmt: skip
        super().__init__(classifier, images)
        self.A, self.A_T = scale * classifier.A, scale * classifier.A_T
        self._own = labels[:, None] == np.arange(len(classifier.e))
        self._kappa = kappa

    def _losses(self, z: Array) -> Array:
        scores = self.scores(z)
        own = np.where(self._own, scores, 0.0).sum(axis=-1)
        rest = np.where(self._own, -np.inf, scores).max(axis=-1)
        return np.asarray(np.maximum(own - rest, -self._kappa))

    def losses(self, z: Array) -> Array:
        """Of moves (..., p) the loss of every image (..., n)."""
        return sliced(self._losses, z, self.width)

    def mean(self, z: Array) -> Array:
        """The mean loss (...)."""
        return np.asarray(self.losses(z).mean(axis=-1))

    def slope(self, z: Array) -> Array:
        """Of the mean loss the gradient (..., p), where no two scores are equal."""
        scores = self.scores(z)
        own = np.where(self._own, scores, 0.0).sum(axis=-1)
        others = np.where(self._own, -np.inf, scores)
        rival = others.argmax(axis=-1)[..., None] == np.arange(scores.shape[-1])
        counts = (own - others.max(axis=-1) > -self._kappa)[..., None]
        tilt = np.where(counts, self._own.astype(np.float64) - rival, 0.0)
        return np.asarray(tilt.mean(axis=-2) @ self.A)
