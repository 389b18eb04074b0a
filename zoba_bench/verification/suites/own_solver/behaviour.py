"""How a solver behaves, whatever it declares: the same bits (P8), independence (P11), conduct (P12)."""

from __future__ import annotations

from collections.abc import Sequence

from zoba_bench.verification.claims._pairs import Control, build, with_controls
from zoba_bench.verification.suites.own_solver.parts import SMALL, Parts, Spec
from zoba_bench.verification.suites.own_solver.randomness import randomness

__all__ = ["add_bits", "add_conduct", "add_independence"]


def add_bits(parts: Parts, small: Sequence[Spec]) -> None:
    runs: list[Spec] = [
        {"solver": parts.solver, "problem": spec, "options": parts.options, "iterations": 12, "replicates": 3}
        for spec in small[:2]
    ]
    wrong = "control:global-generator"
    others = [{"solver": wrong, "problem": spec, "options": {}, "iterations": 3, "replicates": 2} for spec in SMALL[:2]]
    statement = (
        "The same cell with the same seed gives the same bits of x, z, v, counts and history in every order among "
        "other cells, and in a process of its own."
    )
    claim = build(
        f"P8/{parts.title}/bits", statement, "exact", 0.0, {"runs": [*runs, *others]}, problem="all",
        solver=parts.solver,
    )  # fmt: skip
    control = Control(f"P8/{wrong}/bits", solver=wrong, changed={"runs": others})
    parts.claims += with_controls(claim, control)


def add_independence(parts: Parts, small: Sequence[Spec]) -> None:
    """P11, where steps are random: where they differ, or else where the solver draws numbers at all."""
    seen = [(spec, randomness(parts, spec)) for spec in small]
    moving = [spec for spec, found in seen if found.moves]
    for spec in (moving or [spec for spec, found in seen if found.drawn])[:1]:
        parts.add(
            f"P11/{spec['name']}", "Replicates are independent of each other, a step of the next one, a cell of "
            "another, and the samples of both levels.", "at_most", 0.0,
            {"problem": spec, "options": parts.options, "draws": 250, "replicates": 4}, spec["name"],
            paired=("each second replicate repeats the one before it", {"paired": True}),
        )  # fmt: skip
        return
    parts.left_out["P11"] = "nothing is random: no step draws a number, and all streams give the same run"


def add_conduct(parts: Parts, small: Sequence[Spec]) -> None:
    statement = (
        "The budget is honoured, counts never fall, a NaN ends its own replicate at the last finite iterates, and a "
        "step leaves the state that it is given as it is."
    )
    for spec in small[:2]:
        parts.add(
            f"P12/{spec['name']}", statement, "exact", 0.0,
            {"problem": spec, "options": parts.options, "iterations": 15, "replicates": 4}, spec["name"],
            over=("every third iteration queries half as much again", {"over": True}),
            in_place=("the next x is written into the state before", {"in_place": True}),
            infects=("one replicate's NaN reaches the others", {"infects": True}),
        )  # fmt: skip
