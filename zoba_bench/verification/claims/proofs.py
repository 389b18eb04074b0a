"""P9 claims: every theorem and every problem's certificate is proved again, and changed ones are refused."""

from __future__ import annotations

from typing import Any

from zoba_bench.registry import own_names
from zoba_bench.verification.claim import Claim

__all__ = ["certificate_claims", "derivation_claims", "few_proof_claims"]

# Statements that must be refused: a step of the theorem, what is done to its right-hand side, and that in words.
_Wrong = tuple[str, dict[str, Any], str]


def _half(step: str) -> tuple[_Wrong]:
    return ((step, {"factor": 0.5}, "half of what is derived"),)


_LIGHT: dict[str, Any] = {"factor": 0.25}
_WRONG: dict[str, tuple[_Wrong, ...]] = {
    "zoba": (
        ("count", {"over": "p"}, "one power of p fewer"),
        ("count", {"times": "eps"}, "one power of 1/eps fewer"),
        ("explicit weights", _LIGHT, "weights of the certificate below their thresholds"),
    ),
    "zoba-tuned": (("count", {"over": "d"}, "one power of d fewer"),),
    "zoba-mixed": (("largest variance of Cv mixed difference", {"over": "d"}, "one power of d fewer"),),
    "hf-zoba": (("count", {"over": "p"}, "one power of p fewer"),),
    "hf-zoba-shared": (("count", {"times": "eps"}, "one power of 1/eps fewer"),),
    "soba": (("explicit weights", _LIGHT, "weights of the certificate below their thresholds"),),
    "aid-bio": _half("bound"),
    "itd-bio": _half("bound"),
    "stocbio": (("bias of the Neumann sum", {"times": "mu"}, "one power of 1/mu fewer"),),
    "fom": _half("floor"),
    "ufom": _half("second moment"),
    "meha": _half("residual"),
    "zo-penalty": (
        ("limit with the sign reversed", {"factor": 0.5}, "half of the error that the reversed sign leaves"),
    ),
    "zmdsba": _half("evaluations of an outer step"),
    "pzobo": _half("bias of the implicit term"),
    "hozog": _half("second moment of the sphere difference"),
    "estimators": _half("variance of Hv second difference"),
}
# The only problem that declares no z*: its inner solution is a set.
_FORM = {"bome_minmax": "value"}


def derivation_claims() -> list[Claim]:
    """Every theorem that this project registers, each with statements that must be refused."""
    return [claim for name in _WRONG for claim in _of_theorem(name)]


def certificate_claims() -> list[Claim]:
    """Every problem that this project registers, each with a closed form that must be refused."""
    return [claim for name in own_names("problems") for claim in _of_problem(name)]


def few_proof_claims() -> list[Claim]:
    """ZOBA's theorem and the certificate of one problem, with their controls."""
    return [*_of_theorem("zoba"), *_of_problem("quad_general")]


def _of_theorem(name: str) -> list[Claim]:
    controls = []
    for step, wrong, words in _WRONG[name]:
        change = "-".join(f"{word}-{value}" for word, value in wrong.items())
        key = f"P9/theorem/{name}/control-{step.replace(' ', '-')}-{change}"
        parameters = {"theorem": name, "wrong": {"statement": step, **wrong}}
        controls.append(_claim(key, f"Control: {words} in the step '{step}'.", name, "theorem", parameters))
    statement = "Every step of the derivation holds, proved anew."
    return [_claim(f"P9/theorem/{name}", statement, name, "theorem", {"theorem": name}, controls), *controls]


def _of_problem(name: str) -> list[Claim]:
    form, spec = _FORM.get(name, "inner_solution"), {"name": name}
    # tp9 has z* = 0, of which no factor is wrong.
    change, words = ({"added": 0.01}, "0.01") if name == "tp9" else ({"factor": 1.01}, "one per cent")
    control = _claim(
        f"P9/problem/{name}/control-{form}", f"Control: {form} is {words} too large.", "", name,
        {"problem": spec, "wrong": {"statement": form, **change}},
    )  # fmt: skip
    statement = "Every check of the certificate holds: closed forms, minimiser, constants, and what is proved of them."
    return [_claim(f"P9/problem/{name}", statement, "", name, {"problem": spec}, [control]), control]


def _claim(
    key: str, words: str, solver: str, problem: str, parameters: dict[str, Any], controls: list[Claim] | None = None
) -> Claim:
    ids = tuple(control.id for control in controls or ())
    return Claim(
        key, words, "P9", solver, problem, "exact", 0.0, parameters, origin="derived" if ids else "control",
        controls=ids,
    )  # fmt: skip
