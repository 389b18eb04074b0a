"""Softmax and log-sum-exp in symbols. This module imports sympy: load it inside functions only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy as sp
from sympy.core.function import ArgumentIndexError

from zoba_bench.arrays import Array
from zoba_bench.problem.symbolic import Symbolic

from .._base.symbols import matrix, norm, reals, vector
from ._symbols import divergence

__all__ = ["log_sum_exp", "softmax", "softmax_symbols"]


class log_sum_exp(sp.Function):  # type: ignore[misc]
    """log sum e^(z_i); ``expand(func=True)`` writes it out, and its derivatives are softmax(i, z)."""

    is_real = True

    def fdiff(self, argindex: int = 1) -> Any:
        return softmax(sp.Integer(argindex), *self.args)

    def _eval_expand_func(self, **hints: Any) -> Any:
        return sp.log(sum(sp.exp(a) for a in self.args))

    @staticmethod
    def _imp_(*z: Array) -> Array:
        total: Array = np.logaddexp.reduce(np.broadcast_arrays(*z))
        return total


class softmax(sp.Function):  # type: ignore[misc]
    """e^(z_i)/sum e^(z_j) as a function of (i, z), with the derivative softmax_i (delta_ij - softmax_j) in z_j."""

    is_positive = True

    def fdiff(self, argindex: int = 2) -> Any:
        index, *z = self.args
        if argindex == 1:
            raise ArgumentIndexError(self, argindex)
        return self * (int(index == argindex - 1) - softmax(sp.Integer(argindex - 1), *z))

    def _eval_expand_func(self, **hints: Any) -> Any:
        index, *z = self.args
        return sp.exp(z[int(index) - 1]) / sum(sp.exp(a) for a in z)

    def _eval_evalf(self, prec: int) -> Any:
        return self._eval_expand_func()._eval_evalf(prec)

    @staticmethod
    def _imp_(index: int, *z: Array) -> Array:
        share: Array = np.exp(z[int(index) - 1] - np.logaddexp.reduce(np.broadcast_arrays(*z)))
        return share


def _shares(z: Sequence[Any]) -> list[Any]:
    return [softmax(sp.Integer(i + 1), *z) for i in range(len(z))]


def softmax_symbols(M_values: Array, best_values: Array, tau_value: float, mu_value: float) -> Symbolic:
    """The family for any M: its columns need not be orthogonal to 1 for what is proved here."""
    p, d = M_values.shape
    values: dict[Any, float] = {}
    z, x = reals("z", p), reals("x", d)
    M, best = matrix("M", M_values, values), vector("xopt", best_values, values)
    tau, mu = sp.symbols("tau mu", positive=True)
    values.update({tau: tau_value, mu: mu_value})
    m, t = list(M * sp.Matrix(x)), list(M * best)
    q, at, s, shares = _shares([a / tau for a in z]), _shares([a / tau for a in m]), _shares(t), _shares(m)
    gap = [a - b for a, b in zip(shares, s, strict=True)]
    inner = tau * log_sum_exp(*(a / tau for a in z)) - sum(a * b for a, b in zip(at, z, strict=True))
    inner += sum(mu * (a - b) ** 2 / 2 for a, b in zip(z, m, strict=True))
    # Sherman-Morrison for (D - qq'/tau)^-1, D = q/tau + mu.
    D = [a / tau + mu for a in at]
    left = 1 - sum(a**2 / b for a, b in zip(at, D, strict=True)) / tau
    level = sum(a * r / b for a, r, b in zip(at, gap, D, strict=True)) / (tau * left)
    w = sp.Symbol("w")
    differences = [
        (q[i] * q[k] / tau, [int(j == i) - int(j == k) for j in range(p)]) for i in range(p) for k in range(i)
    ]
    return Symbolic(
        z=z,
        x=x,
        inner=inner,
        outer=log_sum_exp(*z) - sum(a * b for a, b in zip(s, z, strict=True)),
        inner_solution=m,
        adjoint=[-(r + a * level) / b for r, a, b in zip(gap, at, D, strict=True)],
        hypergradient=list(M.T * sp.Matrix(gap)),
        value=log_sum_exp(*m) - sum(a * b for a, b in zip(s, m, strict=True)),
        parameters=values,
        mu=mu,
        curvature=differences,
        minimizer=list(best),
        minimum=-sum(a * sp.log(a) for a in s),
        # The divergence of w log w between s_i and softmax_i: together the one of the two distributions.
        excess=[divergence(w * sp.log(w), a, b) for a, b in zip(s, shares, strict=True)],
        constants=_constants(norm(M), tau, mu) if min(p, d) <= 2 else {},
    )


def _constants(k: Any, tau: Any, mu: Any) -> dict[str, Any]:
    # A law with two atoms at distance sqrt 2 has the largest moments of a unit vector.
    atom, b = sp.symbols("atom b", positive=True)
    spread = sp.sqrt(2)
    variance = (atom * (1 - atom) * spread**2).subs(atom, sp.Rational(1, 2))
    third = (atom * (1 - atom) * (1 - 2 * atom) * spread**3).subs(atom, (3 - sp.sqrt(3)) / 6)
    # W' = c B K and W'' = e B K with |K| <= 1; fourth moments of a centred variable: at most range^2 variances.
    c, e, slope = spread / tau, spread**2 / tau**2, (b / (b + mu) ** 2).subs(b, mu)
    return {
        "mu": mu,
        "L_zz": mu + variance / tau,
        "L_xz": k * (mu + variance / tau),
        "H_zz": third / tau**2,
        "H_xz": 0,
        "H_zx": k**2 * third / tau**2,
        "m_zz": variance,
        "m_xz": 0,
        "m_xx": 0,
        "C_z": spread,
        "C_x": 0,
        "R": spread / mu,
        "k_z": k,
        "k_v": k * (variance / mu + spread * c * slope),
        "s_z": 0,
        "s_v": k**2 * (third / mu + 2 * variance * c * slope + spread * (2 * c**2 * slope + e * slope)),
        "L_Psi": k**2 * variance,
    }
