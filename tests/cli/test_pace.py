"""Counts, rates and remaining times of a phase, on a clock that the test moves."""

import pytest

from zoba_bench.cli.pace import Pace


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_the_time_left_follows_from_the_number_that_is_left(clock):
    pace = Pace("checking", "problems", total=40, clock=clock)
    clock.now = 10.0
    pace.update(10, 40)
    assert pace.rate == 1.0
    assert pace.remaining() == 30.0
    assert pace.line() == "checking: 10 of 40 problems, 1/s, about 30 s left"


def test_what_was_done_before_is_no_part_of_the_rate(clock):
    pace = Pace("measuring", "cells", done=90, total=100, clock=clock)
    clock.now = 5.0
    pace.update(95, 100)
    assert pace.rate == 1.0
    assert pace.remaining() == 5.0


def test_before_the_first_is_done_the_expected_work_says_what_is_left(clock):
    pace = Pace("measuring", "cells", total=4, expected={"slow": (1, 90.0), "quick": (3, 30.0)}, jobs=2, clock=clock)
    clock.now = 1.0
    assert pace.remaining() == 59.0


def test_cells_that_take_long_count_for_what_they_take(clock):
    pace = Pace("measuring", "cells", total=11, expected={"quick": (10, 10.0), "slow": (1, 90.0)}, clock=clock)
    clock.now = 10.0
    for n in range(1, 11):
        pace.update(n, 11, "quick")
    assert pace.remaining() == pytest.approx(90.0)  # one of eleven is left, and nearly all of the work


def test_a_slow_machine_is_noticed(clock):
    pace = Pace("measuring", "cells", total=100, expected={"task": (100, 100.0)}, clock=clock)
    clock.now = 150.0
    for n in range(1, 51):
        pace.update(n, 100, "task")
    assert 130.0 < pace.remaining() <= 150.0  # three seconds a cell, not one as expected


def test_cells_that_nobody_expected_are_counted_by_their_number(clock):
    pace = Pace("measuring", "cells", total=2, expected={"task": (2, 2.0)}, clock=clock)
    clock.now = 4.0
    pace.update(2, 10, "task")  # a second look has more of them
    assert pace.remaining() == 16.0


def test_nothing_known_is_not_invented(clock):
    assert Pace("choosing", clock=clock).remaining() is None
    pace = Pace("planning", "claims", total=5, clock=clock)
    clock.now = 2.0
    assert pace.remaining() is None
    assert pace.line() == "planning: 0 of 5 claims, 2 s so far"


def test_the_end_is_told(clock):
    pace = Pace("measuring", "cells", total=5, clock=clock)
    clock.now = 130.0
    pace.update(5, 5)
    assert pace.remaining() is None
    assert pace.summary() == "measuring: 5 cells in 2 min"


def test_an_expectation_that_is_long_over_is_given_up(clock):
    pace = Pace("deriving", "predictions", total=4, expected={"zoba": (4, 4.0)}, clock=clock)
    clock.now = 3.0
    assert pace.line() == "deriving: 0 of 4 predictions, about 1 s left"
    clock.now = 30.0
    assert pace.line() == "deriving: 0 of 4 predictions, 30 s so far"


def test_slow_things_have_a_rate_a_minute(clock):
    pace = Pace("deriving", "predictions", total=10, clock=clock)
    clock.now = 60.0
    pace.update(3, 10)
    assert "3/min" in pace.line()
