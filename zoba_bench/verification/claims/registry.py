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
from zoba_bench.verification.claims._pairs import Control, build, with_controls

__all__ = ["quick_claims", "standard_claims"]

#: Steps of every floor; from the solution, which the noise leaves within a few multiples of 1/gamma.
_ITERATIONS = 200
_FINE = {"h": 1e-4}
_HF = {**REFERENCE_OPTIONS["hf-zoba"], "h": 1e-4, "h_bar": 1e-4}
#: In a level and in a slope; 5 % would take four times the data. Of the floor of the radii terms of the next order in
#: h^2 and the curvature of Psi are left out, up to 4 % in the trials that chose these settings.
_LEVEL, _SLOPE, _RADII = 0.1, 0.15, 0.15


@dataclass(frozen=True, kw_only=True)
class _Floor:
    """A problem with its steps, and by solver the fewer of two numbers of directions and the replicates at each.

    Attributes
    ----------
    name : of the problem in the claims' ids.
    gamma, c : steps gamma and gamma / c. gamma is 0.05 over the largest eigenvalue of Hess Psi, less where z and v are
        not stable; c is 1/4, less where the mean iteration is not.
    directions : (l, replicates) by solver. The closure is within 1.1 of the linear law there; the second number is 4 l.
    """

    name: str
    problem: Mapping[str, Any]
    gamma: float
    c: float = 0.25
    directions: Mapping[str, tuple[int, int]]

    def claims(self) -> list[Claim]:
        """Level and slope for every solver, and the control of each."""
        found = []
        for solver, (l, replicates) in self.directions.items():
            parameters = {
                "problem": dict(self.problem),
                "options": _HF if solver == "hf-zoba" else _FINE,
                "c": self.c,
                "gamma": self.gamma,
                "iterations": _ITERATIONS,
                "along": "l",
                "directions": [l, 4 * l],
                "replicates": [replicates, replicates],
                "looks": [0.4, 1.0],
            }
            found += _line(f"P6d/{solver}/{self.name}", parameters, str(self.problem["name"]))
        return found


def _tilted(base: str, p: int, d: int) -> dict[str, Any]:
    return {"name": "tilted", "base": base, "p": p, "d": d}


def _floors(*chosen: _Floor) -> list[Claim]:
    return [claim for floor in chosen for claim in floor.claims()]


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
           directions={"zoba-mixed": (48, 380)}),
    # Real data, regularised at the outer level, so that there is a minimiser and it is known to 1e-10.
    _Floor(name="diabetes_ridge-regularised",
           problem={"name": "diabetes_ridge", "p": 3, "d": 3, "features": 3, "weight": 0.25}, gamma=0.043,
           directions={"hf-zoba": (8, 800)}),
    _Floor(name="two_task", problem={"name": "two_task"}, gamma=0.1, directions={"hf-zoba": (16, 1240)}),
    _Floor(name="cournot", problem={"name": "cournot"}, gamma=0.018, directions={"hf-zoba": (16, 860)}),
    _Floor(name="imaml_quad", problem={"name": "imaml_quad"}, gamma=0.021, directions={"hf-zoba": (24, 1560)}),
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
           directions={"hf-zoba": (16, 780)}),
    _Floor(name="rastrigin-tilted", problem=_tilted("rastrigin", 4, 4), gamma=0.0012, c=1 / 256,
           directions={"hf-zoba": (16, 380)}),
    _Floor(name="ridge_scalar-tilted", problem=_tilted("ridge_scalar", 6, 1), gamma=0.049,
           directions={"hf-zoba": (16, 1620)}),
    _Floor(name="ridge_ortho-tilted", problem=_tilted("ridge_ortho", 3, 3), gamma=0.031,
           directions={"hf-zoba": (8, 2100)}),
    _Floor(name="smd1-tilted", problem=_tilted("smd1", 3, 3), gamma=0.025,
           directions={"hf-zoba": (8, 400), "zoba-mixed": (48, 380)}),
    _Floor(name="bolib_allende_still_2013", problem={"name": "bolib_allende_still_2013"}, gamma=0.0125,
           directions={"hf-zoba": (4, 380), "zoba": (32, 380), "zoba-mixed": (16, 380)}),
)  # fmt: skip


def quick_claims() -> list[Claim]:
    """Two floors along l."""
    return _floors(_BVFSM, _QUARTIC)[:4] + _floors(_QUARTIC)


