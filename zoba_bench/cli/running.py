"""Solvers against each other: ``run``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from zoba_bench.cli.options import (
    AS_JSON,
    CELL_TIMEOUT,
    DASK,
    FAIL_FAST,
    JOBS,
    MAX_MEMORY,
    OUT,
    QUIET,
    SEED,
    Completed,
    perturbation_of,
    perturbed,
)
from zoba_bench.cli.progress import Progress
from zoba_bench.cli.terminal import escape, new_console, print_json, report_failed
from zoba_bench.cli.verbs import resolved
from zoba_bench.cli.whole import Whole

__all__ = ["run_command"]


@click.command("run")
@click.option("--suite", default="compare", show_default=True, type=Completed("comparisons"), help="Which comparison.")
@click.option(
    "--problem", "problems", multiple=True, metavar="NAME", type=Completed("problems"),
    help="Only this problem, or one of your own, FILE.PY:NAME; repeatable.",
)  # fmt: skip
@click.option(
    "--solver", "solvers", multiple=True, metavar="NAME", type=Completed("solvers"),
    help="Only this solver, or one of your own, FILE.PY:CLASS; repeatable.",
)  # fmt: skip
@click.option("--group", "groups", multiple=True, help="Only this part of the catalogue; repeatable.")
@click.option(
    "--size", "sizes", multiple=True, type=click.Choice(["small", "medium", "wide", "tall"]),
    help="Only this size; repeatable  [default: the suite's]",
)  # fmt: skip
@click.option(
    "--access", multiple=True, type=click.Choice(["values", "gradients", "second"]),
    help="Only solvers that may query this much; repeatable.",
)  # fmt: skip
@click.option("--budget", type=Whole(min=1), help="Evaluations a run  [default: the suite's]")
@click.option("--budget-per-dimension", type=Whole(min=1), help="Evaluations a run for each of p + d.")
@click.option("--instances", type=Whole(min=1), help="Measured instances of a problem.")
@click.option("--replicates", type=Whole(min=1), help="Runs on each instance; deterministic methods have one.")
@click.option("--charge-tuning", is_flag=True, help="Count what tuning used as spent before a run begins.")
@click.option("--gradient-cost", type=click.Choice(["one", "dimension"]), help="What a derivative takes of it.")
@perturbed
@JOBS
@DASK
@CELL_TIMEOUT
@MAX_MEMORY
@FAIL_FAST
@OUT
@SEED
@QUIET
@AS_JSON
def run_command(suite: str, out: Path, quiet: bool, as_json: bool, jobs: int, **options: Any) -> int:
    """Compare solvers at equal budgets: options tuned over a declared grid, medians over other instances and seeds.

    A run that was ended goes on where it was: finished cells are found again.

    \b
    Examples:
      zoba-bench run --problem reference --solver hf-zoba --budget 9000
      zoba-bench run --suite compare --group quadratic --access values
      zoba-bench run --suite compare-small --noise 1e-3 --access values
      zoba-bench run --suite compare-small --solver mine.py:MySolver
    """
    from zoba_bench.comparison.applications.campaign import run_tasks
    from zoba_bench.comparison.applications.settings import APPLICATIONS
    from zoba_bench.comparison.compare import compare
    from zoba_bench.comparison.ratios.campaign import run_ratios
    from zoba_bench.comparison.ratios.settings import RATIOS
    from zoba_bench.ledger import Ledger
    from zoba_bench.report.html import write_report

    console = new_console()
    failed: list[Any] = []
    asked = {"perturbation": perturbation_of(options), **options}
    measure: Callable[..., dict[str, Any]] = compare
    for suites, function, lacks in ((APPLICATIONS, run_tasks, ()), (RATIOS, run_ratios, ("solvers", "access"))):
        if suite in suites:
            measure, asked = function, _of_declared(suite, asked, lacks)
    with Progress(quiet, kept=str(out / "ledger.sqlite")) as show:
        show.begin("choosing pairs")

        def announce(text: str) -> None:
            with show.paused():
                if not (as_json or quiet):
                    console.print(escape(text), highlight=False)

        content = measure(
            suite, out=out, jobs=jobs, announce=announce, announce_failed=failed.extend, isolated=True,
            announce_phase=lambda word, total: show.begin(word, "cells", total=total, jobs=jobs),
            configuration=resolved(), **asked,
        )  # fmt: skip
        show.begin("writing the report")
        with Ledger(out / "ledger.sqlite") as ledger:
            page = write_report(ledger, out)
    if as_json:
        print_json(content)
        report_failed(failed)
        return 2 if failed else 0
    _print(console, content)
    report_failed(failed)
    for line in _outcome(content):
        console.print(escape(line), highlight=False)
    console.print(f"report: {page}", highlight=False, markup=False, soft_wrap=True)
    return 2 if failed else 0


def _of_declared(suite: str, options: dict[str, Any], lacks: tuple[str, ...]) -> dict[str, Any]:
    """The options that tasks with data and ratios have; an error that names one which the suite does not have."""
    shared = ("problems", "solvers", "access", "replicates", "seed", "cell_timeout", "max_memory", "dask", "fail_fast")
    taken = [name for name in shared if name not in lacks]
    for name, value in options.items():
        if name not in taken and value:
            option = "perturbations" if name == "perturbation" else f"--{name.replace('_', '-').removesuffix('s')}"
            raise click.UsageError(f"suite {suite} has no {option}: its tasks, budgets and splits are declared")
    return {name: value for name, value in options.items() if name in taken}


def _print(console: Any, content: Any) -> None:
    """The tables of a run."""
    if "ratios" in content:
        from zoba_bench.report.ratios import ratio_table

        console.print(ratio_table(content))
        return
    if "applications" in content:
        from zoba_bench.report.applications import application_table

        console.print(application_table(content))
        return
    from zoba_bench.report.comparison import comparison_table, rival_table

    console.print(comparison_table(content))
    if content["rivals"]:
        console.print(rival_table(content))


def _outcome(content: Any) -> list[str]:
    """Who is ahead, in sentences."""
    if "ratios" in content:
        from zoba_bench.report.ratios import ratio_sentences

        return ratio_sentences(content)
    if "applications" in content:
        from zoba_bench.report.applications import sentences

        return sentences(content)
    from zoba_bench.report.comparison import outcome

    return [outcome(content)]
