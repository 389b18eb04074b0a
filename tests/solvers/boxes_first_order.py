"""Algorithm boxes of the first-order loops in plain loops: one replicate, one sample and one client at a time.

They share nothing with the solvers but the derivatives of the problem, and draw in the order of the boxes: where a
solver draws for all replicates, the array is drawn here and a row of it used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

EPS = float(np.finfo(np.float64).eps)


class Box:
    """Derivatives of a problem at single points, with a bound on the rounding of what was computed with them.

    Attributes
    ----------
    largest : largest number seen.
    operations : additions and multiplications that enter one coordinate, at most.
    """

    def __init__(self, problem: Any) -> None:
        self.problem = problem
        self.p, self.d = problem.p, problem.d
        self.largest, self.operations = 1.0, 0

    def see(self, vector: np.ndarray) -> np.ndarray:
        self.largest = max(self.largest, float(np.abs(vector).max()))
        self.operations += 4 * (self.p + self.d)
        return vector

    def mean(self, name: str, *at: np.ndarray, of: Any = None) -> np.ndarray:
        """A derivative, exact or the mean over samples, added up one by one."""
        function = getattr(self.problem, name)
        if of is None:
            return self.see(np.array(function(*at)))
        total = 0.0
        for i in of:
            total = total + self.see(np.array(function(*at, np.array(i))))
        return total / len(of)

    def project(self, x: np.ndarray) -> np.ndarray:
        project = self.problem.capabilities.project_x
        return x if project is None else project(x)

    @property
    def rounding(self) -> float:
        """Of every coordinate: each operation adds eps times what it works on."""
        return self.operations * EPS * self.largest


def draw(rng: np.random.Generator, size: int | None, replicates: int, batch: int, r: int) -> Any:
    """Samples of replicate r, as the oracle draws them; None where the level has none."""
    return None if size is None else rng.integers(size, size=(replicates, batch, 1))[r, :, 0]


def soba(box: Box, z, v, x, rho, gamma, xi, zeta):
    """One step: (z, v, x, |D_x|)."""
    d_z = box.mean("inner_grad_z", z, x, of=xi)
    d_v = box.mean("inner_hvp_zz", z, x, v, of=xi) + box.mean("outer_grad_z", z, x, of=zeta)
    d_x = box.mean("inner_jvp_xz", z, x, v, of=xi) + box.mean("outer_grad_x", z, x, of=zeta)
    return (
        box.see(z - rho * d_z), box.see(v - rho * d_v), box.project(box.see(x - gamma * d_x)), np.linalg.norm(d_x)
    )  # fmt: skip


class Saba:
    """SABA's memory as lists, one entry a sample."""

    QUANTITIES = ("inner_grad_z", "inner_hvp_zz", "inner_jvp_xz", "outer_grad_z", "outer_grad_x")

    def __init__(self, box: Box, z, v, x) -> None:
        self.box = box
        sizes = {"inner": box.problem.inner_samples, "outer": box.problem.outer_samples}
        self.memory = {name: [self.one(name, z, v, x, i) for i in range(sizes[name[:5]])] for name in self.QUANTITIES}

    def one(self, name, z, v, x, i):
        at = (z, x, v) if name.startswith(("inner_hvp", "inner_jvp")) else (z, x)
        return self.box.mean(name, *at, of=[i])

    def step(self, z, v, x, rho, gamma, xi, zeta):
        s = {}
        for name in self.QUANTITIES:
            batch, memory = xi if name.startswith("inner") else zeta, self.memory[name]
            new = [self.one(name, z, v, x, i) for i in batch]
            s[name] = sum(new[k] - memory[i] for k, i in enumerate(batch)) / len(batch) + sum(memory) / len(memory)
            for k, i in enumerate(batch):
                memory[i] = new[k]
        d_v, d_x = s["inner_hvp_zz"] + s["outer_grad_z"], s["inner_jvp_xz"] + s["outer_grad_x"]
        return z - rho * s["inner_grad_z"], v - rho * d_v, self.box.project(x - gamma * d_x), np.linalg.norm(d_x)


