"""Instances to tune on and to measure on, sizes, subsets, and problems and solvers of one's own."""

from __future__ import annotations

import math

import numpy as np
import pytest

from zoba_bench.comparison.cases import cases_of, start_of
from zoba_bench.comparison.compare import compare
from zoba_bench.comparison.pairs import chosen_suite, plan
from zoba_bench.comparison.suites import SIZES
from zoba_bench.registry import list_problems, load_problem, problem_groups

MINE = """
from dataclasses import dataclass
from typing import ClassVar
from zoba_bench.solvers.base import Solver, State

class P:
    p, d, minimum = 2, 2, 0.0
    def inner(self, z, x): return 0.5 * ((z - x) ** 2).sum(-1)
    def outer(self, z, x): return 0.5 * ((z - 1) ** 2).sum(-1)
    def inner_grad_z(self, z, x): return z - x
    def outer_grad_z(self, z, x): return z - 1 + 0 * x
    def value(self, x): return 0.5 * ((x - 1) ** 2).sum(-1)
    def hypergradient(self, x): return x - 1

@dataclass(frozen=True)
class S(Solver):
    gamma: float = 0.01
    name: ClassVar[str] = "own"
    tolerance_quantity: ClassVar[str] = "nothing"
    grid = {"gamma": (0.01, 0.3)}
    def init(self, oracle, rng, z, v, x): return State(z, v, x, 0, oracle, rng)
    def step(self, state):
        x = state.x - self.gamma * state.oracle.outer_grad_z(state.x, state.x)
        return State(state.z, state.v, x, state.k + 1, state.oracle, state.rng)
"""


def instances(case):
    """Everything that the instances of a case are made of: to tune on, and to measure on."""
    found = []
    for part in (case.tuned, case.measured):
        built = [(load_problem(**dict(one.spec)), one.start) for one in part]
        points = [(*start_of(problem, start), problem) for problem, start in built]
        found.append({(*z, *x, float(problem.inner(z + 0.3, x))) for z, x, problem in points})
    return found


@pytest.mark.sample(6)
@pytest.mark.parametrize("name", list_problems())
def test_no_instance_is_both_tuned_and_measured(name):
    """With a start that is always the same too: under every number but 0 it is moved."""
    suite = chosen_suite("compare", sizes=["small"])
    for case in cases_of({"name": name}, suite, {}):
        tuned, measured = instances(case)
        assert (len(tuned), len(measured)) == (1, 3)
        assert not tuned & measured


def test_a_moved_start_stays_in_its_set():
    problem = load_problem("l1_tracking")
    assert np.array_equal(start_of(problem, 0)[1], problem.initial_point(np.random.default_rng(5))[1])
    moved = [start_of(problem, number)[1] for number in range(1, 20)]
    project = problem.capabilities.project_x
    assert all(np.allclose(x if project is None else project(x), x) for x in moved)
    assert len({tuple(x) for x in moved}) == 19


def test_a_problem_has_the_sizes_that_it_can_have():
    left_out = {}
    cases = cases_of({"name": "cournot"}, chosen_suite("compare", sizes=list(SIZES)), left_out)
    assert [(case.title, case.problem.p, case.problem.d) for case in cases] == [
        ("cournot", 8, 2), ("cournot (medium)", 20, 20), ("cournot (tall)", 64, 2),
    ]  # fmt: skip
    assert left_out["all on cournot (wide)"].startswith("no such size: p must be a multiple of d")
    assert SIZES["wide"] == (2, 64)


def test_some_families_have_every_size_and_others_where_it_is_asked_for():
    titles = {pair.case.title for pair in plan("compare", groups=["games", "quadratic"], solvers=["soba"])[0]}
    assert {"cournot", "reference", "reference (medium)", "reference (wide)", "reference (tall)"} <= titles
    assert "cournot (tall)" not in titles
    (pair,) = plan("compare", problems=["cournot"], sizes=["tall"], solvers=["soba"])[0]
    assert pair.case.title == "cournot (tall)"


def test_budgets_grow_with_the_coordinates():
    pairs, _ = plan("compare-small", problems=["reference"], solvers=["soba"], sizes=["small", "wide"])
    suite = chosen_suite("compare-small")
    assert [pair.budget(suite) for pair in pairs] == [600 * 6, 600 * 66]
    assert {pair.budget(suite | {"budget": 50}) for pair in pairs} == {50}


def test_groups_sizes_and_access_choose():
    pairs, _ = plan("compare", groups=["games"], sizes=["tall"], access=["second"])
    assert {pair.case.title for pair in pairs} == {"cournot (tall)"}
    assert {pair.entry.oracle for pair in pairs} == {"second"}
    assert problem_groups()["games"] == ["cournot"]
    for keywords, message in (
        ({"groups": ["gmes"]}, "unknown group 'gmes'; did you mean 'games'"),
        ({"sizes": ["big"]}, "unknown size 'big'"), ({"access": ["all"]}, "unknown access 'all'"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            plan("compare-small", **keywords)


def test_ones_own_problem_and_solver_are_compared(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(MINE)
    content = compare(
        "compare-small", problems=[f"{file}:P"], solvers=[f"{file}:S", "hf-zoba-shared"], budget=300, out=tmp_path
    )
    rows = {row["solver"]: row for row in content["rows"]}
    assert set(rows) == {"mine.py:S", "hf-zoba-shared"}
    assert {row["problem"] for row in rows.values()} == {"mine.py:P"}
    assert rows["mine.py:S"]["oracle"] == "gradients"
    assert rows["mine.py:S"]["options"] == {"gamma": 0.3}
    assert rows["mine.py:S"]["runs"] == 2, "it draws nothing, so it runs once on each instance"
    assert rows["hf-zoba-shared"]["runs"] == 16
    assert rows["mine.py:S"]["median"] < 1e-20 < rows["mine.py:S"]["start"]


def test_a_perturbation_is_of_every_problem_and_measured_exactly():
    """The instances of a problem stay its own; what is told of them has the noise, the known minimum stays."""
    pairs, left_out = plan(
        "compare-small", problems=["reference"], solvers=["soba"], perturbation={"noise": 0.5, "rotate": True}
    )
    problem, base = pairs[0].case.problem, load_problem("reference", 3, 3)
    assert problem.capabilities.noise.additive == 0.5
    assert problem.minimum == base.minimum
    assert pairs[0].case.title == "reference"
    assert pairs[0].case.group == "quadratic"
    assert not left_out
    _, refused = plan("compare", groups=["nonsmooth"], sizes=["small"], access=["values"], perturbation={"scale": 2.0})
    assert "cannot be scaled" in refused["all on l1_meha"]


def test_noise_leaves_a_run_its_random_numbers_and_is_not_deterministic(tmp_path):
    keywords = {"problems": ["reference"], "solvers": ["implicit"], "budget": 400, "out": tmp_path}
    exact = compare("compare-small", **keywords)["rows"][0]
    noisy = compare("compare-small", perturbation={"noise": 0.1}, **keywords)
    assert exact["runs"] == 2
    assert noisy["rows"][0]["runs"] == 16
    median = noisy["rows"][0]["median"]  # of runs that end above the start there is none
    assert (math.inf if median is None else median) > 1e3 * exact["median"]
    assert noisy["provenance"]["command"].endswith("--noise 0.1")
    assert noisy["settings"]["perturbation"] == {"noise": 0.1}
