"""Tasks with data: who is ahead, in a sentence a task, as tables for terminal and page, with pictures of the ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from zoba_bench.report import canvas
from zoba_bench.report.comparison import by_problem, value
from zoba_bench.report.failures import failures
from zoba_bench.report.names import Names
from zoba_bench.report.pages import environment
from zoba_bench.report.sheet import Sheet
from zoba_bench.report.typography import rich

__all__ = ["application_files", "application_table", "draw_images", "sentence", "sentences"]

Row = Mapping[str, Any]
_ACROSS = 10  # images in a line


def sentence(content: Mapping[str, Any], winner: Row) -> str:
    """Who is ahead on a task: at equal evaluations, how surely, how far from the reference, and at equal time."""
    reference = content["tasks"][winner["problem"]]["reference"].get("value")
    name = winner["problem"]
    words = f"{name[:1].upper()}{name[1:]}, {winner['oracle']} queried, {winner['methods']} method"
    words += f"{'s' if winner['methods'] != 1 else ''}: "
    metric = content["tasks"][winner["problem"]]["metric"]
    words += f"at equal evaluations {winner['at_equal_evaluations']} ends lowest, {metric} = {value(winner['median'])}"
    if reference is not None:
        words += f" (reference {value(reference)})"
    if winner["behind"]:
        how = "apart from" if winner["apart"] else "within the quartiles of"
        words += f", {how} {winner['behind']}"
    return f"{words}; at equal time {winner['at_equal_time']}, {value(winner['median_then'])}."


def sentences(content: Mapping[str, Any]) -> list[str]:
    """One for each task and kind of queries."""
    return [sentence(content, winner) for winner in content["winners"]]


def application_table(content: Mapping[str, Any]) -> Sheet:
    """Methods of each task, best first, for the terminal."""
    table = Sheet("method", "queries", "median", "[quartiles]", "CPU s", "measures", head=2, whole=(2, 3))
    for name, rows in by_problem(content["rows"]).items():
        about = content["tasks"][name]
        found = about["reference"].get("value")
        known = "" if found is None else f", reference {value(found)}"
        table.add_title(f"{name}, {about['metric']} from {value(rows[0]['start'])}{known}")
        for row in rows:
            low, high = map(value, row["quartiles"])
            failed = f"  {row['failed']} failed" if row["failed"] else ""
            measures = ", ".join(f"{title} {value(found[1])}" for title, found in row["measures"].items())
            table.add_row(
                row["solver"], row["oracle"], value(row["median"]), f"[{low}, {high}]{failed}",
                f"{row['seconds']:.2g}", measures,
            )  # fmt: skip
    return table


def draw_images(images: Sequence[Any]) -> Figure:
    """Grey images in lines of ten."""
    shown = np.asarray(images, dtype=np.uint8)
    lines = -(-len(shown) // _ACROSS)
    with canvas.style():
        figure = Figure(figsize=(0.55 * _ACROSS, 0.58 * lines), layout="constrained")
        axes = figure.subplots(lines, _ACROSS, squeeze=False)
        for place in axes.flat:
            place.set_axis_off()
        for place, image in zip(axes.flat, shown, strict=False):
            place.imshow(image, cmap="gray", vmin=0, vmax=255)
    return figure


def application_files(run: Mapping[str, Any]) -> dict[str, str | bytes]:
    """The page and its pictures, by file name: for each task the ends of the best method with values."""
    content, names = run["content"], Names()
    files: dict[str, str | bytes] = {}
    tasks = []
    for name, rows in by_problem(content["rows"]).items():
        anchor = names(f"task-{name}")
        winner = next((w for w in content["winners"] if w["problem"] == name and w["oracle"] == "values"), None)
        seen = next((row for row in rows if winner and row["solver"] == winner["at_equal_evaluations"]
                     and row["oracle"] == "values" and row["pictures"]), None)  # fmt: skip
        picture = f"figures/{anchor}.png" if seen else ""
        if seen:
            files[picture] = canvas.to_png(draw_images(seen["pictures"]))
        about = content["tasks"][name]
        tasks.append(
            {
                "name": name,
                "anchor": anchor,
                "rows": rows,
                "about": about,
                "picture": picture,
                "seen": seen["solver"] if seen else "",
                "sentences": [sentence(content, w) for w in content["winners"] if w["problem"] == name],
            }
        )
    made = environment()
    made.filters |= {"number": lambda found: rich(value(found))}
    made.globals |= {
        "run": run,
        "content": content,
        "tasks": tasks,
        "failed": failures(content.get("failed")),
        "command": content["provenance"]["command"],
    }
    return {**files, "tasks.html": made.get_template("applications.html.jinja").render()}
