"""Small local problems, so that the tests of the engine need no catalogue, and the tools they share."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from zoba_bench.problem import BilevelProblem
from zoba_bench.result import Result

EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Objective:
    """N functions z'Az/2 + x'Cz + x'Bx/2 + a'z + b'x + wave sin(a'z + b'x), and their mean.

    Attributes
    ----------
    A (N, p, p), B (N, d, d) symmetric; C (N, d, p); a (N, p); b (N, d); wave : float
    calls : list of the leading shapes of every call.
    """

    A: np.ndarray
    B: np.ndarray
    C: np.ndarray
    a: np.ndarray
    b: np.ndarray
    wave: float = 0.0
    calls: list[tuple[int, ...]] = field(default_factory=list)

    def __call__(self, z: np.ndarray, x: np.ndarray, sample: Any = None) -> np.ndarray:
        self.calls.append(np.broadcast_shapes(z.shape[:-1], x.shape[:-1], () if sample is None else np.shape(sample)))
        return self._value(z, x, sample, self)

    def _value(self, z: np.ndarray, x: np.ndarray, sample: Any, o: Objective) -> np.ndarray:
        if sample is None:
            A, B, C, a, b = (np.mean(array, axis=0) for array in (o.A, o.B, o.C, o.a, o.b))
        else:
            A, B, C, a, b = (array[sample] for array in (o.A, o.B, o.C, o.a, o.b))
        linear = np.einsum("...i,...i->...", a, z) + np.einsum("...i,...i->...", b, x)
        quadratic = 0.5 * np.einsum("...i,...ij,...j->...", z, A, z)
        quadratic = quadratic + 0.5 * np.einsum("...i,...ij,...j->...", x, B, x)
        quadratic = quadratic + np.einsum("...i,...ij,...j->...", x, C, z)
        return quadratic + linear + o.wave * np.sin(linear)

    def magnitude(self, z: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Sum of the absolute values of all terms, which bounds rounding: |fl(q) - q| <= n eps magnitude.

        n is the number of operations, below 4 (p + d)^2. An error of the linear form of size n eps |.| passes
        through the sine with a factor of at most wave.
        """
        absolute = Objective(*(np.abs(array).max(axis=0)[None] for array in (self.A, self.B, self.C, self.a, self.b)))
        value = self._value(np.abs(z), np.abs(x), None, absolute)
        return (1 + self.wave) * value + self.wave

    def rounding(self, z: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Bound on the rounding error of one value at points in the box |z|, |x|."""
        return 4 * (z.shape[-1] + x.shape[-1]) ** 2 * EPS * self.magnitude(z, x)


def objective(p: int, d: int, seed: int, n: int = 1, wave: float = 0.0, cross: float = 1.0) -> Objective:
    """Random objective whose blocks A and B have spectra above 1 in every sample, C not symmetric."""
    rng = np.random.default_rng([seed, p, d, n])

    def definite(size: int) -> np.ndarray:
        root = rng.standard_normal((n, size, size)) / math.sqrt(size)
        return np.eye(size) + root @ root.transpose(0, 2, 1)

    return Objective(
        A=definite(p),
        B=definite(d),
        C=cross * rng.standard_normal((n, d, p)),
        a=rng.standard_normal((n, p)),
        b=rng.standard_normal((n, d)),
        wave=wave,
    )


def bilevel(
    p: int = 3,
    d: int = 2,
    seed: int = 0,
    *,
    inner_samples: int | None = None,
    outer_samples: int | None = None,
    wave: float = 0.0,
    **changes: Any,
) -> BilevelProblem:
    """A bilevel problem of two random objectives; with closed forms where ``wave`` is 0.

    The cross blocks are small (0.2), so that Hess Psi is positive definite; it is checked.
    """
    inner = objective(p, d, 2 * seed, inner_samples or 1, wave, cross=0.2)
    outer = objective(p, d, 2 * seed + 1, outer_samples or 1, wave, cross=0.2)
    forms: dict[str, Any] = {}
    if wave == 0:
        A, C, a = inner.A.mean(0), inner.C.mean(0), inner.a.mean(0)
        R, H, K, r, t = (array.mean(0) for array in (outer.A, outer.B, outer.C, outer.a, outer.b))
        A_inverse = np.linalg.inv(A)

        def inner_solution(x: np.ndarray) -> np.ndarray:
            return -(x @ C + a) @ A_inverse

        def adjoint(x: np.ndarray) -> np.ndarray:
            return -(inner_solution(x) @ R + x @ K + r) @ A_inverse

        def hypergradient(x: np.ndarray) -> np.ndarray:
            return x @ H + inner_solution(x) @ K.T + t + adjoint(x) @ C.T

        def value(x: np.ndarray) -> np.ndarray:
            return outer._value(inner_solution(x), x, None, outer)

        hessian = np.stack([hypergradient(e) for e in np.eye(d)]) - hypergradient(np.zeros(d))
        assert np.linalg.eigvalsh(hessian).min() > 0
        minimizer = -np.linalg.solve(hessian, hypergradient(np.zeros(d)))
        forms = {
            "inner_solution": inner_solution,
            "adjoint": adjoint,
            "hypergradient": hypergradient,
            "value": value,
            "minimizer": minimizer,
            "minimum": float(value(minimizer)),
        }
    return BilevelProblem.from_functions(
        outer, inner, p, d, name="local", inner_samples=inner_samples, outer_samples=outer_samples,
        **(forms | changes),
    )  # fmt: skip


def points(calls: list[tuple[int, ...]]) -> int:
    """Evaluations in recorded calls, counted without the oracle."""
    return sum(math.prod(shape) for shape in calls)


@pytest.fixture(scope="session", name="objective")
def _objective() -> Callable[..., Objective]:
    return objective


@pytest.fixture(scope="session", name="bilevel")
def _bilevel() -> Callable[..., BilevelProblem]:
    return bilevel


@pytest.fixture(scope="session", name="points")
def _points() -> Callable[[list[tuple[int, ...]]], int]:
    return points


@pytest.fixture(scope="session")
def start() -> Callable[[BilevelProblem], dict[str, np.ndarray]]:
    """Keywords of ``run`` for a fixed start away from the solution."""

    def keywords(problem: BilevelProblem) -> dict[str, np.ndarray]:
        return {"z0": np.full(problem.p, 0.5), "x0": np.full(problem.d, -1.5)}

    return keywords


@pytest.fixture(scope="session")
def same_run() -> Callable[[Result, Result], None]:
    """Assert that two runs agree bit by bit."""

    def check(first: Result, second: Result) -> None:
        for name in ("x", "z", "v", "status", "nit", "n_inner", "n_outer"):
            left, right = getattr(first, name), getattr(second, name)
            assert np.array_equal(left, right), f"{name}: {left} against {right}"

    return check
