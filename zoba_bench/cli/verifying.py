"""Claims: ``verify``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from zoba_bench.cli.options import AS_JSON, CELL_TIMEOUT, DASK, FAIL_FAST, FRESH, JOBS, MAX_MEMORY, OUT, OWN, SEED
from zoba_bench.cli.terminal import escape, new_console, print_json, progress_bar, report_failed

__all__ = ["verify"]


@click.command()
@click.option("--suite", metavar="NAME|FILE.TOML", help="Suite of claims, registered or your own  [default: quick]")
@OWN
@click.option("--solver", metavar="FILE.PY:CLASS|NAME", help="A solver of your own, from a file or a plug-in.")
@click.option("--claim", "claims", multiple=True, metavar="ID", help="Measure this claim and its controls; repeatable.")
@click.option(
    "--only",
    multiple=True,
    metavar="KEY=VALUE",
    help="Measure the claims with this solver, problem, protocol or origin, and their controls; repeatable.",
)
@click.option(
    "--power", is_flag=True,
    help="Print how small an error each protocol refuses, in place of the verdicts: derived from the claims' own "
    "tolerances and statistical errors by simulation, and planted once for each.",
)  # fmt: skip
@click.option("--list", "listing", is_flag=True, help="Print the claims that would be measured, and measure nothing.")
@JOBS
@DASK
@CELL_TIMEOUT
@MAX_MEMORY
@FAIL_FAST
@FRESH
@click.option("--no-report", is_flag=True, help="Do not write the HTML report.")
@OUT
@SEED
@AS_JSON
def verify(
    suite: str | None, own: str | None, solver: str | None, claims: tuple[str, ...], only: tuple[str, ...],
    power: bool, listing: bool, jobs: int, dask: str | None, cell_timeout: float | None, max_memory: str | None,
    fail_fast: bool, fresh: bool, no_report: bool, out: Path, seed: int, as_json: bool,
) -> int:  # fmt: skip
    """Measure every claim of a suite against theory and judge it; or what applies to your own problem or solver.

    \b
    Examples:
      zoba-bench verify --jobs 2
      zoba-bench verify --suite standard --only solver=hf-zoba
      zoba-bench verify --suite quick --power
      zoba-bench verify --suite quick --power --only protocol=P6 --json
      zoba-bench verify --solver mine.py:MySolver
    """
    from zoba_bench.cli.page import write_page
    from zoba_bench.ledger import Ledger
    from zoba_bench.verification.run.provenance import provenance
    from zoba_bench.verification.run.verify import chosen_suite, exit_code, report_row
    from zoba_bench.verification.run.verify import verify as run

    if suite is not None and own is not None:
        raise click.UsageError("--suite and --problem exclude each other: a problem of your own has its own claims")
    if solver is not None and (suite is not None or own is not None):
        raise click.UsageError("--solver excludes --suite and --problem: a solver of your own has its own claims")
    suite = suite or ("own" if own or solver else "quick")
    chosen: dict[str, Any] = {
        "suite": suite,
        "problem": own,
        "solver": solver,
        "claims": claims,
        "only": read_filters(only),
    }
    if listing and power:
        raise click.UsageError("--list measures nothing, so that it shows no --power")
    if listing:
        return list_claims(chosen_suite(**chosen)[0], as_json)
    console = new_console()
    measured: list[Any] = []
    seen: list[Any] = []
    failed: list[Any] = []

    def begin(what: Any, left_out: dict[str, str]) -> None:
        measured.append(what)
        if not as_json:
            announce(console, what, left_out)

    with progress_bar(quiet=as_json) as progress:
        verdicts = run(
            **chosen, seed=seed, out=out, jobs=jobs, fresh=fresh, render=not no_report, progress=progress,
            announce=begin,
            announce_cost=None if as_json else lambda cost: announce_cost(console, cost, jobs, not no_report),
            inspect=seen.extend if power else None, announce_failed=failed.extend, isolated=True,
            cell_timeout=cell_timeout, max_memory=max_memory, dask=dask, fail_fast=fail_fast,
        )  # fmt: skip
    (whole,) = measured
    code = 2 if failed else exit_code(verdicts)
    if power:
        show_power(console, seen, whole, seed, as_json)
        report_failed(failed)
        return code
    page = None
    if not no_report:
        with Ledger(out / "ledger.sqlite") as ledger:
            page = write_page(ledger, out)
    if as_json:
        found = {**provenance(), **whole.provenance}
        print_json({
            "claims": [v.row() for v in verdicts], "suite": whole.name, "seed": seed, "provenance": found,
            "failed": [one.row() for one in failed],
        })  # fmt: skip
        report_failed(failed)
        return code
    from zoba_bench.report.terminal import verdict_table

    console.print(verdict_table([report_row(v) for v in verdicts]))
    expected = sum(v.as_expected for v in verdicts)
    colour = {0: "green", 3: "yellow"}.get(code, "red")
    console.print(f"[{colour}]{expected} of {len(verdicts)} verdicts as expected[/] (suite {whole.name}, seed {seed})")
    for v in verdicts:
        if not v.as_expected:
            console.print(f"  [red]{v.verdict}[/] {escape(v.claim.id)}: {escape(v.reason)}", highlight=False)
    if page is not None:
        console.print(f"report: {page}", highlight=False, soft_wrap=True)
    report_failed(failed)
    return code


def show_power(console: Any, seen: list[Any], suite: Any, seed: int, as_json: bool) -> None:
    """The table of the smallest errors that are refused, or all of it as JSON."""
    from zoba_bench.report.terminal import power_rows
    from zoba_bench.verification.power.table import LEFT_OUT, power_table

    every, rows = power_table(seen, seed)
    if as_json:
        content = {"suite": suite.name, "seed": seed, "table": [row.content() for row in rows],
                   "claims": [asdict(one) for one in every], "left_out": LEFT_OUT}  # fmt: skip
        print_json(content)
        return
    console.print(power_rows([row.content() for row in rows]))
    console.print(
        "An error of this size is refused with 99 % probability. Exponents: absolute; all else relative. Planted: the "
        "median claim's error in its own data, drawn again; the share refused, and that of a third of it."
    )


def list_claims(suite: Any, as_json: bool) -> int:
    """The claims of a suite, one a line: nothing is planned."""
    if as_json:
        names = ("id", "statement", "protocol", "solver", "problem", "relation", "origin", "source", "controls")
        rows = [{name: getattr(claim, name) for name in names} for claim in suite.claims]
        print_json({"suite": suite.name, "claims": rows, "provenance": suite.provenance})
        return 0
    width = max(len(claim.id) for claim in suite.claims)
    for claim in suite.claims:
        click.echo(f"{claim.id:<{width}}  {claim.statement}")
    return 0


def announce(console: Any, suite: Any, left_out: dict[str, str]) -> None:
    from zoba_bench.report.terminal import matrix_table
    from zoba_bench.verification.protocols import titles

    title = f"[bold]Suite {escape(suite.name)}[/]: {len(suite.claims)} claims. {escape(suite.description)}\n"
    console.print(title, highlight=False)
    matrix = suite.matrix()
    console.print(matrix_table(matrix, left_out, titles(matrix)))


def announce_cost(console: Any, cost: Any, jobs: int, with_report: bool) -> None:
    from zoba_bench.report.terminal import cost_table
    from zoba_bench.report.wording import duration
    from zoba_bench.verification.protocols import titles

    console.print()
    shares = [(s.protocol, s.claims, s.cells, s.found, s.seconds) for s in cost.shares]
    console.print(cost_table(shares, titles(s.protocol for s in cost.shares)))
    deriving = f"Predictions: {cost.derived} derived now in {duration(cost.deriving)} CPU-seconds, {cost.kept} kept."
    if with_report and cost.unrendered:
        deriving += f" The report renders {cost.unrendered} derivations, about {duration(cost.rendering)} CPU-seconds."
    console.print(deriving, highlight=False)
    if not cost.cells:
        console.print("Nothing has to run: every cell is in the ledger.\n")
        return
    number, call, cell = cost.rates.number * 1e9, cost.rates.call * 1e6, cost.rates.cell * 1e3
    why = f"{number:.2g} ns a random number, {call:.2g} us a call and {cell:.2g} ms a cell, measured now"
    if cost.remembered:
        why += f"; {cost.remembered} of {cost.cells} cells at what they took under other code"
    shared = f", in {jobs} processes" if jobs > 1 else ""
    console.print(f"About {duration(cost.seconds)} CPU-seconds{shared}: {why}.\n", highlight=False)


def read_filters(texts: tuple[str, ...]) -> dict[str, list[str]]:
    """Values by key from KEY=VALUE."""
    found: dict[str, list[str]] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise click.BadParameter(f"{text!r} is not KEY=VALUE, for example solver=zoba", param_hint="--only")
        found.setdefault(key, []).append(value)
    return found
