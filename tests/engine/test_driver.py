"""The loop: every status, the budget, failing replicates, recording, the callback, starts."""

from __future__ import annotations

import numpy as np
import pytest

from zoba_bench.driver import iteration_cost, run
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.registry import make_solver
from zoba_bench.result import Status
from zoba_bench.solvers.single_loop import State

EPS = np.finfo(np.float64).eps
PRESETS = ("zoba", "zoba-tuned", "zoba-mixed", "hf-zoba", "hf-zoba-shared")


class Walk:
    """A solver with a known path and estimate: x moves by ``step``, at one value of each level.

    It inherits nothing: what the driver asks of a solver stands here.
    """

    name = "walk"
    tolerance_quantity = "the scripted estimate"
    needs = ()
    remedy = "walk slower"
    cost_options = ("strides", "steps")

    def __init__(self, step=1.0, estimates=None):
        self.by, self.estimates = step, estimates

    @classmethod
    def option_names(cls):
        return ["step", "estimates"]

    def lacking(self, problem):
        return []

    def check(self, problem):
        pass

    def stable_steps(self, problem):
        return ()

    def init(self, oracle, rng, z, v, x):
        return State(z=z, v=v, x=x, k=0, oracle=oracle, rng=rng)

    def step(self, s):
        s.oracle.inner(s.z, s.x)
        s.oracle.outer(s.z, s.x)
        estimate = None if self.estimates is None else np.asarray(self.estimates[s.k], dtype=float)
        return State(s.z, s.v, s.x + self.by, s.k + 1, s.oracle, s.rng, estimate)


def tripped(problem, when: int, replicate: int, value: float = np.nan, level: str = "inner"):
    """The problem with one level that returns ``value`` for one replicate from its ``when``-th call on.

    The replicate is found by its row among those still running, so use it for one failure only.
    """
    function = getattr(problem, level)
    calls = iter(range(10**9))

    def failing(z, x, *sample):
        values = np.array(function(z, x, *sample))
        if next(calls) == when:
            values[replicate] = value
        return values

    functions = {"inner": problem.inner, "outer": problem.outer, level: failing}
    return BilevelProblem.from_functions(
        functions["outer"], functions["inner"], problem.p, problem.d,
        hypergradient=problem.hypergradient, inner_samples=problem.inner_samples,
        outer_samples=problem.outer_samples,
    )  # fmt: skip


def go(problem, solver, start, *, seed=0, **keywords):
    return run(problem, solver, rng=np.random.default_rng(seed), **(start(problem) | keywords))


HF = {"l1": 3, "h": 0.1, "rho": 0.05}


# Statuses.


def test_max_iterations(bilevel, start):
    result = go(bilevel(), Walk(), start, replicates=2, max_iterations=4)
    assert result.status.tolist() == [Status.MAX_ITERATIONS] * 2
    assert result.nit.tolist() == [4, 4]
    np.testing.assert_allclose(result.x, -1.5 + 4)


def test_converged_replicates_stop_one_by_one(bilevel, start):
    estimates = [[3.0, 3.0, 3.0], [3.0, 0.5, 3.0], [0.4, 9.0, 3.0], [9.0, 9.0, 3.0]]
    result = go(bilevel(), Walk(estimates=estimates), start, replicates=3, max_iterations=4, tolerance=0.5)
    assert result.status.tolist() == [Status.CONVERGED, Status.CONVERGED, Status.MAX_ITERATIONS]
    assert result.nit.tolist() == [3, 2, 4]
    assert result.n_inner.tolist() == [3, 2, 4]


def test_converged_at_the_tolerance_itself(bilevel, start):
    result = go(bilevel(), Walk(estimates=[[0.5], [0.5]]), start, max_iterations=2, tolerance=0.5)
    assert result.nit.tolist() == [1]


def test_tolerance_zero_never_stops(bilevel, start):
    result = go(bilevel(), Walk(estimates=np.zeros((3, 1))), start, max_iterations=3)
    assert result.status.tolist() == [Status.MAX_ITERATIONS]


@pytest.mark.parametrize("preset", PRESETS)
def test_solver_converges_by_its_own_estimate(bilevel, start, preset):
    """A tolerance above the first estimate stops after one iteration."""
    first = go(bilevel(), make_solver(preset, **HF), start, max_iterations=1).estimate[0]
    result = go(bilevel(), make_solver(preset, **HF), start, max_iterations=50, tolerance=2 * first)
    assert result.status.tolist() == [Status.CONVERGED]
    assert result.nit.tolist() == [1]


