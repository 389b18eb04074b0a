"""P9: every step of a theorem, or every check of a problem's certificate, is proved again: none may be refused.

No solver runs on a problem. A control changes one statement, and the proof must refuse it: a step of the theorem whose
right-hand side is multiplied by a factor (a power too few, a weight below its threshold), or a closed form of the
problem (a wrong z*(x)).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np

from zoba_bench.problem import BilevelProblem
from zoba_bench.problem.file import is_file
from zoba_bench.registry import entry, names
from zoba_bench.statistics import Limits
from zoba_bench.sweep import Cell
from zoba_bench.verification.claim import Claim, Measurement
from zoba_bench.verification.parameters import FLAG, NAME, NUMBER, POSITIVE, PROBLEM, Parameters, table, unknown
from zoba_bench.verification.protocols.shared.named import build_problem
from zoba_bench.verification.protocols.shared.plan import Plan, Work

__all__ = ["PARAMETERS", "SIMULATED", "TITLE", "certificate", "derivation", "judge", "plan"]

TITLE = "proofs"
TOLERANCE = "None: no step and no check may be refused."
LEAVES_OPEN = "Whether a problem satisfies a theorem's assumptions; its certificate says so."

#: No solver runs on a problem here.
SIMULATED = True

PARAMETERS = Parameters(
    {},
    {
        "theorem": NAME, "problem": PROBLEM,
        "wrong": table(
            Parameters(
                {"statement": NAME},
                {"factor": POSITIVE, "times": NAME, "over": NAME, "added": NUMBER, "mixed": FLAG},
            )
        ),
    },
    either=(("theorem",), ("problem",)),
)  # fmt: skip

_BY = {"times": 1, "over": -1}
_CONSTANT = "constant "
#: What a control may change in a problem: closed forms and first derivatives; besides, constants and replicates.
_FORMS = (
    "inner_solution", "adjoint", "hypergradient", "value",
    "inner_grad_z", "inner_grad_x", "outer_grad_z", "outer_grad_x",
)  # fmt: skip


def plan(claim: Claim, seed: int) -> Plan:
    """``parameters``: either "theorem" (a name) or "problem" (a table with its name; with nothing but that the default
    instance is measured and the card's small one proved, as by ``zoba-bench check``); for a control "wrong" with
    "statement" (a step of the theorem, whose right-hand side is changed, or a closed form or a gradient of the problem)
    and the "factor" by which it is multiplied; a step also "times" and "over" a symbol of the theorem, a closed form
    also what is "added" to it. A declared constant is multiplied as "constant NAME"; "inner" or "outer" that is "mixed"
    gives every point the mean over all points beside its own value, as a sum without its axis does.

    Raises
    ------
    ValueError
        For an unknown theorem, statement or symbol.
    """
    chosen = dict(claim.parameters)
    wrong = chosen.get("wrong")
    if "theorem" in chosen:
        if chosen["theorem"] not in names("theorems"):
            raise ValueError(unknown("theorem", chosen["theorem"], names("theorems")))
        if wrong is not None:
            theorem = entry("theorems", chosen["theorem"])()
            steps = [step.name for step in theorem.steps]
            if wrong["statement"] not in steps:
                raise ValueError(unknown(f"step of theorem {theorem.name!r}", wrong["statement"], steps))
            if "added" in wrong:
                raise ValueError("wrong.added is for closed forms; a step has factor, times and over")
            for symbol in (wrong[word] for word in _BY if word in wrong):
                if symbol not in theorem.symbols:
                    raise ValueError(unknown(f"symbol of theorem {theorem.name!r}", symbol, theorem.symbols))
        return Plan((Cell("zoba_bench.verification.protocols.proofs:derivation", chosen, seed),))
    if wrong is not None:
        problem = build_problem(chosen["problem"])
        known = [name for name in _FORMS if getattr(problem, name) is not None]
        known += [f"{_CONSTANT}{name}" for name in _declared(problem)]
        if wrong.get("mixed"):
            known = ["inner", "outer"]
        if wrong["statement"] not in known:
            raise ValueError(unknown(f"closed form or gradient of {problem.name!r}", wrong["statement"], known))
        if any(word in wrong for word in _BY):
            raise ValueError("wrong.times and wrong.over are for steps of theorems; a closed form has a factor alone")
    return Plan((Cell("zoba_bench.verification.protocols.proofs:certificate", chosen, seed),))


def judge(claim: Claim, plan: Plan, results: Mapping[str, Mapping[str, Any]], level: float) -> Measurement:
    """The number of statements that are refused, exactly 0."""
    row = results[plan.cells[0].key]
    failed = row["failed"]
    note = f"{row['statements']} statements" + (f"; refused: {'; '.join(failed[:3])}" if failed else "")
    # A page shows every check; those of a control are its claim's, but for what was changed.
    series = {"checks": row["checks"]} if "checks" in row and "wrong" not in claim.parameters else {}
    return Measurement(0.0, len(failed), Limits(len(failed), len(failed)), note, series=series)


def derivation(rng: np.random.Generator, theorem: str, wrong: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Every step of a theorem, proved anew; or the wrong one alone."""
    import sympy as sp

    derived = entry("theorems", theorem)()
    steps = derived.steps
    if wrong is not None:
        factor = sp.nsimplify(wrong.get("factor", 1))
        for word, power in _BY.items():
            factor *= derived.symbols[wrong[word]] ** power if word in wrong else 1
        # One refusal is enough: the other steps are the claim's.
        steps = tuple(_times(step, factor) for step in steps if step.name == wrong["statement"])
    outcomes = [step.check() for step in steps]
    return {"statements": len(outcomes), "failed": [f"{o.step}: {o.detail}" for o in outcomes if not o.ok]}


def certificate(
    rng: np.random.Generator, problem: Mapping[str, Any], wrong: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Every check of a problem's certificate."""
    from zoba_bench.certification.certify import certify, instances

    # Proofs are of a small instance, where the claim leaves the size open.
    open_size = not {"p", "d", "seed"} & set(problem) and not is_file(problem["name"])
    measured, proved = instances(**dict(problem)) if open_size else (build_problem(problem),) * 2
    if wrong is not None:
        same, measured = measured is proved, _changed(measured, **wrong)
        proved = measured if same else _changed(proved, **wrong)
    found = certify(measured, proved, seed=int(rng.integers(2**31)))
    failed = [f"{check.name}: {check.detail}" for check in found.failed]
    return {"statements": len(found.checks), "failed": failed, "checks": found.row()["checks"]}


def _times(step: Any, factor: Any) -> Any:
    """The step with its right-hand side multiplied."""
    import sympy as sp

    left, right = step.statement.args
    scaled = sp.Tuple(*(factor * part for part in right)) if isinstance(right, sp.Tuple) else factor * right
    # Unevaluated: sympy would decide a statement about numbers by itself.
    return replace(step, statement=step.statement.func(left, scaled, evaluate=False))


def _declared(problem: BilevelProblem) -> list[str]:
    values = {one.name: getattr(problem.constants, one.name) for one in fields(problem.constants)}
    return [name for name, value in values.items() if isinstance(value, int | float)]


def _changed(
    problem: BilevelProblem, statement: str, factor: float = 1.0, added: float = 0.0, mixed: bool = False
) -> BilevelProblem:
    if statement.startswith(_CONSTANT):
        name = statement.removeprefix(_CONSTANT)
        value = {name: factor * getattr(problem.constants, name)}
        return replace(problem, constants=replace(problem.constants, **value))
    kept: Callable[..., Any] = getattr(problem, statement)

    def wrong(*at: Any) -> Any:
        value = factor * kept(*at) + added
        return value + np.mean(value) if mixed else value

    changed: dict[str, Any] = {statement: wrong}
    return replace(problem, **changed)


#: As many calls as the seconds that proofs commonly take; a file's problem seldom has symbols.
WORK = {
    "certificate": lambda parameters, general: Work(calls=4e3 if is_file(parameters["problem"]["name"]) else 6e4),
    "derivation": lambda parameters, general: Work(calls=1e5),
}
