"""The counting oracle: values, derivatives and projections, their shapes, kinds and counts; samples; the dry run."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoba_bench.oracle import COUNTED, DERIVATIVES, DryOracle, Oracle, OracleError, weights
from zoba_bench.problem import BilevelProblem
from zoba_bench.problem.capabilities import Capabilities

LEVELS = ("inner", "outer")


def oracle_of(function, replicates=2, p=3, d=2, **keywords) -> Oracle:
    problem = BilevelProblem.from_functions(function, function, p, d, name="user", **keywords)
    return Oracle(problem, replicates)


def query(oracle: Oracle, level: str, *batch: int) -> np.ndarray:
    """Values at points of shape (R, *batch)."""
    r = oracle.replicates
    return getattr(oracle, level)(np.ones((r, *batch, oracle.p)), np.ones((r, *batch, oracle.d)))


def total(z, x, sample=None):
    value = z.sum(axis=-1) + x.sum(axis=-1)
    return value if sample is None else value + sample


# Counts.


@pytest.mark.parametrize("level", LEVELS)
def test_every_value_is_one_evaluation_of_its_replicate(level):
    oracle = oracle_of(total, replicates=3)
    query(oracle, level, 4, 5)
    query(oracle, level)
    counts = {"inner": oracle.n_inner, "outer": oracle.n_outer}
    assert counts.pop(level).tolist() == [21, 21, 21]
    assert next(iter(counts.values())).tolist() == [0, 0, 0]


def test_broadcast_arguments_count_the_values():
    oracle = oracle_of(total)
    oracle.inner(np.ones((2, 1, 1, 3)), np.ones((2, 4, 5, 2)))
    assert oracle.n_inner.tolist() == [20, 20]


def test_samples_take_part_in_the_broadcast():
    oracle = oracle_of(total, inner_samples=9)
    values = oracle.inner(np.ones((2, 1, 1, 3)), np.ones((2, 1, 1, 2)), np.arange(8).reshape(2, 4, 1))
    assert values.shape == (2, 4, 1)
    assert np.array_equal(values.ravel(), 5.0 + np.arange(8))
    assert oracle.n_inner.tolist() == [4, 4]


def test_frozen_replicate_is_neither_evaluated_nor_counted_and_gets_zeros():
    seen = []

    def function(z, x):
        seen.append(z[..., 0].copy())
        return total(z, x)

    oracle = oracle_of(function, replicates=3)
    oracle.freeze(np.array([False, True, False]))
    z = np.arange(3.0)[:, None, None] * np.ones((3, 4, 3))
    values = oracle.inner(z, np.zeros((3, 4, 2)))
    assert np.array_equal(values, np.array([0.0, 0.0, 6.0])[:, None] * np.ones(4))
    assert oracle.n_inner.tolist() == [4, 0, 4]
    assert np.array_equal(seen[0][:, 0], [0.0, 2.0])


def test_frozen_replicate_gets_its_own_samples_left_out():
    oracle = oracle_of(total, inner_samples=10)
    oracle.freeze(np.array([True, False]))
    values = oracle.inner(np.zeros((2, 1, 1, 3)), np.zeros((2, 1, 1, 2)), np.array([[[3]], [[7]]]))
    assert values.ravel().tolist() == [0.0, 7.0]


@pytest.mark.parametrize("level", LEVELS)
@given(batch=st.lists(st.integers(1, 4), max_size=2), frozen=st.lists(st.booleans(), min_size=3, max_size=3))
def test_dry_oracle_counts_like_the_oracle_and_evaluates_nothing(level, batch, frozen):
    def never(z, x):
        raise AssertionError("evaluated")

    problem = BilevelProblem.from_functions(never, never, 3, 2)
    dry, wet = DryOracle(problem, 3), oracle_of(total, replicates=3)
    if all(frozen):
        frozen[0] = False
    for oracle in (dry, wet):
        oracle.freeze(np.array(frozen))
        query(oracle, level, *batch)
        query(oracle, level)
    assert np.array_equal(dry.n_inner, wet.n_inner)
    assert np.array_equal(dry.n_outer, wet.n_outer)


def test_dry_oracle_values_are_finite_zeros_of_the_right_shape():
    dry = DryOracle(BilevelProblem.from_functions(total, total, 3, 2), 2)
    values = query(dry, "inner", 4, 5)
    assert values.shape == (2, 4, 5)
    assert not values.any()
    assert not dry.non_finite.any()


# Points that are asked for alone.


@pytest.mark.parametrize("shape", [(), (4,), (4, 2)])
def test_only_some_points_are_evaluated_and_counted_and_the_others_get_zeros(shape):
    seen = []

    def function(z, x):
        seen.append(np.broadcast_shapes(z.shape[:-1], x.shape[:-1]))
        return z[..., 0] + x[..., 0]

    oracle = oracle_of(function, replicates=3)
    mask = np.array([[True, False, True, True], [False] * 4, [True] * 4])
    z = np.arange(12.0).reshape(3, 4, 1, 1) + np.zeros((3, 4, 5, 3))
    x = np.ones((3, 1, 1, 2))  # broadcasts over the masked axis
    points = mask[:, 0] if shape == () else mask if shape == (4,) else np.repeat(mask[..., None], 5, axis=-1)
    with oracle.only(points):
        values = oracle.inner(z, x)
    full = (z[..., 0] + 1) * points.reshape(*points.shape, *[1] * (3 - points.ndim))
    assert np.array_equal(values, full)
    expected = 5 * mask.sum(axis=1) if points.ndim > 1 else 20 * points
    assert oracle.n_inner.tolist() == expected.tolist()
    assert int(np.prod(seen[0])) == expected.sum()
    oracle.inner(z, x)
    assert (oracle.n_inner == expected + 20).all()


def test_only_leaves_frozen_replicates_alone_and_asks_nothing_of_nobody():
    def never(z, x):
        raise AssertionError("evaluated")

    oracle = oracle_of(never, replicates=2)
    oracle.freeze(np.array([True, False]))
    with oracle.only(np.array([[True, True], [False, False]])):
        assert not query(oracle, "inner", 2).any()
    assert oracle.n_inner.tolist() == [0, 0]


def test_only_picks_the_samples_of_its_points_and_nests():
    oracle = oracle_of(total, replicates=2, inner_samples=9)
    samples = np.array([[3, 4], [5, 6]])
    with oracle.only(np.array([[True, False], [False, True]])):
        with oracle.only(np.array([[False, True], [False, False]])):
            inside = oracle.inner(np.zeros((2, 2, 3)), np.zeros((2, 2, 2)), samples)
        outside = oracle.inner(np.zeros((2, 2, 3)), np.zeros((2, 2, 2)), samples)
    assert inside.tolist() == [[0, 4], [0, 0]]
    assert outside.tolist() == [[3, 0], [0, 6]]
    assert oracle.n_inner.tolist() == [2, 1]


def test_only_ends_with_an_error_and_marks_the_replicates_that_it_asked():
    oracle = oracle_of(lambda z, x: z[..., 0] / x[..., 0], replicates=2)
    with np.errstate(all="ignore"), oracle.only(np.array([False, True])):
        oracle.inner(np.ones((2, 3)), np.zeros((2, 2)))
    assert oracle.non_finite.tolist() == [False, True]
    with pytest.raises(RuntimeError, match="stop"), oracle.only(np.zeros(2, dtype=bool)):
        raise RuntimeError("stop")
    assert query(oracle, "inner").all()


def test_a_dry_run_counts_all_points():
    dry = DryOracle(BilevelProblem.from_functions(total, total, 3, 2), 2)
    with dry.only(np.zeros((2, 4), dtype=bool)):
        query(dry, "inner", 4)
    assert dry.n_inner.tolist() == [4, 4]


# Kinds of values.


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    "wrong",
    [
        lambda z, x: z.sum() + x.sum(),
        lambda z, x: z,
        lambda z, x: total(z, x)[..., None],
        lambda z, x: total(z, x)[0],
        lambda z, x: total(z, x).T,
        lambda z, x: 1.0,
    ],
    ids=["summed over everything", "a vector", "one axis more", "one axis less", "transposed", "a scalar"],
)
def test_wrong_shape_is_an_error_that_names_both_shapes(level, wrong):
    oracle = oracle_of(wrong)
    with pytest.raises(OracleError, match=rf"{level} of problem 'user' returned shape .* expected \(2, 4\)"):
        query(oracle, level, 4)


def test_wrong_shape_is_seen_among_the_replicates_that_still_run():
    oracle = oracle_of(lambda z, x: np.zeros(5), replicates=5)
    query(oracle, "inner")
    oracle.freeze(np.array([True, False, False, False, False]))
    with pytest.raises(OracleError, match=r"returned shape \(5,\) .* expected \(4,\)"):
        query(oracle, "inner")


@pytest.mark.parametrize("level", LEVELS)
def test_none_is_an_error_that_says_return(level):
    with pytest.raises(OracleError, match=f"{level} of problem 'user' returned None: it must return"):
        query(oracle_of(lambda z, x: None), level)


@pytest.mark.parametrize(
    "values",
    [
        "text",
        ["1.0", "2.0"],
        np.array(["1.0", "2.0"]),
        [1j, 2.0],
        np.array([1.0 + 0j, 2.0]),
        [None, 1.0],
        [[1.0], [1.0, 2.0]],
        np.array([object(), object()]),
        {"value": 1.0},
        np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]"),
    ],
    ids=["str", "list of str", "array of str", "complex list", "complex array", "None inside", "ragged",
         "objects", "dict", "dates"],
)  # fmt: skip
def test_values_that_are_not_real_numbers_are_an_error(values: Any):
    with pytest.raises(OracleError, match=r"inner of problem 'user' returned .* not real numbers"):
        query(oracle_of(lambda z, x: values), "inner")


@pytest.mark.parametrize(
    "values",
    [
        np.array([1, 2]),
        np.array([True, False]),
        np.float32([0.5, 1.5]),
        [1, 2.5],
        (1, 2),
        np.longdouble([1, 2]),
    ],
    ids=["int", "bool", "float32", "list", "tuple", "longdouble"],
)
def test_other_real_values_become_float64(values: Any):
    actual = query(oracle_of(lambda z, x: values), "inner")
    assert actual.dtype == np.float64
    assert np.array_equal(actual, np.asarray(values, dtype=np.float64))


def test_exact_numbers_in_object_arrays_are_an_error():
    """An object array may hide anything, also None, which numpy would turn into NaN."""
    with pytest.raises(OracleError, match="not real numbers"):
        query(oracle_of(lambda z, x: np.array([Fraction(1, 2), Fraction(1, 3)])), "inner")


def test_error_of_the_users_function_passes_through():
    def broken(z, x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        query(oracle_of(broken), "inner")


def test_function_cannot_change_the_points_it_is_given():
    """An in-place operation would change the solver's iterates."""

    def careless(z, x):
        z -= 1.0
        return total(z, x)

    with pytest.raises(ValueError, match="read-only"):
        query(oracle_of(careless), "inner")


