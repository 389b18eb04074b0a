"""SABA's one-step constants against the exact mean over every draw of its own step, its bound, and refusals."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
from zoba_bench.problems.quadratic.finite_sum import quad_sum
from zoba_bench.problems.quadratic.reference import reference
from zoba_bench.theory.proof.theorem import TheoremError
from zoba_bench.theory.single_loop.finite_sums import theorem as numbers
from zoba_bench.theory.single_loop.finite_sums.saba import saba
from zoba_bench.theory.single_loop.plan import explicit_steps, numbers_of
from zoba_bench.theory.single_loop.weights import Certificate

from zoba_bench.oracle import Oracle
from zoba_bench.registry import make_solver
from zoba_bench.solvers.saba import Memories, Memory, Saba, SabaState

from ...solvers.two_loop_support import Replay
from ..mutation import accepted_mutants

START = {"gap": 1.0, "z_error": 0.3, "v_error": 0.2}


@pytest.fixture(scope="module")
def small():
    """Three samples of G, four of F."""
    return quad_sum(2, 2, seed=3, mu=0.5, L=1.0, L_cross=0.3, n_inner=3, n_outer=4)


def stated(name, **values):
    (step,) = [step for step in saba().steps if step.name == name]
    right = step.statement.rhs
    return right.subs({symbol: values[str(symbol)] for symbol in right.free_symbols})


def test_every_step_is_verified_and_no_changed_statement_is_accepted():
    theorem = saba()
    assert saba() is theorem
    for result in theorem.results:
        assert result.ok, result
    assert accepted_mutants(theorem, 8) == []
    assert "FAILS" not in theorem.render_text()


class Stored:
    """A point, points that the samples were last seen at, and every draw of one step as a replicate of its own."""

    def __init__(self, problem, solver, spread, seed):
        rng = np.random.default_rng(seed)
        self.problem, self.solver = problem, solver
        self.x = rng.standard_normal(problem.d)
        self.z = problem.inner_solution(self.x) + 0.5 * rng.standard_normal(problem.p)
        self.v = problem.adjoint(self.x) + 0.5 * rng.standard_normal(problem.p)
        self.y = np.concatenate([self.z, self.v, self.x])
        numbers = problem.inner_samples, problem.outer_samples
        self.seen = [self.y + spread * rng.standard_normal((n, len(self.y))) for n in numbers]
        self.draws = [
            np.array(list(product(range(n), repeat=b))) for n, b in zip(numbers, (solver.b1, solver.b2), strict=True)
        ]

    def parts(self, y):
        p = self.problem.p
        return y[..., :p], y[..., p : 2 * p], y[..., 2 * p :]

    def tables(self):
        problem, (inner, outer) = self.problem, self.seen
        z, v, x = self.parts(inner)
        i, j = np.arange(len(inner)), np.arange(len(outer))
        yield "inner_grad_z", problem.inner_grad_z(z, x, i)
        yield "inner_hvp_zz", problem.inner_hvp_zz(z, x, v, i)
        yield "inner_jvp_xz", problem.inner_jvp_xz(z, x, v, i)
        z, _, x = self.parts(outer)
        yield "outer_grad_z", problem.outer_grad_z(z, x, j)
        yield "outer_grad_x", problem.outer_grad_x(z, x, j)

    def after(self):
        """(z, v, x) after the step for every pair of draws, and what is stored then, by level."""
        pairs = list(product(*self.draws))
        xi, zeta = (np.array([pair[level] for pair in pairs]) for level in (0, 1))
        R = len(pairs)
        tables = {name: Memory(np.tile(values, (R, 1, 1))) for name, values in self.tables()}
        rng = Replay([xi[..., None], zeta[..., None]])
        z, v, x = (np.tile(part, (R, 1)) for part in (self.z, self.v, self.x))
        state = SabaState(z, v, x, 0, Oracle(self.problem, R), rng, memories=Memories(tables))
        state = self.solver.step(state)
        stored = []
        for seen, drawn in zip(self.seen, (xi, zeta), strict=True):
            each = np.tile(seen, (R, 1, 1))
            for r in range(R):
                each[r, drawn[r]] = self.y
            stored.append(each)
        return np.concatenate([state.z, state.v, state.x], axis=1), stored

    def distance(self, y, seen):
        return sum(np.mean(np.sum((y[..., None, :] - one) ** 2, axis=-1), axis=-1) for one in seen)

    def errors(self, y):
        z, v, x = self.parts(y)
        problem = self.problem
        return np.sum((z - problem.inner_solution(x)) ** 2, -1), np.sum((v - problem.adjoint(x)) ** 2, -1)


CASES = [(spread, seed, b) for spread in (0.0, 0.3, 3.0) for seed in range(6) for b in ((1, 1), (2, 1), (3, 2))]


@pytest.mark.parametrize("rho", [0.02, 0.3])
def test_variances_distance_and_mean_move_are_within_the_constants_over_every_draw(small, rho):
    constants = small.constants.known() | {"R_v": 0.0, "M_v": small.constants.m_zz}
    for spread, seed, (b1, b2) in CASES:
        solver = make_solver("saba", rho=rho, ratio=4.0, b1=b1, b2=b2)
        stored = Stored(small, solver, spread, seed)
        y, after = stored.after()
        # What rounding of the iterates leaves of a variance that is zero.
        rounding = (1e-14 * (1 + np.linalg.norm(stored.y))) ** 2
        S, mean = float(stored.distance(stored.y, stored.seen)), y.mean(axis=0)
        noise = np.mean((y - mean) ** 2, axis=0)
        values = constants | {"b1": b1, "b2": b2, "rho": rho, "gamma": solver.gamma}
        bounds = [float(each) for each in stated("variances by the memory", **values)]
        found = [float(np.sum(part)) for part in stored.parts(noise)]
        for variance, step, bound in zip(found, (rho, rho, solver.gamma), bounds, strict=True):
            assert variance <= step**2 * bound * S * (1 + 1e-9) + rounding
        delta2 = float(np.sum((mean - stored.y) ** 2))
        a2, b_2 = stored.errors(stored.y)
        D = np.linalg.norm(stored.parts(mean - stored.y)[2]) / solver.gamma
        move = float(stated("mean move", **values, a=np.sqrt(a2), b=np.sqrt(b_2), D=D))
        assert delta2 <= move * (1 + 1e-9)
        chances = [1 - (1 - 1 / n) ** b for n, b in ((3, b1), (4, b2))]
        for level, chance in enumerate(chances):
            before = float(stored.distance(stored.y, [stored.seen[level]]))
            then = float(np.mean(stored.distance(y, [after[level]])))
            one = stated("recursion of a memory", pi_i=chance, S=before, V=noise.sum(), **{"|delta|^2": delta2})
            assert then <= float(one) * (1 + 1e-9)
        whole = {"S": S, "V": noise.sum(), "|delta|^2": delta2, "N": 1 / min(chances)}
        assert np.mean(stored.distance(y, after)) <= float(stated("recursion of both memories", **whole)) * (1 + 1e-9)


@pytest.mark.parametrize("rho", [0.2, 0.3, 0.35])
def test_the_noise_depends_on_the_sample_that_is_drawn(rho):
    """Two samples z^2/2, last seen at 1 and -1, at y = 0: the mean move is zero, the noise -rho (y - y_i).

    E S+ <= (1 - 1/(2 N)) S + 2 N |delta|^2 + V, without the term that the draw and the noise have in common, fails from
    rho = 1/4 on, where V <= S/(4 N) still holds. The stated recursion does not.
    """
    y, seen = 0.0, np.array([1.0, -1.0])
    after = y - rho * ((y - seen) - 0.0 + seen.mean())
    stored = np.where(np.eye(2, dtype=bool), y, seen)
    then = np.mean((after[:, None] - stored) ** 2)
    S, V = np.mean((y - seen) ** 2), np.mean((after - after.mean()) ** 2)
    assert after.mean() == y
    assert V <= S / 8
    assert (then > (1 - 1 / 4) * S + V) == (rho > 1 / 4)
    assert then <= float(stated("recursion of a memory", pi_i=0.5, S=S, V=V, **{"|delta|^2": 0.0}))


def planned(problem, kind_of=None):
    constants = problem.constants if kind_of is None else replace(problem.constants, **kind_of)
    samples = problem.inner_samples, problem.outer_samples
    return constants, samples, saba().plan(constants, problem.p, problem.d, 0.5, START, samples)


class Merit:
    """W + gamma psi S at steps that are a part of those of the plan, with the plan's weights; and its conditions."""

    def __init__(self, problem, kind, part):
        constants, samples, plan = planned(problem, None if kind == "flat" else {"s_z": None, "s_v": None})
        values = numbers._values(constants, None) | {"b1": 1.0, "b2": 1.0}
        values |= numbers_of(explicit_steps(Certificate(False, kind), numbers.COUPLING), values)
        values |= {"gamma": part * plan.gamma, "rho": part * plan.rho, "N": float(max(samples)), "n_S": 0.0}
        values["n_S"] = numbers._evaluated(kind, values)[6]
        self.problem, self.values, self.gamma = problem, values, values["gamma"]
        self.psi = 4 * values["N"] * values["n_S"]
        self.solver = Saba(rho=values["rho"], ratio=plan.ratio, b1=1, b2=1)
        self.kind = kind

    def __call__(self, stored, y, seen):
        values, (a2, b2) = self.values, stored.errors(y)
        weights = values["c"] / values["mu"] * (values["w_a"] * a2 + values["w_b"] * b2)
        gap = self.problem.value(stored.parts(y)[2]) - self.problem.minimum
        return np.mean(gap + weights + self.gamma * self.psi * stored.distance(y, seen))

    def rate(self, mu_P):
        """The largest lambda that the conditions of the linear rate allow."""
        values = self.values
        found = numbers._evaluated(self.kind, values)
        rooms, taken, (of_z, of_v, of_x) = found[:3], found[3:6], found[-3:]
        per_S = values["rho"] ** 2 * (of_z + of_v) + self.gamma**2 * of_x
        assert rooms[2] >= taken[2]
        costs = [values["c"] * values[name] / values["mu"] for name in ("w_a", "w_b")]
        left = [(room - gone) / cost for room, gone, cost in zip(rooms[:2], taken[:2], costs, strict=True)]
        return min(mu_P, *left, (1 / (4 * values["N"]) - 10 * per_S) / self.gamma)


