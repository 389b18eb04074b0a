"""Tables for the terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from zoba_bench.report.terminal import matrix_table, verdict_table


def show(renderable, width=100):
    stream = io.StringIO()
    Console(file=stream, width=width).print(renderable)
    return stream.getvalue()


@pytest.fixture
def table(content):
    return show(verdict_table(content["claims"]))


def test_verdicts_are_grouped_by_protocol(table):
    places = [table.index(title) for title in ("evaluation counts", "moments of", "one-step law", "noise over")]
    assert places == sorted(places)


def test_a_row_shows_verdict_id_prediction_and_limits(table):
    line = next(line for line in table.splitlines() if "P2b/zoba/d/exponent" in line)
    assert line.split() == ["consistent", "P2b/zoba/d/exponent", "3", "±", "0.1", "3", "[2.90,", "3.10]"]


def test_controls_and_unexpected_verdicts_are_marked(table):
    assert "violated (expected)  P2b/zoba/d/control-missing-power" in table
    assert "!! inconclusive" in table
    assert table.count("!!") == 2


def test_the_table_fits_a_hundred_columns(content):
    content["claims"][0]["id"] = "P6/hf-zoba-shared/eps/control-missing-power"
    text = show(verdict_table(content["claims"]))
    assert max(len(line) for line in text.splitlines()) <= 100
    assert "…" not in text


def test_brackets_are_no_markup(content):
    content["claims"][0]["id"] = "[red]P1[/red]"
    assert "[red]P1[/red]" in show(verdict_table(content["claims"]))
    assert "[limits]" in show(verdict_table([]))


def test_the_matrix_joins_problems_with_the_same_solvers(content):
    matrix = {"P2": {"a": ["zoba"], "b": ["zoba"], "c": ["zoba", "hf-zoba"]}}
    lines = show(matrix_table(matrix, {}, {})).splitlines()
    assert len(lines) == 3
    assert "a, b" in lines[1]


def test_the_matrix_says_how_to_install_what_is_left_out(content):
    assert 'pip install "zoba-bench[data]"' in show(matrix_table(content["matrix"], content["left_out"], {}))