def test_values_survive_a_function_that_reuses_its_buffer():
    buffer = np.empty(2)

    def reusing(z, x):
        return np.add(z.sum(axis=-1), x.sum(axis=-1), out=buffer)

    oracle = oracle_of(reusing)
    first = query(oracle, "inner")
    oracle.inner(np.zeros((2, 3)), np.zeros((2, 2)))
    assert np.array_equal(first, [5.0, 5.0])


# Non-finite values.


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_non_finite_value_is_flagged_for_its_replicate_only(level, value):
    def function(z, x):
        values = total(z, x)
        values[1, 2] = value
        return values

    oracle = oracle_of(function, replicates=3)
    query(oracle, level, 4)
    assert oracle.non_finite.tolist() == [False, True, False]


def test_opposite_infinities_are_flagged():
    def function(z, x):
        return np.array([[np.inf, -np.inf], [0.0, 1.0]])

    oracle = oracle_of(function)
    query(oracle, "inner", 2)
    assert oracle.non_finite.tolist() == [True, False]


def test_finite_values_whose_sum_overflows_are_not_flagged():
    oracle = oracle_of(lambda z, x: np.full(z.shape[:-1], 1.5e308))
    query(oracle, "inner", 4)
    assert not oracle.non_finite.any()


def test_non_finite_flag_belongs_to_the_right_replicate_after_a_freeze():
    def function(z, x):
        values = total(z, x)
        values[1] = np.nan  # the second of the replicates that still run
        return values

    oracle = oracle_of(function, replicates=4)
    oracle.freeze(np.array([True, False, False, False]))
    query(oracle, "inner")
    assert oracle.non_finite.tolist() == [False, False, True, False]


