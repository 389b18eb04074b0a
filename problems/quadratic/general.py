"""Quadratic families: both levels quadratic, every closed form a linear map.

In this file G_zz = A, and J = Dz* is drawn first, with G_zx = -A J: the condition number of A
then changes the difficulty of the inner problem and not the inner solution.
"""

from __future__ import annotations

import numpy as np

from zoba_bench.arrays import Array, dot, linear_map, quadratic_form, square_norm
from zoba_bench.problem import BilevelProblem, Card
from zoba_bench.problem.pointwise import Pointwise
from zoba_bench.validation import check_real

from .._base.family import family, positive_definite, with_singular_values
from ._affine import UNBOUNDED, build_quadratic
from ._maps import AffineMaps, adjoint_map
from ._pointwise import affine_inner, cross_outer, saddle, tracking_inner, tracking_outer

__all__ = ["minimax_quad", "quad_general", "quad_tracking"]


_KAPPA_HINT = "it is the condition number of G_zz"


_GENERAL = Card(
    summary="General quadratic objectives at both levels, with a cross term in the outer one.",
    source="the two quadratics of the simulated problem of github.com/benchopt/benchmark_bilevel "
    "(datasets/quadratic.py, in other versions datasets/simulated.py; benchmark_utils/gen_matrices.py), with another "
    "law: one exact quadratic a level and not a mean over samples of rank one (quad_sum has those), no term in x alone "
    "in G, lam |x-c|^2/2 for that of F, and Dz* drawn in place of the cross term of G",
    assumptions={"A1": "holds", "A2": "holds, H = 0", "A3": UNBOUNDED, "A4": "holds", "A5": "holds"},
    quadratic_inner=True,
    psi_convexity="strongly convex",
    dimensions="any p, d >= 1",
    small={"p": 2, "d": 2},
)


@family(_GENERAL)
def quad_general(
    p: int = 6,
    d: int = 4,
    *,
    seed: int = 0,
    kappa: float = 10.0,
    lam: float = 1.0,
    cross: float = 0.1,
    radius: float | None = None,
) -> BilevelProblem:
    """General quadratic problem with a cross term in the outer objective.

    G = z'Az/2 + z'(Bx + b),  F = (z-t)'P(z-t)/2 + x'Cz + lam |x-c|^2/2, with B = -AJ and b = -A j, so that
    z* = Jx + j, v* = -A^-1 (P(z*-t) + C'x), Hess Psi = J'PJ + lam I + CJ + J'C'.

    Parameters
    ----------
    p, d : int
        Dimensions of z and x.
    seed : int
        Names the instance.
    kappa : float, at least 1
        Condition number of A, whose eigenvalues are log-spaced in [1/kappa, 1]. Psi does not depend on it.
    lam : float, at least 0
        Outer regularisation.
    cross : float, at least 0
        Spectral norm of C.
    radius : float or None
        If given, C_z and R are declared for |x| <= radius.

    Raises
    ------
    ValueError
        For a bad argument, and where Psi is not strongly convex (``cross`` too large for ``lam``).
    """
    kappa = check_real("kappa", kappa, at_least=1.0, hint=_KAPPA_HINT)
    lam = check_real("lam", lam, at_least=0.0)
    cross = check_real("cross", cross, at_least=0.0)

    rng = np.random.default_rng(seed)
    spectrum = np.geomspace(1 / kappa, 1, p)
    A = positive_definite(rng, spectrum)
    P = positive_definite(rng, np.linspace(0.5, 1.0, p))
    J = with_singular_values(rng, p, d, 0.5, 1.5)
    C = cross * with_singular_values(rng, d, p, 0.5, 1.0)
    # Norms of order one whatever the dimension.
    j, t = rng.standard_normal((2, p)) / np.sqrt(p)
    c = rng.standard_normal(d) / np.sqrt(d)
    b, B_T = -A @ j, np.ascontiguousarray(-(A @ J).T)
    half_A, half_P = A / 2, P / 2

    def inner(z: Array, x: Array) -> Array:
        offset = linear_map(x, B_T)
        offset += b
        gradient = linear_map(z, half_A) + offset
        return dot(gradient, z)

    def outer(z: Array, x: Array) -> Array:
        total: Array = quadratic_form(z - t, half_P) + dot(linear_map(x, C), z)
        return total + (0.5 * lam) * square_norm(x - c)

    V, v = adjoint_map(A, P, C, -P @ t, J, j)
    maps = AffineMaps(
        inner_zz=A,
        inner_xz=B_T,
        inner_xx=np.zeros((d, d)),
        inner_x=np.zeros(d),
        outer_zz=P,
        outer_xz=C,
        outer_xx=lam * np.eye(d),
        outer_z=-P @ t,
        outer_x=-lam * c,
        J=J,
        j=j,
        V=V,
        v=v,
    )
    parameters = {"seed": seed, "kappa": kappa, "lam": lam, "cross": cross, "radius": radius}
    return build_quadratic(
        "quad_general", maps, inner, outer, spectrum, radius=radius, parameters=parameters, card=_GENERAL,
        at_points=(
            Pointwise(affine_inner, (half_A, B_T.T, b)),
            Pointwise(cross_outer, (half_P, t, C.T, c, 0.5 * lam)),
        ),
    )  # fmt: skip


