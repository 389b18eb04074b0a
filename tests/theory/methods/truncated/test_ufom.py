"""FOM and UFOM: every step and its refusals, the programs that are counted, the family in numbers, the best q."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import sympy as sp
from zoba_bench.theory.methods.truncated import coin, unrolled
from zoba_bench.theory.methods.truncated.coin import D, V, q, sigma2
from zoba_bench.theory.methods.truncated.optimal_q import C_det, C_rnd, positive_root, s, stationarity
from zoba_bench.theory.methods.truncated.ufom import fom, objective, optimal_q, ufom
from zoba_bench.theory.methods.truncated.unrolled import FIRST_ORDER, RECOMPUTED, STORED, Unrolled, count, r, run

from ...mutation import accepted_mutants

half = sp.Rational(1, 2)
THEOREMS = (ufom, fom)


def step(theorem, name):
    return next(item for item in theorem().steps if item.name == name)


def refused(theorem, name, right):
    found = step(theorem, name)
    result = replace(found, statement=found.statement.func(found.statement.lhs, right)).check()
    return not result.ok


@pytest.mark.parametrize("theorem", THEOREMS)
def test_every_step_is_verified(theorem):
    for result in theorem().results:
        assert result.ok, result


@pytest.mark.sample(1)
@pytest.mark.parametrize("theorem", THEOREMS)
def test_no_changed_constant_is_accepted(theorem):
    assert accepted_mutants(theorem()) == []


@pytest.mark.parametrize("theorem", THEOREMS)
def test_a_theorem_is_built_once_and_can_be_rendered(theorem):
    found = theorem()
    assert found is theorem()
    assert found.solver == found.name == theorem.__name__
    assert len({item.name for item in found.steps}) == len(found.steps)
    text = found.render_text() + found.render_markdown()
    assert "FAILS" not in text
    assert all(quoted.name in text and quoted.source in text for quoted in found.quoted)
    assert found.render()["failures"] == ""


@pytest.mark.parametrize("theorem", THEOREMS)
def test_what_is_published_says_where_it_stands(theorem):
    for quoted in theorem().quoted:
        assert any(word in quoted.source for word in ("recalled", "second hand", "public code")), quoted


# The estimator.


def test_two_outcomes_have_the_stated_mean_and_second_moment():
    exact, first = sp.Matrix([3, -1, half]), sp.Matrix([1, 2, -5])
    for probability in (sp.Rational(1, 7), half, sp.Integer(1)):
        heads, tails = (coin.debiased(first, exact, xi, probability) for xi in (1, 0))
        assert probability * heads + (1 - probability) * tails == exact
        moment = probability * heads.dot(heads) + (1 - probability) * tails.dot(tails)
        assert moment == exact.dot(exact) + (1 / probability - 1) * (exact - first).dot(exact - first)


def test_an_estimator_without_the_division_by_q_is_refused(monkeypatch):
    monkeypatch.setattr(coin, "debiased", lambda first, exact, xi, probability: first + xi * (exact - first))
    failed = [result.step for result in ufom().check() if not result.ok]
    assert {"unbiased", "second moment"} <= set(failed)


def test_the_distance_from_the_corrected_gradient_is_not_the_bias():
    """The released code averages |g - G|^2 where |g - g_FO|^2 is meant."""
    right = step(ufom, "second moment").statement.rhs
    delta2 = sp.Symbol("|delta|^2", nonnegative=True)
    wrong = right.subs(delta2, step(ufom, "distance from the corrected gradient").statement.rhs)
    ratio = sp.simplify((wrong - right.subs(delta2, 0)) / (right - right.subs(delta2, 0)))
    assert sp.simplify(ratio - (1 / q - 1) ** 2) == 0
    assert sp.solve(sp.Eq(ratio, 1), q) == [half]
    assert refused(ufom, "second moment", wrong)
    assert refused(ufom, "distance from the corrected gradient", delta2)


@pytest.mark.parametrize(
    ("theorem", "name", "change"),
    [
        (ufom, "variance proxy", lambda right: right - D**2),
        (ufom, "variance proxy", lambda right: V**2 + D**2 / q),
        (ufom, "one step", lambda right: right.subs(coin.L_M, coin.L_M / 2)),
        (ufom, "least gradient", lambda right: right / 2),
        (ufom, "iterations with the tuned step", lambda right: right / 2),
        (ufom, "correction in constant memory", lambda right: r * (r + 1) / 2 + r),
        (ufom, "expected cost", lambda right: right.subs(q, 1)),
        (ufom, "bias bound", lambda right: right.subs(r, r - 1)),
        (ufom, "gradient bound", lambda right: right.subs(r, r - 1)),
        (ufom, "stationarity", lambda right: right.subs(s, 1)),
        (ufom, "positive root", lambda right: step(ufom, "larger root").statement.rhs),
        (ufom, "threshold at s = 2", lambda right: 2 * right),
        (fom, "floor", lambda right: right - D**2),
        (fom, "floor", lambda right: right - D**2 / 2),
        (fom, "minimiser", lambda right: step(fom, "fixed point of FOM").statement.rhs),
        (fom, "first-order gradient", lambda right: step(fom, "exact gradient").statement.rhs),
        (fom, "slope of the second task", lambda right: -right),
    ],
)
def test_a_wrong_formula_is_refused(theorem, name, change):
    assert refused(theorem, name, change(step(theorem, name).statement.rhs))


# Programs and costs.


def unrolled_run(program, start, steps, inner, outer, alpha):
    phi = sp.Symbol("phi")

    def at(expression):
        return lambda point: expression.subs(phi, point)

    functions = (at(sp.diff(inner, phi)), at(sp.diff(inner, phi, 2)), at(sp.diff(outer, phi)))
    return run(program, Unrolled(start, alpha, *functions), steps)


@pytest.mark.parametrize("program", [STORED, RECOMPUTED])
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_the_counted_programs_return_the_derivative(program, steps):
    phi, theta = sp.Symbol("phi"), sp.Symbol("theta")
    inner, outer, alpha, start = phi**3 / 3 - 2 * phi, phi**2 - phi, sp.Rational(1, 5), sp.Rational(1, 3)
    last = theta
    for _ in range(steps):
        last = last - alpha * sp.diff(inner, phi).subs(phi, last)
    derivative = sp.diff(outer.subs(phi, last), theta).subs(theta, start)
    assert unrolled_run(program, start, steps, inner, outer, alpha).b == derivative
    first_order = unrolled_run(FIRST_ORDER, start, steps, inner, outer, alpha).b
    assert first_order == sp.diff(outer, phi).subs(phi, last).subs(theta, start) != derivative


@pytest.mark.parametrize("program", [FIRST_ORDER, STORED, RECOMPUTED])
def test_calls_of_a_run_are_those_of_the_symbolic_count(program):
    for steps in range(1, 8):
        state = Unrolled(1.0, 0.1, lambda phi: phi, lambda phi: 1.0, lambda phi: phi)
        run(program, state, steps)
        for kind in ("inner_gradient", "outer_gradient", "hvp", "stored"):
            assert state.calls[kind] == count(program, kind).subs(r, steps), (kind, steps)


def test_evaluations_an_iteration_add_up_to_the_expected_cost():
    cost = step(ufom, "expected cost").statement.rhs
    assert sp.expand(sum(ufom().evaluations_per_iteration.values()) - cost) == 0
    assert sp.expand(cost.subs(q, 0) - sum(fom().evaluations_per_iteration.values())) == 0


def test_the_bias_bound_is_attained_by_a_concave_quadratic():
    phi, steps = sp.Symbol("phi"), 4
    values = {unrolled.alpha: sp.Rational(1, 5), unrolled.L_1: sp.Integer(3), unrolled.L_2: sp.Rational(2, 3), r: steps}
    inner, outer = -values[unrolled.L_2] * phi**2 / 2, values[unrolled.L_1] * phi
    exact, first = (
        unrolled_run(program, sp.Integer(0), steps, inner, outer, values[unrolled.alpha]).b
        for program in (STORED, FIRST_ORDER)
    )
    assert exact - first == step(ufom, "second-order terms").statement.rhs.subs(values)


def test_the_sum_in_the_released_code_is_larger_by_one_factor():
    alpha, L_1, L_2 = unrolled.alpha, unrolled.L_1, unrolled.L_2
    code = sum(L_1 * L_2 * alpha * (1 + alpha * L_2) ** j for j in range(1, 6))
    assert sp.expand(code - step(ufom, "sum in the released code").statement.rhs.subs(r, 5)) == 0
    assert sp.expand(code - (1 + alpha * L_2) * step(ufom, "second-order terms").statement.rhs.subs(r, 5)) == 0


# The best probability.

COSTS = ((11.0, 10.0), (11.0, 55.0), (4.0, 45.0), (1.0, 1000.0), (5.0, 0.0))


@pytest.mark.parametrize("power", [0.25, 0.5, 1.0, 1.5, 2.0])
@pytest.mark.parametrize("D2", [0.0625, 1.0, 4.0, 4.5, 9.0, 400.0])
def test_the_best_q_is_the_minimum_of_a_fine_grid(power, D2):
    grid = np.concatenate([np.geomspace(1e-6, 1e-2, 4001), np.linspace(1e-2, 1, 9901)])
    for V2, (fixed, random) in product((0.25, 4.0), COSTS):
        best = optimal_q(V2, D2, fixed, random, power)
        costs = (fixed + grid * random) * (V2 + (1 / grid - 1) * D2) ** power
        lowest = costs.min()
        found = objective(best, V2, D2, fixed, random, power)
        assert 0 < best <= 1
        assert found <= lowest * (1 + 1e-12), (V2, fixed, random, best, grid[costs.argmin()])
        assert found >= lowest * (1 - 1e-4), (V2, fixed, random, best, grid[costs.argmin()])


def test_the_sign_test_misleads_for_small_s_and_large_bias():
    at_one = stationarity().subs({q: 1, V: 2, D: 3, C_det: 4, C_rnd: 45, s: half})
    assert at_one < 0
    assert optimal_q(4, 9, 4, 45, 0.5) == pytest.approx(0.1, rel=1e-14)
    ratio = objective(0.1, 4, 9, 4, 45, 0.5) / objective(1, 4, 9, 4, 45, 0.5)
    assert ratio**2 == pytest.approx(float(step(ufom, "sign test misleads").statement.rhs), rel=1e-14)


def test_a_root_that_is_worse_than_one_is_not_taken():
    # V < D, s = 1/2: a root inside (0, 1), but the cost at 1 is lower.
    root = float(positive_root().subs({V: 1, D: 10, C_det: 1, C_rnd: 20, s: half}))
    assert 0 < root < 1
    assert objective(root, 1, 100, 1, 20, 0.5) > objective(1, 1, 100, 1, 20, 0.5)
    assert optimal_q(1, 100, 1, 20, 0.5) == 1.0


@pytest.mark.parametrize(
    ("power", "fixed", "random", "threshold"),
    [
        (2.0, 11.0, 55.0, 0.5 * 55 / (11 + 55)),
        (0.5, 11.0, 10.0, 2 * 10 / (2 * 10 + 1)),
    ],
)
def test_known_thresholds(power, fixed, random, threshold):
    assert optimal_q(1.0, threshold * (1 + 1e-9), fixed, random, power) == 1.0
    assert 0.9 < optimal_q(1.0, threshold * (1 - 1e-6), fixed, random, power) < 1.0


@pytest.mark.parametrize("power", [0.5, 1, 2])
def test_the_number_is_the_derived_root(power):
    values = {V: 3, D: 1, C_det: 11, C_rnd: 55, s: sp.Rational(power)}
    assert optimal_q(9, 1, 11, 55, power) == pytest.approx(float(positive_root().subs(values)), rel=1e-14)
    cost = sp.lambdify(q, ((C_det + q * C_rnd) * sigma2**s).subs(values))
    assert objective(0.3, 9, 1, 11, 55, power) == pytest.approx(cost(0.3), rel=1e-14)


def test_the_least_cost_of_tuned_steps_is_the_stated_one():
    stated = step(ufom, "least cost at s = 1").statement.rhs.subs({V: 3, D: 1, C_det: 11, C_rnd: 55})
    assert objective(optimal_q(9, 1, 11, 55, 1), 9, 1, 11, 55, 1) == pytest.approx(float(stated), rel=1e-14)


def test_a_small_bias_makes_the_correction_rare():
    slope = float(step(ufom, "small bias").statement.rhs.subs({V: 3, C_det: 11, C_rnd: 55, s: 2}))
    assert optimal_q(9, 1e-16, 11, 55, 2) / 1e-8 == pytest.approx(slope, rel=1e-6)
    assert optimal_q(9, 0, 11, 55, 2) == 0.0
    assert objective(0, 9, 0, 11, 55, 2) == 11 * 81
    assert objective(0, 9, 1, 11, 55, 2) == math.inf


@pytest.mark.parametrize(
    ("arguments", "best"),
    [
        ((1e300, 1e-300, 1, 1, 1), 0.0),
        ((0.0, 1.0, 1, 1, 0.5), 1.0),
        ((1e-300, 1e300, 1, 1, 0.5), 1.0),
        ((1.0, 1.0, 1, 1, 1), 1.0),
        ((1.0, 0.5, 1, 0, 1), 1.0),
    ],
)
def test_ends_of_the_range(arguments, best):
    assert optimal_q(*arguments) == best


def test_the_scale_of_the_moments_does_not_matter():
    assert optimal_q(1e200, 1e199, 1, 1, 3) == pytest.approx(optimal_q(10, 1, 1, 1, 3), rel=1e-14)
    assert objective(0.5, 1e200, 1e199, 1, 1, 3) == math.inf


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1, 1, 1, 1, 1), "V2 must be finite and at least 0"),
        ((1, math.nan, 1, 1, 1), "D2 must be finite"),
        ((1, 1, 0, 1, 1), "cost_fixed must be finite and positive"),
        ((1, 1, 1, math.inf, 1), "cost_random must be finite"),
        ((1, 1, 1, 1, 0), "s must be finite and positive"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        optimal_q(*arguments)
    with pytest.raises(ValueError, match=message):
        objective(0.5, *arguments)


def test_a_probability_outside_its_range_is_refused():
    with pytest.raises(ValueError, match=r"q must be in \[0, 1\]"):
        objective(1.5, 1, 1, 1, 1, 1)
