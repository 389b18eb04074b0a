"""Variances of D_z, D_v and D_x in squares of the errors: V <= s_0 + s_a a^2 + s_b b^2 + s_D D^2.

The plan and the count use these bounds. Here G is quadratic and F is not. The moments come from the surrogates of
one direction. What is added is how they join: the inner and the outer surrogate by Young's inequality (exactly,
where they share their directions), |v| <= R + b, |F_z| <= C_z + m_zz a, and the remainder of F beyond first order.

With samples a direction's variance is taken given the sample, whose functions obey the same bounds. A mean over b
samples of l directions each then has the variance (V + E[S]/l)/b, with V the variance of the sample's exact value and S
that of one direction given the sample.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import sympy as sp

from ..estimators.isserlis import expectation, form, random_ends
from ..estimators.presets import Preset, preset_named
from ..estimators.surrogates import Surrogate
from ..symbols import (
    BLOCK_BOUNDS,
    C_x,
    C_z,
    D,
    L_xx,
    L_zz,
    M_v,
    R,
    R_v,
    a,
    b,
    b1,
    b2,
    d,
    eta,
    h,
    l1,
    l2,
    m_xx,
    m_zz,
    p,
    ratio,
    sigma_fx,
    sigma_fz,
    sigma_gz,
    sigma_xz,
    sigma_zz,
    y_f,
    y_s,
    y_v,
)

__all__ = ["VarianceModel", "variance_model"]

#: Norm of v and of the exact directions, while a moment is being bounded.
_v, _direction = sp.symbols("v_norm direction_norm", nonnegative=True)


@dataclass(frozen=True, eq=False)
class VarianceModel:
    """Variance bounds of one preset, as sympy expressions.

    Attributes
    ----------
    preset : the surrogates.
    projected : whether v stays in a ball of radius R_v, so that |v| <= R_v without b.
    any_ratio : keep r = h/eta as it is given, rather than the preset's own.
    sampled : values are means over samples with the spreads sigma; all values of one difference share their sample.
    """

    preset: Preset
    projected: bool = False
    any_ratio: bool = False
    sampled: bool = False

    @cached_property
    def independent(self) -> bool:
        """Whether the noises of (z, v) and of x come from independent directions; samples are shared by all."""
        if self.sampled:
            return False
        d_z, hv, cv = self.preset.inner
        f_z, f_x = self.preset.outer
        return not (_directions(d_z, hv, f_z) & _directions(cv, f_x))

    @property
    def radius_ratio(self) -> Any:
        """r = h/eta as an expression."""
        if self.any_ratio:
            return h / eta
        return sp.sqrt(L_xx / L_zz * (d + 2) / (p + 2)) if self.preset.tuned else sp.Integer(1)

    @cached_property
    def hessian(self) -> Any:
        """Largest variance of one direction's Hv, per |v|^2."""
        return self._scaled(self.preset.inner[1])

    @cached_property
    def cross(self) -> Any:
        """Largest variance of one direction's Cv, per |v|^2, at the preset's ratio."""
        return self._scaled(self.preset.inner[2])

    @cached_property
    def per_direction(self) -> Any:
        """Largest E|Hv|^2 + E|Cv|^2 of one direction's surrogates, per |v|^2."""
        return sp.factor(sum(self._scaled(surrogate, centred=False) for surrogate in self.preset.inner[1:]))

    def _scaled(self, surrogate: Surrogate, centred: bool = True) -> Any:
        bounds = BLOCK_BOUNDS | {"v": _v}
        worst = surrogate.worst_variance(bounds) if centred else surrogate.worst_case(bounds)
        return sp.factor(sp.cancel(worst.subs(ratio, self.radius_ratio) / _v**2))

    def _first_order(self, surrogate: Surrogate, norm: Any) -> tuple[Any, Any]:
        """Variance of the linear part and of the remainder of a first-order surrogate.

        The remainder of a function with Hessian bounded by m is at most that of m/2 |w|^2,
        which is a quadratic: its part of the derived moment is the bound.
        """
        worst = surrogate.worst_variance(BLOCK_BOUNDS | {surrogate.target[0]: norm})
        worst = sp.expand(worst.subs(ratio, h / eta))
        linear = worst.subs({h: 0, eta: 0})
        return sp.factor(linear), sp.factor(worst - linear)

    def _spread(self, sigma: Any) -> Any:
        """Variance that samples add to an exact value, sigma being its root."""
        return sigma**2 if self.sampled else sp.Integer(0)

    def _mean(self, spread: Any, one: Any, l: Any, batch: Any) -> Any:
        """Variance of a mean over ``batch`` samples of ``l`` directions each."""
        return (spread + one / l) / batch if self.sampled else one / l

    @cached_property
    def inner_gradient(self) -> Any:
        """Bound on the variance of D_z."""
        spread = self._spread(sigma_gz)
        # Given the sample, the mean square of |G_z| is at most L_zz^2 a^2 plus the spread.
        one = sum(self._first_order(self.preset.inner[0], sp.sqrt(L_zz**2 * a**2 + spread)))
        return self._mean(spread, one, l1, b1)

    @cached_property
    def adjoint(self) -> Any:
        """Bound on the variance of D_v."""
        f_z = self.preset.outer[0]
        if self.preset.one_count:
            # Hv + f_z is one first-order surrogate of the exact direction A v + F_z; its
            # square is at most (L_zz b + M_v a)^2, which vanishes with the errors.
            linear, remainder = self._first_order(f_z, _direction)
            spread = self._joint_spread(sigma_zz, sigma_fz)
            square = (1 + 1 / y_v) * L_zz**2 * b**2 + (1 + y_v) * M_v**2 * a**2 + spread
            one = (1 + y_f) * linear.subs(_direction, sp.sqrt(square)) + (1 + 1 / y_f) * remainder
            return self._mean(spread, one, l1, b1)
        spread = self._spread(sigma_fz)
        square = (1 + y_f) * C_z**2 + (1 + 1 / y_f) * m_zz**2 * a**2 + spread
        linear, remainder = self._first_order(f_z, sp.sqrt(square))
        outer = self._mean(spread, (1 + y_f) * linear + (1 + 1 / y_f) * remainder, l2, b2)
        return self._joined(self.hessian, sigma_zz, outer)

    @cached_property
    def outer_gradient(self) -> Any:
        """Bound on the variance of D_x."""
        f_x = self.preset.outer[1]
        if self.preset.one_count:
            # The exact direction differs from the mean D by the bias m_xx eta sqrt(d);
            # d + 1 <= d + 4 keeps what follows polynomial.
            linear, remainder = self._first_order(f_x, _direction)
            per_square = sp.cancel(linear / _direction**2)
            bias = (1 + 1 / y_f) * (per_square + 3) * self.bias_x**2
            spread = self._joint_spread(sigma_xz, sigma_fx)
            square = (1 + y_f) * per_square * D**2 + bias + per_square * spread
            return self._mean(spread, (1 + y_f) * square + (1 + 1 / y_f) * remainder, l1, b1)
        spread = self._spread(sigma_fx)
        linear, remainder = self._first_order(f_x, sp.sqrt(C_x**2 + spread))
        outer = self._mean(spread, (1 + y_f) * linear + (1 + 1 / y_f) * remainder, l2, b2)
        return self._joined(self.cross, sigma_xz, outer)

    def _joined(self, inner: Any, sigma: Any, outer: Any) -> Any:
        """Variance of an inner surrogate (per |v|^2, as the spread sigma) plus an outer one, however they correlate."""
        one = self._mean(self._spread(sigma), inner, l1, b1)
        return (1 + y_s) * one * self.adjoint_square + (1 + 1 / y_s) * outer

    def _joint_spread(self, inner: Any, outer: Any) -> Any:
        """Variance that samples add to A v + F_z or C v + F_x, whose parts may correlate."""
        return (1 + y_s) * self._spread(inner) * self.adjoint_square + (1 + 1 / y_s) * self._spread(outer)

    @property
    def adjoint_square(self) -> Any:
        """Bound on |v|^2, from |v| <= R + b unless v is projected."""
        if self.projected:
            return R_v**2
        return (1 + y_v) * R**2 + (1 + 1 / y_v) * b**2

    @property
    def bias_v(self) -> Any:
        """Bound on the bias of f_z: E|grad f(z + h w) - grad f(z)| <= m_zz h sqrt(E|w|^2)."""
        return m_zz * h * sp.sqrt(expectation(form("w", "w")).expression)

    @property
    def bias_x(self) -> Any:
        """Bound on the bias of f_x."""
        return m_xx * eta * sp.sqrt(expectation(form("u", "u")).expression)

    @cached_property
    def coefficients(self) -> Mapping[str, Any]:
        """s_z0, s_za, ..., s_xD: the coefficients of 1, a^2, b^2 and D^2 in the three bounds."""
        found: dict[str, Any] = {}
        bounds = {"z": self.inner_gradient, "v": self.adjoint, "x": self.outer_gradient}
        for row, bound in bounds.items():
            polynomial = sp.Poly(sp.expand(bound), a, b, D)
            left_over = polynomial.as_expr()
            for column, monomial in {"0": 1, "a": a**2, "b": b**2, "D": D**2}.items():
                found[f"s_{row}{column}"] = polynomial.coeff_monomial(monomial)
                left_over -= found[f"s_{row}{column}"] * monomial
            if sp.expand(left_over) != 0:
                raise ValueError(f"the variance bound of D_{row} has unexpected terms {left_over}")
        return found

    def check_combination(self) -> str:
        """Verify the inequalities that join inner and outer parts, and the shared directions' identity."""
        x, y, weight = sp.symbols("x y weight", positive=True)
        gap = (1 + weight) * x**2 + (1 + 1 / weight) * y**2 - (x + y) ** 2
        if sp.expand(gap - weight * (x - y / weight) ** 2) != 0:
            raise ValueError("Young's inequality is not a square")
        if not self.preset.one_count:
            return "(1+k)x^2 + (1+1/k)y^2 - (x+y)^2 = k(x - y/k)^2 for every weight k > 0"
        for inner, outer, y_name in (
            (self.preset.inner[1], self.preset.outer[0], "p"),
            (self.preset.inner[2], self.preset.outer[1], "d"),
        ):
            both = [sp.expand(inner.tested(i) + outer.tested(i)).subs(eta, 0) for i in (1, 2)]
            size, vector = (p, "w") if y_name == "p" else (d, "u")
            direction = [form(f"y{i}{y_name}", *inner.target) + form(f"y{i}{y_name}", *outer.target) for i in (1, 2)]
            exact = expectation(sp.expand(direction[0] * direction[1])).contracted().expression
            found = expectation(sp.expand(both[0] * both[1])).contracted().expression
            if sp.expand(found - (size + 2) * exact) != 0:
                raise ValueError(f"{inner.name} + {outer.name} is not ({vector}{vector}') times the exact direction")
        return "as h, eta -> 0, E|Hv + f_z|^2 = (p+2)|A v + F_z|^2 and E|Cv + f_x|^2 = (d+2)|C v + F_x|^2"


@cache
def variance_model(name: str, *, projected: bool = False, sampled: bool = False) -> VarianceModel:
    """The bounds of a preset at its own radius ratio, made once."""
    return VarianceModel(preset_named(name), projected=projected, sampled=sampled)


def _directions(*surrogates: Surrogate) -> set[str]:
    return {name for surrogate in surrogates for name in random_ends(surrogate.tested(1))}
