"""Problems of the catalogue, tilted, as a family of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from zoba_bench.problem import BilevelProblem, Card
from zoba_bench.registry import entry, load_problem

from .._base.family import family
from ._tilt import tilted as add_tilt

__all__ = ["tilted"]


_CARD = Card(
    summary="Another problem with b'(z - z*(x)) added to F: the same Psi, and an adjoint that is not zero at its "
    "minimiser.",
    source="construction of this catalogue; no published origin. What is said of the assumptions is for the default "
    "base, logistic_bregman",
    assumptions={
        "A1": "holds except L_xx: G_xx contains s''(Mx) z, which grows with |z|",
        "A2": "H_zz and H_xz hold; the full Hessian is not Lipschitz globally (G_xx)",
        "A3": "holds",
        "A4": "holds except for s_v, which is unknown",
        "A5": "holds for Psi; F itself is unbounded below in z where |b_i| > 1",
    },
    quadratic_inner=False,
    psi_convexity="convex",
    dimensions="those of the base",
    small={"p": 2, "d": 2},
)


@family(_CARD)
def tilted(
    p: int | None = None,
    d: int | None = None,
    *,
    seed: int = 0,
    base: str = "logistic_bregman",
    b: Sequence[float] | None = None,
    options: Mapping[str, Any] | None = None,
) -> BilevelProblem:
    """A registered problem with F + b'(z - z*(x)) at the outer level.

    z*, Psi, its minimiser and its gradient are those of the base; v* = v*_base - G_zz^-1 b at z*(x). See
    :func:`zoba_bench.problems.combinators.tilted`, which tilts any problem object.

    Parameters
    ----------
    p, d : int, optional
        Dimensions of z and x; those of the base where None.
    seed : int
        Names the instance of the base.
    base : str
        Name of a registered problem.
    b : sequence of p floats, optional
        The direction of the tilt. Default: 1/2 in the first coordinate, -1/2 in the last one, 0 between.
    options : mapping, optional
        Further parameters of the base, such as ``{"radius": 2.0}``.

    Raises
    ------
    ValueError
        For a bad argument, and for a base that has no z*, v* or derivatives of G.
    UnknownNameError
        For a base that is not registered.
    """
    entry("problems", base)  # not a file: the key of a cell would not know its content
    chosen = dict(options or {})
    problem = load_problem(base, p, d, seed=seed, **chosen)
    if b is None:
        direction = np.zeros(problem.p)
        direction[-1] = -0.5
        direction[0] = 0.5
        b = direction.tolist()
    made = add_tilt(problem, b, name="tilted")
    parameters = {"seed": seed, "base": base, "b": [float(e) for e in b], "options": chosen}
    return replace(made, parameters=parameters)
