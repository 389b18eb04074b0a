"""The two-loop zeroth-order methods: every step, moments against quadrature, and what must be refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import sympy as sp
from zoba_bench.theory.estimators.isserlis import Environment, expectation
from zoba_bench.theory.estimators.surrogates import SurrogateError, cross_second
from zoba_bench.theory.methods.two_loops import penalty, response, two_loop
from zoba_bench.theory.methods.two_loops.directional import (
    joint_gradient,
    joint_hessian,
    over_sphere,
    response_estimate,
    separation_difference,
    sphere_difference,
)
from zoba_bench.theory.methods.two_loops.penalty import limit_error, penalty_error, zo_penalty
from zoba_bench.theory.methods.two_loops.response import hozog, pzobo
from zoba_bench.theory.methods.two_loops.two_loop import zmdsba
from zoba_bench.theory.proof.theorem import TheoremError

from zoba_bench import estimators as est

from ...mutation import accepted_mutants
from ...support import gauss_hermite, quadratics, random_blocks

FACTORIES = {"zmdsba": zmdsba, "zo-penalty": zo_penalty, "pzobo": pzobo, "hozog": hozog}
H, ETA, LAM = 0.3, 0.2, 3.0


def statements(theorem):
    return {step.name: step.statement for step in theorem.steps}


@pytest.mark.parametrize("name", FACTORIES)
def test_every_step_is_verified(name):
    theorem = FACTORIES[name]()
    assert theorem.name == theorem.solver == name
    for result in theorem.results:
        assert result.ok, result


@pytest.mark.parametrize("name", FACTORIES)
def test_no_changed_statement_is_accepted(name):
    assert accepted_mutants(FACTORIES[name]()) == []


@pytest.mark.parametrize("name", FACTORIES)
def test_factories_are_cached_and_render(name):
    theorem = FACTORIES[name]()
    assert FACTORIES[name]() is theorem
    assert "FAILS" not in theorem.render_text()
    assert all(step.name in theorem.render_markdown() for step in theorem.steps)
    assert theorem.render()["failures"] == ""


def test_counts_per_outer_step():
    t, s, b, T, l, N, Q, q = sp.symbols("t_k s_k b_k T_b l N Q q", positive=True)
    expected = {
        "zmdsba": {"inner": 2 * t + 3 * s + 3 * b, "outer": 2 * s + 2 * b},
        "zo-penalty": {"inner": 4 * T + 2 * (l + 1), "outer": 2 * T + l + 1},
        "pzobo": {"inner_grad_z": (Q + 1) * N, "outer_grad_z": 1, "outer_grad_x": 1},
        "hozog": {"trainings": q + 1, "outer": q + 1},
    }
    for name, counts in expected.items():
        found = FACTORIES[name]().evaluations_per_iteration
        assert found.keys() == counts.keys()
        assert all(sp.expand(found[kind] - counts[kind]) == 0 for kind in counts), name


# Moments against quadrature of what the formulas compute.


@pytest.fixture(params=[(2, 1), (1, 2)], ids=str)
def problem(request):
    return random_blocks(*request.param, seed=7)


def environment(b, **vectors):
    return Environment.exact(b.matrices, b.vectors | vectors)


def moments(surrogate, known):
    second = np.trace(surrogate.second_moment_matrix.matrix(known, H / ETA, ETA))
    return surrogate.mean, second


def assert_moments(values, weights, mean, second):
    assert np.allclose(weights @ values, mean, rtol=1e-11, atol=1e-11)
    assert weights @ np.vecdot(values, values) == pytest.approx(second, rel=1e-12)


def joint_queries(b, level, g_x):
    """Values at the joint points, and the directions."""
    points, weights = gauss_hermite(b.p + b.d, 5)
    w, u = points[:, : b.p], points[:, b.p :]
    g, f = quadratics(b)
    q = f if level == "outer" else lambda z, x: g(z, x) + x @ g_x
    zero = np.zeros_like(w), np.zeros_like(u)
    return w, u, weights, q(H * w, ETA * u), q(-H * w, -ETA * u), q(*zero)


@pytest.mark.parametrize("name", ["g_z", "f_z", "f_x", "Hv", "Cv"])
def test_joint_surrogates_equal_quadrature(problem, name):
    b, g_x = problem, np.arange(1.0, problem.d + 1)
    level = "outer" if name.startswith("f") else "inner"
    w, u, weights, plus, minus, centre = joint_queries(b, level, g_x)
    if name == "Hv":
        s = est.second_difference(plus, minus, centre, H, H)
        values, mean = s[:, None] * ((w @ b.v)[:, None] * w - b.v), b.A @ b.v
        surrogate = joint_hessian(est.second_difference)
    elif name == "Cv":
        s = est.second_difference(plus, minus, centre, H, ETA)
        values, mean = (s * (w @ b.v))[:, None] * u, b.C @ b.v
        surrogate = cross_second(est.second_difference)
    else:
        direction, radius = (u, ETA) if name.endswith("x") else (w, H)
        values = est.forward_difference(plus, centre, radius)[:, None] * direction
        mean = {"g_z": b.G_z, "f_z": b.F_z, "f_x": b.F_x}[name]
        surrogate = joint_gradient(est.forward_difference, level, name[-1])
    assert_moments(values, weights, mean, moments(surrogate, environment(b, G_x=g_x))[1])


def test_noise_of_the_joint_inner_gradient_stays_at_the_inner_solution():
    b = replace(random_blocks(2, 1), G_z=np.zeros(2))
    surrogate = joint_gradient(est.forward_difference, "inner", "z")
    matrix = surrogate.second_moment_matrix.matrix(environment(b, G_x=np.array([3.0])), 1.0, 0.0)
    assert np.trace(matrix) == pytest.approx(2 * 9.0)


def test_outer_direction_of_the_penalty_equals_quadrature(problem):
    b, s, g_x = problem, np.linspace(1, 2, problem.p), np.ones(problem.d)
    u, weights = gauss_hermite(b.d, 5)
    g, f = quadratics(b)
    zero, still = np.zeros((len(u), b.p)), np.zeros_like(u)

    def inner(z, x):
        return g(z, x) + x @ g_x

    c_f = est.forward_difference(f(zero, ETA * u), f(zero, still), ETA)
    at_y = est.forward_difference(inner(zero + s, ETA * u), inner(zero + s, still), ETA)
    at_z = est.forward_difference(inner(zero, ETA * u), inner(zero, still), ETA)
    known = environment(b, s=s, G_x=g_x)
    difference = separation_difference(est.forward_difference)
    assert_moments((at_y - at_z)[:, None] * u, weights, b.C @ s, moments(difference, known)[1])
    total = penalty.combined(est.forward_difference).second_moment_matrix
    terms = tuple((coefficient.subs(penalty.lam, LAM), product) for coefficient, product in total.terms)
    second = np.trace(replace(total, terms=terms).matrix(known, 1.0, ETA))
    values = (c_f + LAM * (at_y - at_z))[:, None] * u
    assert_moments(values, weights, b.F_x + LAM * b.C @ s, second)


def test_independent_directions_keep_noise_at_equal_points():
    b, g_x = random_blocks(2, 1, seed=7), np.array([1.5])
    pairs, weights = gauss_hermite(2, 5)
    g, _ = quadratics(b)

    def one(u):
        zero = np.zeros((len(u), 2))
        return est.forward_difference(g(zero, ETA * u) + ETA * u @ g_x, g(zero, 0 * u), ETA)[:, None] * u

    values = one(pairs[:, :1]) - one(pairs[:, 1:])
    stated = statements(zo_penalty())["independent directions"].rhs
    trace = float(np.trace(b.B))
    by_name = {"|G_x|^2": 1.5**2, "tr(B)": trace, "tr(B^2)": float(np.trace(b.B @ b.B)), "d": 1, "eta": ETA}
    expected = float(stated.subs({symbol: by_name[str(symbol)] for symbol in stated.free_symbols}))
    assert weights @ np.vecdot(values, values) == pytest.approx(expected, rel=1e-12)


def test_response_estimate_equals_quadrature():
    rng = np.random.default_rng(1)
    slope, f_z = rng.standard_normal((3, 2)), rng.standard_normal(3)
    u, weights = gauss_hermite(2, 5)
    values = est.forward_difference((1.0 + ETA * u @ slope.T) @ f_z, np.sum(f_z), ETA)[:, None] * u
    surrogate = response_estimate(est.forward_difference)
    blocks = {"A": np.eye(3), "B": np.eye(2), "J": slope}
    second = np.trace(surrogate.second_moment_matrix.matrix(Environment.exact(blocks, {"F_z": f_z}), 1.0, ETA))
    assert_moments(values, weights, slope.T @ f_z, second)
    assert second == pytest.approx(4 * np.sum((slope.T @ f_z) ** 2))


def circle(number=16):
    """Equal weights on the circle: exact for polynomials of degree below ``number``."""
    angles = 2 * np.pi * np.arange(number) / number
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def test_sphere_difference_equals_quadrature_on_the_circle():
    b, u = random_blocks(1, 2, seed=5), circle()
    _, f = quadratics(b)
    zero = np.zeros((len(u), 1))
    values = 2 * est.forward_difference(f(zero, ETA * u), f(zero, 0 * u), ETA)[:, None] * u
    stated = statements(hozog())["second moment of the sphere difference"].rhs
    by_name = {
        "|F_x|^2": b.F_x @ b.F_x,
        "tr(F_xx)": np.trace(b.F_xx),
        "tr(F_xx^2)": np.trace(b.F_xx @ b.F_xx),
        "d": 2,
        "eta": ETA,
    }
    second = float(stated.subs({symbol: by_name[str(symbol)] for symbol in stated.free_symbols}))
    assert_moments(values, np.full(len(u), 1 / len(u)), b.F_x, second)


# The penalty's hypergradient.


def hypergradients(b, lam):
    """The hypergradient and the penalty's two, from linear solves, at x = 0."""
    z = -np.linalg.solve(b.A, b.G_z)
    y = -np.linalg.solve(b.F_zz + lam * b.A, b.F_z + lam * b.G_z)
    v = -np.linalg.solve(b.A, b.F_z + b.F_zz @ z)
    exact = b.F_x + b.F_xz @ z + b.C @ v
    outer, inner = b.F_x + b.F_xz @ y, lam * (b.C @ y - b.C @ z)
    return exact, outer + inner, outer - inner, v


