"""Evaluations to a fixed accuracy: what a change of an algorithm moves."""

from __future__ import annotations

import numpy as np

import zoba_bench as zb

BUDGET = 1_000_000
PENALTY = 10.0 * BUDGET  # a failure is a finite number that no success reaches


class Evaluations:
    """Median evaluations until |grad Psi|^2 <= eps on the reference family, p = d = 4."""

    params = (["zoba", "zoba-mixed", "hf-zoba", "hf-zoba-shared"],)
    param_names = ("solver",)
    timeout = 120.0

    def track_evaluations(self, solver: str) -> float:
        """Median over 8 replicates; ten times the budget where a replicate never gets there."""
        directions = {"l1": 64, "l2": 64 if solver != "hf-zoba" else 1}
        result = zb.solve(
            zb.load_problem("reference", p=4, d=4), solver, budget=BUDGET, replicates=8, seed=0,
            schedule="constant", rho=0.2, gamma=0.05, **directions,
        )  # fmt: skip
        below = result.history["stationarity"] <= 0.05
        if result.failed.any() or not below.any(axis=0).all():
            return PENALTY
        iterations = result.history["iteration"][below.argmax(axis=0)]
        return float(np.median(iterations * result.nfev / np.maximum(result.nit, 1)))

    track_evaluations.pretty_name = "Evaluations until |grad Psi|² ≤ 0.05 (reference problem, p = d = 4)"  # type: ignore[attr-defined]
    track_evaluations.unit = "evaluations"  # type: ignore[attr-defined]
    track_evaluations.version = "1"  # type: ignore[attr-defined]
