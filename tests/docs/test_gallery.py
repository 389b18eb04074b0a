"""Every example runs, prints what its page in the gallery says, and draws the picture that stands there."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib.image import imread

pytestmark = pytest.mark.slow  # each starts processes that import the library

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "gallery"
TOOLS = runpy.run_path(str(ROOT / "docs" / "examples_pages.py"))
EXAMPLES = TOOLS["EXAMPLES"]


def test_every_example_is_in_the_gallery():
    assert {path.stem for path in (ROOT / "examples").glob("*.py")} == set(EXAMPLES)


def test_pages_hold_the_present_text_and_code():
    command = [sys.executable, str(ROOT / "docs" / "examples_pages.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_prints_and_draws_what_its_page_shows(name, tmp_path):
    printed = TOOLS["output_of"](name, tmp_path)
    page = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    assert TOOLS["shape"](printed) == TOOLS["shape"](TOOLS["printed"](page))
    assert printed.strip()
    if EXAMPLES[name]:
        drawn, shown = (imread(folder / f"{name}.png") for folder in (tmp_path, ROOT / "docs/figures/examples"))
        assert drawn.shape == shown.shape
        assert drawn.std() > 0.05, "the picture is empty"


def test_another_word_in_the_output_is_seen_and_another_number_is_not():
    shape = TOOLS["shape"]
    assert shape("end at [ 1.0 -2e-3], 7 steps") == shape("end at [1.25  3.], 12 steps")
    assert shape("end at 1") != shape("ends at 1")
    assert shape("violated a/b") != shape("consistent a/b")


def test_an_old_page_is_seen(tmp_path):
    page = (PAGES / "own_functions.md").read_text(encoding="utf-8")
    assert TOOLS["page"]("own_functions", TOOLS["printed"](page)) == page
    assert TOOLS["page"]("own_functions", "another output") != page
