"""FOM and UFOM: one step against a slow reference, counts, what is refused, and what their theorems say of runs."""

from __future__ import annotations

import math
import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import sympy as sp
from zoba_bench.theory.methods.truncated.optimal_q import optimal_q
from zoba_bench.theory.methods.truncated.unrolled import FIRST_ORDER, RECOMPUTED, STORED, count, r

import zoba_bench as zb
from zoba_bench.driver import iteration_cost, run
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.problem.capabilities import Capabilities, Tasks
from zoba_bench.registry import make_solver
from zoba_bench.result import Status
from zoba_bench.solvers.base import StepWarning
from zoba_bench.solvers.truncated import GRADIENTS, gradients, one_task, several_tasks

from .unrolled import EPS, problem_loop, slow_gradients, task_loop

SOLVERS = ("fom", "ufom", "ufom-adaptive")
# Below 30 inner steps of fewer than 30 operations each on numbers of size at most 100, twice: the solver's, the
# reference's. A wrong factor, sign or order changes x by more than 1e-3.
ROUNDING = 2 * 30 * 30 * 100 * EPS


def tasks_problem(steps: int = 4, count: int = 3, q: int = 3, d: int = 2, seed: int = 0) -> BilevelProblem:
    """Tasks in which nothing is special: V bends, both losses depend on theta and bend, probabilities differ.

    V = W sin(theta), L_in = phi'A phi/2 + phi'B sin(theta) + sum cos(phi)/2,
    L_out = |phi-s|^2/2 + phi'E theta + |theta|^2.
    """
    rng = np.random.default_rng([seed, count, q, d])
    A = rng.standard_normal((count, q, q)) / q
    A = np.eye(q) + A @ A.transpose(0, 2, 1)
    B, E, W = rng.standard_normal((3, count, q, d))
    s = rng.standard_normal((count, q))

    def apply(matrices, vectors):
        return np.einsum("...ij,...j->...i", matrices, vectors)

    def spread(vectors, *others):
        lead = np.broadcast_shapes(vectors.shape[:-1], *(other.shape[:-1] for other in others))
        return np.broadcast_to(vectors, (*lead, vectors.shape[-1])).copy()

    def outer(phi, theta, t):
        cross = np.einsum("...i,...i", phi, apply(E[t], theta))
        return 0.5 * ((phi - s[t]) ** 2).sum(-1) + cross + (theta**2).sum(-1)

    tasks = Tasks(
        probabilities=np.arange(1, count + 1) / (count * (count + 1) / 2),
        q=q,
        steps=steps,
        step=0.15,
        initial=lambda theta, t: apply(W[t], np.sin(theta)),
        initial_pullback=lambda theta, t, v: np.cos(theta) * apply(W[t].swapaxes(-1, -2), v),
        inner_grad=lambda phi, theta, t: apply(A[t], phi) + apply(B[t], np.sin(theta)) - 0.5 * np.sin(phi),
        inner_hvp=lambda phi, theta, t, v: spread(apply(A[t], v) - 0.5 * np.cos(phi) * v, theta),
        inner_cross=lambda phi, theta, t, v: spread(np.cos(theta) * apply(B[t].swapaxes(-1, -2), v), phi),
        outer=outer,
        outer_grad_phi=lambda phi, theta, t: phi - s[t] + apply(E[t], theta),
        outer_grad_theta=lambda phi, theta, t: apply(E[t].swapaxes(-1, -2), phi) + 2 * theta,
        adapted=lambda theta, t: np.full((*np.broadcast_shapes(theta.shape[:-1], np.shape(t)), q), np.nan),  # unused
    )

    def unknown(z, x):
        raise AssertionError("tasks are evaluated through their own functions")

    return BilevelProblem.from_functions(
        unknown, unknown, count * q, d, name="local tasks", capabilities=Capabilities(tasks=tasks)
    )


def ordinary(name: str = "logcosh_ripple", **keywords) -> BilevelProblem:
    return zb.load_problem(name, **({"p": 3, "d": 2} | keywords))


def state_of(problem, solver, replicates=3, seed=0, generator=None):
    """A state with replicates that differ; phi_0 of one task is its z."""
    rng = np.random.default_rng(seed)
    z, v, x = (0.5 * rng.standard_normal((replicates, n)) for n in (problem.p, problem.p, problem.d))
    generator = np.random.default_rng([seed, 1]) if generator is None else generator
    return solver.init(Oracle(problem, replicates), generator, z, v, x)


