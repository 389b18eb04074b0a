"""What a user's function may return, do to its arguments and print; and what an argument may be."""

from __future__ import annotations

import dataclasses
import decimal

import numpy as np
import pytest

import zoba_bench as zb
from zoba_bench.oracle import Oracle, OracleError
from zoba_bench.problem import BilevelProblem
from zoba_bench.registry import entry, list_solvers
from zoba_bench.validation import MOST_PASSES, check_count, check_positive, check_seed, check_vector, is_integer

MASKED = np.ma.masked_array([1.0, 2.0, 3.0], mask=[False, True, False])
#: What is no array of real numbers, and what the message calls it.
STRANGE = {
    "masked": (lambda values: np.ma.masked_array(values, mask=np.arange(values.size).reshape(values.shape) == 0),
               "an array with masked entries, which have no value"),
    "durations": (lambda values: values.astype("timedelta64[s]"), r"ndarray of timedelta64\[s\], not real numbers"),
    "dates": (lambda values: values.astype("datetime64[s]"), r"ndarray of datetime64\[s\], not real numbers"),
    "objects": (lambda values: values.astype(object), "ndarray of object, not real numbers"),
    "complex": (lambda values: values.astype(complex), "ndarray of complex128, not real numbers"),
    "text": (lambda values: values.astype(str), "ndarray of <U.*, not real numbers"),
    "ragged": (lambda values: [[1.0], [1.0, 2.0]], "list of no one shape|list of object"),
}  # fmt: skip


def inner(z, x):
    return np.sum((z - x) ** 2, axis=-1)


def outer(z, x):
    return np.sum((z - 1) ** 2, axis=-1) + np.sum(x**2, axis=-1)


def plain(**functions):
    return BilevelProblem("mine", 2, 2, **{"inner": inner, "outer": outer, **functions})


def made(**functions):
    given = {"inner": inner, "outer": outer, **functions}
    return zb.Problem.from_functions(given.pop("outer"), given.pop("inner"), 2, 2, name="mine", **given)


def query(problem, level="outer"):
    return getattr(Oracle(problem, 2), level)(np.ones((2, 3, 2)), np.zeros((2, 1, 2)))


# Values.


@pytest.mark.parametrize("build", [plain, made])
@pytest.mark.parametrize("kind", STRANGE)
def test_what_is_no_array_of_real_numbers_is_refused_by_name(build, kind):
    change, words = STRANGE[kind]
    with pytest.raises(OracleError, match=f"outer of problem 'mine' returned ({words})"):
        query(build(outer=lambda z, x: change(outer(z, x))))


@pytest.mark.parametrize("kind", STRANGE)
def test_derivatives_are_held_to_the_same(kind):
    change, words = STRANGE[kind]
    with pytest.raises(OracleError, match=f"inner_grad_z of problem 'mine' returned ({words})"):
        query(made(inner_grad_z=lambda z, x: change(2 * (z - x))), "inner_grad_z")


def test_a_masked_array_without_masked_entries_has_values():
    values = query(made(outer=lambda z, x: np.ma.masked_array(outer(z, x), mask=False)))
    assert type(values) is np.ndarray
    assert np.array_equal(values, query(made()))


SINGLE = {
    "masked": np.ma.masked, "duration": np.timedelta64(3, "s"), "date": np.datetime64("2026-01-01"), "text": "3.0",
    "complex": 1 + 0j, "numpy complex": np.complex128(1), "None": None, "list": [1.0, 2.0], "object": object(),
    "decimal": decimal.Decimal(3),
}  # fmt: skip


@pytest.mark.parametrize("value", SINGLE.values(), ids=SINGLE)
def test_one_value_for_a_single_point_is_held_to_the_same(value):
    problem = zb.Problem.from_functions(lambda z, x: value, lambda z, x: 1.0, 2, 2, vectorize=True)
    with pytest.raises(
        (TypeError, ValueError), match=r"outer returned .* for a single point; it must return one real number"
    ):
        query(problem)


@pytest.mark.parametrize("value", [v for name, v in SINGLE.items() if name != "decimal"],
                         ids=[name for name in SINGLE if name != "decimal"])  # fmt: skip
def test_minimize_refuses_it_too(value):
    with pytest.raises((TypeError, ValueError), match=r"outer returned .* real number"):
        zb.minimize(lambda z, x: value, lambda z, x: float(np.sum((z - x) ** 2)), x0=[1.0], z0=[1.0])


