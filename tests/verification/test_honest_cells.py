"""Cells that say what they are of: values that are not finite, a user's own files, proofs, and old rows."""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import zoba_bench as zb
from zoba_bench.execution import run_cells
from zoba_bench.ledger import Ledger
from zoba_bench.oracle import Oracle
from zoba_bench.problem.file import file_spec, load_file
from zoba_bench.sweep import Cell, CellError, fingerprint, plan_fingerprint, run_cell
from zoba_bench.verification.run.verify import exit_code, verify

from .command import call


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


# Values that are not finite.


def hole(z, x):
    """A quadratic that is NaN where z_0 > 1."""
    value = 0.5 * np.sum((z - x.sum(-1, keepdims=True)) ** 2, axis=-1)
    return np.where(z[..., 0] > 1.0, np.nan, value)


def far(z, x):
    return np.sum((z - 3) ** 2, axis=-1) + np.sum(x**2, axis=-1)


def test_a_result_names_level_value_and_point_of_the_first_failure():
    problem = zb.Problem.from_functions(far, hole, 2, 2)
    result = zb.solve(problem, "zoba", max_iterations=200, replicates=2, z0=[0.9, 0.0], x0=[2.0, 2.0], l1=4, l2=4)
    assert (result.status == zb.Status.NON_FINITE).all()
    found = re.compile(r"inner returned NaN at z = \[(1\.\d+), -?[\d.]+\], x = \[-?[\d.]+, -?[\d.]+\]")
    assert found.fullmatch(result.non_finite)
    for message in result.message:
        assert found.search(message)
        assert message.startswith("iteration ")
        assert message.endswith("; returned the last finite iterate")


def test_an_infinity_of_the_outer_objective_and_a_derivative_are_named_too():
    problem = zb.Problem.from_functions(
        lambda z, x: np.full(np.broadcast_shapes(z.shape, x.shape)[:-1], -np.inf), lambda z, x: z[..., 0] + x[..., 0],
        1, 1, inner_grad_z=lambda z, x: np.nan * z,
    )  # fmt: skip
    oracle = Oracle(problem, 2)
    oracle.outer(np.zeros((2, 3, 1)), np.full((2, 3, 1), 0.25))
    assert oracle.met == dict.fromkeys((0, 1), "outer returned -infinity at z = [0], x = [0.25]")
    oracle = Oracle(problem, 1)
    oracle.inner_grad_z(np.zeros((1, 1)), np.zeros((1, 1)))
    assert oracle.met == {0: "inner_grad_z returned NaN at z = [0], x = [0]"}


def test_what_overflows_far_away_is_divergence_and_no_failure_of_a_function():
    problem = zb.Problem.from_functions(
        lambda z, x: np.sum(x**2, axis=-1), lambda z, x: np.sum(np.exp(z**2) + (z - x) ** 2, axis=-1), 2, 2
    )
    oracle = Oracle(problem, 1)
    oracle.inner(np.ones((1, 2)), np.ones((1, 2)))
    with np.errstate(over="ignore"):
        oracle.inner(np.full((1, 2), 1e4), np.ones((1, 2)))
        oracle.inner(np.full((1, 2), np.inf), np.ones((1, 2)))
    assert oracle.non_finite.all()
    assert oracle.met == {}


NAN = """
import numpy as np
import zoba_bench as zb
from zoba_bench.verification.protocols.moments import point


def P(p=2, d=2):
    right = zb.load_problem("quad_general", p, d, kappa=3.0)
    return zb.BilevelProblem(**{**{f: getattr(right, f) for f in right.__dataclass_fields__}, "inner": holed(right)})


def holed(right):
    where = point(right)[0]

    def inner(z, x):
        return np.where(np.linalg.norm(z - where, axis=-1) < 0.2, np.nan, right.inner(z, x))

    return inner
"""


def test_a_run_that_met_nan_is_inconclusive_and_says_where(folder):
    (folder / "mine.py").write_text(NAN)
    verdicts = verify(problem="mine.py:P", out=folder / "out")
    moments = [v for v in verdicts if v.claim.protocol in ("P2", "P2s")]
    assert moments
    for verdict in moments:
        assert verdict.verdict == "inconclusive", verdict.reason
        assert "inner returned NaN at z = [" in verdict.reason
    assert not any(v.verdict == "violated" and v.claim.origin != "control" for v in verdicts)
    assert exit_code(verdicts) == 3
    # From the ledger it is the same.
    again = verify(problem="mine.py:P", out=folder / "out")
    assert [v.row() for v in again] == [v.row() for v in verdicts]


