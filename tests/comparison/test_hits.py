"""When targets are reached: by hand, from columns of a history."""

from __future__ import annotations

import numpy as np

from zoba_bench.comparison.hits import ABSOLUTE, RELATIVE, first_hits


def test_the_targets_are_two_a_power_of_ten_and_fall():
    assert ABSOLUTE[:4] == (100.0, 30.0, 10.0, 3.0)
    assert ABSOLUTE[-1] == 1e-8
    assert np.all(np.diff(ABSOLUTE) < 0)
    assert RELATIVE == (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7)


def test_a_target_is_reached_at_the_first_row_that_is_at_most_it():
    values = np.array([[20.0], [2.0], [5.0], [0.1], [np.nan], [1e-9]])
    found = first_hits({"gap": values, "iteration": np.arange(6)}, [0, 7, 14, 21, 28, 35], np.ones((6, 1), bool))
    assert set(found) == {"gap"}
    (hits,) = found["gap"]["absolute"]
    by_target = dict(zip(ABSOLUTE, hits, strict=True))
    # 2 at 7 evaluations stays reached although 5 follows; 0.1 is met exactly; NaN is nothing.
    assert [by_target[t] for t in (100.0, 30.0, 10.0, 3.0, 1.0, 0.1, 0.03, 1e-8)] == [0, 0, 7, 7, 21, 21, 35, 35]
    # Shares of 20: at most 2 after 7, 0.2 after 21, and 2e-6 at the end.
    assert found["gap"]["relative"] == [[7, 21, 35, 35, 35, 35, 35]]


def test_rows_that_do_not_count_reach_nothing():
    """Also of several replicates each has its own, and what is not reached is None."""
    values = np.array([[1.0, 1.0], [0.05, 0.05], [0.5, 0.5]])
    allowed = np.array([[True, True], [False, True], [True, True]])
    found = first_hits({"stationarity": values}, [0, 1, 2], allowed)["stationarity"]["relative"]
    assert found == [[None] * 7, [1] + [None] * 6]
