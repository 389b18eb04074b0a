"""Every registered problem of zoba-bench as a data set."""

from typing import Any

from benchopt import BaseDataset
from zoba_bench.integrations.benchopt.rows import data_of

from zoba_bench.registry import load_problem


class Dataset(BaseDataset):  # type: ignore[misc]  # benchopt has no types here
    """A registered problem; its functions are numpy's, for solvers that need values alone."""

    name = "zoba-bench"
    parameters = {"problem": ["quad_sum"], "p": [None], "d": [None], "seed": [0]}

    def get_data(self) -> dict[str, Any]:
        """Two functions of rows, metrics and a start."""
        family = {} if self.seed == 0 else {"seed": self.seed}  # a family without random data takes no seed
        return data_of(load_problem(self.problem, self.p, self.d, **family), seed=self.seed)
