"""stocBiO in expectation: inner error, mean and variance of the hypergradient, bound over K iterations."""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from ...proof.algebra import require_equal, require_nonnegative, require_recursion
from ...proof.rules import by_relation
from ...proof.theorem import Step
from .implicit_lemmas import (
    D,
    H,
    K,
    L,
    L_Phi,
    M,
    Phi,
    Phi_next,
    a,
    adjoint_constant,
    alpha,
    beta,
    descent,
    e,
    g,
    gap,
    hypergradient_error,
    lam,
    logarithm_step,
    mu,
    ratio_logarithm_step,
    response_constant,
    smoothness,
)
from .neumann import (
    Q,
    b_1,
    bias_bound,
    eta,
    operator_norm,
    variance_bound,
)

__all__ = [
    "RATIO",
    "A",
    "D_f",
    "D_g",
    "Lambda",
    "S",
    "a_0",
    "bound_parts",
    "hypergradient_variance",
    "inner_steps",
    "mean",
    "outer_steps",
    "sigma",
]

#: Batches of inner gradients, of outer gradients, of cross products.
S, D_f, D_g = sp.symbols("S D_f D_g", positive=True)
#: Root of the variance of an inner gradient, |y^0 - y*| at x_0, root of the bound on its mean square over the run.
sigma, a_0, A = sp.symbols("sigma a_0 A", nonnegative=True)
#: L_Phi/(1 + L/mu): what an error of y costs the hypergradient.
Lambda, V = sp.Symbol("Lambda", positive=True), sp.Symbol("V", nonnegative=True)
mean = sp.Symbol("mean_of_squared_gradient", nonnegative=True)
_s, _t = sp.symbols("s t", nonnegative=True)
#: (kappa - 1)/(kappa + 1), the contraction at alpha = 2/(L + mu).
RATIO, _ALPHA, _BETA = (L - mu) / (L + mu), 2 / (L + mu), 1 / L_Phi


def _contraction() -> Any:
    where = {lam: mu + _s, L: mu + _s + _t}
    for sign in (1, -1):
        require_nonnegative((RATIO + sign * (1 - _ALPHA * lam)).subs(where, simultaneous=True))
    require_equal(RATIO, (1 - _ALPHA * lam).subs(lam, mu))
    return sp.Le(sp.Abs(1 - alpha * lam), RATIO)


@cache
def _floor() -> Any:
    """Noise that stays, from E|y^{t+1} - y*|^2 <= ratio^2 E|y^t - y*|^2 + alpha^2 sigma^2/S."""
    source, square = _ALPHA**2 * sigma**2 / S, RATIO**2
    limit = sp.factor(source / (1 - square))
    closed = square**D * a_0**2 + limit * (1 - square**D)
    require_recursion(closed, D, a_0**2, lambda value: square * value + source)
    return limit


def _inner_error() -> Any:
    return sp.Le(sp.Symbol("E|y^D - y*|^2"), RATIO ** (2 * D) * a_0**2 + _floor())


@cache
def _mean_error() -> Any:
    """Error of the mean hypergradient given y^D, whose adjoint at y^D is itself off by its Lipschitz constant."""
    bias = sp.Symbol("bias", positive=True)
    total = sp.expand(hypergradient_error(a, adjoint_constant() * a + bias))
    require_equal(sp.expand(total.coeff(a) * (1 + response_constant())), smoothness())
    return sp.Le(e, Lambda * a + total.coeff(bias) * bias_bound().rhs)


@cache
def hypergradient_variance() -> Any:
    """Variance of the hypergradient given y^D: the batch of f, the cross batch and the Hessian batches."""
    F_x, F_y, f_x, f_y_, C_G, C, v, N = sp.symbols("F_x F_y f_x f_y_ C_G C v N", commutative=False)
    # N f_y is the mean of v; the parts are uncorrelated, each has mean zero given the batches before it.
    parts = (F_x - f_x) - C * N * (F_y - f_y_) - (C_G - C) * v - C * (v - N * F_y)
    if sp.expand(F_x - C_G * v - (f_x - C * N * f_y_) - parts) != 0:
        raise ValueError("the parts do not add up to the deviation")
    # (first + k second)^2 <= (1 + k^2)(first^2 + second^2), short of a square.
    k, first, second = sp.symbols("k first second", nonnegative=True)
    both = sp.Poly((k * first - second) ** 2 + (first + k * second) ** 2, first, second)
    if both.coeff_monomial(first**2) != both.coeff_monomial(second**2) or both.coeff_monomial(first * second) != 0:
        raise ValueError("the norm of [I, -C N] is not as stated")
    outer = both.coeff_monomial(first**2).subs(k, L * operator_norm())
    cross = L**2 * (operator_norm() * M) ** 2
    return sp.Le(V, M**2 * outer / D_f + cross / D_g + L**2 * variance_bound().rhs)


