"""The comparisons that are declared: which problems, at which sizes, on how many instances, within which budget."""

from __future__ import annotations

from typing import Any

__all__ = ["SIZES", "SUITES"]

#: Dimensions (p, d) by name; those of the family where None.
SIZES: dict[str, tuple[int | None, int | None]] = {
    "small": (None, None), "medium": (20, 20), "wide": (2, 64), "tall": (64, 2),
}  # fmt: skip

#: Families that a comparison of all problems has at every size, of several kinds; the others are asked for by --size.
_SIZED = ["reference", "logcosh_ripple", "logistic_bregman", "quartic_cardano"]

#: A budget is in evaluations for each of the p + d coordinates. Instances to tune are none of those to measure. All
#: settings of a grid get a share of the budget, and the best of them, the finalists, all of it.
SUITES: dict[str, dict[str, Any]] = {
    "compare": {
        "problems": [],  # all registered ones
        "sizes": list(SIZES), "sized": _SIZED, "budget_per_dimension": 500, "gradient_cost": "one",
        "tuning_share": 0.2, "finalists": 2,
        "tuning_instances": 1, "tuning_replicates": 2, "instances": 3, "replicates": 5,
    },
    "compare-small": {
        "problems": [
            {"name": "quad_general", "p": 4, "d": 3, "kappa": 3.0},
            {"name": "reference", "p": 3, "d": 3},
            {"name": "logistic_bregman", "p": 3, "d": 3},
        ],
        "sizes": ["small"], "budget_per_dimension": 600, "gradient_cost": "one",
        "tuning_share": 0.2, "finalists": 3,
        "tuning_instances": 1, "tuning_replicates": 4, "instances": 2, "replicates": 8,
    },
}  # fmt: skip