def f2sa(box: Box, z, y, x, alpha, gamma, xi, lam, T, inner: Callable[[], Any], outer: Callable[[], Any]):
    """One step: (z, lam (y - z), x, y, |D_x|); ``inner`` and ``outer`` give the samples of the next gradient."""
    for _ in range(T):
        slope_f = box.mean("outer_grad_z", y, x, of=outer())
        slope_g = box.mean("inner_grad_z", y, x, of=inner())
        new_y = box.see(y - alpha * (slope_f + lam * slope_g))
        z = box.see(z - gamma * box.mean("inner_grad_z", z, x, of=inner()))
        y = new_y
    direct = box.mean("outer_grad_x", y, x, of=outer())
    at_y, at_z = (box.mean("inner_grad_x", point, x, of=inner()) for point in (y, z))
    d_x = box.see(direct + lam * (at_y - at_z))
    return z, lam * (y - z), box.project(x - xi * alpha * d_x), y, np.linalg.norm(d_x)


def meha(box: Box, x, y, theta, alpha, beta, eta, gamma, c):
    """One step: (y, c (y - theta), x, theta, c |D_x|), with f and g apart where the problem has them apart."""
    offered, problem = box.problem.capabilities, box.problem
    split = offered.inner_prox is not None
    f_y = offered.inner_smooth_grad_z if split else problem.inner_grad_z

    def phi_x(y, x):
        return (
            offered.inner_smooth_grad_x(y, x) + offered.inner_rest_grad_x(y, x) if split else problem.inner_grad_x(y, x)
        )

    def prox(y, x, step):
        if split:
            return offered.inner_prox(y, x, step)
        return y if offered.project_z is None else offered.project_z(y)

    theta = prox(box.see(theta - eta * (box.see(f_y(theta, x)) + (theta - y) / gamma)), x, eta)
    d_x = box.mean("outer_grad_x", y, x) / c + box.see(phi_x(y, x)) - box.see(phi_x(theta, x))
    x = box.project(box.see(x - alpha * d_x))
    d_y = box.mean("outer_grad_z", y, x) / c + box.see(f_y(y, x)) - (y - theta) / gamma
    y = prox(box.see(y - beta * d_y), x, beta)
    return y, c * (y - theta), x, theta, c * np.linalg.norm(d_x)


def fednest(box: Box, y, x, option: dict[str, Any], drawn: Callable[[int, int], Any]):
    """One step: (y, v, x, |h|); ``drawn(size, client)`` gives a client's batch of the next local step, or None."""
    n, N, eta = option["clients"], option["N"], option["eta"]
    held_g = [range(i, box.problem.inner_samples, n) for i in range(n)]
    held_f = [range(i, box.problem.outer_samples, n) for i in range(n)]

    def local(name, anchor, fixed, average, size, held, steps, step):
        """Local steps of all clients from one anchor: the average of where they end."""
        at = (lambda point: (point, fixed)) if name.endswith("z") else (lambda point: (fixed, point))
        points = [anchor for _ in range(n)]
        for _ in range(steps):
            batches = [drawn(size, i) for i in range(n)]
            for i in range(n):
                batch = held[i] if batches[i] is None else batches[i]
                correction = box.mean(name, *at(points[i]), of=batch) - box.mean(name, *at(anchor), of=batch)
                points[i] = box.see(points[i] - step * (correction + average))
        return sum(points) / n

    for _ in range(option["T"]):
        q = sum(box.mean("inner_grad_z", y, x, of=held_g[i]) for i in range(n)) / n
        y = local("inner_grad_z", y, x, q, box.problem.inner_samples, held_g, option["tau"], option["beta"])
    term = sum(box.mean("outer_grad_z", y, x, of=held_f[i]) for i in range(n)) / n
    series = term
    for _ in range(N):
        term = sum(term - eta * box.mean("inner_hvp_zz", y, x, term, of=held_g[i]) for i in range(n)) / n
        series = box.see(series + term)
    v = -eta * series
    h = sum(
        box.mean("outer_grad_x", y, x, of=held_f[i]) + box.mean("inner_jvp_xz", y, x, v, of=held_g[i])
        for i in range(n)
    ) / n  # fmt: skip
    x = local("outer_grad_x", x, y, h, box.problem.outer_samples, held_f, option["tau_x"], option["alpha"])
    return y, v, box.project(x), np.linalg.norm(h)
