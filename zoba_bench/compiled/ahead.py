"""Whether iterations can run in a compiled loop, and running them there ahead of the driver."""

from __future__ import annotations

import importlib.util
import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.problem.pointwise import Pointwise
from zoba_bench.solvers.hf_zoba import HfZoba, HfZobaShared
from zoba_bench.solvers.single_loop import SingleLoop
from zoba_bench.solvers.zoba import Zoba, ZobaTuned
from zoba_bench.solvers.zoba_mixed import ZobaMixed

__all__ = ["Ahead", "CompiledError", "ahead_of"]

#: The estimates of each class: of these themselves, since a class made from one of them may compute something else.
_ESTIMATES: dict[type, str] = {
    Zoba: "zoba", ZobaTuned: "zoba", ZobaMixed: "zoba_mixed", HfZoba: "hf_zoba", HfZobaShared: "hf_zoba",
}  # fmt: skip

#: Random numbers that are drawn at once, unless an iteration takes more.
_NUMBERS = 2**15

#: Entries of the directions of one iteration up to which "auto" compiles. With more, products of matrices are ahead.
_SMALL = 2**12

#: What one function may differ by from the other at the same point, relative to the value: half the digits, which
#: rounding stays far below and another formula does not.
_SAME = math.sqrt(np.finfo(float).eps)


class CompiledError(RuntimeError):
    """A compiled loop that cannot be what it is there for: its values or its counts are others."""


def ahead_of(choice: bool | str, problem: BilevelProblem, solver: Any, replicates: int) -> Ahead | None:
    """The compiled loop of a run; None for a run without it.

    Parameters
    ----------
    choice : bool or "auto"
        Whether there must be one; "auto" takes one where there can be, and where an iteration is small.

    Raises
    ------
    ValueError
        For another choice, and for True where the problem, the solver or its options have none.
    ImportError
        For True without numba.
    """
    if choice is False:
        return None
    if choice is not True and choice != "auto":
        raise ValueError(f"compiled must be True, False or 'auto', got {choice!r}")
    why = _refusal(problem, solver, replicates)
    if choice == "auto":
        small = not why and replicates * solver.l1 * max(problem.p, problem.d) <= _SMALL
        return Ahead(problem, solver, replicates) if small and importlib.util.find_spec("numba") else None
    if why:
        raise ValueError(f"compiled=True: {why}; compiled='auto' goes without it here")
    if importlib.util.find_spec("numba") is None:
        raise ImportError(
            'compiled=True needs numba, which is not installed: pip install "zoba-bench[fast]"; compiled="auto" goes '
            "without it"
        )
    return Ahead(problem, solver, replicates)


def _refusal(problem: BilevelProblem, solver: Any, replicates: int) -> str:
    """Why there is no compiled loop; empty where there is one."""
    if type(solver) not in _ESTIMATES:
        return f"{solver.name} has no compiled loop, zoba, zoba-tuned, zoba-mixed, hf-zoba and hf-zoba-shared have"
    for level in ("inner", "outer"):
        if not isinstance(getattr(getattr(problem, level), "pointwise", None), Pointwise):
            return (
                f"{problem.name} does not offer {level} at one point for numba, as reference, quad_general, "
                "quad_tracking, minimax_quad, nesterov_chain and imaml_quad do"
            )
    offered = problem.capabilities
    for name, found in (("a set of x", offered.project_x), ("noise", offered.noise)):
        if found is not None:
            return f"{problem.name} declares {name}, which the compiled loop does not know"
    if problem.stochastic:
        return f"{problem.name} has samples, which the compiled loop does not draw"
    if solver.law != "gaussian":
        return f"the compiled loop draws Gaussian directions, got law={solver.law!r}"
    if not solver.draws(Oracle(problem, replicates)).in_one_block:
        return "an iteration draws its directions in several blocks, where compiling would save nothing"
    return ""


