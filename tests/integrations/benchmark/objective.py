"""The interface of benchopt/benchmark_bilevel, in numpy: nothing but inner_var and outer_var is taken of a solver."""

import numpy as np
from benchopt import BaseObjective


class Objective(BaseObjective):
    name = "bilevel"

    def set_data(self, pb_inner, pb_outer, metrics, init_var=None):
        self.f_inner, self.n_inner, self.dim_inner, _ = pb_inner
        self.f_outer, self.n_outer, self.dim_outer, _ = pb_outer
        self.metrics = metrics

    def get_objective(self):
        return {
            "f_inner": self.f_inner, "f_outer": self.f_outer, "n_inner_samples": self.n_inner,
            "n_outer_samples": self.n_outer, "inner_var0": np.zeros(self.dim_inner),
            "outer_var0": -2 * np.ones(self.dim_outer),
        }  # fmt: skip

    def evaluate_result(self, inner_var, outer_var):
        if np.isnan(outer_var).any():
            raise ValueError("NaN")
        return self.metrics(inner_var, outer_var)

    def get_one_result(self):
        return {"inner_var": np.zeros(self.dim_inner), "outer_var": np.zeros(self.dim_outer)}
