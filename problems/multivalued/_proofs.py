"""Symbolic forms and proofs of families outside the assumptions.

This module imports sympy: load it inside functions only.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

from zoba_bench.arrays import Array
from zoba_bench.problem.symbolic import Symbolic

from .._base.checks import by_terms, identities
from .._base.symbols import matrix, norm, reals

if TYPE_CHECKING:
    from zoba_bench.certification.certificate import Check

__all__ = [
    "box_proofs",
    "box_symbols",
    "lls_proofs",
    "lls_symbols",
    "minmax_proofs",
    "minmax_symbols",
    "rank_one_symbols",
    "sine_proofs",
    "sine_symbols",
]


def lls_symbols(d: int) -> Symbolic:
    """The merely convex lower level at its optimistic choice; the adjoint is the one of least norm."""
    z, x = reals("z", 2 * d), reals("x", d)
    y1, y2 = z[:d], z[d:]
    terms = [(e - 1) ** 2 / 2 for e in x]
    ones = dict.fromkeys(("L_zz", "L_xz", "m_zz", "m_xz", "m_xx", "L_Psi"), sp.Integer(1))
    return Symbolic(
        z=z,
        x=x,
        inner=sum(e**2 / 2 - w * e for e, w in zip(y1, x, strict=True)),
        outer=sum((w - e) ** 2 / 2 for e, w in zip(y2, x, strict=True)) + sum((e - 1) ** 2 / 2 for e in y1),
        inner_solution=[*x, *x],
        adjoint=[*(1 - e for e in x), *([sp.Integer(0)] * d)],
        hypergradient=[e - 1 for e in x],
        value=sum(terms),
        minimizer=[sp.Integer(1)] * d,
        minimum=sp.Integer(0),
        excess=terms,
        constants={**ones, "k_z": sp.sqrt(2)},
        region="the optimistic choice y2 = x",
    )


def lls_proofs() -> list[Check]:
    """Coordinate by coordinate: the set of solutions, the choice, and what freezing y2 does."""
    y1, y2, x = sp.symbols("y1 y2 x", real=True)
    F = (x - y2) ** 2 / 2 + (y1 - 1) ** 2 / 2
    return [
        by_terms(
            "lower level: the set of solutions is y1 = x",
            y1**2 / 2 - x * y1 + x**2 / 2,
            [(y1 - x) ** 2 / 2],
            "G - min G = |y1-x|^2/2, y2 free",
        ),
        by_terms(
            "optimistic choice y2 = x", F.subs(y1, x) - (x - 1) ** 2 / 2, [(x - y2) ** 2 / 2], "F - Psi at y1 = x"
        ),
        identities("y2 frozen", [sp.diff(F.subs(y1, x), x).subs(x, (1 + y2) / 2)], "stationary at x = (1+y2)/2"),
    ]


def rank_one_symbols(A: Array, B: Array, t: Array, lam: float) -> Symbolic:
    """p = 2, A = u w': with B = |w|^2 u g' + u_ h' and t = tau w + s w_ (u_, w_ turned by a right angle), J = w g'.

    Every B and t is of that form.
    """
    left, singular, right = np.linalg.svd(A)
    values: dict[Any, float] = {}
    rows, columns = left[:, 0] * singular[0], right[0]

    def turned(pair: Any) -> Any:
        return [-pair[1], pair[0]]

    u, w = matrix("u", rows[:, None], values), matrix("w", columns[:, None], values)
    d = B.shape[1]
    g = matrix("g", (rows @ B / (rows @ rows))[:, None], values)
    h = matrix("h", (np.array(turned(rows)) @ B / (rows @ rows))[:, None], values)
    tau, s = sp.symbols("tau s", real=True)
    weight = sp.Symbol("lam", positive=True)
    values.update({tau: float(columns @ t), s: float(np.array(turned(columns)) @ t), weight: lam})
    z, x = sp.Matrix(reals("z", 2)), sp.Matrix(reals("x", d))
    uu, ww, gg = u.dot(u), w.dot(w), g.dot(g)
    cross = ww * u * g.T + sp.Matrix(turned(u)) * h.T
    target = tau * w + s * sp.Matrix(turned(w))
    residual = u * w.dot(z) - cross * x
    off = g.dot(x) - tau
    best = g * ww * tau / (weight + ww * gg)
    return Symbolic(
        z=list(z),
        x=list(x),
        inner=residual.dot(residual) / 2,
        outer=(z - target).dot(z - target) / 2 + weight * x.dot(x) / 2,
        inner_solution=list(w * off + target),
        adjoint=list(-w * off / (uu * ww)),
        hypergradient=list(ww * g * off + weight * x),
        value=ww * off**2 / 2 + weight * x.dot(x) / 2,
        parameters=values,
        minimizer=list(best),
        minimum=ww * tau**2 * weight / (weight + ww * gg) / 2,
        excess=[ww * g.dot(x - best) ** 2 / 2, *(weight * e**2 / 2 for e in x - best)],
        constants={
            "L_zz": uu * ww,
            "L_xz": uu * ww * sp.sqrt(ww * gg),  # B'A = |w|^2 |u|^2 g w'
            "m_zz": sp.Integer(1),
            "m_xx": weight,
            "k_z": sp.sqrt(ww * gg),
            "L_Psi": ww * gg + weight,
        },
        region="the optimistic choice z* = Jx + (I - A^+A)t",
    )


def sine_symbols(p: int, a: float, c: float, level: float) -> Symbolic:
    """The sine lower level where the chosen level is 2 pi k - pi/2, that of the minimiser."""
    z, x = reals("z", p), sp.Symbol("x_1", real=True)
    centre, shift = sp.symbols("a c", real=True)
    k = sp.Symbol("k", integer=True)
    C = 2 * sp.pi * k - sp.pi / 2
    gap = C - x - centre
    best = ((1 - p) * centre + p * C) / (1 + p)
    root, slope = sp.sqrt(p), 2 * sp.pi * sp.sqrt(p)
    return Symbolic(
        z=z,
        x=[x],
        inner=sum(sp.sin(x + e - shift) for e in z),
        outer=(x - centre) ** 2 + sum((e - centre - shift) ** 2 for e in z),
        inner_solution=[C + shift - x] * p,
        adjoint=[-2 * gap] * p,
        hypergradient=[2 * (x - centre) - 2 * p * gap],
        value=(x - centre) ** 2 + p * gap**2,
        parameters={centre: a, shift: c, k: float(round((level + math.pi / 2) / (2 * math.pi)))},
        minimizer=[best],
        minimum=p * (C - 2 * centre) ** 2 / (p + 1),
        excess=[(p + 1) * (x - best) ** 2],
        constants={
            "L_zz": sp.Integer(1),
            "L_xz": root,
            "L_xx": sp.Integer(p),
            "H": sp.sqrt(2) * (1 + p),
            "H_zx": root,
            "H_xx": sp.Integer(p),
            "C_z": slope,
            "R": slope,
            "C_x": 2 * (sp.Abs(C - 2 * centre) + sp.pi),
            "k_z": root,
            "k_v": 2 * root,
            "L_Psi": sp.Integer(2 + 2 * p),
        },
        region="where the level nearest to x + a is that nearest to 2a",
    )


def sine_proofs() -> list[Check]:
    """The lower level, and the minimum over x and over every choice of one level a coordinate."""
    half, y, total = sp.symbols("s y S", real=True)
    n = sp.Symbol("n", positive=True)
    spread, excess = sp.symbols("spread excess", nonnegative=True)
    # y = x - a, D_i = C_i - 2a, S = sum D_i, Q = sum D_i^2: n Q - S^2 = spread >= 0 (Cauchy-Schwarz) and
    # Q = n delta^2 + excess with delta the least |D_i| of all levels.
    squares = (total**2 + spread) / n
    least = (squares - excess) / n
    objective = y**2 + squares - 2 * y * total + n * y**2
    return [
        by_terms(
            "lower level: sin(u) >= -1",
            1 + sp.sin(2 * half - sp.pi / 2),
            [2 * sp.sin(half) ** 2],
            "1 + sin(u) = 2 sin^2((u + pi/2)/2), zero at u = -pi/2 + 2 k pi only",
        ),
        by_terms(
            "global minimum over x and all levels",
            objective - n * least / (n + 1),
            [(n + 1) * (y - total / (n + 1)) ** 2, excess / (n + 1), spread / (n + 1)],
            "F - p delta^2/(p+1): a square, the excess over the nearest level, Cauchy-Schwarz over the coordinates",
        ),
    ]


def box_symbols() -> Symbolic:
    """The two objectives; Psi, which jumps, is left to the family's own checks."""
    z, x = sp.Symbol("z_1", real=True), sp.Symbol("x_1", real=True)
    return Symbolic(z=[z], x=[x], inner=-sp.sin(x * z), outer=x + x * z, region="X and Z")


