"""Cells that failed, in a report: grouped, named on the overview, with what goes without them."""

from __future__ import annotations

from zoba_bench.report.failures import failures
from zoba_bench.report.pages import pages

from .comparing import failed_cell
from .conftest import RUN
from .html_reading import parse, words

MESSAGE = "ValueError: radius is 0"


def overview(content):
    return pages(RUN | {"content": content})["index.html"]


def test_the_same_failure_is_said_once_with_all_its_cells():
    rows = [failed_cell("a"), failed_cell("b"), failed_cell("c", message="killed", status="killed")]
    few, many = failures(rows)[::-1]
    assert [(one.number, one.message, one.status) for one in (many, few)] == [
        (2, MESSAGE, "raised"), (1, "killed", "killed"),
    ]  # fmt: skip
    assert many.cells == (("a", '{"p": 3, "solver": "zoba"}'), ("b", '{"p": 3, "solver": "zoba"}'))


def test_a_control_whose_cells_failed_is_undecided_and_not_one_that_was_accepted(content):
    content["claims"][3] |= {"verdict": "inconclusive"}
    said = words(overview(content))
    assert "1 control inconclusive" in said
    assert "not rejected" not in said
    assert "1 of 2 controls, wrong on purpose" in said


def test_without_failures_nothing_is_said(content):
    for stored in ({}, {"failed": []}, {"failed": None}):
        text = overview(content | stored)
        assert 'id="failed"' not in text
        assert "failed" not in words(text)


def test_a_failed_cell_makes_the_overview_an_alarm_even_where_all_verdicts_are_as_expected(content):
    content["claims"] = [row for row in content["claims"] if row["verdict"] == row["expected"]]
    assert 'class="banner good"' in overview(content)
    text = overview(content | {"failed": [failed_cell("a")]})
    assert 'class="banner bad"' in text
    assert "All 8 verdicts are as expected, and 1 cell failed" in words(text)
    assert "Fails 1 cell failed." in words(text)


def test_a_failed_cell_stands_with_exception_traceback_parameters_and_the_claims_that_go_without(content):
    content["claims"][2]["reason"] = f"1 of its cells have no result: {MESSAGE}; in cell k7 (a:b)"
    text = overview(content | {"failed": [failed_cell("k7", traceback="in <module> & more")]})
    said = words(text.partition('<section id="failed">')[2].partition("</section>")[0])
    for part in (MESSAGE, "zoba_bench.comparison.trial:trial", "in <module> & more", '"solver": "zoba"', "raised"):
        assert part in said, part
    links = [a["href"] for tag, a in parse(text).elements if tag == "a" and a["href"].startswith("protocol-P2.html#")]
    assert "protocol-P2.html#P2-hf-zoba-quad" in links
    assert "Without a verdict for it: P2/hf-zoba/quad" in said
