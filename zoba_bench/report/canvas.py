"""Style of all figures, and figures as bytes that depend on nothing but their content."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

__all__ = ["MEASURED", "SOLVERS", "style", "text", "to_png"]

# Okabe and Ito's palette, told apart with every kind of colour vision.
MEASURED, GRID = "#000000", "#DDDDDD"
SOLVERS = (
    ("#0072B2", "o"), ("#E69F00", "s"), ("#009E73", "^"),
    ("#D55E00", "D"), ("#56B4E9", "v"), ("#000000", "P"),
)  # fmt: skip

_STYLE = {
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
