"""Grid, random points and TPE: each chooses x, trains there by gradient descent, and keeps the best value of F."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.oracle import Oracle, weights
from zoba_bench.problem import BilevelProblem
from zoba_bench.registry import make_solver

__all__ = ["missing", "search"]

Tell = Callable[[Array], object]
Ask = Callable[[], Array]


def missing(kind: str) -> str:
    """What a search needs and does not find; empty where it can run."""
    lacks = kind == "tpe" and importlib.util.find_spec("optuna") is None
    return 'optuna, with: pip install "zoba-bench[peers]"' if lacks else ""


def search(
    problem: BilevelProblem, kind: str, options: Mapping[str, Any], box: tuple[float, float], budget: int,
    gradient_cost: str, rng: np.random.Generator, replicates: int,
) -> tuple[list[tuple[int, Array, Array]], int]:  # fmt: skip
    """The best points so far: (evaluations, z (R, p), x (R, d)) after each training, and the evaluations in all.

    Parameters
    ----------
    kind : "grid" (the same value for every x_j, evenly spaced in the box), "random" (uniform in the box) or "tpe"
        (optuna's, all its defaults).
    options : of the training, see :class:`zoba_bench.solvers.hozog.Hozog`.

    Raises
    ------
    ValueError
        Where the budget is below one training.
    """
    trainer: Any = make_solver("hozog", **options)
    oracle = Oracle(problem, replicates)
    cost = weights(gradient_cost, problem.p, problem.d)
    origin = np.tile(problem.initial_point(np.random.default_rng(0))[0], (replicates, 1))
    each = trainer.inner_steps * (2 * problem.p if trainer.training == "values" else cost["inner_grad_z"]) + 1
    number = budget // each
    if number < 1:
        raise ValueError(f"budget={budget} is below one training, {each} evaluations; raise it or lower inner_steps")
    ask, tell = _SEARCHES[kind](rng, (replicates, problem.d), box, number)
    best, found = np.full(replicates, np.inf), []
    z, x = origin, np.zeros((replicates, problem.d))
    for _ in range(number):
        tried = ask()
        trained = trainer.train(oracle, origin, tried[:, None, :])
        values = oracle.outer(trained, tried[:, None, :])[:, 0]
        tell(values)
        better = (values < best)[:, None]
        z, x = np.where(better, trained[:, 0], z), np.where(better, tried, x)
        best = np.fmin(best, values)
        found.append((int(oracle.spent(cost).max()), z, x))
    return found, int(oracle.spent(cost).max())


def _nothing(_: Array) -> None:
    return None


def _grid(_: np.random.Generator, shape: tuple[int, int], box: tuple[float, float], number: int) -> tuple[Ask, Tell]:
    values = iter(np.linspace(*box, number) if number > 1 else [sum(box) / 2])
    return lambda: np.full(shape, next(values)), _nothing


def _random(rng: np.random.Generator, shape: tuple[int, int], box: tuple[float, float], _: int) -> tuple[Ask, Tell]:
    return lambda: rng.uniform(*box, shape), _nothing


def _tpe(rng: np.random.Generator, shape: tuple[int, int], box: tuple[float, float], _: int) -> tuple[Ask, Tell]:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    seeds = rng.integers(2**31, size=shape[0])
    studies = [optuna.create_study(sampler=optuna.samplers.TPESampler(seed=int(seed))) for seed in seeds]
    axes: dict[str, Any] = {f"x{j}": optuna.distributions.FloatDistribution(*box) for j in range(shape[1])}
    asked: list[Any] = []

    def ask() -> Array:
        asked[:] = [study.ask(axes) for study in studies]
        return np.array([[trial.params[name] for name in axes] for trial in asked])

    def tell(values: Array) -> None:
        for study, trial, value in zip(studies, asked, values, strict=True):
            # A training that diverged has no value, which TPE is told as a failure.
            failed = optuna.trial.TrialState.FAIL if not np.isfinite(value) else None
            study.tell(trial, None if failed is not None else float(value), state=failed)

    return ask, tell


_SEARCHES: dict[str, Callable[..., tuple[Ask, Tell]]] = {"grid": _grid, "random": _random, "tpe": _tpe}
