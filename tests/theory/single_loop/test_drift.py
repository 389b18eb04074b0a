"""The certificate of the drift: what it accepts and refuses, and its bound against exact means."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zoba_bench.problems.quadratic.general import minimax_quad, quad_general, quad_tracking
from zoba_bench.problems.quadratic.reference import reference
from zoba_bench.theory.estimators.blocks import Blocks
from zoba_bench.theory.estimators.presets import preset_named
from zoba_bench.theory.noise.stationary import LinearModel, horizon_mean
from zoba_bench.theory.proof.rational import is_semidefinite, schur_complement
from zoba_bench.theory.single_loop.drift import WEIGHTS, Drift, certify, slack
from zoba_bench.theory.single_loop.roots import Directions
from zoba_bench.theory.single_loop.run import Start

from ..states import State, covariance, exact_one_steps, explicit, solver_of, state_at
from ..support import PRESET_NAMES

SETTINGS = settings(derandomize=True, max_examples=10, deadline=None)
START = (Fraction(2), Fraction(1, 2), Fraction(3, 4))
K = 1000


def setting(preset, problem, l=3000, rho=0.1, ratio=0.02, h=1e-3):
    return solver_of(preset, problem, h=h, eta=h, h_bar=h, normalize_h_bar=True, l1=l, l2=l, rho=rho, gamma=ratio * rho)


@cache
def drift_of(preset, ratio=0.02, l=3000, curved=True):
    """The drift of runs on the reference problem, with third derivatives for the sake of it."""
    problem = reference(2, 2)
    small = {f"H_{block}": 0.01 for block in ("zz", "xz", "zx", "xx")}
    constants = replace(problem.constants, H=0.01, **small) if curved else problem.constants
    solver = setting(preset, problem, ratio=ratio, l=l)
    way = Directions(normalized=True, curved=curved)
    step, *_ = exact_one_steps(preset, problem, solver, way, constants=constants)
    return Drift(step)


@cache
def certificate_of(preset):
    return certify(drift_of(preset), START, K)


def evaluated(matrix, y):
    return sum(y[i] * matrix[i][j] * y[j] for i in range(5) for j in range(5))


# The certificate.


@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_a_certificate_verifies_and_adds_up(preset):
    found, drift = certificate_of(preset), drift_of(preset)
    assert found.verify()
    assert found.bound == found.transient + found.tau
    assert set(found.weights) == set(WEIGHTS)
    gamma = drift.step.gamma
    s, phi_a, phi_b = (found.weights[name] for name in ("s", "phi_a", "phi_b"))
    transient = (s * START[0] + phi_a * START[1] ** 2 + phi_b * START[2] ** 2) / (gamma * K)
    assert 0 <= found.transient - transient <= transient / 2**58
    assert found.matrix == slack(drift.matrices(Fraction(0)), found.weights, gamma, found.tau)


@SETTINGS
@given(st.lists(st.fractions(0, 10, max_denominator=50), min_size=4, max_size=4))
@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_the_matrix_is_tau_less_drift_less_squared_gradient(preset, errors):
    """Evaluated form by form, at any state: tau - (E W+ - W) / gamma - g^2."""
    found, drift = certificate_of(preset), drift_of(preset)
    y = [*errors, Fraction(1)]

    def value(form):
        return sum((Fraction(c) * e for c, e in zip(form.entries, y, strict=True)), Fraction(0))

    total = sum(
        found.weights[name] * factor * value(one) * value(two)
        for name, terms in drift.terms().items()
        for factor, one, two in terms
    )
    rest = found.tau - total / drift.step.gamma - y[2] ** 2
    assert evaluated(found.matrix, y) == rest >= 0


@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_a_smaller_tau_is_refused(preset):
    found = certificate_of(preset)
    assert not replace(found, tau=found.tau * Fraction(99, 100)).verify()


@pytest.mark.parametrize("name", WEIGHTS)
def test_a_negative_weight_is_refused(name):
    found = certificate_of("zoba")
    assert not replace(found, weights=dict(found.weights) | {name: Fraction(-1, 10**30)}).verify()


@pytest.mark.parametrize("row", range(5))
@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_an_altered_matrix_is_refused(preset, row):
    """A hundredth less on the diagonal: the certificate has nothing to spare in any component."""
    found = certificate_of(preset)
    drift = {name: [list(line) for line in matrix] for name, matrix in found.drift.items()}
    drift["s"][row][row] += abs(found.matrix[row][row]) / 100 * found.gamma / found.weights["s"]
    assert not replace(found, drift=drift).verify()


@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_a_smaller_bound_or_other_weights_are_refused(preset):
    found = certificate_of(preset)
    assert found.verify()
    assert not replace(found, tau=found.tau / 2).verify()
    assert not replace(found, bound=found.bound / 1000).verify()
    assert not replace(found, transient=found.transient / 2, bound=found.bound / 2).verify()
    assert not replace(found, weights={n: w / 10 for n, w in found.weights.items()}).verify()


@SETTINGS
@given(st.integers(0, 2**20), st.sampled_from([0.02, 0.3, 1.5]))
@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_no_other_weights_have_a_smaller_bound(preset, seed, spread):
    found, drift = certificate_of(preset), drift_of(preset)
    rng = np.random.default_rng(seed)
    factors = np.exp(spread * rng.standard_normal(4))
    weights = {name: found.weights[name] * Fraction(f) for name, f in zip(WEIGHTS, factors, strict=True)}
    gamma, (gap, a, b) = drift.step.gamma, START
    rest = schur_complement(slack(drift.matrices(Fraction(0)), weights, gamma, Fraction(0)))
    if rest is None:
        return
    cost = weights["s"] * gap + weights["phi_a"] * a**2 + weights["phi_b"] * b**2
    assert cost / (gamma * K) + max(-rest, Fraction(0)) >= found.bound * Fraction(9999, 10_000)


def test_the_bound_falls_with_the_iterations_and_rises_with_the_start():
    drift = drift_of("zoba")
    bounds = [certify(drift, START, n).bound for n in (10, 100, 10**4, 10**8)]
    assert bounds == sorted(bounds, reverse=True)
    for index in range(3):
        higher = [value * (3 if i == index else 1) for i, value in enumerate(START)]
        assert certify(drift, higher, K).bound > certificate_of("zoba").bound
    assert certify(drift, (Fraction(0),) * 3, K).transient == 0


@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_steps_of_x_too_long_for_z_and_v_have_no_certificate(preset):
    assert certify(drift_of(preset, ratio=50.0), START, K) is None


def test_a_start_at_the_solution_has_the_smallest_bound():
    """Whatever certifies another start, after any number of iterations, certifies this one."""
    for preset, ratio in product(("zoba-mixed", "hf-zoba"), (1e-4, 1e-5, 1e-6)):
        drift = drift_of(preset, ratio=ratio, l=10**5, curved=False)
        others = [certify(drift, (Fraction(1), Fraction(a), Fraction(1)), 10**12).bound for a in (1, 10)]
        assert certify(drift, (Fraction(0),) * 3, K).bound <= min(others) * Fraction(1001, 1000), (preset, ratio)


def test_too_few_directions_have_no_certificate():
    assert certify(drift_of("zoba", l=1), START, K) is None


@pytest.mark.parametrize("name", WEIGHTS[:1] + WEIGHTS[2:])
def test_every_weight_is_needed(name):
    """Without it no bound on g^2 is left: the matrix is indefinite whatever tau."""
    found, drift = certificate_of("zoba"), drift_of("zoba")
    weights = dict(found.weights) | {name: Fraction(0)}
    assert not is_semidefinite(slack(drift.matrices(Fraction(0)), weights, drift.step.gamma, Fraction(10**30)))


# The bound against the exact mean over K iterations of quadratic problems.


class Moments:
    """Means and second moments of the deviation from the solution, exactly, step by step."""

    def __init__(self, preset, problem, solver):
        x = problem.minimizer
        at = State(problem, problem.inner_solution(x), problem.adjoint(x), x)
        self.problem, self.solver, self.origin = problem, solver, at
        model = LinearModel.at(Blocks.at(problem, x))
        self.size, self.weight = len(model.J), model.Q
        self.scale = model.steps(*solver.steps(0), problem.d)
        self.update = np.eye(self.size) - self.scale[:, None] * model.J

        def noise(deviation):
            parts = np.split(deviation, [problem.p, 2 * problem.p])
            there = State(problem, *(c + e for c, e in zip((at.z, at.v, at.x), parts, strict=True)))
            return covariance(preset, there, solver)

        # The covariance is quadratic in the deviation: differences give its coefficients.
        eye = np.eye(self.size)
        self.constant = noise(0 * eye[0])
        plus, minus = (np.array([noise(sign * e) for e in eye]) for sign in (1, -1))
        self.linear = (plus - minus) / 2
        squares = (plus + minus) / 2 - self.constant
        self.quadratic = np.zeros((self.size, self.size, *self.constant.shape))
        for i in range(self.size):
            self.quadratic[i, i] = squares[i]
            for j in range(i):
                both = noise(eye[i] + eye[j]) - self.constant - self.linear[i] - self.linear[j]
                self.quadratic[i, j] = self.quadratic[j, i] = (both - squares[i] - squares[j]) / 2

    def mean_over(self, start, K):
        """Mean over k < K of E|grad Psi(x_k)|^2 from a deviation."""
        mean, second, total = start, np.outer(start, start), 0.0
        for _ in range(K):
            total += float(np.sum(self.weight * second))
            noise = self.constant + np.tensordot(mean, self.linear, 1) + np.tensordot(second, self.quadratic, 2)
            second = self.update @ second @ self.update.T + self.scale[:, None] * noise * self.scale
            mean = self.update @ mean
        return total / K


def deviation(state, origin):
    return np.concatenate([state.z - origin.z, state.v - origin.v, state.x - origin.x])


CASES = {
    "general": (lambda: quad_general(2, 2, kappa=3.0), 0.01),
    "tracking": (lambda: quad_tracking(2, 1, kappa=3.0), 0.01),
    "minimax": (lambda: minimax_quad(2, 2, kappa=3.0), 0.05),
}


@cache
def moments_of(preset, name):
    build, ratio = CASES[name]
    problem = build()
    return Moments(preset, problem, setting(preset, problem, l=2000, rho=0.3, ratio=ratio))


@pytest.mark.sample(3)
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("preset", PRESET_NAMES)
@pytest.mark.parametrize("where", [(0.0, 0.0, 0.0), (1.0, 1.0, 1.5)])
def test_the_bound_is_above_the_exact_mean(preset, name, where):
    moments, iterations = moments_of(preset, name), 400
    problem, state = moments.problem, state_at(moments.problem, *where)
    exact = moments.mean_over(deviation(state, moments.origin), iterations)
    start = Start(float(problem.value(state.x)) - problem.minimum, state.a, state.b)
    bounds = explicit(preset)
    certified = bounds.certificate(problem.constants, problem.p, problem.d, moments.solver, iterations, start)
    assert certified.verify()
    assert exact <= certified.bound, (exact, float(certified.bound))


def test_the_moments_are_those_of_the_linear_noise_where_directions_are_many():
    problem = quad_general(2, 2, kappa=3.0)
    solver = setting("zoba", problem, l=10**8, rho=0.3, ratio=0.05, h=1e-6)
    found = Moments("zoba", problem, solver).mean_over(np.zeros(6), 300)
    blocks = Blocks.at(problem, problem.minimizer)
    expected = horizon_mean(preset_named("zoba"), blocks, solver.gamma, 0.05, 10**8, 300)
    assert found == pytest.approx(expected, rel=1e-5)
