"""From a certificate and a preset's variances to numbers: bound, plan and count."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from .certificate import (
    COEFFICIENTS,
    Certificate,
    V_x_bar,
    equal_shares,
    explicit_step_ratio,
    explicit_weights,
)
from .complexity import Complexity
from .inequalities import bias_v, bias_x, noise_factors
from .search import smallest_bound
from .single_loop import Start
from .symbols import (
    CONSTANTS,
    SHARES,
    W_0,
    YOUNG,
    C_x,
    C_z,
    K,
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
    m_zz,
    mu,
    p,
    rho,
    w_a,
    w_b,
)
from .theorem import TheoremError
from .variance import VarianceModel

__all__ = ["Plan", "Route"]

Array = NDArray[np.float64]

#: Dimension-free symbols of a plan: X + theta, and h^2 = radius_share eps / (p (p + 4)).
X, radius_share = sp.symbols("X radius_share", positive=True)

#: What the bound is minimised over.
_WEIGHTS = (w_a, w_b, *YOUNG, *SHARES)
_ARGUMENTS = (*CONSTANTS, p, d, h, eta, l1, l2, rho, gamma, c, K, gap, a_0, b_0, *_WEIGHTS, V_x_bar)


@dataclass(frozen=True)
class Plan:
    """A configuration whose bound is at most eps, and its cost.

    ``evaluations`` is ``K`` iterations times the evaluations of both levels with one sample.
    """

    h: float
    eta: float
    l1: int
    l2: int
    rho: float
    gamma: float
    K: int
    evaluations: int
    bound: float


@dataclass(frozen=True, eq=False)
class Route:
    """Explicit bound, plan and count of one preset.

    Attributes
    ----------
    model : variances at the preset's own radius ratio, for plan and count.
    coupling : Y of the plan; what it leaves of 1/4 takes the noise proportional to D^2.
    compare : makes the :class:`Complexity` from the count.
    """

    model: VarianceModel
    coupling: Any
    compare: Callable[[Route], Complexity]

    def certificate(self, adjoint: str) -> Certificate:
        """The certificate that applies to a kind of adjoint."""
        return Certificate(self.model.independent, adjoint)

    @cached_property
    def complexity(self) -> Complexity:
        """Order and count."""
        return self.compare(self)

    # The count, as an expression.

    @cached_property
    def plan_variances(self) -> Mapping[str, Any]:
        """Variance coefficients per direction for l1 = l2, radii at their limits, weights 1.

        The plan keeps h^2 p (p + 4) and eta^2 d (d + 4) at or below radius_share * eps; the
        coefficients grow with the radii, so they are taken at equality.
        """
        limit = radius_share * eps
        found = {}
        for name, value in self.model.coefficients.items():
            per_direction = sp.expand(equal_shares(value.subs({l1: 1, l2: 1})))
            radii = per_direction.subs({h: sp.sqrt(limit / (p * (p + 4))), eta: sp.sqrt(limit / (d * (d + 4)))})
            found[name] = sp.expand(sp.cancel(sp.together(radii)))
        return found

    def column(self, column: str) -> Any:
        z, v, x = (self.plan_variances[f"s_{row}{column}"] for row in "zvx")
        factor = equal_shares(noise_factors(self.model.independent)[0])
        return sp.expand(factor * rho / mu * (w_a * z + w_b * v) + X * x)

    @cached_property
    def direction_terms(self) -> Mapping[str, Any]:
        """Lower bounds on l = l1 = l2 by what asks for them; dimension-free beside p, d, eps."""
        spare = sp.Rational(1, 4) - self.coupling
        return {
            "weight of z": 2 * self.column("a") / w_a,
            "weight of v": 2 * self.column("b") / w_b,
            "step of x": self.column("D") / spare if self.column("D") != 0 else sp.Integer(0),
            "noise": sp.expand(3 * 2 * self.column("0") / eps),
        }

    @cached_property
    def directions(self) -> Any:
        """l: at most the sum of its lower bounds, and one for rounding up."""
        return sp.Add(*self.direction_terms.values()) + 1

    @cached_property
    def iterations(self) -> Any:
        """K: 2 W_0 / (gamma K) <= eps / 3, and one for rounding up."""
        return 6 * W_0 / (gamma * eps) + 1

    @cached_property
    def count(self) -> Any:
        """n(eps) = K times the evaluations of both levels an iteration, one sample."""
        return sp.expand(self.iterations * self._cost.subs({l1: self.directions, l2: self.directions}))

    @property
    def _cost(self) -> Any:
        """Evaluations of both levels an iteration, one sample."""
        return sum(self.model.preset.evaluations.values()).subs({b1: 1, b2: 1})

    @cached_property
    def definitions(self) -> dict[str, Any]:
        """The dimension-free symbols of the count."""
        certificate = self.certificate("rough")
        weights = explicit_weights()
        return {
            "w_b": weights[w_b],
            "w_a": weights[w_a],
            "c": explicit_step_ratio(certificate, self.coupling),
            "gamma": 1 / (2 * L_Psi + (mu + L_zz) / (2 * c)),
            "rho": gamma / c,
            "X": equal_shares(certificate.noise_weight),
            "radius_share": _radius_share(certificate),
            "W_0": gap + c / mu * (w_a * a_0**2 + w_b * b_0**2),
        }

    # Numbers.

    def _given_radii(self, projected: bool) -> VarianceModel:
        """Variances at the radii that a solver has; with v projected, its ball's radius is R."""
        return VarianceModel(self.model.preset, projected, any_ratio=True)

    @cached_property
    def _functions(self) -> dict[tuple[str, bool], Callable[..., Any]]:
        return {}

    def _compiled(self, adjoint: str, inside: bool) -> Callable[..., Any]:
        """Bound and conditions as a function of the arguments, compiled when first asked for."""
        if (adjoint, inside) not in self._functions:
            model = self._given_radii(inside)
            certificate = self.certificate(adjoint)
            values = {COEFFICIENTS[name]: model.coefficients[name] for name in COEFFICIENTS}
            values |= {bias_v: model.bias_v, bias_x: model.bias_x}
            wanted = [certificate.average_bound.subs(W_0, self.definitions["W_0"])]
            wanted += certificate.conditions.values()
            self._functions[adjoint, inside] = sp.lambdify(
                _ARGUMENTS, [w.subs(values) for w in wanted], modules="numpy", cse=True
            )
        return self._functions[adjoint, inside]

    @cached_property
    def _largest_variance(self) -> Callable[..., Any]:
        function: Callable[..., Any] = sp.lambdify(
            _ARGUMENTS, self._given_radii(True).outer_gradient, modules="numpy", cse=True
        )
        return function

    def constants(self, constants: Any) -> dict[str, float]:
        """The constants that are needed, by name; an error names the first unknown one."""
        (curved,) = constants.require("H")
        if curved != 0:
            raise TheoremError(f"this theorem speaks of quadratic G (H = 0), the problem has H = {curved!r}")
        needed = [str(s) for s in CONSTANTS if str(s) != "s_v" and not (s in (C_z, C_x, R) and self._errors_only)]
        needed = [n for n in needed if n != "L_xx" or self.model.cross.has(L_xx)]
        values = dict(zip(needed, constants.require(*needed), strict=True))
        values["s_v"] = math.nan if constants.s_v is None else float(constants.s_v)
        return {str(s): values.get(str(s), 0.0) for s in CONSTANTS}

    @property
    def _errors_only(self) -> bool:
        return self.model.preset.one_count

    def bound(self, constants: Any, p: int, d: int, solver: Any, K: int, start: Start) -> float:
        """See ``Theorem.bound``: the smallest over the weights and the kinds of adjoint."""
        known = self.constants(constants)
        setting = _setting(solver, p, d)
        if self.model.preset.one_count and setting["l1"] != setting["l2"]:
            raise TheoremError(f"l2 must equal l1 here, got l1={setting['l1']}, l2={setting['l2']}")
        limit = 2 / (known["mu"] + known["L_zz"])
        if setting["rho"] > limit * (1 + 1e-12):
            raise TheoremError(f"condition rho <= 2/(mu + L_zz): rho={setting['rho']!r} exceeds {limit!r}")
        radius = getattr(solver, "v_radius", None)
        if radius is not None and not self._errors_only and radius < known["R"]:
            raise TheoremError(f"v_radius={radius!r} is below R={known['R']!r}: the ball may not contain v*")
        best, least, name = math.inf, math.inf, ""
        for adjoint, inside in self._candidates(known, radius):
            arguments = known | setting | {"p": p, "d": d, "K": K, "V_x_bar": 0.0}
            arguments |= {"gap": start.gap, "a_0": start.z_error, "b_0": start.v_error}
            if inside and radius is not None:
                arguments["R"] = float(radius)
            value, used = self._minimum(adjoint, inside, arguments)
            best = min(best, value)
            if max(used.values()) < least:
                least = max(used.values())
                name = max(used, key=lambda condition: used[condition])
        if not math.isfinite(best):
            raise TheoremError(
                f"condition {name!r} holds for no weights (it uses {least:.3g} times what it may): "
                "use more directions or smaller steps"
            )
        return best

    def _candidates(self, known: Mapping[str, float], radius: float | None) -> list[tuple[str, bool]]:
        insides = [False] if radius is None or self._errors_only else [False, True]
        found = [("flat" if known["s_v"] == 0 else "rough", inside) for inside in insides]
        if len(insides) == 2 and known["s_v"] > 0:
            found.append(("smooth", True))
        return found

    def _minimum(self, adjoint: str, inside: bool, arguments: Mapping[str, float]) -> tuple[float, dict[str, float]]:
        """Smallest bound over the weights, and the fraction used of each condition."""
        function, names = self._compiled(adjoint, inside), list(self.certificate(adjoint).conditions)

        def evaluate(weights: Array) -> tuple[Array, Array]:
            at: dict[str, Any] = dict(arguments)
            at |= {str(symbol): row for symbol, row in zip(_WEIGHTS, weights, strict=True)}
            if adjoint == "smooth":
                at["V_x_bar"] = self._largest_variance(*(at[str(s)] for s in _ARGUMENTS))
            value, *left = function(*(at[str(s)] for s in _ARGUMENTS))
            shape = weights.shape[1:]
            allowed = (at["w_a"], at["w_b"], 0.5)
            used = [np.broadcast_to(1 - q / size, shape) for q, size in zip(left, allowed, strict=True)]
            return np.broadcast_to(value, shape), np.stack(used)

        begin = np.ones(len(_WEIGHTS))
        begin[1] = max(3 * arguments["L_xz"] ** 2, 1e-9)
        coupled = 3 * arguments["m_xz"] ** 2 + 8 * begin[1] * (arguments["m_zz"] / arguments["mu"]) ** 2
        begin[0] = max(coupled, 1e-6 * begin[1])
        value, used = smallest_bound(evaluate, begin)
        return value, dict(zip(names, used.tolist(), strict=True))

    def plan(self, constants: Any, p: int, d: int, eps: float, start: Start) -> Plan:
        """See ``Theorem.plan``: the explicit weights and steps of the count, with its radii."""
        if not 0 < eps <= 1:
            raise ValueError(f"eps must be in (0, 1], got {eps!r}")
        known = self.constants(constants)
        if self.model.preset.tuned and known["L_xx"] == 0:
            raise TheoremError("the tuned radius ratio needs L_xx > 0; with L_xx = 0 use one radius (zoba)")
        values: dict[str, float] = known | {"p": p, "d": d, "eps": eps}
        values |= {"gap": start.gap, "a_0": start.z_error, "b_0": start.v_error, "s_v": 0.0}
        for name, definition in self.definitions.items():
            number = _number(definition, values)
            # Nothing is coupled when w_a = 0 and nothing moves when k_z = k_v = 0: any value serves.
            fallback = 1e-9 if name == "w_a" else 1.0
            values[name] = number if (0 < number < math.inf) or name == "W_0" else fallback
        l = math.ceil(max(1.0, *(_number(term, values) for term in self.direction_terms.values())))
        iterations = math.ceil(6 * values["W_0"] / (values["gamma"] * eps)) or 1
        r = self.model.preset.ratio(p, d, known["L_xx"] / known["L_zz"] if self.model.preset.tuned else 1.0)
        share = values["radius_share"] * eps
        h_value = math.sqrt(share / max(p * (p + 4), d * (d + 4) / r**2))
        cost = int(_number(self._cost, values | {"l1": l, "l2": l}))
        plan = Plan(h_value, h_value / r, l, l, values["rho"], values["gamma"], iterations, iterations * cost, 0.0)
        return Plan(**{**vars(plan), "bound": self.bound(constants, p, d, plan, iterations, start)})


def _radius_share(certificate: Certificate) -> Any:
    """How small the radii are: 2 * (biases) <= eps / 3, since p <= p (p + 4) / 5 and d likewise."""
    at_limit = {bias_v: m_zz / sp.sqrt(5), bias_x: m_xx / sp.sqrt(5)}
    return 1 / (1 + 3 * 2 * equal_shares(certificate.bias).subs(at_limit))


def _number(expression: Any, values: Mapping[str, float]) -> float:
    number = sp.sympify(expression).subs({s: values[str(s)] for s in sp.sympify(expression).free_symbols})
    return float(number) if number.is_finite else math.inf


def _setting(solver: Any, p: int, d: int) -> dict[str, float]:
    if getattr(solver, "schedule", "constant") != "constant":
        raise TheoremError(f"the bound needs constant steps, the solver has schedule={solver.schedule!r}")
    setting = {name: getattr(solver, name) for name in ("h", "eta", "l1", "l2", "rho", "gamma")}
    if setting["eta"] is None:
        setting["eta"] = solver.outer_radius(p, d)
    if setting["gamma"] is None:
        setting["gamma"] = setting["rho"] / 2
    setting["c"] = setting["gamma"] / setting["rho"]
    return {name: float(value) for name, value in setting.items()}
