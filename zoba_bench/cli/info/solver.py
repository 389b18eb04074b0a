"""What a solver is, needs and takes as options."""

from __future__ import annotations

from zoba_bench.cli.info.card import Card
from zoba_bench.cli.info.docstrings import options, parts, plain, summary

__all__ = ["solver_card"]


def solver_card(name: str) -> Card:
    """Of a registered solver, or of one in a file."""
    from zoba_bench.registry import entry, list_theorems, make_solver
    from zoba_bench.solver_file import is_solver_file, load_solver_class
    from zoba_bench.solvers.base import NEEDS

    solver = load_solver_class(name) if is_solver_file(name) else entry("solvers", name)
    default = make_solver(name)
    said, explained, needs = parts(solver), options(solver), list(default.needs)
    values = {option: getattr(default, option) for option in solver.option_names()}
    card = Card(name, "solver", summary(solver), text=solver.__doc__ or "")
    card.content = {
        **{k.lower(): text for k, text in said.items()}, "needs": needs,
        "tolerance_quantity": default.tolerance_quantity,
        "options": values, "explained": {option: list(explained.get(option, ("", ""))) for option in values},
    }  # fmt: skip
    card.add("", {
        **{label: plain(text) for label, text in said.items()},
        "needs": ", ".join(NEEDS.get(need, need) for need in needs) or "values of inner and outer",
        "tolerance is on": default.tolerance_quantity,
        **({"theorem": f"zoba-bench derive {name}"} if name in list_theorems() else {}),
    })  # fmt: skip
    lines = {}
    for option, value in values.items():
        kind, text = explained.get(option, ("", "not explained by its class"))
        lines[f"{option} = {value!r}"] = f"{text}  ({kind})" if kind else text
    card.add("Options, with their defaults (--set NAME=VALUE)", lines)
    return card
