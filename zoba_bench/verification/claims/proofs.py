"""P9: every theorem and every problem's certificate is proved again, and changed ones are refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zoba_bench.problem import BilevelProblem
from zoba_bench.registry import own_names
from zoba_bench.verification.claim import Claim
from zoba_bench.verification.claims._pairs import Control, build, with_controls

__all__ = ["of_own", "quick_claims", "standard_claims"]


@dataclass(frozen=True, kw_only=True)
class _Wrong:
    """A step of a theorem that must be refused: what is done to its right-hand side, and that in words."""

    step: str
    change: dict[str, Any]
    words: str


def _half(step: str) -> tuple[_Wrong]:
    return (_Wrong(step=step, change={"factor": 0.5}, words="half of what is derived"),)


def _fewer(step: str, power: str, change: dict[str, Any]) -> _Wrong:
    return _Wrong(step=step, change=change, words=f"one power of {power} fewer")


_LIGHT = _Wrong(
    step="explicit weights", change={"factor": 0.25}, words="weights of the certificate below their thresholds"
)
_WRONG: dict[str, tuple[_Wrong, ...]] = {
    "zoba": (_fewer("count", "p", {"over": "p"}), _fewer("count", "1/eps", {"times": "eps"}), _LIGHT),
    "zoba-tuned": (_fewer("count", "d", {"over": "d"}),),
    "zoba-mixed": (_fewer("largest variance of Cv mixed difference", "d", {"over": "d"}),),
    "hf-zoba": (_fewer("count", "p", {"over": "p"}),),
    "hf-zoba-shared": (_fewer("count", "1/eps", {"times": "eps"}),),
    "zoba-samples": (_fewer("count", "d", {"over": "d"}),),
    "zoba-tuned-samples": (_fewer("count", "p", {"over": "p"}),),
    "zoba-mixed-samples": _half("variance of D_v in squares"),
    "hf-zoba-samples": (_fewer("count", "1/eps", {"times": "eps"}),),
    "hf-zoba-shared-samples": (_fewer("count", "1/eps", {"times": "eps"}),),
    "zoba-fixed": (_fewer("count at fixed directions, free solutions", "d", {"over": "d"}),),
    "zoba-tuned-fixed": (_fewer("count at fixed directions, smooth solutions", "p", {"over": "p"}),),
    "zoba-mixed-fixed": _half("noise of a step, free solutions"),
    "hf-zoba-fixed": (_fewer("count at fixed directions, flat solutions", "1/eps", {"times": "eps"}),),
    "hf-zoba-shared-fixed": _half("mean at decreasing steps"),
    "zoba-lower": _half("one radius"),
    "soba": (_LIGHT,),
    "saba": (
        _fewer("order, rough solutions", "N", {"over": "N"}),
        _Wrong(step="recursion of a memory", change={"factor": 0.5}, words="half of the distance to the memory"),
    ),
    "aid-bio": _half("bound"),
    "itd-bio": _half("bound"),
    "stocbio": (_fewer("bias of the Neumann sum", "1/mu", {"times": "mu"}),),
    "fom": _half("floor"),
    "ufom": _half("second moment"),
    "meha": _half("residual"),
    "zo-penalty": (
        _Wrong(
            step="limit with the sign reversed",
            change={"factor": 0.5},
            words="half of the error that the reversed sign leaves",
        ),
    ),
    "zmdsba": _half("evaluations of an outer step"),
    "pzobo": (*_half("bias of the implicit term"), _fewer("count", "d", {"over": "d"})),
    "hozog": _half("second moment of the sphere difference"),
    "estimators": _half("variance of Hv second difference"),
}
_CERTIFICATE = "Every check of the certificate holds: closed forms, minimiser, constants, and what is proved of them."
# Problems that declare no z*: an inner solution that is a set, and one that is not known.
_FORM = {"bome_minmax": "value", "margin_attack": "outer_grad_z"}
# Parameters that are not the default ones, of which many are 1: a factor that is left out is wrong then.
_UNUSUAL: dict[str, dict[str, Any]] = {
    "bvfsm_sin": {"a": 3.0, "c": 1.5},
    "cournot": {"a": 9.0, "b": 1.3, "k": 0.6, "kl": 0.3},
    "dataclean_linear": {"mu": 0.2},
    "dataclean_ortho": {"mu": 0.2},
    "entropic_simplex": {"tau": 0.7},
    "hidden_curvature": {"beta": 1.5, "R": 0.8, "lam": 0.2},
    "imaml_quad": {"kappa": 12.0, "lam": 0.7},
    "logcosh_ripple": {"a": 0.8, "mu": 0.15, "alpha": 0.4, "omega": 2.5},
    "logistic_bregman": {"mu": 0.2},
    "logistic_outer": {"kappa": 6.0},
    "minimax_quad": {"kappa": 4.0, "lam": 0.7},
    "nesterov_chain": {"kappa": 7.0, "L0": 3.0},
    "pl_rankdef": {"lam": 0.2},
    "poisson_bregman": {"mu": 0.3},
    "quad_general": {"kappa": 6.0, "lam": 0.7, "cross": 0.15},
    "quad_sum": {"mu": 0.2, "L": 1.5, "L_cross": 0.15},
    "quad_tracking": {"kappa": 30.0, "lam": 0.2},
    "rastrigin": {"kappa": 6.0, "a": 0.8},
    "reference": {"beta": 2.0, "lam": 0.5},
    "ridge_scalar": {"planted": -1.5},
    "rosenbrock": {"kappa": 6.0},
    "softmax_bregman": {"tau": 0.3, "mu": 0.3},
    "two_task": {"a1": 0.4, "a2": 1.7, "D": 0.08, "step": 0.08},
    "xdep_curvature": {"kappa": 12.0, "rho": 1.6},
}


def quick_claims() -> list[Claim]:
    """ZOBA's theorem and the certificate of one problem, with their controls."""
    return [*_of_theorem("zoba"), *_of_problem("quad_general")]


