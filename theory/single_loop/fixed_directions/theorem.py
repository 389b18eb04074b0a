"""The theorem of a preset at fixed directions: rates 1/sqrt(K) and ln K/sqrt(K), plan and count."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from typing import Any

import sympy as sp

from zoba_bench.validation import check_choice, check_count

from ...estimators.presets import preset_named
from ...proof.theorem import Step, Theorem, TheoremError
from ...symbols import d as _d
from ...symbols import eps as _eps
from ...symbols import p as _p
from ..assemble import certificate_step, choice_step, variance_steps
from ..assumptions import ASSUMPTIONS, SOURCE, VOCABULARY, public_symbols
from ..bound import as_float
from ..inequalities import one_step_inequalities
from ..plan import Plan, numbers_of, value_of
from ..run import Start
from .bound import FixedBound
from .decreasing import decreasing_steps
from .noise import FIXED_KINDS
from .noise_steps import noise_steps
from .route import FixedRoute, l
from .route_steps import route_steps

__all__ = ["FixedPlan", "FixedTheorem", "fixed"]

_SCHEDULES = ("constant", "inverse-sqrt")


@dataclass(frozen=True)
class FixedPlan(Plan):
    """A plan with a given number of directions; ``gamma`` and ``rho`` are the first steps of the schedule."""

    schedule: str = "constant"
    v_radius: float | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class FixedTheorem(Theorem):
    """Bounds, plans and counts of one preset whose directions do not grow with 1/eps.

    It rests on the steps of the preset's own theorem on estimators and one iteration.

    Attributes beside those of :class:`~zoba_bench.theory.proof.theorem.Theorem`
    ----------
    routes : plan and count by kind of solution maps, "flat", "smooth" (v projected) and "free".
    explicit : the bound of a run.
    """

    routes: Mapping[str, FixedRoute]
    explicit: FixedBound

    @property
    def evaluations_per_iteration(self) -> dict[str, Any]:
        """Evaluations of G ("inner") and F ("outer") an iteration."""
        return dict(self.routes["free"].preset.evaluations)

    @property
    def complexity(self) -> Any:
        """Order and count n(eps) with v free; :attr:`complexities` has those of all kinds."""
        return self.complexities["free"]

    @property
    def complexities(self) -> dict[str, Any]:
        """Order and count by kind of solution maps."""
        self.require_checked()
        return {kind: route.complexity for kind, route in self.routes.items()}

    def bound(
        self, constants: Any, p: int, d: int, solver: Any, K: int, start: Start | Mapping[str, float],
        weighted: bool = False,
    ) -> float:  # fmt: skip
        """Upper bound on the mean over k < K of E|grad Psi(x_k)|^2, for quadratic G.

        Parameters
        ----------
        solver : as for ``SingleLoopTheorem.bound``; with ``schedule="inverse-sqrt"`` its steps are the first ones.
        weighted : of the mean with the weights gamma_k, at decreasing steps.

        Raises
        ------
        TheoremError : a condition does not hold; it is named. ValueError where a constant is unknown, or only sampled.
        """
        self.require_checked()
        return as_float(self.explicit.bound(constants, p, d, solver, K, Start.of(start), weighted))

    def plan(
        self, constants: Any, p: int, d: int, eps: float, start: Start | Mapping[str, float], *,
        directions: int = 1, schedule: str = "constant", projected: bool = False,
    ) -> FixedPlan:  # fmt: skip
        """Steps, radii and iterations with which the bound is at most ``eps``.

        Parameters
        ----------
        directions : l1 = l2; where v is free and z*, v* are not affine, more are taken if the conditions ask for them.
        schedule : "constant", or "inverse-sqrt" for steps that fall like 1/sqrt(k + 1).
        projected : v is projected onto the ball of radius R + v_error, which holds v* and the start.

        Raises as :meth:`bound`.
        """
        self.require_checked()
        check_choice("schedule", schedule, _SCHEDULES)
        check_count("directions", directions)
        begin = Start.of(start)
        route, values = self._at(constants, p, d, eps, begin, projected)
        size = math.ceil(max([float(directions), *(value_of(t, values) for t in route.size_terms.values())]))
        terms = {name: value_of(t, values) for name, t in route.inverse_terms.items()}
        quiet = terms.pop("steps")
        wanted = {name: t for name, t in terms.items() if schedule == "constant" or not name.startswith("accuracy")}
        inverse = quiet + sum(wanted.values()) / size
        share = values["radius_share"] * eps
        if schedule != "constant":
            # At decreasing steps the biases count three times as much, and start and noise get half of eps.
            share /= 2
            noise = terms["accuracy, noise"] * eps / 12 / size
            inverse += math.sqrt(noise / values["W_0"]) if values["W_0"] else 0.0
        r = route.preset.ratio(p, d, values["L_xx"] / values["L_zz"] if route.preset.tuned else 1.0)
        radius = math.sqrt(share / max(p * (p + 4), d * (d + 4) / r**2))
        iterations = max(1, math.ceil(6 * values["W_0"] * inverse / eps))
        plan = FixedPlan(
            h=radius, eta=radius / r, h_bar=radius, l1=size, l2=size, rho=1 / (inverse * values["c"]),
            gamma=1 / inverse, K=iterations, evaluations=0, bound=math.inf, schedule=schedule,
            v_radius=values["R_v"] if route.kind == "smooth" else None,
        )  # fmt: skip
        plan = self._long_enough(plan, constants, p, d, eps, begin)
        sizes = {"l1": size, "l2": size, "b1": 1, "b2": 1}
        cost = int(value_of(sum(route.preset.evaluations.values()), sizes))
        return replace(plan, evaluations=plan.K * cost)

    def _long_enough(
        self, plan: FixedPlan, constants: Any, p: int, d: int, eps: float, start: Start
    ) -> FixedPlan:  # fmt: skip
        """The plan with its bound; at decreasing steps with the fewest iterations that bring it to eps."""

        def reached(iterations: int) -> Fraction:
            return self.explicit.bound(constants, p, d, plan, iterations, start)

        most = plan.K
        if plan.schedule != "constant":
            least = 1
            while reached(most) > eps:
                least, most = most, 2 * most
                if most > 2**200:
                    raise TheoremError(f"no number of iterations brings the bound to eps={eps!r}")
            while most - least > max(1, most // 1000):
                middle = (least + most) // 2
                least, most = (least, middle) if reached(middle) <= eps else (middle, most)
        bound = reached(most)
        if bound > eps:
            raise TheoremError(f"the plan for eps={eps!r} is certified for {float(bound)!r} only")
        return replace(plan, K=most, bound=as_float(bound))

    def derived_count(
        self, constants: Any, p: int, d: int, eps: float, start: Start | Mapping[str, float], *,
        directions: int = 1, projected: bool = False,
    ) -> float:  # fmt: skip
        """n(eps) at constant steps, an upper bound on the plan's evaluations. Raises as :meth:`plan`."""
        self.require_checked()
        route, values = self._at(constants, p, d, eps, Start.of(start), projected)
        return value_of(route.count, values | {str(l): directions})

    def _at(
        self, constants: Any, p: int, d: int, eps: float, start: Start, projected: bool
    ) -> tuple[FixedRoute, dict[str, float]]:  # fmt: skip
        """The kind of solution maps, and the numbers of all symbols."""
        if not 0 < eps <= 1:
            raise ValueError(f"eps must be in (0, 1], got {eps!r}")
        if constants.bound("H") != 0:
            raise TheoremError("plan and count at fixed directions speak of quadratic G, H = 0")
        kind = "flat"
        if (constants.bound("s_z"), constants.bound("s_v")) != (0, 0):
            constants.require("s_z", "s_v")
            kind = "smooth" if projected else "free"
        route = self.routes[kind]
        expressions = [route.count, *route.inverse_terms.values(), *route.definitions.values()]
        used = {str(s) for each in expressions for s in each.free_symbols} | {"mu", "L_zz", "m_zz", "m_xz"}
        used |= {"R"} if kind == "smooth" else set()
        known: dict[str, float] = {"p": p, "d": d, "eps": eps, "H_zz": 0.0, "H_xz": 0.0, str(l): 1.0}
        known |= {"gap": start.gap, "a_0": start.z_error, "b_0": start.v_error}
        ours = {*route.definitions, "R_v", *(() if used & {"R"} and self._needs_R(route) else ("R",))}
        wanted = sorted(used - set(known) - ours)
        known |= dict(zip(wanted, constants.require(*wanted), strict=True))
        known.setdefault("R", 0.0)
        known["R_v"] = math.nextafter(known["R"] + start.v_error, math.inf)
        return route, known | numbers_of(route.definitions, known)

    @staticmethod
    def _needs_R(route: FixedRoute) -> bool:
        """Whether R occurs beside H R, which is zero here."""
        return route.kind == "smooth" or any(x.has(_symbol("R")) for x in (route.count, *route.inverse_terms.values()))


