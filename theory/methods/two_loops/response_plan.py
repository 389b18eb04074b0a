"""PZOBO to accuracy eps with Gaussian directions: inner steps, directions, radius, step, iterations, and their cost.

Each of the three parts of the rate (start, squared bias, noise) gets a third of eps. Inner steps grow with log(1/eps),
directions with d/eps; the radius costs nothing.
"""

from __future__ import annotations

from functools import cache, cached_property
from typing import Any

import sympy as sp

from ...proof.algebra import require_equal, require_nonnegative
from ...proof.orders import Complexity, dominates, order_of
from ...proof.rules import by_nonnegative_terms, by_relation, by_sum
from ...proof.theorem import Step
from ...symbols import W_0, C_z, L_Psi, L_xz, L_zz, a_0, d, eps, eta, gap, k_z, m_xz, m_zz, mu
from ..differentiation.implicit_lemmas import gradient_rate, logarithm_step
from .response_errors import H, N, Q, alpha, coefficients, contracted, kappa, n, s_J, smoothing, spread, zeta
from .response_errors import deviation as _deviation
from .response_run import E, beta, e_0

__all__ = ["ACCURACY", "ALPHA", "BETA", "DIRECTIONS", "ERRORS", "RADIUS", "ResponsePlan", "plan_steps"]

_part = sp.sqrt(24 / eps)
#: (1 - alpha mu)^N is at most this, with alpha N = ell/mu for its logarithm ell.
ACCURACY = 1 / (2 + C_z * k_z * _part)
#: s_J eta; directions; the step of z; e_a + v_a; the step of x.
RADIUS = 1 / (C_z * sp.sqrt(d) * _part + (d + 3) / (2 * kappa))
DIRECTIONS = (d + 1) * (12 * C_z**2 * kappa**2 / eps + 1)
ALPHA = 2 / (mu + L_zz)
_ERROR = (m_xz + 2 * kappa * m_zz) / 2 + C_z * H * sp.sqrt(1 + k_z**2) / mu
_NOISE = kappa * m_zz
ERRORS = _ERROR + _NOISE
BETA = 1 / (2 * L_Psi + 4 * k_z * E)
_EACH = eps / 3
_mean2, _derivative = sp.symbols("mean_of_squared_gradient alpha_N_power", nonnegative=True)
_s = sp.symbols("s_1:4", nonnegative=True)
_more = sp.Symbol("more", nonnegative=True)
_error, _noise = sp.symbols("e_a v_a", nonnegative=True)


def _decay() -> Any:
    exponent = gradient_rate(alpha) * N
    return sp.Le(contracted, sp.exp(-exponent.subs(N, sp.log(1 / ACCURACY) / (alpha * mu))))


def _times_decay() -> Any:
    """1 - r^n - n (1 - r) r^(n-1) is 0 at n = 0, and grows by n (1 - r)^2 r^(n-1)."""
    r = 1 - alpha * mu
    slack = 1 - r**n - n * (1 - r) * r ** (n - 1)
    require_equal(slack.subs(n, 0), 0)
    require_equal(slack.subs(n, n + 1) - slack, n * (1 - r) ** 2 * r ** (n - 1))
    # alpha n r^(n-1) = (1 - r^n - slack)/mu, and r^n >= 0.
    return sp.Le(_derivative, sp.cancel((slack + r**n + n * (1 - r) * r ** (n - 1)) / mu))


def _bias() -> Any:
    half = 1 / _part
    decayed = C_z * k_z / (1 / ACCURACY + _more)
    smoothed = C_z * smoothing("gaussian").subs(s_J, 1 / (eta * (1 / RADIUS + _more)))
    for part in (decayed, smoothed):
        require_nonnegative(half - part)
    return sp.Le(e_0, 2 * half)


def _spread() -> Any:
    """Both parts of the spread are at most kappa sqrt(d + 1): their squares are compared."""
    within = _deviation("gaussian").subs(s_J, 1 / (eta * (1 / RADIUS + _more))) * sp.sqrt(Q)
    linear = kappa * sp.sqrt(d + 1)
    require_nonnegative(sp.cancel(linear**2 - ((within - linear) ** 2).subs(C_z, 0)))
    # A larger C_z shrinks the radius.
    require_nonnegative(sp.diff(1 / RADIUS, C_z))
    return sp.Le(spread, 2 * linear / sp.sqrt(Q))


def _smoothing() -> Any:
    """kappa - zeta at C_z = 0, where the radius is largest, over kappa; (root - 1)^2 + 2 >= 0 in root = sqrt(d)."""
    root = sp.Symbol("root", positive=True)
    radius = RADIUS.subs(C_z, 0).subs(d, root**2)
    rest = sp.cancel((1 - smoothing("gaussian").subs({s_J: radius / eta, d: root**2}) / kappa) * (root**2 + 3))
    require_equal(rest, (root - 1) ** 2 + 2)
    return sp.Le(zeta, kappa)


def _shares() -> Any:
    start = 2 * W_0 / (beta * (6 * W_0 / (beta * eps) + _more))
    bias = 2 * e_0**2
    # X <= 1/2, and v_0 = C_z times the spread.
    noise = (C_z * _spread().rhs) ** 2
    require_nonnegative(sp.cancel(_EACH - start))
    require_equal(bias.subs(e_0, _bias().rhs), _EACH)
    require_nonnegative(sp.cancel(_EACH - noise.subs(Q, DIRECTIONS + _more)))
    require_equal(coefficients(contracted, _derivative)[2], C_z * spread)
    return sp.Le(_mean2, 3 * _EACH)


