"""Root variances and biases of the three directions against exact covariances, quadrature and simulation."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zoba_bench.problems.quadratic.general import quad_general, quad_tracking
from zoba_bench.theory.estimators.presets import preset_named
from zoba_bench.theory.proof.theorem import TheoremError
from zoba_bench.theory.single_loop.roots import Directions, Roots

from ..states import (
    CURVED,
    QUADRATIC,
    after_one_step,
    covariance,
    exact_directions,
    finite_sum,
    mean_directions,
    one_steps,
    problem_named,
    solver_of,
    state_at,
    states,
    usable,
    value,
    ways,
)
from ..support import PRESET_NAMES

SETTINGS = settings(derandomize=True, deadline=None)
#: Standard errors of a simulated mean that are no contradiction.
ERRORS = 4.5
RHO, GAMMA = 0.05, 0.02
FORMS = ("z", "v", "x")
counts = st.sampled_from([1, 2, 7, 400])
radii = st.sampled_from([1e-3, 0.1, 0.5])


@st.composite
def solvers(draw, preset, problem, directions=counts, **options):
    return solver_of(
        preset,
        problem,
        h=draw(radii),
        eta=draw(radii),
        h_bar=draw(st.sampled_from([0.01, 0.3, 1.0])),
        normalize_h_bar=draw(st.booleans()),
        l1=draw(directions),
        l2=draw(directions),
        outer_directions=draw(st.sampled_from(["shared", "independent"])),
        rho=RHO,
        gamma=GAMMA,
        **options,
    )


def slots(p):
    return slice(0, p), slice(p, 2 * p), slice(2 * p, None)


def all_steps(preset, state, solver, constants=None, sampled=False):
    """The numbers of every way to use the constants; projected v has exactly the radius it needs."""
    constants = state.problem.constants if constants is None else constants
    radius = max(constants.R or 0.0, float(np.linalg.norm(state.v)))
    for way in ways(constants, solver, sampled):
        try:
            found = one_steps(preset, state.problem, solver, way, v_radius=radius, constants=constants)
        except TheoremError:
            assert preset.startswith("hf")
            assert way.curved
            assert not way.normalized
            assert not way.projected
            continue
        yield from ((way, step) for step in found)


# Quadratic problems: exact.


@pytest.mark.sample(1)
@settings(SETTINGS, max_examples=10)
@given(st.data())
@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_exact_variances_are_within_their_forms(preset, data):
    problem = problem_named(data.draw(st.sampled_from(list(QUADRATIC))))
    state, solver = data.draw(states(problem)), data.draw(solvers(preset, problem))
    noise = covariance(preset, state, solver)
    y = state.y(exact_directions(state)[2])
    # Exact values are samples without spread.
    for way, step in all_steps(preset, state, solver, sampled=data.draw(st.booleans())):
        for name, slot in zip(FORMS, slots(problem.p), strict=True):
            variance = float(np.trace(noise[slot, slot]))
            assert variance <= value(getattr(step, name), y) ** 2 * (1 + 1e-9), (name, way, y)


@pytest.mark.parametrize("preset", PRESET_NAMES)
@pytest.mark.parametrize("name", FORMS)
def test_variances_are_attained_in_one_dimension(preset, name):
    """Where the exact directions are all error, every norm inequality of a scalar problem is an equality."""
    problem = quad_tracking(1, 1)
    solver = solver_of(preset, problem, h=1e-4, eta=1e-4, l1=10, l2=10, rho=RHO, gamma=GAMMA)
    state = state_at(problem, 10.0, 0.0, 0.0) if name == "z" else state_at(problem, 0.0, 1e5, 0.0)
    noise = covariance(preset, state, solver)
    slot = slots(1)[FORMS.index(name)]
    y = state.y(exact_directions(state)[2])
    largest = min(value(getattr(step, name), y) ** 2 for _, step in all_steps(preset, state, solver))
    assert 0.999 < float(np.trace(noise[slot, slot])) / largest <= 1 + 1e-9


@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_the_covariance_is_the_solvers(preset):
    """What the tests above call exact, against runs of the solver itself."""
    problem, replicates = quad_general(2, 2, cross=0.3), 20_000
    solver = solver_of(
        preset, problem, h=0.4, eta=0.3, h_bar=0.7, l1=2, l2=1, outer_directions="shared", rho=RHO, gamma=GAMMA
    )
    state = state_at(problem, 0.5, 0.7, 1.0)
    z, v, x = after_one_step(state, solver, replicates, seed=1)
    drawn = np.concatenate([(state.z - z) / RHO, (state.v - v) / RHO, (state.x - x) / GAMMA], axis=1)
    drawn -= np.concatenate(exact_directions(state))
    assert np.all(np.abs(drawn.mean(axis=0)) <= ERRORS * drawn.std(axis=0) / np.sqrt(replicates))
    products = drawn[:, :, None] * drawn[:, None, :]
    errors = products.std(axis=0) / np.sqrt(replicates)
    assert np.all(np.abs(products.mean(axis=0) - covariance(preset, state, solver)) <= ERRORS * errors)


# Curved problems: means by quadrature, variances by simulation.


@pytest.mark.sample(1)
@settings(SETTINGS, max_examples=10)
@given(st.data())
@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_means_and_variances_of_curved_problems_are_within_their_forms(preset, data):
    names = [name for name in CURVED if usable(preset, problem_named(name))]
    problem, replicates = problem_named(data.draw(st.sampled_from(names))), 3000
    state = data.draw(states(problem))
    solver = data.draw(solvers(preset, problem, st.sampled_from([1, 3])))
    means = mean_directions(preset, state, solver)
    z, v, x = after_one_step(state, solver, replicates, data.draw(st.integers(0, 999)))
    squares = [
        np.sum(((before - after) / step - mean) ** 2, axis=1)
        for before, after, step, mean in zip(
            (state.z, state.v, state.x), (z, v, x), (RHO, RHO, GAMMA), means, strict=True
        )
    ]
    y = state.y(means[2])
    distances = (
        np.linalg.norm(state.z - RHO * means[0] - problem.inner_solution(state.x)),
        np.linalg.norm(state.v - RHO * means[1] - problem.adjoint(state.x)),
        np.linalg.norm(means[2] - problem.hypergradient(state.x)),
    )
    for way, step in all_steps(preset, state, solver, sampled=data.draw(st.booleans())):
        for name, square in zip(FORMS, squares, strict=True):
            least = float(square.mean() - ERRORS * square.std() / np.sqrt(replicates))
            assert least <= value(getattr(step, name), y) ** 2 + 1e-20, (name, way, y)
        bounds = (
            (1 - RHO * step.mu) * state.a + RHO * value(step.bias_z, y),
            (1 - RHO * step.mu) * state.b + RHO * (step.M_v * state.a + value(step.bias_v, y)),
            value(step.gradient_error, y),
        )
        for name, found, bound in zip(FORMS, distances, bounds, strict=True):
            assert found <= bound * (1 + 1e-9) + 1e-9, (name, way, y)


@settings(SETTINGS, max_examples=3)
@given(st.data())
@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_the_means_are_the_solvers(preset, data):
    """Quadrature of smoothed derivatives against runs of the solver itself, with large radii."""
    names = [name for name in CURVED if usable(preset, problem_named(name))]
    problem, replicates = problem_named(data.draw(st.sampled_from(names))), 20_000
    state = data.draw(states(problem))
    solver = replace(data.draw(solvers(preset, problem, st.just(1))), h=0.5, eta=0.4)
    z, v, x = after_one_step(state, solver, replicates, seed=0)
    drawn = ((state.z - z) / RHO, (state.v - v) / RHO, (state.x - x) / GAMMA)
    for found, mean in zip(drawn, mean_directions(preset, state, solver), strict=True):
        assert np.all(np.abs(found.mean(axis=0) - mean) <= ERRORS * found.std(axis=0) / np.sqrt(replicates) + 1e-9)


# Samples.

#: By how much the Hessians of the samples differ.
SUMS = {spread: finite_sum(hessians=spread) for spread in (0.0, 0.3, 2.0)}


@settings(SETTINGS, max_examples=6)
@given(st.data())
@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_variances_with_samples_are_within_their_forms(preset, data):
    """Samples with Hessians of their own; their spreads are exact at the state."""
    sums = SUMS[data.draw(st.sampled_from(sorted(SUMS)))]
    problem, replicates = sums.problem, 3000
    state = data.draw(states(problem))
    batches = data.draw(st.sampled_from([(1, 1), (2, 2), (3, 1), (2, 4)]))
    if preset == "hf-zoba-shared":
        batches = (batches[0], batches[0])
    solver = data.draw(solvers(preset, problem, st.sampled_from([1, 3]), b1=batches[0], b2=batches[1]))
    z, v, x = after_one_step(state, solver, replicates, data.draw(st.integers(0, 999)))
    means = exact_directions(state)
    y, constants = state.y(means[2]), sums.constants((state.z, state.x))
    parts = zip((state.z, state.v, state.x), (z, v, x), (RHO, RHO, GAMMA), means, strict=True)
    squares = [np.sum(((before - after) / step - mean) ** 2, axis=1) for before, after, step, mean in parts]
    for way, step in all_steps(preset, state, solver, constants, sampled=True):
        assert not step.independent
        for name, square in zip(FORMS, squares, strict=True):
            least = float(square.mean() - ERRORS * square.std() / np.sqrt(replicates))
            assert least <= value(getattr(step, name), y) ** 2, (name, way, y)


@pytest.mark.parametrize("name", FORMS)
def test_spreads_of_samples_are_seen(name):
    """At the solution shared directions add nothing: what is left is the samples' own, and half its root too little."""
    sums, replicates = finite_sum(1, 1, hessians=0.0), 4000
    state = state_at(sums.problem, 0.0, 0.0, 0.0)
    solver = solver_of("hf-zoba-shared", sums.problem, h=1e-3, h_bar=1e-3, l1=200, b1=1, b2=1, rho=RHO, gamma=GAMMA)
    z, v, x = after_one_step(state, solver, replicates, seed=3)
    found = {"z": (state.z - z) / RHO, "v": (state.v - v) / RHO, "x": (state.x - x) / GAMMA}[name]
    constants = sums.constants((state.z, state.x))
    y = state.y(exact_directions(state)[2])
    steps = all_steps("hf-zoba-shared", state, solver, constants, sampled=True)
    smallest = min(value(getattr(step, name), y) for _, step in steps)
    # The relative standard error of a root variance is at most that of bounded samples, 1/sqrt(N).
    margin = 1 + ERRORS / np.sqrt(replicates)
    assert smallest / 2 * margin < float(found.std()) <= smallest * margin


