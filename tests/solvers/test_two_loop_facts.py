"""Surrogates and steps of the two-loop methods against what is derived of them, and against released defects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import sympy as sp
from zoba_bench.theory.estimators.isserlis import Environment, form
from zoba_bench.theory.estimators.surrogates import cross_second, gradient_forward
from zoba_bench.theory.estimators.taylor import Quadratic
from zoba_bench.theory.methods.two_loops import penalty
from zoba_bench.theory.methods.two_loops.directional import joint_gradient, joint_hessian

import zoba_bench as zb
from zoba_bench import estimators as est
from zoba_bench.directions import sphere
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.registry import make_solver, theorem
from zoba_bench.solvers import pzobo, zmdsba, zo_penalty
from zoba_bench.solvers.zo_penalty import penalty_slope

from ..theory.support import gauss_hermite, quadratics, random_blocks
from .two_loop_support import EPS, VALUES_ONLY, Replay, mean_step, with_gradients

H, ETA = 0.3, 0.2


def statement(name: str, step: str):
    (found,) = (s.statement.rhs for s in theorem(name).steps if s.name == step)
    return found


def number(expression, **values) -> float:
    """A derived expression at values given by the names of its symbols, | and ^ and brackets as they are."""
    return float(expression.subs({symbol: values[str(symbol)] for symbol in expression.free_symbols}))


# ZMDSBA: moments of the surrogates that run.


def problem_of(b, g_x) -> BilevelProblem:
    g, f = quadratics(b)
    return BilevelProblem.from_functions(f, lambda z, x: g(z, x) + x @ g_x, b.p, b.d)


def derived_moment(surrogate, b, **vectors) -> float:
    known = Environment.exact(b.matrices, b.vectors | vectors)
    return float(np.trace(surrogate.second_moment_matrix.matrix(known, H / ETA, ETA)))


def surrogate_values(name: str, b, g_x, moves="joint", number=1, second=est.second_difference):
    """What the solver estimates from each node of a rule, weights, the target, and the derived surrogate."""
    nodes, weights = gauss_hermite(number * (b.p + b.d), 5)
    nodes = nodes.reshape(len(nodes), number, 1, b.p + b.d)
    w, u = nodes[..., : b.p], nodes[..., b.p :]
    solver = make_solver("zmdsba", h=H, eta=ETA, moves=moves)
    oracle = Oracle(problem_of(b, g_x), len(nodes))
    zero = np.zeros((len(nodes), b.p)), np.zeros((len(nodes), b.d))
    v = np.tile(b.v, (len(nodes), 1))
    joint = moves == "joint"
    forward = est.forward_difference
    runs = {
        "g_z": (lambda: solver.inner_gradient(oracle, *zero, w, u, None), b.G_z, ("inner", "z", "w")),
        "f_z": (lambda: solver.outer_gradient_z(oracle, *zero, w, u, None), b.F_z, ("outer", "z", "w")),
        "f_x": (lambda: solver.outer_gradient_x(oracle, *zero, w, u, None), b.F_x, ("outer", "x", "u")),
        "Hv": (lambda: solver.hessian(oracle, *zero, v, w, u, None), b.A @ b.v, joint_hessian(second)),
        "Cv": (lambda: solver.cross(oracle, *zero, v, w, u, None), b.C @ b.v, cross_second(second)),
    }
    run, target, derived = runs[name]
    if isinstance(derived, tuple):
        level, block, direction = derived
        derived = joint_gradient(forward, level, block) if joint else gradient_forward(forward, level, direction)
    return run(), weights, target, derived


@pytest.mark.parametrize("moves", ["joint", "block"])
@pytest.mark.parametrize("name", ["g_z", "f_z", "f_x", "Hv", "Cv"])
@pytest.mark.parametrize(("p", "d"), [(2, 1), (1, 2)])
def test_moments_of_one_direction_are_the_derived_ones(p, d, name, moves):
    """Exactly: the rule integrates polynomials of the degree of a squared surrogate of a quadratic."""
    b, g_x = random_blocks(p, d, seed=7), np.arange(1.0, d + 1)
    values, weights, target, derived = surrogate_values(name, b, g_x, moves)
    np.testing.assert_allclose(weights @ values, target, rtol=1e-11, atol=1e-11)
    second = weights @ np.vecdot(values, values)
    assert second == pytest.approx(derived_moment(derived, b, G_x=g_x), rel=1e-11)


@pytest.mark.parametrize("name", ["f_x", "Cv"])
def test_second_moment_of_two_directions_is_the_derived_one(name):
    b, g_x = random_blocks(1, 1, seed=7), np.array([1.5])
    values, weights, target, derived = surrogate_values(name, b, g_x, number=2)
    mean, second, n = (*sp.symbols("|EX|^2 E|X|^2", nonnegative=True), sp.Symbol("s_k", positive=True))
    average = statement("zmdsba", "average of directions")
    stated = average.subs({mean: target @ target, second: derived_moment(derived, b, G_x=g_x), n: 2})
    np.testing.assert_allclose(weights @ values, target, rtol=1e-11)
    assert weights @ np.vecdot(values, values) == pytest.approx(float(stated), rel=1e-11)


def test_the_released_cross_term_is_twice_the_term(monkeypatch):
    """Division by h eta in place of 2 h eta, in the solver: this is what the tests above would see."""

    def without_the_half(plus, minus, centre, r1, r2):
        return (plus + minus - 2 * centre) / (r1 * r2)

    monkeypatch.setattr(zmdsba, "second_difference", without_the_half)
    b = random_blocks(2, 1, seed=7)
    values, weights, target, _ = surrogate_values("Cv", b, np.ones(1))
    np.testing.assert_allclose(weights @ values, 2 * target, rtol=1e-11)


def test_a_joint_move_adds_noise_that_stays_at_the_inner_solution():
    """p |G_x|^2 / r^2 for one that moves z and x, nothing but curvature for one that moves z."""
    b, g_x = replace(random_blocks(2, 1), G_z=np.zeros(2)), np.array([3.0])
    second = {}
    for moves in ("joint", "block"):
        values, weights, _, _ = surrogate_values("g_z", b, g_x, moves)
        second[moves] = weights @ np.vecdot(values, values)
    trace, square, cross = np.trace(b.A), np.sum(b.A**2), np.sum(b.C**2)
    b_1, b_2, r = np.trace(b.B), np.sum(b.B**2), H / ETA
    assert second["block"] == pytest.approx(H**2 * 6 * (trace**2 + 2 * square) / 4, rel=1e-11)
    added = 2 * 9.0 / r**2 + ETA**2 * (4 * (trace * b_1 / 2 + cross) + 2 * (b_1**2 + 2 * b_2) / (4 * r**2))
    assert second["joint"] - second["block"] == pytest.approx(added, rel=1e-11)


# Whole steps: on quadratics their mean is the same iteration with exact derivatives.


def blocks_of(objective):
    return (array.mean(axis=0) for array in (objective.A, objective.B, objective.C, objective.a, objective.b))


TWO = {"t_k": 3, "b_k": 5, "alpha": 0.1, "beta": 0.05, "gamma": 0.03, "schedule": "constant", "h": 0.1}
LOOPS = {
    "zdsba": TWO,
    "zmdsba": TWO | {"s_k": 10},
    "zo-penalty": {"T_b": 4, "l": 6, "lam": 5.0, "alpha": 0.1, "beta": 0.05, "schedule": "constant", "h": 0.1},
    "pzobo": {"N": 4, "Q": 6, "eta": 0.1, "alpha": 0.1, "beta": 0.1},
}
REPLICATES = 20_000
SIGMAS = 5.0  # two-sided 6e-7 a number


def excess(values, mean) -> float:
    """Largest distance of the mean over the first axis from what it should be, in standard errors."""
    error = np.abs(values.mean(axis=0) - mean)
    # Rounding, where nothing is random.
    scale = values.std(axis=0) / np.sqrt(len(values)) + 1e3 * EPS * (1 + np.abs(mean))
    return float((error / scale).max())


def one_step(problem, solver, z, v, x, replicates=REPLICATES, seed=0):
    rng = np.random.default_rng(seed)
    tiled = (np.tile(array, (replicates, 1)) for array in (z, v, x))
    return solver.step(solver.init(Oracle(problem, replicates), rng, *tiled))


#: PZOBO multiplies its response by F_z at an end of the same samples, so that its mean is this one for exact gradients.
MEANS = [(name, {}) for name in LOOPS] + [(name, {"inner_samples": 4, "outer_samples": 3}) for name in VALUES_ONLY]


START = np.array([0.5, 0.5]), np.array([0.3, 0.3]), np.array([-0.5])


@pytest.fixture(scope="module")
def coupled(objective):
    """Quadratic problems with a strong cross term, so that every term of a step is seen above the noise."""

    def build(inner_samples=None, outer_samples=None):
        inner, outer = (
            objective(2, 1, 5, inner_samples or 1, cross=2.0),
            objective(2, 1, 4, outer_samples or 1, cross=2.0),
        )
        samples = {"inner_samples": inner_samples, "outer_samples": outer_samples}
        return with_gradients(BilevelProblem.from_functions(outer, inner, 2, 1, **samples))

    return build


@pytest.mark.parametrize(("name", "samples"), MEANS, ids=[f"{n}{' sampled' * bool(s)}" for n, s in MEANS])
def test_mean_of_a_step_is_the_iteration_with_exact_derivatives(coupled, name, samples):
    problem, solver = coupled(**samples), make_solver(name, **LOOPS[name])
    state = one_step(problem, solver, *START)
    for part, mean in zip("zvx", mean_step(problem, solver, *START), strict=True):
        assert excess(getattr(state, part), mean) < SIGMAS, part


@pytest.mark.parametrize(
    ("module", "function", "name", "part"),
    [
        (zmdsba, "cross_action", "zmdsba", "x"),
        (zmdsba, "hessian_action", "zmdsba", "v"),
        (zmdsba, "forward_difference", "zmdsba", "z"),
        (zo_penalty, "forward_difference", "zo-penalty", "z"),
        (pzobo, "forward_difference", "pzobo", "x"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_mean_of_a_step_sees_a_doubled_difference(coupled, monkeypatch, module, function, name, part):
    problem, solver, right = coupled(), make_solver(name, **LOOPS[name]), getattr(est, function)
    monkeypatch.setattr(module, function, lambda *arguments: 2 * right(*arguments))
    mean = dict(zip("zvx", mean_step(problem, solver, *START), strict=True))[part]
    assert excess(getattr(one_step(problem, solver, *START), part), mean) > SIGMAS


@pytest.mark.parametrize(("name", "loops"), [("zmdsba", {"t_k": 500, "b_k": 500}), ("zo-penalty", {"T_b": 500})])
def test_v_aims_at_the_adjoint(bilevel, name, loops):
    """In the mean, whose equality with the solver's is tested above: after long loops, and as lambda grows."""
    problem, x = with_gradients(bilevel()), np.array([0.3, -0.8])
    lam = {"lam": 1e6} if name == "zo-penalty" else {}
    solver = make_solver(name, **LOOPS[name] | loops | {"beta": 0.2} | lam | ({} if lam else {"gamma": 0.2}))
    z, v, _ = mean_step(problem, solver, np.zeros(3), np.zeros(3), x)
    np.testing.assert_allclose(z, problem.inner_solution(x), atol=1e-12)
    # lambda s - v* = -(F_zz + lambda G_zz)^{-1} F_zz v*, of size |F_zz v*| / (lambda mu).
    sizes = [np.linalg.eigvalsh(level.A.mean(axis=0)) for level in (problem.outer, problem.inner)]
    left = sizes[0][-1] / (lam["lam"] * sizes[1][0]) * np.linalg.norm(problem.adjoint(x)) if lam else 1e-12
    assert np.linalg.norm(v - problem.adjoint(x)) <= left < 1e-4


