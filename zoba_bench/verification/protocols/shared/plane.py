"""A problem restricted to a plane, on which the mean of a noisy step that ends with a projection is known.

The projection onto a plane is affine, so that the projection of a mean is the mean of the projections. On other sets it
is not, and few registered problems have a set X; any of them can be restricted to a plane.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.problem import BilevelProblem

__all__ = ["on_plane"]


def on_plane(problem: BilevelProblem) -> BilevelProblem:
    """The problem with x restricted to the points whose coordinates have the sum 1, on which no step stays by itself.

    Raises
    ------
    ValueError
        For a problem that has an X of its own, and for d = 1, where the plane is a point.
    """
    if problem.capabilities.project_x is not None:
        raise ValueError(f"problem {problem.name!r} restricts x already: leave plane out")
    if problem.d == 1:
        raise ValueError(f"problem {problem.name!r} has d = 1, where a plane is a point: choose a larger d")

    def project(x: Array) -> Array:
        return np.asarray(x + ((1.0 - x.sum(axis=-1)) / problem.d)[..., None])

    return replace(problem, capabilities=replace(problem.capabilities, project_x=project))
