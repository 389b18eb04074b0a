"""The report as a folder: well-formed, escaped, complete, linked; written as a whole or not at all."""

from __future__ import annotations

import os

import pytest

from zoba_bench.ledger import Ledger
from zoba_bench.report.html import ReportError, write_report
from zoba_bench.report.pages import IN_FULL, pages
from zoba_bench.report.site import Site

from .conftest import RUN
from .html_reading import broken_links, parse, words

EVIL = '<script>alert("x")</script>'


def run(content):
    return RUN | {"content": content}


def poisoned(value):
    """Every string of a content, and every key that is data, with markup in it."""
    if isinstance(value, dict):
        named = value.keys() <= {"zoba", "hf-zoba", "pictures", "quad", "reference", "all", "P1", "P2", "P2b"}
        return {key + EVIL if named else key: poisoned(v) for key, v in value.items()}
    if isinstance(value, list):
        return [poisoned(v) for v in value]
    return value + EVIL if isinstance(value, str) else value


def test_there_is_a_page_for_every_protocol_and_every_solver(report):
    assert {path.name for path in report.glob("*.html")} == {
        "index.html", "claims.html", "protocol-P1.html", "protocol-P2.html", "protocol-P2b.html", "protocol-P4a.html",
        "protocol-P5.html", "solver-zoba.html", "solver-hf-zoba.html",
    }  # fmt: skip


def test_pages_are_well_formed_with_unique_ids(report):
    for path in report.glob("*.html"):
        ids = parse(path.read_text(encoding="utf-8")).ids
        assert len(ids) == len(set(ids)), path


def test_every_link_and_anchor_resolves_within_the_folder(report, tmp_path):
    assert broken_links(report) == []
    # The check sees what it is for.
    planted = '<p id="a"><a href="#b">x</a><a href="none.html">x</a><img src="https://example.org/x.png"></p>'
    (tmp_path / "page.html").write_text(planted)
    assert len(broken_links(tmp_path)) == 3


def test_every_claim_and_control_has_a_section_and_what_was_measured_a_picture_with_its_points(report, content):
    everything = "".join(path.read_text(encoding="utf-8") for path in report.glob("protocol-*.html"))
    for row in content["claims"]:
        anchor = row["id"].replace("/", "-").replace(":", "-")
        assert everything.count(f'id="{anchor}"') == 1, row["id"]
        pictured = (report / "figures" / f"{anchor}.svg").exists()
        assert pictured == (report / "figures" / f"{anchor}.csv").exists()
        assert pictured == (row["relation"] != "exact" and row["measured"] is not None), row["id"]


def test_controls_stand_folded_below_the_claim_that_names_them(content):
    content["claims"][1]["controls"] = ["P2/control:wrong/quad"]
    text = pages(run(content))["protocol-P2.html"]
    claim, _, rest = text.partition('<details class="controls">')
    assert 'id="P2-zoba-quad"' in claim
    assert 'id="P2-control-wrong-quad"' in rest.partition("</details>")[0]
    assert "1 control, rejected" in rest


def test_a_control_of_two_claims_stands_once_and_is_linked_from_the_other(content):
    for claim in content["claims"][1:3]:
        claim["controls"] = ["P2/control:wrong/quad"]
    text = pages(run(content))["protocol-P2.html"]
    assert text.count('id="P2-control-wrong-quad"') == 1
    assert "Control: <a href" in text.partition('id="P2-hf-zoba-quad"')[2]


def test_a_control_that_was_not_rejected_is_said(content):
    content["claims"][1]["controls"] = ["P2/control:wrong/quad"]
    content["claims"][3] |= {"verdict": "consistent"}
    assert "1 control, 1 not rejected" in pages(run(content))["protocol-P2.html"]


def test_a_statement_of_several_claims_is_said_once(content):
    for row in content["claims"][1:3]:
        row["statement"] = "The same of both."
    assert words(pages(run(content))["protocol-P2.html"]).count("The same of both.") == 1


