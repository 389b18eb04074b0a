"""Expensive functions over workers: the time of one batch, and of a whole run, against that of an even split.

    python -m benchmarks.bench_workers

prints the speed-up of whole runs of ``zb.minimize`` with functions of 10 ms. They sleep, so that the speed-up does not
depend on how many processors there are.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

import zoba_bench as zb
from zoba_bench.arrays import Array
from zoba_bench.minimization.black_box import BlackBox
from zoba_bench.minimization.pool import Pool
from zoba_bench.minimization.values import Evaluator

_SECONDS = 0.01


def _slow(z: Array, x: Array) -> float:
    time.sleep(_SECONDS)
    return float(z @ z + x @ x)


def _follow(z: Array, x: Array) -> float:
    time.sleep(_SECONDS)
    return float(np.sum((z - np.resize(np.tanh(x), len(z))) ** 2))


class Batch:
    """A batch of points of a function that takes 10 ms; processes are started before."""

    params = ([1, 2, 4], [20, 400])
    param_names = ("workers", "points")

    def setup(self, workers: int, points: int) -> None:
        boxes = {name: BlackBox(name, _slow, False, (), np.ones(5), np.ones(5)) for name in ("inner", "outer")}
        self.workers = Pool(boxes, workers)
        self.evaluator = Evaluator(self.workers, vectorized=False)
        self.points = np.random.default_rng(0).standard_normal((points, 5))
        self.evaluator.inner(self.points[:16], self.points[:16])

    def teardown(self, workers: int, points: int) -> None:
        self.workers.stop()

    def track_overhead(self, workers: int, points: int) -> float:
        """Time over that of an even split without any cost; 1 is the least."""
        start = time.perf_counter()
        self.evaluator.inner(self.points, self.points)
        return (time.perf_counter() - start) / (_SECONDS * points / workers)

    track_overhead.pretty_name = "Time of a batch of 10 ms calls over that of an even split; 1 is the least"  # type: ignore[attr-defined]
    track_overhead.unit = "ratio"  # type: ignore[attr-defined]
    track_overhead.version = "1"  # type: ignore[attr-defined]


RUNS: dict[str, dict[str, Any]] = {
    "implicit": {},
    "hf-zoba, steps given": {"method": "hf-zoba", "rho": 0.1, "gamma": 0.02, "h": 1e-4, "l1": 32, "l2": 32},
}


def speed_up(name: str, size: int, workers: int, budget: int) -> tuple[float, int]:
    """Of a whole run with p = d = size, in evaluations of 10 ms a wall second, without the start of the processes.

    That takes a second or so; it is left out by taking the time between the first and the last call of the callback.
    """
    times: list[float] = []
    seen: list[int] = []

    def callback(intermediate_result: Any) -> None:
        times.append(time.perf_counter())
        seen.append(intermediate_result.nfev)

    zb.minimize(
        _slow, _follow, np.linspace(1.0, 2.0, size), np.zeros(size), maxfev=budget, workers=workers, seed=0,
        callback=callback, **RUNS[name],
    )  # fmt: skip
    made = seen[-1] - seen[0]
    return made * _SECONDS / (times[-1] - times[0]), made


def main() -> None:
    """Print the table."""
    print("| method | p = d | workers | evaluations | speed-up |\n|---|---|---|---|---|")
    for name, size, budget in (("implicit", 5, 400), ("implicit", 20, 4000), ("hf-zoba, steps given", 5, 3000)):
        for workers in (1, 2, 4, 8):
            found, made = speed_up(name, size, workers, budget)
            print(f"| {name} | {size} | {workers} | {made} | {found:.2f} |", flush=True)


if __name__ == "__main__":
    main()
