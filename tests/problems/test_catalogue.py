"""The registry, the cards, rebuilding from parameters, bad arguments, and what importing costs."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys

import numpy as np
import pytest
from zoba_bench.problems import PROBLEMS

from zoba_bench.problem import BilevelProblem, Card

from .support import GROWING, SYNTHETIC, declared, factory


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_factory_builds_its_default_and_carries_a_card(name):
    build = factory(name)
    problem = build()
    assert isinstance(problem, BilevelProblem)
    assert problem.name == name == build.__name__
    assert isinstance(build.card, Card)
    assert problem.card is build.card
    assert set(build.card.assumptions) == {"A1", "A2", "A3", "A4", "A5"}
    assert build.card.psi_convexity in {"strongly convex", "convex", "nonconvex"}
    assert build.card.quadratic_inner == (problem.constants.H == 0.0)


@pytest.mark.parametrize("name", PROBLEMS)
def test_parameters_rebuild_the_same_bits(name):
    problem = factory(name)(seed=5)
    keywords = {
        key for key, value in inspect.signature(factory(name)).parameters.items() if value.kind is value.KEYWORD_ONLY
    }
    assert set(problem.parameters) == keywords
    again = factory(name)(problem.p, problem.d, **problem.parameters)
    z, x = problem.initial_point(np.random.default_rng(0))
    for function in ("inner", "outer", *declared(problem, ["value", "hypergradient", "adjoint"])):
        arguments = (z, x) if function in ("inner", "outer") else (x,)
        np.testing.assert_array_equal(getattr(problem, function)(*arguments), getattr(again, function)(*arguments))
    assert problem.constants == again.constants


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_seed_names_the_instance_or_the_docstring_says_that_it_has_no_effect(name):
    first, second = factory(name)(seed=0), factory(name)(seed=1)
    z, x = np.linspace(0.1, 1, first.p), np.linspace(0.2, 1, first.d)
    same = first.inner(z, x) == second.inner(z, x) and first.outer(z, x) == second.outer(z, x)
    assert same == ("no effect" in " ".join(factory(name).__doc__.split()).lower())


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_start_depends_on_the_generator_only(name):
    problem = factory(name)()
    z, x = problem.initial_point(np.random.default_rng(1))
    again_z, again_x = problem.initial_point(np.random.default_rng(1))
    assert (z.shape, x.shape) == ((problem.p,), (problem.d,))
    np.testing.assert_array_equal(z, again_z)
    np.testing.assert_array_equal(x, again_x)
    if problem.hypergradient is not None:
        assert np.linalg.norm(problem.hypergradient(x)) > 1e-3, "the start is stationary"


@pytest.mark.parametrize("name", SYNTHETIC)
def test_the_card_says_whether_the_size_can_be_chosen(name):
    problem, refusals = factory(name)(), []
    sizes = [(2, 2), (2, 1), (1, 2)]
    for of_p, of_d in sizes:
        try:
            factory(name)(of_p * problem.p, of_d * problem.d)
        except ValueError as error:
            refusals.append(str(error))
    assert factory(name).card.scalable == (len(refusals) < len(sizes))
    assert all(re.search(r"\b[pd]\b", text) for text in refusals), f"a refusal names neither p nor d: {refusals}"


@pytest.mark.parametrize("name", GROWING)
def test_the_distance_of_the_start_from_the_origin_is_free_of_the_dimension(name):
    build = factory(name)
    if build().region is not None:
        pytest.skip("the start is drawn in the region")
    norms = [np.linalg.norm(build(n, n).initial_point(np.random.default_rng(0))[1]) for n in (2, 30)]
    assert norms[0] == pytest.approx(norms[1])


@pytest.mark.parametrize(
    ("name", "keywords", "message"),
    [
        *((name, {"p": 0}, "p must be .* got 0") for name in PROBLEMS),
        *((name, {"d": True}, "d must be .* got True") for name in PROBLEMS),
        *((name, {"seed": -1}, "seed must be .* got -1") for name in PROBLEMS),
        *((name, {"seed": 1.5}, "seed must be .* got 1.5") for name in PROBLEMS),
        ("quad_general", {"kappa": 0.5}, "kappa must be .* at least 1, got 0.5; it is the condition"),
        ("quad_general", {"kappa": float("nan")}, "kappa must be a finite number .* got nan"),
        ("quad_general", {"cross": -1.0}, "cross must be .* got -1"),
        ("quad_general", {"radius": 0.0}, "radius must be .* above 0, got 0.0; leave it None"),
        ("quad_general", {"cross": 10.0}, r"increase lam \(got 1.0\) or decrease cross \(got 10.0\)"),
        ("quad_tracking", {"lam": "1"}, "lam must be .* got '1'"),
        ("quad_tracking", {"p": 3, "d": 5, "lam": 0.0}, r"no unique minimiser .* increase lam \(got 0.0\)"),
        ("minimax_quad", {"p": 3, "d": 5, "lam": 0.0}, "needs lam > 0 .* got lam=0.0"),
        ("logistic_bregman", {"mu": 0.0}, "mu must be .* above 0, got 0.0; without it"),
        ("logcosh_ripple", {"a": 0}, "a must be .* above 0, got 0"),
        ("logcosh_ripple", {"omega": float("inf")}, "omega must be .* got inf"),
        ("reference", {"beta": -0.1}, "beta must be .* got -0.1"),
        ("reference", {"lam": 1.5}, "lam must be .* below 1.41421, got 1.5; beyond"),
        ("diabetes_ridge", {"p": 5}, "p must be 10, the number of features of the data, got 5; leave it out"),
        ("diabetes_ridge", {"n_train": 19}, "n_train must be between 20 and 422, got 19"),
        ("diabetes_ridge", {"stochastic": 1}, "stochastic must be True or False, got 1"),
        ("diabetes_ridge", {"radius": -2.0}, "radius must be .* got -2.0"),
    ],
)
def test_a_bad_argument_is_named_with_its_value(name, keywords, message):
    with pytest.raises(ValueError, match=message):
        factory(name)(**keywords)


def test_importing_the_catalogue_and_its_modules_loads_nothing_heavy():
    modules = sorted({target.split(":")[0] for target in PROBLEMS.values()})
    code = (
        "import sys, importlib, zoba_bench.problems\n"
        "assert not [m for m in sys.modules if m.startswith('zoba_bench.problems.')], 'a family was loaded'\n"
        f"[importlib.import_module(m) for m in {modules!r}]\n"
        "heavy = {'sklearn', 'sympy', 'matplotlib', 'scipy.optimize', 'scipy.stats', 'joblib'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
