"""Two floors under a solver's iteration: what it draws and asks, with the oracle between or by direct calls.

As a program it is a worker of ``benchmarks.floors``: a case and what to run in, CPU seconds out, a line each.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from zoba_bench.directions import generator
from zoba_bench.driver import run
from zoba_bench.oracle import Oracle
from zoba_bench.registry import load_problem, make_solver
from zoba_bench.threads import one_thread

__all__ = ["LONGER", "START", "WHAT", "Case", "serve"]

#: Every coordinate of z and x at the start.
START = 1.0

#: What is timed of a case.
WHAT = ("solve", "compiled", "floor", "bare")

#: So many times as many iterations run in the compiled loop, which would be over before it could be timed.
LONGER = 20


class Case:
    """One solver on a problem, timed with and without its own arithmetic.

    Parameters
    ----------
    solver : "zoba" or "hf-zoba"
    size : int, p, and d where that is not given
    replicates : int
    l1 : int, optional
    family : str, optional
    iterations : int, optional
        About 20000 / (p R) where None.
    d : int, optional
    """

    def __init__(
        self, solver: str, size: int, replicates: int, l1: int = 100, family: str = "quad_general",
        iterations: int | None = None, d: int | None = None,
    ) -> None:  # fmt: skip
        self.problem = load_problem(family, size, size if d is None else d)
        self.solver = make_solver(solver, l1=l1, l2=1, rho=1e-4, schedule="constant")
        self.queries = {"zoba": _zoba_queries, "hf-zoba": _hf_zoba_queries}[solver]
        self.replicates = replicates
        self.iterations = max(10, 20_000 // (size * replicates)) if iterations is None else iterations
        blocks = self.solver.draws(Oracle(self.problem, replicates)).blocks()
        self._parts = [block.directions.stop - block.directions.start for block in blocks]

    def solve(self) -> bool:
        """The solver's iterations, without recording; whether all of them were done."""
        return self._run(self.iterations)

    def compiled(self) -> bool:
        """``LONGER`` times as many in the compiled loop; whether all of them were done."""
        return self._run(LONGER * self.iterations, compiled=True)

    def _run(self, iterations: int, **options: Any) -> bool:
        result = run(
            self.problem, self.solver, z0=np.full(self.problem.p, START), x0=np.full(self.problem.d, START),
            rng=generator(np.random.SeedSequence(0)), replicates=self.replicates, max_iterations=iterations,
            record_every=None, **options,
        )  # fmt: skip
        return bool(not result.failed.any() and (result.nit == iterations).all())

    def floor(self) -> None:
        """The same draws, query points and oracle calls."""
        self._ask(Oracle(self.problem, self.replicates))

    def bare(self) -> None:
        """The same draws, query points and values by direct calls of the problem's functions: no oracle."""
        self._ask(self.problem)

    def _ask(self, source: Any) -> None:
        rng, p, d = generator(np.random.SeedSequence(0)), self.problem.p, self.problem.d
        z, x = np.full((self.replicates, 1, 1, p), START), np.full((self.replicates, 1, 1, d), START)
        for _ in range(self.iterations):
            for number, l in enumerate(self._parts):  # as the solver does: large iterations come in blocks
                w = rng.standard_normal((self.replicates, 1, l, p))
                u = rng.standard_normal((self.replicates, 1, l, d))
                self.queries(source, self.solver, z, x, w, u, number == 0)

    def seconds(self, repeats: int = 7) -> tuple[float, float]:
        """Least seconds of ``solve`` and of ``floor`` over interleaved repeats."""
        self.solve()
        self.floor()
        return tuple(map(min, zip(*[(_clock(self.solve), _clock(self.floor)) for _ in range(repeats)])))  # type: ignore[return-value]  # noqa: B905


def _clock(function: Any) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def _zoba_queries(source: Any, solver: Any, z: Any, x: Any, w: Any, u: Any, first: bool) -> None:
    hw, hu = solver.h * w, solver.h * u
    plus, minus = z + hw, z - hw
    if first:
        source.inner(z, x)
    source.inner(plus, x)
    source.inner(minus, x)
    source.inner(plus, x + hu)
    source.inner(minus, x - hu)
    if first:
        _outer_queries(source, solver, z, x, w, u)


def _hf_zoba_queries(source: Any, solver: Any, z: Any, x: Any, w: Any, u: Any, first: bool) -> None:
    hw, x_u, z_v = solver.h * w, x + solver.h * u, z + solver.h_bar * z
    if first:
        source.inner(z, x)
    source.inner(z + hw, x)
    source.inner(z, x_u)
    if first:
        source.inner(z_v, x)
    source.inner(z_v + hw, x)
    source.inner(z_v, x_u)
    if first:
        _outer_queries(source, solver, z, x, w, u)


def _outer_queries(source: Any, solver: Any, z: Any, x: Any, w: Any, u: Any) -> None:
    source.outer(z + solver.h * w[:, :, : solver.l2], x)
    source.outer(z, x + solver.h * u[:, :, : solver.l2])
    source.outer(z, x)


def serve(make: Callable[..., Any]) -> None:
    """Answer lines {"case": arguments, "what": method} with CPU seconds of the method; what failed is null."""
    made: dict[str, Any] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        key = json.dumps(asked["case"])
        if key not in made:
            made.clear()
            made[key] = make(**asked["case"])
        method = getattr(made[key], asked["what"])
        start = time.process_time()
        done = method()
        seconds = time.process_time() - start
        print(json.dumps(None if done is False else seconds), flush=True)


if __name__ == "__main__":
    with one_thread():
        serve(Case)
