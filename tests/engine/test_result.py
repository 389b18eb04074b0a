"""Result and Status."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from zoba_bench.json_values import strict_json
from zoba_bench.result import Result, Status


def result(status, **changes) -> Result:
    n = len(status)
    fields = {
        "x": np.zeros((n, 2)), "z": np.zeros((n, 3)), "v": np.zeros((n, 3)), "status": np.array(status),
        "nit": np.arange(n) + 4, "n_inner": np.full(n, 20), "n_outer": np.full(n, 6),
        "problem": "mine", "solver": "zoba",
    }  # fmt: skip
    return Result(**(fields | changes))


@pytest.mark.parametrize("status", list(Status))
def test_every_status_has_a_message_and_a_lower_case_label(status):
    assert status.message
    assert status.label == status.name.lower()


def test_messages_differ():
    assert len({status.message for status in Status}) == len(Status)


def test_status_values_are_stable():
    """They are stored in ledgers."""
    assert {s.label: int(s) for s in Status} == {
        "converged": 0, "max_iterations": 1, "budget": 2, "diverged": 3, "non_finite": 4, "stopped": 5,
        "noise_limited": 6, "flat": 7, "inner_singular": 8, "inner_failed": 9, "unresolved": 10,
    }  # fmt: skip


def test_status_docstring_names_every_status():
    for status in Status:
        assert f"``{status.name}``" in Status.__doc__


def test_success_is_true_for_converged_and_for_a_budget_that_was_the_aim():
    statuses = list(Status)
    aims = [s in (Status.CONVERGED, Status.BUDGET) for s in statuses]
    assert result(statuses).success.tolist() == aims
    assert result(statuses, tolerance=1e-3).success.tolist() == [s is Status.CONVERGED for s in statuses]


def test_failed_is_diverged_or_what_says_nothing():
    statuses = list(Status)
    failed = (Status.DIVERGED, Status.NON_FINITE, Status.UNRESOLVED)
    assert result(statuses).failed.tolist() == [s in failed for s in statuses]


def test_nfev_adds_both_levels():
    assert result([0, 1]).nfev.tolist() == [26, 26]


# Text.


def fields(text: str) -> dict[str, str]:
    """Names and values of a printed result whose values fit one line each."""
    return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in text.splitlines())}


def test_a_single_replicate_prints_as_scipy_prints_its_results():
    text = repr(result([Status.BUDGET], message=["the budget is used up"], fun=np.array([0.25]), tolerance=1.0))
    assert list(fields(text)) == [
        "message", "success", "status", "fun", "x", "nit", "nfev", "n_inner", "n_outer", "z", "v", "solver", "problem",
    ]  # fmt: skip
    shown = fields(text)
    assert shown["message"] == "the budget is used up"
    assert (shown["success"], shown["status"], shown["fun"]) == ("False", "2", "0.25")
    assert (shown["nit"], shown["nfev"], shown["solver"]) == ("4", "26", "zoba")
    assert [float(number) for number in shown["x"].strip("[]").split()] == [0.0, 0.0]


def test_a_printed_result_has_the_order_of_scipys_own():
    from scipy.optimize import minimize

    theirs = [name for name in fields(repr(minimize(lambda x: x @ x, [1.0]))) if name in fields(repr(result([0])))]
    ours = list(fields(repr(result([0], message=["done"]))))
    assert [name for name in ours if name in theirs] == theirs


def test_several_replicates_print_arrays_and_how_many_have_which_message():
    text = repr(result([0, 3, 3], message=["converged", "diverged", "diverged"], fun=np.array([1.0, 2.0, 3.0])))
    lines = [line.strip() for line in text.splitlines()]
    assert lines[:2] == ["message: 2 of 3: diverged", "1 of 3: converged"]
    assert "success: [ True False False]" in lines
    assert "nit: [4 5 6]" in lines


def test_what_was_last_recorded_and_queried_is_printed():
    history = {"iteration": np.array([0, 4]), "stationarity": np.array([[9.0], [0.25]])}
    counts = {"inner": np.array([20]), "outer": np.array([6]), "prox": np.array([7]), "projection": np.array([0])}
    shown = fields(repr(result([1], history=history, counts=counts, advice="larger steps")))
    assert (shown["stationarity"], shown["prox"], shown["advice"]) == ("0.25", "7", "larger steps")
    assert not {"projection", "iteration", "inner"} & set(shown)


def test_a_run_without_a_replicate_axis_prints_and_succeeds():
    single = Result(x=np.zeros(2), z=np.zeros(3), v=np.zeros(3), status=Status.BUDGET, nit=3, n_inner=12, n_outer=6)
    assert fields(repr(single))["nfev"] == "18"
    assert single.success
    assert single.nfev == 18


# JSON.


def plain(value) -> bool:
    """Whether a value is made of Python's own types alone."""
    if type(value) is dict:
        return all(type(key) is str and plain(entry) for key, entry in value.items())
    if type(value) is list:
        return all(map(plain, value))
    return value is None or type(value) in (bool, int, float, str)


