"""What a ledger holds: cells by what they are of, and runs."""

from __future__ import annotations

import pytest

from zoba_bench.ledger import Ledger
from zoba_bench.ledger.content import Selection, cells, counted, runs

from .made import NEW, OLD, whole


@pytest.fixture
def ledger(tmp_path):
    with Ledger(whole(tmp_path / "ledger.sqlite"), readonly=True) as ledger:
        yield ledger


def keys(ledger, **chosen):
    return [cell.row["key"] for cell in cells(ledger, Selection(**chosen, current=lambda table, task: NEW))]


def test_every_cell_has_task_solver_problem_status_and_code(ledger):
    found = {cell.row["key"]: cell for cell in cells(ledger)}
    assert list(found) == ["k1", "k2", "k3", "k4", "k6", "k5"]
    two = found["k2"]
    assert (two.task, two.solver, two.problem, two.status, two.code) == (
        "m:trajectory", "hf-zoba", "reference", "done", NEW,
    )  # fmt: skip
    assert {key: cell.status for key, cell in found.items() if cell.status != "done"} == {
        "k5": "raised", "k6": "damaged",
    }  # fmt: skip
    assert found["k5"].problem == "reference"
    assert found["k5"].result is found["k6"].result is None
    assert two.result == {"final": [1.0, 0.5, 0.25], "nit": 7}


@pytest.mark.parametrize(
    ("chosen", "wanted"),
    [
        ({}, ["k1", "k2", "k3", "k4", "k6", "k5"]),
        ({"solver": ["hf-*"]}, ["k2"]),
        ({"problem": ["reference"], "solver": ["zoba", "hf-zoba"]}, ["k2", "k5"]),
        ({"task": ["*:digests"]}, ["k4"]),
        ({"status": ["raised", "damaged"]}, ["k6", "k5"]),
        ({"code": ["old"]}, ["k3"]),
        ({"code": ["current"], "status": ["done"]}, ["k1", "k2", "k4"]),
        ({"code": [OLD[:5]]}, ["k3"]),
        ({"solver": ["none"]}, []),
    ],
)
def test_a_selection_takes_what_agrees_in_every_column(ledger, chosen, wanted):
    assert keys(ledger, **chosen) == wanted


def test_cells_are_counted_by_any_columns_with_their_seconds(ledger):
    selection = Selection(current=lambda table, task: NEW)
    found = counted(cells(ledger), ("solver", "status"), selection)
    assert found["hf-zoba", "done"][:2] == (1, 1.5)
    assert found["zoba", "done"][:2] == (2, 1.0)
    assert found["zoba", "damaged"] == (1, 0.0, "")  # its time is not to be believed
    assert {key: row[0] for key, row in counted(cells(ledger), ("code",), selection).items()} == {
        ("current",): 5, ("old",): 1,
    }  # fmt: skip
    assert counted(cells(ledger), ("code",), Selection()).keys() == {(NEW[:8],), (OLD[:8],)}


def test_runs_say_what_they_were_and_how_they_ended(ledger):
    first, second = runs(ledger)
    assert (first["run"], first["suite"], first["kind"], first["rows"], first["as_expected"]) == (
        1, "quick", "claims", 2, 1,
    )  # fmt: skip
    assert first["verdicts"] == {"consistent": 1, "violated": 1}
    assert (first["code"], first["version"], first["commit"]) == (NEW, "0.1.0", "c0ffee")
    assert (second["kind"], second["rows"], second["as_expected"]) == ("comparison", 2, None)


def test_a_damaged_run_is_listed_as_that(tmp_path):
    path = whole(tmp_path / "other.sqlite")
    with Ledger(path) as ledger:
        ledger._db.execute("UPDATE runs SET suite = 'smoke' WHERE id = 1")
        assert [run["kind"] for run in runs(ledger)] == ["damaged", "comparison"]
