"""P7: runs that reach their known solutions as closely as theory promises, each with one that must not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zoba_bench.verification.claim import Claim
from zoba_bench.verification.claims._instances import REFERENCE_OPTIONS
from zoba_bench.verification.claims._pairs import Control, build, with_controls

__all__ = ["quick_claims"]

_WORDS = {
    "distance": "x comes as close to the minimiser",
    "gap": "Psi comes as close to its minimum",
    "stationarity": "|grad Psi|^2 becomes as small",
    "distance_to_point": "x stays as far from the point where the first-order gradient vanishes",
}
# Distances are compared by their roots, which halves the relative error.
_TOLERANCE = {"distance": 0.2, "gap": 0.3, "stationarity": 0.3, "distance_to_point": 0.01}


@dataclass(frozen=True, kw_only=True)
class _Setting:
    """Runs of one solver on one problem, with a wrong solver on the same budget.

    Attributes
    ----------
    l : directions at both levels.
    options : of both solvers, and ``wrong_more`` of the wrong one alone.
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
    wrong_more: Mapping[str, Any] = field(default_factory=dict)
    twice: bool = False

    def claims(self) -> list[Claim]:
        """The claim and its controls."""
        where = f"{self.problem}/{self.quantity}"
        steps = {"schedule": "constant", "rho": self.rho, "gamma": self.gamma, "l1": self.l, "l2": self.l}
        options = {**steps, **self.options}
        parameters = {
            "problem": {"name": self.problem, **self.instance},
            "options": options,
            "iterations": self.iterations,
            "window": self.window,
            "replicates": self.replicates,
            "promise": "moments",
        }
        if self.quantity == "distance_to_point":
            parameters["point"] = "first_order_point"
        controls = [
            Control(
                f"P7/{self.wrong}/{where}", solver=self.wrong, changed={"options": {**options, **self.wrong_more}}
            )
        ]  # fmt: skip
        if self.twice:
            words = "the accuracy that twice as many directions would have"
            twice = {"wrong": {"directions": 2}}
            controls.append(Control(f"P7/{self.solver}/{where}/control-directions", words, twice))
        statement = (
            f"From the problem's own start {_WORDS[self.quantity]} as the derived second moments of the run say."
        )
        claim = build(
            f"P7/{self.solver}/{where}", statement, "equal", _TOLERANCE[self.quantity], parameters,
            problem=self.problem, quantity=self.quantity,
        )  # fmt: skip
        return with_controls(claim, *controls)


_SMALL = {"p": 3, "d": 2}
_QUADRATIC = {**_SMALL, "kappa": 2.0}
_FINE = {"h": 1e-4, "h_bar": 1e-4}

