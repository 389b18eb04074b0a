"""Laws of directions: moments by enumeration of what the generator may draw, structure, samples, reproducibility."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from zoba_bench.directions import LAWS, Block, Coordinate, Gaussian, LowRank, Orthogonal, Sphere, gaussian

EPS = np.finfo(np.float64).eps
GOLDEN = (1 + math.sqrt(5)) / 2

#: Three nodes integrate polynomials of degree 5 against the normal density.
NODES, WEIGHTS = np.array([-math.sqrt(3), 0.0, math.sqrt(3)]), np.array([1, 4, 1]) / 6

EVERY = [
    pytest.param(law, n, id=f"{law} in R^{n}")
    for law in (
        Gaussian(), Sphere(), Coordinate(), Orthogonal(), Block(), Block(2), Block(5), LowRank(1), LowRank(2),
        LowRank(3, refresh=1),
    )
    for n in (1, 2, 3, 6)
]  # fmt: skip


class Scripted:
    """A generator that hands out given numbers, for one direction a leading row."""

    def __init__(self, normals=(), integers=None) -> None:
        self.normals, self.drawn = list(normals), integers

    def standard_normal(self, shape):
        return self.normals.pop(0).reshape(shape).copy()

    def integers(self, high, size):
        assert self.drawn.max() == high - 1, "the enumeration does not cover the range"
        assert self.drawn.min() == 0
        return self.drawn.reshape(size)


def grid(size: int):
    """Nodes (N, size) of the product rule, and their weights."""
    nodes = np.array(list(product(NODES, repeat=size))).reshape(-1, size)
    return nodes, np.array([math.prod(w) for w in product(WEIGHTS, repeat=size)])


def sphere_design(n: int):
    """Points on the unit sphere whose mean of any polynomial of degree 5 is the sphere's: the line, the hexagon,
    the icosahedron."""
    if n == 1:
        return np.array([[-1.0], [1.0]])
    if n == 2:
        angles = np.arange(6) * math.pi / 3 + 0.1
        return np.stack([np.cos(angles), np.sin(angles)], axis=1)
    signs = np.array(list(product((-1.0, 1.0), repeat=2)))
    corners = np.concatenate([np.roll([[0.0, s, t * GOLDEN] for s, t in signs], i, axis=1) for i in range(3)])
    return corners / np.linalg.norm(corners, axis=1, keepdims=True)


def rotations() -> np.ndarray:
    """The 60 rotations of the icosahedron: invariants of degree 4 in R^3 of this group are those of all rotations,
    because 1 + 3 + 5 in R^3 (x) R^3 stay irreducible."""
    corners = sphere_design(3)
    frame = corners[[0, *np.flatnonzero(np.abs(corners @ corners[0] - 1 / math.sqrt(5)) < 1e-9)[:1]]]
    found = []
    for one, two in product(corners, repeat=2):
        if abs(one @ two - frame[0] @ frame[1]) > 1e-9:
            continue
        basis, image = (np.stack([a, b, np.cross(a, b)], axis=1) for a, b in (frame, (one, two)))
        found.append(image @ np.linalg.inv(basis))
    assert len(found) == 60
    return np.array(found)


def enumerated(law, n: int):
    """Directions (N, n) that the law makes of an exhaustive script, and their weights."""
    if isinstance(law, Gaussian):
        nodes, weights = grid(n)
        return law.draw(Scripted([nodes]), (len(nodes),), n), weights
    if isinstance(law, Sphere):
        points = 3.7 * sphere_design(n)
        return law.draw(Scripted([points]), (len(points),), n), np.full(len(points), 1 / len(points))
    if isinstance(law, Coordinate):
        drawn = np.arange(2 * n)
        return law.draw(Scripted(integers=drawn), (2 * n,), n), np.full(2 * n, 0.5 / n)
    if isinstance(law, Block):
        size = min(law.block_size or math.ceil(math.sqrt(n)), n)
        blocks = math.ceil(n / size)
        nodes, weights = grid(size)
        script = Scripted([np.tile(nodes, (blocks, 1))], np.repeat(np.arange(blocks), len(nodes)))
        return law.draw(script, (blocks * len(nodes),), n), np.tile(weights, blocks) / blocks
    assert isinstance(law, LowRank)
    columns = math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    (left, left_weights), (right, right_weights) = grid(rows * law.rank), grid(columns * law.rank)
    script = [np.repeat(right, len(left), axis=0), np.tile(left, (len(right), 1))]
    return law.draw(Scripted(script), (len(left) * len(right),), n), np.repeat(right_weights, len(left)) * np.tile(
        left_weights, len(right)
    )


EXACT = [
    pytest.param(law, n, id=f"{law} in R^{n}")
    for law, sizes in (
        (Gaussian(), (1, 2, 3)), (Sphere(), (1, 2, 3)), (Coordinate(), (1, 2, 3, 7)), (Block(), (1, 2, 3, 4, 6)),
        (Block(2), (1, 3, 5)), (Block(3), (2, 3, 4)), (LowRank(1), (1, 2, 3, 4, 6)), (LowRank(2), (1, 2, 3, 4)),
    )
    for n in sizes
]  # fmt: skip


@pytest.mark.parametrize(("law", "n"), EXACT)
def test_moments_by_enumeration(law, n):
    """E w = 0, E ww' = I, no third moments, and M(B) for every B, also one that is not symmetric."""
    w, weights = enumerated(law, n)
    largest = np.abs(w).max() ** 4 * len(w)
    np.testing.assert_allclose(weights @ w, 0, atol=EPS * largest)
    np.testing.assert_allclose(np.einsum("N,Ni,Nj->ij", weights, w, w), np.eye(n), atol=EPS * largest)
    np.testing.assert_allclose(np.einsum("N,Ni,Nj,Nk->ijk", weights, w, w, w), 0, atol=EPS * largest)
    fourth = np.einsum("N,Ni,Nj,Nk,Nl->ijkl", weights, w, w, w, w, optimize=True)
    for i, j in product(range(n), repeat=2):
        unit = np.zeros((n, n))
        unit[i, j] = 1.0
        np.testing.assert_allclose(law.fourth_moment(unit), fourth[i, j], atol=EPS * largest)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_moments_of_orthogonal_directions_by_enumeration(n):
    """Over a group whose fourth moments are Haar's: of one direction, and of two of a block."""
    if n == 3:
        group = rotations()
    elif n == 2:
        angles = np.arange(6) * math.pi / 3 + 0.1
        group = np.array([[[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]] for t in angles])
        group = np.concatenate([group, group * [1.0, -1.0]])
    else:
        group = np.array([[[1.0]]])
    group = np.concatenate([group, -group])
    law, count = Orthogonal(), len(group)
    w = law.draw(Scripted([2.5 * group]), (count, n), n)
    # The factor Q of an orthogonal matrix is the matrix itself, once the signs are those of a positive R.
    np.testing.assert_allclose(w, math.sqrt(n) * group.transpose(0, 2, 1), atol=20 * EPS * n)
    matrix = np.arange(1.0, n * n + 1).reshape(n, n) ** 1.5
    for i, j in product(range(n), repeat=2):
        left, right = np.einsum("Na,Nb->Nab", w[:, i], w[:, i]), np.einsum("Na,Nb->Nab", w[:, j], w[:, j])
        np.testing.assert_allclose(left.mean(axis=0), np.eye(n), atol=100 * EPS)
        moment = (left @ matrix @ right).mean(axis=0)
        np.testing.assert_allclose(moment, law.pair_moment(matrix, i, j), atol=1000 * EPS * np.abs(matrix).max())
    np.testing.assert_array_equal(law.pair_moment(matrix, 0, n), matrix)
    np.testing.assert_array_equal(law.pair_moment(matrix, n, n), law.fourth_moment(matrix))


