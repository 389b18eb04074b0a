"""What a method of :func:`zoba_bench.minimize` hands back, and how a run is ended from within."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from zoba_bench.arrays import Array
from zoba_bench.result import Status

__all__ = ["BudgetExhausted", "Ended", "Exhausted", "Outcome", "TimeIsUp", "Values"]


class Exhausted(Exception):
    """The evaluations that were asked for do not fit into the budget; none of them was made."""


class Ended(Exception):
    """The run ends here, with a status and what to say."""

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class BudgetExhausted(Ended, Exhausted):
    """The next evaluations do not fit into the budget; none of them was made."""

    def __init__(self, cost: int, left: int) -> None:
        super().__init__(Status.BUDGET, f"the next {cost} evaluations would exceed the budget; {left} are left")


class TimeIsUp(Ended):
    """``max_seconds`` have passed."""

    def __init__(self, seconds: float) -> None:
        super().__init__(Status.STOPPED, f"stopped: max_seconds={seconds:g} have passed")


class Values(Protocol):
    """Counted values of both levels, whole stencils at once: Z (n, p) and X (n, d) in, (n,) float64 out.

    ``both`` evaluates points of F and points of G at once, and returns the values of each.

    Raises :class:`Exhausted` where the budget does not cover all n. Values may be NaN or infinite.
    """

    def outer(self, Z: Array, X: Array, /) -> Array: ...
    def inner(self, Z: Array, X: Array, /) -> Array: ...
    def both(self, outer: tuple[Array, Array], inner: tuple[Array, Array], /) -> tuple[Array, Array]: ...


@dataclass(frozen=True)
class Outcome:
    """The best point that a run has seen, and what is known of it.

    Attributes
    ----------
    x : (d,) array; z, v : (p,) arrays
        v is the adjoint, -G_zz^-1 F_z.
    status, message : how the run ended, whatever point is returned.
    nit : steps of x that were tried.
    fun : F(z, x), which estimates Psi(x).
    jac : (d,) array, the measured hypergradient; NaN where none was measured.
    error_bound : predicted |x - x*| with what noise, rounding and flat directions may hide; infinite where unknown.
    sizes : (d,) array or None, measured sizes of x, where an end leaves it open whether others would have helped.
    history : lists "iteration", "evaluations", "value", "gradient_norm", "predicted_distance", a row an iteration.
    """

    x: Array
    z: Array
    v: Array
    status: Status
    message: str
    nit: int
    fun: float
    jac: Array
    error_bound: float
    history: dict[str, list[Any]] = field(default_factory=dict)
    sizes: Array | None = None