@pytest.mark.parametrize("kind", ["flat", "rough"])
@pytest.mark.parametrize("part", [1.0, 0.5])
def test_the_merit_falls_as_stated_over_every_draw(small, kind, part):
    """By half of gamma |grad Psi|^2, and by the factor of the linear rate: exactly the two drifts."""
    merit = Merit(small, kind, part)
    hessian = np.stack([small.hypergradient(e) - small.hypergradient(0 * e) for e in np.eye(2)])
    rate = merit.rate(np.linalg.eigvalsh(hessian)[0])
    assert rate > 0
    for spread, seed in product((0.0, 0.1, 3.0), range(5)):
        stored = Stored(small, merit.solver, spread, seed)
        y, after = stored.after()
        slope = float(np.sum(small.hypergradient(stored.x) ** 2))
        size = merit(stored, stored.y, stored.seen)
        then = merit(stored, y, after)
        assert then - size <= -merit.gamma / 2 * slope + 1e-13 * size
        assert then <= (1 - merit.gamma * rate) * size * (1 + 1e-13)


def test_the_mean_of_a_run_is_below_the_bound_and_has_no_floor(small):
    constants, samples, plan = planned(small)
    solver = Saba(rho=plan.rho, ratio=plan.ratio, b1=1, b2=1)
    R, K = 4, 300
    x = np.tile([0.7, -1.1], (R, 1))
    z, v = small.inner_solution(x) + 0.1, small.adjoint(x) + 0.1
    state = solver.init(Oracle(small, R), np.random.default_rng(0), z, v, x)
    start = {
        "gap": float(small.value(x[0]) - small.minimum),
        "z_error": float(np.linalg.norm(z[0] - small.inner_solution(x[0]))),
        "v_error": float(np.linalg.norm(v[0] - small.adjoint(x[0]))),
    }
    total = 0.0
    for _ in range(K):
        total += float(np.mean(np.sum(small.hypergradient(state.x) ** 2, axis=-1)))
        state = solver.step(state)
    bounds = [saba().bound(constants, 2, 2, solver, n, start, samples) for n in (K, 10 * K)]
    assert 0 < total / K <= bounds[0]
    assert bounds[0] / bounds[1] == pytest.approx(10)


