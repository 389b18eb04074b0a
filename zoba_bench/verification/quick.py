"""The suites "quick" and "smoke": ZOBA and HF-ZOBA against their derived numbers."""

from __future__ import annotations

from typing import Any

from zoba_bench.verification.claim import Claim
from zoba_bench.verification.suite import Suite

__all__ = ["quick", "smoke"]

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
_INDEPENDENT: dict[str, Any] = {"outer_directions": "independent"}
_C = 0.25  # gamma / rho of the reference runs


def smoke() -> Suite:
    """Counts and moments only, in a few seconds."""
    return Suite("smoke", "Counts and moments on every problem, with their controls.", (*_counts(), *_moments()))


def quick() -> Suite:
    """All claims and controls, in about two minutes of one core."""
    claims = [*_counts(), *_moments(), *_one_step(), *_horizon(), *_transient(), *_complexity(), *_floors()]
    return Suite(
        "quick",
        "Counts and moments on every problem; one-step law, horizon rate, transient, evaluations to eps and "
        "noise floors on the reference family; each with a control that must be rejected.",
        tuple(claims),
    )


def _counts() -> list[Claim]:
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


def _moments() -> list[Claim]:
    claims = []
    pairs = {
        "zoba": ("P2/control:hessian-factor/reference",),
        "zoba-mixed": ("P2/control:hessian-factor/reference",),
        "hf-zoba": ("P2/control:unshared-directions/reference",),
    }
    for solver, controls in pairs.items():
        for name, spec in [*_SMALL.items(), ("diabetes_ridge", _REAL)]:
            sampling: dict[str, Any] = {"nodes": 4 if solver == "zoba-mixed" else 6}
            if name == "diabetes_ridge":
                sampling = {"replicates": 20_000, "cells": 4}
            claims.append(
                Claim(
                    f"P2/{solver}/{name}",
                    "Every surrogate has the exact derivative as its mean and the derived second moment; measured is "
                    "the largest deviation over what remainder, rounding and sampling allow.",
                    "P2", solver, name, "at_most", 1.0, {"problem": spec, "h": 1e-2, **sampling}, controls=controls,
                )
            )  # fmt: skip
    square = {"problem": {"name": "reference", "p": 3, "d": 3}, "h": 1e-2, "nodes": 5}
    for control, what in (
        ("control:hessian-factor", "1/h^2 in place of 1/(2 h^2) in the Hessian surrogate"),
        ("control:swapped-projection", "c (u'v) w in place of c (w'v) u in the cross surrogate"),
        ("control:unshared-directions", "HF-ZOBA with other directions at the displaced point"),
    ):
        claims.append(
            Claim(
                f"P2/{control}/reference", f"Control: {what}.",
                "P2", control, "reference", "at_most", 1.0, square, origin="control",
            )
        )  # fmt: skip
    return claims


def _one_step() -> list[Claim]:
    diagonal = [{"name": "reference", "p": n, "d": n} for n in (32, 64, 128, 256)]
    wide = [{"name": "reference", "p": 2, "d": n} for n in (64, 128, 256, 512)]
    claims = []
    for solver, line, options in (
        ("zoba", "p=d", {}),
        ("hf-zoba", "p=d", _INDEPENDENT),
        ("zoba", "d", {}),
        ("zoba-tuned", "d", {"curvature_ratio": 2.0}),
        ("zoba-mixed", "d", {}),
        ("hf-zoba", "d", _INDEPENDENT),
    ):
        common = {
            "problems": diagonal if line == "p=d" else wide,
            "along": line,
            "options": {"h": 1e-4, **({"h_bar": 1e-4} if solver == "hf-zoba" else {}), **options},
            "replicates": 2000,
            "blocks": 30 if solver in ("zoba-tuned", "zoba-mixed") else 10,
        }
        where = "p = d" if line == "p=d" else "d at p = 2"
        key = f"P2b/{solver}/{line}"
        control = f"{key}/control-missing-power"
        claims += [
            Claim(
                f"{key}/residual", f"E|x1 - x*|^2 follows its derived value along {where}.",
                "P2b", solver, "reference", "equal", 0.1, {**common, "quantity": "residual"}, controls=(control,),
            ),
            Claim(
                f"{key}/exponent", f"E|x1 - x*|^2 grows along {where} with the exponent of the derived expression.",
                "P2b", solver, "reference", "equal", 0.15, {**common, "quantity": "slope"}, controls=(control,),
            ),
            Claim(
                control, f"Control: one power of the dimension fewer along {where}.",
                "P2b", solver, "reference", "equal", 0.1, {**common, "quantity": "residual", "missing_power": 1},
                origin="control",
            ),
        ]  # fmt: skip
    return claims


