"""Symbolic forms of the SMD problems and of TP9. This module imports sympy: load it inside functions only.

Non-negative symbols stand for what the region makes non-negative; they are replaced by what they stand for before an
identity is checked.
"""

from __future__ import annotations

import itertools
from typing import Any

import sympy as sp

from zoba_bench.problem.symbolic import Symbolic

from .._base.symbols import reals

__all__ = ["smd1_symbols", "smd2_symbols", "smd7_symbols", "tp9_symbols"]


def _squares(symbols: Any) -> Any:
    return sum((s**2 for s in symbols), start=sp.Integer(0))


def _unit(n: int, i: int) -> list[int]:
    return [int(i == k) for k in range(n)]


def _standing(name: str, expressions: list[Any]) -> dict[Any, Any]:
    symbols = sp.symbols(f"{name}_1:{len(expressions) + 1}", nonnegative=True)
    return dict(zip(symbols, expressions, strict=True))


def _griewank(symbols: Any, scale: int) -> tuple[Any, list[Any]]:
    """1 + |y|^2/scale - prod cos(y_i / sqrt i), and non-negative terms that sum to it.

    prod cos is the mean over signs e of cos(sum e_i a_i), and 1 - cos is twice a squared sine.
    """
    angles = [s / sp.sqrt(i) for i, s in enumerate(symbols, start=1)]
    if not angles:
        return sp.Integer(0), []
    signs = list(itertools.product((1, -1), repeat=len(angles) - 1))
    sums = [angles[0] + sum(e * a for e, a in zip(sign, angles[1:], strict=True)) for sign in signs]
    waves = [2 * sp.sin(total / 2) ** 2 / len(signs) for total in sums]
    value = 1 + _squares(symbols) / scale - sp.prod([sp.cos(a) for a in angles])
    return value, [*(s**2 / scale for s in symbols), *waves]


def _coupled(
    p: int, d: int, r: int, *, link: Any, inverse: Any, inner_alone: Any, outer_alone: Any, sign: int
) -> tuple[dict[str, Any], list[Any], list[Any]]:
    """Everything of a Symbolic but strong convexity; also z_2 and x_2.

    ``outer_alone`` gives a function of x_1 and terms that sum to it.
    """
    z, x = reals("z", p), reals("x", d)
    (z_1, z_2), (x_1, x_2) = (z[: p - r], z[p - r :]), (x[: d - r], x[d - r :])
    shared = _squares(z_1) + sum((b - link(s)) ** 2 for s, b in zip(z_2, x_2, strict=True))
    alone, terms = outer_alone(x_1)
    value = alone + _squares(x_2)
    parts = {
        "z": z,
        "x": x,
        "inner": inner_alone(x_1) + shared,
        "outer": value + sign * shared,
        "inner_solution": [sp.Integer(0)] * (p - r) + [inverse(b) for b in x_2],
        "adjoint": [sp.Integer(0)] * p,
        "hypergradient": [sp.diff(alone, s) for s in x_1] + [2 * b for b in x_2],
        "value": value,
        "minimizer": [sp.Integer(0)] * d,
        "minimum": sp.Integer(0),
        "excess": [*terms, *(b**2 for b in x_2)],
    }
    return parts, z_2, x_2


def _sums(symbols: Any) -> tuple[Any, list[Any]]:
    return _squares(symbols), [s**2 for s in symbols]


