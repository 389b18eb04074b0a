"""Quadratics plus ridge functions of w = (z, x), with exact derivatives up to the third."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Ridge", "log_cosh"]

Array = np.ndarray


def log_cosh(u: Array) -> Array:
    """log cosh without overflow."""
    a = np.abs(u)
    return a + np.log1p(np.exp(-2 * a)) - np.log(2.0)


@dataclass
class Ridge:
    """w'Qw/2 + q'w + sum over k of c_k log cosh(a_k'w + b_k).

    Attributes
    ----------
    Q : (n, n) symmetric array; q : (n,) array
    A : (m, n) array of rows a_k; b, c : (m,) arrays
    """

    Q: Array
    q: Array
    A: Array
    b: Array
    c: Array

    @classmethod
    def quadratic(cls, Q: Array, q: Array) -> Ridge:
        """Without ridges."""
        return cls(Q, q, np.zeros((0, len(q))), np.zeros(0), np.zeros(0))

    def value(self, w: Array) -> float:
        """At one point w (n,)."""
        value = w @ (0.5 * (self.Q @ w) + self.q)
        return float(value + self.c @ log_cosh(self.A @ w + self.b)) if len(self.c) else float(value)

    def gradient(self, w: Array) -> Array:
        """(n,)."""
        return self.Q @ w + self.q + self.A.T @ (self.c * np.tanh(self.A @ w + self.b))

    def hessian(self, w: Array) -> Array:
        """(n, n)."""
        slope = np.tanh(self.A @ w + self.b)
        return self.Q + (self.A.T * (self.c * (1 - slope**2))) @ self.A

    def third(self, w: Array, direction: Array) -> Array:
        """Derivative of the Hessian along a direction (n,): (n, n)."""
        slope = np.tanh(self.A @ w + self.b)
        weights = self.c * (-2 * slope * (1 - slope**2)) * (self.A @ direction)
        return (self.A.T * weights) @ self.A
