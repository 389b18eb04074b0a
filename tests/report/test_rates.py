"""``plot_rates``: what it shows of verdicts, and of rows."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

import zoba_bench as zb
from zoba_bench.statistics import Limits
from zoba_bench.verification.claim import Claim, Measurement, Verdict

from .conftest import SIZES, control, row, series


def verdict(solver="zoba", problem="reference", origin="derived", exponent=3.0, **changes):
    claim = Claim(f"P2b/{solver}/d/exponent", "Cubic.", "P2b", solver, problem, "equal", 0.1, {}, origin=origin)
    line = {**series(exponent), "quantity": "slope", **changes}
    return Verdict(claim, "consistent", "seen", Measurement(exponent, exponent, Limits(2.9, 3.1), series=line))


def test_points_are_measured_and_lines_derived():
    (axis,) = zb.plot_rates([verdict()]).axes
    stored = series(3.0)
    np.testing.assert_allclose(axis.lines[0].get_ydata(), stored["predicted"])
    np.testing.assert_allclose(axis.lines[0].get_xdata(), SIZES)
    (points,) = axis.containers
    np.testing.assert_allclose(points.lines[0].get_ydata(), np.exp(stored["log_measured"]))
    assert (axis.get_xscale(), axis.get_yscale(), axis.get_xlabel()) == ("log", "log", "d")
    assert [text.get_text() for text in axis.texts] == ["slope 3.00"]
    assert axis.get_title(loc="left") == "P2b: reference"


def test_each_problem_and_protocol_has_a_panel_and_each_solver_a_line():
    axes = zb.plot_rates([
        verdict(), verdict("hf-zoba", exponent=1.0), verdict(problem="quad_general"), verdict(xlabel="p = d"),
    ]).axes  # fmt: skip
    assert [len(axis.containers) for axis in axes] == [2, 1, 1]
    assert [text.get_text() for text in axes[0].get_legend().get_texts()] == ["zoba", "hf-zoba"]


def test_rows_of_a_run_are_taken_as_verdicts_are(content):
    shown = zb.plot_rates(content["claims"]).axes
    assert len(shown) == 2
    assert len(shown[0].containers) == 1


def test_controls_are_left_out():
    rows = [
        row("P2b/zoba/d/exponent", series=series(3.0)),
        control("P2b/zoba/d/control", series=series(3.0, missing=1)),
    ]
    (axis,) = zb.plot_rates(rows).axes
    assert len(axis.containers) == 1
    with pytest.raises(ValueError, match="no verdict is about a line of sizes"):
        zb.plot_rates(rows[1:])


def test_verdicts_without_lines_say_which_have_some():
    with pytest.raises(ValueError, match="some on the reference family are, for example"):
        zb.plot_rates([row("P1/zoba/counts")])


def test_nothing_leaves_the_picture(tmp_path):
    figure = zb.plot_rates([verdict(), verdict("hf-zoba-shared", exponent=1.0), verdict(problem="quad_general")])
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()
    for axis in figure.axes:
        for text in [axis._left_title, axis.xaxis.label, axis.yaxis.label, *axis.texts]:
            box = text.get_window_extent(renderer)
            assert min(box.x0, box.y0) >= 0, text
            assert box.x1 <= figure.bbox.x1 + 1, text
            assert box.y1 <= figure.bbox.y1 + 1, text
    figure.savefig(tmp_path / "rates.png")
    assert (tmp_path / "rates.png").stat().st_size > 10_000