def test_a_claims_section_has_its_numbers_and_the_command_that_repeats_it(report):
    text = words((report / "protocol-P2b.html").read_text(encoding="utf-8"))
    assert "limits 2.900 to 3.100" in text
    assert "allowed 3 ± 0.1" in text
    assert "zoba-bench verify --suite tiny --seed 7 --claim P2b/zoba/d/exponent" in text


def test_what_a_protocol_rests_on_stands_on_its_page_once(report):
    text = words((report / "protocol-P2b.html").read_text(encoding="utf-8"))
    for once in ("All of it for the data.", "The limit of large d.", "At the solution the mean step vanishes."):
        assert text.count(once) == 1


def test_the_overview_has_the_outcome_the_findings_what_fails_and_the_counts_in_this_order(report):
    text = words((report / "index.html").read_text(encoding="utf-8"))
    parts = (
        "2 of 10 verdicts are not as expected", "Holds 5 of 8 claims are consistent, 1 contradicted as known",
        "2 of 2 controls, wrong on purpose, are rejected", "Fails 2 inconclusive", "Learned Variance of one step",
        "zoba like d 3.00 (3.00)", "What fails or is undecided", "the derivation refuses: step 3", "What was learned",
        "arXiv 2601.21836, abstract", "What was measured", "P2b one-step law", "c0ffee", "CPUs 2", "BLAS openblas 0.3",
    )  # fmt: skip
    text = text[text.index(parts[0]) :]  # the menu has the names of all pages
    places = [text.find(part) for part in parts]
    assert places == sorted(places)
    assert -1 not in places


def test_more_failures_than_are_shown_in_full_are_named_and_linked(content):
    content["claims"] = [content["claims"][0] | {"id": f"P1/zoba/counts-{n}", "verdict": "violated"} for n in range(20)]
    text = pages(run(content))["index.html"]
    section = text.partition('<section id="unexpected">')[2].partition("</section>")[0]
    assert section.count("<tr>") == 2 + IN_FULL  # the heads, and what all of them say
    for n in range(20):
        assert section.count(f'href="protocol-P1.html#P1-zoba-counts-{n}"') == 1


def test_without_unexpected_verdicts_there_is_no_such_section(content):
    content["claims"] = [row for row in content["claims"] if row["verdict"] == row["expected"]]
    text = pages(run(content))["index.html"]
    assert 'id="unexpected"' not in text
    assert "All 8 verdicts are as expected" in text


def test_the_command_of_a_run_is_shown_and_without_one_it_is_that_of_the_suite(content):
    assert content["provenance"]["command"] in words(pages(run(content))["index.html"])
    del content["provenance"]["command"]
    assert "zoba-bench verify --suite tiny --seed 7" in words(pages(run(content))["index.html"])


def test_mathematics_is_written_in_one_way(report):
    for path in report.glob("*.html"):
        text = words(path.read_text(encoding="utf-8"))
        for plain in ("**", "grad Psi", "eps^", "^2", "sqrt("):
            assert plain not in text, (path, plain)


