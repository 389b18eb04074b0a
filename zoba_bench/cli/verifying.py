"""Claims: ``verify``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from zoba_bench.cli.options import (
    AS_JSON,
    CELL_TIMEOUT,
    DASK,
    FAIL_FAST,
    FRESH,
    JOBS,
    MAX_MEMORY,
    OUT,
    OWN,
    QUIET,
    SEED,
    VERBOSE,
    Completed,
)
from zoba_bench.cli.progress import Progress
from zoba_bench.cli.terminal import new_console, print_json, print_rows, report_failed
from zoba_bench.cli.verbs import resolved

__all__ = ["verify"]


@click.command()
@click.option(
    "--suite", metavar="NAME|FILE.TOML", type=Completed("claims"),
    help="Suite of claims, registered or your own  [default: quick]",
)  # fmt: skip
@OWN
@click.option(
    "--solver", metavar="FILE.PY:CLASS|NAME", type=Completed("solvers"),
    help="A solver of your own, from a file or a plug-in.",
)  # fmt: skip
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
@click.option("--report/--no-report", default=True, help="Write the HTML report, or do not.")
@OUT
@SEED
@VERBOSE
@QUIET
@AS_JSON
def verify(
    suite: str | None, own: str | None, solver: str | None, claims: tuple[str, ...], only: tuple[str, ...],
    power: bool, listing: bool, jobs: int, dask: str | None, cell_timeout: float | None, max_memory: str | None,
    fail_fast: bool, fresh: bool, report: bool, out: Path, seed: int, verbose: bool, quiet: bool, as_json: bool,
) -> int:  # fmt: skip
    """Measure every claim of a suite against theory and judge it; or what applies to your own problem or solver.

    Printed are counts of verdicts by protocol, what is not as expected, and findings: published statements that are
    contradicted, as known. --verbose prints every verdict. The report goes to report/ of --out, that of chosen claims
    (--claim, --only) to report-part/ beside it.

    \b
    Examples:
      zoba-bench verify --jobs 2
      zoba-bench verify --suite smoke --only protocol=P1
      zoba-bench verify --claim P1/zoba/counts
      zoba-bench verify --solver mine.py:MySolver
    """
    from zoba_bench.cli.announcing import Announcer
    from zoba_bench.cli.page import write_page
    from zoba_bench.ledger import Ledger
    from zoba_bench.verification.run.provenance import provenance
    from zoba_bench.verification.run.verify import chosen_suite, exit_code, report_row
    from zoba_bench.verification.run.verify import verify as run

    if suite is not None and own is not None:
        raise click.UsageError(
            f"--suite {suite} and --problem {own} exclude each other: a problem of your own has its own claims"
        )
    if solver is not None and own is not None:
        raise click.UsageError(
            f"--solver {solver} and --problem {own} exclude each other: each has claims of its own. To run this solver "
            f"on this problem: `zoba-bench run --problem {own} --solver {solver}` tunes and measures it at a budget, "
            f"`zoba-bench solve {own} --solver {solver}` is one run"
        )
    if solver is not None and suite is not None:
        raise click.UsageError(
            f"--solver {solver} and --suite {suite} exclude each other: a solver of your own has its own claims"
        )
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
    seen: list[Any] = []
    failed: list[Any] = []
    page = None
    with Progress(quiet, kept=str(out / "ledger.sqlite")) as show:
        told = Announcer(show, console, jobs=jobs, report=report, verbose=verbose, silent=quiet or as_json)
        show.begin("choosing claims")
        verdicts = run(
            **chosen, seed=seed, out=out, jobs=jobs, fresh=fresh, render=report, announce=told.suite,
            announce_cost=told.cost, announce_phase=told.phase, inspect=seen.extend if power else None,
            announce_failed=failed.extend, isolated=True, cell_timeout=cell_timeout, max_memory=max_memory,
            dask=dask, fail_fast=fail_fast, configuration=resolved(),
        )  # fmt: skip
        if report and not power:
            with Ledger(out / "ledger.sqlite") as ledger:
                page = write_page(ledger, out, show, part=bool(claims or only))
    whole = told.measured
    code = 2 if failed else exit_code(verdicts)
    if power:
        show_power(console, seen, whole, seed, as_json)
        report_failed(failed)
        return code
    if as_json:
        found = {**provenance(), **whole.provenance, "configuration": resolved()}
        print_json({
            "claims": [v.row() for v in verdicts], "suite": whole.name, "seed": seed, "provenance": found,
            "failed": [one.row() for one in failed],
        })  # fmt: skip
        report_failed(failed)
        return code
    rows = [report_row(v) for v in verdicts]
    if own is not None:
        show_certificate(console, rows)
    show_verdicts(console, rows, verbose)
    if solver is not None:
        show_sharpness(console, verdicts)
    show_divergence(console, verdicts)
    report_failed(failed)
    expected = sum(v.as_expected for v in verdicts)
    colour = {0: "green", 3: "yellow"}.get(code, "red")
    where = "" if page is None else f"; report: {page}"
    line = f"[{colour}]{expected} of {len(verdicts)} verdicts as expected[/] (suite {whole.name}, seed {seed}){where}"
    console.print(line, highlight=False, soft_wrap=True)
    return code


def show_verdicts(console: Any, rows: list[dict[str, Any]], verbose: bool) -> None:
    """Every verdict, or counts of them; then what is not as expected, and the findings."""
    from zoba_bench.report import wording
    from zoba_bench.report.terminal import counts_table, learned, told, verdict_table

    console.print(verdict_table(rows) if verbose else counts_table(rows))
    wrong = [row for row in rows if not wording.as_expected(row)]
    known = [row for row in rows if row not in wrong and row["verdict"] == "violated" and not wording.is_control(row)]
    for title, some in (("Not as expected", wrong), ("Findings", known)):
        if some:
            console.print(f"\n[bold]{title}[/]")
            console.print(told(some))
    if (powers := learned(rows)) is not None:
        console.print()
        console.print(powers)
    console.print()


def show_sharpness(console: Any, verdicts: list[Any]) -> None:
    """How small an error of a mean step the least sharp of the consistent claims would refuse."""
    passed = [v for v in verdicts if v.verdict == "consistent" and v.measurement]
    sharp = [
        (*v.measurement.series["refused"], v.claim.problem, v.claim.protocol)
        for v in passed if "refused" in v.measurement.series
    ]  # fmt: skip
    if sharp:
        size, where, problem, protocol = max(sharp)
        console.print(
            f"{protocol} would refuse an error of {100 * size:.2g} % of the move of {where} on {problem}, and a "
            "smaller one on the other problems (--power: of each protocol)", highlight=False, soft_wrap=True,
        )  # fmt: skip


def show_divergence(console: Any, verdicts: list[Any]) -> None:
    """On which problems the solver's own iterates diverged, and how many measurements have no value for it."""
    lost = [v for v in verdicts if v.measurement is not None and v.measurement.diverged]
    if lost:
        where = ", ".join(dict.fromkeys(v.claim.problem for v in lost))
        number = f"{len(lost)} measurements have" if len(lost) > 1 else "1 measurement has"
        console.print(
            f"[yellow]diverges on {where}: {number} no value[/]; lower its steps, or pass a configuration with others",
            highlight=False, soft_wrap=True,
        )  # fmt: skip


def show_certificate(console: Any, rows: list[dict[str, Any]]) -> None:
    """What the certificate of a user's problem knows of it."""
    from zoba_bench.report.certificate import certificates, known
    from zoba_bench.report.sheet import Sheet

    for row, checks in certificates(rows):
        table = Sheet("what is known", row["problem"], whole=(0,))
        for line in known(checks):
            table.add_row(*line)
        console.print(table)
        console.print()


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
    print_rows(("claim", "statement"), [(claim.id, claim.statement) for claim in suite.claims])
    return 0


def read_filters(texts: tuple[str, ...]) -> dict[str, list[str]]:
    """Values by key from KEY=VALUE."""
    found: dict[str, list[str]] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise click.BadParameter(f"{text!r} is not KEY=VALUE, for example solver=zoba", param_hint="--only")
        found.setdefault(key, []).append(value)
    return found