@pytest.mark.parametrize(("law", "n"), EVERY)
def test_mean_squared_size_of_a_surrogate(law, n):
    """E|(w'a) w|^2 = tr M(aa'), by the closed form of the law's table."""
    a = np.arange(1.0, n + 1)
    square = a @ a
    found = np.trace(law.fourth_moment(np.outer(a, a)))
    if isinstance(law, (Sphere, Coordinate, Orthogonal)):
        expected = n * square
    elif isinstance(law, Gaussian):
        expected = (n + 2) * square
    elif isinstance(law, Block):
        size = min(law.block_size or math.ceil(math.sqrt(n)), n)
        blocks = [a[i : i + size] for i in range(0, n, size)]
        expected = len(blocks) * sum((len(part) + 2) * part @ part for part in blocks)
    else:
        columns = math.ceil(math.sqrt(n))
        rows = math.ceil(n / columns)
        expected = (n + 2 + 2 * (rows + columns + 1) / law.rank) * square
        if rows * columns != n:  # entries are left out
            assert (n + 2) * square < found < expected
            return
    assert found == pytest.approx(expected, rel=20 * EPS)


@pytest.mark.parametrize(("law", "n"), EVERY)
def test_samples_have_the_moments(law, n):
    """Means of 20 000 draws of 3 directions. An entry's standard error is estimated from the same draws; a normal
    variable exceeds 6 of them with probability 2e-9, and there are below 2000 entries."""
    count = 20_000
    w = law.draw(np.random.default_rng(n), (count, 3), n)
    assert w.shape == (count, 3, n)
    a = np.linspace(1.0, 2.0, n)
    for i in range(3):
        first = w[:, i]
        square = np.einsum("Na,Nb->Nab", first, first)
        for sample, expected in (
            (first, np.zeros(n)),
            (square, np.eye(n)),
            ((first @ a)[:, None, None] ** 2 * square, law.fourth_moment(np.outer(a, a))),
            (np.einsum("Na,N,Nb->Nab", w[:, 0], np.vecdot(w[:, 0] @ np.outer(a, a), first), first),
             law.pair_moment(np.outer(a, a), 0, i)),
        ):  # fmt: skip
            error = np.abs(sample.mean(axis=0) - expected)
            limit = 6 * sample.std(axis=0) / math.sqrt(count) + 50 * EPS * np.abs(sample).max()
            assert (error <= limit).all(), (error / limit).max()


