"""Small pictures as SVG: panels with axes, points with limits, lines and bands, in the colours of the reader's scheme.

One picture a claim is hundreds of pictures a report. These are written in well under a millisecond, hold their text as
text, are legible at the width of a phone, and turn dark where the reader's screen is. Colours are of Okabe and Ito's
palette, told apart with every kind of colour vision.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from markupsafe import escape

from zoba_bench.arrays import Array

__all__ = ["HEIGHT", "WIDTH", "Panel", "Picture", "legend", "number_label", "series_marker", "ticks_between"]

WIDTH, HEIGHT = 440, 320
Numbers = Sequence[float] | Array
#: Classes of the series of a picture with several, each with a marker of its own.
_MARKERS = ("circle", "square", "up", "diamond", "down", "plus")

_CSS = """
svg{--ink:#1b1f24;--soft:#57606a;--grid:#dde1e6;--band:#d5dae1;--back:#fff;
--derived:#b34700;--fit:#0067a5;--wrong:#a8437f;--s0:#0067a5;--s1:#8f5f00;--s2:#00735a;--s3:#b34700;--s4:#2272a0;--s5:#1b1f24;background:var(--back)}
@media screen and (prefers-color-scheme:dark){svg{--ink:#e8ebef;--soft:#a9b2bd;--grid:#353c45;
--band:#3d4650;--back:#161a1f;--derived:#ff9a52;--fit:#62b8f0;--wrong:#e79ac6;--s0:#62b8f0;--s1:#f0b440;--s2:#35c9a0;--s3:#ff9a52;--s4:#9cd3f5;--s5:#e8ebef}}
text{font:11.5px system-ui,-apple-system,"Segoe UI",sans-serif;fill:var(--ink)}.soft{fill:var(--soft)}
.grid{stroke:var(--grid);stroke-width:1}.axis{stroke:var(--soft);stroke-width:1}.band{fill:var(--band)}
.line{fill:none;stroke-width:2}.dashed{stroke-dasharray:5 3}.bar{stroke-width:1.5;fill:none}.zero{stroke-width:1.5}
.measured{--c:var(--ink)}.derived{--c:var(--derived)}.fit{--c:var(--fit)}.wrong{--c:var(--wrong)}
.s0{--c:var(--s0)}.s1{--c:var(--s1)}.s2{--c:var(--s2)}.s3{--c:var(--s3)}.s4{--c:var(--s4)}.s5{--c:var(--s5)}
.line,.bar,.zero{stroke:var(--c)}.mark{fill:var(--c)}.name{fill:var(--c)}
""".strip().replace("\n", "")


@dataclass
class Picture:
    """An SVG picture with a text for those who do not see it."""

    alternative: str
    height: float = HEIGHT
    parts: list[str] = field(default_factory=list)

    def add(self, part: str) -> None:
        """Add an element."""
        self.parts.append(part)

    def text(self, x: float, y: float, words: str, anchor: str = "start", kind: str = "") -> None:
        """Add words, escaped."""
        of = f' class="{kind}"' if kind else ""
        self.add(f'<text x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}"{of}>{escape(words)}</text>')

    def render(self) -> str:
        """The file's content."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {_n(self.height)}" width="{WIDTH}" '
            f'height="{_n(self.height)}" role="img">'
        )
        return f"{head}<title>{escape(self.alternative)}</title><style>{_CSS}</style>{''.join(self.parts)}</svg>\n"


@dataclass(frozen=True)
class Panel:
    """A rectangle of a picture with scales; x and y are logarithmic where so said."""

    picture: Picture
    box: tuple[float, float, float, float]  # left, top, right, bottom
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    log_x: bool = True
    log_y: bool = True

    def x(self, value: float) -> float:
        """Where a value stands, from left to right; what lies outside stands at the border."""
        return self.box[0] + _share(value, self.x_range, self.log_x) * (self.box[2] - self.box[0])

    def y(self, value: float) -> float:
        """Where a value stands, from bottom to top."""
        return self.box[3] - _share(value, self.y_range, self.log_y) * (self.box[3] - self.box[1])

    def x_axis(self, ticks: Iterable[float], label: str = "", grid: bool = False) -> None:
        """The axis below, ticks without room left out."""
        left, top, right, bottom = self.box
        self.picture.add(f'<path class="axis" d="M{_n(left)} {_n(bottom)}H{_n(right)}"/>')
        free = -math.inf
        for value in ticks:
            at, words = self.x(value), number_label(value)
            if grid:
                self.picture.add(f'<path class="grid" d="M{_n(at)} {_n(top)}V{_n(bottom)}"/>')
            if at - 3.3 * len(words) < free:
                continue
            free = at + 3.3 * len(words) + 6
            self.picture.add(f'<path class="axis" d="M{_n(at)} {_n(bottom)}v4"/>')
            self.picture.text(at, bottom + 16, words, "middle")
        if label:
            self.picture.text((left + right) / 2, bottom + 32, label, "middle", "soft")

    def y_axis(self, ticks: Iterable[float], label: str = "") -> None:
        """The axis at the left with grid lines, and its label above it."""
        left, top, right, _ = self.box
        for value in ticks:
            at = self.y(value)
            self.picture.add(f'<path class="grid" d="M{_n(left)} {_n(at)}H{_n(right)}"/>')
            self.picture.text(left - 6, at + 4, number_label(value), "end")
        if label:
            self.picture.text(4, top - 8, label, "start", "soft")

    def line(self, x: Numbers, y: Numbers, kind: str) -> None:
        """A line through points."""
        path = "L".join(f"{_n(self.x(a))} {_n(self.y(b))}" for a, b in zip(x, y, strict=True))
        self.picture.add(f'<path class="line {kind}" d="M{path}"/>')

    def band(self, x: Numbers, low: Numbers, high: Numbers) -> None:
        """What lies between two lines."""
        there = [f"{_n(self.x(a))} {_n(self.y(b))}" for a, b in zip(x, high, strict=True)]
        back = [f"{_n(self.x(a))} {_n(self.y(b))}" for a, b in zip(x, low, strict=True)][::-1]
        self.picture.add(f'<path class="band" d="M{"L".join(there + back)}Z"/>')

    def points(
        self, x: Numbers, y: Numbers, kind: str,
        low: Numbers | None = None, high: Numbers | None = None, marker: str = "circle",
    ) -> None:  # fmt: skip
        """Markers, with limits where they are given."""
        for i, (a, b) in enumerate(zip(x, y, strict=True)):
            if low is not None and high is not None:
                at, top, bottom = self.x(a), self.y(high[i]), self.y(low[i])
                caps = f"M{_n(at - 4)} {_n(top)}h8M{_n(at)} {_n(top)}V{_n(bottom)}M{_n(at - 4)} {_n(bottom)}h8"
                self.picture.add(f'<path class="bar {kind}" d="{caps}"/>')
            self.picture.add(_mark(marker, self.x(a), self.y(b), kind))


def legend(picture: Picture, entries: Sequence[tuple[str, str, str]], y: float = 14.0, left: float = 4.0) -> float:
    """Keys in lines of words, (shape, class, words) each; the height below the last line."""
    x = left
    for shape, kind, words in entries:
        wide = 37 + 6.7 * len(words)
        if x > left and x + wide > WIDTH:
            x, y = left, y + 17
        if shape == "band":
            picture.add(f'<rect class="band" x="{_n(x)}" y="{_n(y - 9)}" width="18" height="10"/>')
        elif shape in ("line", "dashed"):
            dashes = " dashed" if shape == "dashed" else ""
            picture.add(f'<path class="line {kind}{dashes}" d="M{_n(x)} {_n(y - 4)}h18"/>')
        else:
            picture.add(_mark(shape, x + 9, y - 4, kind))
        picture.text(x + 23, y, words)
        x += wide
    return y


def ticks_between(low: float, high: float, log: bool = True, most: int = 6) -> list[float]:
    """Round numbers between two others."""
    if not log:
        step = 10.0 ** math.floor(math.log10((high - low) / 2))
        step = next(step * f for f in (0.2, 0.5, 1, 2, 5, 10) if (high - low) / (step * f) <= most)
        first = math.ceil(low / step - 1e-9)
        return [round(k * step, 12) for k in range(first, math.floor(high / step + 1e-9) + 1)]
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    every = max(1, -(-len(exponents) // most))
    factors: tuple[int, ...] = (1, 2, 5) if len(exponents) <= 3 else (1,)
    found = [f * 10.0**k for k in exponents if k % every == 0 for f in factors]
    return [value for value in found if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]


def number_label(value: float) -> str:
    """A number on an axis: plain between a thousandth and a hundred thousand, a power of ten elsewhere."""
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:g}".replace("-", "−")
    factor, _, exponent = f"{value:.2e}".partition("e")
    raised = str(int(exponent)).translate(str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"))
    shown = f"{float(factor):g}"
    return f"10{raised}" if shown == "1" else f"{shown}×10{raised}"


def _share(value: float, bounds: tuple[float, float], log: bool) -> float:
    low, high = bounds
    if log:
        low, high = math.log(low), math.log(high)
        value = math.log(value) if value > 0 else -math.inf
    return float(np.clip((value - low) / (high - low), 0.0, 1.0))


def _mark(shape: str, x: float, y: float, kind: str) -> str:
    at = f"{_n(x)} {_n(y)}"
    paths: dict[str, Callable[[], str]] = {
        "square": lambda: f"M{_n(x - 3.5)} {_n(y - 3.5)}h7v7h-7z",
        "up": lambda: f"M{at}m0 -4.5l4.5 8h-9z",
        "down": lambda: f"M{at}m0 4.5l4.5 -8h-9z",
        "diamond": lambda: f"M{at}m0 -5l5 5l-5 5l-5 -5z",
        "plus": lambda: f"M{at}m-1.5 -5h3v3.5h3.5v3h-3.5v3.5h-3v-3.5h-3.5v-3h3.5z",
    }
    if shape in paths:
        return f'<path class="mark {kind}" d="{paths[shape]()}"/>'
    return f'<circle class="mark {kind}" cx="{_n(x)}" cy="{_n(y)}" r="3.6"/>'


def series_marker(index: int) -> tuple[str, str]:
    """Class and marker of one of several series."""
    return f"s{index % len(_MARKERS)}", _MARKERS[(index + index // len(_MARKERS)) % len(_MARKERS)]


def _n(value: float) -> str:
    """A coordinate, to a hundredth."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
