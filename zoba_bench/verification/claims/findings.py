"""What the long suites add: growth over more than a decade, all sizes at once, and the published order against each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoba_bench.verification.claim import Claim

__all__ = ["decade_lines", "far_lines", "floor_lines", "joint_fits", "published_orders", "size_lines"]

_INDEPENDENT: dict[str, Any] = {"outer_directions": "independent"}
_C = 0.25  # gamma / rho
_OPTIONS: dict[str, dict[str, Any]] = {
    "zoba": {}, "zoba-tuned": {"curvature_ratio": 2.0}, "zoba-mixed": {}, "hf-zoba": _INDEPENDENT,
}  # fmt: skip
_PUBLISHED = "arXiv 2601.21836, abstract: O(p (d + p)^2 / eps^2)"


def far_lines() -> list[Claim]:
    """P2b along d at p = 2, one decade beyond the quick suite."""
    claims = []
    sizes = [{"name": "reference", "p": 2, "d": n} for n in (512, 1024, 2048, 4096)]
    for solver, options in _OPTIONS.items():
        common = {
            "problems": sizes, "along": "d",
            "options": {"h": 1e-4, **({"h_bar": 1e-4} if solver == "hf-zoba" else {}), **options},
            # The products of two independent directions have heavier tails.
            "replicates": 400, "blocks": 300 if solver in ("zoba-tuned", "zoba-mixed") else 20,
        }  # fmt: skip
        key = f"P2b/{solver}/far-d"
        claims += _pair(key, "residual", "E|x1 - x*|^2 grows as derived along d up to 4096 at p = 2.", 0.1, common)
        claims.append(_claim(f"{key}/exponent", "E|x1 - x*|^2 grows along d with the limit exponent of the derived "
                             "expression.", "slope", 0.1, common, (f"{key}/residual/control",)))  # fmt: skip
        claims += _against_published(
            f"P2b/{solver}/published-far-d", f"E|x1 - x*|^2 of one step of {_named(solver)}",
            "along d to 4096 at p = 2", common, 2, finding=solver == "zoba",
        )  # fmt: skip
    return claims


def floor_lines() -> list[Claim]:
    """P6b to p = d = 32, and along d at p = 2 to 64 (128 where the noise allows)."""
    claims = []
    for solver, line, sizes, replicates in (
        ("zoba", "p=d", (8, 16, 32), (64, 32, 16)),
        ("hf-zoba", "p=d", (8, 16, 32), (96, 96, 64)),
        ("zoba", "d", (16, 32, 64), (64, 40, 24)),
        ("zoba-tuned", "d", (16, 32, 64), (64, 48, 32)),
        ("zoba-mixed", "d", (32, 64, 128), (96, 80, 64)),
        ("hf-zoba", "d", (32, 64, 128), (96, 80, 64)),
    ):
        common = _floors(solver, line, sizes, replicates)
        words = "The noise floor grows as derived " + (
            "along p = d to 32." if line == "p=d" else f"to d = {sizes[-1]}."
        )
        claims += _pair(f"P6b/{solver}/far-{line}", "residual", words, 0.2, common)
    return claims


def published_orders() -> list[Claim]:
    """The order that is published for ZOBA, as an upper bound on the growth of what was measured.

    Where one radius and growing d leave it, the claim is a finding: it is expected to be violated, by the derivation
    (its limit diverges), by the law of one step and by the floors of whole runs.
    """
    claims = []
    for solver, line, sizes, replicates in (
        ("zoba", "p=d", (8, 16, 32), (64, 32, 16)),
        ("zoba", "d", (16, 32, 64), (64, 40, 24)),
        ("zoba-tuned", "d", (16, 32, 64), (64, 48, 32)),
        ("zoba-mixed", "d", (32, 64, 128), (96, 80, 64)),
        ("hf-zoba", "d", (32, 64, 128), (96, 80, 64)),
    ):
        along = "along p = d" if line == "p=d" else "along d at p = 2"
        claims += _against_published(
            f"P6b/{solver}/published-{line}",
            f"The noise of {_named(solver)}, to which the evaluations to eps are proportional,", along,
            _floors(solver, line, sizes, replicates), 1 if solver == "zoba" else 3,
            finding=(solver, line) == ("zoba", "d"),
        )  # fmt: skip
    return claims


def _named(solver: str) -> str:
    return solver + (" with one radius for z and x" if solver == "zoba" else "")


def _against_published(
    key: str, subject: str, along: str, common: dict[str, Any], fewer: int, *, finding: bool
) -> list[Claim]:
    """The published order as an upper bound on growth; a control of so many powers fewer, unless it is a finding."""
    protocol, solver, _ = key.split("/")
    control = f"{key}/control"
    parameters = {**common, "against": "published", "quantity": "residual"}
    claims = [
        Claim(
            key, f"{subject} grows {along} at most like the order published for ZOBA.", protocol, solver, "reference",
            "at_most", 0.1, parameters, origin="published", source=_PUBLISHED, finding=finding,
            controls=() if finding else (control,),
        )
    ]  # fmt: skip
    if not finding:
        words = f"Control: it grows {along} at most with {fewer} of the published powers fewer."
        claims.append(
            Claim(
                control, words, protocol, solver, "reference", "at_most", 0.1, {**parameters, "missing_power": fewer},
                origin="control",
            )
        )  # fmt: skip
    return claims


def decade_lines() -> list[Claim]:
    """P6 over one decade of eps at p = d = 2."""
    claims = []
    growing = {"gamma": 0.1, "factors": [0.8, 1.25], "replicates": 32, "groups": 8}
    for solver, options, accuracies, common in (
        ("zoba", {}, (0.125, 0.04, 0.0125), growing),
        ("hf-zoba", _INDEPENDENT, (0.0625, 0.02, 0.00625), growing),
        ("hf-zoba-shared", {}, (0.125, 0.04, 0.0125), {"gamma": 0.05, "l": 16, "replicates": 16, "groups": 8}),
    ):  # fmt: skip
        points = [{"problem": {"name": "reference", "p": 2, "d": 2}, "eps": eps} for eps in accuracies]
        words = "over a decade of eps at p = d = 2"
        claims += _evaluations("1/eps", f"P6/{solver}/decade-eps", words, {**common, "options": options}, points)
    return claims


def size_lines() -> list[Claim]:
    """P6 along p, along d and along p = d at one eps, to 32 where the cost allows.

    p stays at most d: beyond, the directions that the noise of x asks for do not keep z and v stable.
    """
    claims = []
    for solver, line, sizes in (
        ("zoba", "d", [(2, 8), (2, 16), (2, 32)]), ("zoba-tuned", "d", [(2, 8), (2, 16), (2, 32)]),
        ("zoba-mixed", "d", [(2, 8), (2, 16), (2, 32)]), ("hf-zoba", "d", [(2, 8), (2, 16), (2, 32)]),
        ("zoba", "p", [(2, 8), (4, 8), (8, 8)]), ("hf-zoba", "p", [(8, 32), (16, 32), (32, 32)]),
        ("zoba", "p=d", [(2, 2), (4, 4), (8, 8)]), ("hf-zoba", "p=d", [(8, 8), (16, 16), (32, 32)]),
    ):  # fmt: skip
        # As in the joint fits: few directions show noise that the prediction leaves out.
        eps = 0.0625 if solver == "zoba-mixed" else 0.125
        points = [{"problem": {"name": "reference", "p": p, "d": d}, "eps": eps} for p, d in sizes]
        common = {"gamma": 0.1, "factors": [0.8, 1.25], "replicates": 48, "groups": 16, "options": _OPTIONS[solver]}
        words = {
            "d": "along d to 32 at p = 2",
            "p": f"along p to d = {sizes[0][1]}",
            "p=d": f"along p = d to {sizes[-1][1]}",
        }
        claims += _evaluations(line, f"P6/{solver}/{line}", words[line], common, points)
    return claims


def _evaluations(line: str, key: str, words: str, common: dict[str, Any], points: list[dict[str, Any]]) -> list[Claim]:
    """Growth against the derived number, and the exponent that is measured."""
    settings = {**common, "points": points, "along": line, "c": _C}
    claims = _pair(key, "residual", f"Evaluations to eps grow as derived {words}.", 0.2, settings)
    control = (claims[-1].id,)
    words = f"Evaluations to eps have the derived exponent {words}."
    return [*claims, _claim(f"{key}/exponent", words, "slope", 0.2, settings, control)]


def joint_fits() -> list[Claim]:
    """P6 with p, d and eps varied at once."""
    claims = []
    # (p, d, eps is coarse / n); p at most d, as along p. Where the derived noise is small, few directions do, and the
    # noise that is proportional to the error, about 2 eps of the rest and not in the prediction, shows at 1/8.
    sizes = ((2, 2, 1), (2, 2, 2), (2, 4, 1), (4, 4, 1), (4, 4, 2), (2, 8, 1), (4, 8, 1), (8, 8, 1))
    for solver, coarse in (("zoba", 0.125), ("zoba-mixed", 0.0625), ("hf-zoba", 0.0625)):
        common = {
            "points": [{"problem": {"name": "reference", "p": p, "d": d}, "eps": coarse / n} for p, d, n in sizes],
            "along": "joint", "options": _OPTIONS[solver], "c": _C, "gamma": 0.1, "factors": [0.8, 1.25],
            "replicates": 48, "groups": 16,
        }  # fmt: skip
        for quantity, name in (("exponent of p", "p"), ("exponent of d", "d"), ("exponent of 1/eps", "eps")):
            words = f"Evaluations to eps have the derived {quantity}, fitted in p, d and 1/eps at once."
            claims += _pair(f"P6/{solver}/joint-{name}", quantity, words, 0.25, common)
    return claims


def _floors(solver: str, line: str, sizes: Sequence[int], replicates: Sequence[int]) -> dict[str, Any]:
    return {
        "problems": [{"name": "reference", "p": n if line == "p=d" else 2, "d": n} for n in sizes], "along": line,
        "options": _OPTIONS[solver], "c": _C, "gamma": 0.02, "target": 0.04, "replicates": list(replicates),
    }  # fmt: skip


def _pair(key: str, quantity: str, words: str, tolerance: float, common: dict[str, Any]) -> list[Claim]:
    """A claim and the control that misses one power."""
    control = f"{key}/control" if quantity != "residual" else f"{key}/residual/control"
    honest = key if quantity != "residual" else f"{key}/residual"
    return [
        _claim(honest, words, quantity, tolerance, common, (control,)),
        _claim(control, "Control: with one power fewer.", quantity, tolerance, {**common, "missing_power": 1}),
    ]


def _claim(
    key: str, words: str, quantity: str, tolerance: float, common: dict[str, Any], controls: tuple[str, ...] = ()
) -> Claim:
    protocol, solver, *_ = key.split("/")
    return Claim(
        key, words, protocol, solver, "reference", "equal", tolerance, {**common, "quantity": quantity},
        origin="derived" if controls else "control", controls=controls,
    )  # fmt: skip
