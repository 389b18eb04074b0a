"""How a run of ``solve`` ends: success, and the value at the end."""

from __future__ import annotations

import numpy as np
import pytest

import zoba_bench as zb

# Success.


def test_a_run_with_a_budget_and_no_tolerance_succeeds_when_it_is_used_up(bilevel):
    result = zb.solve(bilevel(), "zoba", l1=2, budget=100)
    assert result.status.tolist() == [zb.Status.BUDGET]
    assert result.success.tolist() == [True]


def test_a_run_with_a_tolerance_succeeds_when_it_is_met_and_not_otherwise(bilevel):
    met = zb.solve(bilevel(), "zoba", l1=2, budget=100, tol=1e9)
    assert (met.status.tolist(), met.success.tolist()) == ([zb.Status.CONVERGED], [True])
    missed = zb.solve(bilevel(), "zoba", l1=2, budget=100, tol=1e-12)
    assert (missed.status.tolist(), missed.success.tolist()) == ([zb.Status.BUDGET], [False])


@pytest.mark.parametrize(
    ("status", "keywords"),
    [
        ("MAX_ITERATIONS", {"max_iterations": 3}),
        ("MAX_ITERATIONS", {"max_iterations": 3, "budget": 10**6}),
        ("STOPPED", {"budget": 10**6, "callback": lambda k, state: k == 2}),
        ("DIVERGED", {"budget": 10**6, "rho": 1e4}),
    ],
)
def test_other_ends_are_no_success(bilevel, status, keywords):
    result = zb.solve(bilevel(), "zoba", l1=2, **keywords)
    assert result.status.tolist() == [zb.Status[status]]
    assert not result.success.any()


def test_a_run_that_meets_nan_is_no_success():
    def inner(z, x):
        return np.where(np.abs(x[..., 0]) < 10, np.sum((z - x) ** 2, axis=-1), np.nan)

    def outer(z, x):
        return np.sum(z**2, axis=-1)

    problem = zb.Problem.from_functions(outer, inner, 2, 2)
    result = zb.solve(problem, "zoba", [20.0, 0.0], [0.0, 0.0], budget=10_000)
    assert (result.status.tolist(), result.success.tolist()) == ([zb.Status.NON_FINITE], [False])


# The value at the end.


def test_fun_is_psi_where_the_problem_declares_it(bilevel):
    problem = bilevel()
    result = zb.solve(problem, "zoba", l1=2, max_iterations=3, replicates=2)
    np.testing.assert_array_equal(result.fun, problem.value(result.x))
    assert result.n_outer.tolist() == [9, 9]  # uncounted


def test_fun_is_elsewhere_a_value_of_f_which_is_counted(bilevel):
    problem = bilevel(wave=0.3)
    assert problem.value is None
    problem.outer.calls.clear()
    result = zb.solve(problem, "zoba", l1=2, max_iterations=3, replicates=2)
    np.testing.assert_array_equal(result.fun, problem.outer(result.z, result.x))
    assert result.n_outer.tolist() == [10, 10]
    assert result.counts["outer"].tolist() == [10, 10]


def test_fun_of_a_mean_over_samples_costs_all_of_them(bilevel):
    problem = bilevel(wave=0.3, outer_samples=7)
    result = zb.solve(problem, "zoba", l1=2, b2=2, max_iterations=3)
    assert result.n_outer.tolist() == [3 * 6 + 7]
    np.testing.assert_allclose(result.fun, problem.outer(result.z, result.x), rtol=1e-12)


@pytest.mark.parametrize("spare", [0, 1])
def test_fun_never_costs_more_than_the_budget_has_left(bilevel, spare):
    problem = bilevel(wave=0.3)  # an iteration takes 9 + 3 evaluations
    result = zb.solve(problem, "zoba", l1=2, budget=3 * 12 + spare)
    assert result.nfev.tolist() == [3 * 12 + spare]
    assert np.isfinite(result.fun).tolist() == [bool(spare)]


def test_an_exception_of_f_at_the_end_does_not_take_the_run_along(bilevel):
    calls, last = [], np.inf

    def outer(z, x):
        calls.append(0)
        if len(calls) >= last:
            raise RuntimeError("the licence server is gone")
        return np.sum(z**2, axis=-1)

    problem = zb.Problem.from_functions(outer, bilevel().inner, 3, 2)
    assert np.isfinite(zb.solve(problem, "zoba", l1=2, max_iterations=2).fun).all()
    last = len(calls)  # the value at the end
    calls.clear()
    result = zb.solve(problem, "zoba", l1=2, max_iterations=2)
    assert np.isnan(result.fun).all()
    assert result.nit.tolist() == [2]
