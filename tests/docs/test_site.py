"""The documentation as a whole: links and anchors, contents, public names, pictures, and the site itself."""

from __future__ import annotations

import importlib
import importlib.util
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import zoba_bench as zb

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*(ROOT / n for n in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")), *DOCS.rglob("*.md")])
LINK = re.compile(r"\]\(([^()\s]+)\)")


def name(page):
    return page.relative_to(ROOT).as_posix()


def prose(page: Path) -> str:
    """A page without its blocks of code, in which brackets are no links."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", "code", text)


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub and the site make them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    found: set[str] = set()
    for head in re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE):
        slug = re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-")
        again = sum(1 for other in found if re.fullmatch(rf"{re.escape(slug)}(-\d+)?", other))
        found.add(f"{slug}-{again}" if again else slug)
    return found


def broken(page: Path) -> list[str]:
    """Links of a page to files or headings that are not there."""
    wrong = []
    for link in LINK.findall(prose(page)):
        path, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            wrong.append(link)
    return wrong


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_to_a_file_and_a_heading(page):
    assert broken(page) == []


def test_a_broken_link_or_anchor_is_seen(tmp_path):
    (tmp_path / "b.md").write_text("# One two\n\n## `x` and y's\n\n## One two\n")
    page = tmp_path / "a.md"
    page.write_text(
        "[a](b.md) [b](c.md) [c](b.md#one-two) [d](b.md#three) [e](#here) ![p](p.svg)\n[f](b.md#x-and-ys) "
        "[g](b.md#one-two-1) [h](https://x.org/y)\n```sh\n[i](no.md)\n```\n"
    )
    assert broken(page) == ["c.md", "b.md#three", "#here", "p.svg"]


def test_every_page_is_in_the_contents():
    listed: set[str] = set()
    for index in (DOCS / "index.md", DOCS / "gallery" / "index.md"):
        for tree in re.findall(r"```{toctree}\n(.*?)```", index.read_text(encoding="utf-8"), flags=re.DOTALL):
            for line in tree.splitlines():
                if line and line[0] != ":":
                    listed |= {name(p) for p in index.parent.glob(f"{line}.md")}
    pages = {name(p) for p in DOCS.rglob("*.md") if "_build" not in p.parts} - {"docs/index.md"}
    assert pages == listed


# The reference.

PYTHON = (DOCS / "reference" / "python.md").read_text(encoding="utf-8")
DOCUMENTED = re.findall(r"^\.\. auto(\w+):: ([\w.]+)$", PYTHON, flags=re.MULTILINE)


def test_every_public_name_has_its_entry():
    names = {target.removeprefix("zoba_bench.") for _, target in DOCUMENTED}
    assert set(zb.__all__) - names == {"Problem"}
    assert zb.Problem is zb.BilevelProblem
    assert "`zb.Problem` is `zb.BilevelProblem`" in PYTHON


@pytest.mark.parametrize(("kind", "target"), DOCUMENTED, ids=[target for _, target in DOCUMENTED])
def test_an_entry_of_the_reference_exists_and_says_what_it_is(kind, target):
    if kind == "module":
        found = importlib.import_module(target)
    else:
        module, _, attribute = target.rpartition(".")
        found = getattr(importlib.import_module(module), attribute)
    assert (found.__doc__ or "").strip()


PUBLIC_FUNCTIONS = [t for kind, t in DOCUMENTED if kind == "function" and t.count(".") == 1]


@pytest.mark.parametrize("target", PUBLIC_FUNCTIONS)
def test_a_public_functions_entry_names_every_argument(target):
    import inspect

    function = getattr(zb, target.removeprefix("zoba_bench."))
    named = set(re.findall(r"\*{0,2}(\w+)(?=[,\w* ]*(?: :|\n))", function.__doc__))
    assert set(inspect.signature(function).parameters) - named == set()


# Pictures.

SCHEMATICS = runpy.run_path(str(DOCS / "schematics.py"))


@pytest.mark.parametrize("picture", SCHEMATICS["PICTURES"])
def test_a_drawn_picture_is_what_its_script_makes(picture):
    text = (DOCS / "figures" / f"{picture}.svg").read_text(encoding="utf-8")
    drawn = SCHEMATICS["to_svg"](SCHEMATICS["PICTURES"][picture])
    assert SCHEMATICS["structure"](text) == SCHEMATICS["structure"](drawn), "run: python docs/schematics.py --write"
    assert len(SCHEMATICS["structure"](text)) > 20
    # Its ground is its own, and light: it reads on a dark page.
    assert re.search(r'style="fill: #ffffff"', text)


def test_another_word_or_arrow_in_a_picture_is_seen():
    text = SCHEMATICS["to_svg"](SCHEMATICS["PICTURES"]["verdict"])
    structure = SCHEMATICS["structure"]
    assert "<!-- consistent -->" in text
    assert structure(text.replace("<!-- consistent -->", "<!-- violated -->")) != structure(text)
    without = re.sub(r'<g id="patch_2">.*?</g>', "", text, count=1, flags=re.DOTALL)
    assert without != text
    assert structure(without) != structure(text)


@pytest.mark.parametrize("path", sorted(p.relative_to(DOCS).as_posix() for p in (DOCS / "figures").rglob("*.*")))
def test_every_picture_is_shown_somewhere_with_words_for_those_who_do_not_see_it(path):
    shown = [found for page in PAGES for found in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", page.read_text("utf-8"))
             if found[1].endswith(path)]  # fmt: skip
    assert shown
    assert all(len(words) > 20 for words, _ in shown)


# The site.


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path):
    for needed in ("sphinx", "numpydoc", "myst_parser", "furo"):
        if importlib.util.find_spec(needed) is None:
            pytest.skip(f"{needed} is not installed: pip install '.[docs]'")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-n", str(DOCS), str(tmp_path / "site")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "zoba-bench verify" in (tmp_path / "site" / "reference" / "command_line.html").read_text(encoding="utf-8")