def box_proofs() -> list[Check]:
    """Psi = x + pi/2 - 2 pi k on the k-th piece: its least value is at the left end of the last piece inside X."""
    half = sp.Symbol("s", real=True)
    lower = by_terms(
        "lower level: -sin(u) >= -1",
        1 - sp.sin(2 * half + sp.pi / 2),
        [2 * sp.sin(half) ** 2],
        "1 - sin(u) = 2 sin^2((u - pi/2)/2), zero at u = pi/2 - 2 k pi only",
    )
    k = sp.Symbol("k", integer=True, positive=True)
    left = k * sp.pi - sp.pi / 4
    best = -11 * sp.pi / 4
    ends = [(sp.Integer(1), 1 + sp.pi / 2)]
    ends += [(left.subs(k, j), sp.expand(left.subs(k, j) + sp.pi / 2 - 2 * sp.pi * j)) for j in (1, 2, 3)]
    outside = left.subs(k, 4) - 10
    return [
        lower,
        identities(
            "the solution pi/2 - 2 k pi enters at z = -2", [(sp.pi / 2 - 2 * sp.pi * k) / left + 2], "x = k pi - pi/4"
        ),
        by_terms("the fourth piece starts outside X", outside, [outside], "15 pi/4 > 10"),
        by_terms(
            "global minimum",
            sum(value - best for _, value in ends),
            [sp.expand(value - best) for _, value in ends],
            "Psi rises on every piece; the least value at its left ends 1, 3 pi/4, 7 pi/4, 11 pi/4 is the last one",
        ),
        identities("minimum", [ends[-1][1] - best, ends[-1][0] - 11 * sp.pi / 4], "Psi(11 pi/4) = -11 pi/4, z = -2"),
    ]


