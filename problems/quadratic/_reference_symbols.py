"""Symbolic form of the reference family. This module imports sympy: load it inside functions only."""

from __future__ import annotations

import math
from typing import Any

import sympy as sp

from zoba_bench.arrays import Array
from zoba_bench.problem.symbolic import Symbolic

from .._base.symbols import reals

__all__ = ["reference_symbols"]


def _smooth_norm(u: Any) -> Any:
    return sp.sqrt(1 + u.dot(u))


def _unit(u: Any) -> Any:
    return u / _smooth_norm(u)


def _above_tangent(u: Any, at: Any) -> list[Any]:
    """Non-negative terms that sum to sqrt(1+|u|^2) less its tangent at a point.

    With a = (1, u), b = (1, at): |a| - a'b/|b| = |a| |a/|a| - b/|b||^2 / 2.
    """
    long, short = _smooth_norm(u), _smooth_norm(at)
    terms = [1 / long - 1 / short, *(e / long - f / short for e, f in zip(u, at, strict=True))]
    return [long * term**2 / 2 for term in terms]


def reference_symbols(M: Array, beta: float, lam: float) -> Symbolic:
    """For every beta and lam; ``M`` has entries -1, 0 and 1.

    lam = sqrt 2 k/sqrt(1+k^2) runs through (0, sqrt 2) as k runs through the positive numbers, and t = (1+k) M e_1.
    """
    p, d = M.shape
    z, x = sp.Matrix(reals("z", p)), sp.Matrix(reals("x", d))
    pull, bend = sp.Symbol("k", positive=True), sp.Symbol("beta", nonnegative=True)
    weight = sp.sqrt(2) * pull / sp.sqrt(1 + pull**2)
    share = lam / math.sqrt(2)
    coupling, best = sp.Matrix(M.astype(int).tolist()), sp.eye(d)[:, 0]
    gap, target = z - coupling * x, (1 + pull) * coupling * best
    misfit = coupling * x - target
    at_best = -pull * coupling * best
    return Symbolic(
        z=list(z),
        x=list(x),
        inner=gap.dot(gap) / 2 + bend * x.dot(x) / 2,
        outer=_smooth_norm(z - target) + weight * _smooth_norm(x),
        inner_solution=list(coupling * x),
        adjoint=list(-_unit(misfit)),
        hypergradient=list(coupling.T * _unit(misfit) + weight * _unit(x)),
        value=_smooth_norm(misfit) + weight * _smooth_norm(x),
        parameters={pull: share / math.sqrt(1 - share**2), bend: beta},
        mu=sp.Integer(1),
        minimizer=list(best),
        minimum=sp.sqrt(1 + pull**2) + sp.sqrt(2) * weight,
        excess=[*_above_tangent(misfit, at_best), *(weight * term for term in _above_tangent(x, best))],
        constants={
            "mu": sp.Integer(1),
            "L_zz": sp.Integer(1),
            "L_xz": sp.Integer(1),
            "L_xx": 1 + bend,
            "m_zz": sp.Integer(1),
            "m_xx": weight,
            "C_z": sp.Integer(1),
            "C_x": weight,
            "R": sp.Integer(1),
            "k_z": sp.Integer(1),
            "k_v": sp.Integer(1),
            "s_v": 48 / (25 * sp.sqrt(5)),
            "L_Psi": 1 + weight,
        },
    )
