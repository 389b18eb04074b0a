"""The report of a ledger's last run: one self-contained HTML page, and its figures as PNG files."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from zoba_bench.ledger import Ledger
from zoba_bench.report import wording
from zoba_bench.report.canvas import to_png, to_svg
from zoba_bench.report.comparison import comparison_page, draw
from zoba_bench.report.derivations import read_derivation
from zoba_bench.report.figures import draw_all

__all__ = ["ReportError", "page", "write_report"]


class ReportError(RuntimeError):
    """There is nothing to report, or nowhere to write it; the message says what to do."""


def write_report(ledger: Ledger | str | Path, folder: str | Path) -> Path:
    """Write the report of the ledger's last run.

    Parameters
    ----------
    ledger : Ledger or path-like
        The results store, or its file. Nothing but the last run's content is read.
    folder : path-like
        The results folder. ``report/index.html`` and ``report/figures/*.png`` go into it;
        folders are created where missing, and every file is replaced as a whole.

    Returns
    -------
    Path of ``index.html``, of a comparison ``comparison.html``.

    Raises
    ------
    ReportError
        If the ledger has no run, or the folder cannot be written.
    LedgerError
        If the file is not a ledger.
    """
    run = _last_run(ledger)
    if run is None:
        where = ledger.path if isinstance(ledger, Ledger) else ledger
        raise ReportError(f"{where} has no finished run to report; run zoba-bench verify first")
    if "comparison" in run["content"]:
        return _write_comparison(run, Path(folder) / "report")
    drawings = draw_all(run["content"])
    svgs = {drawing.name: to_svg(drawing.figure, drawing.name, drawing.title) for drawing in drawings}
    text = page(run, [(d.name, d.title, d.caption, Markup(svgs[d.name])) for d in drawings])
    target = Path(folder) / "report"
    pictures = {drawing.name: to_png(drawing.figure, drawing.dpi) for drawing in drawings}
    return _write(target, "index.html", text, pictures)


def _write_comparison(run: Mapping[str, Any], target: Path) -> Path:
    """A comparison has a page of its own beside the verdicts, which it does not replace."""
    figure = draw(run["content"])
    text = comparison_page(run, to_svg(figure, "comparison", "Powers of ten gained by every solver on every problem"))
    return _write(target, "comparison.html", text, {"comparison": to_png(figure)})


def _write(target: Path, name: str, text: str, pictures: Mapping[str, bytes]) -> Path:
    try:
        (target / "figures").mkdir(parents=True, exist_ok=True)
        for picture, data in pictures.items():
            _replace(target / "figures" / f"{picture}.png", data)
        _replace(target / name, text.encode())
    except OSError as error:
        raise ReportError(
            f"cannot write the report to {target}: {error}; choose another folder, or free this one"
        ) from error
    return target / name


def page(run: Mapping[str, Any], figures: list[tuple[str, str, str, Markup]]) -> str:
    """The page of a run, as HTML.

    Parameters
    ----------
    run : mapping
        Number, suite, seed, time and content, as the ledger returns it.
    figures : list of (name, title, caption, svg)
        ``svg`` goes in as it is; everything else is escaped.
    """
    content = run["content"]
    rows = content["claims"]
    titles = wording.titles(rows)
    environment = Environment(
        loader=PackageLoader("zoba_bench.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "allowed": wording.allowed,
        "limits": wording.limits,
        "number": wording.number,
        "pretty": wording.pretty,
        "protocol": lambda name: wording.pretty(wording.heading(name, titles)),
    }
    environment.tests |= {"as_expected": wording.as_expected, "control": wording.is_control}
    return environment.get_template("page.html.jinja").render(
        run=run,
        content=content,
        outcome=wording.outcome(rows),
        unexpected=[row for row in rows if not wording.as_expected(row)],
        honest=wording.by_protocol(row for row in rows if not wording.is_control(row)),
        controls=wording.by_protocol(row for row in rows if wording.is_control(row)),
        problems=_problems(content.get("matrix") or {}),
        figures=figures,
        derivations=[read_derivation(k, v) for k, v in (content.get("derivations") or {}).items()],
    )


def _last_run(ledger: Ledger | str | Path) -> dict[str, Any] | None:
    if isinstance(ledger, Ledger):
        return ledger.last_run()
    # Opening a ledger would create it.
    if not Path(ledger).exists():
        return None
    with Ledger(ledger) as opened:
        return opened.last_run()


def _problems(matrix: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Problems of all protocols, in the order in which they come."""
    return list(dict.fromkeys(problem for problems in matrix.values() for problem in problems))


def _replace(path: Path, data: bytes) -> None:
    """Write a file so that it is never seen half written."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(data)
        os.replace(draft, path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
