"""The summary figure: what it shows, that it is deterministic, that nothing overlaps or leaks."""

from __future__ import annotations

import itertools
import subprocess
import sys

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from zoba_bench.report.canvas import to_png
from zoba_bench.report.figures import draw_summary


def test_a_run_without_series_has_no_figure(content):
    assert draw_summary(content | {"claims": content["claims"][:1]}) is None


def test_the_derived_line_and_the_measured_points_are_the_stored_ones(content):
    axis = draw_summary(content).axes[0]
    stored = content["claims"][4]["series"]
    np.testing.assert_allclose(axis.lines[0].get_ydata(), stored["predicted"])
    points, _ = axis.containers  # the other one is the legend's
    np.testing.assert_allclose(points.lines[0].get_ydata(), np.exp(stored["log_measured"]))


def test_axes_are_labelled_and_a_legend_is_there(content):
    drawn = draw_summary(content)
    assert drawn.legends
    assert all(axis.get_xlabel() and axis.get_ylabel() for axis in drawn.axes)


def test_no_texts_overlap_or_leave_the_picture(content):
    drawn = draw_summary(content)
    renderer = FigureCanvasAgg(drawn).get_renderer()
    texts = [*drawn.texts, *(text for legend in drawn.legends for text in legend.get_texts())]
    for axis in drawn.axes:
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
    drawn = draw_summary(content)
    renderer = FigureCanvasAgg(drawn).get_renderer()
    first, second = (text.get_window_extent(renderer) for text in drawn.axes[0].texts)
    assert not first.overlaps(second)


def test_the_summary_shows_a_solver_once_as_its_last_look_saw_it(content):
    grown, level = content["claims"][4:6]
    early = {**grown["series"], "log_half_width": [0.3, 0.2, 0.1], "log_measured": [1.0, 2.0, 3.0]}
    far = {**grown["series"], "x": [4.0, 8.0, 32.0], "quantity": "residual"}
    content["claims"][4] = grown | {"series": early}
    content["claims"].append(grown | {"id": "P2b/zoba/published-d", "origin": "published", "series": far})
    axis = draw_summary(content).axes[0]
    points, _ = axis.containers  # the other one is the legend's
    np.testing.assert_allclose(points.lines[0].get_ydata(), np.exp(level["series"]["log_measured"]))
    assert [text.get_text() for text in axis.texts] == ["slope 3.00"]


def test_the_same_content_gives_the_same_bytes_whatever_a_users_matplotlibrc_says(content):
    first = to_png(draw_summary(content))
    with matplotlib.rc_context({"font.size": 30.0, "axes.grid": True, "lines.linewidth": 9.0}):
        assert to_png(draw_summary(content)) == first
        assert matplotlib.rcParams["font.size"] == 30.0


def test_dollar_signs_are_no_mathematics(content):
    for row in content["claims"]:
        row["statement"] = row["solver"] = "$\\frac{$"
        if "x" in row["series"]:
            row["series"]["ylabel"] = "$\\bad$"
    assert to_png(draw_summary(content))


def test_pyplot_is_never_loaded():
    code = """
import sys, zoba_bench.report
assert not {"matplotlib", "jinja2", "numpy"} & set(sys.modules)
import zoba_bench.report.html
assert "matplotlib.pyplot" not in sys.modules
assert not [m for m in sys.modules if m.startswith(("zoba_bench.theory", "zoba_bench.problems", "sympy"))]
"""
    subprocess.run([sys.executable, "-P", "-c", code], check=True)
