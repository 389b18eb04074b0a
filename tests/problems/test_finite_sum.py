"""The quadratic finite sum: samples against brute force, constants of every sample, certificates, speed."""

from __future__ import annotations

import inspect
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from zoba_bench.problems.quadratic.finite_sum import quad_sum

from zoba_bench.certification.against_symbols import compare_constants
from zoba_bench.certification.certify import certify
from zoba_bench.oracle import Oracle

from .support import sample


def failed(certificate):
    return [check.name for check in certificate.checks if not check.ok]


def blocks(function, n, p, d):
    """Hessians (n, p+d, p+d) and slopes at 0 (n, p+d) of every sample, by differences exact for quadratics."""
    size, every = p + d, np.arange(n)
    axes = np.eye(size)

    def at(w):
        return function(w[..., None, :p], w[..., None, p:], every)

    origin, ahead, back = at(np.zeros(size)), at(axes), at(-axes)
    both = at(axes[:, None] + axes[None])
    hessian = both - ahead[:, None] - ahead[None] + origin
    diagonal = ahead + back - 2 * origin
    hessian[np.arange(size), np.arange(size)] = diagonal
    return np.moveaxis(hessian, -1, 0), ((ahead - back) / 2).T


def norms(matrices):
    return np.linalg.norm(matrices, 2, axis=(-2, -1))


def spread(matrices):
    """The largest root mean square over the samples of (M_i - M) v, over unit v."""
    centred = matrices - matrices.mean(axis=0)
    return np.sqrt(np.linalg.eigvalsh(np.mean(centred.swapaxes(-1, -2) @ centred, axis=0))[-1])


SMALL = {"p": 3, "d": 2, "seed": 1, "n_inner": 40, "n_outer": 30}


@pytest.fixture(scope="module", params=[("inner", 40), ("outer", 30)], ids=["inner", "outer"])
def brute(request):
    level, n = request.param
    problem = quad_sum(**SMALL, radius=1.5)
    return level, problem, *blocks(getattr(problem, level), n, 3, 2)


def test_a_sample_has_blocks_of_rank_one(brute):
    _, _, hessians, _ = brute
    for block in (hessians[:, :3, :3], hessians[:, 3:, 3:], hessians[:, 3:, :3]):
        singular = np.linalg.svd(block, compute_uv=False)
        assert (singular[:, 1] <= 1e-12 * singular.max()).all()
    for block in (hessians[:, :3, :3], hessians[:, 3:, 3:]):
        assert (np.linalg.eigvalsh(block)[:, 0] >= -1e-12).all()


def test_the_mean_of_the_samples_is_the_function_without_a_sample(brute):
    level, problem, hessians, slopes = brute
    zz, xz, xx = getattr(problem, f"{level}_hessian")(np.zeros(3), np.zeros(2))
    np.testing.assert_allclose(hessians.mean(axis=0), np.block([[zz, xz.T], [xz, xx]]), atol=1e-12)
    gradients = [getattr(problem, f"{level}_grad_{k}")(np.zeros(3), np.zeros(2)) for k in "zx"]
    np.testing.assert_allclose(slopes.mean(axis=0), np.concatenate(gradients), atol=1e-12)
    z, x, _, _ = sample(problem, 5)
    function = getattr(problem, level)
    every = function(z[:, None], x[:, None], np.arange(len(hessians)))
    np.testing.assert_allclose(every.mean(axis=-1), function(z, x), rtol=1e-12, atol=1e-13)


def test_bounds_hold_for_every_sample_and_are_attained(brute):
    level, problem, hessians, _ = brute
    names = ("L_zz", "L_xz", "L_xx") if level == "inner" else ("m_zz", "m_xz", "m_xx")
    found = (hessians[:, :3, :3], hessians[:, 3:, :3], hessians[:, 3:, 3:])
    for name, block in zip(names, found, strict=True):
        np.testing.assert_allclose(getattr(problem.constants, name), norms(block).max(), rtol=1e-9, err_msg=name)


