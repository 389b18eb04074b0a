"""Claims about single iterations on every problem: counts, moments, the mean of a step, and its bits."""

from __future__ import annotations

from typing import Any

from zoba_bench.registry import entry
from zoba_bench.solvers import SOLVERS
from zoba_bench.verification.claim import Claim
from zoba_bench.verification.protocols.shared.named import build_problem

__all__ = ["counts", "mean_moves", "moments", "same_bits"]

# Small sizes of every problem on which tensor quadrature reaches; p != d keeps roles apart.
_SMALL: dict[str, dict[str, Any]] = {
    name: {"name": name, "p": 3, "d": 2}
    for name in (
        "quad_general",
        "quad_tracking",
        "minimax_quad",
        "logistic_bregman",
        "logcosh_ripple",
        "reference",
    )
}
_REAL: dict[str, Any] = {"name": "diabetes_ridge"}
_STOCHASTIC: dict[str, Any] = {"name": "diabetes_ridge", "stochastic": True}

_MOMENTS = (
    "Every surrogate has the exact derivative as its mean and the derived second moment; measured is the largest "
    "deviation over what remainder, rounding and sampling allow."
)
_WRONG = {
    "control:hessian-factor": "1/h^2 in place of 1/(2 h^2) in the Hessian surrogate",
    "control:mixed-factor": "a doubled mixed difference in the Hessian surrogate",
    "control:hf-factor": "HF-ZOBA with its Hessian action doubled",
    "control:unshared-directions": "HF-ZOBA with other directions at the displaced point",
    "control:swapped-projection": "c (u'v) w in place of c (w'v) u in the cross surrogate",
    "control:slow-adjoint": "v moves with the step of x",
}


def counts() -> list[Claim]:
    """P1: the counter against the symbolic count."""
    options = [{"l1": 1, "l2": 1}, {"l1": 7, "l2": 3}, {"l1": 3, "l2": 5}]
    stochastic = [{"l1": 4, "l2": 2, "b1": 3, "b2": 2}, {"l1": 2, "l2": 3, "b1": 2, "b2": 5}]
    equal = [{"l1": 1}, {"l1": 7}]
    parameters = {
        "problems": [*_SMALL.values(), _REAL, _STOCHASTIC],
        "options": options,
        "stochastic_options": stochastic,
    }
    control = "P1/zoba/control-no-centre"
    claims = [
        Claim(
            f"P1/{solver}/counts",
            "The counter equals the derived evaluations of both levels, exactly.",
            "P1", solver, "all", "exact", 0.0, parameters, controls=(control,),
        )
        for solver in ("zoba", "zoba-tuned", "zoba-mixed", "hf-zoba")
    ]  # fmt: skip
    shared = {
        **parameters,
        "options": [{**o, "l2": o["l1"]} for o in equal],
        "stochastic_options": [{"l1": 3, "l2": 3, "b1": 2, "b2": 3}],
    }
    claims.append(
        Claim(
            "P1/hf-zoba-shared/counts",
            "The counter equals the derived evaluations of both levels, exactly.",
            "P1", "hf-zoba-shared", "all", "exact", 0.0, shared, controls=(control,),
        )
    )  # fmt: skip
    claims.append(
        Claim(
            control,
            "Control: the evaluation at the centre is not counted.",
            "P1", "zoba", "all", "exact", 0.0, {**parameters, "omit_centre": True}, origin="control",
        )
    )  # fmt: skip
    return claims


