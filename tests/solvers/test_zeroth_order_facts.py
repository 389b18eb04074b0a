"""Descents on the value after an inner run: moments of their directions, and what their papers' code does otherwise."""

from __future__ import annotations

import numpy as np
import pytest

import zoba_bench as zb
from zoba_bench.oracle import Oracle
from zoba_bench.registry import entry, make_solver
from zoba_bench.solvers.gfm import Gfm
from zoba_bench.solvers.structured import OZd, SSzd

QUADRATIC = zb.load_problem("quad_general", p=3, d=4, kappa=3.0)
RNG = np.random.default_rng(8)
STATE = {"z": RNG.standard_normal(3), "v": np.zeros(3), "x": RNG.standard_normal(4)}
REPLICATES = 4000


def linear(d, coefficients):
    """F = c'x and an inner problem that leaves it alone, so that the value after any inner run is linear."""
    return zb.Problem.from_functions(
        lambda z, x: x @ coefficients + 0 * z[..., 0], lambda z, x: 0.5 * np.sum(z**2, axis=-1) + 0 * x[..., 0], 1, d
    )


def slopes(solver, problem, z, x, replicates=REPLICATES, seed=0):
    """g of many replicates at one point: the move of x over -gamma."""
    points = [np.repeat(np.asarray(part)[None], replicates, axis=0) for part in (z, np.zeros(problem.p), x)]
    after = solver.step(solver.init(Oracle(problem, replicates), np.random.default_rng(seed), *points))
    return (after.x - points[2]) / -solver.gamma


def gradient(name, options):
    """The gradient of the value after an inner run, on the quadratic, from the expected update with gamma = 1."""
    state = {**STATE, **({"basis": np.ones((1, 1)), "momentum": np.zeros((4, 1))} if name == "lozo" else {}), "k": 0}
    return STATE["x"] - entry("updates", name).step(QUADRATIC, {**options, "gamma": 1.0}, state).mean["x"]


MEANS = [
    ("gfm", {"q": 2}), ("s-szd", {"l": 2}), ("s-szd", {"l": 3, "directions": "coordinate"}), ("o-zd", {"l": 3}),
    ("mezo-bcd", {"block_size": 3}), ("lozo", {}),
]  # fmt: skip


@pytest.mark.parametrize("eta", [1e-3, 2.0])
@pytest.mark.parametrize(("name", "options"), MEANS, ids=str)
def test_the_mean_direction_is_the_gradient_at_every_radius_on_quadratics(name, options, eta):
    found = slopes(make_solver(name, eta=eta, **options), QUADRATIC, STATE["z"], STATE["x"])
    error = found.std(axis=0, ddof=1) / np.sqrt(REPLICATES)
    exact = gradient(name, options)
    assert (np.abs(found.mean(axis=0) - exact) < 5 * error + 1e-9).all()
    assert (np.abs(exact) > 5 * error).any(), "a mean of zero would be seen"


def second_moment(solver, problem, coefficients, replicates=40000):
    """E|g|^2 over |c|^2 on linear values, and its standard error."""
    found = slopes(solver, problem, np.zeros(1), np.zeros(problem.d), replicates)
    ratios = np.sum(found**2, axis=1) / np.sum(coefficients**2)
    return ratios.mean(), ratios.std(ddof=1) / np.sqrt(replicates)


@pytest.mark.parametrize(
    ("name", "options", "d", "expected"),
    [
        ("gfm", {}, 6, 6.0), ("gfm", {"q": 3}, 6, 1 + 5 / 3), ("s-szd", {"l": 2}, 6, 3.0),
        ("s-szd", {"l": 2, "directions": "coordinate"}, 6, 3.0), ("o-zd", {"l": 4}, 6, 1.5),
        # (B + 2)/N_b for equal blocks.
        ("mezo-bcd", {"block_size": 3}, 6, 5 / 2), ("mezo-bcd", {"block_size": 6}, 6, 8.0),
        ("lozo", {}, 6, 8.0),
        # m n + 2 (m + n + r + 1)/r at m = 5, n = 4, r = 2; with n = r = 1 V would add to a vector's d + 2.
        ("lozo", {"columns": 4, "rank": 2}, 20, 32.0),
    ],
)  # fmt: skip
def test_second_moments_on_linear_values_are_the_derived_ones(name, options, d, expected):
    coefficients = np.random.default_rng(d).standard_normal(d)
    found, error = second_moment(make_solver(name, inner_steps=1, **options), linear(d, coefficients), coefficients)
    assert abs(found - expected) < 5 * error + 1e-9 < 0.1 * expected