# The penalty method: its direction, and the released sign.


def test_the_coefficient_that_runs_is_the_derived_one():
    q, f = Quadratic("inner"), Quadratic("outer")
    eta, forward = sp.Symbol("eta", positive=True), est.forward_difference
    g_y, g_z = forward(q.at(s=1, u=eta), q.at(s=1), eta), forward(q.at(u=eta), q.at(), eta)
    slope = penalty_slope(forward(f.at(u=eta), f.at(), eta), g_y, g_z, penalty.lam)
    derived = penalty.combined(forward).along("y1d")
    assert sp.expand(slope * form("y1d", "u") - derived) == 0


REGISTERED = [
    ("quad_general", {}),
    ("quad_tracking", {"kappa": 2.0, "lam": 1.0}),
    ("cournot", {}),
    ("imaml_quad", {}),
    ("bolib_falk_liu_1995", {}),
]


class At:
    """A registered quadratic problem at its start, with derivatives, and both minimisers of the penalty method."""

    def __init__(self, name, parameters, lam):
        self.problem = zb.load_problem(name, **parameters)
        _, self.x = self.problem.initial_point(np.random.default_rng(0))
        self.z, self.v = self.problem.inner_solution(self.x), self.problem.adjoint(self.x)
        self.A, self.C, _ = self.problem.inner_hessian(self.z, self.x)
        self.R, self.K, _ = self.problem.outer_hessian(self.z, self.x)
        self.inverse = np.linalg.inv(self.R + lam * self.A)
        self.y = self.z + self.inverse @ self.A @ self.v
        self.lam, self.exact = lam, self.problem.hypergradient(self.x)

    def error(self, sign: int) -> np.ndarray:
        """The derived error of the penalty's hypergradient, by matrices; 2 lambda C s less for the reversed sign."""
        letters = {
            penalty.A: self.A, penalty.C: self.C, penalty.RR: self.R, penalty.KK: self.K, penalty.inverse: self.inverse,
            penalty.vector: self.v,
        }  # fmt: skip
        total = np.zeros_like(self.x)
        for term in sp.Add.make_args(penalty.matrix_error()):
            commuting, factors = term.args_cnc()
            product = np.eye(len(self.x))
            for factor in factors:
                base, exponent = factor.as_base_exp()
                for _ in range(int(exponent)):
                    product = product @ letters[base]
            total += float(sp.Mul(*commuting).subs(penalty.lam, self.lam)) * product
        return total if sign == 1 else total - 2 * self.lam * self.C @ (self.y - self.z)

    def direction(self, sign: int) -> np.ndarray:
        """F_x(y) +- lambda (G_x(y) - G_x(z)) from the problem's own derivatives."""
        p = self.problem
        inner = p.inner_grad_x(self.y, self.x) - p.inner_grad_x(self.z, self.x)
        return p.outer_grad_x(self.y, self.x) + sign * self.lam * inner


