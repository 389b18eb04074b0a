"""Scalar functions that the families are built from, accurate near zero and without overflow.

Planted problems have Psi* = 0: a value computed by subtraction (sqrt(1 + u^2) - 1, 1 - cos u)
would be rounding noise near the optimum, where an accuracy claim is measured. The functions of the
objectives work in place on two temporaries: at a megabyte an array, allocation costs as much as arithmetic.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "PSEUDO_HUBER_THIRD",
    "SECH2_LIPSCHITZ",
    "SIGMOID_SECOND",
    "log_2cosh_half",
    "log_cosh",
    "pseudo_huber",
    "pseudo_huber_first",
    "pseudo_huber_second",
    "sech2",
    "sigmoid",
    "sigmoid_first",
    "sigmoid_second",
]

Array = NDArray[np.float64]

# max |H'''| = max 3|u| / (1 + u^2)^(5/2), at u = 1/2.
PSEUDO_HUBER_THIRD = 48 / (25 * 5**0.5)
# max |d/dr sech^2 r| = max 2 |t| (1 - t^2), at t = tanh r = 1/sqrt 3.
SECH2_LIPSCHITZ = 4 / (3 * 3**0.5)
# max |s''| = max q |1 - 2s| with q = s(1 - s), at s = 1/2 +- 1/sqrt 12.
SIGMOID_SECOND = 1 / (6 * 3**0.5)


def pseudo_huber(u: Array) -> Array:
    """H(u) = sqrt(1 + u^2) - 1, without the subtraction."""
    values = u * u
    root = values + 1
    root = np.sqrt(root, out=root)
    root += 1
    values /= root
    return values


def pseudo_huber_first(u: Array) -> Array:
    """H'(u) = u / sqrt(1 + u^2), at most 1 in absolute value."""
    slope: Array = u / np.sqrt(1 + u * u)
    return slope


def pseudo_huber_second(u: Array) -> Array:
    """H''(u) = (1 + u^2)^(-3/2), in (0, 1]."""
    curvature: Array = (1 + u * u) ** -1.5
    return curvature


def log_2cosh_half(z: Array) -> Array:
    """log(2 cosh(z / 2)) = softplus(z) - z / 2.

    ``log(1 + e)`` is four times faster than ``log1p(e)`` and as accurate here: the result is at least log 2.
    """
    values = np.abs(z)
    tail = np.exp(-values)
    tail += 1
    values *= 0.5
    values += np.log(tail, out=tail)
    return values


def log_cosh(r: Array) -> Array:
    """log cosh r, to relative accuracy: log1p(2 sinh^2(r/2)), continued linearly beyond |r| = 40."""
    beyond = np.abs(r)
    values = np.minimum(beyond, 40.0)
    beyond -= values
    values *= 0.5
    values = np.sinh(values, out=values)
    values *= values
    values *= 2
    values = np.log1p(values, out=values)
    values += beyond
    return values


def sech2(r: Array) -> Array:
    """sech^2 r = 4 e / (1 + e)^2 with e = exp(-2|r|)."""
    tail = np.exp(-2 * np.abs(r))
    values: Array = 4 * tail / (1 + tail) ** 2
    return values


def sigmoid(z: Array) -> Array:
    """1 / (1 + exp(-z)) = (1 + tanh(z/2)) / 2."""
    values: Array = 0.5 + 0.5 * np.tanh(0.5 * z)
    return values


def sigmoid_first(z: Array) -> Array:
    """s' = s (1 - s), in (0, 1/4]."""
    return 0.25 * sech2(0.5 * z)


def sigmoid_second(z: Array) -> Array:
    """s'' = s' (1 - 2s)."""
    values: Array = -sigmoid_first(z) * np.tanh(0.5 * z)
    return values
