"""What every protocol hands over: the cells it needs, and what its judge will want to know."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.problem import BilevelProblem
from zoba_bench.registry import entry, load_problem, make_solver
from zoba_bench.statistics import Estimate, log_mean
from zoba_bench.sweep import Cell

__all__ = [
    "Plan",
    "axis_label",
    "build_problem",
    "build_solver",
    "log_means",
    "mean_path",
    "noise_options",
    "published_order",
    "reference_theorem",
    "replicate_blocks",
    "steps",
    "trajectory_cells",
    "transient_sum",
]


_BLOCKS = 10_000  # more than the blocks of one look


@dataclass(frozen=True)
class Plan:
    """Cells of one claim, with predictions and other context for its judge."""

    cells: tuple[Cell, ...]
    context: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_lines(cls, lines: Sequence[Sequence[Cell]], **context: Any) -> Plan:
        """A plan with several cells a point; see :meth:`rows`."""
        keys = [[cell.key for cell in line] for line in lines]
        return cls(tuple(cell for line in lines for cell in line), {**context, "keys": keys})

    def rows(self, results: Mapping[str, Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
        """Results point by point."""
        return [[results[key] for key in keys] for keys in self.context["keys"]]


def build_problem(spec: Mapping[str, Any]) -> BilevelProblem:
    """A problem from {"name": ..., "p": ..., "d": ..., other parameters}."""
    options = dict(spec)
    return load_problem(options.pop("name"), **options)


def build_solver(name: str, options: Mapping[str, Any]) -> Any:
    """A registered solver, or a control's mutated one ("control:...")."""
    if name.startswith("control:"):
        from zoba_bench.verification.controls import CONTROLS

        return CONTROLS[name](**options)
    return make_solver(name, **options)


def reference_theorem(solver: str) -> Any:
    """The theorem object whose predictions a claim about this solver must meet.

    A control is measured against the theorem of the solver that it mutates.
    """
    if solver.startswith("control:"):
        from zoba_bench.verification.controls import CONTROLS

        solver = CONTROLS[solver].mutates
    return entry("theorems", solver)()


def published_order(p: int, d: int, eps: float = 1.0) -> float:
    """The order of evaluations that is published for ZOBA, as the theorem quotes it."""
    theorem = entry("theorems", "zoba")()
    symbols = theorem.symbols
    return float(theorem.complexity.published.subs({symbols["p"]: p, symbols["d"]: d, symbols["eps"]: eps}))


def axis_label(parameters: Mapping[str, Any]) -> str:
    """The axis of a line of problems: "p=d", or "d (p = 2)" with what is held fixed."""
    along: str = parameters["along"]
    return f"d (p = {parameters['problems'][0]['p']})" if along == "d" else along


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


def replicate_blocks(replicates: int, work: float, most: float = 6e7) -> list[int]:
    """Sizes of blocks of replicates that keep a cell short.

    ``work`` is the number of random numbers a replicate draws; a cell draws at most about
    ``most``. Equal sizes, fixed by content.
    """
    blocks = min(replicates, max(1, math.ceil(replicates * work / most)))
    return [replicates // blocks + (i < replicates % blocks) for i in range(blocks)]


def trajectory_cells(
    parameters: Mapping[str, Any],
    replicates: int,
    work: float,
    seed: int,
    look: int = 0,
    task: str = "zoba_bench.verification.tasks:trajectory",
) -> list[Cell]:
    """Cells of a trajectory that share out the replicates of one look; see :func:`replicate_blocks`."""
    return [
        Cell(task, {**parameters, "replicates": size, "block": _BLOCKS * look + block}, seed)
        for block, size in enumerate(replicate_blocks(replicates, work))
    ]


def mean_path(problem: BilevelProblem, start: Sequence[Array], rho: float, gamma: float, iterations: int) -> Array:
    """The iterates x_0 ... x_K (K + 1, d) of the noise-free mean iteration, the solvers' own with exact derivatives.

    ``start`` is (z, v, x).
    """
    problem.require("inner_grad_z", "inner_hvp_zz", "inner_jvp_xz", "outer_grad_z", "outer_grad_x")
    z, v, x = start
    path = np.empty((iterations + 1, problem.d))
    path[0] = x
    for k in range(iterations):
        d_z = problem.inner_grad_z(z, x)  # type: ignore[misc]
        d_v = problem.inner_hvp_zz(z, x, v) + problem.outer_grad_z(z, x)  # type: ignore[misc]
        d_x = problem.inner_jvp_xz(z, x, v) + problem.outer_grad_x(z, x)  # type: ignore[misc]
        z, v, x = z - rho * d_z, v - rho * d_v, x - gamma * d_x
        path[k + 1] = x
    return path


def transient_sum(problem: BilevelProblem, gamma: float, c: float, iterations: int) -> Array:
    """gamma times the partial sums of |grad Psi(x_k)|^2 along the noise-free mean iteration.

    From the family's start with exact z and v. Its limit for small steps and c is Psi(x_0) - Psi*.
    """
    problem.require("hypergradient", "inner_solution", "adjoint")
    x = problem.initial_point(np.random.default_rng(0))[1]
    start = (problem.inner_solution(x), problem.adjoint(x), x)  # type: ignore[misc]
    gradient = problem.hypergradient(mean_path(problem, start, gamma / c, gamma, iterations - 1))  # type: ignore[misc]
    return gamma * np.cumsum(np.vecdot(gradient, gradient))


def log_means(rows: Sequence[Mapping[str, Any]]) -> Estimate:
    """Log of the mean of the rows' "means"; infinite when any replicate of them diverged."""
    values = [value for row in rows for value in row["means"]]
    if any(row["failed"] for row in rows) or not np.isfinite(values).all():
        return Estimate(math.inf, 0.0, math.inf)
    return log_mean(values) if max(values) > 0 else Estimate(-math.inf, 0.0, math.inf)
