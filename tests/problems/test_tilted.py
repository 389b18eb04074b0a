"""The tilt b'(z - z*(x)): what it leaves alone, what it moves, and wrong versions of it that are refused."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from zoba_bench.problems._base.scalars import cubic_root_second
from zoba_bench.problems.combinators import tilted
from zoba_bench.problems.transformed._tilt import slopes_by_differences

from zoba_bench.certification.against_symbols import compare
from zoba_bench.certification.certify import certify, measured
from zoba_bench.certification.identities import prove
from zoba_bench.problem import BilevelProblem
from zoba_bench.registry import UnknownNameError, load_problem

from .support import ROUNDING, assert_close, sample

B = [0.5, -0.5]
SMALL = [
    ("logistic_bregman", {}),
    ("quartic_cardano", {"radius": 1.5}),
    ("quad_general", {"radius": 2.0}),
    ("poisson_bregman", {"radius": 1.0}),
]


def failed(checks):
    return {check.name: check.detail for check in checks if not check.ok}


@pytest.mark.sample(1)
@pytest.mark.parametrize(("name", "keywords"), SMALL)
def test_a_tilted_problem_has_a_full_certificate(name, keywords):
    certificate = certify(tilted(load_problem(name, 2, 2, **keywords), B))
    assert not failed(certificate.checks)
    assert sum(check.kind == "proved" for check in certificate.checks) == 9


def test_a_wrong_sign_of_the_moved_adjoint_is_refused():
    base = load_problem("quartic_cardano", 2, 2, radius=1.5)
    problem = tilted(base, B)
    symbols = problem.symbolic()
    turned = [2 * v - t for v, t in zip(base.symbolic().adjoint, symbols.adjoint, strict=True)]
    assert "adjoint equation" in failed(prove(replace(symbols, adjoint=turned)))
    wrong = replace(problem, adjoint=lambda x: 2 * base.adjoint(x) - problem.adjoint(x))
    assert {"adjoint equation", "hypergradient by the adjoint"} & set(failed(measured(wrong)))


def test_a_tilt_that_is_missing_in_the_slope_in_x_is_refused():
    base = load_problem("logistic_bregman", 2, 2)
    assert failed(measured(replace(tilted(base, B), outer_grad_x=base.outer_grad_x)))


def test_two_tilts_are_proved_too_and_add_up():
    base = load_problem("poisson_bregman", 2, 2)
    twice = tilted(tilted(base, [1.0, 0.0]), [-0.5, 2.0])
    assert not failed([*prove(twice.symbolic()), *compare(twice, twice.symbolic(), np.random.default_rng(0))])
    x = np.array([[0.3, -0.2]])
    assert_close(twice.adjoint(x), tilted(base, [0.5, 2.0]).adjoint(x), ROUNDING, 10.0, "v*")


def test_psi_and_the_inner_level_are_those_of_the_base():
    base = load_problem("quad_general", 4, 3)
    problem = tilted(base, [1.0, 0.0, -2.0, 0.5])
    for name in ("inner", "inner_solution", "value", "hypergradient", "minimizer", "minimum", "start"):
        assert getattr(problem, name) is getattr(base, name), name
    x = np.random.default_rng(0).standard_normal((5, 3))
    z = base.inner_solution(x)
    np.testing.assert_array_equal(problem.outer(z, x), base.outer(z, x))


def test_the_adjoint_is_not_zero_at_the_minimiser():
    base = load_problem("quartic_cardano", 2, 2)
    problem = tilted(base, B)
    best = base.minimizer
    assert_close(base.adjoint(best), np.zeros(2), ROUNDING, what="v* of the base")
    curvature = base.inner_hessian(base.inner_solution(best), best)[0]
    assert_close(curvature @ problem.adjoint(best), -np.array(B), ROUNDING, 1.0, "G_zz v* = -b")


def test_the_hessian_of_z_is_within_its_derived_error_of_the_exact_one():
    base = load_problem("quartic_cardano", 5, 3, seed=2)
    b = np.array([0.5, -1.0, 0.0, 2.0, -0.5])
    M = -base.inner_jvp_xz(np.zeros(5), np.zeros(3), np.eye(5))  # G_xz = -M'
    problem = tilted(base, b)
    for x in sample(base, 8).x:
        exact = (M.T * (b * cubic_root_second(M @ x))) @ M

        def pulled(points, x=x):
            return base.outer_grad_x(base.inner_solution(points), points) - problem.outer_grad_x(
                base.inner_solution(points), points
            )

        found, error = slopes_by_differences(pulled, x)
        assert np.abs(found - exact).max() <= error < 1e-10
        z = base.inner_solution(x)
        assert np.abs(base.outer_hessian(z, x)[2] - problem.outer_hessian(z, x)[2] - exact).max() <= error


def test_an_affine_inner_solution_leaves_the_hessian_of_f_alone():
    base = load_problem("poisson_bregman", 3, 2)
    z, x = np.full(3, 0.2), np.full(2, -0.3)
    for found, expected in zip(
        tilted(base, [1.0, 2.0, 3.0]).outer_hessian(z, x), base.outer_hessian(z, x), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


def test_constants_grow_by_what_the_tilt_adds_and_are_unknown_where_nothing_follows():
    size = np.hypot(*B)
    base = load_problem("logistic_bregman", 2, 2).constants
    found = tilted(load_problem("logistic_bregman", 2, 2), B).constants
    assert found.C_z == base.C_z + size
    assert found.C_x == base.C_x + base.k_z * size
    assert base.R + size / base.mu == found.R
    assert found.k_v == pytest.approx(base.k_v + size * base.H_zz * base.k_z / base.mu**2, rel=1e-14)
    assert (found.s_v, found.m_xx, found.L_Psi) == (None, base.m_xx, base.L_Psi)
    # On a ball, z*(x) may leave the ball on which G_zz is known to be Lipschitz.
    assert tilted(load_problem("quartic_cardano", 2, 2, radius=1.5), B).constants.k_v is None
    quadratic = load_problem("quad_general", 2, 2)
    found = tilted(quadratic, B).constants
    assert (found.k_v, found.s_v, found.R_g) == (quadratic.constants.k_v, 0.0, quadratic.constants.R_g)
    assert quadratic.constants.R_0 + size / quadratic.constants.mu == found.R_0


def test_a_constant_that_was_only_sampled_gives_no_bound():
    base = load_problem("logistic_bregman", 2, 2)
    sampled = replace(base, constants=replace(base.constants, sampled=("C_z", "H_zz", "L_zz")))
    found = tilted(sampled, B).constants
    assert (found.C_z, found.k_v) == (None, None)
    assert found.sampled == ("H_zz", "L_zz")


def test_samples_of_the_base_keep_their_mean_and_their_spread():
    base = load_problem("quad_sum", 3, 2)
    problem = tilted(base, [1.0, -1.0, 0.5])
    every = np.arange(problem.outer_samples)
    z, x = np.full((1, 3), 0.3), np.full((1, 2), -0.7)
    values = problem.outer(z, x, every)
    assert_close(values.mean(), problem.outer(z, x)[0], ROUNDING, np.abs(values), "mean over samples")
    assert problem.constants.sigma_fz == base.constants.sigma_fz


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: tilted(load_problem("l1_tracking"), B), "problem 'l1_tracking' cannot be tilted: "),
        (
            lambda: tilted(BilevelProblem.from_functions(lambda z, x: z[..., 0], lambda z, x: z[..., 0], 1, 1), [1.0]),
            "does not declare inner_solution, adjoint, inner_hvp_zz, inner_jvp_xz",
        ),
        (lambda: tilted(load_problem("quad_general", 2, 2), [1.0]), r"b must be a finite array of shape \(2,\)"),
        (lambda: tilted(load_problem("quad_general", 2, 2), [1.0, np.nan]), "b must be a finite array"),
    ],
)
def test_what_cannot_be_tilted_is_refused_with_the_reason(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_kinks_are_refused():
    base = load_problem("quad_general", 2, 2)
    with pytest.raises(ValueError, match="it has kinks"):
        tilted(replace(base, card=replace(base.card, smooth=False)), B)


def test_a_specification_names_the_base_the_direction_and_the_options_of_the_base():
    specification = {"base": "quartic_cardano", "b": [1.0, -2.0], "options": {"radius": 1.5}}
    problem = load_problem("tilted", 2, 2, seed=3, **json.loads(json.dumps(specification)))
    by_hand = tilted(load_problem("quartic_cardano", 2, 2, seed=3, radius=1.5), [1.0, -2.0])
    assert problem.name == "tilted"
    assert problem.constants == by_hand.constants
    x = np.array([[0.3, -0.1]])
    np.testing.assert_array_equal(problem.adjoint(x), by_hand.adjoint(x))
    again = load_problem("tilted", problem.p, problem.d, **json.loads(json.dumps(dict(problem.parameters))))
    np.testing.assert_array_equal(again.adjoint(x), problem.adjoint(x))


def test_an_unknown_base_is_refused():
    with pytest.raises(UnknownNameError, match="logistic_bregmann"):
        load_problem("tilted", base="logistic_bregmann")
