"""Surrogates are exact in the mean on quadratics, contractions equal plain loops and copy no directions."""

from __future__ import annotations

import tracemalloc
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoba_bench import estimators as est

EPS = np.finfo(np.float64).eps


class Setting(NamedTuple):
    """A quadratic objective, a point, a vector v and two radii."""

    p: int
    d: int
    seed: int
    h: float
    eta: float


radii = st.floats(0.05, 2.0)
quadratics = st.builds(Setting, st.integers(1, 3), st.integers(1, 2), st.integers(0, 10**6), radii, radii)


def gauss_hermite(*dimensions: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Tensor rule with 6 nodes a coordinate: exact for polynomials of degree 11 in each coordinate.

    Direction arrays (1, l, n), one for each dimension, and the weights (l,), which sum to 1.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(6)
    weights = weights / weights.sum()
    total = sum(dimensions)
    grid = np.stack(np.meshgrid(*[nodes] * total, indexing="ij"), axis=-1).reshape(1, -1, total)
    product = np.stack(np.meshgrid(*[weights] * total, indexing="ij"), axis=-1).reshape(-1, total).prod(axis=1)
    return np.split(grid, np.cumsum(dimensions)[:-1], axis=-1), product


class Case:
    """A setting's functions, with a bound on the rounding of each surrogate's mean."""

    def __init__(self, setting: Setting, objective) -> None:
        self.p, self.d, seed, self.h, self.eta = setting
        self.q = objective(self.p, self.d, seed)
        self.A, self.B, self.C, self.a, self.b = (
            array[0] for array in (self.q.A, self.q.B, self.q.C, self.q.a, self.q.b)
        )
        rng = np.random.default_rng(seed)
        self.z, self.x = rng.standard_normal(self.p), rng.standard_normal(self.d)
        self.v = rng.standard_normal(self.p)
        self.gradient_z = self.A @ self.z + self.C.T @ self.x + self.a
        self.gradient_x = self.B @ self.x + self.C @ self.z + self.b

    def check(self, mean, exact, coefficients, factors, directions, reach_z, reach_x, divisor, weights) -> None:
        """|mean - exact| within rounding.

        Each coefficient combines at most 4 values, each wrong by ``rounding`` at its point, over ``divisor``.
        The weighted sum of l terms adds at most l eps times the sum of their absolute values, and nodes and
        weights that are wrong by a few eps change polynomials of degree 8 by at most 64 eps of the same sum.
        """
        size = np.abs(factors) * np.linalg.norm(directions, axis=-1)
        rounding = 4 * self.q.rounding(np.abs(self.z) + reach_z, np.abs(self.x) + reach_x) / divisor
        l = weights.size
        limit = (weights * size * (rounding + (l + 64) * EPS * np.abs(coefficients))).sum()
        limit += 64 * EPS * np.abs(coefficients * weights).sum() * np.linalg.norm(self.v)
        error = np.linalg.norm(mean - exact)
        assert error <= limit, f"error {error:.3g} above {limit:.3g}: {mean} against {exact}"


def weigh(coefficients: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Coefficients whose plain average over directions is the weighted mean."""
    return coefficients * (weights * weights.size)


@settings(max_examples=25)
@given(quadratics)
def test_central_difference_gradient_has_the_exact_mean_on_quadratics(objective, setting):
    c = Case(setting, objective)
    (w,), weights = gauss_hermite(c.p)
    coefficients = est.central_difference(c.q(c.z + c.h * w, c.x), c.q(c.z - c.h * w, c.x), c.h)
    mean = est.average(weigh(coefficients, weights), w)
    c.check(mean, c.gradient_z, coefficients, 1.0, w, c.h * np.abs(w), 0.0, 2 * c.h, weights)


@settings(max_examples=25)
@given(quadratics)
def test_forward_difference_gradient_has_the_exact_mean_on_quadratics(objective, setting):
    """For any radius: the error term w'Aw is even, so its product with w has mean zero."""
    c = Case(setting, objective)
    (w,), weights = gauss_hermite(c.p)
    coefficients = est.forward_difference(c.q(c.z + c.h * w, c.x), c.q(c.z, c.x), c.h)
    mean = est.average(weigh(coefficients, weights), w)
    c.check(mean, c.gradient_z, coefficients, 1.0, w, c.h * np.abs(w), 0.0, c.h, weights)


@settings(max_examples=25)
@given(quadratics)
def test_forward_difference_gradient_in_x_has_the_exact_mean_on_quadratics(objective, setting):
    c = Case(setting, objective)
    (u,), weights = gauss_hermite(c.d)
    coefficients = est.forward_difference(c.q(c.z, c.x + c.eta * u), c.q(c.z, c.x), c.eta)
    mean = est.average(weigh(coefficients, weights), u)
    c.check(mean, c.gradient_x, coefficients, 1.0, u, 0.0, c.eta * np.abs(u), c.eta, weights)


@settings(max_examples=25)
@given(quadratics)
def test_second_difference_hessian_action_has_the_exact_mean_on_quadratics(objective, setting):
    c = Case(setting, objective)
    (w,), weights = gauss_hermite(c.p)
    plus, minus, centre = c.q(c.z + c.h * w, c.x), c.q(c.z - c.h * w, c.x), c.q(c.z, c.x)
    coefficients = est.second_difference(plus, minus, centre, c.h, c.h)
    wv = est.project(w, c.v)
    mean = est.hessian_action(weigh(coefficients, weights), wv, w, c.v)
    size = 1.0 + np.abs(wv)  # the term s v is at most s |v|, which ``check`` adds apart
    c.check(mean, c.A @ c.v, coefficients, size, w, c.h * np.abs(w), 0.0, 2 * c.h**2, weights)


@settings(max_examples=25)
@given(quadratics)
def test_second_difference_cross_action_has_the_exact_mean_for_unequal_radii(objective, setting):
    c = Case(setting, objective)
    (w, u), weights = gauss_hermite(c.p, c.d)
    plus = c.q(c.z + c.h * w, c.x + c.eta * u)
    minus = c.q(c.z - c.h * w, c.x - c.eta * u)
    coefficients = est.second_difference(plus, minus, c.q(c.z, c.x), c.h, c.eta)
    wv = est.project(w, c.v)
    mean = est.cross_action(weigh(coefficients, weights), wv, u)
    reach = c.h * np.abs(w), c.eta * np.abs(u)
    c.check(mean, c.C @ c.v, coefficients, wv, u, *reach, 2 * c.h * c.eta, weights)


@settings(max_examples=25)
@given(quadratics)
def test_mixed_difference_cross_action_has_the_exact_mean_for_unequal_radii(objective, setting):
    c = Case(setting, objective)
    (w, u), weights = gauss_hermite(c.p, c.d)
    z_w, x_u = c.z + c.h * w, c.x + c.eta * u
    coefficients = est.mixed_difference(c.q(z_w, x_u), c.q(z_w, c.x), c.q(c.z, x_u), c.q(c.z, c.x), c.h, c.eta)
    wv = est.project(w, c.v)
    mean = est.cross_action(weigh(coefficients, weights), wv, u)
    reach = c.h * np.abs(w), c.eta * np.abs(u)
    c.check(mean, c.C @ c.v, coefficients, wv, u, *reach, c.h * c.eta, weights)


@settings(max_examples=10)
@given(quadratics)
def test_mixed_difference_hessian_action_has_the_exact_mean_on_quadratics(objective, setting):
    c = Case(setting, objective)
    (w, w2), weights = gauss_hermite(c.p, c.p)
    z_w, z_w2 = c.z + c.h * w, c.z + c.eta * w2
    both = c.q(z_w + c.eta * w2, c.x)
    coefficients = est.mixed_difference(both, c.q(z_w, c.x), c.q(z_w2, c.x), c.q(c.z, c.x), c.h, c.eta)
    wv = est.project(w, c.v)
    mean = est.cross_action(weigh(coefficients, weights), wv, w2)
    reach = c.h * np.abs(w) + c.eta * np.abs(w2)
    c.check(mean, c.A @ c.v, coefficients, wv, w2, reach, 0.0, c.h * c.eta, weights)


@settings(max_examples=25)
@given(quadratics, radii)
def test_difference_along_v_of_the_inner_gradient_has_the_exact_mean(objective, setting, h_bar):
    c = Case(setting, objective)
    (w,), weights = gauss_hermite(c.p)
    z_v = c.z + h_bar * c.v
    here = est.forward_difference(c.q(c.z + c.h * w, c.x), c.q(c.z, c.x), c.h)
    there = est.forward_difference(c.q(z_v + c.h * w, c.x), c.q(z_v, c.x), c.h)
    coefficients = est.difference_along(there, here, h_bar)
    mean = est.average(weigh(coefficients, weights), w)
    reach = c.h * np.abs(w) + h_bar * np.abs(c.v)
    # here and there are rounded too, before they are subtracted and divided by h_bar.
    size = np.abs(here) + np.abs(there) + np.abs(coefficients)
    c.check(mean, c.A @ c.v, size / h_bar, 1.0, w, reach, 0.0, c.h * h_bar, weights)


@settings(max_examples=25)
@given(quadratics, radii)
def test_difference_along_v_of_the_outer_gradient_has_the_exact_mean(objective, setting, h_bar):
    c = Case(setting, objective)
    (u,), weights = gauss_hermite(c.d)
    z_v, x_u = c.z + h_bar * c.v, c.x + c.eta * u
    here = est.forward_difference(c.q(c.z, x_u), c.q(c.z, c.x), c.eta)
    there = est.forward_difference(c.q(z_v, x_u), c.q(z_v, c.x), c.eta)
    coefficients = est.difference_along(there, here, h_bar)
    mean = est.average(weigh(coefficients, weights), u)
    reach = h_bar * np.abs(c.v), c.eta * np.abs(u)
    size = np.abs(here) + np.abs(there) + np.abs(coefficients)
    c.check(mean, c.C @ c.v, size / h_bar, 1.0, u, *reach, c.eta * h_bar, weights)


def test_projecting_on_the_wrong_direction_is_seen():
    """Negative control: (u'v) w in place of (w'v) u gives C'v, not Cv, for p = d and C not symmetric."""
    (w, u), weights = gauss_hermite(2, 2)
    C, v = np.array([[1.0, 2.0], [-3.0, 0.5]]), np.array([1.0, -1.0])
    coefficients = weigh(np.einsum("...i,ij,...j->...", u, C, w), weights)
    right = est.cross_action(coefficients, est.project(w, v), u)
    swapped = est.cross_action(coefficients, est.project(u, v), w)
    np.testing.assert_allclose(right, C @ v, atol=1e-12)
    np.testing.assert_allclose(swapped, C.T @ v, atol=1e-12)
    assert np.abs(right - swapped).max() > 1


# Contractions against plain loops.

leading_shapes = st.sampled_from([(), (1,), (2,), (3, 2)])


def arrays(seed, leading, b, l, n):
    rng = np.random.default_rng(seed)
    return (
        rng.standard_normal((*leading, b, l)),
        rng.standard_normal((*leading, b, l)),
        rng.standard_normal((*leading, b, l, n)),
        rng.standard_normal((*leading, n)),
    )


def sum_limit(b: int, l: int, n: int) -> float:
    """Terms are products of at most 4 standard normals, each below 6 in size, summed over at most b l n."""
    return 4 * b * l * n * EPS * 6**4


@given(st.integers(0, 10**6), leading_shapes, st.integers(1, 3), st.integers(1, 4), st.integers(1, 5))
def test_project_equals_a_loop(seed, leading, b, l, n):
    _, _, directions, v = arrays(seed, leading, b, l, n)
    actual = est.project(directions, v)
    assert actual.shape == (*leading, b, l)
    for r in np.ndindex(*leading):
        for i, j in np.ndindex(b, l):
            expected = sum(directions[(*r, i, j, m)] * v[(*r, m)] for m in range(n))
            assert abs(actual[(*r, i, j)] - expected) <= sum_limit(1, 1, n)


@given(st.integers(0, 10**6), leading_shapes, st.integers(1, 3), st.integers(1, 4), st.integers(1, 5))
def test_average_equals_a_loop(seed, leading, b, l, n):
    coefficients, _, directions, _ = arrays(seed, leading, b, l, n)
    actual = est.average(coefficients, directions)
    assert actual.shape == (*leading, n)
    for r in np.ndindex(*leading):
        expected = np.zeros(n)
        for i, j in np.ndindex(b, l):
            expected += coefficients[(*r, i, j)] * directions[(*r, i, j)] / (b * l)
        np.testing.assert_allclose(actual[r], expected, rtol=0, atol=sum_limit(b, l, 1))


@given(st.integers(0, 10**6), leading_shapes, st.integers(1, 3), st.integers(1, 4), st.integers(1, 5))
def test_hessian_action_equals_a_loop(seed, leading, b, l, n):
    coefficients, _, directions, v = arrays(seed, leading, b, l, n)
    actual = est.hessian_action(coefficients, est.project(directions, v), directions, v)
    assert actual.shape == (*leading, n)
    for r in np.ndindex(*leading):
        expected = np.zeros(n)
        for i, j in np.ndindex(b, l):
            w = directions[(*r, i, j)]
            expected += coefficients[(*r, i, j)] * (float(w @ v[r]) * w - v[r]) / (b * l)
        np.testing.assert_allclose(actual[r], expected, rtol=0, atol=sum_limit(b, l, n))


@given(st.integers(0, 10**6), leading_shapes, st.integers(1, 3), st.integers(1, 4), st.integers(1, 5))
def test_cross_action_equals_a_loop(seed, leading, b, l, n):
    coefficients, projections, directions, _ = arrays(seed, leading, b, l, n)
    actual = est.cross_action(coefficients, projections, directions)
    assert actual.shape == (*leading, n)
    for r in np.ndindex(*leading):
        expected = np.zeros(n)
        for i, j in np.ndindex(b, l):
            expected += coefficients[(*r, i, j)] * projections[(*r, i, j)] * directions[(*r, i, j)] / (b * l)
        np.testing.assert_allclose(actual[r], expected, rtol=0, atol=sum_limit(b, l, 1))


@pytest.mark.parametrize("name", ["project", "average", "cross_action", "hessian_action"])
def test_contraction_of_a_slice_copies_no_directions(name):
    """Peak memory is that of coefficients (2.5 % of the directions for n = 40), far below one copy."""
    rng = np.random.default_rng(0)
    directions = rng.standard_normal((2, 8, 300, 40))[:, :6, :200]
    assert not directions.flags.c_contiguous
    coefficients = rng.standard_normal((2, 6, 200))
    v = rng.standard_normal((2, 40))
    projections = est.project(directions, v)
    arguments = {
        "project": (directions, v),
        "average": (coefficients, directions),
        "cross_action": (coefficients, projections, directions),
        "hessian_action": (coefficients, projections, directions, v),
    }[name]
    tracemalloc.start()
    try:
        getattr(est, name)(*arguments)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < directions.nbytes / 8, f"{peak} bytes for directions of {directions.nbytes}"


def test_coefficients_accept_symbolic_values():
    """The derivations run the same functions on expressions."""
    from fractions import Fraction

    one, two = Fraction(1), Fraction(2)
    assert est.central_difference(3 * one, one, two) == Fraction(1, 2)
    assert est.forward_difference(3 * one, one, two) == 1
    assert est.second_difference(3 * one, one, one, two, one) == Fraction(1, 2)
    assert est.mixed_difference(5 * one, 3 * one, one, one, two, one) == 1
    assert est.difference_along(3 * one, one, two) == 1
