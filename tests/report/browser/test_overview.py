"""The first page at the size of a laptop and of a phone: what holds, what fails, what was learned."""

from __future__ import annotations

import pytest

from .looking import BOTTOM, WIDER

SCREEN = 800


def height(page):
    return page.evaluate("() => document.documentElement.scrollHeight")


def test_what_holds_what_fails_and_what_was_learned_is_seen_without_scrolling(visit):
    page = visit("index.html", of="whole")
    words = " ".join(page.inner_text("#verdict").split())
    for part in (
        "218 of 218 claims are consistent", "210 of 210 controls", "Fails Nothing.",
        "Variance of one step from the solution, as d at p=2 grows", "zoba-tuned like d1.95 (1.95)",
        "Noise floor of the whole algorithm, as p = d grows",
    ):  # fmt: skip
        assert part in words, (part, words)
    assert page.locator("#findings img").count() == 2
    assert page.evaluate(BOTTOM, "#verdict, #findings article:first-child img") <= SCREEN


@pytest.mark.parametrize("of", ["whole", "failing"])
def test_the_overview_of_a_whole_suite_fits_two_screens(visit, of):
    assert height(visit("index.html", of=of)) <= 2 * SCREEN


def test_what_fails_is_named_on_the_first_screen_and_in_full_view_below(visit):
    page = visit("index.html", of="failing")
    banner = page.inner_text("#verdict")
    assert "4 of 428 verdicts are not as expected, and 12 cells failed" in banner
    assert "1 violated, 1 control not rejected, 2 inconclusive, 12 cells failed" in banner
    assert "P1/zoba/quad_general/level-0" in banner
    assert page.evaluate(BOTTOM, "#verdict") <= SCREEN
    odd = page.inner_text("#unexpected")
    for part in (
        "P1/zoba/quad_general/level-0", "1.300", "at most 1.1", "measured over derived is curved",
        "P7/zoba/quad_general/level-1/control", "P8/zoba/quad_general/level-2",
    ):  # fmt: skip
        assert part in odd, part
    failed = page.inner_text("#failed")
    assert "ValueError: radius is 0" in failed
    assert "12 cells of" in failed
    assert page.locator("#failed a", has_text="P8/zoba/quad_general/level-2").count() == 1


def test_a_failed_cells_parameters_and_traceback_are_folded_below_it(visit):
    page = visit("index.html", of="failing")
    assert page.is_hidden("#failed pre")
    page.click("#failed summary")
    assert "Traceback" in page.inner_text("#failed pre")
    assert '"p": 3' in page.inner_text("#failed li >> nth=0")


def test_the_link_to_what_a_verdict_means_unfolds_it(visit):
    page = visit("index.html", of="whole")
    page.click("#verdict a")
    page.wait_for_selector("#meaning p", state="visible")  # the page unfolds it in an event


def test_a_comparison_of_two_solvers_is_one_page_with_their_curves_in_one_picture(visit):
    page = visit("comparison.html", of="one problem")
    assert page.inner_text("#outcome strong") == "soba ends lowest on reference; hf-zoba ends 100 times as high."
    assert page.locator("img").count() == 1
    assert page.evaluate(BOTTOM, "#outcome, figure") <= SCREEN
    assert height(page) <= 2 * SCREEN


def test_a_comparison_says_who_is_ahead_and_which_cells_failed(visit):
    page = visit("comparison.html", of="comparison")
    banner = page.inner_text("#outcome")
    assert "ahead of the best with two loops in 3 of 3 cases" in banner
    assert "1 cell failed" in banner
    page.click("#outcome a")
    assert "ValueError: radius is 0" in page.inner_text("#failed")
    facts = page.inner_text("#provenance")
    for part in ("zoba-bench run --suite by-hand --seed 3", "commit", "c0ffee", "CPUs", "BLAS", "openblas 0.3"):
        assert part in facts, part


@pytest.mark.parametrize(("of", "name"), [("failing", "index.html"), ("comparison", "comparison.html")])
def test_tables_too_wide_for_a_phone_scroll_by_themselves(visit, of, name):
    page = visit(name, width=360, of=of)
    assert page.evaluate(WIDER) == [0]
    assert page.evaluate("() => [...document.querySelectorAll('.scroll')].some((s) => s.scrollWidth > s.clientWidth)")


def test_on_a_phone_what_fails_reads_from_top_to_bottom(visit):
    page = visit("index.html", width=360, of="failing")
    right = """() => Math.max(...[...document.querySelectorAll("#unexpected td *")]
      .map((e) => e.getBoundingClientRect().right))"""
    assert page.evaluate(right) <= 360
    assert page.is_hidden("#unexpected thead")
