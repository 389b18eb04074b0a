"""What a run returns, and how a run can end."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array

__all__ = ["Result", "Status"]


class Status(enum.IntEnum):
    """How a replicate ended.

    ``CONVERGED`` the solver's own stationarity estimate fell below the tolerance;
    ``MAX_ITERATIONS`` and ``BUDGET`` the run used what it was given; ``DIVERGED`` an
    iterate left the ball of the divergence threshold; ``NON_FINITE`` a function returned
    NaN or an infinity, or an update overflowed; ``STOPPED`` the callback asked for it, or no further progress was made
    (the message says which).

    Ends of ``minimize`` alone: ``NOISE_LIMITED`` noise or rounding of the values hides more than the tolerance;
    ``FLAT`` the outer function, or Psi along a direction of x, does not change measurably; ``INNER_SINGULAR`` the inner
    function has no measurable curvature along a direction of z, so that z*(x) is not defined; ``INNER_FAILED`` no
    minimiser of the inner function was found.
    """

    CONVERGED = 0
    MAX_ITERATIONS = 1
    BUDGET = 2
    DIVERGED = 3
    NON_FINITE = 4
    STOPPED = 5
    NOISE_LIMITED = 6
    FLAT = 7
    INNER_SINGULAR = 8
    INNER_FAILED = 9

    @property
    def label(self) -> str:
        """Lower-case name, as stored and printed."""
        return self.name.lower()

    @property
    def message(self) -> str:
        """What happened, and what to try with any solver."""
        return _MESSAGES[self]


_MESSAGES = {
    Status.CONVERGED: "converged: the solver's stationarity estimate is below the tolerance",
    Status.MAX_ITERATIONS: "reached max_iterations; raise it, or the steps, to go on",
    Status.BUDGET: "the next iteration would exceed the evaluation budget",
    Status.DIVERGED: "diverged: lower the steps",
    Status.NON_FINITE: "a function value or an update was NaN or infinite; returned the last finite iterate",
    Status.STOPPED: "stopped by the callback",
    Status.NOISE_LIMITED: "noise of the values hides more than the tolerance; average the functions, or raise tol",
    Status.FLAT: "the outer function does not change measurably along some direction of x",
    Status.INNER_SINGULAR: "the inner function has no measurable curvature along some direction of z",
    Status.INNER_FAILED: "no minimiser of the inner function was found",
}


@dataclass(frozen=True)
class Result:
    """Result of a run of R replicates.

    A single run (of ``minimize``) has no replicate axis: scalars for arrays (R,), one message.

    Attributes
    ----------
    x : (R, d) array; z, v : (R, p) arrays
        Last finite iterates.
    status : (R,) int array of :class:`Status`.
    message : list of str, one a replicate: what happened, and what to try with this solver.
    nit : (R,) int array, iterations.
    n_inner, n_outer : (R,) int arrays, evaluations of G and F.
    counts : dict of (R,) int arrays
        Everything that was queried: "inner", "outer", derivatives by the names of the problem's attributes, "prox",
        "projection" and "communication" (rounds).
    mean_stationarity : (R,) array or None
        Mean of |grad Psi(x_k)|^2 over k = 0 ... nit-1, whatever ``record_every`` was;
        None where the problem has no closed-form hypergradient or recording was off.
    history : dict of arrays
        "iteration" (n,), and where known "stationarity", "gap", "distance" (n, R).
    estimate : (R,) array or None
        Norm of the last surrogate hypergradient; NaN where it could not be computed.
    non_finite : str
        "inner returned NaN at z = ..., x = ...": where a function of the problem first returned a value that is not
        finite, in any replicate; empty if none did, or only where the iterates had left.
    travelled : (R,) array or None
        |x - x0| of :func:`zoba_bench.solve`.
    tuning : str
        What ``solve(tune=True)`` chose, and the evaluations it took.
    advice : str
        What to change where the default options of a solver left most of the way on a problem of one's own.
    """

    x: Array
    z: Array
    v: Array
    status: NDArray[np.int64]
    nit: NDArray[np.int64]
    n_inner: NDArray[np.int64]
    n_outer: NDArray[np.int64]
    mean_stationarity: Array | None = None
    history: dict[str, NDArray[Any]] = field(default_factory=dict)
    estimate: Array | None = None
    problem: str = ""
    solver: str = ""
    message: list[str] = field(default_factory=list)
    counts: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    non_finite: str = ""
    travelled: Array | None = None
    advice: str = ""
    tuning: str = ""

    @property
    def nfev(self) -> NDArray[np.int64]:
        """Evaluations of both levels, per replicate."""
        return self.n_inner + self.n_outer

    @property
    def success(self) -> NDArray[np.bool_]:
        """Whether each replicate ended regularly (neither diverged nor non-finite)."""
        failed: NDArray[np.bool_] = np.isin(self.status, (Status.DIVERGED, Status.NON_FINITE))
        return ~failed

    def __repr__(self) -> str:
        counts = {s.label: int(np.sum(self.status == s)) for s in Status}
        ended = ", ".join(f"{n} {label}" for label, n in counts.items() if n)
        lines = [
            f"Result of {self.solver or 'a solver'} on {self.problem or 'a problem'}: {ended}",
            f"  iterations   {_range(self.nit)}",
            f"  evaluations  {_range(self.n_inner)} inner, {_range(self.n_outer)} outer",
        ]
        more = [f"{_range(n)} {name}" for name, n in self.counts.items() if name not in ("inner", "outer") and n.any()]
        if more:
            lines.append(f"  queries      {', '.join(more)}")
        if self.history.get("stationarity") is not None and len(self.history["stationarity"]):
            last = self.history["stationarity"][-1]
            lines.append(f"  |grad Psi|^2 median {np.median(last):.3g} at the last recorded iterate")
        if self.tuning:
            lines.append(f"  tuning       {self.tuning}")
        if self.advice:
            lines.append(f"  advice       {self.advice}")
        return "\n".join(lines)


def _range(counts: NDArray[np.int64]) -> str:
    low, high = int(np.min(counts)), int(np.max(counts))
    return str(low) if low == high else f"{low}..{high}"
