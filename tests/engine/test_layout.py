"""CONTRIBUTING's picture of the layout against the tree."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("zoba_bench", "problems", "theory", "integrations")


def drawn(text: str) -> set[str]:
    """Folders and files of the picture, by path; a line of several names ends where a word follows."""
    (picture,) = re.findall(r"```text\n(.*?)```", text, flags=re.DOTALL)
    found: set[str] = set()
    above: list[str] = []
    for line in picture.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        del above[depth:]
        for word in line.split():
            if not re.fullmatch(r"\w+/|\w+\.py", word):
                break
            found.add("/".join([*above, word.rstrip("/")]))
        above.append(line.split()[0].rstrip("/"))
    return found


def standing(root: Path) -> set[str]:
    """Folders with sources or documents, and the files of the engine's top level."""
    folders = {folder for package in PACKAGES for folder in [root / package, *(root / package).rglob("*/")]}
    others = ("tests", "benchmarks", "benchmarks/minimize", "docs", "examples")
    folders |= {root / name for name in others}
    folders |= {f for f in (root / "docs").iterdir() if f.name[0] not in "._"}
    kept = {f.relative_to(root).as_posix() for f in folders if f.is_dir() and f.name != "__pycache__"}
    files = {f.relative_to(root).as_posix() for f in (root / "zoba_bench").glob("*.py")}
    return kept | files - {"zoba_bench/__init__.py"}


def test_the_picture_shows_what_exists_and_nothing_else():
    shown, there = drawn((ROOT / "CONTRIBUTING.md").read_text()), standing(ROOT)
    assert there - shown == set(), "exists, and CONTRIBUTING does not show it"
    assert shown - there == set(), "in CONTRIBUTING's picture, and does not exist"


def test_every_folder_of_the_root_is_in_the_picture():
    built = {"build", "dist", "results"}
    folders = {f.name for f in ROOT.iterdir() if f.is_dir() and f.name[0] not in "._"}
    kept = {name for name in folders - built if not name.endswith((".egg-info", "-results"))}
    assert kept - drawn((ROOT / "CONTRIBUTING.md").read_text()) == set()


def test_a_picture_is_read_by_its_indentation():
    picture = "```text\na/      words here\n  b/  c/\n  d.py  a file\n    e/\nf/\n```"
    assert drawn(picture) == {"a", "a/b", "a/c", "a/d.py", "a/d.py/e", "f"}


@pytest.mark.parametrize(
    "folder", sorted(f for f in (ROOT / "zoba_bench").iterdir() if (f / "__init__.py").exists()), ids=lambda f: f.name
)
def test_a_folders_docstring_says_what_its_files_are(folder):
    """Each file or folder below is named in it."""
    text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
    names = [f.stem for f in folder.iterdir() if f.suffix == ".py" or (f / "__init__.py").exists()]
    assert [name for name in sorted(names) if name != "__init__" and not re.search(rf"\b{name}\b", text)] == []
