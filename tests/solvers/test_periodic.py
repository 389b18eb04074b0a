"""SRBA, VRBO, BOME and IAPTT-GM: one step against plain loops, and what must be true of each."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import zoba_bench as zb
from zoba_bench.driver import iteration_cost
from zoba_bench.oracle import Oracle
from zoba_bench.registry import make_solver

from . import boxes_sampled as boxes
from .boxes_first_order import Box, draw
from .test_first_order_loops import boxed, exact, first_state, summed

STEPS: list[tuple[str, bool, dict[str, Any]]] = [
    *(("srba", where, {"rho": 0.2, "ratio": 3.0, "b1": 3, "b2": 2, "period": 2}) for where in (False, True)),
    ("srba", False, {"b1": 5, "b2": 3, "period": 3}),
    *(("vrbo", where, {"rho": 0.1, "ratio": 3.0, "b1": 3, "b2": 2, "period": 2, "inner_steps": 2, "N": 2, "eta": 0.2})
      for where in (False, True)),
    ("vrbo", False, {"rho": 0.05, "b1": 2, "b2": 2, "inner_steps": 1, "N": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "in_box", "options"), STEPS, ids=str)
def test_steps_equal_the_box(name, in_box, options):
    problem = boxed(summed()) if in_box else summed()
    solver, steps = make_solver(name, **options), 4
    states = [first_state(solver, problem, 2, seed=1)]
    for _ in range(steps):
        states.append(solver.step(states[-1]))
    period = solver.period or (12 + 8) // (solver.b1 + solver.b2)
    for r in range(2):
        rng, box, first = np.random.default_rng([1, 7]), Box(problem), states[0]

        def inner(rng=rng, r=r) -> Any:
            return draw(rng, problem.inner_samples, 2, solver.b1, r)

        def outer(rng=rng, r=r) -> Any:
            return draw(rng, problem.outer_samples, 2, solver.b2, r)

        z, v, x = first.z[r], first.v[r], first.x[r]
        last, d = ((z, v, x), (0 * z, 0 * v, 0 * x)) if name == "srba" else ((z, x), (0 * z, 0 * x))
        for k in range(steps):
            fresh = k % period == 0
            if name == "srba":
                now = (z, v, x)
                (z, v, x), d = boxes.srba(box, now, last, d, fresh, solver.rho, solver.gamma, inner, outer)
                last = now
            else:
                z, v, x, last, d = boxes.vrbo(
                    box, z, x, last, d, fresh, solver.rho, solver.gamma, solver.inner_steps, solver.N + 1,
                    solver.series_step, inner, outer,
                )  # fmt: skip
            limit = 2 ** (k + 1) * box.rounding
            assert limit < 1e-7, f"the comparison is blunt: {limit}"
            found = states[k + 1]
            for what, value in {"z": z, "v": v, "x": x, "d_z": d[0], "d_x": d[-1]}.items():
                error = np.abs(getattr(found, what)[r] - value).max()
                assert error <= limit, f"{what} at k={k}, replicate {r}: off by {error}, {limit=}"


def test_srba_with_a_pass_in_every_iteration_is_soba_with_exact_derivatives():
    problem = summed()
    ends = [
        zb.solve(problem, name, max_iterations=20, record_every=None, seed=3, **options).x
        for name, options in (
            ("srba", {"rho": 0.1, "period": 1}), ("srba", {"rho": 0.1, "period": 9, "b1": 1, "b2": 1})
        )
    ]  # fmt: skip
    plain = zb.solve(exact(problem), "soba", max_iterations=20, record_every=None, seed=3, schedule="constant", rho=0.1)
    assert np.abs(ends[0] - plain.x).max() < 1e-13
    assert np.abs(ends[1] - plain.x).max() > 1e-4


def test_srba_that_stands_still_keeps_its_directions():
    """Steps of 1e-300: the point does not change, and neither do the directions, whatever is drawn."""
    problem, solver = summed(), make_solver("srba", rho=1e-300, b1=2, b2=2, period=50)
    state = solver.step(first_state(solver, problem, 2, seed=3))
    kept = [getattr(state, name) for name in ("d_z", "d_v", "d_x")]
    for _ in range(5):
        state = solver.step(state)
    for name, before in zip(("d_z", "d_v", "d_x"), kept, strict=True):
        assert np.abs(getattr(state, name) - before).max() < 1e-13
    exactly = boxes.directions(Box(exact(problem)), state.z[0], state.v[0], state.x[0], None, None)
    assert np.abs(state.d_x[0] - exactly[2]).max() < 1e-13


def test_vrbos_directions_are_exact_where_batches_hold_all_samples():
    """At the last corrected point, through changes of x and many iterations without a pass.

    A difference that leaves the change of x out, as the public code's, would leave them behind.
    """
    problem = summed()

    class All(Oracle):
        def draw_inner(self, rng, batch):
            return np.broadcast_to(np.arange(12)[:, None], (self.replicates, 12, 1))

        def draw_outer(self, rng, batch):
            return np.broadcast_to(np.arange(8)[:, None], (self.replicates, 8, 1))

    solver = make_solver("vrbo", rho=0.1, inner_steps=3, N=4, eta=0.2, period=10**6, b1=12, b2=8)
    state = replace(first_state(solver, problem, 2, seed=3), oracle=All(problem, 2))
    for _ in range(10):
        state = solver.step(state)
    g = problem.inner_grad_z(state.z_old, state.x_old)
    assert np.abs(state.d_z - g).max() < 1e-12
    A, C, _ = problem.inner_hessian(state.z_old[0], state.x_old[0])
    rest = np.linalg.matrix_power(np.eye(3) - 0.2 * A, 5)
    f_z = problem.outer_grad_z(state.z_old[0], state.x_old[0])
    h = problem.outer_grad_x(state.z_old[0], state.x_old[0]) - C @ np.linalg.solve(A, (np.eye(3) - rest) @ f_z)
    assert np.abs(state.d_x[0] - h).max() < 1e-12


def test_srba_reaches_the_solution_with_small_batches():
    problem = summed()
    result = zb.solve(problem, "srba", max_iterations=400, record_every=None, rho=0.2, b1=2, b2=2)
    assert np.abs(result.x - problem.minimizer).max() < 1e-12


def test_a_budget_is_kept_for_the_dearer_kind_of_iteration():
    """One of b1 = 12 and b2 = 1 asks for more of G than a pass through all samples does, and for less of F."""
    problem, solver = summed(), make_solver("srba", b1=12, b2=1)
    cost = iteration_cost(problem, solver, np.random.default_rng(0))
    assert (cost["inner_grad_z"], cost["outer_grad_z"]) == (24, 8)


@pytest.mark.parametrize(
    ("name", "option", "message"),
    [
        ("srba", {"period": 0}, "period must be a positive integer, got 0"),
        ("vrbo", {"inner_steps": 1.5}, "inner_steps must be a positive integer, got 1.5"),
        ("bome", {"phi": "both"}, "phi must be one of 'gradient', 'value', got 'both'"),
        ("bome", {"alpha": -1.0}, "alpha must be a positive finite number, got -1.0"),
        ("bome", {"schedule": "published"}, "schedule must be one of 'constant', 'inverse-sqrt', got 'published'"),
    ],
)
def test_bad_options_are_named(name, option, message):
    with pytest.raises(ValueError, match=message):
        make_solver(name, **option)


@pytest.mark.parametrize("name", ["srba", "vrbo"])
def test_a_problem_without_samples_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} needs a finite-sum problem"):
        zb.solve("quad_general", name, max_iterations=1)


def test_published_defaults():
    srba, vrbo, bome = map(make_solver, ("srba", "vrbo", "bome"))
    assert (srba.rho, srba.gamma, srba.period, srba.published_batches) == (0.1, 0.1, None, (64, 64))
    assert (vrbo.rho, vrbo.gamma, vrbo.inner_steps, vrbo.N) == (0.1, 0.1, 10, 10)
    assert (bome.rho, bome.ratio, bome.inner_step, bome.inner_steps, bome.eta) == (0.1, 1.0, 0.1, 10, 0.5)
    assert (bome.phi, bome.schedule) == ("gradient", "constant")


# BOME.


@pytest.mark.parametrize("phi", ["gradient", "value"])
@pytest.mark.parametrize("in_box", [False, True])
def test_bomes_steps_equal_the_box_and_lower_the_gap_as_much_as_phi_says(phi, in_box):
    problem = zb.load_problem("logistic_bregman", p=3, d=2)
    problem = boxed(problem) if in_box else problem
    options = {"rho": 0.1, "ratio": 2.0, "alpha": 0.2, "inner_steps": 3, "eta": 8.0, "schedule": "inverse-sqrt"}
    solver = make_solver("bome", phi=phi, **options)
    states, binding = [first_state(solver, problem, 3, seed=2)], []
    for _ in range(4):
        states.append(solver.step(states[-1]))
    for r in range(3):
        z, x = states[0].z[r], states[0].x[r]
        for k in range(4):
            box, decay = Box(problem), 1 / math.sqrt(k + 1)
            z, v, x, d, q, wanted = boxes.bome(
                box, z, x, 0.1 * decay, 0.05 * decay, 0.2, 3, 8.0, phi == "value"
            )  # fmt: skip
            for what, value in {"z": z, "v": v, "x": x}.items():
                assert np.abs(getattr(states[k + 1], what)[r] - value).max() < 1e-11, (what, k)
            f = np.concatenate([problem.outer_grad_z(states[k].z[r], states[k].x[r]),
                                problem.outer_grad_x(states[k].z[r], states[k].x[r])])  # fmt: skip
            # <d, q> is the larger of <grad F, q> and phi.
            assert d @ q == pytest.approx(max(f @ q, wanted), rel=1e-9, abs=1e-11)
            binding.append(wanted > f @ q)
    assert any(binding)


def test_bome_where_z_is_optimal_follows_f_alone():
    """q = 0 there: the public code divides zero by zero."""
    problem = zb.load_problem("quad_general", p=3, d=2, kappa=2.0)
    flat = replace(problem, inner_grad_z=lambda z, x: 0.0 * z, inner_grad_x=lambda z, x: 0.0 * x)
    solver = make_solver("bome")
    state = first_state(solver, flat, 2, seed=1)
    after = solver.step(state)
    assert np.allclose(after.z, state.z - 0.1 * problem.outer_grad_z(state.z, state.x), atol=1e-14)
    assert np.allclose(after.x, state.x - 0.1 * problem.outer_grad_x(state.z, state.x), atol=1e-14)
    assert (after.v == 0).all()


def test_bome_with_constant_steps_ends_in_a_cycle_away_from_the_solution():
    """lam rho L is about 2, L the largest curvature of G - min G in (z, x); steps that decrease leave less."""
    problem = zb.load_problem("quad_general", p=3, d=2, kappa=2.0)
    A, C, _ = problem.inner_hessian(np.zeros(3), np.zeros(2))
    L = float(np.linalg.eigvalsh(np.block([[A, C.T], [C, C @ np.linalg.solve(A, C.T)]]))[-1])
    seen = []

    def watch(k, state):
        q = np.linalg.norm(problem.inner_grad_z(state.z[0], state.x[0]))
        seen.append((q, float(np.linalg.norm(problem.hypergradient(state.x[0])))))
        return False

    solver = {"rho": 0.1, "inner_steps": 50}
    result = zb.solve(problem, "bome", max_iterations=300, record_every=None, callback=watch, **solver)
    y = problem.inner_solution(result.x[0])
    lam = float(np.linalg.norm(result.v[0]) / np.linalg.norm(result.z[0] - y))
    assert 0.7 * 2 < lam * 0.1 * L < 1.5 * 2
    assert min(q for q, _ in seen[-20:]) > 1e-3


# IAPTT-GM.


@pytest.mark.parametrize("in_box", [False, True])
def test_the_path_is_cut_and_differentiated_as_in_the_box(in_box):
    """Replicates are cut at different steps; what is counted are the steps back that each takes."""
    problem = zb.load_problem("logistic_bregman", p=3, d=2)
    problem = boxed(problem) if in_box else problem
    solver = make_solver("iaptt-gm", alpha=1.5, gamma=0.3, inner_steps=6)
    states, cuts = [first_state(solver, problem, 6, seed=1)], np.zeros(6, dtype=int)
    for _ in range(3):
        states.append(solver.step(states[-1]))
    for r in range(6):
        start, x = states[0].start[r], states[0].x[r]
        for k in range(3):
            z, x, start, last = boxes.iaptt(Box(problem), start, x, 1.5, 0.3, 6)
            cuts[r] += last
            for what, value in {"z": z, "x": x, "start": start}.items():
                assert np.abs(getattr(states[k + 1], what)[r] - value).max() < 1e-12, (what, k, r)
    assert len(set(cuts)) > 1
    for column in ("inner_hvp_zz", "inner_jvp_xz"):
        assert states[0].oracle.counts[column].tolist() == cuts.tolist()


def test_a_path_of_one_step_is_itd_bio_with_a_start_that_moves():
    problem = zb.load_problem("logistic_bregman", p=3, d=2)
    state = first_state(make_solver("iaptt-gm"), problem, 3, seed=2)
    ours = make_solver("iaptt-gm", alpha=0.2, gamma=0.3, inner_steps=1).step(state)
    itd = make_solver("itd-bio", alpha=0.2, beta=0.3, D=1)
    theirs = itd.step(replace(itd.init(Oracle(problem, 3), state.rng, state.z, state.v, state.x), k=0))
    for what in ("z", "v", "x"):
        assert np.abs(getattr(ours, what) - getattr(theirs, what)).max() < 1e-14
    assert np.abs(ours.start - state.start).max() > 1e-3
