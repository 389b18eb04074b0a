"""The parts of the automatic settings against closed forms and simulation."""

from __future__ import annotations

import numpy as np
import pytest

from zoba_bench.minimization.probe import Probe, line_noise, stencil_size
from zoba_bench.minimization.tuning import (
    choose_units,
    mean_square_rate,
    mean_square_step,
    predict,
    scaled_matrices,
    unit_root,
)
from zoba_bench.problem import BilevelProblem

P, D = 4, 3


@pytest.fixture
def setting():
    """A quadratic G plus (x' T z) z_1^2 / 2, and F quadratic, with everything known at a point."""
    rng = np.random.default_rng(0)
    root = rng.standard_normal((P, P))
    A, C = root @ root.T + np.eye(P), rng.standard_normal((D, P))
    hessian_f = rng.standard_normal((P + D, P + D))
    hessian_f = hessian_f @ hessian_f.T / 4 + np.eye(P + D)
    linear = rng.standard_normal(P + D)

    def inner(z, x):
        return 0.5 * np.sum((z @ A) * z, -1) + np.sum((x @ C) * z, -1) + 0.1 * x[..., 0] * z[..., 1] ** 2

    def outer(z, x):
        shape = np.broadcast_shapes(z.shape[:-1], x.shape[:-1])
        q = np.concatenate([np.broadcast_to(z, (*shape, P)), np.broadcast_to(x, (*shape, D))], axis=-1)
        return 0.5 * np.sum((q @ hessian_f) * q, -1) + q @ linear

    z, v, x = rng.standard_normal(P), rng.standard_normal(P), rng.standard_normal(D)
    probe = Probe(BilevelProblem("test", P, D, inner, outer))
    probe.prepare(z, x)
    return probe, A, C, hessian_f, linear, z, v, x


def test_stencil_gives_gradients_and_curvature(setting):
    probe, A, C, hessian_f, linear, z, v, x = setting
    point, curvature = probe.curvature(z, v, x)
    A_here = A + np.diag([0, 0.2 * x[0], 0, 0])
    C_here = C.copy()
    C_here[0, 1] += 0.2 * z[1]
    W = hessian_f.copy()  # plus the Hessian of v'G_z = ... + 0.2 x_0 z_1 v_1
    W[P, 1] += 0.2 * v[1]
    W[1, P] += 0.2 * v[1]
    q = np.concatenate([z, x])
    f_q = hessian_f @ q + linear
    expected = {
        "inner_z": A_here @ z + C.T @ x, "outer_z": f_q[:P], "outer_x": f_q[P:],
        "hessian_v": A_here @ v, "cross_v": C_here @ v,
    }  # fmt: skip
    for name, value in expected.items():
        np.testing.assert_allclose(getattr(point, name), value, rtol=1e-6, atol=1e-6, err_msg=name)
    # The radii ask for 1e-9 of the curvature; third differences along v lose three more digits.
    np.testing.assert_allclose(curvature.A, A_here, atol=1e-5)
    np.testing.assert_allclose(curvature.C, C_here, atol=1e-3)
    np.testing.assert_allclose(curvature.W, W, atol=1e-3)
    assert point.inner == pytest.approx(0.5 * z @ A @ z + x @ C @ z + 0.1 * x[0] * z[1] ** 2, abs=1e-6)


@pytest.mark.parametrize("along_v", [True, False])
@pytest.mark.parametrize("curvature", [True, False])
def test_stencil_size_is_what_a_stencil_evaluates(setting, along_v, curvature):
    probe, *_, z, v, x = setting
    before = probe.spent
    (probe.curvature if curvature else probe.point)(z, v if along_v else 0 * v, x)
    assert probe.spent - before == stencil_size(P, D, along_v=along_v, curvature=curvature)


def test_preparation_stays_within_its_stated_size():
    problem = BilevelProblem("flat", P, D, lambda z, x: 1e-9 * np.sum(z**2, -1) + 0 * x[..., 0], lambda z, x: x[..., 0])
    probe = Probe(problem)
    probe.prepare(np.ones(P), np.ones(D))
    assert probe.spent <= Probe.prepare_size(P, D)


