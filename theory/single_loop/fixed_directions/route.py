"""Plan and count of one preset whose directions do not grow with 1/eps.

1/gamma is the sum of what the conditions and the accuracy ask for, K = 6 W_0/(gamma eps). All variances are divided by
the number l of directions, so that 1/gamma is G_c + G_n/l and an iteration costs at most l times that of one direction:

    n(eps) = (cost of one direction) (6 W_0 (G_c l + G_n)/eps + l).

With "flat" and "smooth" solutions every l serves. With "free" ones l must be at least what ``Noise.size_terms`` asks
for, which depends on p and d.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy as sp

from ...estimators.presets import Preset
from ...proof.orders import Complexity, dominates, order_of
from ...symbols import W_0, b1, b2, eps, l1, l2
from ..assumptions import PUBLISHED, PUBLISHED_SOURCE
from ..plan import W_AT_START, explicit_steps, radius_limit, radius_share, radius_share_of
from ..variance import VarianceModel, variance_model
from ..weights import COEFFICIENTS, Certificate, equal_shares
from .noise import Noise

__all__ = ["FixedRoute", "l"]

#: Directions an iteration, for both levels.
l = sp.Symbol("l", positive=True)


@dataclass(frozen=True, eq=False)
class FixedRoute:
    """Plan and count of one preset and one kind of solution maps.

    Attributes
    ----------
    preset : the surrogates.
    kind : see ``noise.FIXED_KINDS``.
    coupling : Y of the explicit steps.
    regime : where the published order is an upper bound.
    """

    preset: Preset
    kind: str
    coupling: Any
    regime: str

    @cached_property
    def model(self) -> VarianceModel:
        """Variances at the preset's own radius ratio; v stays in its ball for "smooth" solutions."""
        return variance_model(self.preset.name, projected=self.kind == "smooth")

    @cached_property
    def noise(self) -> Noise:
        """What a step adds."""
        return Noise(Certificate(self.model.independent, self.kind), self.coupling)

    @cached_property
    def at_one(self) -> Mapping[Any, Any]:
        """Variance coefficients of one direction by symbol, radii at their limits, weights 1."""
        one = dict.fromkeys((l1, l2, b1, b2), sp.Integer(1))
        limits = radius_limit(radius_share * eps)
        return {
            COEFFICIENTS[name]: sp.expand(sp.cancel(sp.together(equal_shares(value.subs(one)).subs(limits))))
            for name, value in self.model.coefficients.items()
            if name in COEFFICIENTS
        }

    def _at(self, terms: Mapping[str, Any]) -> dict[str, Any]:
        return {name: sp.expand(term.subs(self.at_one)) for name, term in terms.items()}

    @cached_property
    def size_terms(self) -> Mapping[str, Any]:
        """Lower bounds on the number of directions."""
        return self._at(self.noise.size_terms)

    @cached_property
    def inverse_terms(self) -> Mapping[str, Any]:
        """Parts of 1/gamma with one direction, by what asks for them; all but "steps" are divided by l."""
        return self._at({**self.noise.inverse_terms, **_renamed(self.noise.accuracy_terms)})

    @cached_property
    def definitions(self) -> dict[str, Any]:
        """The symbols of the count that contain no dimension and no eps."""
        steps = explicit_steps(self.noise.certificate, self.coupling)
        steps.pop("gamma")
        steps.pop("rho")
        return {
            **steps,
            **self.noise.definitions,
            "radius_share": radius_share_of(self.noise.certificate),
            "W_0": W_AT_START,
        }

    @cached_property
    def size(self) -> Any:
        """Directions: as given, or what the conditions ask for and one for rounding up."""
        return l if not self.size_terms else sp.Add(l, *self.size_terms.values())

    @cached_property
    def inverse_step(self) -> tuple[Any, Any]:
        """G_c and G_n of 1/gamma = G_c + G_n/l."""
        terms = dict(self.inverse_terms)
        return terms.pop("steps"), sp.Add(*terms.values())

    @cached_property
    def cost_of_one(self) -> Any:
        """Evaluations of both levels in an iteration with one direction."""
        one = dict.fromkeys((l1, l2, b1, b2), sp.Integer(1))
        return sum(self.preset.evaluations.values()).subs(one)

    @cached_property
    def count(self) -> Any:
        """n(eps): K times the evaluations of both levels an iteration, at most."""
        quiet, noisy = self.inverse_step
        return sp.expand(self.cost_of_one * (6 * W_0 / eps * (quiet * self.size + noisy) + self.size))

    @cached_property
    def complexity(self) -> Complexity:
        """Order and count."""
        order = order_of(self.count)
        found = (dominates(self.count, order), dominates(self.count, PUBLISHED, self.regime))
        return Complexity(
            self.count, order, self.model.per_direction, PUBLISHED, PUBLISHED_SOURCE, found, self.definitions
        )  # fmt: skip


def _renamed(terms: Mapping[str, Any]) -> dict[str, Any]:
    return {f"accuracy, {name}": term for name, term in terms.items()}
