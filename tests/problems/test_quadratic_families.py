"""The structured quadratic families and SMD6: certificates, planted errors, textbook facts, bad arguments."""

from __future__ import annotations

import inspect
from dataclasses import replace

import numpy as np
import pytest
from zoba_bench.problems.classical.smd6 import smd6
from zoba_bench.problems.games.cournot import cournot
from zoba_bench.problems.quadratic.structured import first_order_fixed_point, imaml_quad, nesterov_chain

from zoba_bench.certification.against_symbols import compare_constants
from zoba_bench.certification.certify import certify
from zoba_bench.certification.closed_forms import measure
from zoba_bench.certification.optimum import optimum

from .support import difference, sample

FAMILIES = [nesterov_chain, cournot, imaml_quad, smd6]
PROVED = {
    "inner stationarity",
    "strong convexity",
    "adjoint equation",
    "value",
    "hypergradient is the derivative of Psi",
    "hypergradient by the adjoint",
    "stationary minimiser",
    "minimum is the value there",
    "global minimum",
}
CONSTANTS = {"mu", "L_zz", "L_xz", "L_xx", "m_zz", "m_xz", "m_xx", "k_z", "k_v", "L_Psi", "R_0", "R_g"}
# Away from the defaults, small enough for the symbols: seeds, sizes, parameters.
SMALL = [
    (nesterov_chain, {"p": 1, "d": 1, "seed": 1}),
    (nesterov_chain, {"p": 2, "d": 2, "seed": 2, "kappa": 100.0, "L0": 1.5}),
    (cournot, {"p": 1, "d": 1, "seed": 1}),
    (cournot, {"p": 3, "d": 1, "seed": 2, "b": 0.3, "k": 0.0, "kl": 0.0, "radius": 2.0}),
    (imaml_quad, {"p": 1, "d": 1, "seed": 1}),
    (imaml_quad, {"p": 2, "d": 1, "seed": 2, "lam": 0.3, "kappa": 5.0}),
    (imaml_quad, {"p": 2, "d": 2, "seed": 3}),
    (smd6, {"p": 1, "d": 1}),
    (smd6, {"p": 2, "d": 5, "r": 2}),
    (smd6, {"p": 4, "d": 2, "r": 1}),
]
LARGE = [
    (nesterov_chain, {"p": 30, "d": 30, "seed": 1, "kappa": 1000.0, "radius": 3.0}),
    (cournot, {"p": 30, "d": 3, "seed": 1, "radius": 1.0}),
    (imaml_quad, {"p": 20, "d": 5, "seed": 1, "kappa": 100.0, "lam": 0.1, "radius": 2.0}),
    (smd6, {"p": 30, "d": 20}),
]


def named(cases):
    return [pytest.param(*case, id=f"{case[0].__name__}-{case[1]}") for case in cases]


def failed(certificate):
    return [check.name for check in certificate.checks if not check.ok]


def unproved(problem):
    """The same problem without its symbols, whose certificate is measured only."""
    return replace(problem, symbolic=None)


@pytest.mark.sample(1)
@pytest.mark.parametrize(("build", "keywords"), named(SMALL))
def test_everything_is_proved_of_other_instances(build, keywords):
    certificate = certify(build(**keywords))
    assert not failed(certificate)
    assert {check.name for check in certificate.checks if check.kind == "proved"} >= PROVED


@pytest.mark.parametrize(("build", "keywords"), named(LARGE))
def test_large_instances_are_measured_to_be_right(build, keywords):
    assert not failed(certify(unproved(build(**keywords))))


@pytest.mark.parametrize("build", FAMILIES)
@pytest.mark.parametrize(
    "attribute",
    ["inner_solution", "adjoint", "value", "hypergradient", "inner_grad_z", "outer_grad_x", "minimizer", "minimum"],
)
def test_a_planted_error_is_seen(build, attribute):
    problem = unproved(build(**build.card.small))
    right = getattr(problem, attribute)
    wrong = (lambda *at: right(*at) + 1e-3) if callable(right) else right + 1e-3
    part = measure if callable(right) else optimum
    assert not all(check.ok for check in part(replace(problem, **{attribute: wrong}), np.random.default_rng(0)))


@pytest.mark.parametrize("build", FAMILIES)
@pytest.mark.parametrize("sign", [1, -1])
def test_every_wrong_constant_is_seen(build, sign):
    problem = build(**build.card.small)
    moved = {name: getattr(problem.constants, name) + sign * 1e-3 for name in CONSTANTS}
    checks = compare_constants(replace(problem, constants=replace(problem.constants, **moved)), problem.symbolic())
    assert {check.name for check in checks if not check.ok} == {f"constant {name}" for name in CONSTANTS}