def test_flag_stays_until_it_is_cleared():
    switch = [np.nan, 0.0]
    oracle = oracle_of(lambda z, x: total(z, x) + switch.pop(0))
    query(oracle, "inner")
    query(oracle, "inner")
    assert oracle.non_finite.all()


# Samples.


@given(st.integers(1, 4), st.integers(1, 5), st.integers(1, 6))
def test_samples_have_one_row_a_replicate_and_stay_in_range(replicates, batch, size):
    oracle = oracle_of(total, replicates=replicates, inner_samples=size, outer_samples=size + 1)
    for drawn, top in (
        (oracle.draw_inner(np.random.default_rng(0), batch), size),
        (oracle.draw_outer(np.random.default_rng(0), batch), size + 1),
    ):
        assert drawn.shape == (replicates, batch, 1)
        assert np.issubdtype(drawn.dtype, np.integer)
        assert drawn.min() >= 0
        assert drawn.max() < top


def test_every_sample_is_drawn_in_the_end():
    """With replacement: 1000 draws of 5 miss one of them with probability below 5 (4/5)^1000 < 1e-96."""
    drawn = oracle_of(total, inner_samples=5).draw_inner(np.random.default_rng(0), 500)
    assert np.unique(drawn).tolist() == [0, 1, 2, 3, 4]


