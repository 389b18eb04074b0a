"""Error of the unrolled hypergradient of ITD-BiO: closed form on quadratics, and by recursion in general."""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from zoba_bench.arrays import Array

from ...estimators.blocks import Blocks
from ...noise.rest import spectral
from ...proof.algebra import require_equal, require_nonnegative, require_recursion, triangle
from ...proof.boxes import summed
from ...proof.rules import by_relation
from ...proof.theorem import Step
from .implicit_lemmas import (
    D,
    L,
    M,
    alpha,
    e,
    gradient_rate,
    lam,
    logarithm,
    mu,
    response_constant,
    rho,
    smoothness,
    tau,
    x,
)

__all__ = ["DECAY", "a_0", "bias_steps", "envelope", "inner_error", "resting_error"]


t = sp.Symbol("t", integer=True, nonnegative=True)
#: Cross derivative of g, gradient and second derivatives of f at y*, along one eigenvector; y^0 - y*.
c, f_y, f_xy, f_yy, e_0 = sp.symbols("c f_y f_xy f_yy e_0", real=True)
#: |y^0 - y*|, at x_0 and at any iteration; |y^t - y*|; |J^t - J*| with J^t the derivative of y^t.
a_0, a_k, a_t, J_err, J_err_next = sp.symbols("a_0 a_k a_t J_err J_err_next", nonnegative=True)
_J, _e_D = sp.Symbol("|J^D|"), sp.Symbol("|J^D - J*|")
u = sp.Symbol("u", positive=True)
_q = 1 - alpha * mu
#: exp(-u/2) at u = alpha mu D, the decay of the error with the inner steps.
DECAY = sp.exp(-u / 2).subs(u, alpha * mu * D)


def _truncated_sum() -> Any:
    total = alpha * summed((1 - alpha * lam) ** t, t, 0, D - 1)
    return sp.Eq(sp.Symbol("alpha_sum"), total)


def _quadratic_bias() -> Any:
    """One eigenvector of g = lam y^2/2 + c x y: both recursions solved, both hypergradients compared."""
    power = (1 - alpha * lam) ** D
    error = require_recursion(power * e_0, D, e_0, lambda value: value - alpha * lam * value)
    slope = require_recursion(-c / lam * (1 - power), D, sp.Integer(0), lambda value: value - alpha * (lam * value + c))
    unrolled = f_xy * error + slope * (f_y + f_yy * error)
    return sp.Eq(sp.Symbol("bias"), sp.expand(unrolled - (-c / lam) * f_y))


@cache
def _sensitivity() -> Any:
    """J^{t+1} - J* from J^{t+1} = J^t - alpha (A_t J^t + C_t) and 0 = A J* + C."""
    A_t, A, C_t, C, J, J_ = sp.symbols("A_t A C_t C J J_", commutative=False)
    step = J - alpha * (A_t * J + C_t) - (J_ - alpha * (A * J_ + C))
    bound = triangle(
        step,
        [(1 - alpha * A_t, J - J_), (-alpha, A_t - A, J_), (-alpha, C_t - C)],
        {
            1 - alpha * A_t: _q,
            J - J_: J_err,
            A_t - A: rho * a_t,
            J_: response_constant(),
            C_t - C: tau * a_t,
        },
    )
    return sp.Le(J_err_next, bound)


@cache
def _unrolled_sensitivity() -> Any:
    step = _sensitivity().rhs.subs(a_t, _q**D * a_0)
    source = sp.expand(step.subs(J_err, 0)) / _q**D
    closed = _q**D * response_constant() + D * _q ** (D - 1) * sp.factor(sp.cancel(source))
    require_recursion(closed, D, response_constant(), lambda value: step.subs(J_err, value))
    return sp.Le(_e_D, closed)


@cache
def _slope_bound() -> Any:
    """|J^{t+1}| <= (1 - alpha mu)|J^t| + alpha L from J^0 = 0."""
    closed = require_recursion((1 - _q**D) * L / mu, D, sp.Integer(0), lambda value: _q * value + alpha * L)
    return sp.Le(_J, (closed + _q**D * L / mu).expand())


@cache
def _hypergradient() -> Any:
    f, f_, y, y_, J, J_ = sp.symbols("f f_ y y_ J J_", commutative=False)
    a_D = _q**D * a_0
    bound = triangle(
        f + J * y - (f_ + J_ * y_),
        [(f - f_,), (J, y - y_), (J - J_, y_)],
        {f - f_: L * a_D, y - y_: L * a_D, J: _slope_bound().rhs, J - J_: _unrolled_sensitivity().rhs, y_: M},
    )
    return sp.Le(e, bound)


@cache
def _times_exponential() -> Any:
    """u exp(1 - u) from w <= exp(w - 1), w = u/2, which is the logarithm at x = 1 - w."""
    w = u / 2
    relation = logarithm().subs(x, 1 - w)
    require_equal(sp.exp(-relation.rhs), w)
    return sp.Le(u * sp.exp(1 - u), sp.powsimp(2 * sp.exp(-relation.lhs) * sp.exp(1 - u)))


@cache
def envelope() -> Any:
    """Constant B of the bound B exp(-u/2), u = alpha mu D.

    (1 - alpha mu)^D <= exp(-u), and because of alpha mu <= 1 also
    alpha mu D (1 - alpha mu)^(D-1) <= u exp(1 - u) <= 2 exp(-u/2).
    """
    power, slope = sp.symbols("power slope", positive=True)
    require_equal(gradient_rate(alpha) * D, alpha * mu * D)
    factor = _times_exponential().rhs / sp.exp(-u / 2)
    linear = sp.expand(_hypergradient().rhs).subs(D * _q ** (D - 1), slope / (alpha * mu)).subs(_q**D, power)
    linear = sp.expand(linear)
    # Nothing but the two powers depends on D, and their coefficients are not negative.
    require_equal(linear, linear.coeff(power) * power + linear.coeff(slope) * slope)
    for coefficient in (linear.coeff(power), linear.coeff(slope)):
        require_nonnegative(coefficient)
        if coefficient.has(D):
            raise ValueError(f"{coefficient} depends on D")
    return linear.coeff(power) + factor * linear.coeff(slope)


