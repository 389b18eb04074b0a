"""A run of a solver with the accuracy that theory promises for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from zoba_bench.problem import BilevelProblem
from zoba_bench.result import Result


@dataclass(frozen=True)
class Case:
    """One row of the table that ``test_every_solver`` runs.

    Attributes
    ----------
    solver, problem : registered names.
    promise : the sentence of theory that ``measured`` and ``bound`` state, with its source.
    measured : callable(problem, result) -> number or array over replicates
    bound : callable(problem) -> what every measured number must be at most: from constants, never typed in.
    parameters, options, run : of the problem, of the solver, and keywords of ``zb.solve``.
    """

    solver: str
    problem: str
    promise: str
    measured: Callable[[BilevelProblem, Result], Any]
    bound: Callable[[BilevelProblem], Any]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    run: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.solver} on {self.problem}"