def test_deterministic_level_draws_nothing_and_leaves_the_generator():
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    oracle = oracle_of(total)
    assert oracle.draw_inner(rng, 3) is None
    assert oracle.draw_outer(rng, 3) is None
    assert rng.bit_generator.state == before
    assert not oracle.stochastic_inner
    assert not oracle.stochastic_outer


def test_deterministic_function_is_called_without_a_sample():
    oracle = oracle_of(lambda z, x: total(z, x))  # a third argument would be a TypeError
    assert query(oracle, "inner").tolist() == [5.0, 5.0]


# Derivatives.


def sized(name: str) -> int:
    """Last dimension of a derivative of a problem with p = 3, d = 2."""
    return {"p": 3, "d": 2}[DERIVATIVES[name][1]]


def vectors(name: str, *shape: int) -> tuple[np.ndarray, ...]:
    """Points z, x, and the vector that a product multiplies."""
    third = {"inner_hvp_zz": (3,), "inner_jvp_xz": (3,), "inner_jvp_zx": (2,)}.get(name)
    return (np.ones((*shape, 3)), np.ones((*shape, 2)), *(() if third is None else (np.ones((*shape, *third)),)))


def linear(name: str):
    """A derivative that sums its points: value sum(z) + sum(x) + sum(v) + sample in each component."""

    def function(*arguments):
        points = [a for a in arguments if a.dtype == np.float64]
        total = sum(a.sum(axis=-1) for a in points)
        total = total + sum(a for a in arguments if a.dtype != np.float64)
        return total[..., None] * np.arange(1.0, sized(name) + 1)

    return function


def with_derivatives(replicates=2, oracle=Oracle, **keywords):
    problem = BilevelProblem.from_functions(
        total, total, 3, 2, name="user", **({name: linear(name) for name in DERIVATIVES} | keywords)
    )
    return oracle(problem, replicates)