@pytest.mark.parametrize("tolerance", [-1.0, np.nan, np.inf, "0.1", True])
def test_tolerance_is_validated(bilevel, start, tolerance):
    with pytest.raises(ValueError, match="tolerance must be a non-negative finite number"):
        go(bilevel(), Walk(), start, tolerance=tolerance)


@pytest.mark.parametrize("threshold", [0.0, -1.0, np.nan, np.inf, "1e10"])
def test_divergence_threshold_is_validated(bilevel, start, threshold):
    with pytest.raises(ValueError, match="divergence_threshold must be a positive"):
        go(bilevel(), Walk(), start, divergence_threshold=threshold)


def test_diverged_returns_the_last_iterate_inside(bilevel, start):
    result = go(bilevel(), Walk(step=3.0), start, max_iterations=9, divergence_threshold=5.0)
    assert result.status.tolist() == [Status.DIVERGED]
    assert result.nit.tolist() == [3]  # -1.5, 1.5, 4.5, (7.5)
    np.testing.assert_allclose(result.x, 4.5)


@pytest.mark.parametrize("preset", PRESETS)
def test_solver_with_huge_steps_diverges(bilevel, start, preset):
    solver = make_solver(preset, l1=3, h=0.1, rho=1e3)
    result = go(bilevel(), solver, start, replicates=2, max_iterations=100)
    assert set(result.status) <= {Status.DIVERGED, Status.NON_FINITE}
    assert np.isfinite(result.x).all()
    assert np.abs(result.x).max() <= 1e10


def test_stopped_by_the_callback(bilevel, start):
    seen = []

    def callback(k, state):
        seen.append(k)
        return k == 2

    result = go(bilevel(), Walk(), start, replicates=2, max_iterations=9, callback=callback)
    assert seen == [0, 1, 2]
    assert result.status.tolist() == [Status.STOPPED] * 2
    assert result.nit.tolist() == [3, 3]


def test_callback_stop_leaves_converged_replicates_converged(bilevel, start):
    estimates = [[0.1, 9.0], [9.0, 9.0]]
    result = go(
        bilevel(), Walk(estimates=estimates), start, replicates=2, max_iterations=9, tolerance=0.5,
        callback=lambda k, state: k == 1,
    )  # fmt: skip
    assert result.status.tolist() == [Status.CONVERGED, Status.STOPPED]


def test_callback_sees_the_state_after_the_iteration(bilevel, start):
    seen = []
    go(bilevel(), Walk(), start, max_iterations=2, callback=lambda k, state: seen.append((k, state.x[0, 0])))
    assert seen == [(0, -0.5), (1, 0.5)]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("level", ["inner", "outer"])
@pytest.mark.parametrize("preset", PRESETS)
def test_non_finite_value_freezes_its_replicate_and_no_other(bilevel, start, preset, level, value):
    problem, solver = bilevel(), make_solver(preset, **HF)
    path = []
    clean = go(problem, solver, start, replicates=3, max_iterations=8,
               callback=lambda k, state: path.append(state))  # fmt: skip
    fail_at = 4  # iteration in which replicate 1 receives the value
    calls = {"inner": 7 if preset == "zoba-mixed" else 5 if preset.startswith("zoba") else 6, "outer": 3}[level]
    result = go(tripped(problem, fail_at * calls + 1, 1, value, level), solver, start, replicates=3, max_iterations=8)
    assert result.status.tolist() == [Status.MAX_ITERATIONS, Status.NON_FINITE, Status.MAX_ITERATIONS]
    assert result.nit.tolist() == [8, fail_at + 1, 8]
    each = iteration_cost(problem, solver, np.random.default_rng(0))
    assert np.array_equal(result.n_inner, result.nit * each["inner"])
    assert np.array_equal(result.n_outer, result.nit * each["outer"])
    for name in ("x", "z", "v"):
        frozen = getattr(path[fail_at - 1], name)[1]
        assert np.array_equal(getattr(result, name)[1], frozen), "not the last finite iterate"
        # The same draws and the same arithmetic on fewer rows: rounding of a value, eps |G| with |G| < 100,
        # over h^2 (h for h_bar = 1e-3: h h_bar), times |w|^2 |v| < 100, times rho = 0.05, over 8 steps.
        divisor = 0.1 * (1e-3 if preset.startswith("hf") else 0.1)
        others = np.abs(getattr(result, name) - getattr(clean, name))[[0, 2]].max()
        assert others <= 8 * 0.05 * 100 * 100 * 100 * EPS / divisor


