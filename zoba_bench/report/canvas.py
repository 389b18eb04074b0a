"""Style of all figures, and figures as bytes that depend on nothing but their content."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

__all__ = ["CONTROL", "DERIVED", "FITTED", "GRID", "MEASURED", "SOLVERS", "style", "text", "to_png", "to_svg"]

# Okabe and Ito's palette, told apart with every kind of colour vision.
MEASURED, DERIVED, FITTED, CONTROL, GRID = "#000000", "#D55E00", "#0072B2", "#CC79A7", "#DDDDDD"
SOLVERS = (
    ("#0072B2", "o"), ("#E69F00", "s"), ("#009E73", "^"),
    ("#D55E00", "D"), ("#56B4E9", "v"), ("#000000", "P"),
)  # fmt: skip

_STYLE = {
    "svg.hashsalt": "zoba-bench",
    "svg.fonttype": "path",
    "text.hinting": "none",  # hinted widths would depend on the resolution
    "font.family": "DejaVu Sans",
    "font.size": 8.0,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8.0,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": 8.0,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
}


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Within it, figures are drawn and saved in the report's style, whatever matplotlibrc says."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def text(value: str) -> str:
    """A string that matplotlib shows as it is, without reading mathematics into it."""
    return value.replace("$", r"\$")


def to_png(figure: Figure, dpi: int = 150) -> bytes:
    """PNG bytes without a date or version."""
    FigureCanvasAgg(figure)
    stream = io.BytesIO()
    with style():
        figure.savefig(stream, format="png", dpi=dpi, metadata={"Software": None})
    return stream.getvalue()


def to_svg(figure: Figure, name: str, title: str) -> str:
    """An <svg> element for a page: no XML header, ids that begin with ``name``, a title for readers."""
    stream = io.StringIO()
    with style():
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(stream, format="svg", metadata=nothing)
    svg = stream.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'"#|url\(#', lambda match: f"{match.group()}{name}-", svg)
    svg = re.sub(r' width="[^"]*"| height="[^"]*"', "", svg[: svg.index(">")]) + svg[svg.index(">") :]
    label = title.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
