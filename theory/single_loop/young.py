"""How a variance is put together, once: from this follow both the root forms and the bounds in squares.

A direction's noise is a sum of parts of known size. How the parts are related decides how sizes add up:

- :class:`Independent` parts (a sample beside its directions): squares add up.
- :class:`Split` parts may correlate. Their roots add up (Minkowski), and (x + y)^2 <= (1 + k) x^2 + (1 + 1/k) y^2 for
  every k > 0, the difference being k (x - y/k)^2.
- :class:`Apart` parts are uncorrelated for quadratic G, one odd and the other even in a direction: their squares add
  up. With curved G this is not known, and roots are added.

``root_form`` and ``squares`` read the same tree in the two ways, so that neither is proved by its own code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp

from ..estimators.presets import Preset
from ..estimators.remainders import remainder
from ..estimators.surrogates import Surrogate
from ..symbols import (
    BLOCK_BOUNDS,
    C_x,
    C_z,
    D,
    L_xz,
    L_zz,
    M_v,
    R,
    R_g,
    R_v,
    a,
    b,
    b1,
    b2,
    eta,
    g,
    h,
    l1,
    l2,
    m_xz,
    m_zz,
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
from .roots import Directions
from .smoothing import mean_of_x_at_point
from .state import STATE, Linear

__all__ = ["Trees", "prove_young", "root_form", "squares"]

_norm = sp.Symbol("norm", nonnegative=True)


@dataclass(frozen=True)
class Leaf:
    """A part of size ``root`` times a component of the state."""

    root: Any
    state: Any


@dataclass(frozen=True)
class Scaled:
    """A part times a non-negative number."""

    factor: Any
    part: Any


@dataclass(frozen=True)
class Split:
    """Two parts that may correlate, with the weight of Young's inequality."""

    weight: Any
    one: Any
    two: Any


@dataclass(frozen=True)
class Independent:
    """Uncorrelated parts."""

    one: Any
    two: Any


@dataclass(frozen=True)
class Apart:
    """Two parts that are uncorrelated for quadratic G."""

    one: Any
    two: Any


def prove_young() -> None:
    """Raise unless (1 + k) x^2 + (1 + 1/k) y^2 - (x + y)^2 is a square times k."""
    x, y, k = sp.symbols("x y k", positive=True)
    if sp.expand(_young(k, x**2, y**2) - (x + y) ** 2 - k * (x - y / k) ** 2) != 0:
        raise ValueError("Young's inequality is not a square")


def _young(weight: Any, one: Any, two: Any) -> Any:
    return (1 + weight) * one + (1 + 1 / weight) * two


def squares(tree: Any) -> Any:
    """Bound on the mean square, for quadratic G."""
    match tree:
        case Leaf(root, state):
            return root**2 * state**2
        case Scaled(factor, part):
            return factor**2 * squares(part)
        case Split(weight, one, two):
            return _young(weight, squares(one), squares(two))
        case Independent(one, two) | Apart(one, two):
            return squares(one) + squares(two)
    raise TypeError(f"{tree!r} is no tree")


def root_form(tree: Any) -> Linear:
    """Bound on the root of the mean square that is linear in the state: Minkowski, one component at a time."""
    return Linear(tuple(_root(tree, state) for state in STATE))


def _root(tree: Any, kept: Any) -> Any:
    """Bound on the root of the mean square of the parts that go with one component of the state."""
    match tree:
        case Leaf(root, state):
            return root if state == kept else sp.Integer(0)
        case Scaled(factor, part):
            return factor * _root(part, kept)
        case Split(_, one, two) | Apart(one, two):
            return _root(one, kept) + _root(two, kept)
        case Independent(one, two):
            roots = [root for root in (_root(one, kept), _root(two, kept)) if root != 0]
            return sp.sqrt(sp.Add(*(root**2 for root in roots))) if len(roots) > 1 else sp.Add(*roots)
    raise TypeError(f"{tree!r} is no tree")


def _added(weight: Any, form: Linear) -> Any:
    """A linear form as parts that may correlate."""
    leaves = [Leaf(root, state) for root, state in zip(form.entries, STATE, strict=True) if root != 0]
    if not leaves:
        return Leaf(sp.Integer(0), sp.Integer(1))
    tree: Any = leaves[0]
    for leaf in leaves[1:]:
        tree = Split(weight, tree, leaf)
    return tree


