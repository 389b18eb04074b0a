"""The table, as markdown and as JSON."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from .methods import OWN
from .referee import LEVELS, Run
from .scores import ALLOWED_CLASS, ALLOWED_MEDIAN, ClassScore

__all__ = ["as_json", "classes_table", "conclusion", "methods_table"]

_HEAD = """\
| class | problems | `zb.minimize`: evaluations | within | wrong success | largest error | best peer | first value (a) \
| its end (b) | ratio to (a) | ratio to (b) |
|---|---|---|---|---|---|---|---|---|---|---|"""


def classes_table(scores: Sequence[ClassScore]) -> str:
    """A line for each class."""
    lines = [_HEAD]
    for s in scores:
        lines.append(
            f"| {s.name} | {s.problems} | {s.evaluations:.0f} | {s.within} | {s.wrong} | {_number(s.largest_error)} "
            f"| {s.first_peer or '-'} | {_number(s.peer_hit)} | {_number(s.peer_end)} "
            f"| {_ratio(s.to_hit)} ({_ratio(s.most_to_hit)}) | {_ratio(s.to_end)} ({_ratio(s.most_to_end)}) |"
        )
    return "\n".join(lines)


def conclusion(scores: Sequence[ClassScore]) -> str:
    """One line for each of the two ratios."""
    lines = []
    for name, ratios in (
        ("first value (a)", {s.name: s.to_hit for s in scores}),
        ("own end (b)", {s.name: s.to_end for s in scores}),
    ):
        known = {name: ratio for name, ratio in ratios.items() if ratio is not None}
        if not known:
            lines.append(f"Against the peers' {name}: no class has a ratio.")
            continue
        middle = statistics.median_high(known.values())
        worst = max(known, key=known.__getitem__)
        above = sum(ratio > ALLOWED_CLASS for ratio in known.values())
        answer = "yes" if middle <= ALLOWED_MEDIAN and not above else "no"
        lines.append(
            f"Against the peers' {name}: at most {ALLOWED_MEDIAN} in the median, no class above {ALLOWED_CLASS}: "
            f"**{answer}** (median over {len(known)} classes {_ratio(middle)}, worst {worst} with "
            f"{_ratio(known[worst])}, {above} above {ALLOWED_CLASS})."
        )
    return "\n\n".join(lines)


def methods_table(runs: Mapping[str, Sequence[Mapping[str, Run]]]) -> str:
    """A line for each method: on how many problems it ran, ended within the accuracy, claimed success wrongly."""
    lines = [
        "| method | problems | ended within | wrong success | raised | stopped by the count |",
        "|---|---|---|---|---|---|",
    ]
    names = list(dict.fromkeys(name for of_class in runs.values() for one in of_class for name in one))
    for name in names:
        found = [one[name] for of_class in runs.values() for one in of_class if name in one]
        lines.append(
            f"| {name} | {len(found)} | {sum(r.error <= LEVELS[0] for r in found)} | {sum(r.wrong for r in found)} "
            f"| {sum(r.status.startswith('raised') for r in found)} | {sum(r.status == 'budget' for r in found)} |"
        )
    return "\n".join(lines)


def as_json(
    scores: Sequence[ClassScore], runs: Mapping[str, Sequence[Mapping[str, Run]]], about: Mapping[str, Any]
) -> dict[str, Any]:
    """Everything, as values that JSON holds; infinite and undefined numbers are null and "infinite"."""
    return {
        **about,
        "own": OWN,
        "accuracies": list(LEVELS),
        "conclusion": conclusion(scores),
        "classes": [_plain(dataclasses.asdict(s)) for s in scores],
        "runs": [
            {"class": name, "problem": index, "method": method, **_plain(dataclasses.asdict(run))}
            for name, of_class in runs.items()
            for index, one in enumerate(of_class)
            for method, run in one.items()
        ],
    }


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: ("infinite" if value > 0 else None) if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in fields.items()
    }


def _ratio(value: float | None) -> str:
    if value is None:
        return "-"
    return "failed" if math.isinf(value) else "no peer" if value == 0 else f"{value:.2f}"


def _number(value: float | None) -> str:
    if value is None or math.isinf(value):
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:.2g}"
