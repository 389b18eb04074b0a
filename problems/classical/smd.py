"""Smooth problems of the evolutionary test set SMD: F_z = 0 at z*(x), so that v* = 0 and z* is all there is.

The inner problems are strongly convex in a region only. Variables are measured from the known optimum, x* = 0 with
z*(0) = 0, so that the region is a ball around the origin; the docstrings say what was shifted.
"""

from __future__ import annotations

import math
from typing import Any

from zoba_bench.problem import BilevelProblem, Card, Constants
from zoba_bench.problem.symbolic import Symbolic
from zoba_bench.validation import check_real

from .._base.family import family
from .._base.separable import cubic_norm
from ._coupled import CUBES, LOGARITHM, SQUARES, TANGENT, Griewank, build_coupled, check_coupled

__all__ = ["smd1", "smd2", "smd7"]

_SMD = "Sinha, Malo and Deb, Test problem construction for single-objective bilevel optimization (arXiv 1401.1942)"
_SMD_SIZES = "any p, d >= 1, of which the last r variables of each level are coupled"
_NO_ADJOINT = "F_z = 0 at z*(x), hence v* = 0 identically: an estimate of v* must decay to it"
_RADIUS_HINT = "beyond, the inner problem is not strongly convex"
# The constants that vanish with F_z(z*(x), x).
_ZERO: dict[str, Any] = {"C_z": 0.0, "R": 0.0, "k_v": 0.0, "s_v": 0.0}

_SMD1 = Card(
    summary="SMD1: squares at both levels, coupled through a tangent.",
    source=f"SMD1 of {_SMD}",
    assumptions={
        "A1": "on |x|, |z| <= radius: G_zz > 0 everywhere needs |x_2i| < sqrt 3, and the tangent has poles",
        "A2": "on |x|, |z| <= radius",
        "A3": f"holds except C_x and the Hessian of F, bounded on |x|, |z| <= radius; {_NO_ADJOINT}",
        "A4": "holds, in closed form; v* = 0",
        "A5": "holds, Psi >= 0",
    },
    quadratic_inner=False,
    psi_convexity="strongly convex",
    dimensions=_SMD_SIZES,
    small={"p": 3, "d": 3},
)


@family(_SMD1)
def smd1(p: int = 4, d: int = 4, *, seed: int = 0, r: int | None = None, radius: float = 1.0) -> BilevelProblem:
    """SMD1, in its published variables.

    x = (x_1, x_2) and z = (z_1, z_2) with x_2, z_2 of size r. With |.|^2 the sum of squares,
    G = |x_1|^2 + |z_1|^2 + |x_2 - tan z_2|^2 and F = |x_1|^2 + |z_1|^2 + |x_2|^2 + |x_2 - tan z_2|^2;
    z* = (0, arctan x_2), v* = 0, Psi = |x|^2. G is a function on |z_2i| < pi/2; beyond a pole its values belong to
    another branch, with other minima. G_zz = 2 (1+t^2) (3 t^2 - 2 x_2 t + 1) for t = tan z_2 is positive for all t
    where |x_2i| < sqrt 3 only.

    Parameters
    ----------
    p, d : int
        Dimensions of z and x.
    seed : int
        Has no effect: there is no random data. Accepted as every factory does.
    r : int or None
        Size of z_2 and of x_2; half of min(p, d), at least 1, where None.
    radius : float, in (0, pi/2)
        The constants hold for |x|, |z| <= radius.

    Raises
    ------
    ValueError
        For a bad argument.
    """
    r = check_coupled(p, d, r)
    radius = check_real("radius", radius, above=0.0, below=math.pi / 2, hint=_RADIUS_HINT)

    # With t = tan z, b = x_2 and c = 1 + t^2: g = (b-t)^2 has g_zz = 2 c (3t^2-2bt+1), where
    # 3t^2-2bt+1 = 3(t-b/3)^2 + 1-b^2/3; g_bz = -2c; g_zzz = 4c (6t^3-3bt^2+4t-b), g_bzz = -4tc; all are largest in
    # absolute value at t = tan radius, b = -radius. |tan z_2| <= tan radius, as tan(s)/s grows.
    t = math.tan(radius)
    c = 1 + t**2
    third = 4 * c * (6 * t**3 + 3 * radius * t**2 + 4 * t + radius)
    turn = min(radius, 1 / math.sqrt(3))  # where |d^2 arctan| = 2s/(1+s^2)^2 is largest
    constants = Constants(
        mu=2 * (1 - radius**2 / 3),
        L_zz=2 * c * (3 * t**2 + 2 * radius * t + 1),
        L_xz=2 * c,
        L_xx=2.0,
        H=cubic_norm(third, 4 * t * c, 0.0, 0.0),
        H_zz=third,
        H_xz=4 * t * c,
        H_zx=0.0,
        H_xx=0.0,
        m_zz=2 * c * (3 * t**2 + 2 * radius * t + 1),
        m_xz=2 * c,
        m_xx=4.0,
        C_x=4 * radius + 2 * t,  # F_x = (2 x_1, 4 x_2 - 2 tan z_2)
        k_z=1.0,
        s_z=2 * turn / (1 + turn**2) ** 2,
        L_Psi=2.0,
        radius=radius,
        **_ZERO,
    )

    def symbolic() -> Symbolic:
        from ._smd_symbols import smd1_symbols

        return smd1_symbols(p, d, r, radius)

    return build_coupled(
        "smd1",
        p,
        d,
        r,
        link=TANGENT,
        inner_alone=SQUARES,
        outer_alone=SQUARES,
        sign=1.0,
        constants=constants,
        symbolic=symbolic,
        parameters={"seed": seed, "r": r, "radius": radius},
        card=_SMD1,
    )


