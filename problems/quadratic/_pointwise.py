"""The objectives of the quadratic families at one point: loops that numba compiles, and that run without it.

Each is the expression of its family, evaluated in the same differences, so that it rounds where that one does. Matrices
are read row by row; the symmetric ones are their own transposes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from zoba_bench.arrays import Array

__all__ = [
    "affine_inner", "chain_inner", "chain_outer", "cross_outer", "reference_inner", "reference_outer", "saddle",
    "tasks_inner", "tasks_outer", "tracking_inner", "tracking_outer",
]  # fmt: skip


def affine_inner(z: Array, x: Array, data: Any) -> float:
    """z'Az/2 + z'(Bx + b), given A/2, B and b."""
    half, B, b = data
    total: float = 0.0
    for i in range(len(z)):
        slope = 0.0
        for j in range(len(z)):
            slope += half[i, j] * z[j]
        offset = 0.0
        for j in range(len(x)):
            offset += B[i, j] * x[j]
        total += (slope + (offset + b[i])) * z[i]
    return total


def cross_outer(z: Array, x: Array, data: Any) -> float:
    """(z-t)'P(z-t)/2 + z'C'x + lam |x-c|^2/2, given P/2, t, C', c and lam/2."""
    half, t, C_T, c, weight = data
    total, cross, size = 0.0, 0.0, 0.0
    for i in range(len(z)):
        slope = 0.0
        for j in range(len(z)):
            slope += half[i, j] * (z[j] - t[j])
        total += slope * (z[i] - t[i])
        mixed = 0.0
        for j in range(len(x)):
            mixed += C_T[i, j] * x[j]
        cross += mixed * z[i]
    for j in range(len(x)):
        size += (x[j] - c[j]) ** 2
    value: float = (total + cross) + weight * size
    return value


def tracking_inner(z: Array, x: Array, data: Any) -> float:
    """(z-Mx)'A(z-Mx)/2, given A/2 and M."""
    half, M = data
    gap = np.empty(len(z))
    total: float = 0.0
    for i in range(len(z)):
        follow = 0.0
        for j in range(len(x)):
            follow += M[i, j] * x[j]
        gap[i] = z[i] - follow
    for i in range(len(z)):
        slope = 0.0
        for j in range(len(z)):
            slope += half[i, j] * gap[j]
        total += slope * gap[i]
    return total


def tracking_outer(z: Array, x: Array, data: Any) -> float:
    """|z-t|^2/2 + lam |x|^2/2, given t and lam/2."""
    t, weight = data
    off, size = 0.0, 0.0
    for i in range(len(z)):
        off += (z[i] - t[i]) ** 2
    for j in range(len(x)):
        size += x[j] ** 2
    value: float = 0.5 * off + weight * size
    return value


def saddle(z: Array, x: Array, data: Any) -> float:
    """sign [lowest + (x-s)'Q(x-s)/2 - (z-Jx)'A(z-Jx)/2], given Q/2, s, A/2, J, lowest and the sign."""
    half_Q, s, half, J, lowest, sign = data
    gap = np.empty(len(z))
    up, down = 0.0, 0.0
    for j in range(len(x)):
        slope = 0.0
        for k in range(len(x)):
            slope += half_Q[j, k] * (x[k] - s[k])
        up += slope * (x[j] - s[j])
    for i in range(len(z)):
        follow = 0.0
        for j in range(len(x)):
            follow += J[i, j] * x[j]
        gap[i] = z[i] - follow
    for i in range(len(z)):
        slope = 0.0
        for j in range(len(z)):
            slope += half[i, j] * gap[j]
        down += slope * gap[i]
    value: float = sign * ((up - down) + lowest)
    return value


def chain_inner(z: Array, x: Array, data: Any) -> float:
    """(z-x)'A(z-x)/2, given A/2."""
    (half,) = data
    total: float = 0.0
    for i in range(len(z)):
        slope = 0.0
        for j in range(len(z)):
            slope += half[i, j] * (z[j] - x[j])
        total += slope * (z[i] - x[i])
    return total


def chain_outer(z: Array, x: Array, data: Any) -> float:
    """minimum + (L0/8) [u_1^2 + sum (u_(i+1) - u_i)^2 + u_d^2] with u = z - x*, given x*, L0/8 and minimum."""
    best, weight, minimum = data
    last = len(z) - 1
    total = (z[0] - best[0]) ** 2 + (z[last] - best[last]) ** 2
    for i in range(last):
        total += ((z[i + 1] - best[i + 1]) - (z[i] - best[i])) ** 2
    value: float = minimum + weight * total
    return value


def tasks_inner(z: Array, x: Array, data: Any) -> float:
    """(z-c)'A(z-c)/2 + lam/2 sum |z_i-x|^2 over the tasks, given A/2, c and lam/2."""
    half, c, weight = data
    total, pull = 0.0, 0.0
    for i in range(len(z)):
        slope = 0.0
        for j in range(len(z)):
            slope += half[i, j] * (z[j] - c[j])
        total += slope * (z[i] - c[i])
        pull += (z[i] - x[i % len(x)]) ** 2
    value: float = total + weight * pull
    return value


def tasks_outer(z: Array, x: Array, data: Any) -> float:
    """(z-s)'P(z-s)/(2T), given P/(2T) and s."""
    half, s = data
    total: float = 0.0
    for i in range(len(z)):
        slope = 0.0
        for j in range(len(z)):
            slope += half[i, j] * (z[j] - s[j])
        total += slope * (z[i] - s[i])
    return total


def reference_inner(z: Array, x: Array, data: Any) -> float:
    """|z-Mx|^2/2 + beta |x|^2/2 with (Mx)_1 = wrap x_n and (Mx)_(i+1) = x_i up to n, given n, wrap and beta/2."""
    n, wrap, weight = data
    gap, size = (z[0] - wrap * x[n - 1]) ** 2, 0.0
    for i in range(1, len(z)):
        follow = x[i - 1] if i < n else 0.0
        gap += (z[i] - follow) ** 2
    for j in range(len(x)):
        size += x[j] ** 2
    value: float = 0.5 * gap + weight * size
    return value


def reference_outer(z: Array, x: Array, data: Any) -> float:
    """sqrt(1+|z-t|^2) + lam sqrt(1+|x|^2), given t and lam."""
    t, weight = data
    off, size = 0.0, 0.0
    for i in range(len(z)):
        off += (z[i] - t[i]) ** 2
    for j in range(len(x)):
        size += x[j] ** 2
    value: float = math.sqrt(1 + off) + weight * math.sqrt(1 + size)
    return value
