"""Direction laws on quadratic problems: means of |grad Psi|^2 by the exact recursion of second moments.

For hf-zoba and zoba-mixed the mean over a run is what the law's fourth moments say, neither more nor less, up to the
radii, which raise it by at most the difference of two exact recursions: the rest is compared in standard errors,
against Student's quantile for all rows together. With shared directions the noise vanishes with the direction itself,
so E|grad Psi(x_k)|^2 falls linearly to what the radii leave (1e-6; rounding of values of size 10 leaves
(10 eps / h^2)^2 = 5e-18): by Markov's inequality the mean at the last iterate is above 100 times its expectation for
at most one seed in 100.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

from scipy.special import stdtrit

from zoba_bench.registry import load_problem, make_solver

from .case import Case
from .second_moments import SecondMoments

REPLICATES = 48
MARKOV = 100
CONFIDENCE = 0.9999
LAWS: dict[str, dict[str, Any]] = {
    "gaussian": {}, "sphere": {}, "coordinate": {}, "orthogonal": {}, "block": {"block_size": 2},
    "low-rank": {"rank": 2, "refresh": 1},
}  # fmt: skip
RUNS: dict[str, tuple[str, dict[str, Any], dict[str, Any], int]] = {
    "hf-zoba": ("quad_general", {"p": 3, "d": 2, "kappa": 2.0}, {"l1": 7, "l2": 4, "rho": 0.2, "gamma": 0.02}, 50),
    "zoba-mixed": ("quad_general", {"p": 2, "d": 3, "kappa": 2.0}, {"l1": 9, "l2": 4, "rho": 0.1, "gamma": 0.01}, 50),
    "hf-zoba-shared": (
        "quad_tracking", {"p": 3, "d": 2, "kappa": 2.0, "lam": 1.0}, {"l1": 7, "rho": 0.3, "gamma": 0.06}, 150,
    ),
}  # fmt: skip
ROWS = len(RUNS) * len(LAWS)


def case(solver: str, law: str) -> Case:
    name, parameters, options, iterations = RUNS[solver]
    options = {**options, "schedule": "constant", "h": 1e-3, "law": law, **LAWS[law]}
    shared = {"parameters": parameters, "options": options}
    run = {"max_iterations": iterations, "replicates": REPLICATES}

    @cache
    def recursion() -> SecondMoments:
        return SecondMoments(load_problem(name, **parameters), make_solver(solver, **options))

    def last(_, result):
        return result.history["stationarity"][-1].mean()

    def linear(_):
        return MARKOV * recursion().path(iterations, floor=True)[-1]

    def deviation(_, result):
        expected, raised = (recursion().path(iterations - 1, floor=floor).mean() for floor in (False, True))
        sample = result.mean_stationarity
        error = sample.std(ddof=1) / math.sqrt(len(sample))
        return max(0.0, abs(sample.mean() - expected) - (raised - expected)) / error

    def quantile(_):
        return -float(stdtrit(REPLICATES - 1.0, (1 - CONFIDENCE) / (2 * ROWS)))

    if solver == "hf-zoba-shared":
        promise = f"the mean of |grad Psi(x_K)|^2 is at most {MARKOV} times its expectation, which falls linearly"
        return Case(solver, name, promise, measured=last, bound=linear, run=run, **shared)
    promise = "the mean of |grad Psi|^2 over a run is that of the recursion, in standard errors"
    return Case(solver, name, promise, measured=deviation, bound=quantile, run=run, **shared)


CASES = [case(solver, law) for solver in RUNS for law in LAWS]