@pytest.mark.parametrize(("name", "parameters"), REGISTERED, ids=[n for n, _ in REGISTERED])
@pytest.mark.parametrize("lam", [20.0, 1e3])  # the bound needs lam mu > m_zz, which is 10 mu on quad_general
def test_the_penalty_is_right_up_to_its_derived_error_and_the_reversed_sign_is_wrong(name, parameters, lam):
    at = At(name, parameters, lam)
    # lambda (G_x(y) - G_x(z)) has the rounding of slopes, times lambda.
    rounding = 1e3 * EPS * lam * (1 + np.abs(at.problem.inner_grad_x(at.y, at.x)).max() + np.abs(at.exact).max())
    for sign in (1, -1):
        assert np.abs(at.direction(sign) - at.exact - at.error(sign)).max() <= rounding
    c = at.problem.constants
    known = {s: getattr(c, s) for s in ("mu", "L_zz", "L_xz", "m_zz", "m_xz")} | {"lambda": lam}
    bound = number(statement("zo-penalty", "bound of the error"), **known, R=np.linalg.norm(at.v))
    right, reversed_ = np.linalg.norm(at.error(1)), np.linalg.norm(at.error(-1))
    limit = np.linalg.norm(2 * at.C @ at.v)
    assert right <= bound or lam * c.mu <= c.m_zz
    # lambda s = v* - (F_zz + lambda G_zz)^{-1} F_zz v*, so that the errors are within |error| + 2 |C| |.| of 2 |C v*|.
    left = 2 * np.linalg.norm(at.C @ at.inverse @ at.R @ at.v)
    assert abs(reversed_ - limit) <= right + left + rounding
    if lam == 1e3:
        assert right < 0.02 * limit
        assert reversed_ > 0.9 * limit


