"""Symbolic forms that families share. This module imports sympy: load it inside functions only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

from zoba_bench.arrays import Array
from zoba_bench.problem.symbolic import Symbolic

if TYPE_CHECKING:
    from ..quadratic._affine import AffineMaps

__all__ = [
    "chain_symbols",
    "cournot_symbols",
    "matrix",
    "meta_symbols",
    "norm",
    "quadratic_symbols",
    "rational_symbols",
    "reals",
    "top_eigenvalue",
    "vector",
]


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


def norm(matrix: Any) -> Any:
    """The spectral norm of a matrix with at most two rows or columns, in closed form."""
    return sp.sqrt(top_eigenvalue(matrix * matrix.T if matrix.rows <= matrix.cols else matrix.T * matrix))


def top_eigenvalue(matrix: Any) -> Any:
    """The largest eigenvalue of a symmetric matrix of one or two rows, in closed form."""
    if matrix.rows == 1:
        return matrix[0]
    if matrix.rows > 2:
        raise ValueError(f"no closed form for the eigenvalues of a matrix of shape {matrix.shape}")
    # The discriminant as a sum of squares: rounding cannot make it negative.
    return (matrix[0, 0] + matrix[1, 1] + sp.sqrt((matrix[0, 0] - matrix[1, 1]) ** 2 + 4 * matrix[0, 1] ** 2)) / 2


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
    roots = matrix("l", _root(maps.inner_zz - mu * np.eye(p)), values)
    hessian = strong * sp.eye(p) + roots * roots.T
    J, j = matrix("J", maps.J, values), vector("j", maps.j, values)
    inner_xx = _symmetric("B", maps.inner_xx, values)
    inner_x = vector("b", maps.inner_x, values)
    outer_zz = _symmetric("P", maps.outer_zz, values)
    outer_xz = matrix("K", maps.outer_xz, values)
    outer_z = vector("f", maps.outer_z, values)
    steep = matrix("q", _root(maps.curvature), values)
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


def chain_symbols(A: Array, mu: float, L0: float) -> Symbolic:
    """Nesterov's chain behind G = (z-x)'A(z-x)/2 with any A = mu I + sum l l'; the inverse of A is for d <= 2."""
    d = len(A)
    values: dict[Any, float] = {}
    z, x = sp.Matrix(reals("z", d)), sp.Matrix(reals("x", d))
    strong, steep = sp.symbols("mu L_0", positive=True)
    values.update({strong: mu, steep: L0})
    roots = matrix("l", _root(A - mu * np.eye(d)), values)
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


def _root(matrix: Array) -> Array:
    """R with R R' = matrix, for a positive semidefinite one up to rounding."""
    spectrum, axes = np.linalg.eigh(matrix)
    # Rounding leaves tiny negative eigenvalues where the smallest one is zero.
    root: Array = axes * np.sqrt(np.maximum(spectrum, 0))
    return root


def _symmetric(name: str, value: Array, values: dict[Any, float]) -> Any:
    n = len(value)
    symbols = sp.Matrix(n, n, lambda i, k: sp.Symbol(f"{name}_{min(i, k) + 1}{max(i, k) + 1}", real=True))
    values.update({symbols[i, k]: float(value[i, k]) for i in range(n) for k in range(i, n)})
    return symbols
