"""Plans by search: steps, directions, batches and radii with fewer evaluations than the explicit plan's.

The explicit plan is proved for every eps and has formulas; it pays for them with weights, Young shares and steps that
are good in order alone. From it a pattern search goes to cheaper configurations. Each is judged by its certified
bound, whose weights are the best ones, and so is the one that is returned: the search itself is not trusted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import product
from typing import Any

from .bound import ExplicitBound, Way, exact_start
from .drift import Certified, certify
from .run import Start

__all__ = ["searched_plan"]

#: Steps of the search, in powers of 2, from coarse to fine.
_STEPS = (2.0, 1.0, 0.5, 0.25)
#: A radius costs nothing but accuracy in floating point: it is made smaller only for a gain of this share.
_WORTH = 0.01
#: Least share by which a move must be cheaper.
_GAIN = 1e-3


def searched_plan(route: Any, constants: Any, p: int, d: int, eps: float, start: Start) -> Any:
    """A plan that costs at most what the explicit one does, with a certified bound of at most ``eps``.

    Parameters
    ----------
    route : of the explicit plan and the bound, ``plan.Route`` or ``soba.SobaRoute``.
    constants, p, d, eps, start : see ``SingleLoopTheorem.plan``; raises as the explicit plan, from which it starts.
    """
    explicit = route.plan(constants, p, d, eps, start)
    search = _Search(route, constants, (p, d), eps, start, explicit)
    found = search.run()
    # The search keeps to one way of using the constants: the bound is certified over all of them.
    for _ in range(20):
        bound = route.bound(constants, p, d, found, found.K, start)
        if bound <= eps:
            return min(explicit, replace(found, bound=bound), key=lambda plan: plan.evaluations)
        found = search.with_iterations(found, found.K + math.ceil(found.K / 1000))
    return explicit


@dataclass(frozen=True)
class _Search:
    route: Any
    constants: Any
    dimensions: tuple[int, int]
    eps: float
    start: Start
    first: Any

    @property
    def _explicit(self) -> ExplicitBound:
        bounds: ExplicitBound = self.route.explicit
        return bounds

    @cached_property
    def _largest_rho(self) -> float:
        mu, top = self.constants.require("mu", "L_zz")
        return float(2 / (mu + top))

    @cached_property
    def _way(self) -> Way:
        """The way that is best for the explicit plan; the others are not tried again."""
        plan = self.first
        found: list[tuple[Fraction, Way]] = []
        for way, drift in self._explicit.drifts(self.constants, *self.dimensions, plan, self.start):
            if (certified := certify(drift, exact_start(self.start), plan.K)) is not None:
                found.append((certified.bound, way))
        return min(found, key=lambda pair: pair[0])[1]

    def with_iterations(self, plan: Any, K: int) -> Any:
        """A plan with other iterations, and what it costs."""
        price = self.route.cost
        numbers = {symbol: getattr(plan, str(symbol)) for symbol in price.free_symbols}
        return replace(plan, K=K, evaluations=K * int(price.subs(numbers)))

    def _certified(self, plan: Any, K: int) -> Certified | None:
        for _, drift in self._explicit.drifts(self.constants, *self.dimensions, plan, self.start, only=self._way):
            return certify(drift, exact_start(self.start), K)
        return None  # the way lacks something at this configuration

    def shortest(self, plan: Any, cost: float = math.inf) -> Any | None:
        """The plan with the fewest iterations for which its bound is at most eps; None where there are none.

        Where the first n below costs more than twice ``cost``, no better one is looked for.

        With the weights that are best at K, the bound is transient * K / n + tau at n iterations: the n at which this
        is eps serves, and is a better place to choose weights at. Where tau alone exceeds eps, more iterations make a
        smaller one affordable.
        """
        K, eps, best = plan.K, Fraction(self.eps), None
        for _ in range(6):
            found = self._certified(plan, K)
            if found is None:
                break
            if found.tau >= eps:
                K *= 16
                continue
            least = max(1, math.ceil(found.transient * K / (eps - found.tau)))
            if best is not None and least >= best:
                break
            done = best is not None and least > 0.99 * best
            best = K = least
            if done or self.with_iterations(plan, least).evaluations > 2 * cost:
                break
        return None if best is None else self.with_iterations(plan, best)

    def _moved(self, plan: Any, move: dict[str, float], step: float) -> Any:
        """A plan with some of its numbers times a power of 2; gamma follows rho."""
        factors = {name: 2.0 ** (step * times) for name, times in move.items()}
        rho = min(plan.rho * factors.get("rho", 1.0), self._largest_rho)
        ratio = plan.gamma / plan.rho * factors.get("ratio", 1.0)
        changed: dict[str, Any] = {"rho": rho, "gamma": rho * ratio}
        for name, both in (("l", ("l1", "l2")), ("b", ("b1", "b2"))):
            if name in factors:
                number = getattr(plan, both[0])
                moved = number * factors[name]
                # One at least, and in the direction of the move at least by one.
                size = max(1, math.ceil(moved) if moved > number else min(math.floor(moved), number - 1))
                changed |= dict.fromkeys(both, size)
        if "radius" in factors:
            changed |= {name: getattr(plan, name) * factors["radius"] for name in ("h", "eta", "h_bar")}
        # The transient falls with gamma K.
        changed["K"] = max(1, math.ceil(plan.K * plan.gamma / changed["gamma"]))
        return replace(plan, **changed)

    @property
    def _sizes(self) -> tuple[str, ...]:
        """What may grow: directions, and batches where values are samples; nothing with exact derivatives."""
        if not hasattr(self.first, "l1"):
            return ()
        return ("l", "b") if self.route.grows.startswith("b") else ("l",)

    def _moves(self) -> Iterator[dict[str, float]]:
        for name, sign in product(("ratio", "rho", *self._sizes), (1.0, -1.0)):
            yield {name: sign}
        # Steps and sizes together leave the noise as it is.
        for name, sign in product(self._sizes, (1.0, -1.0)):
            yield {"ratio": sign, name: sign}
        yield from ({"ratio": sign, "rho": -sign} for sign in (1.0, -1.0))

    def run(self) -> Any:
        """The cheapest plan that the search comes to."""
        best = self.shortest(self.first) or self.first
        for step in _STEPS:
            improved = True
            while improved:
                improved = False
                for move in self._moves():
                    while (found := self._better(best, move, step, _GAIN)) is not None:
                        best, improved = found, True
        if self._sizes:
            while (found := self._better(best, {"radius": -1.0}, 1.0, _WORTH)) is not None:
                best = found
        return best

    def _better(self, best: Any, move: dict[str, float], step: float, gain: float) -> Any | None:
        moved = self._moved(best, move, step)
        if moved == best:
            return None
        found = self.shortest(moved, best.evaluations)
        return found if found is not None and found.evaluations < (1 - gain) * best.evaluations else None
