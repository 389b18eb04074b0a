"""Pictures of claims: what they show stands at its place, in the points and in words."""

from __future__ import annotations

import csv
import io
import math
import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from zoba_bench.report.plots import claim_plot, curves_plot, growth_plot
from zoba_bench.report.series import honest_lines, read_line
from zoba_bench.report.svg import WIDTH, Panel, Picture, number_label, ticks_between


@pytest.fixture
def rows(content):
    return {row["id"]: row for row in content["claims"]}


def table(plot):
    return list(csv.DictReader(io.StringIO(plot.csv)))


def marks(plot):
    """Centres of the round marks of a picture, its legend's left out."""
    found = [element for element in ElementTree.fromstring(plot.svg).iter() if element.tag.endswith("circle")]
    return [(float(mark.get("cx")), float(mark.get("cy"))) for mark in found][1:]


@pytest.mark.parametrize(
    "identifier", ["P2/zoba/quad", "P2b/zoba/d/residual", "P2b/zoba/d/exponent", "P4a/zoba/level", "P4a/zoba/published",
                   "P2b/zoba/d/control-missing-power", "P2/control:wrong/quad"],
)  # fmt: skip
def test_every_picture_is_xml_has_a_title_and_keeps_within_its_borders(rows, identifier):
    plot = claim_plot(rows[identifier])
    root = ElementTree.fromstring(plot.svg)
    assert root.find("{http://www.w3.org/2000/svg}title").text == plot.alternative
    assert rows[identifier]["verdict"] in plot.alternative
    for x, y in marks(plot):
        assert 0 <= x <= WIDTH
        assert 0 <= y <= plot.height


def test_the_points_are_those_of_the_claim(rows):
    row = rows["P4a/zoba/level"]
    line = read_line(row)
    points = table(claim_plot(row))
    np.testing.assert_allclose([float(point["measured"]) for point in points], line.measured)
    np.testing.assert_allclose([float(point["derived"]) for point in points], row["series"]["predicted"])
    for point in points:
        assert float(point["lower"]) < float(point["measured"]) < float(point["upper"])


def test_larger_means_stand_higher_and_larger_sizes_to_the_right(rows):
    placed = marks(claim_plot(rows["P2b/zoba/d/residual"]))[:3]
    assert placed == sorted(placed, key=lambda mark: mark[0])
    assert [y for _, y in placed] == sorted((y for _, y in placed), reverse=True)


def test_the_fitted_line_has_the_slope_that_the_claim_measured(rows):
    row = rows["P2b/zoba/d/exponent"] | {"measured": 2.5}
    points = table(claim_plot(row))
    first, last = points[0], points[-1]
    rise = math.log(float(last["fitted"]) / float(first["fitted"]))
    assert rise / math.log(float(last["size"]) / float(first["size"])) == pytest.approx(2.5)


def test_deviations_are_sorted_and_one_that_is_not_finite_is_in_the_table_alone(rows):
    row = rows["P2/zoba/quad"]
    row["series"] = {"rows": [[0.1, "small"], [None, "lost"], [0.5, "large"]]}
    plot = claim_plot(row)
    assert plot.alternative.startswith("Deviations in units of what is allowed, largest 0.5 (large) of 2")
    assert [point["deviation"] for point in table(plot)] == ["0.1", "0.5", ""]
    (right, _), (left, _) = marks(plot)
    assert right > left


def test_a_number_with_limits_stands_inside_of_the_band_that_allows_it(rows):
    row = rows["P2/zoba/quad"] | {
        "series": {"tightness": 1.4},
        "predicted": 2.0,
        "tolerance": 0.0,
        "limits": [0.1, 0.3],
    }
    plot = claim_plot(row)
    assert {"quantity": "tightness", "value": "1.4"} in table(plot)
    ((x, _),) = marks(plot)
    xs = re.search(r'class="band" d="M([\d.]+) [\d.]+L([\d.]+) ', plot.svg)
    assert float(xs[1]) < x < float(xs[2])


def test_an_exact_claim_and_one_without_a_number_have_no_picture(rows):
    assert claim_plot(rows["P1/zoba/counts"]) is None
    assert claim_plot(rows["P5/zoba/bound"]) is None


def test_several_solvers_are_told_apart_by_marker_and_colour(content):
    (line,) = honest_lines(content["claims"])["P2b"]
    other = replace(line, rows=tuple({**row, "solver": "another"} for row in line.rows))
    plot = growth_plot([line, other], "Growth", [line.solver, "third", other.solver])
    assert 'class="mark s0"' in plot.svg
    assert 'class="mark s1"' not in plot.svg
    assert 'class="mark s2"' in plot.svg
    assert len(table(plot)) == 6


def test_curves_leave_out_what_failed_and_need_two_points():
    row = {"solver": "zoba", "evaluations": [0, 10, 20], "curve": [4.0, 1.0, None]}
    plot = curves_plot([row], "reference", "|∇Ψ|²")
    assert [point["median"] for point in table(plot)] == ["4.0", "1.0"]
    assert curves_plot([row | {"curve": [4.0, None, None]}], "reference", "|∇Ψ|²") is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.0, "0"), (10000.0, "10000"), (0.05, "0.05"), (1e6, "10⁶"), (2e-7, "2×10⁻⁷"), (-3.0, "−3")],
)
def test_number_label(value, expected):
    assert number_label(value) == expected


def test_ticks_are_round_and_inside():
    assert ticks_between(0.5, 300.0) == [1.0, 10.0, 100.0]
    assert ticks_between(1.0, 9.0) == [1.0, 2.0, 5.0]
    assert ticks_between(0.0, 4000.0, log=False) == [0.0, 1000.0, 2000.0, 3000.0, 4000.0]


def test_texts_are_escaped():
    picture = Picture("<title>")
    picture.text(0, 0, "<b>")
    panel = Panel(picture, (0, 0, 10, 10), (1.0, 10.0), (1.0, 10.0))
    panel.y_axis([1.0], "<y>")
    assert "<b>" not in picture.render()
    assert "&lt;y&gt;" in picture.render()
