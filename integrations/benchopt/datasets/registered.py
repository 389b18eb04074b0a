"""Every registered problem of zoba-bench as a data set."""

from benchopt import BaseDataset
from zoba_bench.integrations.benchopt.rows import data_of

from zoba_bench import load_problem


class Dataset(BaseDataset):
    """A registered problem; its functions are numpy's, for solvers that need values alone."""

    name = "zoba-bench"
    parameters = {"problem": ["quad_sum"], "p": [None], "d": [None], "seed": [0]}

    def get_data(self):
        """Two functions of rows, metrics and a start."""
        seed = {} if self.seed in (None, 0) else {"seed": self.seed}
        return data_of(load_problem(self.problem, self.p, self.d, **seed), seed=self.seed or 0)