def slow(problem, solver, z0, x, t):
    """phi_r, first-order and exact gradient of one task at one point."""
    tasks = problem.capabilities.tasks
    if tasks is not None:
        return slow_gradients(task_loop(tasks, x, t))
    return slow_gradients(problem_loop(problem, z0, x, solver.inner_steps or 10, solver.alpha or 0.1))


# One step against the reference.


class Reference:
    """The algorithm box for one replicate, in plain loops; what is random is given."""

    def __init__(self, problem, solver) -> None:
        self.problem, self.solver = problem, solver
        self.q = getattr(solver, "q", None)
        self.D2, self.V2, self.t = 0.0, 0.0, 0

    def step(self, z0, x, k, drawn, uniforms):
        s = self.solver
        tasks = self.problem.capabilities.tasks
        weights = [1 / len(drawn)] * len(drawn) if s.batch or tasks is None else list(tasks.probabilities)
        G = np.zeros(len(x))
        sums = [self.D2, self.V2]
        tossed = self.q
        for t, weight, uniform in zip(drawn, weights, uniforms, strict=True):
            phi, first, exact = slow(self.problem, s, z0, x, t)
            estimate = first
            if tossed is not None and uniform < tossed:
                estimate = first + (exact - first) / tossed
                share = weight * len(drawn)
                for i, sample in enumerate(((exact - first) @ (exact - first), exact @ exact)):
                    sums[i] = 0.99 * sums[i] + 0.01 * share * sample
                self.t += 1
            G = G + weight * estimate
        if s.name == "ufom-adaptive" and self.t:
            self.D2, self.V2 = sums
            corrected = [value / (1 - 0.99**self.t) for value in sums]
            if any(u < tossed for u in uniforms):
                best = optimal_q(corrected[1], corrected[0], *self.costs(), 2.0)
                self.q = max(s.q_min, best)
        gamma = {"harmonic": s.gamma / (k + 1), "inverse-sqrt": s.gamma / math.sqrt(k + 1), "constant": s.gamma}
        return phi, x - gamma[s.schedule] * G, math.sqrt(G @ G)

    def costs(self):
        """Gradients of L_out in both variables; products of both kinds, of tangents with d and (tasks) q directions.

        One task: no Hessian product at the constant phi_0, and grad_phi L_out for the correction only.
        """
        tasks, d = self.problem.capabilities.tasks, self.problem.d
        r = self.solver.inner_steps or (tasks.steps if tasks else 10)
        again = r * (r - 1) // 2 if self.solver.gradient == "recomputed" else 0
        forward = self.solver.gradient == "forward"
        if tasks is None:
            return r + 1, 1 + (d * (2 * r - 1) if forward else 2 * r - 1 + again)
        if tasks.inner_cross is None:
            return r + 1, d * r if forward else r + again
        return r + 2, (d + tasks.q) * r if forward else 2 * r + again


def draws(problem, solver, replicates, generator):
    """What a step draws, in its order: tasks, then coins."""
    tasks = problem.capabilities.tasks
    if tasks is None:
        drawn = np.zeros((replicates, 1), dtype=int)
    elif solver.batch is None:
        drawn = np.broadcast_to(np.arange(tasks.count), (replicates, tasks.count))
    else:
        drawn = generator.choice(tasks.count, size=(replicates, solver.batch), p=tasks.probabilities)
    return drawn, np.ones(drawn.shape) if solver.name == "fom" else generator.random(drawn.shape)


