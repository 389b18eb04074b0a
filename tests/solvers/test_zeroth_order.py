"""The zeroth-order rivals: one step against plain loops, their counts, and what must hold on quadratics."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import zoba_bench as zb
from zoba_bench.oracle import Oracle
from zoba_bench.registry import make_solver
from zoba_bench.solvers import zo_sogd

from .zeroth_order_support import RecordingCoins, Reference

SAMPLES = {"inner_samples": 6, "outer_samples": 5}
#: Radii are large, so that rounding is 1e-13 of a direction; steps are at least 0.01 of one.
CLOSE = {"rtol": 1e-9, "atol": 1e-10}
SOGD = {"rho_r": 0.3, "rho_s": 0.4, "rho_v": 0.2, "l1": 3, "l2": 2, "alpha": 0.01, "beta": 0.02, "delta": 0.03}
INNER = {"eta": 0.3, "h": 0.2, "gamma": 0.02, "inner_steps": 2, "alpha": 0.05}
VRZSBO = {"nu": 0.3, "h": 0.4, "rho": 0.02, "rho_v": 0.03, "gamma": 0.01}

CASES = [
    ("zo-sogd", SOGD, {}), ("zo-sogd", SOGD, SAMPLES),
    ("zo-sogd", {**SOGD, "gamma": 0.2, "lam": 0.5, "eta": 0.7, "schedule": "inverse-cbrt"}, {}),
    ("zo-sogd", {**SOGD, "gamma": 1.0, "lam": 1.0, "eta": 1.0, "v_radius": 0.5}, SAMPLES),
    ("vrzsbo-like", VRZSBO, {}), ("vrzsbo-like", {**VRZSBO, "q": 0.5, "b1": 2, "b2": 3}, SAMPLES),
    ("vrzsbo-like", {**VRZSBO, "q": 1.0, "v_radius": 0.5}, SAMPLES),
    ("vrzsbo-like", {**VRZSBO, "q": 0.3, "b1": 2, "b2": 1}, {"inner_samples": 4}),
    ("gfm", INNER, {}), ("gfm", {**INNER, "q": 3, "power": 0.3, "eta_power": 0.2}, {}),
    ("gfm", {**INNER, "q": 2, "batch": 3}, SAMPLES),
    ("s-szd", INNER, {}), ("s-szd", {**INNER, "l": 3}, SAMPLES),
    ("s-szd", {**INNER, "l": 3, "directions": "coordinate"}, {}),
    ("o-zd", INNER, {}), ("o-zd", {**INNER, "l": 4}, {}),
    ("mezo-bcd", INNER, {}), ("mezo-bcd", {**INNER, "block_size": 3}, SAMPLES),
    ("lozo", INNER, {}), ("lozo", {**INNER, "beta": 0.4}, {}),
    ("lozo", {**INNER, "columns": 2, "rank": 2, "refresh": 2, "beta": 0.3}, {}),
]  # fmt: skip


def start(problem, replicates, seed=5):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((replicates, n)) for n in (problem.p, problem.p, problem.d)]


def rows_of(state, r):
    return {f.name: value[r] if isinstance(value := getattr(state, f.name), np.ndarray) else value
            for f in dataclasses.fields(state)}  # fmt: skip


@pytest.mark.parametrize(("name", "options", "samples"), CASES, ids=lambda part: str(part)[:60])
def test_steps_equal_plain_loops(bilevel, name, options, samples):
    problem = bilevel(3, 4 if "inner_steps" in options else 2, wave=0.5, **samples)
    solver, reference = make_solver(name, **options), Reference(problem, name, **options)
    rng = RecordingCoins(np.random.default_rng(3))
    state = solver.init(Oracle(problem, 3), rng, *start(problem, 3))
    for _ in range(4):
        rng.drawn.clear()
        after = solver.step(state)
        for r in range(3):
            wanted = reference.step(rows_of(state, r), [array[r] for array in rng.drawn])
            for part, expected in wanted.items():
                found = getattr(after, part)
                np.testing.assert_allclose(found if part == "k" else found[r], expected, **CLOSE, err_msg=part)
        state = after


QUADRATIC = zb.load_problem("quad_general", p=4, d=3)


def exact_directions(problem, z, v, x):
    """G_z, G_zz v + F_z, G_xz v + F_x."""
    return (
        problem.inner_grad_z(z, x), problem.inner_hvp_zz(z, x, v) + problem.outer_grad_z(z, x),
        problem.inner_jvp_xz(z, x, v) + problem.outer_grad_x(z, x),
    )  # fmt: skip


def first_directions(solver, replicates, seed=0):
    """d_0 of many replicates from one point of the quadratic, and the exact directions there."""
    z, v, x = (point[0] for point in start(QUADRATIC, 1))
    points = [np.repeat(point[None], replicates, axis=0) for point in (z, v, x)]
    rng = np.random.default_rng(seed)
    after = solver.step(solver.init(Oracle(QUADRATIC, replicates), rng, *points))
    return (after.d_z, after.d_v, after.d_x), exact_directions(QUADRATIC, z, v, x)


@pytest.mark.parametrize("radius", [0.01, 3.0])
def test_directions_of_zo_sogd_have_the_exact_ones_as_mean_on_quadratics_at_every_radius(radius):
    solver = make_solver("zo-sogd", rho_r=radius, rho_s=radius, rho_v=radius, l1=2, l2=3)
    for found, exact in zip(*first_directions(solver, 4000), strict=True):
        error = found.std(axis=0, ddof=1) / np.sqrt(len(found))
        assert (np.abs(found.mean(axis=0) - exact) < 5 * error).all()


def test_the_ball_with_the_factor_of_the_sphere_shrinks_the_mean_by_n_over_n_plus_two(monkeypatch):
    def ball(rng, shape, n):
        units = unit(rng, shape, n)
        return units * rng.random((*shape, 1)) ** (1 / n)

    unit = zo_sogd.sphere
    monkeypatch.setattr(zo_sogd, "sphere", ball)
    # The factor is that of E|r|^2 = n/(n + 2), at every radius.
    p, d = QUADRATIC.p, QUADRATIC.d
    (d_z, d_v, d_x), exact = first_directions(make_solver("zo-sogd", l1=2, l2=2), 4000)
    for found, whole, n in zip((d_z, d_v, d_x), exact, (p, p, d), strict=True):
        error = found.std(axis=0, ddof=1) / np.sqrt(len(found))
        assert (np.abs(found.mean(axis=0) - n / (n + 2) * whole) < 5 * error).all()
        assert (np.abs(found.mean(axis=0) - whole) > 5 * error).any()


@pytest.mark.parametrize("level", ["alike", "different"])
def test_with_directions_that_are_a_basis_the_weights_do_not_matter(monkeypatch, level):
    """D is deterministic then, d_k = D(w_k) by induction; with random directions weights do matter."""

    def basis(rng, shape, n):
        return np.broadcast_to(np.resize(np.eye(n), (shape[1], 1, n)), (*shape, n)).copy()

    if level == "alike":
        monkeypatch.setattr(zo_sogd, "sphere", basis)
    ends = []
    for weight in (1.0, 0.5, 0.01):
        options = dict.fromkeys(("gamma", "lam", "eta"), weight) | {"l1": 12, "l2": 12, "alpha": 0.02}
        ends.append(zb.solve(QUADRATIC, "zo-sogd", max_iterations=30, seed=1, record_every=None, **options).x)
    gaps = [np.abs(end - ends[0]).max() for end in ends[1:]]
    assert max(gaps) < 1e-9 if level == "alike" else min(gaps) > 1e-4


def test_rest_is_the_solution_and_a_ball_below_the_adjoint_moves_it():
    """With bases for directions the map is deterministic: its point of rest is (z*, v*, x*) where |v*| < R."""
    problem = zb.load_problem("quad_general", p=3, d=2, kappa=2.0)
    options = {"max_iterations": 250, "nu": 0.1, "h": 0.1, "rho": 1.0, "rho_v": 1.0, "gamma": 0.2}
    size = float(np.linalg.norm(problem.adjoint(problem.minimizer)))
    free, wide, tight = (
        zb.solve(problem, "vrzsbo-like", record_every=None, v_radius=radius, **options).x[0]
        for radius in (None, 2 * size, 0.5 * size)
    )  # fmt: skip
    assert np.linalg.norm(free - problem.minimizer) < 1e-9
    assert np.linalg.norm(wide - problem.minimizer) < 1e-9
    assert np.linalg.norm(tight - problem.minimizer) > 1e-2


def page_soba(problem, options, iterations, replicates, seed):
    """PAGE on SOBA's directions with exact derivatives of samples, with the solver's coins and batches."""
    rng = np.random.default_rng(seed)
    z, v, x = start(problem, replicates)
    n, m = problem.inner_samples, problem.outer_samples

    def D(r, w, xi, zeta):
        z, v, x = (part[r] for part in w)
        inner, outer = (np.arange(n), np.arange(m)) if xi is None else (xi[r, :, 0], zeta[r, :, 0])
        G_z = problem.inner_grad_z(z[None], x[None], inner).mean(axis=0)
        H = problem.inner_hvp_zz(z[None], x[None], v[None], inner).mean(axis=0)
        C = problem.inner_jvp_xz(z[None], x[None], v[None], inner).mean(axis=0)
        F_z, F_x = (f(z[None], x[None], outer).mean(axis=0) for f in (problem.outer_grad_z, problem.outer_grad_x))
        return G_z, H + F_z, C + F_x

    last, d = (z, v, x), None
    for k in range(iterations):
        w = (z, v, x)
        if k == 0:
            d = [np.array(part) for part in zip(*(D(r, w, None, None) for r in range(replicates)), strict=True)]
        else:
            coin = rng.random(replicates) < options["q"]
            xi, zeta = (rng.integers(s, size=(replicates, options[b], 1)) for s, b in ((n, "b1"), (m, "b2")))
            for r in range(replicates):
                full = D(r, w, None, None) if coin[r] else None
                new, old = D(r, w, xi, zeta), D(r, last, xi, zeta)
                for part in range(3):
                    d[part][r] = full[part] if coin[r] else d[part][r] + new[part] - old[part]
        last = w
        z, v, x = z - options["rho"] * d[0], v - options["rho_v"] * d[1], x - options["gamma"] * d[2]
    return z, v, x


@pytest.mark.parametrize("radius", [0.5, 0.05])
def test_vrzsbo_like_is_page_soba_with_exact_derivatives_on_quadratics(radius):
    """Iterate by iterate, with the same coins and batches; what differs is rounding over nu h."""
    problem = zb.load_problem("quad_sum", p=4, d=3, n_inner=20, n_outer=12)
    options = {"q": 0.2, "b1": 2, "b2": 3, "rho": 0.1, "rho_v": 0.1, "gamma": 0.05}
    solver = make_solver("vrzsbo-like", nu=radius, h=radius, **options)
    state = solver.init(Oracle(problem, 3), np.random.default_rng(7), *start(problem, 3))
    for _ in range(60):
        state = solver.step(state)
    # Values are below 30: a second difference is off by 4 eps 30 / radius^2, and 60 steps of 0.1 add 6 of these.
    limit = 6 * 4 * 30 * np.finfo(float).eps / radius**2
    wanted = page_soba(problem, options, 60, 3, 7)
    for part, exact in zip((state.z, state.v, state.x), wanted, strict=True):
        assert np.abs(part - exact).max() < limit < 1e-9
    other = page_soba(problem, options | {"q": 0.3}, 60, 3, 7)
    assert np.abs(other[2] - wanted[2]).max() > 1e-4, "other coins would be seen"


def test_vrzsbo_like_with_a_sure_coin_is_soba_by_differences():
    problem = zb.load_problem("quad_sum", p=3, d=2, n_inner=8, n_outer=8)
    options = {"max_iterations": 40, "record_every": None}
    like = zb.solve(problem, "vrzsbo-like", q=1.0, nu=0.1, h=0.1, rho=0.2, rho_v=0.2, gamma=0.05, **options)
    exact = dataclasses.replace(problem, inner_samples=None, outer_samples=None)
    soba = zb.solve(exact, "soba", schedule="constant", rho=0.2, ratio=4.0, **options)
    assert np.abs(like.x - soba.x).max() < 1e-10


def test_at_the_solution_vrzsbo_like_rests_and_zo_sogd_with_samples_does_not():
    """There is no floor: what a coin and batches add vanishes with the moves; a fresh sample's direction does not."""
    problem = zb.load_problem("quad_sum", p=3, d=2, n_inner=8, n_outer=8, mu=0.5, L_cross=0.5)
    x = problem.minimizer
    solution = [np.repeat(part[None], 3, axis=0) for part in (problem.inner_solution(x), problem.adjoint(x), x)]
    away = {}
    for name, options in {"vrzsbo-like": {"q": 0.3, "b1": 2, "b2": 2, "nu": 0.1, "h": 0.1}, "zo-sogd": {}}.items():
        solver = make_solver(name, **options)
        state = solver.init(Oracle(problem, 3), np.random.default_rng(0), *solution)
        for _ in range(10):
            state = solver.step(state)
        away[name] = np.abs(state.x - x).max()
    # Rounding of a second difference at radius 0.1, and ten steps.
    assert away["vrzsbo-like"] < 1e-11 < 1e-4 < away["zo-sogd"]