@pytest.mark.parametrize("lam", [1.0, 10.0, 1000.0])
def test_penalty_error_equals_that_of_linear_solves(lam):
    b = random_blocks(4, 3, seed=2)
    exact, penalised, _, v = hypergradients(b, lam)
    inverse = np.linalg.inv(b.F_zz + lam * b.A)
    found = (b.F_xz @ inverse @ b.A - b.C @ inverse @ b.F_zz) @ v
    assert np.allclose(penalised - exact, found, rtol=1e-9, atol=1e-12)
    known = {name: np.linalg.norm(getattr(b, key), 2) for name, key in
             {"L_zz": "A", "L_xz": "C", "m_zz": "F_zz", "m_xz": "F_xz"}.items()}  # fmt: skip
    known |= {"R": np.linalg.norm(v), "mu": np.linalg.eigvalsh(b.A)[0], "lambda": lam}
    bound = statements(zo_penalty())["bound of the error"].rhs
    value = float(bound.subs({symbol: known[str(symbol)] for symbol in bound.free_symbols}))
    assert lam * known["mu"] <= known["m_zz"] or np.linalg.norm(found) <= value


def test_penalty_error_falls_as_one_over_lambda_and_the_reversed_one_stays():
    b = random_blocks(4, 3, seed=2)
    errors = []
    for lam in (1e3, 1e4):
        exact, penalised, reverse, v = hypergradients(b, lam)
        errors.append(np.linalg.norm(penalised - exact))
    assert errors[0] / errors[1] == pytest.approx(10, rel=0.02)
    assert np.allclose(reverse - exact, -2 * b.C @ v, rtol=1e-2)


