"""``self-test``: errors planted in this project's own code, and which claim sees each."""

from __future__ import annotations

from typing import Any

import click

from zoba_bench.cli.options import AS_JSON, JOBS, QUIET, SEED, Completed
from zoba_bench.cli.progress import Progress
from zoba_bench.cli.terminal import print_json, print_rows

__all__ = ["self_test"]


@click.command("self-test")
@click.option(
    "--suite", default="standard", show_default=True, type=Completed("claims"), help="Whose claims are tried."
)
@click.option("--error", "names", multiple=True, metavar="NAME", help="Only this planted error; repeatable.")
@click.option("--list", "only_list", is_flag=True, help="List the planted errors and stop.")
@click.option("--least", default=0.95, show_default=True, type=click.FloatRange(0, 1), help="Share that must be seen.")
@JOBS
@SEED
@QUIET
@AS_JSON
def self_test(
    suite: str, names: tuple[str, ...], only_list: bool, least: float, jobs: int, seed: int, quiet: bool, as_json: bool
) -> int:  # fmt: skip
    """Plant errors in the running code, one at a time, and say which claim sees each.

    Every error is planted in a process of its own; no file is changed. Exit code 1 if fewer than the least share of
    them are seen.

    \b
    Examples:
      zoba-bench self-test --list
      zoba-bench self-test --error soba/ratio
    """
    from zoba_bench.registry import entry
    from zoba_bench.verification.self_test.run import Outcome, chosen_errors, self_test

    errors = chosen_errors(names)
    if only_list:
        rows = [{"error": error.name, "module": error.module, "words": error.words} for error in errors]
        if as_json:
            print_json({"errors": rows})
        else:
            print_rows(("error", "what is wrong"), [(error.name, error.words) for error in errors])
        return 0
    entry("claims", suite)  # an unknown one is refused before anything is loaded
    with Progress(quiet) as show:
        step = show.begin("trying", "errors", total=len(errors), jobs=jobs)
        number = 0

        def tell(outcome: Outcome) -> None:
            nonlocal number
            number += 1
            if not as_json:
                seen = outcome.seen_by or f"NOT SEEN{f' ({outcome.reason})' if outcome.reason else ''}"
                with show.paused():
                    click.echo(f"{outcome.error.name:40} {seen}")
            step(number, len(errors), outcome.error.name)

        outcomes = self_test(errors, suite=suite, seed=seed, jobs=jobs, progress=tell)
    seen = sum(outcome.seen for outcome in outcomes)
    enough = seen >= least * len(outcomes)
    if as_json:
        content: dict[str, Any] = {"suite": suite, "seed": seed, "seen": seen, "planted": len(outcomes)}
        print_json({**content, "errors": [outcome.row() for outcome in outcomes]})
    else:
        seconds = sum(outcome.seconds for outcome in outcomes)
        click.echo(
            f"{seen} of {len(outcomes)} planted errors are seen by the claims of suite {suite} (seed {seed}), in "
            f"{seconds:.0f} CPU-seconds"
        )
    return 0 if enough else 1
