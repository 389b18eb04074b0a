"""Steps on the noise of fixed directions: what the certificate leaves, the largest step, and the rate in K.

What ``noise`` writes down is compared with the certificate here: its residual and its conditions, read as polynomials
in gamma.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from ...proof.algebra import equal, require_equal, require_nonnegative
from ...proof.rules import by_nonnegative_terms
from ...proof.theorem import Step
from ...symbols import W_0, C_x, D, K, L_Psi, L_xz, L_zz, R_v, a, b, c, gamma, mu, rho, w_a, w_b
from ..weights import (
    COEFFICIENTS,
    V_x_bar,
    equal_shares,
    explicit_step_ratio,
    explicit_weights,
)
from .noise import N_1, N_2, X_1, B, Noise, root_kappa

__all__ = ["inverse_step", "noise_steps", "wanted_step"]

#: The sum of the lower bounds on 1/gamma.
inverse_step = sp.Symbol("Gamma_0", positive=True)
_mean = sp.Symbol("mean_of_squared_gradient")


def wanted_step() -> Any:
    """gamma of order 1/sqrt(K), for a horizon K: 1/(Gamma_0 + sqrt(N_1 K / W_0))."""
    return 1 / (inverse_step + sp.sqrt(N_1 * K / W_0))


@cache
def noise_steps(noise: Noise) -> tuple[Step, ...]:
    """The residual per step, the largest step and the rate, for one kind of solution maps."""
    kind = noise.kind
    names = sp.Tuple(N_1, N_2, B)
    stated = sp.Tuple(noise.linear, noise.quadratic, noise.bias)
    terms = noise.inverse_terms
    rate = 2 * W_0 * inverse_step / K + 4 * sp.sqrt(W_0 * N_1 / K) + 2 * W_0 * N_2 / (N_1 * K) + 2 * B
    first = (
        Step(
            f"noise of a step, {kind} solutions",
            sp.Eq(names, stated),
            "With rho = gamma/c the residual of the certificate is N_1 gamma + N_2 gamma^2 + B: all noise carries a "
            "factor gamma, because z* and v* move by order gamma^2 in the mean. X_1 gamma is the weight of V_x, "
            "kappa = root_kappa^2 what the curvature of z* and v* costs.",
            lambda statement: _coefficients(noise, statement),
        ),
        Step(
            f"largest step, {kind} solutions",
            sp.Le(gamma, 1 / sp.Add(*terms.values())),
            "Every condition of the certificate holds: steps and weights leave half of each weight "
            f"{'and ' + str(noise.spare) + ' ' if noise.spare else ''}for the noise"
            + ("; needed are " + ", ".join(map(_at_most_one, noise.size_terms.values())) if noise.size_terms else "")
            + ("; |D| <= L_xz R_v + C_x in the ball." if kind == "smooth" else "."),
            lambda statement: _conditions(noise, statement),
        ),
    )
    return (*first, _average(noise.kind), _rate(rate, kind))


def _at_most_one(term: Any) -> str:
    return f"{sp.sstr(term)} <= 1"


def _average(kind: str) -> Step:
    last = sp.Symbol("W_K", nonnegative=True)
    return Step(
        f"average at fixed directions, {kind} solutions",
        sp.Le(_mean, 2 * W_0 / (gamma * K) + 2 * gamma * N_1 + 2 * gamma**2 * N_2 + 2 * B),
        "K terms of gamma/2 E|g_k|^2 <= E W_k - E W_{k+1} + gamma (N_1 gamma + N_2 gamma^2 + B), with W_K >= 0.",
        by_nonnegative_terms(
            2 * (W_0 - last + K * (gamma**2 * N_1 + gamma**3 * N_2 + gamma * B)) / (gamma * K),
            "bound - telescoped sum = 2 W_K / (gamma K) >= 0",
            attained={last: 0},
        ),
    )


def _rate(rate: Any, kind: str) -> Step:
    return Step(
        f"rate in K, {kind} solutions",
        sp.Le(_mean, rate),
        f"At gamma = {sp.sstr(wanted_step())}, whatever the number of directions: the mean falls like 1/sqrt(K).",
        lambda statement: _at_wanted_step(statement),
    )


def _coefficients(noise: Noise, statement: Any) -> str:
    """Read N_1, N_2 and B off the residual of the certificate."""
    certificate = noise.certificate
    kept = {symbol: noise.coefficients[name] for name, symbol in COEFFICIENTS.items()}
    residual = sp.expand(equal_shares(certificate.residual).subs(rho, gamma / c).subs(V_x_bar, noise.largest))
    polynomial = sp.Poly(residual.subs(kept), gamma)
    if polynomial.degree() > 2:
        raise ValueError(f"the residual has the degree {polynomial.degree()} in gamma")
    derived = [polynomial.coeff_monomial(gamma**power) for power in (1, 2, 0)]
    filled = _filled(noise)
    if noise.kind == "smooth":
        # V_x along the run: its coefficients, with a bound of |D| for |v| <= R_v; nothing else of it grows.
        V_x = sum(kept[COEFFICIENTS[f"s_x{column}"]] * size for column, size in (("a", a**2), ("b", b**2), ("D", D**2)))
        largest = kept[COEFFICIENTS["s_x0"]] + V_x.subs(D, L_xz * R_v + C_x)
        require_equal(largest, noise.largest)
    for found, stated in zip(derived, statement.rhs, strict=True):
        require_equal(found, stated.subs(filled))
    return "the coefficients of gamma, gamma^2 and 1 in the residual"


def _filled(noise: Noise) -> dict[Any, Any]:
    found = noise.definitions
    return {X_1: found["X_1"], root_kappa: found["root_kappa"]}


def _conditions(noise: Noise, statement: Any) -> str:
    """Every condition of the certificate, at any step that the statement allows."""
    certificate, spare = noise.certificate, noise.spare
    # 1/gamma is the stated sum and something more.
    more = sp.Symbol("more", nonnegative=True)
    inverse = 1 / statement.rhs + more
    for slack in (inverse - 2 * L_Psi, inverse - (mu + L_zz) / (2 * c)):
        require_nonnegative(slack)
    kept = {symbol: noise.coefficients[name] for name, symbol in COEFFICIENTS.items()}
    weights = explicit_weights()
    none = dict.fromkeys(COEFFICIENTS.values(), sp.Integer(0))
    filled = _filled(noise)
    for name, weight, column in (("weight of z", w_a, "a"), ("weight of v", w_b, "b")):
        condition = equal_shares(certificate.conditions[name])
        # Without noise half of the weight is left: the step "explicit weights".
        half = sp.expand((condition.subs(none) - weight / 2).subs(w_a, weights[w_a]).subs(w_b, weights[w_b]))
        require_nonnegative(half)
        noisy = sp.expand((condition.subs(none) - condition).subs(rho, gamma / c).subs(V_x_bar, noise.largest))
        motion, per_gamma = noisy.subs(kept).subs(gamma, 0), sp.expand(noisy.subs(kept)).coeff(gamma, 1)
        require_equal(noisy.subs(kept), motion + gamma * per_gamma)
        require_equal(per_gamma, noise.column(column).subs(filled))
        # What the size leaves of a quarter of the weight, and 1/gamma of the other.
        _quarter(noise, name, weight, motion)
        require_nonnegative(weight / 4 * inverse - noise.column(column))
    _step_of_x(noise, inverse, kept, spare)
    return "each condition keeps what the noise takes of it"


def _quarter(noise: Noise, name: str, weight: Any, motion: Any) -> None:
    """The motion of z* and v* takes at most a quarter of a weight, at the sizes that are asked for."""
    if name not in noise.size_terms:
        require_equal(motion, sp.Integer(0))
        return
    ratio = explicit_step_ratio(noise.certificate, noise.coupling)
    needed = noise.size_terms[name]
    # motion / size <= weight/4 for every size at or above what is needed.
    require_equal(motion.subs(c, ratio), weight / 4 * needed)


def _step_of_x(noise: Noise, inverse: Any, kept: Any, spare: Any) -> None:
    """1/2 - L_Psi gamma/2 - Y >= 1/4 - Y leaves the spare for noise proportional to D^2."""
    certificate = noise.certificate
    condition = equal_shares(certificate.conditions["step of x"])
    none = dict.fromkeys(COEFFICIENTS.values(), sp.Integer(0))
    ratio = explicit_step_ratio(certificate, noise.coupling)
    quiet = condition.subs(none).subs(gamma, 1 / (2 * L_Psi)).subs(c, ratio)
    if not equal(quiet, spare):
        raise ValueError(f"the condition on the step of x leaves {quiet}, not {spare}")
    noisy = sp.expand((condition.subs(none) - condition).subs(rho, gamma / c).subs(V_x_bar, noise.largest))
    noisy = sp.Poly(noisy.subs(kept), gamma)
    motion, per_gamma, per_square = (noisy.coeff_monomial(gamma**power) for power in range(3))
    require_equal(noisy.as_expr(), motion + gamma * per_gamma + gamma**2 * per_square)
    filled = _filled(noise)
    require_equal(per_gamma, noise.column("D").subs(filled))
    if spare == 0:
        require_equal(noisy.as_expr(), sp.Integer(0))
        return
    if motion != 0:
        require_equal(motion.subs(c, ratio), spare / 2 * noise.size_terms["step of x"])
        require_nonnegative(spare / 2 * inverse - noise.column("D"))
        return
    # spare/2 for the part per gamma, spare/2 for the part per gamma^2, whose bound is a mean of two.
    require_nonnegative(spare / 2 * inverse - noise.column("D"))
    if per_square == 0:
        return
    s_xD = noise.coefficients["s_xD"]
    require_equal(per_square, (root_kappa**2 * noise.largest * s_xD).subs(filled))
    one, two = sp.symbols("one two", nonnegative=True)
    half = root_kappa * (one + two) / 2
    if sp.expand(half**2 - root_kappa**2 * one * two - root_kappa**2 * (one - two) ** 2 / 4) != 0:
        raise ValueError("the arithmetic mean is not above the geometric one")
    require_nonnegative(inverse - half.subs({one: noise.largest, two: 2 * s_xD / spare}))


def _at_wanted_step(statement: Any) -> str:
    # Roots as letters: N_1 = r^2 W_0, K = k^2, so that gamma = 1/(Gamma_0 + r k).
    r, k = sp.symbols("r k", positive=True)
    step = 1 / (inverse_step + r * k)
    letters = {N_1: r**2 * W_0, K: k**2}
    if not equal(wanted_step().subs(letters), step):
        raise ValueError(f"the step is {wanted_step()}")
    average = 2 * W_0 / (step * k**2) + 2 * step * r**2 * W_0 + 2 * step**2 * N_2 + 2 * B
    right = sp.powdenest(statement.rhs.subs(letters), force=True)
    require_nonnegative(right - average)
    # Both sides agree where the horizon or the conditions alone decide the step.
    for alone in ({inverse_step: 0}, {r: 0, N_2: 0}):
        left = sp.expand(sp.cancel(sp.together(right - average)) if inverse_step in alone else right - average)
        require_equal(left.subs(alone), sp.Integer(0))
    return "with N_1 = r^2 W_0 and K = k^2 every coefficient of bound - average is non-negative"
