"""The contests that are declared: problems, accuracies, starts, rivals, and what is tried for each method."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["OWN", "RATIOS", "Contest"]

#: The method whose headline it is.
OWN = "meha"


@dataclass(frozen=True)
class Contest:
    """A problem on which methods run until Psi is accurate.

    Attributes
    ----------
    title : how it is shown.
    problem : the arguments of :func:`zoba_bench.load_problem`.
    accuracy : the share of Psi - min Psi at the family's start that is left when a run has arrived.
    spread : standard deviation of the starts around that of the family, in every coordinate of z and x.
    budget : evaluations after which a run has not arrived; every query counts as one.
    grids : method -> the settings that are tried, as many for each; ``OWN`` is one of them.
    """

    title: str
    problem: Mapping[str, Any]
    accuracy: float
    spread: float
    budget: int
    grids: Mapping[str, tuple[dict[str, Any], ...]]


def _grid(fixed: Mapping[str, Any], **axes: Sequence[Any]) -> tuple[dict[str, Any], ...]:
    return tuple({**fixed, **dict(zip(axes, point, strict=True))} for point in itertools.product(*axes.values()))


_STEPS = (0.1, 0.4, 1.0)


def _meha(gamma: float) -> tuple[dict[str, Any], ...]:
    """Steps of z and theta are one: where G is merely convex that of z must not be much larger.

    c has three values, since it decides which of several lower-level points is found.
    """
    return tuple(
        {"gamma": gamma, "c": c, "alpha": alpha, "beta": step, "eta": step}
        for c in (0.1, 0.6, 5.0) for alpha in _STEPS for step in (0.4, 1.0)
    )  # fmt: skip


def _rivals(scale: float) -> dict[str, tuple[dict[str, Any], ...]]:
    """Grids whose steps of x, of methods that draw random numbers, are as large as x is."""
    smooth, noisy = (tuple(scale * step for step in steps) for steps in (_STEPS, (0.05, 0.2, 0.8)))
    return {
        "iaptt-gm": _grid({}, inner_steps=(5, 10), alpha=_STEPS, gamma=_STEPS),
        "bome": _grid({"schedule": "inverse-sqrt"}, ratio=(1.0, 4.0), rho=_STEPS, alpha=_STEPS),
        "f2sa": _grid({"inner_steps": 5}, lam=(1.0, 10.0), alpha=_STEPS, gamma=_STEPS),
        "pzobo": _grid({"Q": 1}, N=(3, 10), alpha=_STEPS, beta=smooth),
        "zo-penalty": _grid({"T_b": 5, "l": 8}, lam=(3.0, 10.0), alpha=noisy, beta=(0.02, 0.1, 0.4)),
    }


def _contest(
    title: str, problem: Mapping[str, Any], rivals: tuple[str, str], *, gamma: float, spread: float, budget: int,
    scale: float = 1.0,
) -> Contest:  # fmt: skip
    """To five per cent, against two rivals."""
    grids = {OWN: _meha(gamma), **{name: _rivals(scale)[name] for name in rivals}}
    return Contest(title, problem, accuracy=0.05, spread=spread, budget=budget, grids=grids)


#: Suite -> contests; seeds of the starts to tune from and to measure from, and how many of each.
RATIOS: dict[str, dict[str, Any]] = {
    "ratios": {
        "contests": (
            # G is 1-weakly convex in z: gamma is below 1/2.
            _contest("sine lower level", {"name": "bvfsm_sin", "p": 10}, ("iaptt-gm", "bome"), gamma=0.4, spread=1.0,
                     budget=3000),
            _contest("merely convex lower level", {"name": "bda_lls", "p": 20, "d": 10}, ("iaptt-gm", "f2sa"),
                     gamma=5.0, spread=0.5, budget=3000),
            # Methods for smooth G, such as the two above, are not made for kinks.
            _contest("weighted l1 lower level", {"name": "l1_meha", "p": 10, "d": 10}, ("pzobo", "zo-penalty"),
                     gamma=5.0, spread=0.02, budget=10_000, scale=0.1),
            _contest("group lasso lower level", {"name": "group_lasso"}, ("pzobo", "zo-penalty"),
                     gamma=5.0, spread=0.3, budget=5000),
        ),
        "tuned": 1000, "measured": 0, "tuning_starts": 5, "starts": 20,
    },
    "ratios-small": {
        "contests": (
            _contest("small merely convex lower level", {"name": "bda_lls", "p": 4, "d": 2}, ("iaptt-gm", "f2sa"),
                     gamma=5.0, spread=0.5, budget=600),
        ),
        "tuned": 1000, "measured": 0, "tuning_starts": 1, "starts": 4,
    },
}  # fmt: skip
