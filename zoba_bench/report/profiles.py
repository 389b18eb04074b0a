"""How fast solvers reach targets, as pictures and in one sentence each: of all problems, by size and by group."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoba_bench.comparison.profiles import (
    TARGET,
    Profile,
    data_profile,
    ecdf,
    instances_of,
    performance_profile,
    shares,
)
from zoba_bench.report.names import Names
from zoba_bench.report.plots import Plot, shares_plot

__all__ = ["ORACLES", "Part", "Picture", "glances", "parts_of"]

Run = Mapping[str, Any]
#: What solvers may query, in words.
ORACLES = {"values": "values", "gradients": "gradients", "second": "second derivatives"}
_MOST = 200  # places of a curve that a picture shows
_WORDS = {
    "performance": ("Performance profile", "evaluations / the least of all"),
    "data": ("Data profile", "evaluations / (p + d + 1)"),
    "gap": ("Targets in Ψ − min Ψ", "evaluations / (p + d)"),
    "stationarity": ("Targets in |∇Ψ|²", "evaluations / (p + d)"),
}


@dataclass(frozen=True)
class Picture:
    """A profile drawn: its title, its file's name without ending, and the plot."""

    title: str
    file: str
    plot: Plot


@dataclass(frozen=True)
class Part:
    """A choice of problems: its title, its anchor, a sentence for each kind of solvers, and pictures."""

    title: str
    anchor: str
    sentences: tuple[str, ...]
    pictures: tuple[Picture, ...]


def parts_of(content: Mapping[str, Any], names: Names) -> list[Part]:
    """All problems, and where there are several, each size and each group."""
    runs = content.get("runs") or []
    if not runs:
        return []
    found = [_part("All problems", runs, content, names, tuple(_WORDS))]
    for key, words in (("size", "Size: {}"), ("group", "Group: {}")):
        values = list(dict.fromkeys(run[key] for run in runs))
        if len(values) > 1:
            found += [
                _part(words.format(value or "none"), [run for run in runs if run[key] == value], content, names,
                      ("data", "performance"))
                for value in values
            ]  # fmt: skip
    return found


def glances(content: Mapping[str, Any], runs: Sequence[Run] | None = None, where: str = "all") -> list[str]:
    """A sentence for each kind of solvers: who reaches the target most often, and who first."""
    found = []
    charged = bool(content["settings"].get("charge_tuning"))
    for oracle, words in ORACLES.items():
        chosen = [run for run in (content.get("runs") or [] if runs is None else runs) if run["oracle"] == oracle]
        if not chosen:
            continue
        number = len(instances_of(chosen))
        first, *others = shares(chosen, int(content["seed"]), where, oracle)
        said = f"May query {words}, {number} instance{'s' if number != 1 else ''}: "
        if first.value == 0:
            found.append(f"{said}no solver reaches {TARGET:g} of the start.")
            continue
        said += f"{first.solver} reaches {TARGET:g} of the start most often, in {_share(first)}"
        if others:
            said += f", then {others[0].solver} in {_share(others[0])}"
        found.append(f"{said}. {_fastest(performance_profile(chosen, charged), number)}")
    return found


def _share(share: Any) -> str:
    return f"{100 * share.value:.0f} % of runs ({100 * share.low:.0f} to {100 * share.high:.0f} %)"


def _fastest(profile: Profile, number: int) -> str:
    counts = {solver: round(profile.share(solver, 1.0) * profile.total) for solver in profile.steps}
    solver = max(counts, key=lambda name: counts[name])
    return f"Fewest evaluations on most instances: {solver}, on {counts[solver]} of {number}."


def _part(
    title: str, runs: Sequence[Run], content: Mapping[str, Any], names: Names, kinds: Iterable[str]
) -> Part:  # fmt: skip
    anchor = names(f"profiles-{title}")
    pictures = []
    charged = bool(content["settings"].get("charge_tuning"))
    for oracle, words in ORACLES.items():
        chosen = [run for run in runs if run["oracle"] == oracle]
        for kind in kinds:
            profile = _profile(kind, chosen, charged)
            plot = _drawn(profile, f"{title}, may query {words}: {_WORDS[kind][0]}", _WORDS[kind][1])
            if plot is not None:
                heading = f"{_WORDS[kind][0]}, may query {words}"
                pictures.append(Picture(heading, f"{anchor}-{oracle}-{kind}", plot))
    return Part(title, anchor, tuple(glances(content, runs, title)), tuple(pictures))


def _profile(kind: str, runs: Sequence[Run], charged: bool) -> Profile:
    if kind == "performance":
        return performance_profile(runs, charged)
    return data_profile(runs, charged) if kind == "data" else ecdf(runs, kind, charged)


def _drawn(profile: Profile, title: str, label: str) -> Plot | None:
    curves = {solver: _thinned(profile.points(solver)) for solver in profile.steps}
    places = [place for points in curves.values() for place, _ in points if place > 0]
    if not places:
        return None
    return shares_plot(curves, title, label, (min(places), max(places)))


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most ``_MOST`` of the points, evenly spaced along a logarithmic axis; each is on the curve."""
    if len(points) <= _MOST:
        return points
    places = np.log([max(place, 1e-300) for place, _ in points])
    first = max(places[0], math.log(1e-3))
    wanted = np.searchsorted(places, np.linspace(first, places[-1], _MOST), side="right") - 1
    return [points[n] for n in dict.fromkeys(int(n) for n in wanted)]
