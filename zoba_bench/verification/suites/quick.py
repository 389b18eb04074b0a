"""The suites "quick" and "smoke": ZOBA and HF-ZOBA against their derived numbers."""

from __future__ import annotations

from typing import Any

from zoba_bench.verification.claim import Claim
from zoba_bench.verification.claims.accuracy import accuracy_claims
from zoba_bench.verification.claims.bounds import few_bound_claims
from zoba_bench.verification.claims.iteration_claims import counts, mean_moves, moments, same_bits
from zoba_bench.verification.claims.proofs import few_proof_claims
from zoba_bench.verification.suite import Suite

__all__ = ["quick", "smoke"]

_INDEPENDENT: dict[str, Any] = {"outer_directions": "independent"}
_C = 0.25  # gamma / rho of the reference runs


def smoke() -> Suite:
    """Counts, moments, the mean of a step and identical bits, in a few seconds."""
    return Suite(
        "smoke",
        "Counts, moments, the mean of a step and identical bits, each with a control that must be rejected.",
        (*counts(), *moments(), *mean_moves(), *same_bits()),
    )


def quick() -> Suite:
    """Every protocol, with controls, in about two minutes on two cores."""
    claims = [*counts(), *moments(), *mean_moves(), *same_bits()]
    claims += [*_one_step(), *_horizon(), *_transient(), *few_bound_claims(), *_complexity(), *_floors()]
    claims += [*accuracy_claims(), *few_proof_claims()]
    return Suite(
        "quick",
        "Counts and moments on every problem; identical bits in every order; one-step law, horizon rate, transient, "
        "evaluations to eps and noise floors on the reference family; certified bounds on four problems; known "
        "solutions reached on six; a theorem and a certificate proved again; each with a control that must be "
        "rejected.",
        tuple(claims),
    )


def _claim(
    key: str, statement: str, quantity: str, tolerance: float, common: dict[str, Any], controls: tuple[str, ...] = (),
    **more: Any,
) -> Claim:  # fmt: skip
    """A claim on the reference family; without controls it is one itself."""
    protocol, solver, *_ = key.split("/")
    return Claim(
        key, statement, protocol, solver, "reference", "equal", tolerance, {**common, "quantity": quantity, **more},
        origin="derived" if controls else "control", controls=controls,
    )  # fmt: skip


def _line(key: str, what: str, along: str, common: dict[str, Any], *, level: float, factor: float) -> list[Claim]:
    """Slope and level of measured over derived, with the claims that they must tell apart from the right ones.

    ``level`` is the tolerance of the level; a prediction wrong by ``factor`` must be rejected.
    """
    power, wrong = f"{key}/control-missing-power", f"{key}/control-wrong-level"
    return [
        _claim(f"{key}/residual", f"{what} grows {along} as derived.", "residual", 0.2, common, (power,)),
        _claim(f"{key}/level", f"{what} has the derived value {along}.", "ratio", level, common, (wrong,)),
        _claim(power, f"Control: {what} grows with one power fewer {along}.", "residual", 0.2, common, missing_power=1),
        _claim(wrong, f"Control: {what} is {factor:g} times the derived value.", "ratio", level, common, factor=factor),
    ]


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
        along = "along p = d" if line == "p=d" else "along d at p = 2"
        key = f"P2b/{solver}/{line}"
        claims += _line(key, "E|x1 - x*|^2", along, common, level=0.1, factor=1.25)
        claims.append(
            _claim(
                f"{key}/exponent", f"E|x1 - x*|^2 grows {along} with the limit exponent of the derived expression.",
                "slope", 0.15, common, (f"{key}/control-missing-power",),
            )
        )  # fmt: skip
    return claims


def _horizon() -> list[Claim]:
    claims = []
    horizons = [500, 1000, 2000, 4000, 8000]
    for solver, n, l, options, replicates, wrong in (
        ("zoba", 2, 16, {}, 64, "control:swapped-projection"),
        ("zoba", 4, 64, {}, 40, "control:swapped-projection"),
        ("hf-zoba", 2, 8, _INDEPENDENT, 64, "hf-zoba-shared"),
    ):
        common = {
            "problem": {"name": "reference", "p": n, "d": n}, "options": options, "l": l, "c": _C, "gamma_0": 0.5,
            "horizons": horizons if n == 2 else horizons[:-1], "replicates": replicates,
        }  # fmt: skip
        # The control gets the first horizons only: rejected on less data than the claim has.
        short = {**common, "horizons": horizons[:2]}
        key, control = f"P4a/{solver}/p=d={n}", f"P4a/{wrong}/p=d={n}/control"
        claims += [
            _claim(
                f"{key}/slope", "With gamma ~ 1/sqrt(K) from the solution the mean of |grad Psi|^2 falls as 1/sqrt(K).",
                "slope", 0.1, common, (control,),
            ),
            _claim(
                f"{key}/level", "The mean of |grad Psi|^2 over the horizon is the derived one.", "ratio", 0.2, common,
                (control,),
            ),
        ]  # fmt: skip
        if wrong == "hf-zoba-shared":
            claimed = {"solver": solver, "options": options}
            claims.append(
                _claim(
                    control, "Control: shared directions have the noise of independent ones.", "ratio", 0.2,
                    {**short, "options": {}}, predict_as=claimed,
                )
            )  # fmt: skip
        else:
            claims.append(_claim(control, "Control: c (u'v) w in the cross surrogate.", "ratio", 0.2, short))
    return claims