def _inner_start() -> Any:
    """E a_next^2 <= 2 E|y^D - y*|^2 + 2 (L/mu)^2 beta^2 |h|^2, |h| <= M + L M/mu; 2 ratio^(2D) at most 1/2."""
    moved = response_constant() * (M + L * M * operator_norm()) / smoothness()
    require_nonnegative(M / L - moved)
    added = 2 * _floor() + 2 * (M / L) ** 2
    limit = a_0**2 + 2 * added
    require_nonnegative(limit - (limit / 2 + added))
    return sp.Le(sp.Symbol("E|y^0 - y*|^2"), limit)


def _noisy_descent() -> Any:
    return descent(V)


@cache
def bound_parts() -> dict[str, Any]:
    """The bound, part by part, from the descent summed over K iterations and |p + q|^2 <= 2 |p|^2 + 2 |q|^2."""
    spent = sp.expand((_noisy_descent().rhs.subs(beta, _BETA) - Phi) / _BETA)
    share, error, noise = -spent.coeff(g**2), spent.coeff(e**2), spent.coeff(V)
    # What is left is the multiple of -|h|^2 that beta <= 1/L_Phi allows to drop.
    require_nonnegative(-(spent + share * g**2 - error * e**2 - noise * V))
    slope = _mean_error().rhs.coeff(a)
    return {
        "iterations": gap / (_BETA * share * K),
        "contraction": error / share * 2 * slope**2 * RATIO ** (2 * D) * A**2,
        "floor": error / share * 2 * slope**2 * _floor(),
        "tail": error / share * 2 * _mean_error().rhs.subs(a, 0) ** 2,
        "noise": noise / share * V,
    }


def _bound() -> Any:
    return sp.Le(mean, sum(bound_parts().values()))


def inner_steps() -> tuple[Step, ...]:
    """Stochastic inner steps: contraction, noise that stays, and the error at the warm starts."""
    return (
        Step(
            "inner contraction",
            sp.Le(sp.Abs(1 - alpha * lam), RATIO),
            "alpha = 2/(L + mu), every eigenvalue lambda in [mu, L].",
            by_relation(_contraction, "ratio +- (1 - alpha lambda) >= 0 by coefficients, equality at mu"),
        ),
        logarithm_step(),
        ratio_logarithm_step(),
        Step(
            "inner error",
            sp.Le(sp.Symbol("E|y^D - y*|^2"), RATIO ** (2 * D) * a_0**2 + sigma**2 / (L * mu * S)),
            "E|y_next - y*|^2 <= ratio^2 E|y - y*|^2 + alpha^2 sigma^2/S: batches are unbiased and independent.",
            by_relation(_inner_error, "closed form, by induction on D"),
        ),
        Step(
            "inner error over the run",
            sp.Le(sp.Symbol("E|y^0 - y*|^2"), a_0**2 + 4 * M**2 / L**2 + 4 * sigma**2 / (L * mu * S)),
            "Warm start with ratio^(2D) <= 1/4, |h| <= (1 + L/mu) M, beta = 1/L_Phi; called A^2 below.",
            by_relation(_inner_start, "induction over the iterations; the motion is at most M/L by coefficients"),
        ),
    )


def outer_steps() -> tuple[Step, ...]:
    """Mean and variance of the hypergradient, descent, and the bound."""
    tail = (1 - eta * mu) ** (Q + 1)
    return (
        Step(
            "error of the mean hypergradient",
            sp.Le(e, Lambda * a + L * M / mu * tail),
            "Given y^D: the split above with |E v_Q - v*| <= Lip(v) a + bias; Lambda = L_Phi/(1 + L/mu).",
            by_relation(_mean_error, "coefficient of a compared with the constant of Phi"),
        ),
        Step(
            "variance of the hypergradient",
            sp.Le(
                V,
                M**2 * (1 + L**2 / mu**2) / D_f + L**2 * M**2 / (mu**2 * D_g) + L**2 * (eta * L * M**2 / (mu**2 * b_1)),
            ),
            "(F_x - f_x) - C N (F_y - f_y), with |[I, -C N]|^2 <= 1 + L^2/mu^2; (C_G - C) v_Q; C (v_Q - N F_y): "
            "uncorrelated, as the three batches are independent. N f_y is the mean of v_Q.",
            by_relation(hypergradient_variance, "operator identity; Cauchy-Schwarz as a square"),
        ),
        Step(
            "descent with noise",
            sp.Le(
                Phi_next,
                Phi
                - beta * g**2 / 2
                - beta * (1 - beta * L_Phi) * H**2 / 2
                + beta * e**2 / 2
                + L_Phi * beta**2 * V / 2,
            ),
            "In the mean given y^D; H is the norm of the mean of h, e its error, V the variance.",
            by_relation(_noisy_descent, "the mean of |h|^2 is H^2 + V"),
        ),
        Step(
            "bound",
            sp.Le(
                mean,
                2 * L_Phi * gap / K
                + 2 * Lambda**2 * (RATIO ** (2 * D) * A**2 + sigma**2 / (L * mu * S))
                + 2 * L**2 * M**2 / mu**2 * (1 - eta * mu) ** (2 * Q + 2)
                + V,
            ),
            "Summed over K iterations at beta = 1/L_Phi; gap = Phi(x_0) - inf Phi.",
            by_relation(_bound, "telescoping sum, |p + q|^2 <= 2|p|^2 + 2|q|^2"),
        ),
    )
