"""Filters and sorting of the tables in a browser, and the links that lead to them."""

from __future__ import annotations

from .looking import SHOWN

CELLS = """(column) => [...document.querySelectorAll(`tbody tr:not([hidden]) td:nth-child(${column})`)]
  .map((cell) => cell.textContent)"""


def test_filters_leave_what_fits_and_say_how_many(visit, content):
    page = visit("claims.html")
    everything = [row["id"] for row in content["claims"]]
    assert sorted(page.evaluate(SHOWN)) == sorted(everything)
    page.select_option("select[name=protocol]", "P2b")
    assert sorted(page.evaluate(SHOWN)) == sorted(i for i in everything if i.startswith("P2b/"))
    page.select_option("select[name=verdict]", "control rejected")
    assert page.evaluate(SHOWN) == ["P2b/zoba/d/control-missing-power"]
    assert page.text_content("form.filter output") == f"1 of {len(everything)}"
    page.select_option("select[name=protocol]", "")
    page.select_option("select[name=verdict]", "")
    page.fill("input[name=text]", "HF-ZOBA quad")
    assert page.evaluate(SHOWN) == ["P2/hf-zoba/quad"]
    page.fill("input[name=text]", "")
    page.select_option("select[name=solver]", "hf-zoba")
    assert page.evaluate(SHOWN) == ["P2/hf-zoba/quad"]
    page.select_option("select[name=solver]", "")
    page.select_option("select[name=problem]", "quad")
    assert sorted(page.evaluate(SHOWN)) == sorted(row["id"] for row in content["claims"] if row["problem"] == "quad")


def test_a_filter_hides_the_sections_of_claims_that_do_not_fit(visit):
    page = visit("protocol-P2b.html")
    page.fill("input[name=text]", "exponent")
    assert page.is_visible("#P2b-zoba-d-exponent")
    assert page.is_hidden("#P2b-zoba-d-residual")
    page.fill("input[name=text]", "")
    assert page.is_visible("#P2b-zoba-d-residual")


def test_counts_on_the_overview_lead_to_exactly_the_claims_they_count(visit, folders):
    """Every count of a verdict, and of controls."""
    for of in ("tiny",):
        page = visit("index.html", of=of)
        counted = page.evaluate(
            """() => [...document.querySelectorAll("#protocols a[href^='claims.html']")]
              .map((a) => [a.getAttribute("href"), a.textContent])"""
        )
        assert counted
        for reference, number in counted:
            page.goto(f"{folders(of).as_uri()}/{reference}")
            assert len(page.evaluate(SHOWN)) == int(number), reference


def test_every_column_sorts_both_ways_numbers_as_numbers(visit):
    page = visit("claims.html")
    head = page.locator("th", has_text="Measured")
    values = "() => [...document.querySelectorAll('tbody td:nth-child(6)')].map((c) => parseFloat(c.dataset.value))"
    for order, reverse in (("ascending", False), ("descending", True)):
        head.locator("button").click()
        assert head.get_attribute("aria-sort") == order
        found = [value for value in page.evaluate(values) if value == value]
        assert found == sorted(found, reverse=reverse)
        assert found[-1 if order == "ascending" else 0] == 1e8
    heads = page.locator("th")
    for column in range(heads.count()):
        heads.nth(column).locator("button").click()
        up = page.evaluate(CELLS, column + 1)
        heads.nth(column).locator("button").click()
        down = page.evaluate(CELLS, column + 1)
        assert sorted(up) == sorted(down)
        assert (up != down) == (len(set(up)) > 1), column
    page.locator("th", has_text="Claim").locator("button").click()
    shown = page.evaluate(SHOWN)
    assert shown == sorted(shown)


def test_a_link_to_a_folded_control_opens_it(visit):
    page = visit("claims.html")
    page.click("text=P2b/zoba/d/control-missing-power")
    page.wait_for_url("**/protocol-P2b.html#*")
    assert page.is_visible("#P2b-zoba-d-control-missing-power img")


def test_results_of_a_comparison_are_filtered_and_sorted(visit):
    page = visit("comparison-results.html", of="comparison")
    page.select_option("select[name=problem]", "toy")
    page.select_option("select[name='may query']", "values")
    assert page.evaluate(CELLS, 2) == ["hf-zoba", "zoba", "zdsba"]
    head = page.locator("th", has_text="Median").locator("button")
    head.click()
    head.click()
    assert page.evaluate(CELLS, 2) == ["zdsba", "zoba", "hf-zoba"]
    page.select_option("select[name='may query']", "")
    page.fill("input[name=text]", "failed")
    assert page.evaluate(CELLS, 2) == ["f2sa"]
    page.click("tbody tr:not([hidden]) a")
    page.wait_for_url("**/comparison-problem-toy.html#problem-toy")
    assert page.locator("img").count() == 3