@pytest.mark.parametrize("preset", PRESETS)
def test_update_that_overflows_is_non_finite_even_where_every_value_is_finite(start, preset):
    """Values of 1.7e308: differences overflow, and z alone may stay finite while v and x become NaN."""

    def huge(z, x):
        return np.full(np.broadcast_shapes(z.shape[:-1], x.shape[:-1]), 1.7e308)

    def alternating(z, x):
        return np.where(x[..., 0] + z[..., 0] > -1.0, 1.7e308, -1.7e308)

    for function in (huge, alternating):
        problem = BilevelProblem.from_functions(lambda z, x: 0.0 * huge(z, x), function, 3, 2)
        result = go(problem, make_solver(preset, **HF), start, replicates=2, max_iterations=3)
        for name in ("x", "z", "v"):
            assert np.isfinite(getattr(result, name)).all(), f"{name}: {getattr(result, name)}"


@pytest.mark.parametrize("field", ["z", "v", "x"])
def test_nan_in_any_iterate_is_non_finite(bilevel, start, field):
    class Breaks(Walk):
        def step(self, s):
            s = super().step(State(s.z.copy(), s.v.copy(), s.x, s.k, s.oracle, s.rng))
            getattr(s, field)[1] = np.nan
            return s

    result = go(bilevel(), Breaks(), start, replicates=3, max_iterations=2)
    assert result.status.tolist() == [Status.MAX_ITERATIONS, Status.NON_FINITE, Status.MAX_ITERATIONS]
    assert result.nit.tolist() == [2, 1, 2]
    np.testing.assert_allclose(result.x[1], -1.5)


def test_all_replicates_non_finite_ends_the_run(bilevel, start):
    problem = BilevelProblem.from_functions(
        bilevel().outer, lambda z, x: np.full(np.broadcast_shapes(z.shape[:-1], x.shape[:-1]), np.nan), 3, 2
    )
    result = go(problem, make_solver("zoba", **HF), start, replicates=2, max_iterations=9)
    assert result.status.tolist() == [Status.NON_FINITE] * 2
    assert result.nit.tolist() == [1, 1]
    assert np.array_equal(result.x, np.full((2, 2), -1.5))


def test_every_status_has_a_test_above():
    of_minimize_alone = {"noise_limited", "flat", "inner_singular", "inner_failed"}  # tests/minimization has them
    assert {s.label for s in Status} - of_minimize_alone == {
        "converged", "max_iterations", "budget", "diverged", "non_finite", "stopped",
        "unresolved",  # test_resolution.py has it
    }  # fmt: skip


# Frozen replicates.


def test_frozen_replicate_stays_whatever_the_solver_does_to_it(bilevel, start):
    """``Walk`` moves every replicate, also those that get zeros."""
    result = go(
        bilevel(), Walk(estimates=[[0.1, 9.0]] + 4 * [[9.0, 9.0]]), start, replicates=2, max_iterations=5,
        tolerance=0.5,
    )  # fmt: skip
    np.testing.assert_allclose(result.x, [[-0.5] * 2, [3.5] * 2])
    assert result.estimate.tolist() == [0.1, 9.0]


def test_frozen_replicate_keeps_the_estimate_it_stopped_with(bilevel, start):
    """Not that of the zero differences it gets while the others go on."""
    problem, solver = bilevel(), make_solver("hf-zoba", **HF)
    estimates = []
    go(problem, solver, start, replicates=3, max_iterations=2,
       callback=lambda k, state: estimates.append(state.estimate))  # fmt: skip
    first = np.array(estimates[0])
    tolerance = float(np.sort(first)[0])  # one replicate stops at once, the others may go on
    assert (first > tolerance).any()
    result = go(problem, solver, start, replicates=3, max_iterations=2, tolerance=tolerance)
    stopped = result.status == Status.CONVERGED
    assert stopped.any()
    assert not stopped.all()
    for r in np.flatnonzero(stopped):
        assert 0 < result.estimate[r] <= tolerance


