"""A bilevel problem with known constants, the three algorithms on it, and the steps of a theorem at numbers."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

KINDS = ("outer_gradient", "inner_gradient", "jvp", "hvp")
COLUMNS = {
    "outer_gradient": ("outer_grad_z", "outer_grad_x"), "inner_gradient": ("inner_grad_z",),
    "jvp": ("inner_jvp_xz",), "hvp": ("inner_hvp_zz",),
}  # fmt: skip


def step_of(theorem, name):
    (found,) = (step for step in theorem.steps if step.name == name)
    return found


def at(expression, **numbers):
    return float(expression.subs({s: numbers[str(s)] for s in expression.free_symbols}))


def value(theorem, name, **numbers):
    """Right-hand side of a step at numbers for its symbols, by name."""
    return at(step_of(theorem, name).statement.rhs, **numbers)


def spd(rng, n, low, high):
    q, _ = np.linalg.qr(rng.standard_normal((n, n)))
    spectrum = np.concatenate([[low, high], rng.uniform(low, high, n - 2)])
    return q * spectrum @ q.T


@dataclass
class Counted:
    """g = y'Ay/2 + x'Cy, f = scale * sum log cosh(w_i'(x, y) - c_i); derivatives with a count of each kind."""

    seed: int = 0
    n: int = 3
    m: int = 2
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))

    def __post_init__(self):
        rng = np.random.default_rng(self.seed)
        self.A = spd(rng, self.n, 0.4, 1.0)
        self.C = rng.standard_normal((self.m, self.n))
        self.C *= 0.5 / np.linalg.norm(self.C, 2)
        self.w = rng.standard_normal((4, self.m + self.n)) / 3
        self.c = rng.standard_normal(4)
        zero = np.zeros((self.m, self.m))
        # L bounds the full Hessians of g and of f, M the gradient of f.
        self.L = max(np.linalg.norm(np.block([[zero, self.C], [self.C.T, self.A]]), 2), np.linalg.norm(self.w, 2) ** 2)
        self.M = float(np.linalg.norm(self.w, axis=1).sum())
        self.mu = 0.4
        self.x_0, self.y_0, self.v_0 = rng.standard_normal(self.m), rng.standard_normal(self.n), np.zeros(self.n)

    def value(self, x, y):
        return float(np.log(np.cosh(self.w @ np.concatenate([x, y]) - self.c)).sum())

    def inner_gradient(self, x, y):
        self.counts["inner_gradient"] += 1
        return self.A @ y + self.C.T @ x

    def outer_gradient(self, x, y):
        self.counts["outer_gradient"] += 1
        return np.split(self.w.T @ np.tanh(self.w @ np.concatenate([x, y]) - self.c), [self.m])

    def hvp(self, u):
        self.counts["hvp"] += 1
        return self.A @ u

    def jvp(self, u):
        self.counts["jvp"] += 1
        return self.C @ u

    def solution(self, x):
        y = -np.linalg.solve(self.A, self.C.T @ x)
        f_x, f_y = np.split(self.w.T @ np.tanh(self.w @ np.concatenate([x, y]) - self.c), [self.m])
        v = np.linalg.solve(self.A, f_y)
        return y, v, f_x - self.C @ v

    @property
    def constants(self):
        return {"L": self.L, "mu": self.mu, "M": self.M, "tau": 0.0, "rho": 0.0, "kappa": self.L / self.mu}


def cg(apply, target, v, steps):
    residual = target - apply(v)
    direction = residual
    for _ in range(steps):
        image, square = apply(direction), residual @ residual
        # Residuals reach zero long before the proved number of steps; a step of length 0 keeps the count.
        length = square / (direction @ image) if square > 1e-28 else 0.0
        v = v + length * direction
        residual = residual - length * image
        direction = residual + (residual @ residual / square if square > 1e-28 else 0.0) * direction
    return v


def inner_loop(problem, x, y, steps):
    path = [y]
    for _ in range(steps):
        path.append(path[-1] - problem.inner_gradient(x, path[-1]) / problem.L)
    return path


def aid_direction(problem, x, y, v, D, N):
    y = inner_loop(problem, x, y, D)[-1]
    f_x, f_y = problem.outer_gradient(x, y)
    v = cg(problem.hvp, f_y, v, N)
    return f_x - problem.jvp(v), y, v


def itd_direction(problem, x, y, D):
    """Reverse differentiation of the unrolled loop; the Hessian here does not depend on y."""
    path = inner_loop(problem, x, y, D)
    f_x, r = problem.outer_gradient(x, path[-1])
    total = np.zeros_like(f_x)
    for t in reversed(range(D)):
        total += problem.jvp(r)
        if t:
            r = r - problem.hvp(r) / problem.L
    return f_x - total / problem.L, path[-1]
