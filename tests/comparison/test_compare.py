"""The comparison: who is tried where, what is chosen, who is ahead, and that nothing is lost on the way."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from zoba_bench.cli import cli
from zoba_bench.comparison import pairs as module_of_pairs
from zoba_bench.comparison import rows as module_of_rows
from zoba_bench.comparison import trial as module_of_trial
from zoba_bench.comparison.compare import _best, _finalists, compare
from zoba_bench.comparison.grids import GRIDS, STEPS
from zoba_bench.comparison.pairs import plan
from zoba_bench.comparison.rows import rivals, rounding
from zoba_bench.comparison.suites import SUITES
from zoba_bench.comparison.trial import metric_name, trial
from zoba_bench.ledger import Ledger
from zoba_bench.registry import list_solvers, load_problem, make_solver
from zoba_bench.report.comparison import outcome
from zoba_bench.report.html import write_report
from zoba_bench.report.typography import rich

SPEC = {"name": "reference", "p": 2, "d": 2}
FEW = {"problems": ["reference"], "solvers": ["hf-zoba-shared", "zo-penalty"], "budget": 1500}


def one(solver="hf-zoba-shared", budget=2000, seed=0, **options):
    chosen = {"schedule": "constant", "rho": 0.4, "gamma": 0.1, "l1": 4, **options}
    return trial(np.random.default_rng(seed), SPEC, solver, chosen, budget, "one", 3, "tune")


def row(problem="a", solver="s", loops="single", oracle="values", median=1.0, seconds=1.0, curve=(4.0, 2.0, 1.0)):
    return {
        "problem": problem, "solver": solver, "loops": loops, "oracle": oracle, "median": median, "seconds": seconds,
        "evaluations": [0, 50, 100], "curve": list(curve), "start": 4.0, "rounding": 1e-20,
    }  # fmt: skip


def test_a_trial_stays_within_its_budget_and_ends_at_its_last_iterate():
    found = one()
    assert found["evaluations"][0] == 0
    assert found["evaluations"][-1] == 2000
    assert all(1900 < used <= 2000 for used in found["used"])
    assert [curve[-1] for curve in found["curves"]] == found["final"]
    assert all(curve[0] == found["start"] > curve[-1] > 0 for curve in found["curves"])


@pytest.mark.parametrize(
    ("solver", "problem", "options"),
    [
        ("saba", {"name": "quad_sum", "p": 2, "d": 2, "n_inner": 40, "n_outer": 40}, {"b1": 1, "b2": 1, "rho": 0.02}),
        ("ufom", {"name": "quad_general", "p": 3, "d": 2}, {"q": 0.2, "gamma": 0.1}),
        ("soba", {"name": "quad_general", "p": 3, "d": 2}, {"rho": 0.1}),
    ],
)
def test_the_axis_of_evaluations_is_what_was_counted(solver, problem, options):
    """With the pass that SABA begins with, and of UFOM the corrections that were made, not all that might have been."""
    rng = np.random.default_rng(0)
    found = trial(rng, problem, solver, options, 1000, "one", 3, "tune")
    first = 3 * 40 + 2 * 40 if solver == "saba" else 0
    assert all(900 < used <= 1000 for used in found["used"])
    # The largest target is met by the start, after what it took.
    assert {hits[0] for hits in found["hits"]["gap"]["absolute"]} == {first}
    assert found["deterministic"] == (solver == "soba")
    assert len(found["final"]) == (1 if solver == "soba" else 3)


def test_the_same_cell_gives_the_same_numbers():
    again, other = one(), one(seed=1)
    first = one()
    assert first["final"] == again["final"] != other["final"]


def test_a_diverged_replicate_is_a_missing_value():
    found = one(rho=50.0, gamma=20.0)
    assert found["final"] == [None] * 3
    assert [curve[-1] for curve in found["curves"]] == [None] * 3
    json.dumps(found, allow_nan=False)


def test_a_run_to_where_psi_is_flat_and_high_has_failed():
    """Weights far out saturate their sigmoids, and |grad Psi| is 0 there."""
    problem = load_problem("dataclean_ortho")
    start = problem.initial_point(np.random.default_rng(0))[1]
    near, far = start - 0.01 * problem.hypergradient(start), 1e8 * np.random.default_rng(1).standard_normal(problem.d)
    assert np.linalg.norm(problem.hypergradient(far)) < 1e-12 < np.linalg.norm(problem.hypergradient(near))
    ends = SimpleNamespace(x=np.stack([near, far, np.full(problem.d, np.nan)]))
    assert module_of_trial._climbed(problem, ends, start).tolist() == [False, True, True]
    assert not module_of_trial._climbed(replace(problem, value=None), ends, start).any()


def test_what_does_not_fit_is_refused_with_its_reason():
    assert "below the cost of one iteration" in one(budget=10)["refused"]


def test_constraints_and_kinks_are_measured_by_the_gap():
    assert metric_name(load_problem("reference")) == "stationarity"
    assert metric_name(load_problem("l1_meha")) == "gap"


def test_every_solver_has_a_grid_of_the_same_size_that_can_be_built():
    assert set(GRIDS) == set(list_solvers())
    for name, of in GRIDS.items():
        assert of.loops in ("single", "two")
        assert of.oracle in ("values", "gradients", "second")
        assert len({repr(sorted(options.items())) for options in of.options}) == 12, "equal effort for everyone"
        for options in of.options:
            make_solver(name, **options)
        for step in STEPS[name]:
            assert len({options[step] for options in of.options}) > 1, f"{step} of {name} is never tuned"
    assert set(STEPS) == set(GRIDS)
    for suite in SUITES.values():
        for spec in suite["problems"]:
            load_problem(**spec)


def test_a_solver_that_needs_more_is_left_out_by_name(monkeypatch):
    needy = SimpleNamespace(lacking=lambda problem: [f"a finite-sum problem; {problem.name} is deterministic"])
    monkeypatch.setattr(
        module_of_pairs, "make_solver", lambda name: needy if name == "zo-penalty" else make_solver(name)
    )
    pairs, left_out = plan("compare-small", **{k: v for k, v in FEW.items() if k != "budget"})
    assert [pair.solver for pair in pairs] == ["hf-zoba-shared"]
    assert left_out == {"zo-penalty on reference": "needs a finite-sum problem; reference is deterministic"}


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"problems": ["nothing"]}, "unknown problem of the comparison: 'nothing'; known: quad_general"),
        ({"solvers": ["nothing"]}, "unknown solver of the comparison: 'nothing'; known: "),
    ],
)
def test_unknown_names_are_refused(keywords, message):
    with pytest.raises(ValueError, match=message):
        plan("compare-small", **keywords)


def test_an_unknown_comparison_is_refused():
    with pytest.raises(ValueError, match="unknown comparison 'fast'; known: compare, compare-small"):
        plan("fast")


def test_the_best_options_are_those_with_the_least_median_of_what_is_left_of_the_start():
    results = dict(enumerate([
        [{"refused": "no"}], [{"start": 1.0, "final": [3.0, None, None]}], [{"start": 1.0, "final": [2.0, 2.5, None]}],
        # A tenth of one start and all of another, whose median is a tenth: instances weigh the same.
        [{"start": 100.0, "final": [10.0, 10.0, 10.0]}, {"start": 9.0, "final": [9.0]}],
    ]))  # fmt: skip
    assert _best(results) == 3
    assert _best({n: results[n] for n in range(3)}) == 2
    assert _best({n: results[n] for n in range(2)}) is None


def test_single_and_two_loops_meet_within_an_oracle_only():
    rows = [
        row(solver="one", median=1.0), row(solver="worse", median=2.0), row(solver="two", loops="two", median=0.5),
        row(solver="other", loops="two", oracle="second", median=0.1), row(problem="b", solver="one"),
    ]  # fmt: skip
    (found,) = rivals(rows)
    assert (found["single"], found["two"], found["oracle"]) == ("one", "two", "values")
    assert found["at_equal_evaluations"] == "two"


def test_at_equal_time_the_slower_one_is_stopped_when_the_faster_is_done():
    slow_but_good = row(solver="two", loops="two", median=0.5, seconds=4.0, curve=(4.0, 3.0, 0.5))
    (found,) = rivals([row(median=1.0, seconds=1.0), slow_but_good])
    # After 1 of its 4 seconds the second has made 25 evaluations of 100 and is where it began.
    assert (found["at_equal_evaluations"], found["at_equal_time"]) == ("two", "single")


def test_a_failed_median_loses_and_two_failures_are_equal():
    (found,) = rivals([row(median=None), row(solver="two", loops="two", median=3.0)])
    assert found["at_equal_evaluations"] == "two"
    assert module_of_rows._winner(None, None, 0.0, 4.0) == "equal"


def test_nobody_is_ahead_where_nothing_is_gained():
    # Both end above the start, at 4: one by little, one by far.
    (found,) = rivals([row(median=5.0), row(solver="two", loops="two", median=6e14)])
    assert found["at_equal_evaluations"] == "equal"
    (found,) = rivals([row(median=5.0), row(solver="two", loops="two", median=3.9)])
    assert found["at_equal_evaluations"] == "two"


def test_nobody_is_ahead_below_rounding():
    (found,) = rivals([row(median=1e-31), row(solver="two", loops="two", median=0.0)])
    assert found["at_equal_evaluations"] == "equal"
    (found,) = rivals([row(median=1e-19), row(solver="two", loops="two", median=0.0)])
    assert found["at_equal_evaluations"] == "two"
    # A gradient is known to a few units of rounding of its size at the start, a value to as many of its own.
    assert rounding("stationarity", 4.0) == pytest.approx(4.0 * (1e3 * 2.0**-52) ** 2)
    assert rounding("gap", 4.0) == pytest.approx(4.0 * 1e3 * 2.0**-52)


def tuned_to(final):
    return [{"final": [final], "start": 1.0}]


def test_the_best_of_a_share_of_the_budget_get_all_of_it():
    grid = {n: tuned_to(final) for n, final in enumerate((0.5, 0.1, 0.1, None, 0.3, 0.2))}
    assert _finalists(grid, 3) == (1, 2, 5)
    assert _finalists(grid, 9) == (0, 1, 2, 4, 5)  # one that diverged never
    # For one that was refused the share may be too small.
    assert _finalists({**grid, 0: [{"refused": "budget 40 is below one iteration"}]}, 2) == (0, 1, 2)
    assert _finalists({0: tuned_to(None), 1: tuned_to(None)}, 1) == (0, 1)  # the share says nothing
    assert _best({1: tuned_to(0.2), 2: tuned_to(0.1), 0: tuned_to(None)}) == 2
    assert _best({0: tuned_to(None), 1: [{"refused": "no"}]}) is None
    assert _best({}) is None


def test_a_comparison_is_resumed_reported_and_reproduced(tmp_path):
    said = []
    first = compare("compare-small", 3, out=tmp_path, announce=said.append, **FEW)
    assert "2 pairs of solver and problem" in said[0]
    assert {r["solver"] for r in first["rows"]} == {"hf-zoba-shared", "zo-penalty"}
    assert all(r["median"] < r["start"] for r in first["rows"])
    assert all(low <= r["median"] <= high for r in first["rows"] for low, high in [r["quartiles"]])
    assert all(r["median_limits"][0] <= r["median"] <= r["median_limits"][1] for r in first["rows"])
    assert first["settings"]["budget"] == 1500
    # 4 seeds of 12 settings with a fifth of the budget and of the best 3 with all of it; apart from what is measured.
    most = 4 * (12 * 300 + 3 * 1500)
    assert all(0.85 * most < r["tuning_evaluations"] <= most for r in first["rows"])
    assert first["tuning"]["evaluations"] == sum(r["tuning_evaluations"] for r in first["rows"])
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        cells = ledger.count()
        again = compare("compare-small", 3, out=tmp_path, **FEW)
        assert ledger.count() == cells
        page = write_report(ledger, tmp_path)
    assert again["rows"] == first["rows"]
    assert page.name == "comparison.html"
    text = page.read_text(encoding="utf-8")
    assert "hf-zoba-shared" in text
    assert rich(outcome(first)) in text
    assert (tmp_path / "report" / "figures" / "comparison-problem-reference.svg").stat().st_size > 1000
    facts = first["provenance"]
    assert facts["cpus"] >= 1
    assert {"commit", "blas", "fingerprint", "processor"} <= set(facts)
    assert facts["command"].startswith("zoba-bench run --suite compare-small --seed 3 --")
    assert facts["command"] in text


def test_the_command_line_prints_json_only(tmp_path):
    arguments = ["run", "--suite", "compare-small", "--problem", "reference", "--solver", "zoba", "--budget", "800"]
    done = CliRunner().invoke(cli, [*arguments, "--out", str(tmp_path), "--json"])
    assert json.loads(done.stdout)["rows"][0]["solver"] == "zoba"
