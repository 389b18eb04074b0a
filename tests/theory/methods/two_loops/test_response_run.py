"""PZOBO's rate: every one-step constant against the solver's own steps on a curved problem, bounds, and refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from zoba_bench.problems.links.linear import logcosh_ripple
from zoba_bench.problems.quadratic.reference import reference
from zoba_bench.theory.methods.two_loops.response import pzobo
from zoba_bench.theory.proof.theorem import TheoremError

from zoba_bench.oracle import Oracle
from zoba_bench.registry import make_solver

from ....solvers.two_loop_support import Replay
from ...support import gauss_hermite

START = {"gap": 2.0, "z_error": 0.5}
SOLVER = make_solver("pzobo", N=4, Q=50, alpha=0.4, beta=0.02, eta=0.01)


@pytest.fixture(scope="module")
def curved():
    return logcosh_ripple(3, 2, seed=1)


def stated(name, **values):
    (step,) = [step for step in pzobo().steps if step.name == name]
    right = step.statement.rhs
    return float(right.subs({symbol: values[str(symbol)] for symbol in right.free_symbols}))


def known(problem, **more):
    return problem.constants.known() | {"d": problem.d} | more


def inner_run(problem, z, x, steps, alpha):
    for _ in range(steps):
        z = z - alpha * problem.inner_grad_z(z, x)
    return z


def slope(problem, z, x, steps, alpha, step=1e-5):
    """The derivative of the inner run in x, by central differences."""
    columns = [
        (inner_run(problem, z, x + step * e, steps, alpha) - inner_run(problem, z, x - step * e, steps, alpha))
        / (2 * step)
        for e in np.eye(problem.d)
    ]
    return np.stack(columns, axis=1)


def states(problem, count, seed=0):
    """Points and starts at several distances from z*."""
    rng = np.random.default_rng(seed)
    for size in np.geomspace(1e-3, 3.0, count):
        x = rng.standard_normal(problem.d)
        yield problem.inner_solution(x) + size * rng.standard_normal(problem.p), x


@pytest.mark.parametrize("n", [1, 3, 10])
def test_slopes_and_their_motion_are_within_the_constants(curved, n):
    constants, alpha = curved.constants, 0.9
    exact = np.stack(
        [(curved.inner_solution(1e-5 * e) - curved.inner_solution(-1e-5 * e)) / 2e-5 for e in np.eye(curved.d)], axis=1
    )
    for z, x in states(curved, 12):
        a, moved = np.linalg.norm(z - curved.inner_solution(x)), x + 0.1
        values = known(curved, alpha=alpha, n=n, a=a)
        found = slope(curved, z, x, n, alpha)
        error = np.linalg.norm(found - exact, 2)
        assert error <= stated("slope error", **values) * (1 + 1e-6)
        assert np.linalg.norm(inner_run(curved, z, x, n, alpha) - curved.inner_solution(x)) <= stated(
            "inner error", **values
        ) * (1 + 1e-12)
        assert np.linalg.norm(found, 2) <= stated("largest slope", **values)
        motion = np.linalg.norm(slope(curved, z, moved, n, alpha) - found, 2) / np.linalg.norm(moved - x)
        assert motion <= stated("motion of the slope", **values)
    assert constants.H > 0


@pytest.mark.parametrize("n", [1, 4])
def test_the_slope_error_of_a_quadratic_is_attained(n):
    problem, alpha = reference(2, 2), 0.4
    x = np.array([0.3, -0.8])
    exact = np.stack([problem.inner_solution(e) - problem.inner_solution(0 * e) for e in np.eye(2)], axis=1)
    error = np.linalg.norm(slope(problem, x + 1, x, n, alpha) - exact, 2)
    assert error == pytest.approx(stated("slope error", **known(problem, alpha=alpha, n=n, a=1.0)), rel=1e-8)


def moments(problem, solver, z, x, nodes, weights):
    """Mean of the estimate, and its variance, over quadrature nodes of one direction."""
    tiled = (np.tile(array, (len(nodes), 1)) for array in (z, np.zeros_like(z), x))
    state = solver.init(Oracle(problem, len(nodes)), Replay([nodes[:, None, None, :]]), *tiled)
    found = (x - solver.step(state).x) / solver.beta
    mean = weights @ found
    return mean, weights @ np.vecdot(found, found) - mean @ mean


@pytest.mark.parametrize(
    ("law", "words"), [("gaussian", "Gaussian directions"), ("sphere", "unit directions with the factor d")]
)
@pytest.mark.parametrize("eta", [1e-3, 0.3])
def test_mean_and_variance_of_the_estimate_are_within_the_bounds(curved, law, words, eta):
    angles = 2 * np.pi * np.arange(48) / 48
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1), np.full(48, 1 / 48)
    nodes, weights = gauss_hermite(2, 20) if law == "gaussian" else circle
    N, alpha = 5, 0.4
    solver = make_solver("pzobo", N=N, Q=1, alpha=alpha, beta=1.0, eta=eta, directions=law)
    t = (1 - alpha * curved.constants.mu) ** N
    for z, x in states(curved, 8):
        mean, variance = moments(curved, solver, z, x, nodes, weights)
        values = known(curved, alpha=alpha, n=N, eta=eta, Q=1, t=t, a=np.linalg.norm(z - curved.inner_solution(x)))
        values["s_J"] = stated("motion of the slope", **values)
        values["zeta"] = stated(f"smoothing, {words}", **values)
        values["sigma_u"] = stated(f"spread, {words}", **values)
        values["slope_error"] = stated("slope error", **values)
        assert np.linalg.norm(mean - curved.hypergradient(x)) <= stated("error of the mean", **values)
        assert np.sqrt(variance) <= stated("root of the variance", **values)


def test_the_linear_spread_is_attained():
    """On a quadratic with alpha = 1/L, all directions of z alike, and a start at z*."""
    problem = reference(2, 2)
    solver = make_solver("pzobo", N=60, Q=1, alpha=1.0, beta=1.0, eta=0.5)
    nodes, weights = gauss_hermite(2, 6)
    x = np.array([0.4, -1.2])
    z = problem.inner_solution(x)
    _, variance = moments(problem, solver, z, x, nodes, weights)
    implicit = problem.hypergradient(x) - problem.outer_grad_x(z, x)
    assert variance == pytest.approx((problem.d + 1) * implicit @ implicit, rel=1e-9)


@pytest.mark.parametrize("law", ["gaussian", "sphere"])
@pytest.mark.parametrize("name", ["curved", "quadratic"])
def test_the_bound_is_above_runs_that_start_their_inner_loops_where_the_last_ended(curved, law, name):
    problem = curved if name == "curved" else reference(4, 4)
    constants = problem.constants
    solver = replace(
        SOLVER, directions=law, N=60 if name == "curved" else 4, eta=1e-4, beta=0.005 if name == "curved" else 0.05,
        alpha=1.9 / (constants.mu + constants.L_zz),
    )  # fmt: skip
    K, replicates = 200, 8
    rng = np.random.default_rng(3)
    x = np.tile(rng.standard_normal(problem.d), (replicates, 1))
    z = problem.inner_solution(x) + 0.3
    start = {
        "gap": float(problem.value(x[0]) - problem.minimum),
        "z_error": float(np.linalg.norm(z[0] - problem.inner_solution(x[0]))),
    }
    state = solver.init(Oracle(problem, replicates), rng, z, np.zeros_like(z), x)
    total = np.zeros(replicates)
    for _ in range(K):
        slopes = problem.hypergradient(state.x)
        total += np.vecdot(slopes, slopes)
        state = solver.step(state)
    bound = pzobo().bound(constants, problem.p, problem.d, solver, K, start)
    assert 0 < total.mean() / K <= bound


@pytest.mark.parametrize("make", [lambda: reference(4, 4), lambda: logcosh_ripple(3, 2)])
@pytest.mark.parametrize("eps", [1.0, 1e-2, 1e-4])
def test_a_plan_reaches_its_accuracy_at_the_announced_cost(make, eps):
    problem, theorem = make(), pzobo()
    plan = theorem.plan(problem.constants, problem.p, problem.d, eps, START)
    assert plan.bound <= eps
    assert theorem.bound(problem.constants, problem.p, problem.d, plan, plan.K, START) == plan.bound
    assert plan.evaluations == plan.K * (plan.N * (plan.Q + 1) + 2)
    values = known(problem, eps=eps, gap=2.0, a_0=0.5, N=plan.N)
    complexity = theorem.complexity
    for symbol in ("E", "beta", "W_0"):
        definition = complexity.definitions[symbol]
        values[symbol] = float(definition.subs({s: values[str(s)] for s in definition.free_symbols}))
    assert plan.evaluations <= float(complexity.count.subs({s: values[str(s)] for s in complexity.count.free_symbols}))


def test_the_order_is_that_of_the_count_up_to_the_logarithm():
    """The sizes without N: a tenth of eps costs a hundred times the gradients."""
    problem = reference(4, 4)
    plans = [pzobo().plan(problem.constants, 4, 4, eps, START) for eps in (1e-4, 1e-5)]
    one, ten = (plan.evaluations / plan.N for plan in plans)
    assert ten / one == pytest.approx(100, rel=0.01)
    assert plans[0].N + np.log(10) / (plans[0].alpha * problem.constants.mu) >= plans[1].N


def test_the_bound_falls_like_one_over_K_down_to_bias_and_noise():
    constants, theorem = reference(4, 4).constants, pzobo()

    def bound(K, **changes):
        return theorem.bound(constants, 4, 4, replace(SOLVER, **changes), K, START)

    assert bound(1000) < bound(100)
    # With many directions and inner steps nothing but the start is left.
    fine = {"Q": 10**9, "N": 200}
    assert bound(1000, **fine) / bound(10_000, **fine) == pytest.approx(10, rel=0.02)
    # The floor of the noise is proportional to beta d/Q, and the squared bias is what is left at K = oo.
    floors = [bound(10**9, Q=Q, N=200) for Q in (100, 200)]
    assert floors[0] / floors[1] == pytest.approx(2, rel=0.05)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch": 4}, "condition batch = None"),
        ({"alpha": 2.5}, r"condition alpha <= 2/\(mu \+ L_zz\)"),
        ({"beta": 50.0}, "condition X <= 1"),
    ],
)
def test_a_violated_condition_is_named(change, message):
    with pytest.raises(TheoremError, match=message):
        pzobo().bound(reference(4, 4).constants, 4, 4, replace(SOLVER, **change), 100, START)


def test_a_problem_that_projects_x_is_refused_by_name(curved):
    whole = pzobo().bound(curved.constants, curved.p, curved.d, replace(SOLVER, N=60, beta=1e-4), 10, START)
    assert pzobo().bound_on(curved, replace(SOLVER, N=60, beta=1e-4), 10, START) == whole
    plane = replace(curved, capabilities=replace(curved.capabilities, project_x=lambda x: x))
    with pytest.raises(TheoremError, match=r"condition X = R\^d"):
        pzobo().bound_on(plane, SOLVER, 10, START)


def test_a_law_and_constants_that_are_not_known_are_named():
    class Odd:
        N, Q, eta, alpha, beta, batch, directions = 4, 5, 0.1, 0.4, 0.02, None, "rademacher"

    constants = reference(4, 4).constants
    with pytest.raises(TheoremError, match=r"condition directions in \('gaussian', 'sphere'\)"):
        pzobo().bound(constants, 4, 4, Odd, 100, START)
    with pytest.raises(ValueError, match="'C_z'"):
        pzobo().bound(replace(constants, C_z=None), 4, 4, SOLVER, 100, START)
    with pytest.raises(TheoremError, match="K must be"):
        pzobo().bound(constants, 4, 4, SOLVER, 0, START)
    with pytest.raises(TheoremError, match="L_xz > 0"):
        pzobo().plan(replace(constants, L_xz=0.0), 4, 4, 0.1, START)