def _enveloped() -> Any:
    return sp.Le(e, envelope() * DECAY)


@cache
def inner_error() -> Any:
    """a_{k+1} <= a_k/2 + (L/mu) beta |h|, |h| <= M + |J^D| M, beta = 1/L_Phi; the fixed point by induction."""
    moved = response_constant() * (M + _slope_bound().rhs * M) / smoothness()
    require_nonnegative(M / L - moved)
    # The D below makes (1 - alpha mu)^D at most 1/16; a half is enough here.
    limit = a_0 + 2 * M / L
    require_nonnegative(limit - (limit / 2 + M / L))
    return sp.Le(a_k, limit)


@cache
def _resting_factor() -> Any:
    """What the bias is of c v* where y rests at y*: there e_0 = 0, and f_y = -lambda v*."""
    v = sp.Symbol("v", real=True)
    bias = _quadratic_bias().rhs.subs({e_0: 0, f_y: -lam * v})
    return sp.lambdify((lam, alpha, D), sp.cancel(bias / (c * v)), "numpy")


def resting_error(blocks: Blocks, solver: Any) -> Array:
    """The bias at rest, as a factor of v*; along a path that rests no third derivative of g counts."""
    return spectral(blocks, lambda values: _resting_factor()(values, solver.alpha, solver.D))


def bias_steps() -> tuple[Step, ...]:
    """Bias on quadratics in closed form, error in general, its exponential bound, warm starts."""
    power = (1 - alpha * lam) ** D
    return (
        Step(
            "truncated sum",
            sp.Eq(sp.Symbol("alpha_sum"), (1 - power) / lam),
            "alpha sum_{t<D} (1 - alpha lambda)^t: on a quadratic inner problem the unrolled gradient is the exact one "
            "with this in place of 1/lambda.",
            by_relation(_truncated_sum, "geometric sum, by induction on D"),
        ),
        Step(
            "bias on a quadratic inner problem",
            sp.Eq(sp.Symbol("bias"), power * (c / lam * f_y + (f_xy - c / lam * (1 - power) * f_yy) * e_0)),
            "g = lambda y^2/2 + c x y along an eigenvector, f with second derivatives f_xy, f_yy: both recursions, of "
            "y and of dy/dx, solved. The part with f_y stays for y^0 = y*: no warm start removes it.",
            by_relation(_quadratic_bias, "closed forms by induction on D, unrolled minus exact hypergradient"),
        ),
        Step(
            "recursion of the sensitivity",
            sp.Le(J_err_next, (1 - alpha * mu) * J_err + alpha * (rho * L / mu + tau) * a_t),
            "J = dy/dx: J_next = J - alpha (g_yy J + g_yx) at y^t, and the same with J* at y*; a_t = |y^t - y*|.",
            by_relation(_sensitivity, "operator identity, then the triangle inequality"),
        ),
        Step(
            "error of the sensitivity",
            sp.Le(_e_D, _q**D * L / mu + D * _q ** (D - 1) * alpha * (rho * L / mu + tau) * a_0),
            "The recursion with a_t <= (1 - alpha mu)^t a_0 and J^0 = 0.",
            by_relation(_unrolled_sensitivity, "closed form, by induction on D"),
        ),
        Step(
            "size of the sensitivity",
            sp.Le(_J, L / mu),
            "|J_next| <= (1 - alpha mu)|J| + alpha L from 0.",
            by_relation(_slope_bound, "closed form, by induction on D"),
        ),
        Step(
            "error of the unrolled hypergradient",
            sp.Le(
                e,
                _q**D * (L * (1 + L / mu) * a_0 + M * L / mu)
                + M * D * _q ** (D - 1) * alpha * (rho * L / mu + tau) * a_0,
            ),
            "h - grad Phi = (f_x - f_x*) + J (f_y - f_y*) + (J - J*) f_y*, for any inner problem of the class.",
            by_relation(_hypergradient, "operator identity, then the triangle inequality"),
        ),
        Step(
            "linear times exponential",
            sp.Le(u * sp.exp(1 - u), 2 * sp.exp(-u / 2)),
            "u/2 <= exp(u/2 - 1), the logarithm at x = 1 - u/2.",
            by_relation(_times_exponential, "exponential of the inequality of the logarithm"),
        ),
        Step(
            "exponential bound",
            sp.Le(
                e,
                (L * (1 + L / mu) * a_0 + M * L / mu + 2 * M * (rho * L / mu + tau) * a_0 / mu)
                * sp.exp(-alpha * mu * D / 2),
            ),
            "(1 - alpha mu)^D <= exp(-u) and alpha mu D (1 - alpha mu)^(D-1) <= u exp(1 - u), u = alpha mu D. The "
            "factor is called B below, with a_0 replaced by its bound over the run.",
            by_relation(_enveloped, "linear in the two powers, with non-negative coefficients"),
        ),
        Step(
            "inner error over the run",
            sp.Le(a_k, a_0 + 2 * M / L),
            "Warm start: a_next <= (1 - alpha mu)^D a + (L/mu) beta |h|, the power at most 1/2, |h| <= (1 + L/mu) M, "
            "beta = 1/L_Phi.",
            by_relation(inner_error, "induction over the iterations; the motion is at most M/L by coefficients"),
        ),
    )
