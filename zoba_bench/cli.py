"""The command line: parses, calls the library, prints. Nothing is computed here."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

import click

import zoba_bench
from zoba_bench.console import (
    announce,
    announce_cost,
    catalogue,
    complain,
    escape,
    first_line,
    list_claims,
    new_console,
    parts,
    print_json,
    progress_bar,
    read_filters,
    read_setting,
    show,
    summary,
)

__all__ = ["main"]


def main() -> NoReturn:
    """Run the command line; exit codes 0, 1, 2, 3 and 130 as ``zoba-bench --help`` says."""
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        complain("interrupted; finished cells are kept and will be reused")
        code = 130
    except KeyboardInterrupt:
        complain("interrupted; finished cells are kept and will be reused")
        code = 130
    except click.ClickException as error:
        error.show()
        code = 2
    except (ValueError, TypeError, RuntimeError, ImportError, OSError) as error:
        complain("\n".join([str(error), *getattr(error, "__notes__", ())]))
        code = 2
    except Exception as error:  # a crash must not look like a verdict
        traceback.print_exc()
        complain(f"crashed: {type(error).__name__}: {error}")
        code = 2
    sys.exit(code if isinstance(code, int) else 0)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(zoba_bench.__version__, prog_name="zoba-bench")
def cli() -> None:
    """Verified benchmarks and theory checks for zeroth-order bilevel optimisation.

    Exit codes: 0 done, and every verdict as expected; 1 an unexpected verdict; 2 bad input or
    a crash; 3 something inconclusive and nothing worse; 130 interrupted.
    """


_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, and nothing else, on standard output.")
_out = click.option(
    "--out", default="zoba-results", show_default=True, type=click.Path(file_okay=False, path_type=Path),
    help="Folder of ledger.sqlite and report/.",
)  # fmt: skip
_seed = click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Root seed.")


_jobs = click.option("--jobs", default=1, show_default=True, type=click.IntRange(min=1), help="Processes.")
_own = click.option("--problem", "own", metavar="FILE.PY:NAME", help="A problem of your own, from a file.")


@cli.command("list")
@click.option("--assumption", "assumptions", multiple=True, metavar="A1..A5", help="That holds in full; repeatable.")
@click.option("--smooth/--nonsmooth", default=None, help="Both objectives smooth, or not.")
@click.option("--convexity", type=click.Choice(["strongly convex", "convex", "nonconvex"]), help="Of Psi, by the card.")
@click.option("--scalable/--fixed-size", default=None, help="p or d can be chosen, or not.")
@click.option("--data/--no-data", default=None, help="On data that another package ships, or not.")
@click.option("--group", help="Part of the catalogue, as the table without filters names them.")
@_json
def list_command(as_json: bool, **filters: Any) -> int:
    """Problems by group, solvers and theorems by name; with a filter, problems only. Nothing is built."""
    from zoba_bench.registry import entry, list_problems, list_solvers, list_theorems, missing_requirements

    problems = []
    for name in list_problems(**filters):
        card = getattr(entry("problems", name), "card", None)
        missing = missing_requirements(name)
        hint = "".join(f'needs pip install "zoba-bench[{extra}]"' for extra in missing.values())
        row: dict[str, Any] = {"name": name, "summary": card.summary if card else "", "missing": hint}
        if card:
            row |= {"group": card.group, "scalable": card.scalable, "smooth": card.smooth}
            row |= {"psi_convexity": card.psi_convexity, "data": card.needs_data}
        problems.append(row)
    content: dict[str, Any] = {"problems": problems}
    filtered = any(value not in (None, ()) for value in filters.values())
    if not filtered:
        content["solvers"] = [{"name": n, "summary": first_line(entry("solvers", n))} for n in list_solvers()]
        content["theorems"] = list_theorems()
    if as_json:
        print_json(content)
        return 0
    console = new_console()
    for key in ("problems", "solvers"):
        if key in content:
            console.print(catalogue(key.capitalize(), content[key]))
            console.print()
    if not filtered:
        console.print("[bold]Theorems[/]  " + ", ".join(content["theorems"]))
    return 0


@cli.command()
@click.argument("name")
@_json
def info(name: str, as_json: bool) -> int:
    """The card of a problem, or what a solver is, needs and takes as options."""
    from zoba_bench.registry import entry, list_problems, list_solvers, load_problem, missing_requirements

    if name in list_solvers() and name not in list_problems():
        solver = entry("solvers", name)
        default = solver()
        needs = list(getattr(solver, "needs", ()))
        about: dict[str, Any] = {
            "name": name, "summary": summary(solver), **{k.lower(): text for k, text in parts(solver).items()},
            "needs": needs,
            "tolerance_quantity": getattr(solver, "tolerance_quantity", ""),
            "options": {option: getattr(default, option) for option in solver.option_names()},
        }  # fmt: skip
        if as_json:
            print_json(about)
            return 0
        from rich.padding import Padding

        from zoba_bench.solvers.base import NEEDS

        console = new_console()
        words = ", ".join(NEEDS.get(need, need) for need in needs) or "values of inner and outer"
        console.print(f"[bold]{name}[/]  {escape(about['summary'])}\n")
        for label, text in parts(solver).items():
            console.print(Padding(f"[bold]{label}[/]: {escape(text)}", (0, 0, 0, 2)))
        console.print()
        console.print(f"  [bold]{'needs':<20}[/] {escape(words)}")
        console.print(f"  [bold]{'tolerance is on':<20}[/] {escape(about['tolerance_quantity'])}\n")
        for option, value in about["options"].items():
            console.print(f"  {option:<20} {escape(repr(value))}")
        return 0
    card = getattr(entry("problems", name), "card", None)
    content: dict[str, Any] = {"name": name, "summary": card.summary if card else ""}
    if card:
        content |= {
            "source": card.source, "dimensions": card.dimensions, "assumptions": dict(card.assumptions),
            "quadratic_inner": card.quadratic_inner, "psi_convexity": card.psi_convexity, "smooth": card.smooth,
            "scalable": card.scalable, "group": card.group, "errata": list(card.errata),
        }  # fmt: skip
    missing = missing_requirements(name)
    if missing:
        content["missing"] = {m: f'pip install "zoba-bench[{extra}]"' for m, extra in missing.items()}
    else:
        from zoba_bench.timing import evaluation_cost

        problem = load_problem(name)
        content |= {
            "p": problem.p, "d": problem.d,
            "parameters": {k: v for k, v in problem.parameters.items() if not callable(v)}, "minimum": problem.minimum,
            "minimizer": None if problem.minimizer is None else problem.minimizer.tolist(),
            "constants": problem.constants.known(), "sampled": list(problem.constants.sampled),
            "microseconds an evaluation": evaluation_cost(problem),
        }  # fmt: skip
    if as_json:
        print_json(content)
        return 0
    console = new_console()
    console.print(f"[bold]{name}[/]  {escape(content['summary'])}\n")
    for key, value in content.items():
        if key in ("name", "summary", "sampled"):
            continue
        if isinstance(value, dict):
            console.print(f"  [bold]{key}[/]")
            for inner, text in value.items():
                note = "  sampled: no bound uses it" if key == "constants" and inner in content["sampled"] else ""
                console.print(f"    {inner:<14} {escape(show(text))}{note}", highlight=False)
        else:
            console.print(f"  [bold]{key:<16}[/] {escape(show(value))}", highlight=False)
    return 0


@cli.command()
@click.argument("problem", required=False)
@_own
@click.option("--solver", default="hf-zoba", show_default=True, help="Solver or preset.")
@click.option("--p", type=int, help="Inner dimension.")
@click.option("--d", type=int, help="Outer dimension.")
@click.option("--max-iterations", type=int, help="Iterations [default: 1000, or as many as the budget allows].")
@click.option("--budget", type=int, help="Evaluations a replicate, inner plus outer.")
@click.option(
    "--gradient-cost",
    type=click.Choice(["one", "dimension"]),
    default="one",
    show_default=True,
    help="What a derivative takes of the budget: one evaluation, or one a component.",
)
@click.option("--replicates", default=1, show_default=True, type=int)
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Solver option, repeatable.")
@_seed
@_json
def solve(
    problem: str | None, own: str | None, solver: str, p: int | None, d: int | None, max_iterations: int | None,
    budget: int | None, gradient_cost: str, replicates: int, settings: tuple[str, ...], seed: int, as_json: bool,
) -> int:  # fmt: skip
    """Run a solver on a registered problem, or on one of your own."""
    from zoba_bench.api import solve as run
    from zoba_bench.problem.file import file_spec
    from zoba_bench.registry import load_problem, make_solver
    from zoba_bench.result import Status

    if (problem is None) == (own is None):
        raise click.UsageError("give the name of a registered problem, or --problem file.py:name")
    name = problem if own is None else own
    assert name is not None
    spec = file_spec(name)
    built = load_problem(**spec, p=p, d=d)
    options = dict(map(read_setting, settings))
    make_solver(solver, **options)  # only the solver's own options may be set
    result = run(
        built, solver, max_iterations=max_iterations, budget=budget, gradient_cost=gradient_cost,
        replicates=replicates, seed=seed, **options,
    )  # fmt: skip
    last = {k: v[-1].tolist() for k, v in result.history.items() if k != "iteration"}
    if as_json:
        print_json({
            "problem": name, **{k: v for k, v in spec.items() if k != "name"}, "solver": solver, "seed": seed,
            "x": result.x.tolist(), "z": result.z.tolist(),
            "v": result.v.tolist(), "status": [Status(s).label for s in result.status], "nit": result.nit.tolist(),
            "n_inner": result.n_inner.tolist(), "n_outer": result.n_outer.tolist(),
            "counts": {name: count.tolist() for name, count in result.counts.items() if count.any()}, "last": last,
            "mean_stationarity": None if result.mean_stationarity is None else result.mean_stationarity.tolist(),
        })  # fmt: skip
        return 0
    console = new_console()
    console.print(repr(result), highlight=False)
    for name, values in last.items():
        console.print(f"  {name:<14} {', '.join(f'{v:.4g}' for v in values[:8])}", highlight=False)
    return 0


@cli.command()
@click.option("--suite", metavar="NAME|FILE.TOML", help="Suite of claims, registered or your own  [default: quick]")
@_own
@click.option("--claim", "claims", multiple=True, metavar="ID", help="Measure this claim and its controls; repeatable.")
@click.option(
    "--only",
    multiple=True,
    metavar="KEY=VALUE",
    help="Measure the claims with this solver, problem, protocol or origin, and their controls; repeatable.",
)
@click.option("--list", "listing", is_flag=True, help="Print the claims that would be measured, and measure nothing.")
@_jobs
@click.option("--no-report", is_flag=True, help="Do not write the HTML report.")
@_out
@_seed
@_json
def verify(
    suite: str | None, own: str | None, claims: tuple[str, ...], only: tuple[str, ...], listing: bool, jobs: int,
    no_report: bool, out: Path, seed: int, as_json: bool,
) -> int:  # fmt: skip
    """Measure every claim of a suite against theory and judge it; or what applies to a problem of your own."""
    from zoba_bench.ledger import Ledger
    from zoba_bench.verification.run.verify import chosen_suite, exit_code, provenance
    from zoba_bench.verification.run.verify import verify as run

    if suite is not None and own is not None:
        raise click.UsageError("--suite and --problem exclude each other: a problem of your own has its own claims")
    suite = suite or ("own" if own else "quick")
    chosen: dict[str, Any] = {"suite": suite, "problem": own, "claims": claims, "only": read_filters(only)}
    if listing:
        return list_claims(chosen_suite(**chosen)[0], as_json)
    console = new_console()
    measured: list[Any] = []

    def begin(what: Any, left_out: dict[str, str]) -> None:
        measured.append(what)
        if not as_json:
            announce(console, what, left_out)

    with progress_bar(quiet=as_json) as progress:
        verdicts = run(
            **chosen, seed=seed, out=out, jobs=jobs, progress=progress,
            announce=begin, announce_cost=None if as_json else lambda cost: announce_cost(console, cost, jobs),
        )  # fmt: skip
    (whole,) = measured
    code = exit_code(verdicts)
    page = None
    if not no_report:
        from zoba_bench.report.html import write_report

        with Ledger(out / "ledger.sqlite") as ledger:
            page = write_report(ledger, out)
    rows = [{**v.row(), "protocol": v.claim.protocol, "tolerance": v.claim.tolerance} for v in verdicts]
    if as_json:
        found = {**provenance(), **whole.provenance}
        print_json({"claims": [v.row() for v in verdicts], "suite": whole.name, "seed": seed, "provenance": found})
        return code
    from zoba_bench.report.terminal import verdict_table

    console.print(verdict_table(rows))
    expected = sum(v.as_expected for v in verdicts)
    colour = {0: "green", 3: "yellow"}.get(code, "red")
    console.print(f"[{colour}]{expected} of {len(verdicts)} verdicts as expected[/] (suite {whole.name}, seed {seed})")
    for v in verdicts:
        if not v.as_expected:
            console.print(f"  [red]{v.verdict}[/] {escape(v.claim.id)}: {escape(v.reason)}", highlight=False)
    if page is not None:
        console.print(f"report: {page}", highlight=False, soft_wrap=True)
    return code


@cli.command("run")
@click.option("--suite", default="compare", show_default=True, help="Which comparison.")
@click.option("--problem", "problems", multiple=True, metavar="NAME", help="Only this problem; repeatable.")
@click.option("--solver", "solvers", multiple=True, metavar="NAME", help="Only this solver; repeatable.")
@click.option("--budget", type=click.IntRange(min=1), help="Evaluations a run  [default: the suite's]")
@click.option("--gradient-cost", type=click.Choice(["one", "dimension"]), help="What a derivative takes of it.")
@_jobs
@_out
@_seed
@_json
def run_command(suite: str, out: Path, as_json: bool, **options: Any) -> int:
    """Compare solvers at equal budgets: options tuned over a declared grid, medians over other seeds."""
    from zoba_bench.comparison.compare import compare
    from zoba_bench.ledger import Ledger
    from zoba_bench.report.comparison import comparison_table, outcome, rival_table
    from zoba_bench.report.html import write_report

    console = new_console()
    announce = None if as_json else lambda text: console.print(escape(text), highlight=False)
    with progress_bar(quiet=as_json, word="running") as progress:
        content = compare(suite, out=out, progress=progress, announce=announce, **options)
    with Ledger(out / "ledger.sqlite") as ledger:
        page = write_report(ledger, out)
    if as_json:
        print_json(content)
        return 0
    console.print(comparison_table(content))
    if content["rivals"]:
        console.print(rival_table(content))
    console.print(f"{outcome(content)}\nreport: {page}", highlight=False, soft_wrap=True)
    return 0


@cli.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--problem", "own", multiple=True, metavar="FILE.PY:NAME", help="A problem of your own; repeatable.")
@_jobs
@_seed
@_json
def check(names: tuple[str, ...], own: tuple[str, ...], jobs: int, seed: int, as_json: bool) -> int:
    """Certify problems: symbolic proofs, residuals of closed forms, constants against sampled values.

    All registered problems where none is named; with a name every check is printed. Exit code 1 if one fails.
    """
    from zoba_bench.certification.catalogue import certify_all, installed

    chosen, left_out = installed((*names, *own))
    with progress_bar(quiet=as_json, word="checking", things="problems") as progress:
        certificates = certify_all(chosen, seed, jobs=jobs, progress=progress)
    failed = sum(not certificate.ok for certificate in certificates)
    if as_json:
        rows = [certificate.row() for certificate in certificates]
        print_json({"ok": not failed, "seed": seed, "problems": rows, "left_out": left_out})
        return 1 if failed else 0
    for certificate in certificates:
        for line in certificate.lines(whole=bool(names or own)):
            click.echo(line)
    for name, hint in left_out.items():
        click.echo(f"left out  {name}: needs {hint}")
    click.echo(f"{len(certificates) - failed} of {len(certificates)} certificates ok (seed {seed})")
    return 1 if failed else 0


@cli.command()
@_out
def report(out: Path) -> int:
    """Write the HTML report of the newest run in the ledger."""
    from zoba_bench.ledger import Ledger
    from zoba_bench.report.html import write_report

    path = out / "ledger.sqlite"
    if not path.exists():
        raise click.ClickException(f"there is no ledger {path}; run `zoba-bench verify` first, or pass --out")
    with Ledger(path) as ledger:
        new_console().print(str(write_report(ledger, out)), highlight=False, soft_wrap=True)
    return 0


@cli.command()
@click.argument("name", required=False)
@click.option(
    "--check", is_flag=True, help="Verify every step again; exit code 1 if one fails. Without NAME: all theorems."
)
@click.option("--markdown", is_flag=True, help="Markdown with LaTeX instead of plain text.")
def derive(name: str | None, check: bool, markdown: bool) -> int:
    """The derivation of a theorem, step by step."""
    from zoba_bench.registry import list_theorems, theorem

    if check:
        failed = 0
        for each in [name] if name is not None else list_theorems():
            results = theorem(each).check()
            for result in results:
                failed += not result.ok
                if name is not None or not result.ok:
                    click.echo(f"{'ok  ' if result.ok else 'FAIL'}  {result.step}: {result.detail}")
            if name is None:
                good = sum(result.ok for result in results)
                click.echo(
                    f"{'ok  ' if good == len(results) else 'FAIL'}  {each}: {good} of {len(results)} steps verified"
                )
        return 1 if failed else 0
    if name is None:
        raise click.UsageError(f"which theorem? One of {', '.join(list_theorems())}; --check alone verifies all.")
    chosen = theorem(name)
    click.echo(chosen.render_markdown() if markdown else chosen.render_text())
    return 0 if all(result.ok for result in chosen.results) else 1


@cli.command("sys-info")
@_json
def sys_info(as_json: bool) -> int:
    """Versions that results depend on."""
    from zoba_bench.verification.run.verify import provenance

    content = provenance()
    if as_json:
        print_json(content)
    else:
        for key, value in content.items():
            click.echo(f"{key:<14} {value}")
    return 0
