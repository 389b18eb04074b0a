"""The logistic loss of a linear score, with the interface of :class:`Softmax`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array

from .._base import scalars
from ._softmax import sliced

__all__ = ["Logistic"]


class Logistic:
    """The losses log(1 + exp(-s_i a_i'z)) on given rows, with the sign s_i of a label.

    Parameters
    ----------
    features : (n, p) array
    labels : (n,) integers 0 or 1
    """

    def __init__(self, features: Array, labels: NDArray[np.integer]) -> None:
        signed = features * np.where(labels == 1, 1.0, -1.0)[:, None]
        self.rows, self.rows_T = np.ascontiguousarray(signed), np.ascontiguousarray(signed.T)
        self.n, self.p = signed.shape

    def _losses(self, z: Array) -> Array:
        margins = z @ self.rows_T
        # log(1 + e^-m) = max(-m, 0) + log(1 + e^-|m|).
        tail = np.log1p(np.exp(-np.abs(margins)))
        return np.asarray(np.maximum(-margins, 0.0) + tail)

    def losses(self, z: Array) -> Array:
        """Of points (..., p) the loss of every row (..., n)."""
        return sliced(self._losses, z, self.n)

    def slope(self, z: Array, weights: Array) -> Array:
        """Of the sum of the losses with weights (..., n) the gradient (..., p)."""
        return np.asarray((-scalars.sigmoid(-(z @ self.rows_T)) * weights) @ self.rows)

    def product(self, z: Array, v: Array, weights: Array) -> Array:
        """The Hessian of the weighted sum times v, (..., p)."""
        return np.asarray((scalars.sigmoid_first(z @ self.rows_T) * weights * (v @ self.rows_T)) @ self.rows)

    def hessian(self, z: Array, weights: Array) -> Array:
        """The Hessian of the weighted sum, (..., p, p)."""
        bend = scalars.sigmoid_first(z @ self.rows_T) * weights
        return np.asarray((self.rows_T * bend[..., None, :]) @ self.rows)

    def right(self, z: Array) -> Array:
        """The share of rows on the right side, (...)."""
        return sliced(lambda points: np.asarray((points @ self.rows_T > 0).mean(axis=-1)), z, self.n)
