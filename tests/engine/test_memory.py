"""Sizes of memory as text, and a limit of a process."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import zoba_bench as zb
from zoba_bench.memory import check_memory, shown


@pytest.mark.parametrize(
    ("text", "size"),
    [(1000, 1000), (1e9, 10**9), ("1G", 10**9), ("1 GB", 10**9), ("1GiB", 2**30), ("500M", 5 * 10**8), ("64k", 64_000),
     ("1.5g", 15 * 10**8), ("2e9", 2 * 10**9), ("3 TiB", 3 * 2**40), ("77", 77)],
)  # fmt: skip
def test_sizes_are_read(text, size):
    assert check_memory("max_memory", text) == size


@pytest.mark.parametrize("value", ["", "much", "1X", "-1", "0", "1 2", ".5G", "1e400", 0, -5, True, None, float("nan")])
def test_what_is_no_size_is_refused_with_the_way_out(value):
    with pytest.raises(ValueError, match="max_memory must be a number of bytes, or text such as '500M' or '2GiB'"):
        check_memory("max_memory", value)


@pytest.mark.parametrize(
    ("size", "text"), [(7, "7 B"), (999, "999 B"), (1000, "1 kB"), (1.6e9, "1.6 GB"), (3e14, "300 TB")]
)
def test_sizes_are_shown(size, text):
    assert shown(size) == text


LARGE = """
import resource
import numpy as np
import zoba_bench as zb
problem = zb.load_problem("reference", {n}, {n})
found = zb.solve(problem, "{solver}", max_iterations=1, l1={l1}, l2=1, record_every=None, seed=0, max_memory="1G")
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(peak, int(found.n_inner[0]), bool(np.isfinite(found.x).all()))
"""


def large_run(n, l1, solver):
    code = LARGE.format(n=n, l1=l1, solver=solver)
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    peak, inner, finite = done.stdout.split()
    return int(peak), int(inner), finite == "True"


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["hf-zoba"])
def test_memory_does_not_grow_with_the_number_of_directions(solver):
    """40,000 directions more are 160 MB in each array of all of them, of which there are up to a dozen."""
    few, _, _ = large_run(500, 10_000, solver)
    peak, inner, finite = large_run(500, 50_000, solver)
    assert finite
    assert inner == 4 * 50_000 + 2
    assert peak - few < 160e6


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["zoba", "zoba-mixed", "hf-zoba"])
def test_2000_variables_and_100_000_directions_run_in_a_gigabyte(solver):
    """One array of all directions would be 1.6 GB."""
    peak, inner, finite = large_run(2000, 100_000, solver)
    assert finite
    assert inner == {"zoba": 4, "zoba-mixed": 6, "hf-zoba": 4}[solver] * 100_000 + (2 if solver == "hf-zoba" else 1)
    assert peak < 1e9


def test_the_command_refuses_what_does_not_fit():
    done = subprocess.run(
        [sys.executable, "-P", "-c", "from zoba_bench.cli import main; main()", "solve", "reference", "--p", "50",
         "--d", "50", "--set", "l1=100000", "--max-iterations", "1", "--max-memory", "20M"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "max_memory=20000000 (20 MB) is below what an iteration of hf-zoba allocates" in done.stderr
    assert np.isfinite(zb.solve("reference", max_iterations=1).x).all()