def test_rows_of_runs_that_met_nothing_say_nothing_of_it():
    problem = {"name": "reference", "p": 2, "d": 2}
    options = {"l1": 4, "l2": 4, "schedule": "constant", "rho": 0.04, "gamma": 0.01}
    row = run_cell(Cell("zoba_bench.verification.tasks:trajectory", {
        "problem": problem, "solver": "zoba", "options": options, "start": "solution", "iterations": 5, "replicates": 2,
    }, 0))  # fmt: skip
    assert set(row) == {"means", "failed"}


# What a user's problem depends on.

DATA = """
from pathlib import Path

import numpy as np
import zoba_bench as zb

{line}
HERE = Path(__file__).parent


def P(p=2, d=2):
    right = zb.load_problem("quad_general", p, d, kappa=3.0)
    scale = float((HERE / "data.csv").read_text())
    changed = {{"inner": lambda z, x: scale * right.inner(z, x)}}
    return zb.BilevelProblem(**{{**{{f: getattr(right, f) for f in right.__dataclass_fields__}}, **changed}})
"""


def verdict_counts(*arguments):
    code, output, errors = call("verify", "--problem", "mine.py:P", "--no-report", "--json", *arguments)
    rows = json.loads(output)["claims"]
    return code, sum(row["verdict"] == row["expected"] for row in rows), len(rows), errors


@pytest.mark.slow
@pytest.mark.parametrize("line", ["", 'files = ["data.csv"]'])
def test_an_edited_data_file_is_seen_declared_or_not(folder, line):
    (folder / "mine.py").write_text(DATA.format(line=line))
    (folder / "data.csv").write_text("1.0")
    code, expected, total, _ = verdict_counts()
    assert (code, expected) == (0, total)
    (folder / "data.csv").write_text("1.5")
    code, expected, total, errors = verdict_counts()
    assert code == 1, errors
    assert expected <= total - 5  # mean and moment of G_zz v, say, are 1.5 times what the closed forms say
    (folder / "data.csv").write_text("1.0")
    code, expected, total, _ = verdict_counts()
    assert (code, expected) == (0, total)


def test_a_declared_file_that_no_value_shows_is_part_of_the_key(folder):
    (folder / "mine.py").write_text("files = ['notes.txt']\n" + BOWL)
    (folder / "notes.txt").write_text("one")
    before = file_spec("mine.py:Bowl")
    assert set(before) == {"name", "file_hash", "depends_hash", "values_hash"}
    assert load_file(**before).p == 2
    (folder / "notes.txt").write_text("two")
    after = file_spec("mine.py:Bowl")
    assert after["depends_hash"] != before["depends_hash"]
    assert {name: after[name] for name in ("file_hash", "values_hash")} == {
        name: before[name] for name in ("file_hash", "values_hash")
    }
    with pytest.raises(ValueError, match="imports or declares was edited since this run was planned"):
        load_file(**before)


BOWL = """
import numpy as np


class Bowl:
    p, d = 2, 2
    scale = 1.0

    def inner(self, z, x):
        return self.scale * 0.5 * np.sum((z - x.sum(-1, keepdims=True)) ** 2, axis=-1)

    def outer(self, z, x):
        return 0.5 * np.sum((z - 1) ** 2, axis=-1) + 0.5 * np.sum(x**2, axis=-1)
"""


def test_an_attribute_of_the_problem_declares_files_too(folder):
    (folder / "mine.py").write_text(BOWL.replace("scale = 1.0", "files = ('a.csv',)\n    scale = 1.0"))
    (folder / "a.csv").write_text("1")
    before = file_spec("mine.py:Bowl")["depends_hash"]
    (folder / "a.csv").write_text("2")
    assert file_spec("mine.py:Bowl")["depends_hash"] != before


@pytest.mark.parametrize(
    ("line", "words"),
    [("files = ['gone.csv']", "names 'gone.csv', but there is no file"), ("files = 3", "must be a list of paths")],
)
def test_a_wrong_declaration_of_files_is_said(folder, line, words):
    (folder / "mine.py").write_text(f"{line}\n{BOWL}")
    with pytest.raises(ValueError, match=words):
        file_spec("mine.py:Bowl")


