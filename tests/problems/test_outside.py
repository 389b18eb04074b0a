"""Families outside the assumptions: certificates, planted errors, capabilities, and the known solutions."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from zoba_bench.problems._base import checks as declared
from zoba_bench.problems.entropic import simplex
from zoba_bench.problems.multivalued import degenerate, sines
from zoba_bench.problems.nonsmooth import penalties

from zoba_bench.certification.certify import certify
from zoba_bench.certification.closed_forms import measure
from zoba_bench.certification.constants import measure_constants
from zoba_bench.certification.optimum import optimum
from zoba_bench.problem.capabilities import Capabilities

FAMILIES = {
    "l1_meha": penalties.l1_meha,
    "l1_tracking": penalties.l1_tracking,
    "group_lasso": penalties.group_lasso,
    "bda_lls": degenerate.bda_lls,
    "pl_rankdef": degenerate.pl_rankdef,
    "bome_minmax": degenerate.bome_minmax,
    "bvfsm_sin": sines.bvfsm_sin,
    "iaptt_toy": sines.iaptt_toy,
    "entropic_simplex": simplex.entropic_simplex,
}
OTHERS = [
    ("l1_meha", {"d": 2}),
    ("l1_tracking", {"p": 5, "seed": 1}),
    ("group_lasso", {"p": 6, "d": 2, "seed": 1}),
    ("bda_lls", {"p": 6}),
    ("pl_rankdef", {"p": 1, "d": 1}),
    ("pl_rankdef", {"p": 2, "d": 1, "rank": 1, "seed": 4}),
    ("pl_rankdef", {"p": 8, "d": 6, "rank": 3, "seed": 1, "lam": 0.5}),
    ("bome_minmax", {"p": 4, "d": 4, "seed": 2}),
    ("bvfsm_sin", {"p": 10, "a": 4.0, "c": -1.0}),
    ("bvfsm_sin", {"p": 3, "a": 1.57}),
    ("entropic_simplex", {"p": 2, "d": 1, "seed": 1, "tau": 2.0}),
    ("entropic_simplex", {"p": 3, "d": 1, "seed": 2, "tau": 0.2}),
]


def failures(checks):
    return [(check.name, check.detail) for check in checks if not check.ok]


@pytest.mark.sample(3)
@pytest.mark.parametrize(("name", "keywords"), OTHERS)
def test_certificates_of_other_instances_hold(name, keywords):
    assert not failures(certify(FAMILIES[name](**keywords), seed=1).checks)


def test_a_thousand_coordinates_are_certified_with_the_symbols_of_few():
    assert not failures(penalties.l1_meha(p=200).extra_checks())
    assert not failures(sines.bvfsm_sin(p=200).extra_checks())


@pytest.mark.parametrize("name", FAMILIES)
def test_parameters_are_json(name):
    problem = FAMILIES[name]()
    assert json.loads(json.dumps(dict(problem.parameters))) == dict(problem.parameters)


SCALARS = ["inner", "outer", "value"]
VECTORS = [
    "inner_solution", "adjoint", "hypergradient", "inner_grad_z", "inner_grad_x", "outer_grad_z", "outer_grad_x",
    "inner_hvp_zz", "inner_jvp_xz", "inner_jvp_zx",
]  # fmt: skip


def spoiled(function, vector):
    """The function plus a small multiple of its last argument's sum."""

    def wrong(*arguments):
        extra = 1e-3 * np.sum(arguments[-1], axis=-1)
        return function(*arguments) + (extra[..., None] if vector else extra)

    return wrong


def seen(wrong, part):
    return failures(part(wrong, np.random.default_rng(0))) or failures(wrong.extra_checks(wrong))


@pytest.mark.parametrize("name", FAMILIES)
def test_an_error_in_any_function_is_seen(name):
    problem = FAMILIES[name](**FAMILIES[name].card.small)
    for attribute in [*SCALARS, *VECTORS]:
        right = getattr(problem, attribute)
        if right is not None:
            wrong = replace(problem, **{attribute: spoiled(right, attribute in VECTORS)})
            assert seen(wrong, measure), attribute


