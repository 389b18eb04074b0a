"""Attempts to break the one-step inequalities and the certified drift at drawn states; wrong numbers are seen.

Both sides are computed apart: the left by exact covariances where both levels are quadratic, else by running the
solver; the right from the numbers of the theory. A control replaces one number by a wrong one at a state
where the inequality is nearly an equality.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zoba_bench.problems.links.linear import logcosh_ripple, logistic_bregman
from zoba_bench.problems.quadratic.general import quad_general, quad_tracking
from zoba_bench.theory.single_loop.drift import WEIGHTS
from zoba_bench.theory.single_loop.run import Start
from zoba_bench.theory.single_loop.state import Linear

from zoba_bench.registry import theorem

from ..states import (
    CURVED,
    QUADRATIC,
    State,
    bent,
    exact_directions,
    exact_step,
    exact_virtual_step,
    explicit,
    finite_sum,
    mean_directions,
    one_steps,
    problem_named,
    right_sides,
    sampled_step,
    sampled_virtual_step,
    solver_of,
    state_at,
    states,
    usable,
    ways,
)
from ..support import PRESET_NAMES

SETTINGS = settings(derandomize=True, deadline=None)
#: Standard errors of a simulated mean that are no contradiction.
ERRORS = 4.5
#: Shares of -<grad Psi, D> beyond one half that are polarised: any o >= 0 serves.
SHARES = (0.0, 0.5, 3.0)


@st.composite
def solvers(draw, preset, problem, directions, **options):
    """Any steps up to the largest rho."""
    rho = draw(st.sampled_from([0.03, 0.3, 1.0])) * 2 / (problem.constants.mu + problem.constants.L_zz)
    return solver_of(
        preset,
        problem,
        h=draw(st.sampled_from([1e-3, 0.1, 0.5])),
        eta=draw(st.sampled_from([1e-3, 0.1, 0.5])),
        h_bar=draw(st.sampled_from([0.01, 0.5])),
        normalize_h_bar=True,
        l1=draw(directions),
        l2=draw(directions),
        outer_directions=draw(st.sampled_from(["shared", "independent"])),
        rho=rho,
        gamma=draw(st.sampled_from([1e-3, 0.1, 1.0])) * rho,
        **options,
    )


def assert_bounded(measured, step, y, where):
    """The three inequalities, within the errors of what was measured and rounding."""
    for o in SHARES:
        bound = right_sides(step, y, o)
        for name, error in zip(("a", "b", "psi"), measured.errors, strict=True):
            found, limit = getattr(measured, name), getattr(bound, name)
            room = ERRORS * error + 1e-10 * (abs(limit) + abs(found)) + 1e-18
            assert found <= limit + room, (name, found, limit, error, where)


def numbers(preset, state, solver, constants=None, sampled=False):
    """Every way to use the constants, for v as large as it is."""
    constants = state.problem.constants if constants is None else constants
    radius = max(constants.R or 0.0, float(np.linalg.norm(state.v)))
    for way in ways(constants, solver, sampled):
        for step in one_steps(preset, state.problem, solver, way, v_radius=radius, constants=constants):
            yield way, step


# One step.


@pytest.mark.sample(2)
@settings(SETTINGS, max_examples=10)
@given(st.data())
@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_one_exact_step(preset, data):
    problem = problem_named(data.draw(st.sampled_from(list(QUADRATIC))))
    state = data.draw(states(problem))
    solver = data.draw(solvers(preset, problem, st.sampled_from([1, 30, 10**4, 10**8])))
    measured, y = exact_step(preset, state, solver), state.y(exact_directions(state)[2])
    for way, step in numbers(preset, state, solver):
        assert_bounded(measured, step, y, way)


@pytest.mark.sample(2)
@settings(SETTINGS, max_examples=8)
@given(st.data())
@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_one_simulated_step_of_curved_problems(preset, data):
    """With v projected onto a ball that contains v*, and not."""
    names = [name for name in CURVED if usable(preset, problem_named(name))]
    problem = problem_named(data.draw(st.sampled_from(names)))
    state = data.draw(states(problem))
    solver = data.draw(solvers(preset, problem, st.sampled_from([1, 20])))
    if data.draw(st.booleans()):
        radius = max(problem.constants.R, float(np.linalg.norm(state.v)))
        solver = replace(solver, v_radius=radius * (1 + 1e-9))
    measured = sampled_step(state, solver, 2000, data.draw(st.integers(0, 999)))
    y = state.y(mean_directions(preset, state, solver)[2])
    for way, step in numbers(preset, state, solver):
        assert_bounded(measured, step, y, way)


@settings(SETTINGS, max_examples=6)
@given(st.data())
@pytest.mark.parametrize("preset", ["zoba", "hf-zoba", "hf-zoba-shared"])
def test_one_simulated_step_with_samples(preset, data):
    sums = finite_sum(seed=data.draw(st.integers(0, 3)), hessians=data.draw(st.sampled_from([0.3, 1.5])))
    state = data.draw(states(sums.problem))
    solver = data.draw(solvers(preset, sums.problem, st.sampled_from([1, 20]), b1=2, b2=2))
    measured = sampled_step(state, solver, 1000, data.draw(st.integers(0, 999)))
    y, constants = state.y(exact_directions(state)[2]), sums.constants((state.z, state.x))
    for way, step in numbers(preset, state, solver, constants, sampled=True):
        assert_bounded(measured, step, y, way)


# The certified drift.


@cache
def certified_drift(preset, name, l, ratio, h):
    """A solver for a problem, and the certificate of its runs."""
    problem = problem_named(name)
    rho = 0.3 / problem.constants.L_zz
    solver = solver_of(
        preset, problem, h=h, eta=h, h_bar=h, normalize_h_bar=True, l1=l, l2=l, rho=rho, gamma=ratio * rho
    )
    start = Start(1.0, 0.3, 0.3)
    return solver, explicit(preset).certificate(problem.constants, problem.p, problem.d, solver, 1000, start)


def drift(measured, state, certified):
    """E W+ - W with the certified weights."""
    weights = [float(certified.weights[name]) for name in WEIGHTS]
    return weights[0] * measured.psi + weights[2] * (measured.a - state.a**2) + weights[3] * (measured.b - state.b**2)


@pytest.mark.sample(2)
@settings(SETTINGS, max_examples=12)
@given(st.data())
@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_the_certified_drift_of_quadratic_problems(preset, data):
    name, ratio = data.draw(st.sampled_from([("general", 0.004), ("tracking", 0.004), ("minimax", 0.02)]))
    problem = problem_named(name)
    solver, certified = certified_drift(preset, name, data.draw(st.sampled_from([3000, 10**6])), ratio, 1e-3)
    state = data.draw(states(problem))
    found = drift(exact_step(preset, state, solver), state, certified) + solver.gamma * state.g**2
    found += float(certified.weights.get("s_y", 0)) * exact_virtual_step(preset, state, solver)[0]
    assert found <= solver.gamma * float(certified.tau) * (1 + 1e-9)


@pytest.mark.sample(2)
@settings(SETTINGS, max_examples=4)
@given(st.data())
@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_the_certified_drift_of_curved_problems(preset, data):
    drawn = [("reference", 0.1), ("steep ripple", 0.002), ("no ripple", 5e-4), ("logistic", 0.01), ("bent", 0.02)]
    name, ratio = data.draw(st.sampled_from([c for c in drawn if usable(preset, problem_named(c[0]))]))
    problem = problem_named(name)
    solver, certified = certified_drift(preset, name, 600, ratio, 0.03)
    state = data.draw(states(problem))
    seed = data.draw(st.integers(0, 999))
    measured = sampled_step(state, solver, 100, seed)
    weights = np.array([float(certified.weights[name]) for name in ("phi_a", "phi_b", "s")])
    error = float(weights @ np.array(measured.errors))
    found = drift(measured, state, certified) + solver.gamma * state.g**2
    if s_y := float(certified.weights.get("s_y", 0)):
        change, spread, _ = sampled_virtual_step(state, solver, 100, seed)
        found, error = found + s_y * change, error + s_y * spread
    assert found - ERRORS * error <= solver.gamma * float(certified.tau)


# Controls: a wrong number is seen, the right one is not contradicted.


def exact_control(problem, state, preset="zoba", *, l=10**9, rho=0.1, gamma=1e-6, h=1e-6):
    solver = solver_of(preset, problem, h=h, eta=h, h_bar=h, normalize_h_bar=True, l1=l, l2=l, rho=rho, gamma=gamma)
    return preset, state, solver, exact_step(preset, state, solver), exact_directions(state)


def simulated_control(problem, state, preset, replicates, **options):
    solver = solver_of(preset, problem, h_bar=0.5, normalize_h_bar=True, **options)
    means = mean_directions(preset, state, solver)
    return preset, state, solver, sampled_step(state, solver, replicates), means


def scalar(**options):
    """One inner and one outer variable, A = 1: every norm inequality may be an equality."""
    return quad_general(1, 1, kappa=1.0, cross=0.3, **options)


def along_smallest():
    problem = quad_tracking(3, 2, kappa=5.0)
    return exact_control(problem, state_at(problem, 1.0, 0.0, 0.0, "smallest"))


def moving():
    """z = z* and v = v* far away: they are left behind by what x moves."""
    return exact_control(scalar(), state_at(scalar(), 0.0, 0.0, 2.0), rho=0.5, gamma=0.05)


def steep():
    return exact_control(scalar(), state_at(scalar(), 0.0, 0.0, 2.0), rho=0.5, gamma=0.3)


def error_of_z():
    return exact_control(scalar(), state_at(scalar(), 1.0, 0.0, 0.0))


def error_of_v():
    return exact_control(scalar(), state_at(scalar(), 0.0, 1.0, 0.0))


def noise_of_z(preset="zoba"):
    # rho = 1/mu: the mean of the error vanishes, its noise does not.
    return exact_control(scalar(), state_at(scalar(), 1.0, 0.0, 0.0), preset, l=10, rho=1.0, gamma=1e-9)


def noise_of_v(preset="zoba"):
    return exact_control(scalar(), state_at(scalar(), 0.0, 1e4, 0.0), preset, l=10, rho=1.0, gamma=1e-9)


def noise_of_x(preset="zoba"):
    return exact_control(scalar(), state_at(scalar(), 0.0, 1e4, 0.0), preset, l=10, rho=1e-3, gamma=0.1)


def smoothed_gradient():
    """The sigmoid bends most where its argument is log(2 + sqrt 3): G_z smoothed over h = 0.5 is not G_z."""
    problem = logistic_bregman(1, 1, mu=0.3)
    (slope,) = problem.inner_solution(np.ones(1))
    x = np.array([np.log(2 + np.sqrt(3)) / slope])
    state = State(problem, problem.inner_solution(x), problem.adjoint(x), x)
    return simulated_control(problem, state, "zoba-mixed", 200, h=0.5, eta=0.1, l1=1000, l2=1000, rho=0.3, gamma=1e-4)


def smoothed_ripple(gamma):
    """A ripple of f and the curvature of log cosh at its maximum, smoothed over h = eta = 0.5."""
    problem = logcosh_ripple(1, 1)
    xs = np.linspace(-4, 4, 801)[:, None]
    x = xs[np.argmax(np.abs(problem.adjoint(xs)[:, 0]))]
    state = State(problem, problem.inner_solution(x), problem.adjoint(x), x)
    return simulated_control(
        problem, state, "zoba-mixed", 100, h=0.5, eta=0.5, l1=10_000, l2=10_000, rho=0.1, gamma=gamma
    )


def bent_motion(a, b, gamma):
    """D = 0, but the noise of x moves the means of z* and v*, which bend away from z or v."""
    x = np.array([np.pi / 4])
    problem = bent(1, curvatures=(1.0,), target=-0.5)
    v = problem.adjoint(x) + b
    problem = bent(1, curvatures=(1.0,), target=-0.5, tilt=float(v[0] * np.cos(x)[0]))
    state = State(problem, problem.inner_solution(x) + a, v, x)
    return simulated_control(
        problem, state, "hf-zoba", 20_000, h=1e-3, eta=1e-3, l1=1, l2=1, rho=1e-5, gamma=gamma,
        outer_directions="independent",
    )  # fmt: skip


def halved(name):
    def change(step):
        entry = getattr(step, name)
        return replace(step, **{name: entry.scaled(0.5) if isinstance(entry, Linear) else entry / 2})

    return change


def without(name):
    def change(step):
        return replace(step, **{name: Linear.of() if isinstance(getattr(step, name), Linear) else 0.0})

    return change


CONTROLS = {
    "mu doubled": (along_smallest, "a", lambda step: replace(step, mu=2 * step.mu)),
    "mu doubled, of v": (error_of_v, "b", lambda step: replace(step, mu=2 * step.mu)),
    "k_z halved": (moving, "a", halved("k_z")),
    "k_v halved": (moving, "b", halved("k_v")),
    "M_v halved": (error_of_z, "b", halved("M_v")),
    "M_x halved": (error_of_z, "psi", halved("M_x")),
    "L_xz halved": (error_of_v, "psi", halved("L_xz")),
    "L_Psi halved": (steep, "psi", halved("L_Psi")),
    "gamma halved in the motion of z*": (moving, "a", halved("gamma")),
    **{
        f"root variance of {name} halved, {preset}": (lambda f=find, p=preset: f(p), side, halved(name))
        for preset in PRESET_NAMES
        for name, side, find in (("z", "a", noise_of_z), ("v", "b", noise_of_v), ("x", "psi", noise_of_x))
    },
    "bias of z dropped": (smoothed_gradient, "a", without("bias_z")),
    "bias of v dropped": (lambda: smoothed_ripple(1e-4), "b", without("bias_v")),
    "bias of x dropped": (lambda: smoothed_ripple(1e-4), "psi", without("bias_x")),
    "mean motion of z* dropped": (lambda: bent_motion(20.0, 5.0, 0.05), "a", without("moved_z")),
    "mean motion of v* dropped": (lambda: bent_motion(0.0, -20.0, 0.005), "b", without("moved_v")),
}


@pytest.mark.parametrize("name", CONTROLS)
def test_a_wrong_number_is_seen(name):
    find, side, wrong = CONTROLS[name]
    preset, state, solver, measured, means = find()
    y = state.y(means[2])
    room = ERRORS * dict(zip(("a", "b", "psi"), measured.errors, strict=True))[side]
    found = getattr(measured, side)
    seen = False
    for way, step in numbers(preset, state, solver):
        assert_bounded(measured, step, y, way)
        limit = getattr(right_sides(wrong(step), y), side)
        seen |= found > limit + room + 1e-9 * (abs(limit) + abs(found))
    assert seen, (found, limit, room)


@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_noises_along_the_same_directions_are_not_independent(preset):
    """Their covariance has a sign that the error can take: without the cross term the inequality of z is false."""
    problem, x = scalar(), scalar().minimizer
    above = []
    for a in (300.0, -300.0):
        state = State(problem, problem.inner_solution(x) + a, problem.adjoint(x) + 1e4, x)
        preset, state, solver, measured, means = exact_control(problem, state, preset, l=1, rho=1.0, gamma=0.01)
        for _, step in numbers(preset, state, solver):
            assert step.independent == preset.startswith("hf")
            limit = right_sides(replace(step, independent=True), state.y(means[2])).a
            above.append(measured.a > limit * (1 + 1e-9))
    assert any(above) != preset.startswith("hf")


@pytest.mark.parametrize("name", ["general", "general, no radius"])
def test_the_noise_at_the_solution_needs_a_tau(name):
    """A hundredth of tau is seen there. A tenth is not seen: at a solution G_zz v* and F_z cancel, and so do

    parts of the noises of their surrogates, while the forms add them up.
    """
    problem = problem_named(name)
    solver, certified = certified_drift("zoba", name, 10**6, 0.004, 1e-5)
    state = state_at(problem, 0.0, 0.0, 0.0)
    found = drift(exact_step("zoba", state, solver), state, certified) / solver.gamma
    found += float(certified.weights.get("s_y", 0)) * exact_virtual_step("zoba", state, solver)[0] / solver.gamma
    assert float(certified.tau) / 100 < found <= float(certified.tau)


@pytest.mark.sample(1)
@pytest.mark.parametrize("preset", ["zoba", "hf-zoba-shared"])
def test_the_theorem_gives_the_least_of_the_right_sides(preset):
    problem = problem_named("tracking")
    state = state_at(problem, 0.3, 1.0, 0.5, seed=4)
    solver = solver_of(preset, problem, h=1e-3, eta=1e-3, h_bar=1e-3, normalize_h_bar=True, l1=30, l2=30, rho=0.2,
                       gamma=0.02)  # fmt: skip
    y = state.y(exact_directions(state)[2])
    sides = [right_sides(step, y, share) for _, step in numbers(preset, state, solver) for share in SHARES]
    sizes = dict(zip("abgD", y, strict=False)) | {"v": float(np.linalg.norm(state.v))}
    found = theorem(preset).one_step(problem.constants, problem.p, problem.d, solver, sizes)
    for name in ("a", "b", "psi"):
        assert found[name] == pytest.approx(min(getattr(side, name) for side in sides), rel=1e-9), name
