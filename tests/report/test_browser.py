"""The report in a real browser: Debian's chromium, driven by playwright (extra ``browser``)."""

from __future__ import annotations

import shutil

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra 'browser')")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed (Debian: apt-get install chromium)")

SCHEMES = ("light", "dark")
#: WCAG's contrast of every piece of text with what lies behind it, where it is less than 4.5 (3 for large text).
FAINT = """() => {
  const channels = (color) => {
    const found = color.match(/[\\d.]+/g).map(Number);
    return found.length === 4 ? found : [...found, 1];
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const [r, g, b, a] = channels(getComputedStyle(e).backgroundColor);
      if (a === 1) return [r, g, b];
      if (a > 0) throw new Error("half transparent: " + e.outerHTML.slice(0, 80));
    }
    return [255, 255, 255];
  };
  const faint = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const element = node.parentElement;
    if (!node.textContent.trim() || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const pair = [light(channels(style.color).slice(0, 3)), light(behind(element))].sort((a, b) => b - a);
    const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (contrast < (large ? 3 : 4.5)) faint.push(`${node.textContent.trim().slice(0, 40)}: ${contrast.toFixed(2)}`);
  }
  return faint;
}"""
UNFOLD = "() => document.querySelectorAll('main details').forEach((folded) => (folded.open = true))"
WIDER = """() => [document.documentElement.scrollWidth - document.documentElement.clientWidth,
  ...[...document.querySelectorAll('main *')]
    .filter((e) => !e.closest('.scroll, .formula, pre, math') && e.getBoundingClientRect().right > innerWidth + 1)
    .map((e) => e.outerHTML.slice(0, 100))]"""
SHOWN = "() => [...document.querySelectorAll('tbody tr:not([hidden]) td:nth-child(2)')].map((cell) => cell.textContent)"


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


def watch(page, root, trouble):
    """Note errors and warnings of a page, requests that fail, and those that leave the folder."""
    page.on("console", lambda said: trouble.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: trouble.append(str(error)))
    # A picture that is still loading when the next page is asked for is given up, and does not fail.
    page.on("requestfailed", lambda asked: trouble.append(f"failed: {asked.url} {asked.failure}")
            if asked.failure != "net::ERR_ABORTED" else None)  # fmt: skip
    page.on("request", lambda asked: None if asked.url.startswith(root) else trouble.append(f"outside: {asked.url}"))


@pytest.fixture
def visit(browser, report):
    """Opens pages of the report; whatever fails or leaves the folder fails the test."""
    trouble = []
    opened = []

    def go(name, width=1280, scheme="light", **settings):
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, **settings)
        opened.append(context)
        page = context.new_page()
        watch(page, report.as_uri(), trouble)
        page.goto(f"{report.as_uri()}/{name}")
        return page

    yield go
    for context in opened:
        context.close()
    assert trouble == []


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


def names(report):
    return sorted(path.name for path in report.glob("*.html"))


def test_pages_load_with_their_pictures_and_without_errors_or_requests_elsewhere(visit, report):
    page = visit("index.html")
    for name in names(report):
        page.goto(f"{report.as_uri()}/{name}")
        page.evaluate(UNFOLD)
        page.evaluate("() => document.querySelectorAll('img').forEach((picture) => (picture.loading = 'eager'))")
        page.wait_for_function("() => [...document.images].every((p) => p.complete)")
        pictures = page.evaluate("() => [...document.images].map((p) => [p.naturalWidth, p.alt])")
        assert all(width > 0 and alternative for width, alternative in pictures), name
        assert page.title().endswith("zoba-bench")


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
def test_no_page_scrolls_sideways_and_every_text_has_contrast(visit, report, width, scheme):
    page = visit("index.html", width, scheme)
    for name in names(report):
        page.goto(f"{report.as_uri()}/{name}")
        page.evaluate(UNFOLD)
        assert page.evaluate(WIDER) == [0], name
        assert page.evaluate(FAINT) == [], name


def test_what_is_allowed_is_in_view_beside_every_claim(visit, report):
    cut = (
        "[...document.querySelectorAll('table[data-filter]')].filter(t => t.scrollWidth > t.parentElement.clientWidth)"
    )
    for name in names(report):
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


@pytest.mark.parametrize("scheme", SCHEMES)
def test_pictures_follow_the_scheme_and_their_texts_have_contrast(visit, report, scheme):
    page = visit("index.html", scheme=scheme)
    for picture in sorted((report / "figures").glob("*.svg")):
        # Within a page, where styles can be read; the style is the file's own.
        page.set_content(picture.read_text(encoding="utf-8"))
        back, inks = page.evaluate(
            """() => [getComputedStyle(document.querySelector("svg")).backgroundColor,
              [...new Set([...document.querySelectorAll("text")].map((t) => getComputedStyle(t).fill))]]"""
        )
        for ink in inks:
            assert contrast(ink, back) >= 4.5, (picture.name, ink, back)
    assert back == {"light": "rgb(255, 255, 255)", "dark": "rgb(22, 26, 31)"}[scheme]


