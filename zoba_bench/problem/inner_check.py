"""A declared inner solution against G at a few points, before anything runs."""

from __future__ import annotations

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.problem.bilevel import BilevelProblem

__all__ = ["check_inner_solution"]


_STEP, _TOLERANCE = 1e-6, 1e-5


def check_inner_solution(problem: BilevelProblem) -> None:
    """Refuse an inner solution from which G falls, at a few points; about a hundred evaluations of G.

    It proves nothing: ``zoba-bench check`` measures closely. It needs no derivative and no smoothness: at a minimiser
    G falls in no direction, neither nearby nor at distance one, whose change of G is also the scale.

    Raises
    ------
    ValueError
        With the slope, or the fall, that was met.
    """
    if problem.inner_solution is None:
        return
    rng = np.random.default_rng(0)
    x = np.stack([problem.initial_point(np.random.default_rng(k))[1] for k in range(3)])
    x[1:] *= np.array([[0.5], [0.1]])
    z = np.zeros((3, problem.p))
    if problem.region is not None:
        z, x = problem.region(z, x)
    z = np.asarray(problem.inner_solution(x), dtype=np.float64)
    if z.shape != (3, problem.p):
        raise ValueError(
            f"inner_solution of problem {problem.name!r} returned shape {z.shape} for x of shape {x.shape}; expected "
            f"{(3, problem.p)}: one z for each point (or pass vectorize=True)"
        )
    directions = rng.standard_normal((8, 1, problem.p))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    signed = np.concatenate([directions, -directions])

    def moved(step: float) -> Array:
        away = z + step * signed
        return away if problem.region is None else problem.region(away, x)[0]

    with np.errstate(all="ignore"):
        here = _inner(problem, z, x)
        near = (_inner(problem, moved(_STEP), x) - here) / _STEP
        far = _inner(problem, moved(1.0), x) - here
    if not np.isfinite(here).all():
        raise ValueError(f"inner of problem {problem.name!r} is not finite at z*(x): {here} at x = {x.tolist()}")
    near, far = (np.where(np.isfinite(rise), rise, 0.0) for rise in (near, far))
    scale = float(np.abs(far).max())
    # G may be a difference of terms of the size of its curvature times |z|^2.
    largest = 1 + float(np.abs(here).max()) + scale * float(np.vecdot(z, z).max())
    unit = 64 * float(np.finfo(np.float64).eps) * largest
    for rise, allowed, words in (
        (near, _TOLERANCE * scale + unit / _STEP, "falls with slope {0:.3g}"),
        (far, _TOLERANCE * scale + unit, "falls by {0:.3g} at distance 1"),
    ):
        if -float(rise.min()) > allowed:
            worst = int(np.argmin(np.min(rise, axis=0)))
            raise ValueError(
                f"inner_solution of problem {problem.name!r} is not a minimiser of inner: at x = {_short(x[worst])} G "
                f"{words.format(-float(rise.min()))} from z*(x) = {_short(z[worst])} (residual; at most {allowed:.1g} "
                "allowed); `zoba-bench check` says more"
            )


def _inner(problem: BilevelProblem, z: Array, x: Array) -> Array:
    shape = np.broadcast_shapes(z.shape[:-1], x.shape[:-1])
    hint = "one value for each point (or pass vectorize=True where it takes single points)"
    try:
        values = np.asarray(problem.inner(z, x), dtype=np.float64)
    except Exception as error:  # a user's function may raise anything
        if not getattr(error, "__notes__", ()):
            error.add_note(
                f"zoba-bench called inner of problem {problem.name!r} with z of shape {z.shape} and x of shape "
                f"{x.shape}; it must return {hint}"
            )
        raise
    if values.shape != shape:
        raise ValueError(
            f"inner of problem {problem.name!r} returned shape {values.shape} for z of shape {z.shape} and x of shape "
            f"{x.shape}; expected {shape}: {hint}"
        )
    return values


def _short(vector: Array) -> str:
    shown = ", ".join(f"{value:.4g}" for value in vector[:4])
    return f"({shown}{', ...' if len(vector) > 4 else ''})"
