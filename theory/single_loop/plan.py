"""The plan of a preset: radii, directions, steps and iterations for an accuracy eps, and the count n(eps).

Steps and weights come from the explicit certificate of ``weights`` and contain no dimension and no eps. What grows
with 1/eps is the number of directions, with exact values (:class:`Route`), or the batch, with samples
(:class:`SampledRoute`). It and the radii take what the variances of ``variance`` ask for. The bound of the finished
plan is then certified by ``bound``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import sympy as sp

from ..proof.orders import Complexity, dominates
from ..proof.theorem import TheoremError
from ..symbols import (
    CONSTANTS,
    SIGMA,
    THIRD,
    W_0,
    H_xz,
    H_zz,
    L_Psi,
    L_xx,
    L_zz,
    R,
    a_0,
    b1,
    b2,
    b_0,
    c,
    d,
    eps,
    eta,
    gamma,
    gap,
    h,
    l1,
    l2,
    m_xx,
    m_xz,
    m_zz,
    mu,
    p,
    rho,
    w_a,
    w_b,
)
from .assumptions import PUBLISHED
from .bound import ExplicitBound, as_float, third_constant
from .curved import TENTH, Curvature
from .drift import Certified
from .inequalities import bias_v, bias_x, bias_z, noise_factors
from .run import SPREADS, Start
from .variance import VarianceModel
from .weights import Certificate, equal_shares, error_weight, explicit_step_ratio, explicit_weights

__all__ = [
    "W_AT_START",
    "Plan",
    "Route",
    "SampledRoute",
    "explicit_steps",
    "has_spreads",
    "numbers_of",
    "radius_limit",
    "radius_share_of",
    "value_of",
]

#: Dimension-free symbols of a plan: X + theta, and h^2 = radius_share eps / (p (p + 4)).
X, radius_share = sp.symbols("X radius_share", positive=True)


@dataclass(frozen=True)
class Plan:
    """A configuration whose bound is at most eps, and its cost.

    ``evaluations`` is ``K`` iterations times the evaluations of both levels, with ``b1`` and ``b2`` samples. Steps
    along v are ``h_bar / max(1, |v|)``.
    """

    h: float
    eta: float
    h_bar: float
    l1: int
    l2: int
    rho: float
    gamma: float
    K: int
    evaluations: int
    bound: float
    normalize_h_bar: bool = True
    b1: int = 1
    b2: int = 1


def has_spreads(constants: Any) -> bool:
    """Whether values of the problem are samples: one of its spreads is not zero."""
    return any(constants.bound(name) != 0 for level in SPREADS for name in level)


#: W at the start.
W_AT_START = gap + error_weight(w_a) * a_0**2 + error_weight(w_b) * b_0**2


def explicit_steps(certificate: Certificate, coupling: Any) -> dict[str, Any]:
    """Weights of W and steps of a plan, by name; none depends on dimensions or eps."""
    weights = explicit_weights()
    return {
        "M_v": H_zz * R + m_zz,
        "M_x": H_xz * R + m_xz,
        "w_b": weights[w_b],
        "w_a": weights[w_a],
        "c": explicit_step_ratio(certificate, coupling),
        "gamma": 1 / (2 * L_Psi + (mu + L_zz) / (2 * c)),
        "rho": gamma / c,
    }


def numbers_of(definitions: Mapping[str, Any], known: Mapping[str, float]) -> dict[str, float]:
    """Values of definitions that may use the ones before them."""
    found: dict[str, float] = {}
    for name, definition in definitions.items():
        number = value_of(definition, {**known, **found})
        # Nothing is coupled when w_a = 0 and nothing moves when k_z = k_v = 0: any value serves.
        fallback = 1e-9 if name == "w_a" else 1.0
        found[name] = number if (0 < number < math.inf) or name in ("W_0", "M_v", "M_x") else fallback
    return found


@dataclass(frozen=True, eq=False)
class Route:
    """Explicit bound, plan and count of one preset with exact values: l = l1 = l2 directions grow with 1/eps.

    Attributes
    ----------
    model : variances at the preset's own radius ratio, for plan and count.
    coupling : Y of the plan; what it leaves of 1/4 takes the noise proportional to D^2.
    compare : makes the :class:`Complexity` from the count.
    """

    model: VarianceModel
    coupling: Any
    compare: Callable[[Route], Complexity]

    #: What grows with 1/eps, in words.
    grows: ClassVar[str] = "l directions"

    def sizes(self, size: Any, directions: Any = 1) -> dict[Any, Any]:
        """Directions and batches by symbol at a ``size`` of what grows; ``directions`` a sample where that is free."""
        return {l1: size, l2: size, b1: sp.Integer(1), b2: sp.Integer(1)}

    def certificate(self, adjoint: str) -> Certificate:
        """The certificate that applies to a kind of adjoint."""
        return Certificate(self.model.independent, adjoint)

    @cached_property
    def complexity(self) -> Complexity:
        """Order and count."""
        return self.compare(self)

    # The count, as an expression.

    def plan_variances(self, directions: Any = 1) -> Mapping[str, Any]:
        """Variance coefficients at size 1, radii at their limits, weights 1.

        Every coefficient is divided by the size. The plan keeps h^2 p (p + 4) and eta^2 d (d + 4) at or below
        radius_share * eps; the coefficients grow with the radii, so they are taken at equality.
        """
        limits = radius_limit(radius_share * eps)
        found = {}
        for name, value in self.model.coefficients.items():
            at_one = sp.expand(equal_shares(value.subs(self.sizes(sp.Integer(1), directions))))
            found[name] = sp.expand(sp.cancel(sp.together(at_one.subs(limits))))
        return found

    def column(self, column: str, directions: Any = 1) -> Any:
        """What one column of the variances adds to the certificate at size 1."""
        variances = self._variances(directions)
        z, v, x = (variances.get(f"s_{row}{column}", sp.Integer(0)) for row in "zvx")
        factor = equal_shares(noise_factors(self.model.independent)[0])
        return sp.expand(factor * rho / mu * (w_a * z + w_b * v) + X * x)

    @cached_property
    def _known_variances(self) -> dict[Any, Mapping[str, Any]]:
        return {}

    def _variances(self, directions: Any) -> Mapping[str, Any]:
        if directions not in self._known_variances:
            self._known_variances[directions] = self.plan_variances(directions)
        return self._known_variances[directions]

    @staticmethod
    def noise_term(column: Any) -> Any:
        """The size at which the noise, whose column at size 1 is given, adds a third of eps to the bound."""
        return sp.expand(3 * 2 * column / eps)

    def size_terms(self, directions: Any = 1, curved: bool = False) -> Mapping[str, Any]:
        """Lower bounds on the size by what asks for them; dimension-free beside p, d, eps."""
        if curved:
            beside = {"noise": 1, "weight of v": 1}
            return {n: (1 + TENTH) * term + beside.get(n, 0) for n, term in self.size_terms(directions).items()}
        spare = sp.Rational(1, 4) - self.coupling
        on_step = self.column("D", directions)
        return {
            "weight of z": 2 * self.column("a", directions) / w_a,
            "weight of v": 2 * self.column("b", directions) / w_b,
            "step of x": on_step / spare if on_step != 0 else sp.Integer(0),
            "noise": self.noise_term(self.column("0", directions)),
        }

    @cached_property
    def size(self) -> Any:
        """What grows: at most the sum of its lower bounds, and one for rounding up."""
        return sp.Add(*self.size_terms().values()) + 1

    @cached_property
    def iterations(self) -> Any:
        """K: 2 W_0 / (gamma K) <= eps / 3, and one for rounding up."""
        return 6 * W_0 / (gamma * eps) + 1

    @cached_property
    def count(self) -> Any:
        """n(eps) = K times the evaluations of both levels an iteration."""
        return sp.expand(self.iterations * self.cost.subs(self.sizes(self.size)))

    @cached_property
    def curvature(self) -> Curvature:
        """What third derivatives of G ask of the radii."""
        return Curvature(self.model.preset, self.certificate("rough"), X)

    @cached_property
    def curved_count(self) -> Any:
        """n(eps) where G is not quadratic."""
        size = sp.Add(*self.size_terms(curved=True).values()) + 1
        return sp.expand(self.iterations * self.cost.subs(self.sizes(size)))

    @property
    def cost(self) -> Any:
        """Evaluations of both levels an iteration."""
        return sum(self.model.preset.evaluations.values())

    @cached_property
    def definitions(self) -> dict[str, Any]:
        """The dimension-free symbols of the count."""
        certificate = self.certificate("rough")
        return {
            **explicit_steps(certificate, self.coupling),
            "X": equal_shares(certificate.noise_weight()),
            "radius_share": radius_share_of(certificate),
            "W_0": W_AT_START,
        }

    # Numbers.

    @cached_property
    def explicit(self) -> ExplicitBound:
        """Certified bounds of runs."""
        return ExplicitBound(self.model.preset)

    def certified(self, constants: Any, p: int, d: int, solver: Any, K: int, start: Start) -> Certified:
        """See ``SingleLoopTheorem.certificate``."""
        return self.explicit.certificate(constants, p, d, solver, K, start)

    def bound(self, constants: Any, p: int, d: int, solver: Any, K: int, start: Start) -> float:
        """See ``SingleLoopTheorem.bound``."""
        return as_float(self.certified(constants, p, d, solver, K, start).bound)

    def constants(self, constants: Any) -> dict[str, float]:
        """The constants that a plan needs, by name; an error names the first one that is unknown or only sampled."""
        curved = constants.bound("H") != 0
        unused = {"C_z", "C_x"} if self._errors_only else set()
        unused |= {"R"} if self._errors_only and not curved and not self.model.sampled else set()
        symbols = (*CONSTANTS, *(SIGMA if self.model.sampled else ()))
        needed = [str(s) for s in symbols if str(s) not in unused]
        needed = [n for n in needed if n != "L_xx" or self.model.cross.has(L_xx)]
        values = dict(zip(needed, constants.require(*needed), strict=True))
        if curved:
            values |= {str(s): float(third_constant(constants, str(s))) for s in self.curvature.constants}
        return {str(s): values.get(str(s), 0.0) for s in (*symbols, *THIRD)}

    @property
    def _errors_only(self) -> bool:
        """The noise of directions vanishes with the errors: C_z and C_x never occur."""
        return self.model.preset.one_count

    def values(self, constants: Any, p: int, d: int, eps: float, start: Start) -> dict[str, float]:
        """The numbers of every symbol of the count, by name."""
        if not 0 < eps <= 1:
            raise ValueError(f"eps must be in (0, 1], got {eps!r}")
        known = self.constants(constants)
        if self.model.preset.tuned and known["L_xx"] == 0:
            raise TheoremError("the tuned radius ratio needs L_xx > 0; with L_xx = 0 use one radius (zoba)")
        values: dict[str, float] = known | {"p": p, "d": d, "eps": eps}
        values |= {"gap": start.gap, "a_0": start.z_error, "b_0": start.v_error}
        values["r"] = self.model.preset.ratio(p, d, known["L_xx"] / known["L_zz"] if self.model.preset.tuned else 1.0)
        curved = {"radius_share": self.curvature.radius_share} if constants.bound("H") != 0 else {}
        return values | numbers_of(self.definitions | curved, values)

    def _count(self, constants: Any) -> Any:
        return self.count if constants.bound("H") == 0 else self.curved_count

    def derived_count(self, constants: Any, p: int, d: int, eps: float, start: Start) -> float:
        """See ``SingleLoopTheorem.derived_count``."""
        return value_of(self._count(constants), self.values(constants, p, d, eps, start))

    def dominating_count(
        self, order: str, constants: Any, p: int, d: int, eps: float, start: Start, at: str | None = None
    ) -> float:  # fmt: skip
        """See ``SingleLoopTheorem.dominating_count``."""
        target, other = (_order(text) for text in (order, at or order))
        proved = dominates(self._count(constants), target, "p, d >= 1" if p < d else "p >= d >= 1")
        values = self.values(constants, p, d, eps, start)
        return value_of(proved.constant, values) * value_of(other, values)

    def directions(self, values: Mapping[str, float]) -> int:
        """Directions a sample, where they are not what grows."""
        return 1

    def plan(self, constants: Any, p: int, d: int, eps: float, start: Start) -> Plan:
        """See ``Theorem.plan``: the explicit weights and steps of the count, with its radii."""
        values, curved = self.values(constants, p, d, eps, start), constants.bound("H") != 0
        directions = self.directions(values)
        terms = self.size_terms(directions, curved).values()
        size = math.ceil(max(1.0, *(value_of(term, values) for term in terms)))
        iterations = math.ceil(6 * values["W_0"] / (values["gamma"] * eps)) or 1
        radius = self.radius(values, curved)
        sizes = {str(symbol): int(value) for symbol, value in self.sizes(size, directions).items()}
        plan = Plan(
            h=radius,
            eta=radius / values["r"],
            h_bar=radius,
            rho=values["rho"],
            gamma=values["gamma"],
            K=iterations,
            evaluations=iterations * int(value_of(self.cost, values | sizes)),
            bound=math.inf,
            l1=sizes["l1"],
            l2=sizes["l2"],
            b1=sizes["b1"],
            b2=sizes["b2"],
        )
        reached = self.bound(constants, p, d, plan, iterations, start)
        if reached > eps:
            raise TheoremError(f"the plan for eps={eps!r} is certified for {reached!r} only")
        return replace(plan, bound=reached)

    def radius(self, values: Mapping[str, float], curved: bool) -> float:
        """The largest radius that biases, and rests of a curved G, allow."""
        p, d, r = (values[name] for name in ("p", "d", "r"))
        largest = math.sqrt(values["radius_share"] * values["eps"] / max(p * (p + 4), d * (d + 4) / r**2))
        limits = [value_of(rest.radius, values) for rest in self.curvature.rests] if curved else []
        return min(largest, *limits) if limits else largest


@dataclass(frozen=True, eq=False)
class SampledRoute(Route):
    """The same with samples of G and F: b = b1 = b2 samples grow with 1/eps, the directions a sample need not.

    Of the spread that samples add nothing is averaged by more directions, so that only samples can bring it to eps.
    """

    grows: ClassVar[str] = "b samples"

    def sizes(self, size: Any, directions: Any = 1) -> dict[Any, Any]:
        """See :meth:`Route.sizes`."""
        return {l1: directions, l2: directions, b1: size, b2: size}

    def directions(self, values: Mapping[str, float]) -> int:
        """Directions a sample that make an iteration cheapest, by trial: 1, or some power of 2.

        One direction is always allowed and costs at most (c + e)/c of the best, where a sample takes c l + e values.
        """

        def cost(directions: int) -> float:
            size = max(1.0, *(value_of(term, values) for term in self.size_terms(directions).values()))
            sizes = {str(symbol): float(value) for symbol, value in self.sizes(math.ceil(size), directions).items()}
            return value_of(self.cost, dict(values) | sizes)

        best, least = 1, cost(1)
        for power in range(1, 20):
            trial = cost(2**power)
            if trial > least:
                break
            best, least = 2**power, trial
        return best


def _order(text: str) -> Any:
    """An order in p, d and eps from its text, or the published one."""
    if text == "published":
        return PUBLISHED
    try:
        parsed = sp.sympify(text, locals={"p": p, "d": d, "eps": eps})
    except (sp.SympifyError, TypeError, SyntaxError) as error:
        raise ValueError(f"order must be an expression in p, d and eps, got {text!r}") from error
    if not parsed.free_symbols <= {p, d, eps}:
        raise ValueError(f"order must be an expression in p, d and eps alone, got {text!r}")
    return parsed


def radius_limit(limit: Any) -> dict[Any, Any]:
    """The largest radii with h^2 p (p + 4) and eta^2 d (d + 4) at most ``limit``."""
    return {h: sp.sqrt(limit / (p * (p + 4))), eta: sp.sqrt(limit / (d * (d + 4)))}


def radius_share_of(certificate: Certificate) -> Any:
    """How small the radii are: 2 * (biases) <= eps / 3, since p <= p (p + 4) / 5 and d likewise."""
    at_limit = {bias_z: 0, bias_v: m_zz / sp.sqrt(5), bias_x: m_xx / sp.sqrt(5)}
    return 1 / (1 + 3 * 2 * equal_shares(certificate.bias).subs(at_limit))


def value_of(expression: Any, values: Mapping[str, float]) -> float:
    number = sp.sympify(expression).subs({s: values[str(s)] for s in sp.sympify(expression).free_symbols})
    return float(number) if number.is_finite else math.inf
