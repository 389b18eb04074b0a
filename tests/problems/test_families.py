"""Facts of single families: textbook formulas, what a parameter does and does not change."""

from __future__ import annotations

import math

import numpy as np
import pytest

from .support import difference, factory, sample

ROUNDING = {"rtol": 1e-12, "atol": 1e-12}


def blocks_at_origin(problem):
    return problem.inner_hessian(np.zeros(problem.p), np.zeros(problem.d))


def coupling(problem):
    """M of z* = Mx."""
    return problem.inner_solution(np.eye(problem.d)).T


@pytest.mark.parametrize("name", ["quad_general", "quad_tracking", "minimax_quad"])
def test_quadratic_inner_objective_equals_its_expansion(name):
    problem = factory(name)(5, 3, seed=2)
    z, x, _, _ = sample(problem, 20)
    zz, xz, xx = blocks_at_origin(problem)
    origin = np.zeros(5), np.zeros(3)
    expected = (
        problem.inner(*origin)
        + z @ problem.inner_grad_z(*origin)
        + x @ problem.inner_grad_x(*origin)
        + np.vecdot(z @ zz, z) / 2
        + np.vecdot(x @ xz, z)
        + np.vecdot(x @ xx, x) / 2
    )
    np.testing.assert_allclose(problem.inner(z, x), expected, **ROUNDING)


@pytest.mark.parametrize("name", ["quad_general", "quad_tracking"])
def test_condition_number_leaves_the_value_alone(name):
    easy, hard = factory(name)(6, 4, seed=1, kappa=1.0), factory(name)(6, 4, seed=1, kappa=1e4)
    x = sample(easy, 10).x
    np.testing.assert_allclose(easy.value(x), hard.value(x), rtol=1e-12)
    np.testing.assert_allclose(easy.minimizer, hard.minimizer, rtol=1e-12, atol=1e-13)
    assert hard.constants.mu == pytest.approx(1e-4)


def test_cross_term_bends_psi_by_both_of_its_halves():
    # Hess Psi = J'PJ + lam I + CJ + J'C': the cross term counts once each way, not as one half of the sum.
    problem = factory("quad_general")(5, 3, seed=2, cross=0.2)
    zero = np.zeros(5), np.zeros(3)
    zz, xz, xx = problem.outer_hessian(*zero)
    J = coupling_of_affine(problem)
    expected = J.T @ zz @ J + xz @ J + J.T @ xz.T + xx
    measured = np.array([difference(problem.hypergradient, e) for e in np.eye(3)])
    np.testing.assert_allclose(measured, expected, atol=1e-9)


def coupling_of_affine(problem):
    return (problem.inner_solution(np.eye(problem.d)) - problem.inner_solution(np.zeros(problem.d))).T


def test_minimax_has_opposite_objectives_and_no_adjoint():
    problem = factory("minimax_quad")(5, 3, seed=1)
    z, x, _, _ = sample(problem, 20)
    np.testing.assert_array_equal(problem.inner(z, x), -problem.outer(z, x))
    assert not problem.adjoint(x).any()
    assert problem.constants.k_v == problem.constants.R == problem.constants.C_z == 0.0


def test_minimax_value_is_the_maximum_over_z():
    problem = factory("minimax_quad")(5, 3, seed=1)
    z, x, _, _ = sample(problem, 200)
    assert (problem.outer(z, x) <= problem.value(x) + 1e-12).all()


def test_logistic_bregman_matches_its_formula():
    problem = factory("logistic_bregman")(5, 3, seed=1, mu=0.3)
    z, x, _, _ = sample(problem, 20)
    m, t = x @ coupling(problem).T, coupling(problem) @ problem.minimizer
    inner = np.logaddexp(0, z) - z / (1 + np.exp(-m)) + 0.15 * (z - m) ** 2
    np.testing.assert_allclose(problem.inner(z, x), inner.sum(-1), **ROUNDING)
    np.testing.assert_allclose(problem.outer(z, x), (np.sqrt(1 + (z - t) ** 2) - 1).sum(-1), **ROUNDING)


def test_logistic_bregman_curvature_varies_with_z_and_with_x_at_the_solution():
    problem = factory("logistic_bregman")(4, 4)
    x = np.stack([np.zeros(4), 3 * np.ones(4)])
    curvature = [problem.inner_hessian(problem.inner_solution(point), point)[0] for point in x]
    assert np.linalg.norm(curvature[0] - curvature[1]) > 0.05


def test_logcosh_ripple_matches_its_formula():
    problem = factory("logcosh_ripple")(5, 3, seed=1, a=2.0, mu=0.3, alpha=0.4, omega=2.5)
    z, x, _, _ = sample(problem, 20)
    r, u = z - x @ coupling(problem).T, z - coupling(problem) @ problem.minimizer
    inner = 2.0 * np.log(np.cosh(r)) + 0.15 * r**2
    outer = np.sqrt(1 + u**2) - 1 + 0.4 * (1 - np.cos(2.5 * u))
    np.testing.assert_allclose(problem.inner(z, x), inner.sum(-1), **ROUNDING)
    np.testing.assert_allclose(problem.outer(z, x), outer.sum(-1), **ROUNDING)


