"""Where a stochastic single loop is ahead of the deterministic method of ``zb.minimize``: equal budgets, equal starts.

    python -m benchmarks.border

Budgets are multiples of the p (p + 3) / 2 values of one matrix G_zz, below which the deterministic method cannot start.
Shown is the share of the distance to x* that is left; "-" is a budget that the method refuses.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

import zoba_bench as zb

SIZES = ((5, 5), (20, 20), (2, 60), (50, 5))
MULTIPLES = (0.5, 1, 2, 4, 8)
METHODS: dict[str, dict[str, Any]] = {
    "implicit": {"method": "implicit"},
    "hf-zoba-shared, tuned": {"method": "hf-zoba-shared"},
    "hf-zoba-shared, steps given": {
        "method": "hf-zoba-shared", "rho": 0.02, "gamma": 0.01, "h": 1e-4, "l1": 8, "maxiter": 10**6,
    },
}  # fmt: skip


def left(problem: zb.BilevelProblem, budget: int, options: dict[str, Any]) -> str:
    """Share of |x0 - x*| that is left after so many evaluations."""
    z0, x0 = problem.initial_point(np.random.default_rng(0))
    assert problem.minimizer is not None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = zb.minimize(problem.outer, problem.inner, x0, z0, maxfev=budget, seed=0, vectorized=True, **options)
    except ValueError:
        return "-"
    return f"{np.linalg.norm(found.x - problem.minimizer) / np.linalg.norm(x0 - problem.minimizer):.2f}"


def main() -> None:
    """Print the table."""
    print("| p, d | budget / stencil | " + " | ".join(METHODS) + " |\n|---|---|" + "---|" * len(METHODS))
    for p, d in SIZES:
        problem = zb.load_problem("quad_general", p=p, d=d)
        for multiple in MULTIPLES:
            budget = max(20, int(multiple * p * (p + 3) / 2))
            row = [left(problem, budget, options) for options in METHODS.values()]
            print(f"| {p}, {d} | {multiple:g} ({budget}) | " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