@pytest.mark.parametrize("name", FAMILIES)
def test_an_error_in_the_minimiser_or_the_minimum_is_seen(name):
    problem = FAMILIES[name](**FAMILIES[name].card.small)
    if problem.minimizer is not None:
        assert seen(replace(problem, minimizer=problem.minimizer + 0.01), optimum)
        assert seen(replace(problem, minimizer=problem.minimizer - 0.01), optimum)
    assert seen(replace(problem, minimum=problem.minimum + 1e-3), optimum)
    assert seen(replace(problem, minimum=problem.minimum - 1e-3), optimum)


@pytest.mark.parametrize(
    ("name", "constant", "factor"),
    [
        ("l1_meha", "C_z", 0.9),
        ("l1_tracking", "mu", 1.1),
        ("group_lasso", "k_z", 0.9),
        ("bda_lls", "k_z", 0.9),
        ("pl_rankdef", "L_Psi", 0.9),
        ("bome_minmax", "L_xz", 0.9),
        ("bvfsm_sin", "L_xx", 0.9),
        ("iaptt_toy", "L_zz", 0.9),
        ("entropic_simplex", "mu", 1.1),
    ],
)
def test_an_error_in_a_constant_is_seen(name, constant, factor):
    problem = FAMILIES[name](**FAMILIES[name].card.small)
    value = getattr(problem.constants, constant)
    wrong = replace(problem, constants=replace(problem.constants, **{constant: factor * value}))
    (check,) = measure_constants(wrong, np.random.default_rng(0), only=constant)
    assert (check.name, check.ok) == (f"constant {constant}", False)


@pytest.mark.parametrize("name", FAMILIES)
def test_an_error_in_any_capability_is_seen(name):
    problem = FAMILIES[name]()
    offered = problem.capabilities
    for capability in Capabilities.__dataclass_fields__:
        right = getattr(offered, capability)
        if right is None or right is False or right in ({}, ()):
            continue
        if capability == "pl":
            spoilt = 1.1 * right
        else:
            # 1e-3 everywhere: out of X or Z, or off a solution.
            def spoilt(*arguments, right=right):
                return right(*arguments) + 1e-3

        wrong = replace(problem, capabilities=replace(offered, **{capability: spoilt}))
        assert failures(problem.extra_checks(wrong)), capability


def test_false_statements_are_not_proved():
    import sympy as sp

    x = sp.Symbol("x", real=True)
    y = sp.Symbol("y", nonnegative=True)
    assert not declared.identities("", [x**2 - x], "").ok
    assert not declared.by_terms("", x, [x], "").ok
    assert not declared.by_terms("", y + 1, [y], "").ok
    assert declared.by_terms("", (x - 1) ** 2 + y, [x**2 - 2 * x + 1 + y], "").ok is False
    assert declared.by_terms("", x**2 - 2 * x + 1 + y, [(x - 1) ** 2, y], "").ok
    assert not declared.small("", [0.0, float("nan")]).ok
    assert not declared.above("", [1.0, -1e-3]).ok


# The solutions.


@pytest.mark.parametrize("n", [2, 20, 1000])
def test_l1_meha_has_a_set_of_minimisers(n):
    problem = penalties.l1_meha(n)
    distance = problem.capabilities.distance_to_solutions
    first = np.arange(n) < n // 2
    for inside in (1 / n, 0.5, 1.0):
        x = np.where(first, inside, 0.0)
        assert problem.value(x) == pytest.approx(-0.5, abs=1e-14)
        assert distance(x) == pytest.approx(0, abs=1e-15)
    assert problem.minimizer is None
    assert distance(np.where(first, 0.0, 0.0)) == pytest.approx(math.sqrt(n / 2) / n)
    # The source's start: every weight is beyond its kink.
    assert problem.value(np.ones(n)) == 0
    assert not problem.hypergradient(np.ones(n)).any()
    assert np.linalg.norm(problem.hypergradient(problem.initial_point(np.random.default_rng(0))[1])) > 1


def test_psi_of_the_tracking_problems_is_exact_near_the_minimiser_and_flat_beyond_the_kinks():
    for build in (penalties.l1_tracking, penalties.group_lasso):
        problem = build(seed=1)
        step = 1e-9 * np.ones(problem.d)
        away = (problem.minimizer + step) - problem.minimizer
        assert problem.value(problem.minimizer + step) == pytest.approx(away @ away / 2, rel=1e-12)
        np.testing.assert_array_equal(problem.inner_solution(np.full(problem.d, 2.0)), 0)
        np.testing.assert_array_equal(problem.hypergradient(np.full(problem.d, 2.0)), 0)
        assert problem.value(np.full(problem.d, 2.0)) > 0.01
        assert np.linalg.norm(problem.hypergradient(problem.initial_point(np.random.default_rng(0))[1])) > 0.1


