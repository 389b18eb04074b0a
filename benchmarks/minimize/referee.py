"""The referee: values of F and G are counted where they are made, and a method's word is not taken for its result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .problems import Instance

__all__ = ["LEVELS", "Counter", "OutOfBudgetError", "Report", "Run", "Task", "judge"]

Array = np.ndarray

#: Accuracies |x - x*| in natural units; the first is asked for, the others tell how far noise let a method come.
LEVELS = (1e-2, 3e-2, 1e-1, 3e-1, 1.0)


class OutOfBudgetError(RuntimeError):
    """The method has used all its evaluations, or asks for a value after its report."""


@dataclass
class Task:
    """What a method is told: two counted functions, a start and the accuracy; nothing about x*.

    Attributes
    ----------
    outer, inner : callable(z, x) -> float
    z0, x0 : arrays
    tolerance : |x - x*| that is asked for
    unit : natural size of x, for methods that demand a range or a first spread
    noise_outer, noise_inner : standard deviations of the errors, for methods with steps of differences to set
    budget : int, evaluations of F and G together that a method may make
    rng : Generator, for methods that draw
    """

    outer: Any
    inner: Any
    z0: Array
    x0: Array
    tolerance: float
    unit: float
    noise_outer: float
    noise_inner: float
    budget: int
    rng: np.random.Generator


@dataclass
class Report:
    """What a method says: its x, whether it claims success, how it ended, its own count if any, and its words."""

    x: Any
    success: bool
    status: str
    claimed: int | None = None
    message: str = ""


@dataclass
class Counter:
    """F and G of a problem, one value a call, counted; remembers when a value near x* was first asked for."""

    problem: Instance
    budget: int
    spent: int = 0
    closed: bool = False
    hits: list[int | None] = field(default_factory=lambda: [None] * len(LEVELS))
    _last: bytes = b""

    def outer(self, z: Any, x: Any) -> float:
        """F."""
        return self._value(self.problem.outer, z, x)

    def inner(self, z: Any, x: Any) -> float:
        """G."""
        return self._value(self.problem.inner, z, x)

    def _value(self, function: Any, z: Any, x: Any) -> float:
        if self.closed or self.spent >= self.budget:
            self.closed = True  # a method that catches the error gets no more
            raise OutOfBudgetError(f"{self.spent} evaluations are used")
        # Copies: the functions see numbers that nobody changes, the method's arrays stay its own.
        z, x = np.array(z, dtype=np.float64), np.array(x, dtype=np.float64)
        if z.shape != self.problem.z0.shape or x.shape != self.problem.x0.shape:
            raise ValueError(f"one point a call: z {z.shape}, x {x.shape}")
        self.spent += 1
        seen = x.tobytes()
        if seen == self._last:
            return float(function(z, x))
        self._last = seen  # inner solves ask for many values at one x
        error = distance(self.problem, x)
        for level, allowed in enumerate(LEVELS):
            if error <= allowed and self.hits[level] is None:
                self.hits[level] = self.spent
        return float(function(z, x))

    def task(self, rng: np.random.Generator) -> Task:
        """What the method gets."""
        p = self.problem
        return Task(
            self.outer, self.inner, p.z0.copy(), p.x0.copy(), LEVELS[0] * p.unit, p.unit,
            p.noise_outer, p.noise_inner, self.budget, rng,
        )  # fmt: skip


@dataclass
class Run:
    """What the referee found.

    Attributes
    ----------
    evaluations : int, of F and G, as counted, until the method ended
    hits : for each of LEVELS the evaluations up to the first at such a distance from x*, or None
    error : |x - x*| of the reported x in natural units, infinite if it is no point or no value was asked for
    success : bool, what the method claims
    status, message : str, the method's
    remark : what the referee saw against the report; empty if nothing
    """

    evaluations: int
    hits: list[int | None]
    error: float
    success: bool
    status: str
    remark: str = ""
    message: str = ""

    @property
    def wrong(self) -> bool:
        """Whether the method claims success and is further from x* than asked."""
        return self.success and not self.error <= LEVELS[0]


def distance(problem: Instance, x: Array) -> float:
    """|x - x*| in natural units."""
    return float(np.linalg.norm(x - problem.minimizer)) / problem.unit


def judge(counter: Counter, report: Report) -> Run:
    """The report against what was counted; closes the counter."""
    counter.closed = True
    remarks = []
    try:
        x = np.array(report.x, dtype=np.float64)
    except (TypeError, ValueError):
        x = np.array(np.nan)
    if x.shape != counter.problem.x0.shape or not np.isfinite(x).all():
        error = np.inf
        remarks.append("reported no point")
    elif counter.spent == 0:
        error = np.inf
        remarks.append("reported a point without having asked for a value")
    else:
        error = distance(counter.problem, x)
    if report.claimed is not None and report.claimed != counter.spent:
        remarks.append(f"claims {report.claimed} evaluations, used {counter.spent}")
    run = Run(counter.spent, list(counter.hits), error, bool(report.success), report.status)
    run.message = report.message
    if run.wrong:
        remarks.append(f"claims success at a distance of {error:.2g}")
    run.remark = "; ".join(remarks)
    return run
