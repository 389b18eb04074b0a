"""Symbolic forms of the regression families. This module imports sympy: load it inside functions only."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp

from zoba_bench.arrays import Array
from zoba_bench.problem.symbolic import Symbolic

from .._base.symbols import matrix, norm, reals, symmetric, vector
from ._bound_symbols import cleaning_bounds, growth, length, penalty_bounds

__all__ = [
    "Logistic",
    "dataclean_linear_symbols",
    "dataclean_ortho_symbols",
    "ridge_data_symbols",
    "ridge_ortho_symbols",
    "ridge_scalar_symbols",
]


_SECOND = 1 / (6 * sp.sqrt(3))


class Logistic(sp.Function):  # type: ignore[misc]
    """s(u) = 1/(1 + exp(-u)) as a symbol of its own, with s' = s(1-s): rational identities stay small."""

    nargs = 1
    is_real = True
    is_positive = True

    @classmethod
    def eval(cls, argument: Any) -> Any:
        """s(-log g) = 1/(1+g)."""
        return 1 / (1 + (-argument).args[0]) if isinstance(-argument, sp.log) else None

    def fdiff(self, argindex: int = 1) -> Any:
        """The derivative."""
        return self * (1 - self)

    def _eval_evalf(self, precision: int) -> Any:
        return (1 / (1 + sp.exp(-self.args[0])))._eval_evalf(precision)

    @staticmethod
    def _imp_(value: Any) -> Any:
        return 1 / (1 + np.exp(-value))


def _number(name: str, value: float, values: dict[Any, float], positive: bool = True) -> Any:
    symbol = sp.Symbol(name, positive=True) if positive else sp.Symbol(name, real=True)
    values[symbol] = float(value)
    return symbol


def _slacks(name: str, expressions: list[Any]) -> dict[Any, Any]:
    """Non-negative symbols that stand for what the region makes non-negative."""
    symbols = sp.symbols(f"{name}_1:{len(expressions) + 1}", nonnegative=True)
    return dict(zip(symbols, expressions, strict=True))


def _units(n: int) -> list[list[int]]:
    return [[int(i == k) for i in range(n)] for k in range(n)]


def _separable(
    *,
    b: list[Any],
    z: list[Any],
    x: list[Any],
    inner: Any,
    curvature: list[Any],
    state: list[Any],
    planted: list[Any],
    gap: list[Any],
    minimizer: list[Any],
    mu: Any,
    slacks: dict[Any, Any],
    values: dict[Any, float],
    constants: dict[str, Any],
    ends: tuple[Any, Any],
) -> Symbolic:
    """z*_i = b_i y_i(x_i) with y in ``ends``, F = |z-t|^2/2; ``curvature`` is the diagonal of G_zz, ``gap`` z* - t."""
    n = len(b)
    t = [b[i] * planted[i] for i in range(n)]
    low, high = ends
    constants["C_z"] = length([b[i] * sp.Max(high - planted[i], planted[i] - low) for i in range(n)])
    constants["m_zz"] = sp.Integer(1)
    return Symbolic(
        z=z,
        x=x,
        inner=inner,
        outer=sum((z[i] - t[i]) ** 2 for i in range(n)) / 2,
        inner_solution=[b[i] * state[i] for i in range(n)],
        adjoint=[-gap[i] / curvature[i] for i in range(n)],
        hypergradient=[gap[i] * b[i] * sp.diff(state[i], x[i]) for i in range(n)],
        value=sum(e**2 for e in gap) / 2,
        parameters=values,
        mu=mu,
        curvature=list(zip(slacks, _units(n), strict=True)),
        minimizer=minimizer,
        minimum=sp.Integer(0),
        excess=[e**2 / 2 for e in gap],
        substitutions=slacks,
        constants={"mu": mu, **constants},
        region="|x| <= radius, where the weights are at least those at -radius",
    )


