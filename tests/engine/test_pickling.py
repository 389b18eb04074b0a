"""Problems in other processes: what is pickled is the call that made them."""

from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import zoba_bench as zb
from zoba_bench.problem.pickling import made_by
from zoba_bench.registry import missing_requirements

NAMES = [name for name in zb.list_problems() if not missing_requirements(name)]


def inner(z, x):
    return np.sum((z - x) ** 2, axis=-1)


def outer(z, x):
    return np.sum(z**2, axis=-1)


def points(problem):
    rng = np.random.default_rng(0)
    return rng.standard_normal((4, problem.p)), rng.standard_normal((4, problem.d))


def same_problem(first, second):
    z, x = points(first)
    assert (first.name, first.p, first.d, dict(first.parameters)) == (
        second.name, second.p, second.d, dict(second.parameters),
    )  # fmt: skip
    for name in ("inner", "outer"):
        np.testing.assert_array_equal(getattr(first, name)(z, x), getattr(second, name)(z, x))
    for name in ("value", "hypergradient", "inner_solution"):
        function = getattr(first, name)
        assert (function is None) == (getattr(second, name) is None)
        if function is not None:
            np.testing.assert_array_equal(function(x), getattr(second, name)(x))
    assert first.constants == second.constants
    assert first.card == second.card


@pytest.mark.parametrize("name", NAMES)
def test_every_registered_problem_can_be_pickled(name):
    problem = zb.load_problem(name)
    same_problem(problem, pickle.loads(pickle.dumps(problem)))


def test_parameters_and_seed_travel():
    problem = zb.load_problem("quad_general", 3, 2, seed=5, kappa=20.0)
    copy = pickle.loads(pickle.dumps(problem))
    same_problem(problem, copy)
    assert not np.array_equal(copy.minimizer, zb.load_problem("quad_general", 3, 2, seed=6, kappa=20.0).minimizer)


def test_what_a_family_returns_can_be_pickled_without_its_name():
    from zoba_bench.problems.quadratic.general import quad_tracking

    problem = quad_tracking(3, d=2, seed=4, kappa=7.0)
    same_problem(problem, pickle.loads(pickle.dumps(problem)))


@pytest.mark.parametrize("vectorize", [False, True])
def test_functions_that_can_be_pickled_make_a_problem_that_can(vectorize):
    problem = zb.Problem.from_functions(outer, inner, 2, 2, vectorize=vectorize, minimizer=[0.0, 0.0], name="mine")
    copy = pickle.loads(pickle.dumps(problem))
    same_problem(problem, copy)
    assert copy.minimizer.tolist() == [0.0, 0.0]


class Described:
    p, d = 2, 2

    def __init__(self, weight: float = 1.0):
        self._weight = weight

    def inner(self, z, x):
        return self._weight * inner(z, x)

    def outer(self, z, x):
        return outer(z, x)


def test_an_object_that_can_be_pickled_makes_a_problem_that_can():
    problem = zb.Problem.from_object(Described(3.0))
    same_problem(problem, pickle.loads(pickle.dumps(problem)))


def test_a_problem_from_a_file_can_be_pickled_from_any_folder_until_the_file_is_edited(tmp_path, monkeypatch):
    path = tmp_path / "mine.py"
    text = "p = d = 2\ndef inner(z, x):\n    return ((z - x)**2).sum(-1)\ndef outer(z, x):\n    return (z**2).sum(-1)\n"
    path.write_text(
        text
        + "from zoba_bench import Problem\ndef build(n=2):\n    return Problem.from_functions(outer, inner, n, n)\n"
    )
    monkeypatch.chdir(tmp_path)
    problem = zb.load_problem("mine.py:build", n=3)
    kept = pickle.dumps(problem)
    monkeypatch.chdir(tmp_path.parent)
    same_problem(problem, pickle.loads(kept))
    path.write_text(path.read_text().replace("z**2", "z**4"))
    with pytest.raises(ValueError, match="was edited since this run was planned"):
        pickle.loads(kept)


def test_a_changed_copy_is_not_taken_for_the_problem_it_was_made_from():
    changed = replace(zb.load_problem("reference", 2, 2), outer=outer)
    with pytest.raises((AttributeError, pickle.PicklingError, TypeError)):  # what is in it are closures
        pickle.dumps(changed)


def test_only_the_call_travels():
    problem = zb.load_problem("reference", 40, 40)
    assert len(pickle.dumps(problem)) < 300


def test_a_call_that_makes_something_else_is_seen_by_these_tests():
    problem = zb.load_problem("quad_general", 3, 2)
    wrong = made_by(replace(problem), zb.load_problem, "quad_general", 3, 2, seed=1)
    with pytest.raises(AssertionError):
        same_problem(problem, pickle.loads(pickle.dumps(wrong)))


def test_a_fresh_process_solves_a_pickled_problem_with_the_same_bits(tmp_path):
    problem = zb.load_problem("logistic_bregman", 3, 2)
    (tmp_path / "problem.pickle").write_bytes(pickle.dumps(problem))
    code = "import pickle, zoba_bench as zb; print(zb.solve(pickle.load(open('problem.pickle', 'rb')), 'zoba', l1=2, " \
           "max_iterations=3).x.tobytes().hex())"  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-P", "-W", "error", "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == zb.solve(problem, "zoba", l1=2, max_iterations=3).x.tobytes().hex()