def _horizon() -> list[Claim]:
    claims = []
    horizons = [500, 1000, 2000, 4000, 8000]
    for solver, n, l, options, replicates, control in (
        ("zoba", 2, 16, {}, 64, "P4a/control:swapped-projection/p=d=4"),
        ("zoba", 4, 64, {}, 48, "P4a/control:swapped-projection/p=d=4"),
        ("hf-zoba", 2, 8, _INDEPENDENT, 64, "P4a/hf-zoba-shared/control-noise"),
    ):
        common = {
            "problem": {"name": "reference", "p": n, "d": n}, "options": options, "l": l, "c": _C, "gamma_0": 0.5,
            "horizons": horizons if n == 2 else horizons[:-1], "replicates": replicates,
        }  # fmt: skip
        key = f"P4a/{solver}/p=d={n}"
        claims += [
            Claim(
                f"{key}/slope",
                "With gamma ~ 1/sqrt(K) from the solution, the mean of |grad Psi|^2 falls as 1/sqrt(K).",
                "P4a", solver, "reference", "equal", 0.1, {**common, "quantity": "slope"}, controls=(control,),
            ),
            Claim(
                f"{key}/level", "The mean of |grad Psi|^2 over the horizon is the derived one.",
                "P4a", solver, "reference", "equal", 0.2, {**common, "quantity": "ratio"}, controls=(control,),
            ),
        ]  # fmt: skip
    base = {
        "c": _C, "gamma_0": 0.5, "horizons": horizons[:3], "replicates": 32, "quantity": "ratio",
    }  # fmt: skip
    claims += [
        Claim(
            "P4a/hf-zoba-shared/control-noise", "Control: shared directions have the noise of independent ones.",
            "P4a", "hf-zoba-shared", "reference", "equal", 0.2,
            {**base, "problem": {"name": "reference", "p": 2, "d": 2}, "options": {}, "l": 8,
             "predict_as": {"solver": "hf-zoba", "options": _INDEPENDENT}}, origin="control",
        ),
        Claim(
            "P4a/control:swapped-projection/p=d=4", "Control: c (u'v) w in the cross surrogate.",
            "P4a", "control:swapped-projection", "reference", "equal", 0.2,
            {**base, "problem": {"name": "reference", "p": 4, "d": 4}, "options": {}, "l": 32}, origin="control",
        ),
    ]  # fmt: skip
    return claims


def _transient() -> list[Claim]:
    common = {
        "problem": {"name": "reference", "p": 2, "d": 2}, "options": {}, "l": 768, "c": _C, "gamma": 0.05,
        "horizons": [160, 320, 640, 1280], "replicates": 8,
    }  # fmt: skip
    control = "P4b/zoba/control-slope"
    return [
        Claim(
            "P4b/zoba/slope", "From a far start at one constant step the mean of |grad Psi|^2 falls as 1/K.",
            "P4b", "zoba", "reference", "equal", 0.1, {**common, "quantity": "slope"}, controls=(control,),
        ),
        Claim(
            "P4b/zoba/level", "The transient is (Psi(x0) - Psi*) / (gamma K) plus the derived floor.",
            "P4b", "zoba", "reference", "equal", 0.2, {**common, "quantity": "ratio"}, controls=(control,),
        ),
        Claim(
            "P4b/hf-zoba-shared/slope", "From a far start at one constant step the mean of |grad Psi|^2 falls as 1/K.",
            "P4b", "hf-zoba-shared", "reference", "equal", 0.1,
            {**common, "options": {"h": 1e-4, "h_bar": 1e-4}, "l": 16, "replicates": 48, "quantity": "slope"},
            controls=(control,),
        ),
        Claim(
            control, "Control: the transient falls as 1/sqrt(K).",
            "P4b", "zoba", "reference", "equal", 0.1, {**common, "quantity": "slope", "slope": -0.5}, origin="control",
        ),
    ]  # fmt: skip