def test_an_edited_module_beside_the_file_is_read_again_also_through_another(folder):
    (folder / "mine.py").write_text("from numbers_of_mine import SCALE\n" + BOWL.replace("= 1.0", "= SCALE"))
    (folder / "numbers_of_mine.py").write_text("import deeper_of_mine\nSCALE = deeper_of_mine.NUMBER\n")
    (folder / "deeper_of_mine.py").write_text("NUMBER = 1.0\n")
    before = file_spec("mine.py:Bowl")
    one = float(load_file("mine.py:Bowl").inner(np.ones(2), np.zeros(2)))
    (folder / "deeper_of_mine.py").write_text("NUMBER = 2.5\n")
    after = file_spec("mine.py:Bowl")
    assert after["depends_hash"] != before["depends_hash"]
    assert after["values_hash"] != before["values_hash"]
    assert float(load_file("mine.py:Bowl").inner(np.ones(2), np.zeros(2))) == 2.5 * one


def test_the_package_itself_and_what_is_installed_are_no_local_modules(folder):
    (folder / "zoba_bench").mkdir()
    for name in ("zoba_bench/__init__.py", "json.py"):
        (folder / name).write_text("")
    (folder / "mine.py").write_text("import json\nimport zoba_bench\n" + BOWL)
    assert "depends_hash" not in file_spec("mine.py:Bowl")
    assert sys.modules["zoba_bench"] is zb


def test_values_are_hashed_to_ten_digits_and_failures_too(folder):
    (folder / "mine.py").write_text(BOWL)
    hashes = []
    for line in ("scale = 1.0", "scale = 1.0 + 1e-14", "scale = 1.0 + 1e-6", "scale = np.nan", "scale = None"):
        (folder / "mine.py").write_text(BOWL.replace("scale = 1.0", line))
        hashes.append(file_spec("mine.py:Bowl")["values_hash"])
    assert hashes[0] == hashes[1]
    assert len(set(hashes[1:])) == 4


# Proofs.

MARKS = """
from zoba_bench.sweep import fingerprint, plan_fingerprint
of = "zoba_bench.verification.protocols.proofs:"
print(fingerprint(), fingerprint(of + "derivation"), fingerprint(of + "certificate"), plan_fingerprint())
"""