@pytest.mark.parametrize(("kind", "power"), [({}, 2 / 3), ({"s_z": None, "s_v": None}, 1.0)])
def test_steps_shrink_with_the_samples_by_the_derived_power(small, kind, power):
    constants = replace(small.constants, **kind)
    # Here N exceeds N^(2/3) with its constant for very many samples only.
    sizes = 10**18, 10**21
    plans = [saba().plan(constants, 2, 2, 1e-3, START, (n, n)) for n in sizes]
    assert plans[0].gamma / plans[1].gamma == pytest.approx(1000**power, rel=0.01)
    for plan, n in zip(plans, sizes, strict=True):
        assert plan.bound <= 1e-3
        assert plan.evaluations == 5 * plan.K + 5 * n


def test_the_plan_costs_at_most_the_count(small):
    constants = replace(small.constants, s_z=None, s_v=None)
    plan, complexity = saba().plan(constants, 2, 2, 1e-2, START, (50, 50)), saba().complexity
    values = constants.known() | {"gap": 1.0, "a_0": 0.3, "b_0": 0.2, "H_zz": 0.0, "H_xz": 0.0, "R": 0.0}
    values |= {"N": 50.0, "eps": 1e-2, "R_v": 0.0, "b1": 1.0, "b2": 1.0}
    for name, definition in complexity.definitions.items():
        values[name] = float(definition.subs({s: values[str(s)] for s in definition.free_symbols}))
    for step in ("variances by the memory",):
        values |= dict(zip(("Lambda_z^2", "Lambda_v^2", "Lambda_x^2"), map(float, stated(step, **values)), strict=True))
    n_1, n_0 = map(float, stated("noise by the memory, rough solutions", **values))
    Q, c = float(stated("what the rooms ask for", **values)), values["c"]
    values["P"] = np.sqrt((values["Lambda_z^2"] + values["Lambda_v^2"]) / c**2 + values["Lambda_x^2"])
    values["G_1"], values["G_0"] = (80 * n_1 * Q) ** (1 / 3), np.sqrt(80 * n_0 * Q)
    count = float(complexity.count.subs({s: values[str(s)] for s in complexity.count.free_symbols}))
    assert 0.99 * count < plan.evaluations <= count * (1 + 1e-9)
    (certificate,) = complexity.certificates
    constant = float(certificate.constant.subs({s: values[str(s)] for s in certificate.constant.free_symbols}))
    assert count <= constant * 50 / 1e-2


