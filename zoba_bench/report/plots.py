"""The picture of one claim, with its points as CSV; and pictures of several solvers in one."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.report.series import Line, read_line
from zoba_bench.report.svg import WIDTH, Panel, Picture, legend, series_marker, ticks_between
from zoba_bench.report.typography import pretty
from zoba_bench.report.wording import is_control, number

__all__ = ["Plot", "claim_plot", "curves_plot", "growth_plot", "shares_plot"]

Row = Mapping[str, Any]
#: Deviations that a picture shows, the largest ones; the CSV has all.
_SHOWN = 14
_LONGEST = 28  # letters of a name
_LEAST = 1e-6  # a deviation below it stands at the border


@dataclass(frozen=True)
class Plot:
    """A picture, what it shows in words, its height, and its points."""

    svg: str
    alternative: str
    height: float
    csv: str

    @property
    def width(self) -> int:
        """All pictures are as wide."""
        return WIDTH


def claim_plot(row: Row) -> Plot | None:
    """The picture of a claim; None where there is nothing to see: no number, or an exact one that agrees."""
    line = read_line(row)
    if line is not None:
        return _line_plot(row, line)
    deviations = (row.get("series") or {}).get("rows")
    if deviations:
        return _deviation_plot(row) if any(value is not None for value, _ in deviations) else None
    measured, allowed = row.get("measured"), _allowed(row)
    if (
        measured is None
        or not math.isfinite(measured)
        or row.get("relation") in ("exact", "none")
        or not any(end is not None for end in allowed)
    ):
        return None
    return _interval_plot(row)


def growth_plot(lines: Sequence[Line], title: str, solvers: Sequence[str]) -> Plot:
    """Several solvers' measured means on their derived lines; a place in ``solvers`` is a marker and a colour."""
    ends = "; ".join(
        f"{line.solver} from {number(line.measured[0], 3)} to {number(line.measured[-1], 3)}" for line in lines
    )
    picture = Picture(f"{title}, measured on derived lines: {ends}.", height=256)
    keys = [("dashed", "measured", "derived")]
    looks = [series_marker(solvers.index(line.solver)) for line in lines]
    keys += [(marker, kind, line.solver) for (kind, marker), line in zip(looks, lines, strict=True)]
    top = legend(picture, keys) + 30
    low = min(float(np.min([line.derived, line.measured - line.errors[0]])) for line in lines)
    high = max(float(np.max([line.derived, line.measured + line.errors[1]])) for line in lines)
    sizes = sorted({float(x) for line in lines for x in line.x})
    panel = Panel(picture, (58, top, WIDTH - 12, picture.height - 42), _padded(sizes[0], sizes[-1]), _padded(low, high))
    panel.y_axis(ticks_between(*panel.y_range), pretty(lines[0].ylabel))
    panel.x_axis(sizes, _axis_name(lines[0].xlabel))
    table: list[list[Any]] = []
    for (kind, marker), line in zip(looks, lines, strict=True):
        panel.line(line.x, line.derived, f"{kind} dashed")
        panel.points(line.x, line.measured, kind, *_limits(line), marker)
        table += [[line.solver, *values] for values in _points(line)]
    return Plot(picture.render(), picture.alternative, picture.height, _csv(["solver", *_POINT_NAMES], table))