@pytest.mark.parametrize("name", DERIVATIVES)
def test_a_derivative_is_counted_in_its_own_column(name):
    oracle = with_derivatives(replicates=3)
    values = getattr(oracle, name)(*vectors(name, 3, 4, 5))
    assert values.shape == (3, 4, 5, sized(name))
    each = sum(a.shape[-1] for a in vectors(name))
    assert np.array_equal(values[0, 0, 0], each * np.arange(1.0, sized(name) + 1))
    getattr(oracle, name)(*vectors(name, 3))
    assert {n: count.tolist() for n, count in oracle.counts.items() if count.any()} == {name: [21, 21, 21]}


@pytest.mark.parametrize("name", ["inner", "outer", *DERIVATIVES])
def test_a_mean_over_samples_counts_each_of_them(name):
    """7 inner and 5 outer samples: the mean at 4 points is 28 or 20 evaluations, given samples are one each."""
    oracle = with_derivatives(inner_samples=7, outer_samples=5)
    points = vectors(name, 2, 4)
    getattr(oracle, name)(*points)
    size = 7 if name.startswith("inner") else 5
    assert oracle.counts[name].tolist() == [4 * size] * 2
    getattr(oracle, name)(*points, sample=np.array([[0, 1, 2, 3], [3, 2, 1, 0]]))
    assert oracle.counts[name].tolist() == [4 * size + 4] * 2
    assert sum(count.sum() for count in oracle.counts.values()) == 2 * (4 * size + 4)


def test_samples_of_derivatives_broadcast_and_reach_the_function():
    oracle = with_derivatives(inner_samples=9)
    z, x = np.zeros((2, 1, 3)), np.zeros((2, 1, 2))
    sample = np.arange(8).reshape(2, 4)
    values = oracle.inner_grad_x(z, x, sample)
    assert np.array_equal(values, sample[..., None] * np.array([1.0, 2.0]))
    assert oracle.counts["inner_grad_x"].tolist() == [4, 4]


@pytest.mark.parametrize("name", DERIVATIVES)
def test_a_frozen_replicate_gets_zero_derivatives_uncounted(name):
    seen = []

    def function(*arguments):
        seen.append([len(a) for a in arguments])
        return linear(name)(*arguments)

    oracle = with_derivatives(replicates=3, inner_samples=4, outer_samples=4, **{name: function})
    oracle.freeze(np.array([False, True, False]))
    values = getattr(oracle, name)(*vectors(name, 3, 2), sample=np.zeros((3, 2), dtype=int))
    assert (values[1] == 0).all()
    assert (values[[0, 2]] != 0).all()
    assert oracle.counts[name].tolist() == [2, 0, 2]
    assert all(lengths == [2] * len(lengths) for lengths in seen), "frozen rows were passed on"


@pytest.mark.parametrize("name", DERIVATIVES)
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            lambda *a: linear_total(a),
            r"returned shape \(2, 4\) .* expected \(2, 4, {size}\): one vector for each point",
        ),
        (lambda *a: np.ones((*a[0].shape[:-1], 7)), r"returned shape \(2, 4, 7\) .* expected \(2, 4, {size}\)"),
        (lambda *a: np.ones((4, 2)), r"returned shape \(4, 2\) .* expected \(2, 4, {size}\)"),
        (lambda *a: None, "returned None: it must return"),
        (lambda *a: 1j * np.ones(a[0].shape), "returned .* not real numbers"),
        (lambda *a: "gradient", "returned str of .* not real numbers"),
    ],
    ids=["values", "another size", "an axis lost", "None", "complex", "text"],
)
def test_a_wrong_derivative_is_an_error_that_names_it(name, wrong, message):
    oracle = with_derivatives(**{name: wrong})
    with pytest.raises(OracleError, match=f"{name} of problem 'user' " + message.replace("{size}", str(sized(name)))):
        getattr(oracle, name)(*vectors(name, 2, 4))


def linear_total(arguments):
    return sum(a.sum(axis=-1) for a in arguments)


