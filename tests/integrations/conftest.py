"""benchopt, its runs in a temporary copy of a small benchmark, and the adapter's classes."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

BENCHMARK = Path(__file__).parent / "benchmark"


@pytest.fixture
def benchopt():
    return pytest.importorskip("benchopt", reason="the extra benchopt is not installed")


@pytest.fixture
def solver_class(benchopt):
    """The Solver class of a file of ours, by its name."""
    from zoba_bench.integrations.benchopt import folder

    def load(name):
        spec = importlib.util.spec_from_file_location(f"adapted_{name}", folder() / "solvers" / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.Solver

    return load


@pytest.fixture
def benchmark(tmp_path, benchopt):
    """A copy of the small benchmark with our solvers in it."""
    from zoba_bench.integrations.benchopt import copy_to

    target = tmp_path / "benchmark_small"
    shutil.copytree(BENCHMARK, target)
    copy_to(target)
    return target


@pytest.fixture
def table(benchopt):
    """The results of a run, and the folder of its artifacts."""
    import pandas as pd

    def run(folder, solvers, datasets, max_runs=2):
        file = benchopt.run_benchmark(
            str(folder), solver_names=solvers, dataset_names=datasets, max_runs=max_runs, timeout=60,
            plot_result=False, display=False, show_progress=False, output_file="run.parquet",
        )  # fmt: skip
        return SimpleNamespace(rows=pd.read_parquet(file), artifacts=Path(file).with_suffix(""))

    return run


@pytest.fixture
def quadratics():
    """What a solver of the benchmark gets, in numpy; ``calls`` are (level, start, batch_size, inner_var)."""

    def make(rows=12, dtype=np.float64):
        rng = np.random.default_rng(0)
        shift, target = rng.standard_normal((2, rows, 3)).astype(dtype)
        M = rng.standard_normal((3, 2)).astype(dtype)
        calls = []

        def f_inner(inner_var, outer_var, start=0, batch_size=1):
            calls.append(("inner", start, batch_size, np.array(inner_var)))
            z, x = np.asarray(inner_var, dtype=dtype), np.asarray(outer_var, dtype=dtype)
            return dtype(0.5) * np.mean(np.sum((z - M @ x - shift[start : start + batch_size]) ** 2, axis=1))

        def f_outer(inner_var, outer_var, start=0, batch_size=1):
            calls.append(("outer", start, batch_size, np.array(inner_var)))
            z, x = np.asarray(inner_var, dtype=dtype), np.asarray(outer_var, dtype=dtype)
            return dtype(0.5) * (np.mean(np.sum((z - target[start : start + batch_size]) ** 2, axis=1)) + x @ x)

        def slope(x):
            residual = M @ x + shift.mean(axis=0) - target.mean(axis=0)
            return M.T @ residual + x

        objective = {
            "f_inner": f_inner, "f_outer": f_outer, "n_inner_samples": rows, "n_outer_samples": rows,
            "inner_var0": np.zeros(3), "outer_var0": -2 * np.ones(2),
        }  # fmt: skip
        return SimpleNamespace(objective=objective, calls=calls, slope=slope)

    return make


def times(number):
    """A callback that says stop when it is called for the (number + 1)-th time."""
    left = iter([True] * number)
    return lambda: next(left, False)
