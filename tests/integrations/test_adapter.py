"""The adapter by itself: iterates, counts, batches, precision, stopping."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest

import zoba_bench as zb
from zoba_bench.directions import generator
from zoba_bench.driver import run
from zoba_bench.problem import BilevelProblem
from zoba_bench.registry import entry

from .conftest import times

FILES = (
    "gfm", "hf_zoba", "hf_zoba_shared", "hozog", "implicit", "lozo", "mezo_bcd", "o_zd", "s_szd", "vrzsbo_like",
    "zdsba", "zmdsba", "zo_penalty", "zo_sogd", "zoba", "zoba_mixed", "zoba_tuned",
)  # fmt: skip
FAST = {"l1": 4, "s_k": 4, "t_k": 2, "b_k": 2, "T_b": 2, "l": 3, "inner_steps": 3, "q": 2}


def adapted(kind, objective, **options):
    """A solver with small options, after ``set_objective``."""
    small = {name: value for name, value in FAST.items() if name in kind.parameters}
    # Of one q is a probability, and two have at most d directions, which are orthogonal.
    small |= {"vrzsbo-like": {"q": 0.5}, "s-szd": {"l": 2}, "o-zd": {"l": 2}}.get(kind.solver, {})
    solver = kind.get_instance(**{**small, "eval_freq": 3, **options})
    assert solver.skip(**objective) == (False, None)
    solver.set_objective(**objective)
    return solver


def test_every_solver_that_needs_values_alone_has_a_class(solver_class):
    kinds = {name: solver_class(name) for name in FILES}
    assert {kind.solver for kind in kinds.values()} == {
        name for name in zb.list_solvers() if not entry("solvers", name).needs
    } | {"hozog"}
    assert len({kind.name for kind in kinds.values()}) == len(kinds)


@pytest.mark.parametrize("file", FILES)
def test_iterates_are_the_solvers_own(solver_class, quadratics, file):
    data = quadratics()
    solver = adapted(solver_class(file), data.objective, batch_size="full")
    solver.run(times(2))
    z, x = data.objective["inner_var0"], data.objective["outer_var0"]
    inner, outer = solver.levels
    problem = BilevelProblem("same", 3, 2, inner, outer)
    own = run(problem, solver.configuration, z0=z, x0=x, rng=generator(np.random.SeedSequence(1)), max_iterations=6)
    result = solver.get_result()
    np.testing.assert_array_equal(result["inner_var"], own.z[0])
    np.testing.assert_array_equal(result["outer_var"], own.x[0])
    assert not np.array_equal(result["outer_var"], x)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("batch_size", ["full", 1, 5])
def test_counts_are_those_of_the_benchmarks_own_functions(solver_class, quadratics, file, batch_size):
    data = quadratics()
    solver = adapted(solver_class(file), data.objective, batch_size=batch_size)
    data.calls.clear()
    solver.run(times(2))
    for level in ("inner", "outer"):
        rows = sum(size for name, _, size, _ in data.calls if name == level)
        assert solver.evaluations[f"{level}_evaluations"] == rows > 0


def test_exact_values_are_counted_as_the_project_counts_them(solver_class, quadratics):
    data = quadratics(rows=1)
    solver = adapted(solver_class("zoba"), data.objective, batch_size="full", l1=4)
    solver.run(times(2))
    assert solver.evaluations == {"inner_evaluations": 6 * (4 * 4 + 1), "outer_evaluations": 6 * 3}


def test_the_curve_has_the_sums_at_every_callback(solver_class, quadratics):
    solver = adapted(solver_class("zoba"), quadratics().objective, batch_size="full", l1=4)
    left = iter([True, True, False])

    def callback():
        solver.get_result()
        return next(left)

    solver.run(callback)
    assert solver.curve == [(0, 0, 0), (1, 12 * 3 * 17, 12 * 9), (2, 12 * 6 * 17, 12 * 18)]


def test_a_run_starts_afresh_each_time(solver_class, quadratics):
    solver = adapted(solver_class("zoba"), quadratics().objective)
    solver.warm_up()
    runs = []
    for _ in range(2):
        solver.run(times(2))
        runs.append((solver.get_result()["outer_var"].tolist(), solver.evaluations))
    assert runs[0] == runs[1]


def test_a_callback_that_says_stop_at_once_leaves_the_start(solver_class, quadratics):
    data = quadratics()
    solver = adapted(solver_class("hf_zoba"), data.objective)
    data.calls.clear()
    solver.run(times(0))
    assert data.calls == []
    np.testing.assert_array_equal(solver.get_result()["outer_var"], data.objective["outer_var0"])


def test_variables_keep_their_shape(solver_class, quadratics):
    data = quadratics()
    inner, outer = data.objective["f_inner"], data.objective["f_outer"]
    shapes = []

    def reshaped(f):
        def g(inner_var, outer_var, start=0, batch_size=1):
            shapes.append((inner_var.shape, outer_var.shape))
            return f(inner_var.ravel(), outer_var.ravel(), start, batch_size)

        return g

    objective = data.objective | {
        "f_inner": reshaped(inner), "f_outer": reshaped(outer), "inner_var0": np.zeros((3, 1)),
        "outer_var0": -2 * np.ones((1, 2)),
    }  # fmt: skip
    solver = adapted(solver_class("zoba"), objective)
    solver.run(times(1))
    assert {s[0] for s in shapes} == {(3, 1)}
    assert {s[1] for s in shapes} == {(1, 2)}
    assert {name: value.shape for name, value in solver.get_result().items()} == {
        "inner_var": (3, 1), "outer_var": (1, 2),
    }  # fmt: skip


def test_trees_of_arrays_are_skipped_with_the_reason(solver_class, quadratics):
    objective = quadratics().objective | {"inner_var0": {"w": np.zeros(3)}}
    skip, reason = solver_class("zoba").get_instance().skip(**objective)
    assert skip
    assert "inner_var0 is dict; this solver needs one array" in reason


def test_a_run_that_leaves_hands_nan(solver_class, quadratics):
    solver = adapted(solver_class("zoba"), quadratics().objective, rho=1e200, schedule="constant", eval_freq=20)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        solver.run(times(2))
    assert np.isnan(solver.get_result()["outer_var"]).any()


# Batches.


def starts(calls, level="inner"):
    """Starts of the batches, one for each change along the calls."""
    return [start for name, start, _, _ in calls if name == level]


def test_a_batch_is_contiguous_and_the_last_one_ends_with_the_last_row(solver_class, quadratics):
    data = quadratics(rows=12)
    solver = adapted(solver_class("zoba"), data.objective, batch_size=5, b1=20, eval_freq=5)
    data.calls.clear()
    solver.run(times(1))
    assert {size for *_, size, _ in data.calls} == {5}
    assert set(starts(data.calls)) == {0, 5, 7}


def test_independent_batches_are_uniform(solver_class, quadratics):
    data = quadratics(rows=12)
    solver = adapted(solver_class("zdsba"), data.objective, batch_size=3, t_k=400, b_k=1, eval_freq=1)
    data.calls.clear()
    solver.run(times(1))
    drawn = np.array(starts(data.calls)[: 2 * 400 : 2]) // 3  # two values a direction, on one batch
    counts = np.bincount(drawn, minlength=4)
    assert len(counts) == 4
    assert np.abs(counts - 100).max() <= 5 * np.sqrt(400 * 3 / 16)  # five standard deviations
    repeated = np.mean(drawn[1:] == drawn[:-1])
    assert abs(repeated - 0.25) <= 5 * np.sqrt(3 / 16 / 399)


def test_in_passes_every_batch_comes_once_before_any_comes_again(solver_class, quadratics):
    data = quadratics(rows=12)
    solver = adapted(solver_class("zdsba"), data.objective, batch_size=3, order="passes", t_k=40, b_k=1, eval_freq=1)
    data.calls.clear()
    solver.run(times(1))
    drawn = np.array(starts(data.calls)[:80:2]).reshape(10, 4) // 3
    assert np.array_equal(np.sort(drawn, axis=1), np.tile(np.arange(4), (10, 1)))
    assert len({tuple(one) for one in drawn.tolist()}) > 3  # and in other orders, in the first pass too


def test_another_order_is_refused(solver_class, quadratics):
    solver = solver_class("zoba").get_instance(order="sorted")
    with pytest.raises(ValueError, match="order must be one of 'independent', 'passes', got 'sorted'"):
        solver.set_objective(**quadratics().objective)


def test_the_mean_over_batches_is_that_over_rows(solver_class, quadratics):
    data = quadratics(rows=12)
    inner, _ = adapted(solver_class("zoba"), data.objective, batch_size=4).levels
    z, x = np.ones(3), np.ones(2)
    assert inner.samples == 3
    assert np.mean(inner(z, x, np.arange(3))) == pytest.approx(float(inner(z, x)), rel=1e-14)
    assert float(inner(z, x)) == data.objective["f_inner"](z, x, 0, 12)


# Precision.


def hessian_v(solver_class, quadratics, dtype, h):
    """ZOBA's estimate of G_zz v from values of a type, along 50 directions that do not depend on it."""
    solver = solver_class("zoba").get_instance(l1=50, batch_size="full", h=h)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        solver.set_objective(**quadratics(dtype=dtype).objective)
    state = solver._begin()
    state = replace(state, z=state.z + 1, v=np.array([[0.0, 0.0, 1.0]]))
    return solver.configuration.surrogates(state, solver.configuration.draw(state.oracle, state.rng)).hessian_v