SETTINGS: dict[str, tuple[Any, dict[str, Any]]] = {
    "one drawn task": (tasks_problem, {"gamma": 0.05}),
    "a batch": (tasks_problem, {"gamma": 0.05, "batch": 5, "schedule": "constant"}),
    "all tasks": (tasks_problem, {"gamma": 0.05, "batch": None, "schedule": "inverse-sqrt"}),
    "one inner step": (lambda: tasks_problem(1), {"gamma": 0.05, "batch": 2}),
    "more theta than phi": (lambda: tasks_problem(3, q=2, d=4), {"gamma": 0.05, "batch": None}),
    "two tasks": (lambda: zb.load_problem("two_task"), {"gamma": 0.5, "batch": 2}),
    "bilevel": (ordinary, {"gamma": 0.1}),
    "bilevel, own inner loop": (ordinary, {"gamma": 0.1, "inner_steps": 3, "alpha": 0.4, "batch": None}),
    "bilevel, one inner step": (ordinary, {"gamma": 0.1, "inner_steps": 1}),
    "bilevel, quadratic": (lambda: ordinary("quad_general"), {"gamma": 0.1}),
}
KINDS = [("fom", {})] + [(name, {"q": 0.6, "gradient": how}) for name in SOLVERS[1:] for how in GRADIENTS]


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize(("name", "kind"), KINDS, ids=[f"{n} {k.get('gradient', '')}" for n, k in KINDS])
def test_step_equals_the_reference(name, kind, setting):
    build, options = SETTINGS[setting]
    problem, solver = build(), make_solver(name, **kind, **options)
    state, theirs = state_of(problem, solver), np.random.default_rng([0, 1])
    references = [Reference(problem, solver) for _ in range(3)]
    z0 = state.z
    for k in range(3):
        drawn, uniforms = draws(problem, solver, 3, theirs)
        following = solver.step(state)
        for i in range(3):
            phi, x, estimate = references[i].step(z0[i], state.x[i], k, drawn[i], uniforms[i])
            scale = 1 + np.abs(estimate)
            assert np.abs(following.x[i] - x).max() <= ROUNDING * scale, (k, i, following.x[i], x)
            assert abs(following.estimate[i] - estimate) <= ROUNDING * scale
            z = state.z[i] if problem.capabilities.tasks else phi
            assert np.abs(following.z[i] - z).max() <= ROUNDING
            if name == "ufom-adaptive":
                assert following.q[i] == pytest.approx(references[i].q, rel=1e-9), (k, i)
                seen = (1 - 0.99 ** references[i].t) or 1.0
                assert following.D2[i] == pytest.approx(references[i].D2 / seen, rel=1e-9)
                assert following.V2[i] == pytest.approx(references[i].V2 / seen, rel=1e-9)
        state = following
    assert state.k == 3
    assert np.array_equal(state.v, state_of(problem, solver).v)


@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("kind", ["tasks", "bilevel"])
def test_the_exact_gradient_is_the_derivative_by_differences(kind, steps):
    """Fourth-order differences of L_out(phi_r(theta)); their error is below 1e-9 for derivatives of order one."""
    problem = tasks_problem(steps) if kind == "tasks" else ordinary()
    tasks, x, h = problem.capabilities.tasks, np.array([0.4, -0.7]), 1e-3
    z0 = np.array([0.3, -0.2, 0.8])

    def value(theta):
        if tasks is not None:
            phi = tasks.initial(theta, np.array(1))
            for _ in range(steps):
                phi = phi - tasks.step * tasks.inner_grad(phi, theta, np.array(1))
            return tasks.outer(phi, theta, np.array(1))
        z = z0
        for _ in range(steps):
            z = z - 0.1 * problem.inner_grad_z(z, theta)
        return problem.outer(z, theta)

    loop = task_loop(tasks, x, 1) if tasks is not None else problem_loop(problem, z0, x, steps)
    _, first, exact = slow_gradients(loop)
    for i, e in enumerate(np.eye(2)):
        near, far = (value(x + t * h * e) - value(x - t * h * e) for t in (1, 2))
        assert exact[i] == pytest.approx((8 * near - far) / (12 * h), abs=1e-8)
    assert np.abs(first - exact).max() > 1e-3


def program_of(problem, replicates=2, seed=0, steps=6):
    """The program of all tasks, or of one task, and its oracle."""
    rng = np.random.default_rng(seed)
    oracle, tasks = Oracle(problem, replicates), problem.capabilities.tasks
    x = rng.standard_normal((replicates, problem.d))
    if tasks is None:
        return oracle, one_task(oracle, rng.standard_normal((replicates, problem.p)), x, steps, 0.1)
    every = np.broadcast_to(np.arange(tasks.count), (replicates, tasks.count))
    return oracle, several_tasks(oracle, tasks, x, every, tasks.probabilities)