def test_spreads_of_blocks_are_exact_and_those_of_slopes_are_bounds(brute):
    level, problem, hessians, slopes = brute
    constants, n = problem.constants, len(hessians)
    if level == "inner":
        np.testing.assert_allclose(constants.sigma_zz, spread(hessians[:, :3, :3]), rtol=1e-9)
        np.testing.assert_allclose(constants.sigma_xz, spread(hessians[:, 3:, :3]), rtol=1e-9)
    z, x, _, _ = sample(problem, 300)
    w = np.concatenate([z, x], axis=-1)
    gradients = np.einsum("nij,mj->mni", hessians, w) + slopes
    noise = gradients - gradients.mean(axis=1, keepdims=True)
    parts = {"z": noise[..., :3], "x": noise[..., 3:]}
    for name, k in (("sigma_gz", "z"),) if level == "inner" else (("sigma_fz", "z"), ("sigma_fx", "x")):
        largest = np.sqrt((parts[k] ** 2).sum(axis=(1, 2)) / n).max()
        assert largest <= getattr(constants, name) <= 3 * largest, name


def test_slopes_of_every_sample_are_bounded_at_the_solution():
    problem = quad_sum(**SMALL, radius=1.5)
    hessians, slopes = blocks(problem.outer, 30, 3, 2)
    _, x, _, _ = sample(problem, 300)
    w = np.concatenate([problem.inner_solution(x), x], axis=-1)
    gradients = np.einsum("nij,mj->mni", hessians, w) + slopes
    assert np.linalg.norm(gradients[..., :3], axis=-1).max() <= problem.constants.C_z
    assert np.linalg.norm(gradients[..., 3:], axis=-1).max() <= problem.constants.C_x


def test_mu_and_closed_forms_are_those_of_the_drawn_mean():
    problem = quad_sum(**SMALL)
    hessians, slopes = blocks(problem.inner, 40, 3, 2)
    A, C, a = hessians.mean(axis=0)[:3, :3], hessians.mean(axis=0)[3:, :3], slopes.mean(axis=0)[:3]
    assert problem.constants.mu == pytest.approx(np.linalg.eigvalsh(A)[0])
    _, x, _, _ = sample(problem, 5)
    np.testing.assert_allclose(problem.inner_solution(x), -np.linalg.solve(A, (x @ C + a).T).T, atol=1e-11)


def test_the_mean_of_many_samples_has_the_spectra_asked_for():
    problem = quad_sum(4, 3, n_inner=100_000, n_outer=10, mu=0.2, L=2.0, L_cross=0.4)
    zz, xz, xx = problem.inner_hessian(np.zeros(4), np.zeros(3))
    # Eigenvalues of a mean of n Wishart matrices of rank one: relative deviation about 2 sqrt(p / n) = 0.013;
    # the fourth moments of the cross factors: 4 sqrt(p / n) of the largest one.
    np.testing.assert_allclose(np.linalg.eigvalsh(zz), np.geomspace(0.2, 2.0, 4), rtol=0.03)
    np.testing.assert_allclose(np.linalg.eigvalsh(xx), np.geomspace(0.2, 2.0, 3), rtol=0.03)
    np.testing.assert_allclose(np.linalg.svd(xz)[1], np.geomspace(0.2, 0.4, 3)[::-1], atol=0.03 * 0.4)