def test_replicate_that_fails_at_once_keeps_its_start_even_outside_the_ball(bilevel, start):
    """v_0 outside the ball of v_radius is projected by the first step only; a frozen replicate takes none."""
    problem = tripped(bilevel(), 0, 1)
    v0 = np.array([3.0, 0.0, 0.0])
    result = go(problem, make_solver("zoba", **HF, v_radius=1.0), start, replicates=2, max_iterations=4, v0=v0)
    assert result.status.tolist() == [Status.MAX_ITERATIONS, Status.NON_FINITE]
    assert np.array_equal(result.v[1], v0)


def test_start_beyond_the_divergence_threshold_keeps_finite_iterates(bilevel, start):
    result = go(bilevel(), Walk(), start, x0=np.full(2, 1e3), divergence_threshold=10.0, max_iterations=3)
    assert result.status.tolist() == [Status.DIVERGED]
    assert np.array_equal(result.x, np.full((1, 2), 1e3))


# Budget.


@pytest.mark.parametrize("extra", [0, 1, -1])
@pytest.mark.parametrize("preset", PRESETS)
def test_budget_is_never_exceeded_and_an_iteration_that_does_not_fit_is_not_started(
    bilevel, points, start, preset, extra
):
    problem, solver = bilevel(), make_solver(preset, l1=3)
    cost = sum(iteration_cost(problem, solver, np.random.default_rng(0)).values())
    budget = 4 * cost + extra
    problem.inner.calls.clear()
    problem.outer.calls.clear()
    result = go(problem, solver, start, replicates=2, max_iterations=100, budget=budget)
    iterations = budget // cost
    assert result.status.tolist() == [Status.BUDGET] * 2
    assert result.nit.tolist() == [iterations] * 2
    assert (result.nfev <= budget).all()
    spent = points(problem.inner.calls) + points(problem.outer.calls)
    assert spent == 2 * iterations * cost


def test_budget_below_one_iteration_is_refused_before_anything_is_evaluated(bilevel, start):
    problem, solver = bilevel(), make_solver("zoba", l1=3)
    cost = sum(iteration_cost(problem, solver, np.random.default_rng(0)).values())
    problem.inner.calls.clear()
    problem.outer.calls.clear()
    with pytest.raises(ValueError, match=f"budget={cost - 1} is below the cost of one iteration, {cost} "):
        go(problem, solver, start, budget=cost - 1)
    assert problem.inner.calls == problem.outer.calls == []


def test_budget_that_is_too_small_names_the_options_of_whatever_solver(bilevel, start):
    with pytest.raises(ValueError, match="raise the budget or lower strides or steps"):
        go(bilevel(), Walk(), start, budget=1)


def test_a_solver_that_diverges_gives_its_own_advice(bilevel, start):
    result = go(bilevel(), Walk(step=3.0), start, max_iterations=9, divergence_threshold=5.0)
    assert "walk slower" in result.message[0]


def test_a_solver_that_lacks_a_member_is_refused_before_anything_is_evaluated(bilevel, start):
    problem, solver = bilevel(), Walk()
    solver.check = None
    problem.inner.calls.clear()
    with pytest.raises(TypeError, match=r"has no check, which the engine asks of it: see zoba_bench.contracts.Solver"):
        go(problem, solver, start)
    assert problem.inner.calls == []


def test_budget_does_not_change_the_path(bilevel, start, same_run):
    """The dry run that finds the cost draws from a copy of the generator."""
    problem, solver = bilevel(inner_samples=4, outer_samples=4), make_solver("zoba-mixed", l1=3, b1=2, b2=2)
    free = go(problem, solver, start, max_iterations=3)
    cost = sum(iteration_cost(problem, solver, np.random.default_rng(0)).values())
    bound = go(problem, solver, start, max_iterations=3, budget=100 * cost)
    same_run(free, bound)


def test_iteration_cost_evaluates_nothing_and_leaves_the_generator(bilevel):
    problem = bilevel(inner_samples=4)
    problem.inner.calls.clear()
    problem.outer.calls.clear()
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    assert iteration_cost(problem, make_solver("zoba", l1=3, l2=2, b1=5), rng) == {"inner": 5 * 13, "outer": 5}
    assert rng.bit_generator.state == before
    assert problem.inner.calls == problem.outer.calls == []


