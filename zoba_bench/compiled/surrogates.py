"""The five estimates of ZOBA and its variants at one point, direction by direction; see their files in ``solvers``.

Coefficients are the functions of :mod:`zoba_bench.estimators`, compiled: what is derived is what runs. Each estimate
gets a level ``(function, data)`` in two arguments, directions (l, p) and (l, d), and writes into

``in_z`` (3, p)   D_z, H v, f_z
``in_x`` (2, d)   C v, f_x

``work_z`` (3, p) and ``work_x`` (2, d) hold query points. ``seen`` counts: evaluations, and values that are no numbers.
This module imports numba: load it late.
"""

from __future__ import annotations

import math
from typing import Any

from zoba_bench import estimators
from zoba_bench.arrays import Array

from .jit import compiled

__all__ = ["hf_zoba", "outer", "zoba", "zoba_mixed"]

central_difference = compiled(estimators.central_difference)
forward_difference = compiled(estimators.forward_difference)
second_difference = compiled(estimators.second_difference)
mixed_difference = compiled(estimators.mixed_difference)
difference_along = compiled(estimators.difference_along)


@compiled
def value(function: Any, data: Any, z: Array, x: Array, seen: Any) -> float:
    """One evaluation, counted."""
    found = float(function(z, x, data))
    seen[0] += 1
    if not math.isfinite(found):
        seen[1] += 1
    return found


@compiled
def moved(into: Array, point: Array, radius: float, direction: Array) -> None:
    """into = point + radius direction."""
    for j in range(len(point)):
        into[j] = point[j] + radius * direction[j]


@compiled
def add(total: Array, coefficient: float, direction: Array) -> None:
    """total += coefficient direction."""
    for j in range(len(total)):
        total[j] += coefficient * direction[j]


@compiled
def dot(a: Array, b: Array) -> float:
    """a'b."""
    total = 0.0
    for j in range(len(a)):
        total += a[j] * b[j]
    return total


@compiled
def zoba(
    G: Any, g: Any, z: Array, v: Array, x: Array, w: Array, u: Array, w2: Array, radii: Any, in_z: Array, in_x: Array,
    work_z: Array, work_x: Array, seen: Any,
) -> None:  # fmt: skip
    """Those of ``zoba`` and ``zoba-tuned``."""
    h, eta = radii[0], radii[1]
    plus, minus, x_plus, x_minus = work_z[0], work_z[1], work_x[0], work_x[1]
    centre, mean, l = value(G, g, z, x, seen), 0.0, len(w)
    for i in range(l):
        moved(plus, z, h, w[i])
        moved(minus, z, -h, w[i])
        moved(x_plus, x, eta, u[i])
        moved(x_minus, x, -eta, u[i])
        g_plus, g_minus = value(G, g, plus, x, seen), value(G, g, minus, x, seen)
        both_plus, both_minus = value(G, g, plus, x_plus, seen), value(G, g, minus, x_minus, seen)
        wv = dot(w[i], v)
        second = second_difference(g_plus, g_minus, centre, h, h)
        mean += second
        add(in_z[0], central_difference(g_plus, g_minus, h), w[i])
        add(in_z[1], second * wv, w[i])
        add(in_x[0], second_difference(both_plus, both_minus, centre, h, eta) * wv, u[i])
    for j in range(len(z)):
        in_z[0, j] /= l
        in_z[1, j] = in_z[1, j] / l - mean / l * v[j]
    for j in range(len(x)):
        in_x[0, j] /= l


@compiled
def zoba_mixed(
    G: Any, g: Any, z: Array, v: Array, x: Array, w: Array, u: Array, w2: Array, radii: Any, in_z: Array, in_x: Array,
    work_z: Array, work_x: Array, seen: Any,
) -> None:  # fmt: skip
    """Those of ``zoba-mixed``."""
    h, eta = radii[0], radii[1]
    z_w, other, x_u = work_z[0], work_z[1], work_x[0]
    centre, l = value(G, g, z, x, seen), len(w)
    for i in range(l):
        moved(z_w, z, h, w[i])
        moved(other, z, -h, w[i])
        moved(x_u, x, eta, u[i])
        g_plus, g_minus = value(G, g, z_w, x, seen), value(G, g, other, x, seen)
        g_u, g_w_u = value(G, g, z, x_u, seen), value(G, g, z_w, x_u, seen)
        moved(other, z, h, w2[i])
        g_w2 = value(G, g, other, x, seen)
        moved(other, z_w, h, w2[i])
        g_w_w2 = value(G, g, other, x, seen)
        wv = dot(w[i], v)
        add(in_z[0], central_difference(g_plus, g_minus, h), w[i])
        add(in_z[1], mixed_difference(g_w_w2, g_plus, g_w2, centre, h, h) * wv, w2[i])
        add(in_x[0], mixed_difference(g_w_u, g_plus, g_u, centre, h, eta) * wv, u[i])
    for j in range(len(z)):
        in_z[0, j] /= l
        in_z[1, j] /= l
    for j in range(len(x)):
        in_x[0, j] /= l


@compiled
def hf_zoba(
    G: Any, g: Any, z: Array, v: Array, x: Array, w: Array, u: Array, w2: Array, radii: Any, in_z: Array, in_x: Array,
    work_z: Array, work_x: Array, seen: Any,
) -> None:  # fmt: skip
    """Those of ``hf-zoba`` and ``hf-zoba-shared``; a negative step along v is divided by max(1, |v|)."""
    h, eta, h_bar = radii[0], radii[1], radii[2]
    if h_bar < 0:
        h_bar = -h_bar / max(1.0, math.sqrt(dot(v, v)))
    z_v, z_w, x_u = work_z[0], work_z[1], work_x[0]
    moved(z_v, z, h_bar, v)
    centre, centre_v, l = value(G, g, z, x, seen), value(G, g, z_v, x, seen), len(w)
    for i in range(l):
        moved(x_u, x, eta, u[i])
        moved(z_w, z, h, w[i])
        along_w = forward_difference(value(G, g, z_w, x, seen), centre, h)
        along_u = forward_difference(value(G, g, z, x_u, seen), centre, eta)
        moved(z_w, z_v, h, w[i])
        along_w_v = forward_difference(value(G, g, z_w, x, seen), centre_v, h)
        along_u_v = forward_difference(value(G, g, z_v, x_u, seen), centre_v, eta)
        add(in_z[0], along_w, w[i])
        add(in_z[1], difference_along(along_w_v, along_w, h_bar), w[i])
        add(in_x[0], difference_along(along_u_v, along_u, h_bar), u[i])
    for j in range(len(z)):
        in_z[0, j] /= l
        in_z[1, j] /= l
    for j in range(len(x)):
        in_x[0, j] /= l


@compiled
def outer(
    F: Any, f: Any, z: Array, x: Array, w: Array, u: Array, radii: Any, in_z: Array, in_x: Array, work_z: Array,
    work_x: Array, seen: Any,
) -> None:  # fmt: skip
    """f_z and f_x, which all of them share."""
    h, eta = radii[0], radii[1]
    centre, l = value(F, f, z, x, seen), len(w)
    for i in range(l):
        moved(work_z[0], z, h, w[i])
        moved(work_x[0], x, eta, u[i])
        add(in_z[2], forward_difference(value(F, f, work_z[0], x, seen), centre, h), w[i])
        add(in_x[1], forward_difference(value(F, f, z, work_x[0], seen), centre, eta), u[i])
    for j in range(len(z)):
        in_z[2, j] /= l
    for j in range(len(x)):
        in_x[1, j] /= l