def _logarithmic(radius: float, alone: bool, inner: float, inner_third: float, outer: float) -> Constants:
    """Constants of SMD2 and SMD7 on |x| <= radius, |z| <= e^radius - 1, which contains z*.

    With b = x_2, y = 1 + z_2 in [low, high], g = (b - log y)^2: g_zz = 2 (1+b-log y)/y^2, which falls in y and grows
    in b as long as it is positive; g_bz = -2/y; g_zzz = -2 (3+2b-2 log y)/y^3, g_bzz = 2/y^2. |log y| <= -log low for
    the whole vector, as -log(1-s)/s grows. In x_1, if there is any, ``inner`` and ``inner_third`` bound the second and
    third derivatives of G and ``outer`` the Hessian of F; in x_2, F_xx = 0.
    """
    high, low = math.exp(radius), 2 - math.exp(radius)
    top = -math.log(low)
    inner, inner_third, outer = (inner, inner_third, outer) if alone else (0.0, 0.0, 0.0)
    third = 2 * (3 + 2 * radius + 2 * top) / low**3
    bound = 2 * (1 + radius + top) / low**2
    return Constants(
        mu=2 * (1 - 2 * radius) / high**2,
        L_zz=bound,
        L_xz=2 / low,
        L_xx=max(2.0, inner),
        H=max(cubic_norm(third, 2 / low**2, 0.0, 0.0), inner_third),
        H_zz=third,
        H_xz=2 / low**2,
        H_zx=0.0,
        H_xx=inner_third,
        m_zz=bound,
        m_xz=2 / low,
        m_xx=outer,
        C_x=math.hypot(outer * radius, 2 * top),  # F_x = (slope in x_1, 2 log y), and the slope at 0 is 0
        k_z=high,
        s_z=high,
        L_Psi=2.0,
        radius=radius,
        **_ZERO,
    )


_LOGARITHM_ASSUMPTIONS = {
    "A1": "on |x| <= radius, |z| <= exp(radius) - 1: G_zz > 0 needs log(1 + z_2) < 1 + x_2",
    "A2": "on |x| <= radius, |z| <= exp(radius) - 1",
    "A3": f"holds except C_x and the Hessian of F, bounded on the same region; {_NO_ADJOINT}",
    "A4": "on |x| <= radius, in closed form; v* = 0",
    "A5": "holds, Psi >= 0 (F itself is not bounded below)",
}
_SHIFT = "; its z_2 is 1 + z_2 here, so that z*(0) = 0"

_SMD2 = Card(
    summary="SMD2: conflicting squares, coupled through a logarithm.",
    source=f"SMD2 of {_SMD}{_SHIFT}",
    assumptions=_LOGARITHM_ASSUMPTIONS,
    quadratic_inner=False,
    psi_convexity="strongly convex",
    dimensions=_SMD_SIZES,
    small={"p": 3, "d": 3},
)


