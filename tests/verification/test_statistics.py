"""Confidence limits and fits: exact cases, propagation and coverage."""

import math

import numpy as np
import pytest
from scipy.special import digamma
from scipy.stats import binom

from zoba_bench.statistics import (
    Estimate,
    bend,
    family_level,
    fit_line,
    fit_plane,
    log_mean,
    mean_limits,
    pooled,
    proportion_limits,
    spending,
)


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


def test_a_plane_through_exact_points_is_found_exactly():
    rng = np.random.default_rng(3)
    design = np.column_stack([np.ones(9), rng.standard_normal((9, 2))])
    y = [
        Estimate(float(row @ [0.5, 2.0, -1.0]), error, 20.0)
        for row, error in zip(design, rng.uniform(1, 2, 9), strict=True)
    ]
    found = fit_plane(design, y)
    assert [e.value for e in found] == pytest.approx([0.5, 2.0, -1.0], abs=1e-12)
    weights = np.array([e.error for e in y]) ** -2.0
    covariance = np.linalg.inv(design.T @ (design * weights[:, None]))
    assert [e.error for e in found] == pytest.approx(np.sqrt(np.diag(covariance)), rel=1e-9)


def test_a_plane_needs_points_that_determine_it():
    with pytest.raises(ValueError, match="do not determine 2 coefficients"):
        fit_plane([[1.0, 2.0], [2.0, 4.0]], [Estimate(0.0, 1.0, 3.0)] * 2)
    with pytest.raises(ValueError, match="a row for each of 2 values"):
        fit_plane([[1.0, 2.0]], [Estimate(0.0, 1.0, 3.0)] * 2)


def test_blocks_are_pooled_as_if_they_were_one():
    samples = np.random.default_rng(3).gamma(0.5, 2.0, 50)
    blocks = np.split(samples, [7, 30])
    found, whole = pooled([mean_limits(block) for block in blocks]), mean_limits(samples)
    assert found.value == pytest.approx(whole.value, rel=1e-12)
    assert found.error == pytest.approx(whole.error, rel=1e-12)
    assert found.dof == whole.dof == 49


def test_the_bend_is_the_change_of_the_local_slope():
    x = [0.0, 1.0, 2.0, 5.0]
    # y = 3 x + x^2: the slope is 3 at 0 and 13 at 5.
    found = bend(x, [Estimate(3 * t + t * t, 0.1, 9.0) for t in x])
    assert found.value == pytest.approx(10.0, rel=1e-12)
    assert bend([1.0, 2.0], [Estimate(0.0, 1.0, 3.0)] * 2) is None


def test_the_log_of_a_mean_is_unbiased_to_second_order():
    rng = np.random.default_rng(11)
    # Gamma samples, coefficient of variation 1, n = 16: E log(mean) = digamma(16) - log(16) exactly.
    values = [log_mean(rng.gamma(1.0, 1.0, 16)).value for _ in range(4000)]
    error = np.std(values) / math.sqrt(len(values))
    plain = float(digamma(16.0) - math.log(16.0))
    # What is left is of third order: 1/(12 n^2) from the logarithm, and E s^2/2n - 1/2n = -O(1/n^2) from the variance.
    assert abs(np.mean(values)) <= 4 * error + 3 / 16**2
    assert abs(plain) > 4 * error + 3 / 16**2, "the correction could not be seen"


@pytest.mark.parametrize("looks", [[1.0], [0.5, 1.0], [0.1, 0.2, 0.7, 1.0]])
def test_the_errors_of_all_looks_add_up(looks):
    levels = spending(0.99, looks)
    assert sum(1 - level for level in levels) == pytest.approx(0.01)
    assert all(0.99 <= level < 1 for level in levels)


@pytest.mark.parametrize("looks", [[], [0.5], [0.5, 0.5, 1.0], [0.0, 1.0], [0.5, 0.2, 1.0], [1.0, 1.5]])
def test_looks_must_grow_to_the_whole(looks):
    with pytest.raises(ValueError, match="looks must increase from above 0 to 1"):
        spending(0.99, looks)


@pytest.mark.parametrize(("successes", "trials"), [(0, 20), (3, 20), (20, 20)])
def test_limits_of_a_probability_are_exact(successes, trials):
    limits = proportion_limits(successes, trials, 0.9)
    # Clopper and Pearson: each limit is where what was seen, or further from it, has the probability of a tail.
    if successes:
        assert binom.sf(successes - 1, trials, limits.low) == pytest.approx(0.05)
    else:
        assert limits.low == 0
    if successes < trials:
        assert binom.cdf(successes, trials, limits.high) == pytest.approx(0.05)
    else:
        assert limits.high == 1
