"""The zeroth-order rivals: on quadratics the mean of x is the expected update's, and so as near to x*."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoba_bench.registry import entry

from .case import Case
from .cases_two_loop import SIGMAS, start_of


def mean_case(name: str, problem: str, parameters: dict[str, Any], iterations: int, **options: Any) -> Case:
    """|E x_K - x*| and |E x_K - y_K|, lower confidence limits over replicates, y_K being the expected update's.

    The expected update is written from the paper with exact derivatives, apart from the solver.
    """

    def expected(built):
        z, x = start_of(built)
        update = entry("updates", name)
        state = dict(update.initial(built, options, z, np.zeros_like(z), x))
        for k in range(iterations):
            state |= update.step(built, options, {**state, "k": k}).mean
        return state["x"]

    def measured(built, result):
        spread = np.sqrt(result.x.var(axis=0).sum() / len(result.x))
        aims = np.stack([built.minimizer, expected(built)])
        return np.linalg.norm(result.x.mean(axis=0) - aims, axis=1) - SIGMAS * spread

    return Case(
        name, problem, "on quadratics E x_K is the expected update's iterate, and so as near to x*",
        measured=measured, bound=lambda built: [np.linalg.norm(expected(built) - built.minimizer), 0.0],
        parameters=parameters, options=options, run={"max_iterations": iterations, "replicates": 64},
    )  # fmt: skip


GENERAL = ("quad_general", {"p": 3, "d": 2, "kappa": 2.0})
TRACKING = ("quad_tracking", {"p": 3, "d": 2, "kappa": 2.0, "lam": 1.0})
SADDLE = ("minimax_quad", {"p": 2, "d": 2})
SUMS = [
    ("quad_sum", {"p": p, "d": d, "n_inner": 8, "n_outer": 8, "mu": 0.5, "L_cross": 0.5})
    for p, d in ((3, 2), (2, 3), (2, 2))
]
WIDE = {"rho_r": 0.1, "rho_s": 0.1, "rho_v": 0.1}

CASES = [
    *(mean_case("zo-sogd", *problem, 40, beta=0.3, delta=0.3, alpha=0.05, l1=10, l2=10, **WIDE)
      for problem in (GENERAL, TRACKING, SADDLE)),
    *(mean_case("vrzsbo-like", *problem, 40, rho=0.3, rho_v=0.3, gamma=0.2, q=0.5, b1=2, b2=2, nu=0.1, h=0.1)
      for problem in SUMS),
    *(mean_case(name, *problem, 6, inner_steps=5, alpha=0.5, gamma=gamma, eta=0.1, h=0.1, **options)
      for name, gamma, options in (("gfm", 0.05, {"q": 4}), ("s-szd", 0.05, {"l": 2, "power": 0.0}),
                                   ("o-zd", 0.05, {"l": 1}), ("mezo-bcd", 0.05, {}), ("lozo", 0.05, {}))
      for problem in (GENERAL, TRACKING, SADDLE)),
]  # fmt: skip
