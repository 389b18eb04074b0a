"""Other coordinates and declared faults: what stays true is proved, and what is declared is what a solver is told."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
from zoba_bench.problems.combinators import perturbed
from zoba_bench.problems.transformed._coordinates import coordinates

import zoba_bench as zb
from zoba_bench.certification.certify import certify, measured
from zoba_bench.certification.identities import prove
from zoba_bench.exactness import NotExactError, check_exact
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.problem.noise import Noise
from zoba_bench.registry import load_problem

MOVED = {"permute": True, "rotate": True}


def failed(checks):
    return {check.name: check.detail for check in checks if not check.ok}


@pytest.mark.slow
@pytest.mark.parametrize("how", [{"permute": True, "scale": 100.0}, {**MOVED}])
@pytest.mark.parametrize(("name", "keywords"), [
    ("quad_general", {}), ("logistic_bregman", {}), ("rosenbrock", {}), ("quartic_cardano", {"radius": 1.5}),
])  # fmt: skip
def test_other_coordinates_have_a_full_certificate(name, keywords, how):
    base = load_problem(name, 2, 2, **keywords)
    certificate, before = certify(perturbed(base, **how, seed=3)), certify(base)
    assert not failed(certificate.checks)
    proved = [sum(check.kind == "proved" for check in made.checks) for made in (certificate, before)]
    assert proved[0] == proved[1] >= 8


@pytest.mark.sample(1)
@pytest.mark.parametrize("how", [{**MOVED, "scale": 4.0}, {**MOVED}])
def test_a_rotated_and_scaled_problem_is_proved(how):
    problem = perturbed(load_problem("reference", 2, 2), **how, seed=3)
    checks = prove(problem.symbolic())
    assert len(checks) == 9
    assert not failed(checks)


@pytest.mark.slow
def test_mistakes_in_the_symbols_are_refused():
    base = load_problem("reference", 2, 2)
    symbols = perturbed(base, rotate=True, scale=4.0).symbolic()
    assert not failed(prove(symbols))
    assert "inner stationarity" in failed(prove(replace(symbols, inner_solution=base.symbolic().inner_solution)))


def test_mistakes_in_the_functions_are_refused():
    """A gradient that is that of the old coordinates."""
    base = load_problem("reference", 2, 2)
    problem = perturbed(base, rotate=True, scale=4.0)
    assert not failed(measured(problem))
    assert failed(measured(replace(problem, hypergradient=base.hypergradient)))


@pytest.mark.parametrize("n", [1, 2, 3, 8])
def test_coordinates_and_their_inverse(n):
    found = coordinates(n, np.random.default_rng(n), permute=True, rotate=True, scale=9.0)
    y = np.random.default_rng(0).standard_normal((5, n))
    assert np.allclose(found.new(found.old(y)), y, rtol=0, atol=1e-13)
    # The singular values are the scales, from 1/3 to 3.
    assert np.allclose(np.sort(np.linalg.svd(found.matrix)[1]), found.scales)
    assert np.allclose(found.ends, (1 / 3, 3) if n > 1 else (1, 1))
    if n > 2:
        assert (np.abs(found.matrix) > 1e-12).all(axis=1).any(), "some coordinate is a mixture of all"


def test_a_permutation_alone_gives_the_same_numbers_elsewhere():
    base = load_problem("quad_general", 5, 5)
    problem = perturbed(base, permute=True, seed=1)
    assert sorted(problem.minimizer) == sorted(base.minimizer)
    assert list(problem.minimizer) != list(base.minimizer)
    assert problem.minimum == base.minimum
    z, x = problem.initial_point(np.random.default_rng(0))
    assert sorted(x) == sorted(base.initial_point(np.random.default_rng(0))[1])
    assert np.isclose(problem.outer(z, x), base.outer(*base.initial_point(np.random.default_rng(0))), rtol=1e-13)


@pytest.mark.parametrize("name", ["l1_meha", "entropic_simplex", "bome_minmax"])
def test_sets_and_proximal_maps_turn_with_the_problem(name):
    base = load_problem(name)
    problem = perturbed(base, **MOVED, seed=2)
    assert problem.smooth == base.smooth
    assert not failed(measured(problem))
    with pytest.raises(ValueError, match="cannot be scaled: its "):
        perturbed(base, scale=2.0)


def test_solvers_that_do_not_see_coordinates_end_where_they_did():
    """Steps along exact gradients turn with the problem; the values on the way are the same up to rounding."""
    base = load_problem("quad_general", 4, 3)
    problem = perturbed(base, **MOVED, seed=5)
    runs = [zb.solve(one, "soba", rho=0.1, max_iterations=200) for one in (base, problem)]
    assert np.allclose(*(run.history["gap"] for run in runs), rtol=1e-9, atol=1e-13)
    assert not np.allclose(runs[0].x, runs[1].x, atol=1e-3)


def told(noise, number=4000):
    """What a solver is told of F = 2 at many points."""
    constant = BilevelProblem.from_functions(lambda z, x: 2.0 + 0 * x[..., 0], lambda z, x: 2.0 + 0 * x[..., 0], 1, 1)
    oracle = Oracle(perturbed(constant, **noise), 1)
    return oracle.outer(np.zeros((1, number, 1)), np.zeros((1, number, 1)))[0]


def test_noise_has_its_standard_deviation():
    """Mean and deviation of 4000 numbers, within five of their standard errors."""
    for noise, size in (({"noise": 0.1}, 0.1), ({"relative": 0.1}, 0.2), ({"noise": 0.3, "relative": 0.2}, 0.5)):
        values = told(noise)
        assert abs(values.mean() - 2.0) < 5 * size / np.sqrt(4000)
        assert abs(values.std() / size - 1) < 5 / np.sqrt(2 * 4000)


def test_numbers_are_rounded_and_nan_at_their_rate():
    exact = Noise(digits=3).applied(np.array([1.23456, -0.00123456, 123456.0, 0.0, np.inf]), np.random.default_rng(0))
    assert np.allclose(exact, [1.23, -0.00123, 123000.0, 0.0, np.inf], rtol=1e-15)
    rate = np.isnan(told({"nan_rate": 0.1})).mean()
    assert abs(rate - 0.1) < 5 * np.sqrt(0.09 / 4000)


def test_faults_are_in_derivatives_counted_and_of_the_run():
    problem = perturbed(load_problem("quad_general", 3, 2), noise=1e-3, seed=1)
    z, x = np.ones((1, 3)), np.ones((1, 2))
    oracle = Oracle(problem, 1)
    gap = oracle.inner_grad_z(z, x) - problem.inner_grad_z(z, x)
    assert np.all(gap != 0)
    assert np.all(np.abs(gap) < 1e-2)
    assert oracle.counts["inner_grad_z"][0] == 1
    first, again, other = (zb.solve(problem, "hf-zoba", max_iterations=5, seed=s).x for s in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    # A replicate that has stopped leaves the draws of the others as they are.
    one, two = Oracle(problem, 2), Oracle(problem, 2)
    two.freeze(np.array([True, False]))
    both = np.ones((2, 3)), np.ones((2, 2))
    assert one.inner(*both)[1] == two.inner(*both)[1]
    assert two.inner(*both)[0] == 0


def test_declared_noise_is_no_inexact_function_and_another_one_is_found_below_it():
    check_exact(perturbed(load_problem("quad_general"), noise=1.0, nan_rate=0.5))
    rng = np.random.default_rng(0)
    restless = BilevelProblem.from_functions(
        lambda z, x: rng.standard_normal() + 0 * x[..., 0], lambda z, x: 0.5 * ((z - x) ** 2).sum(-1), 1, 1
    )
    with pytest.raises(NotExactError, match="is declared exact"):
        check_exact(perturbed(restless, noise=1e-3))
    result = zb.solve(perturbed(load_problem("quad_general"), noise=0.1), "hf-zoba", max_iterations=12)
    assert np.isfinite(result.x).all()


def test_nan_ends_a_run_with_its_status():
    result = zb.solve(perturbed(load_problem("reference"), nan_rate=0.5), "zoba", max_iterations=50)
    assert "NON_FINITE" in str(
        result.status_names if hasattr(result, "status_names") else zb.Status(result.status[0]).name
    )


def test_plain_functions_have_the_noise_too_and_can_be_pickled():
    problem = load_problem("perturbed", 3, 2, base="quad_general", noise=0.1, permute=False, rotate=False)
    outer, _, x0, z0 = pickle.loads(pickle.dumps(problem.as_functions(seed=4)))
    values = [outer(z0, x0) for _ in range(3)]
    assert len(set(values)) == 3
    assert all(abs(value - problem.outer(z0, x0)) < 1.0 for value in values)


def test_the_family_rebuilds_itself_and_keeps_kinks():
    problem = load_problem("perturbed", 3, 2, seed=1, base="quad_general", scale=4.0, options={"kappa": 3.0})
    again = load_problem("perturbed", 3, 2, **json.loads(json.dumps(dict(problem.parameters))))
    x = np.ones(2)
    assert np.array_equal(again.hypergradient(x), problem.hypergradient(x))
    assert not load_problem("perturbed", base="l1_meha").smooth


@pytest.mark.parametrize(("keywords", "message"), [
    ({"noise": -1.0}, "noise must be"), ({"nan_rate": 1.0}, "nan_rate must be below 1"),
    ({"digits": 0}, "digits must be"), ({"scale": 0.5}, "scale must be"),
    ({"rotate": 1}, "rotate must be True or False"),
])  # fmt: skip
def test_bad_arguments_are_refused_by_name(keywords, message):
    with pytest.raises(ValueError, match=message):
        perturbed(load_problem("quad_general"), **keywords)


def test_noise_is_declared_once():
    with pytest.raises(ValueError, match="has noise already"):
        perturbed(perturbed(load_problem("quad_general"), noise=1.0), digits=2)


def test_values_that_are_asked_for_together_have_the_noise_of_single_queries():
    problem = load_problem("perturbed", 3, 2, base="quad_general", noise=0.1)
    points = [(np.full((2, 1, 1, 3), 0.1 * k), np.full((2, 1, 1, 2), 1.0 + k)) for k in range(3)]
    found = []
    for together in (True, False):
        oracle = Oracle(problem, 2, np.random.default_rng(1))
        oracle.inner(*points[0])
        oracle.outer(*points[0])
        found.append(
            [*oracle.inner_each(points, 6), *oracle.outer_each(points, 6)] if together
            else [query(*point) for query in (oracle.inner, oracle.outer) for point in points]
        )  # fmt: skip
    np.testing.assert_array_equal(*found)
    exact = [function(*point) for function in (problem.inner, problem.outer) for point in points]
    assert np.all(np.array(found[0]) != np.array(exact))