def test_logcosh_ripple_value_is_nonconvex_by_default_and_convex_without_ripple():
    def lowest(problem):
        x = sample(problem, 100).x
        hessians = np.stack([difference(lambda s: problem.hypergradient(x + s), e) for e in np.eye(problem.d)], -1)
        return np.linalg.eigvalsh((hessians + hessians.swapaxes(-1, -2)) / 2).min()

    assert lowest(factory("logcosh_ripple")()) < -1
    assert lowest(factory("logcosh_ripple")(alpha=0.0)) > 0


def test_second_difference_at_the_inner_solution_of_logcosh_keeps_its_digits():
    # G is zero there, so that the rounding of the second difference is relative: eps, not eps / h^2 = 2e-10.
    problem = factory("logcosh_ripple")(4, 3, a=1.0, mu=0.1)
    x = np.zeros(3)
    h, e = 1e-3, np.eye(4)[1]
    second = (problem.inner(h * e, x) + problem.inner(-h * e, x) - 2 * problem.inner(0 * e, x)) / h**2
    # log cosh h = h^2/2 - h^4/12 + ...
    assert second == pytest.approx(1.1 - h**2 / 6, rel=1e-12)


def test_links_declare_no_minimiser_where_it_is_not_unique():
    problem = factory("logistic_bregman")(2, 4)
    assert problem.minimizer is None
    assert problem.minimum == 0.0


@pytest.mark.parametrize(("p", "d"), [(2, 2), (2, 5), (5, 2), (3, 3), (3, 6), (6, 3), (8, 8), (1, 3), (3, 1)])
def test_reference_coupling_is_a_non_symmetric_partial_isometry(p, d):
    problem = factory("reference")(p, d)
    M = coupling(problem)
    np.testing.assert_array_equal(M @ M.T @ M, M)
    assert np.linalg.matrix_rank(M) == min(p, d)
    np.testing.assert_array_equal(problem.inner_hessian(np.zeros(p), np.zeros(d))[1], -M.T)
    if p == d:
        assert not np.array_equal(M, M.T)


@pytest.mark.parametrize(("p", "d"), [(2, 2), (3, 3), (3, 7), (7, 3), (20, 20)])
def test_reference_facts_are_free_of_the_dimensions(p, d):
    problem = factory("reference")(p, d)
    np.testing.assert_array_equal(problem.minimizer, np.eye(d)[0])
    assert np.linalg.norm(problem.adjoint(problem.minimizer)) == pytest.approx(1 / math.sqrt(2))
    assert problem.minimum == pytest.approx(2 * math.sqrt(2))
    hessian = np.array([difference(lambda s: problem.hypergradient(problem.minimizer + s), e) for e in np.eye(d)])
    # On the range of M' both terms bend: 2^(-3/2) twice along e_1, 2^(-1/2) twice across. Off it, one does.
    across, off = [math.sqrt(2)] * (min(p, d) - 1), [math.sqrt(0.5)] * (d - min(p, d))
    expected = sorted([math.sqrt(0.5), *off, *across])
    np.testing.assert_allclose(np.linalg.eigvalsh(hessian), expected, rtol=1e-8)


def test_reference_starts_far_with_the_inner_problem_solved():
    problem = factory("reference")(4, 6)
    z, x = problem.initial_point(np.random.default_rng(0))
    np.testing.assert_array_equal(x, 4 * np.eye(6)[0])
    np.testing.assert_array_equal(z, problem.inner_solution(x))
    # The integral of |grad Psi|^2 along the gradient flow is the gap of values.
    assert problem.value(x) - problem.minimum == pytest.approx(math.sqrt(5) + math.sqrt(17) - 2 * math.sqrt(2))


@pytest.mark.parametrize("lam", [0.1, 0.7, 1.0, 1.4])
def test_reference_keeps_its_minimiser_for_every_weight(lam):
    problem = factory("reference")(3, 3, lam=lam)
    # tau grows like 1 / sqrt(2 - lam^2); at lam = 1.4 the rounding of tau is amplified by less than 100.
    assert np.linalg.norm(problem.hypergradient(problem.minimizer)) < 1e-14


def test_reference_beta_is_invisible_to_psi():
    flat, bent = factory("reference")(4, 4, beta=0.0), factory("reference")(4, 4, beta=3.0)
    x = sample(flat, 5).x
    np.testing.assert_array_equal(flat.value(x), bent.value(x))
    assert (flat.constants.L_xx, bent.constants.L_xx) == (1.0, 4.0)