def _size_steps() -> tuple[Step, ...]:
    _, error, _, noise = coefficients(sp.Rational(1, 2) - _s[0], 1 / mu - _s[1])
    wide = L_xz / mu
    return (
        logarithm_step(),
        Step(
            "inner steps to accuracy",
            sp.Le(contracted, 1 / (2 + C_z * k_z * sp.sqrt(24 / eps))),
            "N >= ell/(alpha mu), ell the logarithm of 2 + C_z k_z sqrt(24/eps); t is at most 1/2 as well.",
            by_relation(_decay, "1 - x <= exp(-x), N times"),
        ),
        Step(
            "inner steps times their decay",
            sp.Le(_derivative, 1 / mu),
            "alpha n (1 - alpha mu)^(n-1) is at most (1 - (1 - alpha mu)^n)/mu.",
            by_relation(_times_decay, "what is left grows with n, by induction"),
        ),
        Step(
            "bias to accuracy",
            sp.Le(e_0, sp.sqrt(eps / 6)),
            "e_0 = C_z (k_z t + zeta), where both parts are at most sqrt(eps/24): s_J eta is at most "
            "1/(C_z sqrt(24 d/eps) + (d + 3)/(2 kappa)), kappa = L_xz/mu.",
            by_relation(_bias, "each part by coefficients"),
        ),
        Step(
            "smoothing at this radius",
            sp.Le(zeta, wide),
            "2 sqrt(d) <= d + 3.",
            by_relation(_smoothing, "a square and 2 are left"),
        ),
        Step(
            "spread at this radius",
            sp.Le(spread, 2 * wide * sp.sqrt(d + 1) / sp.sqrt(Q)),
            "The part of the rest is at most that of the linear part: d (d + 2)(d + 4) <= (d + 1)(d + 3)^2. With "
            "Q >= d + 1 the spread is at most 2 kappa.",
            by_relation(_spread, "squares compared by coefficients"),
        ),
        Step(
            "error of a at these sizes",
            sp.Le(_error, (m_xz + 2 * wide * m_zz) / 2 + C_z * H * sp.sqrt(1 + k_z**2) / mu),
            "t <= 1/2, alpha N (1 - alpha mu)^(N-1) <= 1/mu, zeta <= kappa.",
            by_sum(
                {
                    _s[0]: m_xz + wide * m_zz + zeta * m_zz,
                    _s[1]: C_z * H * sp.sqrt(1 + k_z**2),
                    _s[2]: m_zz / 2,
                },
                "what the three leave",
                {_error: error},
                {L_xz: mu * (zeta + _s[2])},
            ),
        ),
        Step(
            "noise of a at these sizes",
            sp.Le(_noise, wide * m_zz),
            "t <= 1/2 and sigma_u <= 2 kappa. E, the sum of both, is at least the root of e_a^2 + v_a^2.",
            by_sum(
                {_s[0]: spread * m_zz, _s[2]: m_zz / 2},
                "what the two leave",
                {_noise: noise},
                {L_xz: mu * (spread + _s[2]) / 2},
            ),
        ),
        Step(
            "bound at these sizes",
            sp.Le(_mean2, eps),
            "K >= 6 W_0/(beta eps), Q >= (d + 1)(12 C_z^2 kappa^2/eps + 1); before rounding up.",
            by_relation(_shares, "a third of eps minus each part, by coefficients"),
        ),
    )


@cache
def plan_steps(count: Any) -> tuple[Step, ...]:
    """Sizes to accuracy eps, and the gradients that they take; ``count`` is an upper bound of these."""
    total = sp.Symbol("n_eps", nonnegative=True)
    # K, Q and N rounded up; an iteration has N gradients at Q + 1 points and the two blocks of F.
    outer, directions = 6 * W_0 / (beta * eps) + 1, (d + 1) * (12 * C_z**2 * L_xz**2 / (mu**2 * eps) + 1) + 1
    return (
        *_size_steps(),
        Step(
            "count",
            sp.Le(total, outer * N * (directions + 3)),
            "Iterations times the gradients of one, with 2 <= 2 N for those of F: of order N d/eps^2, where N grows "
            "with log(1/eps) alone.",
            by_nonnegative_terms(count, "K N (Q + 3), the three sizes rounded up", attained={}),
        ),
    )


class ResponsePlan:
    """Count and order of the sizes."""

    @cached_property
    def count(self) -> Any:
        """Gradients to accuracy eps, at most; N and what is dimension-free stay symbols."""
        iterations, directions = 2 * W_0 / (beta * _EACH) + 1, DIRECTIONS + 1
        return sp.expand(iterations * (N * (directions + 1) + 2 * N))

    @cached_property
    def complexity(self) -> Complexity:
        """Order and count in N, d and 1/eps."""
        order = N * order_of(self.count)
        definitions = {
            "E": ERRORS,
            "beta": BETA,
            "W_0": gap + 2 * E**2 * beta * a_0**2,
            "N": sp.log(1 / ACCURACY) / (ALPHA * mu) + 1,
        }
        values = "exact gradients, with N = O(log(1/eps)) inner steps"
        found = (dominates(self.count, order),)
        return Complexity(self.count, order, sp.Integer(0), None, "", found, definitions, values)