_TRACKING = Card(
    summary="Quadratic tracking: the condition number changes the inner problem only, Psi stays fixed.",
    source="standard linear-quadratic tracking problem; no single origin",
    assumptions={"A1": "holds", "A2": "holds, H = 0", "A3": UNBOUNDED, "A4": "holds", "A5": "holds"},
    quadratic_inner=True,
    psi_convexity="strongly convex",
    dimensions="any p, d >= 1 (d > p needs lam > 0)",
    small={"p": 2, "d": 2},
)


@family(_TRACKING)
def quad_tracking(
    p: int = 6,
    d: int = 4,
    *,
    seed: int = 0,
    kappa: float = 100.0,
    lam: float = 0.1,
    radius: float | None = None,
) -> BilevelProblem:
    """Quadratic tracking problem.

    G = (z-Mx)'A(z-Mx)/2,  F = |z-t|^2/2 + lam |x|^2/2. Whatever A is, z* = Mx and
    Psi = |Mx-t|^2/2 + lam |x|^2/2; v* = -A^-1 (Mx-t), x* = (M'M + lam I)^-1 M't.

    Parameters
    ----------
    p, d : int
        Dimensions of z and x.
    seed : int
        Names the instance.
    kappa : float, at least 1
        Condition number of A, whose eigenvalues are log-spaced in [1/kappa, 1].
    lam : float, at least 0
        Outer regularisation.
    radius : float or None
        If given, C_z, C_x and R are declared for |x| <= radius.

    Raises
    ------
    ValueError
        For a bad argument, and for d > p with lam = 0 (no unique minimiser).
    """
    kappa = check_real("kappa", kappa, at_least=1.0, hint=_KAPPA_HINT)
    lam = check_real("lam", lam, at_least=0.0)

    rng = np.random.default_rng(seed)
    spectrum = np.geomspace(1 / kappa, 1, p)
    A = positive_definite(rng, spectrum)
    M = with_singular_values(rng, p, d, 0.5, 1.5)
    t = rng.standard_normal(p) / np.sqrt(p)
    half_A, M_T = A / 2, np.ascontiguousarray(M.T)

    def inner(z: Array, x: Array) -> Array:
        return quadratic_form(z - linear_map(x, M_T), half_A)

    def outer(z: Array, x: Array) -> Array:
        return 0.5 * square_norm(z - t) + (0.5 * lam) * square_norm(x)

    V, v = adjoint_map(A, np.eye(p), np.zeros((d, p)), -t, M, np.zeros(p))
    maps = AffineMaps(
        inner_zz=A,
        inner_xz=-M_T @ A,
        inner_xx=M_T @ A @ M,
        inner_x=np.zeros(d),
        outer_zz=np.eye(p),
        outer_xz=np.zeros((d, p)),
        outer_xx=lam * np.eye(d),
        outer_z=-t,
        outer_x=np.zeros(d),
        J=M,
        j=np.zeros(p),
        V=V,
        v=v,
    )
    parameters = {"seed": seed, "kappa": kappa, "lam": lam, "radius": radius}
    return build_quadratic(
        "quad_tracking", maps, inner, outer, spectrum, radius=radius, parameters=parameters, card=_TRACKING,
        at_points=(Pointwise(tracking_inner, (half_A, M)), Pointwise(tracking_outer, (t, 0.5 * lam))),
    )  # fmt: skip


