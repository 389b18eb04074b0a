"""Differences of values in place of derivatives: Newton in z, quasi-Newton in x, and the implicit hypergradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.estimators import forward_difference, mixed_difference
from zoba_bench.oracle import Oracle
from zoba_bench.solvers.base import Solver, State, norms
from zoba_bench.validation import check_choice, check_positive

__all__ = ["Implicit", "ImplicitState", "absolute_solve", "bfgs"]


@dataclass(frozen=True, eq=False, kw_only=True)
class ImplicitState(State):
    """A state with the curvature that was measured and learnt.

    Attributes
    ----------
    inner_hessian : (R, p, p) array
        G_zz, as measured at the start and repaired along v since.
    outer_hessian : (R, d, d) array
        The model of the Hessian of Psi; zero before the first step.
    hypergradient : (R, d) array
        That of the last iteration.
    moved : (R, d) array
        The last step of x.
    """

    inner_hessian: Array
    outer_hessian: Array
    hypergradient: Array
    moved: Array


@dataclass(frozen=True)
class Implicit(Solver):
    """The implicit hypergradient from differences along coordinates: what numerical analysis would try first.

    Parameters
    ----------
    h : float
        Step of first differences.
    h2 : float
        Step of second differences.
    radius : float
        Longest step of x, and the length of the first.
    curvature : {"secant", "measured"}
        Whether G_zz is measured at the start and then repaired along v, or measured at every iteration.

    Problem class: smooth F, smooth G strongly convex in z, exact values; p and d up to a few hundred.
    Assumptions: G_zz positive definite, v* reached by one solve with it; nothing random. Noise e in a value leaves
    e / h in a gradient and 4 e / h2^2 in a product with second derivatives.
    Cost: 3 p + 2 d + 4 evaluations of G and p + d + 1 of F an iteration (finite sums by their exact means); once,
    at the start, p (p + 3) / 2 + 1 of G for G_zz, which ``curvature="measured"`` takes at every iteration, less one.
    Rate: on quadratic F and G z follows z* exactly up to rounding, v and the hypergradient are exact once v has been
    checked, and x takes BFGS steps (derived here: the update of ``theory/updates/implicit.py``); no global rate, since
    a step is neither tested nor shortened below ``radius``.
    Source: this project's; the implicit hypergradient F_x - G_xz G_zz^-1 F_z is that of arXiv 1802.02246, BFGS and
    differences are textbook. ``zb.minimize`` has the same iteration with tests of every step, differences that fit
    the noise, curvature measured where that pays, and a stopping rule.

    One iteration: z+ = z - |G_zz|^-1 g(z, x); one product with G_zz at (z+, x) along |G_zz|^-1 F_z repairs G_zz by
    BFGS; v+ = -G_zz^-1 F_z; D = F_x + G_xz v+; BFGS on x from D and the last step; x+ = x - B^-1 D, cut to ``radius``.
    """

    h: float = 1e-6
    h2: float = 1e-4
    radius: float = 0.3
    curvature: str = "secant"

    name: ClassVar[str] = "implicit"
    tolerance_quantity: ClassVar[str] = "norm of the implicit hypergradient"
    remedy: ClassVar[str] = "lower radius"

    def __post_init__(self) -> None:
        for name in ("h", "h2", "radius"):
            check_positive(name, getattr(self, name))
        check_choice("curvature", self.curvature, ("secant", "measured"))

    def init(self, oracle: Oracle, rng: np.random.Generator, z: Array, v: Array, x: Array) -> ImplicitState:
        """State at iteration 0: G_zz is measured at the start."""
        base = oracle.inner(z[:, None, :], x[:, None, :])
        return ImplicitState(
            z, v, x, 0, oracle, rng, inner_hessian=self._second(oracle, z, x, base),
            outer_hessian=np.zeros((len(x), oracle.d, oracle.d)), hypergradient=np.zeros_like(x),
            moved=np.zeros_like(x),
        )  # fmt: skip

    def step(self, state: ImplicitState) -> ImplicitState:
        """One iteration of every replicate; nothing is drawn."""
        oracle, z, x, H = state.oracle, state.z, state.x, state.inner_hessian
        p, d = oracle.p, oracle.d
        base = oracle.inner(z[:, None, :], x[:, None, :])
        if self.curvature == "measured":
            H = self._second(oracle, z, x, base)
        g = forward_difference(oracle.inner(z[:, None, :] + self.h * np.eye(p), x[:, None, :]), base, self.h)
        z = z - absolute_solve(H, g)

        Z, X = z[:, None, :], x[:, None, :]
        f = oracle.outer(Z, X)
        f_z = forward_difference(oracle.outer(Z + self.h * np.eye(p), X), f, self.h)
        f_x = forward_difference(oracle.outer(Z, X + self.h * np.eye(d)), f, self.h)
        base = oracle.inner(Z, X)
        # G_zz v along the v that G_zz gives now: the one product that the adjoint needs to be right.
        u = -absolute_solve(H, f_z)
        H = bfgs(H, u, self._along(oracle, z, x, u, base, p, "z"))
        v = -absolute_solve(H, f_z)
        D = f_x + self._along(oracle, z, x, v, base, d, "x")

        size = norms(D)
        if state.k == 0:
            B = (size / self.radius)[:, None, None] * np.eye(d)
        else:
            s, y = state.moved, D - state.hypergradient
            sy = np.vecdot(s, y)
            scale = np.where(sy > 0, np.vecdot(y, y) / np.where(sy > 0, sy, 1.0), 0.0)
            first = np.where((scale > 0)[:, None, None], scale[:, None, None] * np.eye(d), state.outer_hessian)
            B = bfgs(first if state.k == 1 else state.outer_hessian, s, y)
        s = -absolute_solve(B, D)
        length = norms(s)
        s = s * np.minimum(1.0, self.radius / np.where(length > 0, length, 1.0))[:, None]
        x_next = oracle.project_x(x + s)
        return ImplicitState(
            z, v, x_next, state.k + 1, oracle, state.rng, size, inner_hessian=H, outer_hessian=B, hypergradient=D,
            moved=x_next - x,
        )  # fmt: skip

    def _second(self, oracle: Oracle, z: Array, x: Array, base: Array) -> Array:
        """G_zz (R, p, p) by forward differences from ``base`` (R, 1): p (p + 3) / 2 values."""
        p = oracle.p
        left, right = np.triu_indices(p)
        E = self.h2 * np.eye(p)
        moves = np.concatenate([E, E[left] + E[right]])
        values = oracle.inner(z[:, None, :] + moves, x[:, None, :])
        one, two = values[:, :p], values[:, p:]
        H = np.zeros((len(z), p, p))
        H[:, left, right] = mixed_difference(two, one[:, left], one[:, right], base, self.h2, self.h2)
        H[:, right, left] = H[:, left, right]
        return H

    def _along(self, oracle: Oracle, z: Array, x: Array, v: Array, base: Array, n: int, part: str) -> Array:
        """G_zz v (part "z", n = p) or G_xz v ("x", n = d) by mixed differences: 2 n + 1 values beside ``base``."""
        length = norms(v)[:, None]
        a = self.h2 * v / np.where(length > 0, length, 1.0)
        E, Z, X = self.h2 * np.eye(n), z[:, None, :], x[:, None, :]
        Z_e, X_e = (Z + E, X) if part == "z" else (Z, X + E)
        A = a[:, None, :]
        both, along, apart = oracle.inner(Z_e + A, X_e), oracle.inner(Z + A, X), oracle.inner(Z_e, X_e)
        return np.asarray(length * mixed_difference(both, along, apart, base, self.h2, self.h2))


def absolute_solve(M: Array, b: Array) -> Array:
    """|M|^-1 b for symmetric M (R, n, n) and b (R, n); eigenvalues below 1e-10 of the largest count as that."""
    # A replicate with NaN must not end the others: LAPACK raises for all of a stack.
    finite = np.asarray(np.isfinite(M).all(axis=(-2, -1)))
    values, vectors = np.linalg.eigh(np.where(finite[:, None, None], M, np.eye(M.shape[-1])))
    size = np.abs(values)
    largest = size.max(axis=-1, keepdims=True)
    size = np.maximum(size, np.where(largest > 0, 1e-10 * largest, 1.0))
    solved: Array = np.einsum("rij,rj->ri", vectors, np.einsum("rji,rj->ri", vectors, b) / size)
    solved[~finite] = np.nan
    return solved


def bfgs(M: Array, s: Array, y: Array) -> Array:
    """M (R, n, n) after the BFGS update with M s = y; as it was where s'y or s'M s is not clearly positive."""
    sy, Ms = np.vecdot(s, y), np.einsum("rij,rj->ri", M, s)
    sMs = np.vecdot(s, Ms)
    good = (sy > 1e-8 * norms(s) * norms(y)) & (sMs > 0)
    safe = np.where(good, 1.0, 0.0)[:, None, None]
    down = np.einsum("ri,rj->rij", Ms, Ms) / np.where(good, sMs, 1.0)[:, None, None]
    up = np.einsum("ri,rj->rij", y, y) / np.where(good, sy, 1.0)[:, None, None]
    updated: Array = M + safe * (up - down)
    return updated
