"""What the methods of benchopt's bilevel benchmark share: options and their checks, steps, ranges, batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.solvers.base import Solver, State, batch_mean, batch_sizes, outer_range, step_range
from zoba_bench.validation import check_choice, check_count, check_passes, check_positive

__all__ = ["SCHEDULES", "Sampled", "inner_steps"]

SCHEDULES = ("published", "constant")
_CHOICES = {"schedule": SCHEDULES, "series": ("random", "sum")}
_COUNTS = ("b1", "b2", "period")


@dataclass(frozen=True)
class Sampled(Solver):
    """Options that these methods share; one with a schedule, a Neumann series or a memory has more.

    Parameters
    ----------
    rho : float
        Step of z, and of v where v is not computed anew; rho_k = rho (k + 1)^-e with the exponent of the method.
    ratio : float
        The step of x is gamma = rho / ratio before it decreases.
    b1, b2 : int or None
        Samples of G and F for a derivative, drawn with replacement; None is the benchmark's 64 on a level with samples,
        and the exact derivative on one without.
    """

    rho: float = 0.1
    ratio: float = 1.0
    b1: int | None = None
    b2: int | None = None

    #: Of rho_k and gamma_k, as published.
    exponents: ClassVar[tuple[float, float]] = (0.0, 0.0)
    cost_options: ClassVar[tuple[str, ...]] = ("b1", "b2")
    needs: ClassVar[tuple[str, ...]] = (
        "inner_grad_z", "inner_hvp_zz", "inner_jvp_xz", "outer_grad_z", "outer_grad_x", "batches"
    )  # fmt: skip
    published_batches: ClassVar[tuple[int, int]] = (64, 64)

    def __post_init__(self) -> None:
        for field in fields(self):
            name, value = field.name, getattr(self, field.name)
            if value is None and field.default is None:
                continue
            if name in _CHOICES:
                check_choice(name, value, _CHOICES[name])
            elif name in self.loop_options:
                check_passes(name, value)
            elif name in _COUNTS:
                check_count(name, value)
            else:
                check_positive(name, value)

    @property
    def gamma(self) -> float:
        """Step of x at iteration 0."""
        return self.rho / self.ratio

    def steps(self, k: int) -> tuple[float, float]:
        """Steps (rho_k, gamma_k)."""
        e, f = self.exponents if getattr(self, "schedule", "published") == "published" else (0.0, 0.0)
        return self.rho * (k + 1) ** -e, self.gamma * (k + 1) ** -f

    @property
    def series_step(self) -> float:
        """Step of the Neumann series: ``eta``, where that is None rho."""
        eta: float | None = getattr(self, "eta", None)
        return self.rho if eta is None else eta

    def stable_steps(self, problem: BilevelProblem) -> Iterator[tuple[str, float, float, str]]:
        """The ranges in which z contracts and the series converges, for every sample, and x where z and v follow it."""
        yield from step_range("rho", self.rho, problem.constants.L_zz, "2 / L_zz")
        if hasattr(self, "eta"):
            yield from step_range("eta", self.series_step, problem.constants.L_zz, "2 / L_zz")
        yield from outer_range("gamma", self.gamma, problem)

    def batches(self, oracle: Oracle) -> tuple[int, int]:
        """(b1, b2) in use."""
        return batch_sizes(oracle, self.b1, self.b2, self.published_batches)

    def init(self, oracle: Oracle, rng: np.random.Generator, z: Array, v: Array, x: Array) -> State:
        """State at iteration 0 from iterates z, v (R, p) and x (R, d)."""
        self.batches(oracle)
        return State(z, v, x, 0, oracle, rng)


def inner_steps(
    oracle: Oracle, rng: np.random.Generator, z: Array, x: Array, rho: float, passes: int, b1: int
) -> Array:  # fmt: skip
    """z <- z - rho G_z(z, x; xi), so many times, with a new batch each time."""
    for _ in range(passes):
        z = z - rho * batch_mean(oracle.inner_grad_z, z, x, sample=oracle.draw_inner(rng, b1))
    return z