_MINIMAX = Card(
    summary="Min-max problem as a bilevel one, G = -F: the adjoint is zero at every x and must decay to it.",
    source="quadratic saddle-point problem min_x max_z f(z, x) as a bilevel problem; no single origin",
    assumptions={
        "A1": "holds",
        "A2": "holds, H = 0",
        "A3": "holds with C_z = R = 0, except that F_x is affine in (z, x) (C_x unknown)",
        "A4": "holds, k_v = 0",
        "A5": "holds",
    },
    quadratic_inner=True,
    psi_convexity="strongly convex",
    dimensions="any p, d >= 1 (d > p needs lam > 0)",
    small={"p": 2, "d": 2},
)


@family(_MINIMAX)
def minimax_quad(p: int = 5, d: int = 4, *, seed: int = 0, kappa: float = 5.0, lam: float = 1.0) -> BilevelProblem:
    """Quadratic min-max problem, F = f and G = -f.

    f = x'Bz - z'Az/2 + lam |x|^2/2 - s'x with B = J'A, so that z* = Jx, v* = 0 identically (F_z = 0 at z*),
    Psi = x'Qx/2 - s'x with Q = J'AJ + lam I and x* = Q^-1 s. Evaluated as
    f = Psi* + (x-x*)'Q(x-x*)/2 - (z-Jx)'A(z-Jx)/2, the same function without cancellation at the saddle.

    Parameters
    ----------
    p, d : int
        Dimensions of z and x.
    seed : int
        Names the instance.
    kappa : float, at least 1
        Condition number of A, whose eigenvalues are log-spaced in [1/kappa, 1].
    lam : float, at least 0
        Convexity of f in x.

    Raises
    ------
    ValueError
        For a bad argument, and for d > p with lam = 0 (no unique minimiser).
    """
    kappa = check_real("kappa", kappa, at_least=1.0, hint=_KAPPA_HINT)
    lam = check_real("lam", lam, at_least=0.0)

    rng = np.random.default_rng(seed)
    spectrum = np.geomspace(1 / kappa, 1, p)
    A = positive_definite(rng, spectrum)
    J = with_singular_values(rng, p, d, 0.5, 1.5)
    s = rng.standard_normal(d) / np.sqrt(d)
    maps = AffineMaps(
        inner_zz=A,
        inner_xz=-J.T @ A,
        inner_xx=-lam * np.eye(d),
        inner_x=s,
        outer_zz=-A,
        outer_xz=J.T @ A,
        outer_xx=lam * np.eye(d),
        outer_z=np.zeros(p),
        outer_x=-s,
        J=J,
        j=np.zeros(p),
        V=np.zeros((p, d)),
        v=np.zeros(p),
    )
    Q = J.T @ A @ J + lam * np.eye(d)
    half_A, half_Q, J_T = A / 2, (Q + Q.T) / 4, np.ascontiguousarray(J.T)
    if d > p and lam == 0:
        raise ValueError(f"minimax_quad with d > p needs lam > 0 for a unique minimiser, got lam={lam!r}")
    saddle_point = np.linalg.solve(Q, s)
    lowest = -0.5 * float(s @ saddle_point)

    def outer(z: Array, x: Array) -> Array:
        gap = quadratic_form(x - saddle_point, half_Q) - quadratic_form(z - linear_map(x, J_T), half_A)
        return gap + lowest

    def inner(z: Array, x: Array) -> Array:
        return -outer(z, x)

    parameters = {"seed": seed, "kappa": kappa, "lam": lam}
    return build_quadratic(
        "minimax_quad", maps, inner, outer, spectrum, radius=None, parameters=parameters, card=_MINIMAX,
        at_points=(
            Pointwise(saddle, (half_Q, saddle_point, half_A, J, lowest, -1.0)),
            Pointwise(saddle, (half_Q, saddle_point, half_A, J, lowest, 1.0)),
        ),
    )  # fmt: skip
