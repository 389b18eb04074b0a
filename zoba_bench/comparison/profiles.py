"""How fast solvers reach targets, read from what every run has stored: nothing is run for it.

A time is a number of evaluations. Of a solver on an instance it is the expected running time of all its runs there,
where one that does not reach the target is restarted. An instance that a solver does not fit is one that it never
solves.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoba_bench.comparison.bootstrap import limits, stream
from zoba_bench.comparison.hits import ABSOLUTE, RELATIVE

__all__ = [
    "TARGET", "Profile", "Share", "data_profile", "ecdf", "expected_running_time", "instances_of",
    "performance_profile", "shares",
]  # fmt: skip

Run = Mapping[str, Any]
#: The share of the start at which profiles of one target call a problem solved.
TARGET = 1e-3


@dataclass(frozen=True)
class Profile:
    """Shares that grow along an axis: of each solver the places of its steps, and of how many the shares are.

    Attributes
    ----------
    steps : solver -> increasing places; at the k-th the share becomes (k + 1) / total.
    total : of what the shares are.
    """

    steps: Mapping[str, tuple[float, ...]]
    total: int

    def points(self, solver: str) -> list[tuple[float, float]]:
        """Places with the shares from there on; of equal places the last."""
        found: dict[float, float] = {}
        for number, place in enumerate(self.steps[solver], start=1):
            found[place] = number / self.total
        return list(found.items())

    def share(self, solver: str, place: float) -> float:
        """The share at a place."""
        return sum(step <= place for step in self.steps[solver]) / self.total


@dataclass(frozen=True)
class Share:
    """The share of a solver's runs that reach the target, with limits, and on how many instances it runs."""

    solver: str
    value: float
    low: float
    high: float
    instances: int


def expected_running_time(hits: Sequence[float | None], used: Sequence[float]) -> float:
    """Evaluations until the first success when runs are restarted: all that were spent, over the successes.

    Parameters
    ----------
    hits : evaluations of each run at the target, None where it was not reached.
    used : evaluations of each run in all, which a failure has spent.
    """
    spent = sum(end if hit is None else hit for hit, end in zip(hits, used, strict=True))
    successes = sum(hit is not None for hit in hits)
    return spent / successes if successes else math.inf


def instances_of(runs: Iterable[Run]) -> dict[tuple[str, int], dict[str, Run]]:
    """Runs of each instance, by problem and number, by solver."""
    found: dict[tuple[str, int], dict[str, Run]] = {}
    for run in runs:
        found.setdefault((run["problem"], run["instance"]), {})[run["solver"]] = run
    return found


def performance_profile(runs: Sequence[Run], charged: bool = False) -> Profile:
    """Dolan and More: the share of instances that a solver solves in at most so many times the least time."""
    steps: dict[str, list[float]] = {run["solver"]: [] for run in runs}
    instances = instances_of(runs)
    for there in instances.values():
        times = {solver: _time(run, charged) for solver, run in there.items()}
        least = min(times.values())
        for solver, time in times.items():
            if math.isfinite(time):
                # At the target from the start on, all are equally fast.
                steps[solver].append(time / least if least > 0 else 1.0 if time == 0 else math.inf)
    return _profile(steps, len(instances))


def data_profile(runs: Sequence[Run], charged: bool = False) -> Profile:
    """More and Wild: the share of instances that a solver solves within so many simplex gradients, p + d + 1 each."""
    steps: dict[str, list[float]] = {run["solver"]: [] for run in runs}
    for run in runs:
        time = _time(run, charged)
        if math.isfinite(time):
            steps[run["solver"]].append(time / (run["dimension"] + 1))
    return _profile(steps, len(instances_of(runs)))


def ecdf(runs: Sequence[Run], measure: str, charged: bool = False) -> Profile:
    """As in COCO: the share of pairs of instance and absolute target that are reached within evaluations / (p + d).

    Of several runs on an instance each counts; one that a solver needs only once counts for as many.
    """
    measured = [run for run in runs if measure in run["hits"]]
    steps: dict[str, list[float]] = {run["solver"]: [] for run in measured}
    most = math.lcm(*{len(run["used"]) for run in measured}) if measured else 1
    for run in measured:
        added = run["tuning_evaluations"] if charged else 0
        hits = run["hits"][measure]["absolute"]
        times = [(hit + added) / run["dimension"] for one in hits for hit in one if hit is not None]
        steps[run["solver"]] += times * (most // len(hits))
    return _profile(steps, len(instances_of(measured)) * len(ABSOLUTE) * most)


def shares(runs: Sequence[Run], seed: int, *words: str) -> list[Share]:
    """The share of runs of each solver that reach ``TARGET`` within the budget, the largest first.

    Every instance has the same weight. Limits are of a bootstrap over instances and, in each, seeds; ``words`` name its
    random numbers beside the root seed.
    """
    instances = instances_of(runs)
    found = []
    for solver in dict.fromkeys(run["solver"] for run in runs):
        groups = [
            [float(hit is not None) for hit in _hits(there[solver])] if solver in there else [0.0]
            for there in instances.values()
        ]
        low, high = limits(groups, lambda drawn: drawn.mean(axis=-1), stream(seed, "share", solver, *words))
        value = float(np.mean([np.mean(group) for group in groups]))
        found.append(Share(solver, value, low, high, sum(solver in there for there in instances.values())))
    return sorted(found, key=lambda share: (-share.value, share.solver))


def _profile(steps: Mapping[str, Iterable[float]], total: int) -> Profile:
    return Profile({solver: tuple(sorted(filter(math.isfinite, places))) for solver, places in steps.items()}, total)


def _hits(run: Run) -> list[float | None]:
    """Evaluations of each run at the target: of |grad Psi|^2 where it is known, else of Psi - min Psi."""
    measure = "stationarity" if run["metric"] == "stationarity" else "gap"
    place = RELATIVE.index(TARGET)
    return [one[place] for one in run["hits"][measure]["relative"]]


def _time(run: Run, charged: bool) -> float:
    return expected_running_time(_hits(run), run["used"]) + (run["tuning_evaluations"] if charged else 0)
