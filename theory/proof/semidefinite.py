"""Search for the smallest bound over the weights of a Lyapunov function: a small semidefinite program.

Minimise c'x + t over weights x >= 0 with offset + sum x_i M_i + t e e' >= 0, e the last unit vector. The
minimum is approached by Newton's method along the central path; what it finds is only a proposal, which is
verified elsewhere in exact arithmetic.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve, cholesky

from zoba_bench.arrays import Array

__all__ = ["smallest_bound"]


_STEPS = 60


def _barrier(x: Array, t: float, matrices: Array, offset: Array | float = 0.0) -> tuple[float, Array, Array] | None:
    """Value, gradient and Hessian of -log det M(x, t) - sum log x; None outside the domain."""
    if np.any(x <= 0):
        return None
    whole = offset + np.tensordot(x, matrices[:-1], axes=1) + t * matrices[-1]
    try:
        factor = cholesky(whole, lower=True)
    except LinAlgError:
        return None
    inverse = cho_solve((factor, True), np.eye(len(whole)))
    products = inverse @ matrices
    gradient = -np.trace(products, axis1=1, axis2=2)
    hessian = np.einsum("iab,jba->ij", products, products)
    gradient[:-1] -= 1 / x
    hessian[np.arange(len(x)), np.arange(len(x))] += 1 / x**2
    value = -2 * np.log(np.diag(factor)).sum() - np.log(x).sum()
    return float(value), gradient, hessian


def _feasible(matrices: Array, count: int) -> Array | None:
    """Weights with P(x) > 0: maximise s subject to P(x) - s diag(scale) >= 0, x >= 0, sum x = 1."""
    inner = matrices[:count, :-1, :-1]
    scale = np.maximum(np.abs(np.diagonal(inner, axis1=1, axis2=2)).max(axis=0), 1e-300)
    balance = 1 / np.sqrt(scale)
    inner = inner * balance[:, None] * balance
    x = np.full(count, 1.0)
    slack = float(np.linalg.eigvalsh(np.tensordot(x, inner, axes=1))[0]) - 1.0
    stacked = np.concatenate([inner, -np.eye(len(balance))[None]])
    sharpness = 1.0
    for _ in range(8 * _STEPS):
        if slack > 1e-9 and np.linalg.eigvalsh(np.tensordot(x, inner, axes=1))[0] > 1e-9:
            return x
        found = _barrier(x, slack, stacked)
        assert found is not None
        _, gradient, hessian = found
        # The total is kept in bounds by one more barrier term, -log(2 count - sum x).
        room = 2 * count - x.sum()
        gradient[:-1] += 1 / room
        hessian[:-1, :-1] += 1 / room**2
        gradient[-1] -= sharpness
        step = -np.linalg.solve(hessian, gradient)
        decrement = float(-gradient @ step)
        length = 1.0 if decrement < 0.25 else 1 / (1 + np.sqrt(decrement))
        while True:
            there, height = x + length * step[:-1], slack + length * step[-1]
            if there.sum() < 2 * count and _barrier(there, height, stacked) is not None:
                break
            length /= 2
            if length < 1e-12:
                return None
        x, slack = there, float(height)
        if decrement < 1e-6:
            if sharpness > 1e9:
                return None
            sharpness *= 8
    return None


def smallest_bound(cost: Array, matrices: Array, offset: Array) -> Array | None:
    """Weights at which the bound is smallest, or None where none are feasible.

    Parameters
    ----------
    cost : (n,) non-negative costs of the weights.
    matrices : (n, m, m) symmetric.
    offset : (m, m) symmetric, negative semidefinite, with zeros in its last row.
    """
    # Units in which every matrix is of order one, or weights far apart would be lost to rounding.
    diagonals = np.abs(np.diagonal(matrices[:, :-1, :-1], axis1=1, axis2=2))
    units = np.ones(len(cost))
    for _ in range(20):
        balance = np.maximum((units[:, None] * diagonals).max(axis=0), 1e-300)
        # Blocks that do not touch would drift apart without an end.
        units = np.clip(1 / np.maximum((diagonals / balance).max(axis=1), 1e-300), 1e-15, 1e15)
    found = _smallest(cost * units, matrices * units[:, None, None], offset)
    return None if found is None else found * units


def _smallest(cost: Array, matrices: Array, offset: Array) -> Array | None:
    """:func:`smallest_bound` in balanced units."""
    count, size = len(cost), matrices.shape[1]
    x = _feasible(matrices, count)
    if x is None:
        return None
    # P(x) > 0 needs a large enough x beside the offset.
    inner = np.tensordot(x, matrices, axes=1)[:-1, :-1]
    x = x * 4 * max(float(-np.trace(np.linalg.solve(inner, offset[:-1, :-1]))), 1e-300)
    last = np.zeros((1, size, size))
    last[0, -1, -1] = 1.0
    stacked = np.concatenate([matrices, last])

    def schur(weights: Array) -> float:
        whole = offset + np.tensordot(weights, matrices, axes=1)
        solved = cho_solve(cho_factor(whole[:-1, :-1]), whole[:-1, -1])
        return float(whole[:-1, -1] @ solved - whole[-1, -1])

    t = schur(x)
    t += abs(t) + float(cost @ x)
    # A weight that costs nothing and couples to nothing would grow without an end.
    cost = cost + 1e-9 * (float(cost @ x) + abs(t)) / x.sum()
    objective = np.append(cost, 1.0)
    sharpness = 1.0 / max(float(cost @ x) + abs(t), 1e-300)
    for _ in range(12 * _STEPS):
        found = _barrier(x, t, stacked, offset)
        if found is None:
            break
        value, gradient, hessian = found
        gradient = gradient + sharpness * objective
        # Balanced, so that least squares drops no direction for its unit.
        balance = 1 / np.sqrt(np.diag(hessian))
        scaled = hessian * np.outer(balance, balance)
        if not np.isfinite(scaled).all():
            break
        step = -balance * np.linalg.lstsq(scaled, balance * gradient, rcond=None)[0]
        decrement = float(-gradient @ step)
        level = value + sharpness * (objective[:-1] @ x + t)
        length = 1.0
        while length > 1e-12:
            there, height = x + length * step[:-1], t + length * step[-1]
            new = _barrier(there, height, stacked, offset)
            if new is not None:
                reached = new[0] + sharpness * (objective[:-1] @ there + height)
                if reached <= level - 0.1 * length * decrement:
                    break
            length /= 2
        else:
            break
        x, t = there, float(height)
        if decrement < 1e-4:
            if (size + count) / sharpness < 1e-5 * (cost @ x + abs(t)):
                break
            sharpness *= 10
    return x