@pytest.mark.parametrize(("law", "n"), EVERY)
@pytest.mark.parametrize("l", [1, 2, 5])
def test_shapes_bits_and_rows(law, n, l):
    """(R, b, l, n) from one call, the same bits from the same state; rows, and samples of a row, differ."""
    first, second = (law.draw(np.random.default_rng(0), (4, 3, l), n) for _ in range(2))
    assert first.shape == (4, 3, l, n)
    assert first.dtype == np.float64
    assert np.array_equal(first, second)
    many = law.draw(np.random.default_rng(0), (50, 2, l), n)
    assert len(np.unique(many.reshape(50, -1), axis=0)) > 1
    assert not np.array_equal(many[:, 0], many[:, 1])


def test_gaussian_draws_are_the_generators_normals():
    rngs = [np.random.default_rng(0) for _ in range(3)]
    expected = rngs[0].standard_normal((2, 3, 4, 5))
    assert np.array_equal(LAWS["gaussian"]().draw(rngs[1], (2, 3, 4), 5), expected)
    assert np.array_equal(gaussian(rngs[2], (2, 3, 4), 5), expected)


def test_lengths_on_the_sphere_and_along_coordinates():
    for law in (Sphere(), Coordinate(), Orthogonal()):
        w = law.draw(np.random.default_rng(0), (20, 7), 5)
        np.testing.assert_allclose(np.linalg.norm(w, axis=-1), math.sqrt(5), rtol=10 * EPS)
    coordinates = Coordinate().draw(np.random.default_rng(0), (200,), 5)
    assert (np.count_nonzero(coordinates, axis=-1) == 1).all()
    assert {tuple(np.sign(row)) for row in coordinates} == {
        tuple(s * row) for row in np.eye(5) for s in (-1.0, 1.0)
    }  # fmt: skip


@pytest.mark.parametrize(("n", "l"), [(4, 4), (4, 8), (1, 3), (5, 15), (6, 6)])
def test_full_blocks_of_orthogonal_directions_average_to_the_identity(n, l):
    w = Orthogonal().draw(np.random.default_rng(0), (3, 2, l), n)
    mean = np.matmul(np.swapaxes(w, -1, -2), w) / l
    np.testing.assert_allclose(mean, np.broadcast_to(np.eye(n), mean.shape), atol=30 * n * EPS)


