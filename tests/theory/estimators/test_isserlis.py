"""The Isserlis engine against known moments and quadrature."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy as sp
from zoba_bench.theory.estimators.isserlis import Environment, Form, expectation, expectation_of_forms, form
from zoba_bench.theory.symbols import d, p

from ..support import gauss_hermite, random_blocks


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_powers_of_the_norm(k):
    expected = sp.prod([p + 2 * j for j in range(k)])
    found = expectation(form("w", "w") ** k).expression
    assert sp.expand(found - expected) == 0, found


@pytest.mark.parametrize("k", [0, 1, 2, 3])
def test_a_projection_next_to_powers_of_the_norm(k):
    found = expectation(form("w", "w") ** k * form("w", "v") ** 2).expression
    expected = form("v", "v") * sp.prod([p + 2 * j for j in range(k + 1)]) / p
    assert sp.simplify(found - expected) == 0, found


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
def test_every_perfect_matching_is_counted_once(k):
    linear = Form("v", (), "w").canonical()
    matchings = expectation_of_forms((linear,) * (2 * k))
    assert sum(matchings.values()) == math.factorial(2 * k) // (2**k * math.factorial(k))


def test_an_odd_number_of_ends_has_no_matching():
    assert expectation_of_forms((Form("v", (), "w").canonical(),) * 3) == {}
    assert expectation(form("u", "C", "w") * form("w", "v")).terms == ()


def test_independent_vectors_do_not_match_each_other():
    assert expectation(form("w", "A", "t")).terms == ()
    assert expectation(form("w", "w") * form("u", "u")).expression == p * d


def test_variance_of_a_quadratic_form():
    found = expectation(form("w", "A", "w") ** 2).expression
    trace, square = (sp.Symbol(name, real=True) for name in ("tr(A)", "tr(A^2)"))
    assert sp.expand(found - trace**2 - 2 * square) == 0


def test_mixed_block_gives_its_frobenius_norm():
    assert expectation(form("u", "C", "w") ** 2).expression == sp.Symbol("|C|_F^2", real=True)


def test_test_vectors_give_the_whole_matrix_and_its_trace():
    blocks = random_blocks(3, 2, seed=4)
    vector = form("w", "A", "w") * form("w", "v") + form("u", "C", "w")
    moment = expectation(sp.expand(vector**2) * form("y1p", "w") * form("y2p", "w"))
    matrix = moment.matrix(blocks.environment())
    points, weights = gauss_hermite(5)
    w, u = points[:, :3], points[:, 3:]
    scalar = np.einsum("ni,ij,nj->n", w, blocks.A, w) * (w @ blocks.v) + np.einsum("ni,ij,nj->n", u, blocks.C, w)
    expected = np.einsum("n,n,ni,nj->ij", weights, scalar**2, w, w)
    assert np.allclose(matrix, expected, rtol=1e-12), (matrix, expected)
    assert "y1" not in str(moment.contracted().expression)


def test_random_fixed_vectors_enter_by_their_second_moments():
    blocks = random_blocks(3, 2, seed=5)
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((4, 3))
    moment = expectation(form("w", "A", "w") ** 2 * form("w", "v") ** 2 * form("y1p", "w") * form("y2p", "w"))
    each = []
    for vector in vectors:
        known = Environment.exact(blocks.matrices, blocks.vectors | {"v": vector})
        each.append(moment.matrix(known))
    second = vectors.T @ vectors / 4
    mean = moment.matrix(Environment(blocks.matrices, lambda a, b: second))
    assert np.allclose(mean, np.mean(each, axis=0), rtol=1e-12)
