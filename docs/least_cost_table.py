"""Markdown table of plans against the least exact cost: ``python docs/least_cost_table.py`` (minutes).

On ``quad_tracking`` from the problem's own x with exact z and v, for eps = a hundredth of |grad Psi|^2 at the start.
"""

from __future__ import annotations

import numpy as np
from zoba_bench.theory.estimators.presets import PRESETS, preset_named
from zoba_bench.theory.noise.least_cost import least_cost

from zoba_bench.registry import load_problem, theorem

SIZES = ((2, 2), (2, 4), (4, 2), (4, 4))
SHARE = 0.01


def row(solver: str) -> list[str]:
    """For each size the evaluations of the plan, the least ones, and their ratio."""
    cells = []
    for p, d in SIZES:
        problem = load_problem("quad_tracking", p, d, kappa=1.0, lam=1.0)
        x = problem.initial_point(np.random.default_rng(0))[1]
        # C_z and C_x need a region; the runs stay within 1.5 times the distance of the start.
        radius = 1.5 * float(np.linalg.norm(x))
        problem = load_problem("quad_tracking", p, d, kappa=1.0, lam=1.0, radius=radius)
        gradient = problem.hypergradient(x)
        eps = SHARE * float(gradient @ gradient)
        start = (problem.inner_solution(x), problem.adjoint(x), x)
        plan = theorem(solver).plan(
            problem.constants, p, d, eps, {"gap": float(problem.value(x)) - float(problem.minimum)}
        )
        least = least_cost(preset_named(solver), problem, start, eps)
        cells.append(f"{plan.evaluations:.2g} / {least.evaluations:.2g} = {plan.evaluations / least.evaluations:.2g}")
    return [f"`{solver}`", *cells]


def main() -> None:
    """The table."""
    head = ["solver", *(f"p = {p}, d = {d}" for p, d in SIZES)]
    print(f"| {' | '.join(head)} |\n|{' --- |' * len(head)}")
    for line in map(row, PRESETS):
        print(f"| {' | '.join(line)} |", flush=True)


if __name__ == "__main__":
    main()
