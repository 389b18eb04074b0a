"""What `solve` prints of the end of a run, and its exit code for every way in which a run can end."""

import json
import re
import warnings

import numpy as np
import pytest

import zoba_bench as zb
from zoba_bench.cli import outcome
from zoba_bench.cli.solving import REGULAR
from zoba_bench.result import Result, Status

from ..verification.command import call

OWN = """
import numpy as np


class Bowl:
    p, d = 2, 2

    def inner(self, z, x):
        return 0.5 * np.sum((z - x) ** 2, axis=-1)

    def outer(self, z, x):
        return 0.5 * np.sum((z - 3.0) ** 2, axis=-1)


class Torn(Bowl):
    def outer(self, z, x):
        return np.where(np.arange(z[..., 0].size).reshape(z[..., 0].shape) >= 0, np.nan, 0.0)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(OWN)


def test_one_run_prints_all_that_is_known():
    code, output, errors = call("solve", "reference", "--max-iterations", 40, "--set", "l1=8")
    assert code == 0, errors
    result = zb.solve("reference", "hf-zoba", max_iterations=40, l1=8, seed=0)
    problem = zb.load_problem("reference")
    for number in (*result.x[0], *result.z[0], problem.value(result.x)[0], result.travelled[0]):
        assert f"{number:.6g}" in output
    assert f"{np.linalg.norm(problem.hypergradient(result.x)[0]):.6g}" in output
    for word in ("x ", "z ", "Psi", "|grad Psi|", "at the start", "|x - x0|", "what to change", "max_iterations"):
        assert word in output
    assert f"{result.n_inner[0]} inner, {result.n_outer[0]} outer, in 40 iterations" in output


def test_a_problem_of_ones_own_says_what_stands_in_for_what_is_not_known():
    code, output, _ = call("solve", "--problem", "own.py:Bowl", "--max-iterations", 20)
    assert code == 0
    assert "F(z, x)" in output
    assert "estimate of |grad Psi|" in output
    assert "the default steps" in " ".join(output.split())  # they left most of the way: what to change


def test_several_runs_are_rows():
    code, output, _ = call("solve", "reference", "--max-iterations", 5, "--replicates", 12)
    assert code == 0
    assert "replicate" in output
    assert "and 2 more; --json prints all" in output
    assert "x of replicate 0" in output
    code, output, _ = call("solve", "reference", "--max-iterations", 5, "--replicates", 12, "--json")
    content = json.loads(output)
    assert len(content["psi"]) == len(content["hypergradient_norm"]) == len(content["travelled"]) == 12


def test_long_vectors_are_cut_and_say_so():
    output = call("solve", "quad_general", "--p", 30, "--d", 3, "--max-iterations", 2)[1]
    assert "30 components; --json prints all" in " ".join(output.split())


def test_a_diverged_run_is_exit_code_1_and_says_what_to_lower():
    arguments = ("--max-iterations", 400, "--set", "rho=50", "--set", "schedule=constant")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        code, output, errors = call("solve", "reference", *arguments)
        content = json.loads(call("solve", "reference", *arguments, "--json")[1])
    assert code == 1, errors
    assert content["status"] == ["diverged"]
    assert "diverged in iteration" in output
    assert "lower rho and gamma" in output
    assert errors.count("zoba-bench: warning:") == errors.count("\n")  # of the steps, in a line each
    assert ".py" not in errors


def test_a_run_that_met_nan_is_exit_code_1_and_says_where():
    code, output, _ = call("solve", "--problem", "own.py:Torn", "--max-iterations", 5)
    assert code == 1
    assert "outer returned NaN" in output


def test_a_tolerance_that_is_met_is_exit_code_0():
    code, output, _ = call("solve", "reference", "--max-iterations", 5, "--tolerance", 1e9)
    assert code == 0
    assert "converged" in output
    assert "what to change" not in output


@pytest.mark.parametrize("status", list(Status))
def test_every_status_has_its_exit_code(status, monkeypatch):
    ends = {Status.CONVERGED: 0, Status.MAX_ITERATIONS: 0, Status.BUDGET: 0}
    real = zb.solve("reference", max_iterations=2, replicates=2)
    ended = np.array([int(Status.BUDGET), int(status)])  # one bad replicate is enough

    def solve(*arguments, **options):
        messages = [Status.BUDGET.message, status.message]
        return Result(**{**vars(real), "status": ended, "message": messages})

    monkeypatch.setattr("zoba_bench.api.solve", solve)
    code, output, _ = call("solve", "reference", "--replicates", 2)
    assert code == ends.get(status, 1)
    assert status.label in output
    assert (status.label in REGULAR) == (code == 0)
    if code:
        assert status.message in " ".join(output.split())


def test_where_it_did_not_come_far_the_next_step_is_named():
    problem = zb.load_problem("reference")
    assert "is still" in outcome.advice_on(problem, zb.solve(problem, max_iterations=3))
    steps = {"schedule": "constant", "rho": 0.2, "l1": 16}
    falling = zb.solve(problem, "hf-zoba-shared", budget=20_000, gamma=0.01, **steps)
    assert re.search(r"still falls, to 0\.\d+ .* give a larger --budget$", outcome.advice_on(problem, falling))
    done = zb.solve(problem, "hf-zoba-shared", budget=100_000, gamma=0.1, **steps)
    assert outcome.advice_on(problem, done) == ""
    noisy = zb.solve(problem, "hf-zoba-shared", budget=100_000, schedule="constant", rho=0.5, gamma=0.2, l1=4, h=0.05)
    assert "no longer falls" in outcome.advice_on(problem, noisy)


@pytest.mark.parametrize("status", [Status.BUDGET, Status.MAX_ITERATIONS])
def test_how_a_run_ended_is_no_advice(status):
    """Printed was "what to change: the next iteration would exceed the evaluation budget"."""
    problem = zb.load_problem("reference")
    limits = {"budget": 2000} if status == Status.BUDGET else {"max_iterations": 400}
    result = zb.solve(problem, "hf-zoba-shared", l1=16, rho=0.3, schedule="constant", **limits)
    assert set(result.status) == {status}
    assert status.message not in outcome.advice_on(problem, result)
