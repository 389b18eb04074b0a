"""The report of a ledger's last run: a folder of pages that link to each other and load nothing from elsewhere."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from zoba_bench.ledger import Ledger
from zoba_bench.report.applications import application_files
from zoba_bench.report.canvas import to_png
from zoba_bench.report.comparison_pages import comparison_files
from zoba_bench.report.figures import DPI, draw_summary
from zoba_bench.report.pages import ASSETS, asset, figures, pages
from zoba_bench.report.ratios import ratio_files
from zoba_bench.report.site import Site

__all__ = ["ReportError", "write_report"]


class ReportError(RuntimeError):
    """There is nothing to report, or nowhere to write it; the message says what to do."""


def write_report(ledger: Ledger | str | Path, folder: str | Path, name: str = "report") -> Path:
    """Write the report of the ledger's last run.

    Parameters
    ----------
    ledger : Ledger or path-like
        The results store, or its file. Nothing but the last run's content is read.
    folder : path-like
        The results folder. The pages, with ``figures/`` beside them, go into one folder in it; folders are created
        where missing, every file is replaced as a whole, and what an earlier report left is removed.
    name : str
        The pages' folder.

    Returns
    -------
    Path of ``index.html``, of a comparison ``comparison.html``, of tasks with data ``tasks.html``, of
    ratios ``ratios.html``.

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
    # A comparison has a page of its own beside the verdicts, which it does not replace; so have tasks with data.
    entry, made = next(
        (found for key, found in _KINDS.items() if key in run["content"]), ("index.html", _verdict_files)
    )  # fmt: skip
    files = made(run)
    return _write(Path(folder) / name, entry, {**{name: asset(name) for name in ASSETS}, **files})


#: Of runs that are no verdicts: by what their content has, the page to begin with, and what makes the files.
_KINDS: dict[str, tuple[str, Callable[[Mapping[str, Any]], dict[str, str | bytes]]]] = {
    "comparison": ("comparison.html", comparison_files),
    "applications": ("tasks.html", application_files),
    "ratios": ("ratios.html", ratio_files),
}  # fmt: skip


def _verdict_files(run: Mapping[str, Any]) -> dict[str, str | bytes]:
    site = Site(run["content"])
    files: dict[str, str | bytes] = {**figures(site), **pages(run, site)}
    if (summary := draw_summary(run["content"])) is not None:
        files["figures/summary.png"] = to_png(summary, DPI)
    return files


def _write(target: Path, entry: str, files: Mapping[str, str | bytes]) -> Path:
    """Write the files, the entry last, and remove those that an earlier report wrote and this one does not."""
    listed = target / f".{entry}.files"
    try:
        (target / "figures").mkdir(parents=True, exist_ok=True)
        for name in sorted(files, key=lambda name: name == entry):
            content = files[name]
            _replace(target / name, content if isinstance(content, bytes) else content.encode())
        for name in _old(listed) - files.keys():
            (target / name).unlink(missing_ok=True)
        _replace(listed, json.dumps(sorted(files.keys() - set(ASSETS))).encode())
    except OSError as error:
        raise ReportError(
            f"cannot write the report to {target}: {error}; choose another folder, or free this one"
        ) from error
    return target / entry


def _old(listed: Path) -> set[str]:
    """Names of the files that an earlier report wrote, all of them within its folder."""
    try:
        names = json.loads(listed.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return set()
    return {str(name) for name in names if not Path(str(name)).is_absolute() and ".." not in Path(str(name)).parts}


def _last_run(ledger: Ledger | str | Path) -> dict[str, Any] | None:
    if isinstance(ledger, Ledger):
        return ledger.last_run()
    # Opening a ledger would create it.
    if not Path(ledger).exists():
        return None
    with Ledger(ledger) as opened:
        return opened.last_run()


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