@pytest.mark.parametrize("build", FAMILIES)
def test_parameters_rebuild_the_same_problem(build):
    problem = build(seed=5)
    keywords = inspect.signature(build).parameters.values()
    assert set(problem.parameters) == {k.name for k in keywords if k.kind is k.KEYWORD_ONLY}
    again = build(problem.p, problem.d, **problem.parameters)
    z, x, _, _ = sample(problem, 5)
    np.testing.assert_array_equal(problem.inner(z, x), again.inner(z, x))
    np.testing.assert_array_equal(problem.outer(z, x), again.outer(z, x))
    assert problem.constants == again.constants


def test_the_chain_is_nesterovs():
    problem = nesterov_chain(6, 6, seed=1, L0=3.0)
    z, x, _, _ = sample(problem, 20)
    T = 2 * np.eye(6) - np.eye(6, k=1) - np.eye(6, k=-1)
    textbook = 0.75 * (np.vecdot(z @ T, z) / 2 - z[:, 0])
    np.testing.assert_allclose(problem.outer(z, x), textbook, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(problem.inner_solution(x), x)
    np.testing.assert_allclose(problem.minimizer, [6 / 7, 5 / 7, 4 / 7, 3 / 7, 2 / 7, 1 / 7], rtol=1e-15)
    assert problem.minimum == pytest.approx(-3 / 8 * 6 / 7)


def test_the_chains_condition_number_grows_like_the_square_of_the_dimension():
    for d in (10, 40):
        problem = nesterov_chain(d, d)
        spectrum = np.linalg.eigvalsh([difference(problem.hypergradient, e) for e in np.eye(d)])
        # tan^2(t) / t^2 - 1 < 1% with t = pi / (2 (d+1)); the exact ratio is cot^2 t.
        assert spectrum[-1] / spectrum[0] == pytest.approx((2 * (d + 1) / np.pi) ** 2, rel=0.02)


def test_the_chains_value_does_not_depend_on_the_inner_conditioning():
    easy, hard = nesterov_chain(kappa=1.0), nesterov_chain(kappa=1e4)
    x = sample(easy, 10).x
    np.testing.assert_array_equal(easy.value(x), hard.value(x))
    assert hard.constants.mu == pytest.approx(1e-4)


def test_the_inner_solution_of_cournot_is_a_nash_equilibrium():
    a, b, k, n = 10.0, 0.7, 0.4, 5
    problem = cournot(3 * n, 3, seed=2, a=a, b=b, k=k, kl=0.3)
    costs = np.random.default_rng(2).uniform(0.1 * a, 0.3 * a, (3, n))
    x = sample(problem, 1).x[0]
    z = problem.inner_solution(x).reshape(3, n)

    def profit(z, i, m):
        price = a - b * x[m] - b * z[m].sum()
        return price * z[m, i] - costs[m, i] * z[m, i] - k * z[m, i] ** 2 / 2

    for m in range(3):
        for i in range(n):
            for step in (1e-2, -1e-2):
                other = z.copy()
                other[m, i] += step
                # Profit is quadratic with curvature -(2b + k): a deviation costs exactly that.
                lost = profit(z, i, m) - profit(other, i, m)
                assert lost == pytest.approx((2 * b + k) * step**2 / 2, rel=1e-8)


@pytest.mark.parametrize("followers", [1, 2, 10, 100])
def test_the_condition_number_of_cournot_grows_with_the_followers(followers):
    problem = cournot(2 * followers, 2, b=1.0, k=0.5)
    spectrum = np.linalg.eigvalsh(problem.inner_hessian(np.zeros(problem.p), np.zeros(2))[0])
    expected = 1 + followers / 1.5 if followers > 1 else 1.0
    assert spectrum[-1] / spectrum[0] == pytest.approx(expected)
    assert problem.constants.L_zz / problem.constants.mu == pytest.approx(expected)


def test_the_first_order_point_of_meta_learning_is_elsewhere():
    problem = imaml_quad()
    x = first_order_fixed_point(problem)
    assert np.linalg.norm(problem.hypergradient(x)) == pytest.approx(0.216, abs=5e-4)
    assert problem.value(x) - problem.minimum == pytest.approx(0.0750, abs=5e-5)
    check = next(c for c in certify(unproved(problem)).checks if c.name == "first-order fixed point")
    assert check.kind == "computed"
    assert "0.216" in check.detail


def test_the_first_order_point_solves_its_textbook_equation():
    problem = imaml_quad(6, 2, seed=3, lam=0.5)
    x = first_order_fixed_point(problem)
    zz = problem.inner_hessian(np.zeros(6), x)[0]
    P = 3 * problem.outer_hessian(np.zeros(6), x)[0]
    s = np.linalg.solve(P, -3 * problem.outer_grad_z(np.zeros(6), x))
    c = np.linalg.solve(zz - 0.5 * np.eye(6), -problem.inner_grad_z(np.zeros(6), np.zeros(2)))
    left, right = np.zeros((2, 2)), np.zeros(2)
    for i in range(3):
        block = slice(2 * i, 2 * i + 2)
        Q = 0.5 * np.linalg.inv(zz[block, block])
        left += P[block, block] @ Q
        right += P[block, block] @ (s[block] - (np.eye(2) - Q) @ c[block])
    np.testing.assert_allclose(x, np.linalg.solve(left, right), rtol=1e-11)


@pytest.mark.parametrize(("p", "d", "kappa"), [(3, 3, 30.0), (4, 1, 1.0)])
def test_first_order_meta_learning_is_right_for_one_task_and_for_tasks_of_one_curvature(p, d, kappa):
    # One task can be solved exactly; with A_i = 5 I the factor Q_i is the same scalar everywhere.
    problem = imaml_quad(p, d, kappa=kappa)
    np.testing.assert_allclose(first_order_fixed_point(problem), problem.minimizer, rtol=1e-11)


def test_smd6_has_no_adjoint_and_the_square_as_its_value():
    problem = smd6(5, 4, r=2)
    z, x, _, _ = sample(problem, 20)
    x1, x2, z1, z2 = x[:, :2], x[:, 2:], z[:, :3], z[:, 3:]
    far = ((x2 - z2) ** 2).sum(-1)
    below, above = (x1**2).sum(-1) + (z1**2).sum(-1) + far, (x**2).sum(-1) - (z1**2).sum(-1) - far
    np.testing.assert_allclose(problem.inner(z, x), below, rtol=1e-13)
    np.testing.assert_allclose(problem.outer(z, x), above, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(problem.value(x), (x**2).sum(-1), rtol=1e-13)
    assert not problem.adjoint(x).any()
    assert problem.constants.R == problem.constants.C_z == problem.minimum == 0.0
    # Relative accuracy at the optimum: nothing is subtracted there.
    np.testing.assert_allclose(problem.value(1e-200 * x), 1e-200 * (1e-200 * x**2).sum(-1), rtol=1e-13)


@pytest.mark.parametrize(
    ("build", "keywords", "message"),
    [
        *((build, {"p": 0}, "p must be .* got 0") for build in FAMILIES),
        *((build, {"d": True}, "d must be .* got True") for build in FAMILIES),
        *((build, {"seed": -1}, "seed must be .* got -1") for build in FAMILIES),
        *((build, {"radius": 0.0}, "radius must be .* above 0, got 0.0; leave it None") for build in FAMILIES[:3]),
        (nesterov_chain, {"d": 5}, "p must equal d, as .* got p=8, d=5; give both"),
        (nesterov_chain, {"kappa": 0.5}, "kappa must be .* at least 1, got 0.5"),
        (nesterov_chain, {"L0": 0}, "L0 must be .* above 0, got 0"),
        (cournot, {"p": 7, "d": 2}, "p must be a multiple of d .* got p=7, d=2"),
        (cournot, {"a": 0.0}, "a must be .* got 0.0"),
        (cournot, {"b": -1.0}, "b must be .* got -1.0"),
        (cournot, {"k": float("nan")}, "k must be .* got nan"),
        (cournot, {"kl": -0.1}, "kl must be .* at least 0, got -0.1"),
        (imaml_quad, {"d": 2}, "p must be a multiple of d .* got p=9, d=2"),
        (imaml_quad, {"lam": 0.0}, "lam must be .* above 0, got 0.0; without it"),
        (imaml_quad, {"kappa": 0.1}, "kappa must be .* got 0.1"),
        (smd6, {"r": 6}, "r must be .* below 6, got 6"),
        (smd6, {"r": 0}, "r must be a positive integer, got 0"),
    ],
)
def test_a_bad_argument_is_named_with_its_value(build, keywords, message):
    with pytest.raises(ValueError, match=message):
        build(**keywords)
