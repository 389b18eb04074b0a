"""MEHA: every step, its refusals, and the derived inequalities on problems that run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pytest
import sympy as sp
from zoba_bench.theory.methods.envelope.meha import counted_calls, iteration, meha
from zoba_bench.theory.methods.envelope.meha_examples import SINE_X

from ...mutation import accepted_mutants

STEPS = {step.name: step for step in meha().steps}


def test_every_step_is_verified():
    for result in meha().results:
        assert result.ok, result


def test_no_changed_statement_is_accepted():
    assert accepted_mutants(meha()) == []


def test_the_factory_is_cached_and_what_is_published_is_quoted():
    assert meha() is meha()
    assert all("text not available" in q.source or "recalled" in q.source for q in meha().quoted)


def refused(name, statement):
    result = replace(STEPS[name], statement=statement).check()
    return not result.ok


def test_a_wrong_gradient_of_the_envelope_is_refused():
    statement = STEPS["gradient of the envelope in y"].statement
    assert refused("gradient of the envelope in y", sp.Eq(statement.lhs, -statement.rhs))
    star, y = sp.symbols("theta_star y", real=True)
    assert refused("gradient of the envelope in y", sp.Eq(statement.lhs, star - y))


# Quadratic problems on which everything is known.


@dataclass
class Quadratic:
    """F = |P (x, y) - q|^2 / 2 and f = (x, y)' H (x, y) / 2 + b'y; x has ``d`` components."""

    outer: np.ndarray
    target: np.ndarray
    hessian: np.ndarray
    linear: np.ndarray
    d: int

    def parts(self, x, y):
        point = np.concatenate([x, y])
        rest = self.outer @ point - self.target
        grad_F = self.outer.T @ rest
        grad_f = self.hessian @ point + np.concatenate([np.zeros(self.d), self.linear])
        f = point @ self.hessian @ point / 2 + self.linear @ y
        return rest @ rest / 2, grad_F, f, grad_f

    def theta(self, x, y, gamma):
        d = self.d
        matrix = self.hessian[d:, d:] + np.eye(len(y)) / gamma
        return np.linalg.solve(matrix, y / gamma - self.hessian[d:, :d] @ x - self.linear)

    def gap(self, x, y, gamma):
        theta = self.theta(x, y, gamma)
        envelope = self.parts(x, theta)[2] + np.sum((theta - y) ** 2) / (2 * gamma)
        return self.parts(x, y)[2] - envelope

    def ask(self, name, *point):
        if name in ("prox", "projection"):
            return point[-1]
        _, grad_F, _, grad_f = self.parts(*point)
        gradient = grad_F if name.startswith("outer") else grad_f
        return gradient[: self.d] if name.endswith("x") else gradient[self.d :]

    def merit(self, x, y, theta, gamma, weight, sigma):
        error = theta - self.theta(x, y, gamma)
        return self.parts(x, y)[0] / weight + self.gap(x, y, gamma) + sigma * error @ error

    def gradient(self, x, y, gamma, weight):
        theta = self.theta(x, y, gamma)
        _, grad_F, _, grad_f = self.parts(x, y)
        envelope = np.concatenate([self.parts(x, theta)[3][: self.d], (y - theta) / gamma])
        return grad_F / weight + grad_f - envelope

    def values(self, gamma, rho_2, c):
        """Constants and the largest steps, by symbol."""
        d = self.d
        f_yy, f_yx = self.hessian[d:, d:], self.hessian[d:, :d]
        least = np.linalg.eigvalsh(f_yy)[0]
        assert rho_2 > -least
        assert gamma * rho_2 < 1
        rest = f_yx.T @ np.linalg.solve(f_yy + rho_2 * np.eye(len(f_yy)), f_yx) - self.hessian[:d, :d]
        known = {
            "gamma": gamma,
            "rho_2": rho_2,
            "rho_1": max(0.0, np.linalg.eigvalsh(rest)[-1]),
            "rho_y": rho_2 / (1 - gamma * rho_2),
            "sigma": 1 / gamma - rho_2,
            "L_f": np.linalg.norm(self.hessian, 2),
            "L_F": np.linalg.norm(self.outer, 2) ** 2,
            "c_k": c,
        }
        known["eta"] = 2 / (known["sigma"] + known["L_f"] + 1 / gamma)
        for name, block in (("alpha", "x"), ("beta", "y")):
            known[name] = number(STEPS[f"largest step of {block}"].statement.rhs, known)
        return known


def number(expression, known):
    return float(expression.subs({symbol: known[str(symbol)] for symbol in expression.free_symbols}))


def random_problem(seed, curvature):
    rng = np.random.default_rng(seed)
    d, p = 2, 3
    q = rng.standard_normal((d + p, d + p))
    hessian = q @ q.T / (d + p)
    shift = np.linalg.eigvalsh(hessian[d:, d:])[0] - curvature
    hessian[d:, d:] -= shift * np.eye(p)
    return Quadratic(rng.standard_normal((d + p, d + p)), rng.standard_normal(d + p), hessian, np.ones(p), d)


#: The merely convex problem in one coordinate: y = (y1, y2).
MERELY_CONVEX = Quadratic(
    outer=np.array([[1.0, 0.0, -1.0], [0.0, 1.0, 0.0]]),
    target=np.array([0.0, 1.0]),
    hessian=np.array([[0.0, -1.0, 0.0], [-1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]),
    linear=np.zeros(2),
    d=1,
)

PROBLEMS = {
    "weakly convex": (random_problem(1, -0.3), 0.9, 0.4),
    "strongly convex": (random_problem(2, 0.5), 2.0, 0.0),
    "merely convex": (MERELY_CONVEX, 2.0, 1e-3),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_gradient_of_the_gap_is_that_of_the_envelope_formulas(name):
    problem, gamma, _ = PROBLEMS[name]
    rng = np.random.default_rng(3)
    point = rng.standard_normal(problem.hessian.shape[0])
    x, y = np.split(point, [problem.d])
    found = problem.gradient(x, y, gamma, np.inf)
    for index in range(len(point)):
        move = np.eye(len(point))[index]
        plus, minus = (problem.gap(*np.split(point + sign * move, [problem.d]), gamma) for sign in (1, -1))
        # A central difference of a quadratic is exact.
        assert found[index] == pytest.approx((plus - minus) / 2, rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("name", PROBLEMS)
def test_an_iteration_takes_off_what_is_derived(name):
    problem, gamma, rho_2 = PROBLEMS[name]
    c = 0.7
    known = problem.values(gamma, rho_2, c)
    sizes = known["alpha"], known["beta"], known["eta"]
    rng = np.random.default_rng(4)
    drop, slope = STEPS["descent"].statement.rhs, STEPS["gradient after an iteration"].statement.rhs
    for scale in np.repeat([0.1, 1.0, 10.0], 10):
        x, y = np.split(rng.standard_normal(problem.hessian.shape[0]), [problem.d])
        theta = problem.theta(x, y, gamma) + scale * rng.standard_normal(len(y))
        before = problem.merit(x, y, theta, gamma, c, known["sigma"])
        error = np.linalg.norm(theta - problem.theta(x, y, gamma))
        moved = iteration(problem.ask, x, y, theta, sizes, gamma, c)
        after = problem.merit(*moved, gamma, c, known["sigma"])
        known |= {"e": error, "dx": np.linalg.norm(moved[0] - x), "dy": np.linalg.norm(moved[1] - y)}
        assert after - before <= number(drop, known) + 1e-12 * before, (scale, after, before)
        gradient = np.linalg.norm(problem.gradient(*moved[:2], gamma, c))
        assert gradient <= number(slope, known) * (1 + 1e-12)


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_run_meets_the_bound_of_the_residual(name):
    problem, gamma, rho_2 = PROBLEMS[name]
    c, power, iterations = 0.7, 0.25, 300
    known = problem.values(gamma, rho_2, c)
    sizes = known["alpha"], known["beta"], known["eta"]
    x, y = np.full(problem.d, 0.1), np.full(problem.hessian.shape[0] - problem.d, 0.1)
    theta = y
    merits, residuals = [], []
    for k in range(iterations):
        weight = c * (k + 1) ** power
        merits.append(problem.merit(x, y, theta, gamma, weight, known["sigma"]))
        x, y, theta = iteration(problem.ask, x, y, theta, sizes, gamma, weight)
        residuals.append(weight * np.linalg.norm(problem.gradient(x, y, gamma, weight)))
    assert np.all(np.diff(merits) <= 1e-14)
    slope = STEPS["gradient after an iteration"].statement.rhs
    kappa = [number(slope, known | dict(zip(("dx", "dy", "e"), unit, strict=True))) for unit in np.eye(3)]
    factor = STEPS["residual by the decrease"].statement.rhs / -STEPS["descent"].statement.rhs
    known |= dict(zip(("kappa_x", "kappa_y", "kappa_e"), kappa, strict=True))
    known |= {"M": number(factor, known), "V_0": merits[0], "K": iterations, "power": power, "c": c}
    bound = number(STEPS["residual"].statement.rhs, known)
    assert min(residuals) ** 2 <= bound


def test_too_large_a_step_of_x_breaks_the_descent():
    problem, gamma, rho_2 = PROBLEMS["strongly convex"]
    known = problem.values(gamma, rho_2, 0.7)
    x, y = np.ones(2), np.ones(3)
    theta = problem.theta(x, y, gamma)
    before = problem.merit(x, y, theta, gamma, 0.7, known["sigma"])
    moved = iteration(problem.ask, x, y, theta, (100 * known["alpha"], known["beta"], known["eta"]), gamma, 0.7)
    assert problem.merit(*moved, gamma, 0.7, known["sigma"]) > before


def test_calls_are_those_of_a_run():
    made = []

    def ask(name, *point):
        made.append(name)
        return MERELY_CONVEX.ask(name, *point)

    iteration(ask, np.ones(1), np.zeros(2), np.zeros(2), (0.1, 0.1, 0.1), 2.0, 1.0)
    assert counted_calls() == {name: made.count(name) for name in counted_calls()}
    assert meha().evaluations_per_iteration == counted_calls()


# The three test problems.


def test_the_merely_convex_problem_is_solved_at_one():
    x, y = np.array([0.01]), np.array([0.01, 0.01])
    theta = y
    for k in range(400):
        x, y, theta = iteration(MERELY_CONVEX.ask, x, y, theta, (0.5, 0.5, 0.5), 5.0, 0.6 * (k + 1) ** 0.49)
    assert np.allclose([*x, *y], 1.0, atol=1e-12)


SINE_VALUES = {
    1: (2.35619, 0.253749), 2: (2.47493, 0.33833), 10: (2.64763, 0.46136), 100: (2.70534, 0.50247),
    1000: (2.71168, 0.50699),
}  # fmt: skip


@pytest.mark.parametrize("n", SINE_VALUES)
def test_values_of_the_sine_problem(n):
    x, least = SINE_VALUES[n]
    found, _, value = STEPS[f"sine lower level: n = {n}"].statement.rhs
    assert float(found) == pytest.approx(x, abs=5e-6)
    assert float(value) == pytest.approx(least, abs=5e-6)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_no_choice_of_levels_is_better_in_the_sine_problem(n):
    levels = [-np.pi / 2 + 2 * k * np.pi for k in range(-1, 4)]
    grid = np.linspace(-2, 8, 4001)
    values = [
        (grid - 2) ** 2 + sum((level - grid - 2) ** 2 for level in chosen) for chosen in product(levels, repeat=n)
    ]
    least = n * (1.5 * np.pi - 4) ** 2 / (n + 1)
    assert np.min(values) == pytest.approx(least, abs=(n + 1) * (grid[1] - grid[0]) ** 2)
    assert np.min(values) >= least * (1 - 1e-12)
    if n in SINE_X:
        best = grid[np.argmin(np.min(values, axis=0))]
        assert best == pytest.approx(float(SINE_X[n]), abs=grid[1] - grid[0])


def test_soft_thresholding_of_the_weighted_l1_problem():
    y = np.linspace(-2, 2, 4001)
    for a, x in product([-0.7, -0.2, 0.0, 0.3, 0.9], [0.0, 0.3, 1.0]):
        best = y[np.argmin((y - a) ** 2 / 2 + x * np.abs(y))]
        assert best == pytest.approx(np.sign(a) * max(abs(a) - x, 0), abs=1e-3)


@pytest.mark.parametrize("n", [2, 10, 1000])
def test_the_weighted_l1_optimum_is_attained_and_not_undercut(n):
    a = np.repeat([1 / n, -1 / n], n // 2)

    def value(x):
        return np.sum(np.sign(a) * np.maximum(np.abs(a) - x, 0))

    best = np.repeat([1 / n, 0.0], n // 2)
    assert value(best) == pytest.approx(-0.5, rel=1e-12)
    rng = np.random.default_rng(0)
    assert all(value(rng.uniform(0, 2 / n, n)) >= -0.5 - 1e-12 for _ in range(50))
