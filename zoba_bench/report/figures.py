"""The figures of a report: rates, moments, controls and the summary."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from zoba_bench.report import canvas
from zoba_bench.report.series import Line, honest_lines, one_a_solver, wrong_lines
from zoba_bench.report.wording import as_expected, by_protocol, heading, is_control, measured, number, pretty, titles

__all__ = ["Drawing", "draw_all"]

Row = Mapping[str, Any]
_DASHES = (0, (4, 2))
_RATIO_TICKS = {1.1: 0.9, 1.2: 0.8, 1.5: 0.7, 2.0: 0.5, 3.0: 0.3, 5.0: 0.2, 10.0: 0.1, 20.0: 0.05}
_WIDTH = 9.0  # inches; the page shows them as 900 pixels


@dataclass(frozen=True)
class Drawing:
    """A figure with its file name, title and caption."""

    name: str
    title: str
    caption: str
    figure: Figure
    dpi: int = 150


def draw_all(content: Mapping[str, Any]) -> list[Drawing]:
    """Every figure that the content of a run has data for."""
    rows, confidence = content["claims"], float(content.get("confidence") or 0.99)
    lines = honest_lines(rows)
    wrong = wrong_lines(rows)
    deviations = by_protocol(row for row in rows if (row.get("series") or {}).get("rows"))
    named = titles(rows)
    drawings = []
    with canvas.style():
        if summary := _summary(lines, confidence):
            drawings.append(summary)
        for protocol, group in lines.items():
            drawings.append(_rates(protocol, pretty(heading(protocol, named)), group, confidence))
        for protocol, found in deviations.items():
            drawings.append(_deviations(protocol, pretty(heading(protocol, named)), found))
        if wrong:
            drawings.append(_controls(wrong, confidence))
        for drawing in drawings:
            # Laid out once, not again for every format.
            drawing.figure.set_dpi(drawing.dpi)
            drawing.figure.draw_without_rendering()
            drawing.figure.set_layout_engine("none")
    return drawings


def _limits(confidence: float) -> str:
    return f"measured mean, limits at {confidence:.0%} for all claims together"


def _rates(protocol: str, title: str, lines: Sequence[Line], confidence: float) -> Drawing:
    """Rates above, measured over derived below; one column a line, three columns a row."""
    columns = min(3, len(lines))
    bands = -(-len(lines) // columns)
    figure = Figure(
        figsize=(_WIDTH, 4.0 * bands + 0.75),
        layout=ConstrainedLayoutEngine(h_pad=0.06, w_pad=0.06, hspace=0.04),
    )
    heights = [2.2, 1.1] * bands
    axes = figure.subplots(2 * bands, columns, squeeze=False, height_ratios=heights)
    handles: dict[str, Any] = {}
    for index, line in enumerate(lines):
        band, column = divmod(index, columns)
        above, below = axes[2 * band, column], axes[2 * band + 1, column]
        _rate_panel(above, line, confidence, handles)
        _residual_panel(below, line, handles)
        if column == 0:
            below.set_ylabel("measured / derived")
    for spare in range(len(lines), bands * columns):
        band, column = divmod(spare, columns)
        for axis in (axes[2 * band, column], axes[2 * band + 1, column]):
            axis.set_axis_off()
    _legend_below(figure, handles)
    words = sorted({line.judge()[1] for line in lines})
    caption = (
        "Both axes are logarithmic. Above: measured means with confidence limits (at "
        f"{confidence:.0%} for all claims of the run together), derived values, and the fitted power law. "
        f"Below: measured over derived, with the declared tolerance ({'; '.join(words)}). A band that opens "
        "from the middle of the data is that of a slope: the dashed line must stay in it, not every point."
    )
    return Drawing(f"rates-{protocol}", title, caption, figure)


def _rate_panel(axis: Any, line: Line, confidence: float, handles: dict[str, Any]) -> None:
    row = line.rows[0]
    problem = "" if row["problem"] == "reference" else f", {row['problem']}"
    where = _where(line)
    axis.set_title(canvas.text(f"{row['solver']}{problem}{where}"), loc="left", fontweight="bold")
    handles["derived value"] = axis.plot(line.x, line.derived, color=canvas.DERIVED, linewidth=2.2)[0]
    handles["fitted power law"] = axis.plot(line.x, line.fitted, color=canvas.FITTED, linewidth=1.2, linestyle=_DASHES)[
        0
    ]
    handles[_limits(confidence)] = _points(axis, line.x, line.measured, line.errors)
    axis.set_ylabel(_label(line.ylabel))
    rising = line.slope > 0
    claimed = line.slope_row()
    slope = number(line.slope, 3) if claimed is None else measured(claimed, 3)
    axis.text(
        0.97, 0.04 if rising else 0.95, f"slope {slope}", transform=axis.transAxes,
        ha="right", va="bottom" if rising else "top", color=canvas.FITTED,
    )  # fmt: skip
    _log_axes(axis, line.x)
    axis.tick_params(labelbottom=False)


def _where(line: Line) -> str:
    """What tells lines of one solver apart, the third part of a claim's id of four."""
    parts = line.rows[0]["id"].split("/")
    if len(parts) < 4:
        return ""
    return f" along {_label(line.xlabel)}" if parts[2] in line.xlabel else f", {_label(parts[2])}"


