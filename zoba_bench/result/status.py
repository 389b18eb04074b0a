"""How a run can end."""

from __future__ import annotations

import enum

__all__ = ["Status"]


class Status(enum.IntEnum):
    """How a replicate ended.

    ``CONVERGED`` the solver's own stationarity estimate fell below the tolerance;
    ``MAX_ITERATIONS`` and ``BUDGET`` the run used what it was given; ``DIVERGED`` an
    iterate left the ball of the divergence threshold; ``NON_FINITE`` a function returned
    NaN or an infinity, or an update overflowed; ``STOPPED`` the callback asked for it, or no further progress was made
    (the message says which); ``UNRESOLVED`` the differences see rounding alone, since the radii are too small for
    these points and values: they say nothing of the derivatives.

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
    UNRESOLVED = 10

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
    Status.UNRESOLVED: "the differences see rounding alone: raise the radii",
}
