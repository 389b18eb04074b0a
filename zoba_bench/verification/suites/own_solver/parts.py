"""The solver and what is gathered about it, and the problems that several protocols look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoba_bench.directions import generator
from zoba_bench.solver_file import title_of_solver
from zoba_bench.verification.claim import Claim
from zoba_bench.verification.claims._pairs import Control, build, with_controls
from zoba_bench.verification.protocols.shared.named import build_problem, build_solver

__all__ = ["SMALL", "Parts", "Spec", "pilot_rng"]

Spec = dict[str, Any]

#: Where counts, bits and conduct are looked at.
SMALL: tuple[Spec, ...] = (
    {"name": "reference", "p": 4, "d": 3},
    {"name": "quad_sum", "p": 2, "d": 3, "n_inner": 8, "n_outer": 8},
    {"name": "l1_tracking"},
    {"name": "two_task"},
)


@dataclass
class Parts:
    """The solver, and what is gathered: claims, and what is left out with the reason."""

    solver: str
    options: dict[str, Any]
    claims: list[Claim]
    left_out: dict[str, str]

    @property
    def title(self) -> str:
        return title_of_solver(self.solver)

    def fitting(self, specs: Sequence[Spec], options: Mapping[str, Any] | None = None) -> list[Spec]:
        """The problems on which the solver can run."""
        configured = build_solver(self.solver, self.options if options is None else options)
        return [spec for spec in specs if not configured.lacking(build_problem(spec))]

    def add(self, key: str, statement: str, relation: str, tolerance: float, parameters: Mapping[str, Any],
            problem: str, **wrong: tuple[str, Mapping[str, Any]]) -> None:  # fmt: skip
        """A claim, and for each of ``wrong`` a control: its words, and the parameters that differ."""
        protocol, what = key.split("/")
        claim = build(
            f"{protocol}/{self.title}/{what}", statement, relation, tolerance, parameters, problem=problem,
            solver=self.solver,
        )  # fmt: skip
        controls = [
            Control(f"{protocol}/control:{name.replace('_', '-')}/{what}", words, changed)
            for name, (words, changed) in wrong.items()
        ]
        self.claims += with_controls(claim, *controls)


def pilot_rng() -> np.random.Generator:
    """The generator of every pilot: what is claimed of a solver does not depend on a run's seed."""
    return generator(np.random.SeedSequence(12))