def test_json_has_every_field_in_pythons_own_types():
    history = {"iteration": np.array([0]), "gap": np.array([[np.inf, 1.0]])}
    given = result([0, 4], fun=np.array([np.nan, 1.0]), history=history, counts={"inner": np.array([1, 2])})
    found = given.to_dict()
    assert plain(found)
    assert {f.name for f in dataclasses.fields(Result)} | {"nfev", "success"} == set(found)
    assert found["fun"] == [None, 1.0]
    assert found["history"]["gap"] == [[None, 1.0]]
    assert json.loads(given.to_json()) == found


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float64(2.0), 2.0), (np.float32("inf"), None), (np.int64(3), 3), (np.bool_(True), True), (True, True),
        (Status.BUDGET, 2), (np.array([[1, 2]]), [[1, 2]]), ((1.0, np.nan), [1.0, None]), (np.array(5), 5),
        ({Status.BUDGET: np.str_("a")}, {"2": "a"}), (None, None),
    ],
)  # fmt: skip
def test_values_of_numpy_become_pythons(value, expected):
    found = strict_json(value)
    assert plain(found)
    assert (found, type(found)) == (expected, type(expected))


# Pictures.


def recorded(replicates: int, **changes):
    rng = np.random.default_rng(0)
    history = {"iteration": np.arange(5), "gap": np.exp(rng.normal(scale=3, size=(5, replicates)))}
    status = [Status.MAX_ITERATIONS] * replicates
    return result(status, history=history, nit=np.full(replicates, 4), **changes)


def test_a_plot_shows_what_was_recorded_against_evaluations():
    figure = recorded(1).plot()
    (axis,) = figure.axes
    (line,) = axis.lines
    np.testing.assert_allclose(line.get_xdata(), [0, 6.5, 13, 19.5, 26])
    np.testing.assert_allclose(line.get_ydata(), recorded(1).history["gap"][:, 0])
    assert axis.get_yscale() == "log"
    assert axis.get_xlabel() == "evaluations of F and G, a replicate"
    assert axis.get_ylabel() == "Psi(x) − min Psi"


def test_values_within_a_factor_ten_have_a_linear_axis():
    near = recorded(1)
    near.history["gap"][:, 0] = [3.0, 2.9, 2.8, 2.7, 0.31]
    assert near.plot().axes[0].get_yscale() == "linear"


def test_a_plot_of_several_replicates_has_their_median():
    (axis,) = recorded(5).plot().axes
    *thin, bold = axis.lines
    assert len(thin) == 5
    np.testing.assert_allclose(bold.get_ydata(), np.median(recorded(5).history["gap"], axis=1))


def test_of_many_replicates_the_range_is_drawn():
    (axis,) = recorded(40).plot().axes
    assert len(axis.lines) == 1
    assert len(axis.collections) == 1


def test_a_plot_leaves_out_what_a_logarithmic_axis_does_not_have():
    gone = recorded(3)
    gone.history["gap"][2:] = 0.0
    (axis,) = gone.plot().axes
    assert np.isnan(axis.lines[-1].get_ydata()[2:]).all()


def test_a_run_without_records_says_why_nothing_can_be_drawn():
    with pytest.raises(ValueError, match="nothing was recorded along this run, so there is nothing to draw"):
        result([0]).plot()


def test_result_is_immutable():
    with pytest.raises(AttributeError):
        result([0]).x = np.ones((1, 2))
