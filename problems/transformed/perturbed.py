"""Problems of the catalogue, perturbed, as a family of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from zoba_bench.problem import BilevelProblem, Card
from zoba_bench.registry import entry, load_problem

from .._base.family import family
from ._perturb import perturbed as perturb

__all__ = ["perturbed"]


_CARD = Card(
    summary="Another problem in rotated, permuted or scaled coordinates, with declared noise, rounding or NaN in every "
    "number that a solver is told.",
    source="construction of this catalogue; no published origin. What is said of the assumptions is for the default "
    "base, reference",
    assumptions={
        "A1": "holds",
        "A2": "holds, H = 0",
        "A3": "holds",
        "A4": "holds, in closed form",
        "A5": "holds of the functions; numbers that a solver is told have the declared faults",
    },
    quadratic_inner=True,
    psi_convexity="convex",
    dimensions="those of the base",
    small={"p": 2, "d": 2},
)


@family(_CARD)
def perturbed(
    p: int | None = None, d: int | None = None, *, seed: int = 0, base: str = "reference",
    noise: float = 0.0, relative: float = 0.0, digits: int | None = None, nan_rate: float = 0.0,
    permute: bool = True, rotate: bool = True, scale: float = 1.0, perturbation_seed: int = 0,
    options: Mapping[str, Any] | None = None,
) -> BilevelProblem:  # fmt: skip
    """A registered problem in other coordinates, with declared faults in every number that a solver is told.

    See :func:`zoba_bench.problems.combinators.perturbed`, which perturbs any problem object.

    Parameters
    ----------
    p, d : int, optional
        Dimensions of z and x; those of the base where None.
    seed : int
        Names the instance of the base; no effect with the default base, which has one.
    base : str
        Name of a registered problem.
    noise, relative, digits, nan_rate, permute, rotate, scale
        As there; by default the coordinates are permuted and rotated, and nothing else is done.
    perturbation_seed : int
        Of permutations, planes and noise.
    options : mapping, optional
        Further parameters of the base, such as ``{"lam": 2.0}``.

    Raises
    ------
    ValueError
        For a bad argument, and for a base that cannot be scaled.
    UnknownNameError
        For a base that is not registered.
    """
    entry("problems", base)  # not a file: the key of a cell would not know its content
    chosen = dict(options or {})
    how: dict[str, Any] = {
        "noise": noise, "relative": relative, "digits": digits, "nan_rate": nan_rate, "permute": permute,
        "rotate": rotate, "scale": scale,
    }  # fmt: skip
    made = perturb(load_problem(base, p, d, seed=seed, **chosen), **how, seed=perturbation_seed, name="perturbed")
    parameters = {"seed": seed, "base": base, **how, "perturbation_seed": perturbation_seed, "options": chosen}
    return replace(made, parameters=parameters)
