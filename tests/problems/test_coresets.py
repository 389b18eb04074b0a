"""Coreset families: certificates, planted errors, the infimum that is not attained, the manifold of minimisers."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pytest
from zoba_bench.problems.regression import coresets

from zoba_bench.certification.against_symbols import compare, compare_constants
from zoba_bench.certification.certify import measured
from zoba_bench.certification.closed_forms import measure
from zoba_bench.certification.constants import measure_constants
from zoba_bench.certification.optimum import optimum

FAMILIES = {"coreset_bome": coresets.coreset_bome, "coreset_attained": coresets.coreset_attained}
FUNCTIONS = [
    "inner_solution", "adjoint", "value", "hypergradient", "inner_grad_z", "inner_grad_x", "outer_grad_z",
    "inner_hvp_zz", "inner_jvp_xz", "inner_jvp_zx",
]  # fmt: skip


@functools.cache
def small(name):
    return FAMILIES[name](**FAMILIES[name].card.small)


@functools.cache
def symbols(name):
    return small(name).symbolic()


def failed(checks):
    return {check.name for check in checks if not check.ok}


@pytest.mark.parametrize(("p", "d", "seed"), [(1, 1, 1), (3, 3, 2), (6, 2, 3), (2, 9, 4)])
def test_other_sizes_and_seeds_pass(p, d, seed):
    assert not failed(measured(coresets.coreset_attained(p, d, seed=seed)))


def test_another_instance_is_one_of_those_that_the_proof_is_about():
    problem = coresets.coreset_attained(2, 2, seed=5)
    other = problem.symbolic()
    assert not failed(compare(problem, other, np.random.default_rng(0)) + compare_constants(problem, other))


def wrong(problem, attribute):
    right = getattr(problem, attribute)
    return replace(problem, **{attribute: lambda *at: 1.001 * right(*at)})


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("attribute", FUNCTIONS)
def test_a_wrong_closed_form_is_seen(name, attribute):
    assert failed(measure(wrong(small(name), attribute), np.random.default_rng(0)))


@pytest.mark.parametrize("name", FAMILIES)
def test_wrong_closed_forms_differ_from_the_symbols(name):
    problem = functools.reduce(wrong, FUNCTIONS, small(name))
    found = failed(compare(problem, symbols(name), np.random.default_rng(0)))
    assert found == {f"{attribute} as in the symbols" for attribute in FUNCTIONS}


@pytest.mark.parametrize("name", FAMILIES)
def test_wrong_constants_are_seen(name):
    problem, names = small(name), symbols(name).constants
    changed = {constant: 1.0001 * getattr(problem.constants, constant) for constant in names}
    changed = replace(problem, constants=replace(problem.constants, **changed))
    assert failed(compare_constants(changed, symbols(name))) == {f"constant {constant}" for constant in names}


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize(
    ("constant", "share"),
    [("L_xz", 0.9), ("H_zx", 0.7), ("k_z", 0.9), ("s_z", 0.7), ("k_v", 0.9), ("s_v", 0.7), ("R", 0.9), ("L_Psi", 0.3)],
)
def test_a_constant_that_is_too_small_is_refuted(name, constant, share):
    problem = FAMILIES[name]()
    low = replace(problem.constants, **{constant: share * getattr(problem.constants, constant)})
    assert failed(measure_constants(replace(problem, constants=low), np.random.default_rng(0), only=constant))


def test_a_wrong_minimiser_or_minimum_is_seen():
    problem, rng = small("coreset_attained"), np.random.default_rng(0)
    assert "minimizer" in failed(optimum(replace(problem, minimizer=problem.minimizer + 1e-3), rng))
    assert "minimum" in failed(optimum(replace(problem, minimum=-1e-3), rng))
    unattained = coresets.coreset_bome()
    assert failed(optimum(replace(unattained, minimum=0.73), rng)) == {
        "nothing below the minimum",
        "minimum is approached",
    }
    assert failed(optimum(replace(unattained, minimum=0.71), rng)) == {"minimum is approached"}


def test_the_infimum_of_the_toy_is_approached_and_never_reached():
    problem = coresets.coreset_bome()
    assert problem.minimizer is None
    gaps = []
    for far in (2.0, 10.0, 20.0, 30.0):
        x = np.array([-far, np.log(4.0), -far, 0.0])
        gaps.append(float(problem.value(x)) - problem.minimum)
    # To first order 0.24 (6 + 7) exp(-far) / 5.
    np.testing.assert_allclose(gaps[1:3], 0.624 * np.exp([-10.0, -20.0]), rtol=1e-3)
    assert gaps[0] > gaps[1] > gaps[2] > gaps[3] > 0
    assert (problem.value(10 * np.random.default_rng(0).standard_normal((1000, 4))) > 0.72).all()


def test_the_toy_matches_its_formula():
    problem, rng = coresets.coreset_bome(), np.random.default_rng(1)
    z, x = rng.standard_normal((5, 2)), rng.standard_normal((5, 4))
    q = np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)
    mean = q @ np.array([[1, 3], [3, 1], [-2, 2], [-3, -2]])
    np.testing.assert_allclose(problem.inner(z, x), ((z - mean) ** 2).sum(axis=-1), rtol=1e-13)
    np.testing.assert_allclose(problem.outer(z, x), 0.1 * ((z - [3, -2]) ** 2).sum(axis=-1), rtol=1e-13)
    np.testing.assert_allclose(problem.adjoint(x), -0.1 * (mean - [3, -2]), rtol=1e-12)


def test_a_common_shift_of_the_logits_changes_nothing_in_the_toy():
    problem, x = coresets.coreset_bome(), np.array([0.3, -1.0, 2.0, 0.5])
    for shift in (5.0, 700.0, -2000.0):
        np.testing.assert_allclose(problem.value(x + shift), problem.value(x), rtol=1e-12)
    assert abs(problem.hypergradient(x).sum()) < 1e-15


def test_minimisers_form_a_manifold_with_more_free_weights_than_coordinates():
    problem = coresets.coreset_attained(2, 5, seed=3)
    assert problem.minimizer is None
    rng = np.random.default_rng(3)
    points, planted = rng.standard_normal((6, 2)), rng.standard_normal(5)
    assert problem.value(planted) == 0
    shares = np.exp(np.concatenate([[0.0], planted]))
    shares /= shares.sum()
    kernel = np.linalg.svd(np.column_stack([points, np.ones(6)]).T)[2][3:]
    for direction in kernel:
        moved = shares + 0.5 * shares.min() * direction / np.abs(direction).max()
        x = np.log(moved[1:] / moved[0])
        assert np.linalg.norm(x - planted) > 0.05
        assert problem.value(x) < 1e-29


@pytest.mark.parametrize("distance", [1e-4, 1e-9])
def test_the_gap_keeps_its_digits_near_the_planted_point(distance):
    problem = coresets.coreset_attained(4, 3, seed=2)
    x = problem.minimizer + distance * np.array([1.0, -2.0, 0.5])
    step = x - problem.minimizer
    moved = -problem.inner_jvp_zx(np.zeros(4), problem.minimizer, step)  # Dm step
    np.testing.assert_allclose(problem.value(x), 0.5 * moved @ moved, rtol=20 * distance + 1e-13)


def test_values_far_out_are_finite_and_without_warnings():
    for build in FAMILIES.values():
        problem = build()
        for size in (-1e4, 1e4):
            x = size * np.array([1.0, -1.0, 0.5, 0.2])
            for name in ("inner_solution", "adjoint", "value", "hypergradient"):
                assert np.isfinite(getattr(problem, name)(x)).all()


@pytest.mark.parametrize(
    ("name", "keywords", "message"),
    [
        ("coreset_bome", {"p": 3}, "p must be 2, the problem has this size only, got 3; leave it out"),
        ("coreset_bome", {"d": 5}, "d must be 4, .* got 5; leave it out"),
        ("coreset_bome", {"seed": 0.5}, "seed must be .* got 0.5"),
        ("coreset_attained", {"p": 0}, "p must be a positive integer, got 0"),
        ("coreset_attained", {"d": True}, "d must be a positive integer, got True"),
        ("coreset_attained", {"seed": -3}, "seed must be .* got -3"),
    ],
)
def test_a_bad_argument_is_named_with_its_value(name, keywords, message):
    with pytest.raises(ValueError, match=message):
        FAMILIES[name](**keywords)
