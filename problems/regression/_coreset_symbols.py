"""Symbolic forms of the coreset families. This module imports sympy: load it inside functions only."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp

from zoba_bench.arrays import Array
from zoba_bench.certification.certificate import Check
from zoba_bench.problem.symbolic import Symbolic

from .._base.symbols import matrix, reals, vector

__all__ = ["attained_symbols", "bome_checks", "bome_symbols"]


def _length(entries: Any) -> Any:
    return sp.sqrt(sum(e**2 for e in entries))


def _constants(X: Any, target: Any, curvature: Any, steep: Any, free: int) -> dict[str, Any]:
    """Bounds from the diameter of the points, the spread of a unit vector and the farthest point."""
    rows = [X.row(i) for i in range(X.rows)]
    diameter = sp.Max(*[_length(a - b) for i, a in enumerate(rows) for b in rows[:i]])
    farthest = sp.Max(*[_length(a - target.T) for a in rows])
    width = sp.sqrt(2) if free > 1 else sp.Integer(1)
    first, second = width * diameter / 4, width**2 * diameter / 8
    ratio = steep / curvature
    return {
        "mu": curvature,
        "L_zz": curvature,
        "L_xz": curvature * first,
        "H_zx": curvature * second,
        "m_zz": steep,
        "C_z": steep * farthest,
        "R": ratio * farthest,
        "k_z": first,
        "k_v": ratio * first,
        "s_z": second,
        "s_v": ratio * second,
        "L_Psi": steep * (first**2 + farthest * second),
    }


def _symbols(
    X: Any, x: list[Any], weights: list[Any], target: Any, gap: Any, curvature: Any, steep: Any, **more: Any
) -> Symbolic:
    """m(x) = sum of the weights times the points over the sum of the weights; ``gap`` is m - target."""
    n, p = X.shape
    z, total = reals("z", p), sum(weights)
    mean = [sum(w * X[i, k] for i, w in enumerate(weights)) / total for k in range(p)]
    # Dm'(m - w): shares times what the points lie above their mean, along m - w.
    above = [sum((X[i, k] - target[k] - gap[k]) * gap[k] for k in range(p)) for i in range(n)]
    return Symbolic(
        z=z,
        x=x,
        inner=curvature * sum((a - b) ** 2 for a, b in zip(z, mean, strict=True)) / 2,
        outer=steep * sum((a - b) ** 2 for a, b in zip(z, target, strict=True)) / 2,
        inner_solution=mean,
        adjoint=[-steep / curvature * e for e in gap],
        hypergradient=[steep * weights[i] / total * above[i] for i in range(n - len(x), n)],
        value=steep * sum(e**2 for e in gap) / 2,
        mu=curvature,
        constants=_constants(X, target, curvature, steep, len(x)),
        **more,
    )


def bome_symbols(points: Array, target: Array) -> Symbolic:
    """The four points and the target are fixed integers."""
    X, w = sp.Matrix(points.astype(int).tolist()), sp.Matrix(target.astype(int).tolist())
    x = reals("x", len(points))
    weights = [sp.exp(e) for e in x]
    total = sum(weights)
    mean = sp.Matrix([sum(weights[i] * X[i, k] for i in range(4)) / total for k in range(2)])
    # The projection of the target on the segment from the fourth point to the second.
    side = (X.row(1) - X.row(3)).T
    nearest = X.row(3).T + side * side.dot(w - X.row(3).T) / side.dot(side)
    above = [(X.row(i).T - nearest).dot(nearest - w) for i in range(4)]
    steep = sp.Rational(1, 5)
    return _symbols(
        X,
        x,
        weights,
        w,
        mean - w,
        sp.Integer(2),
        steep,
        minimum=steep * (nearest - w).dot(nearest - w) / 2,
        excess=[
            *(steep * (mean[k] - nearest[k]) ** 2 / 2 for k in range(2)),
            *(steep * above[i] * weights[i] / total for i in range(4) if above[i] != 0),
        ],
    )


def bome_checks(symbols: Symbolic) -> list[Check]:
    """Psi tends to the infimum along a curve, and is above it everywhere, as two terms of the excess are positive."""
    t = sp.Symbol("t", positive=True)
    # Shares (0, 4, 0, 1) / 5, those of the nearest point, in the limit of small t = exp(x_1) = exp(x_3).
    curve = dict(zip(symbols.x, [sp.log(t), sp.log(4), sp.log(t), sp.Integer(0)], strict=True))
    limit = sp.limit(sp.simplify(symbols.value.subs(curve, simultaneous=True)), t, 0)
    positive = [term for term in symbols.excess if term.is_positive]
    return [
        Check("infimum is approached", bool(limit == symbols.minimum), "proved", f"Psi tends to {limit} along a curve"),
        Check("infimum is not attained", bool(positive), "proved", f"{len(positive)} terms of Psi - infimum are > 0"),
    ]


def attained_symbols(points: Array, planted: Array) -> Symbolic:
    """Any points, any planted weights proportional to (1, g): the points less the target, of weighted sum zero."""
    values: dict[Any, float] = {}
    (d, x), g = (len(planted), reals("x", len(planted))), sp.symbols(f"g_1:{len(planted) + 1}", positive=True)
    values.update(zip(g, np.exp(planted).tolist(), strict=True))
    centre = np.concatenate([[1.0], np.exp(planted)]) @ points / (1 + np.exp(planted).sum())
    target, Y = vector("w", centre, values), matrix("Y", points[1:] - centre, values)
    weights = [sp.Integer(1), *map(sp.exp, x)]
    first = -sum((g[j] * Y.row(j) for j in range(d)), start=sp.zeros(1, Y.cols))
    X = sp.Matrix.vstack(first, Y) + sp.ones(d + 1, 1) * target.T
    gap = [sum((weights[j + 1] - g[j]) * Y[j, k] for j in range(d)) / sum(weights) for k in range(Y.cols)]
    return _symbols(
        X,
        x,
        weights,
        target,
        gap,
        sp.Integer(1),
        sp.Integer(1),
        parameters=values,
        minimizer=[sp.log(e) for e in g],
        minimum=sp.Integer(0),
        excess=[e**2 / 2 for e in gap],
    )
