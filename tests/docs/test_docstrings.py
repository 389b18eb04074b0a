"""Examples in docstrings say what Python prints."""

from __future__ import annotations

import doctest
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {"zoba_bench": "zoba_bench", "problems": "zoba_bench.problems", "theory": "zoba_bench.theory"}


def modules():
    """Modules of the three packages with an example in them."""
    for folder, package in PACKAGES.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            if re.search(r"^\s*>>> ", path.read_text(encoding="utf-8"), flags=re.MULTILINE):
                parts = path.relative_to(ROOT / folder).with_suffix("").parts
                yield ".".join([package, *(part for part in parts if part != "__init__")])


@pytest.mark.parametrize("module", list(modules()))
def test_examples_print_what_they_say(module):
    found = doctest.testmod(importlib.import_module(module))
    assert found.attempted
    assert not found.failed
