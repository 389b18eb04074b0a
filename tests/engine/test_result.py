"""Result and Status."""

from __future__ import annotations

import numpy as np
import pytest

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


def test_success_is_false_where_a_run_diverged_or_met_what_says_nothing():
    failed = (Status.DIVERGED, Status.NON_FINITE, Status.UNRESOLVED)
    assert result(list(Status)).success.tolist() == [s not in failed for s in Status]


def test_nfev_adds_both_levels():
    assert result([0, 1]).nfev.tolist() == [26, 26]


def test_repr_counts_the_endings_and_gives_ranges():
    text = repr(result([Status.CONVERGED, Status.DIVERGED, Status.DIVERGED]))
    assert text.splitlines() == [
        "Result of zoba on mine: 1 converged, 2 diverged",
        "  iterations   4..6",
        "  evaluations  20 inner, 6 outer",
    ]


def test_repr_ends_with_the_median_stationarity_where_it_is_known():
    history = {"iteration": np.array([0, 4]), "stationarity": np.array([[9.0, 9.0, 9.0], [1.0, 2.0, 0.25]])}
    assert repr(result([1, 1, 1], history=history)).endswith("|grad Psi|^2 median 1 at the last recorded iterate")


def test_single_run_without_a_replicate_axis_prints_and_succeeds():
    single = Result(x=np.zeros(2), z=np.zeros(3), v=np.zeros(3), status=Status.BUDGET, nit=3, n_inner=12, n_outer=6)
    assert "1 budget" in repr(single)
    assert single.success
    assert single.nfev == 18


def test_result_is_immutable():
    with pytest.raises(AttributeError):
        result([0]).x = np.ones((1, 2))
