"""Errors of PZOBO's estimate for curved G: of the slope of an inner run, of the mean, and its variance.

J_n is the derivative in x of the inner iterate y_n from a fixed start z at distance a from z*(x): J_0 = 0 and
J_{n+1} = J_n - alpha (G_zz J_n + G_zx) at (y_n, x). The estimate is f_x + ((y_N(x + eta u) - y_N(x))'f_z/eta) u, a mean
over u, with f_x and f_z at (y_N, x): it sees the slope at displaced points, and f_z beside z*.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import sympy as sp

from zoba_bench import estimators

from ...estimators.isserlis import expectation, form
from ...proof.algebra import require_equal, require_recursion, triangle
from ...proof.rules import by_relation
from ...proof.theorem import Step
from ...symbols import C_z, L_xz, a, d, eta, k_z, m_xz, m_zz, mu
from .directional import over_sphere, response_estimate, tau

__all__ = [
    "LAWS",
    "H",
    "N",
    "Q",
    "alpha",
    "coefficients",
    "contracted",
    "deviation",
    "error_steps",
    "kappa",
    "mean_error",
    "motion",
    "n",
    "root_variance",
    "s_J",
    "slope_error",
    "smoothing",
    "spread",
    "zeta",
]  # fmt: skip

#: Directions, inner steps, and inner step size; Lipschitz constant of the Hessian of G in (z, x).
Q, N, alpha = sp.symbols("Q N alpha", positive=True)
H = sp.Symbol("H", nonnegative=True)
n = sp.Symbol("n", integer=True, nonnegative=True)
#: |y_n - z*|, |J_n - Dz*| and the next one, |J_n|, |J_n(x) - J_n(x')| over |x - x'|.
_a_n, _e_n, _e_next, _size, s_J = sp.symbols("a_n |J_n-Dz*| |J_next-Dz*| |J_n| s_J", nonnegative=True)
#: Per |f_z|: norm of the smoothing's bias, and root of the variance of the mean over Q directions.
zeta, spread = sp.symbols("zeta sigma_u", nonnegative=True)
#: (1 - alpha mu)^N, and |J_N - Dz*|.
contracted, _slope_gap = sp.symbols("t slope_error", nonnegative=True)
#: Norm of the error of the mean estimate, and root of its variance.
mean_error, root_variance = sp.symbols("e root_V", nonnegative=True)
_part = sp.Symbol("part", nonnegative=True)
_RATE = 1 - alpha * mu
#: Bound on |J_n|; |Dz*| <= k_z may be smaller.
kappa = L_xz / mu
#: Laws of the directions that are derived.
LAWS = ("gaussian", "sphere")


def _stacked(slope: Any) -> Any:
    """Norm of [J; I], in which a row [G_zz, G_zx] of the Hessian is multiplied with a slope and the identity."""
    return sp.sqrt(1 + slope**2)


def _inner_error() -> Any:
    # G_z(y) = G_z(y) - G_z(z*) is a mean of G_zz over the segment, times y - z*.
    closed = _RATE**n * a
    return sp.Le(_a_n, require_recursion(closed, n, a, lambda value: _RATE * value))


def _letters() -> tuple[Any, ...]:
    """Blocks A = G_zz, C = G_zx at one point; T is what the row [A, C] moves by, E_1, E_2 pick its blocks."""
    letters: tuple[Any, ...] = sp.symbols("A J J_ T E_1 E_2", commutative=False)
    return letters


@cache
def _slope_step() -> Any:
    A, J, J_, T, E_1, E_2 = _letters()
    # A = A_ + T E_1 and C = C_ + T E_2, with A_ J_ + C_ = 0 at z*.
    C = -(A - T * E_1) * J_ + T * E_2
    bound = triangle(
        J - alpha * (A * J + C) - J_,
        [(1 - alpha * A, J - J_), (-alpha, T, E_1 * J_ + E_2)],
        {1 - alpha * A: _RATE, J - J_: _e_n, T: H * _inner_error().rhs, E_1 * J_ + E_2: _stacked(k_z)},
    )
    return sp.Le(_e_next, bound.subs(sp.Abs(alpha), alpha))


@cache
def _slope() -> Any:
    step = _slope_step().rhs
    source = step.subs(_e_n, 0) / _RATE**n
    closed = k_z * _RATE**n + sp.cancel(source) * n * _RATE ** (n - 1)
    require_recursion(closed, n, k_z, lambda value: step.subs(_e_n, value))
    return sp.Le(_e_n, closed)


@cache
def _largest_slope() -> Any:
    """|J_next| <= (1 - alpha mu)|J| + alpha L_xz from 0; what is left of the closed form is dropped."""
    closed = kappa * (1 - _RATE**n)
    require_recursion(closed, n, sp.Integer(0), lambda value: _RATE * value + alpha * L_xz)
    return sp.Le(_size, sp.expand(closed + kappa * _RATE**n))


@cache
def _motion() -> Any:
    """Two runs from one start, at x and x': y_n is off by at most kappa |x - x'|, (y_n, x) by [J; I] times that."""
    A, J, J_, T, E_1, E_2 = _letters()
    C_ = sp.Symbol("C_", commutative=False)
    moved = sp.Symbol("moved", nonnegative=True)
    largest = _stacked(_largest_slope().rhs)
    # A = A_ + T E_1, C = C_ + T E_2; J_ is the slope at x'.
    difference = J - alpha * (A * J + C_ + T * E_2) - (J_ - alpha * ((A - T * E_1) * J_ + C_))
    step = triangle(
        difference,
        [(1 - alpha * A, J - J_), (-alpha, T, E_1 * J_ + E_2)],
        {1 - alpha * A: _RATE, J - J_: moved, T: H * largest, E_1 * J_ + E_2: largest},
    ).subs(sp.Abs(alpha), alpha)
    limit = sp.cancel(step.subs(moved, 0) / (alpha * mu))
    require_recursion(limit * (1 - _RATE**n), n, sp.Integer(0), lambda value: step.subs(moved, value))
    return sp.Le(s_J, limit)


def _rest(power: int) -> Any:
    """|(y(x + eta u) - y(x))/eta - J u| to a power: the integral over a part of the way of s_J times the way."""
    return sp.integrate(s_J * _part * eta, (_part, 0, 1)) ** power


@cache
def _smoothing(law: str) -> Any:
    if law == "gaussian":
        # Stein: E (y(x + eta u)/eta) u' = E J(x + eta u), which moves by s_J eta |u|; E|u| <= root of E|u|^2.
        return sp.Le(zeta, s_J * eta * sp.sqrt(expectation(form("u", "u")).expression))
    # |u| = 1: the factor d, times the rest.
    return sp.Le(zeta, d * _rest(1))


@cache
def _spread(law: str) -> Any:
    """Minkowski: the root of the variance of the linear part, and the root mean square of the rest."""
    square = form("F_z", "J", "J'", "F_z")
    gaussian = law == "gaussian"
    length, factor = (sp.Integer(1), sp.Integer(1)) if gaussian else (tau, d)
    estimate = response_estimate(estimators.forward_difference, length, factor)
    moment, whole = estimate.second_moment_matrix.contracted(), form("u", "u") ** 3
    second = estimate.second_moment if gaussian else over_sphere(moment)
    # |X|^2 of the rest is at most its square times |u|^4 |u|^2.
    lengths = expectation(whole).expression if gaussian else over_sphere(expectation(whole / tau**6))
    linear = sp.sqrt(sp.cancel(second / square) - 1) * _largest_slope().rhs
    rest = factor * _rest(1) * sp.sqrt(sp.factor(lengths))
    return sp.Le(spread, (linear + rest) / sp.sqrt(Q))


@cache
def _mean() -> Any:
    f_x, f_x_, f, f_, J, J_, S = sp.symbols("f_x f_x_ f f_ J J_ S", commutative=False)
    off = contracted * a
    bound = triangle(
        f_x + (J + S) * f - (f_x_ + J_ * f_),
        [(f_x - f_x_,), (J, f - f_), (J - J_, f_), (S, f - f_), (S, f_)],
        {f_x - f_x_: m_xz * off, f - f_: m_zz * off, f_: C_z, J: _largest_slope().rhs, J - J_: _slope_gap, S: zeta},
    )
    return sp.Le(mean_error, bound)


def _variance() -> Any:
    f_off = m_zz * contracted * a
    return sp.Le(root_variance, spread * (C_z + f_off))


def slope_error(decay: Any, derivative: Any) -> tuple[Any, Any]:
    """|J_N - Dz*| as a form in a: constant and slope, from (1 - alpha mu)^N and alpha N (1 - alpha mu)^(N-1)."""
    found = _slope().rhs.subs({_RATE**n: decay, n * _RATE ** (n - 1): derivative / alpha})
    return sp.expand(found).coeff(a, 0), sp.expand(found).coeff(a, 1)


def motion() -> Any:
    """Bound on s_J."""
    return _motion().rhs


def smoothing(law: str) -> Any:
    """Bound on zeta for a law of the directions."""
    return _smoothing(law).rhs


def deviation(law: str) -> Any:
    """Bound on the root of the variance per |f_z|."""
    return _spread(law).rhs


def coefficients(decay: Any, derivative: Any) -> tuple[Any, Any, Any, Any]:
    """e_0, e_a, v_0, v_a with |mean - grad Psi| <= e_0 + e_a a and root of the variance <= v_0 + v_a a."""
    constant, slope = slope_error(decay, derivative)
    mean = sp.expand(_mean().rhs.subs({contracted: decay, _slope_gap: constant + slope * a}))
    root = sp.expand(_variance().rhs.subs(contracted, decay))
    require_equal(mean, mean.coeff(a, 0) + mean.coeff(a, 1) * a)
    return mean.coeff(a, 0), mean.coeff(a, 1), root.coeff(a, 0), root.coeff(a, 1)


def error_steps() -> tuple[Step, ...]:
    """Inner error, slope, motion of the slope, mean and variance of the estimate."""
    wide = 1 + L_xz**2 / mu**2
    linear = {"gaussian": sp.sqrt(d + 1) * L_xz / mu, "sphere": sp.sqrt(d - 1) * L_xz / mu}
    rest = {"gaussian": s_J * eta * sp.sqrt(d * (d + 2) * (d + 4)) / 2, "sphere": d * s_J * eta / 2}
    biases = {"gaussian": s_J * eta * sp.sqrt(d), "sphere": d * s_J * eta / 2}
    words = {"gaussian": "Gaussian directions", "sphere": "unit directions with the factor d"}
    after = (1 - alpha * mu) * _e_n + alpha * H * sp.sqrt(1 + k_z**2) * (1 - alpha * mu) ** n * a
    move = alpha * H * sp.sqrt(1 + k_z**2) * n * (1 - alpha * mu) ** (n - 1) * a
    off = contracted * a
    return (
        Step(
            "inner error",
            sp.Le(_a_n, (1 - alpha * mu) ** n * a),
            "G_z(y) is a mean of G_zz along the segment from z*, times y - z*; the contraction, n times.",
            by_relation(_inner_error, "closed form, by induction on n"),
        ),
        Step(
            "slope error after a step",
            sp.Le(_e_next, after),
            "J_next = J - alpha (G_zz J + G_zx) at (y_n, x), and 0 = G_zz Dz* + G_zx at z*; the row [G_zz, G_zx] moves "
            "by at most H |y_n - z*|, and |[Dz*; I]|^2 <= 1 + k_z^2.",
            by_relation(_slope_step, "operator identity, then the triangle inequality"),
        ),
        Step(
            "slope error",
            sp.Le(_e_n, k_z * (1 - alpha * mu) ** n + move),
            "From J_0 = 0, |Dz*| <= k_z.",
            by_relation(_slope, "closed form, by induction on n"),
        ),
        Step(
            "largest slope",
            sp.Le(_size, L_xz / mu),
            "|J_next| <= (1 - alpha mu)|J| + alpha L_xz from 0. With alpha > 1/L_zz it may exceed k_z.",
            by_relation(_largest_slope, "closed form, by induction on n"),
        ),
        Step(
            "motion of the slope",
            sp.Le(s_J, H * wide / mu),
            "Lipschitz constant of J_N in x at one start: both runs at once, a row moves by H |(y_n, x) - (y_n', x')|.",
            by_relation(_motion, "operator identity, then a closed form by induction on n"),
        ),
        *(
            Step(
                f"smoothing, {words[law]}",
                sp.Le(zeta, biases[law]),
                "Stein's identity and Jensen's inequality." if law == "gaussian" else "d times the rest beyond J u.",
                by_relation(partial(_smoothing, law), "moments of the engine"),
            )
            for law in LAWS
        ),
        *(
            Step(
                f"spread, {words[law]}",
                sp.Le(spread, (linear[law] + rest[law]) / sp.sqrt(Q)),
                "Per |f_z|: Minkowski's inequality for the linear part ((J u)'f_z) u and the rest, which is at most "
                "s_J eta |u|^2/2; Q directions are independent given z, x.",
                by_relation(partial(_spread, law), "exact second moments of the engine"),
            )
            for law in LAWS
        ),
        Step(
            "error of the mean",
            sp.Le(
                mean_error,
                m_xz * off + L_xz / mu * m_zz * off + _slope_gap * C_z + zeta * (m_zz * off + C_z),
            ),
            "Against grad Psi = f_x* + Dz*'f_z*, with t = (1 - alpha mu)^N: f_x and f_z are taken at y_N.",
            by_relation(_mean, "operator identity, then the triangle inequality"),
        ),
        Step(
            "root of the variance",
            sp.Le(root_variance, spread * (C_z + m_zz * contracted * a)),
            "|f_z| at (y_N, x) is at most C_z + m_zz |y_N - z*|.",
            by_relation(_variance, "the spread times |f_z|"),
        ),
    )
