"""A quadratic family whose G has a curvature in x that Psi does not see, and second differences do."""

from __future__ import annotations

import numpy as np

from zoba_bench.arrays import Array, quadratic_form, square_norm
from zoba_bench.problem import BilevelProblem, Card
from zoba_bench.validation import check_real

from .._base.family import family
from ._affine import UNBOUNDED, build_quadratic
from ._maps import solve_maps

__all__ = ["hidden_curvature"]


_CARD = Card(
    summary="G_xx is all that matters: with one radius ZOBA needs d^3/eps^2 evaluations on this family.",
    source="built for the lower bound of this project (theorem zoba-lower); no published origin",
    assumptions={"A1": "holds", "A2": "holds, H = 0", "A3": UNBOUNDED, "A4": "holds", "A5": "holds"},
    quadratic_inner=True,
    psi_convexity="strongly convex",
    dimensions="any p, d >= 1",
    small={"p": 2, "d": 2},
)


@family(_CARD)
def hidden_curvature(
    p: int = 2,
    d: int = 8,
    *,
    seed: int = 0,
    beta: float = 1.0,
    R: float = 1.0,
    lam: float = 0.1,
    radius: float | None = None,
) -> BilevelProblem:
    """The family of the lower bound.

    G = |z|^2/2 + beta |x|^2/2,  F = -R z_1 + (lam x_1^2 + x_2^2 + ... + x_d^2)/2: z* = 0, v* = R e_1 and
    Psi = (lam x_1^2 + x_2^2 + ... + x_d^2)/2. G_xz = 0, so that the cross surrogate is noise alone; its variance
    holds beta^2 d (d + 2)(d + 4). Subtracting beta |x|^2/2 from G leaves the same problem.

    Parameters
    ----------
    p, d : int
        Dimensions of z and x.
    seed : int
        Has no effect: the family is deterministic. Accepted as every factory does.
    beta : float, at least 0
        Curvature of G in x.
    R : float, above 0
        Size of v*.
    lam : float, in (0, 1)
        Curvature of Psi along the first axis; 4 eps/Delta in the lower bound.
    radius : float or None
        If given, C_z and C_x are declared for |x| <= radius.

    Raises
    ------
    ValueError
        For a bad argument.
    """
    beta = check_real("beta", beta, at_least=0.0)
    R = check_real("R", R, above=0.0, hint="without an adjoint the cross surrogate has no noise")
    lam = check_real("lam", lam, above=0.0, below=1.0)

    curvature = np.ones(d)
    curvature[0] = lam
    slope = np.zeros(p)
    slope[0] = -R
    half = np.diag(curvature / 2)

    def inner(z: Array, x: Array) -> Array:
        return 0.5 * square_norm(z) + (0.5 * beta) * square_norm(x)

    def outer(z: Array, x: Array) -> Array:
        return quadratic_form(x, half) - R * z[..., 0]

    maps = solve_maps(
        inner_zz=np.eye(p),
        inner_xz=np.zeros((d, p)),
        inner_xx=beta * np.eye(d),
        inner_z=np.zeros(p),
        outer_zz=np.zeros((p, p)),
        outer_xz=np.zeros((d, p)),
        outer_xx=np.diag(curvature),
        outer_z=slope,
        outer_x=np.zeros(d),
    )
    return build_quadratic(
        "hidden_curvature",
        maps,
        inner,
        outer,
        np.ones(2),
        radius=radius,
        parameters={"seed": seed, "beta": beta, "R": R, "lam": lam, "radius": radius},
        card=_CARD,
        minimizer=np.zeros(d),
    )
