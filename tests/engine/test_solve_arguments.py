"""What ``solve`` takes: seeds, limits under two names, and solvers as names, files, classes and objects."""

from __future__ import annotations

import numpy as np
import pytest

import zoba_bench as zb
from zoba_bench.solver_file import load_solver_class
from zoba_bench.solvers.base import Solver
from zoba_bench.solvers.zoba import Zoba


def test_a_generator_is_a_seed_that_moves_on(bilevel, same_run):
    problem, keywords = bilevel(), {"l1": 2, "max_iterations": 2}
    first, second = np.random.default_rng(5), np.random.default_rng(5)
    runs = [zb.solve(problem, seed=first, **keywords) for _ in range(2)]
    same_run(runs[0], zb.solve(problem, seed=second, **keywords))
    assert not np.array_equal(runs[0].x, runs[1].x)
    same_run(runs[1], zb.solve(problem, seed=second, **keywords))


# Limits under scipy's names, and as floats.


@pytest.mark.parametrize(
    ("ours", "theirs", "value"), [("max_iterations", "maxiter", 3), ("budget", "maxfev", 50), ("tolerance", "tol", 1e9)]
)
def test_scipys_names_of_the_limits_are_taken(bilevel, same_run, ours, theirs, value):
    problem = bilevel()
    named = zb.solve(problem, "zoba", l1=2, **{"max_iterations": 5, ours: value})
    limit = {} if ours == "max_iterations" else {"max_iterations": 5}
    same_run(zb.solve(problem, "zoba", l1=2, **limit, **{theirs: value}), named)
    with pytest.raises(TypeError, match=f"{ours} and {theirs} are two names of one thing: give one of them"):
        zb.solve(problem, "zoba", l1=2, **{ours: value, theirs: value})


@pytest.mark.parametrize("name", ["budget", "maxfev", "max_iterations", "maxiter"])
def test_a_limit_may_be_a_whole_float_and_no_other(bilevel, same_run, name):
    problem = bilevel()
    same_run(zb.solve(problem, "zoba", l1=2, **{name: 60.0}), zb.solve(problem, "zoba", l1=2, **{name: 60}))
    for wrong in (60.5, float("nan"), float("inf"), -60.0, "60"):
        with pytest.raises(ValueError, match=f"{name} must be a positive integer, got {wrong!r}"):
            zb.solve(problem, "zoba", l1=2, **{name: wrong})


@pytest.mark.parametrize("name", ["tolerance", "tol"])
def test_a_wrong_tolerance_is_named_as_it_was_given(bilevel, name):
    with pytest.raises(ValueError, match=f"^{name} must be a non-negative finite number, got -1"):
        zb.solve(bilevel(), "zoba", **{name: -1})


# Solvers as names, files, classes and objects.


@pytest.fixture
def own_solver(tmp_path):
    """A solver file, and its class."""
    path = tmp_path / "mine.py"
    path.write_text("""
from dataclasses import dataclass, replace
from typing import ClassVar
from zoba_bench.solvers.base import Solver, State

@dataclass(frozen=True)
class Shrink(Solver):
    step_size: float = 0.5
    name: ClassVar[str] = "shrink"
    tolerance_quantity: ClassVar[str] = "nothing"

    def init(self, oracle, rng, z, v, x):
        return State(z, v, x, 0, oracle, rng)

    def step(self, state):
        state.oracle.inner(state.z[:, None], state.x[:, None])
        return replace(state, x=(1 - self.step_size) * state.x, k=state.k + 1)
""")
    return f"{path}:Shrink", load_solver_class(f"{path}:Shrink")


def test_a_solver_may_be_a_file_a_class_or_an_object(bilevel, own_solver, same_run):
    name, kind = own_solver
    runs = [
        zb.solve(bilevel(), solver, [4.0, 8.0], max_iterations=2, **options)
        for solver, options in [(name, {"step_size": 0.75}), (kind, {"step_size": 0.75}), (kind(0.75), {})]
    ]
    for run in runs:
        assert (run.solver, run.x.tolist()) == ("shrink", [[0.25, 0.5]])
    same_run(runs[0], runs[1])
    same_run(runs[0], runs[2])


def test_an_object_of_a_registered_solver_runs_as_its_name_does(bilevel, same_run):
    by_name = zb.solve(bilevel(), "zoba", l1=3, rho=0.02, max_iterations=2)
    same_run(zb.solve(bilevel(), Zoba(l1=3, rho=0.02), max_iterations=2), by_name)
    same_run(zb.solve(bilevel(), Zoba, l1=3, rho=0.02, max_iterations=2), by_name)


def test_options_beside_an_object_are_refused_with_the_way_out(bilevel):
    with pytest.raises(TypeError, match=r"rho cannot be set on solver Zoba\(.*replace\(solver, rho=\.\.\.\)"):
        zb.solve(bilevel(), Zoba(), rho=0.1)


def test_a_class_that_lacks_something_is_told_what_to_add(bilevel):
    class Half(Solver):
        name = "half"
        tolerance_quantity = "nothing"

        def init(self, oracle, rng, z, v, x):
            raise NotImplementedError

    with pytest.raises(TypeError, match=r"solver Half lacks step. Add: def step\(self, state\)"):
        zb.solve(bilevel(), Half)


@pytest.mark.parametrize("wrong", [None, 3, ["zoba"]])
def test_what_is_no_solver_is_refused_with_what_is_one(bilevel, wrong):
    with pytest.raises(TypeError, match="solver must be a registered name, 'file"):
        zb.solve(bilevel(), wrong)


def test_nothing_is_advised_where_an_object_was_configured():
    def inner(z, x):
        return 0.5 * np.sum((z - x) ** 2, axis=-1)

    def outer(z, x):
        return 1e-3 * np.sum((z - 3.0) ** 2, axis=-1)

    problem = zb.Problem.from_functions(outer, inner, 2, 2)
    assert zb.solve(problem, Zoba(), max_iterations=20).advice == ""
    assert zb.solve(problem, Zoba, max_iterations=20).advice