@pytest.mark.parametrize(("name", "parameters"), REGISTERED[1:], ids=[n for n, _ in REGISTERED[1:]])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_solver_has_the_derived_error_and_the_opposite_sign_another(name, parameters, sign, monkeypatch):
    """From both minimisers and with an inner loop that hardly moves; the released sign is patched in for -1."""
    at = At(name, parameters, 10.0)
    if sign == -1:
        monkeypatch.setattr(zo_penalty, "penalty_slope", lambda f, g_y, g_z, lam: f - lam * (g_y - g_z))
    solver = make_solver("zo-penalty", T_b=1, beta=1e-13, alpha=1.0, h=1e-3, schedule="constant")
    state = one_step(at.problem, solver, at.z, at.lam * (at.y - at.z), at.x, replicates=4000)
    direction = at.x - state.x
    assert excess(direction, at.exact + at.error(sign)) < SIGMAS
    assert excess(direction, at.exact + at.error(-sign)) > SIGMAS


# PZOBO and HOZOG: what differences of runs and of trained values are.


def quadratic_problem(bilevel, p=3, d=2):
    problem = with_gradients(bilevel(p, d, seed=2))
    A, _, C, a, _ = blocks_of(problem.inner)
    return problem, A, C, a


def circle(nodes=16):
    angles = 2 * np.pi * np.arange(nodes) / nodes
    return np.stack([np.cos(angles), np.sin(angles)], axis=1), np.full(nodes, 1 / nodes)


