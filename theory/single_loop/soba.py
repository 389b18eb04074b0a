"""SOBA: the single loop with exact derivatives, of all values or of samples."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

import sympy as sp

from ..proof.algebra import require_nonnegative
from ..proof.orders import Complexity, dominates, order_of
from ..proof.rules import by_nonnegative_terms
from ..proof.theorem import Quoted, Step
from ..symbols import W_0, K, L_Psi, L_zz, b1, b2, c, eps, gamma, mu
from .assemble import average_step, certificate_step, choice_step
from .assumptions import ASSUMPTIONS, VOCABULARY, public_symbols
from .bound import ExplicitBound, as_float
from .drift import Certified
from .drift_steps import drift_steps, root_steps
from .inequalities import bias_v, bias_x, bias_z, one_step_inequalities
from .plan import W_AT_START, explicit_steps, numbers_of
from .run import Start
from .theorem import SingleLoopTheorem
from .virtual_steps import virtual_steps
from .weights import Certificate, equal_shares

__all__ = ["SobaPlan", "SobaRoute", "soba"]

_SOURCE = "Algorithm: arXiv 2201.13409 (abstract) and its authors' public code. The derivation is this project's own."
_COUPLING = sp.Rational(1, 4)
_NEEDED = ("mu", "L_zz", "L_xz", "L_Psi", "m_zz", "m_xz", "k_z", "k_v")


@dataclass(frozen=True)
class SobaPlan:
    """Steps and iterations whose bound is at most eps with exact derivatives.

    ``evaluations`` counts derivatives as the oracle does: G_z, G_zz v, G_xz v, F_z and F_x, one each an iteration.
    """

    rho: float
    gamma: float
    K: int
    evaluations: int
    bound: float
    b1: int = 1
    b2: int = 1


@dataclass(frozen=True, eq=False)
class SobaRoute:
    """Explicit bound, plan and count with exact derivatives."""

    @cached_property
    def certificate(self) -> Certificate:
        """Noises are dependent in general: one sample serves all three directions."""
        return Certificate(False, "rough")

    @cached_property
    def definitions(self) -> dict[str, Any]:
        """The symbols of the count; none depends on eps."""
        return {**explicit_steps(self.certificate, _COUPLING), "W_0": W_AT_START}

    @cached_property
    def iterations(self) -> Any:
        """K: 2 W_0 / (gamma K) <= eps, and one for rounding up."""
        return 2 * W_0 / (gamma * eps) + 1

    @cached_property
    def count(self) -> Any:
        """Derivatives asked for, b1 = b2 = 1."""
        return sp.expand(self.iterations * self.cost)

    @property
    def cost(self) -> Any:
        """Derivatives an iteration, b1 = b2 = 1."""
        return sp.Add(*EVALUATIONS.values()).subs({b1: 1, b2: 1})

    @cached_property
    def complexity(self) -> Complexity:
        """Order and count in 1/eps; dimensions enter through the cost of a derivative only."""
        order = order_of(self.count)
        found = (dominates(self.count, order),)
        return Complexity(self.count, order, sp.Integer(0), None, "", found, self.definitions)

    @cached_property
    def explicit(self) -> ExplicitBound:
        """Certified bounds of runs."""
        return ExplicitBound(None)

    def certified(self, constants: Any, p: int, d: int, solver: Any, K: int, start: Start) -> Certified:
        """See ``SingleLoopTheorem.certificate``."""
        return self.explicit.certificate(constants, p, d, solver, K, start)

    def bound(self, constants: Any, p: int, d: int, solver: Any, K: int, start: Start) -> float:
        """See ``SingleLoopTheorem.bound``."""
        return as_float(self.certified(constants, p, d, solver, K, start).bound)

    def plan(self, constants: Any, p: int, d: int, eps: float, start: Start) -> SobaPlan:
        """See ``SingleLoopTheorem.plan``; exact derivatives."""
        if not 0 < eps <= 1:
            raise ValueError(f"eps must be in (0, 1], got {eps!r}")
        needed = _NEEDED if constants.bound("H") == 0 else (*_NEEDED, "H_zz", "H_xz", "R")
        values: dict[str, float] = {"H_zz": 0.0, "H_xz": 0.0, "R": 0.0}
        values |= dict(zip(needed, constants.require(*needed), strict=True))
        values |= {"gap": start.gap, "a_0": start.z_error, "b_0": start.v_error}
        values |= numbers_of(self.definitions, values)
        iterations = max(1, math.ceil(2 * values["W_0"] / (values["gamma"] * eps)))
        plan = SobaPlan(values["rho"], values["gamma"], iterations, iterations * int(self.cost), math.inf)
        return replace(plan, bound=self.bound(constants, p, d, plan, iterations, start))


#: One iteration, by the oracle's columns: both products with G are counted, and both blocks of F's gradient.
EVALUATIONS: dict[str, Any] = {
    "inner_grad_z": b1,
    "inner_hvp_zz": b1,
    "inner_jvp_xz": b1,
    "outer_grad_z": b2,
    "outer_grad_x": b2,
}


@cache
def soba() -> SingleLoopTheorem:
    """SOBA with exact derivatives; the bound also covers derivatives of samples."""
    route = SobaRoute()
    certificate = route.certificate
    n = sp.Symbol("n")
    steps = (
        *root_steps(None),
        *one_step_inequalities(False),
        *drift_steps(False),
        *virtual_steps(False),
        certificate_step(certificate),
        choice_step(certificate, _COUPLING),
        average_step(certificate),
        Step(
            "steps of the plan",
            sp.Eq(gamma, route.definitions["gamma"]),
            "gamma <= 1/(2 L_Psi) and rho <= 2/(mu + L_zz).",
            lambda statement: _steps(statement, route),
        ),
        Step(
            "plan",
            sp.Le(sp.Symbol("mean_of_squared_gradient"), eps),
            "With exact derivatives nothing is left of the residual, and K iterations bring 2 W_0/(gamma K) to eps.",
            lambda statement: _plan(statement, route),
        ),
        Step(
            "count",
            sp.Le(n, 10 * W_0 / (gamma * eps) + 5),
            "K times G_z, G_zz v, G_xz v, F_z and F_x; a ceiling costs at most 1.",
            by_nonnegative_terms(
                route.count,
                "equal to K times the derivatives an iteration",
                attained={},
            ),
        ),
    )
    quoted = (
        Quoted(
            "rate with samples, decreasing steps",
            sp.log(K) / sp.sqrt(K),
            "arXiv 2201.13409: O(log K / sqrt K) for the mean of the squared gradient; recalled, text not available",
        ),
    )
    return SingleLoopTheorem(
        "soba",
        "SOBA with exact derivatives: mean squared gradient of Psi at constant steps",
        "soba",
        ASSUMPTIONS,
        _SOURCE,
        steps,
        public_symbols(),
        quoted,
        EVALUATIONS,
        vocabulary=VOCABULARY,
        preset=None,
        route=route,
    )


def _steps(statement: Any, route: SobaRoute) -> str:
    if statement.rhs != route.definitions["gamma"]:
        raise ValueError(f"the plan's step is {route.definitions['gamma']}, stated {statement.rhs}")
    for slack in (1 / (2 * L_Psi) - statement.rhs, 2 / (mu + L_zz) - statement.rhs / c):
        require_nonnegative(slack)
    return "both conditions hold with non-negative slack"


def _plan(statement: Any, route: SobaRoute) -> str:
    nothing = dict.fromkeys((bias_z, bias_v, bias_x), 0)
    noise = {s: 0 for s in equal_shares(route.certificate.weighted("0")).free_symbols if str(s).startswith("s_")}
    if equal_shares(route.certificate.residual).subs(nothing | noise) != 0:
        raise ValueError("the residual does not vanish with exact derivatives")
    if statement.rhs != eps or sp.expand(2 * W_0 / (gamma * (route.iterations - 1)) - eps) != 0:
        raise ValueError("K does not bring the start to eps")
    return "2 W_0 / (gamma K) = eps; the residual vanishes without noise and bias"
