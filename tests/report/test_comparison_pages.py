"""The pages of a comparison, and its outcome in one sentence."""

from __future__ import annotations

import pytest

from zoba_bench.ledger import Ledger
from zoba_bench.report.comparison import outcome
from zoba_bench.report.comparison_pages import comparison_files
from zoba_bench.report.html import write_report

from . import comparing
from .comparing import comparison, result
from .html_reading import broken_links, parse, words

EVIL = '<script>alert("x")</script>'


def files(content):
    return comparison_files({"id": 1, "suite": "by-hand", "seed": 3, "created": "2026-01-21", "content": content})


@pytest.mark.parametrize("content", [comparing.two_solvers, comparing.several, comparing.profiled])
def test_every_link_resolves_and_every_page_is_well_formed(tmp_path, content):
    with Ledger(tmp_path / "ledger.sqlite") as opened:
        opened.add_run("by-hand", 3, content())
        page = write_report(opened, tmp_path)
    assert page.name == "comparison.html"
    assert broken_links(page.parent) == []
    for path in page.parent.glob("*.html"):
        ids = parse(path.read_text(encoding="utf-8")).ids
        assert len(ids) == len(set(ids)), path


def test_one_problem_stands_on_the_overview_and_several_have_a_page_each():
    assert {name for name in files(comparing.two_solvers()) if name.endswith(".html")} == {
        "comparison.html", "comparison-results.html",
    }  # fmt: skip
    made = files(comparing.several())
    for name in ("quad_general", "reference", "toy"):
        assert f"comparison-problem-{name}.html" in made
    assert "figures/comparison.png" in made


def test_few_curves_share_a_picture_and_many_are_split_by_oracle():
    few, many = files(comparing.two_solvers()), files(comparing.several())
    assert [name for name in few if name.endswith(".svg")] == ["figures/comparison-problem-reference.svg"]
    assert few["figures/comparison-problem-reference.csv"].splitlines()[:3] == [
        "solver,evaluations,median", "soba,0.0,4.0", "soba,50.0,0.006324555320336759",
    ]  # fmt: skip
    assert {name for name in many if name.endswith(".svg") and "-toy" in name} == {
        f"figures/comparison-problem-toy-{oracle}.svg" for oracle in ("values", "gradients", "second")
    }


def test_settings_provenance_and_what_it_does_not_show_stand_on_the_overview():
    text = words(files(comparing.two_solvers())["comparison.html"])
    for part in (
        "100 evaluations a run", "zoba-bench run --suite by-hand --seed 3", "commit c0ffee", "CPUs 2",
        "BLAS openblas 0.3", "What this does not show", "no confidence limits",
    ):  # fmt: skip
        assert part in text, part


def test_a_run_that_kept_no_command_names_what_it_has():
    content = comparing.two_solvers()
    del content["provenance"]
    command = "zoba-bench run --suite by-hand --seed 3 --budget 100 --gradient-cost one --problem reference"
    assert f"{command} --solver hf-zoba --solver soba" in words(files(content)["comparison.html"])


def test_failed_cells_are_shown_with_their_message_and_traceback():
    made = files(comparing.several())["comparison.html"]
    assert "1 cell failed" in words(made)
    assert 'class="banner bad"' in made
    assert words(made).count("ValueError: radius is 0") == 2
    content = comparing.several() | {"failed": []}
    assert "failed" not in words(files(content)["comparison.html"]).partition("Who got how far")[0]


def test_names_are_escaped():
    rows = result("reference", "hf-zoba", 1e-3) | {"solver": EVIL}, result(f"a {EVIL}", "zoba", 1e-2)
    failed = comparing.failed_cell(EVIL, message=EVIL, traceback=EVIL)
    content = comparison(*rows, left_out={EVIL: EVIL}, failed=[failed])
    for name, text in files(content).items():
        if name.endswith(".html"):
            scripts = [attributes for tag, attributes in parse(text).elements if tag == "script"]
            assert scripts == [{"src": "report.js", "defer": None}]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "No solver has a result."),
        ([("a", "zoba", 1e-3)], "zoba ends at 0.001 on a, from 4."),
        ([("a", "zoba", 1e-3), ("a", "soba", 4e-3)], "zoba ends lowest on a; soba ends 4 times as high."),
        (
            [("a", "zoba", 1e-3), ("a", "soba", 1.1e-3)],
            "zoba ends lowest on a; soba ends 1.1 times as high, within the quartiles of their seeds.",
        ),
        ([("a", "zoba", 0.0), ("a", "soba", 1e-30)], "zoba and soba end equally low on a."),
        ([("a", "zoba", 1e-30), ("a", "soba", 1e-3)], "zoba ends at rounding on a; soba ends at 0.001."),
        ([("a", "zoba", 1e-3), ("a", "soba", None)], "zoba ends lowest on a; soba fails."),
        ([("a", "zoba", 5.0)], "No solver ends below the start on a."),
        (
            [("a", "zoba", 1.0), ("a", "soba", 2.0), ("b", "zoba", 2.0), ("b", "soba", 1.0), ("c", "soba", 1.0)],
            "Lowest at the end of the budget: soba on 2 of 3 problems, zoba on 1 of 3 problems.",
        ),
        ([("a", "zoba", 5.0), ("b", "zoba", None)], "No solver ends below the start on any of 2 problems."),
    ],
)
def test_the_outcome_says_who_is_ahead(rows, said):
    assert outcome(comparison(*(result(*row) for row in rows))) == said


def test_a_comparison_without_results_is_a_page():
    text = files(comparison(left_out={"zoba on toy": "its cell failed"}))["comparison.html"]
    assert "No solver has a result." in words(text)
    assert "zoba on toy: its cell failed" in words(text)
