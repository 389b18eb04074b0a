"""BilevelProblem, Constants and the validation of dimensions."""

from __future__ import annotations

import numpy as np
import pytest

from zoba_bench.problem import BilevelProblem, Constants
from zoba_bench.validation import check_dimension


def zero(z, x, sample=None):
    return np.zeros(np.broadcast_shapes(z.shape[:-1], x.shape[:-1]))


@pytest.mark.parametrize("value", [0, -1, 2.5, 2.0, True, "3", None])
def test_dimension_must_be_a_positive_integer(value):
    with pytest.raises(ValueError, match=rf"p must be a positive integer, got {value!r}"):
        check_dimension("p", value)


def test_dimension_accepts_numpy_integers_and_returns_int():
    assert type(check_dimension("p", np.int64(3))) is int


@pytest.mark.parametrize("name", ["p", "d"])
def test_problem_rejects_bad_dimension_by_name(name):
    dimensions = {"p": 2, "d": 2, name: 0}
    with pytest.raises(ValueError, match=f"{name} must be a positive integer, got 0"):
        BilevelProblem.from_functions(zero, zero, **dimensions)


@pytest.mark.parametrize("name", ["inner_samples", "outer_samples"])
def test_problem_rejects_bad_sample_size_by_name(name):
    with pytest.raises(ValueError, match=f"{name} must be a positive integer, got -4"):
        BilevelProblem.from_functions(zero, zero, 2, 2, **{name: -4})


@pytest.mark.parametrize("name", ["inner", "outer"])
def test_problem_rejects_a_level_that_is_not_callable(name):
    functions = {"inner": zero, "outer": zero, name: 3.0}
    with pytest.raises(TypeError, match=rf"{name} must be a function of \(z, x\), got 3.0"):
        BilevelProblem.from_functions(p=2, d=2, **functions)


def test_from_functions_rejects_an_unknown_closed_form():
    with pytest.raises(TypeError, match=r"unknown keyword 'hypergradeint'; known are .*hypergradient"):
        BilevelProblem.from_functions(zero, zero, 2, 2, hypergradeint=zero)


def test_from_functions_takes_its_name_from_the_outer_function():
    assert BilevelProblem.from_functions(zero, zero, 2, 2).name == "zero"


def test_problem_is_stochastic_when_either_level_has_samples():
    assert not BilevelProblem.from_functions(zero, zero, 1, 1).stochastic
    assert BilevelProblem.from_functions(zero, zero, 1, 1, inner_samples=2).stochastic
    assert BilevelProblem.from_functions(zero, zero, 1, 1, outer_samples=2).stochastic


def test_initial_point_without_a_family_start_is_zero_and_standard_normal():
    problem = BilevelProblem.from_functions(zero, zero, 3, 2)
    z, x = problem.initial_point(np.random.default_rng(5))
    assert np.array_equal(z, np.zeros(3))
    assert np.array_equal(x, np.random.default_rng(5).standard_normal(2))


def test_initial_point_uses_the_family_start():
    problem = BilevelProblem.from_functions(zero, zero, 1, 1, start=lambda rng: (np.ones(1), np.full(1, 2.0)))
    z, x = problem.initial_point(np.random.default_rng(0))
    assert (z[0], x[0]) == (1.0, 2.0)


def test_require_names_the_missing_closed_forms():
    problem = BilevelProblem.from_functions(zero, zero, 1, 1, adjoint=lambda x: x)
    problem.require("adjoint")
    with pytest.raises(ValueError, match="'zero' does not declare value, hypergradient"):
        problem.require("adjoint", "value", "hypergradient")


def test_constants_require_returns_values_in_order():
    assert Constants(mu=0.5, L_zz=2).require("L_zz", "mu") == (2.0, 0.5)


def test_constants_require_names_the_first_unknown():
    with pytest.raises(ValueError, match="constant 'H' is not known"):
        Constants(mu=0.5).require("mu", "H", "R")


def test_constants_known_keeps_zeros_and_drops_unknowns():
    assert Constants(mu=0.5, H=0.0).known() == {"mu": 0.5, "H": 0.0, "radius": float("inf")}


def test_a_sampled_constant_is_known_and_is_no_bound():
    constants = Constants(mu=0.5, L_zz=2.0, sampled=("L_zz",))
    assert constants.known() == {"mu": 0.5, "L_zz": 2.0, "radius": float("inf")}
    assert (constants.bound("mu"), constants.bound("L_zz"), constants.bound("H")) == (0.5, None, None)
    assert constants.require("mu") == (0.5,)
    with pytest.raises(ValueError, match=r"'L_zz' is only sampled .* as a bound; declare .* out of `sampled`"):
        constants.require("mu", "L_zz")


def test_names_of_sampled_constants_are_kept_once_as_a_tuple():
    assert Constants(sampled=["L_zz", "H", "L_zz"]).sampled == ("L_zz", "H")
    assert hash(Constants(sampled=["H"])) == hash(Constants(sampled=("H",)))


@pytest.mark.parametrize(
    ("sampled", "kind", "words"),
    [
        (["L_z"], ValueError, "sampled names 'L_z', which is no constant; did you mean 'L_zz'"),
        (["radius"], ValueError, "sampled names 'radius', which is no constant; constants are mu, L_zz"),
        (["sampled"], ValueError, "which is no constant"),
        ([3], ValueError, "sampled names 3, which is no constant"),
        ("L_zz", TypeError, r"a sequence of names, such as \('L_zz',\), got 'L_zz'"),
        (True, TypeError, "a sequence of names, .* got True"),
    ],
)
def test_what_is_no_name_of_a_constant_cannot_be_sampled(sampled, kind, words):
    with pytest.raises(kind, match=words):
        Constants(sampled=sampled)


def test_local_closed_forms_agree_with_each_other(bilevel):
    """The fixture itself: z* and v* solve their equations and grad Psi is the derivative of Psi."""
    problem = bilevel(4, 3, seed=1)
    x = np.array([0.3, -0.7, 1.1])
    h = 0.5  # a central difference is exact on a quadratic, up to rounding eps |Psi| / h < 1e-13
    numerical = [(problem.value(x + h * e) - problem.value(x - h * e)) / (2 * h) for e in np.eye(3)]
    np.testing.assert_allclose(problem.hypergradient(x), numerical, rtol=0, atol=1e-12)
    z = problem.inner_solution(x)
    slope = [(problem.inner(z + h * e, x) - problem.inner(z - h * e, x)) / (2 * h) for e in np.eye(4)]
    np.testing.assert_allclose(slope, 0, atol=1e-12)


def test_samples_of_unknown_spread_are_no_exact_values():
    constants = Constants(mu=1.0, sigma_fz=0.5)
    exact = BilevelProblem("exact", 1, 1, lambda z, x: z, lambda z, x: z, constants=constants)
    assert exact.constants.require("sigma_gz", "sigma_zz", "sigma_xz") == (0.0, 0.0, 0.0)
    sampled = BilevelProblem(
        "sampled", 1, 1, lambda z, x, s: z, lambda z, x, s: z, inner_samples=5, outer_samples=5, constants=constants
    )
    with pytest.raises(ValueError, match="'sigma_gz' is not known"):
        sampled.constants.require("sigma_gz")
    assert sampled.constants.require("sigma_fz", "sigma_fx") == (0.5, 0.0)
