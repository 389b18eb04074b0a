"""Runs of benchopt itself: our solvers in a benchmark of the bilevel interface, our problems as one."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

import zoba_bench as zb
from zoba_bench.registry import missing_requirements

SMALL = "l1=4,eval_freq=5"


def test_solvers_run_in_a_benchmark_of_the_interface_and_stop_by_its_callback(benchmark, table):
    run = table(benchmark, [f"ZOBA[{SMALL}]", f"HF-ZOBA[{SMALL}]"], ["quadratics"], max_runs=3)
    assert set(run.rows["solver_name"].str.partition("[")[0]) == {"ZOBA", "HF-ZOBA"}
    for _, own in run.rows.groupby("solver_name"):
        assert own["stop_val"].tolist() == [0, 1, 2, 3, 4][: len(own)]
        assert len(own) in (4, 5)
        assert np.isfinite(own["objective_value"]).all()
        assert own["objective_value"].nunique() == len(own)


def test_evaluations_stand_beside_the_results_of_an_objective_that_does_not_take_them(benchmark, table):
    run = table(benchmark, [f"ZOBA[{SMALL},batch_size=full]"], ["quadratics"])
    (file,) = run.artifacts.rglob("evaluations.csv")
    rows = np.genfromtxt(file, delimiter=",", names=True)
    assert rows["stop_val"].tolist() == run.rows["stop_val"].tolist()
    np.testing.assert_array_equal(rows["inner_evaluations"], 12 * 5 * 17 * rows["stop_val"])
    np.testing.assert_array_equal(rows["outer_evaluations"], 12 * 5 * 3 * rows["stop_val"])


def test_single_precision_is_skipped_where_a_small_radius_was_chosen(benchmark, table, capfd):
    table(
        benchmark, [f"ZOBA[{SMALL},h=0.001]", f"ZOBA[{SMALL},h=0.02]"], ["quadratics[dtype=float32]"]
    )  # fmt: skip
    assert "h=0.001 is lost in rounding" in " ".join(capfd.readouterr().out.split())


def test_registered_problems_are_a_benchmark_with_counted_evaluations(tmp_path, table):
    from zoba_bench.integrations.benchopt import folder

    own = tmp_path / "benchmark_own"
    shutil.copytree(folder(), own, ignore=shutil.ignore_patterns("__pycache__", "outputs", "__cache__"))
    run = table(
        own, [f"HF-ZOBA-shared[{SMALL},batch_size=1]"],
        ["zoba-bench[problem=[quad_sum,quad_tracking],p=3,d=2]"],
    )  # fmt: skip
    assert run.rows["dataset_name"].nunique() == 2
    for name, rows in run.rows.groupby("dataset_name"):
        assert rows["objective_inner_evaluations"].tolist() == [5 * 18 * k for k in rows["stop_val"]]
        problem = zb.load_problem("quad_sum" if "quad_sum" in name else "quad_tracking", 3, 2)
        start = problem.initial_point(np.random.default_rng(0))[1]
        first = rows.iloc[0]
        assert first["objective_value"] == pytest.approx(np.sum(problem.hypergradient(start) ** 2), rel=1e-12)
        assert first["objective_value_func"] == pytest.approx(float(problem.value(start)), rel=1e-12)


def test_a_diverged_run_is_told_by_benchopt(tmp_path, table, capfd):
    from zoba_bench.integrations.benchopt import folder

    own = tmp_path / "benchmark_own"
    shutil.copytree(folder(), own, ignore=shutil.ignore_patterns("__pycache__", "outputs", "__cache__"))
    run = [f"ZOBA[{SMALL},rho=1e100,schedule=constant]", f"ZOBA[{SMALL}]"]
    rows = table(own, run, ["zoba-bench[problem=quad_tracking,p=3,d=2]"]).rows
    assert rows["solver_name"].nunique() == 1  # benchopt keeps no rows of a run that diverged
    assert "diverged" in capfd.readouterr().out


def test_copies_have_names_of_their_own_and_replace_each_other(benchmark):
    from zoba_bench.integrations.benchopt import copy_to, folder

    files = copy_to(benchmark)
    assert {file.parent.name for file in files} == {"solvers", "datasets"}
    assert all(file.name.startswith("zoba_bench_") and file.is_file() for file in files)
    own = list((folder() / "solvers").glob("*.py"))
    assert len(list((benchmark / "solvers").glob("*.py"))) == len(own) >= 17


def test_a_folder_that_is_no_benchmark_is_refused(tmp_path, benchopt):
    from zoba_bench.integrations.benchopt import copy_to

    with pytest.raises(ValueError, match="is no folder of a benchmark: it holds no objective"):
        copy_to(tmp_path)


# Problems as functions of rows; benchopt itself is not needed.


@pytest.mark.parametrize("name", [name for name in zb.list_problems() if not missing_requirements(name)])
def test_every_registered_problem_is_a_data_set(name):
    from zoba_bench.integrations.benchopt.rows import data_of

    problem = zb.load_problem(name)
    data = data_of(problem)
    z, x = data["init_var"](None)
    assert (z.shape, x.shape) == ((problem.p,), (problem.d,))
    for level in ("inner", "outer"):
        f, rows, _, _ = data[f"pb_{level}"]
        function = getattr(problem, level)
        assert rows == (getattr(problem, f"{level}_samples") or 1)
        whole = f(z, x, start=0, batch_size=rows)
        assert whole == pytest.approx(float(function(z, x)), rel=1e-10, abs=1e-12)
        assert np.mean([f(z, x, start=i) for i in range(rows)]) == pytest.approx(whole, rel=1e-10, abs=1e-12)
    metrics = data["metrics"](z, x)
    assert np.isfinite(metrics["value"])
    assert all(type(value) is float for value in metrics.values())


def test_a_batch_beyond_the_end_ends_with_the_last_row():
    from zoba_bench.integrations.benchopt.rows import data_of

    data = data_of(zb.load_problem("quad_sum"))
    f, rows, _, _ = data["pb_inner"]
    z, x = data["init_var"](None)
    assert f(z, x, start=rows - 1, batch_size=3) == f(z, x, start=rows - 3, batch_size=3)
