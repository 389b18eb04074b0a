"""SMD1, SMD2, SMD7 and TP9: certificates, planted errors, published formulas, regions and what lies outside."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pytest
from zoba_bench.problems.classical import smd, tp9

from zoba_bench.certification.against_symbols import compare, compare_constants
from zoba_bench.certification.certify import measured
from zoba_bench.certification.closed_forms import measure
from zoba_bench.certification.constants import measure_constants
from zoba_bench.certification.optimum import optimum

FAMILIES = {"smd1": smd.smd1, "smd2": smd.smd2, "smd7": smd.smd7, "tp9": tp9.tp9}
VARIANTS = [
    *((name, {"p": 1, "d": 1}) for name in FAMILIES),
    *((name, {"p": 7, "d": 3}) for name in FAMILIES),
    ("smd1", {"p": 5, "d": 5, "r": 5, "radius": 0.3}),
    ("smd2", {"p": 4, "d": 3, "r": 3, "radius": 0.2}),
    ("smd7", {"p": 4, "d": 3, "r": 3, "radius": 0.49}),
    ("tp9", {"p": 3, "d": 3, "radius": 0.7}),
]
# Zero, and not small: multiples of them are right.
FUNCTIONS = [
    "inner_solution", "value", "hypergradient", "inner_grad_z", "inner_grad_x", "outer_grad_z", "inner_hvp_zz",
    "inner_jvp_xz", "inner_jvp_zx",
]  # fmt: skip


@functools.cache
def small(name):
    return FAMILIES[name](**FAMILIES[name].card.small)


@functools.cache
def symbols(name):
    return small(name).symbolic()


def failed(checks):
    return {check.name for check in checks if not check.ok}


@pytest.mark.parametrize(("name", "keywords"), VARIANTS)
def test_other_sizes_and_radii_pass(name, keywords):
    assert not failed(measured(FAMILIES[name](**keywords)))


def wrong(problem, attribute):
    right = getattr(problem, attribute)
    return replace(problem, **{attribute: lambda *at: 1.001 * right(*at) + 1e-4})


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("attribute", [*FUNCTIONS, "adjoint"])
def test_a_wrong_closed_form_is_seen(name, attribute):
    assert failed(measure(wrong(small(name), attribute), np.random.default_rng(0)))


@pytest.mark.parametrize("name", FAMILIES)
def test_wrong_closed_forms_differ_from_the_symbols(name):
    problem = functools.reduce(wrong, [*FUNCTIONS, "adjoint"], small(name))
    found = failed(compare(problem, symbols(name), np.random.default_rng(0)))
    assert found == {f"{attribute} as in the symbols" for attribute in [*FUNCTIONS, "adjoint"]}


@pytest.mark.parametrize("name", FAMILIES)
def test_a_wrong_minimiser_minimum_or_constant_is_seen(name):
    problem, rng = small(name), np.random.default_rng(0)
    moved = replace(problem, minimizer=problem.minimizer + 1e-3)
    assert "minimizer" in failed(optimum(moved, rng))
    assert "minimum" in failed(optimum(replace(problem, minimum=-1e-3), rng))
    names = symbols(name).constants
    changed = {constant: getattr(problem.constants, constant) + 1e-3 for constant in names}
    changed = replace(problem, constants=replace(problem.constants, **changed))
    assert failed(compare_constants(changed, symbols(name))) == {f"constant {constant}" for constant in names}


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("constant", ["L_zz", "L_xz", "L_xx", "H_zz", "C_x"])
def test_a_constant_that_is_far_too_small_is_refuted(name, constant):
    problem = FAMILIES[name]()
    low = replace(problem.constants, **{constant: 0.1 * getattr(problem.constants, constant)})
    assert failed(measure_constants(replace(problem, constants=low), np.random.default_rng(0), only=constant))


@pytest.mark.parametrize("name", FAMILIES)
def test_strong_convexity_that_is_too_good_is_refuted(name):
    problem = FAMILIES[name]()
    high = replace(problem.constants, mu=2.5 * problem.constants.mu)
    assert failed(measure_constants(replace(problem, constants=high), np.random.default_rng(0), only="mu"))


@pytest.mark.parametrize("name", FAMILIES)
def test_the_outer_slope_vanishes_at_the_inner_solution(name):
    # Hence v* = 0, and the implicit term of the hypergradient with it.
    problem = FAMILIES[name]()
    x = problem.constants.radius * np.random.default_rng(0).uniform(-1, 1, (50, problem.d)) / np.sqrt(problem.d)
    assert np.abs(problem.outer_grad_z(problem.inner_solution(x), x)).max() < 1e-14
    assert not problem.adjoint(x).any()
    assert problem.constants.R == problem.constants.C_z == problem.constants.k_v == 0.0


@pytest.mark.parametrize("name", FAMILIES)
def test_starts_lie_in_the_region_at_both_levels(name):
    problem = FAMILIES[name]()
    for seed in range(5):
        z, x = problem.initial_point(np.random.default_rng(seed))
        assert 0 < np.linalg.norm(z) < problem.constants.radius
        assert 0 < np.linalg.norm(x) < problem.constants.radius
        assert np.linalg.eigvalsh(problem.inner_hessian(z, x)[0])[0] >= problem.constants.mu


def squares(u):
    return (u**2).sum(axis=-1)


def published(name, z, x):
    """F and f in the published variables, with the sizes p = d = 4, r = 2."""
    z_1, z_2, x_1, x_2 = z[..., :2], z[..., 2:], x[..., :2], x[..., 2:]
    if name == "smd1":
        shared = squares(z_1) + squares(x_2 - np.tan(z_2))
        return squares(x_1) + squares(x_2) + shared, squares(x_1) + shared
    shared = squares(z_1) + squares(x_2 - np.log(z_2))
    if name == "smd2":
        return squares(x_1) + squares(x_2) - shared, squares(x_1) + shared
    griewank = 1 + squares(x_1) / 400 - np.cos(x_1[..., 0]) * np.cos(x_1[..., 1] / np.sqrt(2))
    return griewank + squares(x_2) - shared, (x_1**3).sum(axis=-1) + shared


@pytest.mark.parametrize("name", ["smd1", "smd2", "smd7"])
def test_objectives_are_the_published_ones_up_to_a_shift(name):
    problem, rng = FAMILIES[name](), np.random.default_rng(0)
    x = rng.uniform(-3, 3, (20, 4))
    z = np.concatenate([rng.uniform(-3, 3, (20, 2)), rng.uniform(0.01, 1.5, (20, 2))], axis=-1)
    shift = np.array([0.0, 0.0, 1.0, 1.0]) * (name != "smd1")
    outer, inner = published(name, z, x)
    np.testing.assert_allclose(problem.outer(z - shift, x), outer, rtol=1e-9)
    np.testing.assert_allclose(problem.inner(z - shift, x), inner, rtol=1e-9)


def test_tp9_is_the_published_problem_up_to_a_shift():
    problem, rng = tp9.tp9(3, 2), np.random.default_rng(0)
    z, x = rng.uniform(-3, 3, (20, 3)), rng.uniform(-1.5, 1.5, (20, 2))
    well = 1 + squares(z) / 4000 - np.cos(z / np.sqrt([1, 2, 3])).prod(axis=-1)
    np.testing.assert_allclose(problem.inner(z, x - 1), np.exp(well * squares(x)), rtol=1e-12)
    np.testing.assert_allclose(problem.outer(z, x - 1), squares(z) + squares(x - 1), rtol=1e-13)


def test_smd1_is_not_convex_beyond_the_square_root_of_three():
    problem = smd.smd1(1, 1)
    z = np.linspace(-1.5, 1.5, 2001)
    for b, convex in ((1.7, True), (1.75, False)):
        lowest = min(problem.inner_hessian(np.array([s]), np.array([b]))[0][0, 0] for s in z)
        assert (lowest > 0) == convex


def test_smd2_is_convex_exactly_where_its_card_says():
    problem = smd.smd2(1, 1)
    for b in (-0.5, 0.0, 1.0):
        edge = np.exp(1 + b) - 1
        for z, positive in ((0.99 * edge, True), (1.01 * edge, False)):
            assert (problem.inner_hessian(np.array([z]), np.array([b]))[0][0, 0] > 0) == positive


@pytest.mark.parametrize("name", FAMILIES)
def test_values_outside_are_finite_and_without_warnings(name):
    problem = FAMILIES[name]()
    z = np.array([-1e3, -30.0, -5.0, -1.0, -0.9999, 1.0, 50.0, 1e3])[:, None, None] * np.ones(problem.p)
    x = np.array([-100.0, -7.0, 0.0, 9.0, 100.0])[:, None] * np.ones(problem.d)
    for function in ("inner", "outer", "inner_grad_z", "inner_grad_x", "outer_grad_z", "outer_grad_x"):
        assert np.isfinite(getattr(problem, function)(z, x)).all(), function


@pytest.mark.parametrize("name", ["smd2", "smd7"])
def test_the_logarithm_goes_on_twice_differentiably(name):
    problem = FAMILIES[name](1, 1)
    edge, x = 1e-3 - 1, np.array([-6.0])
    below, above = (np.array([edge + side * 1e-9]) for side in (-1, 1))
    for function in (problem.inner, problem.inner_grad_z):
        np.testing.assert_allclose(function(below, x), function(above, x), rtol=1e-5)
    hessians = [problem.inner_hessian(z, x)[0] for z in (below, above)]
    np.testing.assert_allclose(*hessians, rtol=1e-4)
    # It rises all along: the inner solution stays the only minimiser for x_2 above the logarithm of the edge.
    z = np.linspace(-5, 3, 1000)[:, None]
    values = problem.inner(z, x)
    assert np.argmin(values) == np.argmin(np.abs(z[:, 0] - (np.exp(-6.0) - 1)))


def test_griewank_keeps_its_digits_near_its_minimum():
    problem = smd.smd7(8, 8, r=2)
    u = np.random.default_rng(0).standard_normal(8)
    for distance in (1e-3, 1e-8):
        x = distance * u
        curvature = np.concatenate([1 / 200 + 1 / np.arange(1, 7), [2.0, 2.0]])
        np.testing.assert_allclose(problem.value(x), 0.5 * curvature @ x**2, rtol=10 * distance**2 + 1e-14)


@pytest.mark.parametrize(
    ("name", "keywords", "message"),
    [
        ("smd1", {"radius": 1.6}, "radius must be .* below 1.5708, got 1.6; beyond, the inner problem is not"),
        ("smd1", {"r": 5}, r"r must be at most min\(p, d\) = 4, got 5"),
        ("smd1", {"seed": "1"}, "seed must be .* got '1'"),
        ("smd2", {"radius": 0.5}, "radius must be .* below 0.5, got 0.5; beyond"),
        ("smd2", {"r": 0}, "r must be a positive integer, got 0"),
        ("smd7", {"p": 0}, "p must be a positive integer, got 0"),
        ("smd7", {"radius": float("nan")}, "radius must be .* got nan"),
        ("tp9", {"radius": 0.8}, "radius must be .* below 0.785398, got 0.8; beyond"),
        ("tp9", {"d": 1.5}, "d must be a positive integer, got 1.5"),
    ],
)
def test_a_bad_argument_is_named_with_its_value(name, keywords, message):
    with pytest.raises(ValueError, match=message):
        FAMILIES[name](**keywords)
