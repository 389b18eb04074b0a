"""P6: evaluations to eps on the reference family, along eps, p and d, and with all three varied at once."""

from __future__ import annotations

from typing import Any

from zoba_bench.verification.claim import Claim
from zoba_bench.verification.claims import published
from zoba_bench.verification.claims._instances import RATIO, REFERENCE_OPTIONS, reference
from zoba_bench.verification.claims._lines import COARSE, FINE, Allowed, exponent, growth, growth_and_level

__all__ = ["full_claims", "quick_claims", "standard_claims"]

# Directions grow as 1/eps, so that the floor is a quarter of eps: nearer to eps both the noise of K and what its
# prediction leaves out are larger. Shared ones leave no floor, so that their number stays. In groups of 8 the mean of
# log K is that of K.
_GROWING: dict[str, Any] = {"gamma": 0.1, "factor_l": 2.0, "replicates": 96, "groups": 12}
_MORE: dict[str, Any] = {**_GROWING, "replicates": 160, "groups": 20}
_FEWER: dict[str, Any] = {**_GROWING, "replicates": 80, "groups": 10}
_FIXED: dict[str, Any] = {"gamma": 0.05, "l": 16, "replicates": 64, "groups": 8}


def quick_claims() -> list[Claim]:
    """Growth and level over a factor of four in eps."""
    return [
        *_over_eps("zoba", "eps", (0.25, 0.125, 0.0625), _MORE, COARSE),
        *_over_eps("hf-zoba", "eps", (0.125, 0.0625, 0.03125), _GROWING, COARSE),
        *_over_eps("hf-zoba-shared", "eps", (0.25, 0.125, 0.0625), _FIXED, COARSE),
    ]


def standard_claims() -> list[Claim]:
    """The same with more data."""
    return [
        *_over_eps("zoba", "fine-eps", (0.25, 0.125, 0.0625, 0.03125), _MORE, FINE),
        *_over_eps("hf-zoba", "fine-eps", (0.125, 0.0625, 0.03125, 0.015625), _MORE, FINE),
        *_over_eps(
            "hf-zoba-shared",
            "fine-eps",
            (0.25, 0.125, 0.0625, 0.03125),
            {**_FIXED, "replicates": 160, "groups": 20},
            FINE,
        ),
    ]


def _over_eps(
    solver: str, name: str, accuracies: tuple[float, ...], common: dict[str, Any], allowed: Allowed
) -> list[Claim]:
    parameters = _parameters(solver, "1/eps", [(2, 2, eps) for eps in accuracies], common)
    return growth_and_level(f"P6/{solver}/{name}", "Evaluations to eps", "in 1/eps", parameters, **allowed)


def full_claims() -> list[Claim]:
    """Growth along sizes, over a decade of eps, and in p, d and eps at once."""
    return [*_along_sizes(), *_over_a_decade(), *_at_once(), *_published()]


def _published() -> list[Claim]:
    """The published order as an upper bound on growth: with the tuned ratio of the radii along every line, with one
    radius along p = d and along d at p = 2, where it leaves that order.
    """
    claims = []
    for solver, along, points, where in (
        ("zoba-tuned", "1/eps", [(2, 2, eps) for eps in (0.25, 0.125, 0.0625)], "in 1/eps"),
        ("zoba-tuned", "p", [(p, 8, 0.125) for p in (2, 4, 8)], "along p at d = 8"),
        ("zoba-tuned", "d", [(2, d, 0.125) for d in (8, 16, 32)], "along d at p = 2"),
        ("zoba-tuned", "p=d", [(n, n, 0.125) for n in (2, 4, 8)], "along p = d"),
        ("zoba", "p=d", [(n, n, 0.125) for n in (2, 4, 8)], "along p = d"),
        ("zoba", "d", [(2, d, 0.125) for d in (8, 16, 32)], "along d at p = 2"),
    ):
        claims += published.at_most_published(
            f"P6/{solver}/published-{along.replace('1/', '')}",
            f"Evaluations to eps of {published.described(solver)}",
            where,
            _parameters(solver, along, points, _FEWER),
            fewer=1,
            finding=(solver, along) == ("zoba", "d"),
        )
    return claims


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
        # Few groups of a cheap method leave its exponent open.
        common = _MORE if (solver, along) == ("hf-zoba", "d") else _FEWER
        p, d = sizes[-1]
        where = {"d": f"along d to {d} at p = 2", "p": f"along p to d = {d}", "p=d": f"along p = d to {p}"}
        parameters = _parameters(solver, along, [(p, d, eps) for p, d in sizes], common)
        claims += _growth_and_exponent(f"P6/{solver}/{along}", where[along], parameters, COARSE["tolerance"])
    return claims


def _over_a_decade() -> list[Claim]:
    """Over one decade of eps at p = d = 2."""
    claims = []
    for solver, accuracies, common in (
        ("zoba", (0.125, 0.04, 0.0125), _GROWING),
        ("hf-zoba", (0.0625, 0.02, 0.00625), _GROWING),
        ("hf-zoba-shared", (0.125, 0.04, 0.0125), _FIXED),
    ):
        parameters = _parameters(solver, "1/eps", [(2, 2, eps) for eps in accuracies], common)
        claims += _growth_and_exponent(
            f"P6/{solver}/decade-eps", "over a decade of eps at p = d = 2", parameters, FINE["tolerance"]
        )
    return claims


def _at_once() -> list[Claim]:
    """With p, d and eps varied at once."""
    claims = []
    # (p, d, eps is coarse / n); p at most d, as along p. Where the derived noise is small, few directions do, and the
    # noise that is proportional to the error, about 2 eps of the rest and not in the prediction, shows at 1/8.
    sizes = ((2, 2, 1), (2, 2, 2), (2, 4, 1), (4, 4, 1), (4, 4, 2), (2, 8, 1), (4, 8, 1), (8, 8, 1))
    for solver, coarse in (("zoba", 0.125), ("zoba-mixed", 0.0625), ("hf-zoba", 0.0625)):
        parameters = _parameters(solver, "joint", [(p, d, coarse / n) for p, d, n in sizes], _FEWER)
        for quantity, name in (("exponent of p", "p"), ("exponent of d", "d"), ("exponent of 1/eps", "eps")):
            statement = f"Evaluations to eps have the derived {quantity}, fitted in p, d and 1/eps at once."
            claims += growth(f"P6/{solver}/joint-{name}", statement, COARSE["tolerance"], parameters, quantity=quantity)
    return claims


def _growth_and_exponent(key: str, where: str, parameters: dict[str, Any], tolerance: float) -> list[Claim]:
    """Growth against the derived number, and the exponent that is measured."""
    statement = f"Evaluations to eps grow as derived for these runs {where}."
    line = growth(f"{key}/residual", statement, tolerance, parameters)
    statement = f"Evaluations to eps have the exponent of the derived numbers {where}."
    return [*line, exponent(f"{key}/exponent", statement, tolerance, parameters, line[1].id)]


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
