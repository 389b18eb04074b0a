"""The compiled loop: the same draws, counts and ends as without it, and iterates that differ by rounding alone.

Compiling one solver for one family takes seconds: one pair is tried by default, the others are slow. Without numba what
needs it is skipped.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import math

import numpy as np
import pytest

import zoba_bench as zb
from zoba_bench.api import _looked_at
from zoba_bench.compiled import ahead
from zoba_bench.compiled.ahead import CompiledError, ahead_of
from zoba_bench.driver import run
from zoba_bench.problem.pointwise import Pointwise
from zoba_bench.registry import load_problem, make_solver
from zoba_bench.result import Status
from zoba_bench.solvers.zoba import Zoba

FAMILIES = ("quad_general", "quad_tracking", "minimax_quad", "nesterov_chain", "imaml_quad", "reference")
SOLVERS = ("zoba", "zoba-tuned", "zoba-mixed", "hf-zoba", "hf-zoba-shared")
EPS = float(np.finfo(float).eps)

numba = pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="the extra fast (numba) is not installed")
PAIRS = [("quad_general", "zoba"), *(pytest.param("quad_general", s, marks=pytest.mark.slow) for s in SOLVERS[1:])]
PAIRS += [pytest.param(f, "hf-zoba", marks=pytest.mark.slow) for f in FAMILIES[1:]]


def size_of(problem, z, x):
    """More than the terms of G and F at the point sum up to: products of two displacements with the data."""
    levels = (problem.inner.pointwise, problem.outer.pointwise)
    data = 1 + max(sum(float(np.abs(each).sum()) for each in level.data) for level in levels)
    return data * (1 + np.abs(z).sum() + data * np.abs(x).sum()) ** 2


# What a problem offers, without numba.


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("level", ["inner", "outer"])
def test_a_function_of_one_point_is_the_one_that_broadcasts(family, level):
    rng = np.random.default_rng(0)
    for sizes in ((1, 1), (4, 2), (2, 4), (6, 6)):
        if sizes not in {"nesterov_chain": [(1, 1), (6, 6)], "imaml_quad": [(1, 1), (4, 2)]}.get(family, [sizes]):
            continue
        problem = load_problem(family, *sizes)
        function = getattr(problem, level)
        for _ in range(3):
            z, x = rng.standard_normal(problem.p), rng.standard_normal(problem.d)
            own = function.pointwise.function(z, x, function.pointwise.data)
            assert abs(own - function(z, x)) <= 4 * (problem.p + problem.d) ** 2 * EPS * size_of(problem, z, x)


# Where there is no loop.


def refused(problem, solver, replicates=1):
    with pytest.raises(ValueError, match=r"compiled=True: .* compiled='auto' goes without it") as error:
        ahead_of(True, problem, solver, replicates)
    assert ahead_of("auto", problem, solver, replicates) is None
    return str(error.value)


def test_a_function_that_was_replaced_offers_nothing():
    problem = load_problem("quad_general", 3, 3)
    other = dataclasses.replace(problem, inner=lambda z, x: problem.inner(z, x))
    assert "does not offer inner at one point" in refused(other, make_solver("zoba"))


@dataclasses.dataclass(frozen=True)
class Own(Zoba):
    name = "own"


@pytest.mark.parametrize(
    ("family", "solver", "why"),
    [
        ("quad_general", Own(), "own has no compiled loop"),
        ("quad_general", make_solver("soba"), "soba has no compiled loop"),
        ("quad_sum", make_solver("zoba"), "quad_sum does not offer"),
        ("quad_general", make_solver("hf-zoba", law="sphere"), "law='sphere'"),
        ("quad_general", make_solver("hf-zoba", l1=2**21), "several blocks"),
    ],
    ids=["subclass", "solver", "samples", "law", "blocks"],
)
def test_what_cannot_run_compiled_is_refused_by_name(family, solver, why):
    assert why in refused(load_problem(family, 3, 3), solver)


def test_noise_and_sets_are_refused():
    problem = load_problem("quad_general", 3, 3)
    limited = dataclasses.replace(problem.capabilities, project_x=lambda x: x)
    assert "a set of x" in refused(dataclasses.replace(problem, capabilities=limited), make_solver("zoba"))


def test_another_choice_is_refused():
    with pytest.raises(ValueError, match="True, False or 'auto', got 'yes'"):
        zb.solve("reference", "zoba", compiled="yes", max_iterations=2)


def test_without_numba_true_names_the_extra_and_auto_goes_without(monkeypatch):
    monkeypatch.setattr(ahead.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"zoba-bench\[fast\]"):
        zb.solve("reference", "zoba", compiled=True, max_iterations=2)
    without = zb.solve("reference", "zoba", max_iterations=3)
    assert np.array_equal(zb.solve("reference", "zoba", compiled="auto", max_iterations=3).x, without.x)


@numba
def test_auto_compiles_small_iterations_alone():
    problem = load_problem("quad_general", 4, 4)
    limit = ahead._SMALL // 4
    assert ahead_of("auto", problem, make_solver("zoba", l1=limit), 1) is not None
    assert ahead_of("auto", problem, make_solver("zoba", l1=limit + 1), 1) is None
    assert ahead_of(True, problem, make_solver("zoba", l1=limit + 1), 1) is not None


def test_solve_itself_looks_after_the_iterations_that_it_names():
    looks = {0, 1} | {k for k in range(2000) if math.log10(k + 1).is_integer()}
    for k in range(999):
        assert _looked_at(k) == min(each for each in looks if each >= k), k


# The loop.


def both(problem, solver, steps=40, **options):
    """Results with and without it, with what the generator says afterwards."""
    found = []
    for compiled in (False, True):
        rng = np.random.default_rng(1)
        result = run(
            problem, solver, z0=np.full(problem.p, 0.5), x0=np.full(problem.d, -0.5), rng=rng, compiled=compiled,
            **{"max_iterations": steps, "record_every": 3, **options},
        )  # fmt: skip
        found.append((result, rng.standard_normal()))
    (without, first), (compiled, second) = found
    assert first == second
    assert {n: c.tolist() for n, c in without.counts.items()} == {n: c.tolist() for n, c in compiled.counts.items()}
    for name in ("status", "nit", "n_inner", "n_outer"):
        assert np.array_equal(getattr(without, name), getattr(compiled, name)), name
    assert without.message == compiled.message
    assert {n: rows.shape for n, rows in without.history.items()} == {
        n: rows.shape for n, rows in compiled.history.items()
    }
    assert np.array_equal(without.history["iteration"], compiled.history["iteration"])
    return without, compiled


def close(problem, solver, without, compiled):
    """Rounding of values, divided by h^2 once, times two directions and v, in each step; doubled for what steps add."""
    point = np.full(problem.p, 2.0), np.full(problem.d, 2.0)  # 0.5 or less, and six standard deviations times h
    noise = 4 * (problem.p + problem.d) ** 2 * EPS * size_of(problem, *point) / solver.h**2
    largest = 6.0**2 * problem.p * (1 + np.abs(without.v).max())
    bound = 2 * int(without.nit.max()) * solver.rho * noise * largest
    for name in ("z", "v", "x"):
        apart = np.abs(getattr(without, name) - getattr(compiled, name)).max()
        assert apart <= bound, name
        assert np.abs(getattr(without, name)).max() > 1e3 * bound  # it could have been seen
    return bound


@numba
@pytest.mark.parametrize(("family", "name"), PAIRS)
def test_every_estimate_and_family_runs_the_same_iterations(family, name):
    problem = load_problem(family, 4, 4 if family == "nesterov_chain" else 2)
    options = [{}, {"replicates": 2, "schedule": "inverse-sqrt", "v_radius": 0.05}]
    if name == "zoba":
        options.append({"l1": 2, "l2": 5})
        options.append({"l2": 3, "outer_directions": "independent"})
    if name.startswith("hf"):
        options.append({"normalize_h_bar": name == "hf-zoba"})
    for own in options:
        replicates = own.pop("replicates", 1)
        solver = make_solver(name, **{"l1": 6, "rho": 0.01, "h": 0.1, "schedule": "constant", **own})
        without, compiled = both(problem, solver, replicates=replicates)
        close(problem, solver, without, compiled)
        for column, rows in without.history.items():
            np.testing.assert_allclose(compiled.history[column], rows, rtol=1e-6, atol=1e-9, err_msg=column)


@pytest.fixture
def problem():
    return load_problem("quad_general", 4, 2)


def zoba(**options):
    return make_solver("zoba", **{"l1": 6, "rho": 0.01, "h": 0.1, "schedule": "constant", **options})


@numba
@pytest.mark.parametrize("budget", [28, 29, 56, 28 * 17 + 3, 28 * 40])
def test_a_budget_ends_in_the_same_iteration(problem, budget):
    without, _ = both(problem, zoba(), budget=budget)
    assert (without.nfev <= budget).all()


@numba
def test_a_tolerance_is_met_in_the_same_iteration(problem):
    without, _ = both(problem, zoba(), steps=400, tolerance=0.3, replicates=3)
    assert Status.CONVERGED in without.status


@numba
@pytest.mark.filterwarnings("ignore::zoba_bench.solvers.base.StepWarning")
def test_a_divergence_is_the_same_one(problem):
    without, _ = both(problem, zoba(rho=30.0), steps=60, replicates=2, divergence_threshold=1e6)
    assert (without.status == Status.DIVERGED).all()


@numba
@pytest.mark.slow
def test_a_value_that_is_no_number_is_reported_as_without(problem):
    """The second replicate goes on."""
    good = problem.inner.pointwise.function
    offered = problem.inner.pointwise.data

    def whole(z, x):
        return np.where(z[..., 0] > 1.2, np.nan, problem.inner(z, x))

    def single(z, x, data):
        if z[0] > 1.2:
            return math.nan
        half, slopes, shift = data
        total = 0.0
        for i in range(len(z)):
            slope = shift[i]
            for j in range(len(z)):
                slope += half[i, j] * z[j]
            for j in range(len(x)):
                slope += slopes[i, j] * x[j]
            total += slope * z[i]
        return total

    assert good(np.ones(4), np.ones(2), offered) == pytest.approx(single(np.ones(4), np.ones(2), offered))
    whole.pointwise = Pointwise(single, offered)
    without, _ = both(dataclasses.replace(problem, inner=whole), zoba(h=0.2), steps=200, replicates=2)
    assert Status.NON_FINITE in without.status
    assert any("inner returned NaN" in message for message in without.message)


@numba
def test_a_callback_sees_every_iteration_and_can_end_the_run(problem):
    seen = {}
    for compiled in (False, True):
        own = seen.setdefault(compiled, [])

        def callback(k, state, own=own):
            own.append((k, state.k, state.x.copy()))
            return k == 7

        found = zb.solve(problem, zoba(), max_iterations=20, compiled=compiled, callback=callback)
        assert found.status.tolist() == [Status.STOPPED]
        assert found.nit.tolist() == [8]
    assert [row[:2] for row in seen[False]] == [row[:2] for row in seen[True]] == [(k, k + 1) for k in range(8)]
    for (*_, x), (*_, other) in zip(*seen.values(), strict=True):
        np.testing.assert_allclose(x, other, rtol=1e-9)


@numba
def test_most_iterations_run_in_few_calls(monkeypatch, problem):
    """Blocks double: 1, 2, 4, ..."""
    calls, original = [], ahead.Ahead.run
    monkeypatch.setattr(ahead.Ahead, "run", lambda *given: calls.append(original(*given)) or calls[-1])
    start = {"z0": np.zeros(4), "x0": np.zeros(2), "rng": np.random.default_rng(0)}
    run(problem, zoba(), **start, max_iterations=500, compiled=True)
    assert [len(path) for _, path in calls] == [1, 2, 4, 8, 16, 32, 64, 128, 244]


@numba
def test_a_wrong_count_is_refused(monkeypatch, problem):
    class Wrong(ahead.Ahead):
        def __init__(self, *given):
            super().__init__(*given)
            loop = self._iterate

            def one_more(*given):
                done = loop(*given)
                given[-1][1, 0] += 1
                return done

            self._iterate = one_more

    monkeypatch.setattr(ahead, "Ahead", Wrong)
    with pytest.raises(CompiledError, match=r"reports \[4\] evaluations of outer in 1 iterations, the oracle counts 3"):
        zb.solve(problem, zoba(), max_iterations=5, compiled=True)


@numba
@pytest.mark.parametrize("level", ["inner", "outer"])
def test_a_function_of_one_point_that_is_another_one_is_refused(problem, level):
    function = getattr(problem, level)

    def same(z, x):
        return function(z, x)

    offered = function.pointwise
    same.pointwise = Pointwise(offered.function, tuple(2 * each for each in offered.data))
    with pytest.raises(CompiledError, match=f"{level} of problem 'quad_general' offers .* for one point and returns"):
        zb.solve(dataclasses.replace(problem, **{level: same}), zoba(), max_iterations=5, compiled=True)
