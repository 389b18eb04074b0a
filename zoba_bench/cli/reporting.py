"""What is left of runs: ``report``."""

from __future__ import annotations

from pathlib import Path

import click

from zoba_bench.cli.options import OUT, QUIET
from zoba_bench.cli.progress import Progress
from zoba_bench.cli.terminal import new_console

__all__ = ["report"]


@click.command()
@click.option(
    "--to", type=click.Path(file_okay=False, path_type=Path), help="Folder that gets report/  [default: that of --out]"
)
@OUT
@QUIET
def report(to: Path | None, out: Path, quiet: bool) -> int:
    """Write the HTML report of the newest run in the ledger, which is only read.

    \b
    Examples:
      zoba-bench report
      zoba-bench report --out zoba-results --to public
    """
    from zoba_bench.ledger import Ledger
    from zoba_bench.report.html import write_report
    from zoba_bench.verification.run.provenance import render_missing

    with Ledger(_existing(out), readonly=True) as ledger, Progress(quiet) as show:
        missing = len(ledger.missing_derivations())
        render_missing(ledger, show.begin("rendering", "derivations", total=missing) if missing else None)
        show.begin("writing the report")
        page = write_report(ledger, to or out)
    new_console().print(str(page), highlight=False, markup=False, soft_wrap=True)
    return 0


def _existing(out: Path) -> Path:
    path = out / "ledger.sqlite"
    if not path.exists():
        raise click.ClickException(f"there is no ledger {path}; run `zoba-bench verify` first, or pass --out")
    return path