@pytest.mark.parametrize("kind", [name for name in STRANGE if name != "ragged"])
def test_minimize_of_vectorised_functions_refuses_it_too(kind):
    change, words = STRANGE[kind]
    with pytest.raises(OracleError, match=f"outer returned ({words})"):
        zb.minimize(lambda z, x: change(outer(z, x)), inner, x0=[1.0, 2.0], z0=[1.0, 1.0], vectorized=True)


# Arguments.


@pytest.mark.parametrize("name", ["x0", "z0", "v0"])
@pytest.mark.parametrize("kind", STRANGE)
def test_a_start_is_held_to_the_same(name, kind):
    with pytest.raises(TypeError, match=f"{name} must be a vector of 2 real numbers, got"):
        zb.solve(made(), **{name: STRANGE[kind][0](np.array([1.0, 2.0]))})


@pytest.mark.parametrize("name", ["x0", "z0", "x_scale"])
@pytest.mark.parametrize("kind", ["masked", "durations", "objects", "complex"])
def test_so_are_those_of_minimize(name, kind):
    arguments = {"x0": [1.0, 2.0], "z0": [1.0, 1.0], name: STRANGE[kind][0](np.array([1.0, 2.0]))}
    with pytest.raises(TypeError, match=f"{name} must be "):
        zb.minimize(lambda z, x: float(outer(z, x)), lambda z, x: float(inner(z, x)), **arguments)


@pytest.mark.parametrize("check", [check_count, check_positive, lambda name, value: check_seed(value)])
@pytest.mark.parametrize("value", [np.timedelta64(3, "s"), True, np.True_, "3", None, 1j, decimal.Decimal(3)])
def test_a_duration_is_no_number_although_numpy_calls_it_an_integer(check, value):
    assert isinstance(np.timedelta64(3, "s"), np.integer)
    assert not is_integer(value)
    with pytest.raises(ValueError, match="must be a"):
        check("l1", value)


def test_a_vector_is_checked_for_length_and_finite_entries():
    assert check_vector("x0", (1, 2), 2).tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match=r"x0 must have shape \(2,\), got \(3,\)"):
        check_vector("x0", [1, 2, 3], 2)
    with pytest.raises(ValueError, match="x0 must be finite"):
        check_vector("x0", [1, np.nan], 2)


# Arrays that are handed over.


def through_base(array):
    """Write wherever an array leads."""
    for target in (array, getattr(array, "base", None), getattr(getattr(array, "base", None), "base", None)):
        if target is None:
            continue
        with pytest.raises((TypeError, ValueError), match="read-only"):
            target[...] = 7.0
    with pytest.raises(ValueError, match="WRITEABLE"):
        array.setflags(write=True)


@pytest.mark.parametrize("solver", ["hf-zoba", "zoba", "implicit", "hozog"])
def test_no_function_can_write_to_its_arguments_nor_through_their_base(solver):
    def writing(function):
        def wrapped(z, x):
            through_base(z)
            through_base(x)
            return function(z, x)

        return wrapped

    options = {"training": "values"} if solver == "hozog" else {}
    keywords = {"max_iterations": 3, "replicates": 2, "x0": [1.0, -1.0], "z0": [0.5, 0.5], **options}
    first = zb.solve(made(), solver, **keywords)
    second = zb.solve(made(inner=writing(inner), outer=writing(outer)), solver, **keywords)
    assert np.array_equal(first.x, second.x)


def test_samples_cannot_be_written_to_either():
    def sampled(function):
        def wrapped(z, x, sample=None):
            if sample is not None:
                through_base(sample)
            return function(z, x) + 0 * (0 if sample is None else sample)

        return wrapped

    problem = made(inner=sampled(inner), outer=sampled(outer), inner_samples=3, outer_samples=3)
    zb.solve(problem, "hf-zoba", b1=2, b2=2, max_iterations=2)


def test_minimize_hands_single_points_over_that_lead_nowhere():
    """A row of an array of points would lead to the other points of the batch."""

    def writing(z, x):
        for point in (z, x):
            assert point.base is None
            point[...] = 7.0
        return 0.0

    def wrapped(function):
        def call(z, x):
            value = float(function(z, x))
            writing(z, x)
            return value

        return call

    result = zb.minimize(wrapped(outer), wrapped(inner), x0=[1.0, -1.0], z0=[0.5, 0.5])
    np.testing.assert_allclose(result.x, 0.5, atol=1e-3)


