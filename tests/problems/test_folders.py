"""The folders of the catalogue as tables of contents, and the family that CONTRIBUTING shows."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest
import zoba_bench.problems
from zoba_bench.problems.links.curved import poisson_bregman

FOLDERS = [module.name for module in pkgutil.iter_modules(zoba_bench.problems.__path__) if module.ispkg]
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_says_what_each_of_its_files_is(folder):
    package = importlib.import_module(f"zoba_bench.problems.{folder}")
    files = {module.name for module in pkgutil.iter_modules(package.__path__)}
    named = set(re.findall(r"``(\w+)``", package.__doc__))
    assert files <= named, f"{folder}/__init__ does not name {sorted(files - named)}"


def test_the_catalogue_names_its_folders():
    named = set(re.findall(r"``(\w+)``", zoba_bench.problems.__doc__))
    assert set(FOLDERS) <= named


def test_symbols_stand_beside_their_family_and_the_base_knows_none():
    base = Path(importlib.import_module("zoba_bench.problems._base").__path__[0])
    for file in base.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.level < 2, f"{file.name} imports ..{node.module}"
                assert not (node.module or "").startswith("zoba_bench.problems"), f"{file.name}: {node.module}"


def code(source: str) -> str:
    """A function's code, without its docstring."""
    function = ast.parse(source).body[0]
    assert isinstance(function, ast.FunctionDef)
    return ast.unparse([*function.decorator_list, function.args, *function.body[1:]])


def test_contributing_shows_the_shortest_family_as_it_stands():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    shown = re.search(r"```python\n(@family.*?)```", text, re.DOTALL)
    assert shown is not None
    assert code(shown[1]) == code(inspect.getsource(inspect.unwrap(poisson_bregman)))