def ridge_ortho_symbols(b: Array, planted: Array, radius: float) -> Symbolic:
    """Any targets b, any planted penalties."""
    n = len(b)
    values: dict[Any, float] = {}
    z, x = reals("z", n), reals("x", n)
    B, best = list(vector("b", b, values)), list(vector("xo", planted, values))
    rho = _number("rho", radius, values)
    top, weights = sp.exp(rho), [sp.exp(e) for e in x]
    low, high = 1 / (1 + top), top / (1 + top)
    y = [1 / (1 + sp.exp(e)) for e in best]
    lowest = [sp.Max(low, e / 2) for e in y]
    # |(y - y_o) y| is largest at y_o/2 or at an end.
    adjoint = [B[i] * sp.Max((high - y[i]) * high, (y[i] - lowest[i]) * lowest[i]) for i in range(n)]
    reach = sp.Max(rho, length(B) * high)
    size = sp.Max(*map(sp.Abs, B))
    constants = {"L_zz": 1 + top, **growth(top, top, top, reach), "k_z": size / 4, "R": length(adjoint)}
    if radius >= float(np.log((1 + 3**-0.5) / (1 - 3**-0.5))):
        constants["s_z"] = size * _SECOND  # attained at y = 1/2 +- 1/sqrt 12
    return _separable(
        b=B,
        z=z,
        x=x,
        inner=sum((z[i] - B[i]) ** 2 + weights[i] * z[i] ** 2 for i in range(n)) / 2,
        curvature=[1 + w for w in weights],
        state=[1 / (1 + w) for w in weights],
        planted=y,
        gap=[B[i] * (1 / (1 + weights[i]) - y[i]) for i in range(n)],
        minimizer=best,
        mu=1 + sp.exp(-rho),
        slacks=_slacks("more", [w - sp.exp(-rho) for w in weights]),
        values=values,
        constants=constants,
        ends=(low, high),
    )


def dataclean_ortho_symbols(b: Array, planted: Array, mu: float, radius: float) -> Symbolic:
    """Any observations b, any planted weights 1/(1+g_i), any penalty."""
    n = len(b)
    values: dict[Any, float] = {}
    z, x = reals("z", n), reals("x", n)
    B = list(vector("b", b, values))
    g = [_number(f"g_{i + 1}", np.exp(-planted[i]), values) for i in range(n)]
    rho, penalty = _number("rho", radius, values), _number("mu", mu, values)
    low, high = 1 / (1 + sp.exp(rho)), 1 / (1 + sp.exp(-rho))
    weights = [Logistic(e) for e in x]
    ends = (low / (low + penalty), high / (high + penalty))
    steepest = sp.Min(ends[1], sp.Max(ends[0], 1 / (2 * (1 + penalty))))
    size = sp.Max(*map(sp.Abs, B))
    reach = sp.Max(rho, length(B) * ends[1]) + size
    planted_state = [1 / (1 + penalty * (1 + e)) for e in g]
    return _separable(
        b=B,
        z=z,
        x=x,
        inner=sum(weights[i] * (z[i] - B[i]) ** 2 + penalty * z[i] ** 2 for i in range(n)) / 2,
        curvature=[w + penalty for w in weights],
        state=[w / (w + penalty) for w in weights],
        planted=planted_state,
        # s/(s+mu) - s_o/(s_o+mu) with 1/s_o = 1 + g.
        gap=[
            B[i] * penalty * (weights[i] * (1 + g[i]) - 1) * planted_state[i] / (weights[i] + penalty) for i in range(n)
        ],
        minimizer=[-sp.log(e) for e in g],
        mu=penalty + low,
        slacks=_slacks("more", [w - low for w in weights]),
        values=values,
        constants={
            "L_zz": penalty + high,
            **growth(sp.Rational(1, 4), _SECOND, sp.Rational(1, 8), reach),
            "k_z": size * steepest * (1 - (1 + penalty) * steepest),
        },
        ends=ends,
    )


def _squares(root: Array, values: dict[Any, float]) -> tuple[Any, Any]:
    """D positive and L unit upper triangular with root'root = L'DL."""
    n = len(root)
    diagonal = np.diag(root)
    D = sp.diag(*[_number(f"D_{i + 1}", diagonal[i] ** 2, values) for i in range(n)])
    L = sp.eye(n)
    for i in range(n):
        for j in range(i + 1, n):
            L[i, j] = _number(f"L_{i + 1}{j + 1}", root[i, j] / diagonal[i], values, positive=False)
    return D, L