def test_scalar_errors_are_those_of_the_matrix_formula():
    a, r, c, k, v = 2.0, 0.5, 0.7, -0.3, 1.1
    by_name = {"a": a, "r": r, "c": c, "k": k, "v": v, "lambda": LAM}
    for sign, expected in ((1, k * a - c * r), (-1, k * a - c * r - 2 * LAM * a * c)):
        found = penalty_error(sign)
        value = float(found.subs({symbol: by_name[str(symbol)] for symbol in found.free_symbols}))
        assert value == pytest.approx(v * expected / (r + LAM * a))
    assert limit_error(1) == 0
    assert limit_error(-1) != 0


# Recursions.


def test_szhia_in_the_mean_and_slope_of_inner_steps():
    b, step, steps = random_blocks(3, 2, seed=4), 0.2, 25
    v, slope = np.zeros(3), np.zeros((3, 2))
    for _ in range(steps):
        v = v - step * (b.A @ v - b.F_z)
        slope = slope - step * (b.A @ slope + b.C.T)
    values, vectors = np.linalg.eigh(b.A)
    left = vectors @ np.diag((1 - step * values) ** steps) @ vectors.T
    goal, exact = np.linalg.solve(b.A, b.F_z), -np.linalg.solve(b.A, b.C.T)
    assert np.allclose(v - goal, -left @ goal, atol=1e-12)
    assert np.allclose(slope - exact, -left @ exact, atol=1e-12)


# Negative controls.


def without_the_half(plus, minus, centre, r1, r2):
    return (plus + minus - 2 * centre) / (r1 * r2)


def test_the_released_cross_term_is_refused():
    with pytest.raises(SurrogateError, match=r"derived mean 2\*C v, required C v"):
        cross_second(without_the_half).check()
    wrong = two_loop.build(est.forward_difference, without_the_half)
    with pytest.raises(TheoremError, match="step 'mean of Hv joint' fails"):
        wrong.require_checked()
    assert "derived mean 2*C v" in str(wrong.results)


def test_the_reversed_sign_of_the_penalty_is_refused():
    wrong = penalty.build(est.forward_difference, sign=-1)
    failing = [result.step for result in wrong.results if not result.ok]
    assert failing == ["error on a pair of eigenvectors", "order in lambda"]


def test_a_sphere_difference_without_the_factor_is_refused():
    wrong = response.build_hozog(est.forward_difference, sp.Integer(1))
    failing = [result.step for result in wrong.results if not result.ok]
    assert failing == ["mean of the sphere difference", "second moment of the sphere difference"]
    mean = over_sphere(expectation(sphere_difference(est.forward_difference, sp.Integer(1)).tested(1)))
    right = over_sphere(expectation(sphere_difference(est.forward_difference).tested(1)))
    assert sp.cancel(right / mean) == sp.Symbol("d", positive=True)


def test_a_changed_coefficient_function_is_refused():
    def halved(shifted, centre, radius):
        return (shifted - centre) / (2 * radius)

    for wrong in (two_loop.build(halved, est.second_difference), penalty.build(halved), response.build_hozog(halved)):
        with pytest.raises(TheoremError, match="mean of"):
            wrong.require_checked()
