"""The summary figure of a run, as README and documentation show it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from zoba_bench.report import canvas
from zoba_bench.report.series import Line, honest_lines, one_a_solver
from zoba_bench.report.typography import pretty

__all__ = ["DPI", "draw_lines", "draw_summary"]

DPI = 200


def draw_summary(content: Mapping[str, Any]) -> Figure | None:
    """A panel for each protocol that asks for one, with its lines along one axis; None where none of them has lines.

    Points are measured means with limits that hold together for all claims of the run; lines are derived values, and
    nothing is fitted to them. The slopes are those that claims measured, else those of the points.
    """
    with canvas.style():
        figure = _summary(honest_lines(content["claims"]), float(content.get("confidence") or 0.99))
        if figure is not None:
            # Laid out once, not again for every format.
            figure.set_dpi(DPI)
            figure.draw_without_rendering()
            figure.set_layout_engine("none")
    return figure


def draw_lines(axis: Any, lines: Sequence[Line], title: str, solvers: Sequence[str]) -> dict[str, Any]:
    """Measured points with limits on derived lines, with their slopes; the points by solver, for a legend.

    A place in ``solvers`` is a colour and a marker.
    """
    axis.set_title(title, loc="left", fontsize=9.5)
    handles: dict[str, Any] = {}
    for line in lines:
        color, marker = canvas.SOLVERS[solvers.index(line.solver) % len(canvas.SOLVERS)]
        axis.plot(line.x, line.derived, color=color, linewidth=1.6)
        handles[line.solver] = _points(axis, line.x, line.measured, line.errors, color, marker)
    _log_axes(axis, np.array(sorted({x for line in lines for x in line.x})))
    _label_slopes(axis, lines, [handles[line.solver].lines[0].get_color() for line in lines])
    axis.set_xlabel(_label(lines[0].xlabel), fontsize=9)
    axis.set_ylabel(_label(lines[0].ylabel), fontsize=9)
    return handles


def _label(text: str) -> str:
    """An axis label with mathematical signs."""
    spaced = text.replace("=", " = ") if " " not in text else text
    return canvas.text(pretty(spaced))


def _points(axis: Any, x: Any, y: Any, errors: Any, color: str = canvas.MEASURED, marker: str = "o") -> Any:
    return axis.errorbar(x, y, yerr=errors, fmt=marker, color=color, markersize=4, capsize=3, elinewidth=1.2, zorder=5)


def _log_axes(axis: Any, x: Any) -> None:
    """Logarithmic axes, ticks at the sizes themselves."""
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.xaxis.set_major_locator(FixedLocator(list(x)))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    low, high = float(np.min(x)), float(np.max(x))
    pad = (high / low) ** 0.07
    axis.set_xlim(low / pad, high * pad)
    axis.grid(True, which="major", axis="y")
    _decades(axis)


def _decades(axis: Any) -> None:
    """Ticks at powers of ten; at their doubles and halves too where there are few."""
    least, most = axis.get_ylim()
    if most / least < 10:
        least, most = least / 1.6, most * 1.6
        axis.set_ylim(least, most)
    axis.yaxis.set_minor_formatter(NullFormatter())
    if most / least < 100:
        axis.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _round_number(value)))


def _round_number(value: float) -> str:
    """1, 2 or 5 times a power of ten."""
    if 1e-3 <= value < 1e5:
        return f"{value:g}"
    exponent = math.floor(math.log10(value) + 1e-9)
    factor = f"{value / 10.0**exponent:.0f}"
    return f"$10^{{{exponent}}}$" if factor == "1" else rf"${factor}\times10^{{{exponent}}}$"


def _legend_below(figure: Figure, handles: Mapping[str, Any], columns: int = 2) -> None:
    figure.legend(
        list(handles.values()),
        [canvas.text(label) for label in handles],
        loc="outside lower center",
        ncols=columns,
        handlelength=2.4,
    )


def _summary(lines: Mapping[str, Sequence[Line]], confidence: float) -> Figure | None:
    panels: list[tuple[str, Sequence[Line]]] = []
    for group in lines.values():
        asked = group[0].rows[0].get("summary") or {}
        along = [line for line in group if asked and line.xlabel.partition(" ")[0] == asked["along"]]
        shown = one_a_solver(along)
        if shown:
            panels.append((asked["title"], shown))
    if not panels:
        return None
    solvers = list(dict.fromkeys(line.solver for _, group in panels for line in group))
    figure = Figure(figsize=(8.0, 4.5), layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.08))
    figure.suptitle(
        "Zeroth-order bilevel methods against their derived laws",
        fontsize=11,
        fontweight="bold",
        x=0.02,
        ha="left",
    )
    handles: dict[str, Any] = {}
    for axis, (title, group) in zip(np.atleast_1d(figure.subplots(1, len(panels))), panels, strict=True):
        handles = {**draw_lines(axis, group, title, solvers), **handles}
    handles = {name: handles[name] for name in solvers}
    handles["derived, nothing fitted"] = Line2D([], [], color="#777777", linewidth=1.6)
    handles[f"measured, limits at {confidence:.0%} together"] = axis.errorbar(
        [], [], yerr=[], fmt="o", color="#777777", markersize=4, capsize=3, elinewidth=1.2
    )
    _legend_below(figure, handles, columns=3)
    return figure


def _label_slopes(axis: Any, lines: Sequence[Line], colors: Sequence[str]) -> None:
    """Fitted slopes to the right of the lines' ends, moved apart where they would overlap."""
    left, right = axis.get_xlim()
    axis.set_xlim(left, right * (right / left) ** 0.28)
    bottom, top = np.log(axis.get_ylim())
    least = 0.06 * (top - bottom)
    heights: list[float] = []
    order = sorted(range(len(lines)), key=lambda i: float(lines[i].derived[-1]))
    for index in order:
        height = math.log(lines[index].derived[-1])
        heights.append(max(height, heights[-1] + least) if heights else height)
    for index, height in zip(order, heights, strict=True):
        axis.annotate(
            f"slope {lines[index].shown_slope:.2f}", (lines[index].x[-1], math.exp(height)), (9, 0),
            textcoords="offset points", va="center", color=colors[index], fontsize=8,
        )  # fmt: skip
