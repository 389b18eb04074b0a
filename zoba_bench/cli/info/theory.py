"""What theorems derive, and what assumptions say."""

from __future__ import annotations

import sys

from zoba_bench.cli.info.card import Card
from zoba_bench.cli.info.docstrings import first_line

__all__ = ["assumption_card", "theorem_card"]


def theorem_card(name: str) -> Card:
    """Of a registered theorem; nothing is derived."""
    from zoba_bench.registry import entry

    factory = entry("theorems", name)
    source = getattr(sys.modules.get(factory.__module__), "__doc__", "") or ""
    card = Card(name, "theorem", first_line(factory), text=f"{source} {factory.__doc__ or ''}")
    card.content = {"module": factory.__module__}
    card.add("", {
        "derivation": f"zoba-bench derive {name}", "verified by": f"zoba-bench derive {name} --check",
        "assumptions": "at the head of its derivation; A1 to A7 of the single loop: zoba-bench info A1",
    })  # fmt: skip
    return card


def assumption_card(name: str) -> Card:
    """Of A1 to A7, with the problems on which it does not hold everywhere."""
    from zoba_bench.problem.card import ASSUMPTIONS, MEANING
    from zoba_bench.registry import card_of, list_problems

    card = Card(name, "assumption", MEANING[name])
    if name not in ASSUMPTIONS:
        return card
    cards = {problem: card_of(problem) for problem in list_problems()}
    held = [problem for problem, known in cards.items() if known is not None and known.holds(name)]
    partly = {
        problem: known.assumptions.get(name, "not said")
        for problem, known in cards.items()
        if known is not None and problem not in held
    }
    card.content = {"holds": held, "elsewhere": partly}
    card.add("", {"holds on": f"{len(held)} problems: zoba-bench list --assumption {name}"})
    card.add("Elsewhere", partly)
    return card