def _complexity() -> list[Claim]:
    claims = []
    small = {"name": "reference", "p": 2, "d": 2}
    for solver, options, epsilons in (
        ("zoba", {}, [0.125, 0.0625, 0.03125]),
        ("hf-zoba", _INDEPENDENT, [0.0625, 0.03125, 0.015625]),
    ):
        common = {
            "points": [{"problem": small, "eps": eps} for eps in epsilons], "along": "1/eps", "options": options,
            "c": _C, "gamma": 0.1, "factors": [0.8, 1.25], "replicates": 32, "groups": 8,
        }  # fmt: skip
        key = f"P6/{solver}/eps"
        control = f"{key}/control-missing-power"
        claims += [
            Claim(
                f"{key}/residual", "Evaluations to eps follow the derived 4 A T e / eps^2.",
                "P6", solver, "reference", "equal", 0.2, {**common, "quantity": "residual"}, controls=(control,),
            ),
            Claim(
                control, "Control: one power of 1/eps fewer.",
                "P6", solver, "reference", "equal", 0.2, {**common, "quantity": "residual", "missing_power": 1},
                origin="control",
            ),
        ]  # fmt: skip
    shared = {
        "points": [{"problem": small, "eps": eps} for eps in (0.125, 0.0625, 0.03125)], "along": "1/eps",
        "options": {}, "c": _C, "gamma": 0.05, "l": 16, "replicates": 16, "groups": 8,
    }  # fmt: skip
    control = "P6/hf-zoba-shared/eps/control-missing-power"
    claims += [
        Claim(
            "P6/hf-zoba-shared/eps/residual", "Evaluations to eps grow as 1/eps where directions are shared.",
            "P6", "hf-zoba-shared", "reference", "equal", 0.2, {**shared, "quantity": "residual"}, controls=(control,),
        ),
        Claim(
            control, "Control: one power of 1/eps fewer.",
            "P6", "hf-zoba-shared", "reference", "equal", 0.2, {**shared, "quantity": "residual", "missing_power": 1},
            origin="control",
        ),
    ]  # fmt: skip
    return claims


def _floors() -> list[Claim]:
    claims = []
    for solver, along, sizes, replicates, options in (
        ("zoba", "p=d", (4, 8, 16), (96, 64, 32), {}),
        ("hf-zoba", "p=d", (4, 8, 16), (192, 144, 96), _INDEPENDENT),
        ("zoba", "d", (8, 16, 32), (96, 64, 40), {}),
        ("zoba-tuned", "d", (8, 16, 32), (120, 96, 64), {"curvature_ratio": 2.0}),
        ("zoba-mixed", "d", (16, 32, 64), (192, 160, 128), {}),
        ("hf-zoba", "d", (16, 32, 64), (128, 112, 96), _INDEPENDENT),
    ):
        common = {
            "problems": [{"name": "reference", "p": n if along == "p=d" else 2, "d": n} for n in sizes],
            "along": along, "options": options, "c": _C, "gamma": 0.02, "target": 0.04, "replicates": list(replicates),
        }  # fmt: skip
        where = "p = d" if along == "p=d" else "d at p = 2"
        key = f"P6b/{solver}/{along}"
        control = f"{key}/control-missing-power"
        claims += [
            Claim(
                f"{key}/residual", f"The noise floor follows the derived A(p, d) along {where}.",
                "P6b", solver, "reference", "equal", 0.2, {**common, "quantity": "residual"}, controls=(control,),
            ),
            Claim(
                control, f"Control: one power of the dimension fewer along {where}.",
                "P6b", solver, "reference", "equal", 0.2, {**common, "quantity": "residual", "missing_power": 1},
                origin="control",
            ),
        ]  # fmt: skip
    mutated = {
        "problems": [{"name": "reference", "p": n, "d": n} for n in (4, 8)],
        "along": "p=d", "options": {}, "c": _C, "gamma": 0.02, "target": 0.04, "replicates": [32, 32],
        "quantity": "ratio",
    }  # fmt: skip
    for control, what in (
        ("control:hessian-factor", "1/h^2 in place of 1/(2 h^2) in the Hessian surrogate"),
        ("control:unshared-directions", "HF-ZOBA with other directions at the displaced point"),
    ):
        options = _INDEPENDENT if "unshared" in control else {}
        claims.append(
            Claim(
                f"P6b/{control}/p=d", f"Control: {what}.",
                "P6b", control, "reference", "equal", 0.2, {**mutated, "options": options}, origin="control",
            )
        )  # fmt: skip
    return claims
