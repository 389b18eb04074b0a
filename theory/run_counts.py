"""What a whole run of each registered solver queries, in numbers: the symbolic counts at its options and its problem.

Published options stand in :mod:`zoba_bench.theory.updates`. Nothing is asked of a solver.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import sympy as sp

from zoba_bench.problem import BilevelProblem

from .counts import SETTINGS, iteration_counts
from .updates import UPDATES
from .updates.expected import chosen

__all__ = ["COUNTS", "run_counts"]

#: Solver -> "module:attribute" of the function that counts its runs.
COUNTS: dict[str, str] = dict.fromkeys(UPDATES, "zoba_bench.theory.run_counts:run_counts")

#: The theorems' symbols that are not options of the solver by name.
_SYNONYMS = {"b_1": "B", "r": "inner_steps"}
#: Sizes of batches, by level: a batch of a level without samples is its exact derivative.
_BATCHES = {"S": "inner", "D_g": "inner", "B": "inner", "D_f": "outer", "b1": "inner", "b2": "outer"}
#: (b1, b2) as published, where an option leaves them open: of the single loop with values, and of the others.
_VALUES, _DERIVATIVES = {"b1": 25, "b2": 10}, {"b1": 64, "b2": 64}
#: As released, of one task.
_INNER_STEPS = 10


def run_counts(solver: str, problem: BilevelProblem, options: Mapping[str, Any], iterations: int) -> dict[str, int]:
    """Queries of a run by column of the oracle's counter; a column that is not named is zero.

    Parameters
    ----------
    solver : a registered name.
    options : those that differ from the published ones.
    iterations : how many.

    Raises
    ------
    ValueError
        If the number is random: a coin with 0 < q < 1 decides on the exact gradient of UFOM and on all samples of
        VRZSBO, and a random Neumann series of more than one term has a random length. If it depends on the values of F,
        as the path of IAPTT-GM.
    """
    module, _, attribute = UPDATES[solver].partition(":")
    o = chosen(options, getattr(import_module(module), attribute).published)
    values = _values(solver, problem, o)
    each = _with_maps(problem, _at(solver, _setting(problem, solver, o), values))
    once = _at(solver, "start", values) if "start" in SETTINGS[solver] else {}
    if "refresh" in SETTINGS[solver]:
        dearer, number = _with_maps(problem, _at(solver, "refresh", values)), -(-iterations // _period(values, o))
        once = {column: number * (total - each.get(column, 0)) for column, total in dearer.items()}
    first = each if "first" not in SETTINGS[solver] else _with_maps(problem, _at(solver, "first", values))
    later = max(0, iterations - 1)
    return {
        column: once.get(column, 0) + min(1, iterations) * first.get(column, 0) + later * each.get(column, 0)
        for column in {*each, *once}
    }


def _setting(problem: BilevelProblem, solver: str, o: Mapping[str, Any]) -> str:
    """Which formulas of the solver hold."""
    if solver in ("pzobo", "fednest"):
        return "" if o["batch"] is None or not problem.stochastic else "batch"
    if solver == "hozog":
        return "values" if o["training"] == "values" else ""
    if "series" in o:
        if o["series"] == "random" and o["N"] > 1:
            raise ValueError(f"the count of {solver} is random with series='random' at N = {o['N']}")
        return "sum" if o["series"] == "sum" else ""
    if solver == "bome":
        return "value" if o["phi"] == "value" else ""
    if solver in ("gfm", "s-szd", "o-zd", "mezo-bcd", "lozo"):
        sampled = o.get("batch") is not None
        return ", ".join(["gradients"] * (o["training"] == "gradients") + ["batch"] * sampled)
    if solver == "zo-sogd":
        return "" if min(o["gamma"], o["lam"], o["eta"]) < 1 else "no memory"
    if solver == "implicit":
        return "measured" if o["curvature"] == "measured" else ""
    if solver in ("fom", "ufom", "ufom-adaptive"):
        kind = "one task" if problem.capabilities.tasks is None else "tasks"
        return kind if solver == "fom" else f"{kind}, {o['gradient']}"
    return ""


def _period(values: Mapping[str, Any], o: Mapping[str, Any]) -> int:
    """Iterations from one refresh to the next: as chosen, or half of a pass of batches."""
    return int(o["period"] or max(1, (values["n_G"] + values["n_F"]) // (values["b1"] + values["b2"])))


def _values(solver: str, problem: BilevelProblem, o: Mapping[str, Any]) -> dict[str, Any]:
    """Every symbol's value: options, sizes of the problem, samples behind an exact derivative."""
    samples = {"inner": problem.inner_samples, "outer": problem.outer_samples}
    values = {**o, "p": problem.p, "d": problem.d, "n_G": samples["inner"] or 1, "n_F": samples["outer"] or 1}
    for name, published in (_VALUES if "l1" in o else _DERIVATIVES).items():
        values[name] = published if values.get(name) is None else values[name]
    for name, level in _BATCHES.items():
        if samples[level] is None and name in values:
            values[name] = 1
    if solver == "hf-zoba-shared":
        values["l2"] = values["l1"]
    if "B_ratio" in o:
        values["B_ratio"] = 1 if values["B"] == 1 else sp.Rational(o["B_ratio"])
    if solver == "iaptt-gm":
        values["cut"] = 1
        if o["inner_steps"] > 1:
            raise ValueError(
                f"the count of iaptt-gm depends on where F is largest along its path of inner_steps={o['inner_steps']}"
            )
    if "inner_steps" in o and o["inner_steps"] is None:
        values["inner_steps"] = _INNER_STEPS
    tasks = problem.capabilities.tasks
    if tasks is not None and solver in ("fom", "ufom", "ufom-adaptive"):
        values |= {
            "inner_steps": tasks.steps, "size": tasks.q, "cross": int(tasks.inner_cross is not None),
            "direct": int(tasks.outer_grad_theta is not None), "tasks": o["batch"] or tasks.count,
        }  # fmt: skip
    if solver == "vrzsbo-like":
        values["q"] = o["q"] if problem.stochastic else 1
        if values["q"] < 1:
            raise ValueError(f"the count of vrzsbo-like is random at q = {o['q']}: a coin chooses the samples")
    if solver in ("ufom", "ufom-adaptive") and max(o["q"], o.get("q_min", 0.0)) < 1:
        raise ValueError(
            f"the count of {solver} is random at q = {o['q']}: its gradient is exact with this probability"
        )
    return values


def _at(solver: str, setting: str, values: Mapping[str, Any]) -> dict[str, int]:
    """The symbolic counts of one iteration at numbers."""
    found = {}
    for column, count in iteration_counts(solver, setting).items():
        at = {symbol: values[_SYNONYMS.get(str(symbol), str(symbol))] for symbol in count.free_symbols}
        total = sp.nsimplify(count.subs(at).doit())
        if not total.is_Integer:
            raise ValueError(f"{solver} queries {column} {total} times, which is no whole number")
        found[column] = int(total)
    return found


def _with_maps(problem: BilevelProblem, counts: dict[str, int]) -> dict[str, int]:
    """Each map is proximal where G has a non-smooth part, else the projection onto Z; and one projection onto X."""
    owned, maps = problem.capabilities, counts.pop("prox", 0)
    projections = (owned.project_x is not None) + maps * (owned.inner_prox is None and owned.project_z is not None)
    return counts | {"prox": maps * (owned.inner_prox is not None), "projection": projections}