def test_the_folder_loads_nothing_from_elsewhere(report):
    for path in report.rglob("*.*"):
        if path.suffix in (".html", ".svg", ".css", ".js"):
            text = path.read_text(encoding="utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
            assert "http" not in text, path
            assert "@import" not in text
            assert "url(" not in text


def test_everything_from_the_ledger_is_escaped(content):
    found = pages(run(poisoned(content)) | {"suite": EVIL, "created": '"><script>'})
    for text in found.values():
        scripts = [attributes for tag, attributes in parse(text).elements if tag == "script"]
        assert scripts == [{"src": "report.js", "defer": None}]
    assert sum(text.count("&lt;script&gt;") for text in found.values()) > 100


def test_what_is_missing_is_a_dash_and_never_none(content):
    for text in pages(run(content)).values():
        assert "None" not in text
        assert "nan" not in words(text).split()


def test_left_out_problems_say_how_to_get_them(report):
    assert "pip install &#34;zoba-bench[data]&#34;" in (report / "index.html").read_text(encoding="utf-8")


def test_what_is_left_out_is_named_where_it_is_little(content):
    """One reason may stand for two protocols, which were counted as "1 left out"."""
    content["left_out"] = {"P2, P2s": "not declared: inner_hessian"}
    assert "Left out: P2, P2s" in words(pages(run(content))["index.html"])


@pytest.mark.parametrize("seen", ["measured 2 in [1, 3]", "measured 2"])
def test_a_note_does_not_repeat_the_numbers_beside_it(content, seen):
    content["claims"][0]["reason"] = f"{seen}, allowed 1; 13 statements"
    assert Site(content).section(content["claims"][0]["id"]).notes == "13 statements"


def test_the_checks_of_a_certificate_are_a_table_and_of_ones_own_problem_come_first(content):
    checks = [{"name": "start", "ok": True, "kind": "computed", "detail": "z0 (3,)"},
              {"name": "constant mu", "ok": False, "kind": "sampled", "detail": "declared 3, met 1"}]  # fmt: skip
    content["claims"][0]["series"] = {"checks": checks}
    found = pages({**run(content), "suite": "own"})
    assert "What is known of" in words(found["index.html"])
    assert "fails constant μ: declared 3, met 1" in words(found["index.html"])
    assert "What is known of" not in words(pages(run(content))["index.html"])
    page = found[Site(content).section(content["claims"][0]["id"]).page]
    assert "constant μ no sampled declared 3, met 1" in words(page)


def test_a_refused_derivation_is_said(report):
    text = words((report / "solver-hf-zoba.html").read_text(encoding="utf-8"))
    assert "refuses its conclusion: step 'mean' fails" in text


@pytest.mark.parametrize("key", ["left_out", "derivations", "provenance", "protocols", "matrix", "seconds", "level"])
def test_an_empty_part_is_no_obstacle(content, key):
    content[key] = {} if isinstance(content[key], dict) else None
    for text in pages(run(content)).values():
        parse(text)


def test_a_ledger_that_kept_no_titles_is_reported_by_the_protocols_names(content):
    assert "<h1>P1 evaluation counts</h1>" in pages(run(content))["protocol-P1.html"]
    for row in content["claims"]:
        del row["title"], row["summary"]
    assert "<h1>P1 </h1>" in pages(run(content))["protocol-P1.html"]


def test_names_that_differ_in_signs_or_capitals_alone_have_places_of_their_own(content):
    for row, name in zip(content["claims"], ("a/b", "a:b", "A/B"), strict=False):
        row["id"] = f"P1/{name}"
    found = {section for text in pages(run(content)).values() for section in parse(text).ids}
    assert {"P1-a-b", "P1-a-b-2", "P1-A-B-3"} <= found


# The folder.


def test_the_last_run_is_reported_and_pages_of_an_earlier_one_are_removed(ledger, tmp_path, content):
    folder = write_report(ledger, tmp_path).parent
    (folder / "notes.txt").write_text("mine")
    content["claims"] = content["claims"][:1]
    content["provenance"] = {}
    ledger.add_run("later", 8, content)
    assert "--suite later --seed 8" in write_report(ledger, tmp_path).read_text(encoding="utf-8")
    assert not (folder / "protocol-P2b.html").exists()
    assert list((folder / "figures").iterdir()) == []
    assert (folder / "notes.txt").read_text() == "mine"
    assert broken_links(folder) == []


def test_the_same_run_gives_the_same_bytes(report, tmp_path):
    again = write_report(report.parent / "ledger.sqlite", tmp_path).parent

    def read(folder):
        return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    assert read(again) == read(report)


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
    old = {file: file.read_bytes() for file in path.parent.rglob("*") if file.is_file()}

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(ReportError, match="disk full"):
        write_report(ledger, tmp_path)
    assert {file: file.read_bytes() for file in path.parent.rglob("*") if file.is_file()} == old
