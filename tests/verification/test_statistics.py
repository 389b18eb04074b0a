"""Confidence limits and fits: exact cases, propagation and coverage."""

import math

import numpy as np
import pytest

from zoba_bench.statistics import Estimate, family_level, fit_line, log_mean, mean_limits


def test_mean_limits_are_the_student_interval():
    estimate = mean_limits([1.0, 2.0, 3.0])
    limits = estimate.limits(0.95)
    # t_{0.975, 2} = 4.30265, standard error 1/sqrt(3)
    assert estimate.value == 2.0
    assert limits.high - 2.0 == pytest.approx(4.302652729911275 / math.sqrt(3), rel=1e-9)
    assert limits.low + limits.high == pytest.approx(4.0)


def test_an_exact_estimate_has_no_width():
    limits = Estimate(0.5, 0.0, math.inf).limits(0.99)
    assert (limits.low, limits.high) == (0.5, 0.5)


@pytest.mark.parametrize("samples", [[], [1.0]])
def test_a_limit_needs_two_samples(samples):
    with pytest.raises(ValueError, match="at least 2 samples"):
        mean_limits(samples)


def test_the_log_of_a_mean_needs_a_positive_mean():
    with pytest.raises(ValueError, match="positive mean"):
        log_mean([-1.0, -2.0])


def test_a_line_through_exact_points_is_found_exactly():
    x = np.log([1.0, 2.0, 4.0, 8.0])
    y = [Estimate(3.0 - 0.5 * t, 0.1, 10.0) for t in x]
    slope, _ = fit_line(x, y)
    assert slope.value == pytest.approx(-0.5, abs=1e-14)
    # Equal variances: the textbook error of a slope, and all the degrees of freedom pooled
    # as Welch and Satterthwaite do.
    assert slope.error == pytest.approx(0.1 / math.sqrt(((x - x.mean()) ** 2).sum()), rel=1e-12)
    assert 10.0 <= slope.dof <= 40.0


def test_weights_follow_the_errors():
    y = [Estimate(0.0, 1e-3, 50.0), Estimate(1.0, 1e-3, 50.0), Estimate(50.0, 1e3, 50.0)]
    slope, _ = fit_line([0.0, 1.0, 2.0], y)
    assert slope.value == pytest.approx(1.0, abs=1e-3)


def test_a_line_needs_two_different_sizes():
    with pytest.raises(ValueError, match="two different x"):
        fit_line([1.0, 1.0], [Estimate(0.0, 1.0, 3.0)] * 2)


def test_family_level_splits_the_error_rate():
    assert 1 - family_level(0.99, 50) == pytest.approx(0.01 / 50)
    assert family_level(0.99, 1) == pytest.approx(0.99)


def test_slope_limits_cover_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(7)
    x = np.log([1.0, 2.0, 4.0, 8.0])
    truth, level, runs, covered = -0.5, 0.95, 2000, 0
    for _ in range(runs):
        # Gamma samples with a coefficient of variation of 1/2: positive and skewed, as means of
        # squared norms are.
        y = [log_mean(math.exp(truth * t) * rng.gamma(4.0, 0.25, size=32)) for t in x]
        limits = fit_line(x, y)[0].limits(level)
        covered += limits.low <= truth <= limits.high
    # Binomial standard error 0.5 %: four of them, one-sided, since more coverage is no fault.
    assert covered / runs >= level - 4 * math.sqrt(level * (1 - level) / runs)
