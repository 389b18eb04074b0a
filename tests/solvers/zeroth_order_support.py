"""Slow references of the zeroth-order rivals, one scalar at a time, and a generator that remembers its draws."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np

from zoba_bench.registry import make_solver

from .two_loop_support import Recording


class RecordingCoins(Recording):
    """Also of uniform numbers."""

    def random(self, size):
        self.drawn.append(self.rng.random(size))
        return self.drawn[-1]


class Reference:
    """One replicate: ``step(state, arrays)`` is a dict of the next state, from what the solver drew."""

    def __init__(self, problem, name, **options):
        solver = make_solver(name, **options)
        self.problem, self.name = problem, name
        self.o = SimpleNamespace(**{key: getattr(solver, key) for key in solver.option_names()})

    def step(self, state, arrays):
        self.queue = list(arrays)
        after = getattr(self, self.name.replace("-", "_"))(SimpleNamespace(**state))
        assert not self.queue, "the solver drew more than the reference knows of"
        return after

    def take(self):
        return self.queue.pop(0)

    def sample(self, level):
        return self.take()[:, 0] if getattr(self.problem, f"{level}_samples") else None

    def value(self, level, z, x, sample=None):
        function = getattr(self.problem, level)
        return float(function(z, x) if sample is None else function(z, x, sample))

    def corrected(self, s, d, steps):
        z, v, x = (getattr(s, n) - step * each for n, step, each in zip("zvx", steps, d, strict=True))
        if self.o.v_radius is not None and np.linalg.norm(v) > self.o.v_radius:
            v = v * self.o.v_radius / np.linalg.norm(v)
        return {"z": z, "v": v, "x": x, "k": s.k + 1, "d_z": d[0], "d_v": d[1], "d_x": d[2],
                "last_z": s.z, "last_v": s.v, "last_x": s.x}  # fmt: skip

    def zo_sogd(self, s):
        o, p, d = self.o, self.problem.p, self.problem.d
        xi, zeta = self.sample("inner"), self.sample("outer")
        r, u, r_F, u_F = ([row / np.linalg.norm(row) for row in self.take()[:, 0]] for _ in range(4))

        def one(level, z, x, move, sample, block):
            ends = [(z + t * move, x) if block == "z" else (z, x + t * move) for t in (1, -1)]
            return self.value(level, *ends[0], sample) - self.value(level, *ends[1], sample)

        def directions(z, v, x):
            D_z, D_v, D_x = np.zeros(p), np.zeros(p), np.zeros(d)
            for i in range(o.l1):
                j = None if xi is None else xi[i]
                D_z += p / (2 * o.l1 * o.rho_r) * one("inner", z, x, o.rho_r * r[i], j, "z") * r[i]
                for t in (1, -1):
                    at, weight = z + t * o.rho_v * v, t / (2 * o.rho_v)
                    D_v += weight * p / (2 * o.l1 * o.rho_r) * one("inner", at, x, o.rho_r * r[i], j, "z") * r[i]
                    D_x += weight * d / (2 * o.l1 * o.rho_s) * one("inner", at, x, o.rho_s * u[i], j, "x") * u[i]
            for i in range(o.l2):
                j = None if zeta is None else zeta[i]
                D_v += p / (2 * o.l2 * o.rho_r) * one("outer", z, x, o.rho_r * r_F[i], j, "z") * r_F[i]
                D_x += d / (2 * o.l2 * o.rho_s) * one("outer", z, x, o.rho_s * u_F[i], j, "x") * u_F[i]
            return D_z, D_v, D_x

        now, old = directions(s.z, s.v, s.x), directions(s.last_z, s.last_v, s.last_x)
        weights = (1.0,) * 3 if s.k == 0 else (o.gamma, o.lam, o.eta)
        kept = (s.d_z, s.d_v, s.d_x)
        new = [n + (1 - w) * (was - b) for n, w, was, b in zip(now, weights, kept, old, strict=True)]
        scale = 1.0 if o.schedule == "constant" else 1 / math.cbrt(s.k + 1)
        return self.corrected(s, new, (scale * o.beta, scale * o.delta, scale * o.alpha))

    def vrzsbo_like(self, s):
        o, problem = self.o, self.problem
        everything = s.k == 0 or not problem.stochastic or o.q == 1
        xi = zeta = None
        if not everything:
            everything = self.take() < o.q
            xi, zeta = self.sample("inner"), self.sample("outer")

        def gradient(level, z, x, block, samples):
            n = problem.p if block == "z" else problem.d
            found = np.zeros(n)
            for sample in [None] if samples is None else samples:
                for i, axis in enumerate(o.nu * np.eye(n)):
                    ends = [(z + t * axis, x) if block == "z" else (z, x + t * axis) for t in (1, -1)]
                    change = self.value(level, *ends[0], sample) - self.value(level, *ends[1], sample)
                    found[i] += change / (2 * o.nu) / (1 if samples is None else len(samples))
            return found

        def directions(z, v, x, xi, zeta):
            h = o.h / max(1.0, float(np.linalg.norm(v)))
            H, C = ((gradient("inner", z + h * v, x, b, xi) - gradient("inner", z - h * v, x, b, xi)) / (2 * h)
                    for b in "zx")  # fmt: skip
            return (gradient("inner", z, x, "z", xi), H + gradient("outer", z, x, "z", zeta),
                    C + gradient("outer", z, x, "x", zeta))  # fmt: skip

        if everything:
            d = directions(s.z, s.v, s.x, None, None)
        else:
            new, old = directions(s.z, s.v, s.x, xi, zeta), directions(s.last_z, s.last_v, s.last_x, xi, zeta)
            d = [was + (a - b) for was, a, b in zip((s.d_z, s.d_v, s.d_x), new, old, strict=True)]
        return self.corrected(s, d, (o.rho, o.rho_v, o.gamma))

    # Descents on the value after an inner run.

    def run(self, z, x):
        for _ in range(self.o.inner_steps):
            slope = np.zeros(self.problem.p)
            for i, axis in enumerate(self.o.h * np.eye(self.problem.p)):
                change = self.value("inner", z + axis, x) - self.value("inner", z - axis, x)
                slope[i] = change / (2 * self.o.h)
            z = z - self.o.alpha * slope
        return z

    def after(self, s, slope, ends, **more):
        gamma = self.o.gamma * (s.k + 1) ** -self.o.power
        return {"z": np.mean(ends, axis=0), "v": s.v, "x": s.x - gamma * slope, "k": s.k + 1, **more}

    def pair(self, s, move, samples=None):
        """The coefficient of one pair, and both ends."""
        eta = self.o.eta * (s.k + 1) ** -self.o.eta_power
        at = [s.x + t * eta * move for t in (1, -1)]
        ends = [self.run(s.z, x) for x in at]
        plus, minus = (
            np.mean([self.value("outer", z, x, j) for j in ([None] if samples is None else samples)])
            for z, x in zip(ends, at, strict=True)
        )  # fmt: skip
        return (plus - minus) / (2 * eta), ends

    def gfm(self, s):
        d, o = self.problem.d, self.o
        units = [row / np.linalg.norm(row) for row in self.take()]
        drawn = [None] * o.q if o.batch is None else self.take()[:, 0].reshape(o.q, o.batch)
        slope, ends = np.zeros(d), []
        for u, samples in zip(units, drawn, strict=True):
            c, both = self.pair(s, u, samples)
            slope, ends = slope + d / o.q * c * u, ends + both
        return self.after(s, slope, ends)

    def orthonormal(self):
        """l uniform orthonormal directions from a normal matrix with these columns."""
        d, l = self.problem.d, self.o.l
        columns = []
        for column in self.take().reshape(d, l).T:
            rest = column - sum((column @ q) * q for q in columns)
            columns.append(rest / np.linalg.norm(rest))
        return columns

    def s_szd(self, s):
        d, o = self.problem.d, self.o
        if o.directions == "orthogonal":
            units = self.orthonormal()
        else:
            order, signs = np.argsort(self.take()), self.take()
            units = [(2 * sign - 1) * np.eye(d)[i] for i, sign in zip(order, signs, strict=False)]
        eta, end = o.eta * (s.k + 1) ** -o.eta_power, self.run(s.z, s.x)
        slope, centre = np.zeros(d), self.value("outer", end, s.x)
        for unit in units:
            column = math.sqrt(d / o.l) * unit
            there = s.x + eta * column
            slope += (self.value("outer", self.run(s.z, there), there) - centre) / eta * column
        return self.after(s, slope, [end])

    def o_zd(self, s):
        d, o = self.problem.d, self.o
        slope, ends = np.zeros(d), []
        for unit in self.orthonormal():
            c, both = self.pair(s, unit)
            slope, ends = slope + d / o.l * c * unit, ends + both
        return self.after(s, slope, ends)

    def mezo_bcd(self, s):
        d = self.problem.d
        size = self.o.block_size or math.ceil(math.sqrt(d))
        first, normal, u = size * int(self.take()[0, 0, 0]), self.take()[0, 0], np.zeros(d)
        u[first : first + size] = normal[: len(u[first : first + size])]
        c, ends = self.pair(s, u)
        return self.after(s, c * u, ends)

    def lozo(self, s):
        o, (m, n) = self.o, (self.problem.d // self.o.columns, self.o.columns)
        V, N = s.basis, s.momentum
        if n > 1 and s.k % o.refresh == 0:
            V = self.take()
            N = N @ s.basis.T @ V / n
        U = self.take()
        c, ends = self.pair(s, (U @ V.T).reshape(m * n))
        N = o.beta * N + (1 - o.beta) * c * U
        return self.after(s, (N @ V.T / o.rank).reshape(m * n), ends, basis=V, momentum=N)