def _label(text: str) -> str:
    """An axis label with mathematical signs."""
    spaced = text.replace("=", " = ") if " " not in text else text
    return canvas.text(pretty(spaced).replace(" x ", " × ").replace(" - ", " − "))


def _residual_panel(axis: Any, line: Line, handles: dict[str, Any]) -> None:
    row, words = line.judge()
    handles[f"allowed: {words}"] = axis.fill_between(*line.band(row, line.derived), color=canvas.GRID, linewidth=0)
    axis.axhline(1.0, color=canvas.DERIVED, linewidth=1.2)
    if line.quantity(row) != "ratio":
        slope, level = line.fit(line.log_ratio)
        fitted = np.exp(level + slope * (np.log(line.x) - line.centre))
        axis.plot(line.x, fitted, color=canvas.FITTED, linewidth=1.2, linestyle=_DASHES)
    _points(axis, line.x, line.measured / line.derived, line.errors / line.derived)
    name = words.partition(" ±")[0]
    unexpected = "" if as_expected(row) else f": {row['verdict']}"
    axis.set_title(f"{name} {measured(row, 3)}{unexpected}", loc="left", fontsize=7.5, color="#333333", pad=3)
    axis.set_xlabel(_label(line.xlabel))
    _log_axes(axis, line.x, plain=True)


def _points(axis: Any, x: Any, y: Any, errors: Any, color: str = canvas.MEASURED, marker: str = "o") -> Any:
    return axis.errorbar(x, y, yerr=errors, fmt=marker, color=color, markersize=4, capsize=3, elinewidth=1.2, zorder=5)


def _log_axes(axis: Any, x: Any, plain: bool = False) -> None:
    """Logarithmic axes, ticks at the sizes themselves; ``plain`` writes y as plain numbers."""
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.xaxis.set_major_locator(FixedLocator(list(x)))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    low, high = float(np.min(x)), float(np.max(x))
    pad = (high / low) ** 0.07
    axis.set_xlim(low / pad, high * pad)
    axis.grid(True, which="major", axis="y")
    if plain:
        _plain_ratios(axis)
    else:
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


def _plain_ratios(axis: Any) -> None:
    """Ticks of a ratio near 1 as decimals; far from 1 as powers of ten."""
    low, high = axis.get_ylim()
    if high / low > 30:
        axis.yaxis.set_major_locator(LogLocator(numticks=4))
        axis.yaxis.set_minor_formatter(NullFormatter())
        return
    # At least a tenth each way, nearly symmetric about 1, so that good agreement looks good.
    reach = max(1.1, high, 1 / low)
    above = max(tick for tick in _RATIO_TICKS if tick <= reach)
    below = _RATIO_TICKS[above]
    axis.set_ylim(min(1 / reach**1.05, below / 1.01), reach**1.05)
    axis.yaxis.set_major_locator(FixedLocator([below, 1.0, above]))
    axis.yaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))


