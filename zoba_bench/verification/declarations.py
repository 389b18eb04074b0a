"""What a solver declares of itself, as the protocols ask for it, and the same declarations made wrong for controls.

``update_of`` finds the mean step of a solver: what its class declares, or else what is registered under its name in the
entry-point group ``zoba_bench.updates``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.contracts import HasExpectedDescent, HasExpectedStep
from zoba_bench.problem import BilevelProblem
from zoba_bench.registry import entry, names
from zoba_bench.solver_file import is_solver_file
from zoba_bench.verification.protocols.shared.named import build_solver

__all__ = [
    "MISTAKES",
    "DeclarationError",
    "DeclaredDescent",
    "DeclaredStep",
    "Expected",
    "check_blocks",
    "mistaken",
    "start",
    "update_of",
]

State = Mapping[str, Any]

_UNIT = float(np.finfo(float).eps)


class DeclarationError(ValueError):
    """A declaration of a wrong form: a block that is missing or foreign, a wrong shape or type."""


@dataclass(frozen=True)
class Expected:
    """The mean of the next state, and a bound on the bias, block by block; no block is said to be without noise."""

    mean: Mapping[str, Array]
    bias: Mapping[str, Any] = field(default_factory=dict)
    still: frozenset[str] = frozenset()


@dataclass(frozen=True)
class DeclaredStep:
    """The mean step that a solver's method ``expected_step`` declares."""

    solver: str

    #: Memories of which the declaration does not say how they begin are not compared at k = 0.
    whole_start = False

    def step(self, problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
        """What is declared, with the bound on rounding added to the bias."""
        said = build_solver(self.solver, options).expected_step(problem, state)
        mean, bias = said if isinstance(said, tuple) and len(said) == 2 else (said, {})
        if not isinstance(mean, Mapping) or not isinstance(bias, Mapping):
            raise DeclarationError(
                f"expected_step of {self.solver} must return a mapping block -> mean, or a pair of that and of a "
                f"mapping block -> bias, got {type(said).__name__}"
            )
        means = {name: np.asarray(values, dtype=float) for name, values in mean.items()}
        check_blocks(f"expected_step of {self.solver}", means, state)
        return Expected(means, {name: bias.get(name, 0.0) + _rounding(problem, state[name]) for name in means})

    def initial(self, problem: BilevelProblem, options: Mapping[str, Any], z: Array, v: Array, x: Array) -> State:
        """The state at k = 0: what ``expected_start`` declares, or the three iterates."""
        start = getattr(build_solver(self.solver, options), "expected_start", None)
        return {"z": z, "v": v, "x": x} if start is None else dict(start(problem, z, v, x))


@dataclass(frozen=True)
class DeclaredDescent:
    """The mean move of x from exact z and v that ``expected_descent`` declares; it says nothing of other blocks."""

    solver: str

    whole_start = False

    def step(self, problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
        """x - gamma grad Psi(x), with bias gamma B."""
        said = build_solver(self.solver, options).expected_descent(problem, state)
        if not (isinstance(said, tuple) and len(said) == 2 and all(np.ndim(number) == 0 for number in said)):
            raise DeclarationError(
                f"expected_descent of {self.solver} must return two numbers (gamma, B), got {said!r}"
            )
        gamma, bias = map(float, said)
        assert problem.hypergradient is not None
        x = state["x"]
        return Expected(
            {"x": x - gamma * problem.hypergradient(x)}, {"x": abs(gamma) * bias + _rounding(problem, x)}
        )  # fmt: skip

    def initial(self, problem: BilevelProblem, options: Mapping[str, Any], z: Array, v: Array, x: Array) -> State:
        """Nothing is said of the start."""
        return {"z": z, "v": v, "x": x}


def update_of(solver: str, options: Mapping[str, Any]) -> Any:
    """The mean step of a solver, or None: its class's own declaration, then the one that is registered."""
    configured = build_solver(solver, options)
    if isinstance(configured, HasExpectedStep):
        return DeclaredStep(solver)
    if not is_solver_file(solver) and solver in names("updates"):
        return entry("updates", solver)
    return DeclaredDescent(solver) if isinstance(configured, HasExpectedDescent) else None


def check_blocks(title: str, means: Mapping[str, Array], state: State) -> None:
    """Refuse a declaration that leaves out a block, names one that is not there, or has a wrong shape."""
    there = {name: np.shape(values) for name, values in state.items() if name != "k"}
    absent = sorted(set(there) - set(means))
    if absent:
        raise DeclarationError(f"{title} says nothing of {', '.join(absent)}: the state holds {', '.join(there)}")
    foreign = sorted(set(means) - set(there))
    if foreign:
        raise DeclarationError(f"{title} names {', '.join(foreign)}, which the state does not hold: {', '.join(there)}")
    for name, values in means.items():
        if values.shape != there[name]:
            raise DeclarationError(f"{title} has shape {values.shape} for {name}, the state's is {there[name]}")


def _rounding(problem: BilevelProblem, values: Any) -> float:
    """What one step through sums of p + d products may round away, with a factor for a few of them."""
    size = max(1.0, float(np.max(np.abs(np.asarray(values, dtype=float)), initial=0.0)))
    return 256 * _UNIT * (problem.p + problem.d) * size


def start(problem: BilevelProblem) -> tuple[Array, Array, Array]:
    """A generic (z, v, x): off the inner solution, with |v| near 2, so that it is neither small nor v*."""
    rng = np.random.default_rng(20261129)
    z, x = problem.initial_point(rng)
    x = x + 0.1 * rng.standard_normal(problem.d)
    solution = problem.inner_solution or problem.capabilities.optimistic_solution
    z = (z if solution is None else solution(x)) + 0.3 * rng.standard_normal(problem.p)
    return z, 2 * rng.standard_normal(problem.p) / np.sqrt(problem.p), x


# The same, made wrong.


def _sign(update: Any, problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
    """x moves the other way."""
    right = update.step(problem, options, state)
    return Expected({**right.mean, "x": 2 * state["x"] - right.mean["x"]}, right.bias)


def _factor(update: Any, problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
    """Every iterate moves twice as far."""
    right = update.step(problem, options, state)
    doubled = {name: 2 * mean - state[name] for name, mean in right.mean.items() if name in ("z", "v", "x")}
    return Expected({**right.mean, **doubled}, right.bias)


def _stale(update: Any, problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
    """The iterates move as they would from the start of the run."""
    right = update.step(problem, options, state)
    old = {**state, **dict(zip(("z", "v", "x"), start(problem), strict=True))}
    moved = update.step(problem, options, old).mean
    stale = {name: state[name] + (moved[name] - old[name]) for name in ("z", "v", "x") if name in moved}
    return Expected({**right.mean, **stale}, right.bias)


#: Mistake -> what the declaration is made to say instead, in words of a control's statement.
MISTAKES: dict[str, str] = {
    "sign": "x moves the other way",
    "factor": "every iterate moves twice as far",
    "stale": "the iterates move as they would from the start of the run",
}
_WRONG: dict[str, Callable[..., Expected]] = {"sign": _sign, "factor": _factor, "stale": _stale}


@dataclass(frozen=True)
class _Mistaken:
    update: Any
    mistake: str

    @property
    def whole_start(self) -> bool:
        return getattr(self.update, "whole_start", True)

    def step(self, problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
        return _WRONG[self.mistake](self.update, problem, options, state)

    def initial(self, *arguments: Any) -> State:
        found: State = self.update.initial(*arguments)
        return found


def mistaken(update: Any, mistake: str) -> Any:
    """The declared update with one of ``MISTAKES``."""
    return _Mistaken(update, mistake)
