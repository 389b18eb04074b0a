"""A problem in other coordinates, in symbols. This module imports sympy: load it inside functions only."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sympy as sp

from zoba_bench.problem.symbolic import Symbolic

from ._coordinates import Coordinates

__all__ = ["moved_symbols"]


def moved_symbols(q: Symbolic, a: Coordinates, b: Coordinates) -> Symbolic:
    """Everything of z = A z', x = B x', with A and B exact: rationals, times symbols for the scales.

    G_zz' = A' G_zz A, where A'A is the square of the scales. What of mu A'A is more than mu times the least one is
    curvature of its own, with weights that are seen to be non-negative.
    """
    values = dict(q.parameters)
    turn_z, of_z = _parts(a, "scale_z", values)
    turn_x, of_x = _parts(b, "scale_x", values)
    A, B = turn_z * sp.diag(*of_z), turn_x * sp.diag(*of_x)
    at = dict(zip([*q.z, *q.x], [*(A * sp.Matrix(q.z)), *(B * sp.Matrix(q.x))], strict=True))

    def moved(expression: Any) -> Any:
        return sp.sympify(expression).subs(at, simultaneous=True)

    def new_z(entries: Any) -> Any:
        return None if entries is None else _new(turn_z, of_z, [moved(entry) for entry in entries])

    slope = None if q.hypergradient is None else list(B.T * sp.Matrix([moved(entry) for entry in q.hypergradient]))
    more = [
        (q.mu * of_z[0] ** 2 * (s / of_z[0] - 1) * (s / of_z[0] + 1), [sp.Integer(i == j) for j in range(len(of_z))])
        for i, s in enumerate(of_z) if q.mu is not None and s != of_z[0]
    ]  # fmt: skip
    return replace(
        q,
        inner=moved(q.inner), outer=moved(q.outer), inner_solution=new_z(q.inner_solution),
        adjoint=new_z(q.adjoint), hypergradient=slope,
        value=None if q.value is None else moved(q.value), parameters=values,
        mu=None if q.mu is None else q.mu * of_z[0] ** 2,
        curvature=[*((moved(w), list(A.T * sp.Matrix([moved(e) for e in v]))) for w, v in q.curvature), *more],
        minimizer=None if q.minimizer is None else _new(turn_x, of_x, q.minimizer),
        excess=[moved(term) for term in q.excess],
        substitutions={moved(old): moved(new) for old, new in q.substitutions.items()},
        constants=dict(q.constants) if a.orthogonal and b.orthogonal else {},
    )  # fmt: skip


def _new(turned: Any, scales: list[Any], old: Any) -> list[Any]:
    """y' of y. The scale stands before the sum, where it cancels that of the matrix without being multiplied out."""
    return [entry / scale for entry, scale in zip(turned.T * sp.Matrix(old), scales, strict=True)]


def _parts(of: Coordinates, name: str, values: dict[Any, float]) -> tuple[Any, list[Any]]:
    """P Q with rational entries, and the scales: the first, and 1 + e_k times it."""
    n = len(of.order)
    turned = sp.eye(n)
    for i, j, sign in of.planes:
        plane = sp.eye(n)
        plane[i, i] = plane[j, j] = sp.Rational(3, 5)
        plane[i, j], plane[j, i] = sp.Rational(-4 * sign, 5), sp.Rational(4 * sign, 5)
        turned = plane * turned
    turned = turned.extract(list(of.order), list(range(n)))
    if of.orthogonal:
        return turned, [sp.Integer(1)] * n
    before = sum(symbol.name.startswith(name) for symbol in values)
    first = sp.Symbol(f"{name}{before or ''}_1", positive=True)
    values[first] = float(of.scales[0])
    scales = [first]
    for k in range(1, n):
        added = sp.Symbol(f"{name}{before or ''}_{k + 1}", positive=True)
        values[added] = float(of.scales[k] / of.scales[0] - 1)
        scales.append(first * (1 + added))
    return turned, scales
