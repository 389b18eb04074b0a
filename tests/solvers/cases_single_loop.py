"""ZOBA and its variants: the certified bound on the mean of |grad Psi(x_k)|^2 (this project's theorems)."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoba_bench.registry import make_solver, theorem

from .case import Case

ITERATIONS = 200
PROBLEMS: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...] = (
    ("reference", {"p": 3, "d": 2}, {"rho": 0.3, "gamma": 0.012}),
    ("quad_general", {"p": 3, "d": 2, "kappa": 2.0}, {"rho": 0.4, "gamma": 0.0064}),
    ("quad_tracking", {"p": 3, "d": 2, "kappa": 2.0, "lam": 1.0}, {"rho": 0.4, "gamma": 0.0064}),
)
DIRECTIONS = {"zoba": 512, "zoba-tuned": 512, "zoba-mixed": 256, "hf-zoba": 128, "hf-zoba-shared": 128}


def case(solver: str, problem: str, parameters: dict[str, Any], steps: dict[str, Any]) -> Case:
    l = DIRECTIONS[solver]
    options = {"schedule": "constant", "h": 1e-4, "l1": l, "l2": l, **steps}
    if solver.startswith("hf"):
        options |= {"h_bar": 1e-4, "normalize_h_bar": True}
    if solver == "hf-zoba":
        options["outer_directions"] = "independent"

    def bound(built):
        z0, x0 = built.initial_point(np.random.default_rng(np.random.SeedSequence(0).spawn(2)[0]))
        start = {
            "gap": float(built.value(x0)) - built.minimum,
            "z_error": float(np.linalg.norm(z0 - built.inner_solution(x0))),
            "v_error": float(np.linalg.norm(built.adjoint(x0))),
        }
        configured = make_solver(solver, **options)
        return theorem(solver).bound(built.constants, built.p, built.d, configured, ITERATIONS, start)

    return Case(
        solver, problem, "the mean of |grad Psi|^2 over a run and over runs is at most the certified bound",
        # The bound is on the expectation: the mean over replicates, which concentrates far below a factor of 1.
        measured=lambda _, result: result.mean_stationarity.mean(),
        bound=bound, parameters=parameters, options=options,
        run={"max_iterations": ITERATIONS, "replicates": 8},
    )  # fmt: skip


CASES = [case(solver, *row) for solver in DIRECTIONS for row in PROBLEMS]