def moments() -> list[Claim]:
    """P2: each solver on each problem, each with a wrong estimator on the same problem and budget."""
    claims = []
    batches = {"l1": 2, "l2": 2, "b1": 3, "b2": 2}
    for solver, control in (
        ("zoba", "control:hessian-factor"),
        ("zoba-mixed", "control:mixed-factor"),
        ("hf-zoba", "control:unshared-directions"),
    ):
        nodes = {"nodes": 4 if solver == "zoba-mixed" else 6}
        sampled = {"replicates": 20_000, "cells": 4}
        settings = [(name, name, {"problem": spec, **nodes}) for name, spec in _SMALL.items()]
        settings.append(("diabetes_ridge", "diabetes_ridge", {"problem": _REAL, **sampled}))
        stochastic = {"problem": _STOCHASTIC, **sampled, "cells": 12, "batches": batches, "h": 2e-4}
        settings.append(("diabetes_ridge", "diabetes_ridge-batches", stochastic))
        for problem, what, parameters in settings:
            # Unshared directions are unbiased: only a second moment gives them away, and batches have none derived.
            wrong = "control:hf-factor" if "batches" in parameters and solver == "hf-zoba" else control
            claims += _pair("P2", solver, wrong, problem, what, _MOMENTS, {"h": 1e-3, **parameters})
    # Its mean differs by a transposition, so it needs p = d and a matrix that is not symmetric.
    square = {"problem": {"name": "reference", "p": 3, "d": 3}, "h": 1e-3, "nodes": 5}
    return claims + _pair("P2", "zoba", "control:swapped-projection", "reference", "reference-square", _MOMENTS, square)


def mean_moves() -> list[Claim]:
    """P2s: the mean of a whole step of each solver."""
    claims = []
    statement = (
        "In the mean one step moves z, v and x by -rho_k, -rho_k and -gamma_k times their exact directions; "
        "measured is the largest deviation over what remainder and rounding allow."
    )
    for name in ("quad_general", "reference"):
        parameters = {"problem": _SMALL[name], "h": 1e-3, "eta": 2e-3, "nodes": 6}
        claims += _pair("P2s", "zoba", "control:slow-adjoint", name, name, statement, parameters)
        control = claims[-1].id
        for solver in ("zoba-tuned", "zoba-mixed", "hf-zoba", "hf-zoba-shared"):
            own: dict[str, Any] = {"eta": None} if solver == "zoba-tuned" else {}
            own |= {"nodes": 4} if solver == "zoba-mixed" else {}
            claims.append(
                Claim(
                    f"P2s/{solver}/{name}", statement, "P2s", solver, name, "at_most", 1.0, {**parameters, **own},
                    controls=(control,),
                )
            )  # fmt: skip
    return claims


def same_bits() -> list[Claim]:
    """P8: every built-in solver in one list of runs, so that one fresh process serves them all."""
    runs = [
        {"solver": solver, "problem": spec, "options": {}, "iterations": 3, "replicates": 2}
        for solver in SOLVERS
        for spec in _two_problems(solver)
    ]
    wrong, control = "control:global-generator", "P8/control:global-generator/bits"
    claims = [
        Claim(
            f"P8/{solver}/bits",
            "The same cell with the same seed gives the same bits of x, z, v, counts and history in every order among "
            "other cells, and in a process of its own.",
            "P8", solver, "all", "exact", 0.0, {"runs": runs}, controls=(control,),
        )
        for solver in SOLVERS
        if any(chosen["solver"] == solver for chosen in runs)
    ]  # fmt: skip
    own = [{**chosen, "solver": wrong} for chosen in runs if chosen["solver"] == "zoba"]
    statement = "Control: directions from a generator that all runs of a process share."
    return [*claims, Claim(control, statement, "P8", wrong, "all", "exact", 0.0, {"runs": own}, "control")]


#: Where bits are compared: the first two on which a solver can run. With exact values and with samples, if it can.
_BITS: tuple[dict[str, Any], ...] = (
    _SMALL["reference"],
    {"name": "quad_sum", "p": 2, "d": 2, "n_inner": 8, "n_outer": 8},
    {"name": "two_task"},
    {"name": "l1_tracking"},
)


def _two_problems(solver: str) -> list[dict[str, Any]]:
    return [spec for spec in _BITS if not entry("solvers", solver)().lacking(build_problem(spec))][:2]


def _pair(
    protocol: str, solver: str, control: str, problem: str, what: str, statement: str, parameters: dict[str, Any]
) -> list[Claim]:
    """A claim and its control on the same problem and budget."""
    wrong = f"{protocol}/{control}/{what}"
    return [
        Claim(
            f"{protocol}/{solver}/{what}", statement, protocol, solver, problem, "at_most", 1.0, parameters,
            controls=(wrong,),
        ),
        Claim(
            wrong, f"Control: {_WRONG[control]}.", protocol, control, problem, "at_most", 1.0, parameters,
            origin="control",
        ),
    ]  # fmt: skip