def test_single_precision_loses_differences_of_the_usual_radius_and_a_wider_one_keeps_them(solver_class, quadratics):
    """G is quadratic: in exact arithmetic the estimate does not depend on the radius."""
    exact = hessian_v(solver_class, quadratics, np.float64, 1e-3)
    np.testing.assert_allclose(hessian_v(solver_class, quadratics, np.float64, 0.019), exact, atol=1e-7)
    lost = np.linalg.norm(hessian_v(solver_class, quadratics, np.float32, 1e-3) - exact)
    kept = np.linalg.norm(hessian_v(solver_class, quadratics, np.float32, None) - exact)
    assert kept < 2e-3 < 0.1 < lost  # of |G_zz v| = 1


def test_a_radius_that_was_chosen_too_small_is_skipped_with_the_way_out(solver_class, quadratics):
    objective = quadratics(dtype=np.float32).objective
    skip, reason = solver_class("zoba").get_instance(h=1e-3).skip(**objective)
    assert skip
    assert "h=0.001 is lost in rounding: the benchmark's values are float32" in reason
    assert "JAX_ENABLE_X64=1" in reason
    assert solver_class("zoba").get_instance(h=0.02).skip(**objective) == (False, None)
    assert solver_class("zoba").get_instance(h=1e-3).skip(**quadratics().objective) == (False, None)


@pytest.mark.parametrize(
    ("file", "radii"),
    [
        ("zoba", {"h": 0.019}), ("hf_zoba", {"h": 0.019, "h_bar": 0.019}), ("zo_penalty", {"h": 0.001}),
        ("implicit", {"h": 3.5e-4, "h2": 0.019}), ("hozog", {"eta": 0.01, "h": 0.0049}),
    ],
)  # fmt: skip
def test_radii_are_widened_as_their_differences_need_it(solver_class, quadratics, file, radii):
    solver = solver_class(file).get_instance()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        solver.set_objective(**quadratics(dtype=np.float32).objective)
    assert {name: getattr(solver.configuration, name) for name in radii} == radii


def test_double_precision_keeps_the_solvers_own_radii_and_says_nothing(solver_class, quadratics):
    for file in FILES:
        solver = solver_class(file).get_instance()
        solver.set_objective(**quadratics().objective)  # a warning would be an error
        assert solver.radii
        own = entry("solvers", solver.solver)()
        assert all(getattr(solver.configuration, name) == getattr(own, name) for name in solver.radii)