@pytest.mark.parametrize("build", [tasks_problem, ordinary, lambda: zb.load_problem("imaml_quad", p=6, d=2, lam=5.0)])
def test_the_three_ways_to_the_exact_gradient_agree(build):
    found = []
    for how in GRADIENTS:
        _, program = program_of(build())
        coins = np.ones(program.start.shape[:2], dtype=bool)
        found.append(gradients(program, how, coins))
    for name, values in zip(("phi", "first", "rest"), zip(*found, strict=True), strict=True):
        for other in values[1:]:
            np.testing.assert_allclose(other, values[0], rtol=0, atol=ROUNDING, err_msg=name)
    assert np.abs(found[0][2]).max() > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("how", GRADIENTS)
def test_memory_grows_with_the_steps_only_where_the_path_is_stored(how):
    """Vectors held at once, by the peak of 40 steps against that of 10: 30 more, or none but temporaries of a step."""
    problem = zb.load_problem("quad_general", p=500, d=3)
    oracle, vector = Oracle(problem, 4), 4 * 500 * 8

    def peak(steps: int) -> float:
        start, x = np.ones((4, 500)), np.ones((4, 3))
        program = one_task(oracle, start, x, steps, 0.1)
        gradients(program, how, np.ones((4, 1), dtype=bool))  # what is allocated once is there
        tracemalloc.start()
        gradients(program, how, np.ones((4, 1), dtype=bool))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most / vector

    grown = peak(40) - peak(10)
    assert 25 < grown < 35 if how == "stored" else abs(grown) < 5, grown


@pytest.mark.parametrize("how", GRADIENTS)
def test_without_a_coin_nothing_is_added_and_what_is_added_with_one_does_not_depend_on_the_others(how):
    problem = tasks_problem()
    every = gradients(program_of(problem)[1], how, np.ones((2, 3), dtype=bool))
    coins = np.array([[True, False, True], [False, False, False]])
    some = gradients(program_of(problem)[1], how, coins)
    none = gradients(program_of(problem)[1], how)
    for i in (0, 1):
        np.testing.assert_array_equal(some[i], every[i])
        np.testing.assert_array_equal(none[i], every[i])
    np.testing.assert_allclose(some[2], np.where(coins[..., None], every[2], 0.0), rtol=0, atol=ROUNDING)
    assert not some[2][~coins].any()
    assert not none[2].any()


# Evaluations.

NAMES = {"inner_grad_z": "inner_gradient", "inner_hvp_zz": "hvp", "outer_grad_z": "outer_gradient"}


def derived(program, steps: int) -> dict[str, int]:
    """Counts of a program of the theorem; a mixed product goes with each Hessian product, F_x with each F_z."""
    counts = {name: int(count(program, kind).subs(r, steps)) for name, kind in NAMES.items()}
    return counts | {"inner_jvp_xz": counts["inner_hvp_zz"], "outer_grad_x": counts["outer_grad_z"]}


def used(oracle: Oracle) -> dict[str, list[int]]:
    return {name: values.tolist() for name, values in oracle.counts.items() if values.any()}


def times(counts: dict[str, int], factor: int) -> dict[str, list[int]]:
    return {name: [factor * value] * 2 for name, value in counts.items() if value}


@pytest.mark.parametrize("steps", [1, 2, 7])
@pytest.mark.parametrize("how", [None, "stored", "recomputed"])
def test_counts_of_tasks_are_those_of_the_programs_of_the_theorem(how, steps):
    oracle, program = program_of(tasks_problem(steps))
    coins = None if how is None else np.ones((2, 3), dtype=bool)
    gradients(program, how or "stored", coins)
    theirs = {None: FIRST_ORDER, "stored": STORED, "recomputed": RECOMPUTED}[how]
    assert used(oracle) == times(derived(theirs, steps), 3)


