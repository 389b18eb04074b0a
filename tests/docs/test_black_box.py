"""The worked examples of "My black-box problem" run, and print what the page says of them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "how_to" / "black_box.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


def run(block: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-P", "-W", "error", "-c", block], capture_output=True, text=True, check=False, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def outputs(tmp_path):
    return lambda number: run(BLOCKS[number], tmp_path)


def test_there_are_four_examples():
    assert len(BLOCKS) == 4


def test_the_vectorised_example_prints_a_result_and_draws_it(outputs, tmp_path):
    printed = outputs(0)
    assert {"message", "success", "fun", "jac", "nfev"} <= {line.split(":")[0].strip() for line in printed.splitlines()}
    assert (tmp_path / "run.png").stat().st_size > 10_000
    said = dict(line.split(":", 1) for line in map(str.strip, printed.splitlines()) if ":" in line)
    assert said["success"].strip() == "True", "the page says that it converges"
    assert "4 of 4 variables at a bound" in said["message"]
    assert 700 <= int(said["nfev"]) <= 1100, "the page says about 900 evaluations"


def test_without_its_bounds_the_run_names_what_flattens(tmp_path):
    printed = run(BLOCKS[0].replace("bounds=[(-6, 6)] * 4", "maxfev=8000"), tmp_path)
    assert "success: False" in printed
    assert "curvature along some x, mostly x[" in printed
    assert "inf" in printed.split("error_bound")[1].splitlines()[0]


def test_the_expensive_example_is_cut_and_resumed(outputs):
    first, second = outputs(1).splitlines()
    assert "the budget is used up" in first
    evaluations, resumed = map(int, second.split()[-2:])
    # The last steps before a limit need not be those of a run that goes on.
    assert 40 <= resumed <= int(first.split()[-1]) <= 60 < evaluations <= 600


def test_the_bounded_example_ends_where_the_page_says(outputs):
    numbers, message = outputs(2).splitlines()
    x, jac = (list(map(float, part.split())) for part in re.findall(r"\[(.*?)\]", numbers))
    assert x == pytest.approx([0.5, 10 / 11], abs=1e-3)
    assert jac == pytest.approx([-0.9, 0.0], abs=1e-3)
    assert "1 of 2 variables at a bound" in message


def test_the_noisy_example_says_that_it_is_noisy(outputs):
    status, x = outputs(3).splitlines()
    error = max(abs(float(number) - 0.5) for number in x.strip("[]").split())
    assert status.split()[1] == str(status.split()[0] == "0")
    assert error <= 1e-2 or "False" in status, "CONVERGED and wrong"
