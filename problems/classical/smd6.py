"""Classical test problems of bilevel optimisation that are quadratic at both levels."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoba_bench.arrays import Array, square_norm
from zoba_bench.problem import BilevelProblem, Card
from zoba_bench.problem.symbolic import Symbolic
from zoba_bench.validation import check_dimension, check_real

from .._base.family import family
from ..quadratic._affine import build_quadratic
from ..quadratic._maps import solve_maps

__all__ = ["smd6"]


_SMD6 = Card(
    summary="SMD6 with a unique inner solution: conflicting levels, the outer one unbounded below in z, v* = 0.",
    source="SMD6 of Sinha, Malo and Deb (arXiv 1401.1942) with s = 0: without the pairs of inner variables that "
    "make its inner solution a manifold, where G is not strongly convex",
    assumptions={
        "A1": "holds",
        "A2": "holds, H = 0",
        "A3": "holds with C_z = R = 0, except for C_x: F_x is affine in (z, x)",
        "A4": "holds, k_v = 0",
        "A5": "holds for Psi = |x|^2; F itself is unbounded below in z",
    },
    quadratic_inner=True,
    psi_convexity="strongly convex",
    dimensions="any p, d >= 1, of which 1 <= r <= min(p, d) are coupled",
    small={"p": 3, "d": 3},
)


@family(_SMD6)
def smd6(p: int = 5, d: int = 5, *, seed: int = 0, r: int | None = None) -> BilevelProblem:
    """SMD6 with s = 0, a plain quadratic problem.

    With x = (x1, x2) and z = (z1, z2), x2 and z2 in R^r: G = |x1|^2 + |z1|^2 + |x2-z2|^2,
    F = |x1|^2 - |z1|^2 + |x2|^2 - |x2-z2|^2. z* = (0, x2), v* = 0 identically (F_z = 0 at z*),
    Psi = |x|^2, minimum 0 at 0. The implicit term of the hypergradient vanishes: a method passes without it.

    Parameters
    ----------
    p, d : int
        Dimensions of z and x.
    seed : int
        Has no effect: the problem is a fixed one. Accepted as every factory does.
    r : int or None
        Number of coupled coordinates, the last ones of z and x; half of min(p, d), rounded up, by default.

    Raises
    ------
    ValueError
        For a bad argument.
    """
    least = min(p, d)
    r = (least + 1) // 2 if r is None else check_dimension("r", r)
    check_real("r", r, at_least=1, below=least + 1, hint="it is the number of coordinates that z and x share")

    # Both levels from one residual: z - z*(x) = (z1, z2 - x2).
    def residual(z: Array, x: Array) -> Array:
        gap: Array = np.empty((*np.broadcast_shapes(z.shape[:-1], x.shape[:-1]), p))
        gap[..., : p - r] = z[..., : p - r]
        gap[..., p - r :] = z[..., p - r :] - x[..., d - r :]
        return gap

    def inner(z: Array, x: Array) -> Array:
        return square_norm(x[..., : d - r]) + square_norm(residual(z, x))

    def outer(z: Array, x: Array) -> Array:
        return square_norm(x) - square_norm(residual(z, x))

    own = np.diag(np.arange(d) < d - r).astype(np.float64)  # projects on x1
    pairs = np.zeros((d, p))
    pairs[np.arange(d - r, d), np.arange(p - r, p)] = 1.0
    maps = solve_maps(
        inner_zz=2 * np.eye(p),
        inner_xz=-2 * pairs,
        inner_xx=2 * np.eye(d),
        inner_z=np.zeros(p),
        outer_zz=-2 * np.eye(p),
        outer_xz=2 * pairs,
        outer_xx=2 * own,
        outer_z=np.zeros(p),
        outer_x=np.zeros(d),
    )

    def symbolic() -> Symbolic:
        from ._rational_symbols import rational_symbols

        def squares(values: list[Any]) -> Any:
            return sum(e**2 for e in values)

        def apart(z: list[Any], x: list[Any]) -> Any:
            return squares([a - b for a, b in zip(x[d - r :], z[p - r :], strict=True)])

        def below(z: list[Any], x: list[Any]) -> Any:
            return squares(x[: d - r]) + squares(z[: p - r]) + apart(z, x)

        def above(z: list[Any], x: list[Any]) -> Any:
            return squares(x[: d - r]) - squares(z[: p - r]) + squares(x[d - r :]) - apart(z, x)

        return rational_symbols(p, d, below, above)

    return build_quadratic(
        "smd6",
        maps,
        inner,
        outer,
        np.full(p, 2.0),
        radius=None,
        parameters={"seed": seed, "r": r},
        card=_SMD6,
        minimizer=np.zeros(d),
        symbolic=symbolic,
    )