@pytest.mark.parametrize(
    ("n", "x", "minimum"),
    [
        (1, 3 * math.pi / 4, 0.25374903),
        (2, math.pi - 2 / 3, 0.33833204),
        (10, (15 * math.pi - 18) / 11, 0.46136187),
        (100, (150 * math.pi - 198) / 101, 0.50247333),
        (1000, (1500 * math.pi - 1998) / 1001, 0.50699107),
    ],
)
def test_the_sine_problem_has_its_closed_form_solution_for_any_size(n, x, minimum):
    problem = sines.bvfsm_sin(n)
    level = 3 * math.pi / 2
    assert problem.minimizer == pytest.approx(x, rel=1e-14)
    assert problem.minimum == pytest.approx(n * (level - 4) ** 2 / (n + 1), rel=1e-13)
    assert problem.minimum == pytest.approx(minimum, abs=1e-8)
    np.testing.assert_allclose(problem.inner_solution(problem.minimizer), level + 2 - x, rtol=1e-14)


def test_midway_between_levels_there_are_two_minimisers_and_none_is_declared():
    problem = sines.bvfsm_sin(2, a=math.pi / 4)
    assert problem.minimizer is None
    assert not failures(problem.extra_checks())


def test_lower_level_maxima_are_stationary_but_at_a_distance_from_the_solutions():
    problem = sines.bvfsm_sin(3)
    x = np.array([0.3])
    z = problem.inner_solution(x) + math.pi
    assert np.abs(problem.inner_grad_z(z, x)).max() < 1e-14
    assert problem.capabilities.distance_to_lower(z, x) == pytest.approx(math.pi * math.sqrt(3))


def test_the_multi_modal_toy_jumps_down_at_its_minimiser():
    problem = sines.iaptt_toy()
    assert problem.minimum == pytest.approx(-11 * math.pi / 4, rel=1e-15)
    assert problem.inner_solution(problem.minimizer) == pytest.approx(-2)
    x = problem.minimizer[0] + np.array([[-1e-6], [0.0], [1e-6]])
    values = problem.value(x)
    assert values[0] - values[1] == pytest.approx(2 * math.pi, abs=1e-5)
    assert values[2] - values[1] == pytest.approx(1e-6, rel=1e-4)
    # Every solution in the box: pi/2 - 2 k pi over x, here k = -1, 0, 1 at x = 4.
    distance = problem.capabilities.distance_to_lower
    for k in (-1, 0, 1):
        assert distance(np.array([(math.pi / 2 - 2 * math.pi * k) / 4]), np.array([4.0])) == pytest.approx(0, abs=1e-15)
    assert distance(np.array([2.0]), np.array([1.0])) == pytest.approx(2 - math.pi / 2)


def test_frozen_y2_moves_the_merely_convex_problem_to_another_point():
    problem = degenerate.bda_lls(d=3)
    y2 = np.array([0.2, -1.0, 3.0])

    def slope(x):
        z = np.concatenate([x, y2])
        return problem.outer_grad_x(z, x) + problem.outer_grad_z(z, x)[:3]  # dy1/dx = I

    np.testing.assert_allclose(slope((1 + y2) / 2), 0, atol=1e-15)


@pytest.mark.parametrize("seed", range(3))
def test_the_rank_deficient_minimiser_is_that_of_the_joint_problem(seed):
    problem = degenerate.pl_rankdef(seed=seed)
    z, x = problem.inner_solution(problem.minimizer), problem.minimizer
    # KKT of min F over A'(Az - Bx) = 0: F_z + G_zz v = 0 and F_x + G_xz v = 0.
    zz, xz, _ = problem.inner_hessian(z, x)
    v = np.linalg.lstsq(zz, -problem.outer_grad_z(z, x), rcond=None)[0]
    np.testing.assert_allclose(zz @ v, -problem.outer_grad_z(z, x), atol=1e-12)
    np.testing.assert_allclose(problem.outer_grad_x(z, x) + xz @ v, 0, atol=1e-12)
    # Away from the optimistic choice the equation has no solution.
    kernel = np.linalg.svd(zz)[2][-1]
    off = problem.outer_grad_z(z + kernel, x)
    assert np.linalg.norm(zz @ np.linalg.lstsq(zz, -off, rcond=None)[0] + off) == pytest.approx(1)