@pytest.mark.parametrize("name", ["budget", "replicates", "max_iterations"])
@pytest.mark.parametrize("value", [0, -1, 2.5, True, "3"])
def test_count_is_validated_by_name(bilevel, start, name, value):
    with pytest.raises(ValueError, match=f"{name} must be a positive integer, got {value!r}"):
        go(bilevel(), Walk(), start, **{name: value})


# Recording.


@pytest.mark.parametrize("iterations", [1, 63, 64, 65, 130])
@pytest.mark.parametrize("record_every", [1, 7, 64, 1000])
def test_mean_stationarity_is_the_naive_mean_whatever_record_every_is(bilevel, start, iterations, record_every):
    problem, solver = bilevel(), make_solver("hf-zoba", l1=2, rho=0.05)
    xs = [np.tile(start(problem)["x0"], (2, 1))]
    result = go(
        problem, solver, start, replicates=2, max_iterations=iterations, record_every=record_every,
        callback=lambda k, state: xs.append(state.x),
    )  # fmt: skip
    naive = np.mean([(problem.hypergradient(x) ** 2).sum(axis=-1) for x in xs[:-1]], axis=0)
    # A sum of n positive terms, each with a relative rounding of at most 100 eps in both computations.
    np.testing.assert_allclose(result.mean_stationarity, naive, rtol=(iterations + 200) * EPS)


def test_mean_stationarity_counts_the_iterations_a_frozen_replicate_made(bilevel, start):
    problem, solver = bilevel(), make_solver("hf-zoba", **HF)
    xs = [np.tile(start(problem)["x0"], (2, 1))]
    go(problem, solver, start, replicates=2, max_iterations=9, callback=lambda k, s: xs.append(s.x))
    result = go(tripped(problem, 6 * 5, 1), solver, start, replicates=2, max_iterations=9)
    assert result.nit.tolist() == [9, 6]
    naive = np.mean([(problem.hypergradient(x[1]) ** 2).sum() for x in xs[:6]])
    assert result.mean_stationarity[1] == pytest.approx(naive, rel=1e-13)


@pytest.mark.parametrize("record_every", [1, 3, 5, 100])
def test_history_has_every_so_many_iterates_and_the_final_one(bilevel, start, record_every):
    problem, solver = bilevel(), make_solver("hf-zoba", **HF)
    xs = [np.tile(start(problem)["x0"], (2, 1))]
    result = go(
        problem, solver, start, replicates=2, max_iterations=70, record_every=record_every,
        callback=lambda k, state: xs.append(state.x),
    )  # fmt: skip
    expected = [*range(0, 70, record_every), 70]
    assert result.history["iteration"].tolist() == expected
    rows = np.array(xs)[expected]
    gradient = problem.hypergradient(rows)
    stationarity = (gradient**2).sum(axis=-1)
    np.testing.assert_allclose(result.history["stationarity"], stationarity, rtol=100 * EPS, atol=1e-28)
    np.testing.assert_allclose(
        result.history["gap"], problem.value(rows) - problem.minimum, rtol=0, atol=200 * EPS * 100
    )
    distance = np.linalg.norm(rows - problem.minimizer, axis=-1)
    np.testing.assert_allclose(result.history["distance"], distance, rtol=100 * EPS)
    assert np.array_equal(xs[-1], result.x)


def test_history_ends_with_the_final_iterate_when_a_replicate_fails(bilevel, start):
    problem = tripped(bilevel(), 6 * 2, 0)
    result = go(problem, make_solver("hf-zoba", **HF), start, max_iterations=9)
    assert result.history["iteration"].tolist() == [0, 1, 2, 3]
    last = (problem.hypergradient(result.x) ** 2).sum(axis=-1)
    np.testing.assert_allclose(result.history["stationarity"][-1], last, rtol=100 * EPS)


def test_history_without_closed_forms_holds_iterations_only(bilevel, start):
    result = go(bilevel(wave=0.5), Walk(), start, max_iterations=2)
    assert list(result.history) == ["iteration"]
    assert result.mean_stationarity is None


def test_record_every_none_records_nothing_and_changes_nothing(bilevel, start, same_run):
    problem, solver = bilevel(), make_solver("hf-zoba", **HF)
    silent = go(problem, solver, start, replicates=2, max_iterations=5, record_every=None)
    same_run(silent, go(problem, solver, start, replicates=2, max_iterations=5))
    assert silent.history == {}
    assert silent.mean_stationarity is None


