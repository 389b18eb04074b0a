"""The page of tasks with data, and the same on a terminal."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

from zoba_bench.comparison.applications.winners import winners
from zoba_bench.ledger import Ledger
from zoba_bench.report.applications import application_table, draw_images, sentences
from zoba_bench.report.html import write_report


def made(solver, end, seconds, pictures=(), oracle="values"):
    return {
        "problem": "an <attack>", "oracle": oracle, "solver": solver, "options": {}, "budget": 100, "start": 4.0,
        "median": end, "quartiles": [end, end], "failed": 0 if end else 2, "runs": 2, "evaluations": [0, 50, 100],
        "curve": [4.0, 3.0, end], "used": 100, "seconds": seconds, "tuning_evaluations": 500,
        "measures": {"fooled": [0.5, 0.6, 0.7]}, "pictures": list(pictures),
    }  # fmt: skip


@pytest.fixture
def content():
    images = np.zeros((3, 4, 4), dtype=int).tolist()
    rows = [made("hf-zoba", 1.25, 2.0, images), made("tpe", None, 1.0), made("soba", 1.5, 1.0, oracle="derivatives")]
    about = {
        "problem": {"name": "x"}, "p": 4, "d": 2, "budgets": {"values": 1000}, "box": [-1.0, 1.0], "unit": 60,
        "worth": {"soba": 7},
        "summary": "All of it.", "measures": ["fooled"], "smaller": [], "metric": "Psi",
        "reference": {"value": 0.75, "values": [0.75], "stationarity": 1e-9, "measures": {"fooled": 0.9}},
    }  # fmt: skip
    return {
        "applications": "tasks", "seed": 0, "rows": rows, "winners": winners(rows), "tasks": {"an <attack>": about},
        "left_out": {"zoba on nothing": "needs <something>"}, "failed": [], "seconds": 1.0,
        "settings": {"tuning_share": 0.2, "finalists": 3, "replicates": 2},
        "provenance": {"zoba_bench": "0.1.0", "command": "zoba-bench run --suite tasks --seed 0", "cpus": 2},
    }  # fmt: skip


def test_the_page_says_who_is_ahead_with_numbers_and_shows_the_images(content, tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.add_run("tasks", 0, content)
        page = write_report(ledger, tmp_path)
    assert page.name == "tasks.html"
    text = page.read_text()
    for words in (
        "1.25 (reference 0.75)", "hf-zoba ends lowest", "an &lt;attack&gt;", "1,000 evaluations with values",
        "2 of 2", "0.5 to 0.7", "needs &lt;something&gt;", "60 queries of the classifier",
        "a query of soba for 7 of them", "What this does not show",
        "zoba-bench run --suite tasks --seed 0",
    ):  # fmt: skip
        assert words in text, words
    assert "<attack>" not in text
    (picture,) = (page.parent / "figures").glob("*.png")
    assert f"figures/{picture.name}" in text
    assert picture.read_bytes() == (page.parent / "figures" / picture.name).read_bytes()


def test_sentences_name_both_winners(content):
    first, second = sentences(content)
    assert first.startswith("An <attack>, values queried, 2 methods: at equal evaluations hf-zoba")
    assert "apart from tpe; at equal time hf-zoba, 3" in first  # what hf-zoba had when the other one was done
    assert "1 methods" not in second


def test_the_terminal_shows_every_method_and_its_failures(content):
    stream = io.StringIO()
    Console(file=stream, width=200).print(application_table(content))
    text = stream.getvalue()
    assert "an <attack>, Psi from 4, reference 0.75" in text
    assert "2 failed" in text
    assert text.index("hf-zoba") < text.index("tpe")


def test_images_stand_in_lines_of_ten():
    figure = draw_images(np.arange(13 * 4).reshape(13, 2, 2).tolist())
    shown = [axes for axes in figure.axes if axes.images]
    assert (len(figure.axes), len(shown)) == (20, 13)
    np.testing.assert_array_equal(shown[12].images[0].get_array(), [[48, 49], [50, 51]])
