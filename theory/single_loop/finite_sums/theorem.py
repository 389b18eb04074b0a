"""The theorem of SABA as an object: its bound of a run, its plan and its cost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

import numpy as np
import sympy as sp

from ...proof.orders import Complexity, Dominance, dominated
from ...proof.theorem import Theorem, TheoremError
from ...symbols import W_0, L_Psi, L_zz, R_v, c, eps, gamma, mu
from ..plan import W_AT_START, explicit_steps, numbers_of
from ..run import Start, require_unconstrained
from ..weights import Certificate
from .memory import LAMBDA, NOISE, N, memory_steps
from .merit import ASKED, COUPLING, G_0, G_1, KINDS, P, moves, per_distance, rooms, spent, step_of_plan, u

__all__ = ["EVALUATIONS", "SabaCount", "SabaPlan", "SabaTheorem"]

_NEEDED = ("mu", "L_zz", "L_xz", "L_Psi", "m_zz", "m_xz", "m_xx", "k_z", "k_v", "H")
_CURVED = ("H_zz", "H_xz", "R")
#: Derivatives an iteration at b1 = b2 = 1, and of a pass through both levels per max(n, m), at most.
EVALUATIONS = 5
#: 1/gamma of the single loop without noise.
Gamma = sp.Symbol("Gamma", positive=True)
#: Weights over their least values that a bound tries.
_GRID = np.geomspace(1.01, 1e4, 121)


@dataclass(frozen=True)
class SabaPlan:
    """Steps and iterations whose bound is at most eps, at one sample a level an iteration.

    ``evaluations`` counts derivatives of samples as the oracle does, with those of the first pass.
    """

    rho: float
    ratio: float
    K: int
    evaluations: int
    bound: float
    b1: int = 1
    b2: int = 1

    @property
    def gamma(self) -> float:
        """Step of x."""
        return self.rho / self.ratio


class SabaCount:
    """Count and order in N = u^3 samples a level and 1/eps."""

    def count(self, kind: str) -> Any:
        """Derivatives to accuracy eps, at most, without those of the first pass, in u."""
        beyond = step_of_plan() if kind == "rough" else step_of_plan().subs(G_0, 0)
        iterations = 2 * W_0 * (Gamma + beyond) / eps + 1
        return sp.expand(EVALUATIONS * iterations)

    @cached_property
    def complexity(self) -> Complexity:
        """Order and count for solutions that are Lipschitz, the worse kind."""
        whole = sp.expand(self.count("rough") + EVALUATIONS * u**3)
        largest = dominated(whole, u)
        order = N / eps
        cube = {u: N ** sp.Rational(1, 3)}
        found = Dominance(whole.subs(cube), order, sp.cancel(largest * eps / u**3), "N >= 1")
        definitions = {
            **explicit_steps(Certificate(False, "rough"), COUPLING),
            "Gamma": 2 * L_Psi + (mu + L_zz) / (2 * c),
            "W_0": W_AT_START,
        }
        definitions = {name: value for name, value in definitions.items() if name not in ("gamma", "rho")}
        return Complexity(whole.subs(cube), order, sp.Integer(0), None, "", (found,), definitions, "finite sums")


@cache
def _numeric(kind: str) -> Any:
    """Rooms, what the mean move takes of them, n_S and Lambda^2, by name."""
    (lambdas,) = [step.statement.rhs for step in memory_steps() if step.name == "variances by the memory"]
    values = dict(zip(LAMBDA, lambdas, strict=True))
    slope, constant = (each.xreplace(values) for each in per_distance(kind))
    found = (*rooms(kind), *(spent(factor) for factor in moves()), gamma * slope + constant, slope, constant, *lambdas)
    return sorted(set().union(*(each.free_symbols for each in found)), key=str), found


def _evaluated(kind: str, values: Mapping[str, Any]) -> list[Any]:
    symbols, found = _numeric(kind)
    return list(sp.lambdify(symbols, found, "numpy")(*(values[str(symbol)] for symbol in symbols)))


@dataclass(frozen=True, eq=False, kw_only=True)
class SabaTheorem(Theorem):
    """SABA's rate: no floor, with steps that shrink with the number of samples."""

    sizes: SabaCount

    @property
    def complexity(self) -> Complexity:
        """Order and count n(eps) of samples' derivatives; see ``zoba_bench.theory.proof.orders.Complexity``."""
        self.require_checked()
        return self.sizes.complexity

    def bound(
        self, constants: Any, p: int, d: int, solver: Any, K: int, start: Start | Mapping[str, float],
        samples: tuple[int, int] | None = None, v_radius: float | None = None,
    ) -> float:  # fmt: skip
        """Upper bound on the mean over k < K of E|grad Psi(x_k)|^2, evaluated in floating point.

        Parameters
        ----------
        constants : the problem's ``Constants``, which hold for every sample; one that is needed and unknown, or only
            sampled, is refused by name. Where they hold on a radius, the bound speaks of the run up to its first exit.
        p, d : dimensions.
        solver : a solver, or anything with rho, gamma and b1, b2.
        K : iterations.
        start : ``Start``, or a mapping with gap, z_error and v_error.
        samples : numbers of samples of G and of F.
        v_radius : where G is not quadratic, the radius of a ball of v: the bound speaks of the run up to the first exit
            from it, as SABA does not project v.

        Raises
        ------
        TheoremError : a step fails, or a condition of the theorem does not hold; it is named.
        """
        self.require_checked()
        if isinstance(K, bool) or int(K) != K or K < 1:
            raise TheoremError(f"K must be a positive integer, got {K!r}")
        begin, values = Start.of(start), _values(constants, v_radius)
        step, of_x = float(solver.rho), float(solver.gamma)
        largest = 2 / (values["mu"] + values["L_zz"])
        if step > largest:
            raise TheoremError(f"condition rho <= 2/(mu + L_zz) = {largest:.6g}: rho={step}")
        if samples is None:
            raise TheoremError("condition samples = (n, m), the numbers of samples of G and of F, is not given")
        published = getattr(solver, "published_batches", (1, 1))
        batches = [
            getattr(solver, name, None) or default for name, default in zip(("b1", "b2"), published, strict=True)
        ]
        chances = [-math.expm1(b * math.log1p(-1 / n)) if n > 1 else 1.0 for n, b in zip(samples, batches, strict=True)]
        ratio = of_x / step
        values |= {"b1": batches[0], "b2": batches[1], "N": 1 / min(chances), "rho": step, "gamma": of_x, "c": ratio}
        found = [_least_start(kind, values, begin) for kind in _kinds(constants)]
        if not any(math.isfinite(each) for each in found):
            raise TheoremError(
                "condition 'rooms for the mean move and memory', that the steps are small for the number of samples "
                "and "
                f"for their ratio, holds for no weights: use smaller rho and gamma than {step} and {of_x}"
            )
        return 2 * min(found) / (of_x * K)

    def bound_on(
        self, problem: Any, solver: Any, K: int, start: Start | Mapping[str, float], v_radius: float | None = None
    ) -> float:  # fmt: skip
        """:meth:`bound` of a run on a problem, with its samples; one that projects x onto a set is refused."""
        require_unconstrained(problem)
        samples = problem.inner_samples, problem.outer_samples
        if None in samples:
            raise TheoremError(f"condition samples at both levels: {problem.name} has {samples[0]} and {samples[1]}")
        return self.bound(problem.constants, problem.p, problem.d, solver, K, start, samples, v_radius)

    def plan(
        self, constants: Any, p: int, d: int, eps: float, start: Start | Mapping[str, float],
        samples: tuple[int, int] | None = None, v_radius: float | None = None,
    ) -> SabaPlan:  # fmt: skip
        """Steps and iterations with which the bound is at most ``eps``, at b1 = b2 = 1; parameters as of :meth:`bound`.

        Raises
        ------
        ValueError : a constant that the plan needs is unknown, or only sampled; it is named.
        """
        self.require_checked()
        if not 0 < eps <= 1:
            raise ValueError(f"eps must be in (0, 1], got {eps!r}")
        if samples is None:
            raise TheoremError("condition samples = (n, m), the numbers of samples of G and of F, is not given")
        begin, values = Start.of(start), _values(constants, v_radius)
        values |= {"gap": begin.gap, "a_0": begin.z_error, "b_0": begin.v_error, "b1": 1.0, "b2": 1.0}
        plans = []
        for kind in _kinds(constants):
            made = values | numbers_of(explicit_steps(Certificate(False, kind), COUPLING), values)
            largest = _step(kind, made, max(samples))
            start_value = numbers_of({"W_0": W_AT_START}, made)["W_0"]
            plan = SabaPlan(
                largest / made["c"], 1 / made["c"], max(1, math.ceil(2 * start_value / (largest * eps))), 0, 0.0
            )
            cost = EVALUATIONS * plan.K + 3 * samples[0] + 2 * samples[1]
            plans.append(replace(plan, evaluations=cost))
        best = min(plans, key=lambda plan: plan.evaluations)
        return replace(best, bound=self.bound(constants, p, d, best, best.K, begin, samples, v_radius))


