"""TP9 of the evolutionary test set TP: smooth, with z* = 0 whatever x is, and an inner curvature that x multiplies."""

from __future__ import annotations

import math

import numpy as np

from zoba_bench.arrays import Array, blockwise, dot, frozen, spread_vectors, square_norm
from zoba_bench.problem import BilevelProblem, Card, Constants
from zoba_bench.problem.symbolic import Symbolic
from zoba_bench.validation import check_real

from .._base.family import family
from .._base.separable import cubic_norm
from ._coupled import Griewank, start_inside

__all__ = ["tp9"]


# Exponents are cut there, so that G and its derivatives stay finite.
_EXPONENT = 600.0

_TP9 = Card(
    summary="TP9: an exponential of Griewank's function times |x|^2 as inner objective, z* = 0 for every x.",
    source="TP9 of Sinha, Malo and Deb, An improved bilevel evolutionary algorithm based on quadratic approximations "
    "(CEC 2014), as SinhaMaloDeb2014TP9 in github.com/ShenglongZhou/BOLIB; its x is 1 + x here",
    assumptions={
        "A1": "on |x|, |z| <= radius: G is multimodal in z, and constant where 1 + x = 0",
        "A2": "on |x|, |z| <= radius",
        "A3": "holds except C_x = 2 radius on |x| <= radius; F_z = 0 at z*(x), hence v* = 0 identically: an estimate "
        "of v* must decay to it",
        "A4": "holds, z* = 0 and v* = 0, except at 1 + x = 0, where every z is a solution",
        "A5": "holds, Psi >= 0",
    },
    quadratic_inner=False,
    psi_convexity="strongly convex",
    dimensions="any p, d >= 1; published with 10 and 10",
    small={"p": 2, "d": 2},
)


@family(_TP9)
def tp9(p: int = 10, d: int = 10, *, seed: int = 0, radius: float = 0.5) -> BilevelProblem:
    """TP9, with the published x replaced by 1 + x, so that the region is a ball around the optimum x* = 0.

    G = exp(W(z) |1+x|^2) with Griewank's W(z) = 1 + |z|^2/4000 - prod cos(z_i / sqrt i), F = |x|^2 + |z|^2; z* = 0,
    v* = 0, Psi = |x|^2. W has local minima away from 0 (around |z_i| = pi sqrt i and further): starts and constants
    are local. G_zz(0) = |1+x|^2 diag(1/2000 + 1/i) vanishes where 1 + x = 0. Exponents are cut at 600, far outside of
    the region.

    Parameters
    ----------
    p, d : int
        Dimensions of z and x.
    seed : int
        Has no effect: there is no random data. Accepted as every factory does.
    radius : float, in (0, pi/4)
        The constants hold for |x|, |z| <= radius.

    Raises
    ------
    ValueError
        For a bad argument.
    """
    hint = "beyond, the inner problem need not be strongly convex"
    radius = check_real("radius", radius, above=0.0, below=math.pi / 4, hint=hint)
    well = Griewank(p, 4000.0)

    def scale(x: Array) -> Array:
        return square_norm(1 + x)

    def inner(z: Array, x: Array) -> Array:
        return np.asarray(np.exp(np.minimum(well.value(z) * scale(x), _EXPONENT)))

    def outer(z: Array, x: Array) -> Array:
        return square_norm(z) + square_norm(x)

    def parts(z: Array, x: Array) -> tuple[Array, Array, Array]:
        """G, |1+x|^2 and W, each with a last axis of length 1."""
        return inner(z, x)[..., None], scale(x)[..., None], well.value(z)[..., None]

    def nothing(x: Array) -> Array:
        return np.zeros((*x.shape[:-1], p))

    def value(x: Array) -> Array:
        return square_norm(x)

    def hypergradient(x: Array) -> Array:
        return 2 * x

    def inner_grad_z(z: Array, x: Array) -> Array:
        G, S, _ = parts(z, x)
        return np.asarray(G * S * well.gradient(z))

    def inner_grad_x(z: Array, x: Array) -> Array:
        G, _, W = parts(z, x)
        return np.asarray(2 * G * W * (1 + x))

    def outer_grad_z(z: Array, x: Array) -> Array:
        return spread_vectors(2 * z, x)

    def outer_grad_x(z: Array, x: Array) -> Array:
        return spread_vectors(2 * x, z)

    def inner_hvp_zz(z: Array, x: Array, v: Array) -> Array:
        G, S, _ = parts(z, x)
        slope = well.gradient(z)
        return np.asarray(G * S * (well.along(z, v) + S * slope * dot(slope, v)[..., None]))

    def inner_jvp_xz(z: Array, x: Array, v: Array) -> Array:
        G, S, W = parts(z, x)
        return np.asarray(2 * G * (1 + S * W) * dot(well.gradient(z), v)[..., None] * (1 + x))

    def inner_jvp_zx(z: Array, x: Array, u: Array) -> Array:
        G, S, W = parts(z, x)
        return np.asarray(2 * G * (1 + S * W) * dot(1 + x, u)[..., None] * well.gradient(z))

    def inner_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        G, S, W = (float(part[0]) for part in parts(z, x))
        slope, y = well.gradient(z), 1 + x
        zz = G * S * (well.hessian(z) + S * np.outer(slope, slope))
        return zz, 2 * G * (1 + S * W) * np.outer(y, slope), 2 * G * W * (np.eye(d) + 2 * W * np.outer(y, y))

    def outer_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        return 2 * np.eye(p), np.zeros((d, p)), 2 * np.eye(d)

    def symbolic() -> Symbolic:
        from ._smd_symbols import tp9_symbols

        return tp9_symbols(p, d, radius)

    return BilevelProblem(
        name="tp9",
        p=p,
        d=d,
        inner=blockwise(inner),
        outer=blockwise(outer),
        inner_solution=nothing,
        adjoint=nothing,
        value=value,
        hypergradient=hypergradient,
        inner_grad_z=inner_grad_z,
        inner_grad_x=inner_grad_x,
        outer_grad_z=outer_grad_z,
        outer_grad_x=outer_grad_x,
        inner_hvp_zz=inner_hvp_zz,
        inner_jvp_xz=inner_jvp_xz,
        inner_jvp_zx=inner_jvp_zx,
        inner_hessian=inner_hessian,
        outer_hessian=outer_hessian,
        minimizer=frozen(np.zeros(d)),
        minimum=0.0,
        constants=_constants(p, d, radius),
        start=start_inside(p, d, radius),
        symbolic=symbolic,
        parameters={"seed": seed, "radius": radius},
        card=_TP9,
    )


