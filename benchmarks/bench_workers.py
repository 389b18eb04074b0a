"""Expensive functions over workers: the time of one batch, against that of one worker."""

from __future__ import annotations

import time

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.minimization.black_box import BlackBox
from zoba_bench.minimization.pool import Pool
from zoba_bench.minimization.values import Evaluator

_SECONDS = 0.01


def _slow(z: Array, x: Array) -> float:
    time.sleep(_SECONDS)
    return float(z @ z + x @ x)


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
