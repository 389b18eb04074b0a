"""The page: well-formed, escaped, complete; written as a whole or not at all."""

from __future__ import annotations

import os
from html.parser import HTMLParser

import pytest

from zoba_bench.ledger import Ledger
from zoba_bench.report.html import ReportError, page, write_report

EVIL = '<script>alert("x")</script>'
VOID = {"meta", "br", "link", "img", "hr"}


class Checker(HTMLParser):
    """Every element is closed in order; collects tags, attributes and text."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.attributes, self.text = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> at {self.getpos()}"

    def handle_data(self, data):
        self.text.append(data)


def parse(text):
    checker = Checker()
    checker.feed(text)
    checker.close()
    assert not checker.open, checker.open
    return checker


def run(content):
    return {"id": 1, "suite": "tiny", "seed": 7, "created": "2026-01-21T00:00:00+00:00", "content": content}


def poisoned(value):
    """Every string of a content, and every key that is data, with markup in it."""
    if isinstance(value, dict):
        named = value.keys() <= {"zoba", "hf-zoba", "pictures", "quad", "reference", "all", "P1", "P2", "P2b"}
        return {key + EVIL if named else key: poisoned(v) for key, v in value.items()}
    if isinstance(value, list):
        return [poisoned(v) for v in value]
    return value + EVIL if isinstance(value, str) else value


def test_the_page_is_well_formed_with_its_figures(ledger, tmp_path):
    path = write_report(ledger, tmp_path)
    assert path == tmp_path / "report" / "index.html"
    checker = parse(path.read_text(encoding="utf-8"))
    assert checker.tags.count("svg") == 5
    assert checker.tags.count("math") == 2
    assert {p.name for p in (tmp_path / "report" / "figures").iterdir()} == {
        "summary.png", "rates-P2b.png", "rates-P4a.png", "deviations-P2.png", "controls.png",
    }  # fmt: skip
    ids = [value for name, value in checker.attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_a_published_claim_shows_its_source(content):
    content["claims"][0] |= {"origin": "published", "source": "arXiv 2601.21836, abstract"}
    assert "Published: arXiv 2601.21836, abstract" in " ".join(parse(page(run(content), [])).text)


def test_the_page_loads_nothing_from_elsewhere(ledger, tmp_path):
    checker = parse(write_report(ledger, tmp_path).read_text(encoding="utf-8"))
    assert not {"script", "img", "link", "iframe"} & set(checker.tags)
    references = [v for n, v in checker.attributes if n in ("src", "href", "xlink:href")]
    assert all(value.startswith("#") for value in references)


def test_sections_come_in_order(content):
    checker = parse(page(run(content), [("f", "T", "C", "")]))
    sections = [value for name, value in checker.attributes if name == "id" and not value.startswith("figure-")]
    assert sections == [
        "meaning", "unexpected", "matrix", "verdicts", "figures", "derivations", "provenance", "reproduce",
    ]  # fmt: skip


def test_everything_from_the_ledger_is_escaped(content):
    text = page(run(poisoned(content)) | {"suite": EVIL, "created": '"><script>'}, [("f", EVIL, EVIL, EVIL)])
    checker = parse(text)
    assert "script" not in checker.tags
    assert text.count("&lt;script&gt;") > 50


def test_what_is_missing_is_a_dash_and_never_none(content):
    text = page(run(content), [])
    assert "None" not in text
    assert "nan" not in "".join(parse(text).text).split()


def test_unexpected_verdicts_come_first_with_their_reason(content):
    text = page(run(content), [])
    assert text.index("the derivation refuses: step 3") < text.index('id="matrix"')
    assert text.count('class="unexpected"') == 4  # two of them, at the top and in their tables


def test_without_unexpected_verdicts_there_is_no_such_section(content):
    content["claims"] = [row for row in content["claims"] if row["verdict"] == row["expected"]]
    text = page(run(content), [])
    assert 'id="unexpected"' not in text
    assert "7 of 7 verdicts as expected" in text


def test_controls_stand_apart(content):
    text = page(run(content), [])
    before, _, controls = text.partition('<div class="controls">')
    verdicts = before.partition('id="verdicts"')[2]
    assert "control:wrong" not in verdicts
    assert "control:wrong" in controls


def test_left_out_problems_say_how_to_get_them(content):
    assert "pip install &#34;zoba-bench[data]&#34;" in page(run(content), [])


def test_how_to_reproduce(content):
    assert "zoba-bench verify --suite tiny --seed 7" in page(run(content), [])


def test_a_refused_derivation_is_said(content):
    assert "refuses its conclusion: step &#39;mean&#39; fails" in page(run(content), [])


@pytest.mark.parametrize("key", ["left_out", "derivations", "provenance", "matrix", "seconds", "level"])
def test_an_empty_part_is_no_obstacle(content, key):
    content[key] = {} if isinstance(content[key], dict) else None
    parse(page(run(content), []))


def test_the_last_run_is_reported(ledger, tmp_path, content):
    ledger.add_run("later", 8, content)
    assert "--suite later --seed 8" in write_report(ledger, tmp_path).read_text(encoding="utf-8")


def test_the_same_run_gives_the_same_bytes(ledger, tmp_path):
    first = write_report(ledger, tmp_path / "a").read_bytes()
    assert write_report(ledger.path, tmp_path / "b").read_bytes() == first


def test_a_ledger_without_a_run_says_what_to_do(tmp_path):
    with (
        Ledger(tmp_path / "ledger.sqlite") as empty,
        pytest.raises(ReportError, match="run zoba-bench verify first"),
    ):
        write_report(empty, tmp_path)
    assert not (tmp_path / "report").exists()


def test_a_missing_ledger_is_not_created(tmp_path):
    with pytest.raises(ReportError, match="run zoba-bench verify first"):
        write_report(tmp_path / "none.sqlite", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file_is_named(ledger, tmp_path):
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    with pytest.raises(ReportError, match=r"blocked.*choose another folder"):
        write_report(ledger, blocked)


def test_a_failed_write_leaves_the_old_page_and_no_rubbish(ledger, tmp_path, monkeypatch):
    path = write_report(ledger, tmp_path)
    old = path.read_bytes()

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(ReportError, match="disk full"):
        write_report(ledger, tmp_path)
    assert path.read_bytes() == old
    assert not list(path.parent.rglob(".*"))


def test_a_ledger_that_kept_no_titles_is_reported_by_the_protocols_names(content, tmp_path):
    assert "<h3>P1 evaluation counts</h3>" in page(run(content), [])
    for row in content["claims"]:
        del row["title"], row["summary"]
    assert "<h3>P1</h3>" in page(run(content), [])
    with Ledger(tmp_path / "ledger.sqlite") as opened:
        opened.add_run("tiny", 7, content)
        path = write_report(opened, tmp_path)
    assert parse(path.read_text(encoding="utf-8")).tags.count("svg") == 4  # nothing asks for the summary
