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