def replayed_step(problem, solver, nodes, z, x):
    """One step for every direction, as a replicate of its own; directions of the circle are given in any length."""
    tiled = (np.tile(array, (len(nodes), 1)) for array in (z, np.zeros_like(z), x))
    state = solver.init(Oracle(problem, len(nodes)), Replay([nodes[:, None, None, :]]), *tiled)
    return solver.step(state)


@pytest.mark.parametrize(("law", "step"), [("gaussian", "second moment of response"), ("sphere", "unit directions")])
def test_moments_of_the_response_are_the_derived_ones(bilevel, law, step):
    """Exactly, and with the slope after N steps that the recursion of the slopes states."""
    problem, A, C, a = quadratic_problem(bilevel)
    N, alpha, z, x = 5, 0.1, np.array([0.5, -1.0, 2.0]), np.array([0.3, -0.8])
    solver = make_solver("pzobo", N=N, Q=1, alpha=alpha, beta=1.0, eta=0.7, directions=law)
    nodes, weights = gauss_hermite(2, 5) if law == "gaussian" else circle()
    state = replayed_step(problem, solver, nodes, z, x)
    left = np.linalg.matrix_power(np.eye(3) - alpha * A, N)
    solution, slope = -np.linalg.solve(A, C.T @ x + a), -np.linalg.solve(A, C.T)
    slope = slope - left @ slope
    end = solution + left @ (z - solution)
    np.testing.assert_allclose(state.z, np.tile(end, (len(nodes), 1)), rtol=1e-12)
    implicit = slope.T @ problem.outer_grad_z(end, x)
    found = x - state.x - problem.outer_grad_x(end, x)
    np.testing.assert_allclose(weights @ found, implicit, rtol=1e-11)
    second = statement("pzobo", step)
    (square,) = second.free_symbols - {s for s in second.free_symbols if str(s) == "d"}
    stated = number(second, **{str(square): implicit @ implicit, "d": 2})
    assert weights @ np.vecdot(found, found) == pytest.approx(stated, rel=1e-11)