def _transient() -> list[Claim]:
    claims = []
    fine = {"h": 1e-4, "h_bar": 1e-4}
    for solver, options, l, replicates in (
        ("zoba", {}, 768, 8),
        ("hf-zoba", {**fine, **_INDEPENDENT}, 128, 24),
        ("hf-zoba-shared", fine, 16, 48),
    ):
        common = {
            "problem": {"name": "reference", "p": 2, "d": 2}, "options": options, "l": l, "c": _C, "gamma": 0.05,
            "horizons": [160, 320, 640, 1280], "replicates": replicates,
        }  # fmt: skip
        key = f"P4b/{solver}"
        control = f"{key}/control-slope"
        claims += [
            _claim(
                f"{key}/slope", "From a far start at one constant step the mean of |grad Psi|^2 falls as 1/K.", "slope",
                0.1, common, (control,),
            ),
            _claim(
                f"{key}/level", "The transient is that of the noise-free mean iteration plus the derived floor.",
                "ratio", 0.1, common, (f"{key}/control-level",),
            ),
            _claim(control, "Control: the transient falls as 1/sqrt(K).", "slope", 0.1, common, slope=-0.5),
            _claim(
                f"{key}/control-level", "Control: the transient is 1.25 times the derived one.", "ratio", 0.1, common,
                factor=1.25,
            ),
        ]  # fmt: skip
    return claims


def _complexity() -> list[Claim]:
    claims = []
    small = {"name": "reference", "p": 2, "d": 2}
    for solver, epsilons, common in (
        ("zoba", (0.125, 0.0625, 0.03125),
         {"options": {}, "gamma": 0.1, "factors": [0.8, 1.25], "replicates": 48, "groups": 16}),
        ("hf-zoba", (0.0625, 0.03125, 0.015625),
         {"options": _INDEPENDENT, "gamma": 0.1, "factors": [0.8, 1.25], "replicates": 48, "groups": 16}),
        ("hf-zoba-shared", (0.125, 0.0625, 0.03125),
         {"options": {}, "gamma": 0.05, "l": 16, "replicates": 16, "groups": 8}),
    ):  # fmt: skip
        points = [{"problem": small, "eps": eps} for eps in epsilons]
        settings = {**common, "points": points, "along": "1/eps", "c": _C}
        claims += _line(f"P6/{solver}/eps", "Evaluations to eps", "in 1/eps", settings, level=0.25, factor=1.7)
    return claims


def _floors() -> list[Claim]:
    claims = []
    for solver, line, sizes, replicates, options in (
        ("zoba", "p=d", (4, 8, 16), (256, 96, 24), {}),
        ("hf-zoba", "p=d", (4, 8, 16), (192, 144, 96), _INDEPENDENT),
        ("zoba", "d", (8, 16, 32), (96, 64, 40), {}),
        ("zoba-tuned", "d", (8, 16, 32), (120, 96, 64), {"curvature_ratio": 2.0}),
        ("zoba-mixed", "d", (16, 32, 64), (192, 160, 128), {}),
        ("hf-zoba", "d", (16, 32, 64), (128, 112, 96), _INDEPENDENT),
    ):
        common: dict[str, Any] = {
            "problems": [{"name": "reference", "p": n if line == "p=d" else 2, "d": n} for n in sizes],
            "along": line, "options": options, "c": _C, "gamma": 0.02, "target": 0.04, "replicates": list(replicates),
        }  # fmt: skip
        along = "along p = d" if line == "p=d" else "along d at p = 2"
        pair = _line(f"P6b/{solver}/{line}", "The noise floor", along, common, level=0.2, factor=1.5)
        wrong = {"zoba": "control:hessian-factor", "hf-zoba": "control:unshared-directions"}.get(solver)
        if line == "p=d" and wrong is not None:
            # A wrong estimator on the two smaller sizes: rejected on less data than the claim has.
            short = {**common, "problems": common["problems"][:2], "replicates": [32, 32]}
            control = _claim(f"P6b/{wrong}/p=d", f"Control: {wrong.partition(':')[2]}.", "ratio", 0.2, short)
            pair[1] = _claim(
                pair[1].id, pair[1].statement, "ratio", 0.2, common, (*pair[1].controls, control.id)
            )  # fmt: skip
            pair.append(control)
        claims += pair
    return claims