@family(_SMD2)
def smd2(p: int = 4, d: int = 4, *, seed: int = 0, r: int | None = None, radius: float = 0.4) -> BilevelProblem:
    """SMD2, with the published z_2 replaced by 1 + z_2.

    x = (x_1, x_2) and z = (z_1, z_2) with x_2, z_2 of size r. With |.|^2 the sum of squares,
    G = |x_1|^2 + |z_1|^2 + |x_2 - log(1+z_2)|^2 and F = |x_1|^2 - |z_1|^2 + |x_2|^2 - |x_2 - log(1+z_2)|^2;
    z* = (0, exp(x_2) - 1), v* = 0, Psi = |x|^2. Where 1 + z_2 < 0.001, outside of the published box, the logarithm
    goes on as its quadratic Taylor polynomial: values are finite everywhere, and z* is as said for
    x_2 >= log 0.001 = -6.9. G_zz is positive only where log(1+z_2) < 1 + x_2.

    Parameters
    ----------
    p, d : int
        Dimensions of z and x.
    seed : int
        Has no effect: there is no random data. Accepted as every factory does.
    r : int or None
        Size of z_2 and of x_2; half of min(p, d), at least 1, where None.
    radius : float, in (0, 1/2)
        The constants hold for |x| <= radius and |z| <= exp(radius) - 1.

    Raises
    ------
    ValueError
        For a bad argument.
    """
    r = check_coupled(p, d, r)
    radius = check_real("radius", radius, above=0.0, below=0.5, hint=_RADIUS_HINT)

    def symbolic() -> Symbolic:
        from ._smd_symbols import smd2_symbols

        return smd2_symbols(p, d, r, radius)

    return build_coupled(
        "smd2",
        p,
        d,
        r,
        link=LOGARITHM,
        inner_alone=SQUARES,
        outer_alone=SQUARES,
        sign=-1.0,
        constants=_logarithmic(radius, d > r, 2.0, 0.0, 2.0),
        symbolic=symbolic,
        parameters={"seed": seed, "r": r, "radius": radius},
        card=_SMD2,
    )


_SMD7 = Card(
    summary="SMD7: SMD2 with a multimodal Griewank function in the outer objective.",
    source=f"SMD7 of {_SMD}{_SHIFT}",
    assumptions=_LOGARITHM_ASSUMPTIONS,
    quadratic_inner=False,
    psi_convexity="nonconvex",
    dimensions=_SMD_SIZES,
    small={"p": 3, "d": 3},
)


@family(_SMD7)
def smd7(p: int = 4, d: int = 4, *, seed: int = 0, r: int | None = None, radius: float = 0.4) -> BilevelProblem:
    """SMD7, with the published z_2 replaced by 1 + z_2.

    x = (x_1, x_2) and z = (z_1, z_2) with x_2, z_2 of size r. With |.|^2 the sum of squares,
    G = sum x_1i^3 + |z_1|^2 + |x_2 - log(1+z_2)|^2 and F = W(x_1) - |z_1|^2 + |x_2|^2 - |x_2 - log(1+z_2)|^2 with
    Griewank's W(y) = 1 + |y|^2/400 - prod cos(y_i / sqrt i); z* = (0, exp(x_2) - 1), v* = 0, Psi = W(x_1) + |x_2|^2:
    local minima all over, the global one 0 at x = 0 alone. The logarithm goes on below 1 + z_2 = 0.001 as in SMD2.

    Parameters
    ----------
    p, d : int
        Dimensions of z and x.
    seed : int
        Has no effect: there is no random data. Accepted as every factory does.
    r : int or None
        Size of z_2 and of x_2; half of min(p, d), at least 1, where None.
    radius : float, in (0, 1/2)
        The constants hold for |x| <= radius and |z| <= exp(radius) - 1.

    Raises
    ------
    ValueError
        For a bad argument.
    """
    r = check_coupled(p, d, r)
    radius = check_real("radius", radius, above=0.0, below=0.5, hint=_RADIUS_HINT)

    def symbolic() -> Symbolic:
        from ._smd_symbols import smd7_symbols

        return smd7_symbols(p, d, r, radius)

    return build_coupled(
        "smd7",
        p,
        d,
        r,
        link=LOGARITHM,
        inner_alone=CUBES,
        outer_alone=Griewank(d - r, 400.0),
        sign=-1.0,
        # |Hess W| <= 1/200 + 1: prod cos(a_i) is the mean of cos(e'a) over signs e, and the mean of (e'v)^2 is |v|^2.
        constants=_logarithmic(radius, d > r, 6 * radius, 6.0, 1 + 1 / 200),
        symbolic=symbolic,
        parameters={"seed": seed, "r": r, "radius": radius},
        card=_SMD7,
    )