def test_the_coin_decides_what_is_counted_and_a_budget_is_kept_for_the_dearer_side():
    problem = zb.load_problem("quad_sum", p=3, d=2, n_inner=8, n_outer=4)
    p, d = 3, 2
    full, batch = 8 * (6 * p + 4 * d), 2 * 2 * (6 * p + 4 * d)
    result = zb.solve(problem, "vrzsbo-like", q=0.5, b1=2, b2=2, max_iterations=30, replicates=20, record_every=None)
    # The first iteration is full; the other 29 have full or batch.
    fulls = (result.counts["inner"] - full - 29 * batch) / (full - batch)
    assert (fulls == np.round(fulls)).all()
    assert abs(fulls.mean() - 29 / 2) < 5 * np.sqrt(29 / 4 / 20)
    for b in (2, 64):
        spent = zb.solve(problem, "vrzsbo-like", q=0.5, b1=b, b2=b, budget=9000, replicates=8, record_every=None)
        assert (spent.counts["inner"] + spent.counts["outer"] <= 9000).all()
        assert spent.nit.max() > 1


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("zo-sogd", {"gamma": 0.0}, "gamma must be a positive finite number, got 0"),
        ("zo-sogd", {"lam": 1.5}, "lam must be at most 1, got 1.5"),
        ("zo-sogd", {"rho_v": -1.0}, "rho_v must be a positive finite number"),
        ("zo-sogd", {"l1": 0}, "l1 must be a positive integer"),
        ("zo-sogd", {"schedule": "cubic"}, "schedule must be one of 'constant', 'inverse-cbrt', got 'cubic'"),
        ("zo-sogd", {"v_radius": 0.0}, "v_radius must be a positive finite number"),
        ("vrzsbo-like", {"q": 0.0}, "q must be a positive finite number"),
        ("vrzsbo-like", {"q": 2}, "q must be at most 1, got 2"),
        ("vrzsbo-like", {"b1": 1.5}, "b1 must be a positive integer"),
        ("vrzsbo-like", {"nu": 0}, "nu must be a positive finite number"),
    ],
)
def test_options_out_of_range_are_refused_by_name(name, options, message):
    with pytest.raises(ValueError, match=message):
        make_solver(name, **options)


def test_a_batch_of_a_level_without_samples_is_refused():
    with pytest.raises(ValueError, match="b1=3, but this level has no samples"):
        zb.solve("quad_general", "vrzsbo-like", b1=3, max_iterations=1)
