"""Linear heads on a shared linear representation: the cross-entropy of the rows of several tasks, and derivatives.

theta is the representation W, k features of rows a of m numbers; phi holds a head Z of a task, K classes by k: the
scores of a row are Z W a. Both may have any leading axes; ``task`` is an integer array that broadcasts with them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from zoba_bench.arrays import Array, Index

__all__ = ["Heads"]


def _flat(matrices: Array) -> Array:
    return matrices.reshape(*matrices.shape[:-2], -1)


def _turned(matrices: Array) -> Array:
    return matrices.swapaxes(-1, -2)


class _Parts(NamedTuple):
    rows: Array  # (..., n, m)
    features: Array  # W a, (..., k, n)
    head: Array  # Z, (..., K, k)
    chances: Array  # (..., K, n)
    errors: Array  # of chances, over n


class Heads:
    """The mean cross-entropy over the rows of a task.

    Parameters
    ----------
    rows : (tasks, n, m) array
    classes, features : int
        K and k. The rows of a task are as many of each class, class after class.
    """

    def __init__(self, rows: Array, classes: int, features: int) -> None:
        self.rows = np.ascontiguousarray(rows)
        self.count, self.n, self.m = rows.shape
        self.classes, self.features = classes, features
        self.q, self.d = classes * features, features * self.m
        self.hot = np.repeat(np.eye(classes), self.n // classes, axis=1)

    def _shape(self, phi: Array, theta: Array, task: Index) -> tuple[Array, Array, Array]:
        rows = self.rows[task]
        seen = theta.reshape(*theta.shape[:-1], self.features, self.m) @ _turned(rows)
        return rows, seen, phi.reshape(*phi.shape[:-1], self.classes, self.features)

    def _parts(self, phi: Array, theta: Array, task: Index) -> _Parts:
        rows, seen, head = self._shape(phi, theta, task)
        scores = head @ seen
        chances = np.exp(scores - scores.max(axis=-2, keepdims=True))
        chances /= chances.sum(axis=-2, keepdims=True)
        return _Parts(rows, seen, head, chances, (chances - self.hot) / self.n)

    def _moved(self, parts: _Parts, scores: Array) -> Array:
        """How the errors change where the scores do."""
        change: Array = parts.chances * (scores - (parts.chances * scores).sum(axis=-2, keepdims=True)) / self.n
        return change

    def _head(self, v: Array) -> Array:
        return v.reshape(*v.shape[:-1], self.classes, self.features)

    def loss(self, phi: Array, theta: Array, task: Index) -> Array:
        """(...)."""
        _, seen, head = self._shape(phi, theta, task)
        scores = head @ seen
        highest = scores.max(axis=-2)
        total = np.log(np.exp(scores - highest[..., None, :]).sum(axis=-2)) + highest
        return np.asarray((total - (scores * self.hot).sum(axis=-2)).mean(axis=-1))

    def right(self, phi: Array, theta: Array, task: Index) -> Array:
        """The share of rows whose highest score is that of their class, (...)."""
        _, seen, head = self._shape(phi, theta, task)
        return np.asarray(((head @ seen).argmax(axis=-2) == self.hot.argmax(axis=0)).mean(axis=-1))

    def grad_phi(self, phi: Array, theta: Array, task: Index) -> Array:
        """(..., K k)."""
        parts = self._parts(phi, theta, task)
        return _flat(parts.errors @ _turned(parts.features))

    def grad_theta(self, phi: Array, theta: Array, task: Index) -> Array:
        """(..., k m)."""
        parts = self._parts(phi, theta, task)
        return _flat(_turned(parts.head) @ parts.errors @ parts.rows)

    def hvp(self, phi: Array, theta: Array, task: Index, v: Array) -> Array:
        """The Hessian in phi times v, (..., K k)."""
        parts = self._parts(phi, theta, task)
        return _flat(self._moved(parts, self._head(v) @ parts.features) @ _turned(parts.features))

    def cross(self, phi: Array, theta: Array, task: Index, v: Array) -> Array:
        """The derivative in theta of <grad_phi, v>, (..., k m)."""
        parts, along = self._parts(phi, theta, task), self._head(v)
        moved = self._moved(parts, along @ parts.features)
        return _flat((_turned(along) @ parts.errors + _turned(parts.head) @ moved) @ parts.rows)

    def mixed(self, phi: Array, theta: Array, task: Index, u: Array) -> Array:
        """The derivative of grad_phi along u in theta, (..., K k)."""
        parts = self._parts(phi, theta, task)
        seen = u.reshape(*u.shape[:-1], self.features, self.m) @ _turned(parts.rows)
        moved = self._moved(parts, parts.head @ seen)
        return _flat(moved @ _turned(parts.features) + parts.errors @ _turned(seen))
