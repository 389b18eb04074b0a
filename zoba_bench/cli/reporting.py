"""What is left of runs: ``report`` and ``clean``."""

from __future__ import annotations

from pathlib import Path

import click

from zoba_bench.cli.options import AS_JSON, OUT, QUIET
from zoba_bench.cli.progress import Progress
from zoba_bench.cli.terminal import new_console, print_json

__all__ = ["clean", "report"]


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


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@OUT
@AS_JSON
def clean(dry_run: bool, yes: bool, out: Path, as_json: bool) -> int:
    """Remove what other code than this wrote into the ledger: no run will find it again. Verdicts are kept.

    Cells of this code on problems of your own stay, also those of earlier versions of your file.

    \b
    Examples:
      zoba-bench clean --dry-run
      zoba-bench clean --yes --out zoba-results
    """
    from zoba_bench.ledger import Ledger
    from zoba_bench.verification.run.stale import stale_groups

    with Ledger(_existing(out), readonly=dry_run) as ledger:
        old, kept = stale_groups(ledger)
        counts = {
            "cells": sum(number for table, _, _, number in old if table == "cells"),
            "derived": sum(number for table, _, _, number in old if table == "texts"),
            "failed": sum(number for table, _, _, number in old if table == "failures"),
        }
        words = f"{counts['cells']} cells and {counts['derived']} derived plans and proofs of other code"
        if counts["failed"]:
            words += f", and {counts['failed']} failed cells"
        sure = bool(old) and not dry_run
        if sure and not yes:
            sure = click.confirm(f"Remove {words} from {ledger.path}? {kept} rows of this code stay.", err=True)
        if sure:
            ledger.remove(old)
    if as_json:
        print_json({"ledger": str(out / "ledger.sqlite"), "old": counts, "kept": kept, "removed": sure})
    elif dry_run:
        click.echo(f"would remove {words}; {kept} rows of this code stay")
    else:
        click.echo(f"removed {words}" if sure else "nothing was removed" if old else "there is nothing to remove")
    return 0


def _existing(out: Path) -> Path:
    path = out / "ledger.sqlite"
    if not path.exists():
        raise click.ClickException(f"there is no ledger {path}; run `zoba-bench verify` first, or pass --out")
    return path
