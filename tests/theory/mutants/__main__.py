"""Change the theory's code place by place and say what refuses each: ``python -m tests.theory.mutants``."""

from __future__ import annotations

import sys

import click

from . import MUTANTS
from .page import PAGE, rate, summary, updated
from .planting import Outcome, judged


@click.command()
@click.option("--jobs", default=1, show_default=True, help="Processes at a time.")
@click.option("--only", "files", multiple=True, metavar="FILE", help="Mutants of files with this in their path.")
@click.option("--page", is_flag=True, help="Write the outcomes into docs/measured/mutants.md.")
@click.option("--least", default=0.97, show_default=True, help="Exit code 1 where a smaller share is refused.")
def main(jobs: int, files: tuple[str, ...], page: bool, least: float) -> None:
    """Change the theory's code place by place, and say which step or test refuses it."""
    chosen = [mutant for mutant in MUTANTS if not files or any(part in mutant.file for part in files)]
    if not chosen:
        raise click.UsageError(f"no mutant is in a file named {' or '.join(files)}")

    def show(outcome: Outcome) -> None:
        mark = "ok  " if outcome.derived else outcome.kind[:4].ljust(4)
        place = f"{outcome.mutant.file}: {outcome.mutant.words}"
        click.echo(f"{mark}  {outcome.seconds:5.1f} s  {place}  [{outcome.by}] {outcome.reason[:150]}")

    outcomes = judged(chosen, jobs, show)
    click.echo(summary(outcome.kind for outcome in outcomes))
    if page:
        PAGE.write_text(updated(PAGE.read_text() if PAGE.exists() else "", outcomes, MUTANTS))
    sys.exit(rate(outcomes) < least)


main()