def test_prediction_is_exact_for_quadratics():
    rng = np.random.default_rng(1)
    A, M = np.diag([1.0, 3.0, 9.0, 2.0]), rng.standard_normal((P, D))
    target, minimizer_rhs = rng.standard_normal(P), rng.standard_normal(D)

    def inner(z, x):
        return 0.5 * np.sum(((z - x @ M.T) @ A) * (z - x @ M.T), -1)

    def outer(z, x):
        return 0.5 * np.sum((z - target) ** 2, -1) + 0.5 * np.sum((x - minimizer_rhs) ** 2, -1)

    minimizer = np.linalg.solve(M.T @ M + np.eye(D), M.T @ target + minimizer_rhs)
    probe = Probe(BilevelProblem("quadratic", P, D, inner, outer))
    z, v, x = rng.standard_normal(P), rng.standard_normal(P), rng.standard_normal(D)
    probe.prepare(z, x)
    point, curvature = probe.curvature(z, v, x)
    prediction = predict(probe, point, curvature)
    np.testing.assert_allclose(x + prediction.dx, minimizer, atol=1e-4)
    np.testing.assert_allclose(z + prediction.a, M @ x, atol=1e-4)
    np.testing.assert_allclose(v + prediction.b, -np.linalg.solve(A, M @ x - target), atol=1e-4)
    np.testing.assert_allclose(prediction.hessian, M.T @ M + np.eye(D), atol=1e-3)
    units = choose_units(point, curvature, prediction, np.zeros(D), 1e-3, identity=False)
    A_units, _, _ = scaled_matrices(curvature, units)
    np.testing.assert_allclose(A_units, np.eye(P), atol=1e-9)
    back = units.back(*units.inside(z + 1, v, x - 1))
    for one, other in zip(back, (z + 1, v, x - 1), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("noise", [1e-12, 1e-6])
def test_noise_of_values_is_measured_within_a_factor_of_three(noise):
    rng = np.random.default_rng(2)
    t = 1e-5 * np.arange(400)
    # Rows of 12 as in the probe; the smallest of four estimates is biased low, hence the factor.
    values = np.exp(t) + noise * rng.standard_normal(400)
    estimates = [line_noise(values[i : i + 12]) for i in range(0, 396, 12)]
    assert noise / 3 <= np.median(estimates) <= 3 * noise


def test_noise_of_a_smooth_function_is_its_rounding():
    values = 3.0 + np.sin(1.0 + 1e-5 * np.arange(12))
    assert line_noise(values) <= 4 * np.finfo(float).eps * 4


@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_unit_root_whitens_whatever_the_scales(scale):
    rng = np.random.default_rng(3)
    root = rng.standard_normal((5, 5))
    D5 = np.diag(np.geomspace(1 / scale, scale, 5))
    matrix = D5 @ (root @ root.T + np.eye(5)) @ D5
    T = unit_root(matrix)
    np.testing.assert_allclose(T.T @ matrix @ T, np.eye(5), atol=1e-6)


def test_unit_root_takes_absolute_curvature():
    T = unit_root(np.diag([4.0, -9.0]))
    np.testing.assert_allclose(T @ T.T, np.diag([1 / 4, 1 / 9]), atol=1e-12)
    np.testing.assert_array_equal(unit_root(np.zeros((2, 2))), np.eye(2))


def test_mean_square_rate_of_uncoupled_blocks_is_the_closed_form():
    # With K = I the blocks do not interact: z and v contract by 1 - 2 rho + rho^2 (1 + (p + 1) / l).
    p, l, rho = 3, 8, 0.5
    exact = 1 - 2 * rho + rho**2 * (1 + (p + 1) / l)
    # x contracts faster and is gone, up to (0.3125 / 0.375)^20, when the rate is read off.
    assert mean_square_rate(np.eye(2 * p + 1), p, rho, rho, l) == pytest.approx(exact, rel=1e-3)


def test_mean_square_step_agrees_with_simulated_directions():
    rng = np.random.default_rng(4)
    p, d, l, rho, gamma, runs = 2, 2, 4, 0.4, 0.3, 200_000
    K, e = rng.standard_normal((6, 6)), rng.standard_normal(6)
    w, u = rng.standard_normal((runs, l, p)), rng.standard_normal((runs, l, d))
    step = K @ e
    after = np.tile(e, (runs, 1))
    for rows, directions, size in ((slice(0, 2), w, rho), (slice(2, 4), w, rho), (slice(4, 6), u, gamma)):
        after[:, rows] -= size * np.einsum("rl,rln->rn", directions @ step[rows], directions) / l
    products = after[:, :, None] * after[:, None, :]
    error = products.std(axis=0) / np.sqrt(runs)
    exact = mean_square_step(np.outer(e, e), K, p, rho, gamma, l)
    # 36 normal deviates: one beyond 4.5 standard errors has probability 2.5e-4.
    assert (np.abs(products.mean(axis=0) - exact) <= 4.5 * error).all()