def _gram(S: Array, values: dict[Any, float]) -> tuple[Any, Any, list[tuple[Any, Any]], dict[Any, Any]]:
    """S in free symbols, its lowest eigenvalue, and S = lowest I + sum weight l l' with non-negative weights.

    The weights are the pivots of S - lowest I, symbols that stand for their expressions: that they are non-negative
    is what "lowest is the smallest eigenvalue" says.
    """
    n = len(S)
    gram = symmetric("S", S, values)
    lowest = _number("lowest", np.linalg.eigvalsh(S)[0], values)
    rest, columns, pivots = gram - lowest * sp.eye(n), [], []
    for k in range(n):
        # The last pivot is zero up to rounding, and its column a unit vector.
        pivots.append(rest[k, k])
        columns.append(rest[:, k] / rest[k, k] if k < n - 1 else sp.eye(n)[:, k])
        rest = (rest - pivots[k] * columns[k] * columns[k].T).applyfunc(sp.cancel)
    slacks = _slacks("pivot", pivots)
    return gram, lowest, list(zip(slacks, columns, strict=True)), slacks


def _adjugate(matrix: Any) -> tuple[Any, Any]:
    """Adjugate and determinant, whose quotient is the inverse."""
    return matrix.adjugate().applyfunc(sp.expand), sp.factor(matrix.det())


def ridge_scalar_symbols(S: Array, t: Array, root: Array, energy: float, planted: float, radius: float) -> Symbolic:
    """Any positive definite S = A'A/n and validation matrix, any t; ``energy`` is |y|^2/n."""
    p = len(t)
    values: dict[Any, float] = {}
    z, x = sp.Matrix(reals("z", p)), reals("x", 1)
    gram, lowest, squares, pivots = _gram(S, values)
    target, (D, L) = vector("t", t, values), _squares(root, values)
    rho, best = _number("rho", radius, values), _number("g", np.exp(planted), values)
    floor = _number("energy", energy, values)
    weight = sp.exp(x[0])
    curvature = gram + weight * sp.eye(p)
    slope = (gram + best * sp.eye(p)) * target
    adjugate, determinant = _adjugate(curvature)
    inverse = adjugate / determinant
    raised = (best - weight) * adjugate * target
    gap = raised / determinant
    misfit, apart = L * (z - target), L * gap
    scale = sp.Symbol("scale", positive=True)
    adjoint = -inverse * L.T * D * apart
    more = _slacks("more", [weight - sp.exp(-rho)])
    at_low = (gram + sp.exp(-rho) * sp.eye(p)).adjugate() * slope
    reach = sp.Max(rho, length(at_low) / (gram + sp.exp(-rho) * sp.eye(p)).det())
    top = sp.exp(rho)
    constants = {"mu": lowest + sp.exp(-rho), **growth(top, top, top, reach)}
    if p <= 2:
        constants["L_zz"] = norm(gram) + top
        constants["m_zz"] = norm(L.T * D * L)
    return Symbolic(
        z=list(z),
        x=x,
        inner=(z.T * curvature * z)[0] / 2 - (slope.T * z)[0] + floor / 2,
        outer=(misfit.T * D * misfit)[0] / 2,
        inner_solution=list(target + gap),
        adjoint=list(adjoint),
        hypergradient=[weight * ((target + gap).T * adjoint)[0]],
        value=(apart.T * D * apart)[0] / 2,
        parameters=values,
        mu=lowest + sp.exp(-rho),
        curvature=[*((next(iter(more)), unit) for unit in _units(p)), *squares],
        minimizer=[sp.log(best)],
        minimum=sp.Integer(0),
        # The determinant is positive, but sympy does not see that what is divided by it is real.
        excess=[D[k, k] * (scale * e) ** 2 / 2 for k, e in enumerate(L * raised)],
        substitutions={**more, **pivots, scale: 1 / determinant},
        constants=constants,
        region="x >= -radius, where e^x is at least its value there",
    )


