"""Root variances and biases of the three directions, as linear forms in the state y = (a, b, g, D, 1).

Here a = |z - z*|, b = |v - v*|, g = |grad Psi| and D = |E D_x|. Each root is a sum of non-negative multiples of
them and of 1. A product of two roots is then a quadratic form, and so is the drift of the Lyapunov function,
without a further inequality. Dependent contributions add up (Minkowski's inequality). Independent ones add in
squares, coefficient by coefficient.

Everything holds for G with Lipschitz Hessian. With H = 0 what is left is exact for quadratics.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy as sp

from ..estimators.isserlis import expectation, form
from ..estimators.presets import Preset
from ..estimators.remainders import remainder
from ..estimators.surrogates import Surrogate
from ..proof.theorem import TheoremError
from ..symbols import (
    BLOCK_BOUNDS,
    C_x,
    C_z,
    H_xz,
    H_zx,
    H_zz,
    L_xz,
    L_zz,
    M_v,
    R,
    R_g,
    R_v,
    b1,
    b2,
    eta,
    h,
    h_bar,
    l1,
    l2,
    m_xx,
    m_xz,
    m_zz,
    ratio,
    sigma_fx,
    sigma_fz,
    sigma_gz,
    sigma_xz,
    sigma_zz,
)
from .state import Linear, independent_sum

__all__ = ["Directions", "Roots"]

_v, _direction = sp.symbols("v_norm direction_norm", nonnegative=True)
_ZERO = Linear.of()


@dataclass(frozen=True)
class Directions:
    """How a run draws directions and bounds v: what the roots depend on beside the preset.

    Attributes
    ----------
    projected : v is kept in a ball of radius R_v, so that |v| <= R_v.
    normalized : the step along v is h_bar / max(1, |v|).
    outer_shared : outer surrogates reuse inner directions; else they are independent.
    known_slopes : |F_z(z*, x)| <= C_z and |F_x| <= C_x are known; else they follow from G_zz v* = -F_z
        and G_xz v* + F_x = grad Psi.
    growing : |v*| <= R + R_g g instead of |v*| <= R.
    curved : G is not quadratic, so that the remainders count.
    sampled : values are samples, with the spreads sigma.
    """

    projected: bool = False
    normalized: bool = False
    outer_shared: bool = True
    known_slopes: bool = True
    growing: bool = False
    curved: bool = True
    sampled: bool = False


@dataclass(frozen=True, eq=False)
class Roots:
    """Linear forms that bound root variances and biases of one preset.

    Attributes
    ----------
    preset : the surrogates; None for exact derivatives (sampled or not).
    run : see :class:`Directions`.
    """

    preset: Preset | None
    run: Directions

    @cached_property
    def independent(self) -> bool:
        """Whether the noises of (z, v) and of x are independent: disjoint directions, no samples."""
        if self.run.sampled or self.preset is None:
            return not self.run.sampled
        d_z, hv, cv = self.preset.inner
        f_z, f_x = self.preset.outer
        return not (_ends(d_z, hv, f_z) & _ends(cv, f_x))

    @property
    def _exact(self) -> Linear:
        """Bound on |v*|."""
        return Linear.of(one=R, g=R_g if self.run.growing else 0)

    @property
    def adjoint_norm(self) -> Linear:
        """Bound on |v|."""
        return Linear.of(one=R_v) if self.run.projected else self._exact + Linear.of(b=1)

    @property
    def slope_z(self) -> Linear:
        """Bound on |F_z(z, x)|; F_z = -G_zz v* at z*."""
        return Linear.of(a=m_zz) + (Linear.of(one=C_z) if self.run.known_slopes else self._exact.scaled(L_zz))

    @property
    def slope_x(self) -> Linear:
        """Bound on |F_x(z, x)|; F_x = grad Psi - G_xz v* at z*."""
        return Linear.of(one=C_x) if self.run.known_slopes else Linear.of(a=m_xz, g=1) + self._exact.scaled(L_xz)

    def _sigma(self, symbol: Any) -> Any:
        return symbol if self.run.sampled else sp.Integer(0)

    # One direction.

    def _quadratic(self, surrogate: Surrogate, norm: Linear) -> Linear:
        """Root variance of the second-order Taylor polynomial's surrogate, whose exact direction has ``norm``."""
        vector = surrogate.target[-1]
        worst = sp.expand(surrogate.worst_variance(BLOCK_BOUNDS | {vector: _direction}).subs(ratio, h / eta))
        linear, constant = worst.coeff(_direction, 2), worst.coeff(_direction, 0)
        if sp.expand(worst - linear * _direction**2 - constant) != 0:
            raise ValueError(f"{surrogate.name}: the variance {worst} is no even quadratic in the norm")
        return norm.scaled(sp.sqrt(sp.factor(linear))) + Linear.of(one=sp.sqrt(sp.factor(constant)))

    def _curved(self, surrogate: Surrogate) -> Linear:
        """Root second moment of what lies beyond the second-order polynomial of G."""
        total = _ZERO
        if not self.run.curved or surrogate.target[0].startswith("F"):
            return total
        for term in remainder(surrogate):
            norms = (Linear.of(one=1), self.adjoint_norm, self._along if term.power == 2 else _ZERO)
            total += norms[term.power].scaled(term.root)
        return total

    @property
    def _along(self) -> Linear:
        """Bound on |v|^2 times the factor by which the step along v is divided, max(1, |v|)."""
        if self.run.normalized:
            return self.adjoint_norm
        if self.run.projected:
            return self.adjoint_norm.scaled(R_v)
        raise TheoremError(
            "condition on the step along v: with curved G, h_bar |v|^2 has no bound; set normalize_h_bar, or a "
            "v_radius that contains the start (R + v_error)"
        )

    def _mean(self, sigma: Linear, one: Linear, l: Any, batch: Any) -> Linear:
        """Root variance of a mean over ``batch`` samples of ``l`` directions each."""
        one = one.scaled(1 / sp.sqrt(l))
        return independent_sum(sigma, one).scaled(1 / sp.sqrt(batch)) if self.run.sampled else one

    # The three directions.

    @cached_property
    def z(self) -> Linear:
        """Root variance of D_z; |G_z| <= L_zz a."""
        spread = Linear.of(one=self._sigma(sigma_gz))
        if self.preset is None:
            return spread.scaled(1 / sp.sqrt(b1))
        surrogate = self.preset.inner[0]
        one = self._quadratic(surrogate, independent_sum(Linear.of(a=L_zz), spread)) + self._curved(surrogate)
        return self._mean(spread, one, l1, b1)

    @cached_property
    def v(self) -> Linear:
        """Root variance of D_v = Hv + f_z."""
        return self._joined(1, self.slope_z, Linear.of(b=L_zz, a=M_v), sigma_zz, sigma_fz)

    @cached_property
    def x(self) -> Linear:
        """Root variance of D_x = Cv + f_x."""
        return self._joined(2, self.slope_x, Linear.of(D=1) + self._smoothing_x, sigma_xz, sigma_fx)

    def _joined(self, index: int, slope: Linear, exact: Linear, sigma_inner: Any, sigma_outer: Any) -> Linear:
        inner_spread = self.adjoint_norm.scaled(self._sigma(sigma_inner))
        outer_spread = Linear.of(one=self._sigma(sigma_outer))
        if self.preset is None:
            return independent_sum(inner_spread.scaled(1 / sp.sqrt(b1)), outer_spread.scaled(1 / sp.sqrt(b2)))
        inner, outer = self.preset.inner[index], self.preset.outer[index - 1]
        curved = self._curved(inner)
        if self.preset.one_count:
            # All directions are shared: Hv + f_z is one first-order surrogate of the exact direction.
            spread = inner_spread + outer_spread
            return self._mean(spread, self._quadratic(outer, independent_sum(exact, spread)) + curved, l1, b1)
        one_inner = self.adjoint_norm.scaled(sp.sqrt(self._per_square(inner))) + curved
        one_outer = self._quadratic(outer, independent_sum(slope, outer_spread))
        found = (self._mean(inner_spread, one_inner, l1, b1), self._mean(outer_spread, one_outer, l2, b2))
        return found[0] + found[1] if self.run.outer_shared else independent_sum(*found)

    def _per_square(self, surrogate: Surrogate) -> Any:
        worst = surrogate.worst_variance(BLOCK_BOUNDS | {"v": _v})
        return sp.factor(sp.cancel(worst.subs(ratio, h / eta) / _v**2))

    # Biases.

    @cached_property
    def bias_z(self) -> Linear:
        """|E D_z| at z*: H_zz h^2 E|w|^2 / 2, the odd term vanishing by symmetry."""
        if self.preset is None or not self.run.curved:
            return _ZERO
        return Linear.of(one=H_zz * h**2 * _square("w") / 2)

    @cached_property
    def bias_v(self) -> Linear:
        """What smoothing adds to the mean of D_v beside M_v a: Lipschitz moves of G_zz v* and F_z."""
        if self.preset is None:
            return _ZERO
        moved = h * sp.sqrt(_square("w"))
        total = Linear.of(one=m_zz * moved)
        if self.run.curved:
            # Independent second directions smooth by h (w + t), of root mean square h sqrt(2p).
            wide = sp.sqrt(2) if "t" in _ends(self.preset.inner[1]) else 1
            total += Linear.of(one=H_zz * R * moved * wide)
            total += self._displaced(self.preset.inner[1]).scaled(H_zz * R)
        return total

    @cached_property
    def bias_x(self) -> Linear:
        """What smoothing adds to |D - grad Psi| beside M_x a + L_xz b."""
        if self.preset is None:
            return _ZERO
        moved = eta * sp.sqrt(_square("u"))
        total = Linear.of(one=m_xx * moved)
        if self.run.curved:
            total += Linear.of(one=H_zx * R * moved)
            if "w" in _ends(self.preset.inner[2]):
                total += Linear.of(one=H_xz * R * h * sp.sqrt(_square("w")))
            total += self._displaced(self.preset.inner[2]).scaled(H_xz * R)
        return total

    @property
    def _smoothing_x(self) -> Linear:
        """|E D_x - (G_xz v + F_x)| of differences along v with shared directions, at (z, x) itself."""
        moved = eta * sp.sqrt(_square("u"))
        total = Linear.of(one=m_xx * moved)
        if self.run.curved and self.preset is not None and self.preset.one_count:
            total += self.adjoint_norm.scaled(H_zx * moved) + self._along.scaled(H_xz * h_bar / 2)
        return total

    def _displaced(self, surrogate: Surrogate) -> Linear:
        """Mean displacement h_bar |v| / 2 of the point at which a difference along v sees the Hessian."""
        if "v" not in {name for _, moves in surrogate.queries for name, _ in moves}:
            return _ZERO
        norm = Linear.of(one=1) if self.run.normalized else self.adjoint_norm
        return norm.scaled(h_bar / 2)


def _square(name: str) -> Any:
    """E|w|^2 = p or E|u|^2 = d, derived."""
    return expectation(form(name, name)).expression


def _ends(*surrogates: Surrogate) -> set[str]:
    """Random directions on which surrogates depend."""
    return {name for surrogate in surrogates for _, moves in surrogate.queries for name, _ in moves if name in "wtu"}
