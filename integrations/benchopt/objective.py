"""The objective of this benchmark, with the interface of benchopt/benchmark_bilevel and without jax."""

from __future__ import annotations

from typing import Any

import numpy as np
from benchopt import BaseObjective


class Objective(BaseObjective):  # type: ignore[misc]  # benchopt has no types here
    """|grad Psi|^2 of registered bilevel problems, with the evaluations that a solver counted."""

    name = "Bilevel optimisation from values"
    min_benchopt_version = "1.6.1"

    def set_data(self, pb_inner: Any, pb_outer: Any, metrics: Any, init_var: Any) -> None:
        """Take a problem."""
        self.f_inner, self.n_inner, self.dim_inner, _ = pb_inner
        self.f_outer, self.n_outer, self.dim_outer, _ = pb_outer
        self.metrics = metrics
        self.inner_var0, self.outer_var0 = init_var(None)

    def get_objective(self) -> dict[str, Any]:
        """What solvers get."""
        return {
            "f_inner": self.f_inner, "f_outer": self.f_outer, "n_inner_samples": self.n_inner,
            "n_outer_samples": self.n_outer, "inner_var0": self.inner_var0, "outer_var0": self.outer_var0,
        }  # fmt: skip

    def evaluate_result(
        self, inner_var: Any, outer_var: Any, inner_evaluations: int | None = None, outer_evaluations: int | None = None
    ) -> dict[str, Any]:
        """The metrics, and evaluations where the solver counts them; NaN for a run that left the finite numbers."""
        spent = {"inner_evaluations": inner_evaluations, "outer_evaluations": outer_evaluations}
        counted = {name: n for name, n in spent.items() if n is not None}
        if not (np.isfinite(inner_var).all() and np.isfinite(outer_var).all()):
            return {"value": float("nan"), **counted}
        return {**self.metrics(inner_var, outer_var), **counted}

    def get_one_result(self) -> dict[str, Any]:
        """A result that can be evaluated."""
        return {"inner_var": np.zeros(self.dim_inner), "outer_var": np.zeros(self.dim_outer)}
