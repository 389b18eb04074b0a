"""Small local problems with derivatives of single samples, each of which records its calls."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from zoba_bench.problem import BilevelProblem
from zoba_bench.problem.capabilities import Capabilities

from ..engine.conftest import Objective, bilevel

DERIVATIVES = (
    "inner_grad_z", "inner_grad_x", "outer_grad_z", "outer_grad_x", "inner_hvp_zz", "inner_jvp_xz", "inner_jvp_zx",
)  # fmt: skip


class Derivative:
    """One derivative of an objective as a function of (z, x[, vector], sample=None), with its calls.

    Attributes
    ----------
    calls : list of the leading shape of every call, and whether it asked for the mean over samples.
    """

    def __init__(self, formula: Callable[..., np.ndarray], objective: Objective) -> None:
        self.formula, self.objective = formula, objective
        self.calls: list[tuple[tuple[int, ...], bool]] = []

    def __call__(self, z: np.ndarray, x: np.ndarray, *rest: Any, sample: Any = None) -> np.ndarray:
        vectors = [r for r in rest if np.asarray(r).dtype == np.float64]
        sample = next((r for r in rest if np.asarray(r).dtype != np.float64), sample)
        shape = np.broadcast_shapes(z.shape[:-1], x.shape[:-1], () if sample is None else np.shape(sample))
        self.calls.append((shape, sample is None))
        A, B, C, a, b = blocks(self.objective, sample)
        z, x = (np.broadcast_to(y, (*shape, y.shape[-1])) for y in (z, x))
        phase = np.einsum("...i,...i->...", a, z) + np.einsum("...i,...i->...", b, x)
        wave = self.objective.wave * np.cos(phase)[..., None], self.objective.wave * np.sin(phase)[..., None]
        return self.formula((A, B, C, a, b), wave, z, x, *vectors)

    def points(self) -> int:
        """Evaluations in the recorded calls: a mean counts each of its samples."""
        return sum(math.prod(shape) * (len(self.objective.A) if mean else 1) for shape, mean in self.calls)


def blocks(objective: Objective, sample: Any) -> list[np.ndarray]:
    """A, B, C, a, b of the samples, or their means."""
    arrays = (getattr(objective, name) for name in "ABCab")
    return [array.mean(axis=0) if sample is None else array[sample] for array in arrays]


def apply(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    return np.einsum("...ij,...j->...i", matrix, vector)


def along(left: np.ndarray, right: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """left right' vector."""
    return left * np.einsum("...i,...i->...", right, vector)[..., None]


def _grad_z(o: Any, wave: Any, z: np.ndarray, x: np.ndarray) -> np.ndarray:
    A, _, C, a, _ = o
    return apply(A, z) + apply(np.swapaxes(C, -1, -2), x) + a * (1 + wave[0])


def _grad_x(o: Any, wave: Any, z: np.ndarray, x: np.ndarray) -> np.ndarray:
    _, B, C, _, b = o
    return apply(B, x) + apply(C, z) + b * (1 + wave[0])


def _hvp_zz(o: Any, wave: Any, z: np.ndarray, x: np.ndarray, v: np.ndarray) -> np.ndarray:
    A, _, _, a, _ = o
    return apply(A, v) - along(a, a, v) * wave[1]


def _jvp_xz(o: Any, wave: Any, z: np.ndarray, x: np.ndarray, v: np.ndarray) -> np.ndarray:
    _, _, C, a, b = o
    return apply(C, v) - along(b, a, v) * wave[1]


def _jvp_zx(o: Any, wave: Any, z: np.ndarray, x: np.ndarray, u: np.ndarray) -> np.ndarray:
    _, _, C, a, b = o
    return apply(np.swapaxes(C, -1, -2), u) - along(a, b, u) * wave[1]


def differentiable(p: int = 3, d: int = 2, seed: int = 0, **options: Any) -> BilevelProblem:
    """``bilevel(p, d, seed, ...)`` of the engine's tests with all derivatives, sampled where it has samples."""
    capabilities = options.pop("capabilities", Capabilities())
    problem = bilevel(p, d, seed, **options)
    inner, outer = inspect.unwrap(problem.inner), inspect.unwrap(problem.outer)
    assert isinstance(inner, Objective)
    assert isinstance(outer, Objective)
    forms = {
        "inner_grad_z": Derivative(_grad_z, inner), "inner_grad_x": Derivative(_grad_x, inner),
        "outer_grad_z": Derivative(_grad_z, outer), "outer_grad_x": Derivative(_grad_x, outer),
        "inner_hvp_zz": Derivative(_hvp_zz, inner), "inner_jvp_xz": Derivative(_jvp_xz, inner),
        "inner_jvp_zx": Derivative(_jvp_zx, inner),
    }  # fmt: skip
    return replace(problem, **forms, capabilities=replace(capabilities, sampled_derivatives=problem.stochastic))


def points(problem: BilevelProblem) -> dict[str, int]:
    """Evaluations of each derivative so far, counted without the oracle."""
    return {name: getattr(problem, name).points() for name in DERIVATIVES}


