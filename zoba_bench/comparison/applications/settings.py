"""The tasks that are declared: problems, budgets, who runs on them, and with which settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zoba_bench.comparison.grids import GRIDS, STEPS

__all__ = ["APPLICATIONS", "CAREFUL", "OUTER_STEPS", "SEARCHES", "Application", "options_of"]

#: Rivals that choose x and train anew each time.
SEARCHES = ("grid", "random", "tpe")

#: The step of x of each solver; "/" where it divides.
OUTER_STEPS: dict[str, str] = {
    **dict.fromkeys(("zoba", "zoba-tuned", "zoba-mixed", "hf-zoba", "hf-zoba-shared", "hozog"), "gamma"),
    **dict.fromkeys(("zdsba", "zmdsba", "zo-penalty", "f2sa", "meha"), "alpha"),
    **dict.fromkeys(("aid-bio", "itd-bio"), "beta"),
    "soba": "/ratio",
}

#: Methods that estimate G_zz from second differences along random directions, whose noise grows with p^2: the steps of
#: the comparison's grids are for smaller p, and these are a quarter of them.
CAREFUL = ("zoba", "zoba-tuned", "zoba-mixed", "zdsba", "zmdsba")
_VALUES = ("zoba", "zoba-tuned", "zoba-mixed", "hf-zoba", "hf-zoba-shared", "implicit", "zmdsba", "zo-penalty", "hozog")
_DERIVATIVES = ("soba", "meha", "f2sa", "aid-bio", "itd-bio", "hozog")


@dataclass(frozen=True)
class Application:
    """A task.

    Attributes
    ----------
    title : how it is shown.
    problem : the arguments of :func:`zoba_bench.load_problem`, without the seed.
    outer : how many times larger the steps of x are than those of the comparison's grids: Psi is so much flatter here.
    budgets : evaluations a run, by what may be queried: "values", or "derivatives", one evaluation each.
    solvers : names, by what may be queried.
    grids : settings of solvers whose steps here are not those of the comparison's grids.
    worth : how many evaluations of the budget one query of a solver stands for, where it is not one.
    searches : whether grid, random points and TPE run too.
    box : (low, high) of every x_j, for searches and for the reference.
    unit : classifier queries that one evaluation of G stands for; 0 where nobody asks for it.
    """

    title: str
    problem: Mapping[str, Any]
    outer: float
    budgets: Mapping[str, int]
    solvers: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {"values": _VALUES, "derivatives": _DERIVATIVES}
    )
    grids: Mapping[str, tuple[dict[str, Any], ...]] = field(default_factory=dict)
    worth: Mapping[str, int] = field(default_factory=dict)
    searches: bool = False
    box: tuple[float, float] = (-6.0, 3.0)
    unit: int = 0

    def options(self, solver: str, oracle: str) -> tuple[dict[str, Any], ...]:
        """The settings that are tried."""
        return self.grids.get(solver) or options_of(solver, oracle, self.outer)

    def budget(self, solver: str, oracle: str) -> int:
        """Queries that a run of a solver may make."""
        return self.budgets[oracle] // self.worth.get(solver, 1)


def _cleaning(share: float) -> Application:
    return Application(
        f"data hyper-cleaning, {share:.0%} of labels wrong", {"name": "digit_cleaning", "corruption": share},
        outer=30.0, budgets={"values": 40_000, "derivatives": 2_000}, box=(-6.0, 6.0),
    )  # fmt: skip


def _few_shot(title: str, budget: int, worth: int, **problem: Any) -> Application:
    """Methods of meta-learning. Tasks bring their inner steps, so that grids move what is left.

    One evaluation is a gradient, or a product with second derivatives, of one task. ITD-BiO sees the bilevel problem,
    with one lower-level step that is the inner loops of all tasks: its four queries stand for r gradients, r Hessian
    and r cross products and two outer gradients of each of them.
    """
    drawn = tuple(
        {"batch": batch, "gamma": gamma, "schedule": schedule}
        for batch in (1, 5) for gamma in (0.3, 1.0, 3.0) for schedule in ("inverse-sqrt", "constant")
    )  # fmt: skip
    corrected = tuple({**options, "q": 0.2} for options in drawn)
    return Application(
        title, {"name": "few_shot", **problem}, outer=1.0, budgets={"derivatives": budget},
        solvers={"derivatives": ("fom", "ufom", "ufom-adaptive", "itd-bio")},
        grids={
            "fom": drawn, "ufom": corrected, "ufom-adaptive": drawn,
            "itd-bio": tuple({"D": 1, "alpha": 1.0, "beta": beta} for beta in (0.1, 0.3, 1.0, 3.0)),
        },
        worth={"itd-bio": worth}, box=(-4.0, 4.0),
    )  # fmt: skip


#: Suite -> settings: tasks; instances (seeds of the split) to tune on and to measure on; runs. In tuning all settings
#: of a grid get a share of the budget, and the best of them, the finalists, all of it.
APPLICATIONS: dict[str, dict[str, Any]] = {
    "tasks": {
        "tasks": (
            Application(
                "penalty per feature", {"name": "feature_penalties"}, outer=30.0,
                budgets={"values": 30_000, "derivatives": 1_500}, searches=True,
            ),
            Application(
                "penalty per class", {"name": "class_penalties"}, outer=30.0,
                budgets={"values": 30_000, "derivatives": 1_500}, searches=True, box=(-9.0, 3.0),
            ),
            Application(
                "universal attack", {"name": "universal_attack"}, outer=3.0, budgets={"values": 30_000},
                solvers={"values": _VALUES}, box=(-6.0, 6.0), unit=60,
            ),
            Application(
                "ZO-SOGD's attack", {"name": "margin_attack"}, outer=10.0, budgets={"values": 30_000},
                solvers={"values": _VALUES}, unit=60,
            ),
            *map(_cleaning, (0.3, 0.5, 0.7)),
            _few_shot("few-shot learning", 80_000, worth=85),
        ),
        "tuned": 1000, "measured": 0, "replicates": 5, "tuning_replicates": 2, "tuning_share": 0.2, "finalists": 3,
    },
    "tasks-small": {
        "tasks": (
            Application(
                "small penalty per feature", {"name": "feature_penalties", "features": 3}, outer=30.0,
                budgets={"values": 3_000, "derivatives": 300},
                solvers={"values": ("hf-zoba",), "derivatives": ("itd-bio",)}, searches=True,
            ),
            Application(
                "small attack",
                {"name": "universal_attack", "classes": 3, "side": 4, "target": 1, "n_train": 12, "n_validation": 12},
                outer=3.0, budgets={"values": 3_000}, solvers={"values": ("hf-zoba", "implicit")}, unit=12,
            ),
            _few_shot(
                "small few-shot learning", 2_000, worth=11, features=2, ways=2, shots=2, queries=3, n_tasks=4, side=2,
                steps=3,
            ),
        ),
        "tuned": 1000, "measured": 0, "replicates": 3, "tuning_replicates": 1, "tuning_share": 0.2, "finalists": 3,
    },
}  # fmt: skip


def options_of(solver: str, oracle: str, outer: float) -> tuple[dict[str, Any], ...]:
    """The settings that are tried: the comparison's, with larger steps of x, and smaller ones of ``CAREFUL`` methods.

    Of a search its trainings.

    With values alone the trainings of hozog and of searches take their gradients from differences.
    """
    training = {"training": "values"} if oracle == "values" else {}
    if solver in SEARCHES:
        return tuple(
            {"inner_steps": steps, "alpha": alpha, **training} for steps in (10, 40) for alpha in (0.1, 0.4)
        )  # fmt: skip
    name = OUTER_STEPS.get(solver, "")
    found = []
    for options in GRIDS[solver].options:
        made = {**options, **(training if solver == "hozog" else {})}
        if solver in CAREFUL:
            made |= {step: options[step] / 4 for step in STEPS[solver]}
        if name.startswith("/"):
            made[name[1:]] = made[name[1:]] / outer
        elif name:
            made[name] = made[name] * outer
        found.append(made)
    return tuple(found)