def contrast(*colors):
    """WCAG's contrast of two colours "rgb(r, g, b)"."""

    def light(color):
        shares = [int(part) / 255 for part in color[4:-1].split(",")]
        r, g, b = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    low, high = sorted(map(light, colors))
    return (high + 0.05) / (low + 0.05)


def test_a_page_is_as_dark_as_the_scheme(visit):
    back = "() => getComputedStyle(document.body).backgroundColor"
    assert [visit("index.html", scheme=scheme).evaluate(back) for scheme in SCHEMES] == [
        "rgb(255, 255, 255)", "rgb(22, 26, 31)",
    ]  # fmt: skip


def test_filters_leave_what_fits_and_say_how_many(visit, content):
    page = visit("claims.html")
    everything = [row["id"] for row in content["claims"]]
    assert sorted(page.evaluate(SHOWN)) == sorted(everything)
    page.select_option("select[name=protocol]", "P2b")
    assert sorted(page.evaluate(SHOWN)) == sorted(i for i in everything if i.startswith("P2b/"))
    page.select_option("select[name=verdict]", "violated (expected)")
    assert page.evaluate(SHOWN) == ["P2b/zoba/d/control-missing-power"]
    assert page.text_content("form.filter output") == f"1 of {len(everything)}"
    page.select_option("select[name=protocol]", "")
    page.select_option("select[name=verdict]", "")
    page.fill("input[name=text]", "HF-ZOBA quad")
    assert page.evaluate(SHOWN) == ["P2/hf-zoba/quad"]


def test_a_filter_hides_the_sections_of_claims_that_do_not_fit(visit):
    page = visit("protocol-P2b.html")
    page.fill("input[name=text]", "exponent")
    assert page.is_visible("#P2b-zoba-d-exponent")
    assert page.is_hidden("#P2b-zoba-d-residual")
    page.fill("input[name=text]", "")
    assert page.is_visible("#P2b-zoba-d-residual")


def test_counts_on_the_overview_lead_to_the_claims_they_count(visit):
    page = visit("index.html")
    page.click("a[href*='verdict=inconclusive'][href*='P5']")
    page.wait_for_url("**/claims.html?*")
    assert page.evaluate(SHOWN) == ["P5/zoba/bound"]


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
    page.locator("th", has_text="Claim").locator("button").click()
    shown = page.evaluate(SHOWN)
    assert shown == sorted(shown)


def test_a_link_to_a_folded_control_opens_it(visit):
    page = visit("claims.html")
    page.click("text=P2b/zoba/d/control-missing-power")
    page.wait_for_url("**/protocol-P2b.html#*")
    assert page.is_visible("#P2b-zoba-d-control-missing-power img")


def test_the_navigation_stays_and_does_not_cover_what_a_link_points_to(visit):
    page = visit("protocol-P2b.html#P2b-zoba-d-exponent", width=360)
    top = "(name) => document.querySelector(name).getBoundingClientRect()"
    bar, section = page.evaluate(top, "nav.top"), page.evaluate(top, "#P2b-zoba-d-exponent")
    assert bar["top"] == 0
    assert bar["bottom"] <= section["top"] + 1


def test_everything_is_readable_without_scripts(visit, report, content):
    page = visit("claims.html", java_script_enabled=False)
    assert page.locator("tbody tr").count() == len(content["claims"])
    assert page.locator("form").count() == 0
    page.goto(f"{report.as_uri()}/protocol-P2b.html")
    assert page.locator("section.claim").count() == 2
    page.locator("nav.top summary", has_text="Protocols").click()
    page.locator("nav.top a", has_text="P4a").click()
    assert page.locator("h1").text_content() == "P4a noise over a horizon"


def test_wide_formulas_scroll_by_themselves(visit):
    page = visit("solver-zoba.html", width=360)
    page.evaluate(UNFOLD)
    assert page.evaluate("() => [...document.querySelectorAll('.formula')].some((f) => f.scrollWidth > f.clientWidth)")


def test_paper_has_everything_unfolded_and_no_controls_of_the_page(visit):
    page = visit("protocol-P2b.html")
    page.emulate_media(media="print")
    page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
    assert page.is_hidden("nav.top")
    assert page.is_hidden("form.filter")
    assert page.is_visible("#P2b-zoba-d-control-missing-power")
