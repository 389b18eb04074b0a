"""What differences say of a point that another method found: its status, and how far the solution may be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.minimization.implicit.method import Loop
from zoba_bench.minimization.outcome import Values
from zoba_bench.result import Status

__all__ = ["Certificate", "certify"]


@dataclass(frozen=True)
class Certificate:
    """What was found.

    Attributes
    ----------
    status, message : CONVERGED; MAX_ITERATIONS where all is well but the distance is too large; or what is in the way
    away : bound on the distance of the point to a solution; infinite where none is known
    slope : norm of the measured hypergradient, NaN where none was measured
    noisy : whether values carry more than the rounding of exact ones
    """

    status: Status
    message: str
    away: float
    slope: float
    noisy: bool


def certify(values: Values, z: Array, x: Array, tol: float) -> Certificate:
    """The end of a run from (z, x) that may not move x.

    Noise and G_zz are measured, z is brought to z*(x), then come the hypergradient and the Hessian of Psi:
    p (p + 3) / 2 + p d + d (d + 3) / 2 values or somewhat more.
    """
    loop = Loop(values, z, x, tol, None, None, 0, None)
    outcome = loop.run()
    away = outcome.error_bound + float(np.linalg.norm(outcome.x - x))
    slope = float(np.linalg.norm(outcome.jac))
    return Certificate(Status(outcome.status), outcome.message, away, slope, loop.noisy)
