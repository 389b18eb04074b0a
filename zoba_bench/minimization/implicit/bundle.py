"""Descent on a function with kinks from values and slopes: the greatest of its linear pieces plus one curvature.

A bundle method (Lemarechal 1975, Kiwiel 1990): each point gives a piece f_i + g_i'(x - x_i) + (x - x_i)'B(x - x_i)/2,
the model is the greatest of them, and its minimiser is the next point. The curvature B is shared, so that the minimum
of a function whose pieces are quadratics of one Hessian is found as soon as its pieces have been seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.minimization.implicit.noise import weyl

__all__ = ["Found", "descend", "least_convex_combination"]

#: Shares of ``near``: how far points are moved aside, and a step that needs not be taken.
_BESIDE, _SHORT = 0.02, 0.1
_ACTIVE = 0.02  # weight of a piece that counts


@dataclass(frozen=True)
class Found:
    """Where a search ended.

    Attributes
    ----------
    s : (n,) array; value : the lowest value and its point.
    promised : decrease that the model still promises.
    jump : how much the slope jumps at the lowest point; 0 where one piece is enough.
    """

    s: Array
    value: float
    promised: float
    jump: float


def descend(
    function: Callable[[Array], tuple[float, Array]], n: int, B: Array, radius: float, enough: float, near: float,
    most: int,
) -> Found:  # fmt: skip
    """Lower a function of s (n,) from 0.

    Parameters
    ----------
    function : callable(s) -> value and slopes (n,); NaN where there is none
    B : (n, n) positive semidefinite
    radius : longest first step
    enough : stop where the model promises no more than this
    near : length of the steps to both sides of the lowest point that look for a kink
    most : evaluations
    """
    # Differences at a kink are slopes of nothing: every point is moved by a little, a new one each time.
    y = _BESIDE * near * weyl(n, 11)
    best, g = function(y)
    points, values, slopes = [y], [best], [g]
    promised, weights = np.inf, np.ones(1)
    for _ in range(most - 1):
        away = y - np.array(points)
        pull = away @ B
        # Each piece at y: its value, and its slope there.
        at = np.array(values) + np.vecdot(np.array(slopes), away) + 0.5 * np.vecdot(pull, away)
        at = np.minimum(at, best)
        C = np.array(slopes) + pull
        step, promised, weights, held = _step(B, at - best, C, radius)
        # Moving the points aside leaves a promise across a kink for ever, but only short steps.
        if not held and (promised <= enough or float(np.linalg.norm(step)) <= _SHORT * near):
            break
        if promised <= 1e-3 * enough or radius < 1e-3 * near:
            break
        step = step + _BESIDE * near * weyl(n, 11 + len(points))
        value, g = function(y + step)
        if not np.isfinite(value):
            radius = float(np.linalg.norm(step)) / 4
            continue
        points.append(y + step)
        values.append(value)
        slopes.append(g)
        ratio = (best - value) / promised
        if ratio > 0.7 and held:
            radius *= 3
        elif ratio < 0:
            radius = max(radius, float(np.linalg.norm(step))) / 2
        if value < best:
            y, best = y + step, value
    return Found(y, best, promised, _jump(function, y, np.array(slopes)[: len(weights)], weights, near))


def _jump(
    function: Callable[[Array], tuple[float, Array]], y: Array, slopes: Array, weights: Array, near: float
) -> float:
    """How much the slope jumps at y along the direction in which the active pieces differ most: four evaluations.

    What curvature changes shrinks with the distance of the two sides, a jump does not.
    """
    active = slopes[weights > _ACTIVE]
    if len(active) < 2:
        return 0.0
    across = np.linalg.svd(active - active.mean(axis=0))[2][0]
    far, close = (
        float((function(y + length * across)[1] - function(y - length * across)[1]) @ across)
        for length in (near, near / 4)
    )
    jump = (4 * close - far) / 3
    return jump if np.isfinite(jump) else 0.0


def _step(B: Array, a: Array, C: Array, radius: float) -> tuple[Array, float, Array, bool]:
    """The minimiser of s'Bs/2 + max(a + C s) within the radius, the promised decrease, and the pieces' weights."""
    values, vectors = np.linalg.eigh((B + B.T) / 2)
    size = float(np.abs(C).max()) or 1.0
    least = 1e-4 * size / radius
    added = least
    for _ in range(60):
        root = vectors / np.sqrt(np.maximum(values, 0.0) + added)
        D = C @ root
        weights = least_convex_combination(D @ D.T, a)
        s = -root @ (weights @ D)
        long = float(np.linalg.norm(s)) > radius
        if not long:
            break
        added *= 4
    held = added > least
    promised = -float(np.max(a + C @ s) + 0.5 * s @ B @ s)
    return s, promised, weights, held


def least_convex_combination(Q: Array, a: Array) -> Array:
    """The weights w >= 0 of sum 1 (m,) that minimise w'Qw/2 - a'w, for Q (m, m) positive semidefinite.

    An active-set method: the weights of the active pieces solve a linear system, pieces enter by the multiplier's
    sign, and leave where their weight would become negative.
    """
    m = len(a)
    scale = float(np.abs(np.diag(Q)).max(initial=0.0)) + float(np.abs(a).max(initial=0.0)) or 1.0
    Q, a = Q / scale + 1e-13 * np.eye(m), a / scale
    start = int(np.argmin(0.5 * np.diag(Q) - a))
    active, w = [start], np.zeros(m)
    w[start] = 1.0
    for _ in range(10 * m + 10):
        k = len(active)
        K = np.ones((k + 1, k + 1))
        K[:k, :k], K[k, k] = Q[np.ix_(active, active)], 0.0
        solved = np.linalg.lstsq(K, np.append(a[active], 1.0), rcond=None)[0][:k]
        if (solved > 0).all():
            w = np.zeros(m)
            w[active] = solved
            multiplier = Q @ w - a
            level = float(multiplier[active] @ solved)
            new = int(np.argmin(multiplier))
            if multiplier[new] >= level - 1e-12 or new in active:
                break
            active.append(new)
            continue
        old = w[active]
        falling = solved <= 0
        t = float(np.min(old[falling] / np.maximum(old[falling] - solved[falling], 1e-300)))
        moved = np.maximum(old + t * (solved - old), 0.0)
        w = np.zeros(m)
        w[active] = moved
        first = int(np.flatnonzero(falling)[np.argmin(moved[falling])])
        active.pop(first)
        if not active:
            active = [start]
    shares: Array = w / w.sum()
    return shares
