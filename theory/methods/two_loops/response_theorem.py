"""The theorem of PZOBO as an object: its bound of a run, its plan and its cost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import sympy as sp

from ...proof.orders import Complexity
from ...proof.theorem import Theorem, TheoremError
from ...single_loop.run import Start, require_unconstrained
from ...symbols import C_z, L_xz, d, eta, k_z, m_xz, m_zz, mu
from .response_errors import LAWS, H, Q, coefficients, contracted, deviation, motion, s_J, smoothing, spread, zeta
from .response_plan import ACCURACY, ALPHA, BETA, DIRECTIONS, ERRORS, RADIUS, ResponsePlan

__all__ = ["PzoboPlan", "PzoboTheorem"]

_NEEDED = ("mu", "L_zz", "L_xz", "H", "m_zz", "m_xz", "C_z", "k_z", "L_Psi")
_DERIVATIVE = sp.Symbol("alpha_N_power", nonnegative=True)
#: Weights of Young's inequality that a bound tries: the best one lies between, a tenth of an octave away at most.
_SHARES = np.geomspace(1e-6, 1e6, 401)


@dataclass(frozen=True)
class PzoboPlan:
    """Sizes whose bound is at most eps, with Gaussian directions and exact gradients.

    ``evaluations`` counts gradients as the oracle does: N (Q + 1) of G in z, one of F in each variable, an iteration.
    """

    N: int
    Q: int
    eta: float
    alpha: float
    beta: float
    K: int
    evaluations: int
    bound: float
    directions: str = "gaussian"
    batch: int | None = None


@cache
def _numeric(law: str) -> Any:
    """e_0, e_a, v_0, v_a from the numbers of a run and the constants."""
    smooth = {s_J: motion()}
    sizes = {zeta: smoothing(law).xreplace(smooth), spread: deviation(law).xreplace(smooth)}
    found = [form.xreplace(sizes) for form in coefficients(contracted, _DERIVATIVE)]
    arguments = (contracted, _DERIVATIVE, eta, Q, d, mu, L_xz, H, m_zz, m_xz, C_z, k_z)
    return sp.lambdify(arguments, found, "math")


def _require_solver(solver: Any) -> None:
    if getattr(solver, "batch", None) is not None:
        raise TheoremError(f"condition batch = None, exact gradients: the solver has batch={solver.batch!r}")
    law = getattr(solver, "directions", "gaussian")
    if law not in LAWS:
        raise TheoremError(f"condition directions in {LAWS}, for which moments are derived: the solver has {law!r}")


@dataclass(frozen=True, eq=False, kw_only=True)
class PzoboTheorem(Theorem):
    """PZOBO's rate along warm-started runs, for curved G as well."""

    sizes: ResponsePlan = field(default_factory=ResponsePlan)

    @property
    def complexity(self) -> Complexity:
        """Order and count n(eps) of gradients; see ``zoba_bench.theory.proof.orders.Complexity``."""
        self.require_checked()
        return self.sizes.complexity

    def bound(self, constants: Any, p: int, d: int, solver: Any, K: int, start: Start | Mapping[str, float]) -> float:
        """Upper bound on the mean over k < K of E|grad Psi(x_k)|^2, evaluated in floating point.

        Parameters
        ----------
        constants : the problem's ``Constants``; one that is needed and unknown, or only sampled, is refused by name.
            Where they hold on a radius, the bound speaks of the run up to its first exit from there.
        p, d : dimensions.
        solver : a solver, or anything with N, Q, eta, alpha, beta and, where they matter, directions and batch.
        K : iterations.
        start : ``Start``, or a mapping with gap and z_error; v_error is not used.

        Raises
        ------
        TheoremError : a step fails, or a condition of the theorem does not hold; it is named.
        """
        self.require_checked()
        _require_solver(solver)
        if isinstance(K, bool) or int(K) != K or K < 1:
            raise TheoremError(f"K must be a positive integer, got {K!r}")
        begin = Start.of(start)
        values = _values(constants)
        strong, top, smooth, motion_of_z = (values[name] for name in ("mu", "L_zz", "L_Psi", "k_z"))
        alpha, beta = float(solver.alpha), float(solver.beta)
        if alpha > 2 / (strong + top):
            raise TheoremError(f"condition alpha <= 2/(mu + L_zz) = {2 / (strong + top):.6g}: alpha={alpha}")
        decay = (1 - alpha * strong) ** solver.N
        derivative = alpha * solver.N * (1 - alpha * strong) ** (solver.N - 1)
        numbers = [values[name] for name in ("mu", "L_xz", "H", "m_zz", "m_xz", "C_z", "k_z")]
        law = getattr(solver, "directions", "gaussian")
        e_0, e_a, v_0, v_a = _numeric(law)(decay, derivative, solver.eta, solver.Q, d, *numbers)
        # The smallest c with c (1 - t) = (1 + 1/y)(e_a^2 + X v_a^2)/2 and X = L_Psi beta + c slope, for every y.
        slope = 2 * motion_of_z**2 * beta**2 / (1 - decay)
        parts = (1 + 1 / _SHARES) / 2
        room = (1 - decay) - parts * slope * v_a**2
        with np.errstate(divide="ignore", invalid="ignore"):
            weights = parts * (e_a**2 + smooth * beta * v_a**2) / room
        cost = smooth * beta + weights * slope
        allowed = (room > 0) & (cost <= 1)
        if not allowed.any():
            raise TheoremError(
                "condition X <= 1, a step of x that the descent of Psi and the motion of z* allow, holds for no weight "
                f"c: use a smaller beta than {beta} or more inner steps than {solver.N}"
            )
        total = begin.gap + weights * beta * begin.z_error**2
        found = 2 * total / (beta * K) + (1 + _SHARES) * (e_0**2 + cost * v_0**2)
        return float(found[allowed].min())

    def bound_on(self, problem: Any, solver: Any, K: int, start: Start | Mapping[str, float]) -> float:
        """:meth:`bound` of a run on a problem; one that projects x onto a set is refused."""
        require_unconstrained(problem)
        return self.bound(problem.constants, problem.p, problem.d, solver, K, start)

    def plan(
        self, constants: Any, p: int, d: int, eps: float, start: Start | Mapping[str, float]
    ) -> PzoboPlan:  # fmt: skip
        """Sizes with which the bound is at most ``eps``: Gaussian directions, alpha = 2/(mu + L_zz).

        Raises
        ------
        ValueError : a constant that the plan needs is unknown, or only sampled; it is named.
        """
        self.require_checked()
        if not 0 < eps <= 1:
            raise ValueError(f"eps must be in (0, 1], got {eps!r}")
        begin, values = Start.of(start), _values(constants) | {"d": float(d), "eps": float(eps)}
        if values["L_xz"] == 0:
            raise TheoremError("condition L_xz > 0: z* does not depend on x, and no direction is needed")

        def number(expression: Any, **more: float) -> float:
            known = values | more
            return float(expression.subs({s: known[str(s)] for s in expression.free_symbols}))

        errors = number(ERRORS)
        step = number(BETA, E=errors)
        curved = number(motion())
        W_0 = begin.gap + 2 * errors**2 * step * begin.z_error**2
        alpha = number(ALPHA)
        plan = PzoboPlan(
            N=math.ceil(number(sp.log(1 / ACCURACY)) / (alpha * values["mu"])),
            Q=math.ceil(number(DIRECTIONS)),
            # With a quadratic G differences of inner runs are exact at every radius.
            eta=number(RADIUS) / curved if curved > 0 else 1.0,
            alpha=alpha,
            beta=step,
            K=max(1, math.ceil(6 * W_0 / (step * eps))),
            evaluations=0,
            bound=math.inf,
        )
        cost = plan.K * (plan.N * (plan.Q + 1) + 2)
        reached = self.bound(constants, p, d, plan, plan.K, begin)
        return PzoboPlan(**{**vars(plan), "evaluations": cost, "bound": reached})


def _values(constants: Any) -> dict[str, float]:
    values = dict(zip(_NEEDED, constants.require(*_NEEDED), strict=True))
    # |Dz*| <= L_xz/mu follows from the rest.
    values["k_z"] = min(values["k_z"], values["L_xz"] / values["mu"])
    return values
