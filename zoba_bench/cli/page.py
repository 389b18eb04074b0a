"""The report of the newest run, written where it would say something new."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from zoba_bench.cli.progress import Progress
from zoba_bench.ledger import Ledger

__all__ = ["write_page"]

_STAMP = ".content"
#: What differs between runs that say the same; how many processes they used is not shown either.
_OF_THE_RUN = ("seconds",)


def write_page(ledger: Ledger, out: Path, show: Progress, *, part: bool = False) -> Path:
    """Write the report of the ledger's newest run, and the derivations that it shows and the ledger lacks.

    The page that stands there is kept where it says the same of an earlier run: drawing takes longer than all that a
    repeated run has to do. A run of chosen claims has a folder of its own, so that it does not take the place of the
    report of all.

    Returns
    -------
    Path of the page.
    """
    from zoba_bench.verification.run.provenance import render_missing

    missing = len(ledger.missing_derivations())
    render_missing(ledger, show.begin("rendering", "derivations", total=missing) if missing else None)
    show.begin("writing the report")
    run = ledger.last_run()
    name = "report-part" if part else "report"
    stamp, page = out / name / _STAMP, out / name / "index.html"
    mark = None if run is None else _mark(run["content"])
    if mark is not None and page.is_file() and stamp.is_file() and stamp.read_text(encoding="utf-8") == mark:
        return page
    from zoba_bench.report.html import write_report

    written = write_report(ledger, out, name)
    if mark is not None and written == page:
        stamp.write_text(mark, encoding="utf-8")
    return written


def _mark(content: dict[str, Any]) -> str:
    """Hash of what the page says, and of the sources that write it."""
    said = {name: value for name, value in content.items() if name not in _OF_THE_RUN}
    said["provenance"] = {k: v for k, v in (content.get("provenance") or {}).items() if k != "configuration"}
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode())
    sources = Path(__file__).resolve().parents[1] / "report"
    for source in sorted(path for path in sources.rglob("*") if path.is_file() and path.suffix != ".pyc"):
        digest.update(source.read_bytes())
    return digest.hexdigest()
