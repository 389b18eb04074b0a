"""The drawn pictures of README and documentation: ``python docs/schematics.py --write``.

Without an argument the names are printed; ``--write`` puts every picture into docs/figures, ``--check`` exits with 1
where one there has another structure. They have a light ground of their own, so that they read on a dark page too.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle

from zoba_bench.report import canvas
from zoba_bench.statistics import Limits, family_level, spending, weighted_level
from zoba_bench.verification.claim import Claim, Measurement, decide

__all__ = ["PICTURES", "structure", "to_svg"]

FOLDER = Path(__file__).parent / "figures"
INK, SOFT, GROUND, BAND = "#1b1f24", "#57606a", "#ffffff", "#d5e3f0"
BLUE, ORANGE, GREEN, RED, GREY = "#0067a5", "#b34700", "#00735a", "#a8437f", "#57606a"
VERDICT = {"consistent": GREEN, "violated": RED, "inconclusive": GREY}


def _canvas(width: float, height: float) -> tuple[Figure, Any]:
    """A figure of the given size in tenths of an inch, and an axis whose unit is that."""
    figure = Figure(figsize=(width / 10, height / 10), facecolor=GROUND)
    axis = figure.add_axes((0, 0, 1, 1))
    axis.set(xlim=(0, width), ylim=(0, height))
    axis.axis("off")
    return figure, axis


def _box(axis: Any, at: Sequence[float], title: str, lines: str, color: str = INK) -> None:
    """A box (left, bottom, width, height) with a title and lines of text."""
    left, bottom, width, height = at
    shape = FancyBboxPatch(
        (left, bottom), width, height, boxstyle="round,pad=0,rounding_size=1.2", facecolor="#f6f8fa", edgecolor=color,
        linewidth=1.4,
    )  # fmt: skip
    axis.add_patch(shape)
    axis.text(left + 1.2, bottom + height - 2.4, title, color=color, fontsize=9, fontweight="bold", va="center")
    axis.text(left + 1.2, bottom + height - 4.4, lines, color=INK, fontsize=8.5, va="top", linespacing=1.45)


def _arrow(axis: Any, start: Sequence[float], end: Sequence[float], words: str = "", bend: float = 0.0) -> None:
    """An arrow, with words above its middle."""
    style = {"arrowstyle": "-|>", "color": SOFT, "linewidth": 1.4, "connectionstyle": f"arc3,rad={bend}"}
    axis.annotate("", xy=end, xytext=start, arrowprops=style)
    if words:
        middle = [(a + b) / 2 for a, b in zip(start, end, strict=True)]
        axis.text(middle[0], middle[1] + 1.0, words, color=SOFT, fontsize=8, ha="center", va="bottom", linespacing=1.3)


def single_loop() -> Figure:
    """One iteration of a single-loop zeroth-order method."""
    figure, axis = _canvas(80, 27.5)
    state = r"$z$  the inner variable, near $z^*(x)$" + "\n" + r"$v$  the adjoint: $G_{zz}\,v = -F_z$" + "\n"
    _box(axis, (1.5, 15.5, 25, 10.8), "iterates, iteration k", state + r"$x$  the outer variable", BLUE)
    oracle = "values of $F$ and $G$,\nnothing else;\nevery one is counted"
    _box(axis, (51, 15.5, 27.5, 10.8), "oracle", oracle, ORANGE)
    surrogates = r"$D_z \approx G_z$" + "\n" + r"$D_v \approx G_{zz}v + F_z$" + "\n" + r"$D_x \approx G_{xz}v + F_x$"
    _box(axis, (51, 1.2, 27.5, 10.8), "surrogates: differences of values", surrogates, ORANGE)
    update = "\n".join(
        (r"$z \leftarrow z - \rho\,D_z$", r"$v \leftarrow v - \rho\,D_v$", r"$x \leftarrow x - \gamma\,D_x$")
    )
    _box(axis, (1.5, 1.2, 25, 10.8), "one step of all three, at once", update, BLUE)
    _arrow(axis, (26.9, 20.3), (50.6, 20.3), "points $z + hw$, $x + \\eta u$, ...\nwith random directions w, u")
    _arrow(axis, (64.75, 15.3), (64.75, 12.2))
    _arrow(axis, (50.6, 6.2), (26.9, 6.2), "means over directions,\nwith noise")
    _arrow(axis, (13.9, 12.2), (13.9, 15.3))
    return figure


def derived_measured() -> Figure:
    """What is derived and what is measured come from the same estimator, and meet in a verdict."""
    figure, axis = _canvas(80, 38)
    _box(axis, (1.5, 13.5, 19, 11), "estimator", "a few lines of\narithmetic, one code\nfor both ways", INK)
    derived = "mean and covariance of a step,\nbounds, counts; every step\nis verified; nothing is fitted"
    _box(axis, (27, 25.5, 27, 11), "derived, with symbols", derived, ORANGE)
    measured = "independent runs on a problem,\nvalues through the counting\noracle"
    _box(axis, (27, 11.5, 27, 11), "measured, with numbers", measured, BLUE)
    _box(axis, (61, 13.5, 17.5, 13), "verdict", "are the measured\nlimits within what\nthe derivation\nallows?", GREEN)
    _box(axis, (27, 1, 27, 7.5), "control: wrong on purpose", "must be refused on equal data", RED)
    _arrow(axis, (20.9, 21.5), (26.6, 30))
    _arrow(axis, (20.9, 18.5), (26.6, 17.2))
    _arrow(axis, (20.9, 15.5), (26.6, 6.0))
    _arrow(axis, (54.4, 30.5), (60.6, 24))
    axis.text(58.2, 29.0, "predicted $\\pm$ tolerance", color=ORANGE, fontsize=8, va="bottom")
    _arrow(axis, (54.4, 17.2), (60.6, 19.2))
    axis.text(55.6, 19.4, "limits", color=BLUE, fontsize=8, va="bottom")
    _arrow(axis, (54.4, 4.75), (67, 13.1))
    return figure


def _claim(relation: str) -> Claim:
    """A claim of which the pictures show verdicts: the prediction is 1, the tolerance 0.1."""
    return Claim("P/picture", "Of a picture.", "P", "", "", relation, 0.1, {})


def verdict() -> Figure:
    """Limits beside the allowed band, and what follows; the words come from the function that judges every claim."""
    figure, _ = _canvas(80, 36)
    plot = figure.add_axes((0.03, 0.17, 0.94, 0.72))
    plot.set(xlim=(0.76, 1.4), ylim=(-0.6, 4.6), yticks=[])
    plot.axvspan(0.9, 1.1, color=BAND, linewidth=0)
    plot.axvline(1.0, color=ORANGE, linewidth=1.6)
    plot.text(1.0, 4.72, "allowed: predicted $\\pm$ tolerance", color=ORANGE, fontsize=9, ha="center", va="bottom")
    rows = (
        ("limits inside", 1.008, 0.026), ("inside, beside the prediction", 1.06, 0.03),
        ("limits outside", 0.82, 0.035), ("neither inside nor outside", 1.09, 0.05), ("too few runs", 0.98, 0.14),
    )  # fmt: skip
    for height, (words, middle, half) in zip(range(4, -1, -1), rows, strict=True):
        seen = Measurement(1.0, middle, Limits(middle - half, middle + half))
        found, _ = decide(_claim("equal"), seen)
        plot.errorbar(
            [middle], [height], xerr=[half], fmt="o", color=VERDICT[found], capsize=4, markersize=5, elinewidth=1.8
        )
        plot.text(1.17, height, words, color=INK, fontsize=8.5, va="center")
        plot.text(1.397, height, found, color=VERDICT[found], fontsize=9, fontweight="bold", va="center", ha="right")
    plot.set_xticks([0.8, 0.9, 1.0, 1.1])
    plot.tick_params(labelsize=8, colors=SOFT)
    plot.set_xlabel(
        "measured over derived: the point, and limits that hold for all claims of a run together at 99 %",
        fontsize=8.5, color=SOFT, loc="left",
    )  # fmt: skip
    for side in ("left", "right", "top"):
        plot.spines[side].set_visible(False)
    plot.spines["bottom"].set_bounds(0.76, 1.15)
    return figure


def derivation() -> Figure:
    """The chain from one direction to the count, with what each link says."""
    figure, axis = _canvas(80, 20)
    links = (
        ("1  one direction", "its mean is the\nderivative; exact\nsecond moment\n(Isserlis)", BLUE),
        ("2  one step", "bounds on E a$^2$,\nE b$^2$, E $\\Psi$ after\nit, by a, b and g\nbefore it", BLUE),
        ("3  a run", "W falls in the mean,\nso the mean of g$^2$\nis at most\n$W_0/(\\gamma K) + \\tau$", ORANGE),
        ("4  a plan", "steps, radii,\ndirections and K\nwith which that is\nat most $\\varepsilon$", ORANGE),
        ("5  the count", "K times the\nevaluations of\na step:\n$n(\\varepsilon) = O(\\ldots)$", GREEN),
    )
    for index, (title, lines, color) in enumerate(links):
        left = 1.2 + 15.8 * index
        _box(axis, (left, 6, 14.2, 12.8), title, lines, color)
        if index:
            _arrow(axis, (left - 1.75, 12.4), (left + 0.15, 12.4))
    axis.text(
        1.2, 2.8,
        r"a = $|z - z^*(x)|$,  b = $|v - v^*(x)|$,  g = $|\nabla\Psi(x)|$,   "
        r"W = $\Psi - \inf\Psi + \varphi_a\,a^2 + \varphi_b\,b^2$",
        fontsize=8.5, color=SOFT, va="center",
    )  # fmt: skip
    return figure


def confidence() -> Figure:
    """How one per cent of error is shared: among the claims of a run, and among the looks at one claim."""
    figure, _ = _canvas(80, 30)
    claims, looks = 20, (0.25, 0.5, 1.0)
    level = family_level(0.99, claims)
    weights = [0.5] * 6 + [0.0] * 4 + [1.0] * 10
    again = weighted_level(0.99, weights)
    shares = [1 - at for at in spending(level, list(looks))]
    rows: tuple[tuple[str, list[float], str], ...] = (
        (f"at first: {claims} claims, 1 % / {claims} = {1 - level:.2%} of error each", [1 - level] * claims, BLUE),
        (
            f"then: 6 are violated and keep half, 4 are exact and need none, 10 are open: {1 - again:.3%} each",
            [weight * (1 - again) for weight in weights if weight],
            ORANGE,
        ),
        ("one claim's share over three looks at a quarter, half and all of its runs", shares, GREEN),
    )
    plot = figure.add_axes((0.03, 0.02, 0.94, 0.95))
    plot.set(xlim=(0, 1), ylim=(-1.0, 3.0))
    plot.axis("off")
    for height, (words, parts, color) in zip((2.3, 1.15, 0.0), rows, strict=True):
        plot.text(0, height + 0.34, words, fontsize=8.5, color=INK, va="bottom")
        left, total = 0.0, sum(parts)
        for part in parts:
            width = part / total
            plot.add_patch(
                Rectangle((left, height - 0.3), width, 0.55, facecolor=color, alpha=0.75, edgecolor=GROUND, linewidth=2)
            )
            left += width
    for look, (part, left) in enumerate(zip(shares, [sum(shares[:n]) / sum(shares) for n in range(3)], strict=True)):
        words = f"look {look + 1}\n{part:.3%}"
        plot.text(left + part / sum(shares) / 2, -0.38, words, fontsize=8, color=INK, ha="center", va="top")
    return figure


PICTURES: dict[str, Callable[[], Figure]] = {
    "single_loop": single_loop,
    "derived_measured": derived_measured,
    "verdict": verdict,
    "derivation": derivation,
    "confidence": confidence,
}


def to_svg(draw: Callable[[], Figure]) -> str:
    """The picture as SVG, without a date, with the same names in every run."""
    stream = io.StringIO()
    with canvas.style(), matplotlib.rc_context({"svg.hashsalt": "zoba-bench", "svg.fonttype": "path"}):
        figure = draw()
        FigureCanvasSVG(figure)
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def structure(svg: str) -> list[str]:
    """What must not change unseen: the words, and the elements in their order; not coordinates or shapes of letters."""
    drawing = re.sub(r"<defs>.*?</defs>", "", svg, flags=re.DOTALL)
    return re.findall(r"<!--.*?-->|<(?:g|path|text) ?", drawing)


def main() -> int:
    """Print, write or check, as the command line says."""
    chosen = sys.argv[1:]
    if chosen not in ([], ["--write"], ["--check"]):
        print("usage: python docs/schematics.py [--write | --check]", file=sys.stderr)
        return 2
    old = 0
    for name, draw in PICTURES.items():
        path = FOLDER / f"{name}.svg"
        if not chosen:
            print(path)
        elif chosen == ["--write"]:
            path.write_text(to_svg(draw), encoding="utf-8")
        elif not path.is_file() or structure(path.read_text(encoding="utf-8")) != structure(to_svg(draw)):
            print(f"{path} is out of date; run: python docs/schematics.py --write", file=sys.stderr)
            old = 1
    return old


if __name__ == "__main__":
    sys.exit(main())