def standard_claims() -> list[Claim]:
    """Floors on all, floors of the radii, evaluations to eps."""
    return [*_floors(_BVFSM)[4:], *_floors(*_STANDARD), *_radii(), *_evaluations()]


def _line(
    key: str, parameters: Mapping[str, Any], problem: str, *, level: float = _LEVEL, slope: float = _SLOPE,
    factor: float = 1.25,
) -> list[Claim]:  # fmt: skip
    along = parameters["along"]
    limit = "-1" if along == "l" else "2"
    statement = (
        f"From the solution the noise floor has the slope in {along} derived for these runs; its limit is {limit}."
    )
    one, power = with_controls(
        build(f"{key}/{along}-slope", statement, "equal", slope, parameters, problem=problem, quantity="slope"),
        Control(f"{key}/{along}-control-power", f"the floor has one power of {along} more", {"missing_power": 1}),
    )
    statement = "From the solution the noise floor is the mean derived for these runs."
    two, wrong = with_controls(
        build(f"{key}/{along}-level", statement, "equal", level, parameters, problem=problem, quantity="ratio"),
        Control(f"{key}/{along}-control-level", f"the floor is {factor:g} times the derived one", {"factor": factor}),
    )
    return [one, two, power, wrong]


def _radii() -> list[Claim]:
    """Where v* = 0 the floor is that of the radii."""
    claims = []
    for name, p, d, gamma in (("quartic_cardano", 5, 3, 0.029), ("xdep_curvature", 5, 4, 0.006)):
        for solver in ("hf-zoba", "zoba"):
            parameters = {
                "problem": {"name": name, "p": p, "d": d},
                "options": REFERENCE_OPTIONS[solver],
                "c": 0.25,
                "gamma": gamma,
                "iterations": _ITERATIONS,
                "along": "h",
                "directions": [32],
                "radii": [0.05, 0.1],
                "replicates": [600, 600],
                "looks": [0.4, 1.0],
            }
            claims += _line(f"P6d/{solver}/{name}", parameters, name, level=_RADII, slope=_RADII, factor=1.4)
    return claims


def _evaluations() -> list[Claim]:
    """Along 1/eps: of order 1/eps^2 where a floor asks for directions that grow, of order 1/eps where v* = 0."""
    claims = []
    for name, problem, gamma, accuracies, directions in (
        ("quartic_cardano", {"name": "quartic_cardano", "p": 5, "d": 3}, 0.029, (0.02, 0.01, 0.005), {"l": 32}),
        ("logistic_bregman", {"name": "logistic_bregman", "p": 6, "d": 4}, 0.022, (0.04, 0.02, 0.01), {"l": 64}),
        ("quartic_cardano-tilted", _tilted("quartic_cardano", 5, 3), 0.029, (0.04, 0.02, 0.01), {"factor_l": 2.0}),
        ("poisson_bregman-tilted", _tilted("poisson_bregman", 5, 3), 0.022, (0.08, 0.04, 0.02), {"factor_l": 2.0}),
        ("smd1-tilted", _tilted("smd1", 3, 3), 0.025, (0.08, 0.04, 0.02), {"factor_l": 2.0}),
    ):
        parameters = {
            "points": [{"problem": problem, "eps": eps} for eps in accuracies],
            "along": "1/eps",
            "options": _HF,
            "c": 0.25,
            "gamma": gamma,
            "replicates": 96,
            "groups": 12,
            **directions,
        }
        order = "1/eps, since v* = 0 at the minimiser" if "l" in directions else "1/eps^2"
        statement = f"Evaluations to eps have the exponent in 1/eps derived for these runs; their order is {order}."
        key, problem_name = f"P6/hf-zoba/{name}", str(problem["name"])
        claims += with_controls(
            build(f"{key}/exponent", statement, "equal", _LEVEL, parameters, problem=problem_name, quantity="slope"),
            Control(f"{key}/control-power", "with one power of 1/eps fewer", {"missing_power": 1}),
        )
        statement = "Evaluations to eps are the number derived for these runs."
        claims += with_controls(
            build(f"{key}/level", statement, "equal", _LEVEL, parameters, problem=problem_name, quantity="ratio"),
            Control(f"{key}/control-level", "they are 1.25 times the derived number", {"factor": 1.25}),
        )
    return claims
