"""P6: evaluations to eps on the reference family, along eps, p and d, and with all three varied at once."""

from __future__ import annotations

from typing import Any

from zoba_bench.verification.claim import Claim
from zoba_bench.verification.claims._instances import RATIO, REFERENCE_OPTIONS, reference
from zoba_bench.verification.claims._lines import exponent, growth, growth_and_level

__all__ = ["full_claims", "quick_claims"]

# Directions grow as 1/eps, times the better of two factors; shared ones leave no floor, so that their number stays.
_GROWING: dict[str, Any] = {"gamma": 0.1, "factors": [0.8, 1.25], "replicates": 48, "groups": 16}
_FEWER: dict[str, Any] = {**_GROWING, "replicates": 32, "groups": 8}
_FIXED: dict[str, Any] = {"gamma": 0.05, "l": 16, "replicates": 16, "groups": 8}


def quick_claims() -> list[Claim]:
    """Growth and level over a factor of four in eps."""
    claims = []
    for solver, accuracies, common in (
        ("zoba", (0.125, 0.0625, 0.03125), _GROWING),
        ("hf-zoba", (0.0625, 0.03125, 0.015625), _GROWING),
        ("hf-zoba-shared", (0.125, 0.0625, 0.03125), _FIXED),
    ):
        parameters = _parameters(solver, "1/eps", [(2, 2, eps) for eps in accuracies], common)
        key = f"P6/{solver}/eps"
        claims += growth_and_level(key, "Evaluations to eps", "in 1/eps", parameters, level=0.25, factor=1.7)
    return claims


def full_claims() -> list[Claim]:
    """Growth along sizes, over a decade of eps, and in p, d and eps at once."""
    return [*_along_sizes(), *_over_a_decade(), *_at_once()]


def _along_sizes() -> list[Claim]:
    """Along p, along d and along p = d at one eps, to 32 where the cost allows.

    p stays at most d: beyond, the directions that the noise of x asks for do not keep z and v stable.
    """
    claims = []
    for solver, along, sizes in (
        ("zoba", "d", [(2, 8), (2, 16), (2, 32)]),
        ("zoba-tuned", "d", [(2, 8), (2, 16), (2, 32)]),
        ("zoba-mixed", "d", [(2, 8), (2, 16), (2, 32)]),
        ("hf-zoba", "d", [(2, 8), (2, 16), (2, 32)]),
        ("zoba", "p", [(2, 8), (4, 8), (8, 8)]),
        ("hf-zoba", "p", [(8, 32), (16, 32), (32, 32)]),
        ("zoba", "p=d", [(2, 2), (4, 4), (8, 8)]),
        ("hf-zoba", "p=d", [(8, 8), (16, 16), (32, 32)]),
    ):
        # As in the joint fits: few directions show noise that the prediction leaves out.
        eps = 0.0625 if solver == "zoba-mixed" else 0.125
        p, d = sizes[-1]
        where = {"d": f"along d to {d} at p = 2", "p": f"along p to d = {d}", "p=d": f"along p = d to {p}"}
        parameters = _parameters(solver, along, [(p, d, eps) for p, d in sizes], _GROWING)
        claims += _growth_and_exponent(f"P6/{solver}/{along}", where[along], parameters)
    return claims


def _over_a_decade() -> list[Claim]:
    """Over one decade of eps at p = d = 2."""
    claims = []
    for solver, accuracies, common in (
        ("zoba", (0.125, 0.04, 0.0125), _FEWER),
        ("hf-zoba", (0.0625, 0.02, 0.00625), _FEWER),
        ("hf-zoba-shared", (0.125, 0.04, 0.0125), _FIXED),
    ):
        parameters = _parameters(solver, "1/eps", [(2, 2, eps) for eps in accuracies], common)
        claims += _growth_and_exponent(f"P6/{solver}/decade-eps", "over a decade of eps at p = d = 2", parameters)
    return claims


def _at_once() -> list[Claim]:
    """With p, d and eps varied at once."""
    claims = []
    # (p, d, eps is coarse / n); p at most d, as along p. Where the derived noise is small, few directions do, and the
    # noise that is proportional to the error, about 2 eps of the rest and not in the prediction, shows at 1/8.
    sizes = ((2, 2, 1), (2, 2, 2), (2, 4, 1), (4, 4, 1), (4, 4, 2), (2, 8, 1), (4, 8, 1), (8, 8, 1))
    for solver, coarse in (("zoba", 0.125), ("zoba-mixed", 0.0625), ("hf-zoba", 0.0625)):
        parameters = _parameters(solver, "joint", [(p, d, coarse / n) for p, d, n in sizes], _GROWING)
        for quantity, name in (("exponent of p", "p"), ("exponent of d", "d"), ("exponent of 1/eps", "eps")):
            statement = f"Evaluations to eps have the derived {quantity}, fitted in p, d and 1/eps at once."
            claims += growth(f"P6/{solver}/joint-{name}", statement, 0.25, parameters, quantity=quantity)
    return claims


def _growth_and_exponent(key: str, where: str, parameters: dict[str, Any]) -> list[Claim]:
    """Growth against the derived number, and the exponent that is measured."""
    line = growth(f"{key}/residual", f"Evaluations to eps grow as derived {where}.", 0.2, parameters)
    statement = f"Evaluations to eps have the derived exponent {where}."
    return [*line, exponent(f"{key}/exponent", statement, 0.2, parameters, line[1].id)]


def _parameters(
    solver: str, along: str, points: list[tuple[int, int, float]], common: dict[str, Any]
) -> dict[str, Any]:
    return {
        **common,
        "options": REFERENCE_OPTIONS[solver],
        "points": [{"problem": reference(p, d), "eps": eps} for p, d, eps in points],
        "along": along,
        "c": RATIO,
    }
