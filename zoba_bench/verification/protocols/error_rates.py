"""P0: the share of wrong verdicts on simulated means of known law, against the confidence that the checker states.

Positive samples of a known mean c n^e stand for the means of runs at sizes n. A claim whose prediction is off by just
less than its tolerance is true, and must be violated at most as often as stated; off by just more it is false, and must
be consistent at most as often. What decides is the code that decides every other claim.

Such a verdict needs a miss on one side, so that it is wrong half as often as stated, and limits that are meant for one
side would pass. So misses on both sides are counted too: a true claim without any tolerance is violated by each.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.statistics import Limits, fit_line, log_mean, proportion_limits, spending
from zoba_bench.sweep import Cell
from zoba_bench.verification.claim import Claim, Measurement, decide
from zoba_bench.verification.parameters import COUNT, FLAG, LOOKS, NUMBER, POSITIVE, POSITIVES, Parameters, one_of
from zoba_bench.verification.protocols.shared.lines import QUANTITIES, line_measurement
from zoba_bench.verification.protocols.shared.plan import Plan

__all__ = ["PARAMETERS", "SIMULATED", "TITLE", "judge", "plan", "simulate"]

TITLE = "the checker's own error rates"
TOLERANCE = "None: the share of wrong verdicts, with its limits, must be at most what the stated confidence leaves."
LEAVES_OPEN = "Samples of other laws than the simulated ones."

_LAWS = ("gamma", "lognormal")
_EDGE = 1e-3  # distance of the truth from the edge of the tolerance, relative to it


#: No solver runs on a problem here.
SIMULATED = True

PARAMETERS = Parameters(
    {
        "quantity": one_of(*QUANTITIES), "sizes": POSITIVES, "replicates": COUNT, "law": one_of(*_LAWS),
        "cv": POSITIVE, "width": POSITIVE, "confidence": POSITIVE, "truth": one_of("inside", "outside", "missed"),
        "side": NUMBER, "trials": COUNT, "batches": COUNT,
    },
    {"simulated_looks": LOOKS, "unspent": FLAG, "inverse_variances": FLAG},
)  # fmt: skip


def plan(claim: Claim, seed: int) -> Plan:
    """``parameters``: "quantity", "sizes", "replicates", "law" ("gamma" or "lognormal"), "cv" (coefficient of
    variation of a sample), "width" (the simulated claim's tolerance), "confidence" (of its limits), "truth" ("inside"
    or "outside" of the tolerance, or "missed" by the limits where nothing is tolerated), "side" (1 or -1), "trials",
    "batches" (cells); "simulated_looks" for decisions at several looks; for a control "unspent" (every look at the
    whole level) or "inverse_variances" (as the weights of a level).
    """
    chosen = dict(claim.parameters)
    batches = chosen.pop("batches")
    trials = chosen.pop("trials") // batches
    cells = [
        Cell("zoba_bench.verification.protocols.calibration:simulate", {**chosen, "trials": trials, "batch": n}, seed)
        for n in range(batches)
    ]
    return Plan.of_lines([cells])


def judge(claim: Claim, plan: Plan, results: Mapping[str, Mapping[str, Any]], level: float) -> Measurement:
    """The share of wrong verdicts, at most what the confidence leaves."""
    (rows,) = plan.rows(results)
    trials = sum(row["trials"] for row in rows)
    wrong, undecided = (sum(row[name] for row in rows) for name in ("wrong", "undecided"))
    stated = 1.0 - claim.parameters["confidence"]
    note = f"{wrong} of {trials} simulated verdicts wrong, {undecided / trials:.1%} undecided"
    return Measurement(
        stated, wrong / trials, proportion_limits(wrong, trials, level), note,
        series={"wrong": wrong, "undecided": undecided, "trials": trials, "stated": stated},
    )  # fmt: skip


def simulate(
    rng: np.random.Generator, quantity: str, sizes: Sequence[float], replicates: int, law: str, cv: float,
    width: float, confidence: float, truth: str, side: int, trials: int, simulated_looks: Sequence[float] | None = None,
    unspent: bool = False, inverse_variances: bool = False, batch: int = 0,
) -> dict[str, int]:  # fmt: skip
    """Wrong and undecided verdicts among simulated claims. ``batch`` tells independent cells apart."""
    width = 0.0 if truth == "missed" else width
    off = side * width * (1 - _EDGE if truth == "inside" else 1 + _EDGE)
    n = np.asarray(sizes, dtype=np.float64)
    means = n**off if quantity != "ratio" else np.full(n.size, 1 + off)
    claim = Claim("simulated", "", "P0", "", "", "equal", width, {})
    shares = [1.0] if simulated_looks is None else list(simulated_looks)
    levels = [confidence] * len(shares) if unspent or simulated_looks is None else spending(confidence, shares)
    counts = {"consistent": 0, "violated": 0, "inconclusive": 0}
    for _ in range(trials):
        samples = means[:, None] * draw(rng, law, cv, (n.size, replicates))
        for share, level in zip(shares, levels, strict=True):
            seen = [log_mean(row) for row in samples[:, : round(share * replicates)]]
            measured = line_measurement(
                quantity, list(n), seen, [1.0] * n.size, level, slope=0.0, xlabel="n", ylabel="mean"
            )
            if inverse_variances:
                level_of_all = fit_line(np.log(n), seen)[1]
                limits = level_of_all.limits(level)
                measured = Measurement(
                    1.0, math.exp(level_of_all.value), Limits(math.exp(limits.low), math.exp(limits.high))
                )
            verdict, _ = decide(claim, measured)
            if verdict != "inconclusive":
                break
        counts[verdict] += 1
    wrong = counts["consistent" if truth == "outside" else "violated"]
    return {"wrong": wrong, "undecided": counts["inconclusive"], "trials": trials}


def draw(rng: np.random.Generator, law: str, cv: float, shape: tuple[int, ...]) -> Array:
    """Positive samples of mean 1 and coefficient of variation ``cv``."""
    if law == "gamma":
        return rng.gamma(cv**-2, cv**2, shape)
    if law == "lognormal":
        variance = math.log1p(cv**2)
        return rng.lognormal(-variance / 2, math.sqrt(variance), shape)
    raise ValueError(f"law must be one of {', '.join(_LAWS)}, got {law!r}")