@pytest.mark.parametrize(
    ("z_lead", "x_lead", "sample_shape"),
    [
        ((), (), ()),
        ((), (), (4,)),
        ((5,), (5,), ()),
        ((5,), (), (5,)),
        ((4, 5), (4, 1), (4, 1)),
        ((5,), (), (1,)),
        ((), (5,), (3, 1)),
        ((2, 4, 5), (2, 1, 1), (2, 4, 1)),
        ((2, 1, 1), (2, 4, 5), (2, 4, 1)),
        ((2, 1, 1), (2, 1, 1), (2, 4, 1)),
        ((2, 1, 5), (2, 1, 5), (2, 4, 5)),
    ],
)
def test_samples_broadcast_like_a_loop(z_lead, x_lead, sample_shape):
    problem, rng = quad_sum(**SMALL), np.random.default_rng(0)
    z, x = rng.standard_normal((*z_lead, 3)), rng.standard_normal((*x_lead, 2))
    chosen = rng.integers(30, size=sample_shape)
    lead = np.broadcast_shapes(z_lead, x_lead, sample_shape)
    many_z, many_x = np.broadcast_to(z, (*lead, 3)), np.broadcast_to(x, (*lead, 2))
    each = np.broadcast_to(chosen, lead)
    for function in (problem.inner, problem.outer):
        whole = function(z, x, chosen)
        assert whole.dtype == np.float64
        single = [function(many_z[i], many_x[i], each[i]) for i in np.ndindex(*lead)]
        np.testing.assert_allclose(whole, np.reshape(single, lead), rtol=1e-12, atol=1e-13)


# Derivatives of single samples.

GRADIENTS = ("inner_grad_z", "inner_grad_x", "outer_grad_z", "outer_grad_x")
PRODUCTS = {"inner_hvp_zz": ("inner_grad_z", "z"), "inner_jvp_xz": ("inner_grad_x", "z"),
            "inner_jvp_zx": ("inner_grad_z", "x")}  # fmt: skip


def vectors(problem, name, rng, *lead):
    """Points and, of a product, the vector that it takes."""
    sizes = [problem.p, problem.d]
    if name in PRODUCTS:
        sizes.append(problem.p if PRODUCTS[name][1] == "z" else problem.d)
    return [rng.standard_normal((*lead, size)) for size in sizes]


