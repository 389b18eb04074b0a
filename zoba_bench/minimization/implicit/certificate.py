"""What differences say of a point that another method found: its status, and how far the solution may be."""

from __future__ import annotations

from zoba_bench.arrays import Array
from zoba_bench.minimization.implicit.method import minimize_implicit
from zoba_bench.minimization.outcome import Outcome, Values

__all__ = ["certify"]


def certify(values: Values, z: Array, x: Array, tol: float) -> Outcome:
    """The end of a run from (z, x) that may not move x: CONVERGED, or what stands in the way.

    MAX_ITERATIONS where all is well but the distance, ``error_bound``, is above ``tol``. Noise and G_zz are measured, z
    is brought to z*(x), then come the hypergradient and the Hessian of Psi: p (p + 3) / 2 + p d + d (d + 3) / 2 values
    or somewhat more.
    """
    return minimize_implicit(values, z, x, tol=tol, max_iterations=0)
