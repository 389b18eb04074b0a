"""Numbers, verdicts and outcomes in words."""

from __future__ import annotations

import pytest

from zoba_bench.report import wording


@pytest.fixture
def rows(content):
    return {row["id"]: row for row in content["claims"]}


@pytest.mark.parametrize(("value", "expected"), [(None, "–"), (0.0, "0"), (2.9, "2.9"), (-1.23456e-5, "-1.23e-05")])
def test_number(value, expected):
    assert wording.number(value, 3) == expected


def test_measured_numbers_keep_their_significant_zeros():
    assert wording.number(2.9, 3, keep_zeros=True) == "2.90"
    assert wording.number(100.4, 3, keep_zeros=True) == "100"
    assert wording.number(23.0, 3, keep_zeros=True) == "23"


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ("P1/zoba/counts", "0 exactly"),
        ("P2/zoba/quad", "at most 1"),
        ("P2b/zoba/d/exponent", "3 ± 0.1"),
        ("P5/zoba/bound", "at most 2.1"),
    ],
)
def test_allowed_reads_as_the_relation_does(rows, identifier, expected):
    assert wording.allowed(rows[identifier]) == expected


def test_allowed_at_least(rows):
    assert wording.allowed(rows["P5/zoba/bound"] | {"relation": "at_least"}) == "at least 1.9"


def test_without_a_tolerance_the_prediction_stands_alone(rows):
    row = {key: value for key, value in rows["P2/zoba/quad"].items() if key != "tolerance"}
    assert wording.allowed(row) == "0"


def test_limits_that_add_nothing_are_left_out(rows):
    assert wording.measured(rows["P2/zoba/quad"]) == "0.2000"
    assert wording.measured(rows["P2b/zoba/d/exponent"]) == "3 [2.900, 3.100]"
    same = {"measured": 1.2005, "limits": [1.20049, 1.20051]}
    assert wording.measured(rows["P2b/zoba/d/exponent"] | same) == "1.200 [1.200, 1.201]"
    same = {"measured": 1.2005, "limits": [1.2005, 1.2005 + 1e-12]}
    assert wording.measured(rows["P2b/zoba/d/exponent"] | same, 3) == "1.20"


def test_a_value_that_is_not_finite_is_a_dash(rows):
    assert wording.measured(rows["P5/zoba/bound"]) == "–"
    assert wording.limits(rows["P2/hf-zoba/quad"] | {"measured": 1.0}) == "[–, –]"


def test_a_control_says_that_its_verdict_is_expected(rows):
    assert wording.verdict(rows["P2b/zoba/d/control-missing-power"]) == "violated (expected)"
    assert wording.verdict(rows["P1/zoba/counts"]) == "consistent"
    assert wording.verdict(rows["P5/zoba/bound"]) == "inconclusive (expected consistent)"


def test_a_published_statement_that_is_contradicted_is_a_finding(rows):
    row = rows["P1/zoba/counts"] | {"verdict": "violated", "expected": "violated", "origin": "published"}
    assert wording.verdict(row) == "violated (finding)"
    assert wording.verdict(row | {"expected": "consistent"}) == "violated (expected consistent)"


def test_outcome_names_what_is_not_as_expected(content):
    assert wording.outcome(content["claims"]) == (
        "8 of 10 verdicts as expected; not as expected: P2/hf-zoba/quad (inconclusive), P5/zoba/bound (inconclusive)"
    )
    good = [row for row in content["claims"] if wording.as_expected(row)]
    assert wording.outcome(good) == "8 of 8 verdicts as expected"


def test_outcome_names_three_and_counts_the_rest(content):
    bad = [row | {"verdict": "inconclusive"} for row in content["claims"]]
    assert wording.outcome(bad).endswith("P2/hf-zoba/quad (inconclusive) and 7 more")


def test_titles_come_from_the_rows(content):
    titles = wording.titles(content["claims"])
    assert titles["P4a"] == "noise over a horizon"
    assert wording.heading("P4a", titles) == "P4a noise over a horizon"


def test_a_protocol_without_a_title_goes_by_its_name(content):
    for row in content["claims"]:
        del row["title"]
    titles = wording.titles(content["claims"])
    assert set(titles.values()) == {""}
    assert wording.heading("P4a", titles) == wording.heading("P4a", {}) == "P4a"
