"""Inner objectives with a known minimiser z* = m(x), and the closed forms that follow from it.

The pieces of :mod:`zoba_bench.problems.combinators`, where the public ones are listed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zoba_bench.arrays import Array, blockwise, linear_map, quadratic_form, spread_vectors
from zoba_bench.problem import BilevelProblem, Constants
from zoba_bench.validation import check_dimension

from .._base.bounds import plus, times
from .._base.family import spectral_norm, sphere_start
from .._base.scalars import Scalar
from ._coupling import Coupling, Elementwise, coupling

if TYPE_CHECKING:
    from ._symbols import Frame, InnerSymbols

__all__ = [
    "Link",
    "common_size",
    "diagonal_link",
    "expressions",
    "on_solution",
    "planted_constants",
    "quadratic_link",
]


def common_size(name: str, p: int, d: int, lowest: int = 1) -> int:
    """p = d, at least ``lowest``, or an error that says so."""
    p, d = check_dimension("p", p), check_dimension("d", d)
    if p != d:
        raise ValueError(f"{name} has p = d (z* is x or a rotation of it), got p={p} and d={d}")
    if p < lowest:
        raise ValueError(f"{name} needs p = d >= {lowest}, got {p}")
    return p


def expressions(family: str, **numbers: Any) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """The expressions of a family's constants, whose module is loaded when they are asked for."""

    def of(names: Mapping[str, Any]) -> Mapping[str, Any]:
        from . import _constants

        found: Mapping[str, Any] = getattr(_constants, family)({**names, **numbers})
        return found

    return of


@dataclass(frozen=True, eq=False)
class Link:
    """An inner objective G with z*(x) = m(x) and its closed forms; any G of this kind can be given to ``planted``.

    Attributes
    ----------
    coupling : Coupling
        m.
    inner, inner_grad_z, inner_grad_x, inner_hvp_zz, inner_jvp_xz, inner_jvp_zx, inner_hessian : callable
        As in :class:`zoba_bench.problem.BilevelProblem`.
    solve : callable(x, r) -> G_zz(z*(x), x)^-1 r
    constants : Constants
        Those of G, with k_z and s_z.
    inverse : tuple of three floats or None
        Bounds on G_zz^-1 at z*(x) and on its first and second derivatives in x; where the latter are not
        zero, G_zz is diagonal there.
    symbols : callable or None
        From a frame of symbols to G in symbols.
    """

    coupling: Coupling
    inner: Callable[..., Array]
    inner_grad_z: Callable[..., Array]
    inner_grad_x: Callable[..., Array]
    inner_hvp_zz: Callable[..., Array]
    inner_jvp_xz: Callable[..., Array]
    inner_jvp_zx: Callable[..., Array]
    inner_hessian: Callable[[Array, Array], tuple[Array, Array, Array]] | None
    solve: Callable[[Array, Array], Array]
    constants: Constants
    inverse: tuple[float | None, float | None, float | None] = (None, None, None)
    symbols: Callable[[Frame], InnerSymbols] | None = None


def diagonal_link(
    m: Coupling,
    *,
    inner: Callable[[Array, Array], Array],
    inner_grad_z: Callable[[Array, Array], Array],
    slope_y: Callable[[Array, Array], Array],
    zz: Callable[[Array, Array], Array],
    zy: Callable[[Array, Array], Array],
    yy: Callable[[Array, Array], Array] | None,
    solution_weight: Elementwise,
    **rest: Any,
) -> Link:
    """A link with G = sum gamma(z_i, y_i), y = Mx, from derivatives of gamma.

    ``slope_y`` is -gamma_y as a function of (z, x); ``zz``, ``zy`` and ``yy`` are gamma_zz, -gamma_zy and gamma_yy
    as functions of (z, y); ``solution_weight`` is gamma_zz at the solution, of y.
    """
    M, M_T = m.matrix, m.transposed

    def inner_grad_x(z: Array, x: Array) -> Array:
        return -linear_map(slope_y(z, x), M)

    def inner_hvp_zz(z: Array, x: Array, v: Array) -> Array:
        return zz(z, linear_map(x, M_T)) * v

    def inner_jvp_xz(z: Array, x: Array, v: Array) -> Array:
        return -linear_map(zy(z, linear_map(x, M_T)) * v, M)

    def inner_jvp_zx(z: Array, x: Array, u: Array) -> Array:
        return -zy(z, linear_map(x, M_T)) * linear_map(u, M_T)

    def inner_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        y = M @ x
        assert yy is not None
        return np.diag(zz(z, y)), -M_T * zy(z, y), (M_T * yy(z, y)) @ M

    def solve(x: Array, r: Array) -> Array:
        return r / solution_weight(linear_map(x, M_T))

    return Link(
        coupling=m,
        inner=inner,
        inner_grad_z=inner_grad_z,
        inner_grad_x=inner_grad_x,
        inner_hvp_zz=inner_hvp_zz,
        inner_jvp_xz=inner_jvp_xz,
        inner_jvp_zx=inner_jvp_zx,
        inner_hessian=None if yy is None else inner_hessian,
        solve=solve,
        **rest,
    )


