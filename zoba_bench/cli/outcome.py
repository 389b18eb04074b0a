"""What a run of ``solve`` came to: as JSON, and as people read it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from zoba_bench.cli.terminal import escape
from zoba_bench.problem import BilevelProblem
from zoba_bench.result import Result, Status

__all__ = ["advice_on", "content_of", "print_outcome"]

_COMPONENTS = 8
_REPLICATES = 10
#: Share of the hypergradient at the start above which a run did not come far.
_LEFT = 0.5
#: Share below which nobody asks for more.
_SMALL = 1e-3
#: Last quarter of a run over the one before, below which it still falls.
_FALLS = 0.9


def content_of(problem: BilevelProblem, result: Result) -> dict[str, Any]:
    """Everything that is known of the end of a run; lists over replicates."""
    last = {k: v[-1].tolist() for k, v in result.history.items() if k != "iteration"}
    return {
        "x": result.x.tolist(), "z": result.z.tolist(), "v": result.v.tolist(),
        "status": [Status(s).label for s in result.status], "message": list(result.message), "nit": result.nit.tolist(),
        "n_inner": result.n_inner.tolist(), "n_outer": result.n_outer.tolist(),
        "counts": {name: count.tolist() for name, count in result.counts.items() if count.any()},
        **_values(problem, result), "last": last,
        "travelled": None if result.travelled is None else result.travelled.tolist(),
        "tuning": result.tuning, "advice": result.advice, "what_to_change": advice_on(problem, result),
        "mean_stationarity": None if result.mean_stationarity is None else result.mean_stationarity.tolist(),
    }  # fmt: skip


def _values(problem: BilevelProblem, result: Result) -> dict[str, Any]:
    """Psi and the norm of its gradient at x; what stands in for them where the problem does not know them."""
    with np.errstate(all="ignore"):
        if problem.value is not None:
            psi, what = problem.value(result.x), "Psi"
        else:
            psi, what = problem.outer(result.z, result.x), "F(z, x)"
        if problem.hypergradient is not None:
            norms, which = np.linalg.norm(problem.hypergradient(result.x), axis=-1), "|grad Psi|"
        else:
            norms, which = result.estimate, "estimate of |grad Psi|"
    return {
        "psi": np.asarray(psi, dtype=float).reshape(-1).tolist(), "psi_is": what,
        "hypergradient_norm": None if norms is None else np.asarray(norms, dtype=float).reshape(-1).tolist(),
        "hypergradient_norm_is": which,
    }  # fmt: skip


def advice_on(problem: BilevelProblem, result: Result) -> str:
    """What to change, in one sentence; empty where there is nothing to say but how the run ended."""
    failed = [m for m, s in zip(result.message, result.status, strict=True) if not _regular(s)]
    if failed:
        return failed[0]
    if result.advice:
        return result.advice
    unfinished = np.isin(result.status, (Status.MAX_ITERATIONS, Status.BUDGET))
    norms = _norms(result)
    if not unfinished.any() or norms is None:
        return ""
    left, falls = norms
    options = f"`zoba-bench info {result.solver}` lists them"
    budget = "--budget" if (result.status == Status.BUDGET).any() else "--max-iterations"
    if left > _LEFT:
        return (
            f"the hypergradient is still {left:.0%} of what it was at the start: if it falls, give a larger {budget}; "
            f"if not, --tune, or other steps with --set ({options})"
        )
    if falls < _FALLS:
        return f"the hypergradient still falls, to {left:.2g} of what it was at the start: give a larger {budget}"
    if left > _SMALL:
        return (
            f"the hypergradient no longer falls, at {left:.2g} of what it was at the start: more evaluations at these "
            f"options give nothing; smaller steps, more directions or smaller radii do, with --set ({options})"
        )
    return ""


def _regular(status: int) -> bool:
    return status in (Status.CONVERGED, Status.MAX_ITERATIONS, Status.BUDGET)


def _norms(result: Result) -> tuple[float, float] | None:
    """The hypergradient at the end as a share of that at the start, and of that in the quarter before the last.

    Of norms the median over replicates, of quarters the median too; None where they are not known, or are too few.
    """
    seen = result.history.get("stationarity")
    if seen is None or len(seen) < 2:
        return None
    norms = np.sqrt(np.median(seen, axis=1))
    quarter = len(norms) // 4
    before = norms[-2 * quarter : -quarter] if quarter else norms[:1]
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = norms[-1] / norms[0], np.median(norms[-max(quarter, 1) :]) / np.median(before)
    return None if np.isnan(shares).any() else (float(shares[0]), float(shares[1]))


def print_outcome(console: Any, problem: BilevelProblem, result: Result, content: dict[str, Any]) -> None:
    """One run in a line for each thing that is known; several in a table, with the iterates of the first."""
    from zoba_bench.report.sheet import Sheet

    one = len(content["status"]) == 1
    ended = ", ".join(dict.fromkeys(content["status"]))
    console.print(f"[bold]{escape(result.solver)}[/] on [bold]{escape(result.problem)}[/]: {ended}", highlight=False)
    gradient = content["hypergradient_norm_is"]
    if not one:
        table = Sheet(
            "replicate", "status", "iterations", "inner", "outer", content["psi_is"], gradient, "|x - x0|", head=2,
            right=("replicate", "iterations", "inner", "outer"),
        )  # fmt: skip
        for r in range(min(len(content["status"]), _REPLICATES)):
            table.add_row(
                str(r), content["status"][r], *(str(content[key][r]) for key in ("nit", "n_inner", "n_outer")),
                _number(content["psi"][r]), _of(content["hypergradient_norm"], r), _of(content["travelled"], r),
            )  # fmt: skip
        console.print(table)
        if len(content["status"]) > _REPLICATES:
            console.print(f"and {len(content['status']) - _REPLICATES} more; --json prints all")
    lines = Sheet("", "", whole=(0,))
    rows = {"x" if one else "x of replicate 0": _vector(content["x"][0])}
    rows["z" if one else "z of replicate 0"] = _vector(content["z"][0])
    if one:
        known = "" if problem.minimum is None or problem.value is None else f"  (infimum {_number(problem.minimum)})"
        rows[content["psi_is"]] = f"{_number(content['psi'][0])}{known}"
        rows[gradient] = _of(content["hypergradient_norm"], 0) + _at_the_start(result)
        rows["evaluations"] = (
            f"{content['n_inner'][0]} inner, {content['n_outer'][0]} outer, in {content['nit'][0]} iterations"
        )
        rows["|x - x0|"] = _of(content["travelled"], 0)
    other = {k: v for k, v in content["counts"].items() if k not in ("inner", "outer")}
    if other:
        rows["other queries"] = ", ".join(f"{max(counts)} {name}" for name, counts in other.items())
    if content["what_to_change"]:
        rows["what to change"] = content["what_to_change"]
    for name, text in rows.items():
        lines.add_row(f"  {name}", text)
    console.print(lines)


def _at_the_start(result: Result) -> str:
    seen = result.history.get("stationarity")
    return "" if seen is None or not len(seen) else f"  ({_number(float(np.sqrt(seen[0, 0])))} at the start)"


def _of(values: list[float] | None, index: int) -> str:
    return "–" if values is None else _number(values[index])


def _number(value: float) -> str:
    return f"{value:.6g}"


def _vector(values: Iterable[float]) -> str:
    values = list(values)
    more = f", ... ({len(values)} components; --json prints all)" if len(values) > _COMPONENTS else ""
    return ", ".join(map(_number, values[:_COMPONENTS])) + more
