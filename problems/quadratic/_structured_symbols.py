"""Nesterov's chain and meta-learning over quadratic tasks in symbols.

This module imports sympy: load it inside functions only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp

from zoba_bench.arrays import Array
from zoba_bench.problem.symbolic import Symbolic

from .._base.symbols import matrix, norm, reals, root, vector

__all__ = ["chain_symbols", "meta_symbols"]


def chain_symbols(A: Array, mu: float, L0: float) -> Symbolic:
    """Nesterov's chain behind G = (z-x)'A(z-x)/2 with any A = mu I + sum l l'; the inverse of A is for d <= 2."""
    d = len(A)
    values: dict[Any, float] = {}
    z, x = sp.Matrix(reals("z", d)), sp.Matrix(reals("x", d))
    strong, steep = sp.symbols("mu L_0", positive=True)
    values.update({strong: mu, steep: L0})
    roots = matrix("l", root(A - mu * np.eye(d)), values)
    hessian = strong * sp.eye(d) + roots * roots.T
    chain = sp.Matrix(d, d, lambda i, k: (2, -1, 0)[min(abs(i - k), 2)])
    gradient = steep / 4 * (chain * x - sp.eye(d)[:, 0])
    best = sp.Matrix([1 - sp.Rational(i, d + 1) for i in range(1, d + 1)])
    u = [0, *(x - best), 0]
    terms = [steep / 8 * (u[i + 1] - u[i]) ** 2 for i in range(d + 1)]
    top = steep / 4 * (2 - 2 * sp.cos(sp.pi * d / (d + 1)))
    norms = {"L_zz": norm(hessian), "k_v": steep / 4 * norm(hessian.adjugate() * chain) / hessian.det()}
    return Symbolic(
        z=list(z),
        x=list(x),
        inner=((z - x).T * hessian * (z - x))[0] / 2,
        outer=steep / 4 * ((z.T * chain * z)[0] / 2 - z[0]),
        inner_solution=list(x),
        adjoint=list(-hessian.inv() * gradient),
        hypergradient=list(gradient),
        value=steep / 4 * ((x.T * chain * x)[0] / 2 - x[0]),
        parameters=values,
        mu=strong,
        curvature=[(sp.Integer(1), list(roots[:, i])) for i in range(d)],
        minimizer=list(best),
        minimum=-steep / 8 * sp.Rational(d, d + 1),
        excess=terms,
        constants={
            "mu": strong,
            **norms,
            "L_xz": norms["L_zz"],
            "L_xx": norms["L_zz"],
            "m_zz": top,
            "m_xz": sp.Integer(0),
            "m_xx": sp.Integer(0),
            "k_z": sp.Integer(1),
            "L_Psi": top,
            "R_0": sp.Integer(0),
            "R_g": 1 / strong,
        },
    )


def meta_symbols(A: Array, P: Array, c: Array, s: Array, lam: float, minimizer: float) -> Symbolic:
    """Meta-learning over tasks of one parameter: any curvatures A_i + lam = t_i >= mu and P_i, any targets.

    The minimiser is given and the first target follows from it: all is then polynomial in t_i and 1/t_i.
    """
    T = len(A)
    values: dict[Any, float] = {}
    strong, pull = sp.symbols("mu lam", positive=True)
    best = sp.Symbol("xopt", real=True)
    total, weights = sp.symbols(f"t_1:{T + 1}", positive=True), sp.symbols(f"P_1:{T + 1}", positive=True)
    above = sp.symbols(f"g_1:{T + 1}", nonnegative=True)
    values.update({strong: lam + float(A.min()), pull: lam, best: minimizer})
    for symbols, numbers in ((total, A + lam), (weights, P), (above, A - A.min())):
        values.update(zip(symbols, map(float, numbers), strict=True))
    centre, target = vector("c", c, values), vector("s", s, values)
    z, x = reals("z", T), reals("x", 1)
    Q = [pull / t for t in total]
    missed = [Q[i] * best + (1 - Q[i]) * centre[i] - target[i] for i in range(T)]
    target[0] += missed[0] + sum(weights[i] * Q[i] * missed[i] for i in range(1, T)) / (weights[0] * Q[0])
    solution = [Q[i] * x[0] + (1 - Q[i]) * centre[i] for i in range(T)]
    steep = sum(weights[i] * Q[i] ** 2 for i in range(T))
    value = sum(weights[i] * (solution[i] - target[i]) ** 2 for i in range(T)) / (2 * T)
    inner = sum((total[i] - pull) * (z[i] - centre[i]) ** 2 + pull * (z[i] - x[0]) ** 2 for i in range(T)) / 2
    adjoint = [-weights[i] * (solution[i] - target[i]) / (T * total[i]) for i in range(T)]
    k_v = sp.sqrt(sum((weights[i] * Q[i] / (T * total[i])) ** 2 for i in range(T)))
    return Symbolic(
        z=z,
        x=x,
        inner=inner,
        outer=sum(weights[i] * (z[i] - target[i]) ** 2 for i in range(T)) / (2 * T),
        inner_solution=solution,
        adjoint=adjoint,
        hypergradient=[sum(Q[i] * weights[i] * (solution[i] - target[i]) for i in range(T)) / T],
        value=value,
        parameters=values,
        mu=strong,
        curvature=[(above[i], [int(i == k) for k in range(T)]) for i in range(T)],
        minimizer=[best],
        minimum=value.subs(x[0], best),
        excess=[steep * (x[0] - best) ** 2 / (2 * T)],
        substitutions={above[i]: total[i] - strong for i in range(T)},
        constants={
            "mu": strong,
            "L_zz": sp.Max(*total),
            "L_xz": pull * sp.sqrt(T),
            "L_xx": pull * T,
            "m_zz": sp.Max(*weights) / T,
            "m_xz": sp.Integer(0),
            "m_xx": sp.Integer(0),
            "k_z": sp.sqrt(sum(q**2 for q in Q)),
            "k_v": k_v,
            "L_Psi": steep / T,
            "R_0": sp.sqrt(sum(e.subs(x[0], best) ** 2 for e in adjoint)),
            "R_g": k_v * T / steep,
        },
    )
