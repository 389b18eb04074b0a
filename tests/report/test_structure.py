"""What a screen reader, a search and a skimming eye rely on: headings in order, names for all, nothing said twice."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from html import unescape
from html.parser import HTMLParser

import pytest

from zoba_bench.report.comparison_pages import comparison_files
from zoba_bench.report.pages import asset, pages

from . import comparing, large
from .conftest import CONTENT, RUN
from .html_reading import parse


def rendered():
    """Pages of all kinds by name."""
    found = {f"tiny {name}": text for name, text in pages(RUN).items()}
    found |= {f"failing {name}": text for name, text in pages(RUN | {"content": large.with_failures()}).items()}
    for content in (comparing.two_solvers(), comparing.several()):
        files = comparison_files(RUN | {"content": content})
        found |= {f"{len(files)} {name}": text for name, text in files.items() if name.endswith(".html")}
    return found


@pytest.fixture(scope="module")
def everything():
    return rendered()


def headings(text):
    """Levels of the headings, in order."""
    return [int(tag[1]) for tag in parse(text).tags if re.fullmatch("h[1-6]", tag)]


def test_each_page_has_one_title_and_no_heading_skips_a_level(everything):
    for name, text in everything.items():
        levels = headings(text)
        assert levels.count(1) == 1, name
        assert levels[0] == 1, name
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), (name, levels)


def test_pictures_tables_and_heads_have_names(everything):
    for name, text in everything.items():
        for tag, attributes in parse(text).elements:
            if tag == "img":
                assert len(attributes["alt"]) > 10, (name, attributes)
                assert int(attributes["width"]) > 0
                assert float(attributes["height"]) > 0
            if tag == "table":
                assert attributes["aria-label"], name
            if tag == "th":
                assert attributes["scope"] in ("col", "row", "rowgroup"), name


class Links(HTMLParser):
    """Texts of the links."""

    def __init__(self):
        super().__init__()
        self.texts, self.inside = [], False

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self.texts.append("")
            self.inside = True

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != "a"

    def handle_data(self, data):
        if self.inside:
            self.texts[-1] += data


def test_every_link_says_something(everything):
    for name, text in everything.items():
        reader = Links()
        reader.feed(text)
        assert reader.texts, name
        assert all(said.strip() for said in reader.texts), name


def said_twice(text):
    """Sentences of ten words or more that stand on a page more than once."""
    body = text.partition("<main>")[2].partition("</main>")[0]
    blocks = re.split(r"</?(?:p|li|dd|dt|td|th|h\d|pre|summary|figcaption|div)\b[^>]*>", body)
    plain = [" ".join(unescape(re.sub(r"<[^>]+>", " ", block)).split()) for block in blocks]
    sentences = [one for block in plain for one in re.split(r"(?<=[.;:])\s", block)]
    return [one for one, number in Counter(sentences).items() if number > 1 and len(one.split()) >= 10]


def test_no_sentence_is_said_twice(everything):
    for name, text in everything.items():
        assert said_twice(text) == [], name


def test_a_sentence_that_is_said_twice_is_found():
    sentence = "This is one sentence of more than ten words that stands twice."
    assert said_twice(f"<main><p>{sentence}</p><p>Or. {sentence}</p></main>") == [sentence]
    assert said_twice(f"<main><p>{sentence}</p></main>") == []


def test_every_page_says_which_run_it_is_of(everything):
    for name, text in everything.items():
        if name.endswith((" index.html", " comparison.html")):
            assert 'id="provenance"' in text, name
            continue
        foot = text.partition("<footer>")[2]
        assert "commit <code>c0ffee</code>" in foot, name
        assert "#provenance" in foot, name


def test_the_contents_differ_in_what_they_are_for():
    assert len(CONTENT["claims"]) < len(large.suite()["claims"])
    assert all(row["verdict"] == row["expected"] for row in large.suite()["claims"])


def test_tables_with_many_columns_scroll_in_their_box_with_heads_in_one_line():
    """At 360 px heads stood in five lines."""
    style = str(asset("style.css"))
    narrow = style.partition("@media screen and (max-width: 560px)")[2]
    assert "table.wide thead th { white-space: nowrap; }" in narrow  # below the rule of dense tables, which it replaces
    assert "table.dense thead th { white-space: normal;" in style.removesuffix(narrow)
    for name in ("ratios", "applications", "comparison"):
        assert '<div class="scroll"><table class="sortable dense wide"' in str(asset(f"{name}.html.jinja"))
