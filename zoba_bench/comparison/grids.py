"""The declared grids: what is tried for each solver, before anything is measured."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["GRIDS", "SUITES", "Entry"]


@dataclass(frozen=True)
class Entry:
    """A solver's place in the comparison.

    Attributes
    ----------
    loops : "single" or "two"
        Whether an iteration contains an inner loop.
    oracle : "values", "gradients" or "second"
        What it may query: values alone, first derivatives, or products with second derivatives too.
    options : the settings that are tried; everything else is the solver's default.
    """

    loops: str
    oracle: str
    options: tuple[Mapping[str, Any], ...]


def _grid(fixed: Mapping[str, Any], **axes: Sequence[Any]) -> tuple[dict[str, Any], ...]:
    return tuple({**fixed, **dict(zip(axes, point, strict=True))} for point in itertools.product(*axes.values()))


def _single(**axes: Sequence[Any]) -> tuple[dict[str, Any], ...]:
    """Constant steps with gamma a share of rho."""
    made = _grid({"schedule": "constant"}, **axes)
    return tuple({**{k: v for k, v in point.items() if k != "share"}, "gamma": point["rho"] * point["share"]}
                 for point in made)  # fmt: skip


_RHO = (0.02, 0.1, 0.4)
_SHARE = (0.03, 0.3)

GRIDS: dict[str, Entry] = {
    name: Entry("single", "values", _single(rho=_RHO, share=_SHARE, l1=l1))
    for name, l1 in (
        ("zoba", (16, 64)), ("zoba-tuned", (16, 64)), ("zoba-mixed", (16, 64)), ("hf-zoba", (4, 16)),
        ("hf-zoba-shared", (4, 16)),
    )
}  # fmt: skip

SUITES: dict[str, dict[str, Any]] = {
    "compare": {
        "problems": [],  # all registered ones
        "budget": 20_000, "gradient_cost": "one", "tuning_replicates": 4, "replicates": 16,
    },
    "compare-small": {
        "problems": [
            {"name": "quad_general", "p": 4, "d": 3, "kappa": 3.0},
            {"name": "reference", "p": 3, "d": 3},
            {"name": "logistic_bregman", "p": 3, "d": 3},
        ],
        "budget": 4000, "gradient_cost": "one", "tuning_replicates": 4, "replicates": 8,
    },
}  # fmt: skip