@pytest.mark.parametrize("name", DERIVATIVES)
def test_a_derivative_that_is_not_declared_is_named(name):
    oracle = oracle_of(total)
    with pytest.raises(OracleError, match=f"problem 'user' does not declare {name}, which this solver queries"):
        getattr(oracle, name)(*vectors(name, 2))
    assert not any(count.any() for count in oracle.counts.values())


@pytest.mark.parametrize("name", DERIVATIVES)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_non_finite_component_is_flagged_for_its_replicate(name, value):
    def function(*arguments):
        values = linear(name)(*arguments)
        values[1, 2, -1] = value
        return values

    oracle = with_derivatives(replicates=3, **{name: function})
    getattr(oracle, name)(*vectors(name, 3, 4))
    assert oracle.non_finite.tolist() == [False, True, False]


@given(
    name=st.sampled_from(["inner", "outer", *DERIVATIVES]),
    batch=st.lists(st.integers(1, 4), max_size=2),
    frozen=st.lists(st.booleans(), min_size=3, max_size=3),
    sampled=st.booleans(),
    given_samples=st.booleans(),
)
def test_dry_counts_of_every_query_are_the_real_ones(name, batch, frozen, sampled, given_samples):
    sizes = {"inner_samples": 6, "outer_samples": 5} if sampled else {}
    oracles = [with_derivatives(3, oracle, **sizes) for oracle in (Oracle, DryOracle)]
    frozen[0] &= not all(frozen)
    sample = np.zeros((3, *batch), dtype=int) if sampled and given_samples else None
    shapes = []
    for oracle in oracles:
        oracle.freeze(np.array(frozen))
        shapes.append(getattr(oracle, name)(*vectors(name, 3, *batch), sample=sample).shape)
    assert shapes[0] == shapes[1]
    for column in COUNTED:
        assert np.array_equal(oracles[0].counts[column], oracles[1].counts[column])


def test_any_function_can_be_evaluated_under_a_name():
    """``each`` evaluations a point, vectors of a size."""
    oracle = oracle_of(total, replicates=3)
    oracle.freeze(np.array([False, False, True]))
    found = oracle.evaluate("outer_grad_x", lambda z: z[..., :1] * 2.0, (np.ones((3, 4, 5)),), size=1, each=6)
    assert np.array_equal(found[:, 0, 0], [2.0, 2.0, 0.0])
    assert oracle.counts["outer_grad_x"].tolist() == [24, 24, 0]
    values = oracle.evaluate("inner", lambda z: z.sum(axis=-1), (np.ones((3, 5)),))
    assert values.tolist() == [5.0, 5.0, 0.0]
    assert oracle.n_inner.tolist() == [1, 1, 0]


# Weights.


def test_a_derivative_weighs_one_or_its_dimension():
    assert set(weights("one", 3, 2).values()) == {1}
    expected = {name: sized(name) for name in DERIVATIVES} | {"inner": 1, "outer": 1}
    assert weights("dimension", 3, 2) == expected
    for cost in (weights("one", 3, 2), weights("dimension", 3, 2)):
        assert not {"prox", "projection", "communication"} & set(cost)


@pytest.mark.parametrize("value", ["two", "", None, 1, "ONE"])
def test_an_unknown_gradient_cost_is_refused(value):
    with pytest.raises(ValueError, match=f"gradient_cost must be 'one' or 'dimension', got {value!r}"):
        weights(value, 3, 2)


def test_spent_weighs_every_column():
    oracle = with_derivatives(capabilities=Capabilities(project_x=np.abs))
    for name in ("inner", "outer", *DERIVATIVES):
        getattr(oracle, name)(*vectors(name, 2, 4))
    oracle.project_x(np.ones((2, 2)))
    oracle.communicate(3)
    assert oracle.spent(weights("one", 3, 2)).tolist() == [36, 36]
    assert oracle.spent(weights("dimension", 3, 2)).tolist() == [4 * (2 + 4 * 3 + 3 * 2)] * 2
    assert oracle.spent({"inner": 5}).tolist() == [20, 20]


# What costs no evaluation.


