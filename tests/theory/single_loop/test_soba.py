"""SOBA's bound and plan against its own iteration, with exact derivatives of all values and of samples."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from zoba_bench.theory.proof.theorem import TheoremError
from zoba_bench.theory.single_loop.drift import Drift
from zoba_bench.theory.single_loop.roots import Directions
from zoba_bench.theory.single_loop.run import Start

import zoba_bench as zb

from ..states import (
    CURVED,
    QUADRATIC,
    bent,
    exact_directions,
    finite_sum,
    one_steps,
    problem_named,
    right_sides,
    state_at,
)

NAMES = [*QUADRATIC, *CURVED]
K = 200


def start_of(state):
    """Where Psi has no declared infimum, it is at least the value at z* = t: zero."""
    problem = state.problem
    return Start(float(problem.value(state.x)) - (problem.minimum or 0.0), state.a, state.b)


def iterate(state, rho, gamma, iterations):
    """Mean of |grad Psi|^2 over the iterations, and the largest |x|."""
    problem, z, v, x = state.problem, state.z, state.v, state.x
    total, farthest = 0.0, 0.0
    for _ in range(iterations):
        total += float(np.sum(problem.hypergradient(x) ** 2))
        farthest = max(farthest, float(np.linalg.norm(x)))
        mean_z, mean_v, mean_x = exact_directions(SimpleNamespace(problem=problem, z=z, v=v, x=x))
        z, v, x = z - rho * mean_z, v - rho * mean_v, x - gamma * mean_x
    return total / iterations, farthest


@pytest.mark.sample(6)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("where", [(0.0, 0.0, 2.0), (2.0, 1.0, 0.5)])
def test_the_mean_is_below_the_bound(name, where):
    problem = problem_named(name)
    theorem, state = zb.theorem("soba"), state_at(problem, *where)
    rho = 1.8 / (problem.constants.mu + problem.constants.L_zz)
    certified = 0
    for ratio in (0.1, 0.01, 1e-3, 5e-5):
        solver = SimpleNamespace(rho=rho, gamma=ratio * rho)
        try:
            bound = theorem.bound(problem.constants, problem.p, problem.d, solver, K, start_of(state))
        except TheoremError:  # x is too fast for z and v
            continue
        mean, farthest = iterate(state, solver.rho, solver.gamma, K)
        assert farthest <= problem.constants.radius
        assert mean <= bound
        certified += 1
    assert certified > 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("eps", [0.3, 0.01])
def test_a_plan_reaches_its_accuracy(name, eps):
    problem = problem_named(name)
    theorem, state = zb.theorem("soba"), state_at(problem, 0.5, 0.5, 1.0)
    plan = theorem.plan(problem.constants, problem.p, problem.d, eps, start_of(state))
    assert plan.bound <= eps
    assert plan.bound == theorem.bound(problem.constants, problem.p, problem.d, plan, plan.K, start_of(state))
    if plan.K <= 2000:
        mean, farthest = iterate(state, plan.rho, plan.gamma, plan.K)
        assert farthest <= problem.constants.radius
        assert mean <= plan.bound


def test_the_residual_is_zero_without_noise():
    problem = problem_named("reference")
    solver = SimpleNamespace(rho=0.5, gamma=0.05)
    found = zb.theorem("soba").certificate(problem.constants, 2, 2, solver, K, Start(1.0, 1.0, 1.0))
    assert found.tau <= found.transient / 10**6
    assert found.verify()


@pytest.mark.parametrize("side", ["a", "b", "psi"])
def test_one_step_with_exact_derivatives(side):
    """Every noise and bias is zero; what is left of the right-hand sides is the deterministic step."""
    problem = bent(2)
    solver = SimpleNamespace(rho=0.7, gamma=0.2)
    (step,) = one_steps(None, problem, solver, Directions(known_slopes=False))
    for seed in range(30):
        state = state_at(problem, 0.3 * (seed % 3), 0.4 * (seed % 4), 2.0, seed=seed)
        means = exact_directions(state)
        z, v, x = (s - t * m for s, t, m in zip((state.z, state.v, state.x), (0.7, 0.7, 0.2), means, strict=True))
        measured = {
            "a": np.sum((z - problem.inner_solution(x)) ** 2),
            "b": np.sum((v - problem.adjoint(x)) ** 2),
            "psi": problem.value(x) - problem.value(state.x),
        }[side]
        assert measured <= getattr(right_sides(step, state.y(means[2])), side) + 1e-14
    assert all(form == 0 for form in (*step.z.entries, *step.v.entries, *step.x.entries))
    assert Drift(step).step.independent


# Samples.


def sampled_runs(sums, state, rho, gamma, iterations, b1, b2, replicates, seed):
    """Mean of |grad Psi|^2 with its standard error, and all points (z, x) visited."""
    rng = np.random.default_rng(seed)
    problem = sums.problem
    z, v, x = (np.tile(part, (replicates, 1)) for part in (state.z, state.v, state.x))
    total, visited = np.zeros(replicates), []

    def batch(values):
        return values.mean(axis=1)

    for _ in range(iterations):
        total += np.sum(problem.hypergradient(x) ** 2, axis=1)
        visited.append(np.concatenate([z, x], axis=1))
        i = rng.integers(problem.inner_samples, size=(replicates, b1))
        k = rng.integers(problem.outer_samples, size=(replicates, b2))
        here = z[:, None], x[:, None]
        mean_z = batch(sums.gradient_z(sums.inner, *here, i))
        mean_v = batch(np.einsum("rbij,rj->rbi", sums.inner[0][i], v)) + batch(sums.gradient_z(sums.outer, *here, k))
        mean_x = batch(np.einsum("rbij,rj->rbi", sums.inner[1][i], v)) + batch(sums.gradient_x(sums.outer, *here, k))
        z, v, x = z - rho * mean_z, v - rho * mean_v, x - gamma * mean_x
    return total.mean() / iterations, total.std() / iterations / np.sqrt(replicates), np.concatenate(visited)


@pytest.mark.parametrize(("hessians", "batches"), [(0.0, (1, 1)), (0.2, (2, 1)), (0.5, (4, 3))])
def test_the_mean_with_samples_is_below_the_bound(hessians, batches):
    """Spreads declared as the largest ones at the points that the runs visit."""
    sums = finite_sum(2, 2, seed=3, hessians=hessians)
    problem, state = sums.problem, state_at(sums.problem, 0.3, 0.3, 0.5)
    rho = 0.3 / problem.constants.L_zz
    solver = SimpleNamespace(rho=rho, gamma=0.004 * rho, b1=batches[0], b2=batches[1])
    mean, error, visited = sampled_runs(sums, state, rho, solver.gamma, K, *batches, 40, seed=1)
    # The spreads are convex functions of the point: largest at the corners of a box around the points.
    low, high = visited.min(axis=0), visited.max(axis=0)
    corners = np.stack(np.meshgrid(*zip(low, high, strict=True)), axis=-1).reshape(-1, 4)
    constants = sums.constants(*((corner[:2], corner[2:]) for corner in corners))
    theorem, start = zb.theorem("soba"), start_of(state)
    bound = theorem.bound(constants, 2, 2, solver, K, start)
    assert mean - 4.5 * error <= bound
    exact = replace(constants, sigma_gz=0.0, sigma_zz=0.0, sigma_xz=0.0, sigma_fz=0.0, sigma_fx=0.0)
    assert theorem.bound(exact, 2, 2, solver, K, start) < bound
    larger = SimpleNamespace(**vars(solver) | {"b1": 10 * batches[0], "b2": 10 * batches[1]})
    assert theorem.bound(constants, 2, 2, larger, K, start) < bound


def test_noise_of_samples_is_seen_by_a_bound_that_ignores_it():
    """At the solution, over many iterations, exact values would keep |grad Psi| at zero."""
    sums = finite_sum(2, 2, seed=3, hessians=0.0)
    problem, state = sums.problem, state_at(sums.problem, 0.0, 0.0, 0.0)
    rho = 0.3 / problem.constants.L_zz
    solver = SimpleNamespace(rho=rho, gamma=0.004 * rho, b1=1, b2=1)
    mean, error, _ = sampled_runs(sums, state, rho, solver.gamma, K, 1, 1, 40, seed=2)
    exact = replace(problem.constants, sigma_gz=0.0, sigma_zz=0.0, sigma_xz=0.0, sigma_fz=0.0, sigma_fx=0.0)
    theorem = zb.theorem("soba")
    assert mean - 4.5 * error > theorem.bound(exact, 2, 2, solver, K, start_of(state))
    assert mean <= theorem.bound(sums.constants((state.z, state.x)), 2, 2, solver, K, start_of(state))


def test_samples_of_unknown_spread_have_no_bound():
    constants = replace(finite_sum(2, 2).problem.constants, sigma_gz=None)
    solver = SimpleNamespace(rho=0.1, gamma=1e-4, b1=1, b2=1)
    with pytest.raises(ValueError, match="sigma_gz"):
        zb.theorem("soba").bound(constants, 2, 2, solver, K, Start(1.0))
