"""Scalar functions against 50-digit arithmetic, and the array kernels against plain numpy."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from zoba_bench.problems._base import scalars

from zoba_bench import arrays as kernels

ARGUMENTS = [1e-12, 1e-8, 1e-4, 0.1, 0.5, 1.0, 5.0, 30.0, 41.0, 700.0, 1e4]


def exact(expression, u):
    with mpmath.workdps(60):
        return float(expression(mpmath.mpf(u)))


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("argument", ARGUMENTS)
@pytest.mark.parametrize(
    ("function", "expression"),
    [
        (scalars.pseudo_huber, lambda u: mpmath.sqrt(1 + u * u) - 1),
        (scalars.pseudo_huber_first, lambda u: u / mpmath.sqrt(1 + u * u)),
        (scalars.pseudo_huber_second, lambda u: (1 + u * u) ** mpmath.mpf(-1.5)),
        (scalars.log_2cosh_half, lambda u: mpmath.log(2 * mpmath.cosh(u / 2))),
        (scalars.log_cosh, lambda u: mpmath.log(mpmath.cosh(u))),
        (scalars.sech2, lambda u: mpmath.sech(u) ** 2),
        (scalars.sigmoid_first, lambda u: mpmath.sech(u / 2) ** 2 / 4),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_scalar_functions_are_accurate_to_relative_rounding(function, expression, argument, sign):
    u = sign * argument
    # exp(-2u) has relative error 2u eps: 20 roundings below u = 10, more only where the result underflows.
    tolerance = 1e-15 * (4 + 2 * abs(u) * (function in (scalars.sech2, scalars.sigmoid_first)))
    np.testing.assert_allclose(function(np.array([u]))[0], exact(expression, u), rtol=tolerance, atol=1e-300)


def test_sigmoid_is_accurate_to_absolute_rounding():
    u = np.array([0.0, *ARGUMENTS, *(-a for a in ARGUMENTS)])
    expected = [exact(lambda t: 1 / (1 + mpmath.exp(-t)), value) for value in u]
    np.testing.assert_allclose(scalars.sigmoid(u), expected, rtol=0, atol=2.3e-16)


@pytest.mark.parametrize(
    ("constant", "function"),
    [
        (scalars.PSEUDO_HUBER_THIRD, lambda u: 3 * u / (1 + u * u) ** 2.5),
        (scalars.SECH2_LIPSCHITZ, lambda u: 2 * np.tanh(u) * scalars.sech2(u)),
        (scalars.SIGMOID_SECOND, lambda u: np.abs(scalars.sigmoid_second(u))),
    ],
)
def test_extrema_are_attained_and_not_exceeded(constant, function):
    largest = function(np.linspace(0, 10, 1_000_001)).max()
    # The grid's step 1e-5 misses a maximum of curvature of order one by at most 1e-10.
    assert constant * (1 - 1e-9) <= largest <= constant * (1 + 1e-15)


@pytest.mark.parametrize("lead", [(), (4,), (2, 1, 1), (2, 3, 5), (3, 4, 1), (0, 1, 1)])
def test_kernels_equal_plain_expressions(lead):
    rng = np.random.default_rng(0)
    x, matrix = rng.standard_normal((*lead, 6)), rng.standard_normal((6, 3))
    square = rng.standard_normal((6, 6))
    tolerance = {"rtol": 1e-12, "atol": 1e-12}
    np.testing.assert_allclose(kernels.linear_map(x, matrix), np.einsum("...i,ij->...j", x, matrix), **tolerance)
    expected = np.einsum("...i,ij,...j->...", x, square, x)
    np.testing.assert_allclose(kernels.quadratic_form(x, square), expected, **tolerance)
    np.testing.assert_allclose(kernels.square_norm(x), (x * x).sum(-1), **tolerance)
    np.testing.assert_allclose(kernels.row_sum(x), x.sum(-1), **tolerance)


def test_linear_map_takes_strided_and_broadcast_input():
    rng = np.random.default_rng(1)
    matrix = rng.standard_normal((6, 3))
    views = [
        np.broadcast_to(rng.standard_normal((2, 1, 1, 6)), (2, 4, 1, 6)),
        rng.standard_normal((2, 4, 1, 12))[..., ::2],
        rng.standard_normal((6, 1, 4)).T,
    ]
    for x in views:
        np.testing.assert_allclose(kernels.linear_map(x, matrix), np.dot(x, matrix), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("z_shape", "x_shape"),
    [
        ((4, 2, 90, 100), (4, 1, 1, 100)),
        ((4, 2, 90, 100), (1, 1, 1, 100)),
        ((1, 1, 1, 100), (4, 2, 90, 100)),
        ((1, 8, 90, 100), (1, 1, 1, 100)),
        ((700, 100), (1, 100)),
        ((4, 2, 90, 100), (100,)),
    ],
)
def test_blockwise_evaluation_of_large_arguments_changes_nothing(z_shape, x_shape):
    rng = np.random.default_rng(2)
    z, x = rng.standard_normal(z_shape), rng.standard_normal(x_shape)

    def objective(z, x):
        return np.vecdot(z - x, z)

    np.testing.assert_array_equal(kernels.blockwise(objective)(z, x), objective(z, x))


def test_blockwise_evaluation_refuses_axes_that_do_not_match():
    with pytest.raises(ValueError, match="broadcast"):
        kernels.blockwise(np.vecdot)(np.zeros((4, 2, 90, 100)), np.zeros((3, 2, 90, 100)))


@pytest.mark.parametrize(
    ("shape", "lead", "expected"),
    [
        ((2, 3), (2, 1), (2, 3)),
        ((2, 1), (2, 3), (2, 3)),
        ((), (4,), (4,)),
        ((3,), (2, 3), (2, 3)),
        ((3,), (1, 3), (1, 3)),
        ((3,), (), (3,)),
        ((2, 3), (3,), (2, 3)),
    ],
)
def test_spread_broadcasts_against_leading_axes(shape, lead, expected):
    values = np.arange(np.prod(shape, dtype=int), dtype=float).reshape(shape)
    spread = kernels.spread(values, np.zeros((*lead, 7)))
    np.testing.assert_array_equal(spread, np.broadcast_to(values, expected))
    vectors = kernels.spread_vectors(np.zeros((*shape, 2)), np.zeros((*lead, 7)))
    assert vectors.shape == (*expected, 2)


def test_spread_refuses_axes_that_do_not_match():
    with pytest.raises(ValueError, match="broadcast"):
        kernels.spread(np.zeros(3), np.zeros((2, 5)))
