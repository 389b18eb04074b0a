"""What second differences need: a lower bound on the evaluations of ZOBA, on a family where G_xx is all that matters.

    G = L_zz |z|^2/2 + beta |x|^2/2,   F = -L_zz R z_1 + (lam x_1^2 + L (x_2^2 + ... + x_d^2))/2,   lam = 4 eps/Delta.

Psi is the part of F in x, v* = R e_1 for all x, and G_xz = 0: the cross surrogate Cv has mean zero and is noise alone.
From z_0 = z*, v_0 = v* and x_0 on the first axis with Psi(x_0) - inf Psi = Delta, |grad Psi(x_0)|^2 = 8 eps. Steps are
constant, gamma <= 1/L, and lam <= L/2. Two things cannot be had together: large steps, which x_1 needs to move in time,
and small ones, which the other coordinates need to be still.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from ..estimators.presets import preset_named
from ..estimators.surrogates import pair_moment
from ..proof.algebra import require_equal, require_growth, require_nonnegative, sides
from ..proof.orders import diverges
from ..proof.rules import by_derivation, by_relation
from ..proof.theorem import Assumption, Step, Theorem
from ..symbols import K, L_zz, R, b1, d, eps, gamma, l1, p, ratio, rho
from .assumptions import PUBLISHED, PUBLISHED_SOURCE

__all__ = ["zoba_lower"]

#: G_xx = beta I; the fast and the slow curvature of Psi; Psi(x_0) - inf Psi; noise of all of Cv, and of its fast part.
beta, L, Delta = sp.symbols("beta L Delta", positive=True)
Q, Q_fast = sp.symbols("Q Q_fast", positive=True)
_n, _square = sp.symbols("n mean_of_squared_v")
_FORMS = L_zz**2 * ratio**2 * (p + 2) * (p + 4) + 2 * L_zz * beta * (p + 2) * (d + 2)
_FORMS += beta**2 * (d + 2) * (d + 4) / ratio**2


@cache
def zoba_lower() -> Theorem:
    """ZOBA with second differences needs d^3/eps^2 with one radius and p d^2/eps^2 with any ratio."""
    noise = R**2 * d * _FORMS / (4 * l1)
    needed = L * Delta * R**2 * (d - 1) * _FORMS / (16 * eps**2)
    one = needed.subs({ratio: 1})
    steps = (
        Step(
            "adjoint",
            sp.Ge(_square, R**2),
            "E v_(k+1) = E v_k - rho (L_zz E v_k - L_zz R e_1) stays at R e_1 for every rho, and E|v|^2 >= |E v|^2.",
            _adjoint,
        ),
        Step(
            "noise of the cross surrogate",
            sp.Eq(Q, noise),
            "E|Cv|^2 / l1 at G_zz = L_zz I, G_xz = 0, G_xx = beta I and |v| = R, from the coefficient function that "
            "runs, and again from radial moments E|w|^2k (w'v)^2 and E|u|^2k.",
            _noise,
        ),
        Step(
            "noise is isotropic and uncorrelated",
            sp.Eq(sp.Symbol("mean_of_cross_times_f_x"), 0),
            "Cv is odd in w and f_x does not contain w; what rotates u rotates Cv, so that each coordinate has Q/d.",
            by_derivation(_correlation, "no matching of an odd number of w"),
        ),
        Step(
            "slow coordinate",
            sp.Ge(K, Delta / (4 * gamma * eps)),
            "The mean over k < K of 8 eps (1 - gamma lam)^(2 k) is at least 8 eps (1 - gamma lam)^(K - 1) (means), so "
            "that (1 - gamma lam)^(K - 1) <= 1/8; -ln(1 - y) <= 2 y for y <= 1/2, and ln 8 >= 2.",
            _slow,
        ),
        Step(
            "fast coordinates",
            sp.Le(gamma, 4 * eps / (L * Q_fast)),
            "Q_fast = Q (d - 1)/d. E|x_fast|^2 is at least gamma^2 Q_fast (1 - q^k)/(1 - q) with q = (1 - gamma L)^2; "
            "for K >= 2/(gamma L), which the slow coordinate asks for, the mean of L^2 E|x_fast|^2 is at least "
            "gamma L Q_fast/4.",
            _fast,
        ),
        Step(
            "iterations",
            sp.Ge(K, L * Delta * Q_fast / (16 * eps**2)),
            "The slow coordinate at the largest step that the fast ones allow.",
            by_relation(
                lambda: sp.Ge(K, (Delta / (4 * gamma * eps)).subs(gamma, 4 * eps / (L * Q_fast))),
                "K >= Delta/(4 gamma eps) falls with gamma",
            ),
        ),
        Step(
            "evaluations",
            sp.Ge(_n, needed),
            "At least 4 l1 values of G an iteration, whatever rho, l1, l2 and the radii, at the ratio r = h/eta.",
            lambda statement: _evaluations(statement, noise),
        ),
        Step(
            "one radius",
            sp.Ge(_n, L * Delta * beta**2 * R**2 * (d - 1) * (d + 2) * (d + 4) / (16 * eps**2)),
            "r = 1: the term of G_xx alone, d^3/eps^2.",
            lambda statement: _part(statement, one),
        ),
        Step(
            "any ratio of radii",
            sp.Ge(_n, L * Delta * L_zz * beta * R**2 * (d - 1) * (p + 2) * (d + 2) / (4 * eps**2)),
            "The first and the last term are at least twice the root of their product: p d^2/eps^2, which the tuned "
            "ratio attains.",
            lambda statement: _any_ratio(statement, needed),
        ),
        Step(
            "against the published order",
            sp.Eq(sp.Symbol("excess_in_d"), 1),
            f"With one radius n over {sp.sstr(PUBLISHED)} grows like d at fixed p on this family ({PUBLISHED_SOURCE}; "
            "the paper's text was not available).",
            by_derivation(lambda: sp.Integer(diverges(sp.expand(one), PUBLISHED).excess), "a divergent limit"),
        ),
    )
    vocabulary = frozenset((L_zz, R, beta, L, Delta, gamma, eps, l1))
    return Theorem(
        "zoba-lower",
        "ZOBA with second differences: evaluations that constant steps need on one family",
        "zoba",
        (
            Assumption("the family above: G_zz = L_zz I, G_xz = 0, G_xx = beta I, v* = R e_1", L_zz, R, beta),
            Assumption(
                "lam = 4 eps/Delta <= L/2; a start at z*, v* with the gap Delta along the first axis", L, Delta, eps
            ),
            Assumption(
                "Gaussian directions, exact values, constant steps gamma <= 1/L, the mean over k < K at most eps",
                gamma,
                l1,
            ),
        ),
        "The derivation is this project's own. It speaks of this algorithm, not of the problem: G - beta |x|^2/2 is "
        "the same problem without the term, and mixed differences remove it. C_x is not finite here; the family "
        "depends on eps.",
        steps,
        {str(s): s for s in (p, d, eps, L_zz, R, beta, L, Delta, ratio, l1)},
        vocabulary=vocabulary,
    )


def _adjoint(statement: Any) -> str:
    _, right = sides(statement, sp.GreaterThan)
    mean = sp.Symbol("mean_v", real=True)
    after = mean - rho * (L_zz * mean - L_zz * R)
    require_equal(after.subs(mean, R), R)
    require_equal(right, R**2)
    # E|v|^2 - |E v|^2 is the variance.
    variance = sp.Symbol("variance", nonnegative=True)
    require_nonnegative(R**2 + variance - right)
    return "R e_1 is a fixed point of the mean, and a variance is not negative"


def _radial(size: Any, power: int) -> Any:
    """E|w|^(2 power) for a normal vector."""
    return sp.Mul(*(size + 2 * k for k in range(power)))


def _noise(statement: Any) -> str:
    _, right = sides(statement)
    # (r L |w|^2/2 + beta |u|^2/(2 r))^2 (w'v)^2 |u|^2, with E|w|^2k (w'v)^2 = |v|^2 E|w|^(2k+2)/p.
    of_w, of_u = L_zz * ratio / 2, beta / (2 * ratio)
    radial = sum(
        factor * R**2 * _radial(p, k + 1) / p * _radial(d, m + 1)
        for factor, k, m in ((of_w**2, 2, 0), (2 * of_w * of_u, 1, 1), (of_u**2, 0, 2))
    )
    require_equal(radial / l1, right)
    require_equal(_from_code() / l1, right)
    return "radial moments and Isserlis' formula agree"


def _from_code() -> Any:
    """E|Cv|^2 of the surrogate that runs, at multiples of the identity, where the largest moment is attained."""
    return preset_named("zoba").inner[2].worst_case({"A": L_zz, "B": beta, "C": sp.Integer(0), "v": R})


def _correlation() -> Any:
    """The terms of E[Cv f_x'] without G_xz."""
    preset = preset_named("zoba")
    moment = pair_moment(preset.inner[2], preset.outer[1])
    free = [c for c, product in moment.terms if not any(x.rstrip("'") == "C" for item in product for x in item.word)]
    return sp.Add(*free)


def _slow(statement: Any) -> str:
    _, right = sides(statement, sp.GreaterThan)
    # lam = 4 eps/Delta: lam^2 x_1^2 = 2 lam Delta = 8 eps at the start, and 1/(gamma lam) is the bound.
    slow = 4 * eps / Delta
    require_equal(2 * slow * Delta, 8 * eps)
    require_equal(1 / (gamma * slow), right)
    # -ln(1 - y) <= 2 y for 0 <= y <= 1/2: zero at 0, and 2 - 1/(1 - y) >= 0.
    y, t = sp.symbols("y t", nonnegative=True)
    require_growth(2 * y + sp.log(1 - y), y, {t / (2 * (1 + t)): 1})
    if not (sp.log(8) - 2).is_positive:
        raise ValueError("ln 8 is below 2")
    # 2 y (K - 1) >= ln 8 >= 2 gives K >= 1 + 1/y.
    return "8 eps at the start; (K - 1) 2 y >= ln 8 >= 2 with y = gamma lam <= 1/2"


def _fast(statement: Any) -> str:
    _, right = sides(statement, sp.LessThan)
    s, x = sp.symbols("s x", positive=True)
    # The recursion E x^2 -> q E x^2 + source has gamma^2 Q_fast (1 - q^k)/(1 - q) from 0: by induction.
    q, power = sp.symbols("q power", positive=True)
    closed = (1 - power) / (1 - q)
    require_equal(q * closed + 1, closed.subs(power, q * power))
    # With y = gamma L <= 1: 1 - q = y (2 - y) lies in [y, 2 y].
    y = 1 / (1 + s)
    require_equal(1 - (1 - y) ** 2, y * (2 - y))
    for slack in (y * (2 - y) - y, 2 * y - y * (2 - y)):
        require_nonnegative(sp.cancel(slack))
    # Mean of (1 - q^k) over k < K is 1 - (1 - q^K)/(K (1 - q)) >= 1 - 1/(K (1 - q)) >= 1/2 as K (1 - q) >= K y >= 2.
    least = sp.Symbol("K_times_1_minus_q", positive=True)
    require_nonnegative(((1 - 1 / least) - sp.Rational(1, 2)).subs(least, 2 + x))
    mean = L**2 * gamma**2 * Q_fast / (2 * gamma * L) * sp.Rational(1, 2)
    require_equal(mean.subs(gamma, right), eps)
    return "at least gamma L Q_fast/4, which is eps at this step"


def _evaluations(statement: Any, noise: Any) -> str:
    _, right = sides(statement, sp.GreaterThan)
    iterations = L * Delta * (noise * (d - 1) / d) / (16 * eps**2)
    require_equal(4 * l1 * iterations, right)
    values = preset_named("zoba").evaluations["inner"]
    require_nonnegative(values.subs(b1, 1) - 4 * l1)
    return "4 l1 values times K, l1 cancels"


def _part(statement: Any, whole: Any) -> str:
    _, right = sides(statement, sp.GreaterThan)
    require_nonnegative(sp.expand((whole - right).subs(d, 1 + sp.Symbol("t", nonnegative=True))))
    require_equal(right, whole.subs(L_zz, 0))
    return "what is left out is not negative"


def _any_ratio(statement: Any, whole: Any) -> str:
    _, right = sides(statement, sp.GreaterThan)
    t = sp.Symbol("t", nonnegative=True)
    scale = L * Delta * R**2 * (d - 1) / (16 * eps**2)
    x, y = L_zz * ratio, beta / ratio
    # (p + 2)(p + 4) x^2 + (d + 2)(d + 4) y^2 - 2 (p + 2)(d + 2) x y is a square and something not negative.
    square = ((p + 2) * x - (d + 2) * y) ** 2
    rest = sp.expand((whole - right) / scale - square)
    require_nonnegative(rest)
    require_nonnegative(scale.subs(d, 1 + t))
    return "a square and non-negative terms are left"