def _legend_below(figure: Figure, handles: Mapping[str, Any], columns: int = 2) -> None:
    figure.legend(
        list(handles.values()),
        [canvas.text(label) for label in handles],
        loc="outside lower center",
        ncols=columns,
        handlelength=2.4,
    )


def _deviations(protocol: str, title: str, rows: Sequence[Row]) -> Drawing:
    """Largest deviation of any moment in units of what is allowed, a line a problem."""
    honest = [row for row in rows if not is_control(row)]
    controls = [row for row in rows if is_control(row)]
    problems = list(dict.fromkeys(row["problem"] for row in honest))
    solvers = list(dict.fromkeys(row["solver"] for row in honest))
    labels = [*problems, *(row["id"].partition("/")[2].replace("control:", "") for row in controls)]
    finite = [value for row in rows if (value := _largest(row)) is not None]
    least, most = min([*finite, 0.1]) / 3, max([*finite, 10.0]) * 10
    figure = Figure(figsize=(_WIDTH, 0.34 * len(labels) + 1.5), layout=ConstrainedLayoutEngine(w_pad=0.06))
    axis = figure.subplots()
    handles: dict[str, Any] = {}

    def mark(row: Row, height: float, color: str, marker: str) -> Any:
        value = _largest(row)
        if value is None:
            axis.annotate("not finite", (most, height), ha="right", va="center", color=color)
            return None
        return axis.plot([value], [height], linestyle="none", marker=marker, color=color, markersize=6)[0]

    for row in honest:
        index = solvers.index(row["solver"])
        color, marker = canvas.SOLVERS[index % len(canvas.SOLVERS)]
        offset = (index - (len(solvers) - 1) / 2) * 0.22
        drawn = mark(row, problems.index(row["problem"]) + offset, color, marker)
        if drawn is not None:
            handles.setdefault(row["solver"], drawn)
    for index, row in enumerate(controls):
        drawn = mark(row, len(problems) + index, canvas.CONTROL, "X")
        if drawn is not None:
            handles.setdefault("control, deliberately wrong", drawn)
    handles["allowed: at most 1"] = axis.axvline(1.0, color=canvas.DERIVED, linewidth=1.5)
    if controls and honest:
        axis.axhline(len(problems) - 0.5, color="#888888", linewidth=0.8)
    axis.set_xscale("log")
    axis.set_xlim(least, most)
    axis.set_ylim(len(labels) - 0.5, -0.5)
    axis.set_yticks(range(len(labels)), [canvas.text(label) for label in labels])
    axis.xaxis.set_major_locator(LogLocator(numticks=10))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.grid(True, axis="x")
    axis.set_ylabel("problem; control")
    axis.set_xlabel("largest deviation of a mean or second moment, in units of what is allowed (no unit)")
    _legend_below(figure, handles, columns=len(handles))
    caption = (
        "For each solver and problem, the largest deviation of any surrogate's mean or second moment from "
        "its derived value, divided by what the remainder of the Taylor polynomial, rounding and, where "
        "sampled, confidence limits allow. The axis is logarithmic. Right of 1 is a violation, which the "
        "controls must show."
    )
    return Drawing(f"deviations-{protocol}", title, caption, figure)


def _largest(row: Row) -> float | None:
    """The measured deviation, at least 1e-16 to have a place on a logarithmic axis."""
    value = row.get("measured")
    return None if value is None or not math.isfinite(value) else max(float(value), 1e-16)


