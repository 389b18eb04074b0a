"""Cells: keys, seeds, reuse, processes, failures and fingerprints."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import zoba_bench
from zoba_bench.execution import run_cells
from zoba_bench.ledger import Ledger
from zoba_bench.sweep import Cell, CellError, fingerprint, run_cell

TASK = "zoba_bench.verification.tasks:trajectory"
PARAMETERS = {
    "problem": {"name": "reference", "p": 2, "d": 2}, "solver": "zoba", "start": "solution", "iterations": 20,
    "replicates": 3, "options": {"l1": 4, "l2": 4, "schedule": "constant", "rho": 0.04, "gamma": 0.01},
}  # fmt: skip


def cells(count):
    return [Cell(TASK, {**PARAMETERS, "block": i}, 5) for i in range(count)]


def test_the_key_depends_on_content_and_not_on_order():
    one = Cell(TASK, {"a": 1, "b": 2}, 0)
    assert one.key == Cell(TASK, {"b": 2, "a": 1}, 0).key
    assert len({one.key, Cell(TASK, {"a": 1, "b": 3}, 0).key, Cell(TASK, {"a": 1, "b": 2}, 1).key}) == 3


def test_every_cell_has_its_own_stream():
    first, second = (cell.rng().standard_normal(4) for cell in cells(2))
    assert not np.array_equal(first, second)
    assert np.array_equal(first, cells(1)[0].rng().standard_normal(4))


def test_a_parameter_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match=r"JSON|float"):
        Cell(TASK, {"a": float("nan")}, 0)


def test_a_second_run_reuses_every_cell(tmp_path, monkeypatch):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        first = run_cells(cells(3), ledger)
        monkeypatch.setattr("zoba_bench.execution.run_cell", lambda cell: pytest.fail("a stored cell was run again"))
        assert run_cells(cells(3), ledger) == first


def test_rows_of_other_code_are_not_reused(tmp_path, monkeypatch):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        run_cells(cells(1), ledger)
        monkeypatch.setattr("zoba_bench.execution.fingerprint", lambda: "of an edited estimator")
        ran = []
        monkeypatch.setattr("zoba_bench.execution.run_cell", lambda cell: ran.append(cell.key) or {"means": []})
        run_cells(cells(1), ledger)
        assert ran == [cells(1)[0].key]
        assert ledger.count() == 2


def test_two_processes_give_the_same_bits(tmp_path):
    with Ledger(tmp_path / "one.sqlite") as one, Ledger(tmp_path / "two.sqlite") as two:
        assert run_cells(cells(4), one, jobs=1) == run_cells(cells(4), two, jobs=2)


def test_duplicates_run_once(tmp_path):
    seen = []
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        run_cells([*cells(2), *cells(2)], ledger, progress=lambda done, total, task: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


def test_a_failing_task_is_an_error_with_its_parameters_and_loses_nothing(tmp_path):
    bad = Cell(TASK, {**PARAMETERS, "problem": {"name": "no_such_problem"}}, 0)
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        with pytest.raises(CellError, match="no_such_problem"):
            run_cells([*cells(2), bad], ledger)
        assert ledger.count() == 2


def test_a_failing_task_in_a_worker_is_the_same_error(tmp_path):
    bad = Cell(TASK, {**PARAMETERS, "solver": "no-such-solver"}, 0)
    with Ledger(tmp_path / "ledger.sqlite") as ledger, pytest.raises(CellError, match="no-such-solver"):
        run_cells([bad, *cells(1)], ledger, jobs=2)


def test_a_cell_uses_one_blas_thread():
    import threadpoolctl

    run_cell(cells(1)[0])
    # The limit ends with the cell: the process keeps its own setting.
    before = [pool["num_threads"] for pool in threadpoolctl.threadpool_info()]
    run_cell(cells(1)[0])
    assert [pool["num_threads"] for pool in threadpoolctl.threadpool_info()] == before


def test_jobs_must_be_positive(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger, pytest.raises(ValueError, match="jobs"):
        run_cells([], ledger, jobs=0)


def test_an_edit_of_an_estimator_changes_the_fingerprint_and_an_edit_of_the_report_does_not(tmp_path):
    engine = Path(zoba_bench.__file__).parent
    copy = tmp_path / "zoba_bench"
    shutil.copytree(engine, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("problems", "theory"):
        folder = Path(__import__(f"zoba_bench.{name}", fromlist=["x"]).__file__).parent
        shutil.copytree(folder, copy / name, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)

    def mark():
        code = (
            f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import zoba_bench.sweep as s; "
            f"assert s.__file__.startswith({str(tmp_path)!r}), s.__file__; print(s.fingerprint())"
        )
        return subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True).stdout

    before = mark()
    cli = copy / "cli.py"
    cli.write_text(cli.read_text() + "\n# presentation\n")
    assert mark() == before
    estimators = copy / "estimators.py"
    text = estimators.read_text()
    estimators.write_text(text.replace("(2 * first_radius * second_radius)", "(first_radius * second_radius)"))
    assert estimators.read_text() != text
    assert mark() != before


def test_the_fingerprint_is_stable_within_a_process():
    assert fingerprint() == fingerprint()
    assert len(fingerprint()) == 32
