"""Derivative-free methods of others on Psi(x), each with the settings that its API demands and its own defaults."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import minimize

from .inner_solve import Psi
from .referee import OutOfBudgetError, Report, Task

__all__ = ["bobyqa", "cma_es", "nelder_mead", "nevergrad_default", "powell", "tpe"]

_FINE = 0.1  # of the accuracy asked for: where a method that shrinks a region or a step ends
_RANGE = 5.0  # half of the range for a method that wants one, in natural units; x* is inside


def _on_psi(method: Callable[[Task, Psi], Report]) -> Callable[[Task], Report]:
    """A method on Psi as one on the task: it reports its best point where it runs out of evaluations."""

    def run(task: Task) -> Report:
        psi = Psi(task)
        try:
            with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
                warnings.simplefilter("ignore")
                return method(task, psi)
        except OutOfBudgetError:
            return Report(psi.x, False, "budget")

    run.__doc__ = method.__doc__
    return run


@_on_psi
def bobyqa(task: Task, psi: Psi) -> Report:
    """Py-BOBYQA; first radius by default (a tenth of the size of x), last one a tenth of the accuracy."""
    import pybobyqa

    first = 0.1 * max(float(np.abs(task.x0).max()), 1.0)
    noise = task.noise_outer > 0 or task.noise_inner > 0
    found: Any = pybobyqa.solve(
        psi, task.x0, rhobeg=first, rhoend=min(_FINE * task.tolerance, 0.1 * first), maxfun=10**7,
        objfun_has_noise=noise, do_logging=False,
    )  # fmt: skip
    return Report(psi.x if found.x is None else found.x, found.flag == found.EXIT_SUCCESS, f"flag {found.flag}")


@_on_psi
def cma_es(task: Task, psi: Psi) -> Report:
    """CMA-ES (pycma); first spread of half the natural size of x, ends at a tenth of the accuracy."""
    import cma

    options = {"seed": int(task.rng.integers(1, 2**31)), "tolx": _FINE * task.tolerance, "verbose": -9}
    strategy = cma.CMAEvolutionStrategy(task.x0, 0.5 * task.unit, options)
    while not strategy.stop():
        points = strategy.ask()
        strategy.tell(points, [psi(x) for x in points])
    return Report(strategy.result.xfavorite, "tolx" in strategy.stop(), ", ".join(strategy.stop()))


@_on_psi
def tpe(task: Task, psi: Psi) -> Report:
    """Optuna's TPE, its default sampler, on a box around the start that holds x*; has no end of its own."""
    import optuna

    optuna.logging.set_verbosity(logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=int(task.rng.integers(2**31))))
    study.enqueue_trial({f"x{i}": float(value) for i, value in enumerate(task.x0)})
    while True:
        trial = study.ask()
        half = _RANGE * task.unit
        x = [trial.suggest_float(f"x{i}", a - half, a + half) for i, a in enumerate(task.x0)]
        study.tell(trial, psi(np.array(x)))


@_on_psi
def nevergrad_default(task: Task, psi: Psi) -> Report:
    """Nevergrad's NGOpt, first spread of half the natural size of x; has no end of its own."""
    import nevergrad as ng
    from nevergrad.optimization import metamodel

    # Its models' predictions are arrays (1,), which numpy 2.4 no longer turns into numbers (nevergrad 1.0.12).
    metamodel.float = lambda value: np.asarray(value, dtype=np.float64).item()
    parametrization = ng.p.Array(init=task.x0).set_mutation(sigma=0.5 * task.unit)
    parametrization.random_state.seed(int(task.rng.integers(2**31)))
    # It chooses its algorithm by the values of Psi to come; an inner solve takes about ten gradients.
    expected = max(50, task.budget // (10 * (len(task.z0) + 1)))
    optimizer = ng.optimizers.NGOpt(parametrization=parametrization, budget=expected, num_workers=1)
    while True:
        candidate = optimizer.ask()
        optimizer.tell(candidate, psi(candidate.value))


@_on_psi
def nelder_mead(task: Task, psi: Psi) -> Report:
    """Scipy's Nelder-Mead, ends with a simplex of a tenth of the accuracy."""
    return _scipy(task, psi, "Nelder-Mead", {"xatol": _FINE * task.tolerance, "fatol": np.inf})


@_on_psi
def powell(task: Task, psi: Psi) -> Report:
    """Scipy's Powell with its defaults."""
    return _scipy(task, psi, "Powell", {})


def _scipy(task: Task, psi: Psi, method: str, options: dict[str, Any]) -> Report:
    found: Any = minimize(psi, task.x0, method=method, options={"maxiter": 10**7, "maxfev": 10**7, **options})
    return Report(found.x, bool(found.success), "converged" if found.success else str(found.message))