def smd1_symbols(p: int, d: int, r: int, radius: float) -> Symbolic:
    """G_zz = 2 (1+t^2) (3 (t-b/3)^2 + 1 - b^2/3) for t = tan z_2, b = x_2, with |b| <= radius."""
    parts, z_2, x_2 = _coupled(p, d, r, link=sp.tan, inverse=sp.atan, inner_alone=_squares, outer_alone=_sums, sign=1)
    rho, room = sp.Symbol("rho", positive=True), sp.Symbol("room", positive=True)
    inside = _standing("inside", [rho**2 - b**2 for b in x_2])
    tangents = {sp.Symbol(f"t_{i}", real=True): sp.tan(s) for i, s in enumerate(z_2, start=1)}
    mu, q = 2 * room, p - r
    curvature: list[tuple[Any, list[int]]] = [(2 * rho**2 / 3, _unit(p, i)) for i in range(q)]
    for i, (slack, t, b) in enumerate(zip(inside, tangents, x_2, strict=True)):
        weight = 2 * (1 + t**2) * (3 * (t - b / 3) ** 2 + slack / 3) + 2 * t**2 * room
        curvature.append((weight, _unit(p, q + i)))
    top = sp.tan(rho)
    steep = 2 * (1 + top**2)
    third = 2 * steep * (6 * top**3 + 3 * rho * top**2 + 4 * top + rho)
    return Symbolic(
        **parts,
        parameters={rho: radius},
        mu=mu,
        curvature=curvature,
        substitutions={**inside, **tangents, room: 1 - rho**2 / 3},
        constants={
            "mu": mu,
            "L_zz": steep * (3 * top**2 + 2 * rho * top + 1),
            "L_xz": steep,
            "L_xx": sp.Integer(2),
            "H_zz": third,
            "H_xz": 2 * steep * top,
            "m_xx": sp.Integer(4),
            "k_z": sp.Integer(1),
            "L_Psi": sp.Integer(2),
        },
        region="|x_2i| <= radius < sqrt 3 and z_2 not at a pole",
    )


def _logarithmic(parts: dict[str, Any], z_2: list[Any], x_2: list[Any], p: int, radius: float) -> Symbolic:
    """G_zz = 2 (1+b-log y)/y^2 for y = 1 + z_2 <= e^radius and b = x_2 >= -radius.

    With y = e^radius/(1+s) it is (1+s)^2 (1 - 2 radius + (b + radius) + (radius - log y)) times 2 e^(-2 radius).
    """
    rho, room, gain = (
        sp.Symbol("rho", positive=True),
        sp.Symbol("room", positive=True),
        sp.Symbol("gain", positive=True),
    )
    right = _standing("right", [b + rho for b in x_2])
    below = _standing("below", [rho - sp.log(1 + s) for s in z_2])
    share = _standing("share", [sp.exp(rho) / (1 + s) - 1 for s in z_2])
    r = len(z_2)
    q, scale = p - r, 2 / (1 + gain)
    mu = scale * room
    curvature: list[tuple[Any, list[int]]] = [(scale * (2 * rho + gain), _unit(p, i)) for i in range(q)]
    for i, (s, b, y) in enumerate(zip(share, right, below, strict=True)):
        weight = scale * ((1 + s) ** 2 * (b + y) + room * (2 * s + s**2))
        curvature.append((weight, _unit(p, q + i)))
    high, low = sp.exp(rho), 2 - sp.exp(rho)
    top = -sp.log(low)
    return Symbolic(
        **parts,
        parameters={rho: radius},
        mu=mu,
        curvature=curvature,
        substitutions={**right, **below, **share, room: 1 - 2 * rho, gain: sp.exp(2 * rho) - 1},
        constants={
            "mu": mu,
            "L_zz": 2 * (1 + rho + top) / low**2,
            "L_xz": 2 / low,
            "H_zz": 2 * (3 + 2 * rho + 2 * top) / low**3,
            "H_xz": 2 / low**2,
            "k_z": high,
            "s_z": high,
            "L_Psi": sp.Integer(2),
        },
        region="x_2i >= -radius > -1/2 and 0 < 1 + z_2i <= e^radius",
    )


def _exponential(b: Any) -> Any:
    return sp.exp(b) - 1


def _shifted_log(s: Any) -> Any:
    return sp.log(1 + s)


def smd2_symbols(p: int, d: int, r: int, radius: float) -> Symbolic:
    """z_2 of the paper is 1 + z_2."""
    parts, z_2, x_2 = _coupled(
        p, d, r, link=_shifted_log, inverse=_exponential, inner_alone=_squares, outer_alone=_sums, sign=-1
    )
    return _logarithmic(parts, z_2, x_2, p, radius)