@dataclass
class LipschitzSum:
    """G = mean of z'A_i z/2 + x'C_i z + a_i'z, which is quadratic, and F = mean of log cosh(w_i'(z, x)), Lipschitz.

    Attributes
    ----------
    L, M, mu : of every sample of both, of every sample of F, of the mean of G.
    noise : largest root mean square over the samples of G_z(., i) - G_z at a point that was queried.
    """

    seed: int = 0
    p: int = 3
    d: int = 2
    n: int = 4
    noise: float = 0.0

    def __post_init__(self) -> None:
        rng, p, d, n = np.random.default_rng(self.seed), self.p, self.d, self.n
        spread = rng.standard_normal((n, p, p))
        spread = spread + np.swapaxes(spread, -1, -2)
        spread -= spread.mean(axis=0)
        self.A = np.diag(np.linspace(0.7, 1.0, p)) + 0.1 * spread / np.linalg.norm(spread, 2, axis=(1, 2)).max()
        self.C = 0.4 * rng.standard_normal((d, p)) / math.sqrt(p * d) + 0.05 * rng.standard_normal((n, d, p))
        self.a = 0.1 * rng.standard_normal((n, p))
        self.w = np.ones(p + d) / math.sqrt(p + d) + 0.1 * rng.standard_normal((n, p + d))
        blocks = [np.block([[self.A[i], self.C[i].T], [self.C[i], np.zeros((d, d))]]) for i in range(n)]
        self.M = float(np.linalg.norm(self.w, axis=-1).max())
        self.L = max(float(np.linalg.norm(blocks, 2, axis=(1, 2)).max()), self.M**2)
        self.mu = float(np.linalg.eigvalsh(self.A.mean(axis=0))[0])

    def of(self, array: np.ndarray, sample: Any) -> np.ndarray:
        return array.mean(axis=0) if sample is None else array[sample]

    def inner(self, z: np.ndarray, x: np.ndarray, sample: Any = None) -> np.ndarray:
        slope = apply(self.of(self.A, sample), z) / 2 + apply(np.swapaxes(self.of(self.C, sample), -1, -2), x)
        return np.einsum("...i,...i->...", slope + self.of(self.a, sample), z)

    def inner_grad_z(self, z: np.ndarray, x: np.ndarray, sample: Any = None) -> np.ndarray:
        every = self.A @ z[..., None, :, None] + np.swapaxes(self.C, -1, -2) @ x[..., None, :, None]
        every = every[..., 0] + self.a
        self.noise = max(self.noise, float(np.sqrt(every.var(axis=-2).sum(axis=-1)).max()))
        moved = apply(self.of(self.A, sample), z) + apply(np.swapaxes(self.of(self.C, sample), -1, -2), x)
        return moved + self.of(self.a, sample)

    def phase(self, z: np.ndarray, x: np.ndarray, sample: Any) -> tuple[np.ndarray, np.ndarray]:
        """w_i'(z, x) of the samples, with w_i; of all, along an axis of their own, for the mean."""
        both = np.concatenate([z, x], axis=-1)
        both, w = (both[..., None, :], self.w) if sample is None else (both, self.w[sample])
        return np.einsum("...i,...i->...", w, both), w

    def outer(self, z: np.ndarray, x: np.ndarray, sample: Any = None) -> np.ndarray:
        values = np.log(np.cosh(self.phase(z, x, sample)[0]))
        return values.mean(axis=-1) if sample is None else values

    def outer_grad(self, z: np.ndarray, x: np.ndarray, sample: Any = None) -> np.ndarray:
        phase, w = self.phase(z, x, sample)
        slopes = np.tanh(phase)[..., None] * w
        return slopes.mean(axis=-2) if sample is None else slopes

    def inner_solution(self, x: np.ndarray) -> np.ndarray:
        return -(x @ self.C.mean(axis=0) + self.a.mean(axis=0)) @ np.linalg.inv(self.A.mean(axis=0))

    def hypergradient(self, x: np.ndarray) -> np.ndarray:
        slope = self.outer_grad(self.inner_solution(x), x)
        return slope[..., self.p :] - slope[..., : self.p] @ np.linalg.inv(self.A.mean(axis=0)) @ self.C.mean(axis=0).T

    def problem(self) -> BilevelProblem:
        forms = {
            "inner_grad_z": self.inner_grad_z,
            "outer_grad_z": lambda z, x, sample=None: self.outer_grad(z, x, sample)[..., : self.p],
            "outer_grad_x": lambda z, x, sample=None: self.outer_grad(z, x, sample)[..., self.p :],
            "inner_hvp_zz": lambda z, x, v, sample=None: apply(self.of(self.A, sample), v),
            "inner_jvp_xz": lambda z, x, v, sample=None: apply(self.of(self.C, sample), v),
        }
        return BilevelProblem.from_functions(
            self.outer, self.inner, self.p, self.d, name="lipschitz", inner_samples=self.n, outer_samples=self.n,
            inner_solution=self.inner_solution, hypergradient=self.hypergradient,
            value=lambda x: self.outer(self.inner_solution(x), x), **forms,
            capabilities=Capabilities(sampled_derivatives=True),
        )  # fmt: skip
