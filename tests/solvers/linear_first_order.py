"""Exact linear analysis on quadratic problems: blocks, affine iterations, second moments of random ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoba_bench.registry import theorem

Array = np.ndarray


@dataclass(frozen=True)
class Blocks:
    """G = z'Az/2 + x'Cz + x'Bx/2 + a'z + b'x + const, F with R, K, H, r, h in their places."""

    A: Array
    C: Array
    B: Array
    a: Array
    b: Array
    R: Array
    K: Array
    H: Array
    r: Array
    h: Array

    @classmethod
    def of(cls, problem: Any) -> Blocks:
        z, x = np.zeros(problem.p), np.zeros(problem.d)
        return cls(
            *problem.inner_hessian(z, x), problem.inner_grad_z(z, x), problem.inner_grad_x(z, x),
            *problem.outer_hessian(z, x), problem.outer_grad_z(z, x), problem.outer_grad_x(z, x),
        )  # fmt: skip

    @property
    def p(self) -> int:
        return len(self.A)

    @property
    def d(self) -> int:
        return len(self.C)


@dataclass(frozen=True)
class Affine:
    """w -> M w + m."""

    M: Array
    m: Array

    @classmethod
    def of(cls, step: Callable[[Array], Array], size: int) -> Affine:
        """From an affine map, by its values at 0 and the unit vectors."""
        m = step(np.zeros(size))
        return cls(np.stack([step(e) - m for e in np.eye(size)], axis=1), m)

    @property
    def fixed_point(self) -> Array:
        return np.linalg.solve(np.eye(len(self.m)) - self.M, self.m)

    @property
    def rate(self) -> float:
        """Spectral radius."""
        return float(np.abs(np.linalg.eigvals(self.M)).max())

    def remainder(self, start: Array, K: int) -> float:
        """|w_K - fixed point|, by the norm of the K-th power, and what rounding adds to it."""
        error = start - self.fixed_point
        power = np.linalg.matrix_power(self.M, K)
        return float(np.linalg.norm(power, 2) * np.linalg.norm(error)) + self.rounding(start)

    def rounding(self, start: Array) -> float:
        """Error of the last iterates of a run: each of them is off by n eps |w|, summed over the powers of M."""
        size = max(np.abs(start).max(), np.abs(self.fixed_point).max(), 1.0)
        total, power = 0.0, np.eye(len(self.m))
        while (length := np.linalg.norm(power, 2)) > 1e-3 and total < 1e9:
            total, power = total + length, power @ self.M
        return float(64 * len(self.m) * np.finfo(np.float64).eps * size * max(total, 1.0))


def penalty_error(q: Blocks, lam: float, v: Array) -> Array:
    """K (R + lam A)^-1 A v - C (R + lam A)^-1 R v: the penalty hypergradient minus the hypergradient."""
    inverse = np.linalg.inv(q.R + lam * q.A)
    return q.K @ inverse @ q.A @ v - q.C @ inverse @ q.R @ v


def penalty_slope(constants: Any, lam: float) -> float:
    """The derived bound on |penalty error| / |v*| (theorem zo-penalty, "bound of the error"), in numbers."""
    found = theorem("zo-penalty")
    bound = next(step.statement.rhs for step in found.steps if step.name == "bound of the error")
    values = {name: getattr(constants, name) for name in ("mu", "L_zz", "L_xz", "m_zz", "m_xz")}
    assert lam * values["mu"] > values["m_zz"]
    return float(bound.subs({found.symbols[name]: value for name, value in {**values, "lambda": lam, "R": 1}.items()}))


def envelope_slope(constants: Any, c: float, moreau: float) -> float:
    """A bound on |grad Psi| / |v*| where MEHA with c_k = c stands still, on quadratics.

    There F_y + A v = 0 and F_x + C v = 0 with v = c (y - theta), and A (theta - z*) = (y - theta)/gamma. Hence
    y - z* = (I + A^-1/gamma) v / c, v - v* = -A^-1 R (y - z*) and grad Psi = K (z* - y) + C (v* - v), with
    |y - z*| <= s |v|, s = (1 + 1/(gamma mu)) / c, and |v| <= |v*| / (1 - s m_zz/mu).
    """
    mu, L_xz, m_zz, m_xz = constants.require("mu", "L_xz", "m_zz", "m_xz")
    s = (1 + 1 / (moreau * mu)) / c
    assert s * m_zz < mu
    return (m_xz + L_xz * m_zz / mu) * s / (1 - s * m_zz / mu)


