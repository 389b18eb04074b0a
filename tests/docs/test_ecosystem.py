"""Every block of "With scipy, pandas, matplotlib and benchopt" runs, and prints what the page says of it."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # each starts processes that import the library

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how_to" / "ecosystem.md").read_text(encoding="utf-8")
SOLVERS = ROOT / "integrations" / "benchopt" / "solvers"
#: What stands before each block, and the block.
PARTS = re.findall(r"(.*?)```python\n(.*?)```", PAGE, flags=re.DOTALL)
BLOCKS = [code for _, code in PARTS]


def needs_benchopt(number: int) -> bool:
    return PARTS[number][0].rstrip().endswith("<!-- needs benchopt -->")


@pytest.fixture
def output(tmp_path):
    """What a block prints, run as a file of its own in an empty folder."""

    def run(word: str) -> list[str]:
        (number,) = [i for i, block in enumerate(BLOCKS) if word in block]
        if needs_benchopt(number) and importlib.util.find_spec("benchopt") is None:
            pytest.skip("the extra benchopt is not installed")
        (tmp_path / "block.py").write_text(BLOCKS[number])
        strict = [] if needs_benchopt(number) else ["-W", "error"]  # benchopt has warnings of its own
        done = subprocess.run(
            [sys.executable, "-P", *strict, "block.py"], capture_output=True, text=True, check=False, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run


WORDS = (
    "hf-zoba-shared", "quad_tracking", "psi.fun_and_jac", "ProcessPoolExecutor", "result.plot()", "plot_rates",
    "copy_to", "run_benchmark",
)  # fmt: skip


def test_every_block_has_a_test():
    assert [sum(word in block for word in WORDS) for block in BLOCKS] == [1] * len(WORDS)


def test_a_result_prints_as_scipys(output):
    names = [line.split(":")[0].strip() for line in output("hf-zoba-shared") if ":" in line]
    assert names[:7] == ["message", "success", "status", "fun", "x", "nit", "nfev"]
    assert "success: True" in " ".join(output("hf-zoba-shared"))


def test_plain_functions_are_minimised(output):
    values, points = output("quad_tracking")
    assert all(float(value) >= 0 for value in values.split())
    numbers = [float(number) for number in re.findall(r"-?\d+\.\d*(?:e-?\d+)?", points)]
    assert max(abs(a - b) for a, b in zip(numbers[:2], numbers[2:], strict=True)) <= 1e-3


def test_scipy_reaches_the_minimum_of_psi(output):
    gap, evaluations = output("psi.fun_and_jac")[0].split()
    assert abs(float(gap)) < 1e-6
    assert int(evaluations) < 100


def test_problems_go_to_a_pool(output):
    (line,) = output("ProcessPoolExecutor")
    assert len(line.split(",")) == 3


def test_a_result_is_a_table_and_a_picture(output, tmp_path):
    lines = output("result.plot()")
    assert lines[0].split() == ["replicate", "status", "nfev", "fun", "x[0]", "x[1]"]
    assert [line.split()[2] for line in lines[1:6]] == ["budget"] * 5
    assert (tmp_path / "run.png").stat().st_size > 10_000


def test_verdicts_are_a_table_and_a_picture(output, tmp_path):
    lines = output("plot_rates")
    assert lines[0].split() == ["id", "predicted", "measured", "lower", "upper", "verdict"]
    assert any("P2b/hf-zoba/d/exponent" in line and line.endswith("consistent") for line in lines)
    assert (tmp_path / "rates.png").stat().st_size > 10_000


def test_solvers_are_copied_into_a_benchmark(output, tmp_path):
    shutil.copytree(ROOT / "tests" / "integrations" / "benchmark", tmp_path / "benchmark_bilevel")
    files = [Path(line) for line in output("copy_to")]
    assert len([file for file in files if file.parent.name == "solvers"]) == len(list(SOLVERS.glob("*.py")))
    assert all((tmp_path / file).is_file() for file in files)


def test_the_page_names_every_method_that_is_copied():
    names = {re.search(r'name = "(.*)"', file.read_text())[1]
             for file in SOLVERS.glob("*.py")}  # fmt: skip
    told = PAGE.partition("ask for values alone: ")[2].partition(".\n")[0]
    assert set(re.split(r",\s+|\s+and\s+", told)) == names


def test_our_benchmark_runs(output):
    lines = output("run_benchmark")
    (head,) = [n for n, line in enumerate(lines) if line.split()[:2] == ["solver_name", "stop_val"]]
    rows = [line.split() for line in lines[head + 1 :]]
    assert {row[1].partition("[")[0] for row in rows} == {"HF-ZOBA", "ZO-penalty"}
    for row in rows:
        assert (int(row[2]) == 0) == (int(row[4]) == 0)
        assert float(row[3]) > 0
