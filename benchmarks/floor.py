"""The floor under a solver's iteration: directions, query points and oracle calls, and nothing else."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from zoba_bench.directions import generator
from zoba_bench.driver import run
from zoba_bench.oracle import Oracle
from zoba_bench.registry import load_problem, make_solver

__all__ = ["Case"]


class Case:
    """One solver on dense quad_general with p = d, timed with and without its own arithmetic.

    Parameters
    ----------
    solver : "zoba" or "hf-zoba"
    size : int, p = d
    replicates : int
    """

    def __init__(self, solver: str, size: int, replicates: int) -> None:
        self.problem = load_problem("quad_general", size, size)
        self.solver = make_solver(solver, l1=100, l2=1, rho=1e-4, schedule="constant")
        self.queries = {"zoba": _zoba_queries, "hf-zoba": _hf_zoba_queries}[solver]
        self.replicates = replicates
        self.iterations = max(10, 20_000 // (size * replicates))

    def solve(self) -> bool:
        """The solver's iterations, without recording; whether all of them were done."""
        result = run(
            self.problem, self.solver, z0=np.ones(self.problem.p), x0=np.ones(self.problem.d),
            rng=generator(np.random.SeedSequence(0)), replicates=self.replicates, max_iterations=self.iterations,
            record_every=None,
        )  # fmt: skip
        return bool(not result.failed.any() and (result.nit == self.iterations).all())

    def floor(self) -> None:
        """The same draws, query points and oracle calls."""
        rng, p, d = generator(np.random.SeedSequence(0)), self.problem.p, self.problem.d
        oracle = Oracle(self.problem, self.replicates)
        z, x = np.ones((self.replicates, 1, 1, p)), np.ones((self.replicates, 1, 1, d))
        for _ in range(self.iterations):
            w = rng.standard_normal((self.replicates, 1, self.solver.l1, p))
            u = rng.standard_normal((self.replicates, 1, self.solver.l1, d))
            self.queries(oracle, self.solver, z, x, w, u)

    def seconds(self, repeats: int = 7) -> tuple[float, float]:
        """Least seconds of ``solve`` and of ``floor`` over interleaved repeats."""
        self.solve()
        self.floor()
        return tuple(map(min, zip(*[(_clock(self.solve), _clock(self.floor)) for _ in range(repeats)])))  # type: ignore[return-value]  # noqa: B905


def _clock(function: Any) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def _zoba_queries(oracle: Oracle, solver: Any, z: Any, x: Any, w: Any, u: Any) -> None:
    hw, hu = solver.h * w, solver.h * u
    plus, minus = z + hw, z - hw
    oracle.inner(z, x)
    oracle.inner(plus, x)
    oracle.inner(minus, x)
    oracle.inner(plus, x + hu)
    oracle.inner(minus, x - hu)
    _outer_queries(oracle, solver, z, x, w, u)


def _hf_zoba_queries(oracle: Oracle, solver: Any, z: Any, x: Any, w: Any, u: Any) -> None:
    hw, x_u, z_v = solver.h * w, x + solver.h * u, z + solver.h_bar * z
    oracle.inner(z, x)
    oracle.inner(z + hw, x)
    oracle.inner(z, x_u)
    oracle.inner(z_v, x)
    oracle.inner(z_v + hw, x)
    oracle.inner(z_v, x_u)
    _outer_queries(oracle, solver, z, x, w, u)


def _outer_queries(oracle: Oracle, solver: Any, z: Any, x: Any, w: Any, u: Any) -> None:
    oracle.outer(z + solver.h * w[:, :, : solver.l2], x)
    oracle.outer(z, x + solver.h * u[:, :, : solver.l2])
    oracle.outer(z, x)