_SETTINGS = (
    _Setting(
        solver="zoba", problem="quad_general", instance=_QUADRATIC, quantity="distance", l=32,
        wrong="control:hessian-factor", twice=True,
    ),
    _Setting(
        solver="zoba-tuned", problem="reference", instance=_SMALL, quantity="stationarity", l=64,
        options=REFERENCE_OPTIONS["zoba-tuned"], wrong="control:hessian-factor", wrong_more={"radius_rule": "tuned"},
    ),
    _Setting(
        solver="zoba-mixed", problem="quad_tracking", instance=_QUADRATIC, quantity="gap", l=64,
        iterations=700, window=500, replicates=128, wrong="control:mixed-factor",
    ),
    _Setting(
        solver="hf-zoba", problem="bolib_falk_liu_1995", quantity="gap", l=16, options=REFERENCE_OPTIONS["hf-zoba"],
        wrong="control:hf-factor",
    ),
    # Noise of the squared radius is all that is left where directions are shared.
    _Setting(
        solver="hf-zoba-shared", problem="quad_general", instance=_QUADRATIC, quantity="distance", l=16,
        options=_FINE, wrong="control:ascent",
    ),
    _Setting(
        solver="hf-zoba-shared", problem="reference", instance=_SMALL, quantity="distance", l=16,
        options=_FINE, wrong="control:ascent",
    ),
    _Setting(
        solver="hf-zoba-shared", problem="two_task", quantity="distance", l=4, gamma=0.5, window=200, replicates=128,
        options=_FINE, wrong="control:ascent",
    ),
    _Setting(
        solver="hf-zoba-shared", problem="two_task", quantity="distance_to_point", l=4, gamma=0.5, window=10,
        replicates=16, options=_FINE, wrong="control:ascent",
    ),
    # Not quadratic at the inner level, and v* is not zero at the minimiser.
    _Setting(
        solver="hf-zoba", problem="tilted", instance={**_SMALL, "options": {"mu": 1.0}}, quantity="stationarity",
        l=16, rho=0.2, gamma=0.05, iterations=1200, window=600, replicates=96,
        options={**_FINE, **REFERENCE_OPTIONS["hf-zoba"]}, wrong="control:hf-factor",
    ),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Rest:
    """Runs of a method with a biased hypergradient, up to where it comes to rest.

    Attributes
    ----------
    options : of the solver.
    wrong : a wrong solver on the same budget; or else
    wrong_options, words : options whose point of rest would be another, and that in words.
    """

    solver: str
    problem: str
    quantity: str
    options: Mapping[str, Any]
    instance: Mapping[str, Any] = field(default_factory=dict)
    iterations: int = 400
    replicates: int = 8
    wrong: str = ""
    wrong_options: Mapping[str, Any] = field(default_factory=dict)
    words: str = ""

    def claims(self) -> list[Claim]:
        """The claim and its control."""
        where = f"{self.problem}/{self.quantity}-at-rest"
        key = f"P7/{self.solver}/{where}"
        if self.wrong:
            control = Control(f"P7/{self.wrong}/{where}", solver=self.wrong)
        else:
            other = {"wrong": {"options": dict(self.wrong_options)}}
            control = Control(f"{key}/control-options", self.words, other)
        statement = (
            f"From the problem's own start {_AT_REST[self.quantity]} what it is where the method's biased "
            "hypergradient vanishes, and no smaller."
        )
        parameters = {
            "problem": {"name": self.problem, **self.instance},
            "options": dict(self.options),
            "iterations": self.iterations,
            "window": 1,
            "replicates": self.replicates,
            "promise": "rest",
        }
        claim = build(key, statement, "equal", 0.01, parameters, problem=self.problem, quantity=self.quantity)
        return with_controls(claim, control)


_AT_REST = {"distance": "the distance of x to the minimiser becomes", "stationarity": "|grad Psi|^2 becomes"}
_RESTS = (
    _Rest(
        solver="zo-penalty", problem="quad_general", instance=_QUADRATIC, quantity="stationarity", iterations=1500,
        options={"lam": 10.0, "T_b": 10, "l": 8, "alpha": 0.05, "beta": 0.1, "schedule": "constant", "h": 1e-5},
        wrong="control:penalty-sign",
    ),
    _Rest(
        solver="itd-bio", problem="reference", instance=_SMALL, quantity="stationarity",
        options={"alpha": 0.3, "beta": 0.1, "D": 4},
        wrong_options={"D": 5}, words="where one inner step more would come to rest",
    ),
    _Rest(
        solver="stocbio", problem="reference", instance=_SMALL, quantity="stationarity",
        options={"alpha": 0.3, "beta": 0.1, "D": 10, "eta": 0.3, "Q": 4},
        wrong_options={"Q": 5}, words="where one term more of the sum would come to rest",
    ),
    _Rest(
        solver="fom", problem="two_task", quantity="distance",
        options={"batch": None, "gamma": 1.0, "schedule": "constant"}, wrong="control:second-order",
    ),
)  # fmt: skip


def quick_claims() -> list[Claim]:
    """Every claim with its controls."""
    settings: tuple[_Setting | _Rest, ...] = (*_SETTINGS, *_RESTS)
    return [claim for setting in settings for claim in setting.claims()]
