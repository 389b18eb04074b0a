"""P7 claims: runs that reach their known solutions as closely as theory promises, each with one that must not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zoba_bench.verification.claim import Claim

__all__ = ["accuracy_claims"]

_WORDS = {
    "distance": "x comes as close to the minimiser",
    "gap": "Psi comes as close to its minimum",
    "stationarity": "|grad Psi|^2 becomes as small",
    "distance_to_point": "x stays as far from the point where the first-order gradient vanishes",
}
_WRONG = {
    "control:hessian-factor": "1/h^2 in place of 1/(2 h^2) in the Hessian surrogate",
    "control:mixed-factor": "a doubled mixed difference in the Hessian surrogate",
    "control:hf-factor": "HF-ZOBA with its Hessian action doubled",
    "control:ascent": "HF-ZOBA with shared directions that moves x up",
}
# Distances are compared by their roots, which halves the relative error.
_TOLERANCE = {"distance": 0.2, "gap": 0.3, "stationarity": 0.3, "distance_to_point": 0.01}


@dataclass(frozen=True)
class _Setting:
    """Runs of one solver on one problem, with a wrong solver on the same budget.

    Attributes
    ----------
    options : of both solvers, ``more`` of the right and ``wrong_more`` of the wrong one alone.
    bound : the promise is the certified bound, not the moments of the run.
    twice : also a control that promises what twice as many directions would.
    """

    solver: str
    problem: str
    quantity: str
    wrong: str
    l: int
    instance: Mapping[str, Any] = field(default_factory=dict)
    rho: float = 0.2
    gamma: float = 0.05
    iterations: int = 600
    window: int = 300
    replicates: int = 64
    options: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    wrong_more: Mapping[str, Any] = field(default_factory=dict)
    bound: bool = False
    twice: bool = False

    def claims(self) -> list[Claim]:
        """The claim and its controls."""
        where = f"{self.problem}/{self.quantity}"
        wrong = self._claim(f"P7/{self.wrong}/{where}", f"Control: {_WRONG[self.wrong]}.", self.wrong, self.wrong_more)
        controls = [wrong]
        if self.twice:
            words = "Control: the accuracy that twice as many directions would have."
            more = {**self.more, "wrong": {"directions": 2}}
            controls.append(self._claim(f"P7/{self.solver}/{where}/control-directions", words, self.solver, more))
        means = "as its certified bound says" if self.bound else "as the derived second moments of the run say"
        statement = f"From the problem's own start {_WORDS[self.quantity]} {means}."
        ids = tuple(control.id for control in controls)
        return [self._claim(f"P7/{self.solver}/{where}", statement, self.solver, self.more, ids), *controls]

    def _claim(
        self, key: str, words: str, solver: str, more: Mapping[str, Any], controls: tuple[str, ...] = ()
    ) -> Claim:
        given = dict(more)
        extra = {"wrong": given.pop("wrong")} if "wrong" in given else {}
        if self.quantity == "distance_to_point":
            extra["point"] = "first_order_point"
        steps = {"schedule": "constant", "rho": self.rho, "gamma": self.gamma, "l1": self.l, "l2": self.l}
        parameters = {
            "problem": {"name": self.problem, **self.instance}, "options": {**steps, **self.options, **given},
            "iterations": self.iterations, "window": self.window, "replicates": self.replicates,
            "quantity": self.quantity, "promise": "bound" if self.bound else "moments", **extra,
        }  # fmt: skip
        relation, tolerance = ("at_most", 0.0) if self.bound else ("equal", _TOLERANCE[self.quantity])
        return Claim(
            key, words, "P7", solver, self.problem, relation, tolerance, parameters,
            origin="derived" if controls else "control", controls=controls,
        )  # fmt: skip


_SMALL = {"p": 3, "d": 2}
_QUADRATIC = {**_SMALL, "kappa": 2.0}
_FINE = {"h": 1e-4, "h_bar": 1e-4}
_TASKS: dict[str, Any] = {"l": 4, "gamma": 0.5, "options": _FINE}
_SHARED = ("hf-zoba-shared", "control:ascent")

_SETTINGS = (
    _Setting("zoba", "quad_general", "distance", "control:hessian-factor", 32, _QUADRATIC, twice=True),
    _Setting("zoba-tuned", "reference", "stationarity", "control:hessian-factor", 64, _SMALL,
             options={"curvature_ratio": 2.0}, wrong_more={"radius_rule": "tuned"}),
    _Setting("zoba-mixed", "quad_tracking", "gap", "control:mixed-factor", 64, _QUADRATIC, iterations=700, window=500,
             replicates=128),
    _Setting("hf-zoba", "bolib_falk_liu_1995", "gap", "control:hf-factor", 16,
             options={"outer_directions": "independent"}),
    # Noise of the squared radius is all that is left where directions are shared.
    *(_Setting(_SHARED[0], problem, "distance", _SHARED[1], 16, instance, options=_FINE)
      for problem, instance in (("quad_general", _QUADRATIC), ("reference", _SMALL))),
    _Setting(_SHARED[0], "two_task", "distance", _SHARED[1], **_TASKS, window=200, replicates=128),
    _Setting(_SHARED[0], "two_task", "distance_to_point", _SHARED[1], **_TASKS, window=10, replicates=16),
    # Not quadratic at the inner level.
    _Setting(_SHARED[0], "logistic_bregman", "stationarity", _SHARED[1], 32, {**_SMALL, "mu": 1.0}, 0.3, 0.013, 2400,
             1200, 4, {**_FINE, "normalize_h_bar": True}, bound=True),
)  # fmt: skip


@dataclass(frozen=True)
class _Rest:
    """Runs of a method with a biased hypergradient, up to where it comes to rest.

    Attributes
    ----------
    options : of the solver.
    control : a wrong solver on the same budget, or options whose point of rest would be another; and that in words.
    """

    solver: str
    problem: str
    quantity: str
    options: Mapping[str, Any]
    control: tuple[str | Mapping[str, Any], str]
    instance: Mapping[str, Any] = field(default_factory=dict)
    iterations: int = 400
    replicates: int = 8

    def claims(self) -> list[Claim]:
        """The claim and its control."""
        wrong, words = self.control
        key = f"{{}}/{self.problem}/{self.quantity}-at-rest"
        if isinstance(wrong, str):
            control = self._claim(key.format(f"P7/{wrong}"), f"Control: {words}.", wrong, {})
        else:
            name = key.format(f"P7/{self.solver}") + "/control-options"
            control = self._claim(name, f"Control: {words}.", self.solver, {"wrong": {"options": dict(wrong)}})
        statement = (
            f"From the problem's own start {_AT_REST[self.quantity]} what it is where the method's biased "
            "hypergradient vanishes, and no smaller."
        )
        return [self._claim(key.format(f"P7/{self.solver}"), statement, self.solver, {}, (control.id,)), control]

    def _claim(
        self, key: str, words: str, solver: str, more: Mapping[str, Any], controls: tuple[str, ...] = ()
    ) -> Claim:
        parameters = {
            "problem": {"name": self.problem, **self.instance}, "options": dict(self.options),
            "iterations": self.iterations, "window": 1, "replicates": self.replicates, "quantity": self.quantity,
            "promise": "rest", **more,
        }  # fmt: skip
        return Claim(
            key, words, "P7", solver, self.problem, "equal", 0.01, parameters,
            origin="derived" if controls else "control", controls=controls,
        )  # fmt: skip


_AT_REST = {"distance": "the distance of x to the minimiser becomes", "stationarity": "|grad Psi|^2 becomes"}
_IMPLICIT: dict[str, Any] = {"alpha": 0.3, "beta": 0.1}
_RESTS = (
    _Rest("zo-penalty", "quad_general", "stationarity",
          {"lam": 10.0, "T_b": 10, "l": 8, "alpha": 0.05, "beta": 0.1, "schedule": "constant", "h": 1e-5},
          ("control:penalty-sign", "the penalty term with the opposite sign"), _QUADRATIC, 1500),
    _Rest("itd-bio", "reference", "stationarity", {**_IMPLICIT, "D": 4},
          ({"D": 5}, "where one inner step more would come to rest"), _SMALL),
    _Rest("stocbio", "reference", "stationarity", {**_IMPLICIT, "D": 10, "eta": 0.3, "Q": 4},
          ({"Q": 5}, "where one term more of the sum would come to rest"), _SMALL),
    _Rest("fom", "two_task", "distance", {"batch": None, "gamma": 1.0, "schedule": "constant"},
          ("control:second-order", "FOM with the exact gradients of its tasks")),
)  # fmt: skip


def accuracy_claims() -> list[Claim]:
    """P7: every claim with its controls."""
    settings: tuple[_Setting | _Rest, ...] = (*_SETTINGS, *_RESTS)
    return [claim for setting in settings for claim in setting.claims()]
