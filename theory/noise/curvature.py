"""The Jacobian of the mean direction where G is not quadratic: it has third derivatives of G, along v.

The mean direction at s = (z, v, x) is D = (G_z, G_zz v + F_z, G_xz v + F_x). With the Lagrangian
L(z, v, x) = F(z, x) + v' G_z(z, x) it is (L_v, L_z, L_x), so its Jacobian has second derivatives of L:

    dD_v/dz = F_zz + G_zzz[v],   dD_v/dx = F_zx + G_zzx[v],   dD_x/dz = F_xz + G_xzz[v],   dD_x/dx = F_xx + G_xxz[v].

The same three blocks give the Hessian of Psi. At z* and v* the Lagrangian is stationary in z and v, hence
Hess Psi = E' Hess_zx(L) E with E = (dz*/dx, I).

All three third derivatives are one derivative: that of the blocks (G_zz, G_xz, G_xx) at (z + t v, x) in t.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from zoba_bench.arrays import Array

from ..estimators.blocks import Blocks

__all__ = ["CurvedBlocks", "jacobian_of", "lagrangian_hessian", "mean_jacobian", "third_derivatives"]

#: Steps of the differences along the unit vector of v, relative to 1 + |z|: from far too long to far too short.
_STEPS = 0.1 * 0.5 ** np.arange(16)
#: Rounding of one entry of a closed form, in units of the spacing of numbers at the largest entry: 8 operations.
_ROUNDING = 8 * np.finfo(float).eps


@dataclass(frozen=True, eq=False)
class CurvedBlocks(Blocks):
    """Blocks with the third derivatives of G along v.

    Attributes beside those of :class:`~zoba_bench.theory.estimators.blocks.Blocks`
    ----------
    T_zz, T_xz, T_xx : G_zzz[v] (p, p), G_xzz[v] (d, p) and G_xxz[v] (d, d); zeros, the default, where G is quadratic.
    T_error : bound on the error of their entries.
    """

    T_zz: Array = None  # type: ignore[assignment]
    T_xz: Array = None  # type: ignore[assignment]
    T_xx: Array = None  # type: ignore[assignment]
    T_error: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        shapes = {"T_zz": (self.p, self.p), "T_xz": (self.d, self.p), "T_xx": (self.d, self.d)}
        for name, shape in shapes.items():
            given = getattr(self, name)
            value = np.zeros(shape) if given is None else np.asarray(given, float)
            if value.shape != shape:
                raise ValueError(f"{name} must have shape {shape} (p={self.p}, d={self.d}), got {value.shape}")
            object.__setattr__(self, name, value)

    @classmethod
    def at(cls, problem: Any, x: Array, *, z: Array | None = None, v: Array | None = None) -> CurvedBlocks:
        """As ``Blocks.at``, with the third derivatives by differences of the problem's closed Hessian."""
        blocks = cast(CurvedBlocks, super().at(problem, x, z=z, v=v))
        at = problem.inner_solution(x) if z is None else z
        (zz, xz, xx), error = third_derivatives(problem, at, x, blocks.v)
        return replace(blocks, T_zz=zz, T_xz=xz, T_xx=xx, T_error=error)


def third_derivatives(problem: Any, z: Array, x: Array, v: Array) -> tuple[tuple[Array, Array, Array], float]:
    """(G_zzz[v], G_xzz[v], G_xxz[v]) at (z, x), and a bound on the error of their entries.

    Central differences D(t) = [H(z + t w, x) - H(z - t w, x)] / 2t of the closed Hessian blocks H, along w = v/|v|,
    at steps that halve. R(t) = [4 D(t) - D(2t)] / 3 has no error of order t^2. What is left of order t^4 is measured:
    R(t) - R(2t) is 15 times the error of R(t). Rounding adds at most 3 e / t, where e bounds the rounding of H.
    The step with the least sum |R(t) - R(2t)| + 3 e / t is taken, and the sum is the bound.

    Parameters
    ----------
    problem : with ``inner_hessian``.
    z, x, v : (p,), (d,), (p,).

    Returns
    -------
    blocks : (p, p), (d, p), (d, d); exact zeros where the Hessian is constant along v, as for quadratic G.
    error : bound on the largest error of an entry.
    """
    problem.require("inner_hessian")
    length = float(np.linalg.norm(v))
    p, d = len(z), len(x)
    if length == 0.0:
        return (np.zeros((p, p)), np.zeros((d, p)), np.zeros((d, d))), 0.0
    w, unit = v / length, 1 + float(np.linalg.norm(z))

    def flat(t: float) -> Array:
        return np.concatenate([np.asarray(block, float).ravel() for block in problem.inner_hessian(z + t * w, x)])

    steps, here = np.asarray(unit * _STEPS, dtype=np.float64), flat(0.0)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # a long step may leave the domain
        if all(np.array_equal(flat(side * t), here) for t in steps for side in (1, -1)):  # a constant Hessian
            best, error = np.zeros_like(here), 0.0
        else:
            best, error = _best_slope(flat, steps, _ROUNDING * float(np.abs(here).max()))
    if not np.isfinite(error):
        raise ValueError(f"the third derivatives of {problem.name} along v are not finite at z={z!r}, x={x!r}")
    zz, xz, xx = np.split(length * best, [p * p, p * p + d * p])
    zz, xx = zz.reshape(p, p), xx.reshape(d, d)
    return ((zz + zz.T) / 2, xz.reshape(d, p), (xx + xx.T) / 2), length * error


def _best_slope(flat: Callable[[float], Array], steps: Array, rounding: float) -> tuple[Array, float]:
    """The refined difference with the least error, and that error; blocks may be large, so three are held at a time."""
    best, least = np.full_like(flat(0.0), np.nan), np.inf
    slope: Array | None = None
    refined: Array | None = None
    for t in steps:
        long, slope = slope, (flat(t) - flat(-t)) / (2 * t)
        if long is None:
            continue
        coarse, refined = refined, (4 * slope - long) / 3
        if coarse is None:
            continue
        error = float(np.abs(refined - coarse).max()) + 3 * rounding / t
        if error < least:  # never where the error is NaN
            best, least = refined, error
    return best, least


def lagrangian_hessian(blocks: Blocks) -> tuple[Array, Array, Array]:
    """The blocks zz (p, p), xz (d, p), xx (d, d) of the Hessian of F + v' G_z; those of F for plain ``Blocks``."""
    if isinstance(blocks, CurvedBlocks):
        return blocks.F_zz + blocks.T_zz, blocks.F_xz + blocks.T_xz, blocks.F_xx + blocks.T_xx
    return blocks.F_zz, blocks.F_xz, blocks.F_xx


def mean_jacobian(problem: Any, z: Array, v: Array, x: Array) -> tuple[Array, float]:
    """Jacobian of (D_z, D_v, D_x) in (z, v, x) at a point, and a bound on the error of its entries.

    Parameters
    ----------
    problem : with both Hessians and the gradients of both levels.
    z, v, x : (p,), (p,), (d,).

    Returns
    -------
    jacobian : (2p + d, 2p + d).
    error : from :func:`third_derivatives`; zero where G is quadratic.
    """
    blocks = CurvedBlocks.at(problem, x, z=z, v=v)
    return jacobian_of(blocks), blocks.T_error


def jacobian_of(blocks: Blocks) -> Array:
    """Jacobian of (D_z, D_v, D_x) in (z, v, x) from blocks."""
    zz, xz, xx = lagrangian_hessian(blocks)
    return np.block([[blocks.A, np.zeros_like(blocks.A), blocks.C.T], [zz, blocks.A, xz.T], [xz, blocks.C, xx]])
