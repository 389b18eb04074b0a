"""A solver at work on one problem: ``solve``."""

from __future__ import annotations

import json
from typing import Any

import click

from zoba_bench.cli.options import AS_JSON, MAX_MEMORY, OWN, QUIET, SEED, Completed, perturbation_of, perturbed
from zoba_bench.cli.progress import Progress
from zoba_bench.cli.terminal import new_console, print_json
from zoba_bench.cli.verbs import resolved
from zoba_bench.cli.whole import Whole

__all__ = ["solve"]

#: How a run ends that met its tolerance, or used the iterations or the budget that it was given.
REGULAR = ("converged", "max_iterations", "budget")


@click.command()
@click.argument("problem", required=False, type=Completed("problems"))
@OWN
@click.option("--solver", default="hf-zoba", show_default=True, type=Completed("solvers"), help="Solver or preset.")
@click.option("--p", type=Whole(), help="Inner dimension.")
@click.option("--d", type=Whole(), help="Outer dimension.")
@click.option("--max-iterations", type=Whole(), help="Iterations [default: 1000, or as many as the budget allows].")
@click.option("--budget", type=Whole(), help="Evaluations a replicate, inner plus outer.")
@click.option(
    "--gradient-cost",
    type=click.Choice(["one", "dimension"]),
    default="one",
    show_default=True,
    help="What a derivative takes of the budget: one evaluation, or one a component.",
)
@click.option("--tolerance", type=float, default=0.0, help="Stop where the solver's stationarity estimate is below it.")
@click.option("--replicates", default=1, show_default=True, type=Whole(), help="Independent runs from the same start.")
@click.option("--tune", is_flag=True, help="Choose steps and radii from the curvature at the start; counted.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Solver option, repeatable.")
@perturbed
@MAX_MEMORY
@SEED
@QUIET
@AS_JSON
def solve(
    problem: str | None, own: str | None, solver: str, p: int | None, d: int | None, max_iterations: int | None,
    budget: int | None, gradient_cost: str, tolerance: float, replicates: int, tune: bool,
    settings: tuple[str, ...], max_memory: str | None, seed: int, quiet: bool, as_json: bool, **faults: Any,
) -> int:  # fmt: skip
    """Run a solver on a registered problem, or on one of your own.

    Printed are x, z, Psi and its gradient where they end, evaluations, the distance travelled, and what to change.
    Exit code 1 if a replicate diverged, met a value that is not finite, or could not go on.

    \b
    Examples:
      zoba-bench solve reference --solver hf-zoba --budget 50000
      zoba-bench solve quad_general --p 4 --d 3 --set rho=0.1 --set l1=16
    """
    from zoba_bench.api import solve as run
    from zoba_bench.cli.outcome import content_of, print_outcome
    from zoba_bench.memory import check_memory, limit_memory
    from zoba_bench.problem.file import file_spec
    from zoba_bench.registry import load_problem, make_solver
    from zoba_bench.result import Status

    if (problem is None) == (own is None):
        got = f"got both {problem!r} and {own!r}" if own is not None else "got neither"
        raise click.UsageError(f"give the name of a registered problem, or --problem file.py:name; {got}")
    name = problem if own is None else own
    assert name is not None
    options = dict(map(read_setting, settings))
    make_solver(solver, **options)  # only the solver's own options may be set
    with Progress(quiet or as_json) as show:
        show.begin("building the problem")
        spec = file_spec(name)
        wrong = perturbation_of(faults)
        if wrong and own is not None:
            raise click.UsageError("a problem of your own is perturbed in its file, by problems.combinators.perturbed")
        if wrong:
            spec = {"name": "perturbed", "base": name, "permute": False, "rotate": False, **wrong}
        built = load_problem(**spec, p=p, d=d)
        whole = (1000 if max_iterations is None else max_iterations) if budget is None else budget
        step = show.begin("running", "iterations" if budget is None else "evaluations", total=whole)

        def follow(k: int, state: Any) -> None:
            used = k + 1 if budget is None else int((state.oracle.n_inner + state.oracle.n_outer).max())
            step(min(used, whole), whole, "")

        if max_memory is not None:
            limit_memory(check_memory("--max-memory", max_memory))
        try:
            result = run(
                built, solver, max_iterations=max_iterations, budget=budget, gradient_cost=gradient_cost,
                replicates=replicates, tolerance=tolerance, seed=seed, max_memory=max_memory, callback=follow,
                tune=tune, **options,
            )  # fmt: skip
        except MemoryError as error:
            if max_memory is None:
                raise
            raise ValueError(f"this needs more than --max-memory {max_memory}: {error}") from error
    about = {"problem": name, **{k: v for k, v in spec.items() if k != "name"}, "solver": solver, "seed": seed}
    content = {**about, **content_of(built, result)}
    if as_json:
        print_json({**content, "configuration": resolved()})
    else:
        print_outcome(new_console(), built, result, content)
    return 0 if all(Status(s).label in REGULAR for s in result.status) else 1


def read_setting(text: str) -> tuple[str, Any]:
    """NAME=VALUE with a JSON value where it is one, else a string."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.BadParameter(f"{text!r} is not NAME=VALUE, for example rho=0.1", param_hint="--set")
    try:
        return name.replace("-", "_"), json.loads(value)
    except json.JSONDecodeError:
        return name.replace("-", "_"), value
