"""Symbolic forms that families share. This module imports sympy: load it inside functions only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from zoba_bench.symbolic import Symbolic

if TYPE_CHECKING:
    from ._affine import AffineMaps

__all__ = ["matrix", "quadratic_symbols", "reals", "vector"]

Array = NDArray[np.float64]


def reals(name: str, n: int) -> list[Any]:
    """Real symbols name_1 ... name_n."""
    return list(sp.symbols(f"{name}_1:{n + 1}", real=True))


def matrix(name: str, value: Array, values: dict[Any, float]) -> Any:
    """A matrix of real symbols, whose numbers are noted in ``values``."""
    symbols = sp.Matrix(*value.shape, lambda i, j: sp.Symbol(f"{name}_{i + 1}{j + 1}", real=True))
    values.update({s: float(v) for s, v in zip(symbols, np.ravel(value), strict=True)})
    return symbols


def vector(name: str, value: Array, values: dict[Any, float]) -> Any:
    """A column of real symbols, whose numbers are noted in ``values``."""
    symbols = sp.Matrix(reals(name, len(value)))
    values.update({s: float(v) for s, v in zip(symbols, value, strict=True)})
    return symbols


def quadratic_symbols(maps: AffineMaps, mu: float, minimizer: Array, constant: float) -> Symbolic:
    """Two quadratic objectives with any matrices: G_zz = mu I + sum l l', Hess Psi = sum q q'.

    What is given are l, J, j, the z-parts of F, q and x*; G's cross block and F's x-parts follow from them, so
    that every identity holds for all values of the symbols. The instance's numbers are put in for comparison;
    ``constant`` is F(0, 0).
    """
    p, d = maps.J.shape
    values: dict[Any, float] = {}
    z, x = sp.Matrix(reals("z", p)), sp.Matrix(reals("x", d))
    strong = sp.Symbol("mu", positive=True)
    values[strong] = mu
    rest = maps.inner_zz - mu * np.eye(p)
    spectrum, axes = np.linalg.eigh(rest)
    # Rounding leaves tiny negative eigenvalues where the smallest one is zero.
    roots = matrix("l", axes * np.sqrt(np.maximum(spectrum, 0)), values)
    hessian = strong * sp.eye(p) + roots * roots.T
    J, j = matrix("J", maps.J, values), vector("j", maps.j, values)
    inner_xx = _symmetric("B", maps.inner_xx, values)
    inner_x = vector("b", maps.inner_x, values)
    outer_zz = _symmetric("P", maps.outer_zz, values)
    outer_xz = matrix("K", maps.outer_xz, values)
    outer_z = vector("f", maps.outer_z, values)
    levels, directions = np.linalg.eigh(maps.curvature)
    steep = matrix("q", directions * np.sqrt(np.maximum(levels, 0)), values)
    best = vector("xopt", minimizer, values)
    curvature = steep * steep.T
    outer_xx = curvature - (J.T * outer_zz * J + outer_xz * J + (outer_xz * J).T)
    outer_x = -(curvature * best + J.T * (outer_zz * j + outer_z) + outer_xz * j)
    solution = J * x + j
    inner = (z.T * hessian * z / 2 - z.T * hessian * solution + x.T * inner_xx * x / 2 + inner_x.T * x)[0]
    lowest = sp.Symbol("F_0", real=True)
    values[lowest] = constant
    outer = (z.T * outer_zz * z / 2 + x.T * outer_xz * z + x.T * outer_xx * x / 2 + outer_z.T * z + outer_x.T * x)[0]
    outer += lowest
    adjoint = -hessian.inv() * (outer_zz * solution + outer_xz.T * x + outer_z)
    at_best = outer.subs(dict(zip(z, J * best + j, strict=True)), simultaneous=True)
    minimum = at_best.subs(dict(zip(x, best, strict=True)), simultaneous=True)
    terms = [(steep[:, k].T * (x - best))[0] ** 2 / 2 for k in range(d)]
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
    )


def _symmetric(name: str, value: Array, values: dict[Any, float]) -> Any:
    n = len(value)
    symbols = sp.Matrix(n, n, lambda i, k: sp.Symbol(f"{name}_{min(i, k) + 1}{max(i, k) + 1}", real=True))
    values.update({symbols[i, k]: float(value[i, k]) for i in range(n) for k in range(i, n)})
    return symbols