def test_the_simplex_problem_keeps_its_digits_near_the_minimiser():
    problem = simplex.entropic_simplex(seed=1)
    u = np.array([1.0, -2.0, 0.5])
    near = [problem.value(problem.minimizer + t * u) / t**2 for t in (1e-4, 1e-8)]
    assert near[0] == pytest.approx(near[1], rel=1e-3)
    z = problem.inner_solution(np.array([1e3, 0.0, 0.0]))
    assert np.isfinite(problem.value(np.array([1e3, 0.0, 0.0])))
    assert z.sum() == pytest.approx(1)


def test_the_lower_level_on_the_simplex_is_solved_by_mirror_and_by_projected_steps():
    problem = simplex.entropic_simplex(seed=2)
    offered, x = problem.capabilities, np.array([0.3, -0.5, 0.2])
    z = w = np.full(problem.p, 1 / problem.p)
    for _ in range(60):
        z = offered.mirror_step(z, problem.inner_grad_z(z, x), 1.0)
        w = offered.project_z(w - 0.02 * problem.inner_grad_z(w, x))
    np.testing.assert_allclose(z, problem.inner_solution(x), atol=1e-12)
    assert np.linalg.norm(w - z) < 0.05


def test_moreau_envelope_iterations_reach_the_solutions_through_the_capabilities():
    """MEHA on the merely convex problem, n = 10: one per cent after 11 iterations of steps 1/2."""
    problem = degenerate.bda_lls(d=10)
    z, x = problem.initial_point(np.random.default_rng(0))
    theta, step = z, 0.5
    for k in range(11):
        weight = 0.6 * (k + 1) ** 0.49
        theta = theta - step * (problem.inner_grad_z(theta, x) + (theta - z) / 5)
        change = problem.inner_grad_x(z, x) - problem.inner_grad_x(theta, x)
        x = x - step * (problem.outer_grad_x(z, x) / weight + change)
        z = z - step * (problem.outer_grad_z(z, x) / weight + problem.inner_grad_z(z, x) - (z - theta) / 5)
    assert np.abs(x - problem.minimizer).max() < 0.01


@pytest.mark.parametrize(
    ("name", "keywords", "message"),
    [
        *((name, {"seed": -1}, "seed must be .* got -1") for name in FAMILIES),
        *((name, {"p": 0}, "p must be .* got 0") for name in FAMILIES),
        *((name, {"d": True}, "d must be .* got True") for name in FAMILIES),
        ("l1_meha", {"p": 3}, "d must be even .* got 3"),
        ("l1_meha", {"p": 4, "d": 2}, "p must be d, got p=4, d=2"),
        ("l1_tracking", {"p": 2, "d": 3}, "p must be d, got p=2, d=3"),
        ("group_lasso", {"p": 5, "d": 2}, "p must be a multiple of d .* got p=5, d=2"),
        ("bda_lls", {"p": 3}, "p must be 2 d, got p=3"),
        ("bda_lls", {"p": 4, "d": 3}, "p must be 2 d, got p=4, d=3"),
        ("pl_rankdef", {"lam": 0.0}, "lam must be .* above 0, got 0.0; without it"),
        ("pl_rankdef", {"rank": 6}, "rank must be at most p, got rank=6, p=5"),
        ("bome_minmax", {"p": 2, "d": 3}, "d must be at most p .* got p=2, d=3"),
        ("bvfsm_sin", {"d": 2}, "d must be 1 .* got 2"),
        ("bvfsm_sin", {"a": "2"}, "a must be .* got '2'"),
        ("iaptt_toy", {"p": 2}, "p must be 1 .* got 2"),
        ("entropic_simplex", {"p": 1}, "p must be at least 2 .* got 1"),
        ("entropic_simplex", {"tau": 0.0}, "tau must be .* above 0, got 0.0; without entropy"),
    ],
)
def test_a_bad_argument_is_named_with_its_value(name, keywords, message):
    with pytest.raises(ValueError, match=message):
        FAMILIES[name](**keywords)
