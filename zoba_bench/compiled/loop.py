"""Iterations of the single loop in one compiled function. This module imports numba: load it late."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from zoba_bench.arrays import Array

from .jit import compiled
from .surrogates import dot, outer

__all__ = ["iterate"]


@compiled
def rows(drawn: Array, first: int, replicate: int, each: int, l: int, n: int) -> Array:
    """l directions (l, n) of a replicate, of which there are ``each``, in the numbers of an iteration."""
    start = first + replicate * each * n
    found: Array = drawn[start : start + l * n].reshape(l, n)
    return found


@compiled
def copied(into: Array, values: Array) -> None:
    """into = values, (R, n); an assignment of slices takes seconds to compile, for its error message."""
    for r in range(len(values)):
        for j in range(values.shape[1]):
            into[r, j] = values[r, j]


@compiled
def settled(z: Array, v: Array, x: Array, threshold: float) -> bool:
    """Whether no coordinate is beyond the threshold; NaN is."""
    for each in (z, v, x):
        for i in range(len(each)):
            if not abs(each[i]) <= threshold:
                return False
    return True


@compiled
def iterate(
    estimates: Any, G: Any, g: Any, F: Any, f: Any, z: Array, v: Array, x: Array, normals: Array, layout: Any,
    radii: Any, steps: Array, stops: Any, path: Array, norms: Array, counts: Any,
) -> int:  # fmt: skip
    """Up to n ordinary iterations, in place; how many were done.

    It stops before an iteration in which a value is no number, an iterate passes the threshold or the norm of D_x
    comes to the tolerance, and leaves everything as it was before that one.

    Parameters
    ----------
    estimates : a function of ``surrogates``
    G, g, F, f : the functions of one point, and their data
    z, v : (R, p) arrays; x : (R, d) array
    normals : (n, m) array
        Random numbers, a row an iteration.
    layout : (5, 3) int array
        Of w, u, the outer w and u, and the second w in a row: where they start, how many a replicate has, and how many
        are used.
    radii : h, eta, h_bar
    steps : (n, 2) array
        rho and gamma of each iteration.
    stops : threshold, tolerance, and the radius of v, infinite for none
    path : (n, R, d) array
        Gets x at the beginning of each iteration.
    norms : (R,) array
        Gets |D_x| of the last one.
    counts : (2, R) int array
        Gets evaluations of G and F.
    """
    replicates, p, d = len(z), z.shape[1], x.shape[1]
    in_z, in_x, work_z, work_x = np.zeros((3, p)), np.zeros((2, d)), np.zeros((2, p)), np.zeros((2, d))
    z_next, v_next, x_next = np.empty_like(z), np.empty_like(v), np.empty_like(x)
    estimate, seen = np.empty(replicates), np.zeros((2, replicates, 2), dtype=np.int64)
    threshold, tolerance, v_radius = stops
    for i in range(len(normals)):
        rho, gamma = steps[i, 0], steps[i, 1]
        copied(path[i], x)
        seen.fill(0)
        for r in range(replicates):
            in_z.fill(0.0)
            in_x.fill(0.0)
            w = rows(normals[i], layout[0, 0], r, layout[0, 1], layout[0, 2], p)
            u = rows(normals[i], layout[1, 0], r, layout[1, 1], layout[1, 2], d)
            outer_w = rows(normals[i], layout[2, 0], r, layout[2, 1], layout[2, 2], p)
            outer_u = rows(normals[i], layout[3, 0], r, layout[3, 1], layout[3, 2], d)
            w2 = rows(normals[i], layout[4, 0], r, layout[4, 1], layout[4, 2], p)
            estimates(G, g, z[r], v[r], x[r], w, u, w2, radii, in_z, in_x, work_z, work_x, seen[0, r])
            outer(F, f, z[r], x[r], outer_w, outer_u, radii, in_z, in_x, work_z, work_x, seen[1, r])
            square = 0.0
            for j in range(p):
                z_next[r, j] = z[r, j] - rho * in_z[0, j]
                v_next[r, j] = v[r, j] - rho * (in_z[1, j] + in_z[2, j])
            for j in range(d):
                slope = in_x[0, j] + in_x[1, j]
                square += slope * slope
                x_next[r, j] = x[r, j] - gamma * slope
            estimate[r] = math.sqrt(square)
            norm = math.sqrt(dot(v_next[r], v_next[r]))
            if norm > v_radius:
                for j in range(p):
                    v_next[r, j] *= v_radius / norm
            finite = seen[0, r, 1] == 0 and seen[1, r, 1] == 0
            if not (finite and settled(z_next[r], v_next[r], x_next[r], threshold)) or estimate[r] <= tolerance:
                return i
        copied(z, z_next)
        copied(v, v_next)
        copied(x, x_next)
        for r in range(replicates):
            norms[r] = estimate[r]
            counts[0, r] += seen[0, r, 0]
            counts[1, r] += seen[1, r, 0]
    return len(normals)
