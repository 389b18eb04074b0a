"""P8: the bits of x, z, v, counts and history of a cell, run in two orders among others and in a fresh process: they
must be the same, exactly.

A list of runs, each with a generator of its own as every cell has it, is carried out three times: in the order in which
it is given and in a shuffled one, both in the cell's process, whatever happened there before; and in another
order in a fresh process, whose string hashes are seeded anew. The bits of the iterates, the counts and the history
must be the same each time.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from zoba_bench.driver import run
from zoba_bench.result import Result
from zoba_bench.solvers.base import StepWarning
from zoba_bench.statistics import Limits
from zoba_bench.sweep import Cell, run_cell
from zoba_bench.verification.claim import Claim, Measurement
from zoba_bench.verification.parameters import COUNT, NAME, OPTIONS, PROBLEM, Parameters, tables
from zoba_bench.verification.protocols.shared.named import build_problem, build_solver
from zoba_bench.verification.protocols.shared.plan import Plan, Work

__all__ = ["PARAMETERS", "RESTS_ON_THEOREM", "TITLE", "WORK", "digests", "judge", "orders", "plan", "serve"]

TITLE = "determinism"
TOLERANCE = "None: every bit must be the same."
LEAVES_OPEN = "Other machines, and other versions of Python, numpy or the BLAS."
#: Identical bits are no statement of a theorem.
RESTS_ON_THEOREM = False

PARAMETERS = Parameters(
    {
        "runs": tables(
            Parameters({"problem": PROBLEM, "iterations": COUNT, "replicates": COUNT},
                       {"solver": NAME, "options": OPTIONS})
        ),
    }
)  # fmt: skip

_EXECUTIONS = 3


def plan(claim: Claim, seed: int) -> Plan:
    """One cell for the whole list of runs, which claims on several solvers share.

    ``parameters``: "runs", a list of {"problem", "iterations", "replicates", "solver" (the claim's by default),
    "options"}, at least two. The claim is about those of its own solver.
    """
    runs = [{"solver": claim.solver, "options": {}, **chosen} for chosen in claim.parameters["runs"]]
    own = [i for i, chosen in enumerate(runs) if chosen["solver"] == claim.solver]
    if len(runs) < 2 or not own:
        raise ValueError(f"runs must be at least two, with one of {claim.solver}: a single one has no order")
    return Plan(
        (Cell("zoba_bench.verification.protocols.determinism:orders", {"runs": runs, "root": seed}, seed),),
        {"own": own},
    )


def orders(rng: np.random.Generator, runs: Sequence[Mapping[str, Any]], root: int) -> dict[str, Any]:
    """Names of what differs between three executions of the runs, by run. ``root`` seeds the runs."""
    cells = [Cell("zoba_bench.verification.protocols.determinism:digests", chosen, root) for chosen in runs]
    listed = [run_cell(cell) for cell in cells]
    again = _in_order(rng, cells, lambda shuffled: [run_cell(cell) for cell in shuffled])
    elsewhere = _in_order(rng, cells, _in_fresh_process)
    return {
        "differing": [
            sorted(name for name, bits in first.items() if not bits == second[name] == third[name])
            for first, second, third in zip(listed, again, elsewhere, strict=True)
        ]
    }


def digests(
    rng: np.random.Generator, problem: Mapping[str, Any], solver: str, options: Mapping[str, Any], iterations: int,
    replicates: int,
) -> dict[str, Any]:  # fmt: skip
    """Hashes of the bits of a run from the family's own start."""
    built = build_problem(problem)
    z0, x0 = built.initial_point(rng)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StepWarning)  # a run that would diverge has its bits too
        result = run(
            built, build_solver(solver, options), z0=z0, x0=x0, rng=rng, replicates=replicates,
            max_iterations=iterations,
        )  # fmt: skip
    return {name: _digest(arrays) for name, arrays in _arrays(result).items()}


def judge(claim: Claim, plan: Plan, results: Mapping[str, Mapping[str, Any]], level: float) -> Measurement:
    """The number of arrays that differ, over the claim's own runs; none may."""
    differing = [results[plan.cells[0].key]["differing"][i] for i in plan.context["own"]]
    number = float(sum(map(len, differing)))
    note = f"{len(differing)} runs, {_EXECUTIONS} executions each, one in a fresh process"
    if number:
        note += f"; what differs: {', '.join(sorted(set().union(*differing)))}"
    return Measurement(0.0, number, Limits(number, number), note)


def serve() -> None:
    """Run the cells that standard input describes, in their order, and print their results; for a fresh process."""
    cells = [Cell(**description) for description in json.load(sys.stdin)]
    json.dump([run_cell(cell) for cell in cells], sys.stdout)


def _work(parameters: Mapping[str, Any], work: Callable[[Mapping[str, Any]], Work]) -> Work:
    # Starting a process and importing the package takes about as long as ten thousand calls.
    return sum((work(chosen).times(_EXECUTIONS) for chosen in parameters["runs"]), Work(calls=10_000))


WORK = {"orders": _work, "digests": lambda parameters, work: work(parameters)}

_Results = list[dict[str, Any]]


def _in_order(rng: np.random.Generator, cells: list[Cell], execute: Callable[[list[Cell]], _Results]) -> _Results:
    """Results of the cells, in their own order, of an execution in a shuffled one."""
    order = [int(i) for i in rng.permutation(len(cells))]
    results = execute([cells[i] for i in order])
    return [results[order.index(i)] for i in range(len(cells))]


def _in_fresh_process(cells: list[Cell]) -> _Results:
    described = [{"task": c.task, "parameters": dict(c.parameters), "seed": c.seed} for c in cells]
    # The same modules as here, wherever they were found, and other string hashes.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONHASHSEED"}
    environment["PYTHONPATH"] = os.pathsep.join(path or os.getcwd() for path in sys.path)
    done = subprocess.run(
        [sys.executable, "-P", "-c", f"from {__name__} import serve; serve()"], input=json.dumps(described),
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"the fresh process failed: {done.stderr.strip() or f'exit code {done.returncode}'}")
    found: _Results = json.loads(done.stdout)
    return found


def _arrays(result: Result) -> dict[str, list[Any]]:
    """What must not differ, by the name under which it is reported."""
    return {
        "x": [result.x],
        "z": [result.z],
        "v": [result.v],
        "counts": [result.nit, *(result.counts[name] for name in sorted(result.counts))],
        "history": [result.history[name] for name in sorted(result.history)],
    }


def _digest(arrays: Sequence[Any]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
