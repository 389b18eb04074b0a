"""AID-BiO, ITD-BiO and stocBiO on small problems: below their bounds, at the derived cost, with the derived bias."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import sympy as sp
from zoba_bench.theory.methods.differentiation.aid import aid_bio
from zoba_bench.theory.methods.differentiation.conjugate_gradients import conjugate_gradients
from zoba_bench.theory.methods.differentiation.itd import itd_bio
from zoba_bench.theory.methods.differentiation.stocbio import stocbio

from ...implicit_support import (
    COLUMNS,
    KINDS,
    Counted,
    aid_direction,
    at,
    cg,
    inner_loop,
    itd_direction,
    spd,
    step_of,
    value,
)


def counted_as_derived(theorem, problem, K, **numbers):
    derived = theorem.evaluations_per_iteration
    expected = {kind: K * at(derived[column], **numbers) for kind in KINDS for column in COLUMNS[kind]}
    assert problem.counts == expected
    # Both blocks of a gradient of f count.
    assert derived["outer_grad_x"] == derived["outer_grad_z"]


@pytest.mark.parametrize("seed", range(3))
def test_a_run_of_aid_stays_below_its_bound_at_the_derived_cost(seed):
    theorem, problem, K = aid_bio(), Counted(seed), 40
    theta = 1 / 4
    D = int(value(theorem, "inner iterations", theta=theta, **problem.constants))
    N = int(value(theorem, "enough conjugate gradient steps", theta=theta, **problem.constants))
    smooth = value(theorem, "smoothness of Phi", **problem.constants)
    x, y, v = problem.x_0, problem.y_0, problem.v_0
    y_star, v_star, _ = problem.solution(x)
    L, mu = problem.L, problem.mu
    weighted = (L + 5 / 4 * L**2 / mu) * np.linalg.norm(y - y_star) + L * np.linalg.norm(v - v_star)
    squares = []
    for _ in range(K):
        squares.append(float(np.sum(problem.solution(x)[2] ** 2)))
        h, y, v = aid_direction(problem, x, y, v, D, N)
        x = x - h / (2 * smooth)
    # Phi >= 0, so that its value bounds the gap.
    gap = problem.value(problem.x_0, y_star)
    bound = value(theorem, "bound", K=K, L_Phi=smooth, gap=gap, theta=theta, U_0=weighted)
    assert np.mean(squares) <= bound, (np.mean(squares), bound)
    counted_as_derived(theorem, problem, K, D=D, N=N)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("D", [1, 7, 40])
def test_the_error_of_itd_stays_below_its_bound_at_the_derived_cost(seed, D):
    theorem, problem = itd_bio(), Counted(seed)
    y_star, _, exact = problem.solution(problem.x_0)
    h, _ = itd_direction(problem, problem.x_0, problem.y_0, D)
    numbers = {**problem.constants, "a_0": np.linalg.norm(problem.y_0 - y_star), "D": D, "alpha": 1 / problem.L}
    error = np.linalg.norm(h - exact)
    first = value(theorem, "error of the unrolled hypergradient", **numbers)
    second = value(theorem, "exponential bound", **numbers)
    assert error <= first <= second, (error, first, second)
    counted_as_derived(theorem, problem, 1, D=D)


def test_a_run_of_itd_stays_below_its_bound():
    theorem, problem, K, D = itd_bio(), Counted(), 30, 20
    smooth = value(theorem, "smoothness of Phi", **problem.constants)
    x, y = problem.x_0, problem.y_0
    y_star, *_ = problem.solution(x)
    start = np.linalg.norm(y - y_star)
    over_run = value(theorem, "inner error over the run", a_0=start, **problem.constants)
    inside = {**problem.constants, "a_0": over_run, "D": 0, "alpha": 1 / problem.L}
    constant = value(theorem, "exponential bound", **inside)
    squares = []
    for _ in range(K):
        assert np.linalg.norm(y - problem.solution(x)[0]) <= over_run
        squares.append(float(np.sum(problem.solution(x)[2] ** 2)))
        h, y = itd_direction(problem, x, y, D)
        x = x - h / smooth
    gap = problem.value(problem.x_0, y_star)
    bound = value(theorem, "bound", K=K, L_Phi=smooth, gap=gap, B=constant, D=D, **problem.constants)
    assert np.mean(squares) <= bound, (np.mean(squares), bound)


def test_the_unrolled_gradient_is_the_derivative_of_the_unrolled_recursion():
    problem, D, h = Counted(), 6, 1e-6
    found, _ = itd_direction(problem, problem.x_0, problem.y_0, D)

    def unrolled(x):
        return problem.value(x, inner_loop(problem, x, problem.y_0, D)[-1])

    units = h * np.eye(problem.m)
    differences = [(unrolled(problem.x_0 + u) - unrolled(problem.x_0 - u)) / (2 * h) for u in units]
    # Central differences: h^2 times a third derivative of order 1, and rounding of order 1e-16/h.
    assert np.allclose(found, differences, rtol=0, atol=1e-8)


def test_the_closed_form_of_the_bias_of_itd_on_matrices():
    """A quadratic f, all blocks diagonal in the eigenbasis of A: the step, eigenvector by eigenvector."""
    theorem, rng, D = itd_bio(), np.random.default_rng(3), 5
    lam, c, f_y, f_xy, f_yy, e_0 = rng.uniform(0.3, 1.0, 4), *rng.standard_normal((5, 4))
    alpha = 0.8
    basis, _ = np.linalg.qr(rng.standard_normal((4, 4)))
    A, C, W, Z = (basis * diagonal @ basis.T for diagonal in (lam, c, f_xy, f_yy))
    gradient, y = basis @ f_y, basis @ e_0
    y_star, path = np.zeros(4), [y]
    for _ in range(D):
        path.append(path[-1] - alpha * A @ path[-1])
    r = gradient + Z @ (path[-1] - y_star)
    total = np.zeros(4)
    for _ in range(D):
        total += C @ r
        r = r - alpha * A @ r
    bias = W @ path[-1] - alpha * total + C @ np.linalg.solve(A, gradient)
    names = ("lambda", "c", "f_y", "f_xy", "f_yy", "e_0")
    rows = zip(lam, c, f_y, f_xy, f_yy, e_0, strict=True)
    name = "bias on a quadratic inner problem"
    closed = [value(theorem, name, D=D, alpha=alpha, **dict(zip(names, row, strict=True))) for row in rows]
    assert np.allclose(basis.T @ bias, closed, rtol=1e-12, atol=1e-12)


# Conjugate gradients


@pytest.mark.parametrize("steps", [1, 3, 6, 12])
def test_conjugate_gradients_stay_below_their_rate(steps):
    theorem, rng = aid_bio(), np.random.default_rng(steps)
    A = spd(rng, 30, 0.02, 1.0)
    solution = rng.standard_normal(30)
    error = cg(lambda u: A @ u, A @ solution, np.zeros(30), steps) - solution
    energy = np.sqrt(error @ A @ error / (solution @ A @ solution))
    euclidean = np.linalg.norm(error) / np.linalg.norm(solution)
    assert energy <= value(theorem, "rate of conjugate gradients", kappa=50, N=steps)
    assert euclidean <= value(theorem, "rate in the Euclidean norm", kappa=50, N=steps)


def test_the_proved_number_of_conjugate_gradient_steps_is_enough():
    theorem = aid_bio()
    for kappa, theta in product((1.5, 10.0, 1e4), (0.25, 1e-3)):
        N = int(value(theorem, "enough conjugate gradient steps", kappa=kappa, theta=theta))
        assert value(theorem, "rate in the Euclidean norm", kappa=kappa, N=N) <= theta


def test_conjugate_gradients_end_after_as_many_steps_as_eigenvalues():
    diagonal = sp.diag(1, 2, 5, 5)
    residual = sp.Matrix([1, -2, 3, 1])
    assert conjugate_gradients(lambda u: diagonal * u, residual, 3) == sp.zeros(4, 1)
    assert conjugate_gradients(lambda u: diagonal * u, residual, 2) != sp.zeros(4, 1)


@pytest.mark.parametrize("delta", [0.5, 1e-3, 1e-9])
def test_the_number_of_inner_steps_is_enough_and_of_the_right_order(delta):
    theorem = itd_bio()
    for kappa in (1.1, 7.0, 1e3):
        least = np.ceil(np.log(1 / delta) / -np.log1p(-1 / kappa))
        lower = at(step_of(theorem, "needed inner steps").statement.lhs, kappa=kappa, delta=delta)
        assert lower <= least <= value(theorem, "enough inner steps", kappa=kappa, delta=delta)


# The Neumann sum


def test_the_remainder_of_the_neumann_sum_on_a_matrix():
    theorem, rng, Q = stocbio(), np.random.default_rng(1), 4
    A, f = spd(rng, 5, 0.3, 1.0), rng.standard_normal(5)
    v = total = f
    for _ in range(Q):
        v = v - 0.9 * A @ v
        total = total + v
    eigenvalues, basis = np.linalg.eigh(A)
    name = "remainder of the Neumann sum"
    remainder = [value(theorem, name, eta=0.9, Q=Q, **{"lambda": lam}) for lam in eigenvalues]
    expected = basis @ (np.array(remainder) * (basis.T @ f))
    assert np.allclose(0.9 * total - np.linalg.solve(A, f), expected, rtol=1e-12, atol=1e-12)
    bias = np.linalg.norm(0.9 * total - np.linalg.solve(A, f))
    assert bias <= value(theorem, "bias of the Neumann sum", eta=0.9, Q=Q, mu=0.3, M=np.linalg.norm(f))


def test_mean_and_variance_over_all_outcomes_of_independent_batches():
    """Two equally likely Hessians that do not commute, one sample a batch, every outcome."""
    theorem, rng, Q, eta = stocbio(), np.random.default_rng(2), 6, 0.8
    samples = [spd(rng, 3, 0.25, 1.0) for _ in range(2)]
    A, f = sum(samples) / 2, rng.standard_normal(3)

    def run(hessians):
        r = total = f
        for hessian in hessians:
            r = r - eta * hessian @ r
            total = total + r
        return eta * total

    outcomes = np.array([run(choice) for choice in product(samples, repeat=Q)])
    assert np.allclose(outcomes.mean(axis=0), run([A] * Q), rtol=1e-13, atol=1e-13)
    variance = np.sum(outcomes.var(axis=0))
    # One sample a batch is at least b_1 (1 - eta mu)^(j-1) samples with b_1 = 1.
    numbers = {"eta": eta, "L": 1.0, "mu": 0.25, "M": np.linalg.norm(f), "b_1": 1}
    fine = value(theorem, "variance of the Neumann sum", **numbers)
    coarse = value(theorem, "variance without B^2 <= L B", **numbers)
    assert variance <= fine <= coarse
    # One batch for all factors, as in the released code: the mean is another one.
    reused = (run([samples[0]] * Q) + run([samples[1]] * Q)) / 2
    assert np.linalg.norm(reused - run([A] * Q)) > 1e-3


def test_inner_noise_stays_at_the_derived_level():
    """One dimension: lambda = mu, where the contraction is sharp."""
    theorem, rng = stocbio(), np.random.default_rng(5)
    L, mu, sigma, S, D = 1.0, 0.3, 0.7, 4, 60
    alpha = 2 / (L + mu)
    a = np.full(20_000, 2.0)
    for _ in range(D):
        a = a - alpha * (mu * a + sigma / np.sqrt(S) * rng.standard_normal(a.size))
    mean, error = np.mean(a**2), np.std(a**2) / np.sqrt(a.size)
    bound = value(theorem, "inner error", L=L, mu=mu, sigma=sigma, S=S, D=D, a_0=2.0)
    assert abs(mean - bound) <= 5 * error, (mean, bound, error)


def test_runs_of_stocbio_stay_below_their_bound():
    """Hessians A + E and A - E with equal chances, in inner gradients and Hessian products alike."""
    theorem, rng, (K, D, S, Q, b_1) = stocbio(), np.random.default_rng(7), (15, 6, 4, 8, 3)
    means, noises = [], []
    for _ in range(20):
        problem = Counted()
        E = 0.1 * spd(rng, problem.n, 0.1, 1.0)
        problem.mu, problem.L = problem.mu - 0.1, problem.L + 0.1
        smooth = value(theorem, "smoothness of Phi", **problem.constants)
        alpha, eta = 2 / (problem.L + problem.mu), 1 / problem.L
        batches = [int(np.ceil(b_1 * (1 - eta * problem.mu) ** j)) for j in range(Q)]
        x, y, squares = problem.x_0, problem.y_0, []
        start = np.linalg.norm(y - problem.solution(x)[0])
        for _ in range(K):
            squares.append(float(np.sum(problem.solution(x)[2] ** 2)))
            for _ in range(D):
                noises.append(np.linalg.norm(E @ y))
                y = y - alpha * (problem.inner_gradient(x, y) + rng.choice([-1, 1], S).mean() * E @ y)
            f_x, r = problem.outer_gradient(x, y)
            total = r
            for batch in batches:
                r = r - eta * (problem.A @ r + rng.choice([-1, 1], batch).mean() * E @ r)
                total = total + r
            x = x - (f_x - eta * problem.jvp(total)) / smooth
        means.append(np.mean(squares))
        assert sum(batches) <= value(theorem, "Hessian products of a Neumann sum", b_1=b_1, eta=eta, mu=problem.mu, Q=Q)
    numbers = {**problem.constants, "K": K, "D": D, "S": S, "Q": Q, "b_1": b_1, "eta": eta, "sigma": max(noises)}
    # f is exact here, and so is the cross product: their batches may be taken as large as one likes.
    V = value(theorem, "variance of the hypergradient", D_f=1e12, D_g=1e12, **numbers)
    A = np.sqrt(value(theorem, "inner error over the run", a_0=start, **numbers))
    gap = problem.value(problem.x_0, problem.solution(problem.x_0)[0])
    numbers |= {"V": V, "A": A, "gap": gap, "L_Phi": smooth, "Lambda": smooth / (1 + problem.L / problem.mu)}
    bound = value(theorem, "bound", **numbers)
    assert np.mean(means) <= bound, (np.mean(means), bound)


def test_recalled_batches_are_a_factor_kappa_above_the_table():
    statement = step_of(stocbio(), "Hessian products with the recalled batches").statement
    for kappa, log in ((2.0, 1.0), (50.0, 8.0)):
        Q = int(np.ceil(kappa * log))
        batches = sum(kappa**2 * Q * (1 - 1 / kappa) ** (j - 1) for j in range(1, Q + 1))
        assert kappa**3 * batches / kappa**6 >= at(statement.lhs, kappa=kappa, ell=log)
