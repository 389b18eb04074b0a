"""The strategies give what they say: orthogonal matrices, and spectra as asked for, to rounding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import find, given
from hypothesis import strategies as st
from zoba_bench.problems._base.family import positive_definite

from .strategies import orthogonal_matrices, spd_matrices, spectra

EPS = float(np.finfo(float).eps)
SIZES = st.integers(1, 6)


def rounding(n):
    """Of n reflections and two products: below 8 n^2 units in the last place of the largest eigenvalue."""
    return 8 * (n + 1) ** 2 * EPS


@given(data=st.data(), n=SIZES)
def test_orthogonal_matrices_are_orthogonal(data, n):
    matrix = data.draw(orthogonal_matrices(n))
    assert np.abs(matrix @ matrix.T - np.eye(n)).max() <= rounding(n)


@given(data=st.data(), n=SIZES, low=st.floats(1e-8, 1.0), ratio=st.floats(1.0, 1e8))
def test_spectra_lie_between_the_ends_and_reach_them(data, n, low, ratio):
    high = low * ratio
    for attained in (True, False):
        spectrum = data.draw(spectra(n, low, high, attained))
        assert spectrum.shape == (n,)
        assert (np.diff(spectrum) >= 0).all()
        assert low <= spectrum[0] <= spectrum[-1] <= high
        if attained:
            assert spectrum[-1] == high
            assert n == 1 or spectrum[0] == low


@given(data=st.data(), n=SIZES, condition=st.floats(1.0, 1e6), high=st.floats(1e-3, 1e3))
def test_matrices_are_symmetric_with_the_spectrum_that_was_asked_for(data, n, condition, high):
    matrix, spectrum = data.draw(spd_matrices(n, condition=condition, high=high))
    np.testing.assert_array_equal(matrix, matrix.T)
    eigenvalues = np.linalg.eigvalsh(matrix)
    # Weyl: eigenvalues move by at most the norm of the error of the matrix.
    np.testing.assert_allclose(eigenvalues, spectrum, rtol=0, atol=n * rounding(n) * high)
    if n > 1:
        assert spectrum[-1] / spectrum[0] == pytest.approx(condition, rel=4 * EPS)


@given(spd_matrices())
def test_matrices_of_any_size_are_positive_definite_by_default(drawn):
    n = len(drawn.spectrum)
    assert drawn.matrix.shape == (n, n)
    assert np.linalg.eigvalsh(drawn.matrix)[0] >= 1e-3 - n * rounding(n)
    assert np.linalg.eigvalsh(drawn.matrix)[-1] <= 1.0 + n * rounding(n)


@given(spd_matrices(low=0.5, high=0.5))
def test_equal_ends_give_multiples_of_the_identity(drawn):
    n = len(drawn.spectrum)
    np.testing.assert_allclose(drawn.matrix, 0.5 * np.eye(n), atol=rounding(n))


def test_matrices_are_not_only_diagonal_and_shrink_to_diagonal_ones():
    dense = find(spd_matrices(3), lambda drawn: np.abs(drawn.matrix - np.diag(np.diag(drawn.matrix))).min() >= 0)
    np.testing.assert_array_equal(dense.matrix, np.diag(np.diag(dense.matrix)))
    coupled = find(spd_matrices(3), lambda drawn: abs(drawn.matrix[0, 2]) > 1e-3 and abs(drawn.matrix[0, 1]) > 1e-3)
    assert coupled.matrix[0, 2] == coupled.matrix[2, 0] != 0


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.0, 1.0), (2.0, 1.0), (1.0, float("inf"))])
def test_ends_that_are_no_spectrum_are_refused(low, high):
    with pytest.raises(ValueError, match="ends of the spectrum"):
        find(spd_matrices(2, low=low, high=high), lambda _: True)


@given(n=st.integers(1, 12), seed=st.integers(0, 2**32 - 1), condition=st.floats(1.0, 1e6))
def test_the_families_matrices_have_the_spectrum_that_was_asked_for(n, seed, condition):
    spectrum = np.geomspace(1 / condition, 1, n)
    matrix = positive_definite(np.random.default_rng(seed), spectrum)
    np.testing.assert_array_equal(matrix, matrix.T)
    np.testing.assert_allclose(np.sort(np.linalg.eigvalsh(matrix)), np.sort(spectrum), rtol=0, atol=50 * n * EPS)