@dataclass(frozen=True, eq=False)
class Trees:
    """How the noises of the three directions are put together.

    Attributes
    ----------
    preset : the surrogates; None for derivatives.
    run : how directions are drawn and what is known.
    radius_ratio : r = h/eta in the moments of Hv and Cv.
    """

    preset: Preset | None
    run: Directions
    radius_ratio: Any = h / eta

    # What is known of v and of the gradients of F.

    @property
    def _star(self) -> Linear:
        return Linear.of(one=R, g=R_g) if self.run.growing else Linear.of(one=R)

    @property
    def _v(self) -> Linear:
        """|v| <= |v*| + |v - v*|, or the radius of the ball."""
        return Linear.of(one=R_v) if self.run.projected else self._star + Linear.of(b=1)

    @property
    def _adjoint(self) -> Any:
        if self.run.projected or self.run.growing:
            return _added(y_v, self._v)
        return Split(y_v, Leaf(R, sp.Integer(1)), Leaf(sp.Integer(1), b))

    @property
    def _slope_z(self) -> Any:
        """F_z(z) - F_z(z*) is at most m_zz a; F_z(z*) is at most C_z, or equal to -G_zz v*."""
        if self.run.known_slopes:
            return Split(y_f, Leaf(C_z, sp.Integer(1)), Leaf(m_zz, a))
        return Split(y_f, Scaled(L_zz, _added(y_v, self._star)), Leaf(m_zz, a))

    @property
    def _slope_x(self) -> Any:
        """At most C_x; or F_x = grad Psi - G_xz v* at z*, which moves by m_xz a."""
        if self.run.known_slopes:
            return Leaf(C_x, sp.Integer(1))
        there = Split(y_f, Leaf(sp.Integer(1), g), Scaled(L_xz, _added(y_v, self._star)))
        return Split(y_f, there, Leaf(m_xz, a))

    # One direction and means over directions and samples.

    def _moments(self, surrogate: Surrogate, radius_ratio: Any = h / eta) -> tuple[Any, Any]:
        """Roots of the variance per square of the norm that is estimated, and of the part without that norm."""
        worst = sp.expand(surrogate.worst_variance(BLOCK_BOUNDS | {surrogate.target[-1]: _norm}))
        worst = sp.expand(worst.subs(ratio, radius_ratio))
        per_square, rest = worst.coeff(_norm, 2), worst.coeff(_norm, 0)
        if sp.expand(worst - per_square * _norm**2 - rest) != 0:
            raise ValueError(f"{surrogate.name}: {worst} has parts that correlate")
        return sp.sqrt(sp.factor(per_square)), sp.sqrt(sp.factor(rest))

    def _beyond(self, surrogate: Surrogate) -> Linear:
        """What third derivatives of G add, monomial by monomial in |v|."""
        total = Linear.of()
        if self.run.curved:
            for term in remainder(surrogate):
                factors = {0: Linear.of(one=1), 1: self._v, 2: self._squared_along}
                total += factors[term.power].scaled(term.root)
        return total

    @property
    def _squared_along(self) -> Linear:
        """|v|^2 / max(1, |v|) <= |v| for the normalised step along v; |v|^2 <= R_v |v| in a ball."""
        return self._v if self.run.normalized else self._v.scaled(R_v)

    def _with_curvature(self, tree: Any, surrogate: Surrogate) -> Any:
        more = self._beyond(surrogate)
        return tree if all(entry == 0 for entry in more.entries) else Split(y_f, tree, _added(y_f, more))

    def _averaged(self, spread: Any, one: Any, l: Any, batch: Any) -> Any:
        """A mean over samples, each with its own directions: the sample varies, and directions given the sample."""
        direction = Scaled(1 / sp.sqrt(l), one)
        return Scaled(1 / sp.sqrt(batch), Independent(spread, direction)) if self.run.sampled else direction

    def _sample(self, sigma: Any) -> Leaf:
        """What one sample adds to an exact value."""
        return Leaf(sigma if self.run.sampled else sp.Integer(0), sp.Integer(1))

    def _noisy(self, norm: Any, spread: Any) -> Any:
        """The norm that one sample's directions see."""
        return Independent(norm, spread) if self.run.sampled else norm

    # The three directions.

    @property
    def z(self) -> Any:
        """D_z: G_z = G_zz (z - z*) along w, beside the remainder of the difference."""
        spread = self._sample(sigma_gz)
        if self.preset is None:
            return Scaled(1 / sp.sqrt(b1), spread)
        surrogate = self.preset.inner[0]
        linear, rest = self._moments(surrogate)
        norm = self._noisy(Leaf(L_zz, a), spread)
        one = self._with_curvature(Apart(Scaled(linear, norm), Leaf(rest, sp.Integer(1))), surrogate)
        return self._averaged(spread, one, l1, b1)

    @property
    def v(self) -> Any:
        """D_v = Hv + f_z."""
        exact = Split(y_v, Leaf(M_v, a), Leaf(L_zz, b))
        return self._joined(1, self._slope_z, exact, sigma_zz, sigma_fz)

    @property
    def x(self) -> Any:
        """D_x = Cv + f_x."""
        exact: Any = Leaf(sp.Integer(1), D)
        if self.preset is not None:
            bias = mean_of_x_at_point(self.preset, self._v, self._squared_along, self.run.curved)
            exact = Split(y_f, exact, _added(y_f, bias))
        return self._joined(2, self._slope_x, exact, sigma_xz, sigma_fx)

    def _joined(self, index: int, slope: Any, exact: Any, sigma_inner: Any, sigma_outer: Any) -> Any:
        spread_inner = Scaled(self._sample(sigma_inner).root, self._adjoint)
        spread_outer = self._sample(sigma_outer)
        if self.preset is None:
            return Independent(Scaled(1 / sp.sqrt(b1), spread_inner), Scaled(1 / sp.sqrt(b2), spread_outer))
        inner, outer = self.preset.inner[index], self.preset.outer[index - 1]
        linear, rest = self._moments(outer)
        remains = Leaf(rest, sp.Integer(1))
        if self.preset.one_count:
            spread = Split(y_s, spread_inner, spread_outer)
            one = Split(y_f, Scaled(linear, self._noisy(exact, spread)), remains)
            return self._averaged(spread, self._with_curvature(one, inner), l1, b1)
        per_square, _ = self._moments(inner, self.radius_ratio)
        one_inner = self._with_curvature(Scaled(per_square, self._adjoint), inner)
        one_outer = Split(y_f, Scaled(linear, self._noisy(slope, spread_outer)), remains)
        together: Callable[[Any, Any], Any] = Independent
        if self.run.outer_shared:
            together = _correlated
        return together(
            self._averaged(spread_inner, one_inner, l1, b1), self._averaged(spread_outer, one_outer, l2, b2)
        )


def _correlated(one: Any, two: Any) -> Split:
    return Split(y_s, one, two)