def test_projections_are_counted_where_there_are_sets():
    oracle = with_derivatives(replicates=3, capabilities=Capabilities(project_x=np.abs))
    x, z = -np.arange(6.0).reshape(3, 2), -np.ones((3, 3))
    oracle.freeze(np.array([False, False, True]))
    assert np.array_equal(oracle.project_x(x), [[0.0, 1.0], [2.0, 3.0], [-4.0, -5.0]])
    assert oracle.project_z(z) is z
    assert {n: count.tolist() for n, count in oracle.counts.items() if count.any()} == {"projection": [1, 1, 0]}


def test_prox_is_the_problems_or_the_projection():
    def prox(z, x, step):
        return z - step * x[..., :1]

    oracle = with_derivatives(capabilities=Capabilities(inner_prox=prox, project_z=np.abs))
    z, x = np.ones((2, 3)), np.array([[2.0, 0.0], [4.0, 0.0]])
    assert np.array_equal(oracle.inner_prox(z, x, 0.5), [[0.0] * 3, [-1.0] * 3])
    assert oracle.counts["prox"].tolist() == [1, 1]
    assert oracle.counts["projection"].tolist() == [0, 0]
    only = with_derivatives(capabilities=Capabilities(project_z=np.abs))
    assert np.array_equal(only.inner_prox(-z, x, 0.5), z)
    assert (only.counts["prox"].tolist(), only.counts["projection"].tolist()) == ([0, 0], [1, 1])
    neither = with_derivatives()
    assert neither.inner_prox(z, x, 0.5) is z
    assert not any(count.any() for count in neither.counts.values())


def test_a_block_of_points_is_projected_point_by_point():
    oracle = with_derivatives(replicates=3, capabilities=Capabilities(project_z=np.abs))
    oracle.freeze(np.array([True, False, False]))
    found = oracle.project_z(-np.ones((3, 4, 5, 3)))
    assert (found[0] == -1).all()
    assert (found[1:] == 1).all()
    assert oracle.counts["projection"].tolist() == [0, 20, 20]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda z: z[:1], r"returned shape \(1, 3\) for a point of shape \(2, 3\); expected \(2, 3\)"),
        (lambda z: z.sum(axis=-1, keepdims=True), r"returned shape \(2, 1\)"),
        (lambda z: 1.0, r"returned shape \(\)"),
        (lambda z: None, "returned None"),
        (lambda z: z + 1j, "returned ndarray of complex128, not real numbers"),
    ],
)
def test_a_wrong_projection_is_an_error_and_not_broadcast(wrong, message):
    oracle = with_derivatives(capabilities=Capabilities(project_z=wrong))
    with pytest.raises(OracleError, match="projection of problem 'user' " + message):
        oracle.project_z(np.ones((2, 3)))


def test_a_projection_cannot_change_the_point_it_is_given():
    def careless(z):
        z[:] = 0.0
        return z

    oracle = with_derivatives(capabilities=Capabilities(project_z=careless))
    with pytest.raises(ValueError, match="read-only"):
        oracle.project_z(np.ones((2, 3)))


def test_rounds_are_counted_for_those_that_run():
    oracle = with_derivatives(replicates=3)
    oracle.communicate()
    oracle.freeze(np.array([False, True, False]))
    oracle.communicate(4)
    assert oracle.counts["communication"].tolist() == [5, 1, 5]


def test_a_dry_oracle_projects_nothing_and_counts():
    def never(*_):
        raise AssertionError("evaluated")

    dry = with_derivatives(oracle=DryOracle, capabilities=Capabilities(project_x=never, inner_prox=never))
    z, x = np.ones((2, 3)), np.ones((2, 2))
    assert dry.project_x(x) is x
    assert dry.inner_prox(z, x, 0.1) is z
    dry.communicate(2)
    assert {n: count.tolist() for n, count in dry.counts.items() if count.any()} == {
        "projection": [1, 1], "prox": [1, 1], "communication": [2, 2],
    }  # fmt: skip
    assert dry.dry
    assert not oracle_of(total).dry