# Second moments of random affine iterations w <- M_s w + m_s, s one of finitely many equally likely samples.


def moments(maps: Iterable[Affine], start: Array, K: int) -> tuple[Array, Array]:
    """Mean and second moment E w w' after K steps, from a certain start; exact up to rounding.

    With 1 appended to w every map is linear, S <- mean of N S N'.
    """
    N = np.stack([np.block([[a.M, a.m[:, None]], [np.zeros(len(a.m)), 1.0]]) for a in maps])
    S = np.outer(np.append(start, 1.0), np.append(start, 1.0))
    for _ in range(K):
        S = np.mean(N @ S @ N.swapaxes(1, 2), axis=0)
    return S[:-1, -1], S[:-1, :-1]


def square_distance(problem: Any, maps: Iterable[Affine], z: Array, x: Array, K: int) -> float:
    """E|x_K - x*|^2 from (z, 0, x), every sample seen there last.

    Around the solution, where all maps of SABA stand still, so that small moments are exact.
    """
    maps = list(maps)
    solution = np.concatenate([problem.inner_solution(problem.minimizer), problem.adjoint(problem.minimizer)])
    solution = np.append(solution, problem.minimizer)
    copies, size = len(maps[0].m) // len(solution), len(solution)
    centre = np.tile(solution, copies)
    centred = [Affine(a.M, a.M @ centre + a.m - centre) for a in maps]
    if copies > 1:
        assert max(np.abs(a.m).max() for a in centred) < 1e-12
        centred = [Affine(a.M, np.zeros_like(a.m)) for a in centred]
    start = np.tile(np.concatenate([z, np.zeros(problem.p), x]), copies) - centre
    _, second = moments(centred, start, K)
    return float(np.trace(second[size - problem.d : size, size - problem.d : size]))


def square_rate(maps: Iterable[Affine], steps: int = 3000) -> float:
    """A factor below which E|w|^2 shrinks in a step in the long run, where all maps share their fixed point.

    The operator T(S) = mean of M S M' keeps matrices positive. If T(S) <= r S for one positive definite S, its
    spectral radius is at most r; S is what the powers of T make of the identity, added up with weights r^-k.
    """
    M = np.stack([a.M for a in maps])

    def T(S: Array) -> Array:
        return np.mean(M @ S @ M.swapaxes(1, 2), axis=0)

    power, size = np.eye(M.shape[1]), []
    for _ in range(steps):
        power = T(power)
        size.append(np.trace(power))
        power /= size[-1]
    guess = 1.0001 * size[-1]
    S = term = np.eye(M.shape[1])
    for _ in range(steps):
        term = T(term) / guess
        S = S + term
    root = np.linalg.inv(np.linalg.cholesky(S))
    return float(np.linalg.eigvalsh(root @ T(S) @ root.T)[-1])


def stationary(maps: list[Affine]) -> tuple[Array, Array]:
    """Mean and second moment that do not change any more."""
    M, m = np.mean([a.M for a in maps], axis=0), np.mean([a.m for a in maps], axis=0)
    mean, size = np.linalg.solve(np.eye(len(m)) - M, m), len(m)
    square = np.mean([np.kron(a.M, a.M) for a in maps], axis=0)
    noise = np.mean([np.outer(a.M @ mean, a.m) + np.outer(a.m, a.M @ mean) + np.outer(a.m, a.m) for a in maps], axis=0)
    second = np.linalg.solve(np.eye(size**2) - square, noise.ravel()).reshape(size, size)
    return mean, second