def quadratic_link(A: Array, Q: Array) -> Link:
    """G = (z-Qx)'A(z-Qx)/2."""
    m = coupling(Q)
    half_A, inverse = A / 2, np.asarray(np.linalg.inv(A), dtype=np.float64)
    cross, upper = -Q.T @ A, Q.T @ A @ Q
    spectrum = np.linalg.eigvalsh(A)
    mu = float(spectrum[0])

    def inner_grad_z(z: Array, x: Array) -> Array:
        return linear_map(z - m.value(x), A)

    def symbols(frame: Frame) -> InnerSymbols:
        from ._symbols import quadratic_symbols

        return quadratic_symbols(frame, A, mu)

    # The Hessian is constant: every constant is a spectral norm.
    constants = Constants(
        mu=mu,
        L_zz=float(spectrum[-1]),
        L_xz=spectral_norm(cross),
        L_xx=spectral_norm(upper),
        H=0.0,
        H_zz=0.0,
        H_xz=0.0,
        H_zx=0.0,
        H_xx=0.0,
        k_z=spectral_norm(Q),
        s_z=0.0,
    )
    return Link(
        coupling=m,
        inner=lambda z, x: quadratic_form(z - m.value(x), half_A),
        inner_grad_z=inner_grad_z,
        inner_grad_x=lambda z, x: -linear_map(inner_grad_z(z, x), Q),
        inner_hvp_zz=lambda z, x, v: spread_vectors(linear_map(v, A), z, x),
        inner_jvp_xz=lambda z, x, v: spread_vectors(-linear_map(linear_map(v, A), Q), z, x),
        inner_jvp_zx=lambda z, x, u: spread_vectors(-linear_map(m.value(u), A), z, x),
        inner_hessian=lambda z, x: (A.copy(), cross.copy(), upper.copy()),
        solve=lambda x, r: linear_map(r, inverse),
        constants=constants,
        inverse=(1 / mu, 0.0, 0.0),
        symbols=symbols,
    )


def planted_constants(link: Link, loss: Scalar, weight: float, p: int) -> Constants:
    """What follows from the pieces, whose bounds hold in every coordinate: n = f'(m - t) and b = G_zz^-1.

    |n| <= sqrt(p) sup|f'|; |Dn| <= n1 = sup|f''| k_z, |D^2 n| <= n2 = sup|f'''| k_z^2 + sup|f''| s_z.
    v* = -c b n, so k_v = c (b0 n1 + b1 sup|f'|) and s_v = c (b0 n2 + 2 b1 n1 + b2 sup|f'|), as b is diagonal
    wherever b1 and b2 are not zero. Hess Psi = c (Dm' diag(f'') Dm + sum f'_i D^2 m_i), and for m = g(Mx) the
    sum is M' diag(f' g'') M.
    """
    inner = link.constants
    b0, b1, b2 = link.inverse
    f1, f2, f3 = (times(weight, bound) for bound in (loss.first_bound, loss.second_bound, loss.third_bound))
    k, s = inner.k_z, inner.s_z
    n1, n2 = times(f2, k), plus(times(f3, k, k), times(f2, s))
    C_z = times(float(np.sqrt(p)), f1)
    return replace(
        inner,
        m_zz=f2,
        m_xz=0.0,
        m_xx=0.0,
        C_z=C_z,
        C_x=0.0,
        R=times(b0, C_z),
        k_v=plus(times(b0, n1), times(b1, f1)),
        s_v=plus(times(b0, n2), times(2.0, b1, n1), times(b2, f1)),
        L_Psi=plus(times(f2, k, k), times(f1, s)),
    )


def on_solution(
    link: Link,
    *,
    name: str,
    outer: Callable[[Array, Array], Array],
    outer_grad_z: Callable[[Array, Array], Array],
    outer_zz: Callable[[Array], Array],
    value: Elementwise,
    slope: Elementwise,
    **rest: Any,
) -> BilevelProblem:
    """The problem with the link's G and an F that depends on z alone.

    ``outer_zz`` gives F_zz at one point z, ``value`` is Psi, ``slope`` is F_z(z*(x)); ``rest`` goes to
    :class:`zoba_bench.problem.BilevelProblem`.
    """
    m = link.coupling
    p, d = m.matrix.shape

    def adjoint(x: Array) -> Array:
        return -link.solve(x, slope(x))

    def hypergradient(x: Array) -> Array:
        return m.pull(x, slope(x))

    def outer_grad_x(z: Array, x: Array) -> Array:
        return spread_vectors(np.zeros(d), z, x)

    def outer_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        return outer_zz(z), np.zeros((d, p)), np.zeros((d, d))

    return BilevelProblem(
        name=name,
        p=p,
        d=d,
        inner=blockwise(link.inner),
        outer=blockwise(outer),
        inner_solution=m.value,
        adjoint=adjoint,
        value=value,
        hypergradient=hypergradient,
        inner_grad_z=link.inner_grad_z,
        inner_grad_x=link.inner_grad_x,
        outer_grad_z=outer_grad_z,
        outer_grad_x=outer_grad_x,
        inner_hvp_zz=link.inner_hvp_zz,
        inner_jvp_xz=link.inner_jvp_xz,
        inner_jvp_zx=link.inner_jvp_zx,
        inner_hessian=link.inner_hessian,
        outer_hessian=outer_hessian,
        **{"start": sphere_start(p, d), **rest},
    )
