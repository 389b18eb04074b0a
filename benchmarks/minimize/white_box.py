"""Exact z*(x), hypergradient and Hessian of Psi, and x* by Newton's method, from exact derivatives."""

from __future__ import annotations

import numpy as np

from .ridge import Ridge

__all__ = ["NotSolvedError", "hypergradient", "inner_solution", "minimiser", "psi_hessian"]

Array = np.ndarray
_ROUNDING = 1e-12  # of the sizes that are added up


class NotSolvedError(ArithmeticError):
    """Newton's method has not reached the precision of rounding."""


def inner_solution(G: Ridge, x: Array, z: Array) -> Array:
    """z*(x) by damped Newton steps from z, until the inner gradient is rounding."""
    p = len(z)
    for _ in range(100):
        w = np.concatenate([z, x])
        g, size = G.gradient(w)[:p], 1.0 + np.abs(G.Q[:p]) @ np.abs(w) + np.abs(G.q[:p])
        if (np.abs(g) <= _ROUNDING * size).all():
            return z
        step = -np.linalg.solve(G.hessian(w)[:p, :p], g)
        t, before = 1.0, G.value(w)
        # The slack is rounding: near the solution values cannot confirm the decrease.
        while t > 1e-6 and G.value(np.concatenate([z + t * step, x])) > before + 1e-13 * (1 + abs(before)):
            t /= 2
        z = z + t * step
    raise NotSolvedError(f"the inner gradient is {np.abs(g).max():.1g} after 100 Newton steps")


def hypergradient(F: Ridge, G: Ridge, x: Array, z: Array) -> tuple[Array, Array]:
    """grad Psi and the adjoint v = -G_zz^{-1} F_z, at z = z*(x)."""
    p, w = len(z), np.concatenate([z, x])
    H, f = G.hessian(w), F.gradient(w)
    v = -np.linalg.solve(H[:p, :p], f[:p])
    return f[p:] + H[p:, :p] @ v, v


def psi_hessian(F: Ridge, G: Ridge, x: Array, z: Array) -> Array:
    """Z'(F'' + (v.G_z)'')Z with Z = [dz*/dx; I], at z = z*(x)."""
    p, w = len(z), np.concatenate([z, x])
    H, (_, v) = G.hessian(w), hypergradient(F, G, x, z)
    Z = np.vstack([-np.linalg.solve(H[:p, :p], H[:p, p:]), np.eye(len(x))])
    along = G.third(w, np.concatenate([v, np.zeros(len(x))]))
    found = Z.T @ (F.hessian(w) + along) @ Z
    return (found + found.T) / 2


def minimiser(F: Ridge, G: Ridge, x: Array, z: Array) -> tuple[Array, Array]:
    """A stationary point of Psi by Newton's method from x, within 1e-12 of the size of x, and its z*.

    Raises
    ------
    NotSolvedError
        If the last Newton step is longer, or Psi does not curve upwards there.
    """
    for _ in range(60):
        z = inner_solution(G, x, z)
        g, B = hypergradient(F, G, x, z)[0], psi_hessian(F, G, x, z)
        step = -np.linalg.solve(B, g)
        x = x + min(1.0, 2.0 / max(float(np.linalg.norm(step)), 1e-300)) * step
        if np.linalg.norm(step) <= 1e-12 * (1.0 + np.linalg.norm(x)):
            if np.linalg.eigvalsh(B)[0] <= 0:
                raise NotSolvedError("Psi does not curve upwards at the stationary point")
            return x, inner_solution(G, x, z)
    raise NotSolvedError(f"the Newton step is {np.linalg.norm(step):.1g} after 60 steps")