def _symbol(name: str) -> Any:
    return public_symbols()[name]


@cache
def fixed(name: str, title: str, regime: str) -> FixedTheorem:
    """The theorem of a preset.

    Parameters
    ----------
    name : the preset.
    title : what it is.
    regime : where the published order is to be proved an upper bound.
    """
    preset = preset_named(name)
    # Noise proportional to D^2 needs room in the coupling.
    coupling = sp.Rational(1, 8) if preset.one_count else sp.Rational(1, 4)
    routes = {kind: FixedRoute(preset, kind, coupling, regime) for kind in FIXED_KINDS}
    steps: list[Step] = [*one_step_inequalities(routes["free"].model.independent)]
    steps += [*variance_steps(name), *variance_steps(name, projected=True)]
    for route in routes.values():
        certificate = route.noise.certificate
        steps += [certificate_step(certificate), choice_step(certificate, coupling), *noise_steps(route.noise)]
        steps += route_steps(route)
    steps += decreasing_steps()
    return FixedTheorem(
        f"{name}-fixed",
        f"{title}: steps that shrink, directions that do not grow with 1/eps",
        name,
        ASSUMPTIONS,
        SOURCE,
        tuple(steps),
        public_symbols() | {"l": l, "p": _p, "d": _d, "eps": _eps},
        vocabulary=VOCABULARY,
        routes=routes,
        explicit=FixedBound(preset, coupling),
    )