def curves_plot(rows: Sequence[Row], title: str, label: str) -> Plot | None:
    """Medians of several solvers along the budget; None where no row has a curve."""
    curves: dict[str, list[tuple[float, float]]] = {
        row["solver"]: [(float(n), float(m)) for n, m in zip(row["evaluations"], row["curve"], strict=True)
                        if m is not None and m > 0]
        for row in rows if row.get("curve")
    }  # fmt: skip
    curves = {name: points for name, points in curves.items() if len(points) > 1}
    if not curves:
        return None
    ends = ", ".join(f"{name} {number(points[-1][1], 3)}" for name, points in curves.items())
    picture = Picture(f"{title}: median {label} along the budget; at its end {ends}.")
    keys = [(series_marker(i)[1], series_marker(i)[0], name) for i, name in enumerate(curves)]
    top = legend(picture, keys) + 30
    picture.height = top + 250
    every = [m for points in curves.values() for _, m in points]
    most = max(n for points in curves.values() for n, _ in points)
    y_range = _padded(max(min(every), 1e-30 * max(every)), max(every))
    panel = Panel(picture, (58, top, WIDTH - 16, picture.height - 42), (0.0, most), y_range, log_x=False)
    panel.y_axis(ticks_between(*y_range), label)
    panel.x_axis(ticks_between(0.0, most, log=False), "evaluations")
    for i, points in enumerate(curves.values()):
        kind, marker = series_marker(i)
        x, y = [n for n, _ in points], [m for _, m in points]
        every_so_many = max(1, len(points) // 6)
        panel.line(x, y, kind)
        panel.points(x[::every_so_many], y[::every_so_many], kind, marker=marker)
    table = [[name, number_of, median] for name, points in curves.items() for number_of, median in points]
    return Plot(picture.render(), picture.alternative, picture.height, _csv(["solver", "evaluations", "median"], table))


def shares_plot(
    curves: Mapping[str, Sequence[tuple[float, float]]], title: str, label: str, reach: tuple[float, float]
) -> Plot:
    """Shares of several solvers that grow in steps along a logarithmic axis; a point begins a step."""
    ends = ", ".join(f"{name} {points[-1][1] if points else 0:.0%}" for name, points in curves.items())
    picture = Picture(f"{title}; in the end {ends}.")
    keys = [(series_marker(i)[1], series_marker(i)[0], name) for i, name in enumerate(curves)]
    top = legend(picture, keys) + 30
    picture.height = top + 250
    x_range = _padded(*reach)
    panel = Panel(picture, (58, top, WIDTH - 16, picture.height - 42), x_range, (0.0, 1.0), log_y=False)
    panel.y_axis((0.0, 0.25, 0.5, 0.75, 1.0), "share")
    panel.x_axis(ticks_between(*x_range), label)
    for i, points in enumerate(curves.values()):
        kind, marker = series_marker(i)
        x, y = [x_range[0]], [0.0]
        for place, share in points:
            x += [place, place]
            y += [y[-1], share]
        panel.line([*x, x_range[1]], [*y, y[-1]], kind)
        some = points[:: max(1, len(points) // 6)]
        panel.points([place for place, _ in some], [share for _, share in some], kind, marker=marker)
    table = [[name, place, share] for name, points in curves.items() for place, share in points]
    return Plot(picture.render(), picture.alternative, picture.height, _csv(["solver", label, "share"], table))


_POINT_NAMES = ["size", "derived", "measured", "lower", "upper", "fitted"]


def _line_plot(row: Row, line: Line) -> Plot:
    """Means above, measured over derived below, with what the claim allows."""
    kind = "wrong" if is_control(row) else "measured"
    who = "claimed" if is_control(row) else "derived"
    ratio = line.measured / line.derived
    picture = Picture(
        f"{_axis_name(line.ylabel)} over {_axis_name(line.xlabel)}: measured over {who} between "
        f"{number(float(ratio.min()), 3)} and {number(float(ratio.max()), 3)}; {row['verdict']}.",
        height=392,
    )
    bottom = legend(picture, [
        (series_marker(0)[1], kind, "measured"), ("line", "derived", who),
        ("dashed", "fit", "fitted power law"), ("band", "", "allowed"),
    ])  # fmt: skip
    low, high = _limits(line)
    x_range = _padded(float(line.x[0]), float(line.x[-1]))
    fine, least, most = line.band(row, np.ones_like(line.derived))
    every = [line.derived, low, high, least, most]
    above = Panel(
        picture, (58, bottom + 28, WIDTH - 12, 228), x_range,
        _padded(min(float(v.min()) for v in every), max(float(v.max()) for v in every)),
    )  # fmt: skip
    above.band(fine, least, most)
    above.y_axis(ticks_between(*above.y_range), _axis_name(line.ylabel))
    above.line(line.x, line.derived, "derived")
    above.line(line.x, line.fitted, "fit dashed")
    above.points(line.x, line.measured, kind, low, high)
    fine, least, most = line.band(row, line.derived)
    every = [low / line.derived, high / line.derived, least, most, np.array([0.95, 1.05])]
    reach = min(float(v.min()) for v in every), max(float(v.max()) for v in every)
    below = Panel(picture, (58, 264, WIDTH - 12, 350), x_range, _padded(*reach, share=0.1))
    below.band(fine, least, most)
    below.y_axis(_ratio_ticks(*below.y_range), f"measured / {who}")
    below.line(x_range, (1.0, 1.0), "derived")
    below.line(line.x, line.fitted / line.derived, "fit dashed")
    below.points(line.x, ratio, kind, low / line.derived, high / line.derived)
    below.x_axis(line.x, _axis_name(line.xlabel))
    return Plot(picture.render(), picture.alternative, picture.height, _csv(_POINT_NAMES, _points(line)))


def _deviation_plot(row: Row) -> Plot:
    """Deviations in units of what is allowed, the largest on top."""
    found = [(float(value), str(name)) for value, name in row["series"]["rows"] if value is not None]
    unseen = sum(value is None for value, _ in row["series"]["rows"])
    shown = sorted(found, key=lambda pair: (-pair[0], pair[1]))[:_SHOWN]
    limit = float(row.get("predicted") or 0.0) + float(row.get("tolerance") or 0.0) or 1.0
    largest = f"{number(shown[0][0], 3)} ({pretty(shown[0][1])})"
    picture = Picture(
        f"Deviations in units of what is allowed, largest {largest} of {len(found)}; allowed is at most "
        f"{number(limit)}; {row['verdict']}.",
        height=72 + 20 * len(shown),
    )
    kind = "wrong" if is_control(row) else "measured"
    legend(picture, [("circle", kind, "measured"), ("band", "", f"allowed: at most {number(limit)}")])
    most = max([10 * limit, *(3 * value for value, _ in shown)])
    least = max(_LEAST, min([limit / 100, *(value / 3 for value, _ in shown if value > 0)]))
    panel = Panel(
        picture, (196, 26, WIDTH - 14, picture.height - 40), (least, most), (len(shown) - 0.5, -0.5), True, False
    )
    panel.band([least, limit], [len(shown) - 0.5] * 2, [-0.5] * 2)
    panel.x_axis(ticks_between(least, most), "deviation / allowed", grid=True)
    for place, (value, name) in enumerate(shown):
        words = pretty(name)
        picture.text(190, panel.y(place) + 4, words if len(words) <= _LONGEST else f"…{words[1 - _LONGEST :]}", "end")
        panel.points([max(value, least)], [place], kind)
    table = [[name, value] for value, name in found]
    table += [[name, ""] for value, name in row["series"]["rows"] if value is None] if unseen else []
    return Plot(picture.render(), picture.alternative, picture.height, _csv(["what", "deviation"], table))


def _interval_plot(row: Row) -> Plot:
    """A measured number with its limits on the axis of what is allowed."""
    low, high = _allowed(row)
    measured, predicted = float(row["measured"]), row.get("predicted")
    limits = [v for v in (row.get("limits") or []) if v is not None and math.isfinite(v)]
    numbers = [v for v in (low, high, measured, predicted, *limits) if v is not None]
    positive = min(numbers) > 0 and max(numbers) > 20 * min(numbers)
    if positive:
        bounds = _padded(min(numbers), max(numbers), share=0.15)
    else:
        room = 0.15 * (max(numbers) - min(numbers) or abs(measured) or 1.0)
        bounds = min(numbers) - room, max(numbers) + room
    kind = "wrong" if is_control(row) else "measured"
    words = f"Measured {number(measured)}" + (
        f" between {number(limits[0])} and {number(limits[-1])}" if limits else ""
    )
    picture = Picture(f"{words}; predicted {number(predicted)}; {row['verdict']}.", height=104)
    legend(
        picture, [("circle", kind, "measured, with limits"), ("line", "derived", "predicted"), ("band", "", "allowed")]
    )
    panel = Panel(picture, (14, 28, WIDTH - 14, 66), bounds, (0.0, 1.0), positive, False)
    ends = [bounds[0] if low is None else low, bounds[1] if high is None else high]
    panel.band(ends, [0.0, 0.0], [1.0, 1.0])
    panel.x_axis(ticks_between(*bounds, log=positive))
    if predicted is not None:
        panel.line([predicted] * 2, [0.0, 1.0], "derived")
    if len(limits) == 2:
        start, end, at = panel.x(limits[0]), panel.x(limits[1]), panel.y(0.5)
        caps = f"M{start:.2f} {at - 4:.2f}v8M{start:.2f} {at:.2f}H{end:.2f}M{end:.2f} {at - 4:.2f}v8"
        picture.add(f'<path class="bar {kind}" d="{caps}"/>')
    panel.points([measured], [0.5], kind)
    extra = [[k, v] for k, v in (row.get("series") or {}).items() if isinstance(v, (int, float, str))]
    table: list[list[Any]] = [
        ["predicted", predicted], ["measured", measured], *map(list, zip(["lower", "upper"], limits, strict=False)),
        ["allowed from", low], ["allowed to", high], *extra,
    ]  # fmt: skip
    return Plot(picture.render(), picture.alternative, picture.height, _csv(["quantity", "value"], table))


def _allowed(row: Row) -> tuple[float | None, float | None]:
    predicted, tolerance = row.get("predicted"), row.get("tolerance")
    if predicted is None or tolerance is None:
        return None, None
    relation = row.get("relation")
    return (
        None if relation == "at_most" else predicted - tolerance,
        None if relation == "at_least" else predicted + tolerance,
    )


def _limits(line: Line) -> tuple[Array, Array]:
    below, above = line.errors
    return line.measured - below, line.measured + above


def _points(line: Line) -> list[list[float]]:
    low, high = _limits(line)
    columns = np.array([line.x, line.derived, line.measured, low, high, line.fitted])
    return [[float(value) for value in point] for point in columns.T]


def _padded(low: float, high: float, share: float = 0.05) -> tuple[float, float]:
    """A logarithmic range with some room at both ends, and at least a tenth wide."""
    room = max((high / low) ** share, 1.05)
    return low / room, high * room


def _ratio_ticks(low: float, high: float) -> list[float]:
    """Round ratios, 1 among them, that can be told apart."""
    if high / low > 8:
        return ticks_between(low, high, most=4)
    steps = (1.05, 1.1, 1.2, 1.5, 2.0)
    step = next((s for s in steps if max(high, 1 / low) <= s**2.3), steps[-1])
    below = {1.05: 0.95, 1.1: 0.9, 1.2: 0.8, 1.5: 0.7, 2.0: 0.5}[step]
    return [value for value in (below, 1.0, step) if low <= value <= high]


def _axis_name(text: str) -> str:
    spaced = text.replace("=", " = ") if " " not in text else text
    return pretty(spaced)


def _csv(names: Sequence[str], table: Sequence[Sequence[Any]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(table)
    return stream.getvalue()
