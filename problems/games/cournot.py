"""Games with a leader: markets in which followers compete."""

from __future__ import annotations

import numpy as np

from zoba_bench.arrays import Array, dot, row_sum
from zoba_bench.problem import BilevelProblem, Card
from zoba_bench.problem.symbolic import Symbolic
from zoba_bench.validation import check_real

from .._base.family import family
from ..quadratic._affine import build_quadratic
from ..quadratic._maps import solve_maps

__all__ = ["cournot"]


_COURNOT = Card(
    summary="A leader in several markets against Cournot followers: the condition number grows with their number.",
    source="Stackelberg leader with Cournot followers (Sherali, Soyster and Murphy, Operations Research 31, 1983), "
    "here with linear demand and without the bounds x, z >= 0; the Nash equilibrium of the followers minimises a "
    "potential",
    assumptions={
        "A1": "holds",
        "A2": "holds, H = 0",
        "A3": "holds except for C_z and C_x: F_z = b x, F_x is affine; C_z and R on |x| <= radius if asked for",
        "A4": "holds",
        "A5": "holds for Psi; F itself is unbounded below in z",
    },
    quadratic_inner=True,
    psi_convexity="strongly convex",
    dimensions="any d >= 1 (markets) and p = d times the number of followers in each",
    small={"p": 4, "d": 2},
)


@family(_COURNOT)
def cournot(
    p: int = 8,
    d: int = 2,
    *,
    seed: int = 0,
    a: float = 10.0,
    b: float = 1.0,
    k: float = 0.5,
    kl: float = 0.2,
    radius: float | None = None,
) -> BilevelProblem:
    """Stackelberg leader in d markets, with n = p/d Cournot followers in each.

    The price in market m is a - b (x_m + S_m), S_m the followers' total; marginal costs are c_im + k z_im for
    follower i (entry m n + i of z) and l_m + kl x_m for the leader. Per market
    G = sum_i (c_i - a + b x) z_i + b S^2/2 + (b+k) sum_i z_i^2/2 and
    F = -(a - b x - b S) x + l x + kl x^2/2, summed over the markets. With D = b + k + n b:
    S = s - (n b/D) x with s = sum_i (a - c_i)/D, z*_i = (a - c_i - b x - b S)/(b+k), v*_i = -b x/D,
    Psi'' = h = 2b (b+k)/D + kl and x* = (a - b s - l)/h, in each market. The eigenvalues of G_zz are b + k
    (for n > 1) and D: its condition number is 1 + n b/(b+k).

    Parameters
    ----------
    p, d : int
        Dimensions of z and x; p is a multiple of d.
    seed : int
        Names the instance: the costs, uniform in [a/10, 3a/10].
    a : float, above 0
        Price at zero quantity.
    b : float, above 0
        Slope of the price.
    k : float, at least 0
        Slope of a follower's marginal cost.
    kl : float, at least 0
        Slope of the leader's marginal cost.
    radius : float or None
        If given, C_z and R are declared for |x| <= radius.

    Raises
    ------
    ValueError
        For a bad argument.
    """
    if p % d:
        raise ValueError(f"p must be a multiple of d (p/d followers in each of d markets), got p={p}, d={d}")
    a = check_real("a", a, above=0.0, hint="it is the price at zero quantity")
    b = check_real("b", b, above=0.0, hint="without it the leader does not see the followers")
    k = check_real("k", k, at_least=0.0)
    kl = check_real("kl", kl, at_least=0.0)

    n = p // d
    rng = np.random.default_rng(seed)
    costs = rng.uniform(0.1 * a, 0.3 * a, p)
    leader = rng.uniform(0.1 * a, 0.3 * a, d)
    D = b + k + n * b
    ones = np.repeat(np.eye(d), n, axis=1)  # (d, p): sums over the followers of each market
    total = (ones @ (a - costs)) / D
    h = 2 * b * (b + k) / D + kl
    slack = costs - a

    def inner(z: Array, x: Array) -> Array:
        S = row_sum(z.reshape(*z.shape[:-1], d, n))
        return dot(S, b * x + (0.5 * b) * S) + dot(z, slack + (0.5 * (b + k)) * z)

    def outer(z: Array, x: Array) -> Array:
        S = row_sum(z.reshape(*z.shape[:-1], d, n))
        return dot(x, (b + 0.5 * kl) * x + b * S + (leader - a))

    maps = solve_maps(
        inner_zz=(b + k) * np.eye(p) + b * (ones.T @ ones),
        inner_xz=b * ones,
        inner_z=slack,
        outer_zz=np.zeros((p, p)),
        outer_xz=b * ones,
        outer_xx=(2 * b + kl) * np.eye(d),
        outer_z=np.zeros(p),
        outer_x=leader - a,
    )

    def symbolic() -> Symbolic:
        from ._cournot_symbols import cournot_symbols

        return cournot_symbols(costs.reshape(d, n), leader, a, b, k, kl)

    return build_quadratic(
        "cournot",
        maps,
        inner,
        outer,
        np.array([b + k if n > 1 else D, D]),
        radius=radius,
        parameters={"seed": seed, "a": a, "b": b, "k": k, "kl": kl, "radius": radius},
        card=_COURNOT,
        minimizer=(a - b * total - leader) / h,
        symbolic=symbolic,
    )
