"""What protocols measure, which claims suites have, what a claim says, and what a task does."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from zoba_bench.cli.info.card import Card
from zoba_bench.cli.info.docstrings import first_line, plain, summary

__all__ = ["claim_card", "comparison_card", "find_claim", "protocol_card", "suite_card", "task_card"]


def protocol_card(name: str) -> Card:
    """Of a protocol: how it measures, where its tolerances come from, what its claims' parameters are."""
    from zoba_bench.verification.protocols import descriptions, load_protocol

    protocol = load_protocol(name)
    said = {what: plain(text) for what, text in descriptions([name])[name].items()}
    card = Card(name, "protocol", protocol.TITLE)
    card.content = {**said, "parameters": protocol.PARAMETERS.describe()}
    card.add("", {
        "measures": " ".join(said["about"].split()), "tolerance": said["tolerance"] or "each claim declares its own",
        "leaves open": said["leaves_open"] or "not said", "parameters": protocol.PARAMETERS.describe(),
        "its claims": f"zoba-bench verify --suite standard --only protocol={name} --list",
    })  # fmt: skip
    return card


def suite_card(name: str) -> Card:
    """Of a suite: how many claims each protocol has in it."""
    from zoba_bench.registry import entry
    from zoba_bench.verification.protocols import titles

    suite = entry("claims", name)()
    counts: dict[str, list[int]] = {}
    for claim in suite.claims:
        row = counts.setdefault(claim.protocol, [0, 0])
        row[claim.origin == "control"] += 1
    titled = titles(counts)
    card = Card(name, "suite", suite.description)
    card.content = {
        "claims": len(suite.claims),
        "protocols": {k: {"claims": a, "controls": b} for k, (a, b) in counts.items()},
    }
    card.add("", {"claims": f"{len(suite.claims)}, controls among them", "run it": f"zoba-bench verify --suite {name}"})
    card.add("Protocols", {
        key: f"{titled.get(key, '')}: {claims} claims, {controls} controls"
        for key, (claims, controls) in counts.items()
    })  # fmt: skip
    return card


def comparison_card(name: str) -> Card:
    """Of a comparison of solvers, of methods on tasks with data, or of MEHA and its rivals."""
    from zoba_bench.comparison.applications.settings import APPLICATIONS
    from zoba_bench.comparison.grids import GRIDS
    from zoba_bench.comparison.ratios.settings import RATIOS
    from zoba_bench.comparison.suites import SUITES

    if name in RATIOS:
        settings = {key: value for key, value in RATIOS[name].items() if key != "contests"}
        contests = {contest.title: dict(contest.problem) for contest in RATIOS[name]["contests"]}
        card = Card(name, "comparison", "MEHA against methods that fit, as ratios until an accuracy.")
        card.content = {"settings": settings, "contests": contests}
        card.add("", {
            **{key: str(value) for key, value in settings.items()}, "contests": ", ".join(contests),
            "run it": f"zoba-bench run --suite {name}",
        })  # fmt: skip
        return card
    if name in APPLICATIONS:
        settings = {key: value for key, value in APPLICATIONS[name].items() if key != "tasks"}
        tasks = {task.title: dict(task.problem) for task in APPLICATIONS[name]["tasks"]}
        card = Card(name, "comparison", "Methods on tasks with data, at equal evaluations and equal time.")
        card.content = {"settings": settings, "tasks": tasks}
        card.add("", {
            **{key: str(value) for key, value in settings.items()}, "tasks": ", ".join(tasks),
            "run it": f"zoba-bench run --suite {name}",
        })  # fmt: skip
        return card

    settings = {key: value for key, value in SUITES[name].items() if key != "problems"}
    problems = [spec["name"] for spec in SUITES[name]["problems"] or ()]
    card = Card(name, "comparison", "Solvers at equal budgets, with options tuned over a declared grid.")
    card.content = {"settings": settings, "problems": problems, "solvers": sorted(GRIDS)}
    card.add("", {
        **{key: str(value) for key, value in settings.items()},
        "problems": ", ".join(problems) or "all that are registered", "solvers": ", ".join(sorted(GRIDS)),
        "run it": f"zoba-bench run --suite {name}",
    })  # fmt: skip
    return card


def find_claim(name: str) -> tuple[str, Any] | None:
    """The claim of that id, and the first suite that has it."""
    for suite, claims in _suites():
        for claim in claims():
            if claim.id == name:
                return suite, claim
    return None


def claim_ids() -> list[str]:
    """The ids of all claims of registered suites."""
    return list(dict.fromkeys(claim.id for _, claims in _suites() for claim in claims()))


def _suites() -> list[tuple[str, Callable[[], Any]]]:
    from zoba_bench.registry import names

    order = sorted(names("claims"), key=lambda name: (name != "quick", name))
    return [(name, functools.partial(_claims, name)) for name in order]


def _claims(suite: str) -> Any:
    from zoba_bench.registry import entry

    return entry("claims", suite)().claims


def claim_card(name: str) -> Card:
    """Of a claim: what it says and how it is measured."""
    found = find_claim(name)
    assert found is not None
    suite, claim = found
    card = Card(name, "claim", claim.statement, text=claim.source)
    card.content = {
        "suite": suite,
        **{k: getattr(claim, k) for k in ("protocol", "solver", "problem", "relation", "tolerance", "origin")},
        "controls": list(claim.controls), "source": claim.source, "expected": claim.expected,
    }  # fmt: skip
    card.add("", {
        "protocol": claim.protocol, "solver": claim.solver or "none", "problem": claim.problem,
        "relation": claim.relation, "tolerance": f"{claim.tolerance:g}", "origin": claim.origin,
        "source": claim.source or "derived here",
        "must be": claim.expected, "controls": ", ".join(claim.controls) or "none",
        "measure it": f"zoba-bench verify --suite {suite} --claim {name}",
    })  # fmt: skip
    return card


def task_card(name: str) -> Card:
    """Of a task, the kind of work that cells of a ledger do."""
    from zoba_bench.tasks import resolve, target

    function = resolve(name)
    card = Card(name, "task", summary(function) or first_line(function))
    card.content = {"function": target(name)}
    card.add("", {"function": target(name)})
    return card
