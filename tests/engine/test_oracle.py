"""The counting oracle: shapes, kinds of values, non-finite values, samples, the dry run."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoba_bench.oracle import DryOracle, Oracle, OracleError
from zoba_bench.problem import BilevelProblem

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