def of_samples(problem: Any) -> dict[tuple[int, int], Blocks]:
    """The blocks of each pair of samples (i of G, j of F)."""
    z, x = np.zeros(problem.p), np.zeros(problem.d)

    def matrices(i: int, j: int) -> Blocks:
        at_z, at_x = np.eye(problem.p), np.eye(problem.d)
        one_g, one_f = np.array(i), np.array(j)
        a, b = problem.inner_grad_z(z, x, one_g), problem.inner_grad_x(z, x, one_g)
        r, h = problem.outer_grad_z(z, x, one_f), problem.outer_grad_x(z, x, one_f)
        return Blocks(
            A=problem.inner_grad_z(at_z, x, one_g) - a, C=(problem.inner_grad_x(at_z, x, one_g) - b).T,
            B=problem.inner_grad_x(z, at_x, one_g) - b, a=a, b=b,
            R=problem.outer_grad_z(at_z, x, one_f) - r, K=(problem.outer_grad_x(at_z, x, one_f) - h).T,
            H=problem.outer_grad_x(z, at_x, one_f) - h, r=r, h=h,
        )  # fmt: skip

    return {(i, j): matrices(i, j) for i in range(problem.inner_samples) for j in range(problem.outer_samples)}


def soba_map(q: Blocks, rho: float, gamma: float) -> Affine:
    """w = (z, v, x): z - rho (Az + C'x + a), v - rho (Av + Rz + K'x + r), x - gamma (Cv + Kz + Hx + h)."""
    zero = np.zeros((q.p, q.p))
    M = np.block([[q.A, zero, q.C.T], [q.R, q.A, q.K.T], [q.K, q.C, q.H]])
    step = np.repeat([rho, rho, gamma], [q.p, q.p, q.d])
    return Affine(np.eye(len(step)) - step[:, None] * M, -step * np.concatenate([q.a, q.r, q.h]))


def saba_maps(problem: Any, rho: float, gamma: float) -> list[Affine]:
    """SABA with one sample of each level a step, on (w, w at which each sample of G was seen last, of F).

    The derivatives are affine in w = (z, v, x), so that a memory is known by the point where it was filled: the
    direction is D_i(w) - D_i(w_i) + mean_k D_k(w_k), with D_i = (A_i z + ..., A_i v, C_i v) of G and
    (0, R_j z + ..., K_j z + ...) of F.
    """
    blocks = of_samples(problem)
    p, d, n, m = problem.p, problem.d, problem.inner_samples, problem.outer_samples
    size, step = 2 * p + d, np.repeat([rho, rho, gamma], [p, p, d])
    zz, zx, xz, xx = (np.zeros(shape) for shape in ((p, p), (p, d), (d, p), (d, d)))

    def of_g(i: int) -> tuple[Array, Array]:
        q = blocks[i, 0]
        M = np.block([[q.A, zz, q.C.T], [zz, q.A, zx], [xz, q.C, xx]])
        return M, np.concatenate([q.a, np.zeros(p + d)])

    def of_f(j: int) -> tuple[Array, Array]:
        q = blocks[0, j]
        M = np.block([[zz, zz, zx], [q.R, zz, q.K.T], [q.K, xz, q.H]])
        return M, np.concatenate([np.zeros(p), q.r, q.h])

    parts = [*map(of_g, range(n)), *map(of_f, range(m))]
    maps = []
    for i in range(n):
        for j in range(m):
            M, offset = np.eye(size * (1 + n + m)), np.zeros(size * (1 + n + m))
            direction, constant = np.zeros((size, len(M))), np.zeros(size)
            for chosen, members in ((i, range(n)), (n + j, range(n, n + m))):
                for k in members:
                    direction[:, size * (1 + k) : size * (2 + k)] += parts[k][0] / len(members)
                    constant += parts[k][1] / len(members)
                direction[:, :size] += parts[chosen][0]
                direction[:, size * (1 + chosen) : size * (2 + chosen)] -= parts[chosen][0]
                # The chosen sample is seen at w from now on.
                rows = slice(size * (1 + chosen), size * (2 + chosen))
                M[rows], M[rows, :size] = 0.0, np.eye(size)
            M[:size] -= step[:, None] * direction
            offset[:size] -= step * constant
            maps.append(Affine(M, offset))
    return maps
