"""Inner runs of a fixed length as a black box of x: what HOZOG and the other descents on F(A(x), x) share."""

from __future__ import annotations

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.estimators import central_difference
from zoba_bench.oracle import Oracle
from zoba_bench.solvers.base import Solver
from zoba_bench.validation import check_choice, check_passes, check_positive

__all__ = ["Trains"]


class Trains(Solver):
    """A solver with inner runs: ``inner_steps`` steps ``alpha`` along G_z, from the problem or from differences.

    A dataclass that inherits it has these four options.
    """

    inner_steps: int
    alpha: float
    training: str
    h: float

    def check_training(self) -> None:
        """Raise ValueError where an option of the inner runs is out of range."""
        check_passes("inner_steps", self.inner_steps)
        for name in ("alpha", "h"):
            check_positive(name, getattr(self, name))
        check_choice("training", self.training, ("gradients", "values"))

    def requirements(self) -> tuple[str, ...]:
        """Gradients of G, unless inner runs use its values."""
        return ("inner_grad_z",) if self.training == "gradients" else ()

    def train(self, oracle: Oracle, origin: Array, x: Array) -> Array:
        """A(x), shape (R, n, p), at the points x (R, n, d): T gradient steps from ``origin`` (R, p)."""
        z: Array = np.broadcast_to(origin[:, None, :], (*x.shape[:-1], oracle.p))
        for _ in range(self.inner_steps):
            z = z - self.alpha * self._gradient(oracle, z, x)
        return z

    def _gradient(self, oracle: Oracle, z: Array, x: Array) -> Array:
        if self.training == "gradients":
            return oracle.inner_grad_z(z, x)
        z, x, moves = z[..., None, :], x[..., None, :], self.h * np.eye(oracle.p)
        return np.asarray(central_difference(oracle.inner(z + moves, x), oracle.inner(z - moves, x), self.h))