@pytest.mark.parametrize("N", [1, 10, 40])
def test_bias_of_the_implicit_term_is_within_the_derived_bound(bilevel, N):
    problem, A, C, _ = quadratic_problem(bilevel)
    mu, top = np.linalg.eigvalsh(A)[[0, -1]]
    alpha, x = 2 / (mu + top), np.array([0.3, -0.8])
    z = problem.inner_solution(x)
    solver = make_solver("pzobo", N=N, Q=1, alpha=alpha, beta=1.0, eta=0.7)
    nodes, weights = gauss_hermite(2, 5)
    mean = weights @ (x - replayed_step(problem, solver, nodes, z, x).x)
    size = np.linalg.norm(problem.outer_grad_z(z, x))
    bound = statement("pzobo", "bias of the implicit term")
    values = {"L_xz": np.linalg.norm(C, 2), "C_z": size, "mu": mu, "alpha": alpha, "n": N}
    error = np.linalg.norm(mean - problem.hypergradient(x))
    assert error <= number(bound, **values) * (1 + 1e-9) + 1e-12
    assert N > 1 or error > 1e-3, "the test needs a bias that is seen"


def test_moments_of_the_sphere_difference_are_the_derived_ones(bilevel):
    """Of the value after training, a quadratic of x whose derivatives come from the recursion of the slopes."""
    problem, A, C, a = quadratic_problem(bilevel)
    steps, alpha, eta, z, x = 6, 0.1, 0.7, np.array([0.5, -1.0, 2.0]), np.array([0.3, -0.8])
    solver = make_solver("hozog", q=1, inner_steps=steps, alpha=alpha, eta=eta, gamma=1.0)
    nodes, weights = circle()
    found = x - replayed_step(problem, solver, 3.0 * nodes, z, x).x
    left = np.linalg.matrix_power(np.eye(3) - alpha * A, steps)
    solution, slope = -np.linalg.solve(A, C.T @ x + a), -np.linalg.solve(A, C.T)
    slope = slope - left @ slope
    end = solution + left @ (z - solution)
    gradient = problem.outer_grad_x(end, x) + slope.T @ problem.outer_grad_z(end, x)
    R, H_xx, K, _, _ = blocks_of(problem.outer)
    hessian = H_xx + K @ slope + (K @ slope).T + slope.T @ R @ slope
    np.testing.assert_allclose(weights @ found, gradient, rtol=1e-11)
    traces = {"tr(F_xx)": np.trace(hessian), "tr(F_xx^2)": np.trace(hessian @ hessian)}
    second = statement("hozog", "second moment of the sphere difference")
    stated = number(second, **traces, **{"|F_x|^2": gradient @ gradient, "d": 2, "eta": eta})
    assert weights @ np.vecdot(found, found) == pytest.approx(stated, rel=1e-11)


def test_directions_on_the_sphere():
    """|u| = 1, E u = 0 and E uu' = I/d, within standard errors."""
    u = sphere(np.random.default_rng(0), (REPLICATES,), 3)
    np.testing.assert_allclose(np.linalg.norm(u, axis=-1), 1.0, rtol=4 * EPS)
    products = u[:, :, None] * u[:, None, :]
    assert excess(u, np.zeros(3)) < SIGMAS
    assert excess(products.reshape(len(u), 9), np.eye(3).ravel() / 3) < SIGMAS