class Ahead:
    """The compiled loop of one run.

    Parameters
    ----------
    problem : BilevelProblem
    solver : SingleLoop
    replicates : int
    """

    def __init__(self, problem: BilevelProblem, solver: SingleLoop, replicates: int) -> None:
        from . import jit, loop, surrogates

        draws = solver.draws(Oracle(problem, replicates))
        p, d = problem.p, problem.d
        self._iterate: Any = loop.iterate
        self._estimates = getattr(surrogates, _ESTIMATES[type(solver)])
        self._levels = [level for name in ("inner", "outer") for level in _compiled(problem, name, jit.of_a_problem)]
        sizes = [math.prod(shape) * n for shape, n in draws.shapes()]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        self._size, inner = int(starts[-1]), draws.shapes()[0][0][2]
        outer = (0, 1) if draws.shared else (2, 3)
        each = inner if draws.shared else solver.l2
        second = len(sizes) - 1 if draws.second else 0
        self._layout = np.array(
            [
                (starts[0], inner, solver.l1), (starts[1], inner, solver.l1), (starts[outer[0]], each, solver.l2),
                (starts[outer[1]], each, solver.l2), (starts[second], solver.l1, solver.l1 if draws.second else 0),
            ]
        )  # fmt: skip
        h_bar = getattr(solver, "h_bar", 0.0)
        normalized = getattr(solver, "normalize_h_bar", False)
        self._radii = (float(solver.h), float(solver.outer_radius(p, d)), float(-h_bar if normalized else h_bar))
        radius = math.inf if solver.v_radius is None else solver.v_radius
        self._steps, self._v_radius = solver.steps, float(radius)
        self._room = 1

    def check(self, problem: BilevelProblem, z: Array, x: Array) -> None:
        """Compare the functions at one point with those that broadcast; nothing of it is counted.

        Raises
        ------
        CompiledError
        """
        for i, name in ((0, "inner"), (2, "outer")):
            compiled, data = self._levels[i : i + 2]
            for shift in (0.0, 1.0):
                at = z + shift * np.cos(np.arange(problem.p)), x + shift * np.sin(1 + np.arange(problem.d))
                own, other = float(compiled(*at, data)), float(getattr(problem, name)(*at))
                if abs(own - other) > _SAME * max(1.0, abs(own), abs(other)):  # false where one is no number
                    raise CompiledError(
                        f"{name} of problem {problem.name!r} offers {own!r} for one point and returns {other!r} at it; "
                        "compiled=False goes without what it offers"
                    )

    def run(self, state: Any, most: int, threshold: float, tolerance: float, cost: dict[str, int]) -> tuple[Any, Array]:
        """Up to ``most`` iterations, as many as are ordinary; the state after them, and x (n, R, d) before each.

        Parameters
        ----------
        state : zoba_bench.solvers.base.State
            Of a run whose replicates all run.
        most : int
        threshold, tolerance : float
            See :func:`zoba_bench.driver.run`.
        cost : dict of str to int
            What an iteration takes, by the oracle's own count.

        Raises
        ------
        CompiledError
            Where the loop counts anything else.
        """
        n = max(1, min(most, self._room, _NUMBERS // self._size))
        before = state.rng.bit_generator.state
        normals = state.rng.standard_normal((n, self._size))
        z, v, x = state.z.copy(), state.v.copy(), state.x.copy()
        steps = np.array([self._steps(k) for k in range(state.k, state.k + n)])
        path, norms = np.empty((n, *x.shape)), np.empty(len(x))
        used = np.zeros((2, len(x)), dtype=np.int64)
        done = self._iterate(
            self._estimates, *self._levels, z, v, x, normals, self._layout, self._radii, steps,
            (threshold, tolerance, self._v_radius), path, norms, used,
        )  # fmt: skip
        # Where it has to stop often, little is drawn for nothing.
        self._room = 1 if done < n else 2 * self._room
        if done < n:  # the next number is that of the iteration at which it stopped
            state.rng.bit_generator.state = before
            state.rng.standard_normal((done, self._size))
        _book(state.oracle, used, done, cost)
        if not done:
            return state, path[:0]
        return replace(state, z=z, v=v, x=x, k=state.k + done, estimate=norms), path[:done]


def _book(oracle: Oracle, used: NDArray[np.int64], iterations: int, cost: dict[str, int]) -> None:
    """Hand the loop's counts to the oracle, which has counted an iteration itself."""
    for name, count in zip(("inner", "outer"), used, strict=True):
        if not (count == iterations * cost[name]).all():
            raise CompiledError(
                f"the compiled loop reports {count.tolist()} evaluations of {name} in {iterations} iterations, the "
                f"oracle counts {cost[name]} in each"
            )
        oracle.book(name, count)


def _compiled(problem: BilevelProblem, level: str, compile_it: Any) -> tuple[Any, Any]:
    """A level's function of one point, compiled, and its data as arrays of one kind, so that instances share it."""
    offered: Pointwise = getattr(problem, level).pointwise
    data = tuple(np.array(each, dtype=np.float64, order="C") if np.ndim(each) else each for each in offered.data)
    return compile_it(offered.function), data
