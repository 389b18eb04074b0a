"""Several queries in one call: the bits, counts, statuses and messages of as many calls; and when it is not done."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import zoba_bench.oracle
from zoba_bench.arrays import linear_map
from zoba_bench.driver import run
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.registry import list_problems, load_problem, make_solver

SOLVERS = ("zoba", "zoba-tuned", "zoba-mixed", "hf-zoba", "hf-zoba-shared")
#: Calls of G and of F in an iteration with stacking, beside the published number of queries.
CALLS = {"zoba": (3, 1), "zoba-mixed": (4, 1), "hf-zoba": (3, 1)}
QUERIES = {"zoba": (5, 3), "zoba-mixed": (7, 3), "hf-zoba": (6, 3)}


def ended(
    problem: BilevelProblem, name: str, replicates: int = 2, iterations: int = 4, **options: Any
) -> dict[str, Any]:
    """Everything that a short run returns."""
    solver = make_solver(name, **{"l1": 3, "rho": 1e-5, "schedule": "constant", **options})
    z0, x0 = problem.initial_point(np.random.default_rng(0))
    found = run(
        problem, solver, z0=z0, x0=x0, rng=np.random.default_rng(1), replicates=replicates,
        max_iterations=iterations, record_every=None, tolerance=1e-3,
    )  # fmt: skip
    arrays = {name: getattr(found, name).tobytes() for name in ("z", "v", "x", "status", "nit", "estimate")}
    counts = {name: count.tolist() for name, count in found.counts.items()}
    return {**arrays, "counts": counts, "message": found.message}


def with_and_without(monkeypatch, outcome: Callable[[], Any]) -> tuple[Any, Any]:
    stacked = outcome()
    with monkeypatch.context() as patch:
        patch.setattr(zoba_bench.oracle, "STACKED", 0)
        return stacked, outcome()


def marked(function: Callable[..., Any], marks: bool = True) -> Callable[..., Any]:
    """The function behind another one, which says whether it stacks."""

    def evaluate(z, x, sample=None):
        return function(z, x) if sample is None else function(z, x, sample)

    evaluate.stacks = marks
    return evaluate


def spied(inner=None, outer=None, marks: bool = True, size: int = 4) -> tuple[BilevelProblem, dict[str, list[Any]]]:
    """The general quadratic with functions that note the shapes they are called with."""
    problem, seen = load_problem("quad_general", size, size), {"inner": [], "outer": []}

    def noting(level, function):
        def evaluate(z, x):
            seen[level].append((z.shape, x.shape))
            return function(z, x)

        return marked(evaluate, marks)

    functions = {"inner": inner or problem.inner, "outer": outer or problem.outer}
    return dataclasses.replace(problem, **{n: noting(n, f) for n, f in functions.items()}), seen


@pytest.mark.sample(12)
@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("replicates", [1, 3])
@pytest.mark.parametrize("l1", [1, 6])
def test_every_problem_has_the_same_bits_and_counts_as_with_single_queries(monkeypatch, name, replicates, l1):
    tried = 0
    for each in list_problems():
        problem, solver = load_problem(each), make_solver(name)
        if not solver.lacking(problem):
            short = functools.partial(ended, problem, name, replicates, l1=l1)
            stacked, single = with_and_without(monkeypatch, short)
            assert stacked == single, each
            tried += 1
    assert tried > 20


@pytest.mark.parametrize(("name", "calls"), CALLS.items())
def test_few_points_take_few_calls_and_are_counted_one_by_one(name, calls):
    problem, seen = spied()
    marks = []
    for iterations in (2, 3):
        for shapes in seen.values():
            shapes.clear()
        counts = ended(problem, name, iterations=iterations)["counts"]
        marks.append([len(shapes) for shapes in seen.values()])
        for level, shapes in seen.items():
            points = sum(int(np.prod(np.broadcast_shapes(z[:-1], x[:-1]))) for z, x in shapes)
            assert points == sum(counts[level])
    assert tuple(b - a for a, b in zip(*marks, strict=True)) == calls


@pytest.mark.parametrize("name", CALLS)
def test_a_function_that_says_nothing_is_called_query_by_query_with_four_axes(name):
    problem, seen = spied(marks=False)
    ended(problem, name, iterations=3)
    assert tuple(len(shapes) for shapes in seen.values()) == tuple(3 * n for n in QUERIES[name])
    assert {len(shape) for shapes in seen.values() for pair in shapes for shape in pair} == {4}


def test_large_arrays_are_not_copied_into_one_call():
    problem, seen = spied()
    ended(problem, "zoba", l1=zoba_bench.oracle.STACKED // 8, iterations=3)  # times p = 4 and two replicates: the limit
    assert len(seen["inner"]) == 3 * 3
    seen["inner"].clear()
    ended(problem, "zoba", l1=zoba_bench.oracle.STACKED // 8 + 1, iterations=3)
    assert len(seen["inner"]) == 3 * 5


def failing(after: int, how: Callable[[Any], Any]) -> Callable[..., Any]:
    """G, which misbehaves once it was asked for so many points."""
    good, asked = load_problem("quad_general", 4, 4).inner, [0]

    def inner(z, x):
        values = good(z, x)
        asked[0] += values.size
        return how(values) if asked[0] > after else values

    return inner


def raising(values):
    raise ZeroDivisionError("late")


@pytest.mark.parametrize(
    "how", [raising, lambda values: values[..., None], lambda values: None, lambda values: 1j * values],
    ids=["raises", "shape", "None", "complex"],
)  # fmt: skip
@pytest.mark.parametrize("after", [0, 60, 70])
def test_a_function_that_misbehaves_is_named_as_with_single_queries(monkeypatch, after, how):
    """From the first query on, or in the third iteration, 26 points each: in its pairs or at its centre."""

    def outcome():
        problem = dataclasses.replace(load_problem("quad_general", 4, 4), inner=marked(failing(after, how)))
        with pytest.raises(Exception) as raised:
            ended(problem, "zoba", iterations=9)
        return str(raised.value), getattr(raised.value, "__notes__", None)

    stacked, single = with_and_without(monkeypatch, outcome)
    assert stacked == single
    assert "inner" in str(stacked)


def test_values_of_another_kind_are_converted_as_with_single_queries(monkeypatch):
    def outcome():
        inner = failing(-1, lambda values: values.astype(np.float32))
        return ended(dataclasses.replace(load_problem("quad_general", 4, 4), inner=marked(inner)), "zoba", iterations=6)

    stacked, single = with_and_without(monkeypatch, outcome)
    assert stacked == single


@pytest.mark.parametrize("level", ["inner", "outer"])
def test_a_replicate_that_receives_nan_is_frozen_with_the_same_message(monkeypatch, level):
    """The others go on, one query at a time."""
    good = getattr(load_problem("quad_general", 4, 4), level)

    def sometimes(z, x):
        return np.where(z[..., 0] > 3.2, np.nan, good(z, x))  # rare: h = 1 around ones

    def outcome():
        problem = dataclasses.replace(
            load_problem("quad_general", 4, 4), **{level: marked(sometimes)}, start=lambda rng: (np.ones(4), np.ones(4))
        )
        return ended(problem, "zoba", replicates=6, iterations=40, h=1.0, rho=0.2)

    stacked, single = with_and_without(monkeypatch, outcome)
    assert stacked == single
    assert f"{level} returned NaN" in str(stacked["message"])
    assert len(set(map(tuple, zip(*stacked["counts"].values(), strict=True)))) > 1


def test_points_are_read_only_and_nobody_elses():
    """A function cannot change them, and may keep them: the next call gets other ones."""
    good, kept = load_problem("quad_general", 4, 4).inner, []

    def inner(z, x):
        for array in (z, x):
            assert not array.flags.writeable
            with pytest.raises(ValueError):
                array.setflags(write=True)
        kept.append((z, z.copy()))
        return good(z, x)

    ended(dataclasses.replace(load_problem("quad_general", 4, 4), inner=marked(inner)), "hf-zoba")
    assert any(z.ndim == 5 for z, _ in kept)
    assert all(np.array_equal(z, before) for z, before in kept)


@pytest.mark.parametrize("how", ["view", "buffer"])
def test_values_are_the_runs_own(monkeypatch, how):
    """A function may return a view of what it got, or the same memory again and again."""
    buffers: dict[Any, np.ndarray] = {}

    def inner(z, x):
        if how == "view":
            return np.broadcast_to(z, np.broadcast_shapes(z.shape, x.shape))[..., 0]
        values = z[..., 0] * z[..., 1] + x[..., 0] * z[..., 2]
        buffer = buffers.setdefault(values.shape, np.empty_like(values))
        buffer[...] = values
        return buffer

    def outcome():
        return ended(dataclasses.replace(load_problem("quad_general", 4, 4), inner=marked(inner)), "zoba")

    stacked, single = with_and_without(monkeypatch, outcome)
    assert stacked == single


def test_an_oracle_that_looks_at_its_queries_sees_each_of_them():
    class Looking(Oracle):
        seen = 0

        def _query(self, name, vectors, sample):
            Looking.seen += 1
            return super()._query(name, vectors, sample)

    problem, solver = load_problem("quad_general", 4, 4), make_solver("zoba", l1=3)
    oracle = Looking(problem, 2)
    state = solver.init(oracle, np.random.default_rng(0), *(np.ones((2, 4)) for _ in range(3)))
    for _ in range(2):
        state = solver.step(state)
    assert Looking.seen == 2 * 8


def test_counts_are_up_to_date_whenever_they_are_asked_for():
    oracle = Oracle(load_problem("quad_general", 4, 4), 2)
    z = np.ones((2, 1, 3, 4))
    oracle.inner(z, z)
    assert oracle.counts["inner"].tolist() == [3, 3]
    oracle.inner_each(((z, z), (2 * z, z)), z.size)
    oracle.freeze(np.array([True, False]))
    oracle.inner_each(((z, z), (2 * z, z)), z.size)
    assert oracle.n_inner.tolist() == [9, 15]


@pytest.mark.parametrize("shape", [(2, 1, 1, 1, 7), (3, 4, 1, 1, 7), (2, 3, 1, 5, 7), (3, 1, 1, 40, 7)])
def test_a_map_of_stacked_arrays_has_the_bits_of_each(shape):
    rng = np.random.default_rng(0)
    stacked, matrix = rng.standard_normal(shape), np.ascontiguousarray(rng.standard_normal((7, 9)))
    assert np.array_equal(linear_map(stacked, matrix), [linear_map(each, matrix) for each in stacked])


def test_one_point_asked_for_again_does_not_end_the_stacking():
    problem = load_problem("quad_general", 3, 2)
    oracle = Oracle(problem, 2)
    z, x = np.ones((2, 1, 1, 3)), np.ones((2, 1, 1, 2))
    oracle.inner(z, x)
    first, second = oracle.inner_each([(z, x), (z, x)], 6)
    assert np.array_equal(first, second)
    assert oracle._stacks["inner"]
    assert oracle.counts["inner"].tolist() == [3, 3]
