"""Methods on tasks with data: the searches, a run, the campaign, and who is ahead."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from zoba_bench.comparison.applications.campaign import run_tasks
from zoba_bench.comparison.applications.runs import application_reference, application_run
from zoba_bench.comparison.applications.searches import missing, search
from zoba_bench.comparison.applications.settings import APPLICATIONS, CAREFUL, OUTER_STEPS, SEARCHES, options_of
from zoba_bench.comparison.applications.winners import at_time, winners
from zoba_bench.comparison.grids import GRIDS, STEPS
from zoba_bench.ledger import Ledger
from zoba_bench.registry import load_problem, missing_requirements

from ..verification.command import call

pytestmark = pytest.mark.skipif(bool(missing_requirements("feature_penalties")), reason="needs the data")
SMALL = {"name": "feature_penalties", "features": 3}
KINDS = [pytest.param(kind, marks=pytest.mark.skipif(bool(missing(kind)), reason="needs optuna")) for kind in SEARCHES]


# Searches.


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("training", "each"), [("values", 2 * 3 * 5 + 1), ("gradients", 5 + 1)])
def test_a_search_trains_as_often_as_its_budget_allows_and_keeps_the_best(kind, training, each):
    problem, asked = load_problem(**SMALL), []

    def outer(z, x):
        values = problem.outer(z, x)
        asked.append((values[:, 0], x[:, 0]))
        return values

    options = {"inner_steps": 5, "alpha": 0.4, "training": training}
    found, used = search(
        replace(problem, outer=outer), kind, options, (-3.0, 2.0), 7 * each + each - 1, "one",
        np.random.default_rng(0), 4,
    )  # fmt: skip
    assert len(asked) == len(found) == 7
    assert used == 7 * each
    assert [spent for spent, _, _ in found] == [each * n for n in range(1, 8)]
    values, points = np.array([v for v, _ in asked]), np.array([x for _, x in asked])
    assert (np.abs(points + 0.5) <= 2.5).all()
    for n, (_, _, x) in enumerate(found, start=1):
        best = values[:n].argmin(axis=0)
        np.testing.assert_array_equal(x, points[best, np.arange(4)])
    assert (len(np.unique(points[0], axis=0)) == 1) == (kind == "grid")
    if kind == "grid":
        np.testing.assert_allclose(points[:, 0, 0], np.linspace(-3, 2, 7))


def test_a_budget_below_one_training_is_refused():
    problem = load_problem(**SMALL)
    with pytest.raises(ValueError, match="budget=30 is below one training, 31 evaluations"):
        search(
            problem, "random", {"inner_steps": 5, "training": "values"}, (0, 1), 30, "one", np.random.default_rng(0), 1
        )


def test_tpe_without_optuna_says_what_installs_it(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert missing("tpe") == 'optuna, with: pip install "zoba-bench[peers]"'
    assert not missing("grid")


# Settings.


def test_grids_move_the_step_of_x_as_many_times_as_psi_is_flatter():
    for solver, name in OUTER_STEPS.items():
        assert name.strip("/") in STEPS[solver]
        for before, after in zip(GRIDS[solver].options, options_of(solver, "derivatives", 5.0), strict=True):
            step, smaller = name.strip("/"), 4 if solver in CAREFUL else 1
            assert after[step] == pytest.approx(before[step] / 5 if name[0] == "/" else before[step] * 5 / smaller)
            for other in before.keys() - {step}:
                quarter = smaller == 4 and other in STEPS[solver]
                assert after[other] == (before[other] / 4 if quarter else before[other])
    assert all(options["training"] == "values" for options in options_of("hozog", "values", 1.0))


def test_every_declared_task_fits_its_data_and_its_methods_have_grids():
    for settings in APPLICATIONS.values():
        assert settings["tuned"] != settings["measured"]
        for task in settings["tasks"]:
            assert task.budgets.keys() == task.solvers.keys()
            assert {name for names in task.solvers.values() for name in names} <= GRIDS.keys()


# One run.


def run_small(solver, options, budget=1000, replicates=3, **changes):
    return application_run(
        np.random.default_rng(0), {**SMALL, **changes}, solver, options, budget, "one", replicates, "measure", (-6, 3)
    )


def test_a_run_is_measured_at_its_end_by_the_exact_psi_and_on_rows_that_nobody_sees():
    options = {"rho": 0.4, "gamma": 3.0, "l1": 4, "schedule": "constant"}
    found = run_small("hf-zoba", options)
    assert len(found["final"]) == 3
    assert max(found["used"]) <= 1000
    assert found["evaluations"] == [100 * n for n in range(11)]
    curves = np.array(found["curves"])
    start = load_problem(**SMALL).value(np.zeros((1, 3)))[0]
    np.testing.assert_allclose(curves[:, 0], start)
    np.testing.assert_array_equal(curves[:, -1], found["final"])
    assert (curves[:, -1] < curves[:, 0]).all()
    assert len(set(found["final"])) == 3
    assert len(found["measures"]["test accuracy"]) == 3


def test_a_method_without_random_numbers_runs_once():
    assert len(run_small("itd-bio", {"D": 5, "alpha": 0.4, "beta": 3.0})["final"]) == 1
    assert len(run_small("grid", {"inner_steps": 5})["final"]) == 1


def test_a_run_that_leaves_has_no_value():
    found = run_small("hf-zoba", {"rho": 1e6, "gamma": 1e6, "l1": 4, "schedule": "constant"})
    assert found["final"] == [None] * 3
    assert np.isfinite(found["start"])


def test_what_does_not_fit_the_budget_is_refused_in_words():
    assert "is below the cost of one iteration" in run_small("hf-zoba", {"l1": 4}, budget=20)["refused"]


def test_the_reference_is_stationary_and_no_point_of_the_box_is_below_it():
    found = application_reference(np.random.default_rng(0), SMALL, (-6, 3), 2)
    assert found["stationarity"] < 1e-6
    problem = load_problem(**SMALL)
    points = np.random.default_rng(1).uniform(-6, 3, (300, 3))
    assert problem.value(points).min() >= found["value"]
    assert problem.value(np.array(found["x"])) == pytest.approx(found["value"], rel=1e-12)


# The campaign.


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    """Two methods on the small penalties, with the folder of the ledger."""
    out = tmp_path_factory.mktemp("tasks")
    chosen = {"problems": ["feature_penalties"], "solvers": ["hf-zoba", "random"], "access": ["values"]}
    return run_tasks("tasks-small", out=out, **chosen), out, chosen


def test_a_campaign_tunes_on_one_split_and_measures_on_another(content):
    found, out, _ = content
    assert [(row["solver"], row["oracle"], row["runs"]) for row in found["rows"]] == [
        ("hf-zoba", "values", 3), ("random", "values", 3),
    ]  # fmt: skip
    assert all(row["used"] <= row["budget"] == 3000 for row in found["rows"])
    assert all(row["tuning_evaluations"] > row["budget"] for row in found["rows"])
    (about,) = found["tasks"].values()
    assert all(row["median"] >= about["reference"]["value"] for row in found["rows"] if row["solver"] == "random")
    with Ledger(out / "ledger.sqlite") as ledger:
        cells = [row["parameters"] for _, row, _ in ledger.rows("cells")]
    assert len(cells) == 1 + 12 + 4 + 2 * 3 + 2
    import json

    for cell in map(json.loads, cells):
        tuning = cell.get("phase") == "tune"
        assert cell["problem"]["seed"] == (1000 if tuning else 0)
        assert not tuning or cell["budget"] in (600, 3000)


def test_a_campaign_goes_on_where_it_was(content, monkeypatch):
    found, out, chosen = content
    monkeypatch.setattr("zoba_bench.comparison.applications.runs.application_run", lambda **_: 1 / 0)
    again = run_tasks("tasks-small", out=out, **chosen)
    assert again["rows"] == found["rows"]
    assert again["failed"] == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"problems": ["feature_penaltes"]}, "did you mean 'feature_penalties'"), ({"solvers": ["tpr"]}, "tpe")],
)
def test_names_that_the_suite_does_not_have_are_refused(changes, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        run_tasks("tasks-small", out=tmp_path, **changes)


@pytest.mark.parametrize("option", [("--group", "quadratic"), ("--budget", "90"), ("--noise", "0.1")])
def test_options_that_tasks_do_not_have_are_refused(option, tmp_path):
    code, _, error = call("run", "--suite", "tasks-small", *option, "--out", str(tmp_path))
    assert code == 2
    assert "its tasks, budgets and splits are declared" in error


def test_info_says_what_the_suite_is_made_of():
    code, output, _ = call("info", "tasks")
    assert code == 0
    for words in ("universal attack", "data hyper-cleaning, 50% of labels wrong", "zoba-bench run --suite tasks"):
        assert words in " ".join(output.split())


# Who is ahead.


def row(solver, curve, seconds, **changes):
    return {
        "problem": "toy", "oracle": "values", "solver": solver, "median": curve[-1], "quartiles": [curve[-1]] * 2,
        "curve": curve, "evaluations": [0, 50, 100], "used": 100, "seconds": seconds, **changes,
    }  # fmt: skip


def test_the_slow_method_wins_at_equal_evaluations_and_the_fast_one_at_equal_time():
    rows = [row("slow", [4.0, 3.0, 1.0], 10.0), row("fast", [4.0, 2.5, 2.0], 5.0), row("failed", [4.0, 3.0, None], 9.0)]
    (found,) = winners(rows)
    assert (found["at_equal_evaluations"], found["behind"], found["apart"]) == ("slow", "fast", True)
    assert (found["at_equal_time"], found["median_then"], found["seconds"]) == ("fast", 2.0, 5.0)
    assert at_time(rows[0], 5.0) == 3.0
    assert at_time(rows[0], 4.9) == 4.0
    assert at_time(rows[0], 10.0) == 1.0


def test_methods_whose_quartiles_overlap_are_not_apart():
    rows = [row("a", [4.0, 2.0, 1.0], 1.0, quartiles=[0.8, 1.3]), row("b", [4.0, 2.0, 1.2], 1.0, quartiles=[1.2, 1.4])]
    assert not winners(rows)[0]["apart"]
    assert winners(rows[:1])[0]["behind"] == ""
