"""The virtual iterate: its inequality against exact and simulated steps, and the bound of a run against exact means."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from zoba_bench.problems.quadratic.general import quad_general, quad_tracking
from zoba_bench.theory import symbols
from zoba_bench.theory.estimators.presets import preset_named
from zoba_bench.theory.noise.run_moments import moments_of_run
from zoba_bench.theory.single_loop.drift import WEIGHTS, Drift, certify
from zoba_bench.theory.single_loop.run import Run, Start
from zoba_bench.theory.single_loop.virtual import VirtualDrift, applies
from zoba_bench.theory.single_loop.virtual_steps import virtual_steps

from ..mutation import mutants
from ..states import (
    exact_directions,
    exact_one_steps,
    exact_virtual_step,
    explicit,
    problem_named,
    sampled_virtual_step,
    solver_of,
    state_at,
    states,
    value,
    virtual,
    ways,
)
from ..support import PRESET_NAMES

SETTINGS = settings(derandomize=True, deadline=None, max_examples=10)
SHARES = (0.0, 0.5, 3.0)
AT_SOLUTION = (Fraction(0),) * 3


def solver_at(preset, problem, *, l, rho, ratio, h=1e-4):
    rho *= 2 / (problem.constants.mu + problem.constants.L_zz)
    return solver_of(preset, problem, h=h, eta=h, h_bar=h, normalize_h_bar=True, l1=l, l2=l, rho=rho, gamma=ratio * rho)


def drifts(preset, problem, solver):
    """With the virtual iterate, for every way to use the constants."""
    for way in ways(problem.constants, solver):
        if not way.projected:
            yield from map(VirtualDrift, exact_one_steps(preset, problem, solver, way))


def right_side(drift, y, share):
    """Bound of E Psi(y+) - Psi(y) at y = (a, b, g, D, E, 1)."""
    terms = drift.terms()
    found = (sum(float(f) * value(one, y) * value(two, y) for f, one, two in terms[n]) for n in ("s_y", "o_y"))
    change, free = found
    return change + share * free


def state_of(state, direction):
    y = state.y(exact_directions(state)[2])
    return [*y[:4], direction, 1.0]


# The inequality.


@SETTINGS
@given(st.data())
@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_one_exact_step(preset, data):
    problem = problem_named(data.draw(st.sampled_from(["general, no radius", "minimax"])))
    state = data.draw(states(problem))
    chosen = {"l": [1, 30, 10**6], "rho": [0.03, 0.3, 1.0], "ratio": [1e-3, 0.1, 1.0], "h": [1e-4, 0.1]}
    solver = solver_at(preset, problem, **{name: data.draw(st.sampled_from(all_)) for name, all_ in chosen.items()})
    change, direction = exact_virtual_step(preset, state, solver)
    for drift in drifts(preset, problem, solver):
        y = state_of(state, direction)
        error = value(drift.direction_error, [*y[:4], 1.0])
        limits = [right_side(drift, y, share) for share in SHARES]
        assert abs(direction - state.g) <= error * (1 + 1e-10) + 1e-10
        assert change <= min(limits) + 1e-10 * (abs(change) + max(map(abs, limits))) + 1e-15


@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_one_simulated_step_where_F_is_not_quadratic(preset):
    problem = problem_named("reference")
    for seed, (a, b, far) in enumerate([(0.0, 0.0, 0.0), (1.0, 0.0, 0.5), (0.0, 1.0, 1.0), (0.3, 0.3, 3.0)]):
        state = state_at(problem, a, b, far, seed=seed)
        solver = solver_at(preset, problem, l=10, rho=0.5, ratio=0.1)
        change, error, direction = sampled_virtual_step(state, solver, 4000, seed)
        for drift in drifts(preset, problem, solver):
            # E is measured with an error of its own, at most the root of the noise over the replicates.
            limits = [right_side(drift, state_of(state, direction), share) for share in SHARES]
            slope = float(drift.step.gamma) * (state.g + direction + 1.0)
            assert change <= min(limits) + 4.5 * error + slope * 4.5 / np.sqrt(4000)


def scalar(seed):
    """One inner and one outer variable: every norm inequality may be an equality."""
    return quad_general(1, 1, kappa=1.0, cross=0.3, seed=seed)


#: (|z - z*|, |v - v*|, |x - x*|, directions, rho, gamma/rho) where the inequality of y is nearly an equality.
TIGHT = {
    "v": (0.0, 1e4, 0.0, 10, 1.0, 0.5),
    "x": (0.0, 1e4, 0.0, 10, 1.0, 0.5),
    "L_Psi": (0.0, 1e4, 0.0, 10, 1.0, 0.5),
    "M_v": (1e3, 0.0, 0.0, 10**9, 0.5, 1e-3),
    "k_v": (0.0, 0.0, 1e3, 10**9, 0.5, 0.5),
}


@pytest.mark.parametrize("name", TIGHT)
def test_a_halved_number_is_seen(name):
    """Halved, or a quarter of a root variance."""
    a, b, far, l, rho, ratio = TIGHT[name]
    seen = False
    for seed in range(8):
        problem = scalar(seed)
        state = state_at(problem, a, b, far, seed=seed)
        solver = replace(
            solver_at("hf-zoba", problem, l=l, rho=rho, ratio=ratio, h=1e-6), outer_directions="independent"
        )
        change, direction = exact_virtual_step("hf-zoba", state, solver)
        for drift in drifts("hf-zoba", problem, solver):
            entry = getattr(drift.step, name)
            changed = entry / 2 if isinstance(entry, Fraction) else entry.scaled(Fraction(1, 4))
            wrong = VirtualDrift(replace(drift.step, **{name: changed}))
            y = state_of(state, direction)
            assert change <= right_side(drift, y, 0.0) * (1 + 1e-9) + 1e-9 * abs(change)
            error = value(wrong.direction_error, [*y[:4], 1.0])
            seen |= change > right_side(wrong, y, 0.0) + 1e-6 * abs(change)
            seen |= abs(direction - state.g) > error * (1 + 1e-6)
    assert seen


# The bound of a run.


@pytest.mark.parametrize("preset", PRESET_NAMES)
@pytest.mark.parametrize("where", [(0.0, 0.0, 0.0), (0.5, 0.5, 1.0)])
@pytest.mark.parametrize("build", [lambda: quad_general(2, 2, kappa=2.0), lambda: quad_tracking(2, 2, kappa=3.0)])
def test_the_bound_is_above_the_exact_mean(preset, where, build):
    problem, K = build(), 2000
    solver = solver_at(preset, problem, l=4000, rho=0.3, ratio=0.005)
    state = state_at(problem, *where)
    moments = moments_of_run(preset_named(preset), problem, (state.z, state.v, state.x), solver, K - 1, K - 1)
    assert moments.exact
    exact = (moments.expected("stationarity") * (K - 1) + state.g**2) / K
    start = Start(float(problem.value(state.x)) - problem.minimum, state.a, state.b)
    found = explicit(preset).certificate(problem.constants, 2, 2, solver, K, start)
    assert found.verify()
    assert exact <= found.bound
    if preset != "hf-zoba-shared":  # its noise vanishes at the solution, and with it what is averaged
        assert found.weights["s_y"] > 0


@pytest.mark.parametrize(("preset", "times"), [("hf-zoba", 3.5), ("zoba", 30), ("zoba-mixed", 30)])
def test_the_floor_falls_with_gamma(preset, times):
    """As the exact mean does: it is within the same factor at any gamma/rho, where one step of x loses rho/gamma."""
    problem, tightness = quad_general(2, 2, kappa=2.0), []
    for ratio in (1 / 200, 1 / 1000):
        solver = solver_at(preset, problem, l=10**5, rho=0.3, ratio=ratio, h=1e-6)
        solver = replace(solver, outer_directions="independent" if preset == "hf-zoba" else "shared")
        x = problem.minimizer
        start = problem.inner_solution(x), problem.adjoint(x), x
        K = int(20 / solver.gamma)
        exact = moments_of_run(preset_named(preset), problem, start, solver, K, K).expected("stationarity")
        known = list(drifts(preset, problem, solver))
        both = [
            min(found.bound for drift in kind if (found := certify(drift, AT_SOLUTION, K)))
            for kind in ([Drift(drift.step) for drift in known], known)
        ]
        tightness.append([float(bound) / exact for bound in both])
    (before, after), (before_smaller, after_smaller) = tightness
    assert 1 < after_smaller <= after * 1.05 <= times * 1.05
    assert before_smaller > 4 * before > 4 * after


def certified(start=(Fraction(2), Fraction(1, 2), Fraction(3, 4))):
    problem = quad_general(2, 2, kappa=2.0)
    solver = solver_at("hf-zoba", problem, l=1000, rho=0.3, ratio=0.005)
    drift = next(drifts("hf-zoba", problem, solver))
    return drift, start, certify(drift, start, 1000)


def test_the_certificate_verifies_and_what_is_changed_is_refused():
    drift, start, found = certified()
    assert found.verify()
    assert set(found.weights) == {*WEIGHTS, "s_y", "o_y"}
    assert len(found.matrix) == len(found.matrix[0]) == 6
    assert found.bound <= certify(Drift(drift.step), start, 1000).bound * Fraction(1001, 1000)
    assert not replace(found, tau=found.tau * Fraction(99, 100)).verify()
    assert not replace(found, weights=dict(found.weights) | {"o_y": Fraction(-1, 10**30)}).verify()
    assert not replace(found, weights={n: found.weights[n] for n in WEIGHTS}).verify()
    assert not replace(found, transient=found.transient / 2, bound=found.bound - found.transient / 2).verify()
    changed = {name: [list(row) for row in matrix] for name, matrix in found.drift.items()}
    changed["s_y"][4][4] += abs(found.matrix[4][4]) / 100 * found.gamma / found.weights["s_y"]
    assert not replace(found, drift=changed).verify()


@pytest.mark.parametrize("seed", range(5))
def test_psi_at_the_virtual_start_is_within_its_bound(seed):
    drift, _, _ = certified()
    problem = quad_general(2, 2, kappa=2.0)
    solver = SimpleNamespace(rho=float(drift.step.rho), gamma=float(drift.step.gamma) * 20)
    wide = VirtualDrift(replace(drift.step, gamma=drift.step.gamma * 20))
    state = state_at(problem, 0.0, 5.0, 2.0, seed=seed)
    gap = float(problem.value(virtual(problem, solver, state.v, state.x))) - problem.minimum
    known = Fraction(float(problem.value(state.x)) - problem.minimum)
    assert gap <= float(wide.at_start(known, Fraction(0), Fraction(state.b))["s_y"])


@pytest.mark.parametrize("change", [{"H": 0.1}, {"radius": 3.0}, {"H": None}, {"sampled": ("H",)}])
def test_it_is_not_used_where_it_has_no_recursion(change):
    problem = quad_general(2, 2, kappa=2.0)
    run = Run.of(solver_at("zoba", problem, l=10, rho=0.3, ratio=0.1), 2, 2)
    assert applies(problem.constants, run)
    assert not applies(replace(problem.constants, **change), run)
    assert not applies(problem.constants, replace(run, v_radius=Fraction(2)))


# The steps.


@pytest.mark.parametrize("independent", [True, False])
def test_its_steps_are_proved_and_changed_ones_are_refused(independent):
    for step in virtual_steps(independent):
        assert step.outcome.ok, step.outcome
        for changed in mutants(step.statement, 4):
            assert not replace(step, statement=changed).check().ok, changed
        name = next(iter(step.statement.rhs.free_symbols & {symbols.k_z, symbols.k_v, symbols.L_Psi}))
        smaller = sp.Le(step.statement.lhs, step.statement.rhs.subs(name, name / 2), evaluate=False)
        assert not replace(step, statement=smaller).check().ok, name