def _kinds(constants: Any) -> tuple[str, ...]:
    """Affine solutions are Lipschitz too."""
    return KINDS if constants.bound("s_z") == 0 and constants.bound("s_v") == 0 else KINDS[:1]


def _values(constants: Any, v_radius: float | None) -> dict[str, Any]:
    curved = constants.bound("H") != 0
    if curved and v_radius is None:
        raise TheoremError(
            "condition |v| <= v_radius: G is not quadratic, so that a product G_zz v has a Lipschitz constant on a "
            "ball of v "
            "alone, onto which SABA does not project; with v_radius the bound speaks of the run up to its first exit"
        )
    names = (*_NEEDED, *_CURVED) if curved else _NEEDED
    values: dict[str, Any] = {"H_zz": 0.0, "H_xz": 0.0, "R": 0.0}
    values |= dict(zip(names, constants.require(*names), strict=True))
    values[str(R_v)] = float(v_radius) if curved and v_radius is not None else 0.0
    values["M_v"] = values["H_zz"] * values["R"] + values["m_zz"]
    values["M_x"] = values["H_xz"] * values["R"] + values["m_xz"]
    return values


def _least_start(kind: str, values: Mapping[str, Any], start: Start) -> float:
    """The smallest W_0 over weights that meet the conditions, infinite where none do."""
    ups, downs = np.meshgrid(_GRID, _GRID)
    ratio, strong, tiny = values["c"], values["mu"], 1e-12
    of_v = 4 if kind == "rough" else 3
    weight_b = ups * max(1.5 * values["L_xz"] ** 2, tiny)
    weight_a = downs * np.maximum(1.5 * values["M_x"] ** 2 + of_v * weight_b * values["M_v"] ** 2 / strong**2, tiny)
    made = {**values, "w_a": weight_a, "w_b": weight_b}
    room_a, room_b, room_D, *_ = _evaluated(kind, made | {"n_S": 0.0})
    cost, *_, of_z, of_adjoint, of_x = _evaluated(kind, made | {"n_S": 0.0})[6:]
    taken = _evaluated(kind, made | {"n_S": cost})[3:6]
    whole = values["rho"] ** 2 * (of_z + of_adjoint) + values["gamma"] ** 2 * of_x
    if float(NOISE) * whole > 1 / (4 * values["N"]):
        return math.inf
    allowed = (room_a >= taken[0]) & (room_b >= taken[1]) & (room_D >= taken[2])
    found = start.gap + ratio / strong * (weight_a * start.z_error**2 + weight_b * start.v_error**2)
    return float(np.min(found, where=allowed, initial=math.inf))


def _step(kind: str, made: Mapping[str, Any], size: int) -> float:
    """gamma of the plan."""
    _, _, _, _, _, _, _, slope, constant, of_z, of_v, of_x = _evaluated(kind, {**made, "n_S": 0.0, "N": size})
    ratio, top, strong = made["c"], made["L_zz"], made["mu"]
    asked = (top**2 + 2 * made["M_v"] ** 2) / (ratio**2 * made["w_a"]) + 2 * top**2 / (ratio**2 * made["w_b"]) + 4
    numbers = {
        P: math.sqrt((of_z + of_v) / ratio**2 + of_x),
        G_1: (ASKED * slope * asked) ** (1 / 3),
        G_0: math.sqrt(ASKED * constant * asked),
        u: size ** (1 / 3),
    }
    beyond = float(step_of_plan().subs(numbers))
    step: float = 1 / (2 * made["L_Psi"] + (strong + top) / (2 * ratio) + beyond)
    return step
