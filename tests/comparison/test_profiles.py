"""Profiles against numbers computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from zoba_bench.comparison.bootstrap import limits, stream
from zoba_bench.comparison.hits import ABSOLUTE, RELATIVE
from zoba_bench.comparison.profiles import (
    TARGET,
    data_profile,
    ecdf,
    expected_running_time,
    performance_profile,
    shares,
)


def run(solver, hits, problem="a", instance=0, dimension=4, used=100, tuning=0):
    """Runs that reach TARGET after ``hits`` evaluations, and the first absolute target too."""
    place = RELATIVE.index(TARGET)
    relative = [[None if n != place else hit for n in range(len(RELATIVE))] for hit in hits]
    absolute = [[hit if n == 0 else None for n in range(len(ABSOLUTE))] for hit in hits]
    return {
        "solver": solver, "problem": problem, "instance": instance, "dimension": dimension, "metric": "gap",
        "used": [used] * len(hits), "tuning_evaluations": tuning, "oracle": "values",
        "hits": {"gap": {"relative": relative, "absolute": absolute}},
    }  # fmt: skip


#: On a/0 s takes 20 and t 10; on a/1 s takes 30 + 100 with its restart and t fails; on b/0 s takes 50, t is absent.
RUNS = [
    run("s", [20, 20]), run("t", [10]), run("s", [30, None], instance=1), run("t", [None], instance=1),
    run("s", [50, 50], problem="b", dimension=9),
]  # fmt: skip


def test_failures_are_counted_by_restarts():
    assert expected_running_time([10, 20], [100, 100]) == 15
    # 10 + 100 spent for one success.
    assert expected_running_time([10, None], [100, 100]) == 110
    assert expected_running_time([None], [100]) == math.inf


def test_performance_profile():
    profile = performance_profile(RUNS)
    assert profile.total == 3
    assert profile.steps == {"s": (1.0, 1.0, 2.0), "t": (1.0,)}
    assert profile.points("s") == [(1.0, 2 / 3), (2.0, 1.0)]
    assert [profile.share("t", place) for place in (0.5, 1.0, 50.0)] == [0, 1 / 3, 1 / 3]


def test_data_profile_is_in_simplex_gradients():
    profile = data_profile(RUNS)
    assert profile.steps == {"s": (20 / 5, 50 / 10, 130 / 5), "t": (10 / 5,)}
    assert profile.total == 3


def test_ecdf_counts_pairs_of_instance_and_target_by_evaluations_a_coordinate():
    profile = ecdf(RUNS, "gap")
    # Three instances, 21 targets, two runs each; a deterministic run counts for both.
    assert profile.total == 3 * 21 * 2
    assert profile.steps == {"s": (20 / 4, 20 / 4, 50 / 9, 50 / 9, 30 / 4), "t": (10 / 4, 10 / 4)}
    assert ecdf(RUNS, "stationarity").steps == {}


def test_at_the_target_from_the_start_on_all_are_equally_fast():
    profile = performance_profile([run("s", [0]), run("t", [0]), run("u", [5])])
    assert profile.steps == {"s": (1.0,), "t": (1.0,), "u": ()}


def test_tuning_is_charged_on_request():
    runs = [run("s", [20], tuning=80), run("t", [10], tuning=0)]
    assert performance_profile(runs).steps == {"s": (2.0,), "t": (1.0,)}
    assert performance_profile(runs, charged=True).steps == {"s": (10.0,), "t": (1.0,)}
    assert data_profile(runs, charged=True).steps["s"] == (100 / 5,)
    assert ecdf(runs, "gap", charged=True).steps["s"] == (100 / 4,)


def test_shares_weigh_instances_the_same_and_have_limits():
    found = {share.solver: share for share in shares(RUNS, 0)}
    assert found["s"].value == pytest.approx((1 + 0.5 + 1) / 3)
    assert found["t"].value == pytest.approx(1 / 3)
    assert (found["s"].instances, found["t"].instances) == (3, 2)
    assert found["t"].low == 0 < found["t"].value < found["t"].high == 1
    assert shares(RUNS, 0) == shares(RUNS, 0)
    assert [share.solver for share in shares(RUNS, 0)] == ["s", "t"]


def test_limits_of_a_mean_are_those_of_the_normal_law():
    """40 instances of one value each: the mean's standard error is that of the values over sqrt(40)."""
    values = np.random.default_rng(0).standard_normal(40)
    low, high = limits([[v] for v in values], lambda drawn: drawn.mean(axis=-1), stream(0, "test"))
    wide = 2 * 1.96 * values.std() / np.sqrt(40)
    # 1000 resamples know a quantile of the tail to about 5 % of the width.
    assert high - low == pytest.approx(wide, rel=0.15)
    assert low < values.mean() < high


def test_limits_resample_seeds_within_instances():
    """One instance: the spread is that of its seeds alone; seeds that agree and instances that agree have none."""
    mean = lambda drawn: drawn.mean(axis=-1)  # noqa: E731
    assert limits([[1.0, 1.0], [1.0]], mean, stream(0)) == (1.0, 1.0)
    low, high = limits([[0.0, 1.0]], mean, stream(0))
    assert (low, high) == (0.0, 1.0)
