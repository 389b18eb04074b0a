"""Problems on real data: sampling, scaling, and the message when the data package is missing."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from .support import factory

ROWS = 442


@pytest.fixture(scope="module")
def stochastic():
    return factory("diabetes_ridge")(stochastic=True, n_train=200)


@pytest.fixture
def points():
    rng = np.random.default_rng(3)
    return rng.standard_normal((2, 3, 1, 10)), rng.standard_normal((2, 1, 1, 10))


def test_mean_over_the_samples_is_the_deterministic_value(stochastic, points):
    z, x = points
    plain = factory("diabetes_ridge")(n_train=200)
    assert (stochastic.inner_samples, stochastic.outer_samples) == (200, ROWS - 200)
    assert (plain.inner_samples, plain.outer_samples) == (None, None)
    for level in ("inner", "outer"):
        rows = np.arange(getattr(stochastic, f"{level}_samples"))
        mean = getattr(stochastic, level)(z, x, rows).mean(axis=-1, keepdims=True)
        for problem in (stochastic, plain):
            # A mean of 200 rows, computed from the rows or from their triangular factor.
            np.testing.assert_allclose(mean, getattr(problem, level)(z, x), rtol=1e-12, err_msg=level)


@pytest.mark.parametrize("shape", [(2, 3, 1), (2, 3, 5), (5,), (1, 1, 1)])
def test_sample_indices_broadcast_with_the_leading_axes(stochastic, points, shape):
    z, x = points
    sample = np.random.default_rng(4).integers(0, 200, shape)
    lead = np.broadcast_shapes((2, 3, 1), shape)
    many_z, many_x = np.broadcast_to(z, (*lead, 10)), np.broadcast_to(x, (*lead, 10))
    indices = np.broadcast_to(sample, lead)
    for level in ("inner", "outer"):
        function = getattr(stochastic, level)
        whole = function(z, x, sample)
        assert whole.shape == lead
        expected = [function(many_z[i], many_x[i], indices[i]) for i in np.ndindex(*lead)]
        np.testing.assert_allclose(whole.ravel(), expected, rtol=1e-12)


def test_one_sample_is_one_row_and_rows_differ(stochastic):
    z, x = np.ones(10), np.zeros(10)
    losses = stochastic.inner(z, x, np.arange(200)) - 0.5 * 10
    assert (losses >= 0).all()
    assert len(np.unique(losses)) == 200


def test_data_are_standardised_on_the_training_rows():
    problem = factory("diabetes_ridge")()
    zeros = np.zeros(10)
    # The target has unit variance there, so that the loss at z = 0 is one half; the features have too.
    assert problem.inner(zeros, zeros) == pytest.approx(0.5)
    np.testing.assert_allclose(np.diag(problem.inner_hessian(zeros, zeros)[0]), 2.0)


def test_per_sample_bounds_hold_for_every_row(stochastic):
    rng = np.random.default_rng(5)
    x = rng.standard_normal((1, 10))
    x *= stochastic.constants.radius / np.linalg.norm(x)
    z = stochastic.inner_solution(x)
    v = np.eye(10)[:, None, None, :]
    # Rows are quadratic in z: central differences are exact up to rounding, eps |f| / h.
    for level, bound in (("inner", "L_zz"), ("outer", "m_zz")):
        f, h = getattr(stochastic, level), 1.0
        rows = np.arange(getattr(stochastic, f"{level}_samples"))
        second = (f(z + h * v, x, rows) + f(z - h * v, x, rows) - 2 * f(z, x, rows)) / h**2
        assert second.max() <= getattr(stochastic.constants, bound)
    rows = np.arange(stochastic.outer_samples)
    slope = (stochastic.outer(z + v, x, rows) - stochastic.outer(z - v, x, rows)) / 2
    assert np.linalg.norm(slope, axis=0).max() <= stochastic.constants.C_z


def test_no_minimiser_is_claimed_for_a_nonconvex_value():
    problem = factory("diabetes_ridge")()
    assert problem.minimizer is None
    assert problem.minimum is None


def test_missing_scikit_learn_is_named_with_the_extra_that_installs_it(monkeypatch):
    build = factory("diabetes_ridge")
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ImportError, match=r'pip install "zoba-bench\[data\]"'):
        build()
    assert build.card.requires == {"sklearn": "data"}