def standard_claims() -> list[Claim]:
    """Every theorem and every problem that this project registers, each with statements that must be refused."""
    theorems = [claim for name in _WRONG for claim in _of_theorem(name)]
    return theorems + [claim for name in own_names("problems") for claim in _of_problem(name)]


def of_own(problem: BilevelProblem, spec: Mapping[str, Any]) -> list[Claim]:
    """The certificate of a user's problem, with mistakes that it must see: those that what is declared admits.

    Parameters
    ----------
    problem : BilevelProblem
    spec : mapping
        What it is built from.
    """
    key = f"P9/problem/{problem.name}"
    claim = build(key, _CERTIFICATE, "exact", 0.0, {"problem": dict(spec)}, problem=str(spec["name"]), solver="")
    mixed = {"wrong": {"statement": "inner", "mixed": True}}
    controls = [Control(f"{key}/control-mixed", "every value of G has the mean over all points beside it", mixed)]
    mu, largest = problem.constants.mu, problem.constants.L_zz
    if mu:
        if largest:
            wrong = {"wrong": {"statement": "constant mu", "factor": 2 * largest / mu}}
            controls.append(Control(f"{key}/control-mu", "mu is twice L_zz", wrong))
        if problem.inner_solution is not None:  # the only one, of which another point is wrong
            wrong = {"wrong": {"statement": "inner_solution", "factor": 1.01, "added": 0.01}}
            words = "inner_solution is one per cent and 0.01 too large"
            controls.append(Control(f"{key}/control-inner_solution", words, wrong))
    return with_controls(claim, *controls)


def _of_theorem(name: str) -> list[Claim]:
    controls = []
    for wrong in _WRONG[name]:
        change = "-".join(f"{word}-{value}" for word, value in wrong.change.items())
        key = f"P9/theorem/{name}/control-{wrong.step.replace(' ', '-')}-{change}"
        words = f"{wrong.words} in the step '{wrong.step}'"
        controls.append(Control(key, words, {"wrong": {"statement": wrong.step, **wrong.change}}))
    statement = "Every step of the derivation holds, proved anew."
    claim = build(
        f"P9/theorem/{name}", statement, "exact", 0.0, {"theorem": name}, problem="theorem", solver=name
    )  # fmt: skip
    return with_controls(claim, *controls)


def _of_problem(name: str) -> list[Claim]:
    form = _FORM.get(name, "inner_solution")
    # These have z* = 0, of which no factor is wrong.
    change, words = (
        ({"added": 0.01}, "0.01") if name in ("tp9", "hidden_curvature") else ({"factor": 1.01}, "one per cent")
    )
    key = f"P9/problem/{name}"
    instance = {"name": name, **_UNUSUAL.get(name, {})}
    claim = build(key, _CERTIFICATE, "exact", 0.0, {"problem": instance}, problem=name, solver="")
    wrong = {"wrong": {"statement": form, **change}}
    return with_controls(claim, Control(f"{key}/control-{form}", f"{form} is {words} too large", wrong))