def dataclean_linear_symbols(
    A: Array, b: Array, t: Array, root: Array, planted: Array, mu: float, radius: float
) -> Symbolic:
    """Any rows and validation matrix, any planted weights 1/(1+g_j) and labels that they fit.

    With t = A'y the labels are b = A t + mu (1+g) y, for any y; A and b are divided by sqrt d.
    """
    d, p = A.shape
    values: dict[Any, float] = {}
    z, x = sp.Matrix(reals("z", p)), reals("x", d)
    a = matrix("a", A, values)
    g = [_number(f"g_{j + 1}", np.exp(-planted[j]), values) for j in range(d)]
    penalty, (D, L) = _number("mu", mu, values), _squares(root, values)
    y = vector("y", (b - A @ t) / (mu * (1 + np.exp(-planted))), values)
    weights = [Logistic(e) for e in x]
    target = a.T * y
    misfit = penalty * sp.Matrix([(1 + g[j]) * y[j] for j in range(d)])  # b - A t
    residual = a * (z - target) - misfit
    curvature = penalty * sp.eye(p) + a.T * sp.diag(*weights) * a
    change = penalty * sp.Matrix([(weights[j] * (1 + g[j]) - 1) * y[j] for j in range(d)])
    adjugate, determinant = _adjugate(curvature)
    inverse = adjugate / determinant
    gap = inverse * a.T * change
    apart = L * gap
    adjoint = -inverse * L.T * D * apart
    left, along = a * gap - misfit, a * adjoint
    off = L * (z - target)
    constants: dict[str, Any] = {"mu": penalty}
    if p <= 2:
        fit, rho = L.T * D * L, _number("rho", radius, values)
        best = [1 / (1 + e) for e in g]
        constants |= {"m_zz": norm(fit), **cleaning_bounds(a, misfit, target, fit, best, penalty, rho)}
    return Symbolic(
        z=list(z),
        x=x,
        inner=sum(weights[j] * residual[j] ** 2 for j in range(d)) / 2 + penalty * (z.T * z)[0] / 2,
        outer=(off.T * D * off)[0] / 2,
        inner_solution=list(target + gap),
        adjoint=list(adjoint),
        hypergradient=[weights[j] * (1 - weights[j]) * left[j] * along[j] for j in range(d)],
        value=(apart.T * D * apart)[0] / 2,
        parameters=values,
        mu=penalty,
        curvature=[(weights[j], list(a.row(j))) for j in range(d)],
        minimizer=[-sp.log(e) for e in g],
        minimum=sp.Integer(0),
        excess=[D[k, k] * apart[k] ** 2 / 2 for k in range(p)],
        constants=constants,
    )


def ridge_data_symbols(
    inner: tuple[Array, Array, float], outer: tuple[Array, Array, float], radius: float, sampled: bool
) -> Symbolic:
    """Least squares with one exponential penalty per feature, for any moments (S, g, c) of the data.

    G = z'Sz/2 - g'z + c + sum e^x z^2/2 and F likewise, without the penalty.
    """
    (S, slope, floor), (S_v, outer_slope, outer_floor) = inner, outer
    p = len(slope)
    values: dict[Any, float] = {}
    z, x = sp.Matrix(reals("z", p)), reals("x", p)
    gram, lowest, squares, pivots = _gram(S, values)
    g, g_v = vector("g", slope, values), vector("f", outer_slope, values)
    fit = symmetric("P", S_v, values)
    c, c_v = _number("c", floor, values), _number("cv", outer_floor, values)
    rho = _number("rho", radius, values)
    weights = [sp.exp(e) for e in x]
    curvature = gram + sp.diag(*weights)
    adjugate, determinant = _adjugate(curvature)
    inverse = adjugate / determinant
    solution = inverse * g
    adjoint = -inverse * (fit * solution - g_v)

    def loss(point: Any) -> Any:
        return (point.T * fit * point)[0] / 2 - (g_v.T * point)[0] + c_v

    more = _slacks("more", [w - sp.exp(-rho) for w in weights])
    constants: dict[str, Any] = {"mu": lowest + sp.exp(-rho), "H_xz": sp.exp(rho)}
    if p <= 2:
        constants |= penalty_bounds(gram, g, fit, g_v, lowest, rho, sampled)
    return Symbolic(
        z=list(z),
        x=x,
        inner=(z.T * curvature * z)[0] / 2 - (g.T * z)[0] + c,
        outer=loss(z),
        inner_solution=list(solution),
        adjoint=list(adjoint),
        hypergradient=[weights[k] * solution[k] * adjoint[k] for k in range(p)],
        value=loss(solution),
        parameters=values,
        mu=lowest + sp.exp(-rho),
        curvature=[*zip(more, _units(p), strict=True), *squares],
        substitutions={**more, **pivots},
        constants=constants,
        region="|x| <= radius, where e^x is at least e^-radius",
    )
