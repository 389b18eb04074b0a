"""How a solver behaves, whatever it declares: the same bits (P8), independence (P11), conduct (P12)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoba_bench.directions import generator
from zoba_bench.verification.claims._pairs import Control, build, with_controls
from zoba_bench.verification.protocols.whole_step import steps_from
from zoba_bench.verification.suites.own_solver.parts import SMALL, Parts, Spec, pilot_rng

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
    """P11, where a pilot sees that steps are random."""
    for spec in small:
        parameters = {"problem": spec, "options": parts.options, "draws": 250, "replicates": 4}
        with np.errstate(all="ignore"):
            row = steps_from(pilot_rng(), spec, parts.solver, parts.options, 0, 16)
            again = steps_from(pilot_rng(), spec, parts.solver, parts.options, 0, 1)
            other = steps_from(generator(np.random.SeedSequence(13)), spec, parts.solver, parts.options, 0, 1)
        spread = max((float(np.max(np.array(values, dtype=float))) for values in row["variance"].values()), default=0.0)
        # Replicates that are all equal have no variance, but another stream moves them elsewhere.
        if spread > 1e-24 or again["mean"] != other["mean"]:
            parts.add(
                f"P11/{spec['name']}", "Replicates are independent of each other, a step of the next one, a cell of "
                "another, and the samples of both levels.", "at_most", 0.0, parameters, spec["name"],
                paired=("each second replicate repeats the one before it", {"paired": True}),
            )  # fmt: skip
            return
    parts.left_out["P11"] = "nothing is random: replicates from one start are the same run"


def add_conduct(parts: Parts, small: Sequence[Spec]) -> None:
    for spec in small[:2]:
        parts.add(
            f"P12/{spec['name']}", "The budget is honoured, counts never fall, and a NaN ends its own replicate at the "
            "last finite iterates.", "exact", 0.0,
            {"problem": spec, "options": parts.options, "iterations": 15, "replicates": 4}, spec["name"],
            over=("every third iteration queries half as much again", {"over": True}),
            infects=("one replicate's NaN reaches the others", {"infects": True}),
        )  # fmt: skip
