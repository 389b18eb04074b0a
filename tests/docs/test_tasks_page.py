"""The script of the page of tasks: a run of some tasks leaves what the page says of the others."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from zoba_bench.comparison.applications.campaign import run_tasks
from zoba_bench.registry import missing_requirements

DOCS = Path(__file__).parents[2] / "docs"
pytestmark = pytest.mark.skipif(bool(missing_requirements("few_shot")), reason="needs the data")


def sections(text):
    return [line for line in text.splitlines() if line.startswith("## ")]


def test_a_run_of_one_task_is_added_and_replaces_itself(tmp_path):
    for name in ("tasks_table.py", "page_tables.py", "measured/tasks.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(DOCS / name, tmp_path / name)
    page = tmp_path / "measured" / "tasks.md"
    before = page.read_text()
    run_tasks("tasks-small", problems=["few_shot"], solvers=["fom"], out=tmp_path / "results")
    pages = []
    for _ in range(2):
        subprocess.run(
            [sys.executable, str(tmp_path / "tasks_table.py"), str(tmp_path / "results"), "--add"], check=True
        )
        pages.append(page.read_text())
    assert pages[0] == pages[1]
    place = "## The tasks"
    kept, made = sections(before), sections(pages[0])
    assert made == [*kept[: kept.index(place)], "## Small few-shot learning", *kept[kept.index(place) :]]
    after = pages[0].splitlines()
    assert [line for line in before.splitlines() if line not in after] == []
    (words,) = [line for line in after if line.startswith("- Small few-shot learning, derivatives queried, 1 method:")]
    assert "fom ends lowest" in words
    assert "--problem few_shot --solver fom" in pages[0]
