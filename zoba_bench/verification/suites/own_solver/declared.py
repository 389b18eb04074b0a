"""What a solver declares of one iteration: its queries (P1d), and where it goes in the mean (P10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from zoba_bench.contracts import HasDeclaredCounts
from zoba_bench.verification.declarations import MISTAKES, DeclaredDescent, update_of
from zoba_bench.verification.protocols.declared_counts import declared
from zoba_bench.verification.protocols.shared.named import build_problem, build_solver
from zoba_bench.verification.suites.own_solver.numbering import FAR_ON, RUN, beside_k
from zoba_bench.verification.suites.own_solver.parts import Parts, Spec
from zoba_bench.verification.suites.own_solver.pilot import pilot
from zoba_bench.verification.suites.own_solver.varied import varied_options

__all__ = ["add_counts", "add_steps"]

#: Where a mean step is measured: p below d and above it, each above 8, derivatives that vary, samples. The first that
#: fit are used.
_STEP_PROBLEMS: tuple[Spec, ...] = (
    {"name": "xdep_curvature", "p": 5, "d": 9},
    {"name": "smd7", "p": 10, "d": 4},
    {"name": "quad_sum", "p": 4, "d": 9, "n_inner": 16, "n_outer": 16},
    {"name": "logcosh_ripple", "p": 6, "d": 9},
    {"name": "logistic_bregman", "p": 6, "d": 4},
    {"name": "l1_tracking"},
    {"name": "group_lasso"},
    {"name": "bome_minmax"},
    {"name": "two_task"},
    {"name": "imaml_quad"},
)
_MOST_STEPS = 4
_MOST_MISSED = 5


def add_counts(parts: Parts, small: Sequence[Spec]) -> None:
    if not isinstance(build_solver(parts.solver, parts.options), HasDeclaredCounts):
        parts.left_out["P1d"] = "not declared: evaluations(problem), the queries of an iteration"
        return
    sets = [parts.options, *_other_options(parts)]
    beside = beside_k(parts, small[0])
    later = {} if beside else {"later": list(FAR_ON)}
    if beside:
        parts.left_out[f"P1d beyond k = {RUN - 1}"] = f"the state holds {', '.join(beside)} beside k"
    for spec in small[:2]:
        settings = [chosen for chosen in sets if spec in parts.fitting([spec], chosen)]
        for chosen in settings:
            declared(parts.solver, chosen, build_problem(spec))
        parts.add(
            f"P1d/{spec['name']}", "Every iteration queries what the solver declares, in every column of the counter, "
            "with default and with other options.", "exact", 0.0,
            {"problems": [spec], "options": settings, "iterations": RUN, **later}, spec["name"],
            one_less=("one query an iteration fewer than declared", {"one_less": True}),
        )  # fmt: skip


def _other_options(parts: Parts) -> list[dict[str, Any]]:
    """Odd values of all whole-number options at once: what the class lists as ``other_options``, or 3 and 5."""
    configured = build_solver(parts.solver, parts.options)
    listed = getattr(configured, "other_options", None)
    if listed is not None:
        return [{**parts.options, **each} for each in listed]
    if not is_dataclass(configured):
        return []
    whole = [
        f.name for f in fields(configured)
        if isinstance(value := getattr(configured, f.name), int) and not isinstance(value, bool) and value > 0
    ]  # fmt: skip
    found = []
    for value in (3, 5):
        chosen = {**parts.options, **{name: value + i for i, name in enumerate(whole)}}
        try:
            build_solver(parts.solver, chosen)
        except Exception:  # a combination that the solver refuses, with whatever it raises
            continue
        found.append(chosen)
    return found if whole else []


def add_steps(parts: Parts) -> None:
    """P10 on several problems."""
    update = update_of(parts.solver, parts.options)
    if update is None:
        parts.left_out["P10"] = "not declared: expected_step(problem, state), the mean of the next state, or " \
            "expected_descent(problem, state)"  # fmt: skip
        return
    exact = isinstance(update, DeclaredDescent)
    statement = (
        "From exact z and v the mean move of x is -gamma_k grad Psi(x), within the declared bias."
        if exact else "In the mean one step from a state of iteration k goes where the solver declares, in every block."
    )  # fmt: skip
    found: list[Spec] = []
    missed = 0
    for spec in parts.fitting(_STEP_PROBLEMS):
        problem = build_problem(spec)
        if exact and None in (problem.inner_solution, problem.adjoint, problem.hypergradient):
            continue
        chosen = pilot(parts, spec, update, exact)
        if isinstance(chosen, str):
            parts.left_out[f"P10 on {spec['name']}"] = chosen
            missed += 1
            if missed == _MOST_MISSED:
                break
            continue
        parameters, seen = chosen
        wrong = {name: (MISTAKES[name], {"mistake": name}) for name in seen}
        parts.add(f"P10/{spec['name']}", statement, "at_most", 0.0, parameters, spec["name"], **wrong)
        if not seen:  # it diverges there
            missed += 1
            if missed == _MOST_MISSED:
                break
            continue
        found.append(spec)
        if len(found) == _MOST_STEPS:
            break
    if not found and not missed:
        parts.left_out["P10"] = "no problem that it is tried on fits the solver"
    if found:
        _add_other_options(parts, found, update, exact, statement)


def _add_other_options(parts: Parts, specs: Sequence[Spec], update: Any, exact: bool, statement: str) -> None:
    """P10 with other numbers as options, on the same problems: on some of them an option may be without effect."""
    options, unchanged = varied_options(parts)
    if unchanged:
        parts.left_out["other options"] = f"not varied: {', '.join(unchanged)}"
    changed = {name: value for name, value in options.items() if name not in parts.options
               or value != parts.options[name]}  # fmt: skip
    if not changed:
        return
    for spec in parts.fitting(specs, options):
        chosen = pilot(replace(parts, options=options), spec, update, exact)
        if isinstance(chosen, str):
            parts.left_out[f"P10 on {spec['name']} with other options"] = chosen
        elif not chosen[1]:
            parts.left_out[f"P10 on {spec['name']} with other options"] = "steps diverge with them"
        else:
            parameters, seen = chosen
            words = ", ".join(f"{name} = {value:.6g}" for name, value in changed.items())
            parts.add(
                f"P10/{spec['name']}-other-options", f"{statement.removesuffix('.')}, with {words}.", "at_most", 0.0,
                parameters, spec["name"], **{name: (MISTAKES[name], {"mistake": name}) for name in seen},
            )  # fmt: skip
