"""Ratios until an accuracy: one run, quotients start by start, the campaign, and what shows them."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from rich.console import Console

from zoba_bench.comparison.ratios.campaign import _ends, _score, ratio, run_ratios
from zoba_bench.comparison.ratios.runs import arrival, start_at
from zoba_bench.comparison.ratios.settings import OWN, RATIOS
from zoba_bench.driver import run
from zoba_bench.ledger import Ledger
from zoba_bench.registry import load_problem, make_solver
from zoba_bench.report.html import write_report
from zoba_bench.report.ratios import quantiles, ratio_sentences, ratio_table

from ..verification.command import call

SMALL = {"name": "bda_lls", "p": 4, "d": 2}
OPTIONS = {"alpha": 0.4, "beta": 0.4, "eta": 0.4}


# Settings.


def test_every_method_of_a_contest_has_as_many_settings_and_can_run_there():
    for suite in RATIOS.values():
        assert suite["tuned"] != suite["measured"]
        for contest in suite["contests"]:
            problem = load_problem(**contest.problem)
            problem.require("value", "minimum")
            assert len(contest.grids) == 3
            assert len({len(grid) for grid in contest.grids.values()}) == 1
            assert OWN in contest.grids
            for name, grid in contest.grids.items():
                assert len({tuple(sorted(options.items())) for options in grid}) == len(grid)
                for options in grid:
                    make_solver(name, **options).check(problem)


# One run.


def found(**changes):
    keywords = {
        "problem": SMALL, "solver": "meha", "options": OPTIONS, "accuracy": 0.01, "spread": 0.5, "budget": 2000,
        "starts": 3, "first": 7, **changes,
    }  # fmt: skip
    return arrival(np.random.default_rng(0), **keywords)


def test_a_run_arrives_at_the_first_iterate_from_which_on_it_is_accurate():
    """The iterates are followed here, run after run."""
    problem, made = load_problem(**SMALL), make_solver("meha", **OPTIONS)
    measured = found()
    base = problem.value(problem.initial_point(np.random.default_rng(0))[1]) - problem.minimum
    assert measured["each"] == 6
    for number, spent in enumerate(measured["evaluations"]):
        z0, x0 = start_at(problem, 0.5, 7, number)
        left = []
        last = round(spent / 6)
        for k in (last - 1, last, last + 25, last + 50):
            result = run(problem, made, z0=z0, x0=x0, rng=np.random.default_rng(0), max_iterations=k, record_every=None)
            left.append(float(problem.value(result.x)[0] - problem.minimum) / base)
        assert left[0] > 0.01 >= max(left[1:])
        assert measured["left"][number] == pytest.approx(left[-1], rel=1e-12)
    assert all(0 < seconds < 5 for seconds in measured["seconds"])


def test_a_path_that_only_passes_has_not_arrived():
    """Of a quadratic Psi whose minimum x passes with steps that grow."""
    passing = found(options={**OPTIONS, "alpha": 30.0}, accuracy=0.9)
    assert passing["evaluations"] == [None] * 3


def test_who_does_not_arrive_has_no_number():
    measured = found(budget=12)
    assert measured["evaluations"] == measured["seconds"] == [None] * 3
    assert all(left > 0.01 for left in measured["left"])
    assert found(options={**OPTIONS, "alpha": 1e9})["evaluations"] == [None] * 3


def test_a_method_that_cannot_run_is_refused_in_words():
    assert "budget=5 is below the cost of one iteration, 6" in found(budget=5)["refused"]
    assert "l1_meha" in found(problem={"name": "l1_meha"}, solver="iaptt-gm", options={})["refused"]


def test_starts_are_in_the_sets_and_the_same_for_every_method():
    problem = load_problem("l1_meha")
    z, x = start_at(problem, 5.0, 0, 3)
    assert ((x >= 0) & (x <= 1)).all()
    np.testing.assert_array_equal(start_at(problem, 5.0, 0, 3)[0], z)
    assert (start_at(problem, 5.0, 0, 4)[0] != z).all()


# Quotients.


def test_ratios_are_taken_start_by_start():
    own, rival = [10.0, 20.0, 40.0, 10.0, 10.0], [20.0, 20.0, 20.0, 30.0, 100.0]
    assert ratio(rival, own) == {"quantiles": [0.5, 2.0, 10.0], "neither": 0, "rival_missed": 0, "own_missed": 0}


def test_what_does_not_arrive_counts_against_it():
    found = ratio([None, None, 10.0, 20.0], [10.0, None, None, 10.0])
    assert found == {"quantiles": [0.0, 2.0, None], "neither": 1, "rival_missed": 1, "own_missed": 1}
    assert quantiles(found) == "2 (0 to no end)"
    assert quantiles(ratio([None], [None])) == "neither arrives"


def test_the_best_setting_arrives_soonest_and_the_page_says_where_its_grid_ends():
    assert _score({"evaluations": [5.0, None, 7.0], "left": [0.0, 0.5, 0.0]}) == (1.0, 7.0, 0.0)
    assert _score({"refused": "no"}) == (math.inf, math.inf, math.inf)
    # Among settings that do not arrive the one that comes nearest.
    assert _score({"evaluations": [None], "left": [0.1]}) < _score({"evaluations": [None], "left": [None]})
    grid = [{"a": a, "b": b, "c": "x"} for a in (1, 2, 3) for b in (1, 2)]
    assert _ends(grid, 0) == ["a"]
    assert _ends(grid, 2) == []


# The campaign.


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    out = tmp_path_factory.mktemp("ratios")
    return run_ratios("ratios-small", out=out), out


def test_a_campaign_divides_by_the_own_method(content):
    found, out = content
    rows = {row["solver"]: row for row in found["rows"]}
    assert set(rows) == {"meha", "iaptt-gm", "f2sa"}
    assert found["failed"] == []
    for divided in found["ratios"]:
        for what in ("evaluations", "seconds"):
            assert divided[what] == ratio(rows[divided["solver"]][what], rows["meha"][what])
    assert run_ratios("ratios-small", out=out)["rows"] == found["rows"]  # found again, seconds and all


def test_page_and_terminal_show_every_method(content):
    found, out = content
    with Ledger(out / "ledger.sqlite") as ledger:
        page = write_report(ledger, out)
    assert page.name == "ratios.html"
    stream = io.StringIO()
    Console(file=stream, width=200).print(ratio_table(found))
    for text in (page.read_text(), stream.getvalue()):
        for words in ("meha", "iaptt-gm", "f2sa", "small merely convex lower level", "4 of 4"):
            assert words in text
        for divided in found["ratios"]:
            assert quantiles(divided["evaluations"]) in text
    assert len(ratio_sentences(found)) == 2


def test_names_and_options_that_the_suite_does_not_have_are_refused(tmp_path):
    with pytest.raises(ValueError, match="did you mean 'bda_lls'"):
        run_ratios("ratios-small", problems=["bda_ls"], out=tmp_path)
    code, _, error = call("run", "--suite", "ratios-small", "--solver", "f2sa", "--out", str(tmp_path))
    assert code == 2
    assert "suite ratios-small has no --solver" in error


def test_info_says_what_the_suite_is_made_of():
    code, output, _ = call("info", "ratios")
    assert code == 0
    for words in ("sine lower level", "weighted l1 lower level", "zoba-bench run --suite ratios"):
        assert words in " ".join(output.split())
