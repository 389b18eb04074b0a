"""Random options for every solver: a run is valid, or refused by an error that says what is wrong.

``python tests/solvers/fuzzing.py 2000`` tries that many in two worker processes, with a limit of time for each, and
prints how they ended.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import resource
import sys
import warnings

import numpy as np

import zoba_bench as zb
from zoba_bench.processes import Failure, Workers
from zoba_bench.registry import entry, load_problem, make_solver
from zoba_bench.solvers.base import StepWarning

SECONDS = 20.0
_MEMORY = 4 * 2**30  # bytes of address space of a worker: what is too large is refused, not killed
#: Derivatives with and without samples, tasks, a set for x, an inner problem that is not smooth.
PROBLEMS = (
    {"name": "quad_sum", "p": 3, "d": 2}, {"name": "reference", "p": 3, "d": 2},
    {"name": "quad_general", "p": 2, "d": 3}, {"name": "logistic_bregman", "p": 2, "d": 2}, {"name": "two_task"},
    {"name": "l1_meha"}, {"name": "entropic_simplex"},
)  # fmt: skip
_NUMBERS = (1e-300, 1e-17, 1e-8, 1e-3, 0.1, 0.5, 1.0, 3.0, 1e3, 1e17, 1e300)
_COUNTS = (1, 2, 3, 5, 8)
_HUGE = (2**31, 2**40)
_BAD = (
    0, -1, 0.0, -0.5, float("nan"), float("inf"), "text", "", True, None, [1.0], 1 + 2j, np.float64(0.25), np.int64(2),
    np.timedelta64(3, "s"), np.array([1.0, 2.0]), np.ma.masked, 2.5, object,
)  # fmt: skip
_WORDS = ("constant", "inverse-sqrt", "harmonic", "equal", "tuned", "shared", "independent", "gaussian", "sphere",
          "coordinate", "orthogonal", "block", "low-rank", "joint", "values", "gradients", "stored", "forward",
          "recomputed", "secant", "measured", "block")  # fmt: skip


@functools.cache
def problems():
    """Those that can be built here."""
    known = zb.list_problems()
    return [load_problem(**spec) for spec in PROBLEMS if spec["name"] in known]


def draw(number: int) -> tuple[str, int, dict, dict]:
    """Solver, problem, its options and those of the run; the same for every call with this number."""
    rng = np.random.default_rng([20260129, number])
    names = zb.list_solvers()
    solver = names[number % len(names)]
    fields = dataclasses.fields(entry("solvers", solver))
    chosen = rng.choice(len(fields), size=min(len(fields), int(rng.integers(0, 5))), replace=False)
    options = {fields[i].name: _value(rng, fields[i].default) for i in chosen}
    run = {"max_iterations": int(rng.integers(1, 12)), "replicates": int(rng.integers(1, 4)), "seed": number}
    if rng.random() < 0.4:
        run["budget"] = int(10 ** rng.uniform(0, 6))
    if rng.random() < 0.5:
        run["tolerance"] = float(10 ** rng.uniform(-12, 6))
    if rng.random() < 0.3:
        run["gradient_cost"] = "dimension"
    able = [which for which in range(len(problems())) if not _lacking(solver, which)]
    some = able if rng.random() < 0.9 else range(len(problems()))
    return solver, int(rng.choice(list(some))), options, run


@functools.cache
def _lacking(solver: str, which: int) -> bool:
    try:
        make_solver(solver).check(problems()[which])
    except ValueError:
        return True
    return False


def _value(rng, default):
    """Mostly of the kind of the default; sometimes anything."""
    kind = rng.random()
    if kind < 0.12:
        return _BAD[rng.integers(len(_BAD))]
    if isinstance(default, str):
        return str(rng.choice(_WORDS))
    if isinstance(default, bool):
        return bool(rng.integers(2))
    if isinstance(default, int) or (default is None and kind < 0.5):
        return int(rng.choice(_HUGE)) if kind > 0.85 else int(rng.choice(_COUNTS))
    return float(rng.choice(_NUMBERS)) if kind < 0.7 else float(10 ** rng.uniform(-4, 1))


def attempt(number: int) -> str:
    """Try one; "run" or "refused", and anything else is raised."""
    solver, which, options, run = draw(number)
    problem = problems()[which]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", StepWarning)
        try:
            result = zb.solve(problem, solver, **run, **options)
        except (ValueError, TypeError, MemoryError) as error:
            if len(str(error)) < 15:
                raise AssertionError(f"says nothing: {error!r}") from error
            return "refused"
    _check(result, run)
    return "run"


def attempt_apart(number: int) -> str:
    """The same in a worker."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, hard))
    return attempt(number)


def _check(result, run) -> None:
    """What must be true of every run."""
    labels = [zb.Status(status).label for status in result.status]
    for name in ("x", "z", "v"):
        assert np.isfinite(getattr(result, name)).all(), f"{name} is not finite, {labels}"
    assert (result.nit <= run["max_iterations"]).all()
    assert ((result.nit == run["max_iterations"]) | (result.status != zb.Status.MAX_ITERATIONS)).all()
    assert all(result.message)
    if "budget" in run and run.get("gradient_cost") != "dimension":
        spent = sum(
            count for name, count in result.counts.items() if name not in ("prox", "projection", "communication")
        )
        assert (spent <= run["budget"]).all(), f"{spent} of {run['budget']}"
    converged = result.status == zb.Status.CONVERGED
    if converged.any():
        assert result.estimate is not None
        assert (result.estimate[converged] <= run["tolerance"]).all()


def sweep(numbers: range, jobs: int = 2) -> tuple[collections.Counter[str], list[str]]:
    """How they ended, and what should not have been."""
    ends: collections.Counter[str] = collections.Counter()
    wrong = []
    with Workers(jobs, SECONDS) as workers:
        for index, outcome in workers.run("fuzzing:attempt_apart", ((number,) for number in numbers)):
            if isinstance(outcome, Failure):
                ends[outcome.status] += 1
                if outcome.status != "timeout":
                    wrong.append(f"{numbers[index]}: {draw(numbers[index])}\n{outcome.message}\n{outcome.traceback}")
            else:
                ends[outcome] += 1
    return ends, wrong


def main() -> int:
    ends, wrong = sweep(range(int(sys.argv[1])))
    print("\n\n".join(wrong))
    print(", ".join(f"{count} {end}" for end, count in ends.most_common()), f"({len(wrong)} wrong)")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
