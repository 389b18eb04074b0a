"""The rule of degree 5: exact on polynomials of that degree, and not beyond."""

from __future__ import annotations

from itertools import combinations_with_replacement
from math import prod

import numpy as np
import pytest
from zoba_bench.theory.noise.cubature import cubature, root


def moment(powers):
    """E of a monomial of independent standard normals: (a - 1)!! for even a, else 0."""
    return prod(0 if a % 2 else prod(range(a - 1, 0, -2)) for a in powers)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8])
def test_every_monomial_up_to_degree_five_is_integrated_exactly(n):
    points, weights = cubature(n)
    assert points.shape == (2 * n * n + 1, n)
    for degree in range(6):
        for chosen in combinations_with_replacement(range(n), degree):
            powers = [chosen.count(i) for i in range(n)]
            values = weights * np.prod(points ** np.array(powers), axis=1)
            # Rounding of a sum: the number of terms times the size of them.
            size = np.abs(values).sum()
            assert abs(values.sum() - moment(powers)) <= 1e-15 * len(points) * max(1.0, size), powers


def test_degree_six_is_not():
    points, weights = cubature(3)
    assert abs(weights @ points[:, 0] ** 6 - 15) > 1


def test_a_root_of_a_singular_covariance():
    factor = np.random.default_rng(0).standard_normal((4, 2))
    found = root(factor @ factor.T)
    assert np.allclose(found @ found.T, factor @ factor.T, atol=1e-14 * 16)


def test_no_dimension_is_refused():
    with pytest.raises(ValueError, match="n must be a positive integer, got 0"):
        cubature(0)