@pytest.mark.parametrize("R", [1, 2, 10])
def test_counts_are_those_of_the_released_code_where_losses_do_not_depend_on_theta(R):
    """R + 1 for FOM; R (R - 1)/2 + R more for an exact gradient in constant memory, R with the path stored."""
    problem = zb.load_problem("two_task", steps=R)
    for options, total in (
        ({}, R + 1),
        ({"gradient": "recomputed"}, R + 1 + R * (R - 1) // 2 + R),
        ({"gradient": "stored"}, 2 * R + 1),
        ({"gradient": "forward"}, 2 * R + 1),  # one direction
    ):
        solver = make_solver("ufom", q=1.0, **options) if options else make_solver("fom")
        result = (
            zb.solve(problem, solver.name, max_iterations=3, q=1.0, **options)
            if options
            else zb.solve(problem, "fom", max_iterations=3)
        )
        assert sum(int(c[0]) for c in result.counts.values()) == 3 * total
        assert sum(iteration_cost(problem, solver, np.random.default_rng(0)).values()) == total


def test_counts_of_one_task_are_those_of_its_theorem():
    """The constant phi_0 has no adjoint: the products are those of ITD-BiO. FOM needs no more than F_x."""
    evaluations = zb.theorem("itd-bio").evaluations_per_iteration
    D = zb.theorem("itd-bio").symbols["D"]
    problem = ordinary()
    for steps in (1, 2, 9):
        oracle, program = program_of(problem, steps=steps)
        gradients(program, "stored", np.ones((2, 1), dtype=bool))
        counts = {kind: int(sp.sympify(number).subs(D, steps)) for kind, number in evaluations.items()}
        assert used(oracle) == times(counts, 1)
        oracle, program = program_of(problem, steps=steps)
        gradients(program)
        assert used(oracle) == times({"inner_grad_z": steps, "outer_grad_x": 1}, 1)


@pytest.mark.parametrize("how", GRADIENTS)
@pytest.mark.parametrize(
    "build", [tasks_problem, lambda: tasks_problem(3, q=2, d=4), ordinary, lambda: zb.load_problem("two_task")]
)
def test_stated_costs_are_what_is_counted(build, how):
    """Also those of tangents, derived here: d r Hessian products, and d r mixed ones (q r of tasks)."""
    problem = build()
    totals = []
    for coins in (False, True):
        oracle, program = program_of(problem)
        m = program.start.shape[1]
        gradients(program, how, np.ones((2, m), dtype=bool) if coins else None)
        totals.append(sum(int(values[0]) for values in oracle.counts.values()) / m)
    fixed, random = program.costs(how)
    assert totals == [fixed, fixed + random]
    if how == "forward":
        tasks, d = problem.capabilities.tasks, problem.d
        steps = 6 if tasks is None else tasks.steps
        products = d * (steps - 1 if tasks is None else steps)
        mixed = d * steps if tasks is None else tasks.q * steps * (tasks.inner_cross is not None)
        assert random == products + mixed + (tasks is None)


def test_costs_of_finite_sums_count_their_samples():
    problem = zb.load_problem("quad_sum", p=3, d=2, n_inner=7, n_outer=5)
    for how in GRADIENTS:
        oracle, program = program_of(problem)
        gradients(program, how, np.ones((2, 1), dtype=bool))
        assert sum(int(values[0]) for values in oracle.counts.values()) == sum(program.costs(how))


@pytest.mark.parametrize("how", ["stored", "recomputed"])
def test_only_tasks_with_a_coin_pay_for_it(how):
    """Counts are linear in the coins: the expected counts of the theorem at q = their share."""
    problem, solver = tasks_problem(5), make_solver("ufom", q=0.4, batch=4, gradient=how, gamma=0.01)
    state, theirs, heads = state_of(problem, solver, 6), np.random.default_rng([0, 1]), np.zeros(6, dtype=int)
    for _ in range(3):
        heads += (draws(problem, solver, 6, theirs)[1] < 0.4).sum(axis=1)
        state = solver.step(state)
    assert len(set(heads)) > 1
    q, ufom = zb.theorem("ufom").symbols["q"], zb.theorem("ufom")
    tosses = 3 * 4
    for name, kind in NAMES.items():
        for i in range(6):
            share = sp.Rational(int(heads[i]), tosses)
            if how == "recomputed":
                expected = tosses * ufom.evaluations_per_iteration[name].subs({r: 5, q: share})
            else:
                expected = tosses * count(FIRST_ORDER, kind).subs(r, 5) + int(heads[i]) * (
                    count(STORED, kind) - count(FIRST_ORDER, kind)
                ).subs(r, 5)
            assert state.oracle.counts[name][i] == expected, (name, i)
    assert state.oracle.counts["inner_jvp_xz"].tolist() == state.oracle.counts["inner_hvp_zz"].tolist()


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("build", [lambda: zb.load_problem("two_task"), lambda: ordinary("quad_general")])
def test_the_budget_is_never_exceeded_and_holds_every_coin(name, build):
    problem = build()
    solver = make_solver(name, gamma=0.01)
    cost = sum(iteration_cost(problem, solver, np.random.default_rng(0)).values())
    result = zb.solve(problem, name, budget=10 * cost + 3, replicates=5, gamma=0.01)
    spent = sum(result.counts.values())
    assert (spent <= 10 * cost + 3).all()
    assert (spent > 9 * cost + 3).all()
    assert (result.status == Status.BUDGET).all()
    if name == "fom":
        assert (spent == 10 * cost).all()
        assert (result.nit == 10).all()
    else:
        assert (result.nit > 10).all()  # coins that fell the other way


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("kind", ["tasks", "bilevel"])
def test_a_budget_below_one_iteration_is_refused_before_anything_is_evaluated(name, kind):
    problem, evaluated = tasks_problem() if kind == "tasks" else ordinary(), []

    def watched(function):
        return lambda *arguments: evaluated.append(1) or function(*arguments)

    if kind == "tasks":
        own = {
            f: watched(getattr(problem.capabilities.tasks, f)) for f in ("initial", "inner_grad", "initial_pullback")
        }
        problem = replace(problem, capabilities=Capabilities(tasks=replace(problem.capabilities.tasks, **own)))
    else:
        problem = replace(problem, inner_grad_z=watched(problem.inner_grad_z), value=None, hypergradient=None)
    cost = sum(iteration_cost(problem, make_solver(name), np.random.default_rng(0)).values())
    keywords = {"z0": np.zeros(problem.p), "x0": np.zeros(problem.d), "rng": np.random.default_rng(0)}
    with pytest.raises(ValueError, match=f"budget={cost - 1} is below the cost of one iteration, {cost} evaluations"):
        run(problem, make_solver(name), budget=cost - 1, record_every=None, **keywords)
    assert not evaluated
    run(problem, make_solver(name, gamma=1e-3), budget=cost, record_every=None, **keywords)
    assert evaluated


# Replicates and randomness.


class Given:
    """A generator whose draws are given, one array a call; for some replicates, their rows."""

    def __init__(self, choices, uniforms, rows=slice(None)):
        self._choices, self._uniforms, self._rows = iter(choices), iter(uniforms), rows

    def choice(self, n, size, p):
        drawn = next(self._choices)[self._rows]
        assert drawn.shape == size
        return drawn

    def random(self, size):
        drawn = next(self._uniforms)[self._rows]
        assert drawn.shape == size
        return drawn


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("kind", ["tasks", "all tasks", "bilevel"])
def test_a_replicate_alone_takes_the_path_that_it_takes_in_a_block(name, kind):
    problem = ordinary() if kind == "bilevel" else tasks_problem()
    batch = {"tasks": 2, "all tasks": None, "bilevel": 1}[kind]
    solver = make_solver(name, gamma=0.05, batch=batch, **({} if name == "fom" else {"q": 0.5}))
    rng = np.random.default_rng(5)
    m = 3 if batch is None else batch
    choices, uniforms = rng.integers(3, size=(4, 3, m)), rng.random((4, 3, m))
    block = state_of(problem, solver, generator=Given(choices, uniforms))
    start = block
    for _ in range(4):
        block = solver.step(block)
    for i in range(3):
        oracle, row = Oracle(problem, 1), slice(i, i + 1)
        alone = solver.init(oracle, Given(choices, uniforms, row), start.z[row], start.v[row], start.x[row])
        for _ in range(4):
            alone = solver.step(alone)
        for field in ("x", "z", "estimate"):
            np.testing.assert_allclose(getattr(alone, field), getattr(block, field)[row], rtol=0, atol=ROUNDING)
        assert {n: int(c[0]) for n, c in oracle.counts.items()} == {
            n: int(c[i]) for n, c in block.oracle.counts.items()
        }


@pytest.mark.parametrize("name", SOLVERS)
def test_same_seed_same_bits(name, same_run):
    problem = zb.load_problem("two_task")
    first, second, other = (zb.solve(problem, name, max_iterations=20, replicates=4, seed=s) for s in (1, 1, 2))
    same_run(first, second)
    assert not np.array_equal(first.x, other.x)


@pytest.mark.parametrize("name", SOLVERS)
def test_a_step_does_not_change_the_state_it_starts_from(name):
    problem, solver = ordinary(), make_solver(name)
    state = state_of(problem, solver)
    copies = {field: getattr(state, field).copy() for field in ("z", "v", "x", "start")}
    solver.step(state)
    for field, copy in copies.items():
        assert np.array_equal(getattr(state, field), copy)


@pytest.mark.parametrize("name", SOLVERS)
def test_frozen_replicates_are_neither_evaluated_nor_counted(name):
    problem, solver = tasks_problem(), make_solver(name, gamma=0.05, batch=2)
    state = state_of(problem, solver)
    free = solver.step(replace(state, rng=np.random.default_rng(7)))
    held = replace(state, oracle=Oracle(problem, 3), rng=np.random.default_rng(7))
    held.oracle.freeze(np.array([False, True, False]))
    stepped = solver.step(held)
    np.testing.assert_allclose(stepped.x[[0, 2]], free.x[[0, 2]], rtol=0, atol=ROUNDING)
    assert all(values[1] == 0 for values in held.oracle.counts.values())


def test_one_task_starts_every_inner_loop_at_the_first_z():
    problem, solver = ordinary("quad_general"), make_solver("fom", gamma=0.05)
    state = state_of(problem, solver)
    z0 = state.z
    for _ in range(3):
        x = state.x
        state = solver.step(state)
        for i in range(3):
            phi = slow_gradients(problem_loop(problem, z0[i], x[i]))[0]
            np.testing.assert_allclose(state.z[i], phi, rtol=0, atol=ROUNDING)


def test_x_is_projected():
    problem = replace(ordinary("quad_general"), capabilities=Capabilities(project_x=lambda x: np.clip(x, -0.1, 0.1)))
    result = zb.solve(problem, "ufom", max_iterations=5, q=1.0, gamma=0.1)
    assert np.abs(result.x).max() <= 0.1
    assert result.counts["projection"].tolist() == [5]


# What is refused.


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("value", [0, -1, 1.5, True, "3", float("nan")])
@pytest.mark.parametrize("option", ["inner_steps", "batch"])
def test_a_count_is_validated(name, option, value):
    with pytest.raises(ValueError, match=f"{option} must be a positive integer, got"):
        make_solver(name, **{option: value})


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf"), True, "1"])
@pytest.mark.parametrize("option", ["alpha", "gamma"])
def test_a_step_is_validated(name, option, value):
    with pytest.raises(ValueError, match=f"{option} must be a positive finite number, got"):
        make_solver(name, **{option: value})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"q": 0.0}, "q must be a positive finite number, got 0.0"),
        ({"q": 1.5}, "q must be at most 1, got 1.5"),
        ({"q": float("nan")}, "q must be a positive finite number, got nan"),
        ({"q": None}, "q must be a positive finite number, got None"),
        ({"schedule": "linear"}, "schedule must be one of 'harmonic', 'inverse-sqrt', 'constant', got 'linear'"),
        ({"gradient": "backward"}, "gradient must be one of 'stored', 'forward', 'recomputed', got 'backward'"),
    ],
)
@pytest.mark.parametrize("name", SOLVERS[1:])
def test_a_bad_option_is_named(name, options, message):
    with pytest.raises(ValueError, match=message):
        make_solver(name, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"q_min": 0.0}, "q_min must be a positive finite number, got 0.0"),
        ({"q_min": 0.2}, "q_min must be at most q=0.05, got 0.2; raise q or lower q_min"),
        ({"decay": 1.0}, "decay must be below 1, got 1"),
        ({"decay": 0.0}, "decay must be a positive finite number, got 0.0"),
        ({"decay": 2.0}, "decay must be at most 1, got 2.0"),
        ({"s": 0.0}, "s must be a positive finite number, got 0.0"),
        ({"s": float("inf")}, "s must be a positive finite number, got inf"),
    ],
)
def test_a_bad_option_of_the_adaptive_solver_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        make_solver("ufom-adaptive", **options)


