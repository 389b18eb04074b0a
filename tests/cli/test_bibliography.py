"""The papers: known for everything that names one, the same in CITATION.cff, and printed as BibTeX."""

import json
import re
from pathlib import Path

import pytest

from zoba_bench.papers import PAPERS, Paper, bibtex, papers_named
from zoba_bench.registry import card_of, entry, list_problems, list_solvers, list_theorems

from ..verification.command import call

ROOT = Path(__file__).parents[2]


def named():
    """Every text that says where a solver, a problem or a theorem comes from."""
    texts = [entry("solvers", name).__doc__ or "" for name in list_solvers()]
    texts += [card.source for name in list_problems() if (card := card_of(name)) is not None]
    texts += [entry("theorems", name).__doc__ or "" for name in list_theorems()]
    texts.append((ROOT / "docs" / "reference" / "papers.md").read_text(encoding="utf-8"))
    return texts


def test_every_paper_that_is_named_is_known():
    missing = {name for text in named() for name in papers_named(text)} - set(PAPERS)
    assert not missing


def test_every_known_paper_is_named_somewhere():
    assert set(PAPERS) == {name for text in named() for name in papers_named(text)}


def references():
    """The references of CITATION.cff as (arXiv id, title, authors, year)."""
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8").split("references:\n")[1]
    for block in text.split("  - type: article\n")[1:]:
        given = re.findall(r"given-names: (.+)\n\s+family-names: (.+)", block)
        yield (
            re.search(r'value: "arXiv:(.+)"', block)[1], re.search(r'title: "(.+)"', block)[1],
            tuple(f"{first} {last}" for first, last in given), int(re.search(r"year: (\d+)", block)[1]),
        )  # fmt: skip


def test_the_citation_file_has_the_same_papers():
    assert list(references()) == [(p.arxiv, p.title, p.authors, p.year) for p in PAPERS.values()]


def test_the_citation_file_is_of_this_version_of_the_software():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    entries = bibtex([], re.search(r'^version: "(.+)"', text, flags=re.MULTILINE)[1])
    assert re.search(r'^title: "(.+)"', text, flags=re.MULTILINE)[1] in entries
    from zoba_bench import __version__

    assert f"version = {{{__version__}}}" in entries


@pytest.mark.parametrize(
    ("name", "ids"),
    [("zoba", ["2601.21836"]), ("zmdsba", ["2510.03646", "2404.00158"]), ("diabetes_ridge", ["math/0406456"])],
)
def test_info_prints_the_entries(name, ids):
    code, output, errors = call("info", name, "--bibtex")
    assert code == 0, errors
    assert re.findall(r"eprint = \{(.+)\}", output) == ids
    assert "@software{zoba_bench" in output
    assert output.count("{") == output.count("}")
    for paper in map(PAPERS.get, ids):
        assert f"title = {{{{{paper.title}}}}}" in output
    content = json.loads(call("info", name, "--bibtex", "--json")[1])
    assert content["papers"] == ids
    assert content["bibtex"] == output.rstrip("\n")


def test_keys_differ_and_are_plain():
    keys = [paper.key for paper in PAPERS.values()]
    assert len(set(keys)) == len(keys)
    assert all(re.fullmatch(r"[a-z]+\d{4}[a-z]+", key) for key in keys), keys


def test_a_paper_of_a_plug_in_has_what_its_id_says():
    assert "eprint = {2999.12345}" in bibtex(["2999.12345"], "1")


def test_accents_are_written_for_bibtex():
    assert "Dagr{\\'e}ou" in Paper("2201.13409", "A framework", ("Mathieu Dagréou",), 2022).bibtex()
