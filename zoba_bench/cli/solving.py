"""Solvers at work: ``solve`` on one problem, ``run`` for a comparison."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from zoba_bench.cli.options import AS_JSON, CELL_TIMEOUT, FAIL_FAST, JOBS, OUT, OWN, SEED
from zoba_bench.cli.terminal import escape, new_console, print_json, progress_bar, report_failed

__all__ = ["run_command", "solve"]


@click.command()
@click.argument("problem", required=False)
@OWN
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
@click.option("--tune", is_flag=True, help="Choose steps and radii from the curvature at the start; counted.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Solver option, repeatable.")
@SEED
@AS_JSON
def solve(
    problem: str | None, own: str | None, solver: str, p: int | None, d: int | None, max_iterations: int | None,
    budget: int | None, gradient_cost: str, replicates: int, tune: bool, settings: tuple[str, ...], seed: int,
    as_json: bool,
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
        replicates=replicates, seed=seed, tune=tune, **options,
    )  # fmt: skip
    last = {k: v[-1].tolist() for k, v in result.history.items() if k != "iteration"}
    if as_json:
        print_json({
            "problem": name, **{k: v for k, v in spec.items() if k != "name"}, "solver": solver, "seed": seed,
            "x": result.x.tolist(), "z": result.z.tolist(),
            "v": result.v.tolist(), "status": [Status(s).label for s in result.status], "nit": result.nit.tolist(),
            "n_inner": result.n_inner.tolist(), "n_outer": result.n_outer.tolist(),
            "counts": {name: count.tolist() for name, count in result.counts.items() if count.any()}, "last": last,
            "travelled": None if result.travelled is None else result.travelled.tolist(), "advice": result.advice,
            "tuning": result.tuning,
            "mean_stationarity": None if result.mean_stationarity is None else result.mean_stationarity.tolist(),
        })  # fmt: skip
        return 0
    console = new_console()
    console.print(repr(result), highlight=False)
    for name, values in last.items():
        console.print(f"  {name:<14} {', '.join(f'{v:.4g}' for v in values[:8])}", highlight=False)
    if result.travelled is not None:
        moved = ", ".join(f"{v:.4g}" for v in result.travelled[:8])
        console.print(f"  {'|x - x0|':<14} {moved}", highlight=False)
    return 0


@click.command("run")
@click.option("--suite", default="compare", show_default=True, help="Which comparison.")
@click.option("--problem", "problems", multiple=True, metavar="NAME", help="Only this problem; repeatable.")
@click.option("--solver", "solvers", multiple=True, metavar="NAME", help="Only this solver; repeatable.")
@click.option("--budget", type=click.IntRange(min=1), help="Evaluations a run  [default: the suite's]")
@click.option("--gradient-cost", type=click.Choice(["one", "dimension"]), help="What a derivative takes of it.")
@JOBS
@CELL_TIMEOUT
@FAIL_FAST
@OUT
@SEED
@AS_JSON
def run_command(suite: str, out: Path, as_json: bool, **options: Any) -> int:
    """Compare solvers at equal budgets: options tuned over a declared grid, medians over other seeds."""
    from zoba_bench.comparison.compare import compare
    from zoba_bench.ledger import Ledger
    from zoba_bench.report.comparison import comparison_table, outcome, rival_table
    from zoba_bench.report.html import write_report

    console = new_console()
    failed: list[Any] = []
    announce = None if as_json else lambda text: console.print(escape(text), highlight=False)
    with progress_bar(quiet=as_json, word="running") as progress:
        content = compare(
            suite,
            out=out,
            progress=progress,
            announce=announce,
            announce_failed=failed.extend,
            isolated=True,
            **options,
        )
    with Ledger(out / "ledger.sqlite") as ledger:
        page = write_report(ledger, out)
    if as_json:
        print_json(content)
        report_failed(failed)
        return 2 if failed else 0
    console.print(comparison_table(content))
    if content["rivals"]:
        console.print(rival_table(content))
    console.print(f"{outcome(content)}\nreport: {page}", highlight=False, soft_wrap=True)
    report_failed(failed)
    return 2 if failed else 0


def read_setting(text: str) -> tuple[str, Any]:
    """NAME=VALUE with a JSON value where it is one, else a string."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--set")
    try:
        return name.replace("-", "_"), json.loads(value)
    except json.JSONDecodeError:
        return name.replace("-", "_"), value
