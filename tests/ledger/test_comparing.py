"""What changed between two runs: with uncertainty, and what became worse."""

from __future__ import annotations

import pytest

from zoba_bench.ledger import Ledger, LedgerError
from zoba_bench.ledger.comparing import compare, reference

from .made import NEW, OLD, claim, compared, pair, put, run


@pytest.fixture
def two_runs(tmp_path):
    """Compares two contents that are stored as runs 1 and 2 of one ledger."""

    def stored(first, second):
        with Ledger(tmp_path / "ledger.sqlite") as ledger:
            ledger.add_run("quick", 0, first)
            ledger.add_run("quick", 0, second)
        return compare(reference(f"{tmp_path}@1"), reference(str(tmp_path)))

    return stored


def found(comparison):
    return [(change.what, change.name, change.regression) for change in comparison.changes]


def test_the_same_run_twice_changes_nothing(two_runs):
    comparison = two_runs(
        run([claim("a"), claim("b", "violated", 2.0)]), run([claim("a"), claim("b", "violated", 2.0)])
    )
    assert found(comparison) == []
    assert (comparison.same, comparison.within) == (2, 0)


def test_a_number_within_its_uncertainty_has_not_changed(two_runs):
    """Half-widths of 0.1 each allow 0.1414."""
    comparison = two_runs(run([claim("a", measured=1.0)]), run([claim("a", measured=1.14)]))
    assert found(comparison) == []
    assert (comparison.same, comparison.within) == (0, 1)


def test_a_number_beyond_it_has_and_so_has_its_figure(two_runs):
    comparison = two_runs(run([claim("a", measured=1.0)]), run([claim("a", measured=1.15)]))
    assert found(comparison) == [("figure", "a at 2", False), ("measured", "a", False)]
    (change,) = [change for change in comparison.changes if change.what == "measured"]
    assert (change.before, change.after) == (1.0, 1.15)
    assert change.uncertainty == pytest.approx(2**0.5 * 0.1)


def test_an_exact_number_has_changed_where_it_differs_at_all(two_runs):
    comparison = two_runs(run([claim("a", measured=100.0, half=0.0)]), run([claim("a", measured=101.0, half=0.0)]))
    assert ("measured", "a", False) in found(comparison)


@pytest.mark.parametrize("verdict", ["violated", "inconclusive"])
def test_a_verdict_that_was_the_expected_one_and_is_not_is_a_regression(two_runs, verdict):
    comparison = two_runs(run([claim("a"), claim("b")]), run([claim("a"), claim("b", verdict)]))
    assert found(comparison) == [("verdict", "b", True)]
    (change,) = comparison.regressions
    assert (change.before, change.after) == ("consistent", f"{verdict} (expected consistent)")
    assert change.reason == "measured 1.0"


def test_a_verdict_that_becomes_the_expected_one_is_none(two_runs):
    comparison = two_runs(run([claim("a", "violated")]), run([claim("a")]))
    assert found(comparison) == [("verdict", "a", False)]
    assert not comparison.regressions


def test_another_prediction_and_claims_of_one_run_alone_are_named(two_runs):
    comparison = two_runs(run([claim("a"), claim("gone")]), run([claim("a", predicted=1.01), claim("new")]))
    assert found(comparison) == [
        ("only in the first", "gone", False), ("only in the second", "new", False), ("predicted", "a", False),
    ]  # fmt: skip


def test_a_cell_that_fails_and_did_not_is_a_regression(two_runs):
    row = {"key": "k", "status": "killed", "message": "its process was killed"}
    assert found(two_runs(run([]), run([], failed=[row]))) == [("cell fails", "k", True)]


def test_a_cell_that_failed_before_too_is_none(two_runs):
    row = {"key": "k", "status": "killed", "message": "its process was killed"}
    assert found(two_runs(run([], failed=[row]), run([], failed=[row]))) == []


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (pair("zoba", 1.0), pair("zoba", 1.15), []),  # quartiles overlap
        (pair("zoba", 1.0), pair("zoba", 2.0), [("median", "zoba on reference", True)]),
        (pair("zoba", 2.0), pair("zoba", 1.0), [("median", "zoba on reference", False)]),
        (pair("zoba", 1e-25), pair("zoba", 1e-22), []),  # both are rounding
        (pair("zoba", 1.0), pair("zoba", 1.0, failed=3), [("failed", "zoba on reference", True)]),
        (pair("zoba", 1.0), pair("zoba", None), [("median", "zoba on reference", True)]),
    ],
)
def test_a_pair_became_worse_where_its_quartiles_are_apart(two_runs, before, after, expected):
    assert found(two_runs(compared(before), compared(after))) == expected


def test_cells_of_two_versions_are_compared_by_their_keys(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        for code, last in ((OLD, 1.0), (NEW, 2.0)):
            put(ledger, "same", code=code, result={"x": 0.5, "seconds": last})  # a measured time is no result
            put(ledger, "changed", code=code, result={"x": last})
        put(ledger, "gone", code=OLD)
        ledger.add_run("quick", 0, run([claim("a")], code=OLD))
        ledger.add_run("quick", 0, run([claim("a")], code=NEW))
    comparison = compare(reference(f"{tmp_path}@-2"), reference(f"{tmp_path}@-1"))
    assert comparison.cells == {"same": 1, "changed": 1, "only_first": 1, "only_second": 0}
    assert (comparison.first["code"], comparison.second["code"]) == (OLD, NEW)


def test_two_ledgers_are_compared_by_their_newest_runs(tmp_path):
    for name, verdict in (("a", "consistent"), ("b", "violated")):
        with Ledger(tmp_path / name / "ledger.sqlite") as ledger:
            ledger.add_run("quick", 0, run([claim("a", "inconclusive")]))
            ledger.add_run("quick", 0, run([claim("a", verdict)]))
    comparison = compare(reference(str(tmp_path / "a")), reference(str(tmp_path / "b" / "ledger.sqlite")))
    assert found(comparison) == [("verdict", "a", True)]
    assert comparison.content()["regressions"] == 1


def test_a_run_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        with pytest.raises(LedgerError, match="has no runs"):
            compare(reference(str(tmp_path)), reference(str(tmp_path)))
        ledger.add_run("quick", 0, run([]))
        ledger.add_run("compare", 0, compared())
    for text in ("@3", "@-3"):
        with pytest.raises(LedgerError, match=r"has no run -?3; it has 1, 2"):
            compare(reference(f"{tmp_path}{text}"), reference(str(tmp_path)))
    with pytest.raises(LedgerError, match="choose runs of one kind"):
        compare(reference(f"{tmp_path}@1"), reference(f"{tmp_path}@2"))
    with pytest.raises(LedgerError, match="numbered from 1"):
        reference(f"{tmp_path}@0")
    with pytest.raises(LedgerError, match="there is no ledger"):
        compare(reference(str(tmp_path / "none")), reference(str(tmp_path)))


def test_a_folder_with_an_at_sign_is_a_folder(tmp_path):
    (tmp_path / "me@home").mkdir()
    assert reference(f"{tmp_path}/me@home").run is None