@settings(SETTINGS, max_examples=20)
@given(states(SUMS[2.0].problem), st.sampled_from([1, 2, 5]), st.sampled_from([1, 3]))
def test_exact_derivatives_of_samples_are_within_their_forms(state, b1, b2):
    """Without directions the variances are those of the samples: exact, no simulation."""
    sums = SUMS[2.0]
    z, v, x = state.z, state.v, state.x

    def spread(values):
        return float(values.var(axis=0).sum())

    variances = {
        "z": spread(sums.gradient_z(sums.inner, z, x)) / b1,
        "v": spread(sums.inner[0] @ v) / b1 + spread(sums.gradient_z(sums.outer, z, x)) / b2,
        "x": spread(sums.inner[1] @ v) / b1 + spread(sums.gradient_x(sums.outer, z, x)) / b2,
    }
    solver = SimpleNamespace(rho=RHO, gamma=GAMMA, b1=b1, b2=b2)
    way = Directions(growing=True, known_slopes=False, curved=False, sampled=True)
    step, *_ = one_steps(None, sums.problem, solver, way, constants=sums.constants((z, x)))
    y = state.y(exact_directions(state)[2])
    for name, variance in variances.items():
        assert variance <= value(getattr(step, name), y) ** 2 * (1 + 1e-9)
    assert not step.independent


# Structure.


@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_noises_are_independent_only_where_no_direction_and_no_sample_is_shared(preset):
    named = preset_named(preset)
    assert Roots(named, Directions()).independent == preset.startswith("hf")
    assert not Roots(named, Directions(sampled=True)).independent


@pytest.mark.parametrize(("normalized", "projected"), list(product((False, True), repeat=2)))
def test_a_step_along_v_of_unbounded_length_has_no_root(normalized, projected):
    roots = Roots(preset_named("hf-zoba"), Directions(normalized=normalized, projected=projected))
    if normalized or projected:
        assert roots.v.entries
    else:
        with pytest.raises(TheoremError, match="step along v"):
            _ = roots.v
