"""Theory is read as a book: the docstring of every folder is its table of contents."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import zoba_bench.theory

ROOT = Path(zoba_bench.theory.__file__).parent
FOLDERS = sorted(path.parent.relative_to(ROOT).as_posix() for path in ROOT.rglob("__init__.py"))


def contents(folder: Path) -> set[str]:
    """Files and folders of a folder, without its ``__init__``."""
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    return files | {path.parent.name for path in folder.glob("*/__init__.py")}


def named(docstring: str) -> set[str]:
    """What a docstring names as a file: between double backticks, or first in a line of a table."""
    found = re.findall(r"``([a-z_0-9]+)``|^([a-z_0-9]+) {2,}\S", docstring, flags=re.MULTILINE)
    return {one or other for one, other in found}


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file_of_a_folder_is_in_its_table_of_contents(folder):
    docstring = ast.get_docstring(ast.parse((ROOT / folder / "__init__.py").read_text())) or ""
    missing = contents(ROOT / folder) - named(docstring)
    assert not missing, f"{folder}/__init__.py does not say what {sorted(missing)} are"
    gone = named(docstring) - contents(ROOT / folder)
    assert not gone, f"{folder}/__init__.py names {sorted(gone)}, which are not there"


def test_a_file_that_is_not_named_is_seen(tmp_path):
    (tmp_path / "sub").mkdir()
    for name in ("__init__.py", "one.py", "two.py", "sub/__init__.py"):
        (tmp_path / name).write_text("")
    assert contents(tmp_path) - named("``one`` is the first, and ``NAME`` none.") == {"two", "sub"}
    assert contents(tmp_path) - named("In this order:\n\none   the first\nsub   the folder") == {"two"}
