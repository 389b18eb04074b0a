"""``solve`` and the public names."""

from __future__ import annotations

import doctest
import importlib
import inspect
import json
import pydoc
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import zoba_bench as zb
from zoba_bench import api
from zoba_bench.problem import Card
from zoba_bench.problem.inner_check import check_inner_solution
from zoba_bench.registry import UnknownNameError, missing_requirements

HEAVY = ["sympy", "matplotlib", "scipy.stats", "scipy.optimize", "joblib", "sklearn"]


def in_fresh_interpreter(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-P", "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded(code: str) -> list[str]:
    names = in_fresh_interpreter(f"{code}\nimport sys, json; print(json.dumps(sorted(sys.modules)))")
    return [name for name in HEAVY if name in json.loads(names.splitlines()[-1])]


# Imports.


def test_import_loads_nothing_heavy():
    assert loaded("import zoba_bench") == []


def test_listing_names_loads_nothing_heavy():
    assert loaded("import zoba_bench as zb; zb.list_problems(), zb.list_solvers(), zb.list_theorems()") == []


def test_solving_loads_nothing_heavy():
    code = """
import numpy as np, zoba_bench as zb
q = lambda z, x: (z**2).sum(-1) + (x**2).sum(-1)
zb.solve(zb.BilevelProblem.from_functions(q, q, 2, 2), "zoba", max_iterations=2)
"""
    assert loaded(code) == []


@pytest.mark.parametrize("name", zb.__all__)
def test_public_name_is_there_and_documented(name):
    assert getattr(zb, name).__doc__


def test_public_functions_survive_the_import_of_every_module_of_the_package():
    """A module named like a public function would replace it, as soon as it is imported."""
    code = """
import pkgutil, importlib, zoba_bench as zb
modules = {m.name for m in pkgutil.iter_modules(zb.__path__)}
for name in sorted(modules & set(zb.__all__)):
    importlib.import_module(f"zoba_bench.{name}")
    print(name, type(getattr(zb, name)).__name__)
"""
    assert "module" not in in_fresh_interpreter(code)


def test_dir_lists_the_public_names_and_no_others_before_they_are_loaded():
    code = "import zoba_bench as zb; print(sorted([*zb.__all__, '__version__']) == dir(zb))"
    assert in_fresh_interpreter(code).strip() == "True"


#: What users import from beside the package itself.
PUBLIC = (
    "contracts", "minimization", "problem", "problems", "problems.combinators", "result", "solvers", "solvers.base",
    "theory",
)  # fmt: skip


@pytest.mark.parametrize("name", PUBLIC)
def test_dir_of_a_public_package_lists_its_public_names_and_no_others(name):
    module = importlib.import_module(f"zoba_bench.{name}")
    assert dir(module) == sorted(module.__all__)
    assert all(hasattr(module, each) and each[0] != "_" for each in dir(module))


@pytest.mark.parametrize("name", zb.__all__)
def test_a_public_signature_is_readable(name):
    """Also where its annotations are evaluated, as editors and documentation do."""
    function = getattr(zb, name)
    if not inspect.isfunction(function):
        return
    texts = [str(inspect.signature(function)), pydoc.plain(pydoc.render_doc(function))]
    if name not in ("plot_rates", "to_dataframe"):  # which return what matplotlib and pandas, imported late, define
        texts.append(str(inspect.signature(function, eval_str=True)))
    for text in texts:
        for unreadable in ("_Buffer", "_SupportsArray", "_NestedSequence", "ArrayLike", "_ScalarType", "TypeVar"):
            assert unreadable not in text, (name, unreadable)


def test_unknown_attribute_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'zoba_bench' has no attribute 'slove'"):
        zb.slove  # noqa: B018


def test_version_is_that_of_the_distribution():
    from importlib.metadata import version

    assert zb.__version__ == version("zoba-bench")


# solve.


def test_solve_returns_a_row_for_each_replicate(bilevel):
    result = zb.solve(bilevel(), "zoba", l1=3, max_iterations=2, replicates=4)
    assert result.x.shape == (4, 2)
    assert result.z.shape == result.v.shape == (4, 3)
    assert (result.problem, result.solver) == ("local", "zoba")
    assert len(result.message) == 4
    assert result.message[0] == zb.Status.MAX_ITERATIONS.message


def test_same_seed_gives_the_same_bits(bilevel, same_run):
    problem = bilevel(inner_samples=3, outer_samples=3)
    keywords = {"l1": 3, "max_iterations": 3, "replicates": 2}
    same_run(zb.solve(problem, seed=5, **keywords), zb.solve(problem, seed=5, **keywords))
    assert not np.array_equal(zb.solve(problem, seed=5, **keywords).x, zb.solve(problem, seed=6, **keywords).x)


def test_seed_sequence_gives_the_bits_of_its_integer_however_often_it_is_used(bilevel, same_run):
    sequence = np.random.SeedSequence(5)
    keywords = {"l1": 3, "max_iterations": 2}
    integer = zb.solve(bilevel(), seed=5, **keywords)
    for _ in range(2):
        same_run(integer, zb.solve(bilevel(), seed=sequence, **keywords))


def test_spawned_seed_sequences_differ(bilevel):
    first, second = np.random.SeedSequence(5).spawn(2)
    runs = [zb.solve(bilevel(), seed=s, l1=3, max_iterations=2).x for s in (first, second)]
    assert not np.array_equal(*runs)


def test_start_does_not_depend_on_the_solver(bilevel):
    starts = [
        zb.solve(bilevel(), name, l1=2, max_iterations=1, seed=3).history["stationarity"][0]
        for name in ("zoba", "hf-zoba")
    ]
    assert np.array_equal(*starts)


def test_given_start_is_used(bilevel):
    problem = bilevel()
    result = zb.solve(problem, l1=2, max_iterations=1, x0=[1, 2], z0=[0, 0, 0], v0=[1, 1, 1])
    assert result.history["distance"][0] == pytest.approx(np.linalg.norm([1, 2] - problem.minimizer))


def test_x0_and_z0_may_be_positional(bilevel, same_run):
    problem = bilevel()
    keywords = {"l1": 2, "max_iterations": 2}
    named = zb.solve(problem, "zoba", x0=[1.0, 2.0], z0=[0.0, 1.0, 0.0], **keywords)
    same_run(zb.solve(problem, "zoba", [1.0, 2.0], (0, 1, 0), **keywords), named)


@pytest.mark.parametrize("value", [-1, 0.5, True, "0", None])
def test_seed_is_validated(bilevel, value):
    with pytest.raises(ValueError, match=f"seed must be a non-negative integer or a numpy Generator, got {value!r}"):
        zb.solve(bilevel(), seed=value)


def test_default_is_a_thousand_iterations(bilevel):
    result = zb.solve(bilevel(), "hf-zoba", l1=1, record_every=None)
    assert result.nit.tolist() == [1000]


def test_iterations_are_unlimited_under_a_budget(bilevel):
    result = zb.solve(bilevel(), "hf-zoba", l1=1, budget=9 * 1500 + 3, record_every=None)
    assert result.status.tolist() == [zb.Status.BUDGET]
    assert result.nit.tolist() == [1500]


def test_the_smaller_of_budget_and_iterations_ends_the_run(bilevel):
    result = zb.solve(bilevel(), "hf-zoba", l1=1, budget=9 * 1500, max_iterations=3)
    assert result.status.tolist() == [zb.Status.MAX_ITERATIONS]


def test_unknown_solver_is_refused_before_anything_is_evaluated(bilevel):
    problem = bilevel()
    problem.inner.calls.clear()
    with pytest.raises(UnknownNameError, match="did you mean 'zoba'"):
        zb.solve(problem, "zobaa")
    with pytest.raises(TypeError, match="did you mean 'rho'"):
        zb.solve(problem, "zoba", roh=0.1)
    assert problem.inner.calls == []


@pytest.mark.parametrize("home", ["their_package", "zoba_bench.problems.quadratic.general"])
def test_an_inner_solution_is_checked_wherever_it_comes_from_and_whatever_its_card_says(bilevel, home):
    problem = bilevel()

    def wrong(x):
        return problem.inner_solution(x) + 0.5

    wrong.__module__ = home
    card = Card("A bowl.", "nowhere", {"A1": "holds"}, True, "strongly convex", "any")
    with pytest.raises(ValueError, match="inner_solution of problem 'local' is not a minimiser of inner"):
        zb.solve(replace(problem, inner_solution=wrong, card=card), max_iterations=1)


@pytest.mark.parametrize("name", [name for name in zb.list_problems() if not missing_requirements(name)])
def test_the_check_of_inner_solutions_refuses_no_registered_problem(name):
    check_inner_solution(zb.load_problem(name))


def test_problem_can_be_named(bilevel, monkeypatch, same_run):
    monkeypatch.setattr(api, "load_problem", {"mine": bilevel()}.__getitem__)
    same_run(zb.solve("mine", l1=2, max_iterations=2), zb.solve(bilevel(), l1=2, max_iterations=2))


def test_diverging_replicates_are_rows_and_not_exceptions(bilevel):
    result = zb.solve(bilevel(), "zoba", l1=2, rho=1e4, max_iterations=50, replicates=2)
    assert not result.success.any()
    assert np.isfinite(result.x).all()


def test_error_of_the_users_function_is_raised(bilevel):
    def wrong(z, x):
        return z

    problem = zb.BilevelProblem.from_functions(bilevel().outer, wrong, 3, 2, name="wrong")
    with pytest.raises(ValueError, match="inner of problem 'wrong' returned shape"):
        zb.solve(problem)


# Advice where default options go nowhere


def own(scale=1.0, **known):
    def inner(z, x):
        return 0.5 * np.sum((z - x) ** 2, axis=-1)

    def outer(z, x):
        return scale * np.sum((z - 3.0) ** 2, axis=-1)

    return zb.Problem.from_functions(outer, inner, 2, 2, **known)


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({}, "the estimated hypergradient is still"),
        ({"hypergradient": lambda x: 2e-3 * (x - 3.0)}, "the hypergradient is still 100%"),
        ({"minimizer": [3.0, 3.0]}, "the distance to the minimiser is still 100%"),
    ],
)
def test_default_options_that_leave_most_of_the_way_are_said_to(known, words):
    result = zb.solve(own(1e-3, **known), max_iterations=20)
    assert result.advice.startswith(words)
    assert "rho=0.01" in result.advice
    assert "zoba_bench.minimize" in result.advice
    assert result.advice in repr(result)
    np.testing.assert_allclose(result.travelled, np.linalg.norm(result.x - zb.solve(
        own(1e-3), max_iterations=1, rho=1e-300).x, axis=-1), rtol=1e-9)  # fmt: skip


@pytest.mark.parametrize(
    ("problem", "options"),
    [
        (own(), {"rho": 1e-6}),  # chosen by the user
        (own(20.0, minimizer=[3.0, 3.0]), {}),  # it arrives
        ("quad_tracking", {}),  # registered
    ],
)
def test_nothing_is_said_where_there_is_nothing_to_say(problem, options):
    result = zb.solve(problem, max_iterations=400, **options)
    assert result.advice == ""
    assert "advice" not in repr(result)


def test_the_example_of_solve_runs():
    found = doctest.testmod(api)
    assert found.attempted >= 3
    assert found.failed == 0
