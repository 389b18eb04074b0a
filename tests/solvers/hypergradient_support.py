"""AID-BiO, ITD-BiO and stocBiO: the algorithm boxes in plain loops, and what their tests share."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from zoba_bench.oracle import Oracle
from zoba_bench.solvers.base import State

EPS = float(np.finfo(np.float64).eps)
METHODS = ("aid-bio", "itd-bio", "stocbio")
SAMPLES = {"inner_samples": 6, "outer_samples": 5}
BATCHES = {"S": 3, "D_f": 2, "D_g": 4, "B": 8, "B_ratio": 0.5}


def states(problem, replicates, generator=None, seed=0) -> State:
    """Replicates that differ."""
    rng = np.random.default_rng(seed)
    z, v = (rng.standard_normal((replicates, problem.p)) for _ in range(2))
    x = rng.standard_normal((replicates, problem.d))
    generator = np.random.default_rng(seed) if generator is None else generator
    return State(z=z, v=v, x=x, k=0, oracle=Oracle(problem, replicates), rng=generator)


def at_solution(problem, x, replicates=1) -> State:
    """A state with z = z*(x)."""
    z, v, x = (np.tile(y, (replicates, 1)) for y in (problem.inner_solution(x), np.zeros(problem.p), x))
    return State(z=z, v=v, x=x, k=0, oracle=Oracle(problem, replicates), rng=np.random.default_rng(0))


class Reference:
    """Sums over components and samples, explicit matrices and products, one replicate at a time.

    ``largest`` is the largest sum of absolute values in any component of a gradient or product.
    """

    def __init__(self, problem, options: dict[str, Any]) -> None:
        self.problem, self.o = problem, {"alpha": 0.05, "beta": 0.1, "eta": 0.5, "B_ratio": 1.0} | options
        self.largest = 1.0

    def mean(self, objective, batch) -> list[tuple[np.ndarray, ...]]:
        """The blocks A, B, C, a, b of each sample of a batch; of the mean, for None."""
        arrays = [getattr(objective, name) for name in "ABCab"]
        if batch is None:
            return [tuple(sum(array) / len(array) for array in arrays)]
        return [tuple(array[i] for array in arrays) for i in batch]

    def total(self, terms) -> float:
        terms = [float(t) for t in terms]
        self.largest = max(self.largest, math.fsum(map(abs, terms)))
        return math.fsum(terms)

    def gradients(self, objective, z, x, batch=None) -> tuple[np.ndarray, np.ndarray]:
        p, d = len(z), len(x)
        g_z, g_x, rows = np.zeros(p), np.zeros(d), self.mean(objective, batch)
        for A, B, C, a, b in rows:
            slope = 1 + objective.wave * math.cos(a @ z + b @ x)
            for i in range(p):
                parts = [A[i, j] * z[j] for j in range(p)] + [C[j, i] * x[j] for j in range(d)] + [a[i] * slope]
                g_z[i] += self.total(parts) / len(rows)
            for i in range(d):
                parts = [B[i, j] * x[j] for j in range(d)] + [C[i, j] * z[j] for j in range(p)] + [b[i] * slope]
                g_x[i] += self.total(parts) / len(rows)
        return g_z, g_x

    def hessians(self, objective, z, x, batch=None) -> tuple[np.ndarray, np.ndarray]:
        """Blocks zz (p, p) and xz (d, p)."""
        p, d = len(z), len(x)
        zz, xz, rows = np.zeros((p, p)), np.zeros((d, p)), self.mean(objective, batch)
        for A, _, C, a, b in rows:
            bend = -objective.wave * math.sin(a @ z + b @ x)
            for j in range(p):
                for i in range(p):
                    zz[i, j] += self.total([A[i, j], bend * a[i] * a[j]]) / len(rows)
                for i in range(d):
                    xz[i, j] += self.total([C[i, j], bend * b[i] * a[j]]) / len(rows)
        return zz, xz

    def step(self, method, z, v, x, drawn) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """(z, v, x, |h|) after one iteration; ``drawn(kind, number)`` gives a batch, None for exact values."""
        F, G, o, path = self.problem.outer, self.problem.inner, self.o, [z]
        for t in range(o["D"]):
            slope, _ = self.gradients(G, path[-1], x, drawn("S", t))
            path.append(np.array([y - o["alpha"] * s for y, s in zip(path[-1], slope, strict=True)]))
        z = path[-1]
        f_z, f_x = self.gradients(F, z, x, drawn("D_f", 0))
        if method == "aid-bio":
            v = least_error(self.hessians(G, z, x)[0], -f_z, v, o["N"])
            h = f_x + self.hessians(G, z, x)[1] @ v
        elif method == "itd-bio":
            # f_x - alpha sum_t G_xz(z_t) prod_{j = t+1}^{D-1} (I - alpha G_zz(z_j)) f_z.
            h, v = f_x, np.zeros(len(z))
            for t in range(o["D"]):
                factor = np.eye(len(z))
                for j in range(t + 1, o["D"]):
                    factor = factor @ (np.eye(len(z)) - o["alpha"] * self.hessians(G, path[j], x)[0])
                h = h - o["alpha"] * self.hessians(G, path[t], x)[1] @ factor @ f_z
                v = v - o["alpha"] * factor @ f_z
        else:
            # v_Q = eta sum_{q = 0}^{Q} (I - eta B_{Q-q+1}) ... (I - eta B_Q) f_z, B_Q first.
            factors = [np.eye(len(z)) - o["eta"] * self.hessians(G, z, x, drawn("B", j))[0] for j in range(o["Q"])]
            v = np.zeros(len(z))
            for q in range(o["Q"] + 1):
                term = f_z
                for j in range(q):
                    term = factors[j] @ term
                v = v - o["eta"] * term
            h = f_x + self.hessians(G, z, x, drawn("D_g", 0))[1] @ v
        self.largest = max(self.largest, *(np.abs(y).max() for y in (z, v, x, f_z, f_x, h)))
        return z, v, x - o["beta"] * h, math.sqrt(math.fsum(h * h))

    def limit(self, iterations: int = 1) -> float:
        """Rounding of some iterations, of both computations.

        Each of the T vectors in a row is rounded to (p + d + 4) eps times the largest sum of absolute values in each
        of its components. What follows multiplies errors by at most 1 + step |G_zz| for each step of z and of the
        Neumann sum, and by 1 + |G_xz|; a step of conjugate gradients, whose length is at most 1/mu, by 1 + kappa.
        An iteration hands on the errors of those before it multiplied by as much.
        """
        o, p, d = self.o, self.problem.p, self.problem.d
        G = self.problem.inner
        bend = G.wave * np.linalg.norm(G.a, axis=1).max() ** 2
        ends = np.linalg.eigvalsh(G.A.mean(axis=0)), np.linalg.eigvalsh(G.A)
        L, mu = ends[1].max() + bend, ends[0][0] - bend
        T = o["D"] + o.get("N", 0) + o.get("Q", 0) + 3
        growth = (1 + o["alpha"] * L) ** (2 * o["D"]) * (1 + o["eta"] * L) ** o.get("Q", 0)
        growth *= (1 + L / mu) ** (o.get("N", -1) + 1) * (1 + np.linalg.norm(G.C, axis=(1, 2)).max() + G.wave)
        return 2 * iterations * T * (p + d + 4) * EPS * self.largest * math.sqrt(p + d) * growth**iterations


def least_error(A, f, start, steps) -> np.ndarray:
    """The point of the Krylov space of r = f - A start with the least error in the norm of A: no recursion."""
    r = f - A @ start
    basis: list[np.ndarray] = []
    q = r
    for _ in range(min(steps, len(f))):
        for b in (*basis, *basis):
            q = q - (b @ q) * b
        basis.append(q / np.linalg.norm(q))
        q = A @ basis[-1]
    V = np.array(basis).T
    return start + V @ np.linalg.solve(V.T @ A @ V, V.T @ r)


def draws(method, problem, options, rng, replicates):
    """r -> (kind, number) -> indices: stocBiO's batches in the order in which it draws them, None for the others."""
    if method != "stocbio":
        return lambda r: lambda kind, number: None

    def batch(size, samples):
        return None if size is None or samples is None else rng.integers(samples, size=(replicates, size, 1))[..., 0]

    inner, outer, o = problem.inner_samples, problem.outer_samples, options
    sizes = [None if o["B"] is None else math.ceil(o["B"] * o["B_ratio"] ** j) for j in range(o["Q"])]
    drawn = {"S": [batch(o["S"], inner) for _ in range(o["D"])]}
    drawn["D_f"] = [batch(o["D_f"], outer)]
    drawn["B"] = [batch(size, inner) for size in sizes]
    drawn["D_g"] = [batch(o["D_g"], inner)]

    def of(r):
        return lambda kind, number: None if drawn[kind][number] is None else drawn[kind][number][r]

    return of


def joint_constants(problem) -> dict[str, float]:
    """L, mu, tau, rho and kappa of the theorems, and M where F is Lipschitz; L by the norm of the blocks' norms."""
    c = problem.constants

    def joint(zz, xz, xx):
        return float(np.linalg.norm([[zz, xz], [xz, xx]], 2))

    L = max(joint(c.L_zz, c.L_xz, c.L_xx), joint(c.m_zz, c.m_xz, c.m_xx))
    numbers = {"L": L, "mu": c.mu, "tau": c.H, "rho": c.H, "kappa": L / c.mu}
    return numbers | ({"M": math.hypot(c.C_z, c.C_x)} if None not in (c.C_z, c.C_x) else {})