def test_a_budget_of_mezo_buys_no_less_noise_than_one_of_mezo_bcd():
    """At N_b times the step the mean is MeZO's, and the second moment N_b (B + 2) = d + 2 N_b is above its d + 2."""
    d, size = 6, 2
    c = np.ones(d)
    blocks, _ = second_moment(make_solver("mezo-bcd", block_size=size, inner_steps=1), linear(d, c), c)
    whole, _ = second_moment(make_solver("mezo-bcd", block_size=d, inner_steps=1), linear(d, c), c)
    assert (d // size) ** 2 * blocks > 1.3 * whole


@pytest.mark.parametrize("directions", ["orthogonal", "coordinate"])
def test_the_columns_of_s_szd_have_the_stated_products(directions):
    solver, d, l = SSzd(l=3, directions=directions), 5, 3
    draw = solver.orthogonal if directions == "orthogonal" else solver.coordinates
    state = solver.init(Oracle(linear(d, np.ones(d)), 20000), np.random.default_rng(1), *np.zeros((2, 20000, 1)),
                        np.zeros((20000, d)))  # fmt: skip
    P = np.sqrt(d / l) * np.swapaxes(draw(state), 1, 2)
    np.testing.assert_allclose(np.swapaxes(P, 1, 2) @ P, d / l * np.broadcast_to(np.eye(l), (20000, l, l)), atol=1e-12)
    products = P @ np.swapaxes(P, 1, 2)
    error = products.std(axis=0, ddof=1) / np.sqrt(20000)
    assert (np.abs(products.mean(axis=0) - np.eye(d)) < 5 * error + 1e-12).all()


def test_a_householder_reflector_does_not_have_them():
    """Its first l columns have a mean of PP' that is not a multiple of I, for which reason they are left out."""
    d, l = 4, 2
    v = np.random.default_rng(0).standard_normal((40000, d))
    v /= np.linalg.norm(v, axis=1)[:, None]
    columns = (np.eye(d) - 2 * v[:, :, None] * v[:, None, :])[:, :, :l]
    products = columns @ np.swapaxes(columns, 1, 2)
    error = products.std(axis=0, ddof=1) / np.sqrt(len(v))
    off = products.mean(axis=0) - l / d * np.eye(d)
    assert (np.abs(np.diag(off)) > 20 * np.diag(error)).all()


@pytest.mark.parametrize("eta", [0.1, 3.0])
def test_a_whole_basis_has_no_noise_and_forward_differences_add_their_curvature(eta):
    exact = gradient("o-zd", {})
    central = slopes(OZd(l=4, eta=eta), QUADRATIC, STATE["z"], STATE["x"], 5)
    assert np.abs(central - exact).max() < 1e-9 / min(eta, 1.0)
    forward = SSzd(l=4, eta=eta, eta_power=0.0, directions="coordinate")
    found = slopes(forward, QUADRATIC, STATE["z"], STATE["x"], 5)
    # (eta/2) sum (e_i'A e_i) e_i, each with the sign of its direction, A the Hessian of the value after the run.
    steps = np.eye(4)
    A = np.array([gradient_at(STATE["x"] + step) - gradient_at(STATE["x"]) for step in steps])
    np.testing.assert_allclose(np.abs(found - exact), np.tile(eta / 2 * np.diag(A), (5, 1)), atol=1e-8 / min(eta, 1.0))


def gradient_at(x):
    return x - entry("updates", "o-zd").step(QUADRATIC, {"gamma": 1.0}, {**STATE, "x": x, "k": 0}).mean["x"]


def test_samples_that_both_values_share_leave_the_variance_at_every_radius_and_others_do_not():
    """Halving the radius leaves it as it is; with a sample of its own for each value it grows four times."""
    problem = zb.load_problem("quad_sum", p=2, d=3, n_inner=4, n_outer=16)
    z, x = np.zeros(2), np.ones(3)

    class OwnSamples(Gfm):
        def values(self, state, ends, points):
            drawn = state.oracle.draw_outer(state.rng, ends.shape[1])
            return state.oracle.outer(ends, points, drawn[..., 0])

    ratios = {}
    for kind in (Gfm, OwnSamples):
        wide, narrow = (
            slopes(kind(batch=1, eta=eta, inner_steps=1), problem, z, x).var(axis=0).sum() for eta in (2e-4, 1e-4)
        )  # fmt: skip
        ratios[kind] = narrow / wide
    assert abs(ratios[Gfm] - 1) < 1e-3
    assert abs(ratios[OwnSamples] - 4) < 0.6


def test_inner_runs_that_are_off_move_the_direction_by_no_more_than_d_over_the_radius():
    """|Psi_T - Psi| <= e gives an error of d e/eta at most; the direction of a longer run is closer."""
    z, x = QUADRATIC.inner_solution(STATE["x"]) + 0.1, STATE["x"]
    eta, exact = 0.05, QUADRATIC.hypergradient(STATE["x"])
    errors = []
    for steps in (1, 8, 64):
        solver = OZd(l=4, eta=eta, inner_steps=steps, alpha=0.5)
        found = slopes(solver, QUADRATIC, z, x, 1)[0]
        probes = [x + t * eta * e for e in np.eye(4) for t in (1, -1)]
        ends = solver.train(Oracle(QUADRATIC, 1), z[None], np.array(probes)[None])[0]
        inexact = max(
            abs(float(QUADRATIC.outer(end, at)) - float(QUADRATIC.value(at)))
            for end, at in zip(ends, probes, strict=True)
        )
        # The probes are those of another basis: the values at its points are as far off, up to a factor 2.
        assert np.linalg.norm(found - exact) <= 2 * 4 * inexact / eta + 1e-9
        errors.append(np.linalg.norm(found - exact))
    assert errors[0] > 10 * errors[2]


def test_lozo_moves_within_the_range_of_v_while_it_is_kept_and_over_many_in_all_directions():
    problem = zb.load_problem("quad_general", p=2, d=12)
    solver = make_solver("lozo", columns=4, rank=2, refresh=5, inner_steps=2)
    rng = np.random.default_rng(0)
    state = solver.init(Oracle(problem, 1), rng, np.zeros((1, 2)), np.zeros((1, 2)), rng.standard_normal((1, 12)))
    start, ranks = state.x, []
    for k in range(10):
        if k % 5 == 0:
            window = state.x
        state = solver.step(state)
        if k % 5 == 4:
            ranks.append(np.linalg.matrix_rank((state.x - window).reshape(3, 4), tol=1e-12))
    assert ranks == [2, 2]
    assert np.linalg.matrix_rank((state.x - start).reshape(3, 4), tol=1e-12) == 3


def test_the_factor_that_the_released_lozo_lacks_is_the_rank():
    """Over U and V the mean is the gradient with 1/r, and r times it without."""
    d, c = 8, np.arange(1.0, 9.0)
    solver = make_solver("lozo", columns=4, rank=2, inner_steps=1)
    found = slopes(solver, linear(d, c), np.zeros(1), np.zeros(d), 40000)
    error = found.std(axis=0, ddof=1) / np.sqrt(40000)
    assert (np.abs(found.mean(axis=0) - c) < 5 * error).all()
    assert (np.abs(2 * found.mean(axis=0) - c) > 5 * error).all()


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("gfm", {"q": 0}, "q must be a positive integer"), ("gfm", {"batch": 0}, "batch must be a positive integer"),
        ("gfm", {"training": "nothing"}, "training must be one of 'gradients', 'values', got 'nothing'"),
        ("gfm", {"power": -1.0}, "power must be a non-negative finite number"),
        ("s-szd", {"directions": "householder"}, "directions must be one of 'orthogonal', 'coordinate'"),
        ("o-zd", {"l": 0}, "l must be a positive integer"),
        ("o-zd", {"inner_steps": 10**7}, "inner_steps must be at most 1000000"),
        ("mezo-bcd", {"block_size": 0}, "block_size must be a positive integer"),
        ("lozo", {"rank": 2}, "rank must be at most columns=1, got 2; a vector has columns=1"),
        ("lozo", {"beta": 1.0}, "beta must be a finite number and at least 0 and below 1, got 1.0"),
    ],
)  # fmt: skip
def test_options_out_of_range_are_refused_by_name(name, options, message):
    with pytest.raises(ValueError, match=message):
        make_solver(name, **options)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("gfm", {"batch": 2}, "gfm needs samples of F for batch=2; quad_general has none: leave batch None"),
        ("s-szd", {"l": 5}, "s-szd needs d of at least l=5, for orthogonal directions; quad_general has d=4"),
        ("o-zd", {"l": 5}, "o-zd needs d of at least l=5"),
        ("lozo", {"columns": 3}, "lozo needs d that is a multiple of columns=3; quad_general has d=4"),
    ],
)
def test_a_problem_that_does_not_fit_is_refused_with_the_way_out(name, options, message):
    with pytest.raises(ValueError, match=message):
        zb.solve(QUADRATIC, name, max_iterations=1, **options)
