"""Cournot markets in symbols. This module imports sympy: load it inside functions only."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp

from zoba_bench.arrays import Array
from zoba_bench.problem.symbolic import Symbolic

from .._base.symbols import reals, vector

__all__ = ["cournot_symbols"]


def cournot_symbols(costs: Array, leader: Array, a: float, b: float, k: float, kl: float) -> Symbolic:
    """A leader against Cournot followers in each of several markets, with any costs (d, n) and (d,)."""
    d, n = costs.shape
    values: dict[Any, float] = {}
    price, slope = sp.symbols("a b", positive=True)
    rising, leading = sp.symbols("k k_l", nonnegative=True)
    values.update({price: a, slope: b, rising: k, leading: kl})
    cost = vector("c", np.ravel(costs), values)
    own = vector("l", leader, values)
    z, x = reals("z", d * n), reals("x", d)
    D = rising + slope + n * slope
    h = 2 * slope * (slope + rising) / D + leading
    inner, outer, value, solution, best, curvature = 0, 0, 0, [], [], []
    for m in range(d):
        mine = range(m * n, (m + 1) * n)
        S = sum(z[i] for i in mine)
        inner += sum((cost[i] - price + slope * x[m]) * z[i] + (slope + rising) * z[i] ** 2 / 2 for i in mine)
        inner += slope * S**2 / 2
        outer += -(price - slope * x[m] - slope * S) * x[m] + own[m] * x[m] + leading * x[m] ** 2 / 2
        alone = sum(price - cost[i] for i in mine) / D
        total = alone - n * slope / D * x[m]
        solution += [(price - cost[i] - slope * x[m] - slope * total) / (slope + rising) for i in mine]
        best.append((price - slope * alone - own[m]) / h)
        value += h * x[m] ** 2 / 2 - (price - slope * alone - own[m]) * x[m]
        curvature.append((slope, [int(i in mine) for i in range(d * n)]))
    if n == 1:
        curvature = []
    coupling = slope * sp.sqrt(n)
    rest = sp.sqrt(sum(e**2 for e in best))
    return Symbolic(
        z=z,
        x=x,
        inner=inner,
        outer=outer,
        inner_solution=solution,
        adjoint=[-slope * x[m] / D for m in range(d) for _ in range(n)],
        hypergradient=[h * (x[m] - best[m]) for m in range(d)],
        value=value,
        parameters=values,
        mu=slope + rising if n > 1 else D,
        curvature=curvature,
        minimizer=best,
        minimum=-sum(h * e**2 / 2 for e in best),
        excess=[h * (x[m] - best[m]) ** 2 / 2 for m in range(d)],
        constants={
            "mu": slope + rising if n > 1 else D,
            "L_zz": D,
            "L_xz": coupling,
            "L_xx": sp.Integer(0),
            "m_zz": sp.Integer(0),
            "m_xz": coupling,
            "m_xx": 2 * slope + leading,
            "k_z": coupling / D,
            "k_v": coupling / D,
            "L_Psi": h,
            "R_0": coupling / D * rest,
            "R_g": coupling / (D * h),
        },
    )
