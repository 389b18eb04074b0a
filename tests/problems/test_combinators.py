"""Combinators: the documented example, constants that follow from the pieces, errors that are seen and named."""

from __future__ import annotations

import doctest
from dataclasses import fields, replace

import numpy as np
import pytest
from zoba_bench.problems import combinators
from zoba_bench.problems._base.scalars import CUBIC_ROOT, EXPONENTIAL, sech2, tanh_step
from zoba_bench.problems.combinators import (
    LOG_COSH,
    PSEUDO_HUBER,
    SOFTPLUS,
    SQUARE,
    Scalar,
    bregman_link,
    coupling,
    planted,
    shift_link,
)
from zoba_bench.problems.links.linear import logcosh_ripple, logistic_bregman

from zoba_bench.certification.certify import certify, measured
from zoba_bench.problem import Constants

M = np.array([[1.0, 0.5], [-0.3, 1.2]])
TARGET = [0.7, -0.4]
CONSTANTS = sorted(f.name for f in fields(Constants) if f.name not in ("radius", "sampled"))
TANH = Scalar(
    np.tanh,
    sech2,
    lambda y: -2 * np.tanh(y) * sech2(y),
    step=tanh_step,
    first_bound=1.0,
    second_bound=4 / 27**0.5,
    text="tanh(u)",
)


def failed(checks):
    return {check.name: check.detail for check in checks if not check.ok}


def test_the_documented_example_runs():
    result = doctest.testmod(combinators)
    assert result.attempted > 5
    assert result.failed == 0


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    "link",
    [
        lambda: shift_link(LOG_COSH, coupling(M, TANH), weight=2.0, mu=0.2),
        lambda: bregman_link(SOFTPLUS, coupling(M[:, :1], TANH), weight=3.0, mu=0.1),
        lambda: bregman_link(EXPONENTIAL, coupling(M[:1], CUBIC_ROOT), mu=0.3),
        lambda: shift_link(SQUARE, coupling(M[:, :1])),
    ],
    ids=["shift-tanh", "bregman-tanh", "bregman-root", "quadratic"],
)
def test_every_combination_has_a_full_certificate(link):
    made = link()
    problem = planted(made, PSEUDO_HUBER, TARGET[: made.coupling.matrix.shape[1]], name="made", weight=0.5)
    certificate = certify(problem)
    assert not failed(certificate.checks)
    assert sum(check.kind == "proved" for check in certificate.checks) == 9


@pytest.mark.parametrize("linear", [True, False])
@pytest.mark.parametrize("build", [shift_link, bregman_link])
def test_constants_that_follow_from_the_pieces_are_bounds(build, linear):
    rng = np.random.default_rng(1)
    matrix, target = rng.standard_normal((5, 3)), rng.standard_normal(3)
    phi = LOG_COSH if build is shift_link else SOFTPLUS
    m = coupling(matrix) if linear else coupling(matrix, TANH)
    problem = planted(build(phi, m, weight=2.0, mu=0.3), PSEUDO_HUBER, target, name="made")
    checks = measured(problem)
    assert not failed(checks)
    known = set(problem.constants.known())
    assert {"mu", "L_zz", "L_xz", "H_zz", "H_xz", "H_zx", "m_zz", "C_z", "R", "k_z", "k_v", "s_z", "L_Psi"} <= known
    assert ("L_xx" in known) == ("H" in known) == (linear and build is shift_link)


def test_ripple_constants_are_those_of_the_pieces():
    a, mu, alpha, omega = 1.7, 0.3, 0.4, 2.0
    problem = logcosh_ripple(4, 3, a=a, mu=mu, alpha=alpha, omega=omega)
    bounds = (1 + alpha * omega, 1 + alpha * omega**2, PSEUDO_HUBER.third_bound + alpha * omega**3)
    loss = Scalar(np.abs, np.sign, np.ones_like, first_bound=bounds[0], second_bound=bounds[1], third_bound=bounds[2])
    matrix = problem.inner_solution(np.eye(3)).T
    pieces = planted(shift_link(LOG_COSH, coupling(matrix), weight=a, mu=mu), loss, np.zeros(3), name="made")
    for name in CONSTANTS:
        declared, followed = getattr(problem.constants, name), getattr(pieces.constants, name)
        assert (declared is None) == (followed is None), name
        if declared is not None:
            assert followed == pytest.approx(declared, rel=1e-12), name


def test_logistic_constants_are_at_most_those_of_the_pieces():
    problem = logistic_bregman(4, 3, mu=0.2)
    matrix = problem.inner_solution(np.eye(3)).T
    link = bregman_link(SOFTPLUS, coupling(matrix), mu=0.2)
    pieces = planted(link, PSEUDO_HUBER, problem.minimizer, name="made")
    for name in CONSTANTS:
        declared, followed = getattr(problem.constants, name), getattr(pieces.constants, name)
        if followed is not None and declared is not None:
            assert declared <= followed * (1 + 1e-12), name
    x = np.random.default_rng(0).standard_normal((5, 3))
    np.testing.assert_array_equal(problem.hypergradient(x), pieces.hypergradient(x))