@pytest.mark.parametrize("name", SOLVERS)
def test_what_a_problem_lacks_or_has_of_its_own_is_named(name, bilevel):
    with pytest.raises(ValueError, match=f"{name} needs inner_grad_z, which local does not declare, and outer_grad_x"):
        zb.solve(bilevel(), name)
    two = zb.load_problem("two_task")
    with pytest.raises(ValueError, match=r"inner_steps=4, but the tasks of two_task are unrolled, .* with 10: leave"):
        zb.solve(two, name, inner_steps=4)
    with pytest.raises(
        ValueError, match=r"alpha=0.2, but the tasks of two_task are unrolled, .* with 0.1: leave alpha"
    ):
        zb.solve(two, name, alpha=0.2)
    with pytest.raises(ValueError, match="batch=3, but quad_general is one task: leave batch out"):
        zb.solve("quad_general", name, batch=3)
    with pytest.raises(ValueError, match="an inner problem without constraints; entropic_simplex restricts z"):
        zb.solve("entropic_simplex", name)
    assert not zb.solve(two, name, inner_steps=10, alpha=0.1, max_iterations=1).failed.any()


def test_tangents_of_one_task_need_products_with_their_directions():
    problem = replace(ordinary("quad_general"), inner_jvp_zx=None)
    with pytest.raises(ValueError, match=r"ufom with gradient='forward' needs inner_jvp_zx, .* use 'stored'"):
        zb.solve(problem, "ufom", gradient="forward")
    assert not zb.solve(problem, "ufom", max_iterations=1).failed.any()


