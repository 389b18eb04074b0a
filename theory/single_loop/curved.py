"""Plans for G that is not quadratic: radii at which third derivatives cost a tenth of the directions, and two more.

A direction is that of the second-order Taylor polynomial at (z, x), whose variance the bounds in squares are about,
and a rest. Its root mean square is at most q_1 + q_b b (``remainders``; where all directions are shared, also by the
move of the exact direction). With Young's weight t for the two, and again for the two parts of the rest,

    V <= (1 + t) S / l + 2 (1 + 1/t) (q_1^2 + q_b^2 b^2) / l.

Each q is a multiple of h^k, a power of the radius: the largest radius with which it is what it may be is explicit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy as sp

from ..estimators.presets import Preset
from ..symbols import THIRD, d, eps, eta, h, h_bar, l1, l2, mu, p, ratio, rho, w_a, w_b
from .inequalities import bias_v, bias_x, bias_z, noise_factors
from .roots import Directions, Roots
from .smoothing import mean_of_v, mean_of_x, mean_of_z
from .state import STATE, Linear
from .weights import Certificate, equal_shares

__all__ = ["TENTH", "Curvature", "Rest"]

#: Young's weight between a direction of the Taylor polynomial and the rest: what that costs in directions.
TENTH = sp.Rational(1, 10)
#: What a rest's squares are multiplied with.
_FACTOR = 2 * (1 + 1 / TENTH)
#: The three directions; the rest of each may use a third of the room that one direction more gives.
_ROWS = "zvx"


@dataclass(frozen=True)
class Rest:
    """The part of a rest that goes with one component of the state: "0" for 1, or "b".

    Attributes
    ----------
    row, column : of the direction, and of the state.
    root : root mean square of one direction's rest, in h and the ratio of the radii.
    allowed : what its square, weighted as in the certificate, may be.
    """

    row: str
    column: str
    root: Any
    allowed: Any

    @property
    def power(self) -> int:
        """Of the radius."""
        (power,) = {part.as_coeff_exponent(h)[1] for part in sp.Add.make_args(sp.expand(self.root))}
        return int(power)

    @property
    def at_one(self) -> Any:
        """The root at h = 1."""
        return self.root.subs(h, 1)

    @property
    def radius(self) -> Any:
        """The largest radius at which the rest is allowed."""
        return (sp.sqrt(self.allowed) / self.at_one) ** sp.Rational(1, self.power)


@dataclass(frozen=True, eq=False)
class Curvature:
    """What third derivatives of G ask of the radii of a plan.

    Attributes
    ----------
    preset : the surrogates.
    certificate : the explicit one of the plan.
    noise_weight : the factor of V_x in it, by its name in the plan.
    """

    preset: Preset
    certificate: Certificate
    noise_weight: Any

    @cached_property
    def rests(self) -> tuple[Rest, ...]:
        """All rests that are not zero."""
        return tuple(self._rests())

    @cached_property
    def constants(self) -> tuple[Any, ...]:
        """Lipschitz constants of blocks of the Hessian of G on which the radii depend."""
        used: set[Any] = self.radius_share.free_symbols.union(*(rest.root.free_symbols for rest in self.rests))
        return tuple(symbol for symbol in THIRD if symbol in used)

    def _rests(self) -> Iterator[Rest]:
        curved, quadratic = (Roots(self.preset, Directions(normalized=True, curved=is_so)) for is_so in (True, False))
        for row in _ROWS:
            more = _difference(getattr(curved, row), getattr(quadratic, row))
            for state, entry in zip(STATE, more.entries, strict=True):
                root = _at_radius(entry)
                if root != 0:
                    column = {"1": "0", "b": "b"}[str(state)]
                    yield Rest(row, column, root, self.share(column) / self.weight(row))

    def weight(self, row: str) -> Any:
        """Factor of a row's squared rest in the certificate."""
        first = equal_shares(noise_factors(self.certificate.independent)[0])
        return _FACTOR * {"z": first * rho * w_a / mu, "v": first * rho * w_b / mu, "x": self.noise_weight}[row]

    @staticmethod
    def share(column: str) -> Any:
        """A third of what one direction may leave: of eps/6 of the noise, or of half the weight of v."""
        return {"0": eps / 6, "b": w_b / 2}[column] / len(_ROWS)

    @cached_property
    def radius_share(self) -> Any:
        """The share of the radii with which 2 * (biases) <= eps / 3, as ``plan.radius_share_of`` for quadratic G."""
        return 1 / (1 + 3 * 2 * equal_shares(self.certificate.bias).subs(self.biases_at_limit()))

    def biases(self) -> Mapping[Any, Linear]:
        """Bounds of the three biases; the step along v is at most h_bar."""
        along = Linear.of(one=1)
        return {
            bias_z: mean_of_z(),
            bias_v: mean_of_v(self.preset, along, True),
            bias_x: mean_of_x(self.preset, along, True),
        }

    def biases_at_limit(self) -> dict[Any, Any]:
        """The biases where h^2 p (p + 4) and eta^2 d (d + 4) are 1 and p = d = 1, where they are largest."""
        at_limit = {h: 1 / sp.sqrt(p * (p + 4)), eta: 1 / sp.sqrt(d * (d + 4)), h_bar: 1 / sp.sqrt(p * (p + 4))}
        return {name: form.expression.subs(at_limit).subs({p: 1, d: 1}) for name, form in self.biases().items()}


def _difference(one: Linear, two: Linear) -> Linear:
    return Linear(tuple(sp.expand(sp.sympify(x) - y) for x, y in zip(one.entries, two.entries, strict=True)))


def _at_radius(entry: Any) -> Any:
    """A root of one direction with all radii in terms of h."""
    at = entry.subs({eta: h / ratio, h_bar: h, l1: 1, l2: 1}, simultaneous=True)

    def is_root(part: Any) -> bool:
        return bool(part.is_Pow and part.exp == sp.Rational(1, 2))

    # What is under a root is factored, so that powers of the radius leave it.
    return sp.expand(at.replace(is_root, lambda root: sp.sqrt(sp.factor(root.base))))