def test_constants_of_unbounded_pieces_are_unknown():
    constants = planted(shift_link(SQUARE, coupling(M)), SQUARE, TARGET, name="made").constants
    assert (constants.C_z, constants.R) == (None, None)
    assert constants.H == constants.s_v == 0.0
    assert constants.k_v == constants.k_z == pytest.approx(np.linalg.norm(M, 2))


def test_without_text_nothing_is_proved_and_the_certificate_says_so():
    loss = replace(PSEUDO_HUBER, text=None)
    problem = planted(shift_link(LOG_COSH, coupling([[1.3]]), mu=0.2), loss, [0.7], name="made")
    assert problem.symbolic is None
    kinds = {check.name: check.kind for check in certify(problem).checks}
    assert kinds["proof"] == "stated"


def test_without_terms_the_global_minimum_is_stated_only():
    loss = replace(PSEUDO_HUBER, terms=())
    problem = planted(shift_link(LOG_COSH, coupling([[1.3]]), mu=0.2), loss, [0.7], name="made")
    kinds = {check.name: check.kind for check in certify(problem).checks}
    assert kinds["global minimum"] == "stated"


def test_without_a_third_derivative_a_bregman_link_has_no_hessian():
    phi = replace(SOFTPLUS, third=None)
    problem = planted(bregman_link(phi, coupling(M), mu=0.2), PSEUDO_HUBER, TARGET, name="made")
    assert problem.inner_hessian is None
    assert not failed(measured(problem))


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("phi", "loss"),
    [
        (replace(LOG_COSH, second=lambda u: 1.001 * sech2(u)), PSEUDO_HUBER),
        (replace(LOG_COSH, value=lambda u: 1.001 * LOG_COSH.value(u)), PSEUDO_HUBER),
        (replace(LOG_COSH, second_bound=0.9), PSEUDO_HUBER),
        (replace(LOG_COSH, text="u**2"), PSEUDO_HUBER),
        (replace(LOG_COSH, curvature="exp(u)"), PSEUDO_HUBER),
        (LOG_COSH, replace(PSEUDO_HUBER, first=lambda u: 1.001 * PSEUDO_HUBER.first(u))),
        (LOG_COSH, replace(PSEUDO_HUBER, first_bound=0.1)),
        (LOG_COSH, replace(PSEUDO_HUBER, terms=("u**2/2",))),
        (LOG_COSH, replace(PSEUDO_HUBER, terms=("sqrt(1 + u**2) - 1",))),
        (LOG_COSH, Scalar(np.cos, lambda u: -np.sin(u), lambda u: -np.cos(u), text="cos(u)")),
    ],
)
def test_a_wrong_piece_is_seen(phi, loss):
    problem = planted(shift_link(phi, coupling([[1.3]]), mu=0.2), loss, [0.7], name="made")
    assert failed(certify(problem).checks)


def test_a_target_is_the_minimiser_where_the_matrix_has_full_column_rank():
    link = shift_link(LOG_COSH, coupling(M), mu=0.2)
    np.testing.assert_array_equal(planted(link, PSEUDO_HUBER, TARGET, name="made").minimizer, TARGET)
    flat = shift_link(LOG_COSH, coupling([[1.0, 2.0], [2.0, 4.0]]), mu=0.2)
    problem = planted(flat, PSEUDO_HUBER, TARGET, name="made")
    assert (problem.minimizer, problem.minimum) == (None, 0.0)


def test_one_name_for_two_numbers_is_refused():
    loss = replace(PSEUDO_HUBER, text="mu*(sqrt(1 + u**2) - 1)", parameters={"mu": 3.0})
    problem = planted(shift_link(LOG_COSH, coupling(M), mu=0.2), loss, TARGET, name="made")
    with pytest.raises(ValueError, match=r"mu stands for both 0.2 and 3.0"):
        problem.symbolic()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: coupling([1.0, 2.0]), r"matrix must be a finite array of shape \(p, d\)"),
        (lambda: coupling([[np.inf]]), "matrix must be a finite array"),
        (lambda: coupling(M, LOG_COSH), "needs `step`"),
        (lambda: shift_link(LOG_COSH, coupling(M)), "not strongly convex: .* = 0.0; raise mu"),
        (lambda: shift_link(LOG_COSH, coupling(M), mu=-1.0), "mu must be .* at least 0, got -1.0"),
        (lambda: bregman_link(SOFTPLUS, coupling(M), weight=0.0, mu=1.0), "weight must be .* above 0, got 0.0"),
        (lambda: shift_link(EXPONENTIAL, coupling(M), mu=1.0), r"needs phi'\(0\) = 0"),
        (
            lambda: planted(shift_link(SQUARE, coupling(M)), SQUARE, [1.0], name="made"),
            r"target must be a finite array of shape \(2,\), got \[1.0\]",
        ),
        (lambda: planted(shift_link(SQUARE, coupling(M)), SQUARE, TARGET, name="made", weight=0.0), "weight must be"),
    ],
)
def test_a_bad_argument_is_named(build, message):
    with pytest.raises(ValueError, match=message):
        build()
