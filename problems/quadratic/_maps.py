"""The blocks of two quadratic objectives and the affine maps z* = J x + j and v* = V x + v that they define."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zoba_bench.arrays import Array

__all__ = ["AffineMaps", "adjoint_map", "solve_maps"]


@dataclass(frozen=True)
class AffineMaps:
    """The matrices and linear terms of G and F, and the affine maps z* = J x + j and v* = V x + v."""

    inner_zz: Array
    inner_xz: Array
    inner_xx: Array
    inner_x: Array
    outer_zz: Array
    outer_xz: Array
    outer_xx: Array
    outer_z: Array
    outer_x: Array
    J: Array
    j: Array
    V: Array
    v: Array

    @property
    def curvature(self) -> Array:
        """Hess Psi = J' F_zz J + F_xz J + J' F_zx + F_xx."""
        cross = self.outer_xz @ self.J
        hessian = self.J.T @ self.outer_zz @ self.J + cross + cross.T + self.outer_xx
        return np.ascontiguousarray((hessian + hessian.T) / 2)

    @property
    def slope(self) -> Array:
        """grad Psi at x = 0."""
        at_origin = self.outer_zz @ self.j + self.outer_z
        slope: Array = self.J.T @ at_origin + self.outer_xz @ self.j + self.outer_x
        return slope


def adjoint_map(zz: Array, outer_zz: Array, outer_xz: Array, outer_z: Array, J: Array, j: Array) -> tuple[Array, Array]:
    """V, v of v* = V x + v, from G_zz v* = -F_z(z*(x), x)."""
    solved = -np.linalg.solve(zz, np.column_stack([outer_zz @ J + outer_xz.T, outer_zz @ j + outer_z]))
    return np.ascontiguousarray(solved[:, :-1]), np.ascontiguousarray(solved[:, -1])


def solve_maps(
    *,
    inner_zz: Array,
    inner_xz: Array,
    inner_z: Array,
    outer_zz: Array,
    outer_xz: Array,
    outer_xx: Array,
    outer_z: Array,
    outer_x: Array,
    inner_xx: Array | None = None,
    inner_x: Array | None = None,
) -> AffineMaps:
    """The maps of two quadratic objectives that are given by their blocks: G_zz (Jx + j) + G_zx x + G_z(0) = 0.

    ``inner_xx`` and ``inner_x``, on which no closed form depends, are zero by default.
    """
    d = len(inner_xz)
    solved = -np.linalg.solve(inner_zz, np.column_stack([inner_xz.T, inner_z]))
    J, j = np.ascontiguousarray(solved[:, :-1]), np.ascontiguousarray(solved[:, -1])
    V, v = adjoint_map(inner_zz, outer_zz, outer_xz, outer_z, J, j)
    return AffineMaps(
        inner_zz=inner_zz,
        inner_xz=inner_xz,
        inner_xx=np.zeros((d, d)) if inner_xx is None else inner_xx,
        inner_x=np.zeros(d) if inner_x is None else inner_x,
        outer_zz=outer_zz,
        outer_xz=outer_xz,
        outer_xx=outer_xx,
        outer_z=outer_z,
        outer_x=outer_x,
        J=J,
        j=j,
        V=V,
        v=v,
    )
