"""Conjugate gradients: rate by Chebyshev polynomials, end after as many steps as eigenvalues, number of steps."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from operator import matmul
from typing import Any

import sympy as sp

from ...proof.algebra import require_equal, require_nonnegative
from ...proof.rules import by_relation
from ...proof.theorem import Step
from .implicit_lemmas import L, M, delta, iterations, kappa, mu, ratio_logarithm, ratio_logarithm_step, x

__all__ = ["conjugate_gradient_steps", "conjugate_gradients", "enough_steps"]

N = sp.Symbol("N", integer=True, positive=True)
z = sp.Symbol("z", positive=True)
theta, N_theta, N_cold = sp.symbols("theta N_theta N_cold", positive=True)
_s, _t = sp.symbols("s t", nonnegative=True)


def conjugate_gradients(apply: Callable[[Any], Any], residual: Any, steps: int) -> Any:
    """Residual after ``steps`` steps of conjugate gradients, exactly; ``residual`` is a column."""
    direction = residual
    for _ in range(steps):
        image = apply(direction)
        square = (residual.T * residual)[0]
        length = sp.cancel(square / (direction.T * image)[0])
        residual = (residual - length * image).applyfunc(sp.cancel)
        direction = (residual + sp.cancel((residual.T * residual)[0] / square) * direction).applyfunc(sp.cancel)
    return residual


def _finite() -> Any:
    values = sp.symbols("lambda_1:3", positive=True)
    for size in (1, 2):
        diagonal = sp.diag(*values[:size])
        rest = conjugate_gradients(partial(matmul, diagonal), sp.Matrix(sp.symbols(f"r_1:{size + 1}")), size)
        if any(entry != 0 for entry in rest):
            raise ValueError(f"the residual after {size} steps is {rest}")
    # Any number of eigenvalues: prod (1 - lambda/lambda_i), with the factor of lambda_j split off.
    point, root, others = sp.symbols("lambda lambda_j others", positive=True)
    factor = 1 - point / root
    require_equal(factor.subs(point, 0), sp.Integer(1))
    return sp.Eq(sp.Symbol("|e_q|"), (factor * others).subs(point, root))


@cache
def _chebyshev() -> Any:
    argument = (z + 1 / z) / 2
    r = sp.Symbol("r")
    roots = sp.roots(sp.Poly(r**2 - 2 * argument * r + 1, r))
    first, second = roots
    weights = sp.symbols("c_1 c_2")
    fit = sp.solve([sum(weights) - 1, weights[0] * first + weights[1] * second - argument], weights)
    closed = fit[weights[0]] * first**N + fit[weights[1]] * second**N
    # T_0 = 1, T_1 = argument, T_{N+1} = 2 argument T_N - T_{N-1}.
    require_equal(closed.subs(N, 0), sp.Integer(1))
    require_equal(closed.subs(N, 1), argument)
    require_equal(closed.subs(N, N + 1), sp.expand(2 * argument * closed - closed.subs(N, N - 1)))
    return sp.Eq(sp.Symbol("T_N"), sp.expand(closed))


@cache
def _chebyshev_rate() -> Any:
    root = sp.sqrt(kappa)
    ratio = (root - 1) / (root + 1)
    # lambda = 0 under the affine map of [mu, L] onto [-1, 1], at L = kappa mu.
    origin = ((L + mu - 2 * x) / (L - mu)).subs({x: 0, L: kappa * mu})
    require_equal((1 / ratio + ratio) / 2, sp.cancel(origin))
    closed = _chebyshev().rhs
    require_equal(closed - z**N / 2, z ** (-N) / 2)
    # On [-1, 1] the same recursion with z = exp(i phi): |T_N| = |cos(N phi)| <= 1.
    phi = sp.Symbol("phi", real=True)
    require_equal(closed.subs(z, sp.exp(sp.I * phi)).rewrite(sp.cos).simplify(), sp.cos(N * phi))
    return sp.Le(sp.Symbol("|e_N|_A/|e_0|_A"), 2 * ratio**N)


def _euclidean() -> Any:
    # |e|^2 <= e'Ae/mu and e'Ae <= L|e|^2, for an eigenvalue mu + s of A and L = mu + s + t.
    value, largest = mu + _s, mu + _s + _t
    require_nonnegative(value / mu - 1)
    require_nonnegative(largest / value - 1)
    return sp.Le(sp.Symbol("|e_N|/|e_0|"), sp.sqrt((L / mu).subs(L, kappa * mu)) * _chebyshev_rate().rhs)


def _rate_of_conjugate_gradients() -> Any:
    """Rate r with ((sqrt(kappa) - 1)/(sqrt(kappa) + 1))^n <= exp(-r n)."""
    relation = ratio_logarithm()
    return relation.lhs.subs(x, 1 / sp.sqrt(kappa))


def enough_steps(accuracy: Any) -> Any:
    return iterations(_rate_of_conjugate_gradients(), accuracy / (2 * sp.sqrt(kappa)))


def _cold() -> Any:
    # v^0 = 0, so the initial error is at most M/mu.
    return sp.Le(N_cold, enough_steps(delta / (M / mu)))


def conjugate_gradient_steps() -> tuple[Step, ...]:
    root = sp.sqrt(kappa)
    ratio = (root - 1) / (root + 1)
    return (
        Step(
            "Chebyshev polynomials",
            sp.Eq(sp.Symbol("T_N"), z**N / 2 + z ** (-N) / 2),
            "T_N at (z + 1/z)/2, from T_{N+1} = 2 x T_N - T_{N-1}, T_0 = 1, T_1 = x; z = exp(t) is T_N(cosh t) = "
            "cosh(N t).",
            by_relation(_chebyshev, "characteristic roots, fitted to T_0 and T_1; the recursion verified"),
        ),
        Step(
            "rate of conjugate gradients",
            sp.Le(sp.Symbol("|e_N|_A/|e_0|_A"), 2 * ratio**N),
            "Conjugate gradients minimise over polynomials p with p(0) = 1 (quoted); T_N of the affine map, over its "
            "value at 0, is one, at most 1 on the spectrum over z^N/2 with z the inverse of this ratio.",
            by_relation(_chebyshev_rate, "(z + 1/z)/2 = (kappa + 1)/(kappa - 1); T_N - z^N/2 = z^(-N)/2 > 0"),
        ),
        Step(
            "rate in the Euclidean norm",
            sp.Le(sp.Symbol("|e_N|/|e_0|"), 2 * root * ratio**N),
            "mu |e|^2 <= e'Ae <= L |e|^2.",
            by_relation(_euclidean, "the norms differ by the factor sqrt(L/mu)"),
        ),
        Step(
            "exact after as many steps as eigenvalues",
            sp.Eq(sp.Symbol("|e_q|"), 0),
            "q distinct eigenvalues: prod (1 - lambda/lambda_i) is 1 at 0 and vanishes on the spectrum.",
            by_relation(_finite, "one and two eigenvalues by running the recursion, any number by the polynomial"),
        ),
        ratio_logarithm_step(),
        Step(
            "enough conjugate gradient steps",
            sp.Le(N_theta, root / 2 * sp.log(2 * root / theta) + 1),
            "The least N with 2 sqrt(kappa) ratio^N <= theta.",
            by_relation(lambda: sp.Le(N_theta, enough_steps(theta)), "log(1/accuracy) over the rate"),
        ),
        Step(
            "conjugate gradients without warm start",
            sp.Le(N_cold, root / 2 * sp.log(2 * M * root / (mu * delta)) + 1),
            "From v^0 = 0 the initial error is at most M/mu, and an accuracy delta ~ sqrt(eps) must be reached every "
            "time: a cold start costs the factor log(1/eps) that the warm start saves.",
            by_relation(_cold, "log(1/accuracy) over the rate"),
        ),
    )