@pytest.fixture
def copied(tmp_path):
    """A copy of the installed package, its parts put together."""
    copy = tmp_path / "zoba_bench"
    shutil.copytree(Path(zb.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("problems", "theory"):
        part = Path(importlib.import_module(f"zoba_bench.{name}").__file__).parent
        shutil.copytree(part, copy / name, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    return copy


def marks(root):
    """Fingerprints of runs, of derivations, of certificates and of plans, by a copy of the package."""
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", MARKS], capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout.split()


@pytest.mark.slow
def test_proofs_are_not_reused_after_an_edit_of_what_they_prove(copied):
    before = marks(copied.parent)
    assert len(set(before)) == 4
    for name, changes in (
        ("theory/estimators/isserlis.py", [False, True, False, True]),
        ("theory/single_loop/zoba.py", [False, True, False, True]),
        ("certification/certify.py", [False, False, True, True]),
        ("problems/combinators.py", [True, True, True, True]),
        ("cli/entry.py", [False, False, False, False]),
    ):
        file = copied / name
        text = file.read_text()
        file.write_text(text + "\n# edited\n")
        assert [a != b for a, b in zip(before, marks(copied.parent), strict=True)] == changes, name
        file.write_text(text)
    assert marks(copied.parent) == before


def test_a_cell_is_sought_and_kept_under_the_fingerprint_of_its_task(tmp_path, monkeypatch):
    proof = Cell("zoba_bench.verification.protocols.proofs:derivation", {"theorem": "zoba"})
    other = Cell("zoba_bench.verification.cost:idle", {})
    ran = []
    monkeypatch.setattr("zoba_bench.execution.run_cell", lambda cell: ran.append(cell.task) or {"failed": []})
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        run_cells([proof, other], ledger)
        assert ledger.holds(proof.key, fingerprint(proof.task))
        assert not ledger.holds(proof.key, fingerprint())
        right = fingerprint
        monkeypatch.setattr(
            "zoba_bench.execution.fingerprint", lambda task: "edited" if task == proof.task else right(task)
        )
        run_cells([proof, other], ledger)
    assert ran == [proof.task, other.task, proof.task]


# Old rows.

FEW = ("verify", "--suite", "smoke", "--claim", "P1/zoba/counts", "--no-report")


def test_fresh_runs_everything_again_and_replaces_the_rows(tmp_path, monkeypatch):
    arguments = {"claims": ["P1/zoba/counts"], "out": tmp_path}
    first = [v.row() for v in verify("smoke", **arguments)]
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        before = ledger.count()
        # A row that lies: only a fresh run finds it out.
        for key, task in ledger._db.execute("SELECT key, task FROM cells").fetchall():
            ledger.put(key=key, fingerprint=fingerprint(task), task=task, parameters={}, seed=0,
                       result={"counts": []}, seconds=1.0)  # fmt: skip
    with pytest.raises(ValueError, match=r"shorter|longer"):
        raise_reason(verify("smoke", **arguments))
    costs = []
    fresh = verify("smoke", **arguments, fresh=True, announce_cost=costs.append)
    assert [v.row() for v in fresh] == first
    assert (costs[0].cells, costs[0].found, costs[0].kept) == (before, 0, 0)
    assert [v.row() for v in verify("smoke", **arguments)] == first
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        assert ledger.count() == before


def raise_reason(verdicts):
    raise ValueError(verdicts[0].reason)


@pytest.mark.slow
def test_fresh_is_an_option_of_the_command(tmp_path):
    assert call(*FEW, "--out", tmp_path)[0] == 0
    code, output, _ = call(*FEW, "--out", tmp_path, "--fresh")
    assert code == 0
    assert "Nothing has to run" not in output
    assert "Nothing has to run" in call(*FEW, "--out", tmp_path)[1]


@pytest.fixture
def with_old_rows(tmp_path):
    """A results folder with rows of this code and of another one."""
    call(*FEW, "--out", tmp_path)
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        kept = ledger.count()
        for i in range(3):
            ledger.put(key=f"k{i}", fingerprint="old", task="m:t", parameters={}, seed=0, result={}, seconds=0.1)
        ledger.put_text("plan", "a", "old", {}, 0.1)
        ledger.put_text("derivation", "zoba", "old", {}, 0.1)
    return tmp_path, kept


def count(out):
    with Ledger(out / "ledger.sqlite") as ledger:
        return ledger.count(), len(list(ledger.rows("texts")))


def test_clean_says_first_what_it_would_remove(with_old_rows):
    out, kept = with_old_rows
    before = count(out)
    code, output, _ = call("clean", "--out", out, "--dry-run")
    assert code == 0
    assert "would remove 3 cells and 2 derived" in output
    assert count(out) == before == (kept + 3, before[1])


def test_clean_removes_the_rows_of_other_code_and_nothing_else(with_old_rows):
    out, kept = with_old_rows
    code, output, _ = call("clean", "--out", out, "--yes", "--json")
    content = json.loads(output)
    assert code == 0
    assert content["rows"] == {"cells": 3, "derived": 2, "failed": 0, "runs": 0}
    assert content["removed"] is True
    assert count(out)[0] == kept
    assert "Nothing has to run" in call(*FEW, "--out", out)[1]
    with Ledger(out / "ledger.sqlite") as ledger:
        assert ledger.last_run() is not None
    assert "nothing to remove" in call("clean", "--out", out, "--yes")[1]


@pytest.mark.sample(1)
@pytest.mark.parametrize(("answer", "removed"), [("n\n", False), ("y\n", True)])
def test_clean_asks(with_old_rows, monkeypatch, answer, removed):
    out, kept = with_old_rows
    monkeypatch.setattr("click.confirm", lambda *a, **k: answer == "y\n")
    code, output, _ = call("clean", "--out", out)
    assert code == 0
    assert ("removed 3 cells" in output) == removed
    assert count(out)[0] == kept + (0 if removed else 3)


def test_clean_without_a_ledger_is_refused(tmp_path):
    code, _, errors = call("clean", "--out", tmp_path, "--yes")
    assert code == 2
    assert "there is no ledger" in errors
    assert not list(tmp_path.iterdir())


def test_a_file_that_changes_between_plan_and_run_stops_the_run(folder):
    (folder / "mine.py").write_text("import sizes_of_mine\n" + BOWL)
    (folder / "sizes_of_mine.py").write_text("N = 1\n")
    cell = Cell("zoba_bench.verification.tasks:count", {
        "problem": file_spec("mine.py:Bowl"), "solver": "zoba", "options": [{"l1": 2, "l2": 2}],
    })  # fmt: skip
    assert run_cell(cell) == {"counts": [{"inner": [18, 18], "outer": [10, 10]}]}
    (folder / "sizes_of_mine.py").write_text("N = 2\n")
    with pytest.raises(CellError, match="was edited since this run was planned"):
        run_cell(cell)


def test_the_fingerprint_of_plans_covers_more_than_that_of_cells():
    assert plan_fingerprint() != fingerprint()
    assert plan_fingerprint() == plan_fingerprint()
