"""Problems, solvers and theorems by the names that a claim gives, and what follows from their options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from zoba_bench.contracts import HasNoise, Theorem, lacking
from zoba_bench.errors import DerivationError
from zoba_bench.problem import BilevelProblem
from zoba_bench.registry import load_problem, make_solver, theorem
from zoba_bench.solver_file import is_solver_file, load_solver_class
from zoba_bench.verification.controls import CONTROLS

__all__ = [
    "blocks_at_minimizer", "build_problem", "build_solver", "noise_options", "published_order", "reference_theorem",
    "right_solver", "steps", "theorem_with",
]  # fmt: skip

Ability = TypeVar("Ability")


def build_problem(spec: Mapping[str, Any]) -> BilevelProblem:
    """A problem from {"name": ..., "p": ..., "d": ..., other parameters}."""
    options = dict(spec)
    return load_problem(options.pop("name"), **options)


def build_solver(name: str, options: Mapping[str, Any]) -> Any:
    """A registered solver, a file's ("file.py:Class"), or a control's mutated one ("control:...")."""
    if name.startswith("control:"):
        return CONTROLS[name](**options)
    return make_solver(name, **options)


def theorem_with(solver: str, ability: type[Ability]) -> Ability:
    """The theorem whose predictions a claim about this solver must meet, with an ability that the claim needs.

    Raises
    ------
    DerivationError
        If the theorem does not have it; the members of the contract that are missing are named.
    """
    chosen = reference_theorem(solver)
    missing = lacking(chosen, ability)
    if missing:
        raise DerivationError(f"theorem {chosen.name!r} does not derive what this claim needs: {', '.join(missing)}")
    return cast(Ability, chosen)


def reference_theorem(solver: str) -> Theorem:
    """The theorem object whose predictions a claim about this solver must meet.

    A control is measured against the theorem of the solver that it mutates, a file's solver against the one that its
    class names as ``theorem``: a registered name, or a function without arguments that returns the theorem.
    """
    if is_solver_file(solver):
        own = getattr(load_solver_class(solver), "theorem", None)
        if own is None:
            raise ValueError(f"{solver} names no theorem")
        return theorem(own) if isinstance(own, str) else cast(Theorem, own())
    return theorem(right_solver(solver))


def right_solver(solver: str) -> str:
    """The solver that a control mutates; any other is itself."""
    return CONTROLS[solver].mutates if solver.startswith("control:") else solver


def blocks_at_minimizer(theorem: HasNoise, problem: BilevelProblem) -> Any:
    """The derivatives that a theorem needs, at the exact solution."""
    problem.require("minimizer")
    assert problem.minimizer is not None
    return theorem.blocks_at(problem, problem.minimizer)


def published_order(p: int, d: int, eps: float = 1.0) -> float:
    """The order of evaluations that is published for ZOBA, as the theorem quotes it."""
    zoba = theorem("zoba")
    complexity, symbols = zoba.complexity, zoba.symbols
    assert complexity is not None
    return float(complexity.published.subs({symbols["p"]: p, symbols["d"]: d, symbols["eps"]: eps}))


def steps(gamma: float, c: float) -> dict[str, Any]:
    """Solver options of constant steps with gamma = c rho."""
    return {"schedule": "constant", "rho": gamma / c, "gamma": gamma}


def noise_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The solver options that the derived noise depends on, beside steps and directions."""
    return {
        "outer_directions": options.get("outer_directions", "shared"),
        "curvature_ratio": options.get("curvature_ratio", 1.0),
        "law": options.get("law", "gaussian"),
    }
