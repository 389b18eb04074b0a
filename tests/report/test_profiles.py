"""How fast solvers reach targets: sentences and pictures from runs written by hand."""

from __future__ import annotations

import csv
import io

from zoba_bench.report.comparison_pages import comparison_files
from zoba_bench.report.names import Names
from zoba_bench.report.profiles import _thinned, glances, parts_of

from . import comparing
from .html_reading import words


def files(content):
    return comparison_files({"id": 1, "suite": "by-hand", "seed": 3, "created": "2026-01-21", "content": content})


def test_a_sentence_says_who_reaches_the_target_and_who_first():
    (sentence,) = glances(comparing.profiled())
    assert sentence.startswith(
        "May query values, 2 instances: hf-zoba reaches 0.001 of the start most often, in 75 % of runs ("
    )
    assert "), then zoba in 25 % of runs (0 to " in sentence
    # On the first: 20 against 10 + 100 with a restart. On the second zoba never arrives.
    assert sentence.endswith("Fewest evaluations on most instances: hf-zoba, on 2 of 2.")


def test_where_nobody_arrives_it_says_so():
    content = comparing.profiled() | {"runs": [comparing.reached("soba", [None])]}
    assert glances(content) == ["May query second derivatives, 1 instance: no solver reaches 0.001 of the start."]


def test_pages_show_all_problems_and_each_size_with_their_points():
    made = files(comparing.profiled())
    text = words(made["comparison-profiles.html"])
    for part in ("All problems", "Size: small", "Size: wide", "Dolan and Moré", "Moré and Wild", "as in COCO"):
        assert part in text, part
    assert "Group:" not in text, "there is one group"
    table = list(csv.reader(io.StringIO(made["figures/profiles-All-problems-values-data.csv"])))
    assert table == [
        ["solver", "evaluations / (p + d + 1)", "share"], ["hf-zoba", str(20 / 11), "0.5"],
        ["hf-zoba", str(140 / 11), "1.0"], ["zoba", "10.0", "0.5"],
    ]  # fmt: skip
    assert "May query values, 2 instances" in words(made["comparison.html"])
    assert "Tuning used 4,000 evaluations, which are not counted below" in words(made["comparison.html"])
    assert "10 (p + d) evaluations a run" in words(made["comparison.html"])
    assert "0.0009 to failed" in words(made["comparison-results.html"])


def test_charged_tuning_moves_every_time():
    made = files(comparing.profiled(charge_tuning=True))
    assert "hf-zoba,92.72" in made["figures/profiles-All-problems-values-data.csv"]  # (20 + 1000) / 11
    assert "counted as spent before a run begins" in words(made["comparison.html"])


def test_a_run_of_before_has_no_profiles():
    assert parts_of(comparing.several(), Names()) == []
    assert "comparison-profiles.html" not in files(comparing.several())


def test_a_long_curve_is_thinned_to_points_of_it():
    points = [(float(n), n / 5000) for n in range(1, 5001)]
    found = _thinned(points)
    assert len(found) <= 200
    assert set(found) <= set(points)
    assert (found[0], found[-1]) == (points[0], points[-1])
    assert _thinned(points[:100]) == points[:100]


def test_what_is_reached_at_once_stands_at_the_border():
    runs = [comparing.reached("zoba", [0]), comparing.reached("hf-zoba", [50])]
    made = files(comparing.profiled() | {"runs": runs})
    assert "\nzoba,0.0,1.0" in made["figures/profiles-All-problems-values-data.csv"]