# Steps.


@pytest.mark.parametrize("name", SOLVERS)
def test_defaults_are_silent_on_quadratic_problems_and_on_the_released_one(name):
    for problem in ("quad_general", "quad_tracking", "reference", "two_task"):
        assert not zb.solve(problem, name, max_iterations=1).failed.any()  # warnings are errors here


@pytest.mark.parametrize("name", SOLVERS)
def test_a_diverging_step_warns_and_ends_with_a_status(name):
    problem = ordinary("quad_general")
    options = {} if name == "fom" else {"q": 1.0}
    with pytest.warns(StepWarning, match=r"gamma=50 is outside of the stable range \(0, 2 / L_M\)"):
        result = zb.solve(problem, name, gamma=50.0, schedule="constant", max_iterations=200, replicates=2, **options)
    assert (result.status == Status.DIVERGED).all()
    assert np.isfinite(result.x).all()
    with pytest.warns(StepWarning, match=r"alpha=30 is outside of the stable range \(0, 2 / L_zz\)"):
        result = zb.solve(problem, name, alpha=30.0, gamma=1e-9, inner_steps=40, max_iterations=200, **options)
    assert (result.status == Status.DIVERGED).all()
    meta = zb.load_problem("imaml_quad", p=2, d=1, lam=5.0)
    with pytest.warns(StepWarning, match=r"gamma=20 is outside of the stable range \(0, 2 / L_Psi\)"):
        result = zb.solve(meta, name, gamma=20.0, schedule="constant", max_iterations=200, **options)
    assert (result.status == Status.DIVERGED).all()


