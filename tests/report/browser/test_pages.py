"""Every page of every kind of report in a browser: it loads, fits the window, can be read, and is navigated."""

from __future__ import annotations

import pytest

from .conftest import CONTENTS, watch
from .looking import FAINT, UNFOLD, WIDER, contrast, names

SCHEMES = ("light", "dark")


def test_errors_missing_files_and_requests_elsewhere_are_seen(browser, tmp_path):
    (tmp_path / "page.html").write_text(
        "<script>nothing.here</script><img src='missing.png' alt=''><img src='http://127.0.0.1:9/x.png' alt=''>"
    )
    trouble = []
    context = browser.new_context()
    page = context.new_page()
    watch(page, tmp_path.as_uri(), trouble)
    page.goto((tmp_path / "page.html").as_uri())
    context.close()
    for part in ("nothing is not defined", "failed: file:", "outside: http://127.0.0.1:9/x.png"):
        assert any(part in said for said in trouble), (part, trouble)


@pytest.mark.parametrize("of", CONTENTS)
def test_pages_load_with_their_pictures_and_without_errors_or_requests_elsewhere(visit, folders, of):
    page = visit("style.css", of=of)
    for name in names(folders(of)):
        page.goto(f"{folders(of).as_uri()}/{name}")
        page.evaluate(UNFOLD)
        page.evaluate("() => document.querySelectorAll('img').forEach((picture) => (picture.loading = 'eager'))")
        page.wait_for_function("() => [...document.images].every((p) => p.complete)")
        pictures = page.evaluate("() => [...document.images].map((p) => [p.naturalWidth, p.alt])")
        assert all(width > 0 and alternative for width, alternative in pictures), name
        assert page.title().endswith("zoba-bench")


@pytest.mark.parametrize("of", ["tiny", "failing", "one problem", "comparison"])
@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
def test_no_page_scrolls_sideways_and_every_text_has_contrast(visit, folders, width, scheme, of):
    page = visit("style.css", width, scheme, of)
    for name in names(folders(of)):
        page.goto(f"{folders(of).as_uri()}/{name}")
        page.evaluate(UNFOLD)
        assert page.evaluate(WIDER) == [0], name
        assert page.evaluate(FAINT) == [], name


def test_what_is_allowed_is_in_view_beside_every_claim(visit, folders):
    cut = (
        "[...document.querySelectorAll('table[data-filter]')].filter(t => t.scrollWidth > t.parentElement.clientWidth)"
    )
    for name in names(folders("tiny")):
        assert visit(name).evaluate(f"{cut}.length") == 0, name
    page = visit("claims.html")
    page.add_style_tag(content="table[data-filter] td code { white-space: nowrap; padding-right: 50rem; }")
    assert page.evaluate(f"{cut}.length") == 1, "the check sees a table that is cut"


def test_the_checks_of_width_and_contrast_see_what_they_are_for(visit):
    page = visit("index.html", 360)
    page.evaluate(
        "() => document.querySelector('main').insertAdjacentHTML('beforeend', '<p style=\"width:500px\">x</p>')"
    )
    assert page.evaluate(WIDER)[0] > 0
    page.evaluate("() => document.body.style.setProperty('--ink', '#ccc')")
    assert page.evaluate(FAINT)


@pytest.mark.parametrize("of", ["tiny", "comparison"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_pictures_follow_the_scheme_and_what_they_show_has_contrast(visit, folders, scheme, of):
    page = visit("style.css", scheme=scheme, of=of)
    for picture in sorted((folders(of) / "figures").glob("*.svg")):
        # Within a page, where styles can be read; the style is the file's own.
        page.set_content(picture.read_text(encoding="utf-8"))
        back, inks, marks = page.evaluate(
            """() => [getComputedStyle(document.querySelector("svg")).backgroundColor,
              [...new Set([...document.querySelectorAll("text")].map((t) => getComputedStyle(t).fill))],
              [...new Set([...document.querySelectorAll(".mark, .line, .bar")]
                .map((m) => getComputedStyle(m)[m.matches(".mark") ? "fill" : "stroke"]))]]"""
        )
        for ink in inks:
            assert contrast(ink, back) >= 4.5, (picture.name, ink, back)
        for mark in marks:
            assert contrast(mark, back) >= 3, (picture.name, mark, back)
    assert back == {"light": "rgb(255, 255, 255)", "dark": "rgb(22, 26, 31)"}[scheme]


def test_a_page_is_as_dark_as_the_scheme(visit):
    back = "() => getComputedStyle(document.body).backgroundColor"
    assert [visit("index.html", scheme=scheme).evaluate(back) for scheme in SCHEMES] == [
        "rgb(255, 255, 255)", "rgb(22, 26, 31)",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("of", "page", "anchor"),
    [
        ("tiny", "protocol-P2b.html", "P2b-zoba-d-exponent"),
        ("comparison", "comparison.html", "rivals"),
    ],
)
def test_the_navigation_stays_and_does_not_cover_what_a_link_points_to(visit, of, page, anchor):
    opened = visit(f"{page}#{anchor}", width=360, of=of)
    top = "(name) => document.querySelector(name).getBoundingClientRect()"
    bar, section = opened.evaluate(top, "nav.top"), opened.evaluate(top, f"#{anchor}")
    assert bar["top"] == 0
    assert bar["bottom"] <= section["top"] + 1


def test_everything_is_readable_without_scripts(visit, folders, content):
    page = visit("claims.html", java_script_enabled=False)
    assert page.locator("tbody tr").count() == len(content["claims"])
    assert page.locator("form").count() == 0
    page.goto(f"{folders('tiny').as_uri()}/protocol-P2b.html")
    assert page.locator("section.claim").count() == 2
    page.locator("nav.top summary", has_text="Protocols").click()
    page.locator("nav.top a", has_text="P4a").click()
    assert page.locator("h1").text_content() == "P4a noise over a horizon"


def test_wide_formulas_scroll_by_themselves(visit):
    page = visit("solver-zoba.html", width=360)
    page.evaluate(UNFOLD)
    assert page.evaluate("() => [...document.querySelectorAll('.formula')].some((f) => f.scrollWidth > f.clientWidth)")


@pytest.mark.parametrize("scripts", [True, False])
def test_paper_has_everything_unfolded_black_on_white_and_no_controls_of_the_page(visit, scripts):
    page = visit("protocol-P2b.html", scheme="dark", java_script_enabled=scripts)
    page.emulate_media(media="print")
    if scripts:
        page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
    assert page.is_hidden("nav.top")
    assert scripts or page.is_hidden("form.filter")
    assert page.locator("#P2b-zoba-d-control-missing-power dl").bounding_box()["height"] > 20
    back, ink = page.evaluate("() => ['backgroundColor', 'color'].map((name) => getComputedStyle(document.body)[name])")
    assert (back, contrast(back, ink) > 10) == ("rgb(255, 255, 255)", True)
