"""A few steps before anything is measured: what is wrong with the solver's own code is said with its place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import is_dataclass, replace
from typing import Any

import numpy as np

from zoba_bench.arrays import Array, Samples
from zoba_bench.errors import place_in_solver
from zoba_bench.oracle import DERIVATIVES, Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.verification.declarations import start
from zoba_bench.verification.protocols.shared.named import build_problem, build_solver
from zoba_bench.verification.suites.own_solver.parts import Parts, Spec, pilot_rng

__all__ = ["SolverError", "placed", "trial"]

_STEPS = 3
_REPLICATES = 2


class SolverError(ValueError):
    """What a solver's own code raised or returned, with the place in its file."""


@contextmanager
def placed(parts: Parts, doing: str) -> Iterator[None]:
    """What is raised in the solver's file is raised as a SolverError that says where, and what was being done."""
    try:
        yield
    except SolverError:
        raise
    except Exception as error:  # a user's code may raise anything
        where = place_in_solver(error)
        if not where:
            raise
        words = "; ".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())])
        raise SolverError(f"{where} of {parts.title.partition(':')[2]}: {words} ({doing})") from error


class _Asked(Oracle):
    """An oracle that remembers which derivatives it was asked for."""

    def __init__(self, problem: BilevelProblem, replicates: int) -> None:
        super().__init__(problem, replicates)
        self.asked: dict[str, None] = {}

    def _query(self, name: str, vectors: tuple[Array, ...], sample: Samples | None) -> Array:
        if name in DERIVATIVES:
            self.asked[name] = None
        return super()._query(name, vectors, sample)


def trial(parts: Parts, spec: Spec) -> None:
    """The first steps on a problem.

    Raises
    ------
    SolverError
        For what ``init`` or ``step`` raises, for what is no state or has wrong shapes, and for a derivative that is
        queried although ``needs`` does not name it.
    """
    problem, solver = build_problem(spec), build_solver(parts.solver, parts.options)
    sizes = f"p = {problem.p}, d = {problem.d}, {_REPLICATES} replicates"
    oracle = _Asked(problem, _REPLICATES)
    z, v, x = (np.repeat(a[None], _REPLICATES, axis=0) for a in start(problem))
    with np.errstate(all="ignore"), placed(parts, f"init on {problem.name}, {sizes}"):
        state = solver.init(oracle, pilot_rng(), z, v, x)
    _check_state(f"init of {parts.title}", state, (z, v, x), "the State of iteration 0")
    for k in range(_STEPS):
        with np.errstate(all="ignore"), placed(parts, f"step on {problem.name}, k = {k}, {sizes}"):
            state = solver.step(state)
        _check_state(f"step of {parts.title}", state, (z, v, x), "the next State")
    # A solver may say what it lacks in its own way: a problem without the derivative must be refused.
    named = solver.requirements()
    asked = [name for name in oracle.asked if name not in named]
    if unnamed := [name for name in asked if not solver.lacking(_without(problem, name))]:
        raise SolverError(
            f"{parts.title} queries {', '.join(unnamed)} on {problem.name}, which needs does not name: a problem "
            f"without would fail in the middle of a run. Write needs = ({', '.join(map(repr, [*named, *unnamed]))},)"
        )


def _without(problem: BilevelProblem, derivative: str) -> BilevelProblem:
    changed: dict[str, Any] = {derivative: None}
    return replace(problem, **changed)


def _check_state(what: str, state: Any, iterates: tuple[Array, Array, Array], must: str) -> None:
    if state is None:
        raise SolverError(f"{what} returns nothing (None): it must return {must}; is a `return` missing?")
    missing = [name for name in ("z", "v", "x", "k", "estimate") if not hasattr(state, name)]
    if isinstance(state, type) or not is_dataclass(state) or missing:
        lacks = f", which lacks {', '.join(missing)}" if missing else ""
        raise SolverError(
            f"{what} returns {type(state).__name__}{lacks}: it must return {must}, a zoba_bench.solvers.base.State"
        )
    for name, wanted in zip("zvx", iterates, strict=True):
        shape = np.shape(getattr(state, name))
        if shape != wanted.shape:
            raise SolverError(
                f"{what} returns {name} of shape {shape}, not {wanted.shape}: the replicate axis first, and "
                f"{'d' if name == 'x' else 'p'} coordinates"
            )
