"""A small comparison's content, written by hand: problems and solvers at choice, medians that fall along the budget."""

from __future__ import annotations

from typing import Any

KINDS = {
    "hf-zoba": ("single", "values"), "zoba": ("single", "values"), "zdsba": ("two", "values"),
    "soba": ("single", "second"), "aid-bio": ("two", "second"), "meha": ("single", "gradients"),
    "f2sa": ("two", "gradients"),
}  # fmt: skip


def result(problem: str, solver: str, end: float | None, **changes: Any) -> dict[str, Any]:
    """A row: from 4 down to ``end`` in 100 evaluations; of a solver that fails, without an end."""
    loops, oracle = KINDS[solver]
    return {
        "problem": problem, "solver": solver, "metric": "stationarity", "loops": loops, "oracle": oracle,
        "options": {"rho": 0.1, "schedule": "constant"}, "start": 4.0, "median": end,
        "quartiles": [None if end is None else 0.9 * end, None if end is None else 1.1 * end],
        "failed": 8 if end is None else 0, "evaluations": [0, 50, 100],
        "curve": [4.0, None if end is None else (4.0 * end) ** 0.5, end], "seconds": 0.5, "rounding": 1e-24,
    } | changes  # fmt: skip


def comparison(*rows: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The content of a run with these rows."""
    return {
        "comparison": "by-hand", "seed": 3, "rows": list(rows), "rivals": [], "left_out": {},
        "settings": {"budget": 100, "gradient_cost": "one", "tuning_replicates": 4, "replicates": 8},
        "seconds": 2.5, "failed": [],
        "provenance": {
            "zoba_bench": "0.1.0", "commit": "c0ffee", "blas": ["openblas 0.3"], "cpus": 2,
            "command": "zoba-bench run --suite by-hand --seed 3",
        },
    } | changes  # fmt: skip


def two_solvers() -> dict[str, Any]:
    """One problem, two solvers of different oracles."""
    return comparison(result("reference", "hf-zoba", 1e-3), result("reference", "soba", 1e-5))


def several() -> dict[str, Any]:
    """Three problems, seven solvers, one that fails, a failed cell."""
    ends = {"hf-zoba": 1e-2, "zoba": 0.5, "zdsba": 1.0, "soba": 1e-6, "aid-bio": 1e-5, "meha": 1e-3, "f2sa": 3e-3}
    rows = [
        result(problem, solver, None if (problem, solver) == ("toy", "f2sa") else end)
        for problem in ("quad_general", "reference", "toy")
        for solver, end in ends.items()
    ]
    rivals = [
        {
            "problem": problem, "oracle": "values", "single": "hf-zoba", "two": "zdsba", "single_median": 1e-2,
            "two_median": 1.0, "at_equal_evaluations": "single", "at_equal_time": "single",
        }
        for problem in ("quad_general", "reference", "toy")
    ]  # fmt: skip
    return comparison(*rows, rivals=rivals, left_out={"pzobo on toy": "needs a gradient"}, failed=[failed_cell("c1")])


def failed_cell(key: str, **changes: Any) -> dict[str, Any]:
    """A cell that has no result, as a run stores it."""
    return {
        "key": key,
        "task": "zoba_bench.comparison.trial:trial",
        "parameters": {"solver": "zoba", "p": 3},
        "seed": 0,
        "status": "raised",
        "exception": "ValueError",
        "message": "ValueError: radius is 0",
        "traceback": "Traceback (most recent call last):\n  ...\nValueError: radius is 0\n",
    } | changes


def reached(solver: str, hits: list[int | None], problem: str = "quad_general", size: str = "small") -> dict[str, Any]:
    """Runs on one instance that reach every target after so many evaluations, None for those that reach none."""
    oracle = KINDS[solver][1]
    of = {"absolute": [[hit] * 21 for hit in hits], "relative": [[hit] * 7 for hit in hits]}
    return {
        "problem": problem, "group": "quadratic", "size": size, "instance": 0, "dimension": 10, "solver": solver,
        "oracle": oracle, "metric": "stationarity", "hits": {"stationarity": of, "gap": of}, "used": [100] * len(hits),
        "budget": 100, "tuning_evaluations": 1000,
    }  # fmt: skip


def profiled(**settings: Any) -> dict[str, Any]:
    """Two sizes of a problem with runs against targets: hf-zoba reaches them in three runs of four, zoba in one."""
    problems = [("quad_general", "small"), ("quad_general (wide)", "wide")]
    rows = [
        result(problem, solver, 1e-3, median_limits=[9e-4, None], instances=1)
        for problem, _ in problems for solver in ("hf-zoba", "zoba")
    ]  # fmt: skip
    runs = [
        reached("hf-zoba", [20, 20], *problems[0]), reached("zoba", [10, None], *problems[0]),
        reached("hf-zoba", [40, None], *problems[1]), reached("zoba", [None, None], *problems[1]),
    ]  # fmt: skip
    made = comparison(*rows, runs=runs, tuning={"evaluations": 4000})
    return made | {
        "settings": {
            "budget_per_dimension": 10, "gradient_cost": "one", "tuning_instances": 1, "tuning_replicates": 4,
            "instances": 1, "replicates": 2, "charge_tuning": False, "perturbation": {}, **settings,
        },
    }  # fmt: skip