def test_the_stable_range_of_one_task_contains_what_is_stable():
    """L_M bounds the curvature of M: steps just inside contract, for inner steps on both sides of 1 / L_zz."""
    problem = ordinary("quad_general")
    z0 = np.zeros(3)
    for alpha in (0.1, 1.0, 1.5, 1.9):
        solver = make_solver("ufom", alpha=alpha, gamma=1.0, inner_steps=7)
        end = {n: e for n, _, e, _ in solver.stable_steps(problem)}["gamma"]
        columns = [slow_gradients(problem_loop(problem, z0, x, 7, alpha))[2] for x in (np.zeros(2), *np.eye(2))]
        curvature = np.linalg.eigvalsh(np.stack([c - columns[0] for c in columns[1:]]))
        assert curvature[-1] <= 2 / end * (1 + 1e-12)


def test_steps_of_the_three_schedules():
    for schedule, factors in (
        ("harmonic", [1, 0.5, 0.25]),
        ("inverse-sqrt", [1, 0.5**0.5, 0.5]),
        ("constant", [1, 1, 1]),
    ):
        solver = make_solver("fom", gamma=3.0, schedule=schedule)
        assert [solver.step_size(k, None) for k in (0, 1, 3)] == pytest.approx([3 * f for f in factors], rel=4 * EPS)
    tasks = zb.load_problem("two_task").capabilities.tasks
    assert make_solver("fom").step_size(1, tasks) == 5.0
    assert make_solver("fom").step_size(0, None) == 0.1
