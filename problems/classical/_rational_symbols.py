"""Quadratic test problems with rational coefficients in symbols.

This module imports sympy: load it inside functions only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import sympy as sp

from zoba_bench.problem.symbolic import Symbolic

from .._base.symbols import reals

__all__ = ["rational_symbols"]


def rational_symbols(p: int, d: int, inner: Callable[..., Any], outer: Callable[..., Any]) -> Symbolic:
    """Two quadratic objectives with rational coefficients, given as functions of (z, x), lists of symbols.

    Every closed form comes out of G and F by exact elimination: strong convexity and the global minimum by the
    factors L D L' of G_zz - mu I and of Hess Psi, with mu the smallest eigenvalue.
    """
    z, x = sp.Matrix(reals("z", p)), sp.Matrix(reals("x", d))
    # Every float is a binary fraction, so that nothing is rounded here.
    G, F = (sp.nsimplify(level(list(z), list(x)), rational=True) for level in (inner, outer))
    zero_z, zero_x = dict.fromkeys(z, 0), dict.fromkeys(x, 0)
    hessian = sp.hessian(G, list(z))
    solution = hessian.LUsolve(-_slope(G, z).subs(zero_z)).expand()
    at_solution = dict(zip(z, solution, strict=True))
    adjoint = hessian.LUsolve(-_slope(F, z).subs(at_solution, simultaneous=True)).expand()
    value = sp.expand(F.subs(at_solution, simultaneous=True))
    gradient, curvature = _slope(value, x), sp.hessian(value, list(x))
    best = curvature.LUsolve(-gradient.subs(zero_x))
    at_best = dict(zip(x, best, strict=True))
    mu = min(hessian.eigenvals())
    slope_of_adjoint = adjoint.jacobian(x)
    matrices = {
        "L_zz": hessian,
        "L_xz": _slope(G, x).jacobian(z),
        "L_xx": sp.hessian(G, list(x)),
        "m_zz": sp.hessian(F, list(z)),
        "m_xz": _slope(F, x).jacobian(z),
        "m_xx": sp.hessian(F, list(x)),
        "k_z": solution.jacobian(x),
        "k_v": slope_of_adjoint,
        "L_Psi": curvature,
        "R_0": adjoint.subs(at_best, simultaneous=True),
        "R_g": slope_of_adjoint * curvature.inv(),
    }
    return Symbolic(
        z=list(z),
        x=list(x),
        inner=G,
        outer=F,
        inner_solution=list(solution),
        adjoint=list(adjoint),
        hypergradient=list(gradient),
        value=value,
        mu=mu,
        curvature=list(_squares(hessian - mu * sp.eye(p))),
        minimizer=list(best),
        minimum=value.subs(at_best, simultaneous=True),
        excess=[weight * row.dot(x - best) ** 2 / 2 for weight, row in _squares(curvature)],
        constants={"mu": mu, **{name: _exact_norm(block) for name, block in matrices.items()}},
    )


def _slope(expression: Any, symbols: Any) -> Any:
    return sp.Matrix([sp.diff(expression, s) for s in symbols])


def _squares(matrix: Any) -> Iterator[tuple[Any, Any]]:
    """(weight, vector) pairs with the positive semidefinite matrix = sum of weight * vector vector'."""
    rest = matrix.copy()
    for k in range(rest.rows):
        weight = rest[k, k]
        if weight == 0:
            continue  # its row vanishes too, or the matrix is not semidefinite: the proof then fails
        column = rest[:, k] / weight
        rest -= weight * column * column.T
        yield weight, column


def _exact_norm(matrix: Any) -> Any:
    return sp.sqrt(max((matrix.T * matrix).eigenvals()))
