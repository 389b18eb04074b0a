"""Derivatives of one level from stencils: gradients, matrices of second differences, mixed and third differences.

Every function asks for all its points in one call. ``base`` is the value at (z, x) where it is known; it is one
value more otherwise. Counts below are without it: n is the number of directions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array
from zoba_bench.minimization.implicit.noise import Level, NotFinite

__all__ = ["cross", "gradient", "mixed", "second", "second_and_slopes", "third"]


def _batch(f: Level, z: Array, x: Array, moves: Array, base: float | None) -> tuple[float, Array]:
    """Values at (z, x) + moves (m, p + d), with the one at (z, x) first where it is not known."""
    p = f.p
    if base is None:
        values = f.at(np.vstack([z, z + moves[:, :p]]), np.vstack([x, x + moves[:, p:]]))
        f.seen(float(values[0]))
        return float(values[0]), values[1:]
    return base, f.at(z + moves[:, :p], x + moves[:, p:])


def _signs(f: Level, z: Array, x: Array, reach: float) -> Array:
    """The signs of coordinate steps that stay inside of the bounds."""
    w, high = np.r_[z, x], np.r_[f.high_z, f.high]
    return np.where(w + reach > high, -1.0, 1.0)


def _coordinates(f: Level, part: str) -> NDArray[np.intp]:
    return {"z": np.arange(f.p), "x": np.arange(f.p, f.p + f.d), "zx": np.arange(f.p + f.d)}[part]


def gradient(
    f: Level, z: Array, x: Array, part: str, base: float | None = None, diagonal: Array | None = None
) -> tuple[Array, float]:
    """Gradient along "z", "x" or "zx", and the value at (z, x). n values; 2 n where values are noisy.

    ``diagonal``, the second derivatives where they are known, corrects forward differences.
    """
    rows, h = _coordinates(f, part), f.h1
    while True:
        try:
            return _gradient(f, z, x, rows, h, base, diagonal)
        except NotFinite:
            # An edge of the functions' domain may be nearer than a long step.
            if not f.noisy or h < 1e-4:
                raise
            h /= 8


def _gradient(
    f: Level, z: Array, x: Array, rows: NDArray[np.intp], h: float, base: float | None, diagonal: Array | None
) -> tuple[Array, float]:
    n = len(rows)
    E = np.zeros((n, f.p + f.d))
    sign = _signs(f, z, x, h)[rows]
    if not f.noisy:
        E[np.arange(n), rows] = sign * h
        base, values = _batch(f, z, x, E, base)
        slopes = (values - base) / h
        if diagonal is not None:
            slopes = slopes - h / 2 * diagonal
        return sign * slopes, base
    # Central; where that would leave the box, three points on one side.
    w, low, high = np.r_[z, x][rows], np.r_[f.low_z, f.low][rows], np.r_[f.high_z, f.high][rows]
    room = np.minimum(high - w, w - low)
    inside = room >= h / 4
    step = np.where(inside, np.minimum(h, room), np.minimum(h, np.maximum(high - w, w - low) / 2))
    away = np.where(high - w > w - low, 1.0, -1.0)
    first, other = np.where(inside, step, away * step), np.where(inside, -step, 2 * away * step)
    E[np.arange(n), rows] = first
    moves = np.vstack([E, E])
    moves[np.arange(n, 2 * n), rows] = other
    if base is None and not inside.all():
        base, values = _batch(f, z, x, moves, None)
    else:
        known = 0.0 if base is None else base
        values = _batch(f, z, x, moves, known)[1]
        base = known if base is not None else float(np.mean(values))
    a, b = values[:n], values[n:]
    return np.where(inside, (a - b) / (2 * step), away * (4 * a - b - 3 * base) / (2 * step)), base


def _centre(f: Level, z: Array, x: Array, reach: float) -> tuple[Array, Array]:
    """The point, or the nearest one whose stencil stays inside of the bounds."""

    def shift(w: Array, low: Array, high: Array) -> Array:
        room = np.minimum(reach, (high - low) / 2)
        moved: Array = np.clip(w, low + room, high - room)
        return moved

    return shift(z, f.low_z, f.high_z), shift(x, f.low, f.high)


def second(f: Level, z: Array, x: Array, S: Array, base: float | None = None) -> Array:
    """Second derivatives along all pairs of the rows of S (n, p + d), as a symmetric matrix (n, n).

    n (n + 3) / 2 values; n^2 + n where values are noisy.
    """
    return second_and_slopes(f, z, x, S, base)[0]


def second_and_slopes(
    f: Level, z: Array, x: Array, S: Array, base: float | None = None
) -> tuple[Array, Array | None, float]:
    """:func:`second`, with the slopes along the rows of S (n,) and the value at (z, x).

    The slopes cost nothing more; None where values are noisy, or the stencil was moved inside of the bounds.
    """
    n, h = len(S), f.h2 if S[:, f.p :].any() else f.h2_z
    upper = np.triu_indices(n)
    reach = h * (1 if np.count_nonzero(S) == n and f.noisy else 2) * float(np.abs(S).max(initial=0.0))
    z_c, x_c = _centre(f, z, x, reach)
    moved = False
    if (z_c != z).any() or (x_c != x).any():
        z, x, base, moved = z_c, x_c, None, True
    M, slopes = np.zeros((n, n)), None
    if not f.noisy:
        moves = h * np.vstack([S, S[upper[0]] + S[upper[1]]])
        base, values = _batch(f, z, x, moves, base)
        one = values[:n]
        M[upper] = (values[n:] - one[upper[0]] - one[upper[1]] + base) / h**2
        if not moved:
            slopes = (one - base) / h - h / 2 * np.diag(M)
    else:
        upper = np.triu_indices(n, 1)
        pairs = S[upper[0]] + S[upper[1]]
        moves = h * np.vstack([S, -S, pairs, -pairs])
        base, values = _batch(f, z, x, moves, base)
        m = len(pairs)
        single = values[:n] + values[n : 2 * n] - 2 * base
        double = values[2 * n : 2 * n + m] + values[2 * n + m :] - 2 * base
        M[upper] = (double - single[upper[0]] - single[upper[1]]) / (2 * h**2)
        M[np.arange(n), np.arange(n)] = single / h**2
    return np.triu(M) + np.triu(M, 1).T, slopes, base


def mixed(f: Level, z: Array, x: Array, a: Array, part: str, base: float | None = None, *, four: bool = False) -> Array:
    """Second derivatives along the unit vector a (p,) of z and each coordinate of "z" or "x".

    2 n + 1 values; 4 n where values are noisy, or with ``four``, which is more accurate.
    """
    rows = _coordinates(f, part)
    n, p = len(rows), f.p
    central = four or f.noisy
    h = f.h2 if f.noisy or not four else f.h4
    sign = _signs(f, z, x, 2 * h)[rows]
    E = np.zeros((n, p + f.d))
    E[np.arange(n), rows] = h
    A = np.zeros(p + f.d)
    A[:p] = h * a
    reach = h * (np.abs(a) + (part == "z"))
    inward = np.clip(z, np.minimum(f.low_z + reach, f.high_z), np.maximum(f.high_z - reach, f.low_z))
    if (np.abs(inward - z) > 0)[a != 0].any():
        z, base = np.where(a != 0, inward, z), None
    if central:
        room = np.r_[f.high_z, f.high][rows] - np.r_[z, x][rows]
        below = np.r_[z, x][rows] - np.r_[f.low_z, f.low][rows]
        near = np.minimum(room, below) < h
        if near.any():  # one-sided along that coordinate: from the point itself
            up = np.where(near[:, None], np.where((room > below)[:, None], E, 0.0), E)
            down = np.where(near[:, None], np.where((room > below)[:, None], 0.0, E), E)
        else:
            up = down = E
        values = _batch(f, z, x, np.vstack([A + up, A - down, -A + up, -A - down]), 0.0)[1].reshape(4, n)
        width = np.where(near, 2 * h**2, 4 * h**2)
        row: Array = (values[0] - values[1] - values[2] + values[3]) / width
        return row
    E *= sign[:, None]
    base, values = _batch(f, z, x, np.vstack([A, A + E, E]), base)
    mixed_row: Array = sign * (values[1 : n + 1] - values[0] - values[n + 1 :] + base) / h**2
    return mixed_row


def cross(f: Level, z: Array, x: Array, base: float | None = None) -> Array:
    """C = G_xz, shape (d, p). p + d + p d values; 4 p d where values are noisy."""
    p, d, h = f.p, f.d, f.h2
    if f.noisy:
        return np.column_stack([mixed(f, z, x, row, "x") for row in np.eye(p)])
    sign = _signs(f, z, x, 2 * h)
    E = h * np.diag(sign)
    both = (E[p:, None, :] + E[None, :p, :]).reshape(-1, p + d)
    base, values = _batch(f, z, x, np.vstack([E, both]), base)
    one, two = values[: p + d], values[p + d :].reshape(d, p)
    C: Array = (two - one[p:, None] - one[None, :p] + base) / h**2 * sign[p:, None] * sign[None, :p]
    return C


def third(f: Level, z: Array, x: Array, a: Array, S: Array, *, pairs: bool) -> Array:
    """Second derivatives along rows of S (n, p + d) of the derivative along the unit vector a (p,) of z.

    With ``pairs`` a matrix (n, n), for (n + 1) (n + 2) values; else its diagonal (n,), for 4 n + 2 values. Twice
    as many with a matrix where values are noisy: every line is central.
    """
    n, h = len(S), f.h3
    z, x = _centre(f, z, x, 2 * h * float(np.abs(S).max(initial=0.0)))
    A = np.zeros(f.p + f.d)
    A[: f.p] = h * a
    left, right = np.triu_indices(n) if pairs else (np.arange(n), np.arange(n))
    if f.noisy:
        # Central in every direction: the sum over both ends of the pair, minus both ends of its parts.
        sums, gaps = S[left] + S[right], S[left] - S[right]
        lines = h * np.vstack([sums, -sums, gaps, -gaps])
        values = _batch(f, z, x, np.vstack([lines + A, lines - A]), 0.0)[1].reshape(2, 4, -1)
        q = (values[0] - values[1]) / (2 * h)
        entries = (q[0] + q[1] - q[2] - q[3]) / (4 * h**2)
    else:
        moves = h * np.vstack([np.zeros(f.p + f.d), S, S[left] + S[right]])
        pair = _batch(f, z, x, np.vstack([moves, moves + A]), 0.0)[1].reshape(2, -1)
        q = (pair[1] - pair[0]) / h
        entries = (q[1 + n :] - q[1 + left] - q[1 + right] + q[0]) / h**2
    if not pairs:
        return np.asarray(entries, dtype=np.float64)
    M = np.zeros((n, n))
    M[left, right] = entries
    full: Array = np.triu(M) + np.triu(M, 1).T
    return full
