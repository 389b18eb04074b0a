"""Ratios of ``zb.minimize`` to the best of the others, on one problem and over a class."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .methods import OWN
from .referee import LEVELS, Run

__all__ = ["ALLOWED_CLASS", "ALLOWED_MEDIAN", "ClassScore", "Score", "class_score", "score"]

ALLOWED_MEDIAN, ALLOWED_CLASS = 0.5, 1.0

Runs = Mapping[str, Run]


@dataclass(frozen=True)
class Score:
    """One problem.

    Attributes
    ----------
    accuracy : the first of LEVELS within which a method ended; None if none did
    to_hit : evaluations of zb.minimize at its own end over those of the best peer until its first value at this
        accuracy, which only the referee knows; None if the start has it
    to_end : the same over the fewest evaluations of a peer that ended at this accuracy

    A ratio is infinite where zb.minimize did not end at the accuracy, and 0 where no peer got there.
    """

    accuracy: float | None
    to_hit: float | None
    to_end: float | None
    first_peer: str
    peer_hit: int | None
    peer_end: int | None


def score(runs: Runs, start_error: float) -> Score:
    """Of the runs of all methods on one problem."""
    reached = [a for a in LEVELS if any(run.error <= a for run in runs.values())]
    if not reached:
        return Score(None, None, None, "", None, None)
    accuracy, level = reached[0], LEVELS.index(reached[0])
    own, peers = runs[OWN], {name: run for name, run in runs.items() if name != OWN}
    hits = {name: run.hits[level] for name, run in peers.items()}
    known_hits = {name: hit for name, hit in hits.items() if hit is not None}
    ends = {name: run.evaluations for name, run in peers.items() if run.error <= accuracy and run.status != "budget"}
    hit, end = min(known_hits.values(), default=None), min(ends.values(), default=None)
    first = min(ends, key=ends.__getitem__, default=min(known_hits, key=known_hits.__getitem__, default=""))

    def ratio(peer: int | None) -> float:
        if own.error > accuracy:
            return math.inf
        return own.evaluations / peer if peer else 0.0

    return Score(accuracy, None if start_error <= accuracy else ratio(hit), ratio(end), first, hit, end)


@dataclass(frozen=True)
class ClassScore:
    """Medians over the problems of a class; None where no problem has a ratio."""

    name: str
    problems: int
    evaluations: float
    within: int
    wrong: int
    largest_error: float
    to_hit: float | None
    to_end: float | None
    most_to_hit: float | None
    most_to_end: float | None
    peer_hit: float | None
    peer_end: float | None
    first_peer: str
    accuracy: float | None

    @property
    def holds(self) -> bool:
        """Whether no median is above what a class may have."""
        return all(ratio is None or ratio <= ALLOWED_CLASS for ratio in (self.to_hit, self.to_end))


def class_score(name: str, all_runs: Sequence[Runs], start_errors: Sequence[float]) -> ClassScore:
    """Of the runs on all problems of one class."""
    scores = [score(runs, start) for runs, start in zip(all_runs, start_errors, strict=True)]
    own = [runs[OWN] for runs in all_runs]
    names = [s.first_peer for s in scores if s.first_peer]
    hits, ends = _known(s.to_hit for s in scores), _known(s.to_end for s in scores)
    return ClassScore(
        name, len(own), statistics.median(run.evaluations for run in own),
        sum(run.error <= LEVELS[0] for run in own), sum(run.wrong for run in own), max(run.error for run in own),
        _median(hits), _median(ends), max(hits, default=None), max(ends, default=None),
        _median(_known(s.peer_hit for s in scores)), _median(_known(s.peer_end for s in scores)),
        max(sorted(set(names)), key=names.count, default=""), _median(_known(s.accuracy for s in scores)),
    )  # fmt: skip


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _median(values: Sequence[float]) -> float | None:
    # The upper of two middle ones: a half of failures is a failure.
    return statistics.median_high(values) if values else None
