"""Slow references of the two-loop methods, problems with gradients, and generators that record or replay."""

from __future__ import annotations

import inspect
import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from zoba_bench.problem.capabilities import Capabilities
from zoba_bench.registry import make_solver

NAMES = ("zdsba", "zmdsba", "zo-penalty", "pzobo", "hozog")
VALUES_ONLY = ("zdsba", "zmdsba", "zo-penalty")
EPS = float(np.finfo(np.float64).eps)


def gradient(objective, block: str):
    """G_z or G_x of an ``Objective`` of the engine's tests, of single samples or of the mean."""

    def function(z, x, sample=None):
        o = objective
        if sample is None:
            A, B, C, a, b = (array.mean(axis=0) for array in (o.A, o.B, o.C, o.a, o.b))
        else:
            A, B, C, a, b = (array[sample] for array in (o.A, o.B, o.C, o.a, o.b))
        linear = np.einsum("...i,...i->...", a, z) + np.einsum("...i,...i->...", b, x)
        slope = (1 + o.wave * np.cos(linear))[..., None]
        if block == "z":
            return np.einsum("...ij,...j->...i", A, z) + np.einsum("...ij,...i->...j", C, x) + slope * a
        return np.einsum("...ij,...j->...i", B, x) + np.einsum("...ij,...j->...i", C, z) + slope * b

    return function


def with_gradients(problem):
    """The same problem with the gradients that first-order methods ask for, of every sample."""
    return replace(
        problem,
        inner_grad_z=gradient(problem.inner, "z"),
        outer_grad_z=gradient(problem.outer, "z"),
        outer_grad_x=gradient(problem.outer, "x"),
        # Of the mean, for what is expected of a step; only where that is quadratic.
        inner_hvp_zz=lambda z, x, v: v @ problem.inner.A.mean(axis=0),
        inner_jvp_xz=lambda z, x, v: v @ problem.inner.C.mean(axis=0).T,
        capabilities=Capabilities(sampled_derivatives=problem.stochastic),
    )


def mean_step(problem, solver, z, v, x, k=0):
    """(z, v, x) in the mean after a step, on quadratics: the same iteration with the problem's exact derivatives.

    Every query is affine in what is random, and directions and samples are fresh in each.
    """
    F_z, F_x, G_z = problem.outer_grad_z, problem.outer_grad_x, problem.inner_grad_z
    if solver.name in ("zdsba", "zmdsba"):
        for t in range(solver.t_k):
            z = z - solver.beta * decay(solver, t) * G_z(z, x)
        q = np.zeros_like(z)
        for t in range(solver.b_k):
            q = q - solver.gamma * decay(solver, t) * (problem.inner_hvp_zz(z, x, q) - F_z(z, x))
        return z, -q, x - solver.alpha * decay(solver, k) * (F_x(z, x) - problem.inner_jvp_xz(z, x, q))
    if solver.name == "zo-penalty":
        y = z + v / solver.lam
        for t in range(solver.T_b):
            beta = solver.beta * decay(solver, t)
            y, z = y - beta * (F_z(y, x) / solver.lam + G_z(y, x)), z - beta * G_z(z, x)
        v = solver.lam * (y - z)
        return z, v, x - solver.alpha * decay(solver, k) * (F_x(y, x) + problem.inner_jvp_xz(z, x, v))
    # PZOBO: the slope of the end of the run, a row for each component of x, from zero.
    slope, axes = np.zeros((problem.d, problem.p)), np.eye(problem.d)
    for _ in range(solver.N):
        cross = np.array([G_z(z, x + axis) - G_z(z, x) for axis in axes])
        slope = slope - solver.alpha * (cross + problem.inner_hvp_zz(z, x, slope))
        z = z - solver.alpha * G_z(z, x)
    return z, v, x - solver.beta * (F_x(z, x) + slope @ F_z(z, x))


