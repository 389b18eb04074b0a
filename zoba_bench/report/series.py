"""Lines of measured means against sizes, as the protocols store them, made ready to draw."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.report.wording import by_protocol, is_control

__all__ = ["Line", "honest_lines", "one_a_solver", "read_line"]


Row = Mapping[str, Any]
_KEYS = ("x", "predicted", "log_measured", "log_half_width")  # and "quantity", which is no sequence
_WIDEST = 50.0  # half-width in logarithms, beyond which limits say nothing and are drawn no wider


@dataclass(frozen=True, eq=False)
class Line:
    """Measured and derived means along one line of sizes, and the claims that rest on them.

    Attributes
    ----------
    x, derived : (n,) sizes and derived values.
    log_measured, half_width : (n,) natural logarithms of the means, half-widths of their limits.
    xlabel, ylabel : names of the axes.
    rows : the claims about this line.
    """

    x: Array
    derived: Array
    log_measured: Array
    half_width: Array
    xlabel: str
    ylabel: str
    rows: tuple[Row, ...]

    @property
    def solver(self) -> str:
        """The solver that was measured."""
        return str(self.rows[0]["solver"])

    @property
    def measured(self) -> Array:
        """Measured means."""
        return np.exp(self.log_measured)

    @property
    def errors(self) -> Array:
        """(2, n) distances of the measured means to their lower and upper limits."""
        half = np.minimum(self.half_width, _WIDEST)
        return np.asarray(self.measured * [-np.expm1(-half), np.expm1(half)])

    @cached_property
    def weights(self) -> Array:
        """Weights of the fits, the inverse squares of the half-widths."""
        floor = max(1e-6 * float(self.half_width.max()), 1e-12)
        weights = np.maximum(self.half_width, floor) ** -2
        return np.asarray(weights / weights.sum())

    @property
    def centre(self) -> float:
        """Weighted mean of log x."""
        return float(self.weights @ np.log(self.x))

    def fit(self, values: Array) -> tuple[float, float]:
        """Slope against log x, and value at the centre, of values fitted with the weights."""
        shift = np.log(self.x) - self.centre
        spread = float(self.weights @ shift**2)
        return (float(self.weights @ (shift * values)) / spread if spread else 0.0), float(self.weights @ values)

    @cached_property
    def log_ratio(self) -> Array:
        """Log of measured over derived."""
        return self.log_measured - np.log(self.derived)

    @property
    def slope(self) -> float:
        """Fitted exponent."""
        return self.fit(self.log_measured)[0]

    @property
    def fitted(self) -> Array:
        """The fitted power law at the sizes; with the slope that a claim measured, where one is about the slope."""
        slope, level = self.fit(self.log_measured)
        slopes = [row["measured"] for row in self.rows if self.quantity(row) == "slope"]
        slope = next((s for s in slopes if s is not None and math.isfinite(s)), slope)
        return np.asarray(np.exp(level + slope * (np.log(self.x) - self.centre)))

    def quantity(self, row: Row) -> str:
        """Which number of this line a claim is about: "ratio", "residual" or "slope"."""
        return str(row["series"]["quantity"])

    def claimed(self, row: Row) -> Array:
        """What a claim says of the means; a claim on a slope says it through the middle of the data."""
        quantity = self.quantity(row)
        if quantity == "ratio":
            return self.derived
        if quantity == "residual":
            return np.asarray(self.derived * math.exp(self.fit(self.log_ratio)[1]))
        shift = np.log(self.x) - self.centre
        return np.asarray(np.exp(self.fit(self.log_measured)[1] + float(row["predicted"] or 0.0) * shift))

    def band(self, row: Row, reference: Array) -> tuple[Array, Array, Array]:
        """Sizes, and least and largest means that a claim allows there, over ``reference`` values.

        The tolerance of a slope opens from the middle of the data.
        """
        tolerance = float(row.get("tolerance") or 0.0)
        logs = np.log(self.x)
        fine = np.union1d(np.linspace(logs[0], logs[-1], 33), self.centre)
        middle = np.interp(fine, logs, np.log(self.claimed(row) / reference))
        if self.quantity(row) == "ratio":
            low, high = math.log(max(1 - tolerance, 1e-3)), math.log(1 + tolerance)
            return np.exp(fine), np.exp(middle + low), np.exp(middle + high)
        wedge = tolerance * np.abs(fine - self.centre)
        return np.exp(fine), np.exp(middle - wedge), np.exp(middle + wedge)


def read_line(row: Row) -> Line | None:
    """The line of a claim; None if it has none or fewer than two finite points."""
    series = row.get("series") or {}
    if not all(series.get(key) for key in _KEYS):
        return None
    points = sorted(
        point for point in zip(*(series[key] for key in _KEYS), strict=True)
        if None not in point and point[0] > 0 and point[1] > 0
    )  # fmt: skip
    if len({point[0] for point in points}) < 2:
        return None
    x, derived, log_measured, half_width = np.array(points, dtype=np.float64).T
    return Line(
        x,
        derived,
        log_measured,
        half_width,
        str(series.get("xlabel", "")),
        str(series.get("ylabel", "")),
        (row,),
    )


def honest_lines(rows: Iterable[Row]) -> dict[str, list[Line]]:
    """Lines by protocol, controls left out; claims on the same data share a line."""
    found: dict[str, list[Line]] = {}
    for protocol, group in by_protocol(row for row in rows if not is_control(row)).items():
        lines: dict[str, Line] = {}
        for row in group:
            line = read_line(row)
            if line is None:
                continue
            data = {name: value for name, value in row["series"].items() if name != "quantity"}
            key = repr((row["solver"], row["problem"], data))
            known = lines.get(key)
            lines[key] = line if known is None else replace(known, rows=(*known.rows, row))
        if lines:
            found[protocol] = list(lines.values())
    return found


def one_a_solver(lines: Iterable[Line]) -> list[Line]:
    """Of each solver's lines against derived values the one that reaches farthest, with the narrowest limits.

    Claims about the same runs that were decided at different looks have lines of their own: a later look has all the
    data of an earlier one and more. What is compared with a published order is no derived line.
    """
    chosen: dict[str, Line] = {}
    for line in lines:
        known = chosen.get(line.solver)
        if line.rows[0].get("origin") == "derived" and (known is None or _reach(line) > _reach(known)):
            chosen[line.solver] = line
    return list(chosen.values())


def _reach(line: Line) -> tuple[float, float]:
    return float(line.x[-1]), -float(line.half_width.sum())
