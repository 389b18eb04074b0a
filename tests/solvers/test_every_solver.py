"""Each registered solver on at least three problems, against the accuracy that theory promises for it.

The cases stand in the files cases_*.py of this folder.
"""

from __future__ import annotations

import functools
import importlib
import warnings
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

import zoba_bench as zb
from zoba_bench.registry import entry, make_solver, missing_requirements
from zoba_bench.solvers.base import StepWarning

FILES = sorted(path.stem for path in Path(__file__).parent.glob("cases_*.py"))
CASES = [case for name in FILES for case in importlib.import_module(f".{name}", __package__).CASES]


@pytest.mark.sample(24)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_run_reaches_what_theory_promises(case):
    problem = zb.load_problem(case.problem, **case.parameters)
    result = zb.solve(problem, case.solver, **case.run, **case.options)
    assert not result.failed.any(), result.message
    measured, bound = np.asarray(case.measured(problem, result)), np.asarray(case.bound(problem))
    assert np.isfinite(bound).all()
    assert (measured <= bound).all(), f"{case.promise}: measured {measured}, promised {bound}"


def test_every_solver_has_cases_on_three_problems():
    problems = defaultdict(set)
    for case in CASES:
        problems[case.solver].add((case.problem, repr(sorted(case.parameters.items()))))
    few = {name: len(problems[name]) for name in zb.list_solvers() if len(problems[name]) < 3}
    assert not few, few


@functools.cache
def small(name):
    """The small instance of a problem, which no solver changes."""
    return zb.load_problem(name, **dict(entry("problems", name).card.small))


@pytest.mark.sample(7)
@pytest.mark.parametrize("solver", zb.list_solvers())
def test_two_iterations_run_on_every_problem_that_fits(solver):
    # The small finite sum has too few samples for eight clients.
    options = {"clients": 1} if solver == "fednest" else {}
    configured = make_solver(solver, **options)
    ran = 0
    for name in zb.list_problems():
        if missing_requirements(name):
            continue
        problem = small(name)
        if configured.lacking(problem):
            with pytest.raises(ValueError, match=f"{solver} needs "):
                zb.solve(problem, solver, max_iterations=2, **options)
            continue
        assert all(np.isfinite([value, end]).all() for _, value, end, _ in configured.stable_steps(problem)), name
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", StepWarning)
            result = zb.solve(problem, solver, max_iterations=2, **options)
        assert result.nit.tolist() == [2] or result.failed.any(), (name, result.message)
        ran += 1
    assert ran >= 1
