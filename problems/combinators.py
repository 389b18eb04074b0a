"""Building blocks for problems whose inner solution is known by construction.

Three pieces make a problem with every closed form: a coupling m(x) = g(Mx), a link (an inner objective whose
minimiser is z* = m(x)) and a planted loss (an outer objective that is lowest at a chosen x).

* :func:`bregman_link`: G = w sum [phi(z_i) - phi'(m_i) z_i] + mu |z-m|^2/2. Its curvature varies with z and, at
  the solution, with x; w and mu change the inner problem and not Psi.
* :func:`shift_link`: G = w sum phi(z_i - m_i) + mu |z-m|^2/2, phi lowest at 0. The curvature at the solution is
  constant.
* :func:`planted`: F = c sum f(z_i - t_i) with t = m(target), f lowest at 0: the target is a global minimiser.

Two more take a finished problem, built here or not:

* :func:`tilted`: F + b'(z - z*(x)). Psi and the inner level stay as they are, and v* is no longer zero where it was.
* :func:`perturbed`: other coordinates, with every closed form; and declared noise, rounding or NaN.

Examples
--------
A quartic inner objective around Mx, written down and proved:

>>> import numpy as np
>>> from zoba_bench.problems.combinators import PSEUDO_HUBER, Scalar, coupling, planted, shift_link
>>> quartic = Scalar(
...     lambda u: u**2 / 2 + u**4 / 4,
...     lambda u: u + u**3,
...     lambda u: 1 + 3 * u**2,
...     convexity=1.0,
...     text="u**2/2 + u**4/4",
...     curvature="3*u**2",
... )
>>> M = np.array([[1.0, 0.5], [0.0, 1.0]])
>>> problem = planted(shift_link(quartic, coupling(M)), PSEUDO_HUBER, [1.0, -1.0], name="quartic_shift")
>>> problem.minimizer.tolist(), problem.minimum
([1.0, -1.0], 0.0)
>>> problem.constants.mu, problem.constants.R, problem.constants.L_zz  # phi'' grows: no global L_zz
(1.0, 1.4142135623730951, None)
>>> from zoba_bench.certification.certify import certify
>>> certificate = certify(problem)
>>> certificate.ok, sum(check.kind == "proved" for check in certificate.checks)
(True, 9)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from zoba_bench.arrays import Array, row_sum, spread, spread_vectors, square_norm
from zoba_bench.problem import BilevelProblem, Card, Constants
from zoba_bench.problem.symbolic import Symbolic
from zoba_bench.validation import check_real

from ._base.bounds import plus, times
from ._base.scalars import LOG_COSH, PSEUDO_HUBER, SOFTPLUS, SQUARE, Scalar
from .links._coupling import Coupling, coupling, scaled
from .links._link import Link, diagonal_link, on_solution, planted_constants
from .transformed._perturb import perturbed
from .transformed._tilt import tilted

if TYPE_CHECKING:
    from .links._symbols import Frame, InnerSymbols

__all__ = [
    "LOG_COSH",
    "PSEUDO_HUBER",
    "SOFTPLUS",
    "SQUARE",
    "Coupling",
    "Link",
    "Scalar",
    "bregman_link",
    "coupling",
    "perturbed",
    "planted",
    "shift_link",
    "tilted",
]


def bregman_link(phi: Scalar, m: Coupling, *, weight: float = 1.0, mu: float = 0.0) -> Link:
    """Bregman link, G = w sum [phi(z_i) - phi'(m_i) z_i] + mu |z-m|^2/2 for a convex phi.

    G_z = w (phi'(z) - phi'(m)) + mu (z - m) vanishes at z = m(x); G_zz = diag(w phi''(z) + mu);
    G_xz = -Dm' diag(w phi''(m) + mu) does not depend on z, so that grad Psi = Dm' F_z is free of phi.

    Parameters
    ----------
    phi : Scalar
        Convex; needs ``third`` for the Hessian of G.
    m : Coupling
    weight : float, above 0
        w.
    mu : float, at least 0
        Together with ``phi.convexity`` it makes G strongly convex.

    Raises
    ------
    ValueError
        For a bad argument, and where weight * phi.convexity + mu is not positive.
    """
    weight, mu, strong = _strength(phi, weight, mu)
    value, first, second, third = phi.value, phi.first, phi.second, phi.third
    at, g = m.value, m.function

    def inner(z: Array, x: Array) -> Array:
        point = at(x)
        total: Array = row_sum(value(z)) - np.vecdot(first(point), z)
        if weight != 1.0:
            total *= weight
        if mu:
            total += (0.5 * mu) * square_norm(z - point)
        return total

    def inner_grad_z(z: Array, x: Array) -> Array:
        point = at(x)
        return scaled(weight, first(z) - first(point)) + mu * (z - point)

    def bent(z: Array, point: Array) -> Array:
        return scaled(weight, second(point)) * z + mu * (z - point)

    def slope_y(z: Array, x: Array) -> Array:
        if g is None:
            return bent(z, at(x))
        y = m.linear(x)
        return g.first(y) * bent(z, g.value(y))

    def zz(z: Array, y: Array) -> Array:
        return spread_vectors(scaled(weight, second(z)) + mu, y)

    def zy(z: Array, y: Array) -> Array:
        if g is None:
            return spread_vectors(scaled(weight, second(y)) + mu, z)
        return spread_vectors(g.first(y) * (scaled(weight, second(g.value(y))) + mu), z)

    def yy(z: Array, y: Array) -> Array:
        assert third is not None
        if g is None:
            return mu - scaled(weight, third(y)) * z
        point = g.value(y)
        return g.first(y) ** 2 * (mu - scaled(weight, third(point)) * z) - g.second(y) * bent(z, point)

    def solution_weight(y: Array) -> Array:
        return scaled(weight, second(y if g is None else g.value(y))) + mu

    # b = 1/(w phi''(m) + mu) has |db/dm| <= w |phi'''| / strong^2. G_xx grows with z: no L_xx, no H.
    top, turn = times(weight, phi.second_bound), times(weight, phi.third_bound)
    L_zz = plus(top, mu)
    constants = Constants(
        mu=strong,
        L_zz=L_zz,
        L_xz=times(m.lipschitz, L_zz),
        H_zz=turn,
        H_xz=0.0,
        H_zx=plus(times(m.bend, L_zz), times(m.lipschitz, m.lipschitz, turn)),
        k_z=m.lipschitz,
        s_z=m.bend,
    )
    return diagonal_link(
        m,
        inner=inner,
        inner_grad_z=inner_grad_z,
        slope_y=slope_y,
        zz=zz,
        zy=zy,
        yy=None if third is None else yy,
        solution_weight=solution_weight,
        constants=constants,
        inverse=(1 / strong, times(m.lipschitz, turn, strong**-2), None),
        symbols=_symbols("bregman", phi, weight, mu),
    )


def shift_link(phi: Scalar, m: Coupling, *, weight: float = 1.0, mu: float = 0.0) -> Link:
    """Shift link, G = w sum phi(z_i - m_i) + mu |z-m|^2/2 for a convex phi with phi'(0) = 0.

    z* = m(x), G_zz = diag(w phi''(z-m) + mu), which is (w phi''(0) + mu) I at the solution. For a linear m all
    blocks of the Hessian are bounded where phi'' is.

    Parameters
    ----------
    phi : Scalar
        Convex, with phi'(0) = 0.
    m : Coupling
    weight : float, above 0
        w.
    mu : float, at least 0
        Together with ``phi.convexity`` it makes G strongly convex.

    Raises
    ------
    ValueError
        For a bad argument, where weight * phi.convexity + mu is not positive, and where phi'(0) is not 0.
    """
    weight, mu, strong = _strength(phi, weight, mu)
    value, first, second = phi.value, phi.first, phi.second
    at, g = m.value, m.function
    if first(np.zeros(1))[0] != 0:
        raise ValueError(f"a shift link needs phi'(0) = 0, got {first(np.zeros(1))[0]!r}")
    level = weight * float(second(np.zeros(1))[0]) + mu

    def inner(z: Array, x: Array) -> Array:
        r = z - at(x)
        total: Array = weight * row_sum(value(r))
        if mu:
            total += (0.5 * mu) * square_norm(r)
        return total

    def slope(r: Array) -> Array:
        return scaled(weight, first(r)) + mu * r

    def inner_grad_z(z: Array, x: Array) -> Array:
        return slope(z - at(x))

    def slope_y(z: Array, x: Array) -> Array:
        if g is None:
            return slope(z - at(x))
        y = m.linear(x)
        return g.first(y) * slope(z - g.value(y))

    def zz(z: Array, y: Array) -> Array:
        return scaled(weight, second(z - (y if g is None else g.value(y)))) + mu

    def zy(z: Array, y: Array) -> Array:
        return zz(z, y) if g is None else g.first(y) * zz(z, y)

    def yy(z: Array, y: Array) -> Array:
        if g is None:
            return zz(z, y)
        return g.first(y) ** 2 * zz(z, y) - g.second(y) * slope(z - g.value(y))

    # With N = (I, -M): Hess G = N' diag(W(Nz)) N for a linear m, |N|^2 = 1 + |M|^2, |W'| <= w |phi'''|. For
    # another m, G_xx contains D^2 m times a slope that grows with z.
    top, turn = times(weight, phi.second_bound), times(weight, phi.third_bound)
    L_zz, k, linear = plus(top, mu), m.lipschitz, g is None
    constants = Constants(
        mu=strong,
        L_zz=L_zz,
        L_xz=times(k, L_zz),
        L_xx=times(k, k, L_zz) if linear else None,
        H=times(turn, (1 + k**2) ** 1.5) if linear and k is not None else None,
        H_zz=turn,
        H_xz=times(turn, k),
        H_zx=plus(times(turn, k, k), times(m.bend, L_zz)),
        H_xx=times(turn, k, k, k) if linear else None,
        k_z=k,
        s_z=m.bend,
    )
    return diagonal_link(
        m,
        inner=inner,
        inner_grad_z=inner_grad_z,
        slope_y=slope_y,
        zz=zz,
        zy=zy,
        yy=yy,
        solution_weight=lambda y: np.full(y.shape, level),
        constants=constants,
        inverse=(1 / level, 0.0, 0.0),
        symbols=_symbols("shift", phi, weight, mu),
    )


def planted(
    link: Link,
    loss: Scalar,
    target: ArrayLike,
    *,
    name: str,
    weight: float = 1.0,
    constants: Constants | None = None,
    expressions: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None,
    parameters: Mapping[str, Any] | None = None,
    card: Card | None = None,
) -> BilevelProblem:
    """The problem with the link's G and F = c sum f(z_i - t_i), t = m(target).

    v* = -c G_zz^-1 f'(m - t), Psi = c sum f(m_i - t_i), grad Psi = c Dm' f'(m - t). The target is a global minimiser
    where f is lowest at 0; it is declared as the minimiser where M has full column rank, which makes it
    the only one if 0 is f's.

    Parameters
    ----------
    link : Link
        From :func:`bregman_link`, :func:`shift_link` or made by hand.
    loss : Scalar
        f; its functions may hold one number for each coordinate.
    target : (d,) array_like
    name : str
    weight : float, above 0
        c.
    constants : Constants, optional
        Instead of those that follow from the bounds of the pieces: R = c |G_zz^-1| sqrt(p) sup|f'|, and so on.
    expressions : callable, optional
        From symbols by name (``M``, ``t``, ``xopt``, ``p`` and all parameters) to constants by name, as
        :class:`zoba_bench.problem.symbolic.Symbolic` wants them.
    parameters : mapping, optional
        Entered into the problem.
    card : Card, optional

    Returns
    -------
    BilevelProblem

    Raises
    ------
    ValueError
        For a target of the wrong shape or not finite, and a weight that is not positive.
    """
    m = link.coupling
    p, d = m.matrix.shape
    weight = check_real("weight", weight, above=0.0)
    best = np.array(target, dtype=np.float64)
    if best.shape != (d,) or not np.isfinite(best).all():
        raise ValueError(f"target must be a finite array of shape ({d},), got {target!r}")
    best.setflags(write=False)
    t = m.matrix @ best if m.function is None else m.function.value(m.matrix @ best)
    f, f_first, f_second = loss.value, loss.first, loss.second

    def outer(z: Array, x: Array) -> Array:
        return spread(scaled(weight, row_sum(f(z - t))), x)

    def outer_grad_z(z: Array, x: Array) -> Array:
        return spread_vectors(scaled(weight, f_first(z - t)), x)

    def outer_zz(z: Array) -> Array:
        return np.diag(scaled(weight, f_second(z - t)))

    # m(x) - t as a gap: value and hypergradient are then exact to relative accuracy near the target.
    def value(x: Array) -> Array:
        return scaled(weight, row_sum(f(m.gap(x, best))))

    def slope(x: Array) -> Array:
        return scaled(weight, f_first(m.gap(x, best)))

    problem = on_solution(
        link,
        name=name,
        outer=outer,
        outer_grad_z=outer_grad_z,
        outer_zz=outer_zz,
        value=value,
        slope=slope,
        minimizer=best if np.linalg.matrix_rank(m.matrix) == d else None,
        minimum=weight * float(row_sum(f(np.zeros(p)))),
        constants=planted_constants(link, loss, weight, p) if constants is None else constants,
        parameters={} if parameters is None else parameters,
        card=card,
    )
    if link.symbols is None or loss.text is None:
        return problem
    return replace(problem, symbolic=partial(_planted_symbols, link, loss, weight, best, expressions))


def _strength(phi: Scalar, weight: float, mu: float) -> tuple[float, float, float]:
    """The checked weight and mu, and the strong convexity they give."""
    weight = check_real("weight", weight, above=0.0)
    mu = check_real("mu", mu, at_least=0.0)
    strong = weight * phi.convexity + mu
    if strong <= 0:
        raise ValueError(
            f"the inner problem is not strongly convex: weight * phi.convexity + mu = {strong!r}; raise mu"
        )
    return weight, mu, strong


def _symbols(kind: str, phi: Scalar, weight: float, mu: float) -> Callable[[Frame], InnerSymbols] | None:
    if phi.text is None:
        return None

    def symbols(frame: Frame) -> InnerSymbols:
        from .links import _symbols

        made: InnerSymbols = getattr(_symbols, f"{kind}_symbols")(frame, phi, weight, mu)
        return made

    return symbols


def _planted_symbols(
    link: Link,
    loss: Scalar,
    weight: float,
    target: Array,
    expressions: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None,
) -> Symbolic:
    from .links._symbols import planted_symbols

    assert link.symbols is not None
    return planted_symbols(link.coupling, link.symbols, loss, weight, target, expressions)


def __dir__() -> list[str]:
    return sorted(__all__)