def minmax_symbols(A: Array) -> Symbolic:
    """The bilinear objectives and Psi = |A'x|_1."""
    d, p = A.shape
    values: dict[Any, float] = {}
    coupling = matrix("A", A, values)
    z, x = sp.Matrix(reals("z", p)), sp.Matrix(reals("x", d))
    slopes = coupling.T * x
    terms = [sp.Abs(e) for e in slopes]
    constants = {}
    if d <= 2:
        # F_z = A'x, whatever z is, and F_x = Az, on the ball of radius sqrt p that contains both boxes.
        coupled = norm(coupling)
        constants = {"L_xz": coupled, "m_xz": coupled, **dict.fromkeys(("C_z", "C_x"), coupled * sp.sqrt(p))}
    return Symbolic(
        z=list(z),
        x=list(x),
        inner=-slopes.dot(z),
        outer=slopes.dot(z),
        hypergradient=list(coupling * slopes.applyfunc(sp.sign)),
        value=sum(terms),
        parameters=values,
        minimizer=[sp.Integer(0)] * d,
        minimum=sp.Integer(0),
        excess=terms,
        constants=constants,
        region="a subgradient where an entry of A'x vanishes",
    )


def minmax_proofs() -> list[Check]:
    """One coordinate of the lower level: c z <= |c| for |z| <= 1."""
    c, room = sp.symbols("c room", nonnegative=True)
    return [
        by_terms("lower level, (A'x)_k = c >= 0", c - c * (1 - room), [c * room], "|c| - cz = c room, z = 1 - room"),
        by_terms("lower level, (A'x)_k = -c <= 0", c + c * (room - 1), [c * room], "|c| + cz = c room, z = room - 1"),
    ]