class Recording:
    """A generator that remembers what it gave."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng, self.drawn = rng, []

    def standard_normal(self, shape):
        self.drawn.append(self.rng.standard_normal(shape))
        return self.drawn[-1]

    def integers(self, high, size):
        self.drawn.append(self.rng.integers(high, size=size))
        return self.drawn[-1]


class Replay:
    """A generator that gives arrays in turn: those of one replicate if ``r`` is a number."""

    def __init__(self, arrays, r: int | None = None) -> None:
        self.arrays, self.r = iter(arrays), r

    def _next(self, shape):
        array = next(self.arrays)
        array = array if self.r is None else array[[self.r]]
        assert array.shape == tuple(shape)
        return array

    def standard_normal(self, shape):
        return self._next(shape)

    def integers(self, high, size):
        return self._next(size)


def decay(o: Any, t: int) -> float:
    return 1.0 if o.schedule == "constant" else 1 / math.sqrt(t + 1)


class Reference:
    """The algorithm boxes with one scalar, one direction and one replicate at a time.

    Attributes
    ----------
    noise : generator of the signs with which every value and gradient is moved by its rounding bound; None for none.
    """

    def __init__(self, problem, name: str, **options: Any) -> None:
        self.problem, self.name = problem, name
        solver = make_solver(name, **options)
        self.o = SimpleNamespace(**{key: getattr(solver, key) for key in solver.option_names()})
        if getattr(self.o, "eta", 0.0) is None:
            self.o.eta = self.o.h
        self.noise: np.random.Generator | None = None

    def run(self, drawn, r: int, z, v, x, k: int = 0):
        """(z, v, x, estimate) of replicate r after the iterations whose draws are listed, from iteration k."""
        method = {"zdsba": self.zmdsba}.get(self.name) or getattr(self, self.name.replace("-", "_"))
        estimate, origin = 0.0, z
        for i, arrays in enumerate(drawn):
            self.queue = [array[r] for array in arrays]
            z, v, x, estimate = method(origin if self.name == "hozog" else z, v, x, k + i)
            assert not self.queue, "the solver drew more than the reference knows of"
        return z, v, x, np.array([estimate])

    def compare(self, drawn, r: int, z, v, x, k: int = 0):
        """What :meth:`run` returns, and how far rounding may move it.

        Errors are carried on linearly, so the largest effect of n errors of any sign is at most sqrt(n) times the
        root mean square effect of random signs. Three runs measure that; 30 is 10 for n = 100 values and 3 for chance.
        """
        expected = self.run(drawn, r, z, v, x, k)
        limits = [64 * EPS * np.abs(part).max() for part in expected]
        for seed in range(3):
            self.noise = np.random.default_rng(seed)
            moved = self.run(drawn, r, z, v, x, k)
            limits = [max(n, 30 * np.abs(a - b).max()) for n, a, b in zip(limits, moved, expected, strict=True)]
        self.noise = None
        return dict(zip(("z", "v", "x", "estimate"), zip(expected, limits, strict=True), strict=True))

    def rounded(self, number, objective, z, x):
        if self.noise is None:
            return number
        # A component of a gradient has terms of the objective at a point that is larger by 1.
        bound = inspect.unwrap(objective).rounding(np.abs(z) + np.ndim(number), np.abs(x) + np.ndim(number))
        return number + bound * self.noise.choice([-1.0, 1.0], size=np.shape(number))

    def gradient(self, name: str, z, x, samples=None):
        """A gradient, or its mean over samples."""
        function, objective = getattr(self.problem, name), getattr(self.problem, name[:5])
        found = function(z, x) if samples is None else np.mean([function(z, x, s) for s in samples], axis=0)
        return self.rounded(found, objective, z, x)

    def take(self):
        return self.queue.pop(0)

    def sample(self, number):
        return self.take()[:, 0] if number is not None else None

    def value(self, level: str, z, x, sample=None) -> float:
        function = getattr(self.problem, level)
        value = float(function(z, x) if sample is None else function(z, x, sample))
        return float(self.rounded(value, function, z, x))

    def zmdsba(self, z, v, x, k):
        o, inner, outer = self.o, self.problem.inner_samples, self.problem.outer_samples
        joint = o.moves == "joint"

        def draw(samples, number=1):
            xi = self.sample(samples)
            w, u = self.take().reshape(number, -1), self.take().reshape(number, -1)
            return [(None if xi is None else xi[j], w[j], u[j]) for j in range(number)]

        for t in range(o.t_k):
            ((xi, w, u),) = draw(inner)
            moved = self.value("inner", z + o.h * w, x + o.eta * u if joint else x, xi)
            z = z - o.beta * decay(o, t) * (moved - self.value("inner", z, x, xi)) / o.h * w
        q = np.zeros_like(z)
        for t in range(o.b_k):
            ((xi, w, u),) = draw(inner)
            both = self.value("inner", z + o.h * w, x + o.eta * u, xi)
            both += self.value("inner", z - o.h * w, x - o.eta * u, xi) - 2 * self.value("inner", z, x, xi)
            hessian = both / (2 * o.h**2) * (np.outer(w, w) - np.eye(len(w)))
            ((zeta, w, u),) = draw(outer)
            moved = self.value("outer", z + o.h * w, x + o.eta * u if joint else x, zeta)
            f_z = (moved - self.value("outer", z, x, zeta)) / o.h * w
            q = q - o.gamma * decay(o, t) * (hessian @ q - f_z)
        f_x, cross = np.zeros_like(x), np.zeros((len(x), len(z)))
        for zeta, w, u in draw(outer, o.s_k):
            moved = self.value("outer", z + o.h * w if joint else z, x + o.eta * u, zeta)
            f_x += (moved - self.value("outer", z, x, zeta)) / o.eta * u / o.s_k
        for xi, w, u in draw(inner, o.s_k):
            both = self.value("inner", z + o.h * w, x + o.eta * u, xi)
            both += self.value("inner", z - o.h * w, x - o.eta * u, xi) - 2 * self.value("inner", z, x, xi)
            cross += both / (2 * o.eta * o.h) * np.outer(u, w) / o.s_k
        direction = f_x - cross @ q
        return z, -q, x - o.alpha * decay(o, k) * direction, np.linalg.norm(direction)

    def zo_penalty(self, z, v, x, k):
        o, inner, outer = self.o, self.problem.inner_samples, self.problem.outer_samples
        y = z + v / o.lam
        for t in range(o.T_b):
            xi, zeta = self.sample(inner), self.sample(outer)
            xi, zeta = (None if s is None else s[0] for s in (xi, zeta))
            w = self.take()[0, 0]
            g_z = (self.value("inner", z + o.h * w, x, xi) - self.value("inner", z, x, xi)) / o.h
            g_y = (self.value("inner", y + o.h * w, x, xi) - self.value("inner", y, x, xi)) / o.h
            f_y = (self.value("outer", y + o.h * w, x, zeta) - self.value("outer", y, x, zeta)) / o.h
            beta = o.beta * decay(o, t)
            z = z - beta * g_z * w
            y = y - beta * (f_y / o.lam + g_y) * w
        xi, zeta = self.sample(inner), self.sample(outer)
        xi, zeta = (None if s is None else s[0] for s in (xi, zeta))
        direction = np.zeros_like(x)
        for u in self.take()[0]:
            f_y = (self.value("outer", y, x + o.eta * u, zeta) - self.value("outer", y, x, zeta)) / o.eta
            g_y = (self.value("inner", y, x + o.eta * u, xi) - self.value("inner", y, x, xi)) / o.eta
            g_z = (self.value("inner", z, x + o.eta * u, xi) - self.value("inner", z, x, xi)) / o.eta
            direction += (f_y + o.lam * (g_y - g_z)) * u / o.l
        return z, o.lam * (y - z), x - o.alpha * decay(o, k) * direction, np.linalg.norm(direction)

    def descend(self, z, x, steps, samples=None):
        """Gradient descent on G(., x), on the mean over given samples of each step."""
        for t in range(steps):
            z = z - self.o.alpha * self.gradient("inner_grad_z", z, x, None if samples is None else samples[t])
        return z

    def pzobo(self, z, v, x, k):
        o = self.o
        draws, factor = self.take()[0], 1
        if o.directions == "sphere":
            draws, factor = draws / np.linalg.norm(draws, axis=1)[:, None], len(x)
        samples = None if o.batch is None else [self.take()[:, 0] for _ in range(o.N)]
        zeta = None if o.batch is None else self.take()[:, 0]
        end = self.descend(z, x, o.N, samples)
        f_z, direction = (self.gradient(f"outer_grad_{block}", end, x, zeta) for block in "zx")
        for u in draws:
            delta = (self.descend(z, x + o.eta * u, o.N, samples) - end) / o.eta
            direction = direction + factor * (delta @ f_z) * u / o.Q
        return end, v, x - o.beta * direction, np.linalg.norm(direction)

    def hozog(self, z, v, x, k):
        """One step, z being the origin of the trainings."""
        o = self.o
        draws = self.take()[0]
        end = self.descend(z, x, o.inner_steps)
        value, direction = self.value("outer", end, x), np.zeros_like(x)
        for u in draws / np.linalg.norm(draws, axis=1)[:, None]:
            there = x + o.eta * u
            moved = self.value("outer", self.descend(z, there, o.inner_steps), there)
            direction += len(x) / o.q * (moved - value) / o.eta * u
        return end, v, x - o.gamma * direction, np.linalg.norm(direction)
