"""A run's content of the size of a whole suite, written by hand, and what can go wrong in one."""

from __future__ import annotations

from typing import Any

import numpy as np

from .comparing import failed_cell
from .conftest import CONTENT, SIZES, row

#: As many protocols as the largest suite has, with titles as long.
PROTOCOLS = {
    "P0": "the checker's own error rates", "P1": "evaluation counts", "P10": "conduct: budget, NaN and precision",
    "P11": "independence of replicates, iterations, levels, cells and batches", "P12": "stationarity reached",
    "P13": "declared counts", "P14": "noise floors on registered problems", "P2": "moments of the surrogates",
    "P2b": "one-step law", "P2s": "mean of one step", "P2w": "mean of one whole step", "P3": "one-step inequalities",
    "P4a": "noise over a horizon", "P4b": "transient", "P5": "explicit bound", "P6": "evaluations to accuracy eps",
    "P6b": "noise floor across dimensions", "P6c": "plans to accuracy eps", "P7": "final accuracy",
    "P8": "determinism", "P9": "proofs",
}  # fmt: skip
#: Powers by solver, of the protocols with a picture on the overview.
POWERS = {
    "P2b": {"zoba": 2.77, "zoba-tuned": 1.95, "zoba-mixed": 0.98, "hf-zoba": 0.99},
    "P6b": {"zoba": 2.93, "zoba-tuned": 2.87, "zoba-mixed": 1.92, "hf-zoba": 0.95},
}
SUMMARIES = {
    "P2b": {"along": "d", "title": "Variance of one step from the solution"},
    "P6b": {"along": "p=d", "title": "Noise floor of the whole algorithm"},
}
LABELS = {"P2b": "d at p=2", "P6b": "p=d"}


def line(xlabel: str, power: float) -> dict[str, Any]:
    """A line of measured means that follow their derived power, nearly."""
    x = np.array(SIZES)
    return {
        "x": SIZES, "xlabel": xlabel, "ylabel": "E|x1 - x*|^2 / gamma^2", "predicted": (x**power).tolist(),
        "log_measured": (power * np.log(x) + [0.01, -0.01, 0.02]).tolist(), "log_half_width": [0.1, 0.05, 0.02],
    }  # fmt: skip


def suite(**changes: Any) -> dict[str, Any]:
    """Every verdict as expected: per protocol ten claims with a control each, two protocols with slopes."""
    rows = []
    for protocol, title in PROTOCOLS.items():
        about = {"protocol": protocol, "title": title, "summary": SUMMARIES.get(protocol, {})}
        for number in range(10):
            name = f"{protocol}/zoba/quad_general/level-{number}"
            what = {"statement": f"What {title} may be, number {number}.", "controls": [f"{name}/control"]}
            rows.append(_row(name, about, relation="at_most", predicted=1.0, measured=0.8, limits=[0.7, 0.9], **what))
            rows.append(_row(f"{name}/control", about, measured=3.0, limits=[2.9, 3.1]) | WRONG)
        for solver, power in POWERS.get(protocol, {}).items():
            rows.append(_row(f"{protocol}/{solver}/d/exponent", about, predicted=power, measured=power,
                             limits=[power - 0.05, power + 0.05], series=line(LABELS[protocol], power)))  # fmt: skip
    return CONTENT | {"claims": rows, "left_out": {}, "suite": "large", "failed": []} | changes


def with_failures() -> dict[str, Any]:
    """One claim violated, one undecided, one undecided since its cell failed, a control not rejected."""
    content = suite()
    rows = {one["id"]: one for one in content["claims"]}
    rows["P1/zoba/quad_general/level-0"] |= {"verdict": "violated", "measured": 1.3, "limits": [1.2, 1.4]}
    rows["P5/zoba/quad_general/level-3"] |= {"verdict": "inconclusive", "reason": "measured over derived is curved"}
    rows["P7/zoba/quad_general/level-1/control"] |= {"verdict": "consistent"}
    content["failed"] = [failed_cell(f"c{n}") for n in range(12)]
    reason = "1 of its cells have no result: ValueError: radius is 0; in cell c3 (zoba_bench.tasks:mean)"
    rows["P8/zoba/quad_general/level-2"] |= {
        "verdict": "inconclusive", "measured": None, "limits": None, "reason": reason,
    }  # fmt: skip
    return content


WRONG = {"origin": "control", "verdict": "violated", "expected": "violated"}


def _row(name: str, about: dict[str, Any], **changes: Any) -> dict[str, Any]:
    made = row(f"P1/{name.partition('/')[2]}", **changes)
    return made | about | {"id": name}