def _controls(lines: Sequence[tuple[str, Line]], confidence: float) -> Drawing:
    """What a wrong estimator or a wrong exponent looks like: measured over claimed, a panel a control."""
    columns = min(4, len(lines))
    bands = -(-len(lines) // columns)
    figure = Figure(figsize=(_WIDTH, 1.95 * bands + 0.6), layout=ConstrainedLayoutEngine(h_pad=0.06, w_pad=0.05))
    axes = figure.subplots(bands, columns, squeeze=False)
    handles: dict[str, Any] = {}
    for axis, (protocol, line) in zip(axes.flat, lines, strict=False):
        row = line.rows[0]
        claimed = line.claimed(row)
        axis.set_title(_control_title(protocol, row), loc="left", fontsize=7, color="#333333")
        handles["allowed by the wrong claim"] = axis.fill_between(
            *line.band(row, claimed), color="#BBBBBB", linewidth=0
        )
        handles["as claimed"] = axis.axhline(1.0, color=canvas.DERIVED, linewidth=1.2)
        handles[_limits(confidence)] = _points(
            axis, line.x, line.measured / claimed, line.errors / claimed, canvas.CONTROL
        )
        if not as_expected(row):
            axis.set_facecolor("#FFF2CC")
        axis.set_xlabel(_label(line.xlabel), labelpad=1)
        _log_axes(axis, line.x, plain=True)
    for axis in axes[:, 0]:
        axis.set_ylabel("measured / claimed")
    for axis in list(axes.flat)[len(lines) :]:
        axis.set_axis_off()
    _legend_below(figure, handles, columns=3)
    caption = (
        "What a wrong estimator or a wrong exponent looks like: measured over claimed means of every "
        f"control, with limits at {confidence:.0%} for all claims of the run together. Both axes are "
        "logarithmic. A control is rejected when its points leave the grey band. A band that opens is the "
        "tolerance of a slope; there the claim is drawn through the middle of the data, since it says "
        "nothing about the level."
    )
    return Drawing("controls", "Controls", caption, figure)


def _control_title(protocol: str, row: Row) -> str:
    statement = str(row["statement"]).removeprefix("Control: ").rstrip(".")
    words = textwrap.wrap(pretty(statement), 36)[:2]
    return canvas.text("\n".join([f"{protocol} {row['solver']}", *words]))


def _summary(lines: Mapping[str, Sequence[Line]], confidence: float) -> Drawing | None:
    """For the README: a panel for each protocol that asks for one, with its lines along one axis."""
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
        axis.set_title(title, loc="left", fontsize=9.5)
        sizes: set[float] = set()
        for line in group:
            color, marker = canvas.SOLVERS[solvers.index(line.solver) % len(canvas.SOLVERS)]
            axis.plot(line.x, line.derived, color=color, linewidth=1.6)
            drawn = _points(axis, line.x, line.measured, line.errors, color, marker)
            handles.setdefault(line.solver, drawn)
            sizes |= set(line.x)
        _log_axes(axis, np.array(sorted(sizes)))
        _label_slopes(axis, group, [handles[line.solver].lines[0].get_color() for line in group])
        axis.set_xlabel(_label(group[0].xlabel), fontsize=9)
        axis.set_ylabel(_label(group[0].ylabel), fontsize=9)
    handles["derived, nothing fitted"] = Line2D([], [], color="#777777", linewidth=1.6)
    handles[f"measured, limits at {confidence:.0%} together"] = axis.errorbar(
        [], [], yerr=[], fmt="o", color="#777777", markersize=4, capsize=3, elinewidth=1.2
    )
    _legend_below(figure, handles, columns=3)
    caption = (
        "Points: measured means with limits that hold together for all claims of the run at "
        f"{confidence:.0%} (often smaller than the marker). Lines: derived values, nothing fitted; the "
        "slopes are those of the points. Both axes are logarithmic; the reference problem has no units."
    )
    return Drawing("summary", "Measured and derived orders", caption, figure, dpi=200)


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
            f"slope {lines[index].slope:.2f}", (lines[index].x[-1], math.exp(height)), (9, 0),
            textcoords="offset points", va="center", color=colors[index], fontsize=8,
        )  # fmt: skip