@pytest.mark.parametrize("name", [*GRADIENTS, *PRODUCTS])
def test_derivatives_of_all_samples_have_the_exact_one_as_their_mean(name):
    problem, n = quad_sum(**SMALL), 40 if name.startswith("inner") else 30
    at = vectors(problem, name, np.random.default_rng(2), 5)
    function = getattr(problem, name)
    every = function(*(vector[:, None] for vector in at), np.arange(n))
    assert every.shape == (5, n, function(*at).shape[-1])
    np.testing.assert_allclose(every.mean(axis=1), function(*at), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", GRADIENTS)
def test_the_gradient_of_a_sample_is_that_of_its_value(name):
    """Central differences of quadratics have no remainder."""
    problem, level = quad_sum(**SMALL), name.partition("_")[0]
    function, along_z = getattr(problem, level), name.endswith("z")
    z, x = vectors(problem, name, np.random.default_rng(3))
    every = np.arange(30)[:, None]
    axes = np.eye(problem.p if along_z else problem.d)

    def at(sign):
        return function(z + sign * axes, x, every) if along_z else function(z, x + sign * axes, every)

    np.testing.assert_allclose(getattr(problem, name)(z, x, every[:, 0]), (at(1) - at(-1)) / 2, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", PRODUCTS)
def test_the_product_of_a_sample_is_a_difference_of_its_gradients(name):
    problem, (gradient, moved) = quad_sum(**SMALL), PRODUCTS[name]
    z, x, v = vectors(problem, name, np.random.default_rng(4))
    every, function = np.arange(30), getattr(problem, gradient)
    ahead = function(z + v, x, every) if moved == "z" else function(z, x + v, every)
    np.testing.assert_allclose(
        getattr(problem, name)(z, x, v, every), ahead - function(z, x, every), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("name", [*GRADIENTS, *PRODUCTS])
@pytest.mark.parametrize(
    ("leads", "sample_shape"),
    [
        (((), (), ()), ()),
        (((), (), ()), (4,)),
        (((5,), (), (5,)), ()),
        (((), (5,), ()), (5,)),
        (((), (), (5,)), (1,)),
        (((4, 1), (4, 1), (4, 1)), (4, 7)),
        (((4, 5), (4, 1), (1, 5)), (4, 1)),
        (((), (5,), ()), (3, 1)),
        (((2, 4, 1), (2, 1, 1), (2, 4, 1)), (2, 4, 6)),
    ],
)
def test_derivatives_of_samples_broadcast_like_a_loop(name, leads, sample_shape):
    problem, rng = quad_sum(**SMALL), np.random.default_rng(5)
    sizes = [vector.size for vector in vectors(problem, name, rng)]
    at = [rng.standard_normal((*lead, size)) for lead, size in zip(leads[: len(sizes)], sizes, strict=True)]
    chosen, function = rng.integers(30, size=sample_shape), getattr(problem, name)
    lead = np.broadcast_shapes(*(vector.shape[:-1] for vector in at), sample_shape)
    many = [np.broadcast_to(vector, (*lead, vector.shape[-1])) for vector in at]
    each, whole = np.broadcast_to(chosen, lead), function(*at, chosen)
    assert whole.shape[:-1] == lead
    for i in np.ndindex(*lead):
        single = function(*(vector[i] for vector in many), each[i])
        np.testing.assert_allclose(whole[i], single, rtol=1e-12, atol=1e-13)


def test_a_solvers_oracle_draws_and_counts_its_samples():
    problem = quad_sum(**SMALL)
    oracle = Oracle(problem, 2)
    assert oracle.stochastic_inner
    assert oracle.stochastic_outer
    z, x = np.zeros((2, 4, 7, 3)), np.zeros((2, 1, 1, 2))
    chosen = oracle.draw_inner(np.random.default_rng(0), 4)
    assert oracle.inner(z, x, chosen).shape == (2, 4, 7)
    assert (oracle.n_inner == 28).all()


def test_the_benchmarks_size_takes_little_memory():
    tracemalloc.start()
    problem = quad_sum(100, 100, n_inner=1024, n_outer=1024)
    whole = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    held = tracemalloc.get_traced_memory()[0]
    z, x = np.zeros((2, 8, 50, 100)), np.zeros((2, 1, 1, 100))
    held += z.nbytes
    problem.inner(z, x, np.zeros((2, 8, 1), dtype=np.int64))
    batch = tracemalloc.get_traced_memory()[1] - held
    tracemalloc.reset_peak()
    problem.inner_hvp_zz(z[:, :, 0], x[:, :, 0], z[:, :, 0], np.zeros((2, 8), dtype=np.int64))
    product = tracemalloc.get_traced_memory()[1] - held
    tracemalloc.stop()
    # Factors: 2 levels x 2 variables x 1024 x 100 x 3 doubles = 9.8 MB; one (n, p, p) array would be 82 MB.
    assert whole < 40e6
    # 16 gathered samples of 2 x 300 doubles and 800 x 3 products: no array of the size of z times a factor.
    assert batch < 1e6
    # The same 16 gathered samples, one column of factors at a time; their matrices would be 1.3 MB.
    assert product < 1e5


@pytest.mark.slow
def test_everything_is_proved_of_the_mean_and_computed_of_the_samples():
    problem = quad_sum(5, 3, seed=2, n_inner=100, n_outer=100, radius=2.0)
    certificate = certify(problem, quad_sum(**quad_sum.card.small, seed=2, radius=2.0))
    assert not failed(certificate)
    kinds = {check.name: check.kind for check in certificate.checks}
    assert sum(kind == "proved" for kind in kinds.values()) >= 9
    for name in ("L_zz", "L_xz", "L_xx", "m_zz", "m_xz", "m_xx", "sigma_zz", "sigma_xz", "mu", "k_z", "R_0"):
        assert kinds[f"constant {name}"] == "computed"


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (25, 9), (9, 25)])
def test_other_sizes_are_measured_to_be_right(size):
    problem = quad_sum(*size, seed=3, n_inner=60, n_outer=60, radius=1.0)
    assert not failed(certify(problem if max(size) <= 2 else replace(problem, symbolic=None)))


@pytest.mark.parametrize(
    "attribute",
    ["inner", "outer", "inner_solution", "adjoint", "value", "hypergradient", "outer_grad_z", "minimizer", "minimum"],
)
def test_a_planted_error_is_seen(attribute):
    problem = replace(quad_sum(**SMALL), symbolic=None)
    right = getattr(problem, attribute)

    def wrong(*at):
        # In an objective only the mean is wrong, not the samples.
        return right(*at) + (1e-3 if len(at) < 3 else 0.0)

    assert failed(certify(replace(problem, **{attribute: wrong if callable(right) else right + 1e-3})))


def test_every_wrong_constant_is_seen():
    problem = quad_sum(**quad_sum.card.small)
    symbols = problem.symbolic()
    moved = {name: 0.999 * getattr(problem.constants, name) for name in symbols.constants}
    checks = compare_constants(replace(problem, constants=replace(problem.constants, **moved)), symbols)
    assert {"mu", "L_zz", "m_xz", "sigma_zz", "sigma_xz", "k_v", "R_g"} <= set(symbols.constants)
    assert not any(check.ok for check in checks)


@pytest.mark.parametrize("name", ["sigma_gz", "sigma_fz", "sigma_fx", "C_z", "C_x"])
def test_what_grows_with_the_arguments_is_known_on_a_radius_only(name):
    assert getattr(quad_sum(**SMALL).constants, name) is None
    near, far = (getattr(quad_sum(**SMALL, radius=r).constants, name) for r in (0.5, 2.0))
    assert 0 < near < far


def test_parameters_rebuild_the_same_problem():
    problem = quad_sum(**SMALL, radius=1.0)
    keywords = inspect.signature(quad_sum).parameters.values()
    assert set(problem.parameters) == {k.name for k in keywords if k.kind is k.KEYWORD_ONLY}
    again = quad_sum(3, 2, **problem.parameters)
    z, x, _, _ = sample(problem, 5)
    for chosen in (None, np.array([0, 1, 2, 3, 29])):
        np.testing.assert_array_equal(problem.inner(z, x, chosen), again.inner(z, x, chosen))
        np.testing.assert_array_equal(problem.outer(z, x, chosen), again.outer(z, x, chosen))
    assert problem.constants == again.constants


@pytest.mark.parametrize("seed", range(20))
def test_every_draw_makes_psi_strongly_convex(seed):
    # p = d = 1 is the hardest case: the cross term is as large as both other ones, with a random sign.
    problem = quad_sum(1, 1, seed=seed, n_inner=100, n_outer=100)
    slope = problem.hypergradient(np.ones(1)) - problem.hypergradient(np.zeros(1))
    assert slope[0] >= 0.1 / 10


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"p": 0}, "p must be .* got 0"),
        ({"d": 1.5}, "d must be .* got 1.5"),
        ({"seed": -1}, "seed must be .* got -1"),
        ({"mu": 0.0}, "mu must be .* above 0, got 0.0"),
        ({"L": 0.05}, "L must be .* at least 0.1, got 0.05"),
        ({"L_cross": 0.0}, "L_cross must be .* above 0, got 0.0; without it"),
        ({"n_inner": 9}, "n_inner must be at least p = 10, .* got 9"),
        ({"n_outer": 0}, "n_outer must be .* got 0"),
        ({"radius": -1.0}, "radius must be .* got -1.0"),
        ({"p": 1, "d": 8, "L_cross": 50.0}, r"decrease L_cross \(got 50.0\) or increase mu \(got 0.1\)"),
    ],
)
def test_a_bad_argument_is_named_with_its_value(keywords, message):
    with pytest.raises(ValueError, match=message):
        quad_sum(**keywords)
