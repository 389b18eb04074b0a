"""How exact the hypergradients of AID-BiO, ITD-BiO and stocBiO are, against the derived bounds and closed forms."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise, product
from unittest.mock import patch

import numpy as np
import pytest

import zoba_bench as zb
from zoba_bench.driver import run
from zoba_bench.oracle import Oracle
from zoba_bench.problem import Constants
from zoba_bench.registry import make_solver, theorem
from zoba_bench.solvers.aid_bio import conjugate_gradients

from ..theory.implicit_support import spd, value
from .differentiable import LipschitzSum, differentiable
from .hypergradient_support import EPS, at_solution, joint_constants, least_error, states

# AID-BiO: conjugate gradients.


def systems(spectra, seed=0):
    """Matrices (R, p, p) with the given eigenvalues, and solutions (R, p)."""
    rng = np.random.default_rng(seed)
    bases = [np.linalg.qr(rng.standard_normal((len(s), len(s))))[0] for s in spectra]
    A = np.array([(q * np.asarray(s, dtype=float)) @ q.T for q, s in zip(bases, spectra, strict=True)])
    return A, rng.standard_normal((len(spectra), len(spectra[0])))


def solved(A, solution, start, steps):
    applications = []

    def apply(v):
        applications.append(1)
        return np.einsum("rij,rj->ri", A, v)

    found = conjugate_gradients(apply, np.einsum("rij,rj->ri", A, solution), start, steps)
    assert len(applications) == steps + 1
    return found


def rounding_of_solve(A, solution):
    """p^2 eps kappa |solution| for each of the steps, whose errors the next ones multiply by kappa at most."""
    kappa = np.linalg.cond(A).max()
    p = solution.shape[1]
    return p * 8 * p**2 * EPS * kappa**2 * np.linalg.norm(solution, axis=1).max()


def test_conjugate_gradients_end_after_as_many_steps_as_eigenvalues():
    """Each system of a block at its own number, and one step earlier not."""
    spectra = [[1, 2, 4, 5], [1, 1, 4, 5], [2, 2, 5, 5], [3, 3, 3, 3]]
    A, solution = systems(spectra)
    limit = rounding_of_solve(A, solution)
    for steps in range(1, 5):
        error = np.linalg.norm(solved(A, solution, np.zeros((4, 4)), steps) - solution, axis=1)
        for r, spectrum in enumerate(spectra):
            assert (error[r] <= limit) == (steps >= len(set(spectrum))), (steps, r, error[r], limit)
    assert limit < 1e-9


@pytest.mark.parametrize("steps", [1, 2, 5, 9])
def test_conjugate_gradients_stay_below_the_rate_of_the_theorem(steps):
    rng = np.random.default_rng(1)
    A = np.array([spd(rng, 20, 0.02, 1.0) for _ in range(3)])
    solution, start = rng.standard_normal((2, 3, 20))
    error = solved(A, solution, start, steps) - solution
    begun = start - solution
    energy = np.sqrt(np.einsum("ri,rij,rj->r", error, A, error) / np.einsum("ri,rij,rj->r", begun, A, begun))
    assert (energy <= value(theorem("aid-bio"), "rate of conjugate gradients", kappa=50, N=steps)).all()


def test_conjugate_gradients_go_on_after_the_solution_without_harm():
    A, solution = systems([[1, 2, 3], [1, 1, 1]])
    for start in (np.zeros((2, 3)), solution):
        found = solved(A, solution, start, 400)
        assert np.abs(found - solution).max() <= rounding_of_solve(A, solution)


def test_conjugate_gradients_leave_a_system_without_residual_alone():
    """Bit by bit, also where the matrix is zero (a frozen replicate), beside one that moves."""
    A, solution = systems([[1, 2], [1, 3], [1, 1]])
    A[1] = 0
    start = np.array([[0.3, -0.7], [0.1, 0.2], [0.5, 0.25]])
    A[2], solution[2] = np.eye(2), start[2]
    found = solved(A, solution, start, 3)
    assert np.array_equal(found[1:], start[1:])
    assert np.abs(found[0] - solution[0]).max() <= rounding_of_solve(A[:1], solution[:1])


@pytest.mark.parametrize("name", ["quad_general", "nesterov_chain", "minimax_quad"])
def test_hypergradient_of_aid_is_exact_from_the_inner_solution_with_as_many_steps_as_dimensions(name):
    problem = zb.load_problem(name)
    state = at_solution(problem, np.linspace(-1, 1, problem.d))
    exact = problem.hypergradient(state.x[0])
    errors = []
    for N in (1, problem.p):
        _, v, h = make_solver("aid-bio", D=1, N=N).hypergradient(state)
        errors.append(np.linalg.norm(h[0] - exact))
    scale = np.linalg.norm(problem.adjoint(state.x[0])) + np.linalg.norm(exact) + 1
    kappa = problem.constants.L_zz / problem.constants.mu
    limit = problem.p * 8 * problem.p**2 * EPS * kappa**2 * scale
    assert errors[1] <= limit < 1e-8
    assert np.abs(v[0] - problem.adjoint(state.x[0])).max() <= limit
    if problem.constants.R != 0:
        assert errors[0] > 1e-3


def test_error_of_aid_decays_with_the_inner_steps_as_derived():
    """|h - grad Psi| <= (m_xz + L_xz m_zz/mu) (1 - alpha mu)^D |z^0 - z*| where G is quadratic and v solves its system.

    And no faster: 20 more steps leave (1 - alpha mu)^20 of it in the end.
    """
    problem = zb.load_problem("quad_general", p=4, d=3, kappa=5.0)
    c, alpha = problem.constants, 1.0
    x = np.linspace(-1, 1, 3)
    state = at_solution(problem, x)
    state = replace(state, z=state.z + np.linspace(1, 2, 4))
    start = np.linalg.norm(state.z[0] - problem.inner_solution(x))
    errors = {}
    for D in (1, 5, 20, 40, 60):
        _, _, h = make_solver("aid-bio", alpha=alpha, D=D, N=4).hypergradient(state)
        errors[D] = np.linalg.norm(h[0] - problem.hypergradient(x))
        rate = (1 - alpha * c.mu) ** D
        assert errors[D] <= (c.m_xz + c.L_xz * c.m_zz / c.mu) * rate * start + 1e-12
    # The share of the next eigenvalue, 5^(-2/3) after 1/5, has fallen by (0.658/0.8)^40 = 4e-4.
    assert errors[60] / errors[40] == pytest.approx((1 - alpha * c.mu) ** 20, rel=0.01)


def test_aid_goes_on_from_its_last_adjoint():
    """From v* one step of conjugate gradients changes nothing; from zero it does not arrive."""
    problem = zb.load_problem("quad_general")
    state = at_solution(problem, np.linspace(-1, 1, problem.d))
    solver = make_solver("aid-bio", D=1, N=1)
    adjoint = problem.adjoint(state.x)
    warm, cold = (solver.hypergradient(replace(state, v=v))[1] for v in (adjoint, 0 * adjoint))
    assert np.abs(warm - adjoint).max() < 1e-12
    assert np.abs(cold - adjoint).max() > 1e-2
    # Two iterations: the second one starts conjugate gradients where the first one left v, with the new z and x.
    first = solver.step(state)
    apply = np.array([problem.inner_hvp_zz(np.zeros(problem.p), np.zeros(problem.d), e) for e in np.eye(problem.p)]).T
    second = solver.step(first)
    z = first.z[0] - solver.alpha * problem.inner_grad_z(first.z[0], first.x[0])
    expected = least_error(apply, -problem.outer_grad_z(z, first.x[0]), first.v[0], 1)
    np.testing.assert_allclose(second.v[0], expected, rtol=0, atol=1e-11)


# ITD-BiO: the derivative of the unrolled loop.


def test_hypergradient_of_itd_is_the_derivative_of_the_unrolled_objective():
    """Where neither Hessian is constant; the start of z is held fixed."""
    problem, D, alpha, h = differentiable(wave=0.3), 5, 0.1, 1e-5
    state = states(problem, 1)
    z0, x0 = state.z[0], state.x[0]

    def unrolled(x):
        z = z0
        for _ in range(D):
            z = z - alpha * problem.inner_grad_z(z, x)
        return problem.outer(z, x)

    differences = [(unrolled(x0 + u) - unrolled(x0 - u)) / (2 * h) for u in h * np.eye(2)]
    _, _, found = make_solver("itd-bio", alpha=alpha, D=D).hypergradient(state)
    # h^2 times a third derivative below 1e3, and rounding of values below 1e3 over h.
    assert np.abs(found[0] - differences).max() <= 1e3 * h**2 + 1e3 * EPS / h


@pytest.mark.parametrize("D", [1, 4, 15])
def test_error_of_itd_on_a_quadratic_is_the_closed_form_of_the_theorem(D):
    """All blocks diagonal in the same basis: one eigenvector at a time."""
    problem, state, diagonals = diagonal_problem()
    alpha = 0.7
    _, _, h = make_solver("itd-bio", alpha=alpha, D=D).hypergradient(state)
    error = h[0] - problem.hypergradient(state.x[0])
    names = ("lambda", "c", "f_y", "f_xy", "f_yy", "e_0")
    name = "bias on a quadratic inner problem"
    rows = [dict(zip(names, row, strict=True)) for row in zip(*diagonals, strict=True)]
    closed = [value(theorem("itd-bio"), name, D=D, alpha=alpha, **row) for row in rows]
    np.testing.assert_allclose(error, closed, rtol=0, atol=1e-13)


def diagonal_problem(p=4):
    """G = sum lam_i z_i^2/2 + c_i x_i z_i, F = sum f_i z_i + f_yy z_i^2/2 + f_xy x_i z_i; x = 0 so that z* = 0."""
    rng = np.random.default_rng(5)
    lam = np.geomspace(0.2, 1.0, p)
    c, slope, f_xy, f_yy, e_0 = rng.standard_normal((5, p))

    def solution(x):
        return -c * x / lam

    def hypergradient(x):
        z = solution(x)
        return f_xy * z - c / lam * (slope + f_yy * z + f_xy * x)

    problem = zb.BilevelProblem.from_functions(
        lambda z, x: (slope * z + f_yy * z**2 / 2 + f_xy * x * z).sum(-1),
        lambda z, x: (lam * z**2 / 2 + c * x * z).sum(-1),
        p, p, name="diagonal", inner_solution=solution, hypergradient=hypergradient,
        adjoint=lambda x: -(slope + f_yy * solution(x) + f_xy * x) / lam,
        inner_grad_z=lambda z, x: lam * z + c * x, outer_grad_z=lambda z, x: slope + f_yy * z + f_xy * x,
        outer_grad_x=lambda z, x: f_xy * z, inner_hvp_zz=lambda z, x, v: lam * v, inner_jvp_xz=lambda z, x, v: c * v,
        constants=Constants(mu=lam[0], L_zz=1.0),
    )  # fmt: skip
    state = at_solution(problem, np.zeros(p))
    # At x = 0 the theorem's f_y is the slope of F at z* = 0.
    return problem, replace(state, z=e_0[None]), (lam, c, slope, f_xy, f_yy, e_0)


@pytest.mark.parametrize("name", ["logcosh_ripple", "logistic_outer"])
@pytest.mark.parametrize("D", [1, 10, 60])
def test_error_of_itd_stays_below_its_bounds_where_f_is_lipschitz(name, D):
    """Also on an inner problem that is not quadratic: the theorem's bounds at the problem's constants."""
    problem = zb.load_problem(name)
    numbers = joint_constants(problem)
    state = at_solution(problem, np.linspace(-1, 1, problem.d))
    state = replace(state, z=state.z + 0.5)
    alpha, theory = 1 / numbers["L"], theorem("itd-bio")
    _, _, h = make_solver("itd-bio", alpha=alpha, D=D).hypergradient(state)
    error = np.linalg.norm(h[0] - problem.hypergradient(state.x[0]))
    numbers |= {"D": D, "alpha": alpha, "a_0": 0.5 * math.sqrt(problem.p)}
    names = ("error of the unrolled hypergradient", "exponential bound")
    first, second = (value(theory, name, **numbers) for name in names)
    assert error <= first <= second, (error, first, second)


def test_error_of_itd_decays_at_the_derived_rate_and_no_faster():
    """From z*: -C (I - alpha A)^D A^-1 F_z, so (1 - alpha mu)^D in the end: a warm start does not remove it."""
    problem, state, (lam, *_) = diagonal_problem()
    state = replace(state, z=0 * state.z)
    alpha = 1.0
    errors = []
    for D in (30, 50, 70):
        _, _, h = make_solver("itd-bio", alpha=alpha, D=D).hypergradient(state)
        errors.append(np.linalg.norm(h[0] - problem.hypergradient(state.x[0])))
    # The next eigenvalue's share is below (0.658/0.8)^30 = 0.3 %.
    for shorter, longer in pairwise(errors):
        assert longer / shorter == pytest.approx((1 - alpha * lam[0]) ** 20, rel=0.01)


@pytest.mark.parametrize("D", [1, 3, 12])
def test_v_of_itd_gives_the_hypergradient_where_the_cross_block_is_constant(D):
    problem = differentiable()
    state = states(problem, 3)
    z, v, h = make_solver("itd-bio", D=D).hypergradient(state)
    expected = problem.outer_grad_x(z, state.x) + problem.inner_jvp_xz(z, state.x, v)
    np.testing.assert_allclose(h, expected, rtol=0, atol=1e-13)


# stocBiO: the Neumann sum.


@pytest.mark.parametrize("Q", [1, 5, 30])
@pytest.mark.parametrize("eta", [0.3, 1.0])
@pytest.mark.parametrize("name", ["quad_general", "nesterov_chain", "logistic_outer"])
def test_bias_of_the_neumann_sum_is_at_most_the_derived_one(name, eta, Q):
    problem = zb.load_problem(name, kappa=5.0)
    eta /= problem.constants.L_zz
    state = at_solution(problem, np.linspace(-1, 1, problem.d))
    _, v, _ = make_solver("stocbio", D=1, eta=eta, Q=Q).hypergradient(state)
    adjoint = problem.adjoint(state.x[0])
    mu = problem.constants.mu
    bound = (1 - eta * mu) ** (Q + 1) * np.linalg.norm(adjoint)
    assert np.linalg.norm(v[0] - adjoint) <= bound * (1 + 1e3 * EPS)
    slope = np.linalg.norm(problem.outer_grad_z(state.z[0], state.x[0]))
    assert bound <= value(theorem("stocbio"), "bias of the Neumann sum", eta=eta, mu=mu, M=slope, Q=Q) * (1 + 1e3 * EPS)


@pytest.mark.parametrize("Q", [1, 2, 9])
@pytest.mark.parametrize("eta", [0.25, 1.0])
def test_bias_of_the_neumann_sum_is_the_derived_one_along_the_slowest_eigenvector(eta, Q):
    problem, state, (lam, *_) = diagonal_problem()
    slowest = replace(problem, outer_grad_z=lambda z, x: np.broadcast_to(np.array([2.0, 0, 0, 0]), z.shape))
    state = replace(state, z=0 * state.z, oracle=Oracle(slowest, 1))
    _, v, _ = make_solver("stocbio", D=1, eta=eta, Q=Q).hypergradient(state)
    error, mu = v[0] - [-2.0 / lam[0], 0, 0, 0], lam[0]
    assert np.linalg.norm(error) == pytest.approx((1 - eta * mu) ** (Q + 1) * 2.0 / mu, rel=1e3 * EPS)
    bound = value(theorem("stocbio"), "bias of the Neumann sum", eta=eta, mu=mu, M=2.0, Q=Q)
    assert np.linalg.norm(error) == pytest.approx(bound, rel=1e3 * EPS)


def outcomes(problem, Q, same=False):
    """Every choice of one sample for each of Q Hessian batches, one a replicate; the others draw sample 0."""
    n = problem.inner_samples
    choices = np.array(list(product(range(n), repeat=Q)))
    calls = []

    def draw(self, rng, batch):
        calls.append(batch)
        index = len(calls) - 2
        if not 0 <= index < Q:
            return np.zeros((len(choices), 1, 1), dtype=np.int64)
        return choices[:, [0 if same else index], None]

    return len(choices), draw


def mean_over_outcomes(problem, Q, eta, same=False):
    replicates, draw = outcomes(problem, Q, same)
    state = at_solution(problem, np.ones(problem.d), replicates)
    solver = make_solver("stocbio", D=1, Q=Q, eta=eta, S=1, D_f=None, D_g=1, B=1, alpha=1e-300)
    with patch.object(Oracle, "draw_inner", draw):
        _, v, _ = solver.hypergradient(state)
    exact = replace(problem, inner_samples=None, outer_samples=None)
    exact_state = at_solution(exact, np.ones(problem.d))
    _, expected, _ = make_solver("stocbio", D=1, Q=Q, eta=eta, alpha=1e-300).hypergradient(exact_state)
    return v.mean(axis=0), expected[0], v


def test_neumann_sum_over_independent_batches_has_the_mean_of_the_exact_one():
    """All 3^4 outcomes of four batches of one sample out of three; one batch for all products has another mean."""
    problem = differentiable(inner_samples=3, outer_samples=2)
    mean, exact, outcome = mean_over_outcomes(problem, Q=4, eta=0.3)
    # A mean of 81 vectors, each from four products: 4 p^2 + 81 roundings of the largest.
    np.testing.assert_allclose(mean, exact, rtol=0, atol=200 * EPS * np.abs(outcome).max())
    assert np.ptp(outcome, axis=0).max() > 0.1, "the batches must matter"
    shared, _, _ = mean_over_outcomes(problem, Q=4, eta=0.3, same=True)
    assert np.abs(shared - exact).max() > 1e-3


def test_neumann_sum_has_at_most_the_derived_variance():
    problem = differentiable(inner_samples=3, outer_samples=2)
    samples = problem.inner.A
    L, mu = np.linalg.eigvalsh(samples).max(), np.linalg.eigvalsh(samples.mean(axis=0))[0]
    eta = 1 / L
    _, _, outcome = mean_over_outcomes(problem, Q=4, eta=eta)
    x = np.ones(problem.d)
    slope = np.linalg.norm(problem.outer_grad_z(problem.inner_solution(x), x))
    bound = value(theorem("stocbio"), "variance of the Neumann sum", eta=eta, L=L, mu=mu, M=slope, b_1=1)
    assert np.var(outcome, axis=0).sum() <= bound


def test_hessian_batches_are_drawn_anew_for_each_product():
    problem = differentiable(inner_samples=1000, outer_samples=5)
    solver = make_solver("stocbio", D=2, Q=3, S=4, D_f=2, D_g=5, B=6)
    drawn = []
    original = Oracle.draw_inner

    def draw(self, rng, batch):
        drawn.append(original(self, rng, batch))
        return drawn[-1]

    with patch.object(Oracle, "draw_inner", draw):
        solver.step(states(problem, 2))
    assert [d.shape for d in drawn] == [(2, b, 1) for b in (4, 4, 6, 6, 6, 5)]
    for first, second in pairwise(drawn):
        assert not np.array_equal(first[:, :4], second[:, :4])


def test_runs_of_stocbio_at_the_derived_sizes_reach_the_accuracy_in_the_mean():
    """Batches, D, Q and K of the theorem for eps = |grad Psi(x_0)|^2 / 2, which a solver that stands still misses."""
    theory, local = theorem("stocbio"), LipschitzSum()
    problem, x0, z0 = local.problem(), np.ones(2), np.zeros(3)
    numbers = {"L": local.L, "mu": local.mu, "M": local.M, "tau": 0.0, "rho": 0.0, "kappa": local.L / local.mu}
    eps = float(np.sum(problem.hypergradient(x0) ** 2)) / 2
    # Psi is not negative, so that its value bounds the gap; sigma is checked below.
    numbers |= {"eps": eps, "gap": float(problem.value(x0)), "sigma": 0.3, "eta": 1 / local.L}
    numbers |= {"L_Phi": value(theory, "smoothness of Phi", **numbers), "S": 1.0}
    numbers |= {"Lambda": numbers["L_Phi"] / (1 + numbers["kappa"])}
    numbers["a_0"] = np.linalg.norm(z0 - problem.inner_solution(x0))
    # With one sample the bound A^2 on the error over the run is larger than with more.
    numbers["A"] = math.sqrt(value(theory, "inner error over the run", **numbers))
    names = {"K": "K_eps", "S": "S_eps", "D_f": "D_f_eps", "D_g": "D_g_eps", "B": "b_1_eps", "D": "D_eps", "Q": "Q_eps"}
    sizes = {name: math.ceil(value(theory, f"size {size}", **numbers)) for name, size in names.items()}
    K, ratio = sizes.pop("K"), 1 - local.mu / local.L
    solver = make_solver(
        "stocbio", alpha=2 / (local.L + local.mu), eta=1 / local.L, beta=1 / numbers["L_Phi"], B_ratio=ratio, **sizes
    )
    result = run(
        problem, solver, z0=z0, x0=x0, rng=np.random.default_rng(0), replicates=2, max_iterations=K, record_every=K
    )
    assert local.noise <= numbers["sigma"]
    assert not result.failed.any()
    assert result.mean_stationarity.mean() <= eps, (result.mean_stationarity, eps, sizes, K)
    products = value(theory, "Hessian products of a Neumann sum", **numbers | {"b_1": sizes["B"], "Q": sizes["Q"]})
    assert (result.counts["inner_hvp_zz"] <= K * products).all()