def smd7_symbols(p: int, d: int, r: int, radius: float) -> Symbolic:
    """z_2 of the paper is 1 + z_2."""
    parts, z_2, x_2 = _coupled(
        p,
        d,
        r,
        link=_shifted_log,
        inverse=_exponential,
        inner_alone=lambda symbols: sum((s**3 for s in symbols), start=sp.Integer(0)),
        outer_alone=lambda symbols: _griewank(symbols, 400),
        sign=-1,
    )
    return _logarithmic(parts, z_2, x_2, p, radius)


def tp9_symbols(p: int, d: int, radius: float) -> Symbolic:
    """x of the paper is 1 + x. G_zz = G S (W'' + S W'W''), with W'' as a sum of squares (Lagrange's identity).

    diag(1/i) + diag(t^2/i) - (t_i t_j/sqrt(ij)) = (1 - |t|^2) diag(1/i) + diag(t^2/i) + sum over pairs of squares.
    """
    z, x = reals("z", p), reals("x", d)
    S, (W, _) = sum((1 + e) ** 2 for e in x), _griewank(z, 4000)
    angles = [s / sp.sqrt(i) for i, s in enumerate(z, start=1)]
    tangents = {sp.Symbol(f"t_{i}", real=True): sp.sin(a) / sp.cos(a) for i, a in enumerate(angles, start=1)}
    t = list(tangents)
    rho = sp.Symbol("rho", positive=True)
    names = "low least gain more rest product"
    low, least, gain, more, rest, product = sp.symbols(names, positive=True)
    cosines = sp.prod([sp.cos(a) for a in angles])
    standing = {
        low: (sp.sqrt(d) - rho) ** 2,  # |1+x|^2 is at least this
        least: sp.cos(rho) * (1 - sp.tan(rho) ** 2),  # prod cos (1 - |t|^2) is at least this
        more: S - (sp.sqrt(d) - rho) ** 2,
        gain: sp.exp(W * S) - 1,
        rest: cosines * (1 - _squares(tangents.values())) - sp.cos(rho) * (1 - sp.tan(rho) ** 2),
        product: cosines,
        **tangents,
    }
    mu = low * (sp.Rational(1, 2000) + least / p)
    G, size = 1 + gain, low + more
    curvature: list[tuple[Any, list[Any]]] = [(G * size**2, [sp.diff(W, s) for s in z])]
    for i in range(p):
        weight = sp.Rational(1, i + 1)
        whole = sp.expand(G * size * (sp.Rational(1, 2000) + (least + rest) * weight) - mu)
        curvature += [(whole, _unit(p, i)), (G * size * product * t[i] ** 2 * weight, _unit(p, i))]
        for j in range(i):
            pair = [sp.Integer(0)] * p
            pair[i], pair[j] = t[j] / sp.sqrt(i + 1), -t[i] / sp.sqrt(j + 1)
            curvature.append((G * size * product, pair))
    return Symbolic(
        z=z,
        x=x,
        inner=sp.exp(W * S),
        outer=_squares(z) + _squares(x),
        inner_solution=[sp.Integer(0)] * p,
        adjoint=[sp.Integer(0)] * p,
        hypergradient=[2 * e for e in x],
        value=_squares(x),
        parameters={rho: radius},
        mu=mu,
        curvature=curvature,
        minimizer=[sp.Integer(0)] * d,
        minimum=sp.Integer(0),
        excess=[e**2 for e in x],
        substitutions=standing,
        constants={
            "mu": mu,
            "m_zz": sp.Integer(2),
            "m_xx": sp.Integer(2),
            "C_x": 2 * rho,
            "k_z": sp.Integer(0),
            "R": sp.Integer(0),
            "L_Psi": sp.Integer(2),
        },
        region="|x|, |z| <= radius, where |1+x|^2 and prod cos (1 - |t|^2) have the stated lower bounds",
    )
