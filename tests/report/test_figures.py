"""Figures: which are drawn, that they are deterministic, that nothing overlaps or leaks."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from zoba_bench.report.canvas import to_png, to_svg
from zoba_bench.report.figures import draw_all


def figure(content, name):
    return next(drawing for drawing in draw_all(content) if drawing.name == name)


def test_every_protocol_with_lines_has_a_figure(content):
    names = [drawing.name for drawing in draw_all(content)]
    assert names == ["summary", "rates-P2b", "rates-P4a", "deviations-P2", "controls"]


def test_a_run_without_series_has_no_figures(content):
    assert draw_all(content | {"claims": content["claims"][:1]}) == []


def test_claims_that_share_data_share_a_panel(content):
    drawn = figure(content, "rates-P2b").figure
    assert len([axis for axis in drawn.axes if axis.axison]) == 2  # one line: rates, and residuals below


def test_the_derived_line_and_the_measured_points_are_the_stored_ones(content):
    axis = figure(content, "rates-P2b").figure.axes[0]
    stored = content["claims"][4]["series"]
    np.testing.assert_allclose(axis.lines[0].get_ydata(), stored["predicted"])
    (points,) = axis.containers
    np.testing.assert_allclose(points.lines[0].get_ydata(), np.exp(stored["log_measured"]))


@pytest.mark.parametrize("name", ["rates-P2b", "rates-P4a", "deviations-P2", "controls", "summary"])
def test_axes_are_labelled_and_a_legend_is_there(content, name):
    drawn = figure(content, name).figure
    assert drawn.legends
    assert any(axis.get_xlabel() for axis in drawn.axes)
    assert name == "deviations-P2" or any(axis.get_ylabel() for axis in drawn.axes)


@pytest.mark.parametrize("name", ["rates-P2b", "controls", "summary", "deviations-P2"])
def test_no_texts_overlap_or_leave_the_picture(content, name):
    drawn = figure(content, name).figure
    renderer = FigureCanvasAgg(drawn).get_renderer()
    texts = [*drawn.texts, *(text for legend in drawn.legends for text in legend.get_texts())]
    for axis in drawn.axes:
        if axis.axison:
            texts += [axis.title, axis._left_title, axis.xaxis.label, axis.yaxis.label, *axis.texts]
            low, high = sorted(axis.get_ylim())
            texts += [
                tick.label1
                for tick in axis.yaxis.get_major_ticks()
                if low <= tick.get_loc() <= high and tick.label1.get_visible()
            ]
    boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in texts if t.get_text().strip()]
    for (first, a), (second, b) in itertools.combinations(boxes, 2):
        assert not a.overlaps(b), f"{first!r} overlaps {second!r}"
    for label, box in boxes:
        assert min(box.x0, box.y0) >= 0, f"{label!r} leaves the picture"
        assert box.x1 <= drawn.bbox.x1, f"{label!r} leaves the picture"
        assert box.y1 <= drawn.bbox.y1, f"{label!r} leaves the picture"


def test_summary_slopes_are_moved_apart(content):
    twin = [row | {"solver": "hf-zoba", "id": row["id"].replace("zoba", "hf-zoba")} for row in content["claims"][4:6]]
    content["claims"] += twin
    drawn = figure(content, "summary").figure
    renderer = FigureCanvasAgg(drawn).get_renderer()
    first, second = (text.get_window_extent(renderer) for text in drawn.axes[0].texts)
    assert not first.overlaps(second)


def test_the_summary_shows_a_solver_once_as_its_last_look_saw_it(content):
    grown, level = content["claims"][4:6]
    early = {**grown["series"], "log_half_width": [0.3, 0.2, 0.1], "log_measured": [1.0, 2.0, 3.0]}
    far = {**grown["series"], "x": [4.0, 8.0, 32.0], "quantity": "residual"}
    content["claims"][4] = grown | {"series": early}
    content["claims"].append(grown | {"id": "P2b/zoba/published-d", "origin": "published", "series": far})
    axis = figure(content, "summary").figure.axes[0]
    points, _ = axis.containers  # the other one is the legend's
    np.testing.assert_allclose(points.lines[0].get_ydata(), np.exp(level["series"]["log_measured"]))
    assert [text.get_text() for text in axis.texts] == ["slope 3.00"]


def test_the_same_content_gives_the_same_bytes(content):
    first, second = figure(content, "rates-P2b"), figure(content, "rates-P2b")
    assert to_svg(first.figure, "a", "A") == to_svg(second.figure, "a", "A")
    assert to_png(first.figure) == to_png(second.figure)


def test_a_users_matplotlibrc_changes_nothing(content):
    first = to_png(figure(content, "rates-P4a").figure)
    with matplotlib.rc_context({"font.size": 30.0, "axes.grid": True, "lines.linewidth": 9.0}):
        assert to_png(figure(content, "rates-P4a").figure) == first
        assert matplotlib.rcParams["font.size"] == 30.0


def test_svgs_of_one_page_share_no_ids(content):
    ids = []
    for drawing in draw_all(content):
        ids += re.findall(r'\bid="([^"]*)"', to_svg(drawing.figure, drawing.name, drawing.title))
    assert len(ids) == len(set(ids))


def test_svg_references_resolve(content):
    svg = to_svg(figure(content, "rates-P2b").figure, "fig", "A <title>")
    ids = set(re.findall(r'\bid="([^"]*)"', svg))
    used = set(re.findall(r'href="#([^"]*)"|url\(#([^)]*)\)', svg))
    assert {a or b for a, b in used} <= ids
    assert 'aria-label="A &lt;title>"' in svg


def test_dollar_signs_are_no_mathematics(content):
    for row in content["claims"]:
        row["statement"] = row["solver"] = "$\\frac{$"
        if "x" in row["series"]:
            row["series"]["ylabel"] = "$\\bad$"
    assert draw_all(content)


def test_pyplot_is_never_loaded():
    code = """
import sys, zoba_bench.report
assert not {"matplotlib", "jinja2", "numpy"} & set(sys.modules)
import zoba_bench.report.html
assert "matplotlib.pyplot" not in sys.modules
assert not [m for m in sys.modules if m.startswith(("zoba_bench.theory", "zoba_bench.problems", "sympy"))]
"""
    subprocess.run([sys.executable, "-P", "-c", code], check=True)