@pytest.mark.parametrize("solver", ["hf-zoba", "implicit", "hozog"])
def test_a_callback_gets_copies_that_cannot_be_written_to(solver):
    seen = []

    def callback(k, state):
        for field in dataclasses.fields(state):
            value = getattr(state, field.name)
            if isinstance(value, np.ndarray):
                seen.append(field.name)
                assert value.base is None
                with pytest.raises(ValueError, match="read-only"):
                    value[...] = 7.0
                value.setflags(write=True)  # its own copy it may change
                value[...] = 7.0

    options = {"training": "values"} if solver == "hozog" else {}
    keywords = {"max_iterations": 3, "replicates": 2, "x0": [1.0, -1.0], "z0": [0.5, 0.5], **options}
    first = zb.solve(made(), solver, **keywords)
    second = zb.solve(made(), solver, callback=callback, **keywords)
    assert {"z", "v", "x", "estimate"} <= set(seen)
    assert np.array_equal(first.x, second.x)


# Loops inside of an iteration.


LOOPS = [(solver, option) for solver in list_solvers() for option in entry("solvers", solver).loop_options]


def test_the_loops_of_all_methods_with_two_loops_are_known():
    assert {("aid-bio", "D"), ("aid-bio", "N"), ("hozog", "inner_steps"), ("zmdsba", "t_k"), ("pzobo", "N")} <= set(
        LOOPS
    )
    assert {solver for solver, _ in LOOPS} == {
        "amigo", "bome", "bsa", "iaptt-gm", "mrbo", "sustain", "ttsa", "vrbo",
        "gfm", "lozo", "mezo-bcd", "o-zd", "s-szd",
        "aid-bio", "f2sa", "fednest", "fom", "hozog", "itd-bio", "pzobo", "stocbio", "ufom", "ufom-adaptive", "zdsba",
        "zmdsba", "zo-penalty",
    }  # fmt: skip


@pytest.mark.parametrize(("solver", "option"), LOOPS, ids="-".join)
def test_a_loop_beyond_any_budget_is_refused_before_it_starts(solver, option):
    for number in (MOST_PASSES + 1, 2**31):
        with pytest.raises(ValueError, match=f"{option} must be at most {MOST_PASSES}, got {number}"):
            zb.solve(zb.load_problem("quad_sum", p=3, d=2), solver, **{option: number})


@pytest.mark.parametrize(
    ("solver", "option"), [(s, o) for s, o in LOOPS if s in ("aid-bio", "hozog", "pzobo", "zmdsba")], ids="-".join
)
def test_a_loop_beyond_the_budget_is_refused_without_being_counted(solver, option):
    problem = zb.load_problem("quad_general", p=3, d=2)
    with pytest.raises(ValueError, match=f"budget=5000 .* {option}={MOST_PASSES} passes"):
        zb.solve(problem, solver, budget=5000, **{option: MOST_PASSES})


SIZES = [
    (solver, option)
    for solver in list_solvers()
    for option in entry("solvers", solver).cost_options
    # A probability is q; the others are refused for what they differ from.
    if (solver, option)
    not in {
        *LOOPS,
        ("ufom", "q"),
        ("ufom-adaptive", "q"),
        ("hf-zoba-shared", "l2"),
        ("zdsba", "s_k"),
        ("vrzsbo-like", "q"),
        ("s-szd", "l"),
        ("o-zd", "l"),
    }
]


@pytest.mark.parametrize(("solver", "option"), SIZES, ids=str)
def test_directions_and_batches_beyond_any_budget_are_refused_before_they_are_drawn(solver, option):
    problem = zb.load_problem("two_task") if "fom" in solver else zb.load_problem("quad_sum", p=3, d=2)
    with pytest.raises(ValueError, match=f"budget=1000000 is below .* {option}={2**31}"):
        zb.solve(problem, solver, budget=10**6, **{option: 2**31})
    with pytest.raises(ValueError, match=f"{option}={2**31} is beyond any budget"):
        zb.solve(problem, solver, max_iterations=2, **{option: 2**31})


def test_loops_within_loops_are_refused_too():
    problem = zb.load_problem("quad_sum", p=3, d=2)
    with pytest.raises(ValueError, match="T tau must be at most"):
        zb.solve(problem, "fednest", T=10**4, tau=10**4)
    with pytest.raises(ValueError, match=r"inner_steps.2 / 2"):
        zb.solve(problem, "ufom", inner_steps=10**4, gradient="recomputed")
