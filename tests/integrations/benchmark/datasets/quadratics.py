"""Means of quadratics over rows, in single or double precision."""

import numpy as np
from benchopt import BaseDataset


class Dataset(BaseDataset):
    name = "quadratics"
    parameters = {"rows": [12], "dtype": ["float64"]}

    def get_data(self):
        rng = np.random.default_rng(0)
        kind = np.dtype(self.dtype).type
        shift, target = rng.standard_normal((2, self.rows, 3)).astype(kind)
        M = rng.standard_normal((3, 2)).astype(kind)

        def f_inner(inner_var, outer_var, start=0, batch_size=1):
            assert 0 <= start <= self.rows - batch_size
            z, x = np.asarray(inner_var, dtype=kind), np.asarray(outer_var, dtype=kind)
            residual = z - M @ x - shift[start : start + batch_size]
            return kind(0.5) * np.mean(np.sum(residual**2, axis=1))

        def f_outer(inner_var, outer_var, start=0, batch_size=1):
            assert 0 <= start <= self.rows - batch_size
            z, x = np.asarray(inner_var, dtype=kind), np.asarray(outer_var, dtype=kind)
            return kind(0.5) * (np.mean(np.sum((z - target[start : start + batch_size]) ** 2, axis=1)) + x @ x)

        def metrics(inner_var, outer_var):
            solution = M @ outer_var + shift.mean(axis=0)
            slope = M.T @ (solution - target.mean(axis=0)) + outer_var
            return {"value": float(slope @ slope), "inner_distance": float(np.sum((solution - inner_var) ** 2))}

        return {
            "pb_inner": (f_inner, self.rows, 3, None), "pb_outer": (f_outer, self.rows, 2, None), "metrics": metrics,
        }  # fmt: skip
