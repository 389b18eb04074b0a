"""Lines: which claims share one, what is fitted, what is allowed."""

from __future__ import annotations

import numpy as np
import pytest

from zoba_bench.report.series import honest_lines, read_line


@pytest.fixture
def rows(content):
    return {row["id"]: row for row in content["claims"]}


def test_claims_on_the_same_data_share_a_line_and_controls_have_none(content):
    lines = honest_lines(content["claims"])
    assert list(lines) == ["P2b", "P4a"]
    (line,) = lines["P2b"]
    assert [row["id"] for row in line.rows] == ["P2b/zoba/d/residual", "P2b/zoba/d/exponent"]


def test_the_fit_finds_a_power_law_exactly(rows):
    line = read_line(rows["P2b/zoba/d/residual"])
    assert line.slope == pytest.approx(3.0, rel=1e-12)
    np.testing.assert_allclose(line.fitted, line.measured, rtol=1e-12)


def test_errors_are_the_distances_to_the_limits(rows):
    line = read_line(rows["P2b/zoba/d/residual"])
    np.testing.assert_allclose(line.measured - line.errors[0], line.measured * np.exp(-line.half_width))
    np.testing.assert_allclose(line.measured + line.errors[1], line.measured * np.exp(line.half_width))


@pytest.mark.parametrize(
    ("identifier", "quantity"),
    [
        ("P2b/zoba/d/residual", "residual"),
        ("P2b/zoba/d/exponent", "slope"),
        ("P2b/zoba/d/control-missing-power", "residual"),
        ("P4a/zoba/level", "ratio"),
    ],
)
def test_what_a_claim_is_about_stands_with_its_data(rows, identifier, quantity):
    row = rows[identifier]
    assert read_line(row).quantity(row) == quantity


def test_the_band_of_a_level_is_its_tolerance(rows):
    row = rows["P4a/zoba/level"]
    line = read_line(row)
    _, low, high = line.band(row, line.derived)
    np.testing.assert_allclose(low, 0.8)
    np.testing.assert_allclose(high, 1.2)


@pytest.mark.parametrize("identifier", ["P2b/zoba/d/residual", "P2b/zoba/d/exponent"])
def test_the_band_of_a_slope_opens_by_its_tolerance_from_the_middle(rows, identifier):
    row = rows[identifier]
    line = read_line(row)
    x, low, high = line.band(row, line.derived)
    np.testing.assert_allclose(np.log(high), 0.1 * np.abs(np.log(x) - line.centre), atol=1e-12)
    np.testing.assert_allclose(low * high, 1.0)


def test_points_without_a_finite_mean_are_left_out(rows):
    row = rows["P2b/zoba/d/residual"]
    row["series"]["log_measured"][0] = None
    assert list(read_line(row).x) == [8.0, 16.0]
    row["series"]["log_half_width"][1] = None
    assert read_line(row) is None


def test_a_claim_without_a_series_has_no_line(rows):
    assert read_line(rows["P1/zoba/counts"]) is None
    assert read_line(rows["P2/zoba/quad"]) is None
