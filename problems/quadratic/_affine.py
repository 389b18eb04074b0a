"""Closed forms shared by the problems whose two objectives are quadratic: everything is an affine map."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from zoba_bench.arrays import Array, blockwise, linear_map, quadratic_form, spread_vectors
from zoba_bench.problem import BilevelProblem, Card, Constants
from zoba_bench.problem.pointwise import Pointwise, pointwise
from zoba_bench.problem.symbolic import Symbolic

from .._base.family import spectral_norm, sphere_start
from ._maps import AffineMaps

__all__ = ["UNBOUNDED", "build_quadratic"]


#: What A3 says of a family whose slopes are affine.
UNBOUNDED = "holds except for C_z and C_x: F_z is affine in x; C_z and R are given on |x| <= radius if asked for"

# Which parameter makes Psi more convex, and how.
_WAYS_OUT = {"lam": "increase", "cross": "decrease", "L_cross": "decrease"}


def _constants(
    maps: AffineMaps, mu: float, L_zz: float, curvature: Array, minimizer: Array, radius: float | None
) -> Constants:
    """All exact: the Hessians are constant, so each constant is a spectral norm.

    mu, L_zz: ends of the spectrum of A. k_z = |J|, k_v = |V|, L_Psi = |Hess Psi|. s_z = s_v = H = 0: z*, v*
    are affine and the Hessian of G is constant. v* = v*(x*) + V Q^-1 grad Psi with Q = Hess Psi. On
    |x| <= radius, and everywhere where V = 0, R = |V| radius + |v| and, as F_z = -A v* there,
    C_z = |A V| radius + |A v|; C_x = |F_xx| radius + |F_x(0)| where F_x does not depend on z.
    """
    V, v = maps.V, maps.v
    bounds: dict[str, Any] = {
        "R_0": float(np.linalg.norm(V @ minimizer + v)),
        "R_g": spectral_norm(np.asarray(np.linalg.solve(curvature, V.T), dtype=np.float64)),
    }
    if radius is not None or not V.any():
        reach = radius or 0.0
        bounds["C_z"] = spectral_norm(maps.inner_zz @ V) * reach + float(np.linalg.norm(maps.inner_zz @ v))
        bounds["R"] = spectral_norm(V) * reach + float(np.linalg.norm(v))
    if radius is not None:
        bounds["radius"] = radius
        if not maps.outer_xz.any():
            bounds["C_x"] = spectral_norm(maps.outer_xx) * radius + float(np.linalg.norm(maps.outer_x))
    return Constants(
        mu=mu,
        L_zz=L_zz,
        L_xz=spectral_norm(maps.inner_xz),
        L_xx=spectral_norm(maps.inner_xx),
        H=0.0,
        H_zz=0.0,
        H_xz=0.0,
        H_zx=0.0,
        H_xx=0.0,
        m_zz=spectral_norm(maps.outer_zz),
        m_xz=spectral_norm(maps.outer_xz),
        m_xx=spectral_norm(maps.outer_xx),
        k_z=spectral_norm(maps.J),
        k_v=spectral_norm(V),
        s_z=0.0,
        s_v=0.0,
        L_Psi=spectral_norm(curvature),
        **bounds,
    )


def build_quadratic(
    name: str,
    maps: AffineMaps,
    inner: Callable[[Array, Array], Array],
    outer: Callable[[Array, Array], Array],
    spectrum: Array,
    *,
    radius: float | None,
    parameters: dict[str, Any],
    card: Card,
    minimizer: Array | None = None,
    symbolic: Callable[[], Symbolic] | None = None,
    at_points: tuple[Pointwise, Pointwise] | None = None,
) -> BilevelProblem:
    """Closed forms of a quadratic family whose Psi is strongly convex.

    ``spectrum`` holds the eigenvalues of G_zz, or their two ends. A minimiser that is known in closed form
    spares the rounding of a solve; a family's own ``symbolic`` replaces that of any quadratic problem.
    ``at_points`` are G and F at one point.
    """
    (p, d), curvature = maps.J.shape, maps.curvature
    lowest = float(np.linalg.eigvalsh(curvature)[0])
    if lowest <= 1e-10 * spectral_norm(curvature):
        message = f"{name} has no unique minimiser here: the smallest curvature of Psi is {lowest:.3g}"
        ways = [f"{word} {key} (got {parameters[key]!r})" for key, word in _WAYS_OUT.items() if key in parameters]
        raise ValueError("; ".join([message, " or ".join(ways)]) if ways else message)
    if minimizer is None:
        minimizer = np.asarray(np.linalg.solve(curvature, -maps.slope) + 0.0, dtype=np.float64)  # no -0
    best = minimizer
    J_T, V_T = (np.ascontiguousarray(matrix.T) for matrix in (maps.J, maps.V))

    def inner_solution(x: Array) -> Array:
        return linear_map(x, J_T) + maps.j

    def adjoint(x: Array) -> Array:
        return linear_map(x, V_T) + maps.v

    minimum = float(outer(inner_solution(minimizer), minimizer))
    mu = float(spectrum.min())

    def any_quadratic() -> Symbolic:
        from ._affine_symbols import quadratic_symbols

        origin = np.zeros(p), np.zeros(d)
        return quadratic_symbols(maps, mu, best, float(inner(*origin)), float(outer(*origin)))

    minimizer.setflags(write=False)
    levels = [blockwise(level) for level in (inner, outer)]
    if at_points is not None:
        for level, own in zip(levels, at_points, strict=True):
            pointwise(level, own.function, *own.data)

    # Around the minimiser, so that value - minimum and the hypergradient lose no digits there.
    def value(x: Array) -> Array:
        return minimum + 0.5 * quadratic_form(x - best, curvature)

    def hypergradient(x: Array) -> Array:
        return linear_map(x - best, curvature)

    def inner_grad_z(z: Array, x: Array) -> Array:
        return linear_map(z - inner_solution(x), maps.inner_zz)

    def inner_grad_x(z: Array, x: Array) -> Array:
        return z @ maps.inner_xz.T + x @ maps.inner_xx + maps.inner_x

    def outer_grad_z(z: Array, x: Array) -> Array:
        return z @ maps.outer_zz + x @ maps.outer_xz + maps.outer_z

    def outer_grad_x(z: Array, x: Array) -> Array:
        return z @ maps.outer_xz.T + x @ maps.outer_xx + maps.outer_x

    def inner_hvp_zz(z: Array, x: Array, v: Array) -> Array:
        return spread_vectors(v @ maps.inner_zz, z, x)

    def inner_jvp_xz(z: Array, x: Array, v: Array) -> Array:
        return spread_vectors(v @ maps.inner_xz.T, z, x)

    def inner_jvp_zx(z: Array, x: Array, u: Array) -> Array:
        return spread_vectors(u @ maps.inner_xz, z, x)

    def inner_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        return maps.inner_zz.copy(), maps.inner_xz.copy(), maps.inner_xx.copy()

    def outer_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        return maps.outer_zz.copy(), maps.outer_xz.copy(), maps.outer_xx.copy()

    return BilevelProblem(
        name=name,
        p=p,
        d=d,
        inner=levels[0],
        outer=levels[1],
        inner_solution=inner_solution,
        adjoint=adjoint,
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
        minimizer=minimizer,
        minimum=minimum,
        constants=_constants(maps, mu, float(spectrum.max()), curvature, minimizer, radius),
        start=sphere_start(p, d),
        symbolic=any_quadratic if symbolic is None else symbolic,
        parameters=parameters,
        card=card,
    )