def _constants(p: int, d: int, radius: float) -> Constants:
    """Bounds on |x|, |z| <= radius, with y = 1 + x, S = |y|^2 in [low, high] and G = e^(WS) <= top.

    With D = diag(1/i) and t_i = tan(z_i/sqrt i), |t| <= tan radius < 1: W'' = I/2000 + c D^(1/2) (I + diag(t^2) - tt')
    D^(1/2), where c = prod cos(z_i/sqrt i) >= cos radius; the bracket is at least 1 - |t|^2 and D at least 1/p, from
    which mu. The product of cosines is the mean of cos(sum e_i z_i/sqrt i) over signs e, so that moments of sums of
    signs give |W''| <= 1/2000 + 1 and |W'''| <= min(sqrt 3, 3 |z|). 0 <= W <= |z|^2/4000 + 1 - cos |z| and
    |W'| <= |z| sup |W''|. Then
      G_zz = G (S W'' + S^2 W'W''),      G_zzz = G (S W''' + 3 S^2 W''W' + S^3 W'W'W'),
      G_xz = 2 G (1 + SW) y W'',         G_xzz = 2 G y ((2 + SW) S W'W' + (1 + SW) W''),
      G_xx = 2 G W (I + 2 W yy'),        G_xxz = 2 G W' (2 W (2 + SW) yy' + (1 + SW) I),
    and along one vector u, G_xxx = G (8 W^3 (y'u)^3 + 12 W^2 y'u |u|^2).
    """
    low, high = (math.sqrt(d) - radius) ** 2, (math.sqrt(d) + radius) ** 2
    second = 1 + 1 / 2000
    first, third = radius * second, min(math.sqrt(3), 3 * radius)
    W = radius**2 / 4000 + 2 * math.sin(radius / 2) ** 2
    top, y, S = math.exp(high * W), math.sqrt(high), high
    zzz = top * (S * third + 3 * S**2 * second * first + S**3 * first**3)
    zzx = 2 * top * y * ((2 + S * W) * S * first**2 + (1 + S * W) * second)
    zxx = 2 * top * first * (2 * W * (2 + S * W) * S + 1 + S * W)
    xxx = top * (8 * W**3 * y**3 + 12 * W**2 * y)
    return Constants(
        mu=low * (1 / 2000 + math.cos(radius) * (1 - math.tan(radius) ** 2) / p),
        L_zz=top * (S * second + S**2 * first**2),
        L_xz=2 * top * (1 + S * W) * y * first,
        L_xx=2 * top * W * (1 + 2 * W * S),
        H=cubic_norm(zzz, zzx, zxx, xxx),
        H_zz=zzz,
        H_xz=zzx,
        H_zx=zxx,
        H_xx=xxx,
        m_zz=2.0,
        m_xz=0.0,
        m_xx=2.0,
        C_z=0.0,
        C_x=2 * radius,
        R=0.0,
        k_z=0.0,
        k_v=0.0,
        s_z=0.0,
        s_v=0.0,
        L_Psi=2.0,
        radius=radius,
    )