@pytest.mark.parametrize(
    ("change", "samples", "message"),
    [
        ({}, None, "condition samples"),
        ({"rho": 10.0}, (3, 4), r"condition rho <= 2/\(mu \+ L_zz\)"),
        ({"rho": 0.1, "gamma": 0.1}, (3, 4), "condition 'rooms for the mean move and memory'"),
    ],
)
def test_a_violated_condition_is_named(small, change, samples, message):
    solver = SimpleNamespace(**({"rho": 1e-6, "gamma": 1e-8, "b1": 1, "b2": 1} | change))
    with pytest.raises(TheoremError, match=message):
        saba().bound(small.constants, 2, 2, solver, 10, START, samples)


def test_a_problem_without_samples_or_with_a_set_is_refused_by_name(small):
    constants, samples, plan = planned(small)
    assert saba().bound_on(small, plan, plan.K, START) == saba().bound(constants, 2, 2, plan, plan.K, START, samples)
    plane = replace(small, capabilities=replace(small.capabilities, project_x=lambda x: x))
    with pytest.raises(TheoremError, match=r"condition X = R\^d"):
        saba().bound_on(plane, plan, 10, START)
    with pytest.raises(TheoremError, match="condition samples at both levels"):
        saba().bound_on(reference(2, 2), plan, 10, START)


def test_curved_samples_need_a_ball_of_v(small):
    curved = replace(small.constants, H=0.1, H_zz=0.1, H_xz=0.1, R=2.0)
    with pytest.raises(TheoremError, match=r"condition \|v\| <= v_radius"):
        saba().plan(curved, 2, 2, 0.1, START, (3, 4))
    near, far = (saba().plan(curved, 2, 2, 0.1, START, (3, 4), v_radius=radius) for radius in (3.0, 30.0))
    assert near.bound <= 0.1
    assert far.gamma < near.gamma
    with pytest.raises(ValueError, match="'R'"):
        saba().plan(replace(curved, R=None), 2, 2, 0.1, START, (3, 4), v_radius=3.0)
