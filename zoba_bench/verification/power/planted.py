"""An error put into the data of a claim, which its protocol then judges: a check of what was simulated.

Replicates are drawn again with replacement, so that each trial has the noise of the data and no assumed law. The
measured value is the true one of such a trial: its distance from the derived value is replaced by the error.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from zoba_bench.statistics import Limits
from zoba_bench.verification.claim import Measurement, decide
from zoba_bench.verification.power.deviations import plant
from zoba_bench.verification.power.seen import Seen
from zoba_bench.verification.power.stated import Stated, moved, smallest

__all__ = ["Planted", "plant_and_judge"]

_TRIALS = 100
#: The lists of a row that have an entry a replicate, or a group of them.
_SAMPLES = ("means", "crossings", "x")


@dataclass(frozen=True)
class Planted:
    """An error that was put into the data of a claim.

    Attributes
    ----------
    claim : id.
    size : of the error.
    refused, third_refused : shares of the trials in which it, and a third of it, was refused; NaN where it has no
        third.
    trials : one where nothing is random.
    """

    claim: str
    size: float
    refused: float
    third_refused: float
    trials: int


def plant_and_judge(seen: Seen, size: float, where: str, of: Stated | None, rng: np.random.Generator) -> Planted | None:
    """Put an error of this size, and of a third of it, into a claim's data; None where they cannot hold one.

    Parameters
    ----------
    seen : the claim. Of one with several looks, the size is that of the data which were looked at, judged once.
    size : of the error; 0 where any difference is one.
    where : what it is the error of, where the claim is on several numbers.
    of : what its limits state, if it has them.
    rng : of the trials.
    """
    key, level = seen.claim.id, seen.levels[seen.looks - 1]
    if of is None:
        verdicts = []
        # Of what is found by bisection the border itself is not for certain: a thousandth beyond it is.
        for share in (1.001, 1 / 3) if size else (1.0,):
            wrong = plant(seen, share * size, where)
            if wrong is None:
                return None
            verdicts.append(float(decide(seen.claim, seen.judged(level, wrong))[0] == "violated"))
        return Planted(key, size, verdicts[0], verdicts[1] if size else math.nan, 1)
    if not any(name in row for row in _rows(seen).values() for name in _SAMPLES):
        return None
    if len(seen.shares) > 1:
        size = smallest(seen.claim, replace(of, share=1.0), [level], [1.0], rng)
    trials = [seen.judged(level, _again(_rows(seen), rng)) for _ in range(_TRIALS)]
    shares = [
        sum(decide(seen.claim, _with_error(seen, of, trial, part * size))[0] == "violated" for trial in trials)
        for part in (1.0, 1 / 3)
    ]
    return Planted(key, size, shares[0] / _TRIALS, shares[1] / _TRIALS, _TRIALS)


def _rows(seen: Seen) -> dict[str, Mapping[str, Any]]:
    return {cell.key: seen.results[cell.key] for cell in seen.plan.cells}


def _again(rows: Mapping[str, Mapping[str, Any]], rng: np.random.Generator) -> dict[str, Mapping[str, Any]]:
    """The rows with their replicates drawn again."""
    found: dict[str, Mapping[str, Any]] = {}
    for key, row in rows.items():
        drawn = {}
        for name in _SAMPLES:
            if name in row:
                samples = row[name]
                drawn[name] = [samples[i] for i in rng.integers(len(samples), size=len(samples))]
        found[key] = {**row, **drawn}
    return found


def _with_error(seen: Seen, of: Stated, trial: Measurement, error: float) -> Measurement:
    """The trial's measurement, moved so that the true value is off by the error."""
    one_sided = seen.claim.relation in ("at_most", "at_least")
    signed = -error if seen.claim.relation == "at_least" else error
    shift = moved(of.value if one_sided else of.scale(of.predicted), signed, of.log, seen.claim) - of.value

    def at(value: float) -> float:
        return value * math.exp(shift) if of.log else value + shift

    return replace(
        trial, measured=at(trial.measured), limits=Limits(at(trial.limits.low), at(trial.limits.high)), bend=None
    )