@pytest.mark.parametrize("value", [0, -1, True, 2.5, "3"])
def test_record_every_is_validated(bilevel, start, value):
    with pytest.raises(ValueError, match=f"record_every must be a positive integer or None, got {value!r}"):
        go(bilevel(), Walk(), start, record_every=value)


def test_closed_forms_are_outside_the_counter(bilevel, start):
    problem, solver = bilevel(), make_solver("hf-zoba", **HF)
    cost = iteration_cost(problem, solver, np.random.default_rng(0))
    result = go(problem, solver, start, max_iterations=5)
    assert (int(result.n_inner[0]), int(result.n_outer[0])) == (5 * cost["inner"], 5 * cost["outer"])


# Starts.


@pytest.mark.parametrize(
    ("name", "value", "size"),
    [
        ("z0", np.zeros(2), 3), ("x0", np.zeros(3), 2), ("v0", np.zeros(2), 3),
        ("x0", 1.0, 2), ("x0", np.zeros((1, 2)), 2), ("z0", np.zeros((3, 1)), 3), ("x0", [], 2),
    ],
)  # fmt: skip
def test_start_of_the_wrong_shape_is_refused_by_name(bilevel, start, name, value, size):
    with pytest.raises(ValueError, match=rf"{name} must have shape \({size},\), got \(.*\)"):
        go(bilevel(), Walk(), start, **{name: value})


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["z0", "x0", "v0"])
def test_start_that_is_not_finite_is_refused_by_name(bilevel, start, name, value):
    problem = bilevel()
    size = problem.d if name == "x0" else problem.p
    with pytest.raises(ValueError, match=f"{name} must be finite"):
        go(problem, Walk(), start, **{name: np.full(size, value)})


def test_start_is_not_changed_by_the_run(bilevel, start):
    problem = bilevel()
    z0, x0, v0 = np.ones(3), np.ones(2), np.ones(3)
    go(problem, make_solver("zoba", **HF, v_radius=0.1), start, z0=z0, x0=x0, v0=v0, max_iterations=3)
    for array in (z0, x0, v0):
        assert (array == 1).all()


def test_all_replicates_share_the_start(bilevel, start):
    result = go(bilevel(), Walk(step=0.0), start, replicates=4, max_iterations=1, v0=[1.0, 2.0, 3.0])
    assert np.array_equal(result.v, np.tile([1.0, 2.0, 3.0], (4, 1)))
    assert np.array_equal(result.x, np.full((4, 2), -1.5))


@pytest.mark.parametrize("preset", PRESETS)
def test_same_seed_gives_the_same_bits_and_another_seed_does_not(bilevel, start, same_run, preset):
    problem, solver = bilevel(inner_samples=4, outer_samples=3), make_solver(preset, **HF)
    first, second, other = (go(problem, solver, start, seed=s, replicates=2, max_iterations=4) for s in (1, 1, 2))
    same_run(first, second)
    assert not np.array_equal(first.x, other.x)


def test_replicates_are_different_runs(bilevel, start):
    result = go(bilevel(), make_solver("zoba", **HF), start, replicates=3, max_iterations=2)
    assert len(np.unique(result.x[:, 0])) == 3


@pytest.mark.parametrize("preset", PRESETS)
def test_solver_approaches_the_minimiser(bilevel, start, preset):
    """A fact, not a bound: 300 iterations with many directions reduce |grad Psi|^2 tenfold, and more."""
    solver = make_solver(preset, h=1e-2, l1=50, rho=0.1, schedule="constant",
                         **({} if preset == "hf-zoba-shared" else {"l2": 50}))  # fmt: skip
    result = go(bilevel(), solver, start, replicates=4, max_iterations=300, record_every=300)
    first, last = result.history["stationarity"]
    assert (last < first / 10).all(), f"{first} to {last}"


def test_oracle_of_the_run_is_not_shared_between_runs(bilevel, start):
    problem, solver = bilevel(), make_solver("zoba", **HF)
    counts = [go(problem, solver, start, max_iterations=2).n_inner.copy() for _ in range(2)]
    assert np.array_equal(*counts)
    assert Oracle(problem, 1).n_inner.tolist() == [0]
