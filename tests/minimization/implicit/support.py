"""Problems with known solutions for the deterministic method, counted values with noise, rounding and offsets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from zoba_bench.minimization.implicit import minimize_implicit
from zoba_bench.minimization.implicit.noise import Level
from zoba_bench.minimization.outcome import Exhausted, Outcome


@dataclass
class Pair:
    """F and G for points with leading axes, a start, and the minimiser of Psi where there is one."""

    outer: Any
    inner: Any
    z0: Any
    x0: Any
    minimizer: Any = None


@dataclass
class Counted:
    """Values as a method gets them: counted, limited, and changed by noise, by an offset and by rounding."""

    pair: Pair
    noise: dict[str, float] = field(default_factory=dict)
    offset: dict[str, float] = field(default_factory=dict)
    rounded: dict[str, Callable[[np.ndarray], np.ndarray]] = field(default_factory=dict)
    budget: int | None = None
    seed: int = 0
    counts: dict[str, int] = field(default_factory=lambda: {"outer": 0, "inner": 0})
    batches: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def outer(self, Z: np.ndarray, X: np.ndarray) -> np.ndarray:
        return self._values("outer", Z, X)

    def inner(self, Z: np.ndarray, X: np.ndarray) -> np.ndarray:
        return self._values("inner", Z, X)

    def both(self, outer, inner) -> tuple[np.ndarray, np.ndarray]:
        return self.outer(*outer), self.inner(*inner)

    def _values(self, level: str, Z: np.ndarray, X: np.ndarray) -> np.ndarray:
        assert len(Z) == len(X)
        if self.budget is not None and self.total + len(Z) > self.budget:
            raise Exhausted
        self.counts[level] += len(Z)
        self.batches.append(len(Z))
        with np.errstate(all="ignore"):
            values = np.broadcast_to(np.asarray(getattr(self.pair, level)(Z, X), dtype=float), len(Z)).copy()
        values += self.offset.get(level, 0.0)
        if level in self.noise:
            values += self.noise[level] * self.rng.standard_normal(len(Z))
        return self.rounded[level](values) if level in self.rounded else values


def solve(pair: Pair, tol: float = 1e-2, **options: Any) -> tuple[Outcome, Counted]:
    """A run, and the values that it asked for."""
    own = {name: options.pop(name) for name in ("noise", "offset", "rounded", "budget", "seed") if name in options}
    values = Counted(pair, **own)
    start = np.array(pair.z0, dtype=float), np.array(pair.x0, dtype=float)
    return minimize_implicit(values, *start, tol=tol, **options), values


def levels(pair: Pair) -> tuple[Level, Level]:
    """F and G as the method sees them, in units of 1."""
    values, p, d = Counted(pair), len(pair.z0), len(pair.x0)
    F, G = (Level(values, name, np.ones(p), np.ones(d)) for name in ("outer", "inner"))
    return F, G


def error(outcome: Outcome, pair: Pair) -> float:
    return float(np.linalg.norm(outcome.x - pair.minimizer))


def total(a: np.ndarray) -> np.ndarray:
    return np.sum(a, axis=-1)


def spectrum(rng: np.random.Generator, n: int, condition: float) -> np.ndarray:
    rotation, _ = np.linalg.qr(rng.standard_normal((n, n)))
    return (rotation * np.geomspace(1.0, condition, n)) @ rotation.T


def quadratic(p: int, d: int, seed: int = 0, condition: float = 10.0) -> Pair:
    """F and G quadratic, F with a linear term that puts the minimiser where v* is not zero."""
    rng = np.random.default_rng(seed)
    A, B = spectrum(rng, p, condition), spectrum(rng, d, 5.0)
    M, target = rng.standard_normal((p, d)) / np.sqrt(max(p, d)), rng.standard_normal(p)
    minimizer = rng.standard_normal(d) / np.sqrt(d)
    linear = M.T @ (M @ minimizer - target) + B @ minimizer

    def inner(z, x):
        u = z - x @ M.T
        return 0.5 * total((u @ A) * u) + 0.3 * total(x**2)

    def outer(z, x):
        return 0.5 * total((z - target) ** 2) + 0.5 * total((x @ B) * x) - x @ linear

    return Pair(outer, inner, 0.3 * rng.standard_normal(p), rng.standard_normal(d), minimizer)


def curved(p: int, d: int, seed: int = 0) -> Pair:
    """z*(x) = log cosh(M x), G not quadratic in z; Psi is convex near the minimiser."""
    rng = np.random.default_rng(seed)
    M = rng.standard_normal((p, d)) / np.sqrt(d)
    target, minimizer = -np.abs(rng.standard_normal(p)), rng.standard_normal(d)

    def log_cosh(u):
        return np.logaddexp(u, -u) - np.log(2.0)

    z_star = log_cosh(M @ minimizer)
    linear = M.T @ (np.tanh(M @ minimizer) * (z_star - target)) + 2.0 * minimizer

    def inner(z, x):
        residual = z - log_cosh(x @ M.T)
        return total(0.5 * residual**2 + 2.0 * log_cosh(residual))

    def outer(z, x):
        return 0.5 * total((z - target) ** 2) + total(x**2) - x @ linear

    return Pair(outer, inner, rng.standard_normal(p), rng.standard_normal(d), minimizer)


def follow(outer: Any, z0: Any, x0: Any, minimizer: Any = None) -> Pair:
    """z*(x) = x."""
    return Pair(outer, lambda z, x: 0.5 * total((z - x) ** 2), z0, x0, minimizer)


def simple() -> Pair:
    """G = |z - x|^2 / 2, F = |z - 1|^2 / 2 + 0.05 |x|^2 from (3, 2): x* = 1 / 1.1."""
    return follow(lambda z, x: 0.5 * total((z - 1) ** 2) + 0.05 * total(x**2), [0, 0], [3, 2], np.full(2, 1 / 1.1))
