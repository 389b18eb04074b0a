"""Results as tables of pandas."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import zoba_bench as zb
from zoba_bench.statistics import Limits
from zoba_bench.verification.claim import Claim, Measurement, Verdict

pd = pytest.importorskip("pandas", reason="the extra pandas is not installed")

CLAIM = Claim("P/zoba/x", "It is one.", "P", "zoba", "reference", "at_most", 0.25, {})
VERDICTS = [
    Verdict(CLAIM, "consistent", "seen", Measurement(1.0, 1.1, Limits(1.0, 1.2)), level=0.99),
    Verdict(CLAIM, "inconclusive", "nothing was measured"),
]


@pytest.fixture
def result(bilevel):
    return zb.solve(bilevel(), "zoba", l1=2, budget=100, replicates=3)


def test_a_result_is_a_row_a_replicate(result):
    table = result.to_dataframe()
    assert table["replicate"].tolist() == [0, 1, 2]
    assert table["status"].tolist() == ["budget"] * 3
    assert table["success"].tolist() == [True] * 3
    np.testing.assert_array_equal(table["nfev"], result.nfev)
    np.testing.assert_array_equal(table["fun"], result.fun)
    np.testing.assert_array_equal(table[["x[0]", "x[1]"]], result.x)
    assert table["message"].tolist() == result.message
    assert table["nit"].dtype.kind == "i"


def test_a_history_is_a_row_a_record_and_replicate(result):
    table = result.to_dataframe("history")
    assert len(table) == 3 * len(result.history["iteration"])
    for replicate, own in table.groupby("replicate"):
        np.testing.assert_array_equal(own["iteration"], result.history["iteration"])
        np.testing.assert_array_equal(own["stationarity"], result.history["stationarity"][:, replicate])


def test_an_unrecorded_history_is_an_empty_table(bilevel):
    assert zb.solve(bilevel(), "zoba", l1=2, max_iterations=1, record_every=None).to_dataframe("history").empty


def test_another_table_is_refused_by_name(result):
    with pytest.raises(ValueError, match="what must be 'replicates' or 'history', got 'runs'"):
        result.to_dataframe("runs")


def test_a_run_of_minimize_is_a_row_an_iteration():
    problem = zb.load_problem("quad_tracking", 3, 2, kappa=5.0)
    found = zb.minimize(*problem.as_functions(), vectorized=True)
    for table in (found.to_dataframe(), zb.to_dataframe(found)):
        assert list(table) == list(found.history)
        assert table["value"].tolist() == found.history["value"]


def test_verdicts_are_a_row_a_claim_with_limits_in_columns():
    table = zb.to_dataframe(VERDICTS)
    assert table["verdict"].tolist() == ["consistent", "inconclusive"]
    assert table["id"].tolist() == ["P/zoba/x"] * 2
    first = table.iloc[0]
    assert (first["lower"], first["upper"], first["allowed_high"], first["tolerance"]) == (1.0, 1.2, 1.25, 0.25)
    assert np.isnan(first["allowed_low"])
    assert table[["predicted", "measured", "lower", "upper", "allowed_high"]].dtypes.map(lambda t: t.kind).eq("f").all()
    assert table.iloc[1][["measured", "lower", "upper"]].isna().all()


def test_one_verdict_and_the_rows_of_a_run_are_tables_too():
    whole = zb.to_dataframe(VERDICTS)
    pd.testing.assert_frame_equal(zb.to_dataframe(VERDICTS[0]), whole.iloc[:1])
    pd.testing.assert_frame_equal(zb.to_dataframe({"claims": [v.row() for v in VERDICTS]}), whole)
    pd.testing.assert_frame_equal(zb.to_dataframe(iter(VERDICTS)), whole)


def test_a_comparison_is_a_row_a_solver_and_problem():
    row = {"problem": "reference", "solver": "zoba", "median": None, "quartiles": [0.5, None], "curve": [1.0, 0.5]}
    table = zb.to_dataframe({"rows": [row, {**row, "solver": "soba", "median": 2.0}], "rivals": []})
    assert table["solver"].tolist() == ["zoba", "soba"]
    assert table["median"].dtype.kind == "f"
    assert np.isnan(table["median"][0])
    assert table["quartile_low"].tolist() == [0.5, 0.5]
    assert table["quartile_high"].isna().all()
    assert table["curve"][0] == [1.0, 0.5]


def test_a_result_is_its_own_table(result):
    pd.testing.assert_frame_equal(zb.to_dataframe(result), result.to_dataframe())


@pytest.mark.parametrize("wrong", [3, "verdicts", {"other": 1}, [1, 2], None])
def test_what_is_no_result_is_refused(wrong):
    with pytest.raises(TypeError, match="to_dataframe takes verdicts, what a comparison returns, a result, or"):
        zb.to_dataframe(wrong)


def test_without_pandas_the_error_says_how_to_install_it(monkeypatch, result):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"not installed: pip install 'zoba-bench\[pandas\]'"):
        result.to_dataframe()


def test_pandas_is_imported_when_a_table_is_asked_for():
    code = "import sys, zoba_bench as zb; zb.to_dataframe, zb.Result; assert 'pandas' not in sys.modules"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
