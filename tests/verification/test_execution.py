"""Cells: keys, seeds, reuse, processes, failures and fingerprints."""

import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import zoba_bench
from zoba_bench.execution import run_cells
from zoba_bench.ledger import Ledger
from zoba_bench.solvers.base import StepWarning
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
        monkeypatch.setattr("zoba_bench.execution.fingerprint", lambda task: "of an edited estimator")
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


@pytest.fixture
def copied_package(tmp_path):
    """A copy of the installed package, and a runner of code that uses it in a process of its own."""
    copy = tmp_path / "zoba_bench"
    shutil.copytree(Path(zoba_bench.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("problems", "theory"):
        folder = Path(__import__(f"zoba_bench.{name}", fromlist=["x"]).__file__).parent
        shutil.copytree(folder, copy / name, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)

    def run(code):
        first = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import zoba_bench; "
        where = f"assert zoba_bench.__file__.startswith({str(tmp_path)!r}), zoba_bench.__file__\n"
        command = [sys.executable, "-P", "-c", first + where + code]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    return copy, run


def delete_the_half(package):
    estimators = package / "estimators.py"
    text = estimators.read_text()
    estimators.write_text(text.replace("(2 * first_radius * second_radius)", "(first_radius * second_radius)"))
    assert estimators.read_text() != text


def test_an_edit_of_an_estimator_changes_the_fingerprint_and_an_edit_of_the_report_does_not(copied_package):
    package, run = copied_package
    code = "from zoba_bench.sweep import fingerprint; print(fingerprint())"
    before = run(code)
    cli = package / "cli" / "entry.py"
    cli.write_text(cli.read_text() + "\n# presentation\n")
    assert run(code) == before
    delete_the_half(package)
    assert run(code) != before


VERIFY = """
from zoba_bench.verification.run import verify
from zoba_bench.verification.suites import quick
from zoba_bench.verification.suite import Suite
kept = ("P2/zoba/quad_general", "P2/control:hessian-factor/quad_general", "P2s/zoba/quad_general",
        "P2s/control:slow-adjoint/quad_general")
chosen = tuple(claim for claim in quick.smoke().claims if claim.id in kept)
verify.entry = lambda kind, name: lambda: Suite("few", "", chosen)
ran = []
verdicts = verify.verify("few", out={out!r}, progress=lambda *a: ran.append(a))
print(len(ran), *(v.verdict for v in verdicts if v.claim.origin != "control"))
"""


@pytest.mark.slow
def test_after_an_edit_of_an_estimator_the_same_ledger_gives_other_verdicts(copied_package, tmp_path):
    package, run = copied_package
    code = VERIFY.format(out=str(tmp_path / "results"))
    assert run(code).split() == ["4", "consistent", "consistent"]
    assert run(code).split() == ["0", "consistent", "consistent"]
    delete_the_half(package)
    assert run(code).split() == ["4", "violated", "violated"]


def test_a_source_edited_after_the_import_is_an_error(copied_package):
    package, run = copied_package
    code = (
        "import pathlib, time, zoba_bench.sweep as s; time.sleep(0.05)\n"
        f"path = pathlib.Path({str(package / 'estimators.py')!r}); path.write_text(path.read_text() + '# edited')\n"
        "time.sleep(0.05)\n"
        "try: s.fingerprint()\n"
        "except s.CellError as error: print('start a new process' in str(error))"
    )
    assert run(code).strip() == "True"


def test_the_fingerprint_is_stable_within_a_process():
    assert fingerprint() == fingerprint()
    assert len(fingerprint()) == 32


def test_a_cell_does_not_warn_of_steps_since_its_run_is_judged(monkeypatch, recwarn):
    def warns(rng):
        warnings.warn("rho=9 is outside of the stable range", StepWarning, stacklevel=2)
        return {"done": True}

    monkeypatch.setattr("zoba_bench.sweep.resolve", lambda task: warns)
    assert run_cell(Cell("some:task", {})) == {"done": True}
    assert len(recwarn) == 0
