"""P6d and P6 on registered problems: noise floors along l and along h, and evaluations to eps along 1/eps.

Most problems have v* = 0 at the minimiser, where the noise of the directions vanishes: they are tilted, which moves v*
and leaves Psi as it is. Left as they are they have no floor but that of the radii, and evaluations of order 1/eps.

Outside are problems without a minimiser that is the only one, or with a singular Hessian of Psi there (diabetes_ridge
as it is, dataclean_linear, coreset_attained, coreset_bome), with several inner solutions or kinks (the groups
multivalued and nonsmooth), without an inner Hessian (entropic_simplex), and those whose noise vanishes however they are
tilted (tp9).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zoba_bench.verification.claim import Claim
from zoba_bench.verification.claims._instances import REFERENCE_OPTIONS
from zoba_bench.verification.claims._lines import COARSE, FINE
from zoba_bench.verification.claims._pairs import Control, build, with_controls

__all__ = ["full_claims", "quick_claims", "standard_claims"]

#: Steps of every floor; from the solution, which the noise leaves within a few multiples of 1/gamma.
_ITERATIONS = 200
_FINE_RADII = {"h": 1e-4}
_HF = {**REFERENCE_OPTIONS["hf-zoba"], "h": 1e-4, "h_bar": 1e-4}
#: In a level and in a slope. What the predictions leave out is derived and is at most half of it; the rest is for the
#: data, which are four times as many where it is half as large. Lines whose data would take more than about 30
#: CPU-seconds for that have twice the tolerance in ``standard``, and this one in ``full``.
_FINE_LEVEL, _COARSE_LEVEL = FINE["tolerance"], COARSE["tolerance"]
#: The larger number of directions over the smaller. Of all lines with two points the one with a factor 16, and a
#: quarter of the replicates at the larger number, gives the slope nearly the smallest error at a given cost.
_WIDER = 16
#: Replicates at both numbers of directions, in units of those below, for a slope within 0.05 and within 0.1.
_REPLICATES = {True: (5.7, 1.43), False: (1.43, 0.36)}
#: So many times as many are there for the few lines that these leave undecided, at a third look.
_MORE, _LOOKS = 2.5, (0.16, 0.4, 1.0)
#: With fewer replicates Student's limits of these skewed means err.
_FEWEST = 200


@dataclass(frozen=True, kw_only=True)
class _Floor:
    """A problem with its steps, and by solver the fewer of two numbers of directions and a number of replicates.

    Attributes
    ----------
    name : of the problem in the claims' ids.
    gamma, c : steps gamma and gamma / c. gamma is 0.05 over the largest eigenvalue of Hess Psi, less where z and v are
        not stable; c is 1/4, less where the mean iteration is not.
    directions : (l, replicates) by solver. The closure is within 1.1 of the linear law there. With so many replicates
        at l and at 4 l the limits of a level are 7 % wide.
    costly : solvers whose data for the small tolerance do not fit ``standard``.
    """

    name: str
    problem: Mapping[str, Any]
    gamma: float
    c: float = 0.25
    directions: Mapping[str, tuple[int, int]]
    costly: tuple[str, ...] = ()

    def claims(self, solver: str, *, fine: bool, again: bool = False, times: float = 1.0) -> list[Claim]:
        """Level and slope, and the control of each; ``again`` where there is a coarse claim too.

        ``times`` so many replicates are for claims that must be decided whatever the seed.
        """
        l, replicates = self.directions[solver]
        most, fewer = (_MORE * times * factor for factor in _REPLICATES[fine])
        parameters = {
            "problem": dict(self.problem),
            "options": _HF if solver == "hf-zoba" else _FINE_RADII,
            "c": self.c,
            "gamma": self.gamma,
            "iterations": _ITERATIONS,
            "along": "l",
            "directions": [l, _WIDER * l],
            "replicates": [round(most * replicates), max(round(_FEWEST / _LOOKS[0]), round(fewer * replicates))],
            "looks": list(_LOOKS),
        }
        what = "l-fine" if again else "l"
        return _line(f"P6d/{solver}/{self.name}", what, parameters, str(self.problem["name"]), fine=fine)


def _tilted(base: str, p: int, d: int) -> dict[str, Any]:
    return {"name": "tilted", "base": base, "p": p, "d": d}


_BVFSM = _Floor(
    name="bvfsm_sin", problem={"name": "bvfsm_sin"}, gamma=0.008,
    directions={"hf-zoba": (4, 780), "zoba-mixed": (8, 920), "zoba": (12, 920)},
)  # fmt: skip
_QUARTIC = _Floor(
    name="quartic_cardano-tilted", problem=_tilted("quartic_cardano", 5, 3), gamma=0.029,
    directions={"hf-zoba": (8, 500)},
)  # fmt: skip
_STANDARD = (
    _Floor(name="quartic_cardano-tilted", problem=_tilted("quartic_cardano", 5, 3), gamma=0.029,
           directions={"zoba-mixed": (48, 380)}, costly=("zoba-mixed",)),
    # Real data, regularised at the outer level, so that there is a minimiser and it is known to 1e-10.
    _Floor(name="diabetes_ridge-regularised",
           problem={"name": "diabetes_ridge", "p": 3, "d": 3, "features": 3, "weight": 0.25}, gamma=0.043,
           directions={"hf-zoba": (8, 800)}),
    _Floor(name="two_task", problem={"name": "two_task"}, gamma=0.1,
           directions={"hf-zoba": (16, 1240)}, costly=("hf-zoba",)),
    _Floor(name="cournot", problem={"name": "cournot"}, gamma=0.018,
           directions={"hf-zoba": (16, 860)}),
    _Floor(name="imaml_quad", problem={"name": "imaml_quad"}, gamma=0.021,
           directions={"hf-zoba": (24, 1560)}, costly=("hf-zoba",)),
    _Floor(name="quad_general", problem={"name": "quad_general", "p": 6, "d": 4}, gamma=0.0168,
           directions={"hf-zoba": (2, 440)}),
    _Floor(name="quad_tracking", problem={"name": "quad_tracking", "p": 4, "d": 3, "kappa": 2.0}, gamma=0.021,
           directions={"hf-zoba": (8, 800)}),
    _Floor(name="minimax_quad-tilted", problem=_tilted("minimax_quad", 4, 3), gamma=0.02,
           directions={"hf-zoba": (4, 400), "zoba": (28, 380)}),
    _Floor(name="nesterov_chain-tilted", problem=_tilted("nesterov_chain", 3, 3), gamma=0.0146,
           directions={"hf-zoba": (4, 1000)}),
    _Floor(name="logcosh_ripple-tilted", problem=_tilted("logcosh_ripple", 6, 4), gamma=0.004, c=0.125,
           directions={"hf-zoba": (4, 1060)}),
    _Floor(name="logistic_bregman-tilted", problem=_tilted("logistic_bregman", 6, 4), gamma=0.022,
           directions={"hf-zoba": (4, 920)}),
    _Floor(name="poisson_bregman-tilted", problem=_tilted("poisson_bregman", 5, 3), gamma=0.022,
           directions={"hf-zoba": (8, 440)}),
    _Floor(name="logistic_outer-tilted", problem=_tilted("logistic_outer", 6, 6), gamma=0.1,
           directions={"hf-zoba": (6, 440)}),
    _Floor(name="xdep_curvature-tilted", problem=_tilted("xdep_curvature", 5, 4), gamma=0.006,
           directions={"hf-zoba": (16, 780)}, costly=("hf-zoba",)),
    _Floor(name="rastrigin-tilted", problem=_tilted("rastrigin", 4, 4), gamma=0.0012, c=1 / 256,
           directions={"hf-zoba": (16, 380)}),
    _Floor(name="ridge_scalar-tilted", problem=_tilted("ridge_scalar", 6, 1), gamma=0.049,
           directions={"hf-zoba": (16, 1620)}, costly=("hf-zoba",)),
    _Floor(name="ridge_ortho-tilted", problem=_tilted("ridge_ortho", 3, 3), gamma=0.031,
           directions={"hf-zoba": (8, 2100)}),
    _Floor(name="smd1-tilted", problem=_tilted("smd1", 3, 3), gamma=0.025,
           directions={"hf-zoba": (8, 400), "zoba-mixed": (48, 380)}, costly=("zoba-mixed",)),
    _Floor(name="bolib_allende_still_2013", problem={"name": "bolib_allende_still_2013"}, gamma=0.0125,
           directions={"hf-zoba": (4, 380), "zoba": (32, 380), "zoba-mixed": (16, 380)}),
)  # fmt: skip


def quick_claims() -> list[Claim]:
    """Two floors along l."""
    return [claim for floor in (_BVFSM, _QUARTIC) for claim in floor.claims("hf-zoba", fine=False, times=2.0)]


def standard_claims() -> list[Claim]:
    """Floors on all, floors of the radii, evaluations to eps."""
    found = [claim for floor in (_BVFSM, _QUARTIC) for claim in floor.claims("hf-zoba", fine=True, again=True)]
    for floor in (_BVFSM, *_STANDARD):
        for solver in floor.directions:
            if (floor, solver) != (_BVFSM, "hf-zoba"):
                found += floor.claims(solver, fine=solver not in floor.costly)
    return [*found, *_radii(), *_evaluations(_ACCURACIES, fine=False)]


def full_claims() -> list[Claim]:
    """What has twice the tolerance in ``standard``, and a problem whose values cost minutes."""
    fine = [
        claim for floor in _STANDARD for solver in floor.costly for claim in floor.claims(solver, fine=True, again=True)
    ]
    return [*fine, *_evaluations(_ACCURACIES, fine=True), *_evaluations(_COSTLY_ACCURACIES, fine=False)]


def _line(key: str, what: str, parameters: Mapping[str, Any], problem: str, *, fine: bool) -> list[Claim]:
    along, allowed = parameters["along"], _FINE_LEVEL if fine else _COARSE_LEVEL
    factor = FINE["factor"] if fine else COARSE["factor"]
    limit = "-1" if along == "l" else "2"
    statement = (
        f"From the solution the noise floor has the slope in {along} derived for these runs; its limit is {limit}."
    )
    one, power = with_controls(
        build(f"{key}/{what}-slope", statement, "equal", allowed, parameters, problem=problem, quantity="slope"),
        Control(f"{key}/{what}-control-power", f"the floor has one power of {along} more", {"missing_power": 1}),
    )
    statement = "From the solution the noise floor is the mean derived for these runs."
    if along == "h":
        statement += " The bias of the radii is left out; a bound on it is part of what is allowed."
    two, wrong = with_controls(
        build(f"{key}/{what}-level", statement, "equal", allowed, parameters, problem=problem, quantity="ratio"),
        Control(f"{key}/{what}-control-level", f"the floor is {factor:g} times the derived one", {"factor": factor}),
    )
    return [one, two, power, wrong]


def _radii() -> list[Claim]:
    """Where v* = 0 the floor is that of the radii: small ones, as their bias falls faster than their noise."""
    claims = []
    # Not hf-zoba on xdep_curvature: its noise is so small there that bias or rounding may add more, at any radius.
    quartic, curvature = {"name": "quartic_cardano", "p": 5, "d": 3}, {"name": "xdep_curvature", "p": 5, "d": 4}
    # The second moments of zoba on xdep_curvature grow at 16 directions, and the bias is small at small radii alone.
    for problem, gamma, solver, directions, radii, replicates, fine in (
        (quartic, 0.029, "hf-zoba", 16, [0.0005, 0.004], 5500, True),
        (quartic, 0.029, "zoba", 16, [0.0005, 0.004], 16500, True),
        (curvature, 0.006, "zoba", 32, [0.000025, 0.0002], 11000, False),
    ):
        parameters = {
            "problem": problem,
            "options": REFERENCE_OPTIONS[solver],
            "c": 0.25,
            "gamma": gamma,
            "iterations": _ITERATIONS,
            "along": "h",
            "directions": [directions],
            "radii": radii,
            "replicates": [replicates, replicates],
            "looks": list(_LOOKS),
        }
        name = str(problem["name"])
        claims += _line(f"P6d/{solver}/{name}", "h", parameters, name, fine=fine)
    return claims


#: Name, problem, gamma, accuracies, replicates in groups of 8, directions.
_Accuracies = tuple[tuple[str, dict[str, Any], float, tuple[float, ...], int, dict[str, float]], ...]
_ACCURACIES: _Accuracies = (
    ("quartic_cardano", {"name": "quartic_cardano", "p": 5, "d": 3}, 0.029, (0.02, 0.01, 0.005), 96, {"l": 32}),
    ("quartic_cardano-tilted", _tilted("quartic_cardano", 5, 3), 0.029, (0.04, 0.02, 0.01), 96, {"factor_l": 2.0}),
    ("poisson_bregman-tilted", _tilted("poisson_bregman", 5, 3), 0.022, (0.08, 0.04, 0.02), 96, {"factor_l": 2.0}),
    ("smd1-tilted", _tilted("smd1", 3, 3), 0.025, (0.08, 0.04, 0.02), 288, {"factor_l": 2.0}),
)
_COSTLY_ACCURACIES: _Accuracies = (
    ("logistic_bregman", {"name": "logistic_bregman", "p": 6, "d": 4}, 0.022, (0.04, 0.02, 0.01), 288, {"l": 64}),
)


def _evaluations(lines: _Accuracies, *, fine: bool) -> list[Claim]:
    """Along 1/eps: of order 1/eps^2 where a floor asks for directions that grow, of order 1/eps where v* = 0.

    ``fine`` has half of the tolerance, with four times the data.
    """
    claims = []
    allowed, factor = (FINE if fine else COARSE)["tolerance"], (FINE if fine else COARSE)["factor"]
    for name, problem, gamma, accuracies, fewest, directions in lines:
        replicates = 4 * fewest if fine else fewest
        parameters = {
            "points": [{"problem": problem, "eps": eps} for eps in accuracies],
            "along": "1/eps",
            "options": _HF,
            "c": 0.25,
            "gamma": gamma,
            "replicates": replicates,
            "groups": replicates // 8,
            **directions,
        }
        order = "1/eps, since v* = 0 at the minimiser" if "l" in directions else "1/eps^2"
        statement = f"Evaluations to eps have the exponent in 1/eps derived for these runs; their order is {order}."
        key, problem_name = f"P6/hf-zoba/{name}{'/fine' if fine else ''}", str(problem["name"])
        claims += with_controls(
            build(f"{key}/exponent", statement, "equal", allowed, parameters, problem=problem_name, quantity="slope"),
            Control(f"{key}/control-power", "with one power of 1/eps fewer", {"missing_power": 1}),
        )
        statement = "Evaluations to eps are the number derived for these runs."
        claims += with_controls(
            build(f"{key}/level", statement, "equal", allowed, parameters, problem=problem_name, quantity="ratio"),
            Control(f"{key}/control-level", f"they are {factor:g} times the derived number", {"factor": factor}),
        )
    return claims
