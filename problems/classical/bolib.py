"""Items of the test library BOLIB, version 2, whose solution needs no constraints.

Each item is quadratic at both levels, separable in its coordinates, and has known solutions; p, d <= 2, so
that they serve as unit tests rather than as benchmarks. Formulas were derived from the published problem
statements. Constraints of the original are left out where they are inactive or just touched at the solution:
the minimum of Psi without them is then the item's solution, which its card says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from zoba_bench.arrays import Array, row_sum, spread
from zoba_bench.problem import BilevelProblem, Card
from zoba_bench.problem.symbolic import Symbolic

from .._base.family import family
from ..quadratic._affine import UNBOUNDED, build_quadratic
from ..quadratic._maps import solve_maps

if TYPE_CHECKING:
    from zoba_bench.certification.certificate import Check

__all__ = [
    "bolib_allende_still_2013",
    "bolib_de_silva_1978",
    "bolib_falk_liu_1995",
    "bolib_gumus_floudas_2001_ex4",
    "bolib_henrion_surowiec_2011",
    "bolib_lampariello_sagratella_2017_ex32",
    "bolib_macal_hurter_1997",
    "bolib_yezza_1996_ex41",
]


_DOC = """{summary}

    {formulas}

    Parameters
    ----------
    p, d : int
        Both {size}.
    seed : int
        Has no effect: the problem is a fixed one. Accepted as every factory does.
    radius : float or None
        If given, C_z and R (and C_x, where F_x does not depend on z) are declared for |x| <= radius.

    Raises
    ------
    ValueError
        For a bad argument.
    """

_UNBOUNDED_X = "holds except for C_x: v* is constant, F_x is affine in x; C_x is given on |x| <= radius if asked for"


class _Level(NamedTuple):
    """One objective: the sum over coordinates of a polynomial in (z, x), plus a constant; its derivatives.

    The polynomial takes arrays and symbols alike. Second derivatives zz, xz, xx; first ones z, x at zero.
    """

    polynomial: Callable[[Any, Any], Any]
    zz: float
    xz: float
    xx: float
    z: float
    x: float
    constant: float = 0.0

    def function(self, z: Array, x: Array) -> Array:
        total: Array = row_sum(np.asarray(self.polynomial(z, x)))
        total += self.constant
        return spread(total, z, x)

    def expression(self, z: list[Any], x: list[Any]) -> Any:
        return sum(self.polynomial(a, b) for a, b in zip(z, x, strict=True)) + self.constant


def _item(
    name: str,
    size: int,
    inner: _Level,
    outer: _Level,
    *,
    original: str,
    summary: str,
    formulas: str,
    solution: str,
    left_out: Callable[[Array, Array], list[Array]] | None = None,
    errata: tuple[str, ...] = (),
) -> Callable[..., BilevelProblem]:
    """The factory of one item.

    ``solution`` tells of the library's value and of constraints left out; ``left_out(z, x)`` gives those of them
    that involve z or x as quantities that have to be non-negative.
    """
    constant_adjoint = outer.xz * inner.zz == outer.zz * inner.xz
    card = Card(
        summary=summary,
        source=f"item {original} of BOLIB version 2 (github.com/ShenglongZhou/BOLIB), formulas re-derived; {solution}",
        assumptions={
            "A1": "holds",
            "A2": "holds, H = 0",
            "A3": _UNBOUNDED_X if constant_adjoint else UNBOUNDED,
            "A4": "holds",
            "A5": "holds",
        },
        quadratic_inner=True,
        psi_convexity="strongly convex",
        dimensions=f"p = d = {size} only",
        scalable=False,
        errata=errata,
    )

    def build(p: int = size, d: int = size, *, seed: int = 0, radius: float | None = None) -> BilevelProblem:
        for key, given in (("p", p), ("d", d)):
            if given != size:
                raise ValueError(f"{key} must be {size}, the size of the item {original}, got {given!r}; leave it out")
        one = np.eye(size)
        maps = solve_maps(
            inner_zz=inner.zz * one,
            inner_xz=inner.xz * one,
            inner_xx=inner.xx * one,
            inner_z=np.full(size, inner.z),
            inner_x=np.full(size, inner.x),
            outer_zz=outer.zz * one,
            outer_xz=outer.xz * one,
            outer_xx=outer.xx * one,
            outer_z=np.full(size, outer.z),
            outer_x=np.full(size, outer.x),
        )

        def symbolic() -> Symbolic:
            from ._rational_symbols import rational_symbols

            return rational_symbols(size, size, inner.expression, outer.expression)

        problem = build_quadratic(
            name,
            maps,
            inner.function,
            outer.function,
            np.full(size, inner.zz),
            radius=radius,
            parameters={"seed": seed, "radius": radius},
            card=card,
            symbolic=symbolic,
        )
        return problem if left_out is None else replace(problem, extra_checks=lambda: [_feasible(problem, left_out)])

    build.__name__ = build.__qualname__ = name
    build.__doc__ = _DOC.format(summary=summary, formulas=formulas, size=size)
    return family(card)(build)


def _feasible(problem: BilevelProblem, left_out: Callable[[Array, Array], list[Array]]) -> Check:
    """Whether the solution satisfies the constraints that were left out: it then solves the constrained item too."""
    from zoba_bench.certification.certificate import Check

    assert problem.inner_solution is not None
    assert problem.minimizer is not None
    slack = min(float(g) for g in np.ravel(left_out(problem.inner_solution(problem.minimizer), problem.minimizer)))
    detail = f"smallest slack {slack:.3g} at the solution" + (" (touched)" if slack == 0 else " (inactive)")
    return Check("constraints left out", slack >= 0, "computed", detail)


bolib_henrion_surowiec_2011 = _item(
    "bolib_henrion_surowiec_2011",
    1,
    inner=_Level(lambda z, x: -z * (x - z / 2), zz=1, xz=-1, xx=0, z=0, x=0),
    outer=_Level(lambda z, x: x**2, zz=0, xz=0, xx=2, z=0, x=0),
    original="HenrionSurowiec2011 (with c = 0)",
    summary="An outer objective that ignores z: the adjoint is zero at every x.",
    formulas="G = -z (x - z/2),  F = x^2. z* = x, v* = 0, Psi = x^2, minimum 0 at 0.",
    solution="unconstrained in the original too; the library's value is 0.",
)

bolib_lampariello_sagratella_2017_ex32 = _item(
    "bolib_lampariello_sagratella_2017_ex32",
    1,
    inner=_Level(lambda z, x: (x + z - 1) ** 2, zz=2, xz=2, xx=2, z=-2, x=-2),
    outer=_Level(lambda z, x: x**2 + z**2, zz=2, xz=0, xx=2, z=0, x=0),
    original="LamparielloSagratella2017Ex32",
    summary="The point of the line x + z = 1 that is nearest to the origin.",
    formulas="G = (x + z - 1)^2,  F = x^2 + z^2. z* = 1 - x, v* = x - 1, Psi = x^2 + (1 - x)^2, minimum 1/2 at 1/2.",
    solution="unconstrained in the original too; the library's value is 0.5.",
)

bolib_macal_hurter_1997 = _item(
    "bolib_macal_hurter_1997",
    1,
    inner=_Level(lambda z, x: 500 * z - 50 * x * z + z**2 / 2, zz=1, xz=-50, xx=0, z=500, x=0),
    outer=_Level(lambda z, x: (x - 1) ** 2 + (z - 1) ** 2, zz=2, xz=0, xx=2, z=-2, x=-2),
    original="MacalHurter1997",
    summary="A steep inner solution, z* = 50x - 500: Psi has curvature 5002 and its minimum far from the origin.",
    formulas="G = 500z - 50xz + z^2/2,  F = (x-1)^2 + (z-1)^2. z* = 50x - 500, v* = -2(50x - 501),\n"
    "    Psi = (x-1)^2 + (50x-501)^2, minimum 4961/61 = 81.3279 at 611/61 = 10.0164.",
    solution="unconstrained in the original too; the library's value is 81.327.",
)

bolib_allende_still_2013 = _item(
    "bolib_allende_still_2013",
    2,
    inner=_Level(lambda z, x: z**2 - 2 * x * z, zz=2, xz=-2, xx=0, z=0, x=0),
    outer=_Level(lambda z, x: (x - 1) ** 2 + z**2, zz=2, xz=0, xx=2, z=0, x=-2),
    original="AllendeStill2013",
    summary="The inner solution copies x, and the outer objective asks it to be small and x to be near one.",
    formulas="G = sum z_i^2 - 2 x_i z_i,  F = sum (x_i-1)^2 + z_i^2. z* = x, v* = -x, minimum 1 at (1/2, 1/2).",
    solution="left out: (z_i-1)^2 <= 1/4 below, which the solution z_i = 1/2 just touches, and x >= 0, x_1 <= 2, "
    "z >= 0 above, inactive; the library's value is 1.",
    left_out=lambda z, x: [*(0.25 - (z - 1) ** 2), *x, 2 - x[0], *z],
)

bolib_de_silva_1978 = _item(
    "bolib_de_silva_1978",
    2,
    inner=_Level(lambda z, x: (z - x) ** 2, zz=2, xz=-2, xx=2, z=0, x=0),
    outer=_Level(lambda z, x: (x - 1) ** 2 + z**2, zz=2, xz=0, xx=2, z=0, x=-2, constant=-2.0),
    original="DeSilva1978",
    summary="The inner solution is the projection of x, and the outer objective asks it to be small.",
    formulas="G = sum (z_i-x_i)^2,  F = sum (x_i-1)^2 + z_i^2 - 2. z* = x, v* = -x, minimum -1 at (1/2, 1/2).",
    solution="left out: 1/2 <= z_i <= 3/2 below, whose lower bound the solution z_i = 1/2 just touches; the "
    "library's value is -1.",
    left_out=lambda z, x: [*(z - 0.5), *(1.5 - z)],
)

bolib_falk_liu_1995 = _item(
    "bolib_falk_liu_1995",
    2,
    inner=_Level(lambda z, x: (z - x) ** 2, zz=2, xz=-2, xx=2, z=0, x=0),
    outer=_Level(lambda z, x: (x - 1.5) ** 2 + z**2, zz=2, xz=0, xx=2, z=0, x=-3, constant=-4.5),
    original="FalkLiu1995",
    summary="The projection of x, asked to be small, with a target for x such that no bound is active.",
    formulas="G = sum (z_i-x_i)^2,  F = sum (x_i-3/2)^2 + z_i^2 - 9/2. z* = x, v* = -x, minimum -9/4 at (3/4, 3/4).",
    solution="left out: 1/2 <= z_i <= 3/2 below, inactive at the solution z_i = 3/4; the minimum -2.25 is below the "
    "library's value, -2.1962.",
    left_out=lambda z, x: [*(z - 0.5), *(1.5 - z)],
    errata=(
        "The library lists -2.1962 as the best value, 3 - 3 sqrt 3, which x = z = (sqrt 3/2, sqrt 3/2) has; "
        "x = z = (3/4, 3/4) is feasible for all of the item's constraints and has -2.25.",
    ),
)

bolib_gumus_floudas_2001_ex4 = _item(
    "bolib_gumus_floudas_2001_ex4",
    1,
    inner=_Level(lambda z, x: (z - 5) ** 2, zz=2, xz=0, xx=0, z=-10, x=0),
    outer=_Level(lambda z, x: (x - 3) ** 2 + (z - 2) ** 2, zz=2, xz=0, xx=2, z=-4, x=-6),
    original="GumusFloudas2001Ex4",
    summary="Two levels that are not coupled, G_xz = 0, with an adjoint that does not vanish.",
    formulas="G = (z-5)^2,  F = (x-3)^2 + (z-2)^2. z* = 5, v* = -3, Psi = (x-3)^2 + 9, minimum 9 at 3.",
    solution="left out, inactive at (x, z) = (3, 5): 0 <= z <= 10 below, 0 <= x <= 8, z <= 2x + 1, 2z >= x + 2 and "
    "x + 2z <= 14 above; the library's value is 9.",
    left_out=lambda z, x: [z, 10 - z, x, 8 - x, 2 * x + 1 - z, 2 * z - x - 2, 14 - x - 2 * z],
)

bolib_yezza_1996_ex41 = _item(
    "bolib_yezza_1996_ex41",
    1,
    inner=_Level(lambda z, x: z**2 / 2 - z + x, zz=1, xz=0, xx=0, z=-1, x=1),
    outer=_Level(lambda z, x: (z - 2) ** 2 / 2 + (z - x + 2) ** 2 / 2, zz=2, xz=-1, xx=1, z=0, x=-2),
    original="Yezza1996Ex41",
    summary="A cross term in F only: the adjoint depends on x, but as G_xz = 0 the hypergradient does not see it.",
    formulas="G = z^2/2 - z + x,  F = (z-2)^2/2 + (z-x+2)^2/2. z* = 1, v* = x - 2, Psi = 1/2 + (3-x)^2/2,\n"
    "    minimum 1/2 at 3.",
    solution="left out, inactive at (x, z) = (3, 1): 0 <= z <= x below; the library's value is 0.5.",
    left_out=lambda z, x: [z, x - z],
)
