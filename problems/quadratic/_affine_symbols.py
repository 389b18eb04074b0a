"""Any two quadratic objectives in symbols. This module imports sympy: load it inside functions only."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp

from zoba_bench.arrays import Array
from zoba_bench.problem.symbolic import Symbolic

from .._base.symbols import matrix, norm, reals, root, symmetric, vector
from ._maps import AffineMaps

__all__ = ["quadratic_symbols"]


def quadratic_symbols(
    maps: AffineMaps, mu: float, minimizer: Array, inner_origin: float, outer_origin: float
) -> Symbolic:
    """Two quadratic objectives with any matrices: G_zz = mu I + sum l l', Hess Psi = sum q q'.

    What is given are l, J, j, the z-parts of F, q and x*; G's cross block and F's x-parts follow from them, so
    that every identity holds for all values of the symbols. The instance's numbers are put in for comparison,
    among them the values of G and F at the origin. For p, d <= 2 the constants that are norms are compared too.
    """
    p, d = maps.J.shape
    values: dict[Any, float] = {}
    z, x = sp.Matrix(reals("z", p)), sp.Matrix(reals("x", d))
    strong = sp.Symbol("mu", positive=True)
    values[strong] = mu
    roots = matrix("l", root(maps.inner_zz - mu * np.eye(p)), values)
    hessian = strong * sp.eye(p) + roots * roots.T
    J, j = matrix("J", maps.J, values), vector("j", maps.j, values)
    inner_xx = symmetric("B", maps.inner_xx, values)
    inner_x = vector("b", maps.inner_x, values)
    outer_zz = symmetric("P", maps.outer_zz, values)
    outer_xz = matrix("K", maps.outer_xz, values)
    outer_z = vector("f", maps.outer_z, values)
    steep = matrix("q", root(maps.curvature), values)
    best = vector("xopt", minimizer, values)
    curvature = steep * steep.T
    outer_xx = curvature - (J.T * outer_zz * J + outer_xz * J + (outer_xz * J).T)
    outer_x = -(curvature * best + J.T * (outer_zz * j + outer_z) + outer_xz * j)
    solution = J * x + j
    origin = sp.symbols("G_0 F_0", real=True)
    values.update(zip(origin, (inner_origin, outer_origin), strict=True))
    inner = (z.T * hessian * z / 2 - z.T * hessian * solution + x.T * inner_xx * x / 2 + inner_x.T * x)[0]
    outer = (z.T * outer_zz * z / 2 + x.T * outer_xz * z + x.T * outer_xx * x / 2 + outer_z.T * z + outer_x.T * x)[0]
    inner, outer = inner + origin[0], outer + origin[1]
    adjoint = -hessian.inv() * (outer_zz * solution + outer_xz.T * x + outer_z)
    at_best = outer.subs(dict(zip(z, J * best + j, strict=True)), simultaneous=True)
    minimum = at_best.subs(dict(zip(x, best, strict=True)), simultaneous=True)
    terms = [(steep[:, k].T * (x - best))[0] ** 2 / 2 for k in range(d)]
    norms = {}
    if max(p, d) <= 2:
        # An inverse is the adjugate over the determinant, which stays outside of the norm.
        follow = hessian.adjugate() * (outer_zz * J + outer_xz.T)
        at_rest = hessian.adjugate() * (outer_zz * (J * best + j) + outer_xz.T * best + outer_z)
        matrices = {
            "L_zz": hessian,
            "L_xz": hessian * J,
            "L_xx": inner_xx,
            "m_zz": outer_zz,
            "m_xz": outer_xz,
            "m_xx": outer_xx,
            "k_z": J,
            "L_Psi": curvature,
        }
        norms = {name: norm(block) for name, block in matrices.items()}
        norms["k_v"] = norm(follow) / hessian.det()
        norms["R_0"] = norm(at_rest) / hessian.det()
        norms["R_g"] = norm(follow * curvature.adjugate()) / (hessian.det() * curvature.det())
    return Symbolic(
        z=list(z),
        x=list(x),
        inner=inner,
        outer=outer,
        inner_solution=list(solution),
        adjoint=list(adjoint),
        hypergradient=list(curvature * (x - best)),
        value=minimum + sum(terms),
        parameters=values,
        mu=strong,
        curvature=[(sp.Integer(1), list(roots[:, k])) for k in range(p)],
        minimizer=list(best),
        minimum=minimum,
        excess=terms,
        constants={"mu": strong, **norms},
    )