@pytest.mark.parametrize(("n", "l"), [(4, 2), (4, 7), (6, 15), (3, 1)])
def test_partial_blocks_are_orthogonal(n, l):
    w = Orthogonal().draw(np.random.default_rng(0), (3, l), n)
    for start in range(0, l, n):
        part = w[:, start : start + n]
        gram = np.matmul(part, np.swapaxes(part, -1, -2))
        np.testing.assert_allclose(gram, np.broadcast_to(n * np.eye(part.shape[1]), gram.shape), atol=30 * n * n * EPS)
    if l > n:
        between = np.matmul(w[:, :n], np.swapaxes(w[:, n:], -1, -2))
        assert np.abs(between).max() > 0.1, "blocks must be independent"


def test_block_moves_one_block_and_reaches_all():
    w = Block(3).draw(np.random.default_rng(0), (500,), 7)
    touched = np.stack([np.abs(w[:, i : i + 3]).max(axis=1) > 0 for i in (0, 3, 6)], axis=1)
    assert (touched.sum(axis=1) == 1).all()
    assert touched.any(axis=0).all()


def test_one_block_is_the_gaussian_law():
    matrix = np.arange(9.0).reshape(3, 3)
    np.testing.assert_allclose(Block(3).fourth_moment(matrix), Gaussian().fourth_moment(matrix))
    np.testing.assert_allclose(Block(50).fourth_moment(matrix), Gaussian().fourth_moment(matrix))


@pytest.mark.parametrize(("n", "rank"), [(12, 1), (12, 2), (10, 1), (1, 1), (7, 3)])
def test_low_rank_directions_have_the_rank(n, rank):
    columns = math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    w = LowRank(rank).draw(np.random.default_rng(0), (20,), n)
    whole = n - n % columns  # rows that are kept entirely
    matrices = w[:, :whole].reshape(20, whole // columns, columns)
    assert np.linalg.matrix_rank(matrices).max() <= rank
    assert rows * columns >= n


def test_low_rank_basis_is_used_again():
    law, rng = LowRank(2), np.random.default_rng(0)
    basis = law.basis(rng, (5, 3), 12)
    assert basis.shape == (5, 3, 4, 2)
    one, two = (law.draw(rng, (5, 3), 12, basis).reshape(5, 3, 3, 4) for _ in range(2))
    assert not np.array_equal(one, two)
    for w in (one, two):
        # Rows of every direction lie in the range of its V: what least squares leaves is rounding.
        span = np.linalg.qr(basis)[0]
        rest = w - w @ span @ np.swapaxes(span, -1, -2)
        assert np.abs(rest).max() <= 100 * EPS * np.abs(w).max()
    scripts = [np.random.default_rng(3) for _ in range(2)]
    assert np.array_equal(
        law.draw(scripts[0], (2, 2), 6), law.draw(scripts[1], (2, 2), 6, law.basis(scripts[1], (2, 2), 6))
    )


def test_moments_of_low_rank_directions_given_their_basis():
    """Given V, w is normal with covariance I (x) VV'/r: a mean over it is seen through that matrix."""
    law, n, count = LowRank(1), 4, 20_000
    basis = law.basis(np.random.default_rng(0), (1,), n)
    w = law.draw(np.random.default_rng(1), (count,), n, np.broadcast_to(basis, (count, *basis.shape[1:])))
    seen = np.kron(np.eye(2), basis[0] @ basis[0].T)
    products = np.einsum("Na,Nb->Nab", w, w)
    limit = 6 * products.std(axis=0) / math.sqrt(count) + EPS
    assert (np.abs(products.mean(axis=0) - seen) <= limit).all()
    assert np.abs(seen - np.eye(n)).max() > 0.1


def test_only_low_rank_keeps_a_basis():
    for name, law in LAWS.items():
        kept = law().basis(np.random.default_rng(0), (2,), 3)
        assert (kept is None) == (name != "low-rank")
        assert law().period == (100 if name == "low-rank" else 1)
    assert LowRank(refresh=7).period == 7


def test_names_are_the_keys():
    assert list(LAWS) == ["gaussian", "sphere", "coordinate", "orthogonal", "block", "low-rank"]
    assert all(law.name == name for name, law in LAWS.items())
